"""The forest plot of the lift: a difference with its interval a line, for all customers and for each class."""

from __future__ import annotations

import html
from typing import Any

from dagster_project.publishing.list_words import CHANNELS
from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.lift import Lift
from dagster_project.report.figures.style import BLUE, INK, MARK, MUTED, RULE, Figure, axis, layout
from dagster_project.report.words import Words

BREAKDOWNS = ("campaign", "channel", "silence_cause", "value_tier")
LINE_HEIGHT = 28
PALE = "#8f9aa7"


def class_name(content: ReportContent, row: Lift, words: Words) -> str:
    """What people call the class of a row."""
    if row.breakdown == "all":
        return words("lift_all")
    if row.breakdown == "campaign":
        return row.code
    if row.breakdown == "channel":
        return CHANNELS.get(row.code, {}).get(words.language, row.code)
    return content.labels.of(row.breakdown, row.code, words.language) or row.code


def breakdown_name(content: ReportContent, breakdown: str, words: Words) -> str:
    """The heading of the classes of a breakdown."""
    if breakdown == "value_tier":
        return content.dimension_name(breakdown, words.language)
    return words(f"breakdown.{breakdown}")


def classes_of(content: ReportContent, horizon_days: int, breakdown: str) -> list[Lift]:
    """The classes of a breakdown in the order in which people know them."""
    rows = content.lifts.of(horizon_days, breakdown)
    if breakdown == "campaign":
        return rows
    known = list(CHANNELS) if breakdown == "channel" else content.labels.codes(breakdown)
    order = {code: place for place, code in enumerate(known)}
    return sorted(rows, key=lambda row: (order.get(row.code, len(order)), row.code))


def lift_figure(content: ReportContent, words: Words) -> Figure | None:
    """The lines from top to bottom: all, then each breakdown under its heading; None where nothing can be stated."""
    horizon = content.lifts.shown_horizon
    overall = content.lifts.overall(horizon)
    if overall is None or overall.rate is None:
        return None
    lines: list[Lift | str] = [overall]
    for breakdown in BREAKDOWNS:
        rows = classes_of(content, horizon, breakdown)
        if rows:
            lines += [breakdown_name(content, breakdown, words), *rows]
    places = {index: -index for index in range(len(lines))}
    rows_at = [(places[index], line) for index, line in enumerate(lines) if not isinstance(line, str)]
    stated = [(at, row) for at, row in rows_at if row.rate]
    ends = [0.0, *(100 * float(end) for _, row in stated if row.rate for end in (row.rate.low, row.rate.high))]
    room = 0.06 * (max(ends) - min(ends))
    return {
        "data": [
            _points([each for each in stated if _colour(each[1]) == colour], colour, words) for colour in _COLOURS
        ],
        "layout": {
            **layout(height=70 + LINE_HEIGHT * (len(lines) + 1), left=170, bottom=52),
            "margin": {"l": 170, "r": 240, "t": 6, "b": 52},
            "xaxis": axis(
                words("lift_axis"),
                range=[min(ends) - room, max(ends) + room],
                zeroline=True,
                zerolinecolor=INK,
                zerolinewidth=1.5,
                ticksuffix="",
                fixedrange=True,
            ),
            "yaxis": axis("", range=[-len(lines) + 0.4, 1.4], showticklabels=False, showgrid=False, fixedrange=True)
            | {"zeroline": False},
            "shapes": [_rule(places[index]) for index, line in enumerate(lines) if isinstance(line, str)],
            "annotations": [
                _beside(1, 1, words("lift_rates"), colour=MUTED, size=11, anchor="left", shift=14),
                *(
                    annotation
                    for index, line in enumerate(lines)
                    for annotation in _texts(content, places[index], line, words)
                ),
            ],
        },
    }


def _colour(row: Lift) -> str:
    """Blue for a gain, orange for a loss, grey for what is not shown."""
    if row.verdict != "effect" or row.rate is None:
        return PALE
    return BLUE if row.rate.value > 0 else MARK


_COLOURS = (BLUE, MARK, PALE)


def _points(stated: list[tuple[int, Lift]], colour: str, words: Words) -> dict[str, Any]:
    def percent(end: str) -> list[float]:
        return [100 * float(getattr(row.rate, end)) for _, row in stated]

    values = percent("value")
    return {
        "type": "scatter",
        "mode": "markers",
        "x": values,
        "y": [at for at, _ in stated],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - value for high, value in zip(percent("high"), values, strict=True)],
            "arrayminus": [value - low for low, value in zip(percent("low"), values, strict=True)],
            "color": colour,
            "thickness": 2,
            "width": 4,
        },
        "marker": {
            "color": [colour if row.verdict == "effect" else "#ffffff" for _, row in stated],
            "size": [13 if row.breakdown == "all" else 9 for _, row in stated],
            "symbol": ["diamond" if row.breakdown == "all" else "circle" for _, row in stated],
            "line": {"color": colour, "width": 2},
            "opacity": 1,
        },
        "text": [html.escape(interval_words(row, words)) for _, row in stated],
        "hovertemplate": "%{text}<extra></extra>",
    }


def interval_words(row: Lift, words: Words) -> str:
    """+6.2 points, 95% interval +2.1 to +10.3; a dash where nothing is stated."""
    if row.rate is None:
        return numbers.NONE
    ends = {"difference": row.rate.value, "low": row.rate.low, "high": row.rate.high}
    return words("lift_hover", **{name: numbers.points(value) for name, value in ends.items()})


def _texts(content: ReportContent, at: int, line: Lift | str, words: Words) -> list[dict[str, Any]]:
    if isinstance(line, str):
        return [_beside(at, 0, line, colour=MUTED, size=11, anchor="right", shift=-14)]
    name = _beside(at, 0, class_name(content, line, words), colour=INK, size=13, anchor="right", shift=-14)
    rates = words("lift_pair", treated=numbers.share(line.treated_rate), control=numbers.share(line.control_rate))
    beside = _beside(at, 1, rates, colour=INK if line.rate else MUTED, size=12, anchor="left", shift=14)
    if line.breakdown == "all":
        for text in (name, beside):
            text["text"] = f"<b>{text['text']}</b>"
    if line.verdict != "too_small":
        return [name, beside]
    small = _beside(at, 1, words("verdict.too_small"), colour=MUTED, size=11, anchor="left", shift=128)
    return [name, beside, small]


def _beside(at: float, x: float, text: str, *, colour: str, size: int, anchor: str, shift: int) -> dict[str, Any]:
    return {
        "x": x,
        "xref": "paper",
        "y": at,
        "yref": "y",
        "text": html.escape(text),
        "showarrow": False,
        "xanchor": anchor,
        "yanchor": "middle",
        "xshift": shift,
        "font": {"size": size, "color": colour},
    }


def _rule(at: int) -> dict[str, Any]:
    """A line above a heading."""
    line = {"color": RULE, "width": 1}
    return {
        "type": "line",
        "xref": "paper",
        "yref": "y",
        "x0": -0.2,
        "x1": 1.2,
        "y0": at + 0.55,
        "y1": at + 0.55,
        "line": line,
    }
