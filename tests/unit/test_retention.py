"""Old days leave, month ends and issued lists stay, and nothing depends on today."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_batches import batch, manifest_of

from dagster_project.publishing.parquet import publish_parquet
from dagster_project.publishing.serving import publish_serving_copy
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.warehouse.control import marked_days, stored_days
from dagster_project.warehouse.control_tables import KEPT_TABLES
from dagster_project.warehouse.retention import days_to_thin, thin_snapshots, thinned_days


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def test_days_stay_as_long_as_they_are_kept_and_month_ends_for_good() -> None:
    stored = [date(2023, 1, 30), date(2023, 1, 31), date(2023, 2, 28), date(2023, 11, 21), date(2023, 11, 22)]
    stored += [date(2024, 12, 26)]
    # 2024-12-26 − 400 days = 2023-11-22, which is kept.
    assert days_to_thin(stored, 400) == [date(2023, 1, 30), date(2023, 11, 21)]
    assert days_to_thin(stored, None) == []
    assert days_to_thin([], 400) == []


@given(
    offsets=st.sets(st.integers(0, 1500), min_size=1),
    keep=st.integers(31, 800),
)
def test_thinning_again_finds_nothing_more(offsets: set[int], keep: int) -> None:
    stored = {date(2020, 1, 1) + timedelta(days=offset) for offset in offsets}
    left = stored - set(days_to_thin(sorted(stored), keep))
    assert days_to_thin(sorted(left), keep) == []
    assert max(stored) in left


@pytest.fixture
def thinned(marts: duckdb.DuckDBPyConnection, marts_days: list[date]) -> duckdb.DuckDBPyConnection:
    """The invented warehouse, whose days, one a month end and one not, are made old by a later stored day."""
    for table, columns in KEPT_TABLES.items():
        marts.execute(f"create table if not exists control.{table} ({columns})")
    # 2017-12-31 is a month end; the other stored days of the fixture are not older than it.
    assert marts_days == [date(2017, 12, 31), date(2018, 1, 1)]
    later = date(2019, 6, 30)
    for day in [*marts_days, later]:
        for table in ("snapshot_builds", "history_days"):
            marts.execute(f"insert or replace into control.{table} values (?, 'v', 1)", [day])
    return marts


def test_a_thinned_day_leaves_every_mart_and_its_lists_stay(thinned: duckdb.DuckDBPyConnection) -> None:
    lists = "select count(*) from marts.reactivation_list where as_of_date = date '2018-01-01'"
    [[issued]] = thinned.execute(lists).fetchall()
    [[history]] = thinned.execute("select count(*) from marts.segment_history").fetchall()
    assert issued
    assert history
    assert thin_snapshots(thinned, 400) == [date(2018, 1, 1)]
    for table in ("customer_segments", "segment_summary", "customer_features", "segment_migration"):
        left = thinned.execute(f"select distinct as_of_date from marts.{table}").fetchall()
        assert (date(2018, 1, 1),) not in left, table
        assert (date(2017, 12, 31),) in left, table
    assert thinned.execute(lists).fetchall() == [(issued,)]
    assert thinned.execute("select count(*) from marts.segment_history").fetchall() == [(history,)]
    assert stored_days(thinned) == [date(2017, 12, 31), date(2019, 6, 30)]
    assert thinned_days(thinned) == [date(2018, 1, 1)]


def test_a_thinned_day_is_still_marked_by_late_rows(thinned: duckdb.DuckDBPyConnection) -> None:
    thin_snapshots(thinned, 400)
    assert marked_days(thinned, manifest_of()) == []
    assert marked_days(thinned, manifest_of(batch(2, earliest_changed_on=date(2018, 1, 1)))) == [
        date(2018, 1, 1),
        date(2019, 6, 30),
    ]
    assert marked_days(thinned, manifest_of(batch(2, earliest_changed_on=date(2018, 1, 2)))) == [date(2019, 6, 30)]


def test_a_day_of_which_rows_are_stored_is_not_thinned_although_its_run_has_not_succeeded(
    thinned: duckdb.DuckDBPyConnection,
) -> None:
    thinned.execute("delete from control.snapshot_builds where as_of_date = date '2018-01-01'")
    assert thinned_days(thinned) == []


def test_days_just_asked_for_stay_until_the_next_run(thinned: duckdb.DuckDBPyConnection) -> None:
    assert thin_snapshots(thinned, 400, run_days=[date(2018, 1, 1)]) == []
    assert thin_snapshots(thinned, 400) == [date(2018, 1, 1)]


def test_targets_drop_a_thinned_day_and_keep_the_others(
    thinned: duckdb.DuckDBPyConnection,
    marts_days: list[date],
    publishing_settings: PublishingSettings,
    tmp_path: Path,
) -> None:
    def publish(days: list[date]) -> set[str]:
        folder = tmp_path / "parquet"
        publish_parquet(
            thinned,
            folder=folder,
            settings=publishing_settings,
            days=days,
            code_version="c",
            thinned=thinned_days(thinned),
        )
        return {link.name for link in folder.iterdir() if link.is_symlink()}

    assert publish(marts_days) == {"as_of_date=2017-12-31", "as_of_date=2018-01-01", "as_known_now"}
    thin_snapshots(thinned, 400)
    assert publish([]) == {"as_of_date=2017-12-31", "as_known_now"}
    copy = publish_serving_copy(
        thinned, folder=tmp_path / "serving", settings=publishing_settings, days=[], code_version="c"
    )
    assert copy.days == (date(2017, 12, 31),)
