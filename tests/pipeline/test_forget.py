"""`strata forget`: nothing of a person is left anywhere, totals stay to the cent, and the person does not land again.

What is searched and summed here is read by other code than the product's.
"""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from people_shop import KEY, members, objecting, printed, rows, texts_of, to_be_erased, use_targets
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop, wait_until

from dagster_project.landing import Manifest


@pytest.fixture(scope="module")
def people(people_shop: Shop) -> list[dict[str, str]]:
    """Who was erased."""
    return to_be_erased(people_shop)


@pytest.fixture
def shop(people_shop: Shop, tmp_path: Path) -> Shop:
    """The shop before anybody was erased and without PostgreSQL, to be changed."""
    return without_postgres(people_shop, tmp_path)


def without_postgres(shop: Shop, folder: Path) -> Shop:
    """A copy of a shop with PostgreSQL switched off, for what has nothing to do with it."""
    copy = shop.copied_to(folder).given(STRATA_HASH_KEY=KEY)
    use_targets(copy, tables_in_postgres=False, lists_in_postgres=False)
    return copy


def totals(shop: Shop) -> dict[str, Any]:
    """Orders and money of the warehouse and of every published copy."""
    sums = "count(*), sum(revenue), sum(gross_amount), sum(discount_amount)"
    found: dict[str, Any] = {
        "warehouse": rows(shop, f"select {sums} from marts.fct_orders"),
        "days": rows(
            shop,
            "select sum(order_count), sum(gross_amount), sum(refund_amount), count(distinct business_day) "
            "from intermediate.int_customer_days",
        ),
    }
    with duckdb.connect(str(shop.data / "published" / "serving" / "strata.duckdb"), read_only=True) as con:
        found["serving"] = con.execute(f"select {sums} from fct_orders").fetchall()
    parquet = shop.data / "published" / "parquet" / "as_known_now" / "fct_orders.parquet"
    found["parquet"] = duckdb.sql(f"select {sums} from '{parquet}'").fetchall()
    manifest = Manifest.load(shop.settings.paths)
    newest: dict[tuple[str, str], tuple[tuple[Any, ...], dict[str, Any]]] = {}
    for batch in manifest.of("orders"):
        for row in pq.read_table(manifest.absolute(batch.path or "")).to_pylist():
            version = (row["updated_at"] or datetime(1, 1, 1, tzinfo=UTC), row["batch_sequence"], row["row_number"])
            key = (row["source"], row["order_id"])
            if key not in newest or version > newest[key][0]:
                newest[key] = (version, row)
    found["landed"] = (
        len(newest),
        sum((row["gross_amount"] for _, row in newest.values()), Decimal(0)),
        sum((row["refund_amount"] or Decimal(0) for _, row in newest.values()), Decimal(0)),
    )
    return found


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what they unpack to, as UTF-8."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield pq.read_table(path).to_pandas().to_csv().encode()
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            yield b"".join(archive.read(name) for name in archive.namelist())
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as con:
            for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                yield con.execute(f'select * from "{schema}"."{table}"').df().to_csv().encode()
    elif path.suffix == ".db":
        with closing(sqlite3.connect(path)) as con:
            for (table,) in con.execute("select name from sqlite_master where type = 'table'").fetchall():
                yield pd.read_sql(f'select * from "{table}"', con).to_csv().encode()


def places_of(texts: list[str], shop: Shop) -> dict[str, list[str]]:
    """Files below data, the inbox apart, in which texts stand, by text; nothing for a text that stands nowhere."""
    forms = {text: {text.encode(), json.dumps(text)[1:-1].encode()} for text in texts}
    found: dict[str, list[str]] = {}
    for path in sorted(shop.data.rglob("*")):
        place = path.relative_to(shop.data)
        if path.is_symlink() or not path.is_file() or place.parts[0] == "inbox":
            continue
        held = list(contents(path))
        for text, needles in forms.items():
            if any(needle in content for content in held for needle in needles):
                found.setdefault(text, []).append(str(place))
    return found


def lists_in_postgres(shop: Shop) -> int:
    """Rows of issued lists, which hold names, in PostgreSQL."""
    with (
        adbc_driver_postgresql.dbapi.connect(shop.variables["STRATA_POSTGRES_URL"]) as con,
        con.cursor() as cursor,
    ):
        cursor.execute("select count(*) from strata_personal.lists")
        [(count,)] = cursor.fetchall()
    return int(count)


def test_the_people_are_there_to_be_found(people_shop: Shop, people: list[dict[str, str]]) -> None:
    names = [person["姓名"] for person in people]
    assert places_of(names, people_shop).keys() == set(names)
    assert lists_in_postgres(people_shop) > 0


def test_no_byte_of_the_people_is_left_in_any_file(erased_shop: Shop, people: list[dict[str, str]]) -> None:
    assert places_of(texts_of(people), erased_shop) == {}


