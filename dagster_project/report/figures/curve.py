"""The curve of value reached over customers, best first."""

from __future__ import annotations

import html

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.figures.style import BLUE, INK, MARK, MUTED, Figure, axis, layout
from dagster_project.report.words import Words


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
            **layout(height=340, left=58, bottom=48),
            "xaxis": axis(words("curve_x"), range=[0, 1], dtick=0.2, tickformat=".0%", fixedrange=True, showgrid=False),
            "yaxis": axis(words("curve_y", measure=measure), range=[0, 1.02], tickformat=".0%", fixedrange=True),
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
