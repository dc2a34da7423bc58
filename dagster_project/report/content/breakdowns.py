"""Value by region, channel, industry and owner, where something is known of them.

Groups too small to stand alone go with the rest, so that no customer can be told from a name of a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.classes import UNKNOWN
from dagster_project.report.content.rows import rows_of

BREAKDOWNS = ("region", "channel", "industry", "owner")
MOST_GROUPS = 10
FEWEST_CUSTOMERS = 5


@dataclass(frozen=True)
class Group:
    """A region, channel, industry or owner: customers, those of the high tier among them, and revenue."""

    name: str
    customers: int
    high: int
    revenue: Decimal


@dataclass(frozen=True)
class Breakdown:
    """The groups of a breakdown that bring most; `others` are the rest, `unknown` those of whom it is not known."""

    code: str
    groups: tuple[Group, ...]
    others: Group | None
    unknown: Group | None


def read_breakdowns(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Breakdown, ...]:
    """Breakdowns of which something is known."""
    breakdowns = []
    for code in BREAKDOWNS:
        groups = [
            Group(*row)
            for row in rows_of(
                con,
                """
                select coalesce(breakdown_class, 'unknown') as name, cast(sum(customers) as bigint),
                    cast(coalesce(sum(customers) filter (class = 'high'), 0) as bigint), sum(revenue_window) as revenue
                from marts.segment_summary
                where as_of_date = $day and dimension = 'value_tier' and breakdown = $breakdown
                group by name order by revenue desc, name
                """,
                day=day,
                breakdown=code,
            )
        ]
        named = [group for group in groups if group.name != UNKNOWN]
        large = [group for group in named if group.customers >= FEWEST_CUSTOMERS][:MOST_GROUPS]
        if not large:
            continue
        rest = [group for group in named if group not in large]
        unknown = next((group for group in groups if group.name == UNKNOWN), None)
        breakdowns.append(Breakdown(code, tuple(large), _joined(rest), unknown))
    return tuple(breakdowns)


def _joined(groups: list[Group]) -> Group | None:
    if not groups:
        return None
    return Group(
        "others",
        sum(group.customers for group in groups),
        sum(group.high for group in groups),
        sum((group.revenue for group in groups), Decimal(0)),
    )
