"""The daily job once on a real shop's invoice lines, for every test that reads what it published.

UCI Online Retail (Daqing Chen, CC BY 4.0): 541,909 lines, cancellations as invoices that begin with C, lines without a
customer, negative quantities and prices of zero.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
from shop_runs import Shop

AS_OF = date(2011, 12, 9)
LINES = "uci_online_retail_2010_2011.parquet"
PROJECT = Path(__file__).resolve().parents[1]
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
class UciRun:
    """What the job left behind."""

    config: Path
    data: Path
    output: str

    def rows(self, query: str) -> pd.DataFrame:
        with duckdb.connect(str(self.data / "published" / "serving" / "strata.duckdb"), read_only=True) as con:
            result = con.execute(query)
            return pd.DataFrame(result.fetchall(), columns=[column[0] for column in result.description], dtype=object)


def uci_run_in(folder: Path) -> UciRun:
    """The run whose files `run_uci_job` left below `folder`."""
    return UciRun(folder / "config", folder / "data", (folder / "output.txt").read_text(encoding="utf-8"))


def run_uci_job(real_data: Path, folder: Path, parsed_project: Path) -> None:
    """Run the job for AS_OF on the shop's file, everything below `folder`."""
    config, data = folder / "config", folder / "data"
    (data / "inbox").mkdir(parents=True)
    (data / "inbox" / LINES).symlink_to(real_data / LINES)
    config.mkdir()
    (config / "sources.yaml").write_text(SOURCES)
    shutil.copy(PROJECT / "config" / "standards.yaml", config)
    publishing = (PROJECT / "config" / "publishing.yaml").read_text(encoding="utf-8")
    (config / "publishing.yaml").write_text(publishing.replace("# - fct_orders", "- fct_orders"), encoding="utf-8")
    shop = Shop(config, data).spared_the_parse(parsed_project)
    (folder / "output.txt").write_text(shop.strata("run", "--as-of", str(AS_OF)), encoding="utf-8")
