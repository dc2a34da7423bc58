"""What the lists of the campaigns before the day brought in, and how far they were worked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.report.content.rows import rows_of

HORIZONS = (30, 60, 90)
MOST_CAMPAIGNS = 6  # the newest of them; more would be a list, not a picture
CAMPAIGNS_OF_WORK = 2  # on the first days of a month the newest one says little
FEWEST_SHOWN = 5  # of customers in a class or of a sales rep: fewer would tell of single customers


@dataclass(frozen=True)
class Difference:
    """Treated less control with its 95% interval."""

    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Lift:
    """A class of a breakdown at a horizon. `verdict`, `revenue_verdict` and `reason` are codes of reactivation_lift."""

    horizon_days: int
    breakdown: str
    code: str
    treated: int
    control: int
    waiting: int
    treated_rate: Decimal | None
    control_rate: Decimal | None
    rate: Difference | None
    rate_p_value: Decimal | None
    revenue: Difference | None
    incremental: Difference | None
    verdict: str
    revenue_verdict: str
    reason: str | None
    detectable_difference: Decimal
    treated_needed: int | None
    control_needed: int | None


@dataclass(frozen=True)
class Work:
    """How far the lists of a campaign, channel and owner were worked; `owner` is None for the rest together."""

    campaign_id: str
    channel: str
    owner: str | None
    treated: int
    worked: int
    open: int
    median_hours: Decimal | None


@dataclass(frozen=True)
class Lifts:
    """Everything known on the day; `work` is that of the newest campaigns."""

    rows: tuple[Lift, ...]
    work: tuple[Work, ...]

    def overall(self, horizon_days: int) -> Lift | None:
        """All customers of all campaigns."""
        return next((row for row in self.of(horizon_days, "all")), None)

    def of(self, horizon_days: int, breakdown: str) -> list[Lift]:
        """The classes of a breakdown that hold customers enough; of campaigns the newest, the newest first."""
        found = [
            row
            for row in self.rows
            if (row.horizon_days, row.breakdown) == (horizon_days, breakdown)
            and (breakdown == "all" or row.treated + row.control >= FEWEST_SHOWN)
        ]
        return found[: -MOST_CAMPAIGNS - 1 : -1] if breakdown == "campaign" else found

    def compared_campaigns(self, horizon_days: int) -> list[Lift]:
        """Every campaign of which somebody's days have passed, also those that are too many to be shown."""
        return [
            row
            for row in self.rows
            if (row.horizon_days, row.breakdown) == (horizon_days, "campaign") and row.treated + row.control
        ]

    @property
    def shown_horizon(self) -> int:
        """The longest horizon at which all customers together are compared, else the shortest."""
        stated = [days for days in HORIZONS if (row := self.overall(days)) and row.rate]
        return max(stated, default=min(HORIZONS))


def read_lifts(con: duckdb.DuckDBPyConnection, day: date) -> Lifts:
    """What `day` knows of the entries before it."""
    return Lifts(
        rows=tuple(_lift(row) for row in rows_of(con, _LIFT, day=day)),
        work=tuple(Work(*row) for row in rows_of(con, _WORK, day=day)),
    )


def _lift(row: tuple[Any, ...]) -> Lift:
    values = dict(zip((field.name for field in fields(Lift)), row, strict=True))
    for name in ("rate", "revenue", "incremental"):
        value, low, high = values[name]
        values[name] = None if value is None else Difference(value, low, high)
    return Lift(**values)


_LIFT = """
    select
        horizon_days, breakdown, class, treated, control, waiting, treated_rate, control_rate,
        [rate_difference, rate_difference_low, rate_difference_high],
        rate_p_value_holm,
        [revenue_difference, revenue_difference_low, revenue_difference_high],
        [incremental_revenue, incremental_revenue_low, incremental_revenue_high],
        verdict, revenue_verdict, reason, detectable_difference, treated_needed, control_needed
    from marts.reactivation_lift
    where evaluated_on = $day
    order by horizon_days, breakdown, class
"""
_WORK = f"""
    select
        campaign_id,
        channel,
        case when work.treated >= {FEWEST_SHOWN} then work.owner end as named_owner,
        sum(treated)::bigint,
        sum(worked)::bigint,
        sum(open)::bigint,
        case when count(*) = 1 then max(median_hours_to_first_contact) end
    from marts.reactivation_work as work
    where evaluated_on = $day
    group by campaign_id, channel, named_owner
    qualify dense_rank() over (order by campaign_id desc) <= {CAMPAIGNS_OF_WORK}
    order by campaign_id desc, channel, named_owner is null, named_owner
"""
