"""Databases are read part by part from a watermark on: nothing lost, nothing bent, and no secret of theirs told."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import stamina
from database_shop import NOW, ORDER_COLUMNS, Database
from pydantic import ValidationError
from sqlalchemy.dialects.mysql import pymysql

from dagster_project.settings.sources import DatabaseSource
from dagster_project.sources.database import Rising, Selection
from dagster_project.sources.database_other import selecting
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import Holding, SourceUnavailable

CREATE = (
    "create table {orders} (id bigint primary key, buyer text, placed_at timestamp, total numeric(12,2), "
    "changed_at timestamp)"
)
BY_CHANGE = {"watermark": "changed_at", "overlap_minutes": 0}


@pytest.fixture
def postgres(postgres_server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Database:
    """PostgreSQL with an empty schema that is looked into first."""
    schema = f"d{sha256(request.node.name.encode()).hexdigest()[:12]}"
    mark = "&" if "?" in postgres_server else "?"
    database = Database(f"{postgres_server}{mark}options=-csearch_path%3D{schema}", tmp_path)
    Database(postgres_server, tmp_path).run(f"drop schema if exists {schema} cascade", f"create schema {schema}")
    return database


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path)


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each kind in turn, with an empty table of orders."""
    found: Database = request.getfixturevalue(request.param)
    found.run(CREATE.format(orders="orders"))
    return found


def order(number: int, minute: int, total: str = "10.00") -> str:
    """An order placed and changed at a minute of 2024-02-01, UTC."""
    at = f"2024-02-01 {minute // 60:02}:{minute % 60:02}:00"
    return f"insert into orders values ({number}, 'B{number % 3}', '{at}', {total}, '{at}')"


def test_the_first_pull_reads_everything_oldest_first_and_the_next_what_changed_since(database: Database) -> None:
    database.run(order(3, 30), order(1, 10), order(2, 20))
    first, watermark = database.ids(table="orders", **BY_CHANGE)
    assert [str(each) for each in first] == ["1", "2", "3"]
    database.run(order(4, 40), "update orders set total = 99.5, changed_at = '2024-02-01 00:41:00' where id = 1")
    second, watermark = database.ids(watermark, table="orders", **BY_CHANGE)
    assert [str(each) for each in second] == ["3", "4", "1"], "the last row is read again: another may equal it"
    third, _ = database.ids(watermark, table="orders", **BY_CHANGE)
    assert [str(each) for each in third] == ["1"]


def test_an_order_committed_late_with_an_older_time_is_read_within_the_overlap_and_not_before(
    database: Database,
) -> None:
    database.run(order(1, 10), order(2, 100))
    _, watermark = database.ids(table="orders", watermark="changed_at", overlap_minutes=10)
    database.run(order(3, 92), order(4, 85))
    late, _ = database.ids(watermark, table="orders", watermark="changed_at", overlap_minutes=10)
    assert [str(each) for each in late] == ["3", "2"], "minute 92 lies within ten minutes of 100, minute 85 does not"


@pytest.mark.parametrize("at", ["2024-10-27 02:50:00", "2024-10-27 02:05:00"])
def test_an_order_of_the_hour_that_clocks_repeat_is_read_though_it_is_dated_before_the_last(
    database: Database, at: str
) -> None:
    asked = {"table": "orders", "of_source": {"time_zone": "Europe/Berlin"}, "now": datetime(2024, 11, 1, tzinfo=UTC)}
    database.run(order(1, 1).replace("2024-02-01 00:01:00", at))
    _, watermark = database.ids(**asked, **BY_CHANGE)
    database.run(order(2, 1).replace("2024-02-01 00:01:00", "2024-10-27 02:01:00"))
    assert [str(each) for each in database.ids(watermark, **asked, **BY_CHANGE)[0]] == ["2", "1"]
    elsewhere = {**asked, "of_source": {"time_zone": "Asia/Shanghai"}}
    assert [str(each) for each in database.ids(watermark, **elsewhere, **BY_CHANGE)[0]] == ["1"]


