"""Features, RFM, lifecycle and value tier of every customer on one day, from the taxonomy's text alone.

Every row is worked out customer by customer in plain Python. Money is counted in integer cents, ratios are fractions
that are rounded to six digits (halves away from zero) only when they are published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

from reference.exact import (
    cut_points,
    exact_decimal,
    is_missing,
    median,
    ratio,
    rounded,
    to_cents,
    to_day,
    to_money,
)

COUNTED_STATUSES = frozenset({"completed", "refunded"})

COLUMNS = (
    "first_order_on",
    "last_order_on",
    "recency_days",
    "tenure_days",
    "order_count",
    "order_days",
    "revenue",
    "margin",
    "average_order_value",
    "median_gap_days",
    "order_count_window",
    "order_days_window",
    "revenue_window",
    "margin_window",
    "order_count_90d",
    "order_count_prior_90d",
    "revenue_90d",
    "revenue_prior_90d",
    "discount_share",
    "refund_share",
    "r_score",
    "f_score",
    "m_score",
    "rfm_score",
    "rfm_cell",
    "rfm_segment",
    "rfm_type",
    "lifecycle_stage",
    "silence_limit_days",
    "churn_limit_days",
    "days_silent",
    "is_loyal",
    "value_tier",
    "value_share",
    "cumulative_value_share",
    "share_above",
)

# (R is high, F is high, M is high)
RFM_TYPES: Mapping[tuple[bool, bool, bool], str] = {
    (True, True, True): "important_value",
    (True, False, True): "important_develop",
    (False, True, True): "important_keep",
    (False, False, True): "important_winback",
    (True, True, False): "general_value",
    (True, False, False): "general_develop",
    (False, True, False): "general_keep",
    (False, False, False): "general_winback",
}


# ---------------------------------------------------------------------------------------------------------- standard


@dataclass(frozen=True)
class GridRule:
    """One named segment: inclusive ranges of the R score and of the F score."""

    code: str
    r: tuple[int, int]
    f: tuple[int, int]

    def covers(self, r_score: int, f_score: int) -> bool:
        return self.r[0] <= r_score <= self.r[1] and self.f[0] <= f_score <= self.f[1]


@dataclass(frozen=True)
class Grid:
    """Named segments over R score × F score; every cell must lie in exactly one."""

    bins: int
    rules: tuple[GridRule, ...]

    def __post_init__(self) -> None:
        for r_score in range(1, self.bins + 1):
            for f_score in range(1, self.bins + 1):
                covering = [rule.code for rule in self.rules if rule.covers(r_score, f_score)]
                if len(covering) != 1:
                    raise ValueError(f"cell R{r_score} F{f_score} is covered by {covering}, not by one segment")

    def segment(self, r_score: int, f_score: int) -> str:
        return next(rule.code for rule in self.rules if rule.covers(r_score, f_score))


DEFAULT_GRID = Grid(
    bins=5,
    rules=(
        GridRule("champions", r=(5, 5), f=(4, 5)),
        GridRule("loyal", r=(3, 4), f=(4, 5)),
        GridRule("potential_loyalist", r=(4, 5), f=(2, 3)),
        GridRule("new_customers", r=(5, 5), f=(1, 1)),
        GridRule("promising", r=(4, 4), f=(1, 1)),
        GridRule("need_attention", r=(3, 3), f=(3, 3)),
        GridRule("about_to_sleep", r=(3, 3), f=(1, 2)),
        GridRule("at_risk", r=(1, 2), f=(3, 4)),
        GridRule("cannot_lose", r=(1, 2), f=(5, 5)),
        GridRule("hibernating", r=(1, 2), f=(1, 2)),
    ),
)


@dataclass(frozen=True)
class Standard:
    """Every number and method a class depends on, with the taxonomy's defaults."""

    window_days: int = 365

    rfm_method: Literal["quantile", "threshold", "mean", "median"] = "quantile"
    rfm_bins: int = 5  # of the method quantile; threshold has one more than its cuts, mean and median have 2
    r_cuts: tuple[int, ...] = ()  # threshold only; in days of recency, rising
    f_cuts: tuple[int, ...] = ()
    m_cuts: tuple[Decimal, ...] = ()
    rfm_weights: tuple[Decimal, Decimal, Decimal] = (Decimal(1), Decimal(1), Decimal(1))
    type_cut: Literal["mean", "median"] = "mean"
    grid: Grid | None = DEFAULT_GRID

    lifecycle_method: Literal["own_rhythm", "fixed"] = "own_rhythm"
    new_days: int = 30
    reactivated_days: int = 30
    fixed_silence_days: int = 90
    fixed_churn_days: int = 365
    silence_factor: Decimal = Decimal(2)
    churn_factor: Decimal = Decimal(4)
    silence_bounds: tuple[int, int] = (30, 180)
    churn_bounds: tuple[int, int] = (90, 540)
    own_rhythm_order_days: int = 3
    loyal_order_days: int = 6

    value_measure: Literal["revenue_window", "margin_window"] = "revenue_window"
    value_method: Literal["share", "percentile", "threshold"] = "share"
    share_percents: tuple[int, int] = (80, 95)  # high, mid
    percentile_percents: tuple[int, int] = (20, 50)  # high, mid
    value_cuts: tuple[Decimal, Decimal] | None = None  # high, mid; threshold only

    def __post_init__(self) -> None:
        if self.rfm_method == "quantile" and not 2 <= self.rfm_bins <= 9:
            raise ValueError("quantile takes 2 to 9 bins")
        if self.rfm_method == "threshold":
            for cuts in (self.r_cuts, self.f_cuts, self.m_cuts):
                if not 1 <= len(cuts) <= 8 or any(a >= b for a, b in pairwise(cuts)):
                    raise ValueError("threshold takes 1 to 8 strictly rising cuts for each of R, F and M")
        if self.grid is not None and {self.bins_of_r, self.bins_of_f} != {self.grid.bins}:
            raise ValueError("the grid has another number of bins than the method: bring a grid of its own or none")
        if self.fixed_silence_days > self.fixed_churn_days:
            raise ValueError("the fixed silence limit lies above the fixed churn limit")
        if self.lifecycle_method == "own_rhythm":
            self._refuse_turned_limits()
        if self.value_method == "threshold" and self.value_cuts is None:
            raise ValueError("the value method threshold needs its cuts")

    def _refuse_turned_limits(self) -> None:
        """Both limits are piecewise linear in the gap, so their order need only be tried where a bound takes hold."""
        bends = [Fraction(bound) / Fraction(self.silence_factor) for bound in self.silence_bounds]
        bends += [Fraction(bound) / Fraction(self.churn_factor) for bound in self.churn_bounds]
        for gap in [Fraction(0), *bends]:
            silence, churn = self.limits_of_gap(gap)
            if silence > churn:
                raise ValueError(f"at a gap of {gap} days the limits of silence and churn are turned round")

    @property
    def bins_of_r(self) -> int:
        return {"quantile": self.rfm_bins, "threshold": len(self.r_cuts) + 1}.get(self.rfm_method, 2)

    @property
    def bins_of_f(self) -> int:
        return {"quantile": self.rfm_bins, "threshold": len(self.f_cuts) + 1}.get(self.rfm_method, 2)

    def limits_of_gap(self, gap: Fraction) -> tuple[Fraction, Fraction]:
        """Silence and churn limit that a median gap leads to, each kept within its bounds, not rounded."""

        def within(value: Fraction, bounds: tuple[int, int]) -> Fraction:
            return min(max(value, Fraction(bounds[0])), Fraction(bounds[1]))

        return (
            within(Fraction(self.silence_factor) * gap, self.silence_bounds),
            within(Fraction(self.churn_factor) * gap, self.churn_bounds),
        )


