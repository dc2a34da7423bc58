"""One process at a time has the warehouse; the next waits, says for whom, and gives up in time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse import WarehouseDamaged, WarehouseHeld, held, opened, turn

HOLD_AND_SLEEP = """
import sys, time
from pathlib import Path
from dagster_project.warehouse import held
with held(Path(sys.argv[1]), who="a long backfill", wait_seconds=5):
    print("holding", flush=True)
    time.sleep(600)
"""
HAVE_A_TURN = """
import sys, time
from pathlib import Path
from dagster_project.warehouse import turn
with turn(Path(sys.argv[1]), who="a long backfill", wait_seconds=5):
    print("holding", flush=True)
    time.sleep(600)
"""
OPEN_WITHOUT_LOCK = """
import sys, time, duckdb
con = duckdb.connect(sys.argv[1])
print("holding", flush=True)
time.sleep(600)
"""


@contextmanager
def holder(program: str, warehouse: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the warehouse until the block ends."""
    process = subprocess.Popen([sys.executable, "-c", program, str(warehouse)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse" / "strata.duckdb"


def test_opening_creates_the_file_and_closes_it_also_after_an_error(warehouse: Path) -> None:
    def fail_after_writing() -> None:
        with opened(warehouse, who="test", wait_seconds=1) as con:
            con.execute("create table kept as select 1 as x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    with duckdb.connect(warehouse) as con:
        assert con.execute("select x from kept").fetchall() == [(1,)]


def test_the_session_is_in_utc(warehouse: Path) -> None:
    with opened(warehouse, who="test", wait_seconds=1) as con:
        assert con.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_duckdb_spills_where_the_limit_on_its_memory_is_reached(warehouse: Path) -> None:
    """64 million hashes are 512 MB, more than the limit holds."""
    with held(warehouse, who="test", wait_seconds=1, memory_limit="100MB") as free, free.connection() as con:
        con.execute("create temporary table many as select hash(range) as h from range(64_000_000)")
        [(spilled,)] = con.execute("select sum(size) from duckdb_temporary_files()").fetchall()
        [(used,)] = con.execute("select sum(memory_usage_bytes) from duckdb_memory()").fetchall()
    assert spilled > 100_000_000
    assert used <= 100_000_000


def test_who_waits_says_for_whom_and_gives_up(warehouse: Path) -> None:
    said: list[str] = []
    with holder(HOLD_AND_SLEEP, warehouse) as process:
        began = time.monotonic()
        with (
            pytest.raises(WarehouseHeld, match="waited 1 s") as refused,
            opened(warehouse, who="test", wait_seconds=1, progress=said.append),
        ):
            pytest.fail("opened a held warehouse")
        assert 1 <= time.monotonic() - began < 3
        for text in (said[0], str(refused.value)):
            assert f"process {process.pid} (a long backfill, since 2" in text
    assert len(said) == 1, "said once, not at every look"


def test_a_holder_is_named_by_its_own_words_whoever_held_it_before(warehouse: Path) -> None:
    for doing in ("something that is told of in many words", "less"):
        with (
            held(warehouse, who=doing, wait_seconds=1),
            pytest.raises(WarehouseHeld, match=rf"process {os.getpid()} \({doing}, since 2"),
            opened(warehouse, who="test", wait_seconds=0),
        ):
            pytest.fail("opened a held warehouse")


def test_a_holder_that_knows_no_lock_is_waited_for_and_named_too(warehouse: Path) -> None:
    warehouse.parent.mkdir()
    said: list[str] = []
    with (
        holder(OPEN_WITHOUT_LOCK, warehouse) as process,
        pytest.raises(WarehouseHeld),
        held(warehouse, who="test", wait_seconds=0.5, progress=said.append),
    ):
        pytest.fail("held an open warehouse")
    assert re.search(rf"process {process.pid} \(.*python.*", said[0])


def test_a_killed_holder_lets_go_at_once(warehouse: Path) -> None:
    with holder(HOLD_AND_SLEEP, warehouse) as process:
        process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        with opened(warehouse, who="test", wait_seconds=5):
            pass
        assert time.monotonic() - began < 2


def test_a_run_has_its_turn_from_step_to_step_and_who_waits_for_it_says_so(warehouse: Path) -> None:
    said: list[str] = []
    with (
        holder(HAVE_A_TURN, warehouse) as process,
        pytest.raises(WarehouseHeld, match="waited 1 s"),
        turn(warehouse, who="test", wait_seconds=1, progress=said.append),
    ):
        pytest.fail("had a turn in that of another")
    assert f"waiting for the warehouse, held by process {process.pid} (a long backfill, since 2" in said[0]


def test_the_turn_of_a_killed_run_is_over_at_once(warehouse: Path) -> None:
    with holder(HAVE_A_TURN, warehouse) as process:
        process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        with turn(warehouse, who="test", wait_seconds=5):
            pass
        assert time.monotonic() - began < 2


def test_who_only_looks_waits_for_no_turn(warehouse: Path) -> None:
    with holder(HAVE_A_TURN, warehouse), opened(warehouse, who="test", wait_seconds=0) as con:
        assert con.execute("select 1").fetchall() == [(1,)]


def test_what_waits_goes_on_when_the_holder_is_done(warehouse: Path) -> None:
    said: list[str] = []
    with holder(HOLD_AND_SLEEP, warehouse) as process:

        def end_holder(text: str) -> None:
            said.append(text)
            process.kill()

        with opened(warehouse, who="test", wait_seconds=10, progress=end_holder) as con:
            assert con.execute("select 1").fetchall() == [(1,)]
    assert len(said) == 1


def test_a_child_may_open_what_its_parent_holds(warehouse: Path) -> None:
    program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table by_child as select 2 as x')"
    with held(warehouse, who="test", wait_seconds=1) as holding:
        subprocess.run([sys.executable, "-c", program, str(warehouse)], check=True)
        with holding.connection() as con:
            assert con.execute("select x from by_child").fetchall() == [(2,)]


def test_the_lock_is_readable_by_its_owner_alone(warehouse: Path) -> None:
    with held(warehouse, who="test", wait_seconds=1):
        mode = warehouse.with_name("strata.duckdb.lock").stat().st_mode
    assert mode & 0o077 == 0, oct(mode)


def test_nobody_else_reaches_the_warehouse_file(warehouse: Path) -> None:
    with opened(warehouse, who="test", wait_seconds=1):
        mode = warehouse.parent.stat().st_mode
    assert mode & 0o077 == 0, oct(mode)


def test_a_broken_file_is_no_holder(warehouse: Path) -> None:
    warehouse.parent.mkdir()
    warehouse.write_bytes(os.urandom(8192))
    with pytest.raises(WarehouseDamaged), opened(warehouse, who="test", wait_seconds=60):
        pytest.fail("opened a broken file")
