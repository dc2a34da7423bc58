"""Running a job in this process, on the instance that `dagster dev` shares: prepared, tagged, listened to.

What is run is declared by jobs.py; how it looks on a terminal is not known here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEvent, DagsterEventType, DagsterRunStatus
from dagster._core.events.log import EventLogEntry

from dagster_project.atomic_files import write_if_changed
from dagster_project.defs.partitions import RANGE_END, RANGE_START, SINGLE_DAY
from dagster_project.defs.process_marks import mark_of, process_tags
from dagster_project.defs.resources import WAREHOUSE_POOL
from dagster_project.defs.transform import DAILY_JOB, MODEL_BUILT
from dagster_project.doctor.runs import DagsterFacts
from dagster_project.settings.paths import Paths
from dagster_project.warehouse.processes import ProcessMark

INSTANCE_FILE = "dagster.yaml"
# Who runs `strata` sees it fail; a daemon that shares the instance could not start such a run again.
NOT_RETRIED = {"dagster/max_retries": "0"}
DAYS_LISTED = 3
UNFINISHED = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Happened:
    """One thing to show of a run; `kind` is what became of a step, or said, warned, built (a model), waiting."""

    kind: str
    step: str | None
    text: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: what failed, in words for the user, and where its log lies."""

    run_id: str
    succeeded: bool
    log_file: Path
    failures: list[str] = field(default_factory=list)


@contextmanager
def opened_instance(paths: Paths) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of an installation, in data/dagster, with the project's dagster.yaml."""
    prepare_home(paths)
    with dg.DagsterInstance.from_config(str(paths.dagster_home)) as instance:
        yield instance


def prepare_home(paths: Paths) -> None:
    """Make data/dagster, with the project's dagster.yaml as it is now, and say to Dagster that it is its home."""
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(paths.dagster_home)
    write_if_changed(paths.dagster_home / INSTANCE_FILE, (paths.root / INSTANCE_FILE).read_bytes())


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process is gone as failed and free their places in the pools; gives their ids.

    A killed process cannot do either, and the next run would wait for its place for ever.
    """
    ended = []
    for run, mark in _dead_runs(instance):
        instance.report_run_failed(run, f"Process {mark.pid}, which did this run, is gone.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended.append(run.run_id)
    for place in instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL).claimed_slots:
        claiming = instance.get_run_by_id(place.run_id)
        if (
            claiming is None or claiming.is_finished
        ):  # it was killed after its end was noted, before its place was freed
            instance.event_log_storage.free_concurrency_slots_for_run(place.run_id)
    return ended


def _dead_runs(instance: dg.DagsterInstance) -> list[tuple[dg.DagsterRun, ProcessMark]]:
    """Runs that have not ended although their process is gone, with its mark."""
    unfinished = dg.RunsFilter(statuses=UNFINISHED)
    gone = [
        (run.run_id, mark)
        for run in instance.get_runs(filters=unfinished)
        if (mark := mark_of(run)) is not None and not mark.is_alive()
    ]
    # A run may have ended, and its process with it, between these two looks.
    again = {run.run_id: run for run in instance.get_runs(filters=unfinished)} if gone else {}
    return [(again[run_id], mark) for run_id, mark in gone if run_id in again]


def run_job(
    job: dg.JobDefinition,
    *,
    instance: dg.DagsterInstance,
    logs: Path,
    tags: Mapping[str, str],
    config: Mapping[str, object] | None = None,
    listen: Callable[[Happened], None],
) -> Outcome:
    """Run `job` in this process and say what happens; Dagster's and dbt's own words go to a file below `logs`.

    Raises:
        KeyboardInterrupt: the user has ended it; the run is marked as failed.
    """
    run_id = str(uuid.uuid4())
    failures: list[str] = []

    def hear(entry: EventLogEntry) -> None:
        for happened in _happenings(entry):
            if happened.kind == "failed":
                failures.append(happened.text)
            listen(happened)

    logs.mkdir(parents=True, exist_ok=True)
    log_file = logs / f"{job.name}-{run_id[:8]}.log"
    instance.add_event_listener(run_id, hear)
    with (
        log_file.open("w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
        _loggers_to(log_file),
    ):
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            run_config=dict(config or {}),
            tags={**tags, **process_tags(run_id), **NOT_RETRIED},
            raise_on_error=False,
        )
    return Outcome(run_id, result.success, log_file, failures)


def dagster_facts(paths: Paths) -> DagsterFacts | None:
    """What an installation's instance says for the doctor, changing nothing; None where nothing has run here yet."""
    if not (paths.dagster_home / INSTANCE_FILE).exists():
        return None
    os.environ["DAGSTER_HOME"] = str(paths.dagster_home)  # dagster.yaml names it
    with dg.DagsterInstance.from_config(str(paths.dagster_home)) as instance:
        queued = instance.get_runs(filters=dg.RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
        ended = dg.RunsFilter(job_name=DAILY_JOB, statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE])
        newest = instance.get_runs(filters=ended, limit=1)
        beaten = [each for each in instance.get_daemon_statuses().values() if each.last_heartbeat is not None]
        return DagsterFacts(
            dead_runs=[f"{run.job_name} {run.run_id[:8]}" for run, _ in _dead_runs(instance)],
            queued_runs=[run.run_id for run in queued],
            failed_daily=next((run.run_id[:8] for run in newest if run.status is DagsterRunStatus.FAILURE), None),
            live_daemons=[each.daemon_type for each in beaten if each.healthy],
            silent_daemons=[each.daemon_type for each in beaten if each.required and not each.healthy],
        )