# ------------------------------------------------------------------------------------------------------------- input


@dataclass(frozen=True)
class Order:
    """One counted order, money in cents."""

    day: date
    gross: int
    discount: int
    revenue: int
    cost: int | None


@dataclass
class Customer:
    """What is known of one customer up to D, and what has been worked out so far."""

    orders: list[Order] = field(default_factory=list)
    refunds: list[tuple[date, int]] = field(default_factory=list)
    days: list[date] = field(default_factory=list)  # distinct order days, rising
    gaps: list[int] = field(default_factory=list)  # between successive order days
    revenue_window: int = 0
    margin_window: int | None = 0
    row: dict[str, Any] = field(default_factory=dict)


def gather(
    orders: pd.DataFrame, refunds: pd.DataFrame, first_seen: pd.DataFrame | None, as_of: date
) -> dict[Hashable, Customer]:
    """One entry for whoever has a row on D: known without orders, or with an order of any status, dated at most D."""
    customers: dict[Hashable, Customer] = {}
    if first_seen is not None:
        for customer_id, seen_on in zip(first_seen["customer_id"], first_seen["first_seen_on"], strict=True):
            if not is_missing(customer_id) and to_day(seen_on) <= as_of:
                customers.setdefault(customer_id, Customer())

    for record in orders.to_dict("records"):
        day = to_day(record["ordered_on"])
        if is_missing(record["customer_id"]) or day > as_of:
            continue
        customer = customers.setdefault(record["customer_id"], Customer())
        if record["status"] in COUNTED_STATUSES:
            customer.orders.append(counted_order(record, day))

    if len(refunds):
        for customer_id, refunded_on, amount in zip(
            refunds["customer_id"], refunds["refunded_on"], refunds["amount"], strict=True
        ):
            day = to_day(refunded_on)
            cents = to_cents(amount)
            # a refund alone gives nobody a row
            if not is_missing(customer_id) and day <= as_of and cents is not None and customer_id in customers:
                customers[customer_id].refunds.append((day, cents))

    for customer in customers.values():
        customer.days = sorted({order.day for order in customer.orders})
        customer.gaps = [(b - a).days for a, b in pairwise(customer.days)]
    return customers


