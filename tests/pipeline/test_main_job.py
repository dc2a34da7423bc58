"""`strata run` as it is shipped, on the sample: real purchases of Complete Journey and a generated CRM side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from shop_runs import Shop

from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.sources.sample import find_purchases


@dataclass(frozen=True)
class Run:
    """What the job left behind, and what it said."""

    data: Path
    output: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
            return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def run(parsed_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    shipped = Shop(PROJECT_ROOT / "config", tmp_path_factory.mktemp("sample") / "data").spared_the_parse(parsed_project)
    return Run(shipped.data, shipped.strata("run", COLUMNS="120"))


@pytest.fixture(scope="module")
def baskets() -> pd.DataFrame:
    """One row a basket, by pandas: its first line's day in New York, and the sum of sales_value in cents."""
    lines = pd.read_parquet(
        find_purchases() / "transactions.parquet", columns=["basket_id", "sales_value", "transaction_timestamp"]
    )
    lines["cents"] = (lines["sales_value"] * 100).round().astype("int64")
    by_basket = lines.groupby("basket_id").agg(at=("transaction_timestamp", "min"), cents=("cents", "sum"))
    by_basket["ordered_on"] = by_basket["at"].dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.date
    return by_basket


def test_every_household_basket_and_cent_arrives(run: Run) -> None:
    [found] = run.rows("select count(distinct customer_id), count(*), sum(revenue) from marts.fct_orders")
    assert found == (2469, 155848, Decimal("4596039.58"))


def test_every_basket_falls_on_its_new_york_day_with_its_own_revenue(run: Run, baskets: pd.DataFrame) -> None:
    orders = run.rows("select order_id, ordered_on, revenue from marts.fct_orders")
    ours = {order_id: (day, revenue) for order_id, day, revenue in orders}
    assert ours == {
        str(basket): (day, Decimal(cents) / 100)
        for basket, day, cents in zip(baskets.index, baskets["ordered_on"], baskets["cents"], strict=True)
    }
    assert {day for day, _ in ours.values()} >= {date(2017, 1, 1), date(2017, 12, 31)}
    assert max(day for day, _ in ours.values()) == date(2017, 12, 31)


def test_households_of_both_crms_are_one_customer_and_prospects_have_no_order(run: Run) -> None:
    [[shared]] = run.rows(
        """
        select count(*) from (
            select customer_id from identity.customer_aliases
            group by customer_id
            having count(distinct source) = 3
        )
        """
    )
    assert shared > 500
    [[prospects]] = run.rows("select count(*) from marts.customer_segments where lifecycle_stage = 'prospect'")
    assert prospects == 300


def test_it_ends_with_what_landed_who_the_customers_are_and_where_everything_is(run: Run) -> None:
    for words in ("order_lines", "1,469,307", "Churned", "telesales", "strata.duckdb", "report-zh.html"):
        assert words in run.output
    day = run.data / "lists" / "2017-12-31"
    assert {path.name for path in day.iterdir()} >= {"telesales.csv", "telesales.xlsx", "wechat.csv", "email.csv"}
    assert (run.data / "published" / "parquet" / "as_of_date=2017-12-31" / "customer_segments.parquet").exists()


def test_what_is_generated_says_so_wherever_it_shows(run: Run) -> None:
    sources = {source for (source,) in run.rows("select distinct source from identity.customer_aliases")}
    assert sources == {"grocery", "zoho_generated", "fxiaoke_generated"}
    report = (run.data / "reports" / "2017-12-31" / "report-en.html").read_text(encoding="utf-8")
    assert "zoho_generated" in report
    assert "generated for demonstration" in report


def test_the_lists_name_what_was_bought_last_and_offer_what_was_never_bought(run: Run) -> None:
    [file] = (run.data / "assignments").rglob("2017-12-31.parquet")
    issued = pd.read_parquet(file, columns=["customer_id", "last_order_on", "last_purchases", "next_products"])
    found = run.rows("select customer_id, customer_ref from identity.customer_aliases where source = 'grocery'")
    issued["household"] = issued["customer_id"].map(dict(found))
    lines = pd.read_parquet(
        find_purchases() / "transactions.parquet", columns=["household_id", "product_id", "transaction_timestamp"]
    )
    lines = lines[lines["household_id"].astype(str).isin(issued["household"].astype(str))]
    at = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    lines = lines.assign(household=lines["household_id"].astype(str), on=at.dt.date)
    products = pd.read_parquet(find_purchases() / "products.parquet", columns=["product_id", "product_type"])
    products = products.dropna(subset="product_type").astype(str)
    names = dict(zip(products["product_id"], products["product_type"], strict=True))
    offers = run.rows(
        "select customer_id, product_id, product_name from marts.next_products where as_of_date = '2017-12-31'"
    )
    for row in issued.itertuples():
        own = lines[lines["household"] == str(row.household)]
        last = own.loc[own["on"] == row.last_order_on, "product_id"].astype(str)
        assert 1 <= len(row.last_purchases) <= 3
        assert set(row.last_purchases) <= {names.get(product, product) for product in last}, row.customer_id
        offered = [(product, name) for customer, product, name in offers if customer == row.customer_id]
        assert list(row.next_products if row.next_products is not None else []) == [name for _, name in offered]
        assert not {product for product, _ in offered} & set(own["product_id"].astype(str)), row.customer_id
    assert issued["next_products"].notna().mean() > 0.9
