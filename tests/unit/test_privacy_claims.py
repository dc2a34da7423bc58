"""Which rows are a person's is told by the names of a table's columns, alike in DuckDB and in PostgreSQL."""

from __future__ import annotations

import duckdb
import pytest

from dagster_project.privacy.claims import Keys, claim, key_statements

KEYS = Keys(
    customer_ids=(7, 3),
    registry_ids=(7, 9),
    references=(("shop", "O'Neil"), ("crm", "0042")),
    orders=(("shop", "A-1"),),
    refunds=(("shop", "R-1"),),
)
# Columns, rows, and which of the rows are the person's.
TABLES = {
    "by customer": (("customer_id", "tier"), [(7, "a"), (3, "b"), (9, "c"), (None, "d")], {0, 1}),
    "by registry number": (("registry_id",), [(9,), (3,)], {0}),
    "by reference": (
        ("source", "customer_ref"),
        [("shop", "O'Neil"), ("crm", "O'Neil"), ("crm", "0042"), ("crm", None)],
        {0, 2},
    ),
    "linked from another": (
        ("source", "customer_ref", "linked_source", "linked_ref"),
        [("pos", "5", "crm", "0042"), ("pos", "5", "shop", "0042")],
        {0},
    ),
    "by order": (("source", "order_id", "line_number"), [("shop", "A-1", 1), ("pos", "A-1", 1)], {0}),
    "by refund": (("source", "refund_id"), [("shop", "R-1"), ("shop", "R-2")], {0}),
    "by task": (("task_id",), [("reactivation-2018-01:9:sms",), ("reactivation-2018-09:3:sms",)], {0}),
}


@pytest.mark.parametrize("case", TABLES)
def test_rows_are_the_persons(case: str) -> None:
    columns, rows, own = TABLES[case]
    condition = claim(columns)
    assert condition is not None
    with duckdb.connect() as con:
        for statement in key_statements(KEYS):
            con.execute(statement)
        marked = ", ".join(["place", *columns])
        values = ", ".join(f"({', '.join(['?'] * (len(columns) + 1))})" for _ in rows)
        listed = [value for place, row in enumerate(rows) for value in (place, *row)]
        found = con.execute(
            f"select place from (values {values}) as rows ({marked}) where {condition}", listed
        ).fetchall()
    assert {place for (place,) in found} == own


def test_a_number_is_the_persons_where_a_table_holds_it_as_text() -> None:
    condition = claim(["customer_id"], are_numbers_text=True)
    with duckdb.connect() as con:
        for statement in key_statements(KEYS):
            con.execute(statement)
        rows = "(values ('7'), ('70'), ('nobody'), (null), ('3')) as listed (customer_id)"
        assert con.execute(f"select customer_id from {rows} where {condition}").fetchall() == [("7",), ("3",)]


def test_a_table_without_persons_is_claimed_by_nobody() -> None:
    assert claim(["as_of_date", "class", "customers", "source"]) is None


def test_a_person_without_orders_has_empty_tables_not_missing_ones() -> None:
    with duckdb.connect() as con:
        for statement in key_statements(Keys((1,), (1,), (("shop", "a"),))):
            con.execute(statement)
        assert con.execute("select count(*) from person_orders").fetchall() == [(0,)]
