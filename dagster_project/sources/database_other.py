"""MySQL, SQLite and whatever else SQLAlchemy has a dialect for: rows streamed by the driver, turned into Arrow as text.

Landing reads text exactly as it reads a CSV file, so that no driver's idea of a number or a time comes between.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import exc

from dagster_project.settings.environment import secret_variable
from dagster_project.settings.sources import DatabaseSource, TableRead
from dagster_project.sources.database import TOGETHER, WATERMARK, Database, Rising, Selection
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.tries import tries

BATCH_ROWS = 10_000
MYSQL = ("mysql", "mariadb")
# What MySQL's servers say to a user, password or database that is not as the address says; trying again is no use.
MYSQL_REFUSALS = (1044, 1045, 1049, 1130, 1227, 1698)
MYSQL_MAY_NOT_READ = (1142, 1143)
MYSQL_TIMED_OUT = (3024, 1969)
MYSQL_TIMESTAMP = 7  # the driver's type code; DATETIME, which knows no zone, is 12
WATERMARK_TYPES: Mapping[Rising, pa.DataType] = {
    Rising.INSTANT: pa.timestamp("us", tz="UTC"),
    Rising.TIME: pa.timestamp("us"),
    Rising.DATE: pa.date32(),
    Rising.NUMBER: pa.string(),
    Rising.TEXT: pa.string(),
}


@contextmanager
def connected(source: DatabaseSource, url: str, where: str) -> Iterator[Database]:
    """The database, within one read-only transaction where the system has such, rolled back at the end.

    Raises:
        SourceUnavailable: it does not answer, after as many tries as the source's settings allow, or the connection
            broke.
        SourceError: it refuses, or its driver is not installed.
    """
    where = f"{where} ({secret_variable(source.name, 'url')})"
    engine = _engine(source, url, where)
    try:
        connection = _connect(engine, source, where)
        with connection:
            yield _Other(connection, where)
    except exc.DBAPIError as error:
        raise _told(where, error) from None
    except exc.SQLAlchemyError as error:
        raise SourceError(f"{where}: the database cannot be read ({type(error).__name__}).") from None
    finally:
        engine.dispose()


class _Other:
    """The questions of a pull, in the dialect of the system."""

    def __init__(self, connection: sa.Connection, where: str) -> None:
        self._connection, self._where = connection, where
        self._preparer = connection.dialect.identifier_preparer

    def relation(self, read: TableRead) -> str:
        if read.table is not None:
            return ".".join(self._preparer.quote_identifier(part) for part in read.table.split("."))
        return f"({(read.query or '').strip().rstrip(';')}\n) pulled"

    def columns(self, relation: str) -> tuple[str, ...]:
        nothing = sa.select(sa.text("*")).select_from(_text(relation)).where(sa.text("1 = 0"))
        with self._connection.execute(nothing) as result:
            return tuple(dict.fromkeys(result.keys()))

    def rising(self, relation: str, column: str) -> Rising | None:
        asked = sa.select(_column(column)).select_from(_text(relation)).where(_column(column).is_not(None)).limit(1)
        value = self._connection.execute(asked).scalar()
        if value is None:
            return None
        if isinstance(value, datetime):
            return Rising.TIME if value.tzinfo is None else Rising.INSTANT
        if isinstance(value, date):
            return Rising.DATE
        if isinstance(value, int | Decimal):
            return Rising.NUMBER
        if isinstance(value, str) and self._connection.dialect.name == "sqlite" and _is_iso_time(value):
            return Rising.TEXT
        raise SourceError(
            f"{self._where}: {column} holds no times, dates or whole numbers and can be no watermark. Cast it in a "
            "query."
        )

    def lacks(self, relation: str, column: str) -> bool:
        asked = sa.select(sa.literal(1)).select_from(_text(relation)).where(_column(column).is_(None)).limit(1)
        return self._connection.execute(asked).first() is not None

    def differs_within(self, relation: str, column: str, together: str) -> bool:
        rises = _column(column)
        asked = (
            sa.select(sa.literal(1))
            .select_from(_text(relation))
            .group_by(_column(together))
            .having(sa.func.min(rises) != sa.func.max(rises))
            .limit(1)
        )
        return self._connection.execute(asked).first() is not None

    def batches(self, relation: str, selection: Selection) -> Iterator[pa.RecordBatch]:
        extra: list[tuple[str, pa.DataType]] = []
        if selection.watermark is not None and selection.rising is not None:
            extra.append((WATERMARK, WATERMARK_TYPES[selection.rising]))
        if selection.together is not None:
            extra.append((TOGETHER, pa.string()))
        schema = pa.schema([*((name, pa.string()) for name in selection.columns), *extra])
        streamed = self._connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
        with streamed.execute(selecting(relation, selection)) as result:
            instants = self._instants(result)
            for rows in result.partitions(BATCH_ROWS):
                arrays = []
                for place, (field, values) in enumerate(zip(schema, zip(*rows, strict=True), strict=True)):
                    if pa.types.is_string(field.type):
                        texts = [_as_text(value, is_utc=place in instants) for value in values]
                        arrays.append(pa.array(texts, pa.string()))
                    else:
                        arrays.append(pa.array(values, field.type))
                yield pa.record_batch(arrays, schema=schema)

    def _instants(self, result: sa.CursorResult[Any]) -> frozenset[int]:
        """Places of columns whose times without a zone are in the session's, which is UTC."""
        if self._connection.dialect.name not in MYSQL:
            return frozenset()
        description = result.cursor.description if result.cursor is not None else ()
        return frozenset(place for place, column in enumerate(description) if column[1] == MYSQL_TIMESTAMP)


