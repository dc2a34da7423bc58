"""What a customer needs on one day, the flags of his behaviour, and the company's own dimensions."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reference.exact import Percentiles, cut_point
from reference.features import UNKNOWN
from reference.scores import Prediction, Rows
from reference.standard import NEED_TYPES, Clusters, OwnDimension, WholeStandard

NEED_ENTITIES = ("leads", "opportunities", "web_events")


def need_clarity(row: Mapping[str, Any], configured: Collection[str]) -> tuple[str, str]:
    """The clarity of what the customer needs, and the rule that decided."""
    if not any(entity in configured for entity in NEED_ENTITIES):
        return UNKNOWN, "no_crm_or_web_entity"
    if row["stated_need_clarity"] != UNKNOWN:
        return row["stated_need_clarity"], "stated_on_lead"
    if row["has_explicit_opportunity"]:
        return "explicit", "explicit_opportunity"
    if (row["recent_carts"] or 0) > 0:
        return "explicit", "cart"
    if row["has_open_lead"]:
        return "vague", "open_lead"
    if (row["open_opportunities"] or 0) > 0:
        return "vague", "open_opportunity"
    if (row["recent_views"] or 0) > 0:
        return "vague", "views"
    return "none", "no_sign"


@dataclass(frozen=True)
class NeedType:
    """What a customer's purchases are driven by, the rule that decided and the highest p() of what he has."""

    code: str
    reason: str
    percentile: Decimal | None = None


def need_types(rows: Rows, cut: Decimal) -> dict[Hashable, NeedType]:
    """The type of every customer of the day, against all scored customers."""
    scored = {customer for customer, row in rows.items() if row["order_count_window"] > 0}
    everyone = {
        measure: Percentiles(rows[customer][measure] for customer in scored if rows[customer][measure] is not None)
        for measure in NEED_TYPES.values()
    }

    def driven_by(row: Mapping[str, Any]) -> NeedType:
        if row["order_count_window"] == 0:
            return NeedType(UNKNOWN, "no_order_in_window" if row["order_count"] > 0 else "no_counted_order")
        if all(row[measure] is None for measure in NEED_TYPES.values()):
            return NeedType(UNKNOWN, "inputs_unknown")
        shares = {
            need: share
            for need, measure in NEED_TYPES.items()
            if row[measure] is not None and row[measure] > 0
            if (share := everyone[measure].of(row[measure])) is not None
        }
        need = max(shares, key=lambda need: shares[need], default=None)  # of equal ones the first
        if need is not None and shares[need] >= cut:
            return NeedType(need, "highest_percentile", shares[need])
        return NeedType("balanced", "no_percentile_reaches_cut", None if need is None else shares[need])

    return {customer: driven_by(row) for customer, row in rows.items()}


def frequency_cut(rows: Rows, standard: WholeStandard) -> int | None:
    counts = [row["order_count_window"] for row in rows.values() if row["order_count_window"] > 0]
    return cut_point(counts, *standard.high_frequency) if counts else None


def flags(
    rows: Rows, standard: WholeStandard, predictions: Mapping[Hashable, Prediction] | None = None
) -> dict[Hashable, dict[str, Any]]:
    """The behaviour flags but for is_trial_converted, which is a feature."""
    cut = frequency_cut(rows, standard)
    result: dict[Hashable, dict[str, Any]] = {}
    for customer, row in rows.items():
        sign = sign_of_risk(row, (predictions or {}).get(customer, Prediction()), standard)
        result[customer] = {
            "high_frequency_cut": cut,
            "is_high_frequency": None if cut is None else row["order_count_window"] > cut,
            "is_at_risk": sign is not None,
            "at_risk_reason": sign or "no_sign",
            "is_potential_buyer": is_potential_buyer(row),
        }
    return result


def sign_of_risk(row: Mapping[str, Any], prediction: Prediction, standard: WholeStandard) -> str | None:
    """The first sign that holds; what is unknown is none."""
    before = row["order_count_prior_90d"]
    if before >= 1 and row["order_count_90d"] <= Fraction(standard.at_risk_drop) * before:
        return "orders_dropped"
    if (row["recent_complaints"] or 0) > 0:
        return "recent_complaint"
    if prediction.probability_alive is not None and prediction.probability_alive < standard.at_risk_alive_below:
        return "probably_gone"
    return None


def is_potential_buyer(row: Mapping[str, Any]) -> bool | None:
    """Looks around, and has never bought; unknown where nobody's visits are landed."""
    if row["recent_browses"] is None:
        return None
    return row["order_count"] == 0 and row["recent_browses"] > 0


def own_class(row: Mapping[str, Any], dimension: OwnDimension) -> tuple[str, int]:
    """The class and the number of the rule that decided, from 1; 0 for the default."""
    return next(
        ((rule.code, number) for number, rule in enumerate(dimension.rules, start=1) if rule.holds(row)),
        (dimension.default, 0),
    )


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
