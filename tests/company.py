"""A company made up from a seed, for tests that compare the models with an independent computation.

Small sets of prices, gaps and days make ties and boundaries common, which real data seldom does.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

SOURCE = "shop"
FIRST_DAY = date(2021, 1, 1)
PRICES = [Decimal("10.00"), Decimal("25.50"), Decimal("40.00"), Decimal("99.99"), Decimal("250.00")]
GAPS = [1, 7, 15, 30, 45, 46, 90, 91, 180, 200]
STATUSES = ["completed"] * 16 + ["refunded"] * 2 + ["cancelled", "pending"]


def make_company(
    seed: int, *, customers: int = 160, prospects: int = 12, days: int = 900
) -> dict[str, list[dict[str, Any]]]:
    """Rows of orders, refunds, customers and interactions by the contract's columns; instants are noon UTC."""
    rng = np.random.default_rng(seed)
    orders: list[dict[str, Any]] = []
    refunds: list[dict[str, Any]] = []
    interactions: list[dict[str, Any]] = []
    for number in range(customers):
        customer_ref = f"c{number:04d}"
        day = FIRST_DAY + timedelta(days=int(rng.integers(0, days)))
        for _ in range(int(rng.choice([1, 1, 2, 3, 5, 8, 14]))):
            if (day - FIRST_DAY).days >= days:
                break
            for _ in range(int(rng.choice([1, 1, 1, 2]))):
                orders.append(_order(rng, f"o{len(orders):06d}", customer_ref, day))
                if rng.random() < 0.08:
                    refunds.append(_refund(rng, f"r{len(refunds):05d}", orders[-1], day, days))
            day += timedelta(days=int(rng.choice(GAPS)))
        if rng.random() < 0.15:
            complained = day + timedelta(days=int(rng.integers(-60, 60)))
            interactions.append(
                {
                    "source": SOURCE,
                    "interaction_id": f"i{number:04d}",
                    "customer_ref": customer_ref,
                    "occurred_at": _noon(complained),
                    "channel": "service",
                    "direction": "inbound",
                    "is_complaint": True,
                }
            )
    known = [
        {
            "source": SOURCE,
            "customer_ref": f"p{number:04d}",
            "kind": "person",
            "created_at": _noon(FIRST_DAY + timedelta(days=int(rng.integers(0, days)))),
        }
        for number in range(prospects)
    ]
    return {"orders": orders, "refunds": refunds, "customers": known, "interactions": interactions}


def _order(rng: np.random.Generator, order_id: str, customer_ref: str, day: date) -> dict[str, Any]:
    gross = PRICES[int(rng.integers(len(PRICES)))]
    return {
        "source": SOURCE,
        "order_id": order_id,
        "customer_ref": customer_ref,
        "ordered_at": _noon(day),
        "status": STATUSES[int(rng.integers(len(STATUSES)))],
        "gross_amount": gross,
        "discount_amount": (gross / 10).quantize(Decimal("0.01")) if rng.random() < 0.4 else Decimal(0),
        "cost_amount": None if rng.random() < 0.05 else (gross / 2).quantize(Decimal("0.01")),
        "currency": "EUR",
    }


def _refund(rng: np.random.Generator, refund_id: str, order: dict[str, Any], day: date, days: int) -> dict[str, Any]:
    names_order = rng.random() < 0.5
    refunded_on = min(day + timedelta(days=int(rng.integers(0, 60))), FIRST_DAY + timedelta(days=days - 1))
    return {
        "source": SOURCE,
        "refund_id": refund_id,
        "order_id": order["order_id"] if names_order else None,
        "customer_ref": None if names_order else order["customer_ref"],
        "refunded_at": _noon(refunded_on),
        "amount": PRICES[int(rng.integers(len(PRICES)))],
        "currency": "EUR",
    }


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)
