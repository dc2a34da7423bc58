"""Webserver and daemon on PostgreSQL: a killed run is ended and, queued again, done; a lost one is told of."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import adbc_driver_postgresql.dbapi
import pytest
from dagster_page import REPOSITORY, Page, free_port, running
from pytest_httpserver import HTTPServer
from shop_runs import SECOND_AS_OF, Shop

from dagster_project.defs.partitions import day_tags
from dagster_project.settings.paths import PROJECT_ROOT

ALERTS = "\nalerts:\n  targets: [{name: team}]\n"
LAUNCH = """
mutation Launch($run: ExecutionParams!) {
  launchRun(executionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
RUNS = """
query Runs { runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }
"""
EVENTS = """
query Events($id: ID!) {
  runOrError(runId: $id) { ... on Run { eventConnection { events { ... on MessageEvent { message } } } } }
}
"""
START = """
mutation Start($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename ... on PythonError { message } }
}
"""
TICKS = """
query Ticks($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { ticks(limit: 1) { status } } } }
}
"""
Found = TypeVar("Found")
SENSOR = {**REPOSITORY, "sensorName": "failed_runs"}


@pytest.fixture
def alerted(shop: Shop) -> Shop:
    """The shop with a target."""
    path = shop.config / "publishing.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("\nalerts:")[0] + ALERTS, encoding="utf-8")
    return shop


def of_dagster(
    program: str, *words: str, environment: dict[str, str], log: Path
) -> AbstractContextManager[subprocess.Popen[str]]:
    """A program of Dagster's beside this Python."""
    command = [str(Path(sys.executable).with_name(program)), *words, "-w", "workspace.yaml"]
    return running(command, environment=environment, log=log, folder=PROJECT_ROOT, seconds=20)


def waited(find: Callable[[], Found | None], what: str, seconds: float = 400) -> Found:
    deadline = time.monotonic() + seconds
    while (found := find()) is None:
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.5)
    return found


class Runs:
    """Runs as the page shows them."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        launched = self.page.ask(
            LAUNCH,
            run={
                "selector": {**REPOSITORY, "jobName": job},
                "runConfigData": "{}",
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def of(self, run_id: str) -> dict[str, Any]:
        return next(run for run in self.all() if run["runId"] == run_id)

    def all(self) -> list[dict[str, Any]]:
        found = self.page.ask(RUNS)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found]

    def process_of(self, run_id: str) -> int | None:
        """The process of a run that has begun."""
        events = self.page.ask(EVENTS, id=run_id)["runOrError"]["eventConnection"]["events"]
        pids = [re.search(r"\(pid: (\d+)\)", event.get("message") or "") for event in events]
        return next((int(pid[1]) for pid in pids if pid), None)

    def ended(self, run_id: str) -> str | None:
        status = str(self.of(run_id)["status"])
        return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None

    def retry_of(self, run_id: str) -> str | None:
        again = [run["runId"] for run in self.all() if run["tags"].get("dagster/parent_run_id") == run_id]
        return str(again[0]) if again else None


def test_webserver_and_daemon_on_postgresql_do_runs_end_dead_ones_and_tell_of_lost_ones(
    alerted: Shop, postgres_database: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/hook").respond_with_data("")
    shop = alerted
    address = {"STRATA_DAGSTER_POSTGRES_URL": postgres_database}
    assert "1 day stored" in shop.strata("status", **address)
    environment = {
        **shop.environment,
        **address,
        "DAGSTER_HOME": str(shop.data / "dagster"),
        "STRATA_ALERT_TEAM": httpserver.url_for("/hook"),
    }
    port = free_port()
    with (
        of_dagster(
            "dagster-webserver", "-h", "127.0.0.1", "-p", str(port), environment=environment, log=tmp_path / "page.log"
        ) as process,
        of_dagster("dagster-daemon", "run", environment=environment, log=tmp_path / "daemon.log"),
    ):
        page = Page(port, process)
        page.wait_until_served()
        runs = Runs(page)
        assert page.ask(START, sensor=SENSOR)["startSensor"]["__typename"] == "Sensor"
        # It tells of what ends after its first look.
        waited(
            lambda: page.ask(TICKS, sensor=SENSOR)["sensorOrError"]["sensorState"]["ticks"] or None, "the sensor's look"
        )

        killed = runs.launch("daily", day_tags(SECOND_AS_OF, SECOND_AS_OF))
        tagged = waited(lambda: runs.of(killed)["tags"].get("strata/pid"), "the run's process")
        os.kill(int(tagged), signal.SIGKILL)
        assert waited(lambda: runs.ended(killed), "the end of the killed run") == "FAILURE"
        again = waited(lambda: runs.retry_of(killed), "its second try")

        # Beside it, one that may not be tried again is lost at once, and told of.
        lost = runs.launch("purge", {"dagster/max_retries": "0"})
        pid = waited(lambda: runs.process_of(lost), "the process of the second run")
        os.kill(pid, signal.SIGKILL)
        assert waited(lambda: runs.ended(lost), "the end of the lost run") == "FAILURE"
        waited(lambda: httpserver.log or None, "the alert")

        assert waited(lambda: runs.ended(again), "the end of the second try") == "SUCCESS"
        assert runs.retry_of(lost) is None
    [(request, _)] = httpserver.log
    told = request.get_json()
    assert lost[:8] in told["message"], "of the run that was tried again nothing is told"
    assert "purge" in told["title"]

    assert any(str(SECOND_AS_OF) in name for name in shop.published())
    assert "2 days stored" in shop.strata("status", **address)
    with adbc_driver_postgresql.dbapi.connect(postgres_database) as con, con.cursor() as cursor:
        cursor.execute("select status, count(*) from runs group by 1 order by 1")
        assert cursor.fetchall() == [("FAILURE", 2), ("SUCCESS", 1)]
    assert postgres_database not in (shop.data / "dagster" / "dagster.yaml").read_text()
