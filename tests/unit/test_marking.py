"""What lands marks the stored days that it can change, and no other: entity by entity, from files to marked days.

Every day of March 2024 is stored when a second file lands, but for the first three; the business day ends at midnight
in New York.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from landing_workshop import Workshop

from dagster_project.contract.entities import ENTITIES
from dagster_project.warehouse.control import AsOfDay, marked_days, record_builds

STORED = [date(2024, 3, 4) + timedelta(days=offset) for offset in range(28)]
LANDED_AT = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2024, 4, 1, 12, tzinfo=UTC)

Row = Mapping[str, str]


@dataclass
class Marking:
    """An installation whose days of March are stored, and files that land in it."""

    workshop: Workshop

    def __post_init__(self) -> None:
        self._con = duckdb.connect()
        self._reads: dict[str, tuple[str, ...]] = {}

    def land(self, entity: str, *rows: Row, now: datetime = LATER, orders_from_lines: bool = False) -> None:
        """Land rows as a file of their own; all files of an entity have the columns of the first."""
        columns = self._reads.setdefault(entity, tuple(dict.fromkeys(name for row in rows for name in row)))
        number = len(list(self.workshop.inbox.glob(f"{entity}-*.csv")))
        lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
        self.workshop.write(f"{entity}-{number}.csv", "".join(",".join(line) + "\n" for line in lines))
        self.workshop.land(self._sources(from_lines=orders_from_lines), now=now)

    def build(self, days: Sequence[date] = STORED) -> None:
        """Note that the days are built from all that has landed."""
        standard = cast(Any, type("Standard", (), {"version": "v"}))
        built = [AsOfDay(day, standard, True, False, False, False) for day in days]
        record_builds(self._con, built, self.workshop.manifest)

    def marked(self) -> list[int]:
        """Days of March that are marked."""
        return [day.day for day in marked_days(self._con, self.workshop.manifest)]

    def _sources(self, *, from_lines: bool) -> str:
        reads = [
            f"{{entity: {entity}, path: 'inbox/{entity}-*.csv', delimiter: ',', decimal: '.', "
            + ("orders: from lines, " if from_lines else "")
            + f"columns: {{{', '.join(f'{column}: {column}' for column in columns)}}}}}"
            for entity, columns in self._reads.items()
        ]
        return f"\n  - {{name: shop, time_zone: America/New_York, reads: [{', '.join(reads)}]}}\n"


@pytest.fixture
def marking(tmp_path: Path) -> Marking:
    return Marking(Workshop(tmp_path))


def from_day(first: int) -> list[int]:
    return [day.day for day in STORED if day.day >= first]


def row(**values: str) -> Row:
    return values


ORDER = row(
    order_id="1",
    customer_ref="a",
    ordered_at="2024-03-10 12:00",
    status="completed",
    gross_amount="10",
    refund_amount="",
    refunded_at="",
    updated_at="",
)
OPPORTUNITY = row(
    opportunity_id="1",
    customer_ref="a",
    status="open",
    stage="offer",
    created_at="2024-03-05",
    updated_at="2024-03-08",
)
CUSTOMER = row(
    customer_ref="a", kind="person", phone="+1 212 555 0100", registered_on="2024-03-05", updated_at="2024-03-08"
)
COMPLAINT = row(
    interaction_id="1",
    customer_ref="a",
    occurred_at="2024-03-10",
    is_complaint="true",
    resolved_at="",
    outcome="open",
)
PLAIN = {
    "refunds": row(refund_id="1", customer_ref="a", refunded_at="2024-03-10", amount="5"),
    "interactions": COMPLAINT,
    "consents": row(customer_ref="a", channel="phone", occurred_at="2024-03-10", is_granted="true"),
    "surveys": row(response_id="1", customer_ref="a", responded_at="2024-03-10", satisfaction="4"),
    "web_events": row(event_id="1", customer_ref="a", occurred_at="2024-03-10", kind="view", product_id="p"),
    "campaigns": row(campaign_id="1", name="spring", starts_on="2024-03-10", ends_on="2024-03-20"),
    "campaign_contacts": row(campaign_id="1", customer_ref="a", channel="sms", contacted_at="2024-03-10", arm=""),
    "list_results": row(task_id="reactivation-2024-03:7:telesales", worked_at="2024-03-10", outcome="reached"),
    "exchange_rates": row(currency="USD", date="2024-03-10", rate="2"),
    "orders": ORDER,
}
CHANGES = {
    "refunds": {"amount": "6"},
    "interactions": {"outcome": "reached"},
    "consents": {"is_granted": "false"},
    "surveys": {"satisfaction": "2"},
    "web_events": {"product_id": "q"},
    "campaigns": {"ends_on": "2024-03-15"},
    "campaign_contacts": {"arm": "control"},
    "list_results": {"outcome": "refused"},
    "exchange_rates": {"rate": "3"},
    "orders": {"gross_amount": "12"},
}
# Columns of the contract that move a record to another day; in the others the day is a part of the key.
TIMES = {
    "refunds": "refunded_at",
    "interactions": "occurred_at",
    "surveys": "responded_at",
    "web_events": "occurred_at",
    "campaigns": "starts_on",
    "campaign_contacts": "contacted_at",
    "list_results": "worked_at",
    "orders": "ordered_at",
}


def test_every_entity_is_tried() -> None:
    versioned = {name for name, entity in ENTITIES.items() if entity.is_versioned}
    assert {*PLAIN, *versioned, "order_lines", "customer_links"} == {*ENTITIES}


@pytest.mark.parametrize("entity", PLAIN)
def test_a_late_row_marks_from_its_own_day_on(marking: Marking, entity: str) -> None:
    marking.build()
    marking.land(entity, PLAIN[entity])
    assert marking.marked() == from_day(10)
    marking.build()
    assert marking.marked() == []


@pytest.mark.parametrize("entity", PLAIN)
def test_a_corrected_row_marks_from_its_day_on_and_the_same_row_again_nothing(marking: Marking, entity: str) -> None:
    marking.land(entity, PLAIN[entity])
    marking.build()
    marking.land(entity, PLAIN[entity], dict.fromkeys(PLAIN[entity], ""))  # other bytes, the same row
    assert marking.marked() == []
    marking.land(entity, {**PLAIN[entity], **CHANGES[entity]})
    assert marking.marked() == from_day(10)


@pytest.mark.parametrize(("was", "becomes"), [(10, 20), (20, 10)])
@pytest.mark.parametrize("entity", TIMES)
def test_a_row_that_moves_marks_from_the_earlier_day(marking: Marking, entity: str, was: int, becomes: int) -> None:
    marking.land(entity, {**PLAIN[entity], TIMES[entity]: f"2024-03-{was}"})
    marking.build()
    marking.land(entity, {**PLAIN[entity], TIMES[entity]: f"2024-03-{becomes}"})
    assert marking.marked() == from_day(10)


def test_the_day_of_an_event_is_the_business_day(marking: Marking) -> None:
    marking.build()
    marking.land("orders", {**ORDER, "ordered_at": "2024-03-11T03:00:00Z"})  # 23:00 on the 10th in New York
    assert marking.marked() == from_day(10)


def test_a_cancelled_order_marks_from_its_day_and_one_that_never_counted_does_not_matter_again(
    marking: Marking,
) -> None:
    marking.land("orders", ORDER, {**ORDER, "order_id": "2", "ordered_at": "2024-03-20", "status": "pending"})
    marking.build()
    marking.land("orders", {**ORDER, "order_id": "2", "ordered_at": "2024-03-20", "status": "cancelled"})
    assert marking.marked() == [], "neither counts"
    marking.land("orders", {**ORDER, "status": "cancelled"})
    assert marking.marked() == from_day(10)


def test_a_late_refund_of_an_old_order_marks_from_the_day_of_the_refund(marking: Marking) -> None:
    marking.land("orders", ORDER)
    marking.build()
    refunded = {**ORDER, "status": "refunded", "refund_amount": "10", "refunded_at": "2024-03-25"}
    marking.land("orders", refunded)
    assert marking.marked() == from_day(25)
    marking.build()
    marking.land("orders", {**refunded, "refunded_at": "2024-03-22"})
    assert marking.marked() == from_day(22)
    marking.build()
    marking.land("orders", {**refunded, "refund_amount": "4", "refunded_at": "2024-03-06"})
    assert marking.marked() == from_day(6), "the money was back before the order's day"


def test_an_order_to_which_a_refund_belongs_marks_from_the_refund_where_that_is_earlier(marking: Marking) -> None:
    refund = row(refund_id="1", order_id="1", refunded_at="2024-03-06", amount="5")
    marking.land("refunds", refund)
    marking.build()
    marking.land("orders", ORDER)
    assert marking.marked() == from_day(6), "until now nobody knew whose refund it was"
    marking.build()
    marking.land("orders", {**ORDER, "gross_amount": "12"})
    assert marking.marked() == from_day(10), "it is still theirs"
    marking.build()
    marking.land("orders", {**ORDER, "gross_amount": "12", "customer_ref": "b"})
    assert marking.marked() == from_day(6)


def test_a_complaint_that_is_resolved_marks_from_the_day_on_which_it_is(marking: Marking) -> None:
    marking.land("interactions", COMPLAINT)
    marking.build()
    marking.land("interactions", {**COMPLAINT, "resolved_at": "2024-03-21"})
    assert marking.marked() == from_day(21)


def test_an_older_version_of_an_order_changes_nothing(marking: Marking) -> None:
    marking.land("orders", {**ORDER, "updated_at": "2024-03-12"})
    marking.build()
    marking.land("orders", {**ORDER, "gross_amount": "9", "updated_at": "2024-03-11"})
    assert marking.marked() == []
    marking.land("orders", {**ORDER, "updated_at": "2024-03-13"})
    assert marking.marked() == [], "touched, and as it was"
    marking.land("orders", {**ORDER, "gross_amount": "9", "updated_at": "2024-03-14"})
    assert marking.marked() == from_day(10)


def test_two_versions_in_one_file_count_as_their_last(marking: Marking) -> None:
    marking.build()
    first, last = {**ORDER, "ordered_at": "2024-03-06"}, {**ORDER, "ordered_at": "2024-03-16"}
    marking.land("orders", first, last)
    assert marking.marked() == from_day(16)


def test_a_deleted_order_marks_from_its_day_and_one_that_was_never_there_nothing(marking: Marking) -> None:
    marking.land("orders", {**ORDER, "is_deleted": "false"})
    marking.build()
    marking.land("orders", {**ORDER, "order_id": "2", "ordered_at": "2024-03-05", "is_deleted": "true"})
    assert marking.marked() == []
    marking.land("orders", {**ORDER, "is_deleted": "true"})
    assert marking.marked() == from_day(10)


def test_lines_mark_from_the_day_of_their_order(marking: Marking) -> None:
    line = row(order_id="1", line_number="1", product_id="p", line_amount="10")
    marking.land("orders", ORDER)
    marking.build()
    marking.land("order_lines", line)
    assert marking.marked() == from_day(10)
    marking.build()
    marking.land("order_lines", {**line, "line_amount": "9"}, {**line, "order_id": "2"})
    assert marking.marked() == from_day(10)


def test_lines_that_came_before_their_order_mark_with_it(marking: Marking) -> None:
    marking.build()
    marking.land("order_lines", row(order_id="1", line_number="1", product_id="p", line_amount="10"))
    assert marking.marked() == []
    marking.land("orders", ORDER)
    assert marking.marked() == from_day(10)


def test_orders_made_of_lines_mark_their_day_also_when_their_sums_stay(marking: Marking) -> None:
    line = row(order_id="1", customer_ref="a", ordered_at="2024-03-10", product_id="p", line_amount="10")
    marking.land("order_lines", line, orders_from_lines=True)
    marking.build()
    marking.land("order_lines", {**line, "product_id": "q"}, orders_from_lines=True)
    assert marking.marked() == from_day(10)
    marking.build()
    marking.land("order_lines", {**line, "product_id": "q", "ordered_at": "2024-03-07"}, orders_from_lines=True)
    assert marking.marked() == from_day(7)


def test_a_contact_without_a_time_marks_from_the_start_of_its_campaign(marking: Marking) -> None:
    marking.land("campaigns", PLAIN["campaigns"], {**PLAIN["campaigns"], "campaign_id": "2", "starts_on": "2024-03-05"})
    marking.build()
    contact = {**PLAIN["campaign_contacts"], "contacted_at": ""}
    marking.land("campaign_contacts", contact)
    assert marking.marked() == from_day(10)
    marking.build()
    marking.land("campaign_contacts", {**contact, "contacted_at": "2024-03-12"})
    assert marking.marked() == from_day(10), "until then it counted from the start"


@pytest.mark.parametrize(
    ("entity", "record", "change"),
    [
        ("opportunities", OPPORTUNITY, {"stage": "won"}),
        ("leads", row(lead_id="1", stage="fresh", created_at="2024-03-05", updated_at="2024-03-08"), {"stage": "lost"}),
        ("customers", CUSTOMER, {"kind": "company"}),
        ("products", row(product_id="1", category="care", updated_at="2024-03-08"), {"category": "tools"}),
    ],
)
def test_a_version_marks_from_its_own_day_and_as_far_as_the_next(
    marking: Marking, entity: str, record: Row, change: Row
) -> None:
    marking.land(entity, record)
    marking.build()
    marking.land(entity, {**record, "updated_at": "2024-03-15"})
    # Of the records of one customer the one touched last counts, so that a touch alone can change who they are.
    assert marking.marked() == (from_day(15) if entity == "customers" else [])
    marking.build()
    marking.land(entity, {**record, **change, "updated_at": "2024-03-20"})
    assert marking.marked() == from_day(20)
    marking.build()
    marking.land(entity, {**record, **change, "updated_at": "2024-03-12"})
    assert marking.marked() == from_day(12), "it holds before the versions that are there"


@pytest.mark.parametrize("entity", ["opportunities", "leads", "customers"])
def test_a_record_marks_from_the_day_on_which_its_customer_is_first_known(marking: Marking, entity: str) -> None:
    record: Row = {
        "opportunities": OPPORTUNITY,
        "leads": row(lead_id="1", customer_ref="a", stage="fresh", created_at="2024-03-05", updated_at="2024-03-08"),
        "customers": CUSTOMER,
    }[entity]
    known_since = "registered_on" if entity == "customers" else "created_at"
    marking.build()
    marking.land(entity, record)
    assert marking.marked() == from_day(5)
    marking.build()
    marking.land(entity, {**record, known_since: "2024-03-07", "updated_at": "2024-03-25"})
    assert marking.marked() == from_day(25), "it was known before"
    marking.build()
    marking.land(entity, {**record, known_since: "2024-03-04", "updated_at": "2024-03-26"})
    assert marking.marked() == from_day(4)


def test_a_record_without_a_time_holds_from_the_day_on_which_it_landed(marking: Marking) -> None:
    record = row(customer_ref="a", kind="person")
    marking.land("customers", record, now=datetime(2024, 3, 6, 12, tzinfo=UTC))
    marking.build()
    marking.land("customers", {**record, "kind": "company"}, now=datetime(2024, 3, 15, 2, tzinfo=UTC))
    assert marking.marked() == from_day(14), "22:00 on the 14th in New York"


def test_an_opportunity_that_moves_to_another_customer_makes_that_one_known_since_it_began(marking: Marking) -> None:
    marking.land("opportunities", OPPORTUNITY)
    marking.build()
    marking.land("opportunities", {**OPPORTUNITY, "customer_ref": "b", "updated_at": "2024-03-20"})
    assert marking.marked() == from_day(5)


def test_a_changed_name_changes_no_day_before_it(marking: Marking) -> None:
    record = {**CUSTOMER, "name": "Ann"}
    marking.land("customers", record)
    marking.build()
    marking.land("customers", {**record, "name": "Anne", "updated_at": "2024-03-20"})
    assert marking.marked() == from_day(20)


def test_days_rebuilt_by_hand_lose_their_mark_and_the_others_keep_it(marking: Marking) -> None:
    marking.build()
    marking.land("orders", ORDER)
    marking.build([date(2024, 3, 12), date(2024, 3, 31)])
    assert marking.marked() == [day for day in from_day(10) if day not in (12, 31)]


def test_a_batch_that_lands_while_a_day_is_built_marks_it_again(marking: Marking) -> None:
    marking.build()
    marking.land("orders", ORDER)
    marking.build()
    marking.land("orders", {**ORDER, "order_id": "2"})
    assert marking.marked() == from_day(10)