def test_rows_of_one_time_at_the_edge_of_a_part_are_not_lost_by_a_kill_between_parts(database: Database) -> None:
    database.run(order(1, 10), order(2, 20), order(3, 20), order(4, 20), order(5, 30))
    pulling = database.pull(table="orders", rows_per_batch=2, **BY_CHANGE)
    first = next(pulling)
    pulling.close()
    assert str(first.values("id")[0]) == "1"
    assert len(first.rows) == 2
    rest, _ = database.ids(first.part.watermark, table="orders", rows_per_batch=2, **BY_CHANGE)
    assert {str(each) for each in rest} == {"2", "3", "4", "5"}


def test_parts_hold_at_most_the_rows_that_the_read_allows_and_each_its_last_watermark(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), *(order(number, number) for number in range(1, 8)))
    parts = list(postgres.pull(table="orders", rows_per_batch=3, **BY_CHANGE))
    assert [each.part.row_count for each in parts] == [3, 3, 1]
    assert [json.loads(each.part.watermark or "")["at"] for each in parts] == [
        "2024-02-01T00:03:00",
        "2024-02-01T00:06:00",
        "2024-02-01T00:07:00",
    ]
    assert postgres.said == ["shop orders: 3 rows", "shop orders: 6 rows", "shop orders: 7 rows"]


@pytest.mark.parametrize("watermark", ["changed_at", None])
def test_lines_of_an_order_are_never_split_over_two_parts(postgres: Database, watermark: str | None) -> None:
    postgres.run(
        "create table lines (order_no text, product text, amount numeric(10,2), changed_at timestamptz)",
        "insert into lines select 'O' || (g % 5), 'P' || g, g, timestamptz '2024-02-01 00:00+00' "
        "+ interval '1 hour' * (g % 2) * 0 from generate_series(0, 24) g",
    )
    columns = {"order_id": "order_no", "product_id": "product", "line_amount": "amount"}
    parts = list(
        postgres.pull(
            entity="order_lines", query="select * from lines", watermark=watermark, columns=columns, rows_per_batch=7
        )
    )
    orders = [set(each.values("order_no")) for each in parts]
    assert [each.part.row_count for each in parts] == [10, 10, 5], "seven lines end within the second order"
    assert orders == [{"O0", "O1"}, {"O2", "O3"}, {"O4"}]


def test_lines_without_numbers_come_in_the_same_order_at_every_pull(database: Database) -> None:
    lines = [f"('A', 'P{number}', 1.5)" for number in range(9)]
    columns = {"order_id": "order_no", "product_id": "product", "line_amount": "amount"}
    seen = []
    for ordered in (lines, lines[::-1]):
        database.run(
            "drop table if exists lines",
            "create table lines (order_no text, product text, amount numeric(10,2))",
            f"insert into lines values {', '.join(ordered)}",
        )
        [part] = database.pull(entity="order_lines", table="lines", columns=columns)
        seen.append(part.values("product"))
    assert seen[0] == seen[1]


def test_lines_that_carry_times_of_their_own_are_refused_because_a_changed_one_would_come_alone(
    database: Database,
) -> None:
    database.run(
        "create table lines (order_no text, amount numeric(10,2), changed_at timestamp)",
        "insert into lines values ('A', 5, '2024-02-01 00:00:00'), ('A', 6, '2024-02-02 00:00:00')",
    )
    columns = {"order_id": "order_no", "line_amount": "amount"}
    with pytest.raises(SourceError, match="lines of one order differ in changed_at"):
        list(database.pull(entity="order_lines", query="select * from lines", watermark="changed_at", columns=columns))


def test_without_a_watermark_every_pull_reads_all_rows_and_then_all_keys(database: Database) -> None:
    database.run(order(1, 10), order(2, 20), order(3, 30))
    parts = list(database.pull(table="orders", rows_per_batch=2))
    assert [(each.part.holding, each.part.row_count, each.part.watermark) for each in parts] == [
        (Holding.RECORDS, 2, None),
        (Holding.RECORDS, 1, None),
        (Holding.ALL_KEYS, 3, None),
    ]
    assert sorted(str(each) for each in parts[-1].values("id")) == ["1", "2", "3"]
    assert parts[-1].values("deleted_at") == [None] * 3
    off = list(database.pull(table="orders", find_deleted=False))
    assert [each.part.holding for each in off] == [Holding.RECORDS]


def test_an_empty_table_gives_an_empty_list_of_keys(database: Database) -> None:
    [keys] = database.pull(table="orders")
    assert (keys.part.holding, keys.part.row_count, keys.rows) == (Holding.ALL_KEYS, 0, [])


