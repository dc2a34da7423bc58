"""The pieces that sections are made of: tables, bars, places for charts. What comes from data is escaped here.

What a section says is its own module's business.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.classes import ClassCount
from dagster_project.report.figures.style import heat_colour, text_colour
from dagster_project.report.words import Words

# Classes that can hold nobody here, such as `unknown` where all is known: the standard names them all the same.
OMITTED_WHEN_EMPTY = frozenset({"prospect", "unknown", "out_of_window", "ungraded"})


def section_of(name: str, words: Words, note: str, inner: str, last_note: str = "") -> str:
    """A section under the heading `name`, which the contents link to; `inner` is HTML already."""
    before = note_of(note) if note else ""
    after = note_of(last_note) if last_note else ""
    return f'<section id="{name}"><h2>{escaped(words(name))}</h2>{before}{inner}{after}</section>'


def note_of(said: str) -> str:
    """A sentence."""
    return f'<p class="note">{escaped(said)}</p>'


def table_of(
    heads: Sequence[tuple[str, str]],
    rows: Sequence[str],
    *,
    css: str = "",
    total: str | None = None,
    faint: Iterable[int] = (),
) -> str:
    """A table of rows that are HTML already; `heads` are texts with their class."""
    head = "".join(f'<th scope="col" class="{css_class}">{escaped(said)}</th>' for said, css_class in heads)
    grey = set(faint)
    body = "".join(f'<tr class="{"faint" if index in grey else ""}">{row}</tr>' for index, row in enumerate(rows))
    last = f'<tr class="total">{total}</tr>' if total else ""
    return f'<table class="{css}"><thead><tr>{head}</tr></thead><tbody>{body}{last}</tbody></table>'


def cells_of(values: Iterable[str], numeric: Iterable[int]) -> str:
    """Cells of a row; those at the places `numeric` hold numbers."""
    numbered = set(numeric)
    return "".join(
        f'<td class="{"number" if index in numbered else ""}">{escaped(value)}</td>'
        for index, value in enumerate(values)
    )


def bar_cell(share: float) -> str:
    """A bar over `share` (0 to 1) of the cell."""
    return f'<td class="bar"><span class="{"" if share else "none"}" style="width:{100 * share:.1f}%"></span></td>'


def heat_cell(share: float, inner: str) -> str:
    """A cell shaded by `share` (0 to 1) of the scale."""
    return f'<td class="number" style="{shaded(share)}">{inner}</td>'


def shaded(share: float) -> str:
    """A style with the colour of the scale at `share`, and a colour of text that can be read on it."""
    return f"background:{heat_colour(share)};color:{text_colour(share)}"


def chart_place(name: str) -> str:
    """Where the script draws the figure `name`."""
    return f'<div class="chart" id="chart-{name}"></div>'


def columns_of(*inner: str) -> str:
    """Columns beside one another where there is room, each HTML already."""
    return f'<div class="columns">{"".join(f"<div>{each}</div>" for each in inner)}</div>'


def folded(summary: str, inner: str) -> str:
    """HTML that shows when its summary is clicked; it needs no script."""
    return f"<details><summary>{escaped(summary)}</summary>{inner}</details>"


def class_table(
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
            if count.code in OMITTED_WHEN_EMPTY:
                continue
            faint.add(len(rows))
        label = content.labels.of(dimension, count.code, words.language) or count.code
        row = cells_of([label], numeric=())
        if marks is not None:
            row += f'<td class="high">{escaped(marks.get(count.code, ""))}</td>'
        if has_bars:
            row += bar_cell(count.customers / most if most else 0)
        figures = [
            numbers.whole(count.customers),
            numbers.share(count.customer_share),
            numbers.money(count.revenue, content.currency),
            numbers.share(count.revenue_share),
        ]
        if not has_bars:
            figures.pop(2)  # beside a chart there is room for three
        rows.append(row + cells_of(figures, numeric=range(len(figures))))
    heads = [(heading, "")]
    if marks is not None:
        heads.append(("R F M", ""))
    if has_bars:
        heads.append(("", "bar"))
    keys = ["customers", "share", "revenue", "revenue_share"] if has_bars else ["customers", "share", "revenue_share"]
    return table_of([*heads, *((words(f"h.{key}"), "number") for key in keys)], rows, faint=faint)


def customers_and_money(count: ClassCount | None, currency: str) -> str:
    """Customers, and their revenue below them; a dash for nobody."""
    if count is None or not count.customers:
        return numbers.NONE
    return f"{numbers.whole(count.customers)}<small>{escaped(numbers.money(count.revenue, currency))}</small>"


def escaped(value: str | None) -> str:
    """Text as HTML."""
    return html.escape(value or "")
