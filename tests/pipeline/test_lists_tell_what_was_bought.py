"""What a list says of a customer, computed again from the shop's exports without the project."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from shop_runs import FIRST_AS_OF, Shop
from tiny_shop import COMPLETED, REFUNDED

WINDOW = timedelta(days=365)


def money(texts: pd.Series) -> pd.Series:
    return texts.fillna("").str.replace(r"[￥,]", "", regex=True).map(lambda text: Decimal(text or "0"))


@pytest.fixture(scope="module")
def orders(shared_shop: Shop) -> pd.DataFrame:
    """The counted orders up to the day, a later file's version of an order in place of an earlier one's."""
    inbox = shared_shop.data / "inbox" / "shop"
    files = [
        pd.read_csv(inbox / "orders_2023.csv", dtype=str, encoding="gb18030"),
        pd.read_csv(inbox / "orders_2024.csv", dtype=str, encoding="utf-8-sig"),
    ]
    rows = pd.concat(files).drop_duplicates("订单编号", keep="last")
    rows["on"] = pd.to_datetime(rows["付款时间"], format="mixed", errors="coerce").dt.date
    rows = rows[rows["on"].notna() & rows["订单状态"].isin([COMPLETED, REFUNDED])]
    rows["paid"] = money(rows["总金额"]) - money(rows["优惠金额"])
    rows["refund"] = money(rows["退款金额"])
    rows["refunded_on"] = pd.to_datetime(rows["退款时间"], format="mixed").dt.date
    return rows[rows["on"] <= FIRST_AS_OF]


@pytest.fixture(scope="module")
def issued(shared_shop: Shop) -> pd.DataFrame:
    """The rows that were issued for the day, with the buyer behind each."""
    (file,) = (shared_shop.data / "assignments").glob(f"*/{FIRST_AS_OF}.parquet")
    rows = pq.read_table(file, partitioning=None).to_pandas(types_mapper=None, date_as_object=True)
    with duckdb.connect(str(shared_shop.data / "published" / "serving" / "strata.duckdb"), read_only=True) as con:
        aliases = con.execute(
            "select customer_id, customer_ref as buyer from strata.customer_aliases where source = 'shop'"
        ).df()
    return rows.merge(aliases, on="customer_id", validate="one_to_one")


def test_a_list_was_issued_for_buyers_with_and_without_a_habit(issued: pd.DataFrame) -> None:
    assert len(issued) >= 8
    assert issued["best_weekday"].notna().any()
    assert issued["best_weekday"].isna().any()


def test_the_best_weekday_is_that_of_most_orders_in_the_exports(issued: pd.DataFrame, orders: pd.DataFrame) -> None:
    for row in issued.itertuples():
        weekdays = orders.loc[orders["买家昵称"] == row.buyer, "on"].map(lambda day: day.isoweekday())
        counts = weekdays.value_counts()
        best = counts.index[counts == counts.max()].min() if counts.max() > 1 else None
        assert (None if pd.isna(row.best_weekday) else int(row.best_weekday)) == best, row.buyer


def test_the_worth_before_the_silence_is_the_net_revenue_of_the_exports(
    shared_shop: Shop, issued: pd.DataFrame, orders: pd.DataFrame
) -> None:
    goodwill = pd.read_csv(shared_shop.data / "inbox" / "shop" / "refunds.csv", dtype=str)
    goodwill["on"] = pd.to_datetime(goodwill["退款时间"]).dt.date
    for row in issued.itertuples():
        own = orders[orders["买家昵称"] == row.buyer]
        last = max(own["on"])
        assert row.last_order_on == last

        def is_in_window(days: pd.Series, last: date = last) -> pd.Series:
            return days.map(lambda day: pd.notna(day) and last - WINDOW < day <= last).astype(bool)

        given = goodwill[(goodwill["买家昵称"] == row.buyer) & is_in_window(goodwill["on"])]
        expected = (
            sum(own.loc[is_in_window(own["on"]), "paid"], Decimal(0))
            - sum(own.loc[is_in_window(own["refunded_on"]), "refund"], Decimal(0))
            - sum(money(given["退款金额"]), Decimal(0))
        )
        assert row.revenue_before_silence == expected, row.buyer


def test_the_own_rhythm_is_the_median_pause_of_the_exports(issued: pd.DataFrame, orders: pd.DataFrame) -> None:
    for row in issued.itertuples():
        days = pd.Series(sorted(set(orders.loc[orders["买家昵称"] == row.buyer, "on"])))
        pauses = days.diff().dropna().map(lambda pause: pause.days)
        if pauses.empty:
            assert row.median_gap_days is None
        else:
            assert row.median_gap_days == Decimal(str(pauses.median())), row.buyer


def test_every_issued_row_has_an_offer_s_codes_and_a_plan(issued: pd.DataFrame) -> None:
    for column in ("silence_cause", "need_type", "plan_dimension", "plan_class", "expected_value"):
        assert issued[column].notna().all(), column
