"""What Dagster knows of a run, as values for alerting, and the sensors that tell of runs and of late data.

`strata` tells of its own runs at their end by `tell_of_run`; a run is told of once, whoever sees it first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus
from dagster._core.storage.tags import WILL_RETRY_TAG

from dagster_project.alerting.late import Late, find_late
from dagster_project.alerting.messages import (
    EndedRun,
    Message,
    events_of,
    message_of_late,
    message_of_refusal,
    message_of_run,
)
from dagster_project.alerting.told import claim
from dagster_project.defs.jobs import BACKFILL_JOB, MONTH_ENDS_JOB
from dagster_project.defs.partitions import RANGE_END, RANGE_START, SINGLE_DAY
from dagster_project.defs.purging import PURGE_JOB
from dagster_project.defs.runs import days_of
from dagster_project.defs.transform import DAILY_JOB
from dagster_project.settings import Settings
from dagster_project.settings.alerts import AlertEvent

# Late is a matter of hours; a look opens the warehouse for a few milliseconds.
LOOK_FOR_LATE_EVERY_SECONDS = 600
LOOK_AT_RUNS_EVERY_SECONDS = 30

# A sensor's words go to the daemon's own log; Dagster keeps none of a sensor without a log manager.
logger = logging.getLogger(__name__)

Say = Callable[[str], None]


def ended_run(instance: dg.DagsterInstance, run: dg.DagsterRun, log: Path | None = None) -> EndedRun:
    """What failed of a run that ended, by the names of its steps and checks."""
    steps: list[str] = []
    checks: list[str] = []
    wanted = {DagsterEventType.STEP_FAILURE, DagsterEventType.ASSET_CHECK_EVALUATION}
    for entry in instance.all_logs(run.run_id, of_type=wanted):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is DagsterEventType.STEP_FAILURE:
            steps.append(str(event.step_key))
        elif not (evaluation := event.asset_check_evaluation_data).passed:
            checks.append(f"{evaluation.check_name} ({evaluation.asset_key.to_user_string()})")
    return EndedRun(
        run_id=run.run_id,
        job=run.job_name,
        days=days_of(run) or "-",
        succeeded=run.status is DagsterRunStatus.SUCCESS,
        again=_again(run),
        log=None if log is None else str(log),
        failed_steps=tuple(dict.fromkeys(steps)),
        failed_checks=tuple(dict.fromkeys(checks)),
    )


def tell_of_run(
    instance: dg.DagsterInstance, settings: Settings, run_id: str, *, say: Say, log: Path | None = None
) -> bool:
    """Send what there is to tell of a run that ended; gives whether there was anything new.

    A run that Dagster is about to start again is not told of: its second try is.
    """
    if not settings.publishing.alerts.targets:
        return False
    run = instance.get_run_by_id(run_id)
    if run is None or run.tags.get(WILL_RETRY_TAG) == "true":
        return False
    ended = ended_run(instance, run, log)
    events = events_of(ended)
    if not events or not claim(settings.paths.alerts, [f"run {run_id}"], now=datetime.now(UTC)):
        return False
    _send(settings, partial(message_of_run, ended), events, say)
    return True


def tell_of_refusal(settings: Settings, job: str, *, say: Say) -> None:
    """Send that a run could not begin; Dagster has no run to show for it."""
    if settings.publishing.alerts.targets:
        _send(settings, partial(message_of_refusal, job), {AlertEvent.FAILED_RUN}, say)


def tell_of_late(settings: Settings, late: Late, *, now: datetime, say: Say) -> bool:
    """Send what is late, once a business date for each late day and source; gives whether anything was new."""
    keys = late.keys(now, settings.sources.business.time_zone)
    if not settings.publishing.alerts.targets or not claim(settings.paths.alerts, keys, now=now):
        return False
    _send(settings, partial(message_of_late, late), {AlertEvent.LATE_DATA}, say)
    return True


def _send(settings: Settings, compose: Callable[[str], Message], events: Collection[AlertEvent], say: Say) -> None:
    # apprise knows a hundred services and is not imported until there is something to tell.
    from dagster_project.alerting.sending import send

    send(settings, lambda _, language: compose(language), events=events, say=say)


def alert_sensors(settings: Settings, status: dg.DefaultSensorStatus) -> list[dg.SensorDefinition]:
    """A sensor for runs that failed, one for checks that failed in runs that did not, one for late data; none without
    a target."""
    alerts = settings.publishing.alerts
    if not alerts.targets:
        return []

    def tell(context: dg.RunStatusSensorContext) -> None:
        tell_of_run(context.instance, settings, context.dagster_run.run_id, say=logger.warning)

    # Runs of `strata` have no code location; one that was killed could tell nothing by itself.
    told: list[dg.SensorDefinition] = [
        dg.RunStatusSensorDefinition(
            name=name,
            run_status=run_status,
            run_status_sensor_fn=tell,
            minimum_interval_seconds=LOOK_AT_RUNS_EVERY_SECONDS,
            default_status=status,
            monitor_all_code_locations=True,
            description=f"Tells alert targets of {what}.",
        )
        for name, run_status, what in (
            ("failed_runs", DagsterRunStatus.FAILURE, "runs that failed"),
            ("failed_checks", DagsterRunStatus.SUCCESS, "checks that do not hold in runs that went on"),
        )
    ]
    return [*told, *([_late_data(settings, status)] if alerts.watches_lateness else [])]


def _late_data(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.sensor(
        name="late_data",
        minimum_interval_seconds=LOOK_FOR_LATE_EVERY_SECONDS,
        default_status=status,
        description="Tells alert targets of days that are not stored and sources that are silent, once a day.",
    )
    def late_data() -> dg.SkipReason:
        now = datetime.now(UTC)
        told = tell_of_late(settings, find_late(settings, now=now), now=now, say=logger.warning)
        return dg.SkipReason("told of late data" if told else "nothing new is late")

    return late_data


def _again(run: dg.DagsterRun) -> str:
    """The command that does a run's work again."""
    first = run.tags.get(RANGE_START) or run.tags.get(SINGLE_DAY)
    last = run.tags.get(RANGE_END) or first
    if run.job_name == DAILY_JOB and first:
        return f"strata run --as-of {last}"
    if run.job_name == BACKFILL_JOB and first:
        return f"strata backfill --from {first} --to {last}"
    if run.job_name == MONTH_ENDS_JOB:
        return "strata backfill --every month-end"
    return f"strata {run.job_name}" if run.job_name == PURGE_JOB else "strata run"
