"""Who the customers are: stages, value, the grid of recency and frequency, the eight types."""

from __future__ import annotations

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.sections.pieces import (
    chart_place,
    class_table,
    customers_and_money,
    escaped,
    heat_cell,
    section_of,
    table_of,
)
from dagster_project.report.words import Words

# Recency, frequency and money of the eight types.
_TYPE_MARKS = {"value": "▲▲", "develop": "▲▽", "keep": "▽▲", "winback": "▽▽"}


def stages_section(content: ReportContent, words: Words) -> str:
    """Customers and revenue of each lifecycle stage."""
    table = class_table(content, words, "lifecycle_stage", words("h.stage"), content.stages)
    note = words("stages_note" if content.has_own_rhythm else "stages_note_fixed")
    return section_of("stages", words, note, table, words("window_note"))


def crossing_section(content: ReportContent, words: Words) -> str:
    """Stage × tier: who of each stage is worth how much, shaded by customers."""
    label = content.labels.of
    tiers = [tier.code for tier in content.tiers if tier.customers and tier.code != "prospect"]
    stages = [stage for stage in content.stages if stage.customers and stage.code != "prospect"]
    if not stages:
        return section_of("crossing", words, words("crossing_none"), "")
    most = max((count.customers for count in content.stage_by_tier.values()), default=1) or 1
    head = [(words("h.stage"), ""), *((label("value_tier", tier, words.language) or tier, "number") for tier in tiers)]
    rows = []
    for stage in stages:
        cells = [f"<td>{escaped(label('lifecycle_stage', stage.code, words.language))}</td>"]
        for tier in tiers:
            count = content.stage_by_tier.get((stage.code, tier))
            shown = customers_and_money(count, content.currency)
            cells.append(heat_cell((count.customers if count else 0) / most, shown))
        cells.append(f'<td class="number plain">{customers_and_money(stage, content.currency)}</td>')
        rows.append("".join(cells))
    table = table_of([*head, (words("h.total"), "number")], rows, css="heat")
    return section_of("crossing", words, words("crossing_note"), table)


def value_section(content: ReportContent, words: Words) -> str:
    """The curve of value over customers beside the tiers."""
    note = ""
    if content.high_ends_at:
        note = words(
            "value_note",
            share=numbers.share(content.high_ends_at.customer_share),
            value=numbers.share(content.high_ends_at.value_share),
            measure=words.or_code("measure", content.value_measure),
        )
    table = class_table(content, words, "value_tier", words("h.tier"), content.tiers, has_bars=False)
    chart = chart_place("curve") if content.curve else ""
    return section_of(
        "value", words, note, f'<div class="columns wide-left"><div>{chart}</div><div>{table}</div></div>'
    )


def grid_section(content: ReportContent, words: Words) -> str:
    """The grid of scores beside its segments."""
    table = class_table(content, words, "rfm_segment", words("h.segment"), content.segments, has_bars=False)
    if not content.cells:
        return section_of("grid", words, words("grid_none"), table)
    bins = str(max(cell.r_score for cell in content.cells))
    both = f'<div class="columns wide-left"><div>{chart_place("grid")}</div><div>{table}</div></div>'
    return section_of("grid", words, words("grid_note", bins=bins), both)


def types_section(content: ReportContent, words: Words) -> str:
    """The eight types with their R, F and M."""
    marks = {}
    for count in content.types:
        worth, _, behaviour = count.code.partition("_")
        if behaviour in _TYPE_MARKS:
            marks[count.code] = _TYPE_MARKS[behaviour] + ("▲" if worth == "important" else "▽")
    table = class_table(content, words, "rfm_type", words("h.type"), content.types, marks=marks)
    return section_of("types", words, words("types_note"), table)
