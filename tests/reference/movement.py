"""How classes move between days, how steady they are, and whether they told the future: from classified days alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from reference.day import Day
from reference.exact import ratio, rounded
from reference.history import History

ABSENT = "absent"
FLOOR = 0.0001


# ---------------------------------------------------------------------------------------------------------- migration


@dataclass(frozen=True)
class Moved:
    """How many customers, and what they bring."""

    customers: int
    revenue_window: Decimal


def migration(before: Day, after: Day) -> dict[tuple[str, str, str], Moved]:
    """How many customers, and how much revenue of the later day, went from class to class, by dimension."""
    found: dict[tuple[str, str, str], list[Decimal]] = {}
    for dimension in dict.fromkeys((*before.dimensions, *after.dimensions)):
        earlier, later = classes_in(before, dimension), classes_in(after, dimension)
        for customer in earlier.keys() | later.keys():
            key = (dimension, earlier.get(customer, ABSENT), later.get(customer, ABSENT))
            side = after if customer in after.rows else before
            found.setdefault(key, []).append(side.rows[customer]["revenue_window"])
    return {key: Moved(len(revenues), sum(revenues, Decimal("0.00"))) for key, revenues in found.items()}


def classes_in(day: Day, dimension: str) -> dict[Hashable, str]:
    """Everybody's class; nobody where the day's standard lacks the dimension."""
    has_dimension = dimension in day.dimensions
    return {customer: day.class_of(customer, dimension) for customer in day.rows if has_dimension}


# ---------------------------------------------------------------------------------------------------------- stability


def stability_index(before: Mapping[Hashable, str], after: Mapping[Hashable, str]) -> float | None:
    """Population stability index: Σ (q − p) · ln(q / p) over the classes of either side, shares at least 0.0001.

    None where either side has nobody.
    """
    if not before or not after:
        return None
    counts = Counter(before.values()), Counter(after.values())
    index = 0.0
    for code in counts[0].keys() | counts[1].keys():
        p, q = (max(count[code] / len(side), FLOOR) for count, side in zip(counts, (before, after), strict=True))
        index += (q - p) * math.log(q / p)
    return index


def verdict(index: Decimal, warn: Decimal, fail: Decimal) -> Literal["steady", "warn", "fail"]:
    if index >= fail:
        return "fail"
    return "warn" if index >= warn else "steady"


# ------------------------------------------------------------------------------------------------------------ history


@dataclass(frozen=True)
class Stay:
    """A class that one customer kept from one computed day to the first on which he has it no more, or until now."""

    code: str
    valid_from: date
    valid_to: date | None


def segment_history(days: Sequence[Day]) -> dict[tuple[Hashable, str], list[Stay]]:
    """By customer and dimension the classes in turn, over every computed day; a day without him ends the stay."""
    stays: dict[tuple[Hashable, str], list[Stay]] = {}
    held: dict[tuple[Hashable, str], str] = {}
    for day in sorted(days, key=lambda day: day.as_of):
        now = {(customer, dimension): code for customer, dimension, code in day.classes()}
        for key, code in held.items():
            if now.get(key) != code:
                stays[key][-1] = replace(stays[key][-1], valid_to=day.as_of)
        for key, code in now.items():
            if held.get(key) != code:
                stays.setdefault(key, []).append(Stay(code, day.as_of, None))
        held = now
    return stays


# ----------------------------------------------------------------------------------------------------------- backtest


@dataclass(frozen=True)
class Outcome:
    """What customers of one class did in the days after a snapshot."""

    customers: int
    repeat_customers: int
    next_revenue: Decimal

    @property
    def repeat_rate(self) -> Decimal | None:
        return ratio(self.repeat_customers, self.customers)


def next_revenues(history: History, snapshot_on: date, horizon_days: int = 90) -> dict[Hashable, Fraction]:
    """Order revenue less refunds of each customer in the days after the snapshot."""
    last = snapshot_on + timedelta(days=horizon_days)
    revenues: dict[Hashable, Fraction] = {}
    for customer, purchases in history.purchases.items():
        within = (purchase.revenue for purchase in purchases if snapshot_on < purchase.day <= last)
        revenues[customer] = sum(within, Fraction(0))
    refunds = history.frames()["refunds"]
    for customer, day, amount in zip(refunds["customer_id"], refunds["refunded_on"], refunds["amount"], strict=True):
        if snapshot_on < day <= last:
            revenues[customer] = revenues.get(customer, Fraction(0)) - Fraction(amount)
    return revenues


def backtest(history: History, snapshot: Day, dimension: str, horizon_days: int = 90) -> dict[str, Outcome]:
    """By class on the snapshot's day, what its customers did in the next days; everybody with the value tiers."""
    last = snapshot.as_of + timedelta(days=horizon_days)
    revenues = next_revenues(history, snapshot.as_of, horizon_days)
    members: dict[str, list[Hashable]] = {}
    for customer in snapshot.rows:
        members.setdefault(snapshot.class_of(customer, dimension), []).append(customer)
    if dimension == "value_tier":
        members["total"] = list(snapshot.rows)
    return {
        code: Outcome(
            customers=len(customers),
            repeat_customers=sum(
                any(snapshot.as_of < purchase.day <= last for purchase in history.purchases.get(customer, ()))
                for customer in customers
            ),
            next_revenue=rounded(sum((revenues.get(customer, Fraction(0)) for customer in customers), Fraction(0)), 2),
        )
        for code, customers in members.items()
    }


