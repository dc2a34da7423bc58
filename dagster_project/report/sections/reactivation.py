"""The day's reactivation list by channel, why customers fell silent, and why some are not contacted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagster_project.publishing.list_words import CHANNELS
from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.sections.pieces import bar_cell, cells_of, escaped, note_of, section_of, table_of
from dagster_project.report.words import Words


def list_section(content: ReportContent, words: Words, channel_order: Sequence[str]) -> str:
    """Channels in the order of the settings, then causes and suppressions; those alone where no list was issued."""
    if not content.channels:
        return section_of("list", words, words("list_none"), _silence(content, words))
    order = {name: number for number, name in enumerate(channel_order)}
    channels = sorted(content.channels, key=lambda channel: (order.get(channel.channel, len(order)), channel.channel))
    fields = ("eligible", "treated", "control", "not_reached")
    has_notes = any(channel.note for channel in channels)
    rows = []
    for channel in channels:
        name = CHANNELS.get(channel.channel, {}).get(words.language, channel.channel)
        note = words.or_code("note", channel.note) if channel.note else ""
        counts = [numbers.whole(getattr(channel, field)) for field in fields]
        notes = [note.replace("{reason}", channel.consent_default_reason or "")] if has_notes else []
        rows.append(cells_of([name, *counts, *notes], numeric=range(1, 5)))
    sums = [numbers.whole(sum(getattr(channel, field) for channel in channels)) for field in fields]
    heads = [(words("h.channel"), ""), *((words(f"h.{field}"), "number") for field in fields)]
    table = table_of(
        [*heads, (words("h.note"), "")] if has_notes else heads,
        rows,
        total=cells_of([words("h.total"), *sums, *([""] if has_notes else [])], numeric=range(1, 5)),
    )
    note = words(
        "list_note",
        silent=numbers.whole(content.silent.customers),
        eligible=numbers.whole(content.silent.eligible),
        campaign=content.campaign_id or numbers.NONE,
    )
    return section_of("list", words, note, table + _silence(content, words), words("list_control"))


def _silence(content: ReportContent, words: Words) -> str:
    def counted(dimension: str, heading: str, counts: Iterable[tuple[str, int]]) -> str:
        most = max((count for _, count in counts), default=0)
        rows = [
            cells_of([content.labels.of(dimension, code, words.language) or code], numeric=())
            + bar_cell(count / most if most else 0)
            + cells_of([numbers.whole(count)], numeric=(0,))
            for code, count in counts
        ]
        return table_of([(words(heading), ""), ("", "bar"), (words("h.customers"), "number")], rows)

    causes = counted("silence_cause", "h.cause", content.silent.causes)
    held = counted("suppressed_reason", "h.reason", content.silent.suppressions)
    if not content.silent.suppressions:
        held = note_of(words("suppressions_none"))
    return (
        f'<div class="columns spaced"><div><h3>{escaped(words("causes"))}</h3>{causes}</div>'
        f"<div><h3>{escaped(words('suppressions'))}</h3>{held}</div></div>"
    )
