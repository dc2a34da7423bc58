"""The classification standard: windows, scoring, grid, lifecycle limits, value tiers, silence, labels.

What can change a customer's class is fingerprinted into `Standard.version`; labels are not. The rules reach SQL as
rows (warehouse/control.py), so that nothing here knows SQL.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise, product
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

VERSION_LENGTH = 12

# Classes of each dimension in the order in which reports show them. Own grids add their segments to `rfm_segment`.
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "lifecycle_stage": ("prospect", "new", "active", "reactivated", "silent", "churned"),
    "value_tier": ("high", "mid", "low", "prospect", "unknown"),
    "rfm_type": (
        "important_value",
        "important_develop",
        "important_keep",
        "important_winback",
        "general_value",
        "general_develop",
        "general_keep",
        "general_winback",
        "out_of_window",
        "prospect",
    ),
    "silence_cause": ("after_complaint", "one_time_buyer", "price", "seasonal", "fading", "unknown"),
    "suppressed_reason": (
        "do_not_contact",
        "open_complaint",
        "recently_contacted",
        "in_running_campaign",
        "no_consent",
        "invalid_contact_point",
    ),
}
SEGMENTS_OUTSIDE_GRID = ("out_of_window", "prospect", "ungraded")

Count = Annotated[int, Field(ge=1)]
Share = Annotated[Decimal, Field(gt=0, lt=1)]
Weight = Annotated[Decimal, Field(ge=0, decimal_places=6)]


def _refuse_cuts_that_do_not_rise(name: str, cuts: Sequence[int | Decimal]) -> None:
    for lower, upper in pairwise(cuts):
        if lower >= upper:
            raise ValueError(f"cuts of {name} must rise; {upper} follows {lower}")


def _cells(cells: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"R{r}F{f}" for r, f in cells)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(_Part):
    """What people read in place of a code."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Weights(_Part):
    recency: Weight = Decimal(1)
    frequency: Weight = Decimal(1)
    monetary: Weight = Decimal(1)


class Thresholds(_Part):
    """Cut points given by hand, rising: recency in days, frequency in orders, monetary in the reporting currency."""

    recency: tuple[Count, ...]
    frequency: tuple[Count, ...]
    monetary: tuple[Decimal, ...]

    @model_validator(mode="after")
    def _rise(self) -> Self:
        for name, cuts in (("recency", self.recency), ("frequency", self.frequency), ("monetary", self.monetary)):
            _refuse_cuts_that_do_not_rise(name, cuts)
            if not 1 <= len(cuts) <= 8:
                raise ValueError(f"thresholds.{name} has {len(cuts)} cuts; scores have 2 to 9 bins, hence 1 to 8 cuts")
        return self


class GridSegment(_Part):
    """A segment and the rectangle of R × F scores it covers, both ends included."""

    segment: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    r: tuple[Count, Count]
    f: tuple[Count, Count]
    priority: int | None = None

    @property
    def cells(self) -> set[tuple[int, int]]:
        return set(product(range(self.r[0], self.r[1] + 1), range(self.f[0], self.f[1] + 1)))


class Grid(_Part):
    """The named R × F grid. Every cell belongs to one segment; where segments overlap, the smaller priority wins."""

    bins: Annotated[int, Field(ge=2, le=9)]
    segments: tuple[GridSegment, ...]

    def assignment(self) -> dict[tuple[int, int], str]:
        """The segment of each (R score, F score)."""
        ranked = sorted(self.segments, key=lambda segment: segment.priority or 0, reverse=True)
        return {cell: segment.segment for segment in ranked for cell in sorted(segment.cells)}

    @model_validator(mode="after")
    def _cover_every_cell_once(self) -> Self:
        scores = range(1, self.bins + 1)
        every_cell = set(product(scores, scores))
        covered = Counter(cell for segment in self.segments for cell in segment.cells)
        outside = sorted(covered.keys() - every_cell)
        if outside:
            raise ValueError(f"grid covers {_cells(outside)}, outside its {self.bins} bins")
        if every_cell - covered.keys():
            raise ValueError(f"grid leaves {_cells(sorted(every_cell - covered.keys()))} uncovered")
        twice = sorted(cell for cell, times in covered.items() if times > 1)
        priorities = [segment.priority for segment in self.segments]
        if twice and (None in priorities or len(set(priorities)) < len(priorities)):
            raise ValueError(f"grid covers {_cells(twice)} more than once; give every segment a priority of its own")
        unreachable = {segment.segment for segment in self.segments} - set(self.assignment().values())
        if unreachable:
            raise ValueError(f"grid segments that no cell reaches: {', '.join(sorted(unreachable))}")
        return self