def newest_runs(instance: dg.DagsterInstance, limit: int) -> list[tuple[str, str, str, str, str]]:
    """(run, job, days, status, when it began) of the newest runs."""
    return [
        (
            record.dagster_run.run_id[:8],
            record.dagster_run.job_name,
            days_of(record.dagster_run),
            record.dagster_run.status.value.lower(),
            f"{record.create_timestamp:%Y-%m-%d %H:%M} UTC",
        )
        for record in instance.get_run_records(limit=limit)
    ]


def days_of(run: dg.DagsterRun) -> str:
    """The days that a run builds: those of its tags, or those that its configuration chooses one by one."""
    tags = run.tags
    if SINGLE_DAY in tags:
        return tags[SINGLE_DAY]
    if RANGE_START in tags:
        return f"{tags[RANGE_START]} to {tags[RANGE_END]}"
    chosen: dict[str, Any] = run.run_config.get("ops", {})  # type: ignore[assignment]
    days = sorted(day for op in chosen.values() for day in (op.get("config") or {}).get("days", []))
    return ", ".join(days) if len(days) <= DAYS_LISTED else f"{len(days)} days from {days[0]} to {days[-1]}"


@contextmanager
def _loggers_to(log_file: Path) -> Iterator[None]:
    """Send what libraries log to the file: their handlers keep the terminal's stream from before it was redirected."""
    handler = logging.FileHandler(log_file, encoding="utf-8")
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers = [handler]
    try:
        yield
    finally:
        root.handlers = before
        handler.close()


def _happenings(entry: EventLogEntry) -> Iterator[Happened]:
    event = entry.dagster_event
    step = entry.step_key
    if event is None:
        if entry.user_message.startswith("Dependencies for step"):
            return  # what follows from a failure that is told already
        if entry.user_message.startswith(MODEL_BUILT):
            yield Happened("built", step, entry.user_message.removeprefix(MODEL_BUILT))
        else:
            yield Happened("warned" if int(entry.level) >= logging.WARNING else "said", step, entry.user_message)
        return
    kinds = {
        DagsterEventType.STEP_START: "started",
        DagsterEventType.STEP_SUCCESS: "succeeded",
        DagsterEventType.STEP_UP_FOR_RETRY: "retrying",
        DagsterEventType.STEP_SKIPPED: "skipped",
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED: "planned",
    }
    if event.event_type in kinds:
        yield Happened(kinds[event.event_type], step, _reason(event))
    elif event.event_type is DagsterEventType.STEP_FAILURE:
        yield Happened("failed", step, f"{step}: {_reason(event)}")
    elif event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            # A check that holds nothing back is told, and is no failure of the run.
            yield Happened(
                "warned" if evaluation.blocking is False else "failed",
                step,
                f"check {evaluation.check_name} of {evaluation.asset_key.to_user_string()}: "
                f"{evaluation.description or 'does not hold'}",
            )
    elif event.event_type is DagsterEventType.ENGINE_EVENT and "blocked by limit for pool" in (event.message or ""):
        yield Happened("waiting", step, "another run of this Dagster instance has the warehouse")


def _reason(event: DagsterEvent) -> str:
    """The message of a failure as its author wrote it, without stack or class where it was meant for the user."""
    if event.event_type is DagsterEventType.STEP_UP_FOR_RETRY:
        tried = event.step_retry_data.error
        while tried is not None and tried.cause is not None:  # the first is Dagster's own, about its policy
            tried = tried.cause
        return "" if tried is None else (tried.message.partition(": ")[2] or tried.message).strip()
    if event.event_type is not DagsterEventType.STEP_FAILURE:
        return ""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return str(event.message)
    if "DagsterExecutionInterruptedError" in error.message:
        return "ended from outside; what was published stays, and the next run finishes the work"
    return str(error.message).strip()
