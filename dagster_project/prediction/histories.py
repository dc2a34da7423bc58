"""What a purchase model sees of customers: how often, when last, and for how long they have been known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def weighted_sum(weights: Floats, values: Floats) -> Floats:
    """Sum of `values`, shape (..., n), by `weights`, shape (n,); shape (...).

    Not by BLAS: it gives other last digits with another number of cores, and its waiting threads took ten times the
    processor time of a fit to 20,000 histories.
    """
    return np.asarray((values * weights).sum(axis=-1), dtype=np.float64)


@dataclass(frozen=True)
class Histories:
    """Purchase histories, each with the number of customers who have it.

    `repeats` purchases after the first one (purchases of one day are one), `recency` from the first to the last of them
    and `age` from the first purchase to the end of the observation, both in one unit of time. `weights` are customers.
    All of shape (n,).
    """

    repeats: Floats
    recency: Floats
    age: Floats
    weights: Floats

    @property
    def customers(self) -> float:
        return float(self.weights.sum())

    @property
    def repeat_buyers(self) -> float:
        return float(self.weights[self.repeats > 0].sum())

    def in_units_of(self, span: float) -> Histories:
        """The same with times divided by `span`."""
        return Histories(self.repeats, self.recency / span, self.age / span, self.weights)


def distinct(repeats: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> tuple[Histories, Integers]:
    """The distinct histories of customers, and for each customer (shape (n,)) the place of theirs.

    Raises:
        ValueError: a history cannot be: a negative number, or a last purchase after the end.
    """
    rows = np.column_stack([np.asarray(values, dtype=np.float64) for values in (repeats, recency, age)])
    if len(rows) and (not np.isfinite(rows).all() or (rows < 0).any() or (rows[:, 1] > rows[:, 2]).any()):
        raise ValueError("repeats, recency and age are 0 or more, and recency is at most age")
    unique, places, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    first, second, third = unique.T.copy()
    histories = Histories(first, second, third, counts.astype(np.float64))
    return histories, places.reshape(-1).astype(np.int64)