def test_keys_are_compared_when_the_days_have_gone_by_and_not_before(database: Database) -> None:
    database.run(order(1, 10), order(2, 20))
    asked = {"table": "orders", "compare_keys_days": 7, **BY_CHANGE}

    def holdings(since: str | None, now: datetime) -> tuple[list[Holding], str | None]:
        parts = list(database.pull(since, now=now, **asked))
        return [each.part.holding for each in parts], parts[-1].part.watermark

    first, watermark = holdings(None, NOW)
    assert first == [Holding.RECORDS, Holding.ALL_KEYS]
    early, watermark = holdings(watermark, NOW + timedelta(days=7, seconds=-1))
    assert early == [Holding.RECORDS]
    due, watermark = holdings(watermark, NOW + timedelta(days=7))
    assert due == [Holding.RECORDS, Holding.ALL_KEYS]
    again, _ = holdings(watermark, NOW + timedelta(days=8))
    assert again == [Holding.RECORDS]


def test_a_comparison_that_a_kill_prevented_is_due_at_the_next_pull(database: Database) -> None:
    database.run(order(1, 10))
    pulling = database.pull(table="orders", compare_keys_days=7, **BY_CHANGE)
    first = next(pulling)
    pulling.close()
    rest = list(database.pull(first.part.watermark, table="orders", compare_keys_days=7, **BY_CHANGE))
    assert [each.part.holding for each in rest] == [Holding.RECORDS, Holding.ALL_KEYS]


def test_a_row_dated_ahead_of_the_clock_does_not_hide_what_follows(database: Database) -> None:
    database.run(order(1, 10), order(2, 20).replace("2024-02-01", "2099-02-01"))
    _, watermark = database.ids(table="orders", **BY_CHANGE)
    later = NOW + timedelta(days=2)
    database.run(f"insert into orders values (3, 'B', '2024-03-03', 5, '{later:%Y-%m-%d %H:%M:%S}')")
    found, _ = database.ids(watermark, now=later, table="orders", **BY_CHANGE)
    assert [str(each) for each in found] == ["3", "2"]


def test_a_row_of_this_hour_in_the_earliest_zone_is_not_dated_ahead(database: Database) -> None:
    first, last = (f"{NOW + timedelta(hours=hours):%Y-%m-%d %H:%M}:00" for hours in (12, 14))
    database.run(order(1, 1).replace("2024-02-01 00:01:00", first), order(2, 1).replace("2024-02-01 00:01:00", last))
    _, watermark = database.ids(table="orders", **BY_CHANGE)
    found, _ = database.ids(watermark, table="orders", **BY_CHANGE)
    assert [str(each) for each in found] == ["2"]


def test_rows_without_a_watermark_stop_the_pull_with_the_cure(database: Database) -> None:
    database.run(order(1, 10), "insert into orders values (2, 'B', '2024-02-01', 5, null)")
    with pytest.raises(SourceError, match=r"some rows have no changed_at.*coalesce\(changed_at, created_at\)"):
        list(database.pull(table="orders", **BY_CHANGE))
    mended = "select id, buyer, placed_at, total, coalesce(changed_at, placed_at) as changed_at from orders"
    assert len(database.ids(query=mended, **BY_CHANGE)[0]) == 2


@pytest.mark.parametrize(
    ("kind", "odd"),
    [("timestamp", "infinity"), ("timestamptz", "-infinity"), ("date", "infinity"), ("numeric", "NaN")],
)
def test_a_watermark_that_is_no_point_in_time_stops_the_pull(postgres: Database, kind: str, odd: str) -> None:
    postgres.run(
        CREATE.format(orders="orders"),
        f"alter table orders add column mark {kind}",
        order(1, 1).replace(")", f", '{odd}')"),
    )
    with pytest.raises(SourceError, match="some rows have no mark"):
        list(postgres.pull(table="orders", watermark="mark"))


