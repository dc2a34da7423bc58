"""Sheets of Excel (and OpenDocument) files, read by a process that may be lost: see `sheet_reading`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from dagster_project.errors import StrataError
from dagster_project.sources.sheet_reading import HEADERS, MEMORY_LIMIT, OUT_OF_MEMORY, REFUSED, Asked


class SpreadsheetError(StrataError):
    """A file is no spreadsheet, has no such sheet or header, or takes too much memory to read."""


@dataclass(frozen=True)
class Sheet:
    """Headers without surrounding blanks; rows: row_number (from 1 after the header), then c0, c1 … as text."""

    headers: tuple[str, ...]
    rows: pa.Table


def read_sheet(path: Path, *, sheet: int | str | None, header_row: int, decimal: str, name: str, place: str) -> Sheet:
    """The sheet by name, by number from 1, or the first. Wholly empty rows are no records.

    Numbers are written with the mark `decimal`, so that they read as the numbers in text cells do.

    Raises:
        SpreadsheetError: the file is no spreadsheet, there is no such sheet or header row, or it takes more memory
            than a spreadsheet may.
    """
    asked = Asked(str(path), sheet, header_row, decimal, name, place)
    words = [sys.executable, "-P", "-m", "dagster_project.sources.sheet_reading", asked.to_json()]
    done = subprocess.run(words, capture_output=True, check=False)  # noqa: S603
    if done.returncode == REFUSED:
        raise SpreadsheetError(done.stderr.decode())
    if done.returncode < 0 or done.returncode == OUT_OF_MEMORY:
        raise SpreadsheetError(
            f"{name} takes more than {MEMORY_LIMIT // 2**30} GiB of memory to read and was refused: a cell far out "
            f"claims all rows and columns up to it. Delete what is beyond the table, or save it as CSV. See {place}."
        )
    if done.returncode:
        # Of what went wrong only its kind: the rest may hold what stands in cells.
        kind = done.stderr.decode(errors="replace").strip().rpartition("\n")[2].partition(":")[0]
        raise SpreadsheetError(f"{name} is no Excel file that can be read ({kind}). See format at {place}.")
    rows = pa.ipc.open_stream(done.stdout).read_all()
    return Sheet(tuple(json.loads(rows.schema.metadata[HEADERS])), rows.replace_schema_metadata(None))
