"""How a standard did at past month ends, added up over them: from the mart classification_backtest of a rebuilt day."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import duckdb

from dagster_project.impact.result import Backtest, ClassOutcome
from dagster_project.sql_text import quote_identifier

EVERYBODY = "total"
_SIX_DIGITS = Decimal("0.000001")


def read_backtest(con: duckdb.DuckDBPyConnection, database: str) -> Backtest:
    """The backtest of the day rebuilt in `database`."""
    relation = f"{quote_identifier(database)}.marts.classification_backtest"
    rows = con.execute(
        f"""
        select dimension, class, sum(customers), sum(repeat_customers), sum(next_revenue)
        from {relation} where class <> '{EVERYBODY}' group by all order by all
        """
    ).fetchall()
    totals: dict[str, Decimal] = {}
    for dimension, _, _, _, revenue in rows:
        totals[dimension] = totals.get(dimension, Decimal(0)) + revenue
    classes = tuple(
        ClassOutcome(
            dimension=dimension,
            code=code,
            customers=int(customers),
            repeat_rate=_ratio(repeating, customers),
            next_revenue_share=_ratio(revenue, totals[dimension]),
        )
        for dimension, code, customers, repeating, revenue in rows
    )
    by_class = {(outcome.dimension, outcome.code): outcome for outcome in classes}
    high, silent = by_class.get(("value_tier", "high")), by_class.get(("lifecycle_stage", "silent"))
    tiered = sum(outcome.customers for outcome in classes if outcome.dimension == "value_tier")
    [(month_ends, first_on, last_on)] = con.execute(
        f"select count(distinct snapshot_on), min(snapshot_on), max(snapshot_on) from {relation}"
    ).fetchall()
    correlations = [
        correlation
        for (correlation,) in con.execute(
            f"select rank_correlation from {relation} where class = '{EVERYBODY}' and rank_correlation is not null"
        ).fetchall()
    ]
    return Backtest(
        month_ends=month_ends,
        first_on=first_on,
        last_on=last_on,
        high_value_customer_share=_ratio(high.customers, tiered) if high else None,
        high_value_revenue_share=high.next_revenue_share if high else None,
        silent_return_rate=silent.repeat_rate if silent else None,
        rank_correlation=_ratio(sum(correlations, Decimal(0)), len(correlations)),
        classes=classes,
    )


def _ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    return (Decimal(part) / Decimal(whole)).quantize(_SIX_DIGITS, ROUND_HALF_UP) if whole else None
