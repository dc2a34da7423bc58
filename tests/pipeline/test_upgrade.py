"""`strata upgrade`: an installation of any earlier version becomes what a fresh one is, and readers never miss it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import duckdb
import pytest
from older_installations import OLDER_COLUMNS, Older, before_the_taxonomy, before_versions
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop, wait_until

from dagster_project.warehouse.control_tables import KEPT_TABLES
from dagster_project.warehouse.dbt_manifest import fresh_manifest
from dagster_project.warehouse.schema_version import kept_columns, noted_version, stored_columns, version_now

IDENTITY = ("identity.customer_aliases", "identity.identity_links", "identity.shared_contact_points")


def warehouse(shop: Shop) -> Path:
    return shop.data / "warehouse" / "strata.duckdb"


def names_beside(shop: Shop) -> set[str]:
    return {file.name for file in warehouse(shop).parent.iterdir()}


def version_of(shop: Shop) -> int | None:
    with duckdb.connect(warehouse(shop), read_only=True) as con:
        return noted_version(con)


def test_the_noted_columns_are_those_of_the_tables_that_a_run_keeps(shared_shop: Shop) -> None:
    nodes = json.loads(fresh_manifest(shared_shop.settings).read_text())["nodes"].values()
    incremental = [
        f"{node['schema']}.{node['name']}"
        for node in nodes
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    ]
    kept = {*incremental, *(f"control.{table}" for table in KEPT_TABLES), *IDENTITY, "marts.reactivation_lift"}
    with duckdb.connect(warehouse(shared_shop), read_only=True) as con:
        there = {table: columns for table, columns in stored_columns(con).items() if table in kept}
    assert kept_columns() == there, "schema.json does not hold the columns of now: write them there, raise the version"


def test_a_warehouse_of_now_is_left_alone(shop: Shop) -> None:
    before = warehouse(shop).read_bytes()
    assert f"is of version {version_now()}, which this Customer Strata works with" in shop.strata("upgrade")
    assert warehouse(shop).read_bytes() == before


def test_the_last_warehouse_without_a_version_is_named_and_needs_no_rebuild(shop: Shop) -> None:
    before_versions(shop)
    said = " ".join(shop.strata("run", "--as-of", str(FIRST_AS_OF), code=1).split())
    assert "was built before warehouses had a version" in said
    assert "`strata upgrade` brings it there" in said
    assert "nothing is built again" in shop.strata("upgrade", "--dry-run")
    assert version_of(shop) is None
    assert "nothing was built again" in shop.strata("upgrade")
    assert version_of(shop) == version_now()
    assert "0 marked for a rebuild" in shop.strata("status")


@pytest.mark.parametrize("older", OLDER_COLUMNS)
def test_each_older_warehouse_is_known_as_one_to_build_anew(older: Older, second_day: Shop, tmp_path: Path) -> None:
    shop = second_day.copied_to(tmp_path)
    older(shop)
    said = shop.strata("upgrade", "--dry-run")
    assert f"2 days to build from what has landed, {FIRST_AS_OF} to {SECOND_AS_OF}." in said
    assert version_of(shop) is None


def test_the_oldest_warehouse_becomes_what_a_fresh_one_is_and_readers_have_the_old_copy_until_then(
    second_day: Shop, tmp_path: Path
) -> None:
    """It lacks all that the later ones lack. Killed when a day of two is built, the upgrade goes on with the other."""
    shop = second_day.copied_to(tmp_path)
    settings = shop.config / "publishing.yaml"
    written = settings.read_text(encoding="utf-8")
    assert "rebuild_days_per_run: 31" in written
    settings.write_text(written.replace("rebuild_days_per_run: 31", "rebuild_days_per_run: 1"), encoding="utf-8")
    before_the_taxonomy(shop)
    old = warehouse(shop).read_bytes()
    with shop.started("upgrade") as upgrade:
        assert upgrade.stdout is not None
        for line in upgrade.stdout:
            if "1 of 2 days are built" in line:
                break
        upgrade.send_signal(signal.SIGKILL)
        upgrade.wait()
    assert shop.served() == second_day.served()
    assert shop.published() == second_day.published()
    wait_until(lambda: warehouse(shop).read_bytes() == old)
    assert "`strata upgrade` brings it there" in " ".join(shop.strata("status", code=1).split())
    said = shop.strata("upgrade")
    assert "an upgrade was begun and is gone on with" in said
    assert "0 of 2 days are built" not in said
    assert version_of(shop) == version_now()
    assert shop.served() == second_day.served()
    assert shop.published() == second_day.published()
    assert shop.lists() == second_day.lists()
    assert names_beside(shop) == names_beside(second_day)
