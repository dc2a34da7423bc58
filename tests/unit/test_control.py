"""The days of a run and what marks them: a day is computed because it was asked for, learnt from, or changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from invented_batches import batch, manifest_of
from standard_workshop import changed
from warehouse_builder import WarehouseBuilder

from dagster_project.landing import Manifest
from dagster_project.publishing.assignments import ISSUED_SCHEMA
from dagster_project.warehouse.control import AsOfDay, marked_days, record_builds, write_control


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseBuilder:
    return WarehouseBuilder(tmp_path, history_starts_on=date(2023, 1, 1))


def compute(warehouse: WarehouseBuilder, manifest: Manifest, *days: date) -> list[AsOfDay]:
    """Control rows for a run of `days` that succeeds."""
    with warehouse.connect() as con:
        computed = write_control(con, settings=warehouse.settings, manifest=manifest, days=days)
        record_builds(con, computed, manifest)
    return computed


def marked(warehouse: WarehouseBuilder, manifest: Manifest) -> list[date]:
    with warehouse.connect() as con:
        return marked_days(con, manifest)


def learnt_from(computed: list[AsOfDay]) -> list[date]:
    return [day.day for day in computed if day.is_reference]


def test_a_day_learns_from_the_month_ends_at_least_90_days_before_it(warehouse: WarehouseBuilder) -> None:
    # 2023-04-01 − 90 days = 2023-01-01, before the first month end of the history; 2023-05-01 − 90 = 2023-01-31.
    assert learnt_from(compute(warehouse, manifest_of(), date(2023, 4, 1))) == []
    assert learnt_from(compute(warehouse, manifest_of(), date(2023, 4, 30))) == []
    assert learnt_from(compute(warehouse, manifest_of(), date(2023, 5, 1))) == [date(2023, 1, 31)]


def test_at_most_twelve_month_ends_are_learnt_from(warehouse: WarehouseBuilder) -> None:
    computed = compute(warehouse, manifest_of(), date(2025, 3, 31))
    assert learnt_from(computed) == [
        *(date(2024, month, day) for month, day in ((1, 31), (2, 29), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31))),
        *(date(2024, month, day) for month, day in ((8, 31), (9, 30), (10, 31), (11, 30), (12, 31))),
    ]
    assert [day.day for day in computed if day.is_requested] == [date(2025, 3, 31)]


def test_month_ends_learnt_once_are_not_computed_again(warehouse: WarehouseBuilder) -> None:
    manifest = manifest_of(batch(1, earliest_changed_on=date(2023, 1, 1)))
    compute(warehouse, manifest, date(2024, 1, 30))
    computed = compute(warehouse, manifest, date(2024, 1, 31))
    assert [day.day for day in computed if not day.is_compared] == [date(2024, 1, 31)]


def test_a_month_end_is_learnt_again_when_an_order_within_its_horizon_arrives(warehouse: WarehouseBuilder) -> None:
    first = batch(1, earliest_changed_on=date(2023, 1, 1))
    compute(warehouse, manifest_of(first), date(2023, 8, 1))
    late = batch(2, earliest_changed_on=date(2023, 7, 1))
    # Within 90 days after a month end: 2023-04-30 and later ones can have returned customers now.
    computed = compute(warehouse, manifest_of(first, late), date(2023, 8, 2))
    assert learnt_from(computed) == [date(2023, 4, 30)]


def test_a_day_is_compared_with_the_last_month_end_before_it(warehouse: WarehouseBuilder) -> None:
    computed = compute(warehouse, manifest_of(), date(2023, 3, 10), date(2023, 3, 31), date(2023, 4, 1))
    days = warehouse.frame("select as_of_date, compared_on from control.compared_days order by 1").to_numpy().tolist()
    # A month end is compared with the one before it, not with itself.
    assert days == [
        [date(2023, 3, 10), date(2023, 2, 28)],
        [date(2023, 3, 31), date(2023, 2, 28)],
        [date(2023, 4, 1), date(2023, 3, 31)],
    ]
    assert {day.day: (day.is_requested, day.is_compared) for day in computed} == {
        date(2023, 2, 28): (False, True),
        date(2023, 3, 10): (True, False),
        date(2023, 3, 31): (True, True),
        date(2023, 4, 1): (True, False),
    }
    [[classified]] = warehouse.frame("select count(*) from control.as_of_days where is_classified").to_numpy().tolist()
    assert classified == 4


def test_nothing_before_the_history_is_compared(warehouse: WarehouseBuilder) -> None:
    assert [day.day for day in compute(warehouse, manifest_of(), date(2023, 1, 31))] == [date(2023, 1, 31)]
    assert warehouse.frame("select * from control.compared_days").empty


def test_days_before_the_first_standard_are_neither_compared_nor_learnt_from(warehouse: WarehouseBuilder) -> None:
    warehouse.use_standards([changed(effective_from="2023-08-01")])
    computed = compute(warehouse, manifest_of(), date(2023, 8, 15))
    assert [day.day for day in computed] == [date(2023, 8, 15)]


def test_a_batch_marks_the_stored_days_from_its_earliest_change_on(warehouse: WarehouseBuilder) -> None:
    first = batch(1, earliest_changed_on=date(2023, 1, 1))
    days = [date(2023, 3, day) for day in (9, 10, 11)]
    compute(warehouse, manifest_of(first), *days)
    assert marked(warehouse, manifest_of(first)) == []
    late = manifest_of(first, batch(2, earliest_changed_on=date(2023, 3, 10)))
    assert marked(warehouse, late) == days[1:]
    compute(warehouse, late, days[1])
    assert marked(warehouse, late) == [days[2]]


def test_a_batch_of_unchanged_rows_marks_nothing(warehouse: WarehouseBuilder) -> None:
    first = batch(1, earliest_changed_on=date(2023, 1, 1))
    compute(warehouse, manifest_of(first), date(2023, 3, 10))
    assert marked(warehouse, manifest_of(first, batch(2))) == []


def test_settings_reach_sql_as_rows(warehouse: WarehouseBuilder) -> None:
    compute(warehouse, manifest_of(), date(2023, 3, 10))
    rows = warehouse.frame("select window_days, rfm_method, silence_multiplier, value_high_cut from control.standards")
    assert rows.astype(str).to_numpy().tolist() == [["365", "quantile", "2.0000", "0.800000"]]
    [[cells]] = warehouse.frame("select count(*) from control.rfm_grid").to_numpy().tolist()
    assert cells == 25
    [[campaign]] = warehouse.frame("select campaign_id from control.campaign_days").to_numpy().tolist()
    assert campaign == "reactivation-2023-03"


def test_once_a_later_list_is_issued_an_earlier_day_is_closed(warehouse: WarehouseBuilder) -> None:
    folder = warehouse.settings.paths.assignments / "reactivation-2023-03"
    folder.mkdir(parents=True)
    entry = {
        "campaign_id": "reactivation-2023-03",
        "customer_id": 1,
        "registry_id": 1,
        "entered_on": date(2023, 3, 10),
        "arm": "treated",
        "channel": "sms",
        "priority_score": Decimal(1),
        "position": 1,
    }
    pq.write_table(pa.Table.from_pylist([entry], schema=ISSUED_SCHEMA), folder / "2023-03-10.parquet")
    compute(warehouse, manifest_of(), date(2023, 3, 9), date(2023, 3, 10))
    days = warehouse.frame("select as_of_date, has_later_list from control.as_of_days where is_requested order by 1")
    assert days.to_numpy().tolist() == [[date(2023, 3, 9), True], [date(2023, 3, 10), False]]
