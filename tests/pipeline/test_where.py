"""`strata where` shows all that is held about a person, found by any of their names, and writes it down on request."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from shop_runs import Shop

MEMBER = "000020"
Held = Callable[[str], dict[str, Any]]


def rows_of(shop: Shop, file: str, column: str, value: str, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with (shop.data / "inbox" / file).open(encoding=encoding, newline="") as lines:
        return [row for row in csv.DictReader(lines) if row[column] == value]


@pytest.fixture(scope="module")
def record(shared_shop: Shop) -> dict[str, str]:
    """The member's row in the CRM's export."""
    [row] = rows_of(shared_shop, "members/customers.csv", "会员编号", MEMBER)
    return row


@pytest.fixture(scope="module")
def asked(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop that is asked: a copy, since to ask takes the warehouse for a moment."""
    return shared_shop.copied_to(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def held(asked: Shop) -> Held:
    """What `strata where` exports of whoever is asked for."""

    @cache
    def held(who: str) -> dict[str, Any]:
        return exported(asked, who, asked.data.parent)

    return held


def exported(shop: Shop, who: str, folder: Path) -> dict[str, Any]:
    file = folder / "held.json"
    shop.strata("where", who, "--export", str(file))
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def rows_in(document: dict[str, Any], place: str) -> int:
    return sum(each["rows"] for each in document["holdings"] if each["place"] == place)


def test_a_person_is_found_by_number_reference_and_contact_point(
    asked: Shop, held: Held, record: dict[str, str]
) -> None:
    by_reference = held(f"members:{MEMBER}")
    for who in (
        str(by_reference["customer_id"]),
        record["买家昵称"],
        record["邮箱"].upper(),
        record["手机"].replace("-", " "),
    ):
        found = held(who)
        assert (found["customer_id"], found["references"]) == (by_reference["customer_id"], by_reference["references"])
    assert asked.strata("where", "nobody@example.cn", code=1).startswith("✗ nobody@example.cn is no customer")


def test_everything_that_was_delivered_about_the_person_is_shown(
    asked: Shop, held: Held, record: dict[str, str]
) -> None:
    """Compared with the files as they were dropped; the two members share no row, so counts tell whose they are."""
    document = held(f"members:{MEMBER}")
    nickname = record["买家昵称"]
    orders = rows_of(asked, "shop/orders_2023.csv", "买家昵称", nickname, "gb18030")
    orders += rows_of(asked, "shop/orders_2024.csv", "买家昵称", nickname)
    consents = rows_of(asked, "members/consents.csv", "会员编号", MEMBER)
    interactions = rows_of(asked, "members/interactions.csv", "会员编号", MEMBER)
    assert rows_in(document, "landing/batches/orders") == len(orders) > 0
    assert rows_in(document, "landing/personal/consents") == len(consents) > 0
    assert rows_in(document, "landing/batches/interactions") == len(interactions) > 0
    [contact] = [each for each in document["holdings"] if each["place"] == "landing/personal/customers"]
    shown = contact["records"][0]
    assert (shown["name"], shown["phone"], shown["email"]) == (record["姓名"], record["手机"], record["邮箱"])
    assert sorted(document["files_not_changed_by_us"]) == [
        "inbox/members/consents.csv",
        "inbox/members/customers.csv",
        "inbox/members/interactions.csv",
        *sorted(
            {
                "inbox/shop/orders_2023.csv" if order["付款时间"] < "2024" else "inbox/shop/orders_2024.csv"
                for order in orders
            }
        ),
    ]


def test_every_warehouse_table_with_a_row_of_the_person_is_named(asked: Shop, held: Held) -> None:
    document = held(f"members:{MEMBER}")
    number = document["customer_id"]
    with duckdb.connect(str(asked.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() inner join duckdb_columns() "
            "using (table_oid, schema_name, table_name) where column_name = 'customer_id' order by all"
        ).fetchall()
        counts = {
            (f"warehouse, schema {schema}", table): con.execute(
                f"select count(*) from {schema}.{table} where customer_id = {number}"
            ).fetchall()[0][0]
            for schema, table in tables
        }
    shown = {(each["place"], each["what"]): each["rows"] for each in document["holdings"]}
    assert {place: rows for place, rows in counts.items() if rows} == {
        place: rows for place, rows in shown.items() if place in counts
    }
    assert rows_in(document, "published/serving/strata.duckdb") > 0
    assert rows_in(document, "published/parquet") > 0


def test_the_list_and_the_campaign_that_a_person_is_on_are_shown(asked: Shop, held: Held) -> None:
    [file] = (asked.data / "assignments").glob("*/*.parquet")
    treated = next(row for row in pq.read_table(file).to_pylist() if row["arm"] == "treated")
    document = held(str(treated["customer_id"]))
    places = {each["place"] for each in document["holdings"]}
    assert f"assignments/{file.parent.name}/{file.name}" in places
    day, channel = file.stem, treated["channel"]
    assert {f"lists/{day}/{channel}.csv", f"lists/{day}/{channel}.xlsx"} <= places


def test_a_refused_row_of_the_person_is_shown_and_nobody_elses(asked: Shop, held: Held) -> None:
    [refused] = rows_of(asked, "shop/orders_2024.csv", "订单编号", "00240230999999")
    document = held(f"shop:{refused['买家昵称']}")
    [quarantined] = [each for each in document["holdings"] if each["what"] == "refused rows"]
    assert quarantined["rows"] == 1
    assert json.loads(quarantined["records"][0]["original"])["订单编号"] == "00240230999999"
    other = held(f"members:{MEMBER}")
    assert not [each for each in other["holdings"] if each["what"] == "refused rows"]


def test_the_export_is_private_and_on_record_and_the_screen_shows_no_name(
    shop: Shop, record: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "held.json"
    shown = shop.strata("where", f"members:{MEMBER}", "--export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = (shop.data / "audit" / "personal_exports.jsonl").read_text(encoding="utf-8")
    [written] = [json.loads(line) for line in kept.splitlines()]
    assert written["rows"] == sum(each["rows"] for each in json.loads(file.read_text(encoding="utf-8"))["holdings"])
    for personal in (record["姓名"], record["手机"], record["邮箱"], record["微信号"] or record["邮箱"]):
        assert personal not in shown
        assert personal not in kept


def test_a_person_who_has_landed_and_was_never_run_is_found(shop: Shop, tmp_path: Path) -> None:
    """A run that failed after landing has numbered nobody, and what it landed is held all the same."""
    for place in ("warehouse/strata.duckdb", "published/serving/strata.duckdb"):
        (shop.data / place).unlink()
    for part in (shop.data / "identity").iterdir():
        part.unlink()
    document = exported(shop, f"members:{MEMBER}", tmp_path)
    assert rows_in(document, "landing/personal/customers") == 1
