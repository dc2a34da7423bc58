"""reactivation_outcomes and reactivation_work against a computation in plain Python, entry by entry and day by day.

Times fall on the first and last minutes of days and spans, customers are merged into one another's arms, and amounts
have refunds, so that what a boundary decides is decided often.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from compiled_warehouse import CompiledWarehouse
from reference.outcomes import Followed, work

from dagster_project.publishing.assignments import ISSUED_SCHEMA

ZONE = ZoneInfo("America/New_York")  # its clocks change on 2022-03-13
FIRST = date(2022, 2, 20)
DAYS = [
    date(2022, 2, 22),
    date(2022, 3, 12),
    date(2022, 3, 31),
    date(2022, 4, 20),
    date(2022, 6, 10),
    date(2022, 7, 31),
]
CUSTOMERS = 60
CHANNELS = ("telesales", "wechat", "sms")
OWNERS = ("Li Na", "Wang Wei", None)
SAID = ("reached", "refused", "Mr Wu will think about it", None)
SPANS = (0, 1, 2, 29, 30, 31, 59, 60, 61, 89, 90, 91)
Rows = list[dict[str, Any]]


def at(random: Random, day: date) -> datetime:
    moment = random.choice([time(0, 0), time(0, 0, 18), time(9, 30), time(23, 59, 59)])
    return datetime.combine(day, moment, ZONE).astimezone(UTC)


def business(random: Random) -> dict[str, Rows]:
    """Orders before and after the entries, and every kind of contact."""
    rows: dict[str, Rows] = {
        name: [] for name in ("orders", "refunds", "interactions", "campaign_contacts", "customers", "customer_links")
    }
    for number in range(CUSTOMERS):
        reference = {"source": "web" if number % 2 else "shop", "customer_ref": f"c{number:02d}"}
        days = [
            date(2021, 6, 1),
            *(
                FIRST + timedelta(days=random.choice(SPANS) + random.choice([0, 5, 9]))
                for _ in range(random.choice([0, 1, 4]))
            ),
        ]
        for day in days:
            amount = Decimal(random.choice(["10.00", "99.99", "0.00"]))
            rows["orders"].append(
                {
                    **reference,
                    "order_id": f"o{len(rows['orders'])}",
                    "ordered_at": at(random, day),
                    "status": random.choice(["completed", "completed", "refunded", "cancelled"])
                    if day != days[0]
                    else "completed",
                    "gross_amount": amount,
                    "discount_amount": (amount / 10).quantize(Decimal("0.01")),
                    "currency": "EUR",
                }
            )
            if random.random() < 0.3:
                refunded = at(random, day + timedelta(days=random.choice(SPANS)))
                rows["refunds"].append(
                    {
                        **reference,
                        "refund_id": f"r{len(rows['refunds'])}",
                        "refunded_at": refunded,
                        "amount": Decimal("3.33"),
                        "currency": "EUR",
                    }
                )
        for _ in range(random.choice([0, 0, 1, 3])):
            day = FIRST + timedelta(days=random.choice([*SPANS, 5, 9, 14]))
            rows["interactions"].append(
                {
                    **reference,
                    "interaction_id": f"i{len(rows['interactions'])}",
                    "occurred_at": at(random, day),
                    "channel": "phone",
                    "direction": random.choice(["outbound", "outbound", "inbound"]),
                    "outcome": random.choice(SAID),
                }
            )
        if random.random() < 0.3:
            day = FIRST + timedelta(days=random.choice([*SPANS, 5, 9]))
            rows["campaign_contacts"].append(
                {
                    **reference,
                    "campaign_id": "spring",
                    "channel": "mail",
                    "contacted_at": random.choice([at(random, day), at(random, day), None]),
                    "arm": random.choice(["treated", "control", None]),
                    "outcome": random.choice(SAID),
                }
            )
        if number % 6 == 1:  # a shopper of the web turns out to be one of the shop
            rows["customers"].append(reference)
            rows["customer_links"].append({**reference, "linked_source": "shop", "linked_ref": f"c{number - 1:02d}"})
    return rows


def entries(random: Random, numbers: dict[str, int]) -> Rows:
    """Most customers enter a campaign, some two."""
    rows = []
    for campaign, first in (("reactivation-2022-02", FIRST), ("reactivation-2022-03", date(2022, 3, 1))):
        for number in numbers.values():
            if random.random() < 0.7:
                rows.append(
                    dict.fromkeys(ISSUED_SCHEMA.names)
                    | {
                        "campaign_id": campaign,
                        "customer_id": number,
                        "registry_id": number,
                        "entered_on": first + timedelta(days=random.choice([0, 1, 5])),
                        "arm": random.choice(["treated", "treated", "control"]),
                        "channel": random.choice(CHANNELS),
                        "owner": random.choice(OWNERS),
                        "value_tier": random.choice(["high", "low"]),
                        "silence_cause": random.choice(["price", "fading"]),
                        "priority_score": Decimal("1.5"),
                        "position": len(rows) + 1,
                    }
                )
    return rows


def results(random: Random, entered: Rows) -> Rows:
    """What some lists brought back, from two places."""
    return [
        {
            "source": source,
            "task_id": f"{entry['campaign_id']}:{entry['registry_id']}:{entry['channel']}",
            "worked_at": at(random, entry["entered_on"] + timedelta(days=random.choice([0, 1, 2, 29, 45]))),
            "outcome": random.choice(["reached", "not_reached", "ordered"]),
        }
        for entry in entered
        for source in ("calls", "crm")
        if random.random() < 0.25
    ]


@pytest.fixture(scope="module")
def case(
    compiled_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CompiledWarehouse, Followed, Rows]]:
    folder = tmp_path_factory.mktemp("outcomes")
    random = Random(20220220)  # noqa: S311  makes up rows, guards nothing
    warehouse = CompiledWarehouse(folder, str(ZONE), compiled=compiled_models)
    rows = business(random)
    for entity in rows:
        warehouse.land(entity, rows[entity])
    warehouse.build(DAYS[:1])
    aliases = warehouse.frame("select customer_ref, registry_id from identity.customer_aliases order by all")
    entered = entries(random, dict(zip(aliases["customer_ref"], aliases["registry_id"], strict=True)))
    for place in {(entry["campaign_id"], entry["entered_on"]) for entry in entered}:
        file = warehouse.settings.paths.assignments / place[0] / f"{place[1]}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        listed = [entry for entry in entered if (entry["campaign_id"], entry["entered_on"]) == place]
        pq.write_table(pa.Table.from_pylist(listed, schema=ISSUED_SCHEMA), file)
    came_back = results(random, entered)
    warehouse.land("list_results", came_back)
    warehouse.build(DAYS)
    aliases = warehouse.frame("select * from identity.customer_aliases")
    followed = Followed(
        zone=ZONE,
        orders=rows["orders"],
        refunds=rows["refunds"],
        results=came_back,
        interactions=rows["interactions"],
        campaign_contacts=rows["campaign_contacts"],
        customer_of_ref=dict(zip(aliases["customer_ref"], aliases["customer_id"], strict=True)),
        customer_of_number=dict(zip(aliases["registry_id"], aliases["customer_id"], strict=True)),
    )
    yield warehouse, followed, entered
    warehouse.close()


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_outcomes_of_a_day_equal_the_reference_entry_by_entry(case, day: date) -> None:
    warehouse, followed, entered = case
    expected = followed.outcomes(entered, day)
    rows = warehouse.frame(f"select * from marts.reactivation_outcomes where evaluated_on = '{day}'").to_dict("records")
    found = {(row["campaign_id"], row["registry_id"]): row for row in rows}
    assert found.keys() == expected.keys()
    for place, outcome in expected.items():
        assert {name: found[place][name] for name in outcome} == outcome, place
    issued = {(entry["campaign_id"], entry["registry_id"]): entry for entry in entered}
    for place, row in found.items():
        for name in ("entered_on", "arm", "channel", "owner", "value_tier", "silence_cause", "priority_score"):
            assert row[name] == issued[place][name], (place, name)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_work_of_a_day_equals_the_reference_by_owner(case, day: date) -> None:
    warehouse, followed, entered = case
    expected = work(entered, followed.outcomes(entered, day), f"reactivation-{day:%Y-%m}")
    rows = warehouse.frame(f"select * from marts.reactivation_work where evaluated_on = '{day}'").to_dict("records")
    found = {(row["campaign_id"], row["channel"], row["owner"]): row for row in rows}
    assert found.keys() == expected.keys()
    for place, said in expected.items():
        assert {name: found[place][name] for name in said} == said, place


def test_the_case_holds_what_it_is_to_prove(case) -> None:
    """Every boundary and every kind of contact decides something, else the comparison above proves little."""
    warehouse, *_ = case
    [counts] = warehouse.frame(
        """
        select
            count(*) filter (where is_contaminated) as joined,
            count(distinct worked_from) as kinds,
            count(*) filter (where outcome is null and is_worked) as free_text,
            count(*) filter (where hours_to_first_contact = 0) as at_once,
            count(*) filter (where returned_30d <> returned_60d) as late,
            count(*) filter (where revenue_90d < 0) as negative
        from marts.reactivation_outcomes
        """
    ).to_dict("records")
    assert counts["kinds"] == 3
    assert all(counts.values()), counts
    twice = "select count(*) from intermediate.int_entries_followed where entry_number > 1"
    assert warehouse.frame(twice).iloc[0, 0] > 0
