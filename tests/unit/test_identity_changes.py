"""A merge or a split marks the stored days that it changes, and no other; a day that is built again is not marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from identity_workshop import Link, Record, Reference, link_staged, paths_below, stage
from reference.standard import WholeStandard
from standard_documents import standard_of

from dagster_project.landing import Manifest
from dagster_project.warehouse.control import AsOfDay, mark_relinked_days, marked_days, record_builds
from dagster_project.warehouse.standard_register import register_standard

SHOP, CRM = ("shop", "b"), ("crm", "c")
NOTHING_LANDED = Manifest(folder=Path("landing"), batches=())
STORED = [date(2024, month, 1) for month in range(1, 7)]


@dataclass
class Days:
    """Stored days, and what is linked between them."""

    con: duckdb.DuckDBPyConnection
    folder: Path

    def link(self, links: list[Link] | None = None, records: list[Record] | None = None) -> date | None:
        """Link the shop's buyer (first order 2024-02-15) and the CRM's (2024-04-15); gives the first changed day."""
        orders = [(SHOP, datetime(2024, 2, 15, tzinfo=UTC)), (CRM, datetime(2024, 4, 15, tzinfo=UTC))]
        stage(self.con, links=links or [], records=records or [], orders=orders)
        return link_staged(self.con, self.folder).changed_from

    def build(self, days: list[date], *, is_reference: bool = False) -> None:
        built = AsOfDay(STORED[0], standard_of(WholeStandard()), True, False, is_reference, False)
        record_builds(self.con, [replace(built, day=day) for day in days], NOTHING_LANDED)

    @property
    def marked(self) -> list[date]:
        return marked_days(self.con, NOTHING_LANDED)


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    with duckdb.connect() as con:
        yield Days(con, tmp_path)


def person(reference: Reference, since: date, **points: str) -> Record:
    return Record(reference, points, valid_from=since)


def test_the_first_links_of_a_warehouse_change_nothing(days: Days) -> None:
    assert days.link([(CRM, SHOP)]) is None
    days.build(STORED)
    assert days.link([(CRM, SHOP)]) is None
    assert days.marked == []


def test_a_merge_marks_the_days_from_the_first_event_of_whom_it_moves(days: Days) -> None:
    days.link()
    days.build(STORED)
    assert days.link([(CRM, SHOP)]) == date(2024, 2, 15), "crm:c came first by name, so that shop:b gets its number"
    assert days.marked == STORED[2:]


def test_a_split_marks_the_same_days(days: Days) -> None:
    days.link([(CRM, SHOP)])
    days.build(STORED)
    assert days.link() == date(2024, 2, 15)
    assert days.marked == STORED[2:]


def test_a_moved_record_marks_the_days_of_all_whom_it_joins(days: Days) -> None:
    """Its attributes also hold on the days before it."""
    own = person(("club", "m"), date(2024, 5, 15))
    days.link(records=[own])
    days.build(STORED)
    assert days.link([(("club", "m"), CRM)], records=[own]) == date(2024, 4, 15)
    assert days.marked == STORED[4:]


def test_days_that_are_built_again_are_marked_no_more_and_stay_so(days: Days) -> None:
    days.link()
    days.build(STORED)
    days.link([(CRM, SHOP)])
    days.build(STORED[3:4])
    assert days.marked == [STORED[2], *STORED[4:]]
    assert days.link([(CRM, SHOP)]) is None
    assert days.marked == [STORED[2], *STORED[4:]]


def test_a_reference_without_events_moves_without_a_mark(days: Days) -> None:
    unseen = ("club", "never landed")
    days.link([(unseen, ("club", "nor this"))])
    days.build(STORED)
    assert days.link([(unseen, ("crm", "nor that")), (("club", "nor this"), ("crm", "nor that"))]) is None
    assert days.marked == []


def test_marks_outlive_the_stored_days_that_history_knows(days: Days) -> None:
    days.link()
    days.build(STORED)
    days.con.execute("delete from control.snapshot_builds")
    days.link([(CRM, SHOP)])
    assert days.marked == STORED[2:]


def test_month_ends_learnt_from_are_forgotten_where_their_outcome_reaches_the_change(
    days: Days, tmp_path: Path
) -> None:
    """Of 90 days, the backtest's horizon: 2023-11-30 reaches 2024-02-28, and 2023-10-31 2024-01-29."""
    register_standard(paths_below(tmp_path).standards, standard_of(WholeStandard()))
    ends = [date(2023, 10, 31), date(2023, 11, 30), date(2024, 1, 31)]
    days.build(ends, is_reference=True)
    mark_relinked_days(days.con, date(2024, 2, 28), paths_below(tmp_path).standards)
    assert days.con.execute("select reference_on from control.reference_builds").fetchall() == [(ends[0],)]


def test_a_change_before_all_time_is_borne(days: Days, tmp_path: Path) -> None:
    """A birthday typed as a date of registration: 0001-01-01."""
    days.build(STORED)
    mark_relinked_days(days.con, date.min, paths_below(tmp_path).standards)
    assert days.marked == STORED
