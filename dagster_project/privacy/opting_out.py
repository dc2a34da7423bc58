"""A person's objection to profiling, taken at once: recorded, and their stored classes and contacts removed.

What is published of them, and the lists that name them, are written anew by the caller. The days to come are dbt's.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date, datetime

import duckdb
import pyarrow.compute as pc

from dagster_project.errors import StrataError
from dagster_project.privacy.objections import record_choice
from dagster_project.privacy.people import Person, find_person
from dagster_project.publishing.assignments import read_listings
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.warehouse import opened
from dagster_project.warehouse.objections import remove_classes


def find_and_record(settings: Settings, asked: str, *, is_granted: bool, at: datetime, who: str) -> Person:
    """Record for whoever `asked` names that they object to profiling from `at` on, or (`is_granted`) do so no longer.

    Raises:
        StrataError: nobody is meant, several are, or no run has numbered them yet.
    """
    with _connected(settings, who) as con:
        person = find_person(con, settings, asked)
        if min(person.keys.registry_ids) < 0:
            raise StrataError(f"{person.title} has landed and is not numbered yet. Run `strata run` first.")
        record_choice(settings.paths, person.keys.registry_ids, is_granted=is_granted, at=at, who=who)
    return person


def remove_profile(con: duckdb.DuckDBPyConnection, person: Person, *, since: date) -> int:
    """Remove the person's classes of all stored days and the contacts that lists are written with; gives the rows.

    The objection is noted as the models will note it, so that targets know of it before the next run.
    """
    customer_id = person.customer_id
    con.execute("create schema if not exists intermediate")
    con.execute(
        "create table if not exists intermediate.int_profiling_objections "
        "(customer_id bigint, valid_from date, valid_to date, is_standing boolean)"
    )
    con.execute(
        "insert into intermediate.int_profiling_objections by name select ? as customer_id, ? as valid_from, "
        "date '9999-12-31' as valid_to, true as is_standing",
        [customer_id, since],
    )
    con.execute("delete from personal.customer_contacts where customer_id = ?", [customer_id])
    return remove_classes(con, person.keys.customer_ids)


def days_listed(paths: Paths, person: Person) -> list[date]:
    """The days on whose lists the person stands, of those whose files are still there."""
    listed = read_listings(paths)
    own = listed.filter(pc.is_in(listed["registry_id"], value_set=pc.cast(list(person.keys.registry_ids), "int64")))
    return sorted(day for day in set(own["listed_on"].to_pylist()) if (paths.lists / day.isoformat()).is_dir())


def _connected(settings: Settings, who: str) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The warehouse, or a database in memory where there is none yet."""
    if not settings.paths.warehouse.exists():
        return duckdb.connect(":memory:")
    return opened(settings.paths.warehouse, who=who, wait_seconds=settings.environment.warehouse_wait_seconds)