def test_rising_numbers_and_dates_are_watermarks_too(database: Database) -> None:
    database.run(order(1, 10), order(2, 20), order(3, 30))
    _, watermark = database.ids(table="orders", watermark="id")
    assert json.loads(watermark or "")["at"] == "3"
    assert [str(each) for each in database.ids(watermark, table="orders", watermark="id")[0]] == ["3"]
    if database.url.startswith("postgresql"):
        by_day = "select *, changed_at::date as changed_on from orders"
        _, watermark = database.ids(query=by_day, watermark="changed_on")
        assert json.loads(watermark or "")["at"] == "2024-02-01"
        database.run(order(4, 40).replace("2024-02-01", "2024-02-02"))
        found, watermark = database.ids(watermark, query=by_day, watermark="changed_on")
        assert found == [1, 2, 3, 4]
        assert database.ids(watermark, query=by_day, watermark="changed_on", overlap_minutes=0)[0] == [4]


def test_numbers_beyond_sixteen_digits_are_watermarks_to_the_last_digit(postgres: Database) -> None:
    postgres.run(
        "create table orders (id text, buyer text, placed_at date, total int, version numeric)",
        "insert into orders select 'O' || g, 'B', '2024-02-01', 1, 90071992547409930000 + g "
        "from generate_series(1, 4) as g",
    )
    _, watermark = postgres.ids(table="orders", watermark="version")
    assert json.loads(watermark or "")["at"] == "90071992547409930004"
    assert postgres.ids(watermark, table="orders", watermark="version")[0] == ["O4"]


def test_text_is_no_watermark(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), order(1, 1))
    with pytest.raises(SourceError, match="buyer is of type text; a watermark is"):
        list(postgres.pull(table="orders", watermark="buyer"))


def test_values_arrive_exact_and_readable(postgres: Database) -> None:
    postgres.run(
        """
        create table odd (
            id uuid, buyer char(6), placed_at timestamptz, total numeric, noted jsonb, tags text[], raw bytea,
            share double precision, small real, is_paid boolean, price money, ended_at timestamp, wide bigint
        )
        """,
        """
        insert into odd values
        ('0f8fad5b-d9cb-469f-a165-70867728950e', 'B1', '2024-07-01 09:00:00.123456+08', 12345678901234567890.123456789,
         '{"a": [1]}', '{x,"y z"}', 'abc', 0.1, 19.99, true, '1204.5', 'infinity', 9223372036854775807),
        (null, null, null, 'NaN', null, null, null, 'NaN', 1e-7, false, null, null, null)
        """,
    )
    names = (
        *("id", "buyer", "placed_at", "total", "noted", "tags", "raw", "share", "small", "is_paid", "price"),
        *("ended_at", "wide"),
    )
    columns = {
        **ORDER_COLUMNS,
        "channel": ["noted"],
        "region": ["tags", "raw"],
        "discount_amount": {"sum_of": ["share", "small"]},
        "cost_amount": "price",
        "refunded_at": "ended_at",
        "refund_amount": "wide",
        "status": "is_paid",
    }
    [part, _] = postgres.pull(table="odd", columns=columns)
    first, second = part.rows
    assert set(first) == set(names)
    assert first == {
        "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "buyer": "B1",
        "placed_at": datetime(2024, 7, 1, 1, 0, 0, 123456, tzinfo=UTC),
        "total": "12345678901234567890.123456789",
        "noted": '{"a": [1]}',
        "tags": '{x,"y z"}',
        "raw": "616263",
        "share": "0.1",
        "small": "19.99",
        "is_paid": True,
        "price": "1204.50",
        "ended_at": None,
        "wide": 9223372036854775807,
    }
    assert (second["total"], second["share"], second["small"]) == ("NaN", "NaN", "0.0000001")


def test_sqlite_values_arrive_as_the_text_that_a_csv_file_would_hold(sqlite: Database) -> None:
    sqlite.run(
        "create table orders (id, buyer, placed_at, total)",
        "insert into orders values (7, x'6162', '2024-02-01 10:00', 0.1), ('007', null, null, 1e16), "
        "(7.0, '', 1, 9e999)",
    )
    part = next(iter(sqlite.pull(table="orders")))
    assert part.rows == [
        {"id": "7", "buyer": "6162", "placed_at": "2024-02-01 10:00", "total": "0.1"},
        {"id": "007", "buyer": None, "placed_at": None, "total": "10000000000000000"},
        {"id": "7", "buyer": "", "placed_at": "1", "total": "Infinity"},
    ]


