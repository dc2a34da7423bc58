"""An impact that no data made: many classes, long labels and every kind of note, for tests of how it looks."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import product

from warehouse_builder import shipped_standard

from dagster_project.impact.result import (
    Backtest,
    ClassOutcome,
    ComparedStandard,
    DimensionImpact,
    Example,
    Impact,
    KeptSpan,
    Move,
    Presence,
    Said,
)
from dagster_project.settings.standards import Label
from dagster_project.settings.standards.differences import Difference

DAY = date(2018, 1, 1)
WHY = Said(
    "revenue in the window 1,234.50 USD (at least the mean, 241.15 USD); orders in the window 2 (less than 3)",
    "窗口期收入 1,234.50 USD（不低于平均值 241.15 USD）；窗口期订单数 2（低于 3）",
)


def invented_impact(hostile: str | None = None) -> Impact:
    """Every class of a dimension moves to its next two; with `hostile`, every text that people write is this one."""
    standard = shipped_standard()
    dimensions = []
    for code, _ in standard.dimensions():
        classes = [name for name in standard.classes()[code] if name != "unknown"]
        label = Label(en=hostile, zh=hostile) if hostile else standard.dimension_labels[code]
        labels = {name: Label(en=hostile, zh=hostile) if hostile else standard.labels[code][name] for name in classes}
        moves = tuple(_move(classes, start, step) for start, step in product(range(len(classes)), range(3)))
        said = Said(hostile, hostile) if hostile else WHY
        examples = tuple(
            Example(str(move.class_from), str(move.class_to), 123_456_789, Decimal("98765.43"), said, said)
            for move in moves
            if move.is_moved
        )[:15]
        dimensions.append(DimensionImpact(code, label, Presence.BOTH, labels, moves, examples))
    last = dimensions.pop()
    sizes = {move.class_to: move for move in last.moves if not move.is_moved}
    for presence, code in ((Presence.ADDED, "added"), (Presence.REMOVED, "removed")):
        listed = tuple(
            Move(None, name, move.customers, move.revenue)
            if presence is Presence.ADDED
            else Move(name, None, move.customers, move.revenue)
            for name, move in sizes.items()
        )
        dimensions.append(DimensionImpact(code, last.label, presence, last.labels, listed, ()))
    name = hostile or "a standard with a name of its own"
    return Impact(
        day=DAY,
        currency="USD",
        present=ComparedStandard(name, "aaaaaaaaaaaa"),
        proposed=ComparedStandard(name, "bbbbbbbbbbbb"),
        differences=tuple(
            Difference(f"rfm.grid.segments[{hostile or 'champions'}].priority{number}", hostile or "1", "[2, 3]")
            for number in range(40)
        ),
        customers=2469,
        customers_moved=1834,
        revenue=Decimal("4596039.58"),
        revenue_moved=Decimal("3210987.65"),
        dimensions=tuple(dimensions),
        present_backtest=_backtest(Decimal("0.712345")),
        proposed_backtest=_backtest(Decimal("0.734567")),
        kept_spans=(KeptSpan("window_days", ("premium_share", "novelty_share", "top_channel", "usual_hour")),),
        lacks_cluster_fit=True,
    )


def _move(classes: list[str], start: int, step: int) -> Move:
    customers = (start + 1) * (40 if step == 0 else 3 * step)
    return Move(classes[start], classes[(start + step) % len(classes)], customers, Decimal(customers) * 1234)


def _backtest(high: Decimal) -> Backtest:
    outcomes = [
        ("value_tier", "high"),
        ("value_tier", "low"),
        ("lifecycle_stage", "active"),
        ("lifecycle_stage", "silent"),
    ]
    return Backtest(
        month_ends=12,
        first_on=date(2016, 10, 31),
        last_on=date(2017, 9, 30),
        high_value_customer_share=Decimal("0.401234"),
        high_value_revenue_share=high,
        silent_return_rate=Decimal("0.201234"),
        rank_correlation=Decimal("0.512345"),
        classes=tuple(
            ClassOutcome(dimension, code, 300, Decimal("0.351234"), Decimal("0.5")) for dimension, code in outcomes
        ),
    )