def counted_order(record: Mapping[Hashable, Any], day: date) -> Order:
    gross = to_cents(record["gross_amount"])
    if gross is None:
        raise ValueError(f"a counted order without a gross amount: {record!r}")
    discount = to_cents(record.get("discount_amount")) or 0
    revenue = gross - discount
    given = to_cents(record.get("revenue"))
    if given is not None and given != revenue:
        raise ValueError(f"revenue is not gross − discount: {record!r}")
    return Order(day, gross, discount, revenue, to_cents(record.get("cost_amount")))


# ---------------------------------------------------------------------------------------------------------- features


@dataclass(frozen=True)
class Span:
    """What a customer did in a span of days; revenue and margin are net of the refunds in it."""

    order_count: int
    order_days: int
    gross: int
    discount: int
    order_revenue: int
    refunded: int
    revenue: int
    margin: int | None


def span_of(customer: Customer, first: date, last: date) -> Span:
    """The business days first … last, both included."""
    orders = [order for order in customer.orders if first <= order.day <= last]
    order_revenue = sum(order.revenue for order in orders)
    refunded = sum(cents for day, cents in customer.refunds if first <= day <= last)
    costs = [order.cost for order in orders]
    margin = None
    if all(cost is not None for cost in costs):
        margin = order_revenue - refunded - sum(cost for cost in costs if cost is not None)
    return Span(
        order_count=len(orders),
        order_days=len({order.day for order in orders}),
        gross=sum(order.gross for order in orders),
        discount=sum(order.discount for order in orders),
        order_revenue=order_revenue,
        refunded=refunded,
        revenue=order_revenue - refunded,
        margin=margin,
    )


def add_features(customer: Customer, as_of: date, standard: Standard) -> None:
    def days_up_to(last: date, days: int) -> Span:
        return span_of(customer, last - timedelta(days=days - 1), last)

    ever = span_of(customer, date.min, as_of)
    window = days_up_to(as_of, standard.window_days)
    recent = days_up_to(as_of, 90)
    prior = days_up_to(as_of - timedelta(days=90), 90)
    customer.revenue_window = window.revenue
    customer.margin_window = window.margin

    bought = bool(customer.days)
    customer.row.update(
        first_order_on=customer.days[0] if bought else None,
        last_order_on=customer.days[-1] if bought else None,
        recency_days=(as_of - customer.days[-1]).days if bought else None,
        tenure_days=(as_of - customer.days[0]).days if bought else None,
        order_count=ever.order_count,
        order_days=ever.order_days,
        revenue=to_money(ever.revenue),
        margin=to_money(ever.margin),
        average_order_value=ratio(Fraction(ever.revenue, 100), ever.order_count),
        median_gap_days=exact_decimal(median(customer.gaps)) if customer.gaps else None,
        order_count_window=window.order_count,
        order_days_window=window.order_days,
        revenue_window=to_money(window.revenue),
        margin_window=to_money(window.margin),
        order_count_90d=recent.order_count,
        order_count_prior_90d=prior.order_count,
        revenue_90d=to_money(recent.revenue),
        revenue_prior_90d=to_money(prior.revenue),
        discount_share=ratio(window.discount, window.gross),
        refund_share=ratio(window.refunded, window.order_revenue),
    )


# --------------------------------------------------------------------------------------------------------------- RFM


