"""Lists as tables: Parquet, and one table of PostgreSQL in a schema of its own, which readers of the marts cannot see.

Columns are named by the codes of the fields, values are the words of the list. A channel's rows hold the fields of its
list, the columns of others are empty.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import SecretStr

from dagster_project.publishing.list_rows import KINDS
from dagster_project.publishing.postgres_rights import keep_out
from dagster_project.publishing.spreadsheets import Kind
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.publishing import RESULT_FIELDS, ListField
from dagster_project.sql_text import quote_identifier, quote_literal

LISTS_TABLE = "lists"
EXPORTS_TABLE = "list_exports"
_TYPES: dict[Kind, tuple[pa.DataType, str]] = {
    Kind.TEXT: (pa.string(), "text"),
    Kind.INTEGER: (pa.int32(), "integer"),
    Kind.DECIMAL: (pa.decimal128(18, 2), "numeric(18,2)"),
    Kind.SHARE: (pa.decimal128(18, 6), "numeric(18,6)"),
    Kind.DAY: (pa.date32(), "date"),
}
_PLACE = pa.schema([("as_of_date", pa.date32()), ("campaign_id", pa.string()), ("channel", pa.string())])
# What people fill in comes back as list_results, not here. task_id tells rows apart, shown or not.
_FIELDS = tuple(field for field in ListField if field not in RESULT_FIELDS)


def list_table(
    listed: Sequence[Mapping[str, Any]], fields: Sequence[ListField], rows: Sequence[Sequence[Any]]
) -> pa.Table:
    """The rows of a channel's list with campaign and channel; `rows` hold the values of `fields` in words."""
    held = [field for field in fields if field not in RESULT_FIELDS]
    places = [fields.index(field) for field in held]
    schema = pa.schema(
        [
            *list(_PLACE)[1:],
            *(pa.field(field.value, _TYPES[KINDS[field]][0]) for field in held),
            *([] if ListField.TASK_ID in held else [pa.field(ListField.TASK_ID.value, pa.string())]),
        ]
    )
    dicts = [
        {
            "campaign_id": entry["campaign_id"],
            "channel": entry["channel"],
            ListField.TASK_ID.value: entry[ListField.TASK_ID.value],
            **{field.value: _typed(row[place], field) for field, place in zip(held, places, strict=True)},
        }
        for entry, row in zip(listed, rows, strict=True)
    ]
    return pa.Table.from_pylist(dicts, schema=schema)


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file; equal tables give equal bytes."""
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()


def publish_lists(
    url: SecretStr | None, schema: str, day: date, tables: Mapping[str, pa.Table], *, readers: Sequence[str] = ()
) -> None:
    """Make PostgreSQL hold the lists of `day`, by channel, in one transaction; what it holds already stays as it is.

    `readers`, who may read the other schema, get no right to this one.

    Raises:
        PublishingError: no address is set, the server cannot be reached or refuses, a table there has other columns, or
            a reader may enter the schema.
    """
    if url is None:
        raise PublishingError(
            "publishing.yaml enables lists.postgres, but the environment variable STRATA_POSTGRES_URL is not set. Set "
            "it to postgresql://user:password@host:5432/database, or set lists.postgres.enabled to false."
        )
    # ADBC takes 0.3 s to import, and most lists are files only.
    from dagster_project.publishing.postgres import connected

    lists, exports = (f"{quote_identifier(schema)}.{quote_identifier(name)}" for name in (LISTS_TABLE, EXPORTS_TABLE))
    rows = pa.concat_tables([_whole(day, table) for table in tables.values()])
    fingerprint = hashlib.sha256(parquet_bytes(rows)).hexdigest()
    of_day = f"where as_of_date = {quote_literal(day.isoformat())}"
    with connected(url) as target:
        with target.cursor() as cursor:
            _create(cursor, schema)
            keep_out(cursor, schema, readers)
        target.commit()
        try:
            with target.cursor() as cursor:
                # Two runs that write one day wait for each other instead of meeting at its primary key.
                _rows(cursor, f"select pg_advisory_xact_lock(hashtext({quote_literal(f'strata {schema} {day}')}))")
                there = _rows(
                    cursor,
                    f"select fingerprint, (select count(*) from {lists} {of_day}) from {exports} {of_day}",
                )
                if there == [(fingerprint, rows.num_rows)]:
                    target.rollback()
                    return
                cursor.execute(f"delete from {lists} {of_day}")
                if rows.num_rows:
                    cursor.adbc_ingest(LISTS_TABLE, rows, mode="append", db_schema_name=schema)
                cursor.execute(f"delete from {exports} {of_day}")
                values = f"{quote_literal(day.isoformat())}, {quote_literal(fingerprint)}"
                cursor.execute(f"insert into {exports} values ({values})")
            target.commit()
        except BaseException:
            target.rollback()
            raise


def _create(cursor: Any, schema: str) -> None:
    """The schema and its tables where absent, taken from everybody but their owner."""
    from dagster_project.publishing.postgres import columns_there, difference

    name = quote_identifier(schema)
    if not _rows(cursor, f"select 1 from pg_namespace where nspname = {quote_literal(schema)}"):
        cursor.execute(f"create schema {name}")
        cursor.execute(f"revoke all on schema {name} from public")
    wanted = [
        *(("as_of_date", "date"), ("campaign_id", "text"), ("channel", "text")),
        *((field.value, _TYPES[KINDS[field]][1]) for field in _FIELDS),
    ]
    tables = {
        LISTS_TABLE: (wanted, ("as_of_date", "task_id")),
        EXPORTS_TABLE: ([("as_of_date", "date"), ("fingerprint", "text")], ("as_of_date",)),
    }
    for table, (columns, key) in tables.items():
        there = columns_there(cursor, schema, table)
        if not there:
            listed = ", ".join(f"{quote_identifier(column)} {type_name}" for column, type_name in columns)
            cursor.execute(f"create table {name}.{quote_identifier(table)} ({listed}, primary key ({', '.join(key)}))")
            cursor.execute(f"revoke all on {name}.{quote_identifier(table)} from public")
        elif dict(there) != dict(columns):
            raise PublishingError(difference(schema, table, there, columns))


def _whole(day: date, table: pa.Table) -> pa.Table:
    """With a column for every field, in one order."""
    schema = pa.schema([*_PLACE, *(pa.field(field.value, _TYPES[KINDS[field]][0]) for field in _FIELDS)])
    columns = [
        pa.array([day] * table.num_rows, pa.date32())
        if field.name == "as_of_date"
        else table[field.name]
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _typed(value: Any, field: ListField) -> Any:
    if value is None or KINDS[field] is not Kind.TEXT:
        return value
    return str(value).replace("\0", "")  # PostgreSQL's text holds every character but this one


def _rows(cursor: Any, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
