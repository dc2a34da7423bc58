"""Who moves, as a Sankey: classes by the present standard on the left, by the new one on the right."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dagster_project.impact.result import DimensionImpact, Impact
from dagster_project.impact.texts import class_name
from dagster_project.impact.words import Words
from dagster_project.report import numbers
from dagster_project.report.figures.style import BLUE, CLASS_COLOURS, INK, Figure, layout

GAP = 22  # pixels between nodes, so that the labels of two small ones do not touch
TOP, BOTTOM = 12, 12
HEIGHT_OF_CLASS, LEAST_HEIGHT = 44, 260
STAYED = "rgba(95, 108, 123, 0.22)"
MOVED = "rgba(194, 86, 12, 0.42)"


def moves_figure(impact: Impact, dimension: DimensionImpact, words: Words) -> Figure:
    """The moves of a dimension that both standards have, who stays among them."""
    order = list(dimension.labels)
    left, right = (
        sorted({code for code in codes if code is not None}, key=lambda code: (code not in order, order.index(code)))
        for codes in (
            [move.class_from for move in dimension.moves],
            [move.class_to for move in dimension.moves],
        )
    )
    counts_left = [sum(move.customers for move in dimension.moves if move.class_from == code) for code in left]
    counts_right = [sum(move.customers for move in dimension.moves if move.class_to == code) for code in right]
    height = max(LEAST_HEIGHT, HEIGHT_OF_CLASS * max(len(left), len(right)))
    names = {code: html.escape(class_name(dimension, code, words)) for code in (*left, *right)}
    nodes = [*zip(left, counts_left, strict=True), *zip(right, counts_right, strict=True)]
    drawn = layout(height=height, left=8, bottom=BOTTOM, top=TOP)
    return {
        "data": [
            {
                "type": "sankey",
                "arrangement": "fixed",
                "node": {
                    "label": [f"{names[code]} · {numbers.whole(count)}" for code, count in nodes],
                    "color": [CLASS_COLOURS.get(code, BLUE) for code, _ in nodes],
                    "x": [0.001] * len(left) + [0.999] * len(right),
                    "y": [*_centres(counts_left, height), *_centres(counts_right, height)],
                    "pad": GAP,
                    "thickness": 14,
                    "line": {"width": 0},
                    "hovertemplate": "%{label}<extra></extra>",
                },
                "link": {
                    "source": [left.index(move.class_from) for move in dimension.moves if move.class_from],
                    "target": [len(left) + right.index(move.class_to) for move in dimension.moves if move.class_to],
                    "value": [move.customers for move in dimension.moves],
                    "color": [MOVED if move.is_moved else STAYED for move in dimension.moves],
                    "customdata": [
                        f"{names[move.class_from or '']} → {names[move.class_to or '']}<br>"
                        f"{words('h.customers')} {numbers.whole(move.customers)}<br>"
                        f"{words('h.revenue')} {html.escape(numbers.money(move.revenue, impact.currency))}"
                        for move in dimension.moves
                    ],
                    "hovertemplate": "%{customdata}<extra></extra>",
                },
            }
        ],
        "layout": {**drawn, "font": {**drawn["font"], "size": 12, "color": INK}},
    }


def _centres(counts: Sequence[int], height: int) -> list[float]:
    """Where each node's middle stands, from 0 at the top to 1, when nodes are as high as their counts."""
    free = max(0.2, 1 - GAP * (len(counts) - 1) / (height - TOP - BOTTOM))
    gap = (1 - free) / max(1, len(counts) - 1)
    total = sum(counts) or 1
    centres, top = [], 0.0
    for count in counts:
        part = free * count / total
        centres.append(round(top + part / 2, 4))
        top += part + gap
    return centres
