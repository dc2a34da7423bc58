"""Who objects to profiling has no class on any day, stored or built later, and is on no list; others keep theirs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from people_shop import LATER_AS_OF, listed, objecting, rows
from shop_runs import FIRST_AS_OF, Shop

OF_CUSTOMERS_NOT_OF_DAYS = {"dim_customers", "fct_orders", "orders_without_rate", "refunds_without_rate"}


def classes_anywhere(shop: Shop, customer: int) -> dict[str, int]:
    """Rows with classes of a customer, by place: the marts of the warehouse, and each published table."""
    found = {}
    tables = rows(
        shop,
        "select table_name from duckdb_columns() where schema_name = 'marts' and column_name = 'customer_id'",
    )
    for (table,) in tables:
        [[count]] = rows(shop, f'select count(*) from marts."{table}" where customer_id = {customer}')
        found[f"marts.{table}"] = count
    for file in (shop.data / "published" / "parquet").glob("as_*/*.parquet"):
        if "customer_id" in (table := pq.read_table(file, partitioning=None)).column_names:
            found[f"{file.parent.name}/{file.stem}"] = table["customer_id"].to_pylist().count(customer)
    with duckdb.connect(str(shop.data / "published" / "serving" / "strata.duckdb"), read_only=True) as con:
        for (table,) in con.execute(
            "select table_name from duckdb_columns() where column_name = 'customer_id'"
        ).fetchall():
            [[count]] = con.execute(f'select count(*) from "{table}" where customer_id = {customer}').fetchall()
            found[f"serving.{table}"] = count
    not_classes = {*OF_CUSTOMERS_NOT_OF_DAYS, "customer_aliases", "customer_days", "identity_links"}
    return {
        place: count
        for place, count in found.items()
        if count and place.split(".")[-1].split("/")[-1] not in not_classes
    }


@pytest.fixture(scope="module")
def customer(erased_shop: Shop) -> int:
    """Who objects by the command line, on a shop with a stored day and a list."""
    return objecting(erased_shop)[0]


def test_stored_days_lose_the_customer_at_once_everywhere(
    erased_shop: Shop, objected_shop: Shop, customer: int
) -> None:
    assert classes_anywhere(erased_shop, customer)
    assert classes_anywhere(objected_shop, customer) == {}


def test_the_lists_that_are_out_no_longer_name_the_customer(
    erased_shop: Shop, objected_shop: Shop, customer: int
) -> None:
    others = {number: channel for number, channel in listed(erased_shop).items() if number != customer}
    assert listed(objected_shop) == others


def test_where_shows_a_list_only_while_it_names_the_customer(
    erased_shop: Shop, objected_shop: Shop, customer: int, tmp_path: Path
) -> None:
    file = f"lists/{FIRST_AS_OF}/{listed(erased_shop)[customer]}.csv"
    before, after = erased_shop.copied_to(tmp_path / "before"), objected_shop.copied_to(tmp_path / "after")
    assert file in before.strata("where", str(customer), COLUMNS="200")
    said = after.strata("where", str(customer), COLUMNS="200")
    assert file not in said
    assert "entries into a campaign" in said


def test_the_others_keep_their_stored_classes(erased_shop: Shop, objected_shop: Shop, customer: int) -> None:
    query = f"select * from marts.customer_segments where customer_id <> {customer} order by all"
    assert rows(objected_shop, query) == rows(erased_shop, query)


def test_later_and_rebuilt_days_classify_neither_who_objected_here_nor_who_objected_by_a_consent(
    erased_shop: Shop, objected_shop: Shop, rebuilt_shop: Shop, last_shop: Shop
) -> None:
    """Both were on the issued list of the day that is rebuilt."""
    customer, other = objecting(erased_shop)
    assert classes_anywhere(objected_shop, other)
    orders = f"select count(*), sum(revenue) from marts.fct_orders where customer_id in ({customer}, {other})"
    for shop, days in ((rebuilt_shop, {FIRST_AS_OF}), (last_shop, {FIRST_AS_OF, LATER_AS_OF})):
        assert classes_anywhere(shop, customer) == {}
        assert classes_anywhere(shop, other) == {}
        assert {day for (day,) in rows(shop, "select distinct as_of_date from marts.customer_segments")} == days
        assert rows(shop, orders) == rows(erased_shop, orders)
    assert listed(rebuilt_shop).keys() == listed(erased_shop).keys() - {customer, other}
    [(measured,)] = rows(
        last_shop,
        f"select count(*) from intermediate.int_customers_measured where customer_id = {other} "
        f"and as_of_date = '{LATER_AS_OF}'",
    )
    assert measured == 0
