"""How large a control group has to be for an effect worth having to be seen, if it is there."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from dagster_project.measurement.comparing import SIGNIFICANCE

WANTED_POWER = 0.8
LARGEST_GROUP = 10**9

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Needed:
    """Groups with which an effect is seen four times in five: as few control customers as do."""

    treated: int
    control: int


def power(*, treated: int, control: int, rate: float, difference: float) -> float | None:
    """Chance that the two-sided test at 5% sees `difference` over the control group's return `rate`.

    None where an arm is empty or no rate can be that much higher. It is statsmodels' `power_proportions_2indep`,
    written out: a size is searched for with dozens of calls, each of which took 0.5 ms there.
    """
    if not treated or not control or not 0 <= rate < rate + difference <= 1:
        return None
    pooled = (treated * (rate + difference) + control * rate) / (treated + control)
    if_none = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    if_there = math.sqrt(
        (rate + difference) * (1 - rate - difference) / treated + rate * (1 - rate) / control,
    )
    if not if_there:
        return 1.0
    critical = _NORMAL.inv_cdf(1 - SIGNIFICANCE / 2) * if_none
    return _NORMAL.cdf((difference - critical) / if_there) + _NORMAL.cdf((-difference - critical) / if_there)


def groups_needed(*, treated: int, rate: float, difference: float) -> Needed | None:
    """The smallest control group that suffices beside `treated` customers; it is never the larger of the two.

    Where no such group does, both groups have to grow: the smallest two of equal size, which is as good as a given
    number of customers can be split. None where no rate can be that much higher.
    """

    def suffices(in_treated: int, in_control: int) -> bool:
        found = power(treated=in_treated, control=in_control, rate=rate, difference=difference)
        return found is not None and found >= WANTED_POWER

    if suffices(treated, treated):
        return Needed(treated, _smallest(lambda size: suffices(treated, size), treated))
    if not suffices(LARGEST_GROUP, LARGEST_GROUP):
        return None
    both = _smallest(lambda size: suffices(size, size), LARGEST_GROUP)
    return Needed(both, both)


def _smallest(holds: Callable[[int], bool], known: int) -> int:
    """The smallest size from 1 to `known` for which `holds`, which holds for every larger one too."""
    return 1 + bisect_left(range(1, known), True, key=holds)
