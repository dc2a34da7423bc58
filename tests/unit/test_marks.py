"""Marks told: which days, in which spans, marked by what; and the order in which they are rebuilt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, cast

import dagster as dg
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_batches import batch, manifest_of

from dagster_project.defs.sensors import Chunk, chunk_request
from dagster_project.landing import Batch
from dagster_project.warehouse.checks import days_hold_all_that_landed
from dagster_project.warehouse.control import AsOfDay, record_builds
from dagster_project.warehouse.marks import Mark, MarkedBy, MarkedSpan, Marks, chunks_newest_first, read_marked

FIRST = date(2024, 3, 1)


def march(number: int) -> date:
    return date(2024, 3, number)


def build(con: duckdb.DuckDBPyConnection, days: Sequence[date], *batches: Batch) -> None:
    """Note that the days are built from these batches."""
    standard = cast(Any, type("Standard", (), {"version": "v"}))
    record_builds(con, [AsOfDay(day, standard, True, False, False, False) for day in days], manifest_of(*batches))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_spans_and_causes_say_which_days_and_which_batches(con: duckdb.DuckDBPyConnection) -> None:
    first, rates = (
        batch(1, earliest_changed_on=march(1)),
        batch(2, earliest_changed_on=march(8), entity="exchange_rates"),
    )
    nothing, orders = batch(3), batch(4, earliest_changed_on=march(20))
    build(con, [march(5), march(9), march(10), march(25)], first)
    build(con, [march(10)], first, rates)
    marked = read_marked(con, manifest_of(first, rates, nothing, orders))
    assert marked.days == [march(9), march(25)]
    assert marked.spans == [MarkedSpan(march(9), march(9), 1), MarkedSpan(march(25), march(25), 1)]
    # The 9th is older than the rates alone, the 25th than rates and orders.
    assert marked.causes == [
        MarkedBy("shop", "exchange_rates", "2.csv", march(8), 2),
        MarkedBy("shop", "orders", "4.csv", march(20), 1),
    ]


def test_marked_days_without_a_computed_day_between_them_are_one_span(con: duckdb.DuckDBPyConnection) -> None:
    build(con, [march(5), march(12), march(31)])
    marked = read_marked(con, manifest_of(batch(1, earliest_changed_on=march(10))))
    assert marked.spans == [MarkedSpan(march(12), march(31), 2)]


def test_customers_put_together_anew_and_what_reaches_back_mark_too(con: duckdb.DuckDBPyConnection) -> None:
    record = batch(1, earliest_changed_on=march(20), entity="customers")
    build(con, [march(5), march(12), march(25)])
    con.execute("insert into control.reaching_back values (1, date '2024-03-10')")
    con.execute("insert into control.relinked_days values (date '2024-03-05')")
    marked = read_marked(con, manifest_of(record))
    assert marked.days == [march(5), march(12), march(25)]
    assert marked.causes == [
        MarkedBy(None, None, None, march(5), 1),
        MarkedBy("shop", "customers", "1.csv", march(10), 2),
    ]
    build(con, [march(5), march(12)], record)
    assert read_marked(con, manifest_of(record)).days == [march(25)]


def test_the_check_warns_of_marked_days_and_says_what_reaches_furthest_back(con: duckdb.DuckDBPyConnection) -> None:
    build(con, [march(5), march(12), march(13)])
    late = manifest_of(
        batch(1, earliest_changed_on=march(13)), batch(2, earliest_changed_on=march(12), entity="refunds")
    )
    check = days_hold_all_that_landed(con, late)
    assert (check.passed, check.is_warning) == (False, True)
    assert check.says == (
        "2 days are older than what has landed for them; furthest back reaches refunds of shop, from 2024-03-12 on"
    )
    assert check.numbers["marked"] == "2024-03-12 to 2024-03-13 (2)"
    build(con, [march(12), march(13)], *late.batches)
    assert days_hold_all_that_landed(con, late).passed


@given(
    marks=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=6, unique_by=lambda mark: mark[0]),
    day=st.integers(0, 9),
    built_from=st.integers(0, 9),
)
def test_a_day_is_marked_where_any_later_batch_changes_it(
    marks: list[tuple[int, int]], day: int, built_from: int
) -> None:
    held = Marks([Mark(batch(sequence), FIRST + timedelta(days=first)) for sequence, first in marks])
    expected = any(sequence > built_from and first <= day for sequence, first in marks)
    assert held.hold(FIRST + timedelta(days=day), built_from=built_from) == expected


def test_chunks_are_the_newest_days_first_and_rise_within() -> None:
    days = [march(number) for number in (1, 2, 3, 5, 8)]
    assert chunks_newest_first(days, 2) == [[march(5), march(8)], [march(2), march(3)], [march(1)]]
    assert chunks_newest_first([], 2) == []


def test_days_in_a_row_are_a_range_and_days_with_gaps_are_chosen() -> None:
    in_a_row = chunk_request(Chunk([march(4), march(5)], 7), [])
    assert isinstance(in_a_row, dg.RunRequest)
    assert in_a_row.job_name == "backfill"
    assert in_a_row.tags["dagster/asset_partition_range_start"] == "2024-03-04"
    assert in_a_row.tags["dagster/asset_partition_range_end"] == "2024-03-05"
    with_a_gap = chunk_request(Chunk([march(4), march(31)], 7), [])
    assert isinstance(with_a_gap, dg.RunRequest)
    assert with_a_gap.job_name == "month_ends"
    assert not [tag for tag in with_a_gap.tags if "range" in tag], "a range would mark the days between as built"


def test_a_chunk_is_tried_twice_under_keys_of_their_own_and_then_left() -> None:
    chunk = Chunk([march(4)], 7)
    first, second = chunk_request(chunk, []), chunk_request(chunk, ["aaaaaaaa-1"])
    assert isinstance(first, dg.RunRequest)
    assert isinstance(second, dg.RunRequest)
    assert first.run_key != second.run_key
    third = chunk_request(chunk, ["bbbbbbbb-2", "aaaaaaaa-1"])
    assert isinstance(third, dg.SkipReason)
    assert "failed 2 times, last in run bbbbbbbb" in str(third.skip_message)
    assert chunk.name != Chunk([march(4)], 8).name, "what has landed since makes it another chunk"
