"""PostgreSQL through ADBC: rows as Arrow batches as the server sends them, from one read-only snapshot.

Types that Arrow or landing would bend become text on the server. Nothing that a message of the server may quote (an
address, a value) gets into ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa

from dagster_project.settings.environment import secret_variable
from dagster_project.settings.sources import DatabaseSource, TableRead
from dagster_project.sources.database import TOGETHER, WATERMARK, Database, Rising, Selection
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.tries import tries
from dagster_project.sql_text import quote_identifier, quote_literal

BATCH_BYTES = 4 * 2**20
AS_THEY_ARE = ("smallint", "integer", "bigint", "boolean", "text", "character varying")
TIMES = {
    "timestamp with time zone": Rising.INSTANT,
    "timestamp without time zone": Rising.TIME,
    "date": Rising.DATE,
}
NUMBERS = ("smallint", "integer", "bigint", "numeric")
FLOATS = ("real", "double precision")
# A server that says one of these will take the connection later; any other FATAL is a refusal.
BUSY = ("starting up", "shutting down", "recovery mode", "not yet accepting", "too many", "remaining connection slots")
UNREACHED = ("08", "53", "57P")
TIMED_OUT = "57014"


@contextmanager
def connected(source: DatabaseSource, url: str, where: str) -> Iterator[Database]:
    """The database, within one repeatable, read-only transaction that is rolled back at the end.

    Raises:
        SourceUnavailable: it does not answer, after as many tries as the source's settings allow, or the connection
            broke.
        SourceError: it refuses.
    """
    where = f"{where} ({secret_variable(source.name, 'url')})"
    connection = _connect(source, url, where)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            cursor.execute("set local timezone = 'UTC'")
            cursor.execute("set local datestyle = 'ISO, YMD'")
            cursor.execute(f"set local statement_timeout = {source.statement_timeout_seconds * 1000}")
            yield _Postgres(cursor, source, where)
    except adbc_driver_manager.Error as error:
        raise _told(where, source, error.sqlstate, str(error)) from None


class _Postgres:
    """The questions of a pull as SQL."""

    def __init__(self, cursor: Any, source: DatabaseSource, where: str) -> None:
        self._cursor, self._source, self._where = cursor, source, where
        self._types: dict[str, dict[str, str]] = {}

    def relation(self, read: TableRead) -> str:
        if read.table is not None:
            return ".".join(quote_identifier(part) for part in read.table.split("."))
        return f"({(read.query or '').strip().rstrip(';')}\n) as pulled"

    def columns(self, relation: str) -> tuple[str, ...]:
        return tuple(self._types_of(relation))

    def rising(self, relation: str, column: str) -> Rising | None:
        type_name = self._types_of(relation)[column]
        if type_name in NUMBERS:
            return Rising.NUMBER
        if type_name not in TIMES:
            raise SourceError(
                f"{self._where}: {column} is of type {type_name}; a watermark is a time, a date or a whole number. "
                "Cast it in a query."
            )
        return TIMES[type_name]

    def lacks(self, relation: str, column: str) -> bool:
        name, type_name = quote_identifier(column), self._types_of(relation)[column]
        odd = ""
        if type_name in TIMES:
            odd = f" or {name} in ('infinity', '-infinity')"
        elif type_name == "numeric":
            odd = f" or {name}::text in ('NaN', 'Infinity', '-Infinity')"
        return self._is_true(f"exists (select 1 from {relation} where {name} is null{odd})")

    def differs_within(self, relation: str, column: str, together: str) -> bool:
        name, group = quote_identifier(column), quote_identifier(together)
        return self._is_true(
            f"exists (select 1 from {relation} group by {group} having min({name}) is distinct from max({name}))"
        )

    def batches(self, relation: str, selection: Selection) -> Iterator[pa.RecordBatch]:
        types = self._types_of(relation)
        columns = [f"{_sent(name, types[name])} as {quote_identifier(name)}" for name in selection.columns]
        order = []
        where = ""
        if selection.watermark is not None:
            name = quote_identifier(selection.watermark)
            kept = f"cast({name} as text)" if types[selection.watermark] == "numeric" else name
            columns.append(f"{kept} as {quote_identifier(WATERMARK)}")
            order.append(name)
            if selection.since is not None:
                where = f" where {name} >= {_literal(selection.since, selection.rising)}"
        if selection.together is not None:
            name = quote_identifier(selection.together)
            columns.append(f"cast({name} as text) as {quote_identifier(TOGETHER)}")
            order.append(name)
        order += [_sent(name, types[name]) for name in selection.settled_by]
        ordered = f" order by {', '.join(order)}" if order else ""
        limited = f" limit {selection.limit}" if selection.limit is not None else ""
        self._cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
        self._cursor.execute(f"select {', '.join(columns)} from {relation}{where}{ordered}{limited}")
        reader = self._cursor.fetch_record_batch()
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (OSError, pa.ArrowException) as error:  # a stream gives the server's words without their code
                code = TIMED_OUT if "statement timeout" in str(error) else None
                raise _told(self._where, self._source, code, str(error)) from None
            yield batch

    def _types_of(self, relation: str) -> dict[str, str]:
        if relation not in self._types:
            self._cursor.execute(f"select * from {relation} where false")
            names = self._cursor.fetch_record_batch().schema.names
            # An outer join gives the one row on which types can be asked, also of a query and of an empty table.
            asked = ", ".join(
                f"cast(pg_typeof(asked.{quote_identifier(name)}) as text)" for name in dict.fromkeys(names)
            )
            self._cursor.execute(
                f"select {asked} from (select 1) as one "
                f"left join (select * from {relation} where false) as asked on true"
            )
            self._types[relation] = dict(zip(dict.fromkeys(names), self._cursor.fetchall()[0], strict=True))
        return self._types[relation]

    def _is_true(self, condition: str) -> bool:
        self._cursor.execute(f"select {condition}")
        return bool(self._cursor.fetchall()[0][0])


def _sent(name: str, type_name: str) -> str:
    """SQL for a value as it is sent: exact, and readable without knowing PostgreSQL's types."""
    column = quote_identifier(name)
    if type_name in AS_THEY_ARE:
        return column
    if type_name in TIMES:
        return f"case when isfinite({column}) then {column} end"
    if type_name in FLOATS:
        odd = f"{column} in ('NaN', 'Infinity', '-Infinity')"
        return f"case when {odd} then {column}::text else {column}::text::numeric::text end"
    if type_name == "money":
        return f"{column}::numeric::text"
    return f"encode({column}, 'hex')" if type_name == "bytea" else f"{column}::text"


