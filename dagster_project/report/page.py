"""The report's page: its sections, tables and texts as HTML. Every value that comes from data is escaped here.

What the numbers are is `content`'s business, how they are written `numbers`', how they are drawn `figures`'.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from importlib.resources import files

from dagster_project.publishing.list_words import CHANNELS
from dagster_project.report import numbers
from dagster_project.report.content import ClassCount, ReportContent
from dagster_project.report.figures import Figure, curve_figure, grid_figure, heat_colour, text_colour
from dagster_project.report.words import Words
from dagster_project.settings.publishing import Language

_HTML_LANGUAGES = {Language.ENGLISH: "en", Language.CHINESE: "zh-CN"}
# Recency, frequency and money of the eight types.
_TYPE_MARKS = {"value": "▲▲", "develop": "▲▽", "keep": "▽▲", "winback": "▽▽"}


def render_page(content: ReportContent, language: Language, channel_order: Sequence[str] = ()) -> str:
    """The whole page as text, nothing left to load."""
    words = Words(language)
    figures: dict[str, Figure] = {
        name: figure
        for name, figure in (("grid", grid_figure(content, words)), ("curve", curve_figure(content, words)))
        if figure
    }
    body = "\n".join(
        [
            _header(content, words),
            _notice(content, words),
            _key_figures(content, words),
            _stages(content, words),
            _crossing(content, words),
            _value(content, words),
            _grid(content, words),
            _types(content, words),
            _list(content, words, channel_order),
            _cuts(content, words),
            _quality(content, words),
            f"<footer>{_text(words('footer'))}</footer>",
        ]
    )
    title = f"{words('title')} · {numbers.long_day(content.day, language)}"
    return _PAGE.format(
        language=_HTML_LANGUAGES[language],
        title=_text(title),
        style=files(__package__).joinpath("page.css").read_text(encoding="utf-8"),
        body=body,
        no_script=_text(words("no_script")),
        plotly=files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8"),
        # A label that says </script> must not end the script.
        figures=json.dumps(figures, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c"),
    )


_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<noscript><p class="note">{no_script}</p></noscript>
<script>
{plotly}
</script>
<script>
const figures = {figures};
const config = {{displayModeBar: false, responsive: true}};
for (const [name, figure] of Object.entries(figures)) {{
  Plotly.newPlot("chart-" + name, figure.data, figure.layout, config);
}}
const resize = () => Object.keys(figures).forEach((name) => Plotly.Plots.resize("chart-" + name));
window.addEventListener("beforeprint", resize);
window.addEventListener("afterprint", resize);
</script>
</body>
</html>
"""


def _header(content: ReportContent, words: Words) -> str:
    facts = {
        words("standard"): content.standard_version or numbers.NONE,
        words("code"): content.code_version,
        words("currency"): content.currency,
    }
    listed = "".join(f"<div><dt>{_text(term)}</dt><dd>{_text(value)}</dd></div>" for term, value in facts.items())
    day = words("as_of", day=numbers.long_day(content.day, words.language))
    return (
        f'<header><p class="product">{_text(words("product"))}</p><h1>{_text(words("title"))}</h1>'
        f'<p class="day">{_text(day)}</p><dl class="facts">{listed}</dl></header>'
    )


def _notice(content: ReportContent, words: Words) -> str:
    if not content.generated_sources:
        return ""
    said = words("generated", sources=words.listed(list(content.generated_sources)))
    return f'<p class="notice">{_text(said)}</p>'


def _key_figures(content: ReportContent, words: Words) -> str:
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
        f'<div><dt>{_text(words(f"kpi.{key}"))}</dt><dd class="figure">{_text(figure)}</dd>'
        f'<dd class="aside">{_text(words(f"kpi.{key}_note", **values))}</dd></div>'
        for key, figure, values in figures
    )
    return f'<dl class="kpis">{cards}</dl>'


def _stages(content: ReportContent, words: Words) -> str:
    table = _class_table(content, words, "lifecycle_stage", "h.stage", content.stages)
    note = words("stages_note" if content.has_own_rhythm else "stages_note_fixed")
    return _section(words("stages"), note, table, words("window_note"))


