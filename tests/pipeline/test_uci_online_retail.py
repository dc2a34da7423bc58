"""The whole job on a real shop's invoice lines, against an independent computation from the same file.

UCI Online Retail (Daqing Chen, CC BY 4.0): 541,909 lines, cancellations as invoices that begin with C, lines without a
customer, negative quantities and prices of zero.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from reference.classification import COLUMNS, classify
from reference.classification import Standard as ReferenceStandard
from reference.uci import build_orders, no_refunds

pytestmark = pytest.mark.real_data

AS_OF = date(2011, 12, 9)
LINES = "uci_online_retail_2010_2011.parquet"
PROJECT = Path(__file__).resolve().parents[2]
SOURCES = """
business:
  time_zone: Europe/London
  currency: GBP
  history_starts_on: 2010-12-01
sources:
  - name: gift_shop
    kind: files
    time_zone: Europe/London
    currency: GBP
    reads:
      - entity: order_lines
        path: inbox/*.parquet
        orders: from lines
        where:
          InvoiceNo: { matches: "^[0-9]" }
          Quantity: { above: 0 }
          UnitPrice: { above: 0 }
          CustomerID: { present: true }
        columns:
          order_id: InvoiceNo
          customer_ref: CustomerID
          ordered_at: InvoiceDate
          product_id: StockCode
          quantity: Quantity
          unit_price: UnitPrice
          region: Country
"""


@dataclass(frozen=True)
class Run:
    """What the job left behind."""

    data: Path
    output: str

    def rows(self, query: str) -> pd.DataFrame:
        with duckdb.connect(str(self.data / "published" / "serving" / "strata.duckdb"), read_only=True) as con:
            result = con.execute(query)
            return pd.DataFrame(result.fetchall(), columns=[column[0] for column in result.description], dtype=object)


@pytest.fixture(scope="module")
def run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("uci")
    config, data = folder / "config", folder / "data"
    (data / "inbox").mkdir(parents=True)
    (data / "inbox" / LINES).symlink_to(real_data / LINES)
    config.mkdir()
    (config / "sources.yaml").write_text(SOURCES)
    shutil.copy(PROJECT / "config" / "standards.yaml", config)
    publishing = (PROJECT / "config" / "publishing.yaml").read_text(encoding="utf-8")
    (config / "publishing.yaml").write_text(publishing.replace("# - fct_orders", "- fct_orders"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", "run", "--as-of", str(AS_OF)],
        env={**os.environ, "STRATA_CONFIG": str(config), "STRATA_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(data, done.stdout)


@pytest.fixture(scope="module")
def orders(real_data: Path) -> pd.DataFrame:
    return build_orders(real_data / LINES)


def test_the_clean_rule_gives_the_known_customers_orders_and_revenue(run: Run) -> None:
    [found] = run.rows("select count(distinct customer_id), count(*), sum(revenue) from strata.fct_orders").to_numpy()
    assert list(found) == [4338, 18532, Decimal("8911407.90")]


def test_every_order_is_rounded_once_from_its_unrounded_lines(run: Run, orders: pd.DataFrame) -> None:
    ours = run.rows("select order_id, revenue from strata.fct_orders").set_index("order_id")["revenue"]
    assert ours.sort_index().to_dict() == orders.set_index("order_id")["revenue"].sort_index().to_dict()


def test_every_customer_has_the_scores_types_stages_and_tiers_of_the_reference(run: Run, orders: pd.DataFrame) -> None:
    expected = classify(orders, no_refunds(), None, AS_OF, ReferenceStandard())
    got = run.rows(
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
    assert list(got.index) == list(expected.index)
    for column in COLUMNS:
        differing = [
            (customer, want, have)
            for customer, want, have in zip(expected.index, expected[column], got[column], strict=True)
            if want != have
        ]
        assert not differing, f"{column} differs for {len(differing)} customers (id, reference, ours): {differing[:3]}"


def test_without_consents_the_lists_are_empty_and_say_why(run: Run) -> None:
    notes = run.rows("select distinct treated, note from strata.reactivation_list_notes")
    assert notes.to_numpy().tolist() == [[0, "no_consents_landed"]]
