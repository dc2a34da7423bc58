"""Classes as counts: customers and revenue of each class of a dimension, in all and within another breakdown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.publishing.labels import Labels
from dagster_project.report.content.rows import rows_of
from dagster_project.settings.publishing import Language

UNKNOWN = "unknown"


@dataclass(frozen=True)
class ClassCount:
    """A class of a dimension: customers and their revenue of the window, as counts and shares (None: not defined)."""

    code: str
    customers: int
    customer_share: Decimal | None
    revenue: Decimal
    revenue_share: Decimal | None


@dataclass(frozen=True)
class Dimension:
    """A dimension of the standard with its own name; `kind` is fixed, matrix, own or cluster."""

    code: str
    kind: str
    names: dict[Language, str]

    def name(self, language: Language) -> str:
        return self.names[language]


@dataclass(frozen=True)
class ClassedDimension:
    """A dimension with its classes."""

    dimension: Dimension
    classes: tuple[ClassCount, ...]


NUMBERS = "customers, customer_share, revenue_window, revenue_share"


def read_dimensions(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Dimension, ...]:
    """The dimensions of the day, in the order of the standard; one that has lost its name goes by its code."""
    rows = rows_of(
        con,
        """
        with summarised as (
            select distinct dimension from marts.segment_summary where as_of_date = $day
        )
        select s.dimension, coalesce(d.kind, 'own'), d.label_en, d.label_zh
        from summarised as s left join control.dimensions as d on d.dimension = s.dimension
        order by d.position nulls last, s.dimension
        """,
        day=day,
    )
    return tuple(
        Dimension(
            code,
            kind,
            {
                Language.ENGLISH: english or code.replace("_", " "),
                Language.CHINESE: chinese or code.replace("_", " "),
            },
        )
        for code, kind, english, chinese in rows
    )


def read_classes(con: duckdb.DuckDBPyConnection, day: date, dimension: str, labels: Labels) -> tuple[ClassCount, ...]:
    """The classes of a dimension in the order of the standard, those without customers included."""
    found = {
        row[0]: ClassCount(*row)
        for row in rows_of(
            con,
            f"select class, {NUMBERS} from marts.segment_summary "
            "where as_of_date = $day and dimension = $dimension and breakdown = 'total' order by class",
            day=day,
            dimension=dimension,
        )
    }
    known = labels.codes(dimension)
    empty = {code: ClassCount(code, 0, Decimal(0), Decimal(0), Decimal(0)) for code in known}
    return tuple((empty | found).values())


def read_within_tiers(con: duckdb.DuckDBPyConnection, day: date, dimension: str) -> dict[tuple[str, str], ClassCount]:
    """Counts of each class within each value tier, by class and tier."""
    rows = rows_of(
        con,
        f"select class, breakdown_class, {NUMBERS} from marts.segment_summary where as_of_date = $day "
        "and dimension = $dimension and breakdown = 'value_tier'",
        day=day,
        dimension=dimension,
    )
    return {(code, tier): ClassCount(code, *numbers) for code, tier, *numbers in rows}


def read_own_dimensions(
    con: duckdb.DuckDBPyConnection, day: date, dimensions: tuple[Dimension, ...], labels: Labels
) -> tuple[ClassedDimension, ...]:
    """The standard's own dimensions and the clusters, each with its classes."""
    return tuple(
        ClassedDimension(dimension, _without_spare_clusters(dimension, read_classes(con, day, dimension.code, labels)))
        for dimension in dimensions
        if dimension.kind in {"own", "cluster"}
    )


def _without_spare_clusters(dimension: Dimension, classes: tuple[ClassCount, ...]) -> tuple[ClassCount, ...]:
    """A standard may label more clusters than it makes."""
    if dimension.kind != "cluster":
        return classes
    return tuple(count for count in classes if count.customers)
