"""How far predictions came true, and simpler ones: counts, ranks and shares over the customers of one day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dagster_project.prediction.histories import Floats, weighted_sum

HORIZON = 90
# Cells of the rival that knows recency, frequency and monetary: so many bins each.
BINS = 5
TENTHS = 10


@dataclass(frozen=True)
class Observed:
    """Customers at the end of a day, and what they did in the 90 days after it; all of shape (n,).

    `recency_days` since the last order day, `order_days` and `revenue` of the last 365 days, the same of the last 90,
    and of the next 90.
    """

    recency_days: Floats
    order_days: Floats
    revenue: Floats
    order_days_90d: Floats
    revenue_90d: Floats
    next_order_days: Floats
    next_revenue: Floats


@dataclass(frozen=True)
class Forecast:
    """What is foretold of the next 90 days of each customer, shape (n,); None where that is not foretold.

    `rank` orders customers by what they will bring, the greatest first.
    """

    rank: Floats
    purchases: Floats | None = None
    value: Floats | None = None


@dataclass(frozen=True)
class Success:
    """How a forecast did. Sums are over all customers; shares are 0 to 1, None where nothing was brought."""

    predicted_purchases: float | None
    predicted_value: float | None
    rank_correlation: float | None
    top_tenth_share: float | None


def recency_alone(observed: Observed) -> Forecast:
    """Who ordered last will bring most; how much is not said."""
    return Forecast(rank=-observed.recency_days)


def last_90_days_repeated(observed: Observed) -> Forecast:
    """The next 90 days are as the last ones."""
    return Forecast(rank=observed.revenue_90d, purchases=observed.order_days_90d, value=observed.revenue_90d)


def cell_means(past: Observed, present: Observed) -> Forecast:
    """What customers of the same recency, frequency and monetary brought in the 90 days from `past` to `present`.

    Cells are cut at the fifths of the customers of `past`. Where a cell was empty then, the mean of all counts.
    """
    if not len(past.recency_days):
        nothing = np.zeros(len(present.recency_days))
        return Forecast(rank=nothing, purchases=nothing, value=nothing)
    then, now = np.zeros(len(past.recency_days), dtype=int), np.zeros(len(present.recency_days), dtype=int)
    for name in ("recency_days", "order_days", "revenue"):
        values = getattr(past, name)
        cuts = np.quantile(values, np.arange(1, BINS) / BINS, method="inverted_cdf")
        then = then * BINS + np.searchsorted(cuts, values)
        now = now * BINS + np.searchsorted(cuts, getattr(present, name))
    count = np.bincount(then, minlength=BINS**3)

    def mean(brought: Floats) -> Floats:
        sums = np.bincount(then, weights=brought, minlength=BINS**3)
        return np.asarray(np.where(count > 0, sums / np.maximum(count, 1), brought.mean())[now], dtype=np.float64)

    value = mean(past.next_revenue)
    return Forecast(rank=value, purchases=mean(past.next_order_days), value=value)


def success(forecast: Forecast, observed: Observed) -> Success:
    """How `forecast` did on the customers of `observed`."""
    total = float(observed.next_revenue.sum())
    top = gains(forecast.rank, observed.next_revenue)[0]
    return Success(
        predicted_purchases=None if forecast.purchases is None else float(forecast.purchases.sum()),
        predicted_value=None if forecast.value is None else float(forecast.value.sum()),
        rank_correlation=rank_correlation(forecast.rank, observed.next_revenue),
        top_tenth_share=top / total if total > 0 else None,
    )


def rank_correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's rank correlation with mean ranks of ties; None where all are alike in one of the two."""
    if not len(one):
        return None
    first, second = (_ranks(values) - (len(values) + 1) / 2 for values in (one, other))
    spread = float(np.sqrt(weighted_sum(first, first) * weighted_sum(second, second)))
    return float(weighted_sum(first, second)) / spread if spread > 0 else None


def gains(rank: Floats, amounts: Floats) -> Floats:
    """Sum of `amounts` in each tenth of the customers, those of the greatest `rank` first, shape (10,).

    Customers of one rank stand together: a cut through them takes the same part of each.
    """
    if not len(rank):
        return np.zeros(TENTHS)
    _, places = np.unique(-rank, return_inverse=True)
    customers = np.concatenate([[0], np.cumsum(np.bincount(places))])
    brought = np.concatenate([[0], np.cumsum(np.bincount(places, weights=amounts))])
    ends = np.arange(TENTHS + 1) * len(rank) / TENTHS
    return np.asarray(np.diff(np.interp(ends, customers, brought)), dtype=np.float64)


def _ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places], dtype=np.float64)
