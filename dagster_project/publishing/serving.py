"""The serving copy: a read-only DuckDB file with all published days, built beside the old one and switched by rename.

Readers open it while the pipeline runs and see one whole version. It holds no personal data; the warehouse itself is
not for readers. Tables stand in the file's main schema: DuckDB names the catalog after the file, so that
`strata.customer_segments` is the same table whether the file is opened or attached.

The new file begins as a copy of the old one, in which the days of the run are replaced: what a day costs does not grow
with the days that are stored. It is filled anew where the old one does not fit.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.atomic_files import unfinished
from dagster_project.publishing.copied_views import VIEWS, copied_views
from dagster_project.publishing.tables import (
    Column,
    Table,
    columns_of,
    content_fingerprint,
    published_tables,
    rows_sql,
    standard_of,
    stored_days,
)
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.sql_text import quote_identifier, quote_literal

FILE_NAME = "strata.duckdb"
PUBLICATION = "publication"
READ_ONLY = 0o444
_ATTACHED = "serving_copy"
_BEFORE = "serving_copy_before"

_RowsByDay = Mapping[str, Mapping[date | None, int]]


@dataclass(frozen=True)
class ServingCopy:
    """The serving copy after a run: the days and rows it holds, and whether this run switched it."""

    path: Path
    is_changed: bool
    days: tuple[date, ...]
    rows: dict[str, int]


@dataclass(frozen=True)
class _Wanted:
    """What the copy is to hold: tables with their columns and rows a day, and what the run's days are told by."""

    tables: Mapping[str, Table]
    columns: Mapping[str, tuple[Column, ...]]
    rows: _RowsByDay
    days: Sequence[date]
    fingerprints: Mapping[date | None, str]
    code_version: str

    @property
    def types(self) -> dict[str, list[tuple[str, str]]]:
        return {name: [(column.name, column.type) for column in columns] for name, columns in self.columns.items()}


@dataclass(frozen=True)
class _Part:
    """A day of the copy, or its tables without one, as `publication` tells of it."""

    standard_version: str | None
    fingerprint: str


@dataclass(frozen=True)
class _Present:
    """What the present copy holds."""

    types: Mapping[str, list[tuple[str, str]]]
    rows: _RowsByDay
    publication: Mapping[date | None, _Part]
    code_versions: set[str]


