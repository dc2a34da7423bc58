"""Settings that differ between two standards, but that published features cannot follow: only raw rows could.

The measures made with them stay as the published day has them, and the impact says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter

import sqlglot
from sqlglot import exp

from dagster_project.impact.result import KeptSpan
from dagster_project.settings.standards import Standard

# Setting (its path in standards.yaml): measures that are counted from rows with it.
_MADE_FROM_ROWS: Mapping[str, tuple[str, ...]] = {
    "window_days": (
        "premium_share",
        "novelty_share",
        "top_category",
        "top_channel",
        "usual_hour",
        "median_reply_hours",
    ),
    "features.premium": ("premium_share",),
    "features.novelty_days": ("novelty_share",),
    "needs.days": ("recent_views", "recent_carts"),
    "needs.opportunity_stages": ("has_explicit_opportunity",),
    "needs.explicit_after": ("has_explicit_opportunity",),
    "needs.closed_lead_stages": ("has_open_lead",),
    "behaviour.trial_categories": ("is_trial_converted",),
    "behaviour.at_risk.complaint_days": ("recent_complaints",),
    "behaviour.potential_buyer_days": ("recent_browses",),
}
# What the classes that every standard has read; own rules and matrices may read any measure.
_READ_BY_ALL = frozenset(
    {
        "premium_share",
        "novelty_share",
        "recent_views",
        "recent_carts",
        "recent_browses",
        "recent_complaints",
        "has_explicit_opportunity",
        "has_open_lead",
        "is_trial_converted",
    }
)


def kept_spans(present: Standard, proposed: Standard, known: Collection[str]) -> tuple[KeptSpan, ...]:
    """The settings that differ and whose measures some class of `proposed` reads, in the order of the file.

    `known`: measures that are known of somebody; what is unknown of everybody stays so under any setting.
    """
    read = {*_READ_BY_ALL, *_read_by(proposed)} & {*known, "is_trial_converted"}
    found = []
    for setting, measures in _MADE_FROM_ROWS.items():
        value_of = attrgetter(setting)
        kept = tuple(measure for measure in measures if measure in read)
        if kept and value_of(present) != value_of(proposed):
            found.append(KeptSpan(setting=setting, measures=kept))
    return tuple(found)


def _read_by(standard: Standard) -> set[str]:
    axes = {axis.measure for matrix in standard.matrices for axis in (matrix.x, matrix.y)}
    expressions = [rule.when for own in standard.own_dimensions for rule in own.rules]
    columns = {
        column.name
        for expression in expressions
        for column in sqlglot.parse_one(expression, dialect="duckdb").find_all(exp.Column)
    }
    return axes | columns
