"""Dagster's own processes and its page, for tests that do what the page's buttons do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from dagster_project.settings.paths import PROJECT_ROOT

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "customer_strata"}
JOBS = """
query Jobs($repository: RepositorySelector!) {
  repositoryOrError(repositorySelector: $repository) { ... on Repository { jobs { name } } }
}
"""
LAUNCH = """
mutation Launch($run: ExecutionParams!) {
  launchRun(executionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
LAUNCH_BACKFILL = """
mutation Launch($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message stack }
  }
}
"""
BACKFILL = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) { __typename ... on PartitionBackfill { status } }
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
STEPS = """
query Steps($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats { stepKey startTime endTime } } } }
"""
START = """
mutation Start($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename ... on PythonError { message } }
}
"""
TICKS = """
query Ticks($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { ticks(limit: 100) { status } } } }
}
"""
Found = TypeVar("Found")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def waited(find: Callable[[], Found | None], what: str, seconds: float = 400) -> Found:
    """What `find` gives once it gives anything.

    Raises:
        AssertionError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(1)
    return found


@contextmanager
def running(
    words: Sequence[str], *, environment: dict[str, str], log: Path, folder: Path | None = None, seconds: float
) -> Iterator[subprocess.Popen[str]]:
    """A program with processes of its own, ended as by Ctrl-C with all it started, killed after so many seconds."""
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # As Ctrl-C reaches page, daemon and code server; a shell's background job is deaf to it, and what is left then
        # must not outlive the test.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def of_dagster(
    program: str, *words: str, environment: dict[str, str], log: Path
) -> AbstractContextManager[subprocess.Popen[str]]:
    """A program of Dagster's beside this Python."""
    command = [str(Path(sys.executable).with_name(program)), *words, "-w", "workspace.yaml"]
    return running(command, environment=environment, log=log, folder=PROJECT_ROOT, seconds=20)


@dataclass(frozen=True)
class Run:
    """A run as the page shows it."""

    run_id: str
    job: str
    status: str
    tags: Mapping[str, str]

    @property
    def has_ended(self) -> bool:
        return self.status in {"SUCCESS", "FAILURE", "CANCELED"}

    @property
    def process(self) -> int | None:
        """The process that does it; None before it has begun."""
        pid = self.tags.get("strata/pid")
        return None if pid is None else int(pid)


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
                assert self._process.poll() is None, "the page ended"
                assert time.monotonic() < deadline, "the page does not serve"
                time.sleep(0.5)
            else:
                return

    def jobs(self) -> set[str]:
        return {job["name"] for job in self.ask(JOBS, repository=REPOSITORY)["repositoryOrError"]["jobs"]}

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        """Start a run; gives its id."""
        launched = self.ask(
            LAUNCH,
            run={
                "selector": {**REPOSITORY, "jobName": job},
                "runConfigData": "{}",
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def launch_backfill(self, days: Sequence[date]) -> str:
        """Start a backfill of the job `backfill`; gives its id, which is no run's."""
        partitions = {"partitionSetName": "backfill_partition_set", "repositorySelector": REPOSITORY}
        backfill = {"selector": partitions, "partitionNames": [str(day) for day in days], "title": "test"}
        launched = self.ask(LAUNCH_BACKFILL, backfill=backfill)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfill_status(self, backfill_id: str) -> str:
        return str(self.ask(BACKFILL, id=backfill_id)["partitionBackfillOrError"]["status"])

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return [
            Run(run["runId"], run["jobName"], run["status"], {tag["key"]: tag["value"] for tag in run["tags"]})
            for run in self.ask(RUNS)["runsOrError"]["results"]
        ]

    def run(self, run_id: str) -> Run:
        return next(run for run in self.runs() if run.run_id == run_id)

    def end_of(self, run_id: str) -> str | None:
        """How a run ended; None where it has not."""
        run = self.run(run_id)
        return run.status if run.has_ended else None

    def said_in(self, run_id: str) -> str:
        """The log of a run."""
        events = self.ask(EVENTS, id=run_id)["runOrError"]["eventConnection"]["events"]
        return "\n".join(event.get("message") or "" for event in events)

    def steps(self, run_id: str) -> dict[str, tuple[float, float]]:
        """When each step of a run that succeeded began and ended."""
        steps = self.ask(STEPS, id=run_id)["runOrError"]["stepStats"]
        return {step["stepKey"]: (step["startTime"], step["endTime"]) for step in steps}

    def has_begun(self, run_id: str, step: str) -> bool:
        """Whether a run has come to a step; asked each second, of a run whose log is a thousand messages."""
        steps = self.ask(STEPS, id=run_id)["runOrError"]["stepStats"]
        return any(each["stepKey"] == step and each["startTime"] for each in steps)

    def start_sensor(self, name: str) -> None:
        started = self.ask(START, sensor={**REPOSITORY, "sensorName": name})["startSensor"]
        assert started["__typename"] == "Sensor", started

    def ticks(self, sensor: str) -> list[str]:
        """How the looks of a sensor ended, the newest first."""
        told = self.ask(TICKS, sensor={**REPOSITORY, "sensorName": sensor})["sensorOrError"]
        return [tick["status"] for tick in told["sensorState"]["ticks"]]
