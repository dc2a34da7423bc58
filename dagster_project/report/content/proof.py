"""How the classes of earlier month ends did in the 90 days after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.foresight import (
    Came,
    by_return,
    by_revenue,
    pairs_told_apart,
    top_tenth_share,
)
from dagster_project.report.content.foretold import mean_of
from dagster_project.report.content.rows import rows_of


@dataclass(frozen=True)
class Outcome:
    """A class of a snapshot: who of it bought again, and its share of all that was bought."""

    customers: int
    repeat_customers: int
    repeat_rate: Decimal | None
    next_revenue_share: Decimal | None


@dataclass(frozen=True)
class Snapshot:
    """Outcomes of a past month end by (dimension, class). `rank_correlation` is that of value with what came."""

    day: date
    outcomes: dict[tuple[str, str], Outcome]
    rank_correlation: Decimal | None


@dataclass(frozen=True)
class Foresight:
    """How a dimension told, at the newest month end and as a mean over all, what came in the 90 days after.

    `top_tenth_share` of the revenue came from the tenth of the customers in its best classes; `pairs_told_apart` is 0.5
    by chance and 1 where all who came back stood in better classes than all who did not.
    """

    dimension: str
    top_tenth_share: Decimal | None
    mean_top_tenth_share: Decimal | None
    pairs_told_apart: Decimal | None
    mean_pairs_told_apart: Decimal | None


def read_foresights(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Foresight, ...]:
    """Every dimension that was judged; its classes stand in the order of all the month ends together."""
    found: dict[str, dict[date, list[Came]]] = {}
    for dimension, on, code, customers, returned, revenue in rows_of(
        con,
        """
        select dimension, snapshot_on, class, customers, repeat_customers, next_revenue
        from marts.classification_backtest
        where evaluated_on = $day and class <> 'total'
        order by dimension, snapshot_on, class
        """,
        day=day,
    ):
        came = Came(code, customers, Decimal(returned), revenue)
        found.setdefault(dimension, {}).setdefault(on, []).append(came)
    return tuple(_foresight(dimension, list(snapshots.values())) for dimension, snapshots in found.items())


def _foresight(dimension: str, snapshots: list[list[Came]]) -> Foresight:
    together: dict[str, Came] = {}
    for came in (each for snapshot in snapshots for each in snapshot):
        before = together.get(came.code, Came(came.code, 0, Decimal(0), Decimal(0)))
        together[came.code] = Came(
            came.code,
            before.customers + came.customers,
            before.returned + came.returned,
            before.revenue + came.revenue,
        )
    shares = [top_tenth_share(snapshot, by_revenue(together.values())) for snapshot in snapshots]
    pairs = [pairs_told_apart(snapshot, by_return(together.values())) for snapshot in snapshots]
    return Foresight(dimension, shares[-1], mean_of(shares), pairs[-1], mean_of(pairs))


def read_backtest(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Snapshot, ...]:
    """What `day` knows of the snapshots before it, rising: tiers of value and lifecycle stages."""
    found: dict[date, Snapshot] = {}
    for on, dimension, code, customers, repeated, rate, share, correlation in rows_of(
        con,
        """
        select snapshot_on, dimension, class, customers, repeat_customers, repeat_rate, next_revenue_share,
            max(rank_correlation) filter (dimension = 'value_tier') over (partition by snapshot_on)
        from marts.classification_backtest
        where evaluated_on = $day and dimension in ('value_tier', 'lifecycle_stage')
        order by snapshot_on, dimension, class
        """,
        day=day,
    ):
        snapshot = found.setdefault(on, Snapshot(on, {}, correlation))
        snapshot.outcomes[dimension, code] = Outcome(customers, repeated, rate, share)
    return tuple(found.values())
