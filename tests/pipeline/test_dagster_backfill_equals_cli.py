"""`strata dev` serves the same graph, and a backfill started in its page gives the tables of `strata backfill`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from dagster_page import REPOSITORY, Page, free_port, running
from shop_runs import RANGE, STRATA, Shop

ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED"}
LAUNCH = """
mutation Launch($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message stack }
  }
}
"""
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } }
  }
}
"""
RUNS = "query Runs { runsOrError { ... on Runs { results { status jobName tags { key value } } } } }"


@pytest.fixture
def page(shop: Shop) -> Iterator[Page]:
    port = free_port()
    words = [*STRATA, "dev", "--port", str(port)]
    with running(words, environment=shop.environment, log=shop.data / "dev.log", seconds=5) as process:
        served = Page(port, process)
        served.wait_until_served()
        yield served


def test_a_backfill_in_the_page_equals_the_command_line(shop: Shop, range_shop: Shop, page: Page) -> None:
    days = [str(day) for day in RANGE]
    partitions = {"partitionSetName": "backfill_partition_set", "repositorySelector": REPOSITORY}
    launched = page.ask(LAUNCH, backfill={"selector": partitions, "partitionNames": days, "title": "test"})
    assert launched["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess", launched
    backfill_id = launched["launchPartitionBackfill"]["backfillId"]

    deadline = time.monotonic() + 300
    while (status := page.ask(STATUS, id=backfill_id)["partitionBackfillOrError"])["status"] not in ENDED:
        assert time.monotonic() < deadline, status
        time.sleep(1)
    runs = [run for run in page.ask(RUNS)["runsOrError"]["results"] if run["jobName"] == "backfill"]
    assert [run["status"] for run in runs] == ["SUCCESS"], f"one run for the range: {runs}"
    assert status["status"] in {"COMPLETED_SUCCESS", "COMPLETED"}, status

    assert shop.published() == range_shop.published()
    assert shop.served() == range_shop.served()
