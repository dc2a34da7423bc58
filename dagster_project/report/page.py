"""The report's page: its frame and its sections in order, with everything inside that it needs."""

from __future__ import annotations

from collections.abc import Sequence

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.document import whole_document
from dagster_project.report.figures import all_figures
from dagster_project.report.sections import frame
from dagster_project.report.sections.customers import (
    crossing_section,
    grid_section,
    stages_section,
    types_section,
    value_section,
)
from dagster_project.report.sections.foretold import foretold_section
from dagster_project.report.sections.lift import lift_section
from dagster_project.report.sections.matrices import matrices_section
from dagster_project.report.sections.movement import history_section, movement_section, stability_section
from dagster_project.report.sections.needs import breakdowns_section, flags_section, needs_section
from dagster_project.report.sections.outlook import outlook_section
from dagster_project.report.sections.own_classes import own_section
from dagster_project.report.sections.pieces import escaped
from dagster_project.report.sections.proof import backtest_section
from dagster_project.report.sections.quality import cuts_section, quality_section
from dagster_project.report.sections.reactivation import list_section
from dagster_project.report.sections.spending import spending_section
from dagster_project.report.words import Words
from dagster_project.settings.publishing import Language

_SECTIONS = {
    "stages": stages_section,
    "crossing": crossing_section,
    "value": value_section,
    "grid": grid_section,
    "types": types_section,
    "matrices": matrices_section,
    "own": own_section,
    "history": history_section,
    "movement": movement_section,
    "stability": stability_section,
    "needs": needs_section,
    "flags": flags_section,
    "breakdowns": breakdowns_section,
    "outlook": outlook_section,
    "spending": spending_section,
    "lift": lift_section,
    "backtest": backtest_section,
    "foretold": foretold_section,
    "cuts": cuts_section,
    "quality": quality_section,
}


def render_page(content: ReportContent, language: Language, channel_order: Sequence[str] = ()) -> str:
    """The whole page as text, nothing left to load."""
    words = Words(language)
    sections = {name: build(content, words) for name, build in _SECTIONS.items()}
    sections["list"] = list_section(content, words, channel_order)
    body = "\n".join(
        [
            frame.header(content, words),
            frame.notice(content, words),
            frame.key_figures(content, words),
            frame.contents(words),
            *(sections[name] for names in frame.PARTS.values() for name in names),
            f"<footer>{escaped(words('footer'))}</footer>",
        ]
    )
    title = f"{words('title')} · {numbers.long_day(content.day, language)}"
    return whole_document(title, body, all_figures(content, words), words)
