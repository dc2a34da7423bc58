"""A real warehouse for tests of the models: typed rows in place of landed batches, then the real dbt build.

Landing has its own tests; here a test says directly what has landed. Everything lies below one folder.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pandas as pd

from dagster_project.contract.entities import ENTITIES
from dagster_project.forking import PARENT_OPTION
from dagster_project.identity import link
from dagster_project.landing import Manifest
from dagster_project.measurement import measure_lift
from dagster_project.settings import Paths, Settings, child_environment
from dagster_project.settings.environment import Environment
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import load_model
from dagster_project.warehouse.control import record_builds, write_control
from dagster_project.warehouse.dbt_manifest import dbt_executable
from dagster_project.warehouse.dbt_server import start
from dagster_project.warehouse.standard_register import register_standard

PROJECT = Path(__file__).resolve().parents[1]
LANDED_AT = datetime(2020, 1, 1, tzinfo=UTC)


@cache
def shipped_standard() -> Standard:
    """The standard that the project ships."""
    return load_model(PROJECT / "config" / "standards.yaml", Standard)


@dataclass
class WarehouseBuilder:
    """Rows go in by `land`, classes come out by `build` and `frame`."""

    folder: Path
    time_zone: str = "UTC"
    currency: str = "EUR"
    history_starts_on: date = date(2015, 1, 1)

    def __post_init__(self) -> None:
        paths = Paths(root=PROJECT, config=PROJECT / "config", data=self.folder)
        business = SimpleNamespace(
            time_zone=self.time_zone,
            currency=self.currency,
            history_starts_on=self.history_starts_on,
            exchange_rate_max_age_days=7,
            sample=None,
        )
        self.settings = Settings(
            paths=paths,
            environment=Environment(deployment=None, hash_key=None, postgres_url=None),
            sources=SimpleNamespace(business=business, entities=frozenset(ENTITIES)),  # type: ignore[arg-type]
            standard=shipped_standard(),
            publishing=load_model(PROJECT / "config" / "publishing.yaml", PublishingSettings),
        )
        self.manifest = Manifest(folder=paths.landing, batches=())
        paths.warehouse.parent.mkdir(parents=True, exist_ok=True)
        with self.connect() as con:
            con.execute("create schema landing")
            for name, entity in ENTITIES.items():
                _create(con, name, entity.arrow_schema())
                if (personal := entity.personal_schema()) is not None:
                    _create(con, f"{name}_personal", personal)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection for one `with` block."""
        con = duckdb.connect(str(self.settings.paths.warehouse))
        con.execute("set TimeZone = 'UTC'")
        return con

    def use_standards(self, standards: Iterable[Standard]) -> None:
        """Register standards, each holding from its effective_from on; the last one is the configured one."""
        for standard in standards:
            register_standard(self.settings.paths.standards, standard)
            self.settings = replace(self.settings, standard=standard)

    def land(self, entity: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Land rows as a batch of their own; lineage is filled in. A row may say that it `is_deleted`."""
        if not rows:
            return
        texts = [{name: _text(value) for name, value in {"is_deleted": False, **row}.items()} for row in rows]
        frame = pd.DataFrame(texts, dtype="string")
        with self.connect() as con:
            con.register("rows", frame)
            con.execute(
                f"""
                insert into landing.{entity} by name
                select
                    *,
                    'batch' as batch_id,
                    (select coalesce(max(batch_sequence), 0) + 1 from landing.{entity}) as batch_sequence,
                    timestamptz '{LANDED_AT.isoformat()}' as landed_at,
                    'rows' as source_file,
                    row_number() over () as row_number,
                    0 as row_hash
                from rows
                """
            )

    def build(self, days: Sequence[date], *, issue_list_for: date | None = None, full_refresh: bool = False) -> None:
        """Stage, link, and classify `days` in one run."""
        refresh = ["--full-refresh"] if full_refresh else []
        self.dbt("build", "--select", "path:models/staging", *refresh)
        with self.connect() as con:
            link(con, paths=self.settings.paths)
            computed = write_control(
                con, settings=self.settings, manifest=self.manifest, days=days, issue_list_for=issue_list_for
            )
        exclude = ["path:models/staging"] if issue_list_for else ["path:models/staging", "tag:list"]
        self.dbt("build", "--exclude", *exclude)
        with self.connect() as con:
            measure_lift(con, self.settings.publishing.measurement, days)
            record_builds(con, computed, self.manifest)

    def dbt(self, command: str, *arguments: str) -> None:
        """Run dbt on this warehouse; its output is shown when it fails."""
        project = str(self.settings.paths.dbt_project)
        program = [str(dbt_executable()), f"{PARENT_OPTION}{os.getpid()}", command, *arguments]
        dbt = start(
            [*program, "--exclude-resource-type", "unit_test", "--project-dir", project, "--profiles-dir", project],
            env={
                **os.environ,
                **child_environment(self.settings),
                "DBT_TARGET_PATH": str(self.folder / "dbt"),
                "DBT_LOG_PATH": str(self.folder / "dbt"),
            },
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert dbt.stdout is not None
        printed = dbt.stdout.read().decode()
        assert dbt.wait() == 0, printed

    def frame(self, query: str) -> pd.DataFrame:
        """The rows of a query as plain Python values (Decimal, date, int, str, bool, None)."""
        with self.connect() as con:
            result = con.execute(query)
            columns = [column[0] for column in result.description]
            return pd.DataFrame(result.fetchall(), columns=columns, dtype=object)


def _create(con: duckdb.DuckDBPyConnection, name: str, schema: Any) -> None:
    con.register("nothing", schema.empty_table())
    con.execute(f"create table landing.{name} as select * from nothing")
    con.unregister("nothing")


def _text(value: Any) -> str | None:
    return None if value is None else value.isoformat() if isinstance(value, date | datetime) else str(value)
