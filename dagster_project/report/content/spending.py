"""The marketing budget against the value of those it is spent on, for each dimension that has plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.classes import Dimension
from dagster_project.report.content.rows import rows_of


@dataclass(frozen=True)
class Allocation:
    """A class's share of the budget beside its share of the revenue, and both a customer; None: not defined."""

    code: str
    customers: int
    budget_share: Decimal | None
    revenue_share: Decimal | None
    spend_per_customer: Decimal | None
    value_per_customer: Decimal | None


@dataclass(frozen=True)
class Spending:
    """The classes of a dimension with their shares."""

    dimension: Dimension
    classes: tuple[Allocation, ...]


def read_budget(con: duckdb.DuckDBPyConnection) -> Decimal:
    """The budget that the shares split; 0 where the standard names none."""
    return next((budget for (budget,) in rows_of(con, "select budget from control.budget")), None) or Decimal(0)


def read_spending(con: duckdb.DuckDBPyConnection, day: date, dimensions: tuple[Dimension, ...]) -> tuple[Spending, ...]:
    """Dimensions with plans in the order of the playbook, classes in the order of the standard."""
    found: dict[str, list[Allocation]] = {}
    for dimension, *numbers in rows_of(
        con,
        """
        with planned as (
            select dimension, min(dimension_position) as position from control.plans group by dimension
        )
        select r.dimension, r.class, r.customers, r.budget_share, r.revenue_share, r.spend_per_customer,
            r.value_per_customer
        from marts.resource_allocation as r
        left join planned as p on p.dimension = r.dimension
        left join control.labels as l on l.dimension = r.dimension and l.code = r.class
        where r.as_of_date = $day
        order by p.position nulls last, r.dimension, l.ordinal nulls last, r.class
        """,
        day=day,
    ):
        found.setdefault(dimension, []).append(Allocation(*numbers))
    known = {dimension.code: dimension for dimension in dimensions}
    return tuple(Spending(known[code], tuple(classes)) for code, classes in found.items() if code in known)
