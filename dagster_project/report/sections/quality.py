"""The day's cut points, what was read and set aside, and what the checks found."""

from __future__ import annotations

from decimal import Decimal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.sections.pieces import cells_of, escaped, section_of, table_of
from dagster_project.report.words import Words


def cuts_section(content: ReportContent, words: Words) -> str:
    """What separates the scores of each measure, from the lowest up, and high from low."""
    if not content.cuts:
        return section_of("cuts", words, words("cuts_none"), "")
    cuts: dict[tuple[str, str], list[Decimal]] = {}
    for cut in content.cuts:
        cuts.setdefault((cut.purpose, cut.measure), []).append(cut.value)
    places = sorted({(cut.purpose, cut.number) for cut in content.cuts})
    rows: list[str] = []
    for measure in ("recency", "frequency", "monetary"):
        # From the lowest score up: fewer days since the last order are a higher score.
        values = {
            (purpose, number): value
            for purpose in ("score", "type")
            for number, value in enumerate(
                sorted(cuts.get((purpose, measure), []), reverse=measure == "recency"), start=1
            )
        }
        write = numbers.cents if measure == "monetary" else numbers.plain
        shown = [write(values[place]) if place in values else numbers.NONE for place in places]
        rows.append(cells_of([words(f"cut.{measure}"), *shown], numeric=range(1, len(places) + 1)))
    heads = [
        words("cut.type") if purpose == "type" else words("cut.between", low=str(number), high=str(number + 1))
        for purpose, number in places
    ]
    table = table_of([(words("h.measure"), ""), *((head, "number") for head in heads)], rows)
    return section_of("cuts", words, words("cuts_note"), table)


def quality_section(content: ReportContent, words: Words) -> str:
    """Rows read, accepted and set aside for each source, and the checks."""
    sums = [
        sum(getattr(row, name) for row in content.landed) for name in ("rows_read", "accepted", "rejected", "excluded")
    ]
    note = words("quality_none")
    landed = ""
    if content.landed:
        note = words(
            "quality_note",
            read=numbers.whole(sums[0]),
            accepted=numbers.whole(sums[1]),
            rejected=numbers.whole(sums[2]),
        )
        rows = []
        for row in content.landed:
            counts = [numbers.whole(count) for count in (row.rows_read, row.accepted, row.rejected, row.excluded)]
            rows.append(cells_of([row.source, words.or_code("entity", row.entity), *counts], numeric=range(2, 6)))
        heads = [words(f"h.{key}") for key in ("source", "entity", "read", "accepted", "rejected", "excluded")]
        landed = table_of(
            [(head, "number" if index >= 2 else "") for index, head in enumerate(heads)],
            rows,
            total=cells_of([words("h.total"), "", *map(numbers.whole, sums)], numeric=range(2, 6)),
        )
    checks = _checks(content, words)
    return section_of("quality", words, note, f"{landed}{checks}")


def _checks(content: ReportContent, words: Words) -> str:
    checked: list[tuple[str, bool]] = []
    if content.landed:
        checked.append(
            (words("check.rows"), all(row.rows_read == row.accepted + row.rejected for row in content.landed))
        )
    without_rate = numbers.whole(content.orders_without_rate)
    checked.append((words("check.rates", count=without_rate), content.orders_without_rate == 0))
    checked += [(f"{check.name}: {check.says}" if check.says else check.name, check.passed) for check in content.checks]
    rows = [
        f'<td>{escaped(name)}</td><td class="number"><span class="{"holds" if holds else "fails"}">'
        f"{'✓' if holds else '✗'} {escaped(words('holds' if holds else 'fails'))}</span></td>"
        for name, holds in checked
    ]
    table = table_of([(words("h.check"), ""), (words("h.result"), "number")], rows)
    return f'<div class="spaced">{table}</div>'
