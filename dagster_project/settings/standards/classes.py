"""Classes that every standard has, in the order in which reports show them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CLUSTER = "cluster"
UNKNOWN = "unknown"
# The class of who is there on one of two compared days only; no class of a dimension may be called so.
ABSENT = "absent"
CLUSTERS_AT_MOST = 9

# The dimensions that hold one class a customer, day by day. A grid adds its segments to rfm_segment.
FIXED_DIMENSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lifecycle_stage": ("prospect", "new", "active", "reactivated", "silent", "churned"),
        "value_tier": ("high", "mid", "low", "prospect", "unknown"),
        "rfm_segment": ("out_of_window", "prospect", "ungraded"),
        "rfm_type": (
            "important_value",
            "important_develop",
            "important_keep",
            "important_winback",
            "general_value",
            "general_develop",
            "general_keep",
            "general_winback",
            "out_of_window",
            "prospect",
        ),
        "need_clarity": ("explicit", "vague", "none", "unknown"),
        "need_type": ("price", "quality", "service", "innovation", "balanced", "unknown"),
        "need_motive": ("functional", "emotional", "social", "unknown"),
    }
)
# Other codes that stand in tables and that people read by a label.
OTHER_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "behaviour_flag": (
            "is_loyal",
            "is_high_frequency",
            "is_trial_converted",
            "is_at_risk",
            "is_potential_buyer",
        ),
        "silence_cause": ("after_complaint", "one_time_buyer", "price", "seasonal", "fading", "unknown"),
        "suppressed_reason": (
            "do_not_contact",
            "open_complaint",
            "recently_contacted",
            "in_running_campaign",
            "no_consent",
            "invalid_contact_point",
        ),
        "service_level": ("dedicated", "standard", "self_service"),
        "plan_channel": ("visit", "phone", "wechat", "email", "sms"),
        "movement": (ABSENT,),
    }
)
DIMENSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({**FIXED_DIMENSIONS, **OTHER_CODES})


def cluster_classes(count: int) -> tuple[str, ...]:
    """cluster_1 … cluster_`count`, then unknown."""
    return (*(f"cluster_{number}" for number in range(1, count + 1)), UNKNOWN)
