"""`strata upgrade`: what an older warehouse needs, and the new one that is built beside it and takes its place whole.

    warehouse/strata.duckdb           the older one, untouched until the new one is whole
    warehouse/upgrade/strata.duckdb   the new one, from landed batches, some days a run
    warehouse/upgrade/plan.json       which days it is to hold; there from the first step to the last

Readers have the published copies meanwhile, which are switched when every day is built. A killed upgrade goes on: what
is built is not built again. What builds the days is not known here.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.atomic_files import PRIVATE_FILE, private_folder, written_beside
from dagster_project.landing import Manifest
from dagster_project.publishing.assignments import read_listings
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.sql_text import quote_identifier
from dagster_project.warehouse.control_tables import create_kept_tables
from dagster_project.warehouse.schema_version import (
    differences,
    note_version,
    noted_version,
    refuse_newer,
    version_now,
)

FOLDER = "upgrade"
PLAN = "plan.json"
# What brings a warehouse to a version from the one before, where it stands. Version 1 is the first that is noted: the
# class of segment_history was once promised not to be empty, which refused rows that the same run deletes again.
MIGRATIONS: Mapping[int, Sequence[str]] = {1: ("alter table marts.segment_history alter class drop not null",)}
_TABLES_OF_DAYS = (("control", "snapshot_builds"), ("control", "history_days"), ("marts", "customer_segments"))


@dataclass(frozen=True)
class Standing:
    """What there is to upgrade: the version noted in the warehouse, how its tables differ, the days to build again.

    `left_out` are days before history starts by the settings of now, which no run can build.
    """

    version: int | None
    differences: list[str]
    days: list[date]
    left_out: list[date]

    @property
    def is_current(self) -> bool:
        return self.version == version_now()

    @property
    def version_named(self) -> str:
        return "of before versions" if self.version is None else f"of version {self.version}"


@dataclass(frozen=True)
class Plan:
    """An upgrade that was begun: to which version, and the days to build, rising."""

    version: int
    days: tuple[date, ...]


def standing(con: duckdb.DuckDBPyConnection, settings: Settings) -> Standing:
    """What the warehouse needs.

    Raises:
        OtherVersion: it is newer than this code.
    """
    refuse_newer(con, settings.paths.warehouse)
    days = computed_days(con)
    starts_on = settings.sources.business.history_starts_on
    return Standing(
        version=noted_version(con),
        differences=differences(con),
        days=[day for day in days if day >= starts_on],
        left_out=[day for day in days if day < starts_on],
    )


def migrate(con: duckdb.DuckDBPyConnection) -> None:
    """Bring a warehouse whose tables have the columns of this version to this version, in one transaction."""
    there = {name for (name,) in con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()}
    con.begin()
    try:
        for version in range((noted_version(con) or 0) + 1, version_now() + 1):
            for statement in MIGRATIONS.get(version, ()):
                if statement.split()[2] in there:
                    con.execute(statement)
        note_version(con)
        con.commit()
    except BaseException:
        con.rollback()
        raise


def computed_days(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Every day that the warehouse has computed, stored or thinned since, rising; also of before days were noted."""
    there = {
        (schema, table)
        for schema, table in con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
    }
    days: set[date] = set()
    for schema, table in _TABLES_OF_DAYS:
        if (schema, table) in there:
            name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
            days.update(day for (day,) in con.execute(f"select distinct as_of_date from {name}").fetchall())
    return sorted(days)


def listed_days(paths: Paths) -> list[date]:
    """The days for which a list was issued, rising: their rows are drawn from the assignments, not walked again."""
    return sorted(set(read_listings(paths)["listed_on"].to_pylist()))


def upgrade_folder(paths: Paths) -> Path:
    """Where the new warehouse is built; there only while an upgrade is under way."""
    return paths.data / "warehouse" / FOLDER


def read_plan(paths: Paths) -> Plan | None:
    """The upgrade that was begun; None where there is none to go on with.

    One to another version is none, and one from batches that were rewritten since: who was erased would stay in it.
    """
    file = upgrade_folder(paths) / PLAN
    if not file.exists():
        return None
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if document["version"] != version_now() or document["rewritings"] != _rewritings(paths):
        return None
    return Plan(document["version"], tuple(date.fromisoformat(day) for day in document["days"]))


def begin(paths: Paths, days: Sequence[date]) -> Plan:
    """Write down what is to be built; what an upgrade that is not gone on with has left goes."""
    clear(paths)
    plan = Plan(version_now(), tuple(sorted(days)))
    document = {
        "version": plan.version,
        "rewritings": _rewritings(paths),
        "days": [day.isoformat() for day in plan.days],
    }
    with written_beside(private_folder(upgrade_folder(paths)) / PLAN, mode=PRIVATE_FILE) as beside:
        beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return plan


def _rewritings(paths: Paths) -> int:
    """How often files of landing were written anew, by erasures and by age."""
    return sum(len(batch.before_erasures) for batch in Manifest.load(paths).batches)


def of_the_new_warehouse(settings: Settings) -> Settings:
    """The same settings, working on the warehouse that is being built."""
    file = upgrade_folder(settings.paths) / settings.paths.warehouse.name
    return replace(settings, paths=replace(settings.paths, warehouse_file=file))


def days_left(con: duckdb.DuckDBPyConnection, plan: Plan) -> list[date]:
    """The days of the plan that are not built yet, rising: a day is noted when all of its tables are written."""
    create_kept_tables(con)
    done = {day for (day,) in con.execute("select as_of_date from control.history_days").fetchall()}
    return [day for day in plan.days if day not in done]


def switch(settings: Settings) -> None:
    """Put the new warehouse, whole and closed, in the place of the old one. The caller holds both."""
    new, old = of_the_new_warehouse(settings).paths.warehouse, settings.paths.warehouse
    for file in (new, old):
        # A write-ahead log of the old file would be taken for the new one's.
        with duckdb.connect(file) as con:
            con.execute("checkpoint")
        file.with_name(file.name + ".wal").unlink(missing_ok=True)
    new.replace(old)


def clear(paths: Paths) -> None:
    """Remove what an upgrade has left besides the warehouse that it made."""
    shutil.rmtree(upgrade_folder(paths), ignore_errors=True)
