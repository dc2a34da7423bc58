"""A company made up from a seed, for tests that compare the models with an independent computation.

Small sets of prices, gaps, stages and days make ties and boundaries common, which real data seldom does. Amounts in
foreign currency convert to whole cents, so that no rule of rounding hides another difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

SOURCE = "shop"
FIRST_DAY = date(2021, 1, 1)
PRICES = [Decimal("10.00"), Decimal("25.50"), Decimal("40.00"), Decimal("99.99"), Decimal("250.00")]
LINE_PRICES = [Decimal(1), Decimal(1), Decimal("1.5"), Decimal("2.25"), Decimal(2), Decimal(8)]
GAPS = [1, 7, 15, 30, 45, 46, 90, 91, 180, 200]
STATUSES = ["completed"] * 16 + ["refunded"] * 2 + ["cancelled", "pending"]
HOURS = [1, 4, 9, 12, 12, 15, 23]  # UTC; the first two are the day before in America
CHANNELS = ["shop", "web", "web", "phone", None]
CATEGORIES = ["care", "garden", "sample", "tools"]
INDUSTRIES = ["retail", "farming", "mining", None]
SIZES = ["small", "medium", "large", "giant", None]
STAGES = ["Qualification", "Needs Analysis", "Proposal/Price Quote", "Of Our Own", None]
LEAD_STAGES = ["Contacted", "Attempted to Contact", "Lost Lead", "Junk Lead", None]
CLARITIES = ["explicit", "vague", "none", None, None]
COUNTED_IN = "EUR"
FOREIGN = "USD"

Rows = list[dict[str, Any]]
Drawn = TypeVar("Drawn")


def make_company(seed: int, *, customers: int = 160, prospects: int = 12, days: int = 900) -> dict[str, Rows]:
    """Rows of every entity but consents and campaigns, by the contract's columns; `is_deleted` where it holds."""
    rng = np.random.default_rng(seed)
    orders: Rows = []
    refunds: Rows = []
    interactions: Rows = []
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
            interactions.append(_contact(f"i{number:04d}", customer_ref, _at(complained, 12), is_complaint=True))
    buyers = [f"c{number:04d}" for number in range(customers)]
    strangers = [f"p{number:04d}" for number in range(prospects)]
    some = Chance(np.random.default_rng([seed, 1]), days)
    return {
        "orders": orders,
        "refunds": refunds,
        "products": _products(some),
        "order_lines": [line for order in orders for line in _lines(some, order)],
        "exchange_rates": _rates(some),
        "customers": [
            *(_customer(some, customer_ref, some.day()) for customer_ref in strangers),
            *(row for customer_ref in buyers if some.of(2) for row in _customer_versions(some, customer_ref)),
        ],
        "interactions": [
            *interactions,
            *(row for customer_ref in buyers + strangers if some.of(2) for row in _talks(some, customer_ref)),
        ],
        "opportunities": [
            row
            for customer_ref in buyers + strangers
            for number in range(some.of(3))
            for row in _opportunity(some, f"{customer_ref}-{number}", customer_ref)
        ],
        "leads": [
            row
            for customer_ref in buyers + strangers
            for number in range(some.of(3))
            for row in _lead(some, f"{customer_ref}-{number}", customer_ref)
        ],
        "surveys": [
            row for customer_ref in buyers + strangers if some.of(3) == 0 for row in _answers(some, customer_ref)
        ],
        "web_events": [
            _visit(some, f"{customer_ref}-{number}", customer_ref)
            for customer_ref in buyers + strangers
            for number in range(some.of(9))
        ],
    }


class Chance:
    """Draws from small sets."""

    def __init__(self, rng: np.random.Generator, days: int) -> None:
        self._rng = rng
        self._days = days

    def of(self, count: int) -> int:
        """A number below `count`."""
        return int(self._rng.integers(count))

    def one(self, values: Sequence[Drawn]) -> Drawn:
        return values[self.of(len(values))]

    def day(self) -> date:
        """Any day, but most of them in the third fifth of the time, where events then meet."""
        fifth = self._days // 5
        return FIRST_DAY + timedelta(days=self.of(self._days) if self.of(3) == 0 else 2 * fifth + self.of(fifth))


