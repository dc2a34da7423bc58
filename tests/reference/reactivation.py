"""Silent customers: why they fell silent, how often their like return, who comes first, and who is held back.

Written from the taxonomy's text alone, like `reference.classification`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple

import pandas as pd

from reference.classification import COUNTED_STATUSES, Standard, classify
from reference.exact import Number, is_missing, median, rounded, to_cents, to_day

SILENT_STAGES = frozenset({"silent", "churned"})


def is_silent(stage: str, recency_days: int | None, max_recency_days: int = 730) -> bool:
    """Whether a customer belongs in silent_customers, erasure aside."""
    return stage in SILENT_STAGES and recency_days is not None and recency_days <= max_recency_days


# ------------------------------------------------------------------------------------------------------ silence cause


def silence_cause(
    orders: Iterable[tuple[date, Number, Number]],
    complaints: Iterable[date],
    as_of: date,
    *,
    complaint_days: int = 30,
) -> str:
    """The first cause that holds for one customer.

    `orders` are the counted orders as (day, gross, discount); `complaints` the days of complaints. What is dated after
    D is not looked at.
    """
    bought = [(day, Fraction(gross), Fraction(discount)) for day, gross, discount in orders if day <= as_of]
    days = sorted({day for day, _, _ in bought})
    if not days:
        raise ValueError("a prospect cannot have fallen silent")
    gaps = [(b - a).days for a, b in pairwise(days)]

    earliest = days[-1] - timedelta(days=complaint_days)
    if any(earliest <= complaint <= as_of for complaint in complaints):
        return "after_complaint"
    if len(days) == 1:
        return "one_time_buyer"
    gross = sum(amount for _, amount, _ in bought)
    gross_with_discount = sum(amount for _, amount, discount in bought if discount > 0)
    if 2 * gross_with_discount > gross:
        return "price"
    if is_seasonal(days):
        return "seasonal"
    if len(gaps) >= 3 and gaps[-3] < gaps[-2] < gaps[-1]:
        return "fading"
    return "unknown"


def is_seasonal(days: Sequence[date]) -> bool:
    """At least 4 order days, in at least 2 calendar years, at least 75% of them within the same 3 adjacent months."""
    if len(days) < 4 or len({day.year for day in days}) < 2:
        return False
    for first in range(12):
        season = {first + 1, (first + 1) % 12 + 1, (first + 2) % 12 + 1}  # December and January are adjacent
        if 100 * sum(day.month in season for day in days) >= 75 * len(days):
            return True
    return False


def silence_causes(orders: pd.DataFrame, complaints: pd.DataFrame | None, as_of: date) -> pd.Series:
    """The cause of every customer with a counted order up to D, silent or not, indexed by customer_id.

    `orders` as for `classify`; `complaints`: customer_id and occurred_on.
    """
    as_of = to_day(as_of)
    bought: dict[Hashable, list[tuple[date, int, int]]] = {}
    for record in orders.to_dict("records"):
        day = to_day(record["ordered_on"])
        if record["status"] in COUNTED_STATUSES and day <= as_of and not is_missing(record["customer_id"]):
            gross, discount = to_cents(record["gross_amount"]), to_cents(record.get("discount_amount"))
            bought.setdefault(record["customer_id"], []).append((day, gross or 0, discount or 0))
    complained: dict[Hashable, list[date]] = {}
    if complaints is not None:
        for customer_id, occurred_on in zip(complaints["customer_id"], complaints["occurred_on"], strict=True):
            complained.setdefault(customer_id, []).append(to_day(occurred_on))
    causes = {
        customer_id: silence_cause(own, complained.get(customer_id, []), as_of) for customer_id, own in bought.items()
    }
    return pd.Series(causes, dtype=object, name="silence_cause").rename_axis("customer_id").sort_index()


# -------------------------------------------------------------------------------------------------------- return rate


class Band(NamedTuple):
    """Customers who are alike: how long they have been silent, how much they were worth, how often they bought."""

    silence: Literal["<=2", "<=3", ">3"]
    value_tier: str
    orders: Literal["1", "2-3", "4+"]


def band_of(recency_days: int, silence_limit_days: Number, value_tier: str, order_count: int) -> Band:
    limit = Fraction(silence_limit_days)
    silence: Literal["<=2", "<=3", ">3"] = ">3"
    if recency_days <= 2 * limit:
        silence = "<=2"
    elif recency_days <= 3 * limit:
        silence = "<=3"
    return Band(silence, value_tier, "1" if order_count == 1 else "2-3" if order_count <= 3 else "4+")


@dataclass(frozen=True)
class ReturnRates:
    """Customers counted once per month end, and those of them who ordered in the days after it, by band."""

    month_ends: tuple[date, ...]
    counts: Mapping[Band, tuple[int, int]]  # (customers, returned)
    prior: int = 50

    @property
    def overall(self) -> Fraction | None:
        customers = sum(n for n, _ in self.counts.values())
        return Fraction(sum(returned for _, returned in self.counts.values()), customers) if customers else None

    def rate(self, band: Band) -> Decimal | None:
        """(returned + prior × overall rate) / (n + prior); a band not seen yet has the overall rate."""
        if self.overall is None:
            return None
        n, returned = self.counts.get(band, (0, 0))
        return rounded((returned + self.prior * self.overall) / (n + self.prior))


def month_ends_up_to(latest: date, count: int) -> list[date]:
    """The last `count` month ends dated at most `latest`, newest first."""
    found: list[date] = []
    following = (latest + timedelta(days=1)).replace(day=1)  # a month end is the day before the first of a month
    while len(found) < count:
        found.append(following - timedelta(days=1))
        following = found[-1].replace(day=1)
    return found


def return_rates(
    states: pd.DataFrame,
    orders: pd.DataFrame,
    as_of: date,
    *,
    horizon_days: int = 90,
    month_ends: int = 12,
    prior: int = 50,
    max_recency_days: int = 730,
) -> ReturnRates:
    """How many of the silent customers at the last 12 month ends E ≤ D − 90 ordered in E+1 … E+90.

    `states` has customer_id, as_of_date (E), lifecycle_stage, recency_days, silence_limit_days, value_tier and
    order_count; days that are no such month end are left aside. `orders` as for `classify`.
    """
    as_of = to_day(as_of)
    wanted = set(month_ends_up_to(as_of - timedelta(days=horizon_days), month_ends))
    order_days: dict[Hashable, set[date]] = {}
    for customer_id, ordered_on, status in zip(
        orders["customer_id"], orders["ordered_on"], orders["status"], strict=True
    ):
        if status in COUNTED_STATUSES:
            order_days.setdefault(customer_id, set()).add(to_day(ordered_on))

    counts: dict[Band, tuple[int, int]] = {}
    seen: set[date] = set()
    for state in states.to_dict("records"):
        month_end = to_day(state["as_of_date"])
        if month_end not in wanted:
            continue
        seen.add(month_end)
        recency = None if is_missing(state["recency_days"]) else int(state["recency_days"])
        if recency is None or not is_silent(state["lifecycle_stage"], recency, max_recency_days):
            continue
        band = band_of(recency, state["silence_limit_days"], state["value_tier"], int(state["order_count"]))
        last = month_end + timedelta(days=horizon_days)
        came_back = any(month_end < day <= last for day in order_days.get(state["customer_id"], ()))
        n, returned = counts.get(band, (0, 0))
        counts[band] = (n + 1, returned + came_back)
    return ReturnRates(tuple(sorted(seen)), counts, prior)


def states_at_month_ends(
    orders: pd.DataFrame,
    refunds: pd.DataFrame,
    first_seen: pd.DataFrame | None,
    as_of: date,
    standard: Standard,
    *,
    horizon_days: int = 90,
    month_ends: int = 12,
) -> pd.DataFrame:
    """The states that `return_rates` takes, classified afresh at each month end from the earliest known day on."""
    columns = ["lifecycle_stage", "recency_days", "silence_limit_days", "value_tier", "order_count"]
    frames = []
    for month_end in month_ends_up_to(to_day(as_of) - timedelta(days=horizon_days), month_ends):
        classified = classify(orders, refunds, first_seen, month_end, standard)
        if len(classified):
            frames.append(classified[columns].reset_index().assign(as_of_date=month_end))
    if not frames:
        return pd.DataFrame(columns=["customer_id", *columns, "as_of_date"], dtype=object)
    for frame in frames:
        frame.attrs = {}
    return pd.concat(frames, ignore_index=True)


# ----------------------------------------------------------------------------------------------------------- priority


class Priority(NamedTuple):
    score: Decimal | None
    is_value_alone: bool  # there was no return rate yet


def priority(
    return_rate: Decimal | None,
    expected_value_90d: Decimal | None,
    average_order_value: Decimal | None,
    median_order: Decimal | None,
) -> Priority:
    """return_rate × the first value that is known; the value alone while there is no return rate."""
    values = [v for v in (expected_value_90d, average_order_value, median_order) if v is not None]
    if not values:
        return Priority(None, is_value_alone=return_rate is None)
    if return_rate is None:
        return Priority(rounded(values[0]), is_value_alone=True)
    return Priority(rounded(Fraction(return_rate) * Fraction(values[0])), is_value_alone=False)


def median_order_revenue(orders: pd.DataFrame, as_of: date) -> Decimal | None:
    """The company's median order: the median revenue (gross − discount) of all counted orders up to D."""
    revenues = [
        (to_cents(record["gross_amount"]) or 0) - (to_cents(record.get("discount_amount")) or 0)
        for record in orders.to_dict("records")
        if record["status"] in COUNTED_STATUSES and to_day(record["ordered_on"]) <= to_day(as_of)
    ]
    return rounded(median(revenues) / 100) if revenues else None


