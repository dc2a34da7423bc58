"""The table marts.reactivation_lift: read from the outcomes of a day, written for that day.

A customer counts once, with their first entry of all. Entries of one customer overlap (campaigns last a month, outcomes
90 days): counted each, one order would be several returns. And who enters again, and as what, hangs on what the first
entry did, so that later entries are no comparison by lot any more; only a campaign's own row counts all of its entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dagster_project.errors import StrataError
from dagster_project.measurement.comparing import Arm, Comparison
from dagster_project.measurement.lift import Group, Lift, Verdict, measured
from dagster_project.settings.publishing import MeasurementSettings

OUTCOMES = "marts.reactivation_outcomes"
LIFT = "marts.reactivation_lift"

_ratio, _mean, _money = pa.decimal128(9, 6), pa.decimal128(18, 6), pa.decimal128(18, 2)

# Name, type, and what it says; the grain is evaluated_on × horizon_days × breakdown × class.
_COLUMNS: tuple[tuple[str, pa.DataType, str], ...] = (
    ("evaluated_on", pa.date32(), "Business day up to whose end outcomes are known."),
    ("horizon_days", pa.int32(), "30, 60 or 90: days after the entry in which a customer may have come back."),
    (
        "breakdown",
        pa.string(),
        "all, channel, silence_cause or value_tier of the first entry; campaign of every entry.",
    ),
    ("class", pa.string(), "Class of the breakdown; all in the breakdown of that name."),
    ("treated", pa.int64(), "Customers drawn to be contacted whose horizon has passed, once each: see breakdown."),
    ("control", pa.int64(), "Customers drawn to be left alone, likewise."),
    ("waiting", pa.int64(), "Customers of both arms whose horizon has not passed: what is said is final when none is."),
    ("treated_returned", pa.int64(), "Treated customers with an order day within the horizon."),
    ("control_returned", pa.int64(), "Control customers with one."),
    ("treated_rate", _ratio, "treated_returned / treated; NULL without any."),
    ("control_rate", _ratio, "control_returned / control; NULL without any."),
    ("rate_difference", _ratio, "treated_rate − control_rate; NULL where the groups are too small for it."),
    ("rate_difference_low", _ratio, "Lower end of its 95% interval (Newcombe's hybrid score)."),
    ("rate_difference_high", _ratio, "Upper end."),
    ("rate_p_value", _ratio, "Two-sided p value of no difference (pooled z test)."),
    ("rate_p_value_holm", _ratio, "The same after Holm, over the classes of the breakdown at the horizon."),
    ("treated_revenue_mean", _mean, "Revenue a treated customer within the horizon, less refunds, buyers or not."),
    ("control_revenue_mean", _mean, "The same of control customers."),
    ("revenue_difference", _mean, "treated_revenue_mean − control_revenue_mean; NULL where too few returned for it."),
    ("revenue_difference_low", _mean, "Lower end of its 95% interval (Welch)."),
    ("revenue_difference_high", _mean, "Upper end."),
    ("revenue_p_value", _ratio, "Two-sided p value of no difference (Welch's t test)."),
    ("revenue_p_value_holm", _ratio, "The same after Holm, over the classes of the breakdown at the horizon."),
    ("incremental_revenue", _money, "revenue_difference × treated: what contacting them brought in."),
    ("incremental_revenue_low", _money, "revenue_difference_low × treated."),
    ("incremental_revenue_high", _money, "revenue_difference_high × treated."),
    ("verdict", pa.string(), "Of the return rate: too_small, no_effect_shown or effect, which may be a loss."),
    ("revenue_verdict", pa.string(), "The same of revenue."),
    (
        "reason",
        pa.string(),
        "Why too_small: too_early, nobody_treated, no_control_group, groups_too_small, too_few_returned, low_power.",
    ),
    ("detectable_difference", _ratio, "The difference in rates that the settings want to be seen where it is there."),
    ("power", _ratio, "Chance that groups of this size show it."),
    ("control_needed", pa.int64(), "Smallest control group with 80% power for it; NULL where no rate can be so high."),
    ("treated_needed", pa.int64(), "Treated beside it: as many as here, or more where no control group would do."),
)
_SCHEMA = pa.schema([(name, kind) for name, kind, _ in _COLUMNS])
_REQUIRED = {
    "evaluated_on",
    "horizon_days",
    "breakdown",
    "class",
    "treated",
    "control",
    "waiting",
    "verdict",
    "revenue_verdict",
}


class MeasurementError(StrataError):
    """The lift cannot be measured."""


@dataclass(frozen=True)
class Measured:
    """A day that was measured: how many of its rows of the table have each verdict."""

    day: date
    effects: int
    without_effect: int
    too_small: int

    @property
    def rows(self) -> int:
        return self.effects + self.without_effect + self.too_small


def measure_lift(
    con: duckdb.DuckDBPyConnection,
    settings: MeasurementSettings,
    days: Sequence[date],
    *,
    say: Callable[[Measured], None] = lambda _: None,
) -> list[Measured]:
    """Measure the outcomes known on each of `days` and replace their rows; the same outcomes give the same rows.

    Raises:
        MeasurementError: the outcomes are not in the warehouse.
    """
    written = []
    for day in days:
        lifts = measured(_groups(con, day), settings)
        _replace(con, day, pa.Table.from_pylist([_row(day, lift, settings) for lift in lifts], schema=_SCHEMA))
        verdicts = Counter(lift.verdict for lift in lifts)
        written.append(Measured(day, *(verdicts[each] for each in _COUNTED_VERDICTS)))
        say(written[-1])
    return written


def _groups(con: duckdb.DuckDBPyConnection, day: date) -> list[Group]:
    try:
        counted = con.sql(_COUNTED, params={"day": day}).to_arrow_table()
    except duckdb.CatalogException as error:
        raise MeasurementError(
            f"The lift is measured from {OUTCOMES}, which the warehouse lacks ({error}). Build it with `strata run`."
        ) from None
    found: dict[tuple[int, str, str], _Counts] = {}
    lists = ("revenues", "weights")
    keys: list[dict[str, Any]] = counted.drop_columns(lists).to_pylist()
    for key, revenues, weights in zip(keys, *(counted[name] for name in lists), strict=True):
        counts = found.setdefault((key["horizon_days"], key["breakdown"], key["class"]), _Counts())
        counts.waiting += key["waiting"]
        if key["customers"]:
            counts.arms[key["arm"]] = Arm(
                key["customers"], key["returned"], revenues.values.to_numpy(), weights.values.to_numpy()
            )
    return [
        Group(*key, counts.arms["treated"], counts.arms["control"], counts.waiting) for key, counts in found.items()
    ]


_NOBODY = Arm(0, 0, np.array([]), np.array([]))


@dataclass
class _Counts:
    """Both arms of a group, of those whose horizon has passed, and how many of both wait for theirs."""

    arms: dict[str, Arm] = field(default_factory=lambda: {"treated": _NOBODY, "control": _NOBODY})
    waiting: int = 0


def _row(day: date, lift: Lift, settings: MeasurementSettings) -> dict[str, Any]:
    group = lift.group
    treated, control = group.treated, group.control
    return {
        "evaluated_on": day,
        "horizon_days": group.horizon_days,
        "breakdown": group.breakdown,
        "class": group.class_,
        "treated": treated.customers,
        "control": control.customers,
        "waiting": group.waiting,
        "treated_returned": treated.returned,
        "control_returned": control.returned,
        "treated_rate": _rounded(treated.rate),
        "control_rate": _rounded(control.rate),
        **_compared("rate", lift.rates, lift.rate_p_value_holm),
        "treated_revenue_mean": _rounded(treated.mean_revenue),
        "control_revenue_mean": _rounded(control.mean_revenue),
        **_compared("revenue", lift.revenues, lift.revenue_p_value_holm),
        **_incremental(lift.revenues, treated.customers),
        "verdict": lift.verdict.value,
        "revenue_verdict": lift.revenue_verdict.value,
        "reason": lift.reason.value if lift.reason else None,
        "detectable_difference": settings.detectable_difference,
        "power": _rounded(lift.power),
        "control_needed": lift.needed.control if lift.needed else None,
        "treated_needed": lift.needed.treated if lift.needed else None,
    }


def _compared(measure: str, comparison: Comparison | None, holm: float | None) -> dict[str, Decimal | None]:
    found = comparison
    return {
        f"{measure}_difference": _rounded(found.difference if found else None),
        f"{measure}_difference_low": _rounded(found.low if found else None),
        f"{measure}_difference_high": _rounded(found.high if found else None),
        f"{measure}_p_value": _rounded(found.p_value if found else None),
        f"{measure}_p_value_holm": _rounded(holm),
    }


def _incremental(revenues: Comparison | None, treated: int) -> dict[str, Decimal | None]:
    ends = {"": revenues.difference, "_low": revenues.low, "_high": revenues.high} if revenues else {}
    return {
        f"incremental_revenue{end}": _rounded(ends[end] * treated, digits=2) if end in ends else None
        for end in ("", "_low", "_high")
    }


def _rounded(value: float | None, *, digits: int = 6) -> Decimal | None:
    if value is None:
        return None
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def _replace(con: duckdb.DuckDBPyConnection, day: date, rows: pa.Table) -> None:
    con.execute(_CREATE)
    con.begin()
    try:
        con.execute(f"delete from {LIFT} where evaluated_on = $day", {"day": day})
        con.register("measured_rows", rows)
        con.execute(f"insert into {LIFT} by name select * from measured_rows")
        con.commit()
    except BaseException:
        con.rollback()
        raise
    finally:
        con.unregister("measured_rows")


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return {pa.date32(): "date", pa.int32(): "integer", pa.int64(): "bigint", pa.string(): "varchar"}[kind]


_COUNTED_VERDICTS = (Verdict.EFFECT, Verdict.NO_EFFECT_SHOWN, Verdict.TOO_SMALL)
# As people are shown them: name, SQL type and what it says.
LIFT_COLUMNS = tuple((name, _sql_type(kind), says) for name, kind, says in _COLUMNS)
_TYPED = [f"{name} {kind}{' not null' if name in _REQUIRED else ''}" for name, kind, _ in LIFT_COLUMNS]
_CREATE = f"create table if not exists {LIFT} ({', '.join(_TYPED)})"

_BREAKDOWNS = {
    "all": ("'all'", "is_first"),
    "campaign": ("campaign_id", "is_first_of_campaign"),
    "channel": ("channel", "is_first"),
    "silence_cause": ("silence_cause", "is_first"),
    "value_tier": ("value_tier", "is_first"),
}
_GROUPED = " union all ".join(
    f"select '{breakdown}' as breakdown, {class_} as class, horizon_days, arm, has_passed, has_returned, revenue "
    f"from spans where {is_counted}"
    for breakdown, (class_, is_counted) in _BREAKDOWNS.items()
)
# A row a group and arm, with its distinct sums of revenue and how many customers bought for each, rising: most bought
# nothing. First entries are found before an entry becomes a row a horizon, and the sums become lists here: 200,000
# entries take 0.6 s of processor time so, and 2.0 s with a Python tuple a sum.
_COUNTED = f"""
    with entries as (
        select
            *,
            row_number() over (partition by customer_id order by entered_on, campaign_id) = 1 as is_first,
            row_number() over (partition by customer_id, campaign_id order by entered_on) = 1 as is_first_of_campaign
        from {OUTCOMES}
        where evaluated_on = $day and not is_contaminated
    ),

    spans as (
        select
            entries.campaign_id,
            entries.arm,
            entries.channel,
            coalesce(entries.silence_cause, 'unknown') as silence_cause,
            coalesce(entries.value_tier, 'unknown') as value_tier,
            entries.is_first,
            entries.is_first_of_campaign,
            known.span.horizon_days as horizon_days,
            known.span.has_passed as has_passed,
            known.span.has_passed and known.span.has_returned as has_returned,
            case when known.span.has_passed then known.span.revenue end as revenue
        from entries
        cross join lateral (
            select unnest([
                {{horizon_days: 30, has_passed: has_30_days, has_returned: returned_30d, revenue: revenue_30d}},
                {{horizon_days: 60, has_passed: has_60_days, has_returned: returned_60d, revenue: revenue_60d}},
                {{horizon_days: 90, has_passed: has_90_days, has_returned: returned_90d, revenue: revenue_90d}}
            ]) as span
        ) as known
    ),

    grouped as (
        {_GROUPED}
    ),

    counted as (
        select
            horizon_days,
            breakdown,
            class,
            arm,
            has_passed,
            revenue,
            count(*) as customers,
            count(*) filter (where has_returned) as returned
        from grouped
        group by all
    )

    select
        horizon_days,
        breakdown,
        class,
        arm,
        cast(coalesce(sum(customers) filter (where has_passed), 0) as bigint) as customers,
        cast(sum(returned) as bigint) as returned,
        cast(coalesce(sum(customers) filter (where not has_passed), 0) as bigint) as waiting,
        list(cast(revenue as double) order by revenue) filter (where has_passed) as revenues,
        list(cast(customers as double) order by revenue) filter (where has_passed) as weights
    from counted
    group by horizon_days, breakdown, class, arm
    order by horizon_days, breakdown, class, arm
"""
