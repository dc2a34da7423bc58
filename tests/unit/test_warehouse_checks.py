"""Each check over the tables finds the fault that it is there for, and tells counts, never values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from dagster_project.warehouse.checked_days import forget_checked, note_checked
from dagster_project.warehouse.checks import (
    Check,
    landed_revenue_is_mart_revenue,
    no_personal_data,
    one_row_a_customer_a_day,
    record_checks,
    recorded_checks,
    segment_stability,
)

TABLES = """
create schema control;
create table control.snapshot_builds (as_of_date date);
insert into control.snapshot_builds values ('2024-01-01'), ('2024-01-02');
create schema landing;
create schema marts;
create schema personal;
create schema identity;
create table identity.customer_aliases (source varchar, customer_ref varchar);
insert into identity.customer_aliases values ('shop', 'anna');
create table landing.orders (
    source varchar, order_id varchar, currency varchar, gross_amount decimal(18, 2), discount_amount decimal(18, 2),
    updated_at timestamptz, batch_sequence bigint, row_number bigint, is_deleted boolean
);
insert into landing.orders values
    ('shop', '1', 'EUR', 10.00, 1.50, null, 1, 1, false),
    ('shop', '2', 'EUR', 99.00, null, '2024-01-01 00:00:00+00', 1, 2, false),
    ('shop', '2', 'EUR', 20.00, null, '2024-02-01 00:00:00+00', 1, 3, false),  -- corrected
    ('shop', '3', 'EUR', 5.00, 0.00, null, 1, 4, false),
    ('shop', '3', 'EUR', 5.00, 0.00, null, 2, 1, true),                        -- deleted later
    ('shop', '4', 'USD', 7.00, 0.00, null, 1, 5, false),
    ('shop', '5', 'JPY', 7.00, 0.00, null, 1, 6, false);                       -- no rate
create table marts.fct_orders (order_id varchar, currency varchar, revenue decimal(18, 2));
insert into marts.fct_orders values ('1', 'EUR', 8.50), ('2', 'EUR', 20.00), ('4', 'USD', 6.11);
create table marts.orders_without_rate (order_id varchar, currency varchar);
insert into marts.orders_without_rate values ('5', 'JPY');
create table marts.customer_segments (as_of_date date, customer_id bigint, city varchar, owner varchar);
insert into marts.customer_segments values
    ('2024-01-01', 1, 'Wien', '王敏'), ('2024-01-01', 2, 'Graz', null), ('2024-01-02', 1, 'Wien', '王敏');
create table personal.stg_customers_personal (
    customer_id bigint, name varchar, phone varchar, email varchar, wechat_id varchar
);
insert into personal.stg_customers_personal values (1, 'Anna', '+43 660 5550100', 'anna@example.com', 'wx_anna');
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(TABLES)
        forget_checked(con, [])
        yield con


def test_a_warehouse_in_order_passes(con: duckdb.DuckDBPyConnection) -> None:
    revenue = landed_revenue_is_mart_revenue(con, "EUR")
    assert revenue == Check(
        True, "4 orders, 28.50 EUR landed and in the marts", {"orders": 4, "revenue in EUR": "28.50"}
    )
    assert one_row_a_customer_a_day(con).passed
    assert no_personal_data(con).passed


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            "update marts.fct_orders set revenue = 8.51 where order_id = '1'",
            "EUR: landed 2 orders of 28.50, marts 2 of 28.51",
        ),
        ("delete from marts.fct_orders where order_id = '1'", "EUR: landed 2 orders of 28.50, marts 1 of 20.00"),
        ("insert into marts.fct_orders values ('3', 'EUR', 0.00)", "EUR: landed 2 orders of 28.50, marts 3 of 28.50"),
        ("delete from marts.fct_orders where order_id = '4'", "USD: landed 1 orders"),
        ("delete from marts.orders_without_rate", "JPY: landed 1 orders"),
    ],
)
def test_a_cent_or_an_order_too_many_or_too_few_is_found(con: duckdb.DuckDBPyConnection, fault: str, says: str) -> None:
    con.execute(fault)
    check = landed_revenue_is_mart_revenue(con, "EUR")
    assert not check.passed
    assert says in check.says


