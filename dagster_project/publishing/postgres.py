"""The PostgreSQL target: each day replaced in one transaction, so that a reader sees the old day or the new one.

Tables are created when they are absent, with their types and primary keys; a table that differs is never altered
behind its owner's back. Needs PostgreSQL 12 or newer and the right to create in the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import duckdb
from pydantic import SecretStr

from dagster_project.publishing.postgres_rights import let_read
from dagster_project.publishing.tables import (
    Column,
    PublishingError,
    Table,
    columns_of,
    content_fingerprint,
    published_tables,
    read_rows,
    standard_of,
    stored_days,
)
from dagster_project.settings.publishing import PublishedTable, PublishingSettings
from dagster_project.sql_text import quote_identifier, quote_literal

PUBLICATION = "publication"
AS_KNOWN_NOW = "as_known_now"

_TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}


@dataclass(frozen=True)
class PostgresPart:
    """A day in PostgreSQL (`day` None: the tables without one), and whether this run replaced it."""

    day: date | None
    is_changed: bool
    rows: dict[str, int]


def publish_postgres(
    con: duckdb.DuckDBPyConnection,
    *,
    url: SecretStr | None,
    settings: PublishingSettings,
    days: Sequence[date],
    code_version: str,
    thinned: Sequence[date] = (),
    gone: Sequence[int] = (),
    progress: Callable[[PostgresPart], None] | None = None,
) -> list[PostgresPart]:
    """Replace `days` and the tables without a day in PostgreSQL; `thinned` days go, what is unchanged is left as it is.

    Stored days that still name one of the `gone` customers there are replaced too.

    Raises:
        PublishingError: no address is set, the server cannot be reached or refuses, or a table there has other columns.
    """
    if url is None:
        raise PublishingError(
            "publishing.yaml enables postgres, but the environment variable STRATA_POSTGRES_URL is not set. Set it to "
            "postgresql://user:password@host:5432/database, or set postgres.enabled to false."
        )
    schema = settings.postgres.schema_name
    tables = published_tables(con, settings)
    columns = {table.name: columns_of(con, table) for table in tables}
    parts = []
    with connected(url) as target:
        _create_tables(target, schema, tables, columns, settings.postgres.readers)
        again = set(stored_days(con)).intersection(_days_naming(target, schema, gone))
        for day in [*sorted({*days, *again}), None]:
            own = [table for table in tables if table.is_dated == (day is not None)]
            part = _replace(con, target, schema, own, columns, day, code_version)
            parts.append(part)
            if progress:
                progress(part)
        _delete_days(target, schema, [table for table in tables if table.is_dated], thinned)
    return parts


@contextmanager
def connected(url: SecretStr) -> Iterator[Any]:
    """A connection that commits only when told to; its errors name what failed, never the password."""
    secret = url.get_secret_value()
    try:
        with adbc_driver_postgresql.dbapi.connect(secret) as target:
            yield target
    except adbc_driver_manager.Error as error:
        raise PublishingError(
            f"PostgreSQL (STRATA_POSTGRES_URL): {without_secret(str(error), secret)}\n"
            "What was published there stays as it was. Mend this and publish again."
        ) from None


def without_secret(message: str, url: str) -> str:
    """A message of the server without the address and its password."""
    password = urlsplit(url).password
    for hidden in (url, password, unquote(password) if password else None):
        if hidden:
            message = message.replace(hidden, "•••")
    return message.strip()


def _create_tables(
    target: Any,
    schema: str,
    tables: Sequence[Table],
    columns: dict[str, tuple[Column, ...]],
    readers: Sequence[str],
) -> None:
    with target.cursor() as cursor:
        # `create schema if not exists` needs the right to create even where the schema is there.
        if not _rows(cursor, f"select 1 from pg_namespace where nspname = {quote_literal(schema)}"):
            cursor.execute(f"create schema {quote_identifier(schema)}")
        for table in tables:
            there = columns_there(cursor, schema, table.name)
            wanted = [(column.name, _postgres_type(column.type)) for column in columns[table.name]]
            if not there:
                cursor.execute(_create_statement(schema, table, wanted))
            elif dict(there) != dict(wanted):
                raise PublishingError(difference(schema, table.name, there, wanted))
        if not columns_there(cursor, schema, PUBLICATION):
            cursor.execute(
                f"create table {_name(schema, PUBLICATION)} (part text primary key, as_of_date date, "
                "standard_version text, code_version text not null, fingerprint text not null)"
            )
        let_read(cursor, schema, readers)
    target.commit()


def _create_statement(schema: str, table: Table, columns: Sequence[tuple[str, str]]) -> str:
    name = _name(schema, table.name)
    listed = [f"{quote_identifier(column)} {type_name}" for column, type_name in columns]
    key = ", ".join(quote_identifier(column) for column in table.key)
    return f"create table {name} ({', '.join([*listed, f'primary key ({key})'])})"


def _replace(
    con: duckdb.DuckDBPyConnection,
    target: Any,
    schema: str,
    tables: Sequence[Table],
    columns: dict[str, tuple[Column, ...]],
    day: date | None,
    code_version: str,
) -> PostgresPart:
    """One transaction: the part's rows go and come in all tables, or in none."""
    part = day.isoformat() if day else AS_KNOWN_NOW
    of_day = [day] if day else None
    fingerprint, rows = content_fingerprint(con, tables, of_day)
    try:
        with target.cursor() as cursor:
            # Two runs publishing one part wait for each other instead of meeting at its primary keys.
            _rows(cursor, f"select pg_advisory_xact_lock(hashtext({quote_literal(f'strata {schema} {part}')}))")
            if _is_there(cursor, schema, tables, part, of_day, (fingerprint, code_version), rows):
                target.rollback()
                return PostgresPart(day, False, rows)
            for table in tables:
                cursor.execute(f"delete from {_name(schema, table.name)}{table.where(of_day)}")
                rows_of_part = read_rows(con, table, columns[table.name], day)
                cursor.adbc_ingest(table.name, rows_of_part, mode="append", db_schema_name=schema)
            publication = _name(schema, PUBLICATION)
            standard = standard_of(con, day) if day else None
            values = (part, part if day else None, standard, code_version, fingerprint)
            literals = ", ".join("null" if value is None else quote_literal(value) for value in values)
            cursor.execute(f"delete from {publication} where part = {quote_literal(part)}")
            cursor.execute(f"insert into {publication} values ({literals})")
        target.commit()
    except BaseException:
        target.rollback()
        raise
    return PostgresPart(day, True, rows)


