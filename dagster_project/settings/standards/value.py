"""Value tiers over the rolling window."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import model_validator

from dagster_project.settings.standards.parts import Part


class TierCuts(Part):
    """Where high and mid end: shares (0 to 1) of methods share and percentile, money of method threshold."""

    high: Decimal
    """Where high ends."""
    mid: Decimal
    """Where mid ends."""


class ValueTiers(Part):
    """Value tiers over the rolling window; share and percentile are shares (0–1), threshold is money."""

    measure: Literal["revenue", "margin"] = "revenue"
    """Revenue or margin of the rolling window."""
    method: Literal["share", "percentile", "threshold"] = "share"
    """share: of the money · percentile: of the customers · threshold: a value of at least the cut."""
    share: TierCuts = TierCuts(high=Decimal("0.80"), mid=Decimal("0.95"))
    percentile: TierCuts = TierCuts(high=Decimal("0.20"), mid=Decimal("0.50"))
    threshold: TierCuts | None = None
    """Cuts of the method threshold, reporting currency."""

    @model_validator(mode="after")
    def _cuts_are_in_order(self) -> Self:
        for name in ("share", "percentile"):
            cuts: TierCuts = getattr(self, name)
            if not 0 < cuts.high < cuts.mid <= 1:
                raise ValueError(f"value.{name} must hold 0 < high < mid <= 1; it has {cuts.high} and {cuts.mid}")
        if self.method == "threshold" and self.threshold is None:
            raise ValueError("value.method is threshold, but value.threshold is missing")
        if self.threshold is not None and self.threshold.high <= self.threshold.mid:
            raise ValueError("value.threshold.high must be greater than value.threshold.mid")
        return self

    @property
    def cuts(self) -> TierCuts:
        """The cuts of the method in force."""
        chosen: TierCuts | None = getattr(self, self.method)
        assert chosen is not None  # noqa: S101  (validated above)
        return chosen
