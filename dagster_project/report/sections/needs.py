"""What customers need, how satisfied they are, how they behave, and where those of high value are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.breakdowns import FEWEST_CUSTOMERS, Breakdown, Group
from dagster_project.report.content.classes import ClassCount
from dagster_project.report.content.needs import Need, Satisfaction
from dagster_project.report.sections.pieces import (
    bar_cell,
    cells_of,
    columns_of,
    escaped,
    heat_cell,
    note_of,
    section_of,
    table_of,
)
from dagster_project.report.words import Words

# A mean of fewer answers could be one customer's.
FEWEST_ANSWERS = 5


def needs_section(content: ReportContent, words: Words) -> str:
    """Clarity, type and motive of need by value tier, and satisfaction."""
    if not any(need.is_known for need in content.needs) and not content.satisfaction:
        return section_of("needs", words, words("needs_none"), "")
    tables = [_need(content, need, words) for need in content.needs]
    return section_of("needs", words, words("needs_note"), columns_of(*tables, _satisfaction(content, words)))


def flags_section(content: ReportContent, words: Words) -> str:
    """For how many customers each flag holds, and for how many it cannot be told."""
    most = max((flag.customers for flag in content.flags), default=0)
    rows, faint = [], []
    for number, flag in enumerate(content.flags):
        is_told = flag.unknown < content.customers
        figures = [
            numbers.whole(flag.customers),
            numbers.share(flag.customers / content.customers if content.customers else None),
            numbers.money(flag.revenue, content.currency),
        ]
        if not is_told:
            faint.append(number)
            figures = [numbers.NONE] * len(figures)
        rows.append(
            cells_of([content.labels.of("behaviour_flag", flag.code, words.language) or flag.code], numeric=())
            + bar_cell(flag.customers / most if most else 0)
            + cells_of([*figures, numbers.whole(flag.unknown)], numeric=range(4))
        )
    heads = [(words(f"h.{key}"), "number") for key in ("customers", "share", "revenue", "unknown")]
    table = table_of([(words("h.sign"), ""), ("", "bar"), *heads], rows, faint=faint)
    return section_of("flags", words, words("flags_note"), table)


def breakdowns_section(content: ReportContent, words: Words) -> str:
    """Regions, channels, industries and sales reps by revenue, with their customers of high value."""
    if not content.breakdowns:
        return section_of("breakdowns", words, words("breakdowns_none"), "")
    note = words("breakdowns_note", fewest=str(FEWEST_CUSTOMERS))
    tables = [_breakdown(content, breakdown, words) for breakdown in content.breakdowns]
    return section_of("breakdowns", words, note, f'<div class="flowing">{"".join(tables)}</div>')


def _need(content: ReportContent, need: Need, words: Words) -> str:
    heading = f"<h3>{escaped(need.dimension.name(words.language))}</h3>"
    if not need.is_known:
        return heading + note_of(words("needs_unknown"))
    tiers = [tier for tier in content.tiers if tier.customers]
    rows = []
    for count in need.classes:
        if not count.customers:
            continue
        label = content.labels.of(need.dimension.code, count.code, words.language)
        cells = [_within(need.within_tiers.get((count.code, tier.code)), tier) for tier in tiers]
        rows.append(cells_of([label or count.code], numeric=()) + "".join(cells))
    heads = [content.labels.of("value_tier", tier.code, words.language) or tier.code for tier in tiers]
    return heading + table_of([(words("h.class"), ""), *((head, "number") for head in heads)], rows, css="heat")


def _within(count: ClassCount | None, tier: ClassCount) -> str:
    if count is None or not count.customers:
        return heat_cell(0, numbers.NONE)
    share = count.customers / tier.customers
    return heat_cell(share, f"{numbers.whole(count.customers)}<small>{numbers.share(share, 0)}</small>")


def _satisfaction(content: ReportContent, words: Words) -> str:
    heading = f"<h3>{escaped(words('satisfaction'))}</h3>"
    if not content.satisfaction:
        return heading + note_of(words("satisfaction_none"))
    found = {(each.dimension, each.code): each for each in content.satisfaction}
    rows: list[str] = []
    for dimension, counts in (("value_tier", content.tiers), ("lifecycle_stage", content.stages)):
        rows.append(
            f'<th scope="colgroup" colspan="3">{escaped(content.dimension_name(dimension, words.language))}</th>'
        )
        rows += _answers(content, dimension, counts, found, words)
    heads = [(words("h.class"), ""), (words("h.answers"), "number"), (words("h.mean"), "number")]
    note = note_of(words("satisfaction_note", fewest=str(FEWEST_ANSWERS)))
    return heading + table_of(heads, rows) + note


def _answers(
    content: ReportContent,
    dimension: str,
    counts: Sequence[ClassCount],
    found: Mapping[tuple[str, str], Satisfaction],
    words: Words,
) -> list[str]:
    rows = []
    for count in counts:
        if not count.customers:
            continue
        label = content.labels.of(dimension, count.code, words.language) or count.code
        answered = found.get((dimension, count.code))
        if answered is None:
            shown = [numbers.NONE, words("satisfaction_unasked")]
        else:
            is_enough = answered.answers >= FEWEST_ANSWERS
            shown = [
                numbers.whole(answered.answers),
                numbers.decimals(answered.mean, 2) if is_enough else numbers.NONE,
            ]
        rows.append(cells_of([label, *shown], numeric=(1, 2)))
    return rows


def _breakdown(content: ReportContent, breakdown: Breakdown, words: Words) -> str:
    shown = (*breakdown.groups, breakdown.others, breakdown.unknown)
    most = max(group.revenue for group in shown if group)

    def row(group: Group, name: str) -> str:
        share = float(group.revenue / most) if most > 0 else 0.0
        figures = [
            numbers.whole(group.customers),
            numbers.whole(group.high),
            numbers.money(group.revenue, content.currency),
        ]
        return (
            cells_of([name], numeric=())
            + bar_cell(min(1.0, max(0.0, share)))
            + cells_of(figures, numeric=range(len(figures)))
        )

    rows = [row(group, group.name) for group in breakdown.groups]
    faint = range(len(rows), len(rows) + 2)
    if breakdown.others:
        rows.append(row(breakdown.others, words("breakdown_others")))
    if breakdown.unknown:
        rows.append(row(breakdown.unknown, words("breakdown_unknown")))
    name = words(f"breakdown.{breakdown.code}")
    heads = [(words(f"h.{key}"), "number") for key in ("customers", "high", "revenue")]
    return table_of([(name, ""), ("", "bar"), *heads], rows, faint=faint, css="compact")
