"""RFM: how recency, frequency and monetary are scored, and the grid that names each pair of scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from dagster_project.settings.standards.parts import Code, Count, Part, Weight, refuse_cuts_that_do_not_rise

Bins = Annotated[int, Field(ge=2, le=9)]


def _cells(cells: Sequence[tuple[int, int]]) -> str:
    return ", ".join(f"R{r}F{f}" for r, f in cells)


class Weights(Part):
    """Weights of the three scores in rfm_score."""

    recency: Weight = Decimal(1)
    """Of the score of recency."""
    frequency: Weight = Decimal(1)
    """Of the score of frequency."""
    monetary: Weight = Decimal(1)
    """Of the score of monetary."""


class Thresholds(Part):
    """Cut points given by hand, rising, for the method threshold; 1 to 8 a measure."""

    recency: tuple[Count, ...]
    """Days: a recency of at most the cut scores higher."""
    frequency: tuple[Count, ...]
    """Orders in the window."""
    monetary: tuple[Decimal, ...]
    """Revenue in the window, reporting currency."""

    @model_validator(mode="after")
    def _rise(self) -> Self:
        for name, cuts in (("recency", self.recency), ("frequency", self.frequency), ("monetary", self.monetary)):
            refuse_cuts_that_do_not_rise(name, cuts)
            if not 1 <= len(cuts) <= 8:
                raise ValueError(f"thresholds.{name} has {len(cuts)} cuts; scores have 2 to 9 bins, hence 1 to 8 cuts")
        return self


class GridSegment(Part):
    """A segment and the rectangle of R × F scores it covers, both ends included."""

    segment: Code
    """Code of the segment; its labels stand under labels.rfm_segment."""
    r: tuple[Count, Count]
    """First and last R score."""
    f: tuple[Count, Count]
    """First and last F score."""
    priority: int | None = None
    """Where segments overlap the smaller priority wins."""

    @property
    def cells(self) -> set[tuple[int, int]]:
        return set(product(range(self.r[0], self.r[1] + 1), range(self.f[0], self.f[1] + 1)))


class Grid(Part):
    """The named R × F grid. Every cell belongs to one segment; where segments overlap, the smaller priority wins."""

    bins: Bins
    """Number of R and of F scores; that of the scoring method."""
    segments: tuple[GridSegment, ...]
    """The rectangles that the segments cover."""

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


class Rfm(Part):
    """Recency, frequency and monetary over the rolling window."""

    method: Literal["quantile", "threshold", "mean", "median"] = "quantile"
    """quantile: equal shares of customers · threshold: cuts given · mean, median: high or low."""
    bins: Bins = 5
    """Number of scores of the quantile method."""
    weights: Weights = Weights()
    """rfm_score is the weighted sum of the three scores."""
    type_cut: Literal["mean", "median"] = "mean"
    """The eight types are high or low against it, whatever the method."""
    thresholds: Thresholds | None = None
    """Cut points of the method threshold."""
    # In the file `none` says that a standard does without, so that a grid left out by mistake is still an error.
    grid: Annotated[
        Grid | None,
        BeforeValidator(
            lambda given: None if given == "none" else given, json_schema_input_type=Grid | Literal["none"]
        ),
    ]
    """The named R × F grid, or none."""

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
