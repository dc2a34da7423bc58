"""Who objects to profiling has no class on any day, stored or built later, and is on no list; others keep theirs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop

OF_CUSTOMERS_NOT_OF_DAYS = {"dim_customers", "fct_orders", "orders_without_rate", "refunds_without_rate"}


def rows(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def listed(shop: Shop) -> dict[int, str]:
    """The treated customers of the first day's lists, with the channel of each."""
    found = {}
    for file in sorted((shop.data / "lists" / str(FIRST_AS_OF)).glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as opened:
            found.update({int(row["Customer"]): file.stem for row in csv.DictReader(opened)})
    return found


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
def objected(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, int]:
    """A shop with a stored day and a list, on which one customer then objects by the command line."""
    shop = shared_shop.copied_to(tmp_path_factory.mktemp("objected"))
    customer = min(listed(shop))
    assert classes_anywhere(shop, customer)
    shop.strata("opt-out", str(customer))
    return shop, customer


def test_stored_days_lose_the_customer_at_once_everywhere(objected: tuple[Shop, int]) -> None:
    shop, customer = objected
    assert classes_anywhere(shop, customer) == {}


def test_the_lists_that_are_out_no_longer_name_the_customer(objected: tuple[Shop, int], shared_shop: Shop) -> None:
    shop, customer = objected
    assert listed(shop) == {number: channel for number, channel in listed(shared_shop).items() if number != customer}


def test_where_shows_a_list_only_while_it_names_the_customer(objected: tuple[Shop, int], shared_shop: Shop) -> None:
    shop, customer = objected
    file = f"lists/{FIRST_AS_OF}/{listed(shared_shop)[customer]}.csv"
    assert file in shared_shop.strata("where", str(customer), COLUMNS="200")
    said = shop.strata("where", str(customer), COLUMNS="200")
    assert file not in said
    assert "entries into a campaign" in said


def test_the_others_keep_their_stored_classes(objected: tuple[Shop, int], shared_shop: Shop) -> None:
    shop, customer = objected
    query = f"select * from marts.customer_segments where customer_id <> {customer} order by all"
    assert rows(shop, query) == rows(shared_shop, query)


def objecting_by_consent(shop: Shop, member: str) -> None:
    """The tiny shop's members say by which channels they may be reached; one now says no to profiling."""
    sources = shop.config / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    sources.write_text(text.replace("邮件: email}", "邮件: email, 画像: profiling}"), encoding="utf-8")
    consents = shop.data / "inbox" / "members" / "consents.csv"
    header, *lines = consents.read_text(encoding="utf-8").splitlines()
    objection = {"会员编号": member, "渠道": "画像", "时间": f"{FIRST_AS_OF} 09:00:00", "是否同意": "否"}
    lines.append(",".join(objection.get(name, "") for name in header.split(",")))
    consents.write_text("\r\n".join([header, *lines]) + "\r\n", encoding="utf-8")


def test_later_and_rebuilt_days_classify_neither_who_objected_here_nor_who_objected_by_a_consent(
    objected: tuple[Shop, int], tmp_path: Path
) -> None:
    shop = objected[0].copied_to(tmp_path)
    customer = objected[1]
    [[other, member]] = rows(
        shop,
        "select aliases.customer_id, aliases.customer_ref from identity.customer_aliases as aliases "
        f"semi join marts.customer_segments using (customer_id) where source = 'members' and customer_id <> {customer} "
        "order by customer_id limit 1",
    )
    assert classes_anywhere(shop, other)
    objecting_by_consent(shop, member)
    orders = f"select count(*), sum(revenue) from marts.fct_orders where customer_id in ({customer}, {other})"
    before = rows(shop, orders)
    shop.strata("run", "--as-of", str(SECOND_AS_OF))
    assert classes_anywhere(shop, customer) == {}
    assert classes_anywhere(shop, other) == {}
    [[measured]] = rows(
        shop,
        f"select count(*) from intermediate.int_customers_measured where customer_id = {other} "
        f"and as_of_date = '{SECOND_AS_OF}'",
    )
    assert measured == 0
    shop.strata("backfill", "--from", str(FIRST_AS_OF), "--to", str(FIRST_AS_OF))
    assert classes_anywhere(shop, customer) == {}
    assert classes_anywhere(shop, other) == {}
    assert rows(shop, orders) == before
    assert {day for (day,) in rows(shop, "select distinct as_of_date from marts.customer_segments")} == {
        FIRST_AS_OF,
        SECOND_AS_OF,
    }
