"""The three scores of a customer on one day, 0 to 100: how much he brings, what he may bring, how soon he must be seen.

Every share and term is rounded to six digits before it is combined with others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reference.exact import Number, Percentiles, ratio, rounded
from reference.standard import FACTORS, WholeStandard

Rows = Mapping[Hashable, Mapping[str, Any]]


@dataclass(frozen=True)
class Prediction:
    """What the purchase model says of one customer."""

    expected_value_365d: Decimal | None = None
    probability_alive: Decimal | None = None


def scores_on(
    rows: Rows, standard: WholeStandard, predictions: Mapping[Hashable, Prediction] | None = None
) -> dict[Hashable, dict[str, Any]]:
    """value_score, potential_score, potential_factors_known and urgency_score of every customer of the day."""
    scored = Percentiles(row["revenue_window"] for row in rows.values() if row["order_count_window"] > 0)
    factors = potential_factors(rows, standard, predictions or {})
    result = {}
    for customer, row in rows.items():
        score, known = potential_score(factors[customer], standard.potential_weights)
        result[customer] = {
            "value_score": hundredfold(scored.of(row["revenue_window"])),
            "potential_score": score,
            "potential_factors_known": known,
            "urgency_score": urgency_score(row, standard),
        }
    return result


def hundredfold(share: Number | None) -> Decimal | None:
    return None if share is None else rounded(100 * Fraction(share))


def potential_factors(
    rows: Rows, standard: WholeStandard, predictions: Mapping[Hashable, Prediction]
) -> dict[Hashable, dict[str, Decimal | None]]:
    """The factors, each 0 to 1; None where unknown."""
    sizes = {size: position for position, size in enumerate(standard.company_sizes)}
    ranked: dict[str, dict[Hashable, Number | None]] = {
        "expected_value": {
            customer: predictions[customer].expected_value_365d if customer in predictions else None
            for customer in rows
        },
        "company_size": {customer: sizes.get(row["company_size"]) for customer, row in rows.items()},
        "opportunity": {customer: row["open_opportunity_value"] for customer, row in rows.items()},
    }
    everyone = {
        name: Percentiles(value for value in values.values() if value is not None) for name, values in ranked.items()
    }
    result = {}
    for customer, row in rows.items():
        closeness = row["competitor_closeness"]
        outlook = standard.industry_outlook.get(row["industry"])
        factors = {
            **{name: everyone[name].of(values[customer]) for name, values in ranked.items()},
            "growth": growth(row["revenue_90d"], row["revenue_prior_90d"]),
            "industry_outlook": None if outlook is None else rounded(outlook),
            "independence": None if closeness is None else rounded(1 - Fraction(closeness)),
        }
        result[customer] = {name: factors[name] for name in FACTORS}
    return result


def growth(recent: Decimal, prior: Decimal) -> Decimal | None:
    """(1 + (a − b) / (a + b)) / 2 of the revenue a of the last and b of the prior 90 days, kept within 0 to 1 where
    refunds exceed the orders of either; unknown unless a + b > 0.
    """
    a, b = Fraction(recent), Fraction(prior)
    return rounded(min(max((1 + (a - b) / (a + b)) / 2, Fraction(0)), Fraction(1))) if a + b > 0 else None


def potential_score(
    factors: Mapping[str, Decimal | None], weights: Mapping[str, Decimal]
) -> tuple[Decimal | None, int]:
    """100 × the weighted mean of the known factors, and how many they are; a factor without weight is none."""
    known = {name: Fraction(f) for name, f in factors.items() if f is not None and weights[name] > 0}
    weight = sum(Fraction(weights[name]) for name in known)
    mean = ratio(100 * sum(Fraction(weights[name]) * factor for name, factor in known.items()), weight)
    return mean, len(known)


def urgency_score(row: Mapping[str, Any], standard: WholeStandard) -> Decimal | None:
    """100 × the largest known term: a near close, stated urgency, an open complaint, silence beyond the rhythm."""
    terms: list[Number | None] = []
    if row["days_to_close"] is not None:
        near = 1 - Fraction(row["days_to_close"], standard.close_days)
        terms.append(rounded(min(max(near, Fraction(0)), Fraction(1))))
    if row["stated_urgency"] in standard.stated_urgency:
        terms.append(standard.stated_urgency[row["stated_urgency"]])
    if row["has_open_complaint"]:
        terms.append(1)
    if row["days_silent"] is not None:
        limit = Fraction(row["silence_limit_days"])
        terms.append(rounded(min(Fraction(1), Fraction(row["days_silent"]) / limit)))
    return hundredfold(max((Fraction(term) for term in terms if term is not None), default=None))
