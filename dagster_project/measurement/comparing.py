"""Two arms of an experiment compared: how many came back, and what they bought. No tables, no verdicts.

By intention to treat: an arm is who was drawn into it, reached or not. The tests are those of statsmodels, which is
imported when there is something to compare: it takes more than a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIGNIFICANCE = 0.05  # of tests; intervals hold 95%

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """Customers of one arm and how many of them returned.

    `revenues` are the distinct sums that a customer of the arm bought for, `weights` how many bought for each.
    """

    customers: int
    returned: int
    revenues: Doubles
    weights: Doubles

    @property
    def rate(self) -> float | None:
        return self.returned / self.customers if self.customers else None

    @property
    def mean_revenue(self) -> float | None:
        return float(self.revenues @ self.weights) / self.customers if self.customers else None


@dataclass(frozen=True)
class Comparison:
    """Treated less control, with a 95% interval and the two-sided p value of no difference."""

    difference: float
    low: float
    high: float
    p_value: float


def compare_rates(treated: Arm, control: Arm) -> Comparison | None:
    """Difference of the shares that returned: Newcombe's hybrid score interval, pooled two-sided z test.

    None where an arm is empty, or where all or none of both arms returned, which tells nothing of a difference.
    """
    if not _can_differ(treated, control):
        return None
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    low, high = confint_proportions_2indep(
        treated.returned,
        treated.customers,
        control.returned,
        control.customers,
        method="newcomb",
        compare="diff",
        alpha=SIGNIFICANCE,
    )
    _, p_value = proportions_ztest(
        [treated.returned, control.returned], [treated.customers, control.customers], alternative="two-sided"
    )
    difference = treated.returned / treated.customers - control.returned / control.customers
    return Comparison(difference, float(low), float(high), float(p_value))


def compare_revenues(treated: Arm, control: Arm) -> Comparison | None:
    """Difference of the mean revenue a customer, who bought nothing counted with 0: Welch's interval and t test.

    None where an arm has fewer than two customers, or where nobody's revenue differs from another's within both arms.
    """
    if min(treated.customers, control.customers) < 2 or not (_varies(treated) or _varies(control)):
        return None
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    means = CompareMeans(
        DescrStatsW(treated.revenues, weights=treated.weights), DescrStatsW(control.revenues, weights=control.weights)
    )
    _, p_value, _ = means.ttest_ind(alternative="two-sided", usevar="unequal")
    low, high = means.tconfint_diff(alpha=SIGNIFICANCE, alternative="two-sided", usevar="unequal")
    difference = float(means.d1.mean - means.d2.mean)
    return Comparison(difference, float(low), float(high), float(p_value))


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Holm's p values of a family of tests, in its order: the chance of one false find among them stays at 5%.

    Those of statsmodels' `multipletests`, written out because that collects garbage in each call, 0.1 s in a run.
    """
    found = [1.0] * len(p_values)
    at_least = 0.0
    for place, (p_value, index) in enumerate(sorted((value, index) for index, value in enumerate(p_values))):
        at_least = max(at_least, p_value * (len(p_values) - place))
        found[index] = min(1.0, at_least)
    return found


def _can_differ(treated: Arm, control: Arm) -> bool:
    returned, customers = treated.returned + control.returned, treated.customers + control.customers
    return bool(treated.customers and control.customers and 0 < returned < customers)


def _varies(arm: Arm) -> bool:
    return len(np.unique(arm.revenues[arm.weights > 0])) > 1