def add_rfm(customers: Iterable[Customer], standard: Standard) -> dict[str, list[Any]]:
    """Scores, cell, grid segment and eight types; gives back the cut points by quantile, those of R in recency days."""
    cuts: dict[str, list[Any]] = {}
    scored: list[Customer] = []
    for customer in customers:
        outside = "out_of_window" if customer.orders else "prospect"
        customer.row.update(
            r_score=None,
            f_score=None,
            m_score=None,
            rfm_score=None,
            rfm_cell=None,
            rfm_segment=outside,
            rfm_type=outside,
        )
        if customer.row["order_count_window"] > 0:
            scored.append(customer)
    if not scored:
        return cuts

    # in all three, more is better: R is minus the recency, so that recent is high
    r_values = [-customer.row["recency_days"] for customer in scored]
    f_values = [customer.row["order_count_window"] for customer in scored]
    m_values = [customer.revenue_window for customer in scored]

    if standard.rfm_method == "quantile":
        r_cuts, f_cuts, m_cuts = (cut_points(values, standard.rfm_bins) for values in (r_values, f_values, m_values))
        cuts = {"r": [-cut for cut in r_cuts], "f": f_cuts, "m": [to_money(cut) for cut in m_cuts]}
        r_scores = [1 + sum(cut < value for cut in r_cuts) for value in r_values]
        f_scores = [1 + sum(cut < value for cut in f_cuts) for value in f_values]
        m_scores = [1 + sum(cut < value for cut in m_cuts) for value in m_values]
    elif standard.rfm_method == "threshold":
        r_scores = [1 + sum(-value <= cut for cut in standard.r_cuts) for value in r_values]
        f_scores = [1 + sum(value >= cut for cut in standard.f_cuts) for value in f_values]
        m_scores = [1 + sum(Fraction(value, 100) >= Fraction(cut) for cut in standard.m_cuts) for value in m_values]
    else:
        r_scores, f_scores, m_scores = (
            [2 if high else 1 for high in highs(values, standard.rfm_method)]
            for values in (r_values, f_values, m_values)
        )

    types = zip(*(highs(values, standard.type_cut) for values in (r_values, f_values, m_values)), strict=True)
    for customer, r, f, m, high in zip(scored, r_scores, f_scores, m_scores, types, strict=True):
        weighted = sum(Fraction(w) * score for w, score in zip(standard.rfm_weights, (r, f, m), strict=True))
        customer.row.update(
            r_score=r,
            f_score=f,
            m_score=m,
            rfm_score=exact_decimal(weighted),
            rfm_cell=f"{r}{f}{m}",
            rfm_segment=standard.grid.segment(r, f) if standard.grid is not None else None,
            rfm_type=RFM_TYPES[high],
        )
    return cuts


def highs(values: list[int], centre: str) -> list[bool]:
    """Whether each value is at least the mean (median) of them all."""
    if centre == "mean":
        total = sum(values)
        return [value * len(values) >= total for value in values]
    middle = median(values)
    return [value >= middle for value in values]


# --------------------------------------------------------------------------------------------------------- lifecycle


def add_lifecycle(customers: list[Customer], as_of: date, standard: Standard) -> None:
    medians = [median(customer.gaps) for customer in customers if customer.gaps]
    population_gap = median(medians) if medians else None
    for customer in customers:
        if not customer.orders:
            customer.row.update(
                lifecycle_stage="prospect",
                silence_limit_days=None,
                churn_limit_days=None,
                days_silent=None,
                is_loyal=False,
            )
            continue
        silence, churn = limits_of(customer, population_gap, standard)
        stage = stage_of(customer, silence, churn, as_of, standard)
        customer.row.update(
            lifecycle_stage=stage,
            silence_limit_days=exact_decimal(silence),
            churn_limit_days=exact_decimal(churn),
            days_silent=exact_decimal(max(Fraction(0), customer.row["recency_days"] - silence)),
            is_loyal=stage == "active" and customer.row["order_days_window"] >= standard.loyal_order_days,
        )


def limits_of(customer: Customer, population_gap: Fraction | None, standard: Standard) -> tuple[Fraction, Fraction]:
    gap = median(customer.gaps) if len(customer.days) >= standard.own_rhythm_order_days else population_gap
    if standard.lifecycle_method == "fixed" or gap is None:
        return Fraction(standard.fixed_silence_days), Fraction(standard.fixed_churn_days)
    return standard.limits_of_gap(gap)


