"""The grid of recency and frequency scores, as a heat map."""

from __future__ import annotations

import html
import textwrap
from typing import Any

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.value import Cell
from dagster_project.report.figures.style import INK, SCALE, Figure, axis, layout, text_colour
from dagster_project.report.words import Words


def grid_figure(content: ReportContent, words: Words) -> Figure | None:
    """The grid of recency and frequency scores, coloured by customers, with a line around each named segment."""
    if not content.cells:
        return None
    bins = max(cell.r_score for cell in content.cells)
    by_place = {(cell.r_score, cell.f_score): cell for cell in content.cells}
    most = max(cell.customers for cell in content.cells) or 1
    scores = list(range(1, bins + 1))
    return {
        "data": [
            {
                "type": "heatmap",
                "x": scores,
                "y": scores,
                "z": [[by_place[r, f].customers for f in scores] for r in scores],
                "text": [[_cell_hover(by_place[r, f], content, words) for f in scores] for r in scores],
                "hovertemplate": "%{text}<extra></extra>",
                "colorscale": [list(stop) for stop in SCALE],
                "zmin": 0,
                "zmax": most,
                "showscale": False,
                "xgap": 1,
                "ygap": 1,
            }
        ],
        "layout": {
            **layout(height=440, left=58, bottom=52),
            "xaxis": axis(words("grid_x"), dtick=1, showgrid=False, zeroline=False, fixedrange=True),
            "yaxis": axis(words("grid_y"), dtick=1, showgrid=False, zeroline=False, fixedrange=True),
            "annotations": _cell_annotations(content, words, most),
            "shapes": [_line(*ends) for ends in _segment_borders(by_place, bins)],
        },
    }


def _cell_hover(cell: Cell, content: ReportContent, words: Words) -> str:
    name = content.labels.of("rfm_segment", cell.segment, words.language) or numbers.NONE
    return (
        f"<b>{html.escape(name)}</b><br>R {cell.r_score} · F {cell.f_score}<br>"
        f"{words('h.customers')} {numbers.whole(cell.customers)}<br>"
        f"{words('h.revenue')} {html.escape(numbers.money(cell.revenue, content.currency))}"
    )


def _cell_annotations(content: ReportContent, words: Words, most: int) -> list[dict[str, Any]]:
    """The count in each cell, and the segment's name once, over its fullest cell."""
    fullest: dict[str, Cell] = {}
    for cell in content.cells:
        if cell.segment and (cell.segment not in fullest or cell.customers > fullest[cell.segment].customers):
            fullest[cell.segment] = cell
    annotations = []
    for cell in content.cells:
        names_it = cell.segment is not None and fullest[cell.segment] is cell
        name = content.labels.of("rfm_segment", cell.segment, words.language) if names_it else None
        head = f"<b>{'<br>'.join(html.escape(line) for line in _wrapped(name))}</b><br>" if name else ""
        annotations.append(
            {
                "x": cell.f_score,
                "y": cell.r_score,
                "text": f"{head}{numbers.whole(cell.customers)}",
                "showarrow": False,
                "font": {"size": 11.5, "color": text_colour(cell.customers / most)},
            }
        )
    return annotations


def _wrapped(name: str) -> list[str]:
    """A name in lines that fit into a cell."""
    return textwrap.wrap(name, 12, break_long_words=False) if len(name) > 12 else [name]


def _segment_borders(by_place: dict[tuple[int, int], Cell], bins: int) -> list[tuple[float, float, float, float]]:
    """Lines between neighbouring cells of different segments, and around the whole, as x0, y0, x1, y1."""
    lines = []
    for r in range(1, bins + 1):
        for f in range(1, bins + 1):
            own = by_place[r, f].segment
            if f < bins and by_place[r, f + 1].segment != own:
                lines.append((f + 0.5, r - 0.5, f + 0.5, r + 0.5))
            if r < bins and by_place[r + 1, f].segment != own:
                lines.append((f - 0.5, r + 0.5, f + 0.5, r + 0.5))
    low, high = 0.5, bins + 0.5
    return [*lines, (low, low, high, low), (low, high, high, high), (low, low, low, high), (high, low, high, high)]


def _line(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": {"color": INK, "width": 1.6}}
