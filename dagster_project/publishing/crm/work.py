"""A push from settings to outcome, as the command line and the pipeline both start it.

The warehouse is held while tasks are read from it, not while a CRM is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import duckdb

from dagster_project.errors import SettingsError, StrataError
from dagster_project.publishing.crm.fxiaoke import FxiaokeTasks
from dagster_project.publishing.crm.pushing import Comparison, Push, compared, pushed
from dagster_project.publishing.crm.tasks import TargetTasks, newest_issued_day, tasks_of
from dagster_project.publishing.crm.zoho import ZohoTasks
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings import Settings
from dagster_project.settings.publishing import FxiaokeCrm, ZohoCrm
from dagster_project.settings.yaml_documents import did_you_mean
from dagster_project.warehouse import opened

Say = Callable[[str], None]


def chosen_targets(settings: Settings, name: str | None) -> tuple[ZohoCrm | FxiaokeCrm, ...]:
    """The CRMs that lists go to, or the one of this name.

    Raises:
        SettingsError: publishing.yaml has none, or none of this name that is switched on.
    """
    targets = settings.publishing.enabled_crm
    if not targets:
        raise SettingsError("publishing.yaml names no CRM that lists go to: write one under crm:, with enabled: true.")
    if name is None:
        return targets
    chosen = tuple(target for target in targets if target.name == name)
    if not chosen:
        known = did_you_mean(name, [target.name for target in targets])
        raise SettingsError(f"publishing.yaml switches on no CRM {name!r}{known}")
    return chosen


def read_tasks(
    settings: Settings, targets: Sequence[ZohoCrm | FxiaokeCrm], day: date | None, *, now: datetime, who: str, say: Say
) -> list[TargetTasks]:
    """The tasks of the list of `day`, or of the newest, for each CRM.

    Raises:
        PublishingError: no list was issued.
    """
    chosen = newest_issued_day(settings.paths) if day is None else day
    if chosen is None:
        raise PublishingError("No list was issued yet; `strata run` issues one.")
    wait = settings.environment.warehouse_wait_seconds
    with opened(settings.paths.warehouse, who=who, wait_seconds=wait, progress=say) as con:
        return tasks_on(con, settings, targets, chosen, now=now)


def tasks_on(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    targets: Sequence[ZohoCrm | FxiaokeCrm],
    day: date,
    *,
    now: datetime,
) -> list[TargetTasks]:
    """The tasks of the list of `day` for each CRM, from an open warehouse."""
    return [
        tasks_of(con, target, paths=settings.paths, settings=settings.publishing, day=day, now=now)
        for target in targets
    ]


def dry_run_of(settings: Settings, tasks: TargetTasks, *, say: Say) -> Comparison | None:
    """What a push would do; None where the CRM could not be asked, which is said."""
    try:
        with _opened(settings, tasks, say) as crm:
            return compared(crm, tasks)
    except StrataError as error:
        say(f"{tasks.target.name} could not be asked what it holds: {error}")
        return None


def push_of(settings: Settings, tasks: TargetTasks, *, now: datetime, who: str, why: str, say: Say) -> Push:
    """Push the tasks to their CRM.

    Raises:
        StrataError: as `pushed`.
    """
    with _opened(settings, tasks, say) as crm:
        return pushed(crm, tasks, paths=settings.paths, now=now, who=who, why=why)


def _opened(settings: Settings, tasks: TargetTasks, say: Say) -> ZohoTasks | FxiaokeTasks:
    target, secrets = tasks.target, settings.environment.secrets
    if isinstance(target, ZohoCrm):
        return ZohoTasks(target, secrets, say)
    return FxiaokeTasks(target, secrets, say, time_zone=ZoneInfo(settings.sources.business.time_zone))
