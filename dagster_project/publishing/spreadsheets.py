"""Rows as a CSV that Excel opens with Chinese intact, and as XLSX. The same rows give the same bytes.

A text that a spreadsheet would compute is made harmless: in CSV by an apostrophe before it, in XLSX by being a text
cell, where it stays exactly as it was. What the rows mean is not known here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import xlsxwriter

# What spreadsheets take as the start of a formula, full-width forms included (OWASP, CSV injection).
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
# Not allowed in XLSX's XML, and of no use in a CSV: Excel refuses a workbook with one, or ends a field there.
_UNPRINTABLE = dict.fromkeys((*(code for code in range(32) if chr(code) not in "\t\n"), 65534, 65535))
_LINE_ENDS = re.compile(r"\r\n?")
# Excel counts UTF-16 units: an emoji is two. A longer cell of a CSV spills over into cells of rows that do not exist.
_CELL_UNITS = 32_767
_CUT = "…"
_FIXED_TIME = datetime(2000, 1, 1)  # noqa: DTZ001  the file's own date: no clock in it, so that equal lists are equal files
_INPUT_COLOUR = "#FFF8DC"


class Kind(Enum):
    """How a column is written."""

    TEXT = "text"
    INTEGER = "#,##0"
    DECIMAL = "#,##0.00"
    SHARE = "0%"
    DAY = "yyyy-mm-dd"
    TIME = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet: its heading, kind, and width in characters.

    Long texts wrap where `is_wrapped`; a column `is_input` is left for people to fill in, with one of `choices` if any.
    """

    heading: str
    kind: Kind
    width: float
    is_wrapped: bool = False
    is_input: bool = False
    choices: tuple[str, ...] = ()


Rows = Sequence[Sequence[Any]]


def csv_bytes(columns: Sequence[SheetColumn], rows: Rows) -> bytes:
    """UTF-8 with byte order mark, CRLF, quotes where needed; days as 2018-01-01, numbers plain."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_harmless(column.heading) for column in columns])
    # Column by column, which spares a large list a choice by kind in each cell.
    by_column = [
        [None if value is None else cell(value) for value in values]
        for values, cell in zip(zip(*rows, strict=True), (_CSV_CELLS[column.kind] for column in columns), strict=False)
    ]
    writer.writerows(zip(*by_column, strict=True))
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def xlsx_bytes(
    columns: Sequence[SheetColumn],
    rows: Rows,
    *,
    sheet: str,
    notes_sheet: str,
    notes: Sequence[tuple[str, str]],
    message: str | None = None,
    frozen_columns: int = 0,
) -> bytes:
    """A sheet with frozen, filterable headings, and one of notes; `message` stands where an empty one has no rows."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as workbook:
        workbook.set_properties({"created": _FIXED_TIME})
        heading = {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "vcenter"}
        formats = [workbook.add_format(_cell_style(column)) for column in columns]
        italic = workbook.add_format({"italic": True, "font_color": "#555555"})
        page = workbook.add_worksheet(sheet)
        page.freeze_panes(1, frozen_columns)
        page.set_row(0, 48)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        head, head_of_input = workbook.add_format(heading), workbook.add_format({**heading, "bg_color": "#F5E6A8"})
        for index, column in enumerate(columns):
            page.set_column(index, index, column.width)
            page.write_string(0, index, column.heading, head_of_input if column.is_input else head)
        for index, values in enumerate(zip(*rows, strict=True)):
            _write_column(page, index, values, columns[index], formats[index])
        page.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
        for index, column in enumerate(columns):
            if column.choices and rows:
                page.data_validation(1, index, len(rows), index, {"validate": "list", "source": list(column.choices)})
        if message:
            page.write_string(2, 0, message, italic)
        _write_notes(workbook, notes_sheet, notes)
    return content.getvalue()


def _cell_style(column: SheetColumn) -> dict[str, Any]:
    return {
        "num_format": "@" if column.kind is Kind.TEXT else column.kind.value,
        "valign": "top",
        **({"text_wrap": True} if column.is_wrapped else {}),
        **({"bg_color": _INPUT_COLOUR, "border": 4, "border_color": "#C8B560"} if column.is_input else {}),
    }


def _write_notes(workbook: Any, name: str, notes: Sequence[tuple[str, str]]) -> None:
    bold = workbook.add_format({"bold": True, "valign": "top", "text_wrap": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    page = workbook.add_worksheet(name)
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 90)
    for number, (term, text) in enumerate(notes):
        page.write_string(number, 0, _fitting(term), bold)
        page.write_string(number, 1, _fitting(text), wrapped)


def _write_column(page: Any, index: int, values: Sequence[Any], column: SheetColumn, cell_format: Any) -> None:
    """A cell for each value, and where people are to fill in, one that shows so; elsewhere nothing is nothing."""
    write, cell = {
        Kind.TEXT: (page.write_string, lambda value: _fitting(str(value))),
        Kind.DAY: (page.write_datetime, _moment),
        Kind.TIME: (page.write_datetime, _moment),
    }.get(column.kind, (page.write_number, float))
    for row, value in enumerate(values, start=1):
        if value is not None:
            write(row, index, cell(value), cell_format)
        elif column.is_input:
            page.write_blank(row, index, None, cell_format)


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001


def _fitting(text: str) -> str:
    """`text` as a cell holds it: without what no cell can, line ends as Excel has them, cut visibly where too long."""
    if text.isprintable() and len(text) * 2 <= _CELL_UNITS:  # most are: half the time of a large list's texts
        return text
    text = _LINE_ENDS.sub("\n", text).translate(_UNPRINTABLE)
    if len(text) * 2 <= _CELL_UNITS or len(units := text.encode("utf-16-le")) // 2 <= _CELL_UNITS:
        return text
    return units[: 2 * (_CELL_UNITS - len(_CUT))].decode("utf-16-le", errors="ignore") + _CUT


def _csv_number(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _harmless(value: Any) -> str:
    fitting = _fitting(str(value))
    return _fitting("'" + fitting) if fitting.startswith(_FORMULA_STARTS) else fitting


_CSV_CELLS: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: _harmless,
    Kind.INTEGER: _csv_number,
    Kind.DECIMAL: _csv_number,
    Kind.SHARE: _csv_number,
    Kind.DAY: lambda value: value.isoformat(),
    Kind.TIME: lambda value: value.isoformat(),
}
