"""What an impact says, as values without formats: moves between classes, examples, and both backtests.

Customers appear by id only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from dagster_project.settings.standards import Label
from dagster_project.settings.standards.differences import Difference


class Presence(StrEnum):
    """Which of the two standards has a dimension."""

    BOTH = "both"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class ComparedStandard:
    """One of the two standards, as people name it."""

    name: str
    version: str


@dataclass(frozen=True)
class Move:
    """Customers, and their revenue of the published window, in one class under each standard.

    A class is None where the standard does not have the dimension; the same class on both sides is no move.
    """

    class_from: str | None
    class_to: str | None
    customers: int
    revenue: Decimal

    @property
    def is_moved(self) -> bool:
        return self.class_from != self.class_to


@dataclass(frozen=True)
class Said:
    """A sentence in both languages; empty where there is nothing to say."""

    en: str
    zh: str


@dataclass(frozen=True)
class Example:
    """A customer who moves, and why they are in each class, as sentences."""

    class_from: str
    class_to: str
    customer_id: int
    revenue: Decimal
    present_reason: Said
    proposed_reason: Said


@dataclass(frozen=True)
class DimensionImpact:
    """What a dimension's customers do. `labels` are those of every class that occurs."""

    dimension: str
    label: Label
    presence: Presence
    labels: Mapping[str, Label]
    moves: tuple[Move, ...]
    examples: tuple[Example, ...]

    @property
    def customers(self) -> int:
        """Everybody."""
        return sum(move.customers for move in self.moves)

    @property
    def customers_moved(self) -> int:
        """Who moves; 0 for a dimension that only one standard has."""
        return sum(move.customers for move in self.moves if move.is_moved and self.presence is Presence.BOTH)

    @property
    def revenue_moved(self) -> Decimal:
        """Their revenue."""
        moved = [move.revenue for move in self.moves if move.is_moved and self.presence is Presence.BOTH]
        return sum(moved, Decimal(0))


@dataclass(frozen=True)
class ClassOutcome:
    """A class in the backtest, over all its month ends; repeating is an order in the days that followed."""

    dimension: str
    code: str
    customers: int
    repeat_rate: Decimal | None
    next_revenue_share: Decimal | None


@dataclass(frozen=True)
class Backtest:
    """How a standard did at past month ends, the first and the last of them included; shares are 0 to 1, 6 digits.

    `high_value_customer_share` is the tier's share of the customers, against which that of the revenue is read.
    `rank_correlation` is the mean over the month ends; None where there is nothing to tell from.
    """

    month_ends: int
    first_on: date | None
    last_on: date | None
    high_value_customer_share: Decimal | None
    high_value_revenue_share: Decimal | None
    silent_return_rate: Decimal | None
    rank_correlation: Decimal | None
    classes: tuple[ClassOutcome, ...]


@dataclass(frozen=True)
class KeptSpan:
    """A setting that differs, and the measures that only raw rows could follow it with: they stay as published."""

    setting: str
    measures: tuple[str, ...]


@dataclass(frozen=True)
class Impact:
    """Two standards over the customers of one day.

    `customers_moved` change class in some dimension that both have; `revenue_moved` is theirs.
    """

    day: date
    currency: str
    present: ComparedStandard
    proposed: ComparedStandard
    differences: tuple[Difference, ...]
    customers: int
    customers_moved: int
    revenue: Decimal
    revenue_moved: Decimal
    dimensions: tuple[DimensionImpact, ...]
    present_backtest: Backtest
    proposed_backtest: Backtest
    kept_spans: tuple[KeptSpan, ...]
    lacks_cluster_fit: bool
