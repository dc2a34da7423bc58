"""The first rows of a file as they stand, junk above the header included, for who looks at a file nobody has described.

Reads a little and casts nothing. Reading a file whose form is known is `files`.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from dagster_project.sources.delimited import CANDIDATES, MAX_FIELD_CHARACTERS
from dagster_project.sources.files import SourceError, SourceFile, content_of
from dagster_project.sources.sheet_reading import BLANKS
from dagster_project.sources.text_encoding import as_utf8

HEAD_BYTES = 2**19
HEAD_ROWS = 60
JSON_RECORDS = 500
DEEPEST_PATH = 2


def head_text(file: SourceFile, temporary: Path) -> tuple[str, str]:
    """The first lines of a text file, and its encoding as settings name it.

    Raises:
        SourceError: it cannot be unpacked.
        EncodingError: the encoding cannot be told.
    """
    with content_of(file) as content:
        raw = content.read(HEAD_BYTES)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw[:4096]:
        raw = raw[: len(raw) - len(raw) % 2]
    elif len(raw) == HEAD_BYTES:
        raw = raw[: raw.rfind(b"\n") + 1] or raw
    original, target = temporary / "head", temporary / "head-utf8"
    original.write_bytes(raw)
    try:
        decoded = as_utf8(original, target, encoding="auto", name=file.name, place="encoding of its read")
        text = decoded.read_text(encoding="utf-8-sig", errors="ignore")
        is_wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw[:4096]
        return text, "utf-8" if decoded == original else "utf-16" if is_wide else "gb18030"
    finally:
        original.unlink(missing_ok=True)
        target.unlink(missing_ok=True)


def text_rows(text: str, delimiters: tuple[str, ...] = CANDIDATES) -> dict[str, list[list[str]]]:
    """By delimiter, the cells of the first lines, one list a line, without surrounding blanks."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    lines = text.splitlines()[:HEAD_ROWS]
    return {
        delimiter: [[cell.strip(BLANKS) for cell in _cells(line, delimiter)] for line in lines]
        for delimiter in delimiters
    }


def sheet_rows(file: SourceFile) -> dict[str, list[list[Any]]]:
    """By sheet, the first rows of a spreadsheet with their cells as they are.

    Raises:
        SourceError: it is no spreadsheet.
    """
    try:
        workbook = CalamineWorkbook.from_path(str(file.path))
        return {
            name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=HEAD_ROWS)
            for name in workbook.sheet_names
        }
    except (CalamineError, OSError, ValueError) as error:
        raise SourceError(f"{file.name} is no Excel file that can be read ({error}).") from None


def json_names(lines: list[str]) -> list[str]:
    """Dotted paths to the plain values of JSON objects, as the first of them show."""
    names: dict[str, None] = {}
    for line in lines[:JSON_RECORDS]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            names |= dict.fromkeys(_paths(record, ""))
    return list(names)


def _paths(record: Mapping[str, Any], above: str) -> list[str]:
    found: list[str] = []
    for name, value in record.items():
        place = f"{above}{name}"
        if isinstance(value, dict):
            if place.count(".") + 1 < DEEPEST_PATH:
                found += _paths(value, f"{place}.")
        elif isinstance(value, list):
            if value and not isinstance(value[0], dict | list):
                found.append(f"{place}.0")
        else:
            found.append(place)
    return found


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]
