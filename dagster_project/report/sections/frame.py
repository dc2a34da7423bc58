"""What stands before the sections: title, notice of generated data, key figures and contents."""

from __future__ import annotations

from decimal import Decimal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.sections.pieces import escaped
from dagster_project.report.words import Words

# Sections in the order of the page, in parts.
PARTS = {
    "who": ("stages", "crossing", "value", "grid", "types", "matrices", "own"),
    "movement": ("history", "movement", "stability"),
    "needs": ("needs", "flags", "breakdowns"),
    "action": ("outlook", "spending", "list", "lift"),
    "trust": ("backtest", "foretold", "cuts", "quality"),
}


def header(content: ReportContent, words: Words) -> str:
    """Title, day, and what the page was made with."""
    facts = {
        words("standard"): content.standard_version,
        words("code"): content.code_version,
        words("currency"): content.currency,
    }
    listed = "".join(f"<div><dt>{escaped(term)}</dt><dd>{escaped(value)}</dd></div>" for term, value in facts.items())
    day = words("as_of", day=numbers.long_day(content.day, words.language))
    return (
        f'<header><p class="product">{escaped(words("product"))}</p><h1>{escaped(words("title"))}</h1>'
        f'<p class="day">{escaped(day)}</p><dl class="facts">{listed}</dl></header>'
    )


def notice(content: ReportContent, words: Words) -> str:
    """Which of the data is invented; nothing where none is."""
    if not content.generated_sources:
        return ""
    said = words("generated", sources=words.listed(list(content.generated_sources)))
    return f'<p class="notice">{escaped(said)}</p>'


def key_figures(content: ReportContent, words: Words) -> str:
    """Five figures for who reads no further."""
    stages = {stage.code: stage for stage in content.stages}

    def customers(*codes: str) -> int:
        return sum(stages[code].customers for code in codes if code in stages)

    prospects = customers("prospect")
    buyers_in_window = sum(cell.customers for cell in content.cells)
    average = content.revenue / buyers_in_window if buyers_in_window else None
    quiet = sum((stages[code].revenue for code in ("silent", "churned") if code in stages), Decimal(0))
    treated = sum(channel.treated for channel in content.channels)
    control = sum(channel.control for channel in content.channels)
    short = numbers.short_money
    figures = [
        ("customers", numbers.whole(content.customers), {"prospects": numbers.whole(prospects)}),
        (
            "revenue",
            short(content.revenue, content.currency, words.language),
            {"average": numbers.money(average, content.currency)},
        ),
        ("active", numbers.whole(customers("active")), {"loyal": numbers.whole(content.loyal)}),
        (
            "silent",
            numbers.whole(customers("silent", "churned")),
            {"revenue": short(quiet, content.currency, words.language)},
        ),
        ("list", numbers.whole(treated), {"control": numbers.whole(control)}),
    ]
    cards = "".join(
        f'<div><dt>{escaped(words(f"kpi.{key}"))}</dt><dd class="figure">{escaped(figure)}</dd>'
        f'<dd class="aside">{escaped(words(f"kpi.{key}_note", **values))}</dd></div>'
        for key, figure, values in figures
    )
    return f'<dl class="kpis">{cards}</dl>'


def contents(words: Words) -> str:
    """Links to every section, by part."""
    parts = "".join(
        f"<div><h2>{escaped(words(f'part.{part}'))}</h2><ul>"
        + "".join(f'<li><a href="#{name}">{escaped(words(name))}</a></li>' for name in names)
        + "</ul></div>"
        for part, names in PARTS.items()
    )
    return f'<nav class="contents" aria-label="{escaped(words("contents"))}">{parts}</nav>'
