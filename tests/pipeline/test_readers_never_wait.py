"""Readers open the serving copy all through a run: no opening fails, and none sees half a day."""

from __future__ import annotations

import duckdb
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop
from watched_run import OPENINGS_A_SECOND, Reader, Watched


def test_readers_never_fail_and_never_see_half_a_day(watched: Watched) -> None:
    assert watched.faults == []
    assert watched.openings > watched.seconds * OPENINGS_A_SECOND / 2, "the machine was too slow for the reader"
    assert [day.as_of_date for day in watched.before] == [str(FIRST_AS_OF)]
    assert [day.as_of_date for day in watched.after] == [str(FIRST_AS_OF), str(SECOND_AS_OF)]
    assert all(day.segments == day.summary for day in watched.after)
    assert all(days in (watched.before, watched.after) for days in watched.seen), "a day was there in part"


def test_nobody_needs_the_warehouse_to_read(shop: Shop) -> None:
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb")) as writer:
        writer.execute("create table held as select 1 as x")
        assert Reader(shop).look()
