"""Who moved between the classes of a dimension, as a Sankey."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.movement import ABSENT, Move
from dagster_project.report.figures.style import BLUE, CLASS_COLOURS, INK, Figure, layout
from dagster_project.report.words import Words

HEIGHT = 400
TOP, BOTTOM = 12, 24
GAP = 22  # between nodes, so that the labels of two small ones do not touch
HALO = ", ".join(f"{x}px {y}px 2px #ffffff" for x in (-2, 0, 2) for y in (-2, 0, 2))
STAYED = "rgba(95, 108, 123, 0.22)"
MOVED = "rgba(194, 86, 12, 0.42)"
CAME_OR_WENT = "rgba(11, 92, 138, 0.30)"


def migration_figure(content: ReportContent, dimension: str, words: Words) -> Figure | None:
    """Classes on the compared day to the left, on the day to the right; None without a compared day."""
    moves = content.movement.of(dimension) if content.movement else ()
    if not moves:
        return None
    order = [*content.labels.codes(dimension), ABSENT]

    def place(code: str) -> tuple[int, str]:
        return (order.index(code) if code in order else len(order), code)

    before = _totals(moves, "class_from", place)
    after = _totals(moves, "class_to", place)
    nodes = [(code, count, "from") for code, count in before.items()]
    nodes += [(code, count, "to") for code, count in after.items()]
    index = {(side, code): number for number, (code, _, side) in enumerate(nodes)}
    most = max(len(before), len(after))
    centres = [*_centres(list(before.values()), most), *_centres(list(after.values()), most)]
    return {
        "data": [
            {
                "type": "sankey",
                "arrangement": "fixed",
                # A thin flow runs through the middle of its node's label: what is written stands on a white ground.
                "textfont": {"size": 12, "color": INK, "shadow": HALO},
                "node": {
                    "label": [
                        f"{html.escape(class_name(content, dimension, code, words, side))} · {numbers.whole(count)}"
                        for code, count, side in nodes
                    ],
                    "color": [CLASS_COLOURS.get(code, BLUE) for code, _, _ in nodes],
                    "x": [0.001 if side == "from" else 0.999 for _, _, side in nodes],
                    "y": centres,
                    "pad": GAP,
                    "thickness": 14,
                    "line": {"width": 0},
                    "hovertemplate": "%{label}<extra></extra>",
                },
                "link": {
                    "source": [index["from", move.class_from] for move in moves],
                    "target": [index["to", move.class_to] for move in moves],
                    "value": [move.customers for move in moves],
                    "color": [_link_colour(move) for move in moves],
                    "customdata": [_move_hover(content, move, words) for move in moves],
                    "hovertemplate": "%{customdata}<extra></extra>",
                },
            }
        ],
        "layout": layout(height=HEIGHT, left=8, bottom=BOTTOM, top=TOP),
    }


def class_name(content: ReportContent, dimension: str, code: str, words: Words, side: str) -> str:
    """The label of a class; who is on one day only is new to us (`side` is from), or gone."""
    if code == ABSENT:
        return words("absent_from" if side == "from" else "absent_to")
    return content.labels.of(dimension, code, words.language) or code


def _totals(moves: Sequence[Move], side: str, place: Any) -> dict[str, int]:
    """Customers of each class on one side, in the order of the standard."""
    counts: dict[str, int] = {}
    for move in moves:
        code = getattr(move, side)
        counts[code] = counts.get(code, 0) + move.customers
    return {code: counts[code] for code in sorted(counts, key=place)}


def _centres(counts: list[int], most: int) -> list[float]:
    """Where each node's middle stands, from 0 at the top to 1; heights are such that a side of `most` nodes fits."""
    free = max(0.2, 1 - GAP * (most - 1) / (HEIGHT - TOP - BOTTOM))
    gap = (1 - free) / max(1, len(counts) - 1)
    total = sum(counts) or 1
    centres, top = [], 0.0
    for count in counts:
        part = free * count / total
        centres.append(round(top + part / 2, 4))
        top += part + gap
    return centres


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