def publish_serving_copy(
    con: duckdb.DuckDBPyConnection,
    *,
    folder: Path,
    settings: PublishingSettings,
    days: Collection[date],
    code_version: str,
    anew: bool = False,
) -> ServingCopy:
    """Bring `folder`/strata.duckdb up to the warehouse; an equal copy is left as it is.

    Read from the warehouse are the tables without a day, and of the others `days` and those that the copy lacks. With
    `anew` all is: what was deleted from a file stands in it until something is written over it.

    Raises:
        PublishingError: a table is missing or cannot be published.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    building = unfinished(folder, FILE_NAME)
    write_ahead_log = building.with_name(building.name + ".wal")
    _remove(building, write_ahead_log)
    tables = published_tables(con, settings)
    present = None if anew else _read_present(con, path, tables)
    known = present.publication if present else {}
    stored = stored_days(con)
    own = [day for day in stored if day in days or day not in known]
    wanted = _wanted(con, tables, stored, own, code_version)
    rows = {name: sum(by_day.values()) for name, by_day in wanted.rows.items()}
    if present and (present.types, present.code_versions) != (wanted.types, {code_version}):
        present = None
    if present and _is_up_to_date(wanted, present):
        return ServingCopy(path, False, tuple(wanted.days), rows)
    if not (present and _can_go_on(wanted, present) and _go_on(con, path, building, wanted, present)):
        _remove(building, write_ahead_log)
        _build(con, building, wanted)
    _add_views(building, copied_views(con, tuple(wanted.tables.values())))
    assert not write_ahead_log.exists()  # noqa: S101  a reader could not open a copy that has one
    building.chmod(READ_ONLY)
    building.replace(path)
    return ServingCopy(path, True, tuple(wanted.days), rows)


def _wanted(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    stored: Sequence[date],
    own: Sequence[date],
    code_version: str,
) -> _Wanted:
    """What the warehouse holds; of the `stored` days `own` are told by what their rows say."""
    dated = [table for table in tables if table.is_dated]
    undated = [table for table in tables if not table.is_dated]
    fingerprints: dict[date | None, str] = {day: content_fingerprint(con, dated, [day])[0] for day in own}
    fingerprints[None], _ = content_fingerprint(con, undated, None)
    return _Wanted(
        tables={table.name: table for table in tables},
        columns={table.name: columns_of(con, table) for table in tables},
        rows={table.name: _rows_by_day(con, table.relation, table) for table in tables},
        days=stored,
        fingerprints=fingerprints,
        code_version=code_version,
    )


def _rows_by_day(con: duckdb.DuckDBPyConnection, relation: str, table: Table) -> dict[date | None, int]:
    day = "null" if table.day_column is None else quote_identifier(table.day_column)
    return dict(con.execute(f"select {day}, count(*) from {relation} group by all").fetchall())


def _read_present(con: duckdb.DuckDBPyConnection, path: Path, tables: Sequence[Table]) -> _Present | None:
    """None where there is no copy or it cannot be read."""
    if not path.is_file():
        return None
    try:
        con.execute(f"attach {quote_literal(str(path))} as {_BEFORE} (read_only)")
    except duckdb.Error:
        return None  # damaged or of another make
    try:
        types: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in con.execute(
            "select table_name, column_name, data_type from duckdb_columns() where database_name = ? "
            "and table_name in (select table_name from duckdb_tables() where database_name = ?) "
            "and table_name <> ? order by table_name, column_index",
            [_BEFORE, _BEFORE, PUBLICATION],
        ).fetchall():
            types.setdefault(table, []).append((column, kind))
        published = con.execute(
            f"select as_of_date, standard_version, fingerprint, code_version from {_BEFORE}.{PUBLICATION}"
        ).fetchall()
        return _Present(
            types=types,
            rows={
                table.name: _rows_by_day(con, f"{_BEFORE}.{quote_identifier(table.name)}", table)
                for table in tables
                if table.name in types
            },
            publication={day: _Part(standard, fingerprint) for day, standard, fingerprint, _ in published},
            code_versions={code for *_, code in published},
        )
    except duckdb.Error:
        return None
    finally:
        con.execute(f"detach {_BEFORE}")


def _is_up_to_date(wanted: _Wanted, present: _Present) -> bool:
    return present.rows == wanted.rows and all(
        day in present.publication and present.publication[day].fingerprint == fingerprint
        for day, fingerprint in wanted.fingerprints.items()
    )


def _can_go_on(wanted: _Wanted, present: _Present) -> bool:
    """Whether days that are not of this run hold as many rows as they did.

    A day that no run computed has fewer where customers were taken out of all days: what a file goes on from would keep
    their rows, unreadable, until others are written over them.
    """
    return all(
        present.rows[name].get(day, rows) == rows
        for name, table in wanted.tables.items()
        if table.is_dated
        for day, rows in wanted.rows[name].items()
        if day not in wanted.fingerprints
    )


def _go_on(con: duckdb.DuckDBPyConnection, path: Path, building: Path, wanted: _Wanted, present: _Present) -> bool:
    """Replace in a copy of the file at `path` what may differ; False where a part of it turns out to be damaged."""
    shutil.copyfile(path, building)
    con.execute(f"attach {quote_literal(str(building))} as {_ATTACHED}")
    try:
        for view in VIEWS:
            con.execute(f"drop view if exists {_ATTACHED}.{quote_identifier(view)}")
        for name, table in wanted.tables.items():
            if table.is_dated:
                own = wanted.rows[name]
                gone = [day for day in present.rows[name] if day not in own or day in wanted.fingerprints]
                new = [day for day in own if day not in present.rows[name] or day in wanted.fingerprints]
                _replace_days(con, table, wanted.columns[name], gone=gone, new=new)
            else:
                _copy_table(con, table, wanted.columns[name])
        _note_publication(con, wanted, present.publication)
        con.execute(f"checkpoint {_ATTACHED}")
    except duckdb.Error:
        return False  # filling it anew says what is wrong, if it is not the copy
    finally:
        con.execute(f"detach {_ATTACHED}")
    return True


def _replace_days(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    columns: Sequence[Column],
    *,
    gone: Sequence[date | None],
    new: Sequence[date | None],
) -> None:
    copy = f"{_ATTACHED}.{quote_identifier(table.name)}"
    if gone:
        con.execute(f"delete from {copy}{table.where([day for day in gone if day])}")
    for day in sorted(day for day in new if day):
        con.execute(f"insert into {copy} {rows_sql(table, columns, day)}")


def _build(con: duckdb.DuckDBPyConnection, building: Path, wanted: _Wanted) -> None:
    con.execute(f"attach {quote_literal(str(building))} as {_ATTACHED}")
    try:
        for name, table in wanted.tables.items():
            _copy_table(con, table, wanted.columns[name])
        dated = [table for table in wanted.tables.values() if table.is_dated]
        others = [day for day in wanted.days if day not in wanted.fingerprints]
        found: dict[date | None, _Part] = {
            day: _Part(standard_of(con, day), content_fingerprint(con, dated, [day])[0]) for day in others
        }
        _note_publication(con, wanted, found)
        con.execute(f"checkpoint {_ATTACHED}")
    finally:
        con.execute(f"detach {_ATTACHED}")


def _copy_table(con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column]) -> None:
    # Not sorted by key: a year of days of a million customers would not fit in memory for it.
    select = rows_sql(table, columns, None)
    con.execute(f"create or replace table {_ATTACHED}.{quote_identifier(table.name)} as {select}")


def _note_publication(con: duckdb.DuckDBPyConnection, wanted: _Wanted, others: Mapping[date | None, _Part]) -> None:
    """A row a stored day, and one of no day for the tables without one; `others` tells of the days not of this run."""
    own = {
        day: _Part(None if day is None else standard_of(con, day), fingerprint)
        for day, fingerprint in wanted.fingerprints.items()
    }
    parts = {**others, **own}
    con.execute(
        f"create or replace table {_ATTACHED}.{PUBLICATION} "
        "(as_of_date date, standard_version varchar, code_version varchar, fingerprint varchar)"
    )
    con.executemany(
        f"insert into {_ATTACHED}.{PUBLICATION} values (?, ?, ?, ?)",
        [
            (day, parts[day].standard_version, wanted.code_version, parts[day].fingerprint)
            for day in (*wanted.days, None)
        ],
    )


def _remove(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _add_views(path: Path, statements: Mapping[str, str]) -> None:
    """Make the views in the file opened by itself, where its tables have the names by which a reader finds them."""
    with duckdb.connect(str(path)) as copy:
        for statement in statements.values():
            copy.execute(statement)
