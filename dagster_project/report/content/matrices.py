"""The matrices of the day's standard: two axes with their cuts, four quadrants, and who could not be placed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.publishing.labels import Labels
from dagster_project.report.content.classes import UNKNOWN, ClassCount, Dimension, read_classes
from dagster_project.report.content.rows import rows_of


@dataclass(frozen=True)
class Axis:
    """A measure and the value from which it counts as high; None where nobody was there to take the cut over."""

    measure: str
    cut_method: str
    cut_value: Decimal | None


@dataclass(frozen=True)
class Matrix:
    """Quadrants by (is x high, is y high)."""

    dimension: Dimension
    x: Axis
    y: Axis
    quadrants: dict[tuple[bool, bool], ClassCount]
    unknown: int


def read_matrices(
    con: duckdb.DuckDBPyConnection, day: date, standard: str, dimensions: tuple[Dimension, ...], labels: Labels
) -> tuple[Matrix, ...]:
    """Every matrix of the standard that classified the day, in its order."""
    axes = {
        (matrix, axis): Axis(measure, method, value)
        for matrix, axis, measure, method, value in rows_of(
            con,
            """
            select a.matrix, a.axis, a.measure, a.cut_method, c.cut_value
            from control.matrix_axes as a
            left join marts.matrix_cut_points as c
                on c.as_of_date = $day and c.matrix = a.matrix and c.axis = a.axis
            where a.standard_version = $standard
            order by a.position, a.matrix, a.axis
            """,
            day=day,
            standard=standard,
        )
    }
    places = rows_of(
        con,
        "select matrix, is_x_high, is_y_high, quadrant from control.matrix_quadrants "
        "where standard_version = $standard",
        standard=standard,
    )
    known = {dimension.code: dimension for dimension in dimensions}
    matrices = []
    for code in dict.fromkeys(matrix for matrix, _ in axes):
        if code not in known:
            continue
        counts = {count.code: count for count in read_classes(con, day, code, labels)}
        matrices.append(
            Matrix(
                known[code],
                axes[code, "x"],
                axes[code, "y"],
                {
                    (is_x_high, is_y_high): counts.get(quadrant, ClassCount(quadrant, 0, None, Decimal(0), None))
                    for matrix, is_x_high, is_y_high, quadrant in places
                    if matrix == code
                },
                counts[UNKNOWN].customers if UNKNOWN in counts else 0,
            )
        )
    return tuple(matrices)
