"""The shape of a delimited text file: its delimiter, its header, and lines whose quoting is broken.

Well-formed files are read by DuckDB; only a file with broken quotes is gone through line by line here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from dagster_project.errors import StrataError

CANDIDATES = (",", ";", "\t", "|")
SAMPLE_RECORDS = 200
BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff\x00"
# A quoted field may span lines; past these limits the quote was never meant to close further on.
MAX_RECORD_LINES = 200
MAX_FIELD_CHARACTERS = 16 * 2**20


class DelimiterError(StrataError):
    """The delimiter of a file cannot be told, or it has no header."""


@dataclass(frozen=True)
class Dialect:
    """Delimiter, header names without surrounding blanks, how lines end, and how many stand before the first record.

    `is_even`: the lines before the first record all end alike. DuckDB loses every record of a file where they do not.
    """

    delimiter: str
    headers: tuple[str, ...]
    lines_before: int
    line_end: str = "\n"
    is_even: bool = True


def find_dialect(
    path: Path, *, delimiter: str, header_row: int, wanted: Sequence[str], name: str, place: str
) -> Dialect:
    """The dialect of a UTF-8 file.

    `auto` takes the one delimiter that splits the header; where several do, the one that splits the records alike and
    gives columns that the mapping names.

    Raises:
        DelimiterError: there is no header, or more than one delimiter or none would do.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    candidates = CANDIDATES if delimiter == "auto" else (delimiter,)
    samples = {mark: _sample(path, mark, header_row) for mark in candidates}
    if not any(samples.values()):
        raise DelimiterError(f"{name} has no header in line {header_row}; see header_row at {place}.")
    if delimiter == "auto":
        fitting = [mark for mark, records in samples.items() if records and len(records[0]) > 1]
        if len(fitting) > 1:
            fitting = [mark for mark in fitting if _splits_alike(samples[mark])]
        if len(fitting) > 1:
            names = {each.strip(BLANKS) for each in wanted}
            fitting = [mark for mark in fitting if names & {field.strip(BLANKS) for field in samples[mark][0]}]
        if not fitting and all(len(records[0]) == 1 for records in samples.values() if records):
            fitting = [","]  # one column only
        if len(fitting) != 1:
            raise DelimiterError(f"{name}: its delimiter cannot be told; set delimiter at {place}.")
        delimiter = fitting[0]
    header = samples[delimiter][0]
    ends = _line_ends(path, header_row)
    headers = tuple(field.strip(BLANKS) for field in header)
    return Dialect(delimiter, headers, header_row, ends[0], is_even=len(set(ends)) == 1)


def mend_quoting(path: Path, dialect: Dialect, *, mended: Path, faults: Path) -> None:
    """Write the readable records to `mended` (CSV, record number first) and the others to `faults` (JSON lines).

    A line whose quote does not close is broken by itself; reading goes on with the line after it.
    """
    with (
        path.open(encoding="utf-8-sig", newline="") as text,
        mended.open("w", encoding="utf-8", newline="") as out,
        faults.open("w", encoding="utf-8") as fault_lines,
    ):
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        lines = _Lines(islice(text, dialect.lines_before, None))
        record = 0
        while (line := lines.take()) is not None:
            if not line.strip("\r\n"):
                continue
            record += 1
            fields, reason = _parse(line, lines, dialect)
            if reason is None and len(fields) != len(dialect.headers):
                more = "more" if len(fields) > len(dialect.headers) else "fewer"
                reason = f"the line has {more} fields than the header"
            if reason is None:
                writer.writerow([record, *fields])
            else:
                broken = {"record": record, "text": line.rstrip("\r\n"), "reason": reason}
                fault_lines.write(json.dumps(broken, ensure_ascii=False) + "\n")


class _Lines:
    """Lines with a look ahead that can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._ahead: list[str] = []

    def take(self) -> str | None:
        return self._ahead.pop(0) if self._ahead else next(self._lines, None)

    def peek(self, index: int) -> str | None:
        while len(self._ahead) <= index:
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[index]

    def drop(self, count: int) -> None:
        del self._ahead[:count]


def _parse(line: str, lines: _Lines, dialect: Dialect) -> tuple[list[str], str | None]:
    """Fields of the record that begins with `line`, or why it has none; lines it spans are taken."""
    parts = [line]
    while True:
        try:
            records = list(csv.reader(parts, delimiter=dialect.delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                return [], "text stands before or after a quoted field"
            following = lines.peek(len(parts) - 1)
            if following is None or len(parts) > MAX_RECORD_LINES:
                return [], "a quote does not close"
            parts.append(following)
            continue
        if len(parts) > 1 and (len(records) != 1 or len(records[0]) != len(dialect.headers)):
            return [], "a quote does not close"
        lines.drop(len(parts) - 1)
        return (records[0] if records else [""]), None


def _sample(path: Path, delimiter: str, header_row: int) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = islice(text, header_row - 1, None)
        try:
            return [fields for fields in islice(csv.reader(lines, delimiter=delimiter), SAMPLE_RECORDS) if fields]
        except csv.Error:
            return []


def _line_ends(path: Path, count: int) -> list[str]:
    """How the first lines end; told here because DuckDB also looks for it within quoted fields."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = list(islice(text, count))
    return [next((end for end in ("\r\n", "\n", "\r") if line.endswith(end)), "\n") for line in lines or [""]]


def _splits_alike(records: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all records have as many fields as the header."""
    alike = sum(1 for record in records if len(record) == len(records[0]))
    return 10 * alike >= 9 * len(records)
