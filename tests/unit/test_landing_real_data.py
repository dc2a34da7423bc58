"""UCI Online Retail, an invoice-line source with returns and strangers, landed by the clean rule of its truth.

The truth (Daqing Chen's data set, counts checked with pandas by the data's keepers) is 397,884 lines, 18,532 orders,
4,338 customers and 8,911,407.90 of revenue out of 541,909 lines.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from landing_workshop import Workshop

SOURCES = """
  - name: gifts
    time_zone: Europe/London
    currency: GBP
    reads:
      - entity: order_lines
        path: {path}
        orders: from lines
        where:
          InvoiceNo: {{matches: "^[0-9]"}}
          Quantity: {{above: 0}}
          UnitPrice: {{above: 0}}
          CustomerID: {{present: true}}
        columns:
          order_id: InvoiceNo
          customer_ref: CustomerID
          ordered_at: InvoiceDate
          product_id: StockCode
          quantity: Quantity
          unit_price: UnitPrice
          region: Country
"""


@pytest.fixture(scope="module")
def gifts(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = Workshop(tmp_path_factory.mktemp("gifts"))
    workshop.land(SOURCES.format(path=real_data / "uci_online_retail_2010_2011.parquet"), limit=0.0)
    return workshop


@pytest.mark.real_data
def test_every_invoice_line_is_accounted_for(gifts: Workshop) -> None:
    lines, orders = gifts.manifest.batches
    assert (lines.rows_read, lines.accepted, lines.rejected, lines.excluded) == (541_909, 397_884, 144_025, 144_025)
    assert (orders.rows_read, orders.new) == (18_532, 18_532)
    assert (orders.first_event_on, orders.last_event_on) == (date(2010, 12, 1), date(2011, 12, 9))


@pytest.mark.real_data
def test_revenue_is_that_of_the_clean_rule_to_the_cent(gifts: Workshop) -> None:
    assert gifts.rows("select count(*), count(distinct customer_ref), sum(gross_amount) from orders") == [
        (18_532, 4_338, Decimal("8911407.90"))
    ]
    assert gifts.rows("select sum(line_amount) from order_lines") == [(Decimal("8911407.9040"),)]


@pytest.mark.real_data
def test_four_orders_differ_from_their_exact_sum_by_fractions_of_a_cent(gifts: Workshop) -> None:
    differing = gifts.rows(
        """
        select count(*), max(abs(gross_amount - exact)), sum(gross_amount - exact)
        from orders
        inner join (select order_id, sum(line_amount) as exact from order_lines group by order_id) using (order_id)
        where gross_amount <> exact
        """
    )
    assert differing[0][0] == 4
    assert differing[0][1] < Decimal("0.005")
    assert differing[0][2] == Decimal("-0.0040")
