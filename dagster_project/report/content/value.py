"""Where the money comes from: the curve of value over customers, and the grid of recency and frequency scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.rows import rows_of

CURVE_POINTS = 200


@dataclass(frozen=True)
class Cell:
    """A cell of the grid of recency and frequency scores."""

    r_score: int
    f_score: int
    segment: str | None
    customers: int
    revenue: Decimal


@dataclass(frozen=True)
class CurvePoint:
    """The best `customer_share` of the customers with a positive value bring `value_share` of the sum."""

    customer_share: float
    value_share: float


def read_cells(con: duckdb.DuckDBPyConnection, day: date, standard: str) -> tuple[Cell, ...]:
    """Every cell of the grid, empty ones too where the standard names them; none without scores."""
    rows = rows_of(
        con,
        """
        select r_score, f_score, min(rfm_segment), count(*), sum(revenue_window)
        from marts.customer_segments where as_of_date = $day and r_score is not null
        group by r_score, f_score order by r_score, f_score
        """,
        day=day,
    )
    found = {(r, f): Cell(r, f, segment, customers, revenue) for r, f, segment, customers, revenue in rows}
    if not found:
        return ()
    bins = max(max(place) for place in found)
    names = _segment_names(con, standard)
    return tuple(
        found.get((r, f), Cell(r, f, names.get((r, f)), 0, Decimal(0)))
        for r in range(1, bins + 1)
        for f in range(1, bins + 1)
    )


def _segment_names(con: duckdb.DuckDBPyConnection, standard: str) -> dict[tuple[int, int], str]:
    """The segment of each cell in the standard."""
    rows = rows_of(
        con,
        "select r_score, f_score, rfm_segment from control.rfm_grid where standard_version = $standard",
        standard=standard,
    )
    return {(r, f): segment for r, f, segment in rows}


def read_curve(con: duckdb.DuckDBPyConnection, day: date) -> tuple[CurvePoint, ...]:
    """Cumulative value over customers from the best on, thinned to about CURVE_POINTS; from (0, 0) to (1, 1)."""
    rows = rows_of(
        con,
        """
        with ranked as (
            select
                row_number() over best as rank,
                count(*) over () as customers,
                sum(value) over (best rows between unbounded preceding and current row) as reached,
                sum(value) over () as total
            from marts.customer_value where as_of_date = $day and value > 0
            window best as (order by value desc, customer_id)
        )
        select max(rank) / any_value(customers), max(reached) / any_value(total)
        from ranked group by ceil(rank * $points / customers) order by 1
        """,
        day=day,
        points=CURVE_POINTS,
    )
    points = tuple(CurvePoint(round(float(x), 6), round(float(y), 6)) for x, y in rows)
    return (CurvePoint(0.0, 0.0), *points) if points else ()


def read_tier_ends(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, CurvePoint]:
    """Where on the curve the tiers high and mid end."""
    rows = rows_of(
        con,
        """
        select value_tier, count(*), sum(value) from marts.customer_value
        where as_of_date = $day and value > 0 group by value_tier
        """,
        day=day,
    )
    counts = {tier: (customers, value) for tier, customers, value in rows}
    customers = sum(count for count, _ in counts.values())
    total = sum((value for _, value in counts.values()), Decimal(0))
    ends, reached, sum_reached = {}, 0, Decimal(0)
    for tier in ("high", "mid"):
        if tier not in counts:
            continue
        reached += counts[tier][0]
        sum_reached += counts[tier][1]
        ends[tier] = CurvePoint(reached / customers, float(sum_reached / total))
    return ends
