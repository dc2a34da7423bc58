"""What left the warehouse loses the person too: published Parquet, its versions, entries of campaigns, issued lists."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from landing_workshop import Workshop

from dagster_project.privacy.claims import Keys
from dagster_project.privacy.copies import erase_from_assignments, erase_from_parquet
from dagster_project.privacy.plan import Plan
from dagster_project.publishing.assignments import issue
from dagster_project.publishing.parquet import publish_parquet, read_manifest
from dagster_project.settings import Settings
from dagster_project.settings.publishing import PublishedTable

DAYS = [date(2017, 12, 31), date(2018, 1, 1)]
TABLES = (PublishedTable.CUSTOMER_SEGMENTS, PublishedTable.SEGMENT_SUMMARY)
SOURCES = """
  - name: grocery
    time_zone: America/New_York
    reads:
      - entity: orders
        path: inbox/*.csv
        columns: {order_id: id, customer_ref: who, ordered_at: at, gross_amount: amount}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Workshop(tmp_path).settings(SOURCES)


def plan_of(keys: Keys, **more: Any) -> Plan:
    """The plan for somebody of whom nothing landed."""
    nothing: dict[str, Any] = {field.name: () for field in dataclasses.fields(Plan)}
    return Plan(**{**nothing, "keys": keys, **more})


def published(folder: Path, customer: int) -> tuple[dict[str, list[Any]], int]:
    """What readers find, by day and table, without the rows of the customer; and how many rows those are."""
    others, own = {}, 0
    for file in sorted(folder.glob("*/*.parquet")):
        rows = pq.read_table(file, partitioning=None).to_pylist()
        others[f"{file.parent.name}/{file.name}"] = [row for row in rows if row.get("customer_id") != customer]
        own += len(rows) - len(others[f"{file.parent.name}/{file.name}"])
    return others, own


def test_published_days_lose_the_person_with_every_version_of_before_and_nobody_else(
    marts: duckdb.DuckDBPyConnection, settings: Settings, publishing_settings
) -> None:
    folder = settings.paths.published / "parquet"
    few = publishing_settings.model_copy(update={"tables": TABLES})

    def publish(*days: date) -> None:
        publish_parquet(marts, folder=folder, settings=few, days=days, code_version="0.1.0+aaaa")

    marts.execute("delete from marts.customer_segments where customer_id = 1 and as_of_date = '2017-12-31'")
    publish(*DAYS)
    marts.execute("update marts.customer_segments set region = 'moved' where customer_id = 2")
    publish(DAYS[-1])
    before, own = published(folder, 1)
    assert own > 0
    erase_from_parquet(settings, plan_of(Keys((1,), (), ())))
    after, left = published(folder, 1)
    assert (left, after) == (0, before)
    linked = {link.name: link.readlink().name for link in folder.iterdir() if link.is_symlink()}
    assert {version.name for version in (folder / ".versions").iterdir()} == set(linked.values())
    current = json.loads((folder / "current.json").read_text())
    assert {*current["days"].values(), current["as_known_now"]} == set(linked.values())
    for part in linked:
        for name, told in read_manifest(folder / part)["tables"].items():
            assert told["rows"] == len(after[f"{part}/{told['file']}"]), name


def test_a_version_that_is_kept_for_readers_goes_where_it_alone_holds_the_person(
    marts: duckdb.DuckDBPyConnection, settings: Settings, publishing_settings
) -> None:
    folder = settings.paths.published / "parquet"
    few = publishing_settings.model_copy(update={"tables": TABLES})
    for _ in range(2):
        publish_parquet(marts, folder=folder, settings=few, days=DAYS[-1:], code_version="0.1.0+aaaa")
        for table in ("marts.customer_segments", "identity.customer_aliases", "marts.reactivation_outcomes"):
            marts.execute(f"delete from {table} where customer_id = 1")
    versions = folder / ".versions"
    before = {version.name for version in versions.iterdir()}
    erase_from_parquet(settings, plan_of(Keys((1,), (), ())))
    linked = {link.readlink().name for link in folder.iterdir() if link.is_symlink()}
    assert {version.name for version in versions.iterdir()} == linked < before


def test_entries_of_campaigns_and_lists_that_named_the_person_go_and_those_of_others_stay(
    marts: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    paths = settings.paths
    issued = issue(marts, paths, DAYS[-1])
    assert issued is not None
    customer, registry = issued.rows["customer_id"][0].as_py(), issued.rows["registry_id"][0].as_py()
    others = issued.rows.filter(pc.not_equal(issued.rows["customer_id"], customer))
    untouched = paths.assignments / "another-2017-12" / "2017-12-01.parquet"
    untouched.parent.mkdir()
    pq.write_table(others, untouched)
    as_it_was = untouched.read_bytes()
    folder = paths.lists / "2018-01-01"
    folder.mkdir(parents=True)
    for name in ("sms.csv", "sms.xlsx", "telesales.csv"):
        (folder / name).write_text("a list")
    erase_from_assignments(settings, plan_of(Keys((customer,), (registry,), ()), lists=(("2018-01-01", "sms"),)))
    assert pq.read_table(issued.path, partitioning=None).equals(others)
    assert issued.path.stat().st_mode & 0o777 == 0o600
    assert untouched.read_bytes() == as_it_was
    assert [path.name for path in folder.iterdir()] == ["telesales.csv"]
