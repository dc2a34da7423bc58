"""Who moved between the classes of a dimension, as a Sankey."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Literal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.movement import ABSENT, Move
from dagster_project.report.figures.sankey import MOVED, STAYED, Flow, Node, sankey_figure
from dagster_project.report.figures.style import Figure
from dagster_project.report.words import Words

CAME_OR_WENT = "rgba(11, 92, 138, 0.30)"
Side = Literal["from", "to"]


def migration_figure(content: ReportContent, dimension: str, words: Words) -> Figure | None:
    """Classes on the compared day to the left, on the day to the right; None without a compared day."""
    moves = content.movement.of(dimension) if content.movement else ()
    if not moves:
        return None
    flows = [
        Flow(move.class_from, move.class_to, move.customers, _link_colour(move), _move_hover(content, move, words))
        for move in moves
    ]
    return sankey_figure(
        _nodes(content, dimension, moves, words, "from"), _nodes(content, dimension, moves, words, "to"), flows
    )


def class_name(content: ReportContent, dimension: str, code: str, words: Words, side: str) -> str:
    """The label of a class; who is on one day only is new to us (`side` is from), or gone."""
    if code == ABSENT:
        return words("absent_from" if side == "from" else "absent_to")
    return content.labels.of(dimension, code, words.language) or code


def _nodes(content: ReportContent, dimension: str, moves: Sequence[Move], words: Words, side: Side) -> list[Node]:
    """The classes of one side, in the order of the standard."""
    order = [*content.labels.codes(dimension), ABSENT]

    def place(code: str) -> tuple[int, str]:
        return (order.index(code) if code in order else len(order), code)

    counts: dict[str, int] = {}
    for move in moves:
        code = move.class_from if side == "from" else move.class_to
        counts[code] = counts.get(code, 0) + move.customers
    return [
        Node(code, class_name(content, dimension, code, words, side), counts[code])
        for code in sorted(counts, key=place)
    ]


def _link_colour(move: Move) -> str:
    if move.class_from == move.class_to:
        return STAYED
    return MOVED if move.is_change else CAME_OR_WENT


def _move_hover(content: ReportContent, move: Move, words: Words) -> str:
    before = class_name(content, move.dimension, move.class_from, words, "from")
    after = class_name(content, move.dimension, move.class_to, words, "to")
    return (
        f"{html.escape(before)} → {html.escape(after)}<br>"
        f"{words('h.customers')} {numbers.whole(move.customers)}<br>"
        f"{words('h.revenue')} {html.escape(numbers.money(move.revenue, content.currency))}"
    )