def stage_of(customer: Customer, silence: Fraction, churn: Fraction, as_of: date, standard: Standard) -> str:
    """The first stage that holds, for a customer with at least one counted order."""
    recency = customer.row["recency_days"]
    if customer.row["tenure_days"] < standard.new_days:
        return "new"
    for day, gap in zip(customer.days[1:], customer.gaps, strict=True):
        if (as_of - day).days < standard.reactivated_days and gap > silence:
            return "reactivated"
    if recency <= silence:
        return "active"
    if recency <= churn:
        return "silent"
    return "churned"


# ------------------------------------------------------------------------------------------------------------- value


def add_value(customers: Iterable[Customer], standard: Standard) -> None:
    everyone = [
        (customer, customer.revenue_window if standard.value_measure == "revenue_window" else customer.margin_window)
        for customer in customers
    ]
    positive = Counter(value for _, value in everyone if value is not None and value > 0)
    population = sum(positive.values())
    total = sum(value * count for value, count in positive.items())
    before: dict[int, int] = {}  # sum of the values strictly above this one
    above: dict[int, int] = {}  # number of customers strictly above this value
    running_sum = running_count = 0
    for value in sorted(positive, reverse=True):
        before[value], above[value] = running_sum, running_count
        running_sum += value * positive[value]
        running_count += positive[value]

    for customer, value in everyone:
        if value is None:
            share = cumulative = None
        elif value <= 0:
            share = rounded(0)
            cumulative = ratio(total, total)  # everybody in P stands above
        else:
            share = ratio(value, total)
            cumulative = ratio(before[value] + value * positive[value], total)

        if not customer.orders:
            tier = "prospect"
        elif value is None:
            tier = "unknown"
        elif value <= 0 or customer.row["order_count_window"] == 0:
            tier = "low"
        else:
            tier = tier_of(value, before[value], total, above[value], population, standard)
        stands_under = None
        if value is not None and value > 0 and standard.value_method == "share":
            stands_under = ratio(before[value], total)
        elif value is not None and value > 0 and standard.value_method == "percentile":
            stands_under = ratio(above[value], population)
        customer.row.update(
            value_tier=tier, value_share=share, cumulative_value_share=cumulative, share_above=stands_under
        )


def tier_of(value: int, before: int, total: int, above: int, population: int, standard: Standard) -> str:
    def reaches(level: int) -> bool:  # 0 is the line of high, 1 the line of mid
        if standard.value_method == "share":
            return 100 * before < standard.share_percents[level] * total
        if standard.value_method == "percentile":
            return 100 * above < standard.percentile_percents[level] * population
        if standard.value_cuts is None:
            raise ValueError("the value method threshold needs its cuts")
        return Fraction(value, 100) >= Fraction(standard.value_cuts[level])

    if reaches(0):
        return "high"
    return "mid" if reaches(1) else "low"


# --------------------------------------------------------------------------------------------------------------- all


def classify(
    orders: pd.DataFrame,
    refunds: pd.DataFrame,
    first_seen: pd.DataFrame | None,
    as_of: date,
    standard: Standard,
) -> pd.DataFrame:
    """Every customer's row on D, indexed by customer_id and sorted by it.

    `orders`: customer_id, ordered_on, status, gross_amount, discount_amount, cost_amount (may be missing) and revenue,
    which must be gross − discount. `refunds`: customer_id, refunded_on, amount. `first_seen`: customer_id and
    first_seen_on of customers known without orders, or None. What is dated after D is not looked at.

    All columns are of dtype object: int, Decimal, date, str, bool, and None for NULL. Money has two places, ratios have
    six, days that are halves or quarters are unrounded. `attrs["rfm_cut_points"]` holds the cut points of r (in recency
    days), f and m where the method is quantile.
    """
    as_of = to_day(as_of)
    known = gather(orders, refunds, first_seen, as_of)
    ids = sorted(known, key=_id_order(known))
    customers = [known[customer_id] for customer_id in ids]
    for customer in customers:
        add_features(customer, as_of, standard)
    cuts = add_rfm(customers, standard)
    add_lifecycle(customers, as_of, standard)
    add_value(customers, standard)

    # a series a column: a frame of rows would turn None into NaN in columns that look numeric
    index = pd.Index(ids, name="customer_id")
    result = pd.DataFrame(
        {
            column: pd.Series([customer.row[column] for customer in customers], index=index, dtype=object)
            for column in COLUMNS
        },
        index=index,
    )
    result.attrs["rfm_cut_points"] = cuts
    return result


def _id_order(ids: Iterable[Hashable]) -> Callable[[Any], Any]:
    """By the ids themselves, or by their text where they are of several types."""
    return str if len({type(customer_id) for customer_id in ids}) > 1 else lambda customer_id: customer_id
