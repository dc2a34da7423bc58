"""Whole runs of the command line, killed at a random share of their time; the next run must end as if undisturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from killing import TRIES, Fault
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop, wait_until
from tiny_shop import build_tiny_shop
from watched_run import Reader

WAIT = {"STRATA_WAREHOUSE_WAIT_SECONDS": "5"}


def kill_whole_runs(numbers: Sequence[int], workspace: Path, done: Callable[[Fault], None]) -> None:
    """Kill the second day's run of a shop once for each of `numbers`, and let the next one make it good."""
    shop = Shop(*build_tiny_shop(workspace / "run-base"))
    shop.strata("run", "--as-of", str(FIRST_AS_OF))
    calm = shop.copied_to(workspace / "run-undisturbed")
    began = time.monotonic()
    calm.strata("run", "--as-of", str(SECOND_AS_OF))
    seconds = time.monotonic() - began
    versions = [state(shop)["days"], state(calm)["days"]]
    for number in numbers:
        share = random.Random(f"run {number}").random()  # noqa: S311  a fault is no secret
        for _ in range(TRIES):
            try:
                fault = _killed(shop.copied_to(workspace / "run"), number, share, seconds, state(calm), versions)
            finally:
                shutil.rmtree(workspace / "run", ignore_errors=True)
            if fault.was_killed:
                break
            share /= 2  # it was quicker this time
        done(fault)


def state(shop: Shop) -> dict[str, object]:
    return {
        "tables": shop.published(),
        "serving copy": shop.served(),
        "lists": shop.lists(),
        "days": Reader(shop).look(),
    }


def _killed(
    shop: Shop, number: int, share: float, seconds: float, expected: dict[str, object], versions: list[object]
) -> Fault:
    moment = f"{share:.0%} of the time"
    reader = Reader(shop)
    reader.start()
    try:
        with shop.started("run", "--as-of", str(SECOND_AS_OF), **WAIT) as process:
            try:
                process.wait(share * seconds)
            except subprocess.TimeoutExpired:
                children = _children_of(process.pid)
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            else:
                return Fault("run", number, moment, was_killed=False, problem="")
        try:
            wait_until(lambda: not any(_is_dbt(child) for child in children), seconds=5)
            shop.strata("run", "--as-of", str(SECOND_AS_OF), **WAIT)
            found = state(shop)
            others = [name for name in expected if found[name] != expected[name]]
            assert not others, f"other than undisturbed: {others}"
            unfinished = [path.name for path in (shop.data / "published").rglob("*") if "unfinished" in path.name]
            assert not unfinished, f"left over: {unfinished}"
        finally:
            reader.end()
        assert not reader.faults, reader.faults[:3]
        assert reader.seen <= set(versions), "a reader saw half a version"
    except AssertionError as error:
        return Fault("run", number, moment, was_killed=True, problem=str(error)[-1000:] or "assertion")
    finally:
        reader.end()
    return Fault("run", number, moment, was_killed=True, problem="")


def _children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(stat.parent.name)
            found += [child, *_children_of(child)]
    return found


def _is_dbt(pid: int) -> bool:
    try:
        is_alive = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        return is_alive and "strata-dbt" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