def test_times_days_and_durations_of_a_driver_arrive_as_a_csv_file_would_hold_them(sqlite: Database) -> None:
    # MySQL's driver gives such values; SQLite's makes them of columns of types that it is told of.
    zone = timezone(timedelta(hours=8))
    sqlite3.register_converter("moment", lambda text: datetime.fromisoformat(text.decode()))
    sqlite3.register_converter("zoned", lambda text: datetime.fromisoformat(text.decode()).replace(tzinfo=zone))
    sqlite3.register_converter("day", lambda text: date.fromisoformat(text.decode()))
    sqlite3.register_converter("span", lambda text: timedelta(minutes=int(text)))
    sqlite.run(
        "create table orders (id day, buyer moment, placed_at zoned, total span)",
        "insert into orders values ('2024-02-01', '2024-02-01 10:00', '2024-02-01 10:00', 90)",
    )
    typed = replace(sqlite, url=f"{sqlite.url}?detect_types={sqlite3.PARSE_DECLTYPES}")
    assert next(iter(typed.pull(table="orders"))).rows == [
        {
            "id": "2024-02-01",
            "buyer": "2024-02-01 10:00:00",
            "placed_at": "2024-02-01 10:00:00+08:00",
            "total": "1:30:00",
        }
    ]


def test_only_columns_that_the_mapping_reads_are_asked_for(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), "alter table orders add column card_number text", order(1, 1))
    part = next(iter(postgres.pull(table="orders", **BY_CHANGE)))
    assert set(part.rows[0]) == {"id", "buyer", "placed_at", "total"}, "and the watermark is no column of the record"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"columns": {**ORDER_COLUMNS, "gross_amount": "totl"}},
            "columns.gross_amount: no column 'totl'; did you mean",
        ),
        ({"where": {"stat": {"equals": "x"}}}, "where: no column 'stat'"),
        ({"watermark": "changed"}, "watermark: no column 'changed'; did you mean 'changed_at'?"),
    ],
)
def test_a_missing_column_is_named_with_its_place_and_the_closest_there_is(
    database: Database, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        list(database.pull(table="orders", **changed))
    assert said in str(caught.value)
    assert str(caught.value).startswith("source shop, orders")


def test_the_first_of_several_names_that_the_table_has_is_read_and_is_the_key(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), order(1, 1))
    records, keys = postgres.pull(table="orders", columns={**ORDER_COLUMNS, "order_id": ["order_no", "id"]})
    assert records.values("id") == [1]
    assert keys.values("id") == [1]


def test_a_query_may_end_in_a_comment_or_semicolon_and_hold_colons_and_percents(database: Database) -> None:
    database.run(order(1, 10), order(2, 20))
    query = "select *, '12:30' as clock from orders where buyer like 'B%' and buyer <> 'a:b'; -- all: of them"
    assert len(database.ids(query=query.replace(";", ""))[0]) == 2
    assert len(database.ids(query="select * from orders where buyer like '%1' ;")[0]) == 1


def test_a_table_name_is_quoted_by_its_parts_and_can_do_nothing_else(postgres: Database) -> None:
    postgres.run(
        'create schema if not exists "Odd Shop"', 'drop table if exists "Odd Shop"."Or""ders"',
        CREATE.format(orders='"Odd Shop"."Or""ders"'),
    )  # fmt: skip
    assert postgres.ids(table='Odd Shop.Or"ders')[0] == []
    postgres.run(CREATE.format(orders="orders"), order(1, 1))
    with pytest.raises(SourceError, match="does not exist"):
        list(postgres.pull(table="orders; drop table orders"))
    assert postgres.run("select count(*) from orders") == [(1,)]


def test_nothing_can_be_written_through_a_query(database: Database) -> None:
    database.run(order(1, 10))
    if database.url.startswith("postgresql"):
        database.run(
            "create function wipe() returns int language sql as 'delete from orders; select 1'",
        )
        with pytest.raises(SourceError, match="could not give the rows"):
            list(database.pull(query="select *, wipe() as w from orders"))
    else:
        with pytest.raises(SourceError, match="SQLite refuses the query"):
            list(database.pull(query="delete from orders"))
    assert database.run("select count(*) from orders") == [(1,)]


def test_a_pull_sees_one_state_of_the_data_from_its_first_part_to_its_keys(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), *(order(number, number) for number in range(1, 5)))
    pulling = postgres.pull(table="orders", rows_per_batch=2, compare_keys_days=1, **BY_CHANGE)
    parts = [next(pulling)]
    postgres.run("delete from orders where id = 4", order(9, 50))
    parts += list(pulling)
    assert [each.values("id") for each in parts] == [[1, 2], [3, 4], [1, 2, 3, 4]]


