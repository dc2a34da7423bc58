"""One person under many ids: linked by contact points in a real run, and merged late as if it had always been known.

What is merged late is landed for real and classified by dbt's own SQL, compiled once and run in memory; one shop goes
through the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from generated import LAST, Company, companies
from hypothesis import given
from hypothesis import strategies as st
from late_deliveries import CURRENCY, FEW, Install, LateWarehouse, assert_same_days, deliveries, in_one, installer
from people_shop import KEY, KNOWN_TWICE, members, printed
from shop_runs import Shop

DAYS = [date(2021, 7, 31), date(2022, 3, 31), date(2022, 5, 31), LAST]
PHONES = ("+8613800138000", "0086 138 0013 8000", "+86-139-0013-9000", "(+86)139 0013 9000", "+8613700137000")


@pytest.fixture(scope="module")
def install(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """Makes installations of companies, with a key to hash contact points with."""
    with installer(tmp_path_factory.mktemp("compiled"), compiled_models, hash_key=KEY) as install:
        yield install


def instant(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(15), tzinfo=UTC)


def order(source: str, order_id: str, customer_ref: str, day: str, amount: str) -> dict[str, Any]:
    return {
        "source": source,
        "order_id": order_id,
        "customer_ref": customer_ref,
        "ordered_at": instant(day),
        "status": "completed",
        "gross_amount": Decimal(amount),
        "currency": CURRENCY,
        "updated_at": instant("2022-07-01"),
    }


def record(source: str, customer_ref: str, since: str, **columns: str) -> dict[str, Any]:
    return {
        "source": source,
        "customer_ref": customer_ref,
        "created_at": instant(since),
        "updated_at": instant(since),
        **columns,
    }


def revenues(warehouse: LateWarehouse, day: date) -> dict[str, tuple[int, Decimal, str]]:
    """Orders, revenue and industry by the first reference of each customer."""
    rows = [dict(row) for row in warehouse.built["customer_features", day]]
    return {row["customer_id"]: (row["order_count"], row["revenue"], row["industry"]) for row in rows}


def test_a_phone_that_comes_late_joins_two_customers_on_every_day_since_the_first_event_of_either(
    install: Install,
) -> None:
    """The shop knows a buyer since 2022-01-10; the CRM's customer of 2022-04-01 says its phone in a new version."""
    rows = {
        "orders": [
            order("shop", "1", "b", "2022-01-10", "100.00"),
            order("shop", "2", "stranger", "2021-06-01", "10.00"),
            order("crm", "3", "c", "2022-04-01", "40.00"),
        ],
        "customers": [
            record("shop", "b", "2022-01-10", phone="+8613800138000"),
            record("crm", "c", "2022-04-01", industry="retail"),
        ],
    }
    later = {"customers": [record("crm", "c", "2022-06-20", industry="retail", phone="0086 138-0013-8000")]}
    company = Company(
        rows={entity: [*own, *later.get(entity, [])] for entity, own in rows.items()},
        configured=frozenset({"orders", "customers"}),
        predictions={},
    )
    with install(company) as late, install(company) as fresh:
        late.deliver(rows)
        late.classify(DAYS)
        before = dict(late.built)
        assert revenues(late, LAST) == {
            "crm:c": (1, Decimal("40.00"), "retail"),
            "shop:b": (1, Decimal("100.00"), "unknown"),
            "shop:stranger": (1, Decimal("10.00"), "unknown"),
        }
        late.deliver(later)
        assert late.marked() == DAYS[1:]
        late.classify(late.marked())
        assert late.marked() == []
        assert all(late.built[table, day] is rows for (table, day), rows in before.items() if day == DAYS[0])
        merged = {
            "crm:c": (2, Decimal("140.00"), "retail"),
            "shop:stranger": (1, Decimal("10.00"), "unknown"),
        }
        assert revenues(late, LAST) == revenues(late, DAYS[2]) == merged
        # Before the CRM knew them, too, the buyer is the customer whom it describes now.
        assert revenues(late, DAYS[1])["crm:c"] == (1, Decimal("100.00"), "retail")
        fresh.deliver(in_one([rows, later]))
        fresh.classify(DAYS)
        assert_same_days(late, fresh)


