"""Orders out of the invoice lines of UCI Online Retail, by the clean rule, without the project's landing."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from reference.exact import is_missing
from reference.next_products import Product, dearest_first

ZONE = ZoneInfo("Europe/London")
COLUMNS = (
    "order_id",
    "customer_id",
    "ordered_at",
    "ordered_on",
    "status",
    "gross_amount",
    "discount_amount",
    "revenue",
    "cost_amount",
)


def is_clean(invoice: object, customer: object, quantity: int, price: float) -> bool:
    """An invoice number that begins with a digit, something sold, for money, to somebody known."""
    text = "" if is_missing(invoice) else str(invoice)
    return text[:1] in set("0123456789") and not is_missing(customer) and quantity > 0 and price > 0


def build_orders(path: Path) -> pd.DataFrame:
    """One row an invoice, sorted by order_id, in the shape `classify` takes.

    Doubled lines are kept. The timestamps are the shop's wall clock, so the business day is simply their day. The sum
    of an invoice is exact and rounded half up once. Nothing is known of discounts (0) or costs (None).
    """
    lines = pd.read_parquet(path)
    earliest: dict[str, datetime] = {}
    amounts: dict[str, Decimal] = {}
    customers: dict[str, str] = {}
    for invoice, customer, stamp, quantity, price in zip(
        lines["InvoiceNo"],
        lines["CustomerID"],
        lines["InvoiceDate"],
        lines["Quantity"],
        lines["UnitPrice"],
        strict=True,
    ):
        if not is_clean(invoice, customer, quantity, price):
            continue
        order_id, customer_id = str(invoice), str(int(customer))
        if customers.setdefault(order_id, customer_id) != customer_id:
            raise ValueError(f"invoice {order_id} has lines of two customers")
        at = stamp.to_pydatetime()
        earliest[order_id] = min(earliest.get(order_id, at), at)
        # repr of a double is the shortest text that reads back as it: the price as it was written
        amounts[order_id] = amounts.get(order_id, Decimal(0)) + int(quantity) * Decimal(repr(float(price)))

    rows = []
    for order_id in sorted(amounts):
        gross = amounts[order_id].quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        at = earliest[order_id]
        rows.append(
            {
                "order_id": order_id,
                "customer_id": customers[order_id],
                "ordered_at": at.replace(tzinfo=ZONE),
                "ordered_on": at.date(),
                "status": "completed",
                "gross_amount": gross,
                "discount_amount": Decimal("0.00"),
                "revenue": gross,
                "cost_amount": None,
            }
        )
    return pd.DataFrame(
        {column: pd.Series([row[column] for row in rows], dtype=object) for column in COLUMNS}, columns=list(COLUMNS)
    )


def build_baskets(path: Path) -> dict[str, dict[date, list[Product]]]:
    """What each customer bought on each day, the product that cost most first, for `next_products`."""
    lines = pd.read_parquet(path)
    amounts: dict[str, dict[date, Counter[Product]]] = {}
    for invoice, code, customer, stamp, quantity, price in zip(
        lines["InvoiceNo"],
        lines["StockCode"],
        lines["CustomerID"],
        lines["InvoiceDate"],
        lines["Quantity"],
        lines["UnitPrice"],
        strict=True,
    ):
        if is_clean(invoice, customer, quantity, price):
            of_day = amounts.setdefault(str(int(customer)), {}).setdefault(stamp.date(), Counter())
            of_day["gift_shop", str(code)] += int(quantity) * Decimal(repr(float(price)))
    return {
        customer: {day: dearest_first(of_day) for day, of_day in sorted(days.items())}
        for customer, days in amounts.items()
    }


def no_refunds() -> pd.DataFrame:
    """The clean rule leaves cancellations out, so there are none."""
    return pd.DataFrame({"customer_id": [], "refunded_on": [], "amount": []}, dtype=object)
