"""Readers open the serving copy all through a run: no opening fails, and none sees half a day."""

from __future__ import annotations

import threading
import time
from datetime import date

import duckdb
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop

OPENINGS_A_SECOND = 20


class Reader(threading.Thread):
    """Opens the serving copy twenty times a second and notes what it sees."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self._path = str(shop.data / "published" / "serving" / "strata.duckdb")
        self._ends = threading.Event()
        self.openings = 0
        self.faults: list[str] = []
        self.seen: set[tuple[tuple[date, int, int], ...]] = set()

    def run(self) -> None:
        while not self._ends.is_set():
            began = time.monotonic()
            try:
                self.seen.add(self._look())
            except Exception as error:
                self.faults.append(repr(error))
            self.openings += 1
            self._ends.wait(max(0.0, 1 / OPENINGS_A_SECOND - (time.monotonic() - began)))

    def end(self) -> None:
        self._ends.set()
        self.join()

    def _look(self) -> tuple[tuple[date, int, int], ...]:
        """Rows of each day in the segments and, by total, in the summary: two tables that must tell the same."""
        with duckdb.connect(self._path, read_only=True) as con:
            return tuple(
                con.execute(
                    """
                    select segments.as_of_date, segments.customers, summary.customers
                    from (
                        select as_of_date, count(*) as customers from strata.customer_segments group by as_of_date
                    ) as segments
                    full join (
                        select as_of_date, sum(customers) as customers
                        from strata.segment_summary
                        where dimension = 'lifecycle_stage' and breakdown = 'total'
                        group by as_of_date
                    ) as summary on segments.as_of_date = summary.as_of_date
                    order by 1
                    """
                ).fetchall()
            )


def test_readers_never_fail_and_never_see_half_a_day(shop: Shop) -> None:
    reader = Reader(shop)
    before = reader._look()
    reader.start()
    began = time.monotonic()
    try:
        shop.strata("run", "--as-of", str(SECOND_AS_OF))
    finally:
        reader.end()
    lasted = time.monotonic() - began
    after = reader._look()
    assert reader.faults == []
    assert reader.openings > lasted * OPENINGS_A_SECOND / 2, "the machine was too slow for the reader"
    assert [day for day, _, _ in before] == [FIRST_AS_OF]
    assert [day for day, _, _ in after] == [FIRST_AS_OF, SECOND_AS_OF]
    assert all(segments == summary for _, segments, summary in after)
    assert reader.seen <= {before, after}, "a day was there in part"


def test_nobody_needs_the_warehouse_to_read(shop: Shop) -> None:
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb")) as writer:
        writer.execute("create table held as select 1 as x")
        assert Reader(shop)._look()
