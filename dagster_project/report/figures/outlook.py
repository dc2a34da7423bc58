"""How far predictions came true: the revenue reached by tenths of the customers, and chances against what came."""

from __future__ import annotations

from itertools import accumulate

from dagster_project.report.content import ReportContent
from dagster_project.report.figures.style import BLUE, MARK, Figure, axis, layout
from dagster_project.report.words import Words

_EVEN = {
    "type": "scatter",
    "mode": "lines",
    "x": [0, 1],
    "y": [0, 1],
    "line": {"color": "#aab4bf", "width": 1, "dash": "dot"},
    "hoverinfo": "skip",
}


def gains_figure(content: ReportContent, words: Words) -> Figure | None:
    """Share of the revenue that came against share of customers, those first of whom most was foretold."""
    proof = content.predictions_proof
    if proof is None or not proof.has_revenue:
        return None
    reached = [0.0, *accumulate(float(tenth.share or 0) for tenth in proof.by_value)]
    return {
        "data": [
            _EVEN,
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [tenth / 10 for tenth in range(len(reached))],
                "y": [round(share, 6) for share in reached],
                "line": {"color": BLUE, "width": 2.5},
                "hovertemplate": f"%{{x:.0%}} {words('curve_hover')} %{{y:.1%}}<extra></extra>",
            },
        ],
        "layout": {
            **layout(height=320, left=58, bottom=48),
            "xaxis": axis(words("gains_x"), range=[0, 1], dtick=0.2, tickformat=".0%", fixedrange=True, showgrid=False),
            "yaxis": axis(words("gains_y"), tickformat=".0%", fixedrange=True, rangemode="tozero"),
        },
    }


def chances_figure(content: ReportContent, words: Words) -> Figure | None:
    """A mark a tenth: the mean chance of an order foretold, and the share who ordered; on the line they agree."""
    proof = content.predictions_proof
    if proof is None:
        return None
    pairs = [
        (float(tenth.predicted_customers / tenth.customers), float(tenth.actual_customers / tenth.customers))
        for tenth in proof.by_chance
        if tenth.customers
    ]
    return {
        "data": [
            _EVEN,
            {
                "type": "scatter",
                "mode": "markers",
                "x": [round(foretold, 6) for foretold, _ in pairs],
                "y": [round(came, 6) for _, came in pairs],
                "marker": {"color": MARK, "size": 9},
                "hovertemplate": "%{x:.1%} → %{y:.1%}<extra></extra>",
            },
        ],
        "layout": {
            **layout(height=320, left=58, bottom=48),
            "xaxis": axis(words("chances_x"), range=[0, 1], dtick=0.2, tickformat=".0%", fixedrange=True),
            "yaxis": axis(words("chances_y"), range=[0, 1.02], dtick=0.2, tickformat=".0%", fixedrange=True),
        },
    }
