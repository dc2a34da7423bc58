"""Change: stages over the stored days, moves since the last month end, and how far each dimension shifted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.movement import ABSENT, Move, Movement, Stability
from dagster_project.report.figures import MIGRATIONS
from dagster_project.report.figures.migration import class_name
from dagster_project.report.sections.pieces import (
    bar_cell,
    cells_of,
    chart_place,
    columns_of,
    escaped,
    folded,
    heat_cell,
    note_of,
    section_of,
    table_of,
)
from dagster_project.report.words import Words

MOST_MOVES = 12
MOST_CHANGES_NAMED = 3
_VERDICTS = {"steady": "holds", "warn": "watch", "fail": "fails"}


def history_section(content: ReportContent, words: Words) -> str:
    """Stages on the stored days, drawn and as numbers."""
    days = content.stages_over_time
    if len(days) < 2:
        return section_of("history", words, words("history_none"), "")
    codes = [stage.code for stage in content.stages if any(day.customers.get(stage.code) for day in days)]
    heads = [content.labels.of("lifecycle_stage", code, words.language) or code for code in codes]
    rows = [
        cells_of(
            [str(day.day), *(numbers.whole(day.customers.get(code, 0)) for code in codes)],
            numeric=range(1, len(codes) + 1),
        )
        for day in reversed(days)
    ]
    table = table_of([(words("h.day"), ""), *((head, "number") for head in heads)], rows)
    changed = [str(after.day) for before, after in pairwise(days) if before.standard_version != after.standard_version]
    note = words(
        "history_note",
        first=numbers.long_day(days[0].day, words.language),
        last=numbers.long_day(days[-1].day, words.language),
    )
    last = words("history_standards", days=words.listed(changed[:MOST_CHANGES_NAMED])) if changed else ""
    return section_of("history", words, note, chart_place("stages") + folded(words("numbers"), table), last)


def movement_section(content: ReportContent, words: Words) -> str:
    """Who moved since the last month end: two Sankeys, and the biggest moves of all dimensions."""
    movement = content.movement
    if movement is None:
        return section_of("movement", words, words("movement_none"), "")
    before = numbers.long_day(movement.compared_on, words.language)
    stages = movement.of("lifecycle_stage")
    note = words(
        "movement_note",
        before=before,
        changed=_customers([move for move in stages if move.is_change]),
        came=_customers([move for move in stages if move.class_from == ABSENT]),
        gone=_customers([move for move in stages if move.class_to == ABSENT]),
    )
    warning = f'<p class="notice">{escaped(words("movement_standard"))}</p>' if movement.is_standard_change else ""
    drawn = [dimension for dimension in MIGRATIONS if movement.of(dimension)]
    charts = [
        f"<h3>{escaped(content.dimension_name(dimension, words.language))}</h3>{chart_place(f'migration-{dimension}')}"
        for dimension in drawn
    ]
    tables = [_transitions(content, movement, dimension, words) for dimension in drawn]
    inner = (
        f"{warning}{columns_of(*charts)}{note_of(words('movement_legend', before=before))}"
        f"{folded(words('numbers'), ''.join(tables))}{_biggest_moves(content, movement, words)}"
    )
    return section_of("movement", words, note, inner)


def stability_section(content: ReportContent, words: Words) -> str:
    """The population stability index of every dimension with its verdict."""
    if not content.stability or content.movement is None or content.stability_limits is None:
        return section_of("stability", words, words("stability_none"), "")
    warn, fail = content.stability_limits
    note = words(
        "stability_note",
        before=numbers.long_day(content.movement.compared_on, words.language),
        warn=numbers.plain(warn),
        fail=numbers.plain(fail),
    )
    longest = max([fail, *(each.index for each in content.stability if each.index is not None)])
    rows = [
        cells_of([content.dimension_name(each.dimension, words.language)], numeric=())
        + bar_cell(float(each.index / longest) if each.index and longest else 0)
        + cells_of([numbers.NONE if each.index is None else numbers.decimals(each.index, 3)], numeric=(0,))
        + _verdict(each, words)
        for each in content.stability
    ]
    heads = [(words("h.dimension"), ""), ("", "bar"), (words("h.index"), "number"), (words("h.verdict"), "number")]
    return section_of("stability", words, note, table_of(heads, rows))


def _verdict(stability: Stability, words: Words) -> str:
    if stability.is_standard_change:
        return cells_of([words("verdict_standard")], numeric=(0,))
    css = _VERDICTS.get(stability.verdict, "watch")
    said = words.or_code("verdict", stability.verdict)
    return f'<td class="number"><span class="{css}">{escaped(said)}</span></td>'


def _biggest_moves(content: ReportContent, movement: Movement, words: Words) -> str:
    moves = [move for move in movement.moves if move.is_change][:MOST_MOVES]
    heading = f'<h3 class="spaced">{escaped(words("moves"))}</h3>'
    if not moves:
        return heading + note_of(words("moves_none"))
    most = moves[0].customers
    rows = [
        cells_of(
            [
                content.dimension_name(move.dimension, words.language),
                class_name(content, move.dimension, move.class_from, words, "from"),
                class_name(content, move.dimension, move.class_to, words, "to"),
            ],
            numeric=(),
        )
        + bar_cell(move.customers / most)
        + cells_of([numbers.whole(move.customers), numbers.money(move.revenue, content.currency)], numeric=(0, 1))
        for move in moves
    ]
    heads = [(words(f"h.{key}"), "") for key in ("dimension", "from", "to")]
    numeric = [(words(f"h.{key}"), "number") for key in ("customers", "revenue")]
    return heading + table_of([*heads, ("", "bar"), *numeric], rows)


def _transitions(content: ReportContent, movement: Movement, dimension: str, words: Words) -> str:
    """From each class (rows) to each class (columns), as counts."""
    moves = movement.of(dimension)
    counts = {(move.class_from, move.class_to): move.customers for move in moves}
    order = [*content.labels.codes(dimension), ABSENT, *sorted({move.class_to for move in moves})]
    known = list(dict.fromkeys(order))
    froms = [code for code in known if any(move.class_from == code for move in moves)]
    tos = [code for code in known if any(move.class_to == code for move in moves)]
    most = max(counts.values())
    rows = [
        cells_of([class_name(content, dimension, code, words, "from")], numeric=())
        + "".join(
            heat_cell(
                counts.get((code, to), 0) / most,
                numbers.whole(counts[code, to]) if (code, to) in counts else numbers.NONE,
            )
            for to in tos
        )
        for code in froms
    ]
    heads = [
        (content.dimension_name(dimension, words.language), ""),
        *((class_name(content, dimension, code, words, "to"), "number") for code in tos),
    ]
    return table_of(heads, rows, css="heat")


def _customers(moves: Sequence[Move]) -> str:
    return numbers.whole(sum(move.customers for move in moves))
