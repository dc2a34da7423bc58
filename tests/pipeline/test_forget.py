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
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop, wait_until
from tiny_shop import build_tiny_shop

from dagster_project.landing import Manifest

KEY = "a long secret text, kept elsewhere"
VARIABLES = {"STRATA_HASH_KEY": KEY}


@dataclass(frozen=True)
class Erased:
    """A shop after an erasure, with what stood in it before."""

    shop: Shop
    variables: dict[str, str]
    people: list[dict[str, str]]
    totals: dict[str, Any]
    printed: str

    @property
    def texts(self) -> list[str]:
        """What must be nowhere: names, contact points, references that are words."""
        columns = ("姓名", "手机", "邮箱", "微信号", "买家昵称")
        return [person[column] for person in self.people for column in columns if len(person[column].encode()) > 4]


def members(shop: Shop) -> list[dict[str, str]]:
    with (shop.data / "inbox" / "members" / "customers.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def chosen(shop: Shop) -> list[dict[str, str]]:
    """Somebody on a list, the buyer of the refused row, and a buyer of a refund that names no order."""
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        [(treated,)] = con.execute(
            "select customer_ref from marts.reactivation_list inner join identity.customer_aliases "
            "using (customer_id) where source = 'shop' and arm = 'treated' and as_of_date = ? "
            "order by position, customer_ref limit 1",
            [FIRST_AS_OF],
        ).fetchall()
    with (shop.data / "inbox" / "shop" / "refunds.csv").open(encoding="utf-8", newline="") as lines:
        refunded = [row["买家昵称"] for row in csv.DictReader(lines)]
    with (shop.data / "inbox" / "shop" / "orders_2024.csv").open(encoding="utf-8-sig", newline="") as lines:
        refused = [row["买家昵称"] for row in csv.DictReader(lines) if row["付款时间"].startswith("2024-02-30")]
    wanted = {treated, refunded[0], refused[0]}
    found = [row for row in members(shop) if row["买家昵称"] in wanted]
    assert len(found) >= 2
    return found


def plant(shop: Shop, person: dict[str, str]) -> None:
    """Traces where there should be none: a log, a packed log, Dagster's own database."""
    (shop.data / "logs" / "planted.log").write_text(f"could not call {person['手机']} of {person['姓名']}\n", "utf-8")
    with closing(sqlite3.connect(shop.data / "dagster" / "history" / "runs.db")) as con:
        con.execute("create table if not exists planted (body text)")
        con.execute("insert into planted values (?)", [json.dumps({"contact": person["姓名"], "at": person["邮箱"]})])
        con.commit()


def totals(shop: Shop) -> dict[str, Any]:
    """Orders and money of the warehouse and of every published copy."""
    sums = "count(*), sum(revenue), sum(gross_amount), sum(discount_amount)"
    found: dict[str, Any] = {}
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        found["warehouse"] = con.execute(f"select {sums} from marts.fct_orders").fetchall()
        found["days"] = con.execute(
            "select sum(order_count), sum(gross_amount), sum(refund_amount), count(distinct business_day) "
            "from intermediate.int_customer_days"
        ).fetchall()
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


def places_with(shop: Shop, texts: list[str]) -> list[str]:
    """Files below data, the inbox apart, in which one of the texts stands."""
    needles = [text.encode() for text in texts] + [json.dumps(text)[1:-1].encode() for text in texts]
    found = []
    for path in sorted(shop.data.rglob("*")):
        place = path.relative_to(shop.data)
        if path.is_symlink() or not path.is_file() or place.parts[0] == "inbox":
            continue
        if any(needle in content for content in contents(path) for needle in needles):
            found.append(str(place))
    return found


@pytest.fixture(scope="module")
def lived_in(postgres_database: str, parsed_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop with a day that went to every target there is; copied by whoever changes it."""
    folder = tmp_path_factory.mktemp("lived_in")
    shop = Shop(*build_tiny_shop(folder)).spared_the_parse(parsed_project)
    settings = shop.config / "publishing.yaml"
    document = yaml.safe_load(settings.read_text(encoding="utf-8"))
    document["postgres"]["enabled"] = True
    document["lists"]["parquet"]["enabled"] = document["lists"]["postgres"]["enabled"] = True
    document["tables"].append("fct_orders")
    settings.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert shop.settings.publishing.postgres.enabled
    variables = {**VARIABLES, "STRATA_POSTGRES_URL": postgres_database}
    shop.strata("run", "--as-of", str(FIRST_AS_OF), **variables)
    return shop


@pytest.fixture(scope="module")
def erased(lived_in: Shop, postgres_database: str, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    """The shop after three people were erased in one go."""
    shop = lived_in.copied_to(tmp_path_factory.mktemp("erased"))
    people = chosen(shop)
    plant(shop, people[0])
    before = totals(shop)
    asked = shop.data.parent / "asked.txt"
    first, *others = people
    asked.write_text("# asked for today\n" + "\n".join(f"members:{person['会员编号']}" for person in others), "utf-8")
    variables = {**VARIABLES, "STRATA_POSTGRES_URL": postgres_database}
    assert set(texts_found(shop, people)) == set(texts_of(people))
    assert lists_in_postgres(postgres_database) > 0
    printed = shop.strata("forget", first["手机"], "--file", str(asked), "--yes", **variables)
    return Erased(shop, variables, people, before, printed)


def lists_in_postgres(url: str) -> int:
    """Rows of issued lists, which hold names, in PostgreSQL."""
    with adbc_driver_postgresql.dbapi.connect(url) as con, con.cursor() as cursor:
        cursor.execute("select count(*) from strata_personal.lists")
        [(rows,)] = cursor.fetchall()
    return int(rows)


def texts_of(people: list[dict[str, str]]) -> list[str]:
    return [person["姓名"] for person in people]


def texts_found(shop: Shop, people: list[dict[str, str]]) -> list[str]:
    return [text for text in texts_of(people) if places_with(shop, [text])]


def without_postgres(shop: Shop) -> Shop:
    """The shop with PostgreSQL switched off, for what has nothing to do with it."""
    settings = shop.config / "publishing.yaml"
    document = yaml.safe_load(settings.read_text(encoding="utf-8"))
    document["postgres"]["enabled"] = document["lists"]["postgres"]["enabled"] = False
    settings.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return shop


def test_no_byte_of_the_people_is_left_in_any_file(erased: Erased) -> None:
    assert places_with(erased.shop, erased.texts) == []


def test_no_row_of_the_people_is_left_in_postgresql(erased: Erased) -> None:
    """Nor a byte in the files of its tables: pages of before are gone, not only marked as free."""
    with adbc_driver_postgresql.dbapi.connect(erased.variables["STRATA_POSTGRES_URL"]) as con, con.cursor() as cursor:
        cursor.execute("select schemaname, tablename from pg_tables where schemaname like 'strata%'")
        tables = cursor.fetchall()
        assert {"customer_segments", "customer_aliases", "lists"} <= {table for _, table in tables}
        for schema, table in tables:
            cursor.execute(f'select t::text from "{schema}"."{table}" as t')
            rows = "\n".join(row for (row,) in cursor.fetchall())
            assert not [text for text in erased.texts if text in rows], table
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
        if path.is_file() and any(text.encode() in path.read_bytes() for text in erased.texts)
    ]
    assert in_files == []


def test_totals_are_unchanged_to_the_cent(erased: Erased) -> None:
    assert totals(erased.shop) == erased.totals
    with adbc_driver_postgresql.dbapi.connect(erased.variables["STRATA_POSTGRES_URL"]) as con, con.cursor() as cursor:
        schema = erased.shop.settings.publishing.postgres.schema_name
        cursor.execute(f"select count(*)::bigint, sum(revenue)::text from {schema}.fct_orders")
        [(count, revenue)] = cursor.fetchall()
    assert (count, Decimal(revenue)) == erased.totals["serving"][0][:2]


def test_orders_stay_with_day_and_amounts_under_keys_that_tell_nothing(erased: Erased) -> None:
    manifest = Manifest.load(erased.shop.settings.paths)
    rows = [
        row
        for batch in manifest.of("orders")
        for row in pq.read_table(manifest.absolute(batch.path or "")).to_pylist()
        if row["order_id"].startswith("strata-erased-")
    ]
    with (erased.shop.data / "inbox" / "shop" / "orders_2024.csv").open(encoding="utf-8-sig", newline="") as lines:
        bought = [row for row in csv.DictReader(lines) if row["买家昵称"] in erased.texts]
    with (erased.shop.data / "inbox" / "shop" / "orders_2023.csv").open(encoding="gb18030", newline="") as lines:
        bought += [row for row in csv.DictReader(lines) if row["买家昵称"] in erased.texts]
    newest = {row["订单编号"]: row for row in reversed(bought) if not row["付款时间"].startswith("2024-02-30")}

    def day_of(text: str) -> date:
        return pd.Timestamp(text).date()

    asked = sorted(
        (day_of(row["付款时间"]), Decimal(row["总金额"].strip("￥").replace(",", ""))) for row in newest.values()
    )
    zone = "Asia/Shanghai"
    kept = sorted((pd.Timestamp(row["ordered_at"]).tz_convert(zone).date(), row["gross_amount"]) for row in rows)
    assert kept == asked
    assert {(row["channel"], row["region"], row["updated_at"], row["row_number"]) for row in rows} == {
        (None, None, None, 0)
    }
    assert {pd.Timestamp(row["ordered_at"]).tz_convert(zone).hour for row in rows} == {12}
    assert len({row["customer_ref"] for row in rows}) == len(erased.people)
    assert len({row["order_id"] for row in rows}) == len(rows)


def test_the_manifest_records_both_fingerprints_and_counts_what_went(erased: Erased) -> None:
    manifest = Manifest.load(erased.shop.settings.paths)
    rewritten = [batch for batch in manifest.batches if batch.before_erasures]
    assert {batch.entity for batch in rewritten} >= {"orders", "customers", "consents", "refunds"}
    for batch in rewritten:
        [before] = batch.before_erasures
        pairs = [
            (before[name], getattr(batch, name)) for name in ("path_sha256", "personal_sha256", "quarantine_sha256")
        ]
        assert any(old and new and old != new for old, new in pairs)
        assert batch.stored == pq.read_metadata(manifest.absolute(batch.path or "")).num_rows


def test_the_proof_names_every_place_and_the_files_that_were_left_alone(erased: Erased) -> None:
    [file] = (erased.shop.data / "erasures").glob("2*.json")
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
    assert {stat.S_IMODE(path.stat().st_mode) for path in (erased.shop.data / "erasures").iterdir()} == {0o600}
    assert "(erased)" in (erased.shop.data / "logs" / "planted.log").read_text(encoding="utf-8")


def test_a_list_is_drawn_up_again_without_the_person(erased: Erased, lived_in: Shop) -> None:
    day = str(FIRST_AS_OF)
    [before] = (lived_in.data / "assignments").glob(f"*/{day}.parquet")
    [after] = (erased.shop.data / "assignments").glob(f"*/{day}.parquet")
    old, new = pq.read_table(before).to_pylist(), pq.read_table(after).to_pylist()
    assert new == [row for row in old if row in new]
    assert len(new) < len(old)
    gone = [row["channel"] for row in old if row not in new and row["arm"] == "treated"]
    assert gone
    for channel in set(gone):
        listed, was = (records(shop.data / "lists" / day / f"{channel}.csv") for shop in (erased.shop, lived_in))
        assert [record for record in was if record in listed] == listed
        assert len(listed) == len(was) - gone.count(channel)


def records(file: Path) -> list[list[str]]:
    """The records of a list; a cell may hold several lines."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def test_nobody_of_them_is_known_any_more(erased: Erased) -> None:
    for person in erased.people:
        for asked in (f"members:{person['会员编号']}", person["邮箱"]):
            assert "is no customer" in erased.shop.strata("where", asked, code=1, **erased.variables)


def test_they_do_not_land_again_and_marked_days_hold_the_orders_of_nobody(
    erased: Erased, lived_in: Shop, tmp_path: Path
) -> None:
    """Every file is read again, because its mapping has changed; what is refused is counted, and nothing of it kept."""
    shop = without_postgres(erased.shop.copied_to(tmp_path))
    sources = shop.config / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    text = text.replace("order_id: 订单编号", "order_id: [订单编号, 订单号]").replace(
        "name: 姓名", "name: [姓名, 名字]"
    )
    sources.write_text(text, encoding="utf-8")
    variables = VARIABLES
    shop.strata("run", "--as-of", str(SECOND_AS_OF), **variables)
    shop.strata("backfill", "--marked", **variables)
    assert places_with(shop, erased.texts) == []
    assert totals(shop)["landed"] == erased.totals["landed"]
    assert totals(shop)["warehouse"] == erased.totals["warehouse"]
    refused = shop.strata("quarantine", "list", **variables)
    assert "the person was erased" in refused
    features = lived_in.data / "published" / "parquet" / f"as_of_date={FIRST_AS_OF}" / "customer_features.parquet"
    [before] = duckdb.sql(f"select count(*), sum(revenue) from '{features}'").fetchall()
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        [after] = con.execute(
            "select count(*), sum(revenue) from marts.customer_features where as_of_date = ?", [FIRST_AS_OF]
        ).fetchall()
    assert after == before


def test_without_a_key_nobody_is_erased_and_nothing_lands(erased: Erased, tmp_path: Path) -> None:
    shop = without_postgres(erased.shop.copied_to(tmp_path))
    somebody = next(row for row in members(shop) if row not in erased.people)
    said = shop.strata("forget", f"members:{somebody['会员编号']}", "--yes", code=1)
    assert "set STRATA_HASH_KEY in the environment" in said
    said = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1)
    assert "set STRATA_HASH_KEY in the environment" in said
    said = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1, STRATA_HASH_KEY="another")
    assert "begun with another key" in said


def test_a_killed_erasure_lets_nothing_land_and_is_finished_later(lived_in: Shop, tmp_path: Path) -> None:
    """Killed with -9 while the warehouse's file is written anew; the unit tests stop after every step."""
    shop = without_postgres(lived_in.copied_to(tmp_path))
    variables = VARIABLES
    person = chosen(shop)[0]
    before = totals(shop)
    rewriting = shop.data / "warehouse" / ".strata.duckdb.unfinished"
    with shop.started("forget", f"members:{person['会员编号']}", "--yes", **variables) as process:
        wait_until(rewriting.exists)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (shop.data / "erasures" / "pending.json").exists()
    assert "strata forget --resume" in shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1, **variables)
    shop.strata("forget", "--resume", **variables)
    assert totals(shop) == before
    texts = [person[column] for column in ("姓名", "手机", "邮箱", "微信号", "买家昵称") if len(person[column]) > 2]
    assert places_with(shop, texts) == []
    assert "No erasure was interrupted." in shop.strata("forget", "--resume", **variables)
