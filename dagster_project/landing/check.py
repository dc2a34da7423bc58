"""What landing would make of the files that are there, without writing anything that lasts.

For `strata check`: columns found and missing, rows that would be refused and a few of their reasons.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.errors import StrataError
from dagster_project.landing.intake import mappings
from dagster_project.landing.pulled import pull_of
from dagster_project.landing.rows import CheckedRows, Counts, Mapping, check_rows, missing_columns
from dagster_project.settings import Settings
from dagster_project.settings.sources import FileRead
from dagster_project.sources.files import SourceFile, find_files, opened
from dagster_project.sources.pulling import pull

SAMPLE_REASONS = 5
PULLED_SAMPLE = 200  # one page of either CRM


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


def inspect_reads(settings: Settings, *, now: datetime) -> list[InspectedRead]:
    """Read every file of every read as landing would, and of systems that are pulled the first PULLED_SAMPLE records.

    Temporary files are readable by their owner only.
    """
    with tempfile.TemporaryDirectory(prefix="strata-check-") as folder:
        return [
            inspected
            for mapping in mappings(settings)
            for inspected in _inspect_read(settings, mapping, Path(folder), now)
        ]


def _inspect_read(settings: Settings, mapping: Mapping, temporary: Path, now: datetime) -> Iterator[InspectedRead]:
    source, read = mapping.source.name, mapping.read
    try:
        if isinstance(read, FileRead):
            files = find_files(settings.paths.data, read, place=mapping.place)
            missing = f"no file matches in {settings.paths.data}"
        else:
            asked = pull_of(settings, mapping, since=None, now=now, folder=temporary, limit=PULLED_SAMPLE)
            files = [part.file for part in pull(mapping.source, read, asked) if part.row_count]
            missing = "it holds no record"
    except StrataError as error:
        yield InspectedRead(source, read.entity, read.place, problem=str(error))
        return
    if not files:
        yield InspectedRead(source, read.entity, read.place, problem=missing)
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
            con, file, mapping.read.form, wanted=mapping.wanted, place=mapping.place, temporary=temporary
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
    is_above_limit = counts.bad_share() > settings.sources.bad_rows_limit(mapping.read)
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