def test_a_customer_with_two_rows_of_a_day_is_found(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into marts.customer_segments values ('2024-01-02', 1, 'Linz', null)")
    assert one_row_a_customer_a_day(con) == Check(
        False, "4 rows, 3 customers by day, on 2 days", {"rows": 4, "distinct customers by day": 3, "days": 2}
    )


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            "alter table marts.customer_segments add column phone varchar",
            "customer_segments.phone is a personal column",
        ),
        (
            "update marts.customer_segments set city = 'anna@example.com'",
            "known contact point in customer_segments.city",
        ),
        ("update marts.customer_segments set city = 'wx_anna'", "known contact point in customer_segments.city"),
        ("update marts.customer_segments set city = 'ask bob@example.org'", "look like a phone or an e-mail"),
        ("update identity.customer_aliases set customer_ref = 'wx_anna'", "set hash: true on customer_ref"),
        ("update marts.customer_segments set owner = '13812345678'", "look like a phone or an e-mail"),
        ("update marts.customer_segments set owner = '+1 (212) 555-0100'", "look like a phone or an e-mail"),
    ],
)
def test_personal_data_is_found_by_name_value_and_pattern_and_not_repeated(
    con: duckdb.DuckDBPyConnection, fault: str, says: str
) -> None:
    con.execute(fault)
    check = no_personal_data(con)
    assert not check.passed
    assert says in check.says
    for value in ("anna", "bob@", "1381234", "555-0100"):
        assert value not in check.says


def test_days_that_have_passed_are_not_read_again_until_they_are_written(con: duckdb.DuckDBPyConnection) -> None:
    note_checked(con)
    con.execute("insert into marts.customer_segments values ('2024-01-02', 1, 'anna@example.com', null)")
    forget_checked(con, [date(2024, 1, 1)])
    assert one_row_a_customer_a_day(con).says == "2 rows, 2 customers by day, on 1 days"
    assert no_personal_data(con).passed
    forget_checked(con, [date(2024, 1, 2)])
    assert not one_row_a_customer_a_day(con).passed
    assert not no_personal_data(con).passed


def test_lists_are_searched_though_their_day_has_passed(con: duckdb.DuckDBPyConnection) -> None:
    note_checked(con)
    con.execute("create table marts.reactivation_list as select date '2024-01-02' as as_of_date, 'wx_anna' as owner")
    assert "known contact point in reactivation_list.owner" in no_personal_data(con).says


def test_order_numbers_that_look_like_phones_are_no_finding(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update marts.fct_orders set order_id = '13812345678' where order_id = '1'")
    assert no_personal_data(con).passed


def test_what_a_run_found_is_kept_for_the_report(con: duckdb.DuckDBPyConnection) -> None:
    assert recorded_checks(con) == {}
    record_checks(con, {"one": Check(True, "holds"), "two": Check(False, "does not")})
    record_checks(con, {"one": Check(False, "no more")})
    assert recorded_checks(con) == {"one": Check(False, "no more")}


def shifted(con: duckdb.DuckDBPyConnection, *rows: tuple[str, str, str]) -> Check:
    """The check of a day on which dimensions have these indexes and verdicts, after a day that was all steady."""
    con.execute(
        "create or replace table marts.segment_stability "
        "(as_of_date date, compared_on date, dimension varchar, stability_index decimal(18, 6), verdict varchar)"
    )
    con.execute("insert into marts.segment_stability values ('2024-01-31', '2023-12-31', 'value_tier', 0.9, 'fail')")
    for row in rows:
        con.execute("insert into marts.segment_stability values ('2024-02-10', '2024-01-31', ?, ?, ?)", row)
    return segment_stability(con)


def test_a_shift_beyond_the_first_limit_is_a_warning_and_beyond_the_second_an_error(
    con: duckdb.DuckDBPyConnection,
) -> None:
    steady, warned, failed = ("rfm_type", "0.02", "steady"), ("value_tier", "0.1", "warn"), ("owner", "0.25", "fail")
    assert shifted(con, steady).passed
    warning = shifted(con, steady, warned)
    assert (warning.passed, warning.is_warning) == (False, True)
    assert warning.says == "from 2024-01-31 to 2024-02-10: shifted value_tier 0.100 (warn)"
    error = shifted(con, steady, warned, failed)
    assert (error.passed, error.is_warning) == (False, False)
    assert "owner 0.250 (fail); value_tier 0.100 (warn)" in error.says


def test_a_first_day_has_nothing_to_have_shifted_from(con: duckdb.DuckDBPyConnection) -> None:
    shifted(con)
    con.execute("delete from marts.segment_stability")
    assert segment_stability(con) == Check(True, "no earlier month end to compare with")