def test_a_check_reads_a_few_records_and_nothing_else(database: Database) -> None:
    database.run(*(order(number, number) for number in range(1, 8)))
    [only] = database.pull(table="orders", limit=3, compare_keys_days=1, **BY_CHANGE)
    assert (only.part.row_count, only.part.holding) == (3, Holding.RECORDS)
    with pytest.raises(SourceError, match=r"source shop, orders .*(can be no watermark|a watermark is)"):
        list(database.pull(table="orders", limit=3, watermark="buyer"))


SECRETS = ("geheim", "s%20ecret", "127.0.0.1", "db.example.invalid", "reader", "shopdb")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:geheim@127.0.0.1:1/shopdb",
        "postgresql://reader:geheim@db.example.invalid/shopdb",
        "mysql+pymysql://reader:geheim@127.0.0.1:1/shopdb",
    ],
)
def test_a_database_that_cannot_be_reached_is_tried_again_and_told_of_without_its_address(
    tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    with stamina.set_testing(False), pytest.raises(SourceUnavailable, match="does not answer") as caught:
        list(Database(url, tmp_path).pull(table="orders"))
    told = f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert "STRATA_SHOP_URL" in told
    assert not [secret for secret in SECRETS if secret in told]


def test_a_connection_is_tried_as_often_as_the_settings_say(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tries: list[float] = []

        def hang_up() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                tries.append(time.monotonic())
                caller.close()

        threading.Thread(target=hang_up, daemon=True).start()
        url = f"postgresql://reader:geheim@127.0.0.1:{listening.getsockname()[1]}/shopdb?sslmode=disable"
        with stamina.set_testing(False), pytest.raises(SourceUnavailable):
            list(Database(url, tmp_path).pull(table="orders", of_source={"attempts": 3}))
        assert len(tries) == 3


def test_a_refused_user_is_not_tried_again(postgres_server: str, tmp_path: Path) -> None:
    url = postgres_server.replace("postgres:@", "reader:geheim@")
    with pytest.raises(SourceError, match="refuses the connection") as caught:
        list(Database(url, tmp_path).pull(table="orders"))
    assert not isinstance(caught.value, SourceUnavailable)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("geheim", "is no database address"),
        ("mysql://reader:geheim@127.0.0.1/shopdb", r"driver MySQLdb is not installed; write mysql\+pymysql://"),
        ("oracle+cx_oracle://reader:geheim@127.0.0.1/shopdb", "cx_Oracle is not installed; install cx_Oracle"),
        ("nosuch://reader:geheim@127.0.0.1/shopdb", "no database driver knows"),
        ("sqlite:////nowhere/geheim.db", "there is no SQLite file"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        list(Database(url, tmp_path).pull(table="orders"))
    assert not [secret for secret in SECRETS if secret in str(caught.value)]


def test_a_fault_of_the_data_is_told_without_the_value(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), order(1, 1))
    query = "select *, (case when id = 1 then 'Anna Schmidt' end)::int as number from orders"
    with pytest.raises(SourceError) as caught:
        list(postgres.pull(query=query, columns={**ORDER_COLUMNS, "channel": "number"}))
    assert "could not give the rows" in str(caught.value)
    assert "Anna" not in str(caught.value)


def test_a_read_that_takes_too_long_is_ended_and_names_the_setting(postgres: Database) -> None:
    postgres.run(CREATE.format(orders="orders"), order(1, 1))
    slow = "select *, pg_sleep(30) as slept from orders"
    with pytest.raises(SourceError, match="longer than statement_timeout_seconds"):
        list(
            postgres.pull(
                query=slow,
                columns={**ORDER_COLUMNS, "channel": "slept"},
                of_source={"statement_timeout_seconds": 1},
            )
        )


def test_a_connection_that_breaks_while_rows_come_is_unavailable_and_what_came_before_stands(
    postgres: Database,
) -> None:
    postgres.run(
        CREATE.format(orders="orders"),
        "insert into orders select g, repeat('B', 200), '2024-02-01', 1, timestamp '2024-02-01' "
        "+ interval '1 second' * g from generate_series(1, 150000) g",
    )
    pulling = postgres.pull(table="orders", rows_per_batch=5000, **BY_CHANGE)
    first = next(pulling)
    postgres.run(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid() and query ~ '^COPY'"
    )
    with pytest.raises(SourceUnavailable, match="goes on where this one ended"):
        list(pulling)
    rest, _ = postgres.ids(first.part.watermark, table="orders", rows_per_batch=100000, **BY_CHANGE)
    assert len(rest) == 150_000 - 5000 + 1


def test_mysql_is_asked_in_its_own_words() -> None:
    selection = Selection(
        ("id", "select"), "changed_at", Rising.TIME, datetime.fromisoformat("2024-02-01"), together="order", limit=3
    )
    statement = selecting("(select * from orders where buyer like 'B%' and at <> '1:2'\n) pulled", selection)
    written = str(statement.compile(dialect=pymysql.dialect()))
    assert " ".join(written.split()) == (
        "SELECT `id`, `select`, `changed_at` AS `strata: watermark`, `order` AS `strata: together` "
        "FROM (select * from orders where buyer like 'B%%' and at <> '1:2' ) pulled "
        "WHERE `changed_at` >= %s ORDER BY `changed_at`, `order` LIMIT %s"
    )


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ({"compare_keys_days": 7}, "without a watermark every pull reads all rows"),
        (
            {
                "entity": "consents",
                "watermark": "changed_at",
                "compare_keys_days": 7,
                "columns": {"customer_ref": "a", "channel": "b", "occurred_at": "c", "is_granted": "d"},
            },
            "keys can be compared where one column is the key; consents have customer_ref, channel, occurred_at",
        ),
        ({"query": "select 1"}, "exactly one of table and query"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(read: dict[str, Any], said: str) -> None:
    given = {"entity": "orders", "table": "orders", "columns": ORDER_COLUMNS, **read}
    with pytest.raises(ValidationError, match=said):
        DatabaseSource.model_validate({"name": "shop", "kind": "database", "reads": [given]})


def test_an_entity_whose_key_has_several_columns_is_pulled_without_a_comparison(database: Database) -> None:
    database.run(
        "create table rates (code text, day date, rate numeric(10,4))",
        "insert into rates values ('EUR', '2024-02-01', 1.5)",
    )
    columns = {"currency": "code", "date": "day", "rate": "rate"}
    [only] = database.pull(entity="exchange_rates", table="rates", columns=columns)
    assert only.part.holding is Holding.RECORDS
    assert only.rows in (
        [{"code": "EUR", "day": date(2024, 2, 1), "rate": "1.5000"}],
        [{"code": "EUR", "day": "2024-02-01", "rate": "1.5"}],
    )


MEMORY = """
import resource, sys, tempfile
from pathlib import Path
import pyarrow as pa
sys.path.insert(0, sys.argv[2])
from database_shop import Database
database = Database(sys.argv[1], Path(tempfile.mkdtemp()))
list(database.pull(table="orders", limit=1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asked = dict(table="orders", watermark="changed_at", rows_per_batch=100_000)
rows = sum(part.row_count for part in database.parts(**asked))
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
print(rows, pa.default_memory_pool().max_memory() // 2**20, grown)
"""
MANY = {
    "postgres": (
        "insert into orders select g, repeat('x', 200) || g, '2024-02-01', 1.5, "
        "timestamp '2024-02-01' + interval '1 second' * g from generate_series(1, 500000) g"
    ),
    "sqlite": (
        "insert into orders with recursive n(g) as (select 1 union all select g + 1 from n where g < 200000) "
        "select g, printf('%.200c', 'x') || g, '2024-02-01', 1.5, datetime('2024-02-01', g || ' seconds') from n"
    ),
}


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_many_rows_are_read_in_the_memory_of_a_few_batches(kind: str, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(kind)
    database.run(CREATE.format(orders="orders"), MANY[kind])
    command = [sys.executable, "-W", "ignore", "-c", MEMORY, database.url, str(Path(__file__).parents[1])]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    rows, arrow_mib, grown_mib = map(int, child.stdout.split())
    # Half a million rows are some 120 MiB of Arrow; 200,000 are as much as Python's own objects. A batch is 4 MiB.
    assert rows == (500_000 if kind == "postgres" else 200_000)
    assert arrow_mib < 40
    assert grown_mib < 90