class Rfm(_Part):
    method: Literal["quantile", "threshold", "mean", "median"] = "quantile"
    bins: Annotated[int, Field(ge=2, le=9)] = 5
    weights: Weights = Weights()
    type_cut: Literal["mean", "median"] = "mean"
    thresholds: Thresholds | None = None
    # In the file `none` says that a standard does without, so that a grid left out by mistake is still an error.
    grid: Annotated[Grid | None, BeforeValidator(lambda given: None if given == "none" else given)]

    @property
    def score_bins(self) -> tuple[int, int]:
        """Number of R and of F scores that the method gives."""
        if self.method == "threshold" and self.thresholds is not None:
            return len(self.thresholds.recency) + 1, len(self.thresholds.frequency) + 1
        return (self.bins, self.bins) if self.method == "quantile" else (2, 2)

    @model_validator(mode="after")
    def _method_and_grid_agree(self) -> Self:
        if self.method == "threshold" and self.thresholds is None:
            raise ValueError("rfm.method is threshold, but rfm.thresholds is missing")
        if self.grid is not None and self.score_bins != (self.grid.bins, self.grid.bins):
            r_bins, f_bins = self.score_bins
            raise ValueError(
                f"rfm.method {self.method} gives {r_bins} R and {f_bins} F scores, the grid has {self.grid.bins} bins; "
                "bring a grid with that number, or say grid: none"
            )
        return self


class FixedLimits(_Part):
    silence_days: Count = 90
    churn_days: Count = 365

    @model_validator(mode="after")
    def _silence_before_churn(self) -> Self:
        if self.silence_days >= self.churn_days:
            raise ValueError("lifecycle.fixed.silence_days must be smaller than churn_days")
        return self


class RhythmLimit(_Part):
    """A limit of `multiplier` × median gap between order days, kept within bounds (days)."""

    multiplier: Annotated[Decimal, Field(gt=0, decimal_places=4)]
    at_least: Count
    at_most: Count

    def limit(self, gap: Decimal) -> Decimal:
        return min(max(self.multiplier * gap, Decimal(self.at_least)), Decimal(self.at_most))


class OwnRhythm(_Part):
    minimum_order_days: Annotated[int, Field(ge=2)] = 3
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


class Lifecycle(_Part):
    method: Literal["own_rhythm", "fixed"] = "own_rhythm"
    new_days: Count = 30
    reactivated_days: Count = 30
    fixed: FixedLimits = FixedLimits()
    own_rhythm: OwnRhythm
    loyal_order_days: Count = 6


class TierCuts(_Part):
    high: Decimal
    mid: Decimal


class ValueTiers(_Part):
    """Value tiers over the rolling window; share and percentile are shares (0–1), threshold is money."""

    measure: Literal["revenue", "margin"] = "revenue"
    method: Literal["share", "percentile", "threshold"] = "share"
    share: TierCuts = TierCuts(high=Decimal("0.80"), mid=Decimal("0.95"))
    percentile: TierCuts = TierCuts(high=Decimal("0.20"), mid=Decimal("0.50"))
    threshold: TierCuts | None = None

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


class Seasonal(_Part):
    order_days: Count = 4
    years: Count = 2
    share: Share = Decimal("0.75")


class ReturnRate(_Part):
    """How the chance to return is learnt from the company's own month ends."""

    month_ends: Annotated[int, Field(ge=1, le=60)] = 12
    horizon_days: Count = 90
    prior_weight: Annotated[int, Field(ge=0)] = 50
    ratio_bands: tuple[Count, ...] = (2, 3)
    order_bands: tuple[Count, ...] = (2, 4)

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        _refuse_cuts_that_do_not_rise("ratio_bands", self.ratio_bands)
        _refuse_cuts_that_do_not_rise("order_bands", self.order_bands)
        return self


class Silence(_Part):
    maximum_recency_days: Count = 730
    complaint_days: Count = 30
    price_share: Share = Decimal("0.5")
    seasonal: Seasonal = Seasonal()
    fading_gaps: Annotated[int, Field(ge=2, le=12)] = 3
    return_rate: ReturnRate = ReturnRate()


class Standard(_Part):
    """One version of the company's classification standard."""

    name: str = Field(min_length=1)
    effective_from: date | None = None
    window_days: Count = 365
    rfm: Rfm
    lifecycle: Lifecycle
    value: ValueTiers = ValueTiers()
    silence: Silence = Silence()
    labels: Mapping[str, Mapping[str, Label]]

    @property
    def version(self) -> str:
        """Fingerprint of what can change a class: the first 12 hex digits of SHA-256 over the canonical rules."""
        rules = self.model_dump(mode="json", exclude={"name", "labels", "effective_from"})
        canonical = json.dumps(rules, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]

    def classes(self) -> dict[str, tuple[str, ...]]:
        """Every dimension with its classes in report order, those of the grid included."""
        grid = [segment.segment for segment in self.rfm.grid.segments] if self.rfm.grid is not None else []
        return {**DIMENSIONS, "rfm_segment": (*dict.fromkeys(grid), *SEGMENTS_OUTSIDE_GRID)}

    @model_validator(mode="after")
    def _every_class_has_labels(self) -> Self:
        for dimension, classes in self.classes().items():
            given = self.labels.get(dimension, {})
            missing = [code for code in classes if code not in given]
            # Labels of segments that the grid does not use are kept for the grid that does.
            unknown = sorted(given.keys() - set(classes)) if dimension in DIMENSIONS else []
            if missing:
                raise ValueError(f"labels.{dimension} lacks {', '.join(missing)}; each class needs en and zh")
            if unknown:
                raise ValueError(f"labels.{dimension} names classes that do not exist: {', '.join(unknown)}")
        unknown_dimensions = sorted(self.labels.keys() - self.classes().keys())
        if unknown_dimensions:
            raise ValueError(f"labels names dimensions that do not exist: {', '.join(unknown_dimensions)}")
        return self
