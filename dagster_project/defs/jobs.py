"""The jobs: a day as it comes, days again, and chosen days that are no range.

All begin by landing, so that each works on a fresh installation and after an old system's history has arrived. Only
`daily` issues lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_project.defs.identity import link_references
from dagster_project.defs.landing import RETRIES, land_all
from dagster_project.defs.measurement import LIFT_KEY, measure_days
from dagster_project.defs.partitions import day_tags
from dagster_project.defs.publishing import ASKED_BY_TAG, REPORT_KEY, list_keys, publish_targets, target_keys
from dagster_project.defs.quality import refuse_failed_checks
from dagster_project.defs.resources import WAREHOUSE_POOL, DbtChild, refusals, warehouse_held
from dagster_project.defs.transform import (
    DAILY_JOB,
    LIST_KEYS,
    LIST_MODELS,
    STAGING,
    attach_landed,
    build_models,
    days_controlled,
)
from dagster_project.settings import Settings
from dagster_project.warehouse.run_window import are_contiguous, day_named, last_complete_day, refuse_outside
from dagster_project.warehouse.upgrading import listed_days

BACKFILL_JOB = "backfill"
MONTH_ENDS_JOB = "month_ends"
UPGRADE_JOB = "upgrade"


class ChosenDays(dg.Config):
    """Days to build, as YYYY-MM-DD; they need not be neighbours."""

    days: list[str]


def jobs_definitions(settings: Settings, dbt: DbtChild) -> dg.Definitions:
    """`daily`, `backfill` and `month_ends`."""
    everything = dg.AssetSelection.all()
    daily = dg.define_asset_job(
        DAILY_JOB,
        selection=everything,
        description="Land what is new, classify the day, publish it, issue its lists and write the report.",
    )
    backfill = dg.define_asset_job(
        BACKFILL_JOB,
        selection=everything - dg.AssetSelection.assets(*LIST_KEYS, *list_keys(settings), REPORT_KEY),
        description="Land what is new, classify the days of a range in one run and publish them; issues no list.",
    )
    return dg.Definitions(jobs=[daily, backfill, _month_ends(settings, dbt)])


@dataclass(frozen=True)
class RunOfDays:
    """A job with the tags and the configuration that make it one of certain days."""

    job_name: str
    tags: dict[str, str]
    config: Mapping[str, object] | None = None


def run_request(job_name: str, days: Sequence[date], *, asked_by: str) -> RunOfDays:
    """A run of `job_name` on sorted `days`; a backfill of days that are no range is one of `month_ends`."""
    asked = {ASKED_BY_TAG: asked_by}
    if are_contiguous(days):
        return RunOfDays(job_name, {**asked, **day_tags(days[0], days[-1])})
    if job_name != BACKFILL_JOB:
        raise ValueError(f"{job_name} takes a range of days")
    config = {"ops": {"classify_chosen_days": {"config": {"days": [str(day) for day in days]}}}}
    return RunOfDays(MONTH_ENDS_JOB, asked, config)


def upgrade_request(days: Sequence[date], *, asked_by: str) -> RunOfDays:
    """A run of `upgrade_job` on sorted days."""
    config = {"ops": {"build_days_again": {"config": {"days": [str(day) for day in days]}}}}
    return RunOfDays(UPGRADE_JOB, {ASKED_BY_TAG: asked_by}, config)


def _month_ends(settings: Settings, dbt: DbtChild) -> dg.JobDefinition:
    """A job of ops: a run of assets has one contiguous range, and would mark the days between as built."""

    @dg.op(retry_policy=RETRIES, out=dg.Out(dg.Nothing))
    def land_files(context: dg.OpExecutionContext) -> None:
        """Land what is new."""
        with refusals():
            land_all(context, settings)

    @dg.op(pool=WAREHOUSE_POOL, ins={"landed": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def stage(context: dg.OpExecutionContext) -> None:
        """Build staging from all batches."""
        with refusals(), warehouse_held(context, settings) as warehouse:
            attach_landed(warehouse, settings)
            build_models(context, dbt, settings, select=[STAGING])

    @dg.op(pool=WAREHOUSE_POOL, ins={"staged": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def link_customers(context: dg.OpExecutionContext) -> None:
        """Number and link customer references."""
        with refusals(), warehouse_held(context, settings) as warehouse:
            link_references(warehouse, settings, context.log.warning)

    @dg.op(pool=WAREHOUSE_POOL, ins={"linked": dg.In(dg.Nothing)})
    def classify_chosen_days(context: dg.OpExecutionContext, config: ChosenDays) -> list[str]:
        """Build the chosen days in one dbt invocation; a materialization is reported for each of them."""
        with refusals():
            days = _chosen(settings, config)
        with refusals(), warehouse_held(context, settings) as warehouse:
            with days_controlled(warehouse, settings, days):
                built = build_models(context, dbt, settings, exclude=[STAGING, *LIST_MODELS])
            measure_days(warehouse, settings, days, context.log.info)
            refuse_failed_checks(warehouse, settings)
        _report(context, [*built, LIFT_KEY], days)
        return [str(day) for day in days]

    @dg.op(pool=WAREHOUSE_POOL)
    def publish_chosen_days(context: dg.OpExecutionContext, days: list[str]) -> None:
        """Publish the chosen days to every target."""
        chosen = [date.fromisoformat(day) for day in days]
        with refusals(), warehouse_held(context, settings) as warehouse:
            publish_targets(warehouse, settings, chosen, context.log.info)
        _report(context, target_keys(settings), chosen)

    @dg.job(
        name=MONTH_ENDS_JOB,
        description="Classify and publish chosen days, e.g. month ends, in one run; reports each day, and only those.",
    )
    def month_ends() -> None:
        publish_chosen_days(classify_chosen_days(linked=link_customers(staged=stage(landed=land_files()))))

    return month_ends


def upgrade_job(settings: Settings, dbt: DbtChild) -> dg.JobDefinition:
    """What `strata upgrade` runs on a warehouse that nobody reads yet: chosen days from what has landed, not published.

    Lists that were issued for them are drawn up as they were; none is issued.
    """

    @dg.op(pool=WAREHOUSE_POOL, out=dg.Out(dg.Nothing))
    def stage_landed(context: dg.OpExecutionContext) -> None:
        """Build staging from all batches, and link customers."""
        with refusals(), warehouse_held(context, settings) as warehouse:
            attach_landed(warehouse, settings)
            build_models(context, dbt, settings, select=[STAGING])
            link_references(warehouse, settings, context.log.warning)

    @dg.op(pool=WAREHOUSE_POOL, ins={"staged": dg.In(dg.Nothing)})
    def build_days_again(context: dg.OpExecutionContext, config: ChosenDays) -> None:
        """Build the chosen days; a materialization is reported for each of them."""
        listed = listed_days(settings.paths)
        with refusals():
            days = _chosen(settings, config)
        with refusals(), warehouse_held(context, settings) as warehouse:
            with days_controlled(warehouse, settings, days, listed_days=listed):
                left_out = [STAGING] if listed else [STAGING, *LIST_MODELS]
                built = build_models(context, dbt, settings, exclude=left_out)
            measure_days(warehouse, settings, days, context.log.info)
            refuse_failed_checks(warehouse, settings)
        _report(context, [*built, LIFT_KEY], days)

    @dg.job(name=UPGRADE_JOB)
    def upgrade() -> None:
        build_days_again(stage_landed())

    return upgrade


def _chosen(settings: Settings, config: ChosenDays) -> list[date]:
    """The days of the run's configuration, oldest first.

    Raises:
        DayError: one is no day, before history starts or not over yet.
    """
    business = settings.sources.business
    days = sorted({day_named(day, setting="days") for day in config.days})
    last_complete = last_complete_day(datetime.now(UTC), ZoneInfo(business.time_zone))
    refuse_outside(days, history_starts_on=business.history_starts_on, last_complete=last_complete)
    return days


def _report(context: dg.OpExecutionContext, keys: list[dg.AssetKey], days: list[date]) -> None:
    for key in keys:
        for day in days:
            context.instance.report_runless_asset_event(
                dg.AssetMaterialization(key, partition=str(day), metadata={"dagster run": context.run_id})
            )