def test_no_row_of_the_people_is_left_in_postgresql(erased_shop: Shop, people: list[dict[str, str]]) -> None:
    """Nor a byte in the files of its tables: pages of before are gone, not only marked as free."""
    texts = texts_of(people)
    with (
        adbc_driver_postgresql.dbapi.connect(erased_shop.variables["STRATA_POSTGRES_URL"]) as con,
        con.cursor() as cursor,
    ):
        cursor.execute("select schemaname, tablename from pg_tables where schemaname like 'strata%'")
        tables = cursor.fetchall()
        assert {"customer_segments", "customer_aliases", "lists"} <= {table for _, table in tables}
        for schema, table in tables:
            cursor.execute(f'select t::text from "{schema}"."{table}" as t')
            content = "\n".join(row for (row,) in cursor.fetchall())
            assert not [text for text in texts if text in content], table
        cursor.execute(
            "select current_setting('data_directory') || '/base/' || oid from pg_database "
            "where datname = current_database()"
        )
        [(folder,)] = cursor.fetchall()
        con.commit()
        con.adbc_connection.set_autocommit(True)
        cursor.execute("checkpoint")
    in_files = [
        str(path)
        for path in Path(folder).iterdir()
        if path.is_file() and any(text.encode() in path.read_bytes() for text in texts)
    ]
    assert in_files == []


def test_totals_are_unchanged_to_the_cent(erased_shop: Shop, people_shop: Shop) -> None:
    before = totals(people_shop)
    assert totals(erased_shop) == before
    with (
        adbc_driver_postgresql.dbapi.connect(erased_shop.variables["STRATA_POSTGRES_URL"]) as con,
        con.cursor() as cursor,
    ):
        schema = erased_shop.settings.publishing.postgres.schema_name
        cursor.execute(f"select count(*)::bigint, sum(revenue)::text from {schema}.fct_orders")
        [(count, revenue)] = cursor.fetchall()
    assert (count, Decimal(revenue)) == before["serving"][0][:2]


def test_orders_stay_with_day_and_amounts_under_keys_that_tell_nothing(
    erased_shop: Shop, people: list[dict[str, str]]
) -> None:
    manifest = Manifest.load(erased_shop.settings.paths)
    kept_rows = [
        row
        for batch in manifest.of("orders")
        for row in pq.read_table(manifest.absolute(batch.path or "")).to_pylist()
        if row["order_id"].startswith("strata-erased-")
    ]
    buyers = {person["买家昵称"] for person in people}
    with (erased_shop.data / "inbox" / "shop" / "orders_2024.csv").open(encoding="utf-8-sig", newline="") as lines:
        bought = [row for row in csv.DictReader(lines) if row["买家昵称"] in buyers]
    with (erased_shop.data / "inbox" / "shop" / "orders_2023.csv").open(encoding="gb18030", newline="") as lines:
        bought += [row for row in csv.DictReader(lines) if row["买家昵称"] in buyers]
    newest = {row["订单编号"]: row for row in reversed(bought) if not row["付款时间"].startswith("2024-02-30")}

    def day_of(text: str) -> date:
        return pd.Timestamp(text).date()

    asked = sorted(
        (day_of(row["付款时间"]), Decimal(row["总金额"].strip("￥").replace(",", ""))) for row in newest.values()
    )
    zone = "Asia/Shanghai"
    kept = sorted((pd.Timestamp(row["ordered_at"]).tz_convert(zone).date(), row["gross_amount"]) for row in kept_rows)
    assert kept == asked
    assert {(row["channel"], row["region"], row["updated_at"], row["row_number"]) for row in kept_rows} == {
        (None, None, None, 0)
    }
    assert {pd.Timestamp(row["ordered_at"]).tz_convert(zone).hour for row in kept_rows} == {12}
    assert len({row["customer_ref"] for row in kept_rows}) == len(people)
    assert len({row["order_id"] for row in kept_rows}) == len(kept_rows)


def test_the_manifest_records_both_fingerprints_and_counts_what_went(erased_shop: Shop) -> None:
    manifest = Manifest.load(erased_shop.settings.paths)
    rewritten = [batch for batch in manifest.batches if batch.before_erasures]
    assert {batch.entity for batch in rewritten} >= {"orders", "customers", "consents", "refunds"}
    for batch in rewritten:
        [before] = batch.before_erasures
        pairs = [
            (before[name], getattr(batch, name)) for name in ("path_sha256", "personal_sha256", "quarantine_sha256")
        ]
        assert any(old and new and old != new for old, new in pairs)
        assert batch.stored == pq.read_metadata(manifest.absolute(batch.path or "")).num_rows


