"""`strata dev` serves the same graph, and a backfill started in its page gives the tables of `strata backfill`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from shop_runs import RANGE, STRATA, Shop

ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED"}
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "customer_strata"}
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


class Page:
    """Dagster's page, spoken to as its own buttons do."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"
        self._process = process

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            told = json.load(answer)
        assert "errors" not in told, told["errors"]
        return told["data"]

    def wait_until_served(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.ask("query { version }")
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, "strata dev ended"
                assert time.monotonic() < deadline, "strata dev does not serve"
                time.sleep(0.5)
            else:
                return


@pytest.fixture
def page(shop: Shop) -> Iterator[Page]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*STRATA, "dev", "--port", str(port)],
        env=shop.environment,
        stdout=(shop.data / "dev.log").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    served = Page(port, process)
    try:
        served.wait_until_served()
        yield served
    finally:
        # As Ctrl-C reaches page, daemon and code server; a shell's background job is deaf to it, and what is left then
        # must not outlive the test.
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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