def test_a_phone_that_is_given_up_parts_what_it_joined(install: Install) -> None:
    rows = {
        "orders": [order("shop", "1", "b", "2022-01-10", "100.00"), order("crm", "2", "c", "2022-04-01", "40.00")],
        "customers": [
            record("shop", "b", "2022-01-10", phone="+8613800138000"),
            record("crm", "c", "2022-04-01", phone="+8613800138000"),
        ],
    }
    later = {"customers": [record("crm", "c", "2022-06-20", phone="+8613900139000")]}
    company = Company(rows=rows, configured=frozenset(rows), predictions={})
    with install(company) as late, install(company) as fresh:
        late.deliver(rows)
        late.classify(DAYS)
        assert revenues(late, LAST)["crm:c"][:2] == (2, Decimal("140.00"))
        late.deliver(later)
        late.classify(late.marked())
        assert revenues(late, LAST)["crm:c"][:2] == (1, Decimal("40.00"))
        assert revenues(late, DAYS[1]).keys() == {"shop:b"}
        fresh.deliver(in_one([rows, later]))
        fresh.classify(DAYS)
        assert_same_days(late, fresh)


@FEW
@given(company=companies(least=3, most=6), seed=st.integers(0, 10_000))
def test_contact_points_that_come_in_any_order_and_cut_give_what_a_full_rebuild_gives(
    install: Install, company: Company, seed: int
) -> None:
    random = Random(seed)  # noqa: S311  invented customers
    phoned = [{**row, "phone": random.choice(("", *PHONES))} for row in company.rows.get("customers", [])]
    company = replace(company, rows={**company.rows, "customers": phoned})
    cuts = deliveries(company, random, 2)
    with install(company) as late, install(company) as fresh:
        late.deliver(cuts[0])
        late.classify(DAYS)
        late.deliver(cuts[1])
        if marked := late.marked():
            late.classify(marked)
        fresh.deliver(in_one(cuts))
        fresh.classify(DAYS)
        assert_same_days(late, fresh)


def test_a_buyer_by_phone_a_member_and_a_contact_are_one_customer_and_the_run_says_why(people_shop: Shop) -> None:
    assert people_shop.given().strata("check").count("STRATA_HASH_KEY is not set") == 1
    assert "STRATA_HASH_KEY" not in printed(people_shop)
    member = f"{KNOWN_TWICE:06d}"
    [buyer] = [row["买家昵称"] for row in members(people_shop) if row["会员编号"] == member]

    serving = people_shop.data / "published" / "serving" / "strata.duckdb"
    with duckdb.connect(str(serving), read_only=True) as con:
        references = con.execute(
            "select source, customer_ref from strata.customer_aliases where customer_id = "
            "(select customer_id from strata.customer_aliases where customer_ref = 'T-1') order by all"
        ).fetchall()
        assert references == [("crm", "C-1"), ("hotline", "T-1"), ("members", member), ("shop", buyer)]
        links = con.execute(
            "select source, customer_ref, other_source, other_ref, kind, is_used, length(evidence) "
            "from strata.identity_links where kind <> 'declared' order by all"
        ).fetchall()
        assert links == [
            ("crm", "C-1", "members", member, "email", True, 64),
            ("hotline", "T-1", "members", member, "phone", True, 64),
        ]
        assert con.execute("select count(*) from strata.shared_contact_points").fetchall() == [(0,)]
        [(shown, ordered, industry)] = con.execute(
            "select order_count, (select count(*) from strata.customer_days as days where days.customer_id = "
            "features.customer_id and order_count > 0), industry from strata.customer_features as features "
            "where customer_id = (select customer_id from strata.customer_aliases where customer_ref = 'T-1')"
        ).fetchall()
        assert industry == "零售", "what only the CRM knows is known of the buyer"
        assert shown >= ordered > 2
    for personal in (f"zhifangyou.{KNOWN_TWICE}@", "2125550110"):
        assert personal.encode() not in serving.read_bytes().lower()
