"""A warehouse says which version it is of, and one of another version is opened by `strata upgrade` alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from landing_workshop import Workshop

from dagster_project.privacy.rewriting import rewrite_batches
from dagster_project.warehouse import held, opened
from dagster_project.warehouse.control import stored_days
from dagster_project.warehouse.schema_version import (
    OtherVersion,
    differences,
    kept_columns,
    noted_version,
    version_now,
)
from dagster_project.warehouse.upgrading import MIGRATIONS, begin, migrate, read_plan, upgrade_folder

# The columns of each version. Where this fails, raise the version in schema.json by one and add a line; the lines
# before stay.
COLUMNS_BY_VERSION = {1: "a5890a71a0d1095d"}

ORDERS = """
  - name: shop
    time_zone: America/New_York
    reads:
      - entity: orders
        path: inbox/orders.csv
        columns: {order_id: no, customer_ref: buyer, ordered_at: at, gross_amount: total}
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse that a run has begun."""
    path = tmp_path / "warehouse" / "strata.duckdb"
    with opened(path, who="test", wait_seconds=1) as con:
        assert stored_days(con) == []
    return path


def test_columns_do_not_change_without_a_new_version() -> None:
    fingerprint = hashlib.sha256(json.dumps(kept_columns(), sort_keys=True).encode()).hexdigest()[:16]
    assert fingerprint == COLUMNS_BY_VERSION[version_now()]
    assert max(COLUMNS_BY_VERSION) == version_now() >= max(MIGRATIONS)


def test_a_warehouse_has_its_version_from_the_first_table_on(warehouse: Path) -> None:
    with duckdb.connect(warehouse, read_only=True) as con:
        assert noted_version(con) == version_now()


def test_a_file_of_somebody_else_has_no_version_and_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(path) as con:
        con.execute("create table theirs as select 1 as x")
    with opened(path, who="test", wait_seconds=1) as con:
        assert noted_version(con) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("drop table control.schema_version", "was built before warehouses had a version"),
        ("update control.schema_version set version = 0", "is a warehouse of version 0"),
    ],
)
def test_an_older_warehouse_is_named_with_the_command_that_cures_it(warehouse: Path, change: str, says: str) -> None:
    with duckdb.connect(warehouse) as con:
        con.execute(change)
    with pytest.raises(OtherVersion, match=says) as refused, opened(warehouse, who="test", wait_seconds=1):
        pass
    assert "`strata upgrade` brings it there" in str(refused.value)
    with held(warehouse, who="test", wait_seconds=1, any_version=True) as older, older.connection() as con:
        assert stored_days(con) == []


@pytest.mark.parametrize("any_version", [False, True])
def test_a_newer_warehouse_is_never_written_to(warehouse: Path, *, any_version: bool) -> None:
    with duckdb.connect(warehouse) as con:
        con.execute("update control.schema_version set version = 99")
    before = warehouse.read_bytes()
    with (
        pytest.raises(OtherVersion, match="version 99, newer than this Customer Strata"),
        held(warehouse, who="test", wait_seconds=1, any_version=any_version),
    ):
        pass
    assert warehouse.read_bytes() == before


def test_tables_that_differ_are_told_by_name_and_column() -> None:
    with duckdb.connect() as con:
        for table, columns in kept_columns().items():
            con.execute(f"create schema if not exists {table.partition('.')[0]}")
            con.execute(f"create table {table} ({', '.join(columns)})")
        assert differences(con) == []
        con.execute("alter table marts.customer_value drop column value_tier")
        con.execute("alter table marts.customer_rfm add column theirs integer")
        con.execute("drop table marts.segment_history")
        con.execute("drop table marts.reactivation_list")  # made by the first list
        assert differences(con) == [
            "marts.customer_rfm has theirs integer",
            "marts.customer_value lacks value_tier varchar",
            "marts.segment_history is missing",
        ]


def test_a_migration_takes_the_promise_from_the_history_and_notes_the_version(warehouse: Path) -> None:
    with duckdb.connect(warehouse) as con:
        con.execute("drop table control.schema_version")
        con.execute("create schema marts")
        con.execute("create table marts.segment_history (customer_id bigint not null, class varchar not null)")
        migrate(con)
        con.execute("insert into marts.segment_history values (1, null)")
        migrate(con)
        assert noted_version(con) == version_now()


def test_an_upgrade_is_gone_on_with_unless_landed_batches_were_rewritten_since(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.write("orders.csv", "no,buyer,at,total\n1,a,2024-01-01,5\n")
    workshop.land(ORDERS)
    assert read_plan(workshop.paths) is None
    plan = begin(workshop.paths, [date(2024, 2, 1), date(2024, 1, 31)])
    assert plan.days == (date(2024, 1, 31), date(2024, 2, 1))
    assert read_plan(workshop.paths) == plan
    (upgrade_folder(workshop.paths) / "strata.duckdb").touch()
    rewrite_batches(
        workshop.paths, lambda batch: replace(batch, before_erasures=({"erasure_id": "e"},)), lambda _: None
    )
    assert read_plan(workshop.paths) is None
    begin(workshop.paths, plan.days)
    assert [file.name for file in upgrade_folder(workshop.paths).iterdir()] == ["plan.json"]
