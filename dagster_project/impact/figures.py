"""Who moves, as a Sankey: classes by the present standard on the left, by the new one on the right."""

from __future__ import annotations

import html
from collections.abc import Mapping

from dagster_project.impact.result import DimensionImpact, Impact
from dagster_project.impact.texts import class_name
from dagster_project.impact.words import Words
from dagster_project.report import numbers
from dagster_project.report.figures.sankey import MOVED, STAYED, Flow, Node, sankey_figure
from dagster_project.report.figures.style import Figure

HEIGHT_OF_CLASS, LEAST_HEIGHT = 44, 260  # pixels


def moves_figure(impact: Impact, dimension: DimensionImpact, words: Words) -> Figure:
    """The moves of a dimension that both standards have, who stays among them."""
    flows: list[Flow] = []
    left: dict[str, int] = {}
    right: dict[str, int] = {}
    for move in dimension.moves:
        if move.class_from is None or move.class_to is None:
            continue  # a customer who is in the dimension by one standard only cannot flow
        left[move.class_from] = left.get(move.class_from, 0) + move.customers
        right[move.class_to] = right.get(move.class_to, 0) + move.customers
        names = " → ".join(html.escape(class_name(dimension, code, words)) for code in (move.class_from, move.class_to))
        hover = (
            f"{names}<br>{words('h.customers')} {numbers.whole(move.customers)}<br>"
            f"{words('h.revenue')} {html.escape(numbers.money(move.revenue, impact.currency))}"
        )
        colour = MOVED if move.is_moved else STAYED
        flows.append(Flow(move.class_from, move.class_to, move.customers, colour, hover))
    height = max(LEAST_HEIGHT, HEIGHT_OF_CLASS * max(len(left), len(right)))
    return sankey_figure(_nodes(dimension, left, words), _nodes(dimension, right, words), flows, height=height)


def _nodes(dimension: DimensionImpact, customers: Mapping[str, int], words: Words) -> list[Node]:
    """The classes of one side, in report order."""
    order = list(dimension.labels)
    return [
        Node(code, class_name(dimension, code, words), customers[code])
        for code in sorted(customers, key=lambda code: (order.index(code) if code in order else len(order), code))
    ]