def selecting(relation: str, selection: Selection) -> sa.Select[Any]:
    """A selection as a statement that SQLAlchemy writes for any of its dialects."""
    columns: list[sa.ColumnElement[Any]] = [_column(name) for name in selection.columns]
    order = []
    if selection.watermark is not None and selection.rising is not None:
        columns.append(_column(selection.watermark).label(WATERMARK))
        order.append(_column(selection.watermark))
    if selection.together is not None:
        columns.append(_column(selection.together).label(TOGETHER))
        order.append(_column(selection.together))
    order += [_column(name) for name in selection.settled_by]
    asked = sa.select(*columns).select_from(_text(relation)).order_by(*order)
    if selection.watermark is not None and selection.since is not None:
        asked = asked.where(_column(selection.watermark) >= sa.literal(_bound(selection.since)))
    return asked if selection.limit is None else asked.limit(selection.limit)


def _bound(value: Any) -> Any:
    """A watermark as drivers take it: SQLite's knows no decimal numbers."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def _engine(source: DatabaseSource, url: str, where: str) -> sa.Engine:
    try:
        address = sa.make_url(url)
        name = address.get_backend_name()
        arguments: dict[str, Any] = {}
        if name in MYSQL and address.get_driver_name() == "pymysql":
            arguments = {"connect_timeout": source.connect_timeout_seconds}
            if source.statement_timeout_seconds:
                arguments["read_timeout"] = source.statement_timeout_seconds
        engine = sa.create_engine(address, poolclass=sa.NullPool, hide_parameters=True, connect_args=arguments)
    except exc.NoSuchModuleError:
        raise SourceError(f"{where}: no database driver knows addresses such as this one's beginning.") from None
    except (exc.ArgumentError, ValueError):
        raise SourceError(
            f"{where} is no database address; write postgresql://user:password@host/database or mysql+pymysql://…, "
            "with signs such as @ and / in the password as %40 and %2F."
        ) from None
    except ModuleNotFoundError as error:
        cure = f"install {error.name}"
        if url.startswith(MYSQL):
            cure = "write mysql+pymysql://…, which pip install 'customer-strata[mysql]' makes possible"
        raise SourceError(f"{where}: the driver {error.name} is not installed; {cure}.") from None
    # Opening an SQLite file that is not there would make an empty one.
    if name == "sqlite" and not (address.database and Path(address.database).is_file()):
        raise SourceError(f"{where}: there is no SQLite file where the address says.")
    return engine


def _connect(engine: sa.Engine, source: DatabaseSource, where: str) -> sa.Connection:
    for attempt in tries(source.attempts, source.longest_wait_seconds):
        with attempt:
            try:
                connection = engine.connect()
                _begin_reading(connection)
            except exc.DBAPIError as error:
                if _number(error) in MYSQL_REFUSALS:
                    raise SourceError(
                        f"{where}: the database refuses the connection: the user, the password, the database or its "
                        "access rules are not as the address says."
                    ) from None
                raise SourceUnavailable(
                    f"{where}: the database does not answer at this address. The next run goes on where the last one "
                    "ended; see whether the address is right and the server can be reached from here."
                ) from None
            return connection
    raise AssertionError("it is tried at least once")


def _begin_reading(connection: sa.Connection) -> None:
    """One state of the data for the whole read, nothing written, times in UTC; as far as the system has the words."""
    name = connection.dialect.name
    if name in MYSQL:
        connection.exec_driver_sql("set session transaction isolation level repeatable read, read only")
        connection.exec_driver_sql("set session time_zone = '+00:00'")
        connection.exec_driver_sql("start transaction with consistent snapshot, read only")
    elif name == "sqlite":
        connection.exec_driver_sql("pragma query_only = on")
        connection.exec_driver_sql("begin")


def _told(where: str, error: exc.DBAPIError) -> SourceError:
    number = _number(error)
    if number in MYSQL_TIMED_OUT:
        return SourceError(
            f"{where}: reading took longer than the server allows. An index on the watermark column makes it quick."
        )
    if number in MYSQL_MAY_NOT_READ:
        return SourceError(f"{where}: the user may not read it. Grant it select on the table.")
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return SourceUnavailable(f"{where}: the connection broke. The next run goes on where this one ended.")
    if type(error.orig).__module__ == "sqlite3":
        return SourceError(f"{where}: SQLite refuses the query: {str(error.orig).splitlines()[0]}.")
    said = f"error {number}" if number is not None else type(error.orig).__name__
    return SourceError(f"{where}: the database refuses the query ({said}).")


def _number(error: exc.DBAPIError) -> int | None:
    given = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return given if isinstance(given, int) else None


def _text(relation: str) -> sa.TextClause:
    """The relation as it is: a colon in it names no parameter."""
    return sa.text(relation.replace(":", r"\:"))


def _column(name: str) -> sa.ColumnClause[Any]:
    return sa.column(sa.quoted_name(name, quote=True))


def _is_iso_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _as_text(value: Any, *, is_utc: bool) -> str | None:
    """A value as a CSV file would hold it; numbers with all their digits and no exponent."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(int(value)) if value.is_integer() else Decimal(repr(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") + ("+00:00" if is_utc and value.tzinfo is None else "")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
