"""What a customer needs on one day, the flags of his behaviour, and the company's own dimensions."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reference.exact import Percentiles, cut_point
from reference.features import UNKNOWN, recent_kinds
from reference.history import History
from reference.scores import Prediction, Rows
from reference.standard import NEED_TYPES, Clusters, OwnDimension, WholeStandard

NEED_ENTITIES = ("leads", "opportunities", "web_events")


def need_clarity(row: Mapping[str, Any], configured: Collection[str]) -> str:
    if not any(entity in configured for entity in NEED_ENTITIES):
        return UNKNOWN
    if row["stated_need_clarity"] != UNKNOWN:
        return str(row["stated_need_clarity"])
    if row["has_explicit_opportunity"] or (row["recent_carts"] or 0) > 0:
        return "explicit"
    if row["has_open_lead"] or (row["open_opportunities"] or 0) > 0 or (row["recent_views"] or 0) > 0:
        return "vague"
    return "none"


def need_types(rows: Rows, cut: Decimal) -> dict[Hashable, str]:
    """What each customer's purchases are driven by, against all scored customers."""
    scored = {customer for customer, row in rows.items() if row["order_count_window"] > 0}
    everyone = {
        measure: Percentiles(rows[customer][measure] for customer in scored if rows[customer][measure] is not None)
        for measure in NEED_TYPES.values()
    }

    def driven_by(row: Mapping[str, Any]) -> str:
        if all(row[measure] is None for measure in NEED_TYPES.values()):
            return UNKNOWN
        shares = {
            need: everyone[measure].of(row[measure])
            for need, measure in NEED_TYPES.items()
            if row[measure] is not None and row[measure] > 0
        }
        reached = {need: share for need, share in shares.items() if share is not None and share >= cut}
        return max(reached, key=lambda need: reached[need], default="balanced")  # of equal ones the first

    return {customer: driven_by(row) if customer in scored else UNKNOWN for customer, row in rows.items()}


def frequency_cut(rows: Rows, standard: WholeStandard) -> int | None:
    counts = [row["order_count_window"] for row in rows.values() if row["order_count_window"] > 0]
    return cut_point(counts, *standard.high_frequency) if counts else None


def flags(
    rows: Rows,
    history: History,
    as_of: date,
    standard: WholeStandard,
    predictions: Mapping[Hashable, Prediction] | None = None,
) -> dict[Hashable, dict[str, bool | None]]:
    """The behaviour flags but for is_trial_converted, which is a feature."""
    cut = frequency_cut(rows, standard)
    return {
        customer: {
            "is_high_frequency": None if cut is None else row["order_count_window"] > cut,
            "is_at_risk": is_at_risk(row, (predictions or {}).get(customer, Prediction()), standard),
            "is_potential_buyer": is_potential_buyer(customer, row, history, as_of, standard),
        }
        for customer, row in rows.items()
    }


def is_at_risk(row: Mapping[str, Any], prediction: Prediction, standard: WholeStandard) -> bool:
    before = row["order_count_prior_90d"]
    alive = prediction.probability_alive
    return (
        (before >= 1 and row["order_count_90d"] <= Fraction(standard.at_risk_drop) * before)
        or (row["recent_complaints"] or 0) > 0
        or (alive is not None and alive < standard.at_risk_alive_below)
    )


def is_potential_buyer(
    customer: Hashable, row: Mapping[str, Any], history: History, as_of: date, standard: WholeStandard
) -> bool | None:
    if not history.of("web_events"):
        return None
    kinds = recent_kinds(history, customer, as_of, standard.potential_buyer_days)
    return row["order_count"] == 0 and kinds["view"] + kinds["cart"] > 0


def own_class(row: Mapping[str, Any], dimension: OwnDimension) -> str:
    return next((code for code, holds in dimension.rules if holds(row)), dimension.default)


def rule_number(row: Mapping[str, Any], dimension: OwnDimension) -> int:
    """Number of the rule that decided, from 1; 0 for the default."""
    return next((number for number, (_, holds) in enumerate(dimension.rules, start=1) if holds(row)), 0)


def nearest_cluster(row: Mapping[str, Any], clusters: Clusters) -> str:
    """The cluster whose centre is nearest in standardised logarithms; of equally near ones the smaller number."""
    if row["order_count_window"] == 0:
        return UNKNOWN
    logged = (
        math.log(1 + row["recency_days"]),
        math.log(row["order_count_window"]),
        math.log(max(float(row["revenue_window"]), 0.0) + 1),
    )
    point = [(value - scale.mean) / scale.deviation for value, scale in zip(logged, clusters.scales, strict=True)]
    distances = [sum((a - b) ** 2 for a, b in zip(point, centre, strict=True)) for centre in clusters.centres]
    return f"cluster_{distances.index(min(distances)) + 1}"
