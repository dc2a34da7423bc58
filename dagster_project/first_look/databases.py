"""The tables of a database, and their first rows, for a first look. How a database is asked is sources'."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from dagster_project.errors import StrataError
from dagster_project.first_look.reading import Looked, NotRead, look_at_relation
from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import ColumnSpec, DatabaseSource, FileForm, TableRead
from dagster_project.sources.database import POSTGRES_SCHEMES, Database, Selection, connected
from dagster_project.sources.files import SourceColumn
from dagster_project.sql_text import quote_identifier

DATABASE = "database"
# The first rows show what a column is; a table of a hundred million is not read for it.
FIRST_ROWS = 20_000
MOST_TABLES = 200
FILE_PROTOCOLS = ("s3", "gs", "oss", "az", "sftp", "http", "https", "file")
_OWN_SCHEMAS = "'pg_catalog', 'information_schema', 'mysql', 'performance_schema', 'sys'"
# What lists the tables and views, by the beginning of the address; the others are asked as the standard says.
LISTINGS = {
    "postgresql": (
        "select case when table_schema = current_schema() then '' else table_schema || '.' end || table_name as name "
        f"from information_schema.tables where table_schema not in ({_OWN_SCHEMAS}) order by 1"
    ),
    "sqlite": "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by 1",
    "mysql": "select table_name as name from information_schema.tables where table_schema = database() order by 1",
}
_ANY = {"product_id": ColumnSpec(names=("product_id",))}


def is_database(name: str) -> bool:
    """Whether a name is the address of a database rather than of files."""
    protocol, mark, _ = name.partition("://")
    return bool(mark) and protocol.partition("+")[0].lower() not in FILE_PROTOCOLS


def shown_address(name: str) -> str:
    """A name without what an address holds of a user, a password or a signature."""
    protocol, mark, rest = name.partition("://")
    return f"{protocol}://{rest.rpartition('@')[2].partition('?')[0]}" if mark else Path(name).name


def look_at_database(
    con: duckdb.DuckDBPyConnection,
    url: str,
    data: Path,  # noqa: ARG001  (as look_at_file is called)
    temporary: Path,  # noqa: ARG001
    secrets: Secrets,  # noqa: ARG001
    *,
    prefer_day_first: bool | None,
    now: datetime,
) -> Iterator[Looked | NotRead]:
    """Its tables and views, by their first rows. `con` holds these after."""
    where = shown_address(url)
    listing = TableRead(entity="products", query=_listing(url), columns=_ANY)
    # Somebody sits before it: that nothing answers is said at once, not after five tries and 17 seconds.
    source = DatabaseSource(name=DATABASE, kind="database", reads=(listing,), attempts=1)
    try:
        with connected(source, url, where) as database:
            names = [str(row["name"]) for row in _rows(database, listing, ("name",), MOST_TABLES + 1).to_pylist()]
            if len(names) > MOST_TABLES:
                yield NotRead(where, f"only the first {MOST_TABLES} of its tables were looked at")
            for name in names[:MOST_TABLES]:
                read = TableRead(entity="products", table=name, columns=_ANY)
                columns = database.columns(database.relation(read))
                rows = _rows(database, read, columns, FIRST_ROWS)
                yield _looked(con, name, rows, prefer_day_first=prefer_day_first, now=now)
    except StrataError as error:
        yield NotRead(where, str(error))


def _listing(url: str) -> str:
    scheme = url.partition("://")[0].partition("+")[0].lower()
    kind = "postgresql" if scheme in POSTGRES_SCHEMES else "mysql" if scheme == "mariadb" else scheme
    return LISTINGS.get(kind, "select table_name as name from information_schema.tables")


def _rows(database: Database, read: TableRead, columns: tuple[str, ...], limit: int) -> pa.Table:
    batches = list(database.batches(database.relation(read), Selection(columns, limit=limit)))
    return (
        pa.Table.from_batches(batches) if batches else pa.table({name: pa.array([], pa.string()) for name in columns})
    )


def _looked(
    con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, *, prefer_day_first: bool | None, now: datetime
) -> Looked:
    con.register("database_rows", rows)
    try:
        described = con.execute("describe select * from database_rows").fetchall()
        columns = [SourceColumn(column, quote_identifier(column), kind) for column, kind, *_ in described]
        count, profiles, relation = look_at_relation(
            con, "select * from database_rows", columns, prefer_day_first=prefer_day_first, now=now
        )
    finally:
        con.unregister("database_rows")
    return Looked(
        name=name,
        path=name,
        form=FileForm(),
        rows=count,
        columns=profiles,
        told="table",
        table=name,
        is_whole=count < FIRST_ROWS,
        relation=relation,
    )
