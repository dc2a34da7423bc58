"""Small histories for the tests of the reference: rows that name only what matters, days counted back from D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from reference.day import Day, classify_day
from reference.history import History
from reference.standard import WholeStandard

D = date(2025, 6, 30)
_numbers = count(1)


def ago(days: int) -> date:
    return D - timedelta(days=days)


def at(days_ago: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime.combine(ago(days_ago), time(hour, minute), tzinfo=UTC)


def order(customer: str, days_ago: int, gross: str = "10", **columns: Any) -> dict[str, Any]:
    return {
        "customer_ref": customer,
        "order_id": f"o{next(_numbers):04d}",
        "ordered_at": at(days_ago),
        "status": "completed",
        "gross_amount": Decimal(gross),
        "discount_amount": Decimal(0),
        "cost_amount": None,
        "currency": "EUR",
        **columns,
    }


def line(order: Mapping[str, Any], **columns: Any) -> dict[str, Any]:
    return {"order_id": order["order_id"], "line_number": next(_numbers), "line_amount": Decimal(1), **columns}


def contact(customer: str, days_ago: int, hour: int = 12, **columns: Any) -> dict[str, Any]:
    return {"customer_ref": customer, "interaction_id": next(_numbers), "occurred_at": at(days_ago, hour), **columns}


def opportunity(customer: str, days_ago: int, **columns: Any) -> dict[str, Any]:
    """A version of the customer's one opportunity, or of the one that `opportunity_id` names."""
    return {
        "customer_ref": customer,
        "opportunity_id": customer,
        "status": "open",
        "currency": "EUR",
        "created_at": at(400),
        "updated_at": at(days_ago),
        **columns,
    }


def lead(customer: str, days_ago: int, **columns: Any) -> dict[str, Any]:
    """A version of the customer's one lead, or of the one that `lead_id` names."""
    return {
        "customer_ref": customer,
        "lead_id": customer,
        "created_at": at(days_ago),
        "updated_at": at(days_ago),
        **columns,
    }


def visit(customer: str, days_ago: int, kind: str = "view") -> dict[str, Any]:
    return {"customer_ref": customer, "event_id": next(_numbers), "occurred_at": at(days_ago), "kind": kind}


def record(customer: str, days_ago: int = 500, **columns: Any) -> dict[str, Any]:
    """A version of a customer record."""
    return {"customer_ref": customer, "created_at": at(600), "updated_at": at(days_ago), **columns}


def history(*, zone: str = "UTC", **entities: Sequence[Mapping[str, Any]]) -> History:
    """A history in which a customer's reference is his id."""
    rows = {entity: [{"source": "shop", **row} for row in rows] for entity, rows in entities.items()}
    refs = {row["customer_ref"] for own in rows.values() for row in own if row.get("customer_ref") is not None}
    return History(
        rows=rows,
        customer_ids={("shop", ref): ref for ref in refs},
        zone=ZoneInfo(zone),
        currency="EUR",
        landed_on=ago(700),
        configured=frozenset(entities),
    )


def classified(standard: WholeStandard | None = None, as_of: date = D, *, zone: str = "UTC", **entities: Any) -> Day:
    return classify_day(history(zone=zone, **entities), as_of, standard or WholeStandard())
