"""Two axes, four quadrants: where every customer of a day stands in each matrix of the standard."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reference.exact import Number, cut_point, median, rounded
from reference.scores import Rows
from reference.standard import Axis, Matrix


@dataclass(frozen=True)
class Place:
    """Where one customer stands in one matrix; None where an axis, or its cut, is unknown."""

    x_value: Number | None
    y_value: Number | None
    is_x_high: bool | None
    is_y_high: bool | None
    quadrant: str


def axis_cut(axis: Axis, rows: Rows) -> Fraction | None:
    """The cut over scored customers whose measure is known, unrounded; a number needs nobody."""
    if isinstance(axis.cut, tuple):
        values = _scored(axis, rows)
        return cut_point(values, *axis.cut) if values else None
    if axis.cut == "mean":
        values = _scored(axis, rows)
        return sum(values, Fraction(0)) / len(values) if values else None
    if axis.cut == "median":
        values = _scored(axis, rows)
        return median(values) if values else None
    return Fraction(axis.cut)


def _scored(axis: Axis, rows: Rows) -> list[Fraction]:
    return [
        Fraction(row[axis.measure])
        for row in rows.values()
        if row["order_count_window"] > 0 and row[axis.measure] is not None
    ]


def cut_points_on(matrix: Matrix, rows: Rows) -> dict[str, Number | None]:
    """The cuts of x and y as they are published: six digits."""
    cuts = {"x": axis_cut(matrix.x, rows), "y": axis_cut(matrix.y, rows)}
    return {axis: None if cut is None else rounded(cut) for axis, cut in cuts.items()}


def places_on(matrix: Matrix, rows: Rows) -> dict[Hashable, Place]:
    """The place of every customer of the day, compared with the unrounded cuts."""
    cuts = axis_cut(matrix.x, rows), axis_cut(matrix.y, rows)

    def place(row: Mapping[str, Any]) -> Place:
        x, y = row[matrix.x.measure], row[matrix.y.measure]
        is_x_high, is_y_high = (
            None if value is None or cut is None else Fraction(value) >= cut
            for value, cut in zip((x, y), cuts, strict=True)
        )
        quadrant = "unknown"
        if is_x_high is not None and is_y_high is not None:
            quadrant = matrix.quadrant(is_x_high, is_y_high)
        return Place(x, y, is_x_high, is_y_high, quadrant)

    return {customer: place(row) for customer, row in rows.items()}
