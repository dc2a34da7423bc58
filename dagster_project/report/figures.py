"""The report's charts as plotly figures in plain JSON, so that plotly's Python side need not be loaded.

Colours are told apart with any colour vision and in grey print: one blue from light to dark, and orange for a mark.
"""

from __future__ import annotations

import html
import textwrap
from itertools import pairwise
from typing import Any

from dagster_project.report import numbers
from dagster_project.report.content import Cell, ReportContent
from dagster_project.report.words import Words

INK = "#1f2933"
MUTED = "#5f6c7b"
RULE = "#dfe5ec"
MARK = "#c2560c"
BLUE = "#0b5c8a"
FONT = "'Inter', 'Helvetica Neue', Arial, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
SCALE = ((0.0, "#f1f6fa"), (0.25, "#c3daea"), (0.5, "#7fb0d0"), (0.75, "#3a82ae"), (1.0, "#0b4a72"))

Figure = dict[str, Any]


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
            **_layout(height=440, left=58, bottom=52),
            "xaxis": _axis(words("grid_x"), dtick=1, showgrid=False, zeroline=False, fixedrange=True),
            "yaxis": _axis(words("grid_y"), dtick=1, showgrid=False, zeroline=False, fixedrange=True),
            "annotations": _cell_annotations(content, words, most),
            "shapes": [_line(*ends) for ends in _segment_borders(by_place, bins)],
        },
    }


def curve_figure(content: ReportContent, words: Words) -> Figure | None:
    """Value reached against customers, best first, with the ends of the tiers high and mid."""
    if not content.curve:
        return None
    measure = words.or_code("measure", content.value_measure)
    xs = [point.customer_share for point in content.curve]
    ys = [point.value_share for point in content.curve]
    marks = [
        (point, words(key, x=numbers.share(point.customer_share), y=numbers.share(point.value_share)))
        for key, point in (("curve_high", content.high_ends_at), ("curve_mid", content.mid_ends_at))
        if point
    ]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "x": [0, 1],
                "y": [0, 1],
                "line": {"color": "#aab4bf", "width": 1, "dash": "dot"},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "lines",
                "x": xs,
                "y": ys,
                "line": {"color": BLUE, "width": 2.5},
                "fill": "tozeroy",
                "fillcolor": "rgba(11, 92, 138, 0.08)",
                "hovertemplate": f"%{{x:.1%}} {words('curve_hover')} %{{y:.1%}}<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": [point.customer_share for point, _ in marks],
                "y": [point.value_share for point, _ in marks],
                "marker": {"color": MARK, "size": 9, "line": {"color": "#ffffff", "width": 2}},
                "hoverinfo": "skip",
            },
        ],
        "layout": {
            **_layout(height=340, left=58, bottom=48),
            "xaxis": _axis(
                words("curve_x"), range=[0, 1], dtick=0.2, tickformat=".0%", fixedrange=True, showgrid=False
            ),
            "yaxis": _axis(words("curve_y", measure=measure), range=[0, 1.02], tickformat=".0%", fixedrange=True),
            "annotations": [
                *(
                    {
                        # Beside its mark while there is room to the right, else below it at the right edge.
                        "x": point.customer_share if point.customer_share < 0.5 else 1,
                        "y": point.value_share,
                        "text": html.escape(text),
                        "showarrow": False,
                        "xanchor": "left" if point.customer_share < 0.5 else "right",
                        "yanchor": "top",
                        "xshift": 10 if point.customer_share < 0.5 else 0,
                        "yshift": -4 if point.customer_share < 0.5 else -10,
                        "font": {"size": 12, "color": INK},
                    }
                    for point, text in marks
                ),
                {
                    "x": 0.72,
                    "y": 0.70,
                    "text": words("curve_even"),
                    "showarrow": False,
                    "yanchor": "top",
                    "xanchor": "left",
                    "font": {"size": 11, "color": MUTED},
                },
            ],
        },
    }


def heat_colour(share: float) -> str:
    """The colour of the scale at `share` (0 to 1), mixed between its stops."""
    share = min(1.0, max(0.0, share))
    for (low, from_colour), (high, to_colour) in pairwise(SCALE):
        if share <= high:
            part = (share - low) / (high - low)
            mixed = (round(a + (b - a) * part) for a, b in zip(_rgb(from_colour), _rgb(to_colour), strict=True))
            return "#" + "".join(f"{channel:02x}" for channel in mixed)
    return SCALE[-1][1]


def text_colour(share: float) -> str:
    """White or black, whichever stands out more from `heat_colour(share)`; at least 4.5 : 1 (WCAG 2, level AA)."""
    linear = [
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (part / 255 for part in _rgb(heat_colour(share)))
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


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


def _axis(title: str, **more: Any) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 12, "color": MUTED}},
        "tickfont": {"size": 11, "color": MUTED},
        "gridcolor": RULE,
        "linecolor": RULE,
        **more,
    }


def _layout(*, height: int, left: int, bottom: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": left, "r": 22, "t": 10, "b": bottom},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": INK},
        "showlegend": False,
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "bgcolor": "#ffffff", "bordercolor": RULE},
    }


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
