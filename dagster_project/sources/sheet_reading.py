"""One sheet of an Excel (or OpenDocument) file as text columns, read in a process of its own.

A file of a few kilobytes can claim billions of cells, and whoever makes room for them is ended by the system. So this
process may take so much memory and no more, and who asked for the sheet goes on without it.

Dates become ISO text, whole numbers lose their `.0`, and numbers of sixteen digits or more are written so that they
are seen to have lost digits: Excel keeps fifteen.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

EXCEL_DIGITS_LIMIT = 1e15
BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff\x00"
# A hundred thousand rows of twenty filled columns take 0.4 GiB; as many rows as Excel has, ten times that, some 3.
MEMORY_LIMIT = 8 * 2**30
HEADERS = b"headers"
REFUSED, OUT_OF_MEMORY = 3, 4


@dataclass(frozen=True)
class Asked:
    """Which sheet of which file; `name` and `place` are for messages."""

    path: str
    sheet: int | str | None
    header_row: int
    decimal: str
    name: str
    place: str

    def to_json(self) -> str:
        """As `main` takes it."""
        return json.dumps(asdict(self))


def main() -> int:
    """Write the sheet to standard output as an Arrow stream, or why there is none to standard error."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    asked = Asked(**json.loads(sys.argv[1]))
    try:
        table = _read(asked)
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
            stream.write_table(table)
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        sys.stderr.write(f"{asked.name} is no Excel file that can be read ({error}). See format at {asked.place}.")
        return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    except _NoSuchSheetError as error:
        sys.stderr.write(str(error))
        return REFUSED
    return 0


class _NoSuchSheetError(Exception):
    pass


def _read(asked: Asked) -> pa.Table:
    """Rows: row_number (from 1 after the header), then c0, c1 … as text; the headers are in the schema's metadata."""
    workbook = CalamineWorkbook.from_path(asked.path)
    title = _title(workbook.sheet_names, asked)
    rows = workbook.get_sheet_by_name(title).to_python(skip_empty_area=False)
    if len(rows) < asked.header_row or not any(_text(cell) for cell in rows[asked.header_row - 1]):
        raise _NoSuchSheetError(
            f"{asked.name}: sheet {title!r} has no header in row {asked.header_row}; see header_row at {asked.place}."
        )
    headers = [(_text(cell) or "").strip(BLANKS) for cell in rows[asked.header_row - 1]]
    while headers and not headers[-1] and not any(_text(row[len(headers) - 1]) for row in rows[asked.header_row :]):
        headers.pop()
    numbers: list[int] = []
    columns: list[list[str | None]] = [[] for _ in headers]
    for number, row in enumerate(rows[asked.header_row :], start=1):
        texts = [_text(cell, asked.decimal) for cell in row[: len(headers)]]
        if any(texts):
            numbers.append(number)
            for column, text in zip(columns, texts, strict=True):
                column.append(text)
    arrays = [pa.array(numbers, pa.int64()), *(pa.array(column, pa.string()) for column in columns)]
    names = ["row_number", *(f"c{index}" for index in range(len(headers)))]
    return pa.table(arrays, names=names).replace_schema_metadata({HEADERS: json.dumps(headers)})


def _title(titles: list[str], asked: Asked) -> str:
    if isinstance(asked.sheet, str) and asked.sheet in titles:
        return asked.sheet
    if not isinstance(asked.sheet, str) and 1 <= (asked.sheet or 1) <= len(titles):
        return titles[(asked.sheet or 1) - 1]
    raise _NoSuchSheetError(
        f"{asked.name} has no sheet {asked.sheet!r}; it has {', '.join(titles)}. See sheet at {asked.place}."
    )


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


if __name__ == "__main__":
    sys.exit(main())
