"""Charts with days along the bottom: stages on the stored days, and how the classes of past month ends did."""

from __future__ import annotations

import html
from typing import Any

from dagster_project.report.content import ReportContent
from dagster_project.report.figures.style import CLASS_COLOURS, MARK, MUTED, Figure, axis, layout, legend
from dagster_project.report.words import Words

MOST_DAY_LABELS = 12
FEWEST_SNAPSHOTS = 3  # a line through fewer says nothing


def stages_figure(content: ReportContent, words: Words) -> Figure | None:
    """Customers of each lifecycle stage, a stacked bar a day; None for a single day."""
    if len(content.stages_over_time) < 2:
        return None
    days = [str(stages.day) for stages in content.stages_over_time]
    codes = [stage.code for stage in content.stages]
    shown = [code for code in codes if any(stages.customers.get(code) for stages in content.stages_over_time)]
    return {
        "data": [
            {
                "type": "bar",
                "name": html.escape(content.labels.of("lifecycle_stage", code, words.language) or code),
                "x": days,
                "y": [stages.customers.get(code, 0) for stages in content.stages_over_time],
                "marker": {"color": CLASS_COLOURS.get(code, MUTED), "line": {"width": 0.5, "color": "#ffffff"}},
                "hovertemplate": "%{x}<br>%{fullData.name}: %{y:,}<extra></extra>",
            }
            for code in shown
        ],
        "layout": {
            **layout(height=340, left=58, bottom=40, top=44),
            **legend(),
            "barmode": "stack",
            "bargap": 0.25,
            "xaxis": _days(days),
            "yaxis": axis(words("h.customers"), fixedrange=True, rangemode="tozero", tickformat=",d"),
        },
    }


def backtest_figure(content: ReportContent, words: Words) -> Figure | None:
    """Per snapshot: the share of the next 90 days' revenue from the high tier, and who of each tier bought again."""
    if len(content.backtest) < FEWEST_SNAPSHOTS:
        return None
    days = [str(snapshot.day) for snapshot in content.backtest]

    def line(name: str, values: list[float | None], colour: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "mode": "lines+markers",
            "name": html.escape(name),
            "x": days,
            "y": values,
            "line": {"color": colour, "width": 2, **more},
            "marker": {"color": colour, "size": 6},
            "hovertemplate": "%{x}<br>%{fullData.name}: %{y:.1%}<extra></extra>",
        }

    def rates(dimension: str, code: str) -> list[float | None]:
        found = [snapshot.outcomes.get((dimension, code)) for snapshot in content.backtest]
        return [None if each is None or each.repeat_rate is None else float(each.repeat_rate) for each in found]

    highs = [snapshot.outcomes.get(("value_tier", "high")) for snapshot in content.backtest]
    shares = [
        None if each is None or each.next_revenue_share is None else float(each.next_revenue_share) for each in highs
    ]
    lines = [line(words("backtest_share"), shares, MARK, dash="dot")]
    for code in ("high", "mid", "low"):
        values = rates("value_tier", code)
        if any(value is not None for value in values):
            tier = content.labels.of("value_tier", code, words.language) or code
            lines.append(line(words("backtest_repeat", tier=tier), values, CLASS_COLOURS[code]))
    return {
        "data": lines,
        "layout": {
            **layout(height=320, left=58, bottom=40, top=44),
            **legend(),
            "xaxis": _days(days),
            "yaxis": axis("", fixedrange=True, range=[0, 1.04], tickformat=".0%"),
        },
    }


def _days(days: list[str]) -> dict[str, Any]:
    """Days as they are stored, evenly spaced; of many, only some are written."""
    step = -(-len(days) // MOST_DAY_LABELS)
    written = days[::-1][::step][::-1]
    return axis(
        "", type="category", tickvals=written, ticktext=written, automargin=True, fixedrange=True, showgrid=False
    )
