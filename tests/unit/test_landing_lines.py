"""Orders made from lines: one order a basket, rounded once, replaced whole."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from landing_workshop import Workshop

LINES = """
  - name: tills
    time_zone: UTC
    currency: GBP
    reads:
      - entity: order_lines
        path: inbox/lines*.csv
        orders: from lines
        decimal: "."
        columns:
          order_id: basket
          customer_ref: who
          ordered_at: at
          product_id: item
          quantity: count
          unit_price: price
          discount_amount: off
"""
HEADER = "basket,who,at,item,count,price,off\n"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def write(workshop: Workshop, *lines: str, name: str = "lines.csv") -> None:
    workshop.write(name, HEADER + "".join(f"{line}\n" for line in lines))


def test_an_order_is_its_lines_summed_and_rounded_once(workshop: Workshop) -> None:
    write(
        workshop,
        "b1,a,2024-01-02 10:00,x,1,0.333,",
        "b1,a,2024-01-02 09:00,y,3,0.111,0.10",
        "b2,b,2024-01-03 10:00,x,1,1,",
        "b1,a,2024-01-02 11:00,x,1,0.333,",
    )
    lines, orders = workshop.land(LINES).batches
    # By hand: 0.333 + 3 × 0.111 − 0.10 + 0.333 = 0.899 → 0.90 after discount; gross 0.90 + 0.10 = 1.00.
    assert workshop.rows(
        "select order_id, customer_ref, ordered_at, gross_amount, discount_amount, status, currency, row_number "
        "from orders order by order_id"
    ) == [
        ("b1", "a", datetime(2024, 1, 2, 9, tzinfo=UTC), Decimal("1.00"), Decimal("0.10"), "completed", "GBP", 1),
        ("b2", "b", datetime(2024, 1, 3, 10, tzinfo=UTC), Decimal("1.00"), Decimal("0.00"), "completed", "GBP", 3),
    ]
    assert workshop.rows(
        "select order_id, line_number, line_amount, row_number from order_lines order by row_number"
    ) == [
        ("b1", 1, Decimal("0.3330"), 1),
        ("b1", 2, Decimal("0.2330"), 2),
        ("b2", 1, Decimal("1.0000"), 3),
        ("b1", 3, Decimal("0.3330"), 4),
    ]
    assert (lines.entity, lines.rows_read, lines.new) == ("order_lines", 4, 4)
    assert (orders.entity, orders.rows_read, orders.new, orders.is_derived) == ("orders", 2, 2, True)
    assert lines.earliest_changed_on == orders.earliest_changed_on == date(2024, 1, 2)


def test_true_doubles_stay(workshop: Workshop) -> None:
    write(workshop, *["b1,a,2024-01-02,x,1,5,"] * 3)
    workshop.land(LINES)
    assert workshop.rows("select gross_amount from orders") == [(Decimal("15.00"),)]
    assert workshop.rows("select count(distinct line_number) from order_lines") == [(3,)]


def test_overlapping_files_add_nothing(workshop: Workshop) -> None:
    january = ["b1,a,2024-01-02,x,1,5,", "b2,a,2024-01-30,x,1,7,", "b2,a,2024-01-30,y,1,1,"]
    write(workshop, *january, name="lines1.csv")
    write(workshop, *january[1:], "b3,b,2024-02-01,x,1,2,", name="lines2.csv")
    batches = workshop.land(LINES).batches
    assert [(batch.entity, batch.new, batch.unchanged) for batch in batches] == [
        ("order_lines", 3, 0),
        ("orders", 2, 0),
        ("order_lines", 1, 2),
        ("orders", 1, 1),
    ]


def test_a_newer_file_replaces_all_lines_of_an_order(workshop: Workshop) -> None:
    write(workshop, "b1,a,2024-01-02 12:00,x,1,5,", "b1,a,2024-01-02 12:00,y,1,7,", "b2,a,2024-01-01,x,1,1,")
    workshop.land(LINES)
    write(workshop, "b1,a,2024-01-05,x,1,5,", "b2,a,2024-01-01,x,1,1,")
    lines, orders = workshop.land(LINES).batches
    assert (lines.changed, lines.unchanged, orders.changed, orders.unchanged) == (1, 1, 1, 1)
    assert orders.earliest_changed_on == lines.earliest_changed_on == date(2024, 1, 2)
    newest = f"batch_sequence = {lines.sequence}"
    assert workshop.rows(f"select order_id, line_amount from order_lines where {newest}") == [("b1", Decimal("5.0000"))]


def test_a_line_that_changes_only_its_product_changes_its_order(workshop: Workshop) -> None:
    write(workshop, "b1,a,2024-01-02,x,1,5,", "b1,a,2024-01-02,y,1,5,")
    workshop.land(LINES)
    write(workshop, "b1,a,2024-01-02,x,1,5,", "b1,a,2024-01-02,z,1,5,")
    assert [(batch.changed, batch.unchanged) for batch in workshop.land(LINES).batches] == [(2, 0), (1, 0)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("b1,other,2024-01-02,x,1,5,", "the lines of the order name several customers"),
        ("b1,a,2024-01-02,x,-9,5,", "the gross amount of the order is below 0"),
    ],
)
def test_an_order_whose_lines_contradict_one_another_is_refused_whole(
    workshop: Workshop, line: str, reason: str
) -> None:
    write(workshop, "b1,a,2024-01-02,x,1,5,", line, "b2,a,2024-01-02,x,1,1,")
    lines, orders = workshop.land(LINES).batches
    assert (lines.rows_read, lines.accepted, lines.rejected, orders.rows_read) == (3, 1, 2, 1)
    assert [row[2][0].startswith(reason) for row in workshop.quarantine()] == [True, True]


def test_a_bad_line_does_not_take_its_order_with_it(workshop: Workshop) -> None:
    write(
        workshop,
        "b1,a,2024-01-02,x,1,5,",
        "b1,a,2024-01-02,y,one,5,",
        "b1,,2024-01-02,y,1,5,",
        "b1,a,2024-01-02,z,1,2,",
    )
    workshop.land(LINES)
    assert workshop.rows("select gross_amount from orders") == [(Decimal("7.00"),)]
    assert workshop.rows("select line_number, row_number from order_lines order by 1") == [(1, 1), (2, 4)]


def test_numbered_lines_keep_their_numbers_and_doubled_numbers_are_refused(workshop: Workshop) -> None:
    write(
        workshop,
        "b1,a,2024-01-02,x,2,5,7",
        "b1,a,2024-01-02,y,1,5,3",
        "b2,a,2024-01-02,x,1,1,1",
        "b2,a,2024-01-02,x,1,1,1",
    )
    workshop.land(LINES.replace("discount_amount: off", "line_number: off"))
    assert workshop.rows("select order_id, line_number from order_lines order by row_number") == [("b1", 7), ("b1", 3)]
    assert {row[2][0] for row in workshop.quarantine()} == {"two lines of the order have one line_number"}


def test_the_number_of_a_line_is_whole(workshop: Workshop) -> None:
    write(workshop, "b1,a,2024-01-02,x,2,5,7.0", "b2,a,2024-01-02,y,1,5,1.5")
    workshop.land(LINES.replace("discount_amount: off", "line_number: off"))
    assert workshop.rows("select order_id, line_number from order_lines") == [("b1", 7)]
    assert workshop.quarantine()[0][2][0].startswith("line_number is no whole number: '1.5'")


PLAIN = """
  - name: shop
    time_zone: UTC
    reads:
      - {entity: orders, path: inbox/orders.csv, decimal: ".",
         columns: {order_id: no, customer_ref: who, ordered_at: at, gross_amount: total}}
      - {entity: order_lines, path: inbox/lines.csv, decimal: ".",
         columns: {order_id: no, line_number: line, product_id: item, line_amount: amount}}
"""


def test_lines_beside_orders_are_stored_by_order_too(workshop: Workshop) -> None:
    workshop.write("orders.csv", "no,who,at,total\n1,a,2024-01-03 12:00,5\n2,a,2024-01-04,5\n")
    workshop.write("lines.csv", "no,line,item,amount\n1,1,x,2\n1,2,y,3\n2,1,x,5\n")
    workshop.land(PLAIN)
    workshop.write("lines.csv", "no,line,item,amount\n1,1,x,2\n1,2,z,3\n2,1,x,5\n")
    [batch] = workshop.land(PLAIN).batches
    assert (batch.new, batch.changed, batch.unchanged) == (0, 2, 1)
    assert batch.earliest_changed_on == date(2024, 1, 3)
    stored = workshop.rows(
        f"select order_id, line_number from order_lines where batch_sequence = {batch.sequence} order by 2"
    )
    assert stored == [("1", 1), ("1", 2)]
