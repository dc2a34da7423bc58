"""The models over rows in memory, without dbt: for tests that classify many small companies.

Compiled once a session of tests, then a company takes as long as its SQL. That the tables are dbt's own is proved in
unit/test_compiled_models.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
from warehouse_builder import WarehouseBuilder

from dagster_project.identity import link
from dagster_project.landing import Manifest
from dagster_project.measurement import measure_lift
from dagster_project.settings import Settings
from dagster_project.warehouse.compiled_models import CompiledProject, compile_project
from dagster_project.warehouse.control import write_control
from dagster_project.warehouse.landed import attach


@dataclass
class CompiledWarehouse(WarehouseBuilder):
    """A WarehouseBuilder in memory. Every build replaces all tables; only registers of ids and standards are files.

    `compiled` is where the compiled models are kept: give all warehouses of a session the same folder.
    """

    compiled: Path = field(kw_only=True)

    def __post_init__(self) -> None:
        # A handful of rows: two threads take half as long again.
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        super().__post_init__()

    @cached_property
    def project(self) -> CompiledProject:
        return compile_project(self.settings, self.compiled)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection to the one database in memory, for one `with` block."""
        con = self._database.cursor()
        con.execute("set TimeZone = 'UTC'")
        return con

    def close(self) -> None:
        """Drop the database."""
        self._database.close()

    def build(self, days: Sequence[date], *, issue_list_for: date | None = None, full_refresh: bool = True) -> None:
        """Stage, link, and classify `days`; what an earlier build made is replaced."""
        project = self.project
        staging = [name for name, model in project.models.items() if model.schema == "staging"]
        with self.connect() as con:
            project.build(con, select=staging)
            link(con, paths=self.settings.paths)
            write_control(con, settings=self.settings, manifest=self.manifest, days=days, issue_list_for=issue_list_for)
            project.build(con, given=staging)
            con.execute("drop table if exists marts.reactivation_lift")
            measure_lift(con, self.settings.publishing.measurement, days)


def copy_what_was_staged(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Give `con` the tables up to who is who of a warehouse that a run has built, for models to be built upon."""
    con.execute(f"set TimeZone = 'UTC'; attach '{settings.paths.warehouse}' as built (read_only)")
    for schema, table in con.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = 'built' "
        "and table_schema in ('landing', 'staging', 'identity')"
    ).fetchall():
        con.execute(f"create schema if not exists {schema}")
        con.execute(f"create table {schema}.{table} as from built.{schema}.{table}")


def build_from_landed(
    con: duckdb.DuckDBPyConnection, settings: Settings, compiled: Path, days: Sequence[date]
) -> CompiledProject:
    """All models of `days` in one run, from nothing but what has landed; no list is issued. Gives the models."""
    project = compile_project(settings, compiled)
    staging = [name for name, model in project.models.items() if model.schema == "staging"]
    manifest = Manifest.load(settings.paths)
    con.execute("set TimeZone = 'UTC'")
    attach(con, manifest)
    project.build(con, select=staging)
    business = settings.sources.business
    link(con, paths=settings.paths, identity=settings.sources.identity, time_zone=business.time_zone)
    write_control(con, settings=settings, manifest=manifest, days=days)
    project.build(con, given=staging)
    return project
