"""Verdicts over groups of customers: what can be said of each at 30, 60 and 90 days, and what cannot.

A figure that the size of the groups does not bear is left out, not qualified: who reads a table reads its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from dagster_project.measurement.comparing import (
    SIGNIFICANCE,
    Arm,
    Comparison,
    adjusted,
    compare_rates,
    compare_revenues,
)
from dagster_project.measurement.power import WANTED_POWER, Needed, groups_needed, power
from dagster_project.settings.publishing import MeasurementSettings

HORIZONS = (30, 60, 90)
# Of returns, and of customers who stayed away, each arm has to expect so many for the normal approximation to hold.
FEWEST_EXPECTED = 5


class Verdict(StrEnum):
    """What may be said of a difference."""

    TOO_SMALL = "too_small"
    NO_EFFECT_SHOWN = "no_effect_shown"
    EFFECT = "effect"


class Reason(StrEnum):
    """Why a group is too small to tell."""

    TOO_EARLY = "too_early"
    NOBODY_TREATED = "nobody_treated"
    NO_CONTROL_GROUP = "no_control_group"
    GROUPS_TOO_SMALL = "groups_too_small"
    TOO_FEW_RETURNED = "too_few_returned"
    LOW_POWER = "low_power"


@dataclass(frozen=True)
class Group:
    """Both arms of a class of a breakdown, at a horizon; `class_` is `all` in the breakdown of that name.

    The arms hold whose horizon has passed, `waiting` counts the others.
    """

    horizon_days: int
    breakdown: str
    class_: str
    treated: Arm
    control: Arm
    waiting: int = 0


@dataclass(frozen=True)
class Lift:
    """What can be said of a group; None where it cannot. The p values after Holm are those of a breakdown at a horizon.

    `power` is the chance that groups of this size show the effect of the settings, `needed` the groups that would.
    """

    group: Group
    rates: Comparison | None
    revenues: Comparison | None
    rate_p_value_holm: float | None
    revenue_p_value_holm: float | None
    power: float | None
    needed: Needed | None
    reason: Reason | None

    @property
    def verdict(self) -> Verdict:
        if self.reason:
            return Verdict.TOO_SMALL
        return _verdict(self.rate_p_value_holm)

    @property
    def revenue_verdict(self) -> Verdict:
        return _verdict(self.revenue_p_value_holm)


def measured(groups: Iterable[Group], settings: MeasurementSettings) -> list[Lift]:
    """The lift of every group, sorted by horizon, breakdown and class."""
    ordered = sorted(groups, key=lambda group: (*_family(group), group.class_))
    lifts: list[Lift] = []
    for _, family in groupby(ordered, key=_family):
        lifts += _with_holm([_compared(group, settings) for group in family])
    return [_with_low_power(lift) for lift in lifts]


def _family(group: Group) -> tuple[int, str]:
    """Groups that are looked at together, and among which one would be picked."""
    return group.horizon_days, group.breakdown


def _compared(group: Group, settings: MeasurementSettings) -> Lift:
    treated, control = group.treated, group.control
    reason = _too_small(treated, control, settings)
    buyers = min(treated.returned, control.returned)
    everybody = treated.customers + control.customers
    # The control group says how many return by themselves; where it says too little, both arms together do.
    rate = control.rate if control.rate is not None and reason is None else _share(treated, control)
    sizes = {"rate": rate, "difference": float(settings.detectable_difference)}
    return Lift(
        group=group,
        rates=None if reason else compare_rates(treated, control),
        revenues=(
            compare_revenues(treated, control) if reason is None and buyers >= settings.returned_for_revenue else None
        ),
        rate_p_value_holm=None,
        revenue_p_value_holm=None,
        power=power(treated=treated.customers, control=control.customers, **sizes) if everybody else None,
        needed=groups_needed(treated=treated.customers, **sizes) if everybody else None,
        reason=reason,
    )


def _too_small(treated: Arm, control: Arm, settings: MeasurementSettings) -> Reason | None:
    if not treated.customers and not control.customers:
        return Reason.TOO_EARLY
    if not treated.customers:
        return Reason.NOBODY_TREATED
    if not control.customers:
        return Reason.NO_CONTROL_GROUP
    if treated.customers < settings.minimum_treated or control.customers < settings.minimum_control:
        return Reason.GROUPS_TOO_SMALL
    share, smaller = _share(treated, control), min(treated.customers, control.customers)
    if smaller * min(share, 1 - share) < FEWEST_EXPECTED:
        return Reason.TOO_FEW_RETURNED
    return None


def _share(treated: Arm, control: Arm) -> float:
    """The share of both arms that returned; 0 of nobody."""
    everybody = treated.customers + control.customers
    return (treated.returned + control.returned) / everybody if everybody else 0.0


def _with_holm(family: Sequence[Lift]) -> list[Lift]:
    rates = iter(adjusted([lift.rates.p_value for lift in family if lift.rates]))
    revenues = iter(adjusted([lift.revenues.p_value for lift in family if lift.revenues]))
    return [
        replace(
            lift,
            rate_p_value_holm=next(rates) if lift.rates else None,
            revenue_p_value_holm=next(revenues) if lift.revenues else None,
        )
        for lift in family
    ]


def _with_low_power(lift: Lift) -> Lift:
    """Nothing found in groups that would hardly show it is no finding."""
    is_shown = lift.reason is not None or _verdict(lift.rate_p_value_holm) is Verdict.EFFECT
    if is_shown or (lift.power is not None and lift.power >= WANTED_POWER):
        return lift
    return replace(lift, reason=Reason.LOW_POWER)


def _verdict(p_value: float | None) -> Verdict:
    if p_value is None:
        return Verdict.TOO_SMALL
    return Verdict.EFFECT if p_value < SIGNIFICANCE else Verdict.NO_EFFECT_SHOWN
