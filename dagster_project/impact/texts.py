"""What the tables and the page say alike: names, shares and sentences of an impact in one language."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dagster_project.impact.result import Backtest, ComparedStandard, DimensionImpact, Impact, Presence
from dagster_project.impact.words import Words
from dagster_project.report import numbers
from dagster_project.report.content.foresight import (
    Came,
    by_return,
    by_revenue,
    pairs_told_apart,
    top_tenth_share,
)

# What is told of a whole standard in the backtest, and whether it is a share.
BACKTEST_FIGURES = (
    ("high_value_customer_share", True),
    ("high_value_revenue_share", True),
    ("silent_return_rate", True),
    ("rank_correlation", False),
)
FORESIGHT_HEADS = ("present_tenth", "proposed_tenth", "present_told", "proposed_told")


def is_shown(dimension: DimensionImpact) -> bool:
    """Whether there is something to tell of a dimension: somebody moves, or only one standard has it."""
    return dimension.presence is not Presence.BOTH or dimension.customers_moved > 0


def title_of(dimension: DimensionImpact, words: Words) -> str:
    """The heading of a dimension's moves."""
    key = {Presence.BOTH: "moves_of", Presence.ADDED: "added_of", Presence.REMOVED: "removed_of"}[dimension.presence]
    return words(key, dimension=words.label(dimension.label))


def class_name(dimension: DimensionImpact, code: str | None, words: Words) -> str:
    """The label of a class."""
    if code is None:
        return numbers.NONE
    label = dimension.labels.get(code)
    return words.label(label) if label else code


def share_of(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """A share for showing; None of nothing."""
    return Decimal(part) / Decimal(whole) if whole else None


def named(standard: ComparedStandard, words: Words) -> str:
    """A standard as people name it."""
    return words("named", name=standard.name, version=standard.version)


def notes_of(impact: Impact, words: Words) -> list[str]:
    """What the impact does not show, in sentences."""
    notes = [words("same_version")] if impact.present.version == impact.proposed.version else []
    notes += [
        words("kept_span", setting=kept.setting, measures=words.listed(kept.measures)) for kept in impact.kept_spans
    ]
    return [*notes, words("lacks_cluster_fit")] if impact.lacks_cluster_fit else notes


def backtest_rows(impact: Impact, words: Words) -> list[tuple[str, str, str, str]]:
    """What is told of a whole standard: (what, by the present one, by the new one, difference)."""

    def shown(value: Decimal | None, *, is_share: bool) -> str:
        if value is None:
            return numbers.NONE
        return numbers.share(value) if is_share else f"{_rounded(value, 2)}"

    def difference(before: Decimal | None, after: Decimal | None, *, is_share: bool) -> str:
        if before is None or after is None:
            return numbers.NONE
        if is_share:
            return words("points", step=f"{_rounded((after - before) * 100, 1):+}")
        return f"{_rounded(after - before, 2):+}"

    rows = []
    for name, is_share in BACKTEST_FIGURES:
        before, after = getattr(impact.present_backtest, name), getattr(impact.proposed_backtest, name)
        shown_before, shown_after = (shown(value, is_share=is_share) for value in (before, after))
        rows.append((words(name), shown_before, shown_after, difference(before, after, is_share=is_share)))
    return rows


def foresight_rows(impact: Impact, words: Words) -> list[list[str]]:
    """How each dimension told what came, over all month ends together.

    What it is called; the revenue from the tenth in its best classes by either standard; pairs told apart by either.
    """
    rows = []
    for dimension in impact.dimensions:
        sides = [_foresight(side, dimension.dimension) for side in (impact.present_backtest, impact.proposed_backtest)]
        if any(value is not None for side in sides for value in side):
            figures = [numbers.share(value) for pair in zip(*sides, strict=True) for value in pair]
            rows.append([words.label(dimension.label), *figures])
    return rows


def _foresight(backtest: Backtest, dimension: str) -> tuple[Decimal | None, Decimal | None]:
    classes = [
        Came(
            each.code,
            each.customers,
            each.customers * (each.repeat_rate or Decimal(0)),
            each.next_revenue_share or Decimal(0),
        )
        for each in backtest.classes
        if each.dimension == dimension
    ]
    return top_tenth_share(classes, by_revenue(classes)), pairs_told_apart(classes, by_return(classes))


def backtest_note(impact: Impact, words: Words) -> str:
    """Which month ends both standards were tested on."""
    tested = impact.proposed_backtest
    if tested.first_on is None or tested.last_on is None:
        return words("backtest_none")
    return words(
        "backtest_note",
        count=str(tested.month_ends),
        first=tested.first_on.isoformat(),
        last=tested.last_on.isoformat(),
    )


def _rounded(value: Decimal, digits: int) -> Decimal:
    """Rounded half up; + 0 so that nothing is shown as −0."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0
