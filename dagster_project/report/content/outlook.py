"""What is expected of the customers from the day on, in all and by class: as published, corrected where it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.rows import rows_of

OUTLOOK_DIMENSIONS = ("lifecycle_stage", "value_tier")
NEVER_ORDERED = "no_order"


@dataclass(frozen=True)
class Expected:
    """What a class is expected to bring; `customers` are those of it who are foretold. A sum of nothing is None.

    `alive` adds up their probabilities to be customers still.
    """

    customers: int
    alive: Decimal | None
    purchases_90d: Decimal | None
    value_90d: Decimal | None
    value_365d: Decimal | None

    @property
    def mean_alive(self) -> Decimal | None:
        """The mean of the probabilities."""
        return None if self.alive is None else self.alive / self.customers


@dataclass(frozen=True)
class Outlook:
    """The day's predictions. `reason` is why nothing, or no amount, is foretold: the one that most customers have.

    `classes` are by dimension and class; customers who have not ordered are in none.
    """

    total: Expected
    never_ordered: int
    reason: str | None
    model: str | None
    fitted_on: date | None
    purchases_correction: Decimal
    value_correction: Decimal
    corrected_from: date | None
    classes: dict[tuple[str, str], Expected]


def read_outlook(con: duckdb.DuckDBPyConnection, day: date) -> Outlook | None:
    """What `day` foretells; None where nothing was computed for it."""
    [(rows, never_ordered, model, fitted_on, *corrections)] = rows_of(con, _FACTS, day=day)
    if not rows:
        return None
    reason = next(iter(rows_of(con, _REASON, day=day, never=NEVER_ORDERED)), (None,))[0]
    [total] = rows_of(con, f"select {_SUMS} {_FORETOLD}", day=day)
    classes = {
        (dimension, code): Expected(*sums)
        for dimension in OUTLOOK_DIMENSIONS
        for code, *sums in rows_of(con, f"select {dimension}, {_SUMS} {_FORETOLD} group by {dimension}", day=day)
    }
    purchases_correction, value_correction, corrected_from = corrections
    return Outlook(
        total=Expected(*total),
        never_ordered=never_ordered,
        reason=reason,
        model=model,
        fitted_on=fitted_on,
        purchases_correction=purchases_correction,
        value_correction=value_correction,
        corrected_from=corrected_from,
        classes=classes,
    )


_SUMS = """
    count(*), sum(probability_alive), sum(expected_purchases_90d), sum(expected_value_90d), sum(expected_value_365d)
"""
_FORETOLD = """
    from marts.customer_predictions as predictions
    inner join marts.customer_segments as segments using (as_of_date, customer_id)
    where as_of_date = $day and expected_purchases_90d is not null
"""
_FACTS = f"""
    select
        count(*),
        count(*) filter (missing_reason = '{NEVER_ORDERED}'),
        max(model),
        max(fitted_on),
        max(purchases_correction),
        max(value_correction),
        max(corrected_from)
    from marts.customer_predictions where as_of_date = $day
"""
_REASON = """
    select missing_reason
    from marts.customer_predictions where as_of_date = $day and missing_reason is not null
    group by missing_reason order by missing_reason = $never, count(*) desc, missing_reason limit 1
"""
