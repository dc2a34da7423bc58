"""The whole job on a real shop's invoice lines, against an independent computation from the same file.

UCI Online Retail (Daqing Chen, CC BY 4.0): 541,909 lines, cancellations as invoices that begin with C, lines without a
customer, negative quantities and prices of zero.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from column_comparison import assert_columns_equal, assert_same_entries
from reference.classification import COLUMNS, classify
from reference.classification import Standard as ReferenceStandard
from reference.next_products import Learning, Shelves, Shopper, offers_on
from reference.uci import build_baskets, no_refunds
from uci_run import AS_OF, LINES, UciRun

pytestmark = pytest.mark.real_data


def test_the_clean_rule_gives_the_known_customers_orders_and_revenue(uci_run: UciRun) -> None:
    [found] = uci_run.rows(
        "select count(distinct customer_id), count(*), sum(revenue) from strata.fct_orders"
    ).to_numpy()
    assert list(found) == [4338, 18532, Decimal("8911407.90")]


def test_every_order_is_rounded_once_from_its_unrounded_lines(uci_run: UciRun, uci_orders: pd.DataFrame) -> None:
    ours = uci_run.rows("select order_id, revenue from strata.fct_orders").set_index("order_id")["revenue"]
    assert ours.sort_index().to_dict() == uci_orders.set_index("order_id")["revenue"].sort_index().to_dict()


def test_every_customer_has_the_scores_types_stages_and_tiers_of_the_reference(
    uci_run: UciRun, uci_orders: pd.DataFrame
) -> None:
    expected = classify(uci_orders, no_refunds(), None, AS_OF, ReferenceStandard())
    got = uci_run.rows(
        f"""
        select aliases.customer_ref, features.*, rfm.* exclude (as_of_date, customer_id, standard_version),
            lifecycle.* exclude (as_of_date, customer_id, standard_version),
            customer_value.* exclude (as_of_date, customer_id, standard_version)
        from strata.customer_features as features
        join strata.customer_rfm as rfm using (as_of_date, customer_id)
        join strata.customer_lifecycle as lifecycle using (as_of_date, customer_id)
        join strata.customer_value using (as_of_date, customer_id)
        join strata.customer_aliases as aliases using (customer_id)
        where as_of_date = date '{AS_OF}'
        """
    ).set_index("customer_ref")
    expected.index = expected.index.astype(str)
    expected, got = expected.sort_index(), got.sort_index()
    assert_columns_equal(expected, got, COLUMNS)


def test_every_customer_is_offered_the_products_of_the_reference(uci_run: UciRun, real_data: Path) -> None:
    baskets = build_baskets(real_data / LINES)
    shoppers = {customer: Shopper(sorted(days), days) for customer, days in baskets.items()}
    wanted = {
        (customer, rank): (offer.product[1], offer.product[1], None, offer.support, offer.score, offer.basis)
        for customer, offers in offers_on(shoppers, Shelves({}), AS_OF, Learning()).items()
        for rank, offer in enumerate(offers, start=1)
    }
    rows = uci_run.rows(
        f"""
        select customer_ref, rank, product_id, product_name, category, support, score, basis
        from strata.next_products inner join strata.customer_aliases using (customer_id)
        where as_of_date = date '{AS_OF}'
        """
    )
    assert_same_entries(wanted, {tuple(row[:2]): tuple(row[2:]) for row in rows.to_numpy().tolist()}, "offers")
    assert len({customer for customer, _ in wanted}) > 4000


def test_without_consents_the_lists_are_empty_and_say_why(uci_run: UciRun) -> None:
    notes = uci_run.rows("select distinct treated, note from strata.reactivation_list_notes")
    assert notes.to_numpy().tolist() == [[0, "no_consents_landed"]]


def test_predictions_rank_customers_better_than_simple_rules_do(uci_run: UciRun, real_data: Path) -> None:
    """90 days held out, from 2011-09-01 on: what came is counted from the file; level is where the rules do better."""
    lines = pd.read_parquet(real_data / LINES)
    lines = lines[
        lines["InvoiceNo"].astype(str).str.match(r"\d")
        & (lines["Quantity"] > 0)
        & (lines["UnitPrice"] > 0)
        & lines["CustomerID"].notna()
    ]
    days = lines.assign(day=lines["InvoiceDate"].dt.date)[["CustomerID", "day"]].drop_duplicates()
    known = days[days["day"] <= date(2011, 8, 31)]["CustomerID"].unique()
    came = days[
        (days["day"] > date(2011, 8, 31)) & (days["day"] <= date(2011, 11, 29)) & days["CustomerID"].isin(known)
    ]
    rows = uci_run.rows("select * from prediction_backtest where snapshot_on = date '2011-08-31'").set_index(
        "predictor"
    )
    assert set(rows["customers"]) == {len(known)}
    assert set(rows["actual_purchases"]) == {len(came)}
    model, rules = rows.loc["mbg_nbd"], rows.drop(index="mbg_nbd")
    assert model["rank_correlation"] >= 0.5
    assert model["rank_correlation"] > rules["rank_correlation"].max()
    assert model["top_tenth_share"] > rules["top_tenth_share"].max()
    assert model["wins"] == 2
    assert model["is_best"]