def _literal(value: Any, rising: Rising | None) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if not isinstance(value, date):
        raise TypeError(f"no watermark: {value!r}")
    type_name = {Rising.INSTANT: "timestamptz", Rising.TIME: "timestamp", Rising.DATE: "date"}[rising or Rising.DATE]
    return f"{type_name} {quote_literal(value.isoformat())}"


def _connect(source: DatabaseSource, url: str, where: str) -> Any:
    timed = f"{url}{'&' if '?' in url else '?'}connect_timeout={source.connect_timeout_seconds}"
    address = url if "connect_timeout=" in url else timed
    for attempt in tries(source.attempts, source.longest_wait_seconds):
        with attempt:
            try:
                return adbc_driver_postgresql.dbapi.connect(address)
            except adbc_driver_manager.Error as error:
                if "FATAL" in str(error) and not any(sign in str(error) for sign in BUSY):
                    raise SourceError(
                        f"{where}: PostgreSQL refuses the connection: the user, the password, the database or the "
                        "server's access rules (pg_hba.conf) are not as the address says."
                    ) from None
                raise SourceUnavailable(
                    f"{where}: PostgreSQL does not answer at this address. The next run goes on where the last one "
                    "ended; see whether the address is right and the server can be reached from here."
                ) from None
    raise AssertionError("it is tried at least once")


def _told(where: str, source: DatabaseSource, code: str | None, message: str) -> SourceError:
    """A fault of the database in our words: its own are kept only where they can name nothing but the query's parts."""
    if code == TIMED_OUT:
        return SourceError(
            f"{where}: reading took longer than statement_timeout_seconds ({source.statement_timeout_seconds}), or was "
            "cancelled there. An index on the watermark column makes it quick; else raise the limit."
        )
    if code == "42501":
        return SourceError(f"{where}: the user may not read it. Grant it select on the table and usage on its schema.")
    if code is not None and code.startswith("42"):
        said = re.search(r"ERROR:\s+([^\n]+)", message)
        return SourceError(f"{where}: PostgreSQL refuses the query: {said[1] if said else code}.")
    if code.startswith(UNREACHED) if code is not None else "ERROR:" not in message:
        return SourceUnavailable(
            f"{where}: the connection to PostgreSQL broke. The next run goes on where this one ended."
        )
    known = f" (SQLSTATE {code})" if code is not None else ""
    return SourceError(f"{where}: PostgreSQL could not give the rows{known}. Its own log says why.")