def correlation_with_next(history: History, snapshot: Day, horizon_days: int = 90) -> float | None:
    """How well revenue_window ranked the scored customers by what they brought in the next days."""
    revenues = next_revenues(history, snapshot.as_of, horizon_days)
    return rank_correlation(
        [
            (Fraction(row["revenue_window"]), revenues.get(customer, Fraction(0)))
            for customer, row in snapshot.rows.items()
            if row["order_count_window"] > 0
        ]
    )


def rank_correlation(pairs: Sequence[tuple[Fraction, Fraction]]) -> float | None:
    """Spearman's: the correlation of ranks, equal values sharing their mean rank; None where either never varies."""
    if not pairs:
        return None
    xs, ys = (_ranks(values) for values in zip(*pairs, strict=True))
    mean = Fraction(len(xs) + 1, 2)
    spread_x, spread_y = (sum((rank - mean) ** 2 for rank in ranks) for ranks in (xs, ys))
    if not spread_x or not spread_y:
        return None
    together = sum(((x - mean) * (y - mean) for x, y in zip(xs, ys, strict=True)), Fraction(0))
    return float(together) / math.sqrt(float(spread_x) * float(spread_y))


def _ranks(values: Sequence[Fraction]) -> list[Fraction]:
    counts = Counter(values)
    below, ranks = 0, {}
    for value in sorted(counts):
        ranks[value] = below + Fraction(counts[value] + 1, 2)
        below += counts[value]
    return [ranks[value] for value in values]


# ------------------------------------------------------------------------------------------------------------ summary

BREAKDOWNS = {
    "value_tier": "value_tier",
    "region": "region",
    "channel": "top_channel",
    "industry": "industry",
    "owner": "owner",
}


def summary(day: Day) -> dict[tuple[str, str, str, str], Moved]:
    """Customers and revenue by dimension, class, breakdown and its class."""
    found: dict[tuple[str, str, str, str], list[Decimal]] = {}
    for customer, dimension, code in day.classes():
        row = day.rows[customer]
        for breakdown, own in [("total", "total"), *((name, row[column]) for name, column in BREAKDOWNS.items())]:
            found.setdefault((dimension, code, breakdown, own), []).append(row["revenue_window"])
    return {key: Moved(len(revenues), sum(revenues, Decimal("0.00"))) for key, revenues in found.items()}


# ---------------------------------------------------------------------------------------------------------- resources


@dataclass(frozen=True)
class Allocation:
    """A class's part of the marketing budget against what its customers bring."""

    customers: int
    budget_amount: Decimal
    revenue_window: Decimal
    revenue_share: Decimal | None
    spend_per_customer: Decimal | None
    value_per_customer: Decimal | None
    spend_per_value: Decimal | None


def allocate(day: Day, dimension: str, budget: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Allocation]:
    """The budget split by the classes' shares; what would be divided by nobody, or by nothing, is None."""
    total = sum((Fraction(row["revenue_window"]) for row in day.rows.values()), Fraction(0))
    result = {}
    for code, share in shares.items():
        classes = classes_in(day, dimension)
        members = [row for customer, row in day.rows.items() if classes.get(customer) == code]
        amount = rounded(Fraction(budget) * Fraction(share), 2)
        revenue = sum((Fraction(row["revenue_window"]) for row in members), Fraction(0))
        result[code] = Allocation(
            customers=len(members),
            budget_amount=amount,
            revenue_window=rounded(revenue, 2),
            revenue_share=ratio(revenue, total),
            spend_per_customer=ratio(amount, len(members)),
            value_per_customer=ratio(revenue, len(members)),
            spend_per_value=ratio(amount, revenue),
        )
    return result
