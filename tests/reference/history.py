"""What has landed, by customer: contract rows on business days, and what of them is known on a day.

Rows are plain dictionaries with the contract's columns; nothing here counts or classifies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from reference.classification import COUNTED_STATUSES
from reference.exact import is_missing

Row = Mapping[str, Any]
# The entities whose rows alone give a customer a row on a day, and the column that dates them.
APPEARANCES = {
    "customers": "created_at",
    "leads": "created_at",
    "opportunities": "created_at",
    "interactions": "occurred_at",
    "web_events": "occurred_at",
}
KEYS = {
    "customers": "customer_ref",
    "leads": "lead_id",
    "opportunities": "opportunity_id",
    "products": "product_id",
}


@dataclass(frozen=True)
class Line:
    """One line of an order, amounts in the reporting currency."""

    product: tuple[str, str] | None
    category: str | None  # as the line itself says
    unit_price: Fraction | None
    amount: Fraction | None


@dataclass(frozen=True)
class Purchase:
    """One counted order, amounts in the reporting currency; `at` is UTC, `hour` that of the business's clocks."""

    order_id: str
    at: datetime
    hour: int
    day: date
    channel: str | None
    revenue: Fraction
    lines: tuple[Line, ...]

    @property
    def position(self) -> tuple[datetime, str]:
        """Which of two orders came first."""
        return self.at, self.order_id


@dataclass(frozen=True)
class Version:
    """What a record said from a business day on."""

    valid_from: date
    values: Row

    @property
    def is_deleted(self) -> bool:
        return bool(self.values.get("is_deleted"))


@dataclass(frozen=True)
class Record:
    """A record with all its versions, oldest first, at most one a day."""

    key: str
    customer_id: Hashable
    versions: tuple[Version, ...]

    def on(self, day: date, *, reaches_back: bool = False) -> Version | None:
        """The newest version valid on the day; the first one before that, if it reaches back; None once deleted."""
        valid = [version for version in self.versions if version.valid_from <= day]
        if not valid and reaches_back:
            valid = [self.versions[0]]
        return valid[-1] if valid and not valid[-1].is_deleted else None


