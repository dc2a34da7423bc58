"""Rows as a CSV that Excel opens with Chinese intact, and as XLSX. The same rows give the same bytes.

A text that a spreadsheet would compute is made harmless: in CSV by an apostrophe before it, in XLSX by being a text
cell, where it stays exactly as it was. What the rows mean is not known here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import xlsxwriter

# What spreadsheets take as the start of a formula, full-width forms included (OWASP, CSV injection).
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_UNPRINTABLE = {code: None for code in range(32) if chr(code) not in "\t\r\n"}  # not allowed in XLSX's XML
_XLSX_CELL_LIMIT = 32_767
_FIXED_TIME = datetime(2000, 1, 1)  # noqa: DTZ001  the file's own date: no clock in it, so that equal lists are equal files


class Kind(Enum):
    """How a column is written."""

    TEXT = "text"
    INTEGER = "#,##0"
    DECIMAL = "#,##0.00"
    DAY = "yyyy-mm-dd"


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet: its heading, kind, and width in characters."""

    heading: str
    kind: Kind
    width: float


Rows = Sequence[Sequence[Any]]


def csv_bytes(columns: Sequence[SheetColumn], rows: Rows) -> bytes:
    """UTF-8 with byte order mark, CRLF, quotes where needed; days as 2018-01-01, numbers plain."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_harmless(column.heading) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(value, column.kind) for value, column in zip(row, columns, strict=True)])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def xlsx_bytes(
    columns: Sequence[SheetColumn],
    rows: Rows,
    *,
    sheet: str,
    notes_sheet: str,
    notes: Sequence[tuple[str, str]],
    message: str | None = None,
) -> bytes:
    """A sheet with frozen, filterable headings, and one of notes; `message` stands where an empty one has no rows."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as workbook:
        workbook.set_properties({"created": _FIXED_TIME})
        heading = workbook.add_format(
            {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "vcenter"}
        )
        formats = {kind: workbook.add_format({"num_format": "@" if kind is Kind.TEXT else kind.value}) for kind in Kind}
        italic = workbook.add_format({"italic": True, "font_color": "#555555"})
        page = workbook.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        page.set_row(0, 32)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        for index, column in enumerate(columns):
            page.set_column(index, index, column.width)
            page.write_string(0, index, column.heading, heading)
        for number, row in enumerate(rows, start=1):
            for index, (value, column) in enumerate(zip(row, columns, strict=True)):
                _write_cell(page, number, index, value, column.kind, formats[column.kind])
        page.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
        if message:
            page.write_string(2, 0, message, italic)
        _write_notes(workbook, notes_sheet, notes)
    return content.getvalue()


def _write_notes(workbook: Any, name: str, notes: Sequence[tuple[str, str]]) -> None:
    bold = workbook.add_format({"bold": True, "valign": "top", "text_wrap": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    page = workbook.add_worksheet(name)
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 90)
    for number, (term, text) in enumerate(notes):
        page.write_string(number, 0, _for_xlsx(term), bold)
        page.write_string(number, 1, _for_xlsx(text), wrapped)


def _write_cell(page: Any, row: int, index: int, value: Any, kind: Kind, cell_format: Any) -> None:
    if value is None:
        page.write_blank(row, index, None, cell_format)
    elif kind is Kind.TEXT:
        page.write_string(row, index, _for_xlsx(str(value)), cell_format)
    elif kind is Kind.DAY:
        page.write_datetime(row, index, datetime(value.year, value.month, value.day), cell_format)  # noqa: DTZ001
    else:
        page.write_number(row, index, float(value), cell_format)


def _for_xlsx(text: str) -> str:
    return text.translate(_UNPRINTABLE)[:_XLSX_CELL_LIMIT]


def _csv_cell(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind is Kind.TEXT:
        return _harmless(str(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _harmless(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
