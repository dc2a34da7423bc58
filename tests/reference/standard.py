"""Every number, cut, list and rule that a class depends on, with the taxonomy's defaults.

RFM, lifecycle and value are `classification.Standard`; what came with the other classes stands around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from reference.classification import Standard

# In the order in which a tie between two axes of need would be settled, and with the measure each is taken from.
NEED_TYPES: Mapping[str, str] = {
    "price": "discount_share",
    "quality": "premium_share",
    "service": "service_contacts_365d",
    "innovation": "novelty_share",
}
FACTORS = ("expected_value", "growth", "industry_outlook", "company_size", "opportunity", "independence")


@dataclass(frozen=True)
class Axis:
    """One axis of a matrix: high is at least the cut."""

    measure: str
    cut: Literal["mean", "median"] | tuple[int, int] | Decimal = "mean"  # (k, n) is the quantile k of n


@dataclass(frozen=True)
class Matrix:
    code: str
    x: Axis
    y: Axis
    quadrants: tuple[str, str, str, str]  # high·high, high·low, low·high, low·low: x first

    def quadrant(self, is_x_high: bool, is_y_high: bool) -> str:
        return self.quadrants[(0 if is_x_high else 2) + (0 if is_y_high else 1)]


DEFAULT_MATRICES = (
    Matrix(
        "value_frequency",
        x=Axis("revenue_window"),
        y=Axis("order_count_window"),
        quadrants=("vip", "big_ticket", "frequent_small", "occasional"),
    ),
    Matrix(
        "value_potential",
        x=Axis("revenue_window"),
        y=Axis("potential_score", Decimal(50)),
        quadrants=("star", "cash_cow", "rising", "long_tail"),
    ),
    Matrix(
        "importance_urgency",
        x=Axis("value_score", Decimal(80)),
        y=Axis("urgency_score", Decimal(50)),
        quadrants=("act_now", "plan", "delegate", "automate"),
    ),
)


@dataclass(frozen=True)
class OwnRule:
    """A class and whether a customer with these features is in it; None (unknown) is no.

    `text` is the same rule as an analyst would write it, which the reference does not read.
    """

    code: str
    holds: Callable[[Mapping[str, Any]], bool | None]
    text: str


@dataclass(frozen=True)
class OwnDimension:
    """A dimension of the company's own: the class of the first rule that holds, else the default."""

    code: str
    rules: tuple[OwnRule, ...]
    default: str


@dataclass(frozen=True)
class Scale:
    """What was learnt of one logged measure: its mean and deviation over the customers the clusters were fitted on."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Clusters:
    """Centres of clusters 1, 2, … in standardised (recency, frequency, monetary), with the scales of the three."""

    scales: tuple[Scale, Scale, Scale]
    centres: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class WholeStandard:
    """The whole standard of a day."""

    base: Standard = Standard()  # noqa: RUF009  (frozen)

    premium_cut: tuple[int, int] = (3, 4)
    novelty_days: int = 90

    potential_weights: Mapping[str, Decimal] = field(default_factory=lambda: dict.fromkeys(FACTORS, Decimal(1)))
    industry_outlook: Mapping[str, Decimal] = field(default_factory=dict)
    company_sizes: tuple[str, ...] = ()  # smallest first

    close_days: int = 30
    stated_urgency: Mapping[str, Decimal] = field(
        default_factory=lambda: {"high": Decimal(1), "medium": Decimal("0.5"), "low": Decimal(0)}
    )

    matrices: tuple[Matrix, ...] = DEFAULT_MATRICES

    need_days: int = 30
    opportunity_stages: tuple[str, ...] = ()  # in their order
    explicit_after: str | None = None
    closed_lead_stages: frozenset[str] = frozenset()
    need_type_cut: Decimal = Decimal("0.75")

    high_frequency: tuple[int, int] = (9, 10)
    trial_categories: frozenset[str] = frozenset()
    at_risk_drop: Decimal = Decimal("0.5")
    at_risk_complaint_days: int = 30
    at_risk_alive_below: Decimal = Decimal("0.5")
    potential_buyer_days: int = 30

    dimensions: tuple[OwnDimension, ...] = ()
    clusters: Clusters | None = None

    stability_warn: Decimal = Decimal("0.1")
    stability_fail: Decimal = Decimal("0.25")

    def is_explicit(self, stage: str | None) -> bool:
        """Whether an open opportunity in this stage is past the qualification stage; an unlisted stage is not."""
        if stage not in self.opportunity_stages or self.explicit_after is None:
            return False
        return self.opportunity_stages.index(stage) > self.opportunity_stages.index(self.explicit_after)