def _order(rng: np.random.Generator, order_id: str, customer_ref: str, day: date) -> dict[str, Any]:
    gross = PRICES[int(rng.integers(len(PRICES)))]
    number = int(order_id[1:])
    return {
        "source": SOURCE,
        "order_id": order_id,
        "customer_ref": customer_ref,
        "ordered_at": _at(day, HOURS[number % len(HOURS)]),
        "status": STATUSES[int(rng.integers(len(STATUSES)))],
        "gross_amount": gross,
        "discount_amount": (gross / 10).quantize(Decimal("0.01")) if rng.random() < 0.4 else Decimal(0),
        "cost_amount": None if rng.random() < 0.05 else (gross / 2).quantize(Decimal("0.01")),
        "currency": FOREIGN if number % 17 == 0 else COUNTED_IN,
        "channel": CHANNELS[number % 11 % len(CHANNELS)],
    }


def _refund(rng: np.random.Generator, refund_id: str, order: dict[str, Any], day: date, days: int) -> dict[str, Any]:
    names_order = rng.random() < 0.5
    refunded_on = min(day + timedelta(days=int(rng.integers(0, 60))), FIRST_DAY + timedelta(days=days - 1))
    return {
        "source": SOURCE,
        "refund_id": refund_id,
        "order_id": order["order_id"] if names_order else None,
        "customer_ref": None if names_order else order["customer_ref"],
        "refunded_at": _at(refunded_on, 12),
        "amount": PRICES[int(rng.integers(len(PRICES)))],
        "currency": FOREIGN if int(refund_id[1:]) % 5 == 0 else COUNTED_IN,
    }


def _rates(some: Chance) -> Rows:
    """Every few days a rate of 2 or 3, with gaps in which the newest is too old."""
    rows = []
    day = FIRST_DAY - timedelta(days=3)
    while day < FIRST_DAY + timedelta(days=1000):
        rows.append({"currency": FOREIGN, "date": day, "rate": Decimal(2 + some.of(2))})
        day += timedelta(days=some.one([1, 3, 7, 8, 11]))
    return rows


def _products(some: Chance) -> Rows:
    """Twenty products; some share a name; every third has a second version, every sixth goes with it."""
    rows = []
    for number in range(20):
        first = {
            "source": SOURCE,
            "product_id": f"{number:02d}",
            "name": None if number % 4 == 0 else f"Product {number % 7}",
            "is_available": None if number % 5 == 0 else True,
            "category": some.one([*CATEGORIES, None]),
            "launched_on": some.one([None, *(_launch(some) for _ in range(3))]),
            "updated_at": _at(some.day(), 12),
        }
        rows.append(first)
        if number % 3 == 0:
            later = first["updated_at"] + timedelta(days=1 + some.of(200))
            said = {"name": f"Product {number % 5}, renewed", "is_available": number % 6 != 0}
            rows.append(
                {**first, **said, "category": some.one(CATEGORIES), "launched_on": _launch(some), "updated_at": later}
            )
    return rows


def _launch(some: Chance) -> date:
    """Mostly long before the days that tests look at, so that new products are the exception."""
    return FIRST_DAY + timedelta(days=some.of(600) - 150)


def _lines(some: Chance, order: Mapping[str, Any]) -> Rows:
    rows = []
    for number in range(some.one([0, 1, 1, 2, 3])):
        price = some.one([None, *LINE_PRICES])
        quantity = 1 + some.of(2)
        rows.append(
            {
                "source": SOURCE,
                "order_id": order["order_id"],
                "line_number": number + 1,
                "product_id": some.one([None, *(f"{product:02d}" for product in range(21))]),
                "category": some.one([None, None, *CATEGORIES]),
                "quantity": quantity,
                "unit_price": price,
                "line_amount": (price or Decimal(5)) * quantity,
            }
        )
    return rows


def _customer(some: Chance, customer_ref: str, day: date) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "customer_ref": customer_ref,
        "kind": some.one(["person", "company"]),
        "registered_on": some.one([None, None, day - timedelta(days=1)]),
        "industry": some.one(INDUSTRIES),
        "company_size": some.one(SIZES),
        "region": some.one(["north", "south", None]),
        "city": some.one(["Ulm", None]),
        "decision_role": some.one(["decider", "user", None]),
        "member_level": some.one(["gold", "silver", None]),
        "owner": some.one(["Ana", "Bo", None]),
        "competitor_closeness": some.one([None, Decimal(0), Decimal("0.25"), Decimal(1)]),
        "created_at": _at(day, some.one(HOURS)),
        "updated_at": None,
    }


