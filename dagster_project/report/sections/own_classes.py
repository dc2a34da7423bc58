"""The dimensions that the standard adds, and clusters, as tables of classes."""

from __future__ import annotations

from dagster_project.report.content import ReportContent
from dagster_project.report.sections.pieces import class_table, columns_of, escaped, section_of
from dagster_project.report.words import Words


def own_section(content: ReportContent, words: Words) -> str:
    """A table a dimension; a sentence where there are none."""
    if not content.own:
        return section_of("own", words, words("own_none"), "")
    tables = [
        f"<h3>{escaped(own.dimension.name(words.language))}</h3>"
        + class_table(content, words, own.dimension.code, words("h.class"), own.classes, has_bars=False)
        for own in content.own
    ]
    return section_of("own", words, words("own_note"), columns_of(*tables))
