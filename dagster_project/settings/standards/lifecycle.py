"""Lifecycle and silence: the limits of a customer's own rhythm, why customers fall silent and how many return."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dagster_project.settings.standards.parts import Count, Part, Share, refuse_cuts_that_do_not_rise


class FixedLimits(Part):
    """The same limits for everyone: of method fixed, and where nobody has a rhythm yet."""

    silence_days: Count = 90
    """Silent after so many days without an order."""
    churn_days: Count = 365
    """Churned after so many days without an order."""

    @model_validator(mode="after")
    def _silence_before_churn(self) -> Self:
        if self.silence_days >= self.churn_days:
            raise ValueError("lifecycle.fixed.silence_days must be smaller than churn_days")
        return self


class RhythmLimit(Part):
    """A limit of `multiplier` × median gap between order days, kept within bounds (days)."""

    multiplier: Annotated[Decimal, Field(gt=0, decimal_places=4)]
    """Times the median gap between a customer's order days."""
    at_least: Count
    """The limit in days is never below this."""
    at_most: Count
    """The limit in days is never above this."""

    def limit(self, gap: Decimal) -> Decimal:
        return min(max(self.multiplier * gap, Decimal(self.at_least)), Decimal(self.at_most))


class OwnRhythm(Part):
    """Limits that follow each customer's own median gap between order days."""

    minimum_order_days: Annotated[int, Field(ge=2)] = 3
    """With fewer order days the median of all customers' medians is used."""
    silence: RhythmLimit
    churn: RhythmLimit

    @model_validator(mode="after")
    def _silence_before_churn(self) -> Self:
        for name, limit in (("silence", self.silence), ("churn", self.churn)):
            if limit.at_least > limit.at_most:
                raise ValueError(f"lifecycle.own_rhythm.{name}: at_least is greater than at_most")
        # Both limits are piecewise linear in the gap, so it is enough to compare them where either has a corner.
        corners = [
            Decimal(bound) / x.multiplier for x in (self.silence, self.churn) for bound in (x.at_least, x.at_most)
        ]
        for gap in (Decimal(0), *corners):
            silence, churn = self.silence.limit(gap), self.churn.limit(gap)
            if silence >= churn:
                raise ValueError(
                    f"at a median gap of {gap:.1f} days the silence limit ({silence:.1f}) would reach the churn limit "
                    f"({churn:.1f}); lower the silence bounds or multiplier, or raise those of churn"
                )
        return self


class Lifecycle(Part):
    """Where customers stand in their life with the company."""

    method: Literal["own_rhythm", "fixed"] = "own_rhythm"
    """own_rhythm: limits follow each customer's median gap · fixed: the same days for everyone."""
    new_days: Count = 30
    """New: first order within so many days."""
    reactivated_days: Count = 30
    """Reactivated: came back within so many days after a gap beyond the silence limit."""
    fixed: FixedLimits = FixedLimits()
    own_rhythm: OwnRhythm
    loyal_order_days: Count = 6
    """Loyal: active with at least so many order days in the window."""


class Seasonal(Part):
    """Silent customers who buy in one season only."""

    order_days: Count = 4
    """With at least so many order days …"""
    years: Count = 2
    """… in at least so many calendar years …"""
    share: Share = Decimal("0.75")
    """… of which at least this share lies within the same three adjacent calendar months."""


class ReturnRate(Part):
    """How the chance to return is learnt from the company's own month ends."""

    month_ends: Annotated[int, Field(ge=1, le=60)] = 12
    """From so many past month ends."""
    horizon_days: Count = 90
    """Returned: an order within so many days after the month end."""
    prior_weight: Annotated[int, Field(ge=0)] = 50
    """Customers' worth of the overall rate that every band starts with."""
    ratio_bands: tuple[Count, ...] = (2, 3)
    """Upper ends of the bands of recency / silence limit; the last band is open."""
    order_bands: tuple[Count, ...] = (2, 4)
    """Lower ends of the bands of orders above the first one."""

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        refuse_cuts_that_do_not_rise("ratio_bands", self.ratio_bands)
        refuse_cuts_that_do_not_rise("order_bands", self.order_bands)
        return self


class Silence(Part):
    """Who is offered for reactivation, why they fell silent, and how likely they are to return."""

    maximum_recency_days: Count = 730
    """Older silence is not offered any more."""
    complaint_days: Count = 30
    """After a complaint: one within so many days before the last order, or any time after it."""
    price_share: Share = Decimal("0.5")
    """Price: more than this share of lifetime gross was bought with a discount."""
    seasonal: Seasonal = Seasonal()
    fading_gaps: Annotated[int, Field(ge=2, le=12)] = 3
    """Fading: so many last gaps, each longer than the one before."""
    return_rate: ReturnRate = ReturnRate()
