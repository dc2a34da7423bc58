"""Classes over time: stages on the stored days, who moved since the last month end, how far each dimension shifted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import duckdb

from dagster_project.report.content.rows import rows_of

# Up to so many stored days each gets a bar; of more, the month ends do, and of those the newest.
MOST_BARS = 36
ABSENT = "absent"


@dataclass(frozen=True)
class StagesOn:
    """Customers of each lifecycle stage on a stored day."""

    day: date
    standard_version: str
    customers: dict[str, int]


@dataclass(frozen=True)
class Move:
    """Customers of a dimension who were in one class on the compared day and are in the other now."""

    dimension: str
    class_from: str
    class_to: str
    customers: int
    revenue: Decimal

    @property
    def is_change(self) -> bool:
        """Whether somebody known on both days changed class."""
        return self.class_from != self.class_to and ABSENT not in {self.class_from, self.class_to}


@dataclass(frozen=True)
class Movement:
    """Every move since `compared_on`; across a change of standard, classes have changed their meaning too."""

    compared_on: date
    is_standard_change: bool
    moves: tuple[Move, ...]

    def of(self, dimension: str) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.dimension == dimension)


@dataclass(frozen=True)
class Stability:
    """The population stability index of a dimension against the compared day: steady, warn or fail."""

    dimension: str
    index: Decimal | None
    verdict: str
    is_standard_change: bool


def read_stages_over_time(con: duckdb.DuckDBPyConnection, day: date) -> tuple[StagesOn, ...]:
    """Stages on the stored days up to `day`, rising: every day while they are few, else the month ends and `day`."""
    found: dict[date, StagesOn] = {}
    for on, version, stage, customers in rows_of(
        con,
        """
        select as_of_date, standard_version, class, customers from marts.segment_summary
        where as_of_date <= $day and dimension = 'lifecycle_stage' and breakdown = 'total' order by as_of_date, class
        """,
        day=day,
    ):
        found.setdefault(on, StagesOn(on, version, {})).customers[stage] = customers
    if len(found) <= MOST_BARS:
        return tuple(found.values())
    ends = [stages for on, stages in found.items() if on == day or (on + timedelta(days=1)).day == 1]
    return tuple(ends[-MOST_BARS:])


def read_movement(con: duckdb.DuckDBPyConnection, day: date) -> Movement | None:
    """Moves of every dimension, the most customers first; None where the day is compared with none."""
    rows = rows_of(
        con,
        """
        select compared_on, is_standard_change, dimension, class_from, class_to, customers, revenue_window
        from marts.segment_migration where as_of_date = $day
        order by customers desc, dimension, class_from, class_to
        """,
        day=day,
    )
    if not rows:
        return None
    return Movement(rows[0][0], any(row[1] for row in rows), tuple(Move(*row[2:]) for row in rows))


def read_stability(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Stability, ...]:
    """Every dimension's index, the largest first."""
    rows = rows_of(
        con,
        """
        select dimension, stability_index, verdict, is_standard_change from marts.segment_stability
        where as_of_date = $day order by stability_index desc nulls last, dimension
        """,
        day=day,
    )
    return tuple(Stability(*row) for row in rows)


def read_stability_limits(con: duckdb.DuckDBPyConnection, standard: str) -> tuple[Decimal, Decimal] | None:
    """From which index on a dimension is warned of, and from which it fails."""
    rows = rows_of(
        con,
        "select stability_warn, stability_fail from control.standards where standard_version = $standard",
        standard=standard,
    )
    return rows[0] if rows else None
