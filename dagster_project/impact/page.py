"""The impact as one HTML page with nothing left to load: a Sankey a dimension, tables, examples and both backtests.

Looks as the report does. Every value that comes from data is escaped by the pieces it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dagster_project.atomic_files import write_if_changed
from dagster_project.impact.figures import moves_figure
from dagster_project.impact.result import ClassOutcome, DimensionImpact, Impact, Presence
from dagster_project.impact.texts import (
    FORESIGHT_HEADS,
    backtest_note,
    backtest_rows,
    class_name,
    foresight_rows,
    is_shown,
    named,
    notes_of,
    share_of,
    title_of,
)
from dagster_project.impact.words import Words
from dagster_project.report import numbers
from dagster_project.report.document import whole_document
from dagster_project.report.figures.style import Figure
from dagster_project.report.sections.pieces import (
    bar_cell,
    cells_of,
    chart_place,
    columns_of,
    escaped,
    heat_cell,
    note_of,
    table_of,
)
from dagster_project.report.words import Words as ReportWords
from dagster_project.settings.publishing import Language

DIFFERENCES_SHOWN = 25
ROOMY_COLUMNS = 8  # beyond so many classes a heading has less room than its longest word
BACKTEST_DIMENSIONS = ("value_tier", "lifecycle_stage")


def write_impact_page(impact: Impact, folder: Path, language: Language) -> Path:
    """Write `folder`/<day>-<present version>-<new version>-<language>.html; the same impact gives the same bytes."""
    name = f"{impact.day.isoformat()}-{impact.present.version}-{impact.proposed.version}-{language}.html"
    path = folder / name
    write_if_changed(path, render_page(impact, language).encode("utf-8"))
    return path


def render_page(impact: Impact, language: Language) -> str:
    """The whole page as text."""
    words = Words(language)
    shown = [dimension for dimension in impact.dimensions if is_shown(dimension)]
    figures: dict[str, Figure] = {
        dimension.dimension: moves_figure(impact, dimension, words)
        for dimension in shown
        if dimension.presence is Presence.BOTH
    }
    body = "\n".join(
        [
            _header(impact, words),
            _key_figures(impact, words),
            _notes(impact, words),
            _differences(impact, words),
            _overview(impact, words),
            *(_dimension(impact, dimension, words) for dimension in shown),
            _backtest(impact, words),
            f"<footer>{escaped(words('nothing_written'))}</footer>",
        ]
    )
    title = f"{words('title')} · {numbers.long_day(impact.day, language)}"
    return whole_document(title, body, figures, ReportWords(language))


def _header(impact: Impact, words: Words) -> str:
    facts = {
        words("present"): named(impact.present, words),
        words("proposed"): named(impact.proposed, words),
        words("currency"): impact.currency,
    }
    listed = "".join(f"<div><dt>{escaped(term)}</dt><dd>{escaped(value)}</dd></div>" for term, value in facts.items())
    day = words("as_of", day=numbers.long_day(impact.day, words.language))
    return (
        f'<header><p class="product">{escaped(words("product"))}</p><h1>{escaped(words("title"))}</h1>'
        f'<p class="day">{escaped(day)}</p><dl class="facts">{listed}</dl></header>'
    )


def _key_figures(impact: Impact, words: Words) -> str:
    both = [dimension for dimension in impact.dimensions if dimension.presence is Presence.BOTH]
    changed = sum(1 for dimension in both if dimension.customers_moved)
    money = numbers.short_money(impact.revenue, impact.currency, words.language)
    figures = [
        ("moved", numbers.whole(impact.customers_moved), {"share": _share(impact.customers_moved, impact.customers)}),
        (
            "money",
            numbers.short_money(impact.revenue_moved, impact.currency, words.language),
            {"share": numbers.share(share_of(impact.revenue_moved, impact.revenue))},
        ),
        ("dimensions", str(changed), {"count": str(len(both))}),
        ("customers", numbers.whole(impact.customers), {"revenue": money}),
        (
            "high",
            numbers.share(impact.proposed_backtest.high_value_revenue_share),
            {"present": numbers.share(impact.present_backtest.high_value_revenue_share)},
        ),
    ]
    cards = "".join(
        f'<div><dt>{escaped(words(f"kpi.{key}"))}</dt><dd class="figure">{escaped(figure)}</dd>'
        f'<dd class="aside">{escaped(words(f"kpi.{key}_note", **values))}</dd></div>'
        for key, figure, values in figures
    )
    return f'<dl class="kpis">{cards}</dl>'


def _notes(impact: Impact, words: Words) -> str:
    return "".join(f'<p class="notice">{escaped(note)}</p>' for note in notes_of(impact, words))


def _differences(impact: Impact, words: Words) -> str:
    if not impact.differences:
        return ""
    rows = [
        cells_of([each.place, each.before or numbers.NONE, each.after or numbers.NONE], numeric=())
        for each in impact.differences[:DIFFERENCES_SHOWN]
    ]
    heads = [(words(f"h.{key}"), "") for key in ("setting", "present", "proposed")]
    more = len(impact.differences) - DIFFERENCES_SHOWN
    last = words("more_differences", count=str(more)) if more > 0 else ""
    return _section(words("differences"), words("differences_note"), table_of(heads, rows), last)


def _overview(impact: Impact, words: Words) -> str:
    rows: list[str] = []
    faint: set[int] = set()
    most = max((dimension.customers_moved for dimension in impact.dimensions), default=0) or 1
    for dimension in impact.dimensions:
        name = cells_of([words.label(dimension.label)], numeric=())
        if dimension.presence is Presence.BOTH:
            if not dimension.customers_moved:
                faint.add(len(rows))
            figures = [
                numbers.whole(dimension.customers_moved),
                _share(dimension.customers_moved, impact.customers),
                numbers.money(dimension.revenue_moved, impact.currency),
                numbers.share(share_of(dimension.revenue_moved, impact.revenue)),
            ]
            rows.append(name + bar_cell(dimension.customers_moved / most) + cells_of(figures, numeric=range(4)))
        else:
            status = [words(f"status.{dimension.presence}"), "", "", ""]
            rows.append(name + bar_cell(0) + cells_of(status, numeric=range(4)))
    heads = [(words("h.dimension"), ""), ("", "bar")]
    heads += [(words(f"h.{key}"), "number") for key in ("moved", "share", "revenue", "revenue_share")]
    table = table_of(heads, rows, faint=faint)
    return _section(words("summary"), words("summary_note", currency=impact.currency), table)


def _dimension(impact: Impact, dimension: DimensionImpact, words: Words) -> str:
    if dimension.presence is not Presence.BOTH:
        note = words("added_note" if dimension.presence is Presence.ADDED else "removed_note")
        return _section(title_of(dimension, words), note, _sizes(impact, dimension, words))
    note = words(
        "moves_note",
        customers=numbers.whole(dimension.customers_moved),
        share=_share(dimension.customers_moved, impact.customers),
        revenue=numbers.money(dimension.revenue_moved, impact.currency),
    )
    inner = chart_place(dimension.dimension) + f'<div class="spaced">{_crossing(impact, dimension, words)}</div>'
    return _section(title_of(dimension, words), note, inner + _examples(impact, dimension, words))


def _crossing(impact: Impact, dimension: DimensionImpact, words: Words) -> str:
    """Classes by the present standard down, by the new one across; who moves is shaded."""
    moves = {(move.class_from, move.class_to): move for move in dimension.moves}
    order = [*dimension.labels, *sorted({code for pair in moves for code in pair if code} - dimension.labels.keys())]
    down = [code for code in order if any(code == class_from for class_from, _ in moves)]
    across = [code for code in order if any(code == class_to for _, class_to in moves)]
    most = max((move.customers for move in dimension.moves if move.is_moved), default=1)
    rows = []
    for class_from in down:
        cells = [cells_of([class_name(dimension, class_from, words)], numeric=())]
        for class_to in across:
            move = moves.get((class_from, class_to))
            if move is None:
                cells.append(f'<td class="number plain">{numbers.NONE}</td>')
                continue
            money = escaped(numbers.short_money(move.revenue, impact.currency, words.language))
            shown = f"{numbers.whole(move.customers)}<small>{money}</small>"
            cells.append(
                heat_cell(move.customers / most, shown) if move.is_moved else f'<td class="number plain">{shown}</td>'
            )
        rows.append("".join(cells))
    heads = [(words("corner"), ""), *((class_name(dimension, code, words), "number") for code in across)]
    return table_of(heads, rows, css="heat dense" if len(across) > ROOMY_COLUMNS else "heat")


def _sizes(impact: Impact, dimension: DimensionImpact, words: Words) -> str:
    sizes = {move.class_to or move.class_from or "": move for move in dimension.moves}
    order = [*dimension.labels, *sorted(sizes.keys() - dimension.labels.keys())]
    rows = [
        cells_of([class_name(dimension, code, words)], numeric=())
        + bar_cell(sizes[code].customers / (impact.customers or 1))
        + cells_of(
            [
                numbers.whole(sizes[code].customers),
                _share(sizes[code].customers, impact.customers),
                numbers.money(sizes[code].revenue, impact.currency),
            ],
            numeric=range(3),
        )
        for code in order
        if code in sizes
    ]
    heads = [(words("h.class"), ""), ("", "bar")]
    return table_of([*heads, *((words(f"h.{key}"), "number") for key in ("customers", "share", "revenue"))], rows)


def _examples(impact: Impact, dimension: DimensionImpact, words: Words) -> str:
    if not dimension.examples:
        return ""
    rows = []
    for example in dimension.examples:
        why = [
            f"<b>{escaped(class_name(dimension, code, words))}</b><br>{escaped(words.said(said))}"
            for code, said in (
                (example.class_from, example.present_reason),
                (example.class_to, example.proposed_reason),
            )
        ]
        rows.append(
            cells_of([str(example.customer_id)], numeric=(0,))
            + "".join(f"<td>{each}</td>" for each in why)
            + cells_of([numbers.money(example.revenue, impact.currency)], numeric=(0,))
        )
    heads = [(words("h.customer"), "number"), *((words(f"h.{key}"), "") for key in ("present_why", "proposed_why"))]
    table = table_of([*heads, (words("h.revenue"), "number")], rows)
    return f'<div class="spaced"><h3>{escaped(words("examples"))}</h3>{note_of(words("examples_note"))}{table}</div>'


def _backtest(impact: Impact, words: Words) -> str:
    if not impact.proposed_backtest.month_ends:
        return _section(words("backtest"), backtest_note(impact, words), "")
    rows = [cells_of(row, numeric=(1, 2, 3)) for row in backtest_rows(impact, words)]
    keys = ("present", "proposed", "difference")
    overall = table_of([(words("h.measure"), ""), *((words(f"h.{key}"), "number") for key in keys)], rows)
    labelled = {dimension.dimension: dimension for dimension in impact.dimensions}
    tables = [_outcomes(impact, labelled[code], words) for code in BACKTEST_DIMENSIONS]
    inner = f'{overall}<div class="spaced">{columns_of(*tables)}</div>{_foresight(impact, words)}'
    return _section(words("backtest"), backtest_note(impact, words), inner)


def _foresight(impact: Impact, words: Words) -> str:
    """How each dimension told what came, by either standard."""
    rows = [cells_of(row, numeric=range(1, 5)) for row in foresight_rows(impact, words)]
    heads = [(words("h.dimension"), ""), *((words(f"h.{key}"), "number") for key in FORESIGHT_HEADS)]
    said = f'<h3 class="spaced">{escaped(words("foresight"))}</h3>'
    return said + table_of(heads, rows) + note_of(words("foresight_note"))


def _outcomes(impact: Impact, dimension: DimensionImpact, words: Words) -> str:
    """Who of each class ordered again, by either standard."""

    def of(outcomes: Sequence[ClassOutcome]) -> dict[str, ClassOutcome]:
        return {outcome.code: outcome for outcome in outcomes if outcome.dimension == dimension.dimension}

    present, proposed = of(impact.present_backtest.classes), of(impact.proposed_backtest.classes)
    rows = [
        cells_of(
            [
                class_name(dimension, code, words),
                *(numbers.share(side[code].repeat_rate if code in side else None) for side in (present, proposed)),
            ],
            numeric=(1, 2),
        )
        for code in dimension.labels
        if code in present or code in proposed
    ]
    heads = [(words.label(dimension.label), "")]
    return table_of([*heads, *((words(f"h.{side}_repeat"), "number") for side in ("present", "proposed"))], rows)


def _section(title: str, note: str, inner: str, last_note: str = "") -> str:
    before = note_of(note) if note else ""
    after = note_of(last_note) if last_note else ""
    return f"<section><h2>{escaped(title)}</h2>{before}{inner}{after}</section>"


def _share(part: int, whole: int) -> str:
    return numbers.share(share_of(part, whole))
