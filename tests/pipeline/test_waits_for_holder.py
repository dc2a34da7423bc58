"""A run that finds the warehouse held by another process waits, says for whom, and goes on or gives up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from shop_runs import SECOND_AS_OF, Shop, wait_until

HOLD = """
import sys, time
from pathlib import Path
from dagster_project.warehouse import held
with held(Path(sys.argv[1]), who="a long backfill", wait_seconds=5):
    print("holding", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(shop: Shop) -> Iterator[subprocess.Popen[str]]:
    """A process that has the shop's warehouse."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(shop.settings.paths.warehouse)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()


def test_it_says_for_whom_it_waits_and_goes_on_when_it_may(shop: Shop, holder: subprocess.Popen[str]) -> None:
    with shop.started("run", "--as-of", str(SECOND_AS_OF)) as process:
        wait_until(lambda: "waiting for the warehouse" in shop.newest_log())
        holder.kill()
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    said = f"waiting for the warehouse, held by process {holder.pid} (a long backfill, since"
    assert said in " ".join(output.split())
    assert any(f"as_of_date={SECOND_AS_OF}" in table for table in shop.published())


def test_it_gives_up_in_time_and_names_the_holder(shop: Shop, holder: subprocess.Popen[str]) -> None:
    published = shop.published()
    output = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1, STRATA_WAREHOUSE_WAIT_SECONDS="2")
    words = " ".join(output.split())
    assert f"is held by process {holder.pid} (a long backfill" in words
    assert "waited 2 s. Let that process finish, or end it, then start again." in words
    assert "Traceback" not in output
    assert shop.published() == published
