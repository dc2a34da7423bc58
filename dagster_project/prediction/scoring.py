"""What a fitted purchase model says of histories: alive or not, how many purchases, and when the next one comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagster_project.prediction.bg_nbd import BetaGeometric
from dagster_project.prediction.histories import Floats, Histories
from dagster_project.prediction.pareto_nbd import ParetoNbd
from dagster_project.prediction.purchases import PurchaseModel

SHORT, LONG = 90, 365
# Purchases are discounted as if they fell in the middle of steps of so many days: at 50% a year that is wrong by 0.01%.
STEP = 45


@dataclass(frozen=True)
class FittedModel:
    """A purchase model in days."""

    model: BetaGeometric | ParetoNbd

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, Any]) -> FittedModel:
        """The model called `name` with its parameters by name."""
        if name == PurchaseModel.PARETO_NBD:
            return cls(ParetoNbd(*(parameters[each] for each in ("r", "alpha", "s", "beta"))))
        r, alpha, a, b = (parameters[each] for each in ("r", "alpha", "a", "b"))
        return cls(BetaGeometric(r, alpha, a, b, is_modified=name == PurchaseModel.MBG_NBD))

    def scores(self, repeats: Floats, recency: Floats, age: Floats, *, yearly_discount: float) -> dict[str, Floats]:
        """The columns of int_histories_scored by name, each of shape (n,); times in days."""
        histories = Histories(repeats, recency, age, np.ones(len(repeats)))
        if not len(repeats):
            nothing = np.empty(0)
            return dict.fromkeys(_COLUMNS, nothing)
        short = self.model.expected_purchases(histories, float(SHORT))
        long = self.model.expected_purchases(histories, float(LONG))
        valued = (short, long) if yearly_discount == 0 else self._discounted(histories, yearly_discount)
        chances = (self.model.probability_alive(histories), self.model.probability_of_purchase(histories, float(SHORT)))
        return dict(zip(_COLUMNS, (*chances, short, long, *valued, self.days_to_next(histories)), strict=True))

    def days_to_next(self, histories: Histories) -> Floats:
        """Days within which half of such customers, if they are still customers, order again; inf where never.

        Rates of who is still there are gamma (r + x, alpha + age), so that nobody has ordered after t with probability
        ((alpha + age) / (alpha + age + t)) ** (r + x).
        """
        with np.errstate(over="ignore"):
            return np.asarray(
                (self.model.alpha + histories.age) * np.expm1(np.log(2) / (self.model.r + histories.repeats))
            )

    def _discounted(self, histories: Histories, yearly_discount: float) -> tuple[Floats, Floats]:
        """Purchases of the short and the long span, each worth (1 - discount) ** years."""
        ends = [*range(STEP, LONG, STEP), LONG]
        before = np.zeros(len(histories.repeats))
        total = np.zeros(len(histories.repeats))
        short = total
        last = 0
        for end in ends:
            by_then = self.model.expected_purchases(histories, float(end))
            total = total + (by_then - before) * (1 - yearly_discount) ** ((last + end) / 2 / 365)
            before, last = by_then, end
            if end == SHORT:
                short = total
        return short, total


_COLUMNS = (
    "probability_alive",
    "probability_order_90d",
    "purchases_90d",
    "purchases_365d",
    "valued_purchases_90d",
    "valued_purchases_365d",
    "days_to_next",
)
