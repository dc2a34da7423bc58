"""What customers need and how they behave: need classes within value tiers, satisfaction, and the flags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.publishing.labels import Labels
from dagster_project.report.content.classes import (
    UNKNOWN,
    ClassCount,
    Dimension,
    read_classes,
    read_within_tiers,
)
from dagster_project.report.content.rows import rows_of

NEEDS = ("need_clarity", "need_type", "need_motive")
FLAGS = ("is_high_frequency", "is_trial_converted", "is_at_risk", "is_potential_buyer")


@dataclass(frozen=True)
class Need:
    """A dimension of needs, in all and by (class, value tier)."""

    dimension: Dimension
    classes: tuple[ClassCount, ...]
    within_tiers: dict[tuple[str, str], ClassCount]

    @property
    def is_known(self) -> bool:
        return any(count.customers for count in self.classes if count.code != UNKNOWN)


@dataclass(frozen=True)
class Satisfaction:
    """The newest answers of a class's customers: how many answered, and their mean."""

    dimension: str
    code: str
    answers: int
    mean: Decimal


@dataclass(frozen=True)
class Flag:
    """A behaviour flag: for how many it holds, for how many it cannot be told, and the revenue of the former."""

    code: str
    customers: int
    unknown: int
    revenue: Decimal


def read_needs(
    con: duckdb.DuckDBPyConnection, day: date, dimensions: tuple[Dimension, ...], labels: Labels
) -> tuple[Need, ...]:
    """The three dimensions of needs."""
    return tuple(
        Need(dimension, read_classes(con, day, dimension.code, labels), read_within_tiers(con, day, dimension.code))
        for dimension in dimensions
        if dimension.code in NEEDS
    )


def read_satisfaction(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Satisfaction, ...]:
    """Satisfaction of every value tier and lifecycle stage in which somebody answered."""
    rows = rows_of(
        con,
        """
        select 'value_tier', value_tier, count(satisfaction), sum(satisfaction)
        from marts.customer_segments where as_of_date = $day and satisfaction is not null group by value_tier
        union all
        select 'lifecycle_stage', lifecycle_stage, count(satisfaction), sum(satisfaction)
        from marts.customer_segments where as_of_date = $day and satisfaction is not null group by lifecycle_stage
        order by 1, 2
        """,
        day=day,
    )
    return tuple(Satisfaction(dimension, code, answers, total / answers) for dimension, code, answers, total in rows)


def read_flags(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Flag, ...]:
    """The four flags of the day."""
    counted = ", ".join(
        f"count(*) filter ({flag}), count(*) filter ({flag} is null), coalesce(sum(revenue_window) filter ({flag}), 0)"
        for flag in FLAGS
    )
    row = rows_of(con, f"select {counted} from marts.customer_segments where as_of_date = $day", day=day)[0]
    return tuple(Flag(flag, *row[3 * number : 3 * number + 3]) for number, flag in enumerate(FLAGS))
