"""Customers flowing from classes on the left to classes on the right: the picture that every comparison shares."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from dagster_project.report import numbers
from dagster_project.report.figures.style import BLUE, CLASS_COLOURS, INK, Figure, layout

HEIGHT = 400
TOP, BOTTOM = 12, 24
GAP = 22  # between nodes, so that the labels of two small ones do not touch
HALO = ", ".join(f"{x}px {y}px 2px #ffffff" for x in (-2, 0, 2) for y in (-2, 0, 2))
STAYED = "rgba(95, 108, 123, 0.22)"
MOVED = "rgba(194, 86, 12, 0.42)"


@dataclass(frozen=True)
class Node:
    """A class on one side, with its name for people."""

    code: str
    name: str
    customers: int


@dataclass(frozen=True)
class Flow:
    """Customers from a class on the left to one on the right; `hover` is HTML already."""

    class_from: str
    class_to: str
    customers: int
    colour: str
    hover: str


def sankey_figure(
    left: Sequence[Node], right: Sequence[Node], flows: Sequence[Flow], *, height: int = HEIGHT
) -> Figure:
    """The flows between two sides, each from the top down as given; `height` in pixels."""
    nodes = [*left, *right]
    from_index = {node.code: number for number, node in enumerate(left)}
    to_index = {node.code: number for number, node in enumerate(right, start=len(left))}
    most = max(len(left), len(right))
    return {
        "data": [
            {
                "type": "sankey",
                "arrangement": "fixed",
                # A thin flow runs through the middle of its node's label: what is written stands on a white ground.
                "textfont": {"size": 12, "color": INK, "shadow": HALO},
                "node": {
                    "label": [f"{html.escape(node.name)} · {numbers.whole(node.customers)}" for node in nodes],
                    "color": [CLASS_COLOURS.get(node.code, BLUE) for node in nodes],
                    "x": [0.001] * len(left) + [0.999] * len(right),
                    "y": [*_centres(left, most, height), *_centres(right, most, height)],
                    "pad": GAP,
                    "thickness": 14,
                    "line": {"width": 0},
                    "hovertemplate": "%{label}<extra></extra>",
                },
                "link": {
                    "source": [from_index[flow.class_from] for flow in flows],
                    "target": [to_index[flow.class_to] for flow in flows],
                    "value": [flow.customers for flow in flows],
                    "color": [flow.colour for flow in flows],
                    "customdata": [flow.hover for flow in flows],
                    "hovertemplate": "%{customdata}<extra></extra>",
                },
            }
        ],
        "layout": layout(height=height, left=8, bottom=BOTTOM, top=TOP),
    }


def _centres(nodes: Sequence[Node], most: int, height: int) -> list[float]:
    """Where each node's middle stands, from 0 at the top to 1; heights are such that a side of `most` nodes fits."""
    free = max(0.2, 1 - GAP * (most - 1) / (height - TOP - BOTTOM))
    gap = (1 - free) / max(1, len(nodes) - 1)
    total = sum(node.customers for node in nodes) or 1
    centres, top = [], 0.0
    for node in nodes:
        part = free * node.customers / total
        centres.append(round(top + part / 2, 4))
        top += part + gap
    return centres