def _customer_versions(some: Chance, customer_ref: str) -> Rows:
    day = some.day()
    first = {**_customer(some, customer_ref, day), "updated_at": _at(day, 12)}
    if some.of(2):
        return [first]
    later = _customer(some, customer_ref, day)
    return [
        first,
        {**later, "created_at": first["created_at"], "updated_at": _at(day + timedelta(days=some.of(200)), 13)},
    ]


def _contact(interaction_id: str, customer_ref: str, occurred_at: datetime, **columns: Any) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "interaction_id": interaction_id,
        "customer_ref": customer_ref,
        "occurred_at": occurred_at,
        "channel": "service",
        "direction": "inbound",
        **columns,
    }


def _talks(some: Chance, customer_ref: str) -> Rows:
    """Some contacts, back and forth, a few of them complaints that are mostly resolved."""
    rows = []
    at = _at(some.day(), 12)
    for number in range(1 + some.of(7)):
        is_complaint = some.of(9) == 0
        resolved_at = at + timedelta(days=some.one([0, 3, 30, 31])) if is_complaint and some.of(3) else None
        rows.append(
            _contact(
                f"{customer_ref}-{number}",
                customer_ref,
                at,
                channel=some.one(["phone", "email", "service"]),
                direction=some.one(["outbound", "outbound", "inbound", None]),
                is_complaint=is_complaint,
                resolved_at=resolved_at,
            )
        )
        at += some.one([timedelta(0), timedelta(minutes=20), timedelta(hours=7), timedelta(days=2), timedelta(days=90)])
    return rows


def _opportunity(some: Chance, opportunity_id: str, customer_ref: str) -> Rows:
    """One to three versions of an opportunity; it may be won, lost or deleted, and reopened."""
    rows: Rows = []
    created_at = _at(some.day(), 12)
    at = created_at
    for _ in range(1 + some.of(3)):
        rows.append(
            {
                "source": SOURCE,
                "opportunity_id": opportunity_id,
                "customer_ref": customer_ref,
                "status": some.one(["open", "open", "won", "lost"]),
                "stage": some.one(STAGES),
                "amount": some.one([None, Decimal(0), Decimal(100), Decimal(500), Decimal(1000)]),
                "probability": some.one([None, Decimal(0), Decimal("0.25"), Decimal("0.5"), Decimal("0.9")]),
                "currency": some.one([COUNTED_IN, COUNTED_IN, FOREIGN]),
                "expected_close_on": some.one([None, at.date() + timedelta(days=some.one([-5, 10, 30, 31, 60, 150]))]),
                "urgency": some.one([None, None, "high", "medium", "low"]),
                "created_at": created_at,
                "updated_at": at,
                **({"is_deleted": True} if rows and some.of(8) == 0 else {}),
            }
        )
        at += timedelta(days=some.one([0, 10, 60, 150]), minutes=30)
    return rows


def _lead(some: Chance, lead_id: str, customer_ref: str) -> Rows:
    """One or two versions of a lead; where no creation is known there is one."""
    at = _at(some.day(), some.one([9, 12]))
    created_at = None if some.of(6) == 0 else at
    rows: Rows = []
    for _ in range(1 if created_at is None else 1 + some.of(2)):
        rows.append(
            {
                "source": SOURCE,
                "lead_id": lead_id,
                "customer_ref": customer_ref,
                "stage": some.one(LEAD_STAGES),
                "need_clarity": some.one(CLARITIES),
                "created_at": created_at,
                "updated_at": at,
                **({"is_deleted": True} if rows and some.of(8) == 0 else {}),
            }
        )
        at += timedelta(days=some.one([20, 90]))
    return rows


def _answers(some: Chance, customer_ref: str) -> Rows:
    """One to three answers, some in the same minute."""
    day = some.day()
    return [
        {
            "source": SOURCE,
            "response_id": f"{customer_ref}-{number}",
            "customer_ref": customer_ref,
            "responded_at": _at(day + timedelta(days=some.one([0, 0, 40])), 12),
            "satisfaction": some.one([None, Decimal(2), Decimal("4.5")]),
            "need_motive": some.one([None, "functional", "emotional", "social"]),
        }
        for number in range(1 + some.of(3))
    ]


def _visit(some: Chance, event_id: str, customer_ref: str) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "event_id": event_id,
        "customer_ref": customer_ref,
        "occurred_at": _at(some.day(), some.one(HOURS)),
        "kind": some.one(["view", "view", "search", "cart"]),
        "product_id": "00",
    }


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)
