"""Opening the published serving copy for a reader: which days and tables it holds, and which customer is meant.

Takes no lock and never waits: a run that publishes meanwhile switches to a new file, this one stays as it was opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.errors import StrataError
from dagster_project.settings import Settings

LISTED_AT_MOST = 5


class ReadingError(StrataError):
    """The serving copy is not there, or does not hold what is asked for."""


@dataclass(frozen=True)
class FoundCustomer:
    """A customer and all its references, as `source:reference`.

    `is_absorbed` says that the number asked for belongs to another customer now; `also_reference` are references that
    read like the number asked for and belong to somebody else.
    """

    customer_id: int
    references: tuple[str, ...]
    is_absorbed: bool = False
    also_reference: tuple[str, ...] = ()


@contextmanager
def opened_serving_copy(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The serving copy, open for reading.

    Raises:
        ReadingError: there is none, or it cannot be read.
    """
    path: Path = settings.paths.published / "serving" / "strata.duckdb"
    if not path.is_file():
        cure = (
            "`strata run` writes it."
            if settings.publishing.serving_copy.enabled
            else "Set serving_copy.enabled to true in publishing.yaml, then publish with `strata run`."
        )
        raise ReadingError(f"There is no published copy to read at {path}. {cure}")
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise ReadingError(f"{path} cannot be read: {error}. The next `strata run` writes it anew.") from None
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


def held_tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Tables and views of the copy."""
    rows = con.execute("select table_name from information_schema.tables where table_schema = 'main'").fetchall()
    return {name for (name,) in rows}


def chosen_day(con: duckdb.DuckDBPyConnection, asked: date | None) -> date:
    """`asked` where the copy holds it, without it the newest day.

    Raises:
        ReadingError: no day, or not this one, is stored; names the nearest stored days.
    """
    rows = con.execute("select as_of_date from publication where as_of_date is not null order by 1").fetchall()
    days: list[date] = [day for (day,) in rows]
    if not days:
        raise ReadingError("No day is published yet; `strata run` builds one.")
    if asked is None:
        return max(days)
    if asked in days:
        return asked
    near = [str(day) for day in (*[d for d in days if d < asked][-1:], *[d for d in days if d > asked][:1])]
    nearest = f"the nearest stored days are {' and '.join(near)}" if len(near) > 1 else f"the nearest is {near[0]}"
    raise ReadingError(f"{asked} is not stored; {nearest}. `strata backfill --from {asked} --to {asked}` builds it.")


def published_versions(settings: Settings) -> dict[date, str]:
    """The version of the standard of each published day, rising; empty where nothing is published."""
    try:
        with opened_serving_copy(settings) as con:
            rows = con.execute(
                "select as_of_date, standard_version from publication where standard_version is not null order by 1"
            ).fetchall()
    except ReadingError:
        return {}
    return dict(rows)


def find_customer(con: duckdb.DuckDBPyConnection, asked: str) -> FoundCustomer:
    """Who is meant by a customer_id, by `source:reference`, or by a reference that only one source has.

    A number is a customer_id first. One that was absorbed by a link leads to the customer it belongs to now.

    Raises:
        ReadingError: nobody is, or several are.
    """
    asked = asked.strip()
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        registered = con.execute(
            "select customer_id from customer_aliases where registry_id = $number or customer_id = $number "
            "order by customer_id <> $number limit 1",
            {"number": int(asked)},
        ).fetchone()
        if registered is not None:
            customer_id = int(registered[0])
            also = [name for name, other in _with_reference(con, asked) if other != customer_id]
            return FoundCustomer(
                customer_id, _references_of(con, customer_id), customer_id != int(asked), tuple(also[:LISTED_AT_MOST])
            )
    source, colon, reference = asked.partition(":")
    named = con.execute(
        "select customer_id from customer_aliases where source = ? and customer_ref = ?", [source, reference]
    ).fetchone()
    if colon and named is not None:
        return FoundCustomer(int(named[0]), _references_of(con, int(named[0])))
    with_reference = _with_reference(con, asked)
    customers = {customer_id for _, customer_id in with_reference}
    if len(customers) > 1:
        names = [f"{name} (customer {customer_id})" for name, customer_id in with_reference]
        raise ReadingError(
            f"{asked} is a reference of {len(customers)} customers: {', '.join(names)}. Name the source."
        )
    if not customers:
        sources = [
            name for (name,) in con.execute("select distinct source from customer_aliases order by 1").fetchall()
        ]
        raise ReadingError(
            f"{asked} is no customer. Give a customer_id, or a reference as it stands in a source: "
            f"{', '.join(f'{name}:…' for name in sources)}."
        )
    return FoundCustomer(customers.pop(), _references_of(con, with_reference[0][1]))


def _with_reference(con: duckdb.DuckDBPyConnection, reference: str) -> list[tuple[str, int]]:
    """(source:reference, customer) of every source that has the reference."""
    rows = con.execute(
        "select source || ':' || customer_ref, customer_id from customer_aliases where customer_ref = ? order by 1",
        [reference],
    ).fetchall()
    return [(str(name), int(customer_id)) for name, customer_id in rows]


def _references_of(con: duckdb.DuckDBPyConnection, customer_id: int) -> tuple[str, ...]:
    rows = con.execute(
        "select source || ':' || customer_ref from customer_aliases where customer_id = ? order by 1", [customer_id]
    ).fetchall()
    return tuple(str(name) for (name,) in rows)