def _crossing(content: ReportContent, words: Words) -> str:
    """Stage × tier: who of each stage is worth how much, shaded by customers."""
    label = content.labels.of
    tiers = [tier.code for tier in content.tiers if tier.customers and tier.code != "prospect"]
    stages = [stage for stage in content.stages if stage.customers and stage.code != "prospect"]
    most = max((count.customers for count in content.stage_by_tier.values()), default=1) or 1
    head = [(words("h.stage"), ""), *((label("value_tier", tier, words.language) or tier, "number") for tier in tiers)]
    rows = []
    for stage in stages:
        cells = [f"<td>{_text(label('lifecycle_stage', stage.code, words.language))}</td>"]
        for tier in tiers:
            count = content.stage_by_tier.get((stage.code, tier))
            heat = (count.customers if count else 0) / most
            shown = _customers_and_money(count, content.currency)
            style = f"background:{heat_colour(heat)};color:{text_colour(heat)}"
            cells.append(f'<td class="number" style="{style}">{shown}</td>')
        cells.append(f'<td class="number plain">{_customers_and_money(stage, content.currency)}</td>')
        rows.append("".join(cells))
    table = _table([*head, (words("h.total"), "number")], rows, css="heat")
    return _section(words("crossing"), words("crossing_note"), table)


def _value(content: ReportContent, words: Words) -> str:
    note = ""
    if content.high_ends_at:
        note = words(
            "value_note",
            share=numbers.share(content.high_ends_at.customer_share),
            value=numbers.share(content.high_ends_at.value_share),
            measure=words.or_code("measure", content.value_measure),
        )
    table = _class_table(content, words, "value_tier", "h.tier", content.tiers, has_bars=False)
    chart = _chart("curve") if content.curve else ""
    return _section(words("value"), note, f'<div class="columns wide-left"><div>{chart}</div><div>{table}</div></div>')


def _grid(content: ReportContent, words: Words) -> str:
    table = _class_table(content, words, "rfm_segment", "h.segment", content.segments, has_bars=False)
    if not content.cells:
        return _section(words("grid"), words("grid_none"), table)
    bins = str(max(cell.r_score for cell in content.cells))
    both = f'<div class="columns wide-left"><div>{_chart("grid")}</div><div>{table}</div></div>'
    return _section(words("grid"), words("grid_note", bins=bins), both)


def _types(content: ReportContent, words: Words) -> str:
    marks = {}
    for count in content.types:
        worth, _, behaviour = count.code.partition("_")
        if behaviour in _TYPE_MARKS:
            marks[count.code] = _TYPE_MARKS[behaviour] + ("▲" if worth == "important" else "▽")
    table = _class_table(content, words, "rfm_type", "h.type", content.types, marks=marks)
    return _section(words("types"), words("types_note"), table)


def _list(content: ReportContent, words: Words, channel_order: Sequence[str]) -> str:
    if not content.channels:
        return _section(words("list"), words("list_none"), _silence(content, words))
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
        rows.append(_cells([name, *counts, *notes], numeric=range(1, 5)))
    sums = [numbers.whole(sum(getattr(channel, field) for channel in channels)) for field in fields]
    heads = [(words("h.channel"), ""), *((words(f"h.{field}"), "number") for field in fields)]
    table = _table(
        [*heads, (words("h.note"), "")] if has_notes else heads,
        rows,
        total=_cells([words("h.total"), *sums, *([""] if has_notes else [])], numeric=range(1, 5)),
    )
    note = words(
        "list_note",
        silent=numbers.whole(content.silent.customers),
        eligible=numbers.whole(content.silent.eligible),
        campaign=content.campaign_id or numbers.NONE,
    )
    return _section(words("list"), note, table + _silence(content, words), words("list_control"))


def _silence(content: ReportContent, words: Words) -> str:
    def counted(dimension: str, heading: str, counts: Iterable[tuple[str, int]]) -> str:
        most = max((count for _, count in counts), default=0)
        rows = [
            _cells([content.labels.of(dimension, code, words.language) or code], numeric=())
            + _bar(count / most if most else 0)
            + _cells([numbers.whole(count)], numeric=(0,))
            for code, count in counts
        ]
        return _table([(words(heading), ""), ("", "bar"), (words("h.customers"), "number")], rows)

    causes = counted("silence_cause", "h.cause", content.silent.causes)
    held = counted("suppressed_reason", "h.reason", content.silent.suppressions)
    if not content.silent.suppressions:
        held = f'<p class="note">{_text(words("suppressions_none"))}</p>'
    return (
        f'<div class="columns spaced"><div><h3>{_text(words("causes"))}</h3>{causes}</div>'
        f"<div><h3>{_text(words('suppressions'))}</h3>{held}</div></div>"
    )


def _cuts(content: ReportContent, words: Words) -> str:
    if not content.cuts:
        return ""
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
        rows.append(_cells([words(f"cut.{measure}"), *shown], numeric=range(1, len(places) + 1)))
    heads = [
        words("cut.type") if purpose == "type" else words("cut.between", low=str(number), high=str(number + 1))
        for purpose, number in places
    ]
    table = _table([(words("h.measure"), ""), *((head, "number") for head in heads)], rows)
    return _section(words("cuts"), words("cuts_note"), table)