def _delete_days(target: Any, schema: str, tables: Sequence[Table], days: Sequence[date]) -> None:
    """Delete days from all tables and from the publication, in one transaction."""
    if not days:
        return
    listed = ", ".join(quote_literal(day.isoformat()) for day in days)
    try:
        with target.cursor() as cursor:
            for table in tables:
                cursor.execute(f"delete from {_name(schema, table.name)}{table.where(days)}")
            cursor.execute(f"delete from {_name(schema, PUBLICATION)} where part in ({listed})")
        target.commit()
    except BaseException:
        target.rollback()
        raise


def _days_naming(target: Any, schema: str, customers: Sequence[int]) -> list[date]:
    """The days in whose segments one of `customers` stands."""
    if not customers:
        return []
    with target.cursor() as cursor:
        return [
            day
            for (day,) in _rows(
                cursor,
                f"select distinct as_of_date from {_name(schema, PublishedTable.CUSTOMER_SEGMENTS)} "
                f"where customer_id in ({', '.join(map(str, customers))})",
            )
        ]


def _is_there(
    cursor: Any,
    schema: str,
    tables: Sequence[Table],
    part: str,
    of_day: Sequence[date] | None,
    made_from: tuple[str, str],
    rows: dict[str, int],
) -> bool:
    """Whether the part stands there as it would be written. Rows are counted too: somebody may have emptied a table."""
    named = f"select fingerprint, code_version from {_name(schema, PUBLICATION)} where part = {quote_literal(part)}"
    if _rows(cursor, named) != [made_from]:
        return False
    counts = {
        table.name: _rows(cursor, f"select count(*) from {_name(schema, table.name)}{table.where(of_day)}")[0][0]
        for table in tables
    }
    return counts == rows


def columns_there(cursor: Any, schema: str, table: str) -> list[tuple[str, str]]:
    """Name and type of each column of a table there, in order; none where there is no such table."""
    return _rows(
        cursor,
        "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a "
        "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
        f"where n.nspname = {quote_literal(schema)} and c.relname = {quote_literal(table)} "
        "and a.attnum > 0 and not a.attisdropped order by a.attnum",
    )


def difference(schema: str, table: str, there: Sequence[tuple[str, str]], wanted: Sequence[tuple[str, str]]) -> str:
    """What keeps a table there from being written to, and what to do about it."""
    has, needs = dict(there), dict(wanted)
    faults = [
        *(f"{name} is missing" for name in needs if name not in has),
        *(f"{name} is not published" for name in has if name not in needs),
        *(
            f"{name} is {has[name]}, published as {needs[name]}"
            for name in needs
            if has.get(name, needs[name]) != needs[name]
        ),
    ]
    return (
        f"The PostgreSQL table {schema}.{table} differs from what is published: {'; '.join(faults)}. Rename or drop it "
        f"and publish again: it is created anew, and `strata backfill` fills its earlier days."
    )


def _rows(cursor: Any, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _name(schema: str, table: str) -> str:
    return f"{quote_identifier(schema)}.{quote_identifier(table)}"


def _postgres_type(type_name: str) -> str:
    if type_name.startswith("DECIMAL"):
        return "numeric" + type_name.removeprefix("DECIMAL")
    return _TYPES[type_name]
