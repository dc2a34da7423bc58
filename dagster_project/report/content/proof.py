"""How the classes of earlier month ends did in the 90 days after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

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
