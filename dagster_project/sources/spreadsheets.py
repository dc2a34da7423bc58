"""One sheet of an Excel (or OpenDocument) file as text columns.

Dates become ISO text, whole numbers lose their `.0`, and numbers of sixteen digits or more are written so that they
are seen to have lost digits: Excel keeps fifteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from dagster_project.errors import StrataError

EXCEL_DIGITS_LIMIT = 1e15
BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff\x00"


class SpreadsheetError(StrataError):
    """A file is no spreadsheet, or has no such sheet or header."""


@dataclass(frozen=True)
class Sheet:
    """Headers without surrounding blanks; rows: row_number (from 1 after the header), then c0, c1 … as text."""

    headers: tuple[str, ...]
    rows: pa.Table


def read_sheet(path: Path, *, sheet: int | str | None, header_row: int, decimal: str, name: str, place: str) -> Sheet:
    """The sheet by name, by number from 1, or the first. Wholly empty rows are no records.

    Numbers are written with the mark `decimal`, so that they read as the numbers in text cells do.

    Raises:
        SpreadsheetError: the file is no spreadsheet, or there is no such sheet or header row.
    """
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        title = _sheet_title(workbook.sheet_names, sheet, name, place)
        cells = workbook.get_sheet_by_name(title).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise SpreadsheetError(f"{name} is no Excel file that can be read ({error}). See format at {place}.") from None
    if len(cells) < header_row or not any(_text(cell) for cell in cells[header_row - 1]):
        raise SpreadsheetError(f"{name}: sheet {title!r} has no header in row {header_row}; see header_row at {place}.")
    headers = [(_text(cell) or "").strip(BLANKS) for cell in cells[header_row - 1]]
    while headers and not headers[-1] and not any(_text(row[len(headers) - 1]) for row in cells[header_row:]):
        headers.pop()
    numbers: list[int] = []
    columns: list[list[str | None]] = [[] for _ in headers]
    for number, row in enumerate(cells[header_row:], start=1):
        texts = [_text(cell, decimal) for cell in row[: len(headers)]]
        if any(texts):
            numbers.append(number)
            for column, text in zip(columns, texts, strict=True):
                column.append(text)
    arrays = [pa.array(numbers, pa.int64()), *(pa.array(column, pa.string()) for column in columns)]
    names = ["row_number", *(f"c{index}" for index in range(len(headers)))]
    return Sheet(tuple(headers), pa.table(arrays, names=names))


def _sheet_title(titles: list[str], sheet: int | str | None, name: str, place: str) -> str:
    if isinstance(sheet, str) and sheet in titles:
        return sheet
    if not isinstance(sheet, str) and 1 <= (sheet or 1) <= len(titles):
        return titles[(sheet or 1) - 1]
    raise SpreadsheetError(f"{name} has no sheet {sheet!r}; it has {', '.join(titles)}. See sheet at {place}.")


def _text(cell: Any, decimal: str = ".") -> str | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if abs(cell) >= EXCEL_DIGITS_LIMIT:
            return f"{cell:.14E}"
        return str(int(cell)) if cell.is_integer() else repr(cell).replace(".", decimal)
    if isinstance(cell, datetime | date):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell.total_seconds())
    return str(cell) if cell is not None and cell != "" else None
