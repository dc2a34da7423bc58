"""The columns of customer_features with their types: what matrices measure and own dimensions ask.

A copy of the mart's contract, so that a standard is checked without a warehouse; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

FeatureType = Literal["integer", "decimal", "text", "boolean", "date"]

FEATURE_COLUMNS: Mapping[str, FeatureType] = MappingProxyType(
    {
        "kind": "text",
        "industry": "text",
        "company_size": "text",
        "region": "text",
        "city": "text",
        "decision_role": "text",
        "member_level": "text",
        "owner": "text",
        "competitor_closeness": "decimal",
        "first_seen_on": "date",
        "first_order_on": "date",
        "last_order_on": "date",
        "recency_days": "integer",
        "tenure_days": "integer",
        "order_count": "integer",
        "order_days": "integer",
        "revenue": "decimal",
        "margin": "decimal",
        "average_order_value": "decimal",
        "median_gap_days": "decimal",
        "longest_gap_closed_days": "integer",
        "order_count_window": "integer",
        "order_days_window": "integer",
        "revenue_window": "decimal",
        "margin_window": "decimal",
        "order_count_90d": "integer",
        "revenue_90d": "decimal",
        "order_count_prior_90d": "integer",
        "revenue_prior_90d": "decimal",
        "discount_share": "decimal",
        "refund_share": "decimal",
        "premium_share": "decimal",
        "novelty_share": "decimal",
        "top_category": "text",
        "top_channel": "text",
        "usual_hour": "integer",
        "is_trial_converted": "boolean",
        "service_contacts_365d": "integer",
        "complaints_365d": "integer",
        "interactions_90d": "integer",
        "recent_complaints": "integer",
        "has_open_complaint": "boolean",
        "median_reply_hours": "decimal",
        "open_opportunities": "integer",
        "open_opportunity_value": "decimal",
        "days_to_close": "integer",
        "stated_urgency": "text",
        "has_explicit_opportunity": "boolean",
        "has_open_lead": "boolean",
        "stated_need_clarity": "text",
        "recent_views": "integer",
        "recent_carts": "integer",
        "recent_browses": "integer",
        "need_motive": "text",
        "satisfaction": "decimal",
        "satisfaction_on": "date",
    }
)
SCORES = ("value_score", "potential_score", "urgency_score")
AXIS_MEASURES = (*(name for name, kind in FEATURE_COLUMNS.items() if kind in ("integer", "decimal")), *SCORES)
