"""How the classes of earlier month ends did in the 90 days after them."""

from __future__ import annotations

from collections.abc import Sequence

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.classes import ClassCount
from dagster_project.report.content.proof import Foresight, Outcome, Snapshot
from dagster_project.report.figures.over_time import FEWEST_SNAPSHOTS
from dagster_project.report.sections.pieces import (
    cells_of,
    chart_place,
    columns_of,
    escaped,
    note_of,
    section_of,
    table_of,
)
from dagster_project.report.words import Words

_TIERS = ("high", "mid", "low")


def backtest_section(content: ReportContent, words: Words) -> str:
    """A line a measure over the month ends, their numbers, and the newest one class by class."""
    if not content.backtest:
        return section_of("backtest", words, words("backtest_none"), "")
    chart = chart_place("backtest") if len(content.backtest) >= FEWEST_SNAPSHOTS else ""
    newest = content.backtest[-1]
    heading = words("backtest_newest", day=numbers.long_day(newest.day, words.language))
    tables = columns_of(
        _by_class(content, newest, "value_tier", content.tiers, words),
        _by_class(content, newest, "lifecycle_stage", content.stages, words),
    )
    inner = (
        f'{chart}{_by_snapshot(content, words)}<h3 class="spaced">{escaped(heading)}</h3>{tables}'
        f"{_foresights(content, words)}"
    )
    return section_of("backtest", words, words("backtest_note"), inner)


def _by_snapshot(content: ReportContent, words: Words) -> str:
    tiers = [tier for tier in _TIERS if any(("value_tier", tier) in snapshot.outcomes for snapshot in content.backtest)]
    rows = []
    for snapshot in reversed(content.backtest):
        high = snapshot.outcomes.get(("value_tier", "high"))
        repeats = [_repeat_rate(snapshot.outcomes.get(("value_tier", tier))) for tier in tiers]
        correlation = snapshot.rank_correlation
        figures = [
            numbers.share(high.next_revenue_share if high else None),
            *repeats,
            _came_back(snapshot.outcomes.get(("lifecycle_stage", "silent"))),
            numbers.NONE if correlation is None else numbers.decimals(correlation, 2),
        ]
        rows.append(cells_of([str(snapshot.day), *figures], numeric=range(1, len(figures) + 1)))
    names = [content.labels.of("value_tier", tier, words.language) or tier for tier in tiers]
    heads = [
        words("h.high_share"),
        *(words("backtest_repeat", tier=name) for name in names),
        words("h.silent_back"),
        words("h.rank"),
    ]
    return table_of([(words("h.snapshot"), ""), *((head, "number") for head in heads)], rows)


def _by_class(
    content: ReportContent, snapshot: Snapshot, dimension: str, counts: Sequence[ClassCount], words: Words
) -> str:
    rows = []
    for count in counts:
        outcome = snapshot.outcomes.get((dimension, count.code))
        if outcome is None:
            continue
        label = content.labels.of(dimension, count.code, words.language) or count.code
        figures = [
            numbers.whole(outcome.customers),
            _repeat_rate(outcome),
            numbers.share(outcome.next_revenue_share),
        ]
        rows.append(cells_of([label, *figures], numeric=range(1, 4)))
    heads = [(words(f"h.{key}"), "number") for key in ("customers", "repeat", "revenue_share")]
    return table_of([(content.dimension_name(dimension, words.language), ""), *heads], rows)


def _foresights(content: ReportContent, words: Words) -> str:
    """Which dimension told best what came, by the newest month end and by the mean of all."""
    known = [dimension.code for dimension in content.dimensions]
    placed = sorted(content.foresights, key=lambda each: known.index(each.dimension) if each.dimension in known else 99)
    rows = [
        cells_of(
            [
                content.dimension_name(each.dimension, words.language),
                numbers.share(each.top_tenth_share),
                numbers.share(each.mean_top_tenth_share),
                numbers.share(each.pairs_told_apart),
                numbers.share(each.mean_pairs_told_apart),
            ],
            numeric=range(1, 5),
        )
        for each in placed
    ]
    newest = str(content.backtest[-1].day)
    heads = [(words("h.dimension"), "")]
    heads += [
        (words(f"h.{key}", day=newest), "number") for key in ("tenth_newest", "tenth_mean", "told_newest", "told_mean")
    ]
    said = _told_best(content, placed, words)
    return (
        f'<h3 class="spaced">{escaped(words("foresight"))}</h3>{note_of(said) if said else ""}'
        f"{table_of(heads, rows)}{note_of(words('foresight_note'))}"
    )


def _told_best(content: ReportContent, foresights: Sequence[Foresight], words: Words) -> str:
    """The best by the means; of equal ones the first in the order of the standard."""
    by_value = [each for each in foresights if each.mean_top_tenth_share is not None]
    by_return = [each for each in foresights if each.mean_pairs_told_apart is not None]
    if not by_value or not by_return:
        return ""
    value = max(by_value, key=lambda each: each.mean_top_tenth_share or 0)
    back = max(by_return, key=lambda each: each.mean_pairs_told_apart or 0)
    names = {
        key: content.dimension_name(each.dimension, words.language) for key, each in (("value", value), ("back", back))
    }
    return words("foresight_said", **names)


def _repeat_rate(outcome: Outcome | None) -> str:
    return numbers.share(outcome.repeat_rate if outcome else None)


def _came_back(outcome: Outcome | None) -> str:
    if outcome is None:
        return numbers.NONE
    of_all = f"{numbers.whole(outcome.repeat_customers)} / {numbers.whole(outcome.customers)}"
    return f"{of_all} · {numbers.share(outcome.repeat_rate)}"
