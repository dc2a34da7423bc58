"""What customers are expected to bring, class by class, and how far that came true at earlier month ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.rows import rows_of

DIMENSIONS = ("lifecycle_stage", "value_tier")


@dataclass(frozen=True)
class Expected:
    """Sums over the customers of a class who have a prediction; `probability_order` is their mean."""

    customers: int
    probability_order: Decimal | None
    purchases_90d: Decimal
    value_90d: Decimal
    value_365d: Decimal


@dataclass(frozen=True)
class Outlook:
    """Expectations by (dimension, class). `missing` counts customers by the reason why they have no prediction.

    `corrected_from` is the month end that the level was corrected by, None where it was not.
    """

    expected: dict[tuple[str, str], Expected]
    missing: dict[str, int]
    model: str | None
    fitted_on: date | None
    value_correction: Decimal
    corrected_from: date | None


@dataclass(frozen=True)
class Foretold:
    """How one predictor did at the newest month end that can be checked; errors are None of one that only ranks."""

    predictor: str
    purchases_error: Decimal | None
    value_error: Decimal | None
    rank_correlation: Decimal | None
    top_tenth_share: Decimal | None
    wins: int
    wins_in_all: int
    is_published: bool
    is_best: bool


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers, the first foretold most: `share` of all revenue that came, customers who ordered."""

    share: Decimal | None
    customers: Decimal
    actual_customers: Decimal
    predicted_customers: Decimal


@dataclass(frozen=True)
class Proof:
    """The newest of `month_ends` that can be checked: each predictor, and tenths by value and by chance of an order."""

    snapshot_on: date
    month_ends: int
    oracle_top_tenth_share: Decimal | None
    predictors: tuple[Foretold, ...]
    by_value: tuple[Tenth, ...]
    by_chance: tuple[Tenth, ...]

    @property
    def has_revenue(self) -> bool:
        """Whether any revenue came that tenths could have a share of."""
        return all(tenth.share is not None for tenth in self.by_value)


def read_outlook(con: duckdb.DuckDBPyConnection, day: date) -> Outlook:
    """What is expected of the customers of `day`."""
    expected: dict[tuple[str, str], Expected] = {}
    for dimension in DIMENSIONS:
        for code, *sums in rows_of(
            con,
            f"""
            select segments.{dimension}, count(*), avg(predictions.probability_order_90d)::decimal(18, 6),
                sum(predictions.expected_purchases_90d), sum(predictions.expected_value_90d),
                sum(predictions.expected_value_365d)
            from marts.customer_segments as segments
            inner join marts.customer_predictions as predictions using (as_of_date, customer_id)
            where segments.as_of_date = $day and predictions.expected_value_90d is not null
            group by 1
            """,
            day=day,
        ):
            expected[dimension, code] = Expected(*sums)
    missing = dict(
        rows_of(
            con,
            "select missing_reason, count(*) from marts.customer_predictions "
            "where as_of_date = $day and missing_reason is not null group by 1 order by 2 desc, 1",
            day=day,
        )
    )
    [made] = rows_of(
        con,
        "select max(model), max(fitted_on), coalesce(max(value_correction), 1), max(corrected_from) "
        "from marts.customer_predictions where as_of_date = $day and model is not null",
        day=day,
    )
    return Outlook(expected, missing, *made)


def read_proof(con: duckdb.DuckDBPyConnection, day: date) -> Proof | None:
    """The newest month end that `day` can check its predictions at; None where there is none."""
    found = rows_of(
        con,
        """
        select snapshot_on, predictor, purchases_error, value_error, rank_correlation, top_tenth_share, wins,
            sum(wins) over (partition by predictor)::integer, is_published, is_best, oracle_top_tenth_share,
            count(*) over (partition by predictor)
        from marts.prediction_backtest where evaluated_on = $day
        qualify snapshot_on = max(snapshot_on) over ()
        order by 8 desc, predictor
        """,
        day=day,
    )
    if not found:
        return None
    newest = found[0][0]
    tenths: dict[str, list[Tenth]] = {"expected_value": [], "probability_order_90d": []}
    for ranked_by, *values in rows_of(
        con,
        """
        select ranked_by,
            (actual_value / nullif(sum(actual_value) over (partition by ranked_by), 0))::decimal(18, 6),
            customers, actual_customers, predicted_customers
        from marts.prediction_tenths where evaluated_on = $day and snapshot_on = $newest
        order by ranked_by, tenth
        """,
        day=day,
        newest=newest,
    ):
        tenths[ranked_by].append(Tenth(*values))
    return Proof(
        snapshot_on=newest,
        month_ends=found[0][11],
        oracle_top_tenth_share=found[0][10],
        predictors=tuple(Foretold(*row[1:10]) for row in found),
        by_value=tuple(tenths["expected_value"]),
        by_chance=tuple(tenths["probability_order_90d"]),
    )
