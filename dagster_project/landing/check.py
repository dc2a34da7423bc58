"""What landing would make of the files that are there, without writing anything that lasts.

For `strata check`: columns found and missing, rows that would be refused and a few of their reasons.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import StrataError
from dagster_project.landing.intake import mappings
from dagster_project.landing.rows import CheckedRows, Counts, Mapping, check_rows, missing_columns
from dagster_project.settings import Settings
from dagster_project.sources.files import SourceFile, find_files, opened

SAMPLE_REASONS = 5


@dataclass(frozen=True)
class InspectedRead:
    """One file of one read. `counts` is None where the file could not be read, and `problem` says why.

    `reasons` are the commonest reasons without values, with their rows; `notes` are what a user should look at though
    nothing is refused.
    """

    source: str
    entity: str
    source_file: str
    columns_found: tuple[str, ...] = ()
    columns_missing: tuple[str, ...] = ()
    counts: Counts | None = None
    reasons: tuple[tuple[str, int], ...] = ()
    is_above_limit: bool = False
    problem: str | None = None
    notes: tuple[str, ...] = ()


def inspect_reads(settings: Settings) -> list[InspectedRead]:
    """Read every file of every read as landing would; temporary files are readable by their owner only."""
    with tempfile.TemporaryDirectory(prefix="strata-check-") as folder:
        return [
            inspected for mapping in mappings(settings) for inspected in _inspect_read(settings, mapping, Path(folder))
        ]


def _inspect_read(settings: Settings, mapping: Mapping, temporary: Path) -> Iterator[InspectedRead]:
    source, entity = mapping.source.name, mapping.read.entity
    try:
        files = find_files(settings.paths.data, mapping.read, place=mapping.place)
    except StrataError as error:
        yield InspectedRead(source, entity, ", ".join(mapping.read.path), problem=str(error))
        return
    if not files:
        patterns = ", ".join(mapping.read.path)
        yield InspectedRead(source, entity, patterns, problem=f"no file matches in {settings.paths.data}")
    for file in files:
        yield _inspect_file(settings, mapping, file, temporary)


def _inspect_file(settings: Settings, mapping: Mapping, file: SourceFile, temporary: Path) -> InspectedRead:
    source, entity = mapping.source.name, mapping.read.entity
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    con = duckdb.connect(config={"temp_directory": str(temporary)})
    try:
        con.execute("set TimeZone = 'UTC'")
        with opened(
            con, file, mapping.read, wanted=mapping.wanted, place=mapping.place, temporary=temporary
        ) as records:
            found = tuple(column.name for column in records.columns)
            missing = tuple(missing_columns(records, mapping))
            if missing:
                return InspectedRead(source, entity, file.name, found, missing, problem=" ".join(missing))
            checked = check_rows(con, records, mapping, file_name=file.name)
            counts = checked.counts(con)
            reasons = tuple(checked.reason_counts(con).items())[:SAMPLE_REASONS]
            notes = tuple(_notes(con, checked))
    except StrataError as error:
        return InspectedRead(source, entity, file.name, found, missing, problem=str(error))
    finally:
        con.close()
    is_above_limit = counts.bad_share > settings.sources.bad_rows_limit(mapping.read)
    return InspectedRead(source, entity, file.name, found, (), counts, reasons, is_above_limit, notes=notes)


def _notes(con: duckdb.DuckDBPyConnection, checked: CheckedRows) -> Iterator[str]:
    """Keys that stand on several rows: right for a log of changes, wrong for lines that were mapped as orders."""
    entity = checked.mapping.read.contract
    if entity.name == "order_lines":
        return
    key = ", ".join(entity.own_key)
    doubled = con.execute(
        f"select count(*) from (select 1 from rows where reasons is null group by {key} having count(*) > 1)"
    ).fetchall()[0][0]
    if doubled:
        hint = " If these are lines of an order, read them as order_lines with `orders: from lines`."
        yield (
            f"{doubled} {key} stand on several rows; the newest updated_at counts, else the later row."
            f"{hint if entity.name == 'orders' else ''}"
        )
