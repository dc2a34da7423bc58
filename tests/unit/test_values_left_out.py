"""What is told of bad data leaves out values that can be a person's, and keeps those that help to mend a mapping."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from landing_workshop import NOW, Workshop
from planted_people import found_in, planted_customer

from dagster_project.contract.entities import ENTITIES
from dagster_project.errors import StrataError
from dagster_project.landing import inspect_reads, shown_reason
from dagster_project.warehouse.measures import HIDDEN, TableMeasures, measure
from dagster_project.warehouse.quoted_values import VALUE_ERRORS, without_values

PEOPLE = """
  - name: crm
    time_zone: UTC
    reads:
      - entity: customers
        path: inbox/people.csv
        columns: {customer_ref: 编号, name: 姓名, phone: 手机, email: 邮箱, wechat_id: 微信号, region: 省份}
"""
RECORDS = [",".join((str(number), *planted_customer(number).values(), "浙江")) for number in range(1, 4)]
HEADER = "编号,姓名,手机,邮箱,微信号,省份"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "select cast('司马藏1' as integer)",
        "select cast(name as date) from (values ('司马藏1'), ('司马藏2')) as people (name)",
        "create table people (phone varchar primary key); insert into people values ('+12125550101'), ('+12125550101')",
        "select cast('zhifangyou' as timestamp)",
        "select strptime('wxqiangua', '%Y')",
    ],
)
def test_an_error_about_a_value_is_told_without_it(statement: str) -> None:
    with duckdb.connect() as con, pytest.raises(VALUE_ERRORS) as caught:
        con.execute(statement).fetchall()
    assert found_in(str(caught.value).encode())
    told = without_values(caught.value)
    assert not found_in(told.encode())
    assert "…" in told


def test_an_error_about_a_name_keeps_it() -> None:
    with duckdb.connect() as con, pytest.raises(duckdb.Error) as caught:
        con.execute("select nothing from customers")
    assert not isinstance(caught.value, VALUE_ERRORS)


def test_a_first_line_that_can_be_a_record_is_not_shown_as_the_header(workshop: Workshop) -> None:
    workshop.write("people.csv", "\n".join(RECORDS) + "\n")
    with pytest.raises(StrataError) as caught:
        workshop.land(PEOPLE)
    assert "columns.customer_ref: no column '编号'" in str(caught.value)
    assert "None of the 6 names in its header is like one of the mapping" in str(caught.value)
    assert not found_in(str(caught.value).encode())
    [inspected] = inspect_reads(workshop.settings(PEOPLE), now=NOW)
    assert not found_in(str(inspected.problem).encode())


def test_a_header_of_which_one_name_is_known_is_shown(workshop: Workshop) -> None:
    workshop.write("people.csv", "\n".join(["编号,称呼,电话,信箱,微信,地区", *RECORDS]) + "\n")
    with pytest.raises(StrataError, match="The file has: 编号, 称呼, 电话, 信箱, 微信, 地区"):
        workshop.land(PEOPLE)


@pytest.mark.parametrize("heading", ["姓名", "手机", "微信号"])
@pytest.mark.parametrize("column", ["kind", "registered_on", "do_not_contact", "competitor_closeness"])
def test_a_person_read_as_something_else_is_told_by_the_claim_alone(
    workshop: Workshop, column: str, heading: str
) -> None:
    workshop.write("people.csv", "\n".join([HEADER, *RECORDS]) + "\n")
    mapping = PEOPLE.replace("region: 省份", f"{column}: {heading}")
    landed = workshop.land(mapping)
    reasons = [reason for batch in landed.batches for reason in batch.reasons]
    [inspected] = inspect_reads(workshop.settings(mapping), now=NOW)
    assert [row.columns for row in inspected.examples] == [heading] * 3
    assert not found_in(f"{reasons} {inspected.reasons} {inspected.examples}".encode())


def test_a_contact_point_in_another_column_is_pointed_out_and_not_shown(workshop: Workshop) -> None:
    workshop.write("people.csv", "\n".join([HEADER, *RECORDS]) + "\n")
    [inspected] = inspect_reads(workshop.settings(PEOPLE.replace("region: 省份", "region: 邮箱")), now=NOW)
    assert [row["region"] for row in inspected.first_rows] == ["(looks personal)"] * 3
    [inspected] = inspect_reads(workshop.settings(PEOPLE), now=NOW)
    assert [row["region"] for row in inspected.first_rows] == ["浙江"] * 3


@pytest.mark.parametrize(
    ("entity", "reason", "shown"),
    [
        ("orders", "status is not one of completed: '已发货'", "status is not one of completed: '已发货'"),
        ("orders", "status is not one of completed: '13812345678'", "status is not one of completed"),
        ("orders", "region is odd: 'a.b@example.org'", "region is odd"),
        ("customers", "kind is not one of person: '已发货'", "kind is not one of person"),
        ("customers", "customer_ref is missing", "customer_ref is missing"),
    ],
)
def test_a_reason_is_shown_with_its_value_where_that_is_nobodys(entity: str, reason: str, shown: str) -> None:
    assert shown_reason(ENTITIES[entity], reason) == shown


def measures_of(table: str, *, filled_by: str) -> TableMeasures:
    """What is told of a mart where `silent` is a word of the settings."""
    with duckdb.connect() as con:
        con.execute("create schema control; create schema marts")
        con.execute("create table control.labels as select 'silent' as code, 'Silent' as label")
        con.execute(filled_by)
        measures = measure(con, "marts", table)
    assert measures is not None
    return measures


def test_a_preview_shows_the_words_of_the_settings_and_no_other_text() -> None:
    measures = measures_of(
        "customer_segments",
        filled_by="""
            create table marts.customer_segments (as_of_date date, customer_id bigint, stage varchar, region varchar);
            insert into marts.customer_segments values ('2024-01-01', 1, 'silent', '司马藏');
            insert into marts.customer_segments values ('2024-01-01', 2, null, '')
            """,
    )
    assert measures.preview is not None
    assert [row[1:] for row in measures.preview] == [(1, "silent", HIDDEN), (2, None, HIDDEN)]


def test_a_preview_shows_no_list_of_texts() -> None:
    measures = measures_of(
        "customer_last_purchases",
        filled_by="""
            create table marts.customer_last_purchases (customer_id bigint, products varchar[], stage varchar);
            insert into marts.customer_last_purchases values (1, ['司马藏', 'silent'], 'silent'), (2, null, null)
            """,
    )
    assert measures.preview == ((1, HIDDEN, "silent"), (2, None, None))


def test_what_is_told_about_a_view_does_not_compute_all_of_it() -> None:
    measures = measures_of(
        "fct_orders",
        filled_by="""
            create view marts.fct_orders as
            select range as order_id, case when range = 100000 then error('computed') end as channel from range(200000)
            """,
    )
    assert measures.rows is None
    assert measures.preview == tuple((number, None) for number in range(5))
