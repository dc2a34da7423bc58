"""A dbt child never outlives the process that started it, and is dbt in every other way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_project.forking import split_parent
from dagster_project.settings import load_settings
from dagster_project.settings.children import process_environment
from dagster_project.warehouse.dbt_child import BEGINS_WITH, inject_by_first_word
from dagster_project.warehouse.dbt_manifest import dbt_executable
from dagster_project.warehouse.processes import this_process

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent death signal is Linux's own")

# Stands for a run: starts a child that ties itself to it, says its id, and waits.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(600)
"""
CHILD = """
import os, time
from dagster_project.forking import die_with_parent
die_with_parent(os.getppid())
open({ready!r}, "w").close()
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition: object, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def without_blanks(query: str) -> str:
    return "".join(query.split())


@linux_only
def test_a_killed_parent_takes_its_child_with_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD.format(ready=str(ready))], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert wait_until(ready.exists)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: not is_running(child)), "the child lives on"


@linux_only
def test_a_child_whose_parent_was_gone_before_it_began_ends_at_once() -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    done = subprocess.run(
        [str(dbt_executable()), f"--parent-pid={int(gone.stdout)}", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_the_parent_is_taken_out_of_what_dbt_is_told() -> None:
    assert split_parent(["--parent-pid=42", "build", "--select", "x"]) == (42, ["build", "--select", "x"])


def test_without_a_named_parent_it_is_who_started_the_child() -> None:
    assert split_parent(["build"]) == (os.getppid(), ["build"])


def test_it_is_dbt() -> None:
    done = subprocess.run([str(dbt_executable()), "build", "--help"], capture_output=True, text=True, check=True)
    assert "--exclude-resource-type" in done.stdout


def test_what_is_parsed_is_kept_when_the_data_folder_moves(parsed_project: Path, tmp_path: Path) -> None:
    """dbt's own rule is to parse all of it anew, and to say so."""
    target = tmp_path / "elsewhere" / "dbt" / "target"
    shutil.copytree(parsed_project / "target", target)
    settings = load_settings(parsed_project.parents[1] / "config", tmp_path / "elsewhere")
    done = subprocess.run(
        [str(dbt_executable()), "parse", "--target-path", str(target), "--log-path", str(target)],
        cwd=settings.paths.dbt_project,
        env=process_environment(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Running with dbt" in done.stdout
    assert "Unable to do partial parsing" not in done.stdout


@pytest.mark.parametrize(
    "query",
    [
        "with a as (select 1) select * from a",
        "\n-- with b as (select 2)\n/* with **/ /* c */ WITH a as (select 1)\nselect * from a",
        "with recursive a as (select 1) select * from a",
        "select 1 as with_tax",
        "-- with a as (select 1)\nselect 'with'",
    ],
)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_rows_of_a_unit_test_stand_where_dbt_puts_them(query: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbt import compilation
    from dbt.artifacts.resources.v1.components import InjectedCTE

    ctes = [InjectedCTE(f"cte_{number}", f"cte_{number} as (select {number})") for number in range(count)]
    of_dbt = compilation.inject_ctes_into_sql(query, ctes)
    monkeypatch.setattr(compilation, "inject_ctes_into_sql", compilation.inject_ctes_into_sql)
    inject_by_first_word()
    assert without_blanks(compilation.inject_ctes_into_sql(query, ctes)) == without_blanks(of_dbt)


def test_a_query_with_many_remarks_is_looked_at_once() -> None:
    assert BEGINS_WITH.match("/* a */ -- b\n" * 10_000 + "select 1") is None


def test_a_process_mark_tells_the_living_from_the_dead_and_from_who_got_their_number() -> None:
    mine = this_process()
    assert mine.is_alive()
    assert type(mine).from_tags(mine.tags()) == mine
    assert type(mine).from_tags({}) is None
    assert not type(mine)(mine.pid, "1", mine.boot_id).is_alive(), "same number, began at another time"
    assert not type(mine)(mine.pid, mine.began, "another boot").is_alive()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    program = "from dagster_project.warehouse.processes import _began; import sys; print(_began(int(sys.argv[1])))"
    began = subprocess.run(
        [sys.executable, "-c", program, str(child.pid)], capture_output=True, text=True, check=True
    ).stdout.strip()
    mark = type(mine)(child.pid, began, mine.boot_id)
    assert mark.is_alive()
    child.kill()
    child.wait()
    assert not mark.is_alive()
