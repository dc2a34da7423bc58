"""Which version a warehouse is of: one number, noted in the file when its first tables are made.

`schema.json` holds that number and the columns of every table that is kept from run to run. A change of columns raises
the number; a warehouse of another number is opened by `strata upgrade` alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import StrataError, some

SCHEMA_FILE = Path(__file__).with_name("schema.json")
TABLE = "schema_version"
# Made by any run: a file without both has no tables of a run, whatever else somebody keeps in it.
_MADE_FIRST = (("control", "snapshot_builds"), ("staging", "stg_orders"))
# Made by the first list that is issued, and where days have none there is nothing to miss.
_MADE_BY_LISTS = frozenset(
    {"marts.reactivation_list", "marts.reactivation_list_details", "marts.reactivation_list_notes"}
)


class OtherVersion(StrataError):
    """The warehouse is of another version than this code writes."""


@cache
def _schema() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return document


def version_now() -> int:
    """The version that this code writes."""
    return int(_schema()["version"])


def kept_columns() -> Mapping[str, Sequence[str]]:
    """The columns, as `name type`, of each table (`schema.table`) that a warehouse of this version keeps.

    Tables that every run makes anew are not among them.
    """
    columns: Mapping[str, Sequence[str]] = _schema()["tables"]
    return columns


def note_version(con: duckdb.DuckDBPyConnection) -> None:
    """Note that the warehouse is of this version. The caller may hold a transaction."""
    con.execute("create schema if not exists control")
    con.execute(f"create or replace table control.{TABLE} as select {version_now()} as version")


def noted_version(con: duckdb.DuckDBPyConnection) -> int | None:
    """The version that the warehouse says it is of; None where it says none."""
    if not _is_there(con, "control", TABLE):
        return None
    [[version]] = con.execute(f"select version from control.{TABLE}").fetchall()
    return int(version)


def is_built(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a run has made tables here."""
    return any(_is_there(con, schema, table) for schema, table in _MADE_FIRST)


def refuse_other_version(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Go on only where the warehouse is of this version, or is none yet.

    Raises:
        OtherVersion: it is older, newer, or of a time without versions; the message names the cure.
    """
    refuse_newer(con, path)
    noted, now = noted_version(con), version_now()
    if noted == now or (noted is None and not is_built(con)):
        return
    which = "was built before warehouses had a version" if noted is None else f"is a warehouse of version {noted}"
    raise OtherVersion(
        f"{path} {which}; this Customer Strata works with version {now}. `strata upgrade` brings it there; what is "
        "published stays readable meanwhile."
    )


def refuse_newer(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Go on only where the warehouse is not of a later version.

    Raises:
        OtherVersion: it is.
    """
    noted, now = noted_version(con), version_now()
    if noted is not None and noted > now:
        raise OtherVersion(
            f"{path} is a warehouse of version {noted}, newer than this Customer Strata, which works with version "
            f"{now}. Install the version that built it; nothing was written to it."
        )


def stored_columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns, as `name type`, of every table of the warehouse, both sorted."""
    rows = con.execute(
        """
        select tables.schema_name || '.' || tables.table_name as name,
            list(columns.column_name || ' ' || lower(columns.data_type) order by columns.column_name)
        from duckdb_tables() as tables
        inner join duckdb_columns() as columns using (database_oid, schema_oid, table_oid)
        where tables.database_name = current_database() and not tables.temporary and not tables.internal
        group by name
        order by name
        """
    ).fetchall()
    return dict(rows)


def differences(con: duckdb.DuckDBPyConnection) -> list[str]:
    """How the warehouse's tables differ from those of this version, a sentence a table; others' tables do not count."""
    there = stored_columns(con)
    sentences = []
    for table, columns in sorted(kept_columns().items()):
        if table not in there:
            if table not in _MADE_BY_LISTS:
                sentences.append(f"{table} is missing")
            continue
        lacks = [column for column in columns if column not in there[table]]
        has = [column for column in there[table] if column not in columns]
        faults = [
            *([f"lacks {some(lacks)}"] if lacks else []),
            *([f"has {some(has)}"] if has else []),
        ]
        if faults:
            sentences.append(f"{table} {' and '.join(faults)}")
    return sentences


def _is_there(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    return bool(
        con.execute(
            "select 1 from duckdb_tables() where database_name = current_database() and schema_name = ? "
            "and table_name = ?",
            [schema, table],
        ).fetchall()
    )
