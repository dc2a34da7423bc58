"""Charts of predictions: chances that came true, revenue by rank, repeat orders over time, customers by repeats."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.foretold import CurvePlace
from dagster_project.report.figures.style import BLUE, MARK, MUTED, Figure, axis, layout, legend
from dagster_project.report.words import Words

HEIGHT = 300
_EVEN = {"color": "#aab4bf", "width": 1, "dash": "dot"}


def chances_figure(content: ReportContent, words: Words) -> Figure | None:
    """A point a tenth: the chance of an order that was foretold, and the share who ordered; with the diagonal."""
    tenths = [each for each in content.foretold.by_chance if each.customers]
    if not tenths:
        return None
    xs = [float(each.predicted_customers / each.customers) for each in tenths]
    ys = [float(each.actual_customers / each.customers) for each in tenths]
    # Both axes alike, as far as the chances go: of customers who rarely order they crowd in a corner of 0 to 1.
    end = min(1.04, 1.12 * max(*xs, *ys, 0.05))
    hover = [words("chances_hover", x=numbers.share(x), y=numbers.share(y)) for x, y in zip(xs, ys, strict=True)]
    return {
        "data": [
            _line([0, min(end, 1)], [0, min(end, 1)], _EVEN),
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": xs,
                "y": ys,
                "line": {"color": BLUE, "width": 1.5},
                "marker": {"color": BLUE, "size": 8, "line": {"color": "#ffffff", "width": 1}},
                "text": [html.escape(said) for said in hover],
                "hovertemplate": "%{text}<extra></extra>",
            },
        ],
        "layout": {
            **layout(height=HEIGHT, left=58, bottom=48),
            "xaxis": _along(words("chances_x"), range=[0, end], tickformat=".0%", nticks=6),
            "yaxis": axis(words("chances_y"), range=[0, end], tickformat=".0%", fixedrange=True, nticks=6),
        },
    }


def gain_figure(content: ReportContent, words: Words) -> Figure | None:
    """The share of the revenue that came over customers, most expected first; None where none came."""
    foretold = content.foretold
    customers = sum(each.customers for each in foretold.by_value)
    revenue = sum(each.actual_value for each in foretold.by_value)
    if not customers or revenue <= 0:
        return None
    xs, ys = [0.0], [0.0]
    for each in foretold.by_value:
        xs.append(xs[-1] + float(each.customers / customers))
        ys.append(ys[-1] + float(each.actual_value / revenue))
    most = foretold.newest_oracle_share
    data = [
        _line([0, 1], [0, 1], _EVEN),
        {
            **_line(xs, ys, {"color": BLUE, "width": 2.5}),
            "mode": "lines+markers",
            "marker": {"color": BLUE, "size": 5},
            "fill": "tozeroy",
            "fillcolor": "rgba(11, 92, 138, 0.08)",
            "hoverinfo": "all",
            "hovertemplate": f"%{{x:.0%}} {words('gain_hover')} %{{y:.1%}}<extra></extra>",
        },
    ]
    if most is not None:
        mark = {"color": MARK, "size": 9, "symbol": "diamond", "line": {"color": "#ffffff", "width": 1}}
        data.append({**_line([0.1], [float(most)], _EVEN), "mode": "markers", "marker": mark})
    return {
        "data": data,
        "layout": {
            **layout(height=HEIGHT, left=58, bottom=48),
            "xaxis": _along(words("gain_x"), range=[0, 1], dtick=0.2, tickformat=".0%"),
            "yaxis": axis(words("gain_y"), range=[min(0, *ys), 1.02 * max(1, *ys)], tickformat=".0%", fixedrange=True),
            "annotations": [
                {
                    "x": 0.72,
                    "y": 0.68,
                    "text": html.escape(words("curve_even")),
                    "showarrow": False,
                    "xanchor": "left",
                    "yanchor": "top",
                    "font": {"size": 11, "color": MUTED},
                }
            ],
        },
    }


def tracking_figure(content: ReportContent, words: Words) -> Figure | None:
    """Repeat order days so far over days, in fact and by the model; a line where the model was fitted."""
    places = content.foretold.tracking
    if len(places) < 2:
        return None
    xs = [each.place for each in places]
    actual, predicted = _both(places)
    return {
        "data": [
            _named(words("in_fact"), _line(xs, actual, {"color": BLUE, "width": 2.5}), "%{y:,.0f}"),
            _named(words("by_model"), _line(xs, predicted, {"color": MARK, "width": 2, "dash": "dash"}), "%{y:,.0f}"),
        ],
        "layout": {
            **layout(height=HEIGHT, left=64, bottom=48, top=34),
            **legend(),
            "xaxis": _along(words("tracking_x"), tickformat=",d", nticks=7),
            "yaxis": axis(words("tracking_y"), fixedrange=True, rangemode="tozero", tickformat=",d", nticks=6),
            "shapes": [] if content.foretold.known_until is None else [_upright(content.foretold.known_until)],
        },
    }


def frequency_figure(content: ReportContent, words: Words) -> Figure | None:
    """Customers by number of repeat order days, in fact and by the model; the last place is so many or more."""
    places = content.foretold.frequency
    if not places:
        return None
    names = [str(each.place) for each in places[:-1]] + [f"{places[-1].place}+"]
    actual, predicted = _both(places)

    def bars(name: str, values: Sequence[float], colour: str) -> dict[str, Any]:
        return _named(name, {"type": "bar", "x": names, "y": values, "marker": {"color": colour}}, "%{y:,.0f}")

    return {
        "data": [bars(words("in_fact"), actual, BLUE), bars(words("by_model"), predicted, MARK)],
        "layout": {
            **layout(height=HEIGHT, left=64, bottom=48, top=34),
            **legend(),
            "barmode": "group",
            "bargap": 0.3,
            "xaxis": _along(words("frequency_x"), type="category"),
            "yaxis": axis(words("h.customers"), fixedrange=True, rangemode="tozero", tickformat=",d", nticks=6),
        },
    }


DRAWN: dict[str, Callable[[ReportContent, Words], Figure | None]] = {
    "chances": chances_figure,
    "gain": gain_figure,
    "tracking": tracking_figure,
    "frequency": frequency_figure,
}


def _along(title: str, **more: Any) -> dict[str, Any]:
    """The axis along the bottom; its labels stand lower, so that the two noughts in the corner do not touch."""
    apart = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    return axis(title, fixedrange=True, showgrid=False, **apart, **more)


def _both(places: Sequence[CurvePlace]) -> tuple[list[float], list[float]]:
    return [round(float(each.actual), 2) for each in places], [round(float(each.predicted), 2) for each in places]


def _line(xs: Sequence[float], ys: Sequence[float], line: dict[str, Any]) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "x": xs, "y": ys, "line": line, "hoverinfo": "skip"}


def _upright(x: float) -> dict[str, Any]:
    """A line over the whole height."""
    return {"type": "line", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": {"color": MUTED, "width": 1}}


def _named(name: str, trace: dict[str, Any], value: str) -> dict[str, Any]:
    shown = {"name": html.escape(name), "hovertemplate": f"%{{x}}: {value} · %{{fullData.name}}<extra></extra>"}
    return {**trace, **shown, "hoverinfo": "all"}
