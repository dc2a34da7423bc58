"""Business days as Dagster partitions. What is done for a day is declared by the other modules of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg

from dagster_project.settings import Settings

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
SINGLE_DAY = "dagster/partition"

# A range of days is one run, with one dbt invocation: never a run a day.
ONE_RUN = dg.BackfillPolicy.single_run()


def business_days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition a business day, from the first day of history to the last that is over."""
    business = settings.sources.business
    return dg.DailyPartitionsDefinition(start_date=str(business.history_starts_on), timezone=str(business.time_zone))


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The days of this run, oldest first."""
    return sorted(date.fromisoformat(key) for key in context.partition_keys)


def day_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make a run one of the days from `first` to `last`."""
    if first == last:
        return {SINGLE_DAY: str(first)}
    return {RANGE_START: str(first), RANGE_END: str(last)}


def days_in_keys(keys: Sequence[str]) -> list[date]:
    """Days of partition keys, oldest first."""
    return sorted(date.fromisoformat(key) for key in keys)
