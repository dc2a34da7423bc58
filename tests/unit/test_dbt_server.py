"""Invocations of dbt are forks of one that has started: each its own process, none of which outlives who asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from shop_runs import wait_until

from dagster_project.forking import PARENT_OPTION
from dagster_project.warehouse import dbt_server
from dagster_project.warehouse.dbt_manifest import dbt_executable

PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "shop: {target: it, outputs: {it: {type: duckdb, path: shop.duckdb}}}\n",
    "macros/all.sql": """
{% macro say(word) %} {% do log("said " ~ word, info=True) %} {% endmacro %}
{% macro fail() %}
    {% do run_query("create or replace table kept as select 1") %} {% do adapter.commit() %}
    {% do run_query("select 1 / cast('word' as integer)") %}
{% endmacro %}
""",
    "models/slow.sql": """
{{ config(materialized="table") }} {% if execute %} {% do log("waiting", info=True) %} {% endif %}
select sum(a.range * b.range) as total from range(10000000) as a, range(10000000) as b
""",
}
# Stands for a run: asks for an invocation that lasts, and says its own server's and the invocation's process id.
RUN = """
import os, sys
from dagster_project.warehouse import dbt_server
words = [sys.argv[1], f"--parent-pid={os.getpid()}", "run"]
fork = dbt_server.start(words, env=dict(os.environ), cwd=os.getcwd())
while b"waiting" not in fork.stdout.readline():
    pass
print(dbt_server._servers[0]._process.pid, fork.pid, flush=True)
fork.wait()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    yield folder
    dbt_server._end()


def asked(folder: Path, *words: str) -> Any:
    args = [str(dbt_executable()), f"{PARENT_OPTION}{os.getpid()}", *words]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return dbt_server.start(args, env=dict(os.environ), cwd=folder, **options)


def test_each_invocation_has_its_own_process_output_and_exit_code(folder: Path) -> None:
    first = asked(folder, "run-operation", "say", "--args", "{word: one}")
    assert b"said one" in first.stdout.read()
    assert first.wait() == 0
    second = asked(folder, "run-operation", "fail")
    said = second.stdout.read()
    assert b"Could not convert string 'word'" in said or b"Conversion Error" in said
    assert b"said one" not in said
    assert second.wait() == 1
    assert first.pid != second.pid
    assert len(dbt_server._servers) == 1
    assert (folder / "shop.duckdb").exists()
    assert not (folder / "shop.duckdb.wal").exists(), "it closes the warehouse also when it fails"


def processor_seconds(pid: int) -> float:
    """What the process has used of its processors: fields 14 and 15 of proc(5)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in after_name[11:13]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc to know that the query has begun")
def test_an_interrupted_invocation_ends_and_the_next_one_is_served(folder: Path) -> None:
    waiting = asked(folder, "run")
    while b"waiting" not in waiting.stdout.readline():
        pass
    server = dbt_server._servers[0]
    # dbt cancels the queries that run: what it is interrupted just before runs to its end.
    began = processor_seconds(waiting.pid)
    wait_until(lambda: processor_seconds(waiting.pid) > began + 2, every=0.05)
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(timeout=60) != 0
    assert b"said two" in asked(folder, "run-operation", "say", "--args", "{word: two}").stdout.read()
    assert dbt_server._servers == [server]


def test_without_its_server_an_invocation_is_a_process_of_its_own(folder: Path) -> None:
    asked(folder, "run-operation", "say", "--args", "{word: here}").wait()
    os.kill(dbt_server._servers[0]._process.pid, signal.SIGKILL)
    alone = asked(folder, "run-operation", "say", "--args", "{word: three}")
    assert b"said three" in alone.stdout.read()
    assert alone.wait() == 0


def test_a_project_that_cannot_be_parsed_is_said_and_does_not_hang(tmp_path: Path) -> None:
    for name, text in {
        **PROJECT,
        "models/orders.sql": "select {{ amount( }}",
        "models/orders.yml": "models: 1",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    broken = asked(tmp_path, "run-operation", "say", "--args", "{word: four}")
    timer = Timer(120, os.kill, [broken.pid, signal.SIGKILL])
    timer.start()
    said = broken.stdout.read()
    timer.cancel()
    assert broken.wait() == 2
    assert b"orders" in said
    assert b"said four" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent death signal is Linux's own")
def test_a_killed_run_takes_server_and_invocation_with_it(folder: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(dbt_executable())], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    pids = [int(word) for word in run.stdout.readline().split()]
    assert len(pids) == 2
    run.kill()
    run.wait()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, "they live on"
        time.sleep(0.02)