def test_the_proof_names_every_place_and_the_files_that_were_left_alone(erased_shop: Shop) -> None:
    [file] = (erased_shop.data / "erasures").glob("2*.json")
    proof = json.loads(file.read_text(encoding="utf-8"))
    assert proof["totals_before"] == proof["totals_after"]
    assert proof["rows_left"] == 0
    assert {each["place"] for each in proof["rows_found"]} >= {
        "landing/personal/customers",
        "warehouse, schema personal",
        "published/serving/strata.duckdb",
        "PostgreSQL, schema strata",
    }
    assert set(proof["your_files_not_changed"]) >= {"inbox/members/customers.csv", "inbox/shop/orders_2024.csv"}
    assert {"logs/planted.log", "dagster/history/runs.db"} <= set(proof["traces_blotted_out"])
    assert proof["other_files_not_changed"] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in (erased_shop.data / "erasures").iterdir()} == {0o600}
    assert "(erased)" in (erased_shop.data / "logs" / "planted.log").read_text(encoding="utf-8")


def test_a_list_is_drawn_up_again_without_the_person(erased_shop: Shop, people_shop: Shop) -> None:
    day = str(FIRST_AS_OF)
    [before] = (people_shop.data / "assignments").glob(f"*/{day}.parquet")
    [after] = (erased_shop.data / "assignments").glob(f"*/{day}.parquet")
    old, new = pq.read_table(before).to_pylist(), pq.read_table(after).to_pylist()
    assert new == [row for row in old if row in new]
    assert len(new) < len(old)
    gone = [row["channel"] for row in old if row not in new and row["arm"] == "treated"]
    assert gone
    for channel in set(gone):
        listed, was = (records(shop.data / "lists" / day / f"{channel}.csv") for shop in (erased_shop, people_shop))
        assert [record for record in was if record in listed] == listed
        assert len(listed) == len(was) - gone.count(channel)


def records(file: Path) -> list[list[str]]:
    """The records of a list; a cell may hold several lines."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def test_nobody_of_them_is_known_any_more(erased_shop: Shop, people: list[dict[str, str]], tmp_path: Path) -> None:
    shop = erased_shop.copied_to(tmp_path)
    for person in people:
        for asked in (f"members:{person['会员编号']}", person["邮箱"]):
            assert "is no customer" in shop.strata("where", asked, code=1)


def test_they_do_not_land_again_and_marked_days_hold_the_orders_of_nobody(
    people_shop: Shop, erased_shop: Shop, rebuilt_shop: Shop, people: list[dict[str, str]]
) -> None:
    """Every file is read again, because its mapping has changed; what is refused is counted, and nothing of it kept."""
    assert "; 1 marked for a rebuild" in printed(erased_shop)
    assert "; 0 marked for a rebuild" in printed(rebuilt_shop)
    assert places_of(texts_of(people), rebuilt_shop) == {}
    before, after = totals(people_shop), totals(rebuilt_shop)
    assert after["landed"] == before["landed"]
    assert after["warehouse"] == before["warehouse"]
    assert "the person was erased" in rebuilt_shop.strata("quarantine", "list")
    # Two more have no features on that day any more, because they object to profiling.
    features = (
        "select count(*), sum(revenue) from marts.customer_features "
        f"where as_of_date = '{FIRST_AS_OF}' and customer_id not in {objecting(erased_shop)}"
    )
    assert rows(rebuilt_shop, features) == rows(people_shop, features)


def test_without_a_key_nobody_is_erased_and_nothing_lands(erased_shop: Shop, tmp_path: Path) -> None:
    shop = without_postgres(erased_shop, tmp_path).given()
    known = {reference for (reference,) in rows(shop, "select customer_ref from identity.customer_aliases")}
    somebody = next(person["会员编号"] for person in members(shop) if person["会员编号"] in known)
    said = shop.strata("forget", f"members:{somebody}", "--yes", code=1)
    assert "set STRATA_HASH_KEY in the environment" in said
    said = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1)
    assert "set STRATA_HASH_KEY in the environment" in said
    said = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1, STRATA_HASH_KEY="another")
    assert "begun with another key" in said


def test_a_killed_erasure_lets_nothing_land_and_is_finished_later(shop: Shop, people: list[dict[str, str]]) -> None:
    """Killed with -9 while the warehouse's file is written anew; the unit tests stop after every step."""
    [person, *_] = people
    before = totals(shop)
    rewriting = shop.data / "warehouse" / ".strata.duckdb.unfinished"
    with shop.started("forget", f"members:{person['会员编号']}", "--yes") as process:
        wait_until(rewriting.exists, every=0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (shop.data / "erasures" / "pending.json").exists()
    assert "strata forget --resume" in shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1)
    shop.strata("forget", "--resume")
    assert totals(shop) == before
    assert places_of(texts_of([person]), shop) == {}
    assert "No erasure was interrupted." in shop.strata("forget", "--resume")
