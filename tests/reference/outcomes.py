"""What became of whoever entered a campaign, computed from the raw rows one entry and one day at a time.

Shares nothing with the project: dates are counted, not compared in SQL, and every day is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

CODES = {"reached", "not_reached", "interested", "refused", "wrong_contact", "ordered", "other"}
HORIZONS = (30, 60, 90)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Followed:
    """All that landed, and to whom each reference and registry number belongs."""

    zone: ZoneInfo
    orders: Sequence[Row]
    refunds: Sequence[Row]
    results: Sequence[Row]
    interactions: Sequence[Row]
    campaign_contacts: Sequence[Row]
    customer_of_ref: Mapping[str, int]
    customer_of_number: Mapping[int, int]

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def outcomes(self, entries: Sequence[Row], evaluated_on: date) -> dict[tuple[str, int], dict[str, Any]]:
        """One outcome an entry before the day, keyed by campaign and number; the second of a merged pair left out."""
        known = [entry for entry in entries if entry["entered_on"] < evaluated_on]
        found = {}
        for entry in known:
            customer = self.customer_of_number[entry["registry_id"]]
            same = [other for other in known if self.customer_of_number[other["registry_id"]] == customer]
            twins = [
                (other["entered_on"], other["registry_id"])
                for other in same
                if other["campaign_id"] == entry["campaign_id"] and other["arm"] == entry["arm"]
            ]
            if (entry["entered_on"], entry["registry_id"]) != min(twins):
                continue
            found[entry["campaign_id"], entry["registry_id"]] = {
                "customer_id": customer,
                "is_contaminated": any(
                    other["registry_id"] != entry["registry_id"]
                    and other["arm"] != entry["arm"]
                    and abs((other["entered_on"] - entry["entered_on"]).days) < 90
                    for other in same
                ),
                **self._work(entry, customer, evaluated_on),
                **self._returns(entry, customer, evaluated_on),
            }
        return found

    def _work(self, entry: Row, customer: int, evaluated_on: date) -> dict[str, Any]:
        task = f"{entry['campaign_id']}:{entry['registry_id']}:{entry['channel']}"
        contacts = [
            (row["worked_at"], 1, "list_result", row["outcome"]) for row in self.results if row["task_id"] == task
        ]
        others = [
            (row["occurred_at"], 2, "interaction", row)
            for row in self.interactions
            if row["direction"] == "outbound" and self.customer_of_ref[row["customer_ref"]] == customer
        ] + [
            (row["contacted_at"], 3, "campaign_contact", row)
            for row in self.campaign_contacts
            if row["contacted_at"] and row["arm"] != "control" and self.customer_of_ref[row["customer_ref"]] == customer
        ]
        for at, rank, told_by, row in others:
            if 1 <= (self.day(at) - entry["entered_on"]).days <= 30:
                contacts.append((at, rank, told_by, row["outcome"] if row["outcome"] in CODES else None))
        contacts = sorted(
            (each for each in contacts if self.day(each[0]) <= evaluated_on),
            key=lambda each: (each[:2], each[3] or "~"),
        )
        if not contacts:
            return dict.fromkeys(("worked_at", "worked_from", "outcome", "hours_to_first_contact")) | {
                "is_worked": False
            }
        at, _, told_by, outcome = contacts[0]
        results = [each[3] for each in contacts if each[2] == "list_result"]
        issued = datetime.combine(entry["entered_on"] + timedelta(days=1), time(), self.zone)
        hours = Decimal(max(0, round((at - issued).total_seconds()))) / 3600
        return {
            "is_worked": True,
            "worked_at": at,
            "worked_from": told_by,
            "outcome": results[0] if results else outcome,
            "hours_to_first_contact": hours.quantize(Decimal("0.01"), ROUND_HALF_UP),
        }

    def _returns(self, entry: Row, customer: int, evaluated_on: date) -> dict[str, Any]:
        bought = sorted(
            self.day(row["ordered_at"])
            for row in self.orders
            if row["status"] in {"completed", "refunded"} and self.customer_of_ref[row["customer_ref"]] == customer
        )
        after = [day for day in bought if entry["entered_on"] < day <= evaluated_on]
        said: dict[str, Any] = {"returned_on": after[0] if after else None}
        for days in HORIZONS:
            last = entry["entered_on"] + timedelta(days=days)
            has_passed = last <= evaluated_on
            orders = [
                row["gross_amount"] - row["discount_amount"]
                for row in self.orders
                if row["status"] in {"completed", "refunded"}
                and self.customer_of_ref[row["customer_ref"]] == customer
                and entry["entered_on"] < self.day(row["ordered_at"]) <= last
            ]
            refunds = [
                row["amount"]
                for row in self.refunds
                if self.customer_of_ref[row["customer_ref"]] == customer
                and entry["entered_on"] < self.day(row["refunded_at"]) <= last
            ]
            said[f"has_{days}_days"] = has_passed
            said[f"returned_{days}d"] = bool(orders) if has_passed else None
            said[f"orders_{days}d"] = len(orders) if has_passed else None
            said[f"revenue_{days}d"] = sum(orders, Decimal(0)) - sum(refunds, Decimal(0)) if has_passed else None
        return said


def work(entries: Sequence[Row], outcomes: Mapping[tuple[str, int], Row], running: str) -> dict[Any, dict[str, Any]]:
    """How far each campaign, channel and owner is, of the treated."""
    groups: dict[Any, list[Row]] = {}
    for entry in entries:
        outcome = outcomes.get((entry["campaign_id"], entry["registry_id"]))
        if outcome is not None and entry["arm"] == "treated":
            place = entry["campaign_id"], entry["channel"], entry["owner"] or "unknown"
            groups.setdefault(place, []).append(outcome)
    said = {}
    for place, rows in groups.items():
        hours = [row["hours_to_first_contact"] for row in rows if row["is_worked"]]
        said[place] = {
            "treated": len(rows),
            "worked": len(hours),
            "share_worked": (Decimal(len(hours)) / len(rows)).quantize(Decimal("0.000001"), ROUND_HALF_UP),
            "median_hours_to_first_contact": median(hours).quantize(Decimal("0.01"), ROUND_HALF_UP) if hours else None,
            "open": sum(not row["is_worked"] and row["returned_on"] is None for row in rows)
            if place[0] == running
            else 0,
        }
    return said