def by_priority(scores: Mapping[str, Decimal | None]) -> list[str]:
    """Customer ids, highest score first; ties go to the smaller id, and who has no score comes last."""

    def key(customer_id: str) -> tuple[bool, Fraction, str]:
        score = scores[customer_id]
        return (score is None, -Fraction(score or 0), customer_id)

    return sorted(scores, key=key)


# --------------------------------------------------------------------------------------------------------------- arms


@dataclass(frozen=True)
class Candidate:
    """An eligible customer and the channels he has granted, the best first."""

    customer_id: str
    priority_score: Decimal | None
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    customer_id: str
    arm: Literal["treated", "control"]
    channel: str
    priority_score: Decimal | None


def arms_walk(
    candidates: Iterable[Candidate],
    capacities: Mapping[str, int],
    *,
    salt: str,
    stable_hash: Callable[[str, str], Number | float],
    control_share: Decimal = Decimal("0.1"),
    already_assigned: Collection[str] = (),
) -> list[Assignment]:
    """Who is treated on which channel and who is held back, in the order of the walk.

    `stable_hash(salt, customer_id)` gives a number in 0 ≤ x < 1; below the control share it is the control arm. Each
    customer stands for the best of his channels that has room left; one without such a channel is passed over and is in
    neither arm, whatever his hash. Only the treated take room. The walk ends with the last room taken, so that nobody
    after the last treated customer is a control.
    """
    pool = {candidate.customer_id: candidate for candidate in candidates}
    room = {channel: capacity for channel, capacity in capacities.items() if capacity > 0}
    assignments: list[Assignment] = []
    for customer_id in by_priority({customer_id: candidate.priority_score for customer_id, candidate in pool.items()}):
        if not room:
            break
        if customer_id in already_assigned:
            continue  # a customer enters a campaign once
        candidate = pool[customer_id]
        channel = next((name for name in candidate.channels if name in room), None)
        if channel is None:
            continue
        is_control = Fraction(stable_hash(salt, customer_id)) < Fraction(control_share)
        arm: Literal["treated", "control"] = "control" if is_control else "treated"
        assignments.append(Assignment(customer_id, arm, channel, candidate.priority_score))
        if not is_control:
            room[channel] -= 1
            if room[channel] == 0:
                del room[channel]
    return assignments