@dataclass(frozen=True)
class History:
    """The rows of every entity, and whose they are.

    `customer_ids` tells the customer of (source, customer_ref); `rows` are the contract's rows by entity, instants with
    a zone; `landed_on` is the business day on which all of them landed.
    """

    rows: Mapping[str, Sequence[Row]]
    customer_ids: Mapping[tuple[str, str], Hashable]
    zone: ZoneInfo
    currency: str
    landed_on: date
    rate_max_age_days: int = 7
    configured: frozenset[str] = frozenset()  # entities that some source is to deliver, landed or not

    # ------------------------------------------------------------------------------------------------- small helpers

    def of(self, entity: str) -> Sequence[Row]:
        return self.rows.get(entity, ())

    def day_of(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def customer_of(self, row: Row) -> Hashable | None:
        ref = row.get("customer_ref")
        return None if ref is None else self.customer_ids.get((row["source"], ref))

    # --------------------------------------------------------------------------------------------------------- money

    @cached_property
    def _rates(self) -> dict[str, list[tuple[date, Fraction]]]:
        rates: dict[str, dict[date, Fraction]] = {}
        for row in self.of("exchange_rates"):
            rates.setdefault(row["currency"], {})[row["date"]] = Fraction(row["rate"])
        return {currency: sorted(by_day.items()) for currency, by_day in rates.items()}

    def rate(self, currency: str, day: date) -> Fraction | None:
        """The newest rate dated at most the day and not too old; 1 for the reporting currency."""
        if currency == self.currency:
            return Fraction(1)
        known = self._rates.get(currency, [])
        place = bisect_right([dated for dated, _ in known], day)
        if place == 0 or (day - known[place - 1][0]).days > self.rate_max_age_days:
            return None
        return known[place - 1][1]

    # -------------------------------------------------------------------------------------------------------- orders

    def frames(self) -> dict[str, pd.DataFrame]:
        """Orders, refunds and first_seen as `classify` takes them."""
        return {"orders": self._orders_frame, "refunds": self._refunds_frame, "first_seen": self._first_seen_frame}

    @cached_property
    def _orders_frame(self) -> pd.DataFrame:
        rows = []
        for row in self.of("orders"):
            day = self.day_of(row["ordered_at"])
            rate = self.rate(row["currency"], day)
            if rate is None:
                continue
            gross, discount, cost = (
                None if is_missing(row.get(name)) else _money(row[name], rate)
                for name in ("gross_amount", "discount_amount", "cost_amount")
            )
            rows.append(
                {
                    "customer_id": self.customer_of(row),
                    "ordered_on": day,
                    "status": row["status"],
                    "gross_amount": gross,
                    "discount_amount": discount,
                    "cost_amount": cost,
                }
            )
        return _frame(rows, ["customer_id", "ordered_on", "status", "gross_amount", "discount_amount", "cost_amount"])

    @cached_property
    def _refunds_frame(self) -> pd.DataFrame:
        owners = {(row["source"], row["order_id"]): self.customer_of(row) for row in self.of("orders")}
        rows = []
        for row in self.of("refunds"):
            day = self.day_of(row["refunded_at"])
            rate = self.rate(row["currency"], day)
            if rate is not None:
                owner = self.customer_of(row)
                rows.append(
                    {
                        "customer_id": owners.get((row["source"], row["order_id"])) if owner is None else owner,
                        "refunded_on": day,
                        "amount": _money(row["amount"], rate),
                    }
                )
        return _frame(rows, ["customer_id", "refunded_on", "amount"])

    @cached_property
    def first_seen(self) -> dict[Hashable, date]:
        """The first day on which anything is known of each customer."""
        seen: dict[Hashable, date] = {}

        def appears(customer_id: Hashable | None, day: date) -> None:
            if customer_id is not None:
                seen[customer_id] = min(day, seen.get(customer_id, day))

        for entity, column in APPEARANCES.items():
            # a row that another one of its day replaced never was
            rows = [version.values for record in self._records.get(entity, ()) for version in record.versions]
            for row in rows if entity in KEYS else self.of(entity):
                if row.get("is_deleted"):
                    continue
                days = [self.day_of(row[column])] if row.get(column) is not None else []
                if row.get("registered_on") is not None:
                    days.append(row["registered_on"])
                appears(self.customer_of(row), min(days, default=self.landed_on))
        for row in self.of("orders"):
            appears(self.customer_of(row), self.day_of(row["ordered_at"]))
        return seen

    @cached_property
    def _first_seen_frame(self) -> pd.DataFrame:
        rows = [{"customer_id": customer, "first_seen_on": day} for customer, day in self.first_seen.items()]
        return _frame(rows, ["customer_id", "first_seen_on"])

    @cached_property
    def purchases(self) -> dict[Hashable, list[Purchase]]:
        """Counted orders with a rate, the first one first, by customer."""
        lines: dict[tuple[str, str], list[Row]] = {}
        for row in self.of("order_lines"):
            lines.setdefault((row["source"], row["order_id"]), []).append(row)
        bought: dict[Hashable, list[Purchase]] = {}
        for row in self.of("orders"):
            at = row["ordered_at"].astimezone(self.zone)
            rate = self.rate(row["currency"], at.date())
            customer_id = self.customer_of(row)
            if row["status"] not in COUNTED_STATUSES or rate is None or customer_id is None:
                continue
            revenue = Fraction(_money(row["gross_amount"], rate)) - Fraction(
                _money(row.get("discount_amount") or Decimal(0), rate)
            )
            bought.setdefault(customer_id, []).append(
                Purchase(
                    order_id=row["order_id"],
                    at=row["ordered_at"].astimezone(UTC),
                    hour=at.hour,
                    day=at.date(),
                    channel=row.get("channel"),
                    revenue=revenue,
                    lines=tuple(_line(line, rate) for line in lines.get((row["source"], row["order_id"]), ())),
                )
            )
        return {customer_id: sorted(own, key=lambda purchase: purchase.position) for customer_id, own in bought.items()}

    # ------------------------------------------------------------------------------------------------------- records

    @cached_property
    def _records(self) -> dict[str, list[Record]]:
        return {entity: list(self._read_records(entity, key)) for entity, key in KEYS.items()}

    def _read_records(self, entity: str, key: str) -> Iterable[Record]:
        versions: dict[tuple[str, str], dict[date, Row]] = {}
        owners: dict[tuple[str, str], Hashable] = {}
        oldest = datetime.min.replace(tzinfo=UTC)
        for row in sorted(self.of(entity), key=lambda row: row.get("updated_at") or oldest):
            updated_at = row.get("updated_at")
            valid_from = self.landed_on if updated_at is None else self.day_of(updated_at)
            versions.setdefault((row["source"], row[key]), {})[valid_from] = row
            owners[row["source"], row[key]] = self.customer_of(row)
        for identity, by_day in versions.items():
            yield Record(
                key=identity[1],
                customer_id=owners[identity],
                versions=tuple(Version(day, row) for day, row in sorted(by_day.items())),
            )

    @cached_property
    def records(self) -> dict[str, dict[Hashable, list[Record]]]:
        """Customer records, leads and opportunities by entity, by customer."""
        found: dict[str, dict[Hashable, list[Record]]] = {entity: {} for entity in KEYS}
        for entity, records in self._records.items():
            for record in records:
                found[entity].setdefault(record.customer_id, []).append(record)
        return found

    @property
    def product_records(self) -> Sequence[Record]:
        return self._records["products"]

    def products_on(self, day: date) -> dict[tuple[str, str], Row]:
        """What is known of each product on the day; its first version also holds before itself."""
        known: dict[tuple[str, str], Row] = {}
        for record in self.product_records:
            version = record.on(day, reaches_back=True)
            if version is not None:
                known[version.values["source"], record.key] = version.values
        return known

    # -------------------------------------------------------------------------------------------------------- events

    @cached_property
    def contacts(self) -> dict[Hashable, list[Row]]:
        return self._events("interactions", "occurred_at")

    @cached_property
    def surveys(self) -> dict[Hashable, list[Row]]:
        return self._events("surveys", "responded_at")

    @cached_property
    def web_events(self) -> dict[Hashable, list[Row]]:
        return self._events("web_events", "occurred_at")

    def _events(self, entity: str, instant: str) -> dict[Hashable, list[Row]]:
        """Events by customer, in order of time, each with `at` (UTC) and `day`."""
        found: dict[Hashable, list[Row]] = {}
        for row in sorted(self.of(entity), key=lambda row: row[instant]):
            event = {**row, "at": row[instant].astimezone(UTC), "day": self.day_of(row[instant])}
            found.setdefault(self.customer_of(row), []).append(event)
        return found


def first_day_of(last: date, days: int) -> date:
    """The first of the `days` days that end with `last`."""
    return last - timedelta(days=days - 1)


def _line(row: Row, rate: Fraction) -> Line:
    def converted(name: str) -> Fraction | None:
        return None if row.get(name) is None else Fraction(row[name]) * rate

    return Line(
        product=None if row.get("product_id") is None else (row["source"], row["product_id"]),
        category=row.get("category"),
        unit_price=converted("unit_price"),
        amount=converted("line_amount"),
    )


def _money(amount: Decimal, rate: Fraction) -> Decimal:
    """Converted money in whole cents; amounts that would need rounding are refused, so that none hides in a test."""
    cents = Fraction(amount) * rate * 100
    if cents.denominator != 1:
        raise ValueError(f"{amount} at {rate} is no whole number of cents")
    return Decimal(cents.numerator).scaleb(-2)


def _frame(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({column: pd.Series([row[column] for row in rows], dtype=object) for column in columns})
