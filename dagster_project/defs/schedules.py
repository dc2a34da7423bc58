"""When jobs run by themselves. Which schedules exist where is declared here, and nothing else is registered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_project.defs.partitions import day_tags
from dagster_project.defs.purging import PURGE_JOB
from dagster_project.defs.transform import DAILY_JOB
from dagster_project.errors import SettingsError
from dagster_project.settings import Deployment, Settings
from dagster_project.warehouse.run_window import last_complete_day

Status = TypeVar("Status")

# 05:30 in the business time zone: after midnight exports have arrived, before the first list is opened.
DAILY_CRON = "30 5 * * *"
# 03:30 on Sundays, the same zone: personal data outlives its age by a week at most, and nobody waits for the warehouse.
PURGE_CRON = "30 3 * * 0"

# A deployment that is not named here is refused at load; None registers nothing.
REGISTERED: Mapping[Deployment, dg.DefaultScheduleStatus | None] = MappingProxyType(
    {
        Deployment.SAMPLE: None,
        Deployment.DEVELOPMENT: dg.DefaultScheduleStatus.STOPPED,
        Deployment.PRODUCTION: dg.DefaultScheduleStatus.RUNNING,
    }
)


def schedules_definitions(settings: Settings) -> dg.Definitions:
    """The daily schedule and the weekly one of the purge, as the deployment has them.

    Raises:
        SettingsError: nothing is declared for the deployment.
    """
    status = declared_for(REGISTERED, settings.deployment, "schedule")
    return dg.Definitions(schedules=[] if status is None else [_daily(settings, status), _purge(settings, status)])


def declared_for(declared: Mapping[Deployment, Status | None], deployment: Deployment, what: str) -> Status | None:
    """What is declared for `deployment`; silence is an error, not a stopped schedule.

    Raises:
        SettingsError: nothing is declared for it.
    """
    if deployment not in declared:
        raise SettingsError(f"No {what} is declared for the deployment {deployment!r}; declare one, or None, in defs/.")
    return declared[deployment]


def _daily(settings: Settings, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    time_zone = settings.sources.business.time_zone

    @dg.schedule(
        name="daily",
        cron_schedule=DAILY_CRON,
        job_name=DAILY_JOB,
        execution_timezone=time_zone,
        default_status=status,
        description="Classify and publish the business day that has just ended.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = last_complete_day(context.scheduled_execution_time, ZoneInfo(time_zone))
        return dg.RunRequest(run_key=str(day), tags=day_tags(day, day), partition_key=str(day))

    return daily


def _purge(settings: Settings, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=PURGE_JOB,
        cron_schedule=PURGE_CRON,
        job_name=PURGE_JOB,
        execution_timezone=settings.sources.business.time_zone,
        default_status=status,
        description="Remove personal data past its age.",
    )
