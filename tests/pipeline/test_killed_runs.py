"""A run killed with -9 leaves what was published, and the next `strata run` starts at once and finishes the work."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from shop_runs import SECOND_AS_OF, Shop, wait_until

# What the run's log says twice just before the kill. Other moments are tests/faults/whole_runs.py's.
MODEL_BUILT = "- classification - built "


def dbt_processes_of(pid: int) -> list[int]:
    """Processes of dbt that `pid` or a process of dbt below it started and that still run, each before its own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            words = stat.with_name("cmdline").read_text()
        except OSError:
            continue
        # Python's own resource tracker ends by itself.
        if int(fields[1]) == pid and fields[0] not in "ZX" and "strata-dbt" in words:
            child = int(stat.parent.name)
            found += [child, *dbt_processes_of(child)]
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill_in_the_middle_of_dbt(shop: Shop) -> None:
    """Start a run of the second day and kill it; what dbt has running dies with it."""
    with shop.started("run", "--as-of", str(SECOND_AS_OF), STRATA_WAREHOUSE_WAIT_SECONDS="5") as process:
        logs_before = set((shop.data / "logs").glob("*.log"))
        wait_until(lambda: process.poll() is not None or set((shop.data / "logs").glob("*.log")) != logs_before)
        wait_until(lambda: process.poll() is not None or shop.newest_log().count(MODEL_BUILT) > 1)
        assert process.poll() is None, "the run was over before it could be killed"
        of_dbt = dbt_processes_of(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        # One has parsed and serves; an invocation is a fork of it.
        assert len(of_dbt) == 2
        wait_until(lambda: not any(is_running(pid) for pid in of_dbt), seconds=5)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for children in /proc")
def test_a_killed_run_leaves_what_was_published_and_is_made_good_by_the_next(shop: Shop, second_day: Shop) -> None:
    published, served = shop.published(), shop.served()
    kill_in_the_middle_of_dbt(shop)
    assert shop.published() == published, "readers have what was published before"
    assert shop.served() == served

    output = shop.strata("run", "--as-of", str(SECOND_AS_OF), STRATA_WAREHOUSE_WAIT_SECONDS="5")
    assert "was killed; marked as failed" in output
    assert "waiting" not in output, "it starts at once"
    assert shop.published() == second_day.published()
    assert shop.served() == second_day.served()
    assert shop.lists() == second_day.lists()
    leftovers = [path for path in (shop.data / "published").rglob("*") if "unfinished" in path.name]
    assert not leftovers
