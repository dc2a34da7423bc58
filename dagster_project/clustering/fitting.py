"""K-means over a stored day's customers, and names for its clusters that stay from fit to fit.

Takes an open serving copy and writes nothing. scikit-learn is an optional extra, imported when a fit is made.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from dagster_project.clustering.register import Centre, Fit, KeptFit, Scale, cluster_names
from dagster_project.errors import StrataError

STARTS = 10  # k-means ends in a local optimum; the best of so many starts is kept
DIGITS = 9  # beyond these the last bits of a double differ between machines

Doubles = npt.NDArray[np.float64]


class ClusteringError(StrataError):
    """The day's customers cannot be clustered as asked."""


@dataclass(frozen=True)
class ClusterSize:
    """A cluster as people read it: customers, and the median recency (days), frequency (orders) and monetary value."""

    cluster: str
    customers: int
    recency_days: int
    order_count_window: int
    revenue_window: Decimal


@dataclass(frozen=True)
class _Scored:
    """Distinct (recency, frequency, monetary) of scored customers, rising, and how many customers share each.

    Money below 0 is taken as 0.
    """

    recency_days: Doubles
    order_count: Doubles
    revenue: Doubles
    customers: Doubles

    def logarithms(self) -> Doubles:
        """One row a distinct point: ln(1 + recency), ln(frequency), ln(1 + monetary)."""
        return np.column_stack([np.log1p(self.recency_days), np.log(self.order_count), np.log1p(self.revenue)])


def fit_clusters(
    con: duckdb.DuckDBPyConnection, day: date, *, count: int, seed: int, kept: Sequence[KeptFit]
) -> tuple[Fit, list[ClusterSize]]:
    """`count` clusters of the customers with an order in the window on `day`, and what each holds.

    `con` is the serving copy. The same customers and seed give the same fit, whatever their order. The first fit of so
    many clusters holds for all days, a later one from `day` on.

    Raises:
        ClusteringError: scikit-learn is not installed, or there are fewer different customers than clusters.
    """
    scored = _scored_on(con, day)
    if len(scored.customers) < count:
        raise ClusteringError(
            f"{len(scored.customers)} different customers with an order in the window are stored for {day}; "
            f"{count} clusters need at least as many. Choose another day, or a smaller clusters.count."
        )
    logarithms = scored.logarithms()
    means = np.average(logarithms, axis=0, weights=scored.customers)
    deviations = np.sqrt(np.average((logarithms - means) ** 2, axis=0, weights=scored.customers))
    means, deviations = means.round(DIGITS), deviations.round(DIGITS)
    deviations[deviations == 0] = 1  # a measure that is the same for all tells nobody apart
    points = (logarithms - means) / deviations
    centres = _k_means(points, scored.customers, count=count, seed=seed).round(DIGITS)
    last = kept[-1].fit if kept else None
    ordered = centres[_numbers_of(centres, means, deviations, last)]
    scales = [
        Scale(mean=float(mean), deviation=float(deviation)) for mean, deviation in zip(means, deviations, strict=True)
    ]
    has_fit_of_count = any(len(entry.fit.centres) == count for entry in kept)
    fit = Fit(
        fitted_on=day,
        holds_from=day if has_fit_of_count else None,
        seed=seed,
        recency=scales[0],
        frequency=scales[1],
        monetary=scales[2],
        centres=tuple(
            Centre(cluster=name, recency=float(r), frequency=float(f), monetary=float(m))
            for name, (r, f, m) in zip(cluster_names(count), ordered, strict=True)
        ),
    )
    nearest = _squared_distances(points, ordered).argmin(axis=1)  # the first of equals: the smaller number
    return fit, [_size(name, scored, nearest == index) for index, name in enumerate(cluster_names(count))]


def _scored_on(con: duckdb.DuckDBPyConnection, day: date) -> _Scored:
    columns = con.execute(
        """
        select recency_days::double, order_count_window::double, greatest(revenue_window, 0)::double, count(*)::double
        from customer_segments where as_of_date = ? and order_count_window > 0 group by all order by all
        """,
        [day],
    ).fetchnumpy()
    return _Scored(*(np.asarray(values, dtype=np.float64) for values in columns.values()))


def _k_means(points: Doubles, weights: Doubles, *, count: int, seed: int) -> Doubles:
    try:
        k_means: Any = importlib.import_module("sklearn.cluster").KMeans
        threads: Any = importlib.import_module("threadpoolctl")
    except ImportError:
        raise ClusteringError(
            "Fitting clusters needs scikit-learn, which is not installed. Install the extra: "
            'pip install "customer-strata[clusters]", in the project\'s folder pip install ".[clusters]".'
        ) from None
    # Two threads add up the members of a cluster in the order in which they finish: the last digits would differ.
    with threads.threadpool_limits(limits=1):
        fitted = k_means(n_clusters=count, n_init=STARTS, random_state=seed).fit(points, sample_weight=weights)
    return np.asarray(fitted.cluster_centers_, dtype=np.float64)


def _numbers_of(centres: Doubles, means: Doubles, deviations: Doubles, last: Fit | None) -> list[int]:
    """Which new centre is cluster 1, which is cluster 2 …

    Each of the last fit's clusters goes on in the new centre that lies nearest, all pairs taken together (the Hungarian
    method), measured in the new fit's standardisation. New centres beyond those take the free numbers by falling
    monetary value, then frequency, then recency.
    """
    count = len(centres)
    falling = sorted(range(count), key=lambda index: (-centres[index][2], -centres[index][1], centres[index][0]))
    if last is None:
        return falling
    old_means = np.array([last.recency.mean, last.frequency.mean, last.monetary.mean])
    old_deviations = np.array([last.recency.deviation, last.frequency.deviation, last.monetary.deviation])
    # Numbers beyond `count` are not given again: the standard labels cluster_1 to cluster_count.
    before = np.array([[c.recency, c.frequency, c.monetary] for c in last.centres[:count]])
    moved = (before * old_deviations + old_means - means) / deviations
    old_indexes, new_indexes = linear_sum_assignment(_squared_distances(moved, centres))
    taken = dict(zip(old_indexes.tolist(), new_indexes.tolist(), strict=True))
    free = iter([index for index in falling if index not in set(taken.values())])
    return [taken[number] if number in taken else next(free) for number in range(count)]


def _squared_distances(points: Doubles, centres: Doubles) -> Doubles:
    """From each point (down) to each centre (across)."""
    return np.column_stack([((points - centre) ** 2).sum(axis=1) for centre in centres])


def _size(cluster: str, scored: _Scored, is_member: npt.NDArray[np.bool_]) -> ClusterSize:
    weights = scored.customers[is_member]

    def median(values: Doubles) -> float:
        members = values[is_member]
        order = members.argsort(kind="stable")
        reached = weights[order].cumsum()
        return float(members[order][np.searchsorted(reached, weights.sum() / 2)])

    return ClusterSize(
        cluster=cluster,
        customers=int(weights.sum()),
        recency_days=int(median(scored.recency_days)),
        order_count_window=int(median(scored.order_count)),
        revenue_window=Decimal(str(median(scored.revenue))).quantize(Decimal("0.01")),
    )
