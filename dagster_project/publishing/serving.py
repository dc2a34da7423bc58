"""The serving copy: a read-only DuckDB file with all published days, built beside the old one and switched by rename.

Readers open it while the pipeline runs and see one whole version. It holds no personal data; the warehouse itself is
not for readers. Tables stand in the file's main schema: DuckDB names the catalog after the file, so that
`strata.customer_segments` is the same table whether the file is opened or attached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.atomic_files import unfinished
from dagster_project.publishing.copied_views import copied_views
from dagster_project.publishing.tables import (
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


@dataclass(frozen=True)
class ServingCopy:
    """The serving copy after a run: the days and rows it holds, and whether this run switched it."""

    path: Path
    is_changed: bool
    days: tuple[date, ...]
    rows: dict[str, int]


def publish_serving_copy(
    con: duckdb.DuckDBPyConnection, *, folder: Path, settings: PublishingSettings, code_version: str
) -> ServingCopy:
    """Bring `folder`/strata.duckdb up to the warehouse's stored days; an equal copy is left as it is.

    Raises:
        PublishingError: a table is missing or cannot be published.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    building = unfinished(folder, FILE_NAME)
    write_ahead_log = building.with_name(building.name + ".wal")
    for leftover in (building, write_ahead_log):
        leftover.unlink(missing_ok=True)
    tables = published_tables(con, settings)
    days = stored_days(con)
    fingerprint, rows = content_fingerprint(con, tables, None)
    if _published_fingerprint(path) == (fingerprint, code_version):
        return ServingCopy(path, False, tuple(days), rows)
    con.execute(f"attach {quote_literal(str(building))} as {_ATTACHED}")
    try:
        _fill(con, tables, days, fingerprint, code_version)
        con.execute(f"checkpoint {_ATTACHED}")
    finally:
        con.execute(f"detach {_ATTACHED}")
    _add_views(building, copied_views(con, tables))
    assert not write_ahead_log.exists()  # noqa: S101  a reader could not open a copy that has one
    building.chmod(READ_ONLY)
    building.replace(path)
    return ServingCopy(path, True, tuple(days), rows)


def _fill(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    days: Sequence[date],
    fingerprint: str,
    code_version: str,
) -> None:
    for table in tables:
        # Not sorted by key: a year of days of a million customers would not fit in memory for it.
        select = rows_sql(table, columns_of(con, table), None)
        con.execute(f"create table {_ATTACHED}.{quote_identifier(table.name)} as {select}")
    con.execute(
        f"create table {_ATTACHED}.{PUBLICATION} "
        "(as_of_date date, standard_version varchar, code_version varchar, fingerprint varchar)"
    )
    con.executemany(
        f"insert into {_ATTACHED}.{PUBLICATION} values (?, ?, ?, ?)",
        [(day, standard_of(con, day), code_version, fingerprint) for day in days]
        or [(None, None, code_version, fingerprint)],
    )


def _add_views(path: Path, statements: Mapping[str, str]) -> None:
    """Make the views in the file opened by itself, where its tables have the names by which a reader finds them."""
    with duckdb.connect(str(path)) as copy:
        for statement in statements.values():
            copy.execute(statement)


def _published_fingerprint(path: Path) -> tuple[str, str] | None:
    """What the present copy was made from; None where there is none or it cannot be read."""
    if not path.is_file():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            row = con.execute(f"select fingerprint, code_version from {PUBLICATION} limit 1").fetchone()
    except duckdb.Error:
        return None  # damaged or of another make: written anew
    return row and (row[0], row[1])
