"""Lists as they are issued morning after morning, across the end of a campaign: who stays on them, and who comes next.

What is expected is worked out beside it from what happened: results, purchases and withdrawals of consent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from compiled_warehouse import CompiledWarehouse

from dagster_project.identity import link
from dagster_project.publishing.assignments import issue, issued_list, read_assignments
from dagster_project.settings.publishing import Channel, ListField
from dagster_project.warehouse.control import write_control

DAYS = [date(2022, 1, 23) + timedelta(days=number) for number in range(16)]
COOL_DOWN = 10
CAPACITY = {"telesales": 5, "wechat": 4, "sms": 3}
CARRIED = ("telesales", "wechat")
CUSTOMERS = 120
CONSENTS = ("phone", "wechat", "sms")
MODELS = ("reactivation_list", "reactivation_list_details")
Row = dict[str, Any]


def at(day: date, hour: int = 10) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@dataclass
class DailyWarehouse(CompiledWarehouse):
    """Builds just the models asked for, as a morning after the last."""

    def build_only(self, days: list[date], select: tuple[str, ...], *, issue_list_for: date) -> None:
        staging = [name for name, model in self.project.models.items() if model.schema == "staging"]
        with self.connect() as con:
            self.project.build(con, select=staging)
            link(con, paths=self.settings.paths)
            write_control(con, settings=self.settings, manifest=self.manifest, days=days, issue_list_for=issue_list_for)
            self.project.build(con, select=select, given=staging)


@dataclass
class Mornings:
    """A shop whose customers fell silent, its lists so far, and all that happened to those on them."""

    warehouse: DailyWarehouse
    lists: dict[date, list[Row]] = field(default_factory=dict)
    drawn: dict[date, list[tuple[Any, ...]]] = field(default_factory=dict)
    worked: dict[str, date] = field(default_factory=dict)
    bought: dict[int, date] = field(default_factory=dict)
    withdrew: dict[tuple[int, str], date] = field(default_factory=dict)
    references: dict[int, str] = field(default_factory=dict)

    def build(self, day: date) -> list[tuple[Any, ...]]:
        """Build the list of the day; its rows in their order."""
        self.warehouse.build_only([day], MODELS, issue_list_for=day)
        return [
            tuple(row)
            for row in self.warehouse.frame(
                "select channel, position, registry_id, entered_on, arm, priority_score from marts.reactivation_list "
                f"where as_of_date = '{day}' order by channel, position"
            ).itertuples(index=False)
        ]

    def issue(self, day: date) -> None:
        self.drawn[day] = self.build(day)
        with self.warehouse.connect() as con:
            issued = issue(con, self.warehouse.settings.paths, day)
        self.lists[day] = [] if issued is None else issued.rows.to_pylist()

    def treated(self, day: date, channel: str) -> list[Row]:
        return [row for row in self.lists[day] if row["channel"] == channel and row["arm"] == "treated"]

    def is_open(self, entry: Row, day: date) -> bool:
        """Whether what happened leaves somebody on their list of the day."""
        number = entry["registry_id"]
        task = f"{entry['campaign_id']}:{number}:{entry['channel']}"
        consent = {"telesales": "phone"}.get(entry["channel"], entry["channel"])
        happened = (self.worked.get(task), self.bought.get(number), self.withdrew.get((number, consent)))
        return all(each is None or each > day for each in happened)


def silent_shop(folder: Path, compiled_models: Path) -> DailyWarehouse:
    """Everybody bought for the last time in autumn; some may be called, some written to, some both."""
    warehouse = DailyWarehouse(folder, compiled=compiled_models)
    settings = warehouse.settings.publishing.reactivation
    fields = (ListField.CUSTOMER_ID, ListField.CONTACT)
    channels = tuple(
        Channel(
            name=name,
            consent="phone" if name == "telesales" else name,
            contact_point="wechat_id" if name == "wechat" else "phone",
            capacity=capacity,
            fields=fields,
        )
        for name, capacity in CAPACITY.items()
    )
    changed = settings.model_copy(
        update={"channels": channels, "cool_down_days": COOL_DOWN, "control_share": Decimal("0.2")}
    )
    publishing = warehouse.settings.publishing.model_copy(update={"reactivation": changed})
    warehouse.settings = replace(warehouse.settings, publishing=publishing)
    random = Random(5)  # noqa: S311  makes up a shop, guards nothing
    orders, customers, consents = [], [], []
    for number in range(CUSTOMERS):
        reference = {"source": "shop", "customer_ref": f"c{number:03d}"}
        for months in (10, 9, 8, 6):
            day = date(2022, 1, 1) - timedelta(days=30 * months - random.choice([0, 3, 9]))
            orders.append(
                {
                    **reference,
                    "order_id": f"{number}-{months}",
                    "ordered_at": at(day),
                    "status": "completed",
                    "gross_amount": Decimal(random.choice([20, 40, 41, 300])),
                    "discount_amount": Decimal(0),
                    "currency": "EUR",
                }
            )
        customers.append({**reference, "is_phone_valid": True, "is_wechat_valid": True, "registered_on": "2021-01-01"})
        grant = {**reference, "occurred_at": at(date(2021, 2, 1)), "is_granted": True}
        consents += [{**grant, "channel": channel} for channel in CONSENTS[random.choice([0, 0, 1, 2]) :]]
    warehouse.land("orders", orders)
    warehouse.land("customers", customers)
    warehouse.land("consents", consents)
    return warehouse


def live(mornings: Mornings, day: date, random: Random) -> None:
    """What happens in the day after the list: some are worked, one buys, one withdraws a consent."""
    results, orders, consents = [], [], []
    for row in mornings.lists[day]:
        if row["arm"] != "treated":
            continue
        chance, number = random.random(), row["registry_id"]
        reference = {"source": "shop", "customer_ref": mornings.references[number]}
        happens = day + timedelta(days=1)
        if chance < 0.25:
            task = f"{row['campaign_id']}:{number}:{row['channel']}"
            mornings.worked.setdefault(task, happens)
            outcome = random.choice(["reached", "not_reached"])
            results.append({"source": "calls", "task_id": task, "worked_at": at(happens), "outcome": outcome})
        elif chance < 0.32:
            mornings.bought.setdefault(number, happens)
            order = {"order_id": f"back-{number}-{day}", "ordered_at": at(happens), "status": "completed"}
            amounts = {"gross_amount": Decimal(50), "discount_amount": Decimal(0), "currency": "EUR"}
            orders.append({**reference, **order, **amounts})
        elif chance < 0.4:
            consent = "phone" if row["channel"] == "telesales" else row["channel"]
            mornings.withdrew.setdefault((number, consent), happens)
            consents.append({**reference, "channel": consent, "occurred_at": at(happens), "is_granted": False})
    mornings.warehouse.land("list_results", results)
    mornings.warehouse.land("orders", orders)
    mornings.warehouse.land("consents", consents)


@pytest.fixture(scope="module")
def mornings(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mornings]:
    mornings = Mornings(silent_shop(tmp_path_factory.mktemp("mornings"), compiled_models))
    random = Random(11)  # noqa: S311  makes up what happens, guards nothing
    for day in DAYS:
        mornings.issue(day)
        if not mornings.references:
            aliases = mornings.warehouse.frame("select registry_id, customer_ref from identity.customer_aliases")
            mornings.references = dict(zip(aliases["registry_id"], aliases["customer_ref"], strict=True))
        live(mornings, day, random)
    yield mornings
    mornings.warehouse.close()


def test_who_is_not_done_with_stays_first_and_in_order_until_the_campaign_ends(mornings: Mornings) -> None:
    stayed = 0
    for day in DAYS:
        for channel in CAPACITY:
            entries = [
                row
                for earlier in DAYS
                if earlier < day and earlier.month == day.month
                for row in mornings.treated(earlier, channel)
                if row["entered_on"] == earlier
            ]
            expected = [row["registry_id"] for row in entries if channel in CARRIED and mornings.is_open(row, day)]
            found = [row for row in mornings.treated(day, channel) if row["entered_on"] < day]
            assert [row["registry_id"] for row in found] == expected, (day, channel)
            assert [row["position"] for row in found] == list(range(1, len(found) + 1)), "carried over come first"
            stayed += len(found)
    assert stayed > 50


def test_new_customers_fill_the_places_left_and_no_more(mornings: Mornings) -> None:
    entered = 0
    for day in DAYS:
        for channel, capacity in CAPACITY.items():
            listed = mornings.treated(day, channel)
            assert len(listed) <= capacity, (day, channel)
            if channel == "telesales" and day.month == 1:
                assert len(listed) == capacity, "the pool is large enough to fill every place"
            entered += sum(row["entered_on"] == day for row in listed)
    assert entered > 50


def test_everybody_enters_a_campaign_once_however_often_they_are_listed(mornings: Mornings) -> None:
    entries = read_assignments(mornings.warehouse.settings.paths).to_pylist()
    places = [(row["campaign_id"], row["registry_id"]) for row in entries]
    assert len(set(places)) == len(places)
    listed = {(row["campaign_id"], row["registry_id"]) for rows in mornings.lists.values() for row in rows}
    assert listed == set(places)
    assert {row["entered_on"] for row in entries if row["arm"] == "control"} <= set(DAYS)
    once = [row for rows in mornings.lists.values() for row in rows if row["arm"] == "control"]
    assert len(once) == sum(row["arm"] == "control" for row in entries), "control customers are never carried over"


def test_nobody_is_listed_on_two_channels_within_one_cool_down_also_across_the_end_of_a_campaign(
    mornings: Mornings,
) -> None:
    days: dict[int, list[tuple[date, str, str]]] = {}
    for day in DAYS:
        for row in mornings.lists[day]:
            if row["arm"] == "treated":
                days.setdefault(row["registry_id"], []).append((day, row["channel"], row["campaign_id"]))
    both = 0
    for number, listed in days.items():
        for (first, channel, campaign), (second, other, later) in pairwise(listed):
            assert channel == other or (second - first).days >= COOL_DOWN, number
            assert campaign == later or (second - first).days >= COOL_DOWN, number
            both += campaign != later
    assert {campaign for listed in days.values() for *_, campaign in listed} == {
        "reactivation-2022-01",
        "reactivation-2022-02",
    }
    assert both, "somebody came back in the next campaign once the cool-down had passed"


def test_a_day_that_is_built_again_stands_whatever_happened_since(mornings: Mornings) -> None:
    for day in (DAYS[3], DAYS[-1]):
        assert mornings.build(day) == mornings.drawn[day]
        with mornings.warehouse.connect() as con:
            again = issue(con, mornings.warehouse.settings.paths, day)
        assert again is not None
        assert not again.is_new
        assert again.rows.to_pylist() == mornings.lists[day]
    issued = issued_list(mornings.warehouse.settings.paths, DAYS[0])
    assert issued is not None
    assert issued.rows.num_rows == len(mornings.drawn[DAYS[0]])
