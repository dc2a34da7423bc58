"""The report's charts as plotly figures. One module a kind of picture; what they have in common is `style`'s."""

from __future__ import annotations

from dagster_project.report.content import ReportContent
from dagster_project.report.figures.curve import curve_figure
from dagster_project.report.figures.foretold import DRAWN
from dagster_project.report.figures.grid import grid_figure
from dagster_project.report.figures.lift import lift_figure
from dagster_project.report.figures.migration import migration_figure
from dagster_project.report.figures.over_time import backtest_figure, stages_figure
from dagster_project.report.figures.style import Figure
from dagster_project.report.words import Words

MIGRATIONS = ("lifecycle_stage", "value_tier")


def all_figures(content: ReportContent, words: Words) -> dict[str, Figure]:
    """The figures that there is something to draw for, by the name of their place on the page."""
    drawn: dict[str, Figure | None] = {
        "stages": stages_figure(content, words),
        "grid": grid_figure(content, words),
        "curve": curve_figure(content, words),
        "lift": lift_figure(content, words),
        "backtest": backtest_figure(content, words),
        **{name: draw(content, words) for name, draw in DRAWN.items()},
        **{f"migration-{dimension}": migration_figure(content, dimension, words) for dimension in MIGRATIONS},
    }
    return {name: figure for name, figure in drawn.items() if figure}
