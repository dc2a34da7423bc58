"""`strata dev` serves the graph on Dagster's page, and does what is started there."""

from __future__ import annotations

from pathlib import Path

from dagster_page import Page, free_port, running, waited
from shop_runs import STRATA, Shop


def test_the_page_has_the_jobs_and_does_what_is_started_there(shop: Shop, tmp_path: Path) -> None:
    port = free_port()
    words = [*STRATA, "dev", "--port", str(port)]
    with running(words, environment=shop.environment, log=tmp_path / "dev.log", seconds=5) as process:
        page = Page(port, process)
        page.wait_until_served()
        assert {"daily", "backfill", "month_ends", "purge"} <= page.jobs()
        started = page.launch("purge", {})
        assert waited(lambda: page.end_of(started), "the end of the run") == "SUCCESS"