def _quality(content: ReportContent, words: Words) -> str:
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
            rows.append(_cells([row.source, words.or_code("entity", row.entity), *counts], numeric=range(2, 6)))
        heads = [words(f"h.{key}") for key in ("source", "entity", "read", "accepted", "rejected", "excluded")]
        landed = _table(
            [(head, "number" if index >= 2 else "") for index, head in enumerate(heads)],
            rows,
            total=_cells([words("h.total"), "", *map(numbers.whole, sums)], numeric=range(2, 6)),
        )
    checks = _checks(content, words)
    return _section(words("quality"), note, f"{landed}{checks}")


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
        f'<td>{_text(name)}</td><td class="number"><span class="{"holds" if holds else "fails"}">'
        f"{'✓' if holds else '✗'} {_text(words('holds' if holds else 'fails'))}</span></td>"
        for name, holds in checked
    ]
    table = _table([(words("h.check"), ""), (words("h.result"), "number")], rows)
    return f'<div class="spaced">{table}</div>'


def _class_table(
    content: ReportContent,
    words: Words,
    dimension: str,
    heading: str,
    counts: Sequence[ClassCount],
    *,
    has_bars: bool = True,
    marks: Mapping[str, str] | None = None,
) -> str:
    """One row a class: customers, their share, revenue and its share; classes without customers stand faint."""
    most = max((count.customers for count in counts), default=0)
    rows: list[str] = []
    faint: set[int] = set()
    for count in counts:
        if not count.customers:
            # The standard names classes that can hold nobody here, such as `unknown` where all is known.
            if count.code in {"prospect", "unknown", "out_of_window", "ungraded"}:
                continue
            faint.add(len(rows))
        label = content.labels.of(dimension, count.code, words.language) or count.code
        cells = _cells([label], numeric=())
        if marks is not None:
            cells += f'<td class="high">{_text(marks.get(count.code, ""))}</td>'
        if has_bars:
            cells += _bar(count.customers / most if most else 0)
        figures = [
            numbers.whole(count.customers),
            numbers.share(count.customer_share),
            numbers.money(count.revenue, content.currency),
            numbers.share(count.revenue_share),
        ]
        if not has_bars:
            figures.pop(2)  # beside a chart there is room for three
        rows.append(cells + _cells(figures, numeric=range(len(figures))))
    heads = [(words(heading), "")]
    if marks is not None:
        heads.append(("R F M", ""))
    if has_bars:
        heads.append(("", "bar"))
    keys = ["customers", "share", "revenue", "revenue_share"] if has_bars else ["customers", "share", "revenue_share"]
    return _table([*heads, *((words(f"h.{key}"), "number") for key in keys)], rows, faint=faint)


def _customers_and_money(count: ClassCount | None, currency: str) -> str:
    if count is None or not count.customers:
        return numbers.NONE
    return f"{numbers.whole(count.customers)}<small>{_text(numbers.money(count.revenue, currency))}</small>"


def _section(title: str, note: str, inner: str, last_note: str = "") -> str:
    before = f'<p class="note">{_text(note)}</p>' if note else ""
    after = f'<p class="note">{_text(last_note)}</p>' if last_note else ""
    return f"<section><h2>{_text(title)}</h2>{before}{inner}{after}</section>"


def _table(
    heads: Sequence[tuple[str, str]],
    rows: Sequence[str],
    *,
    css: str = "",
    total: str | None = None,
    faint: Iterable[int] = (),
) -> str:
    """A table of rows that are HTML already; `heads` are texts with their class."""
    head = "".join(f'<th scope="col" class="{css_class}">{_text(text)}</th>' for text, css_class in heads)
    grey = set(faint)
    body = "".join(f'<tr class="{"faint" if index in grey else ""}">{row}</tr>' for index, row in enumerate(rows))
    last = f'<tr class="total">{total}</tr>' if total else ""
    return f'<table class="{css}"><thead><tr>{head}</tr></thead><tbody>{body}{last}</tbody></table>'


def _cells(values: Iterable[str], numeric: Iterable[int]) -> str:
    numbered = set(numeric)
    return "".join(
        f'<td class="{"number" if index in numbered else ""}">{_text(value)}</td>' for index, value in enumerate(values)
    )


def _bar(share: float) -> str:
    return f'<td class="bar"><span class="{"" if share else "none"}" style="width:{100 * share:.1f}%"></span></td>'


def _chart(name: str) -> str:
    return f'<div class="chart" id="chart-{name}"></div>'


def _text(value: str | None) -> str:
    return html.escape(value or "")
