"""What a first look makes of files: each guess by its evidence, each doubt where the evidence is not enough."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from examples import tried_with
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from dagster_project.errors import SettingsError, StrataError
from dagster_project.first_look.document import document, scalar
from dagster_project.first_look.guesses import GuessedRead
from dagster_project.first_look.looking import FirstLook, look_first
from dagster_project.first_look.names import NAMES, alike, meaning
from dagster_project.first_look.placing import Placed
from dagster_project.first_look.preview import preview
from dagster_project.first_look.reading import header_row
from dagster_project.first_look.telling import tell
from dagster_project.landing import inspect_reads, land, left_out, strangers
from dagster_project.settings import Paths, load_settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.sources import DatabaseSource, FileRead, SourcesSettings
from dagster_project.settings.yaml_documents import load_model
from dagster_project.sources.files import SourceFile
from dagster_project.sources.first_rows import HEAD_BYTES, head_text

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
Table = Mapping[str, Sequence[object]]
Look = Callable[..., FirstLook]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Write tables as CSV and look at them; columns that are not given get plain order columns beside them."""

    def looked(*names: str, time_zone: str | None = None, currency: str | None = None, **tables: Table) -> FirstLook:
        for name, table in tables.items():
            (tmp_path / f"{name}.csv").write_text(as_csv(table), encoding="utf-8")
        paths = [str(tmp_path / name) for name in (*names, *(f"{name}.csv" for name in tables))]
        found = look_first(paths, paths=paths_of(tmp_path), now=NOW, time_zone=time_zone, currency=currency)
        (tmp_path / "sources.yaml").write_text(document(found), encoding="utf-8")
        return found

    return looked


def paths_of(folder: Path) -> Paths:
    return Paths(root=PROJECT_ROOT, config=folder, data=folder / "data")


def as_csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def orders(rows: int = 24, **columns: Sequence[object]) -> dict[str, Sequence[object]]:
    """Plain orders, a day apart, of seven customers; columns by header replace or join them."""
    first = date(2025, 1, 1)
    plain: dict[str, Sequence[object]] = {
        "Order ID": [f"A{number:04d}" for number in range(rows)],
        "Customer ID": [f"C{number % 7}" for number in range(rows)],
        "Order Date": [f"{first + timedelta(days=number)}" for number in range(rows)],
        "Total": [f"{number + 10}.50" for number in range(rows)],
        "Status": ["Paid"] * rows,
    }
    return plain | columns


def written(folder: Path) -> SourcesSettings:
    return load_model(folder / "sources.yaml", SourcesSettings)


@pytest.mark.parametrize(
    ("days", "form", "day_first", "is_doubtful"),
    [
        (["13/02/2025", "01/03/2025"], "%d/%m/%Y", True, False),
        (["02/13/2025", "01/03/2025"], "%m/%d/%Y", False, False),
        (["03.04.2025", "05.06.2025"], "%d.%m.%Y", True, True),
        (["3/4/2025 9:05", "12/4/2025 10:00"], "%d/%m/%Y %H:%M", True, True),
        # With the day first, one order would lie half a year ahead.
        (["06/12/2026", "05/11/2026"], "%m/%d/%Y", False, False),
    ],
)
def test_day_or_month_first_is_told_by_the_values_or_doubted(
    look: Look, days: list[str], form: str, day_first: bool, is_doubtful: bool
) -> None:
    found = look(orders=orders(24, **{"Order Date": days * 12}))
    [read] = found.reads
    ordered_at = read.column("ordered_at")
    times = read.looked.column("Order Date").times
    assert ordered_at is not None
    assert times is not None
    assert times.order is not None
    assert (ordered_at.formats, times.order.day_first) == ((form,), day_first)
    assert bool(ordered_at.doubts) == is_doubtful
    assert ("can be read with the day or the month first" in document(found)) == is_doubtful


def test_rows_in_order_of_time_settle_which_number_is_the_day(look: Look) -> None:
    days = [f"{month:02d}/{day:02d}/2025" for month in range(1, 6) for day in range(1, 13)]
    [read] = look(orders=orders(60, **{"Order Date": days})).reads
    column = read.column("ordered_at")
    assert column is not None
    assert column.formats == ("%m/%d/%Y",)
    assert "the rows are in order of time only that way, so the month comes first" in column.told
    assert not column.doubts


def test_dollars_settle_what_no_value_does_and_leave_a_doubt(look: Look) -> None:
    totals = [f"${number}.00" for number in range(10, 34)]
    found = look(orders=orders(24, **{"Order Date": ["03/04/2025", "05/06/2025"] * 12, "Total": totals}))
    column = found.reads[0].column("ordered_at")
    assert column is not None
    assert column.formats == ("%m/%d/%Y",)
    assert "the month first as is usual" in column.doubts[0]


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["2025/1/5 8:03", "2025/11/15 18:30"], ()),
        (["2025年1月5日", "2025年11月15日"], ("%Y年%m月%d日",)),
        (["20250105", "20251115"], ("%Y%m%d",)),
        (["45662", "45976.5"], ("excel",)),
        (["1736064180000", "1763202600000"], ("epoch_ms",)),
        (["Jan 5, 2025 6:55 PM", "Nov 15, 2025 7:05 AM"], ("%b %d, %Y %I:%M %p",)),
        (["14-10-2025", "14-10-2025", "1/23/2025"], ("%d-%m-%Y", "%m/%d/%Y")),
    ],
)
def test_times_are_told_by_trying_their_formats(look: Look, values: list[str], formats: tuple[str, ...]) -> None:
    column = look(orders=orders(24, **{"Order Date": (values * 12)[:24]})).reads[0].column("ordered_at")
    assert column is not None
    assert column.formats == formats
    assert not column.doubts


def test_what_is_written_reads_every_row_as_the_profiles_saw_it(look: Look, tmp_path: Path) -> None:
    table = orders(40, **{"Order Date": [f"{day % 28 + 1}.{day % 12 + 1}.2025 18:05" for day in range(40)]})
    table["Total"] = [f"{number},5" for number in range(40)]
    look(orders=table, currency="EUR", time_zone="Europe/Berlin")
    for name in ("standards.yaml", "publishing.yaml"):
        (tmp_path / name).write_bytes((PROJECT_ROOT / "config" / name).read_bytes())
    [read] = inspect_reads(load_settings(tmp_path, tmp_path / "data"), now=NOW)
    assert read.problem is None
    assert read.counts is not None
    assert (read.counts.read, read.counts.rejected) == (40, 0)
    assert read.first_rows[0]["ordered_at"] == "2025-01-01 18:05:00+01"
    assert read.first_rows[1]["gross_amount"] == "1.50"


@pytest.mark.parametrize(
    ("totals", "decimal", "doubt"),
    [
        (["1,234", "2,500"], ".", "1,234 can be read two ways"),
        (["1.234", "2.500"], ",", "1.234 can be read two ways"),
        (["1.234,50", "7,25"], None, ""),
        (["1,234.50", "7.25"], None, ""),
        (["12.50", "12,50"], ".", "show both a decimal point and a decimal comma"),
    ],
)
def test_the_decimal_mark_is_stated_only_where_landing_would_not_tell_it(
    look: Look, totals: list[str], decimal: str | None, doubt: str
) -> None:
    [read] = look(orders=orders(24, Total=totals * 12)).reads
    assert read.decimal == decimal
    assert any(doubt in each for each in read.doubts) == bool(doubt)


def test_values_that_are_no_times_are_counted_in_a_doubt(look: Look) -> None:
    values = [*(f"2025-01-{day:02d}" for day in range(1, 24)), "soon"]
    column = look(orders=orders(24, **{"Order Date": values})).reads[0].column("ordered_at")
    assert column is not None
    assert column.doubts == ("4.2% of the values are no such time and go to quarantine",)


@pytest.mark.parametrize(("count", "is_currency"), [(60, True), (61, False)])
def test_a_column_of_more_words_than_there_are_currencies_in_trade_is_none(
    look: Look, count: int, is_currency: bool
) -> None:
    codes = [f"{first}{second}X" for first in "ABCDEFGH" for second in "ABCDEFGH"][:count]
    read = look(orders=orders(count, Currency=codes)).reads[0]
    assert (read.column("currency") is not None) == is_currency


def test_lines_are_told_from_orders_by_their_number(look: Look) -> None:
    lines = orders(24, **{"Order ID": [f"A{number // 3}" for number in range(24)], "SKU": ["a", "b", "c"] * 8})
    [read] = look(sales=lines).reads
    assert (read.entity, read.is_from_lines) == ("order_lines", True)
    assert "24 rows hold 8 different Order ID" in read.told
    one_each = orders(24, SKU=["a", "b", "c"] * 8, **{"Line Number": ["1"] * 24, "Quantity": [2] * 24})
    [read] = look(sales=one_each).reads
    assert read.entity == "orders"
    versions = orders(24, **{"Order ID": [f"A{number // 2}" for number in range(24)]})
    versions["Updated At"] = [f"2025-03-{number + 1:02d} 10:00" for number in range(24)]
    [read] = look(sales=versions).reads
    assert (read.entity, read.told) == ("orders", "versions of orders")


def test_orders_and_their_lines_in_two_files_are_not_counted_twice(look: Look) -> None:
    lines = {
        "Order ID": [f"A{number // 2:04d}" for number in range(24)],
        "SKU": ["a", "b"] * 12,
        "Quantity": [1] * 24,
        "Unit Price": ["2.50"] * 24,
    }
    found = look(order_items=lines, orders=orders())
    assert {(read.entity, read.is_from_lines) for read in found.reads} == {("orders", False), ("order_lines", False)}
    assert not found.missing


def test_lines_of_nobody_and_returns_are_left_out_by_a_rule_that_says_so(look: Look, tmp_path: Path) -> None:
    lines = orders(24, **{"Order ID": [f"A{number // 3}" for number in range(24)], "SKU": ["a", "b", "c"] * 8})
    lines["Quantity"] = [-1, *([2] * 23)]
    lines["Unit Price"] = ["3.00"] * 24
    lines["Customer ID"] = ["", "", *(["C1"] * 22)]
    found = look(sales=lines)
    [read] = written(tmp_path).sources[0].reads
    assert set(read.where) == {"Customer ID", "Quantity"}
    told = [doubt for _, doubt in found.doubts]
    assert "left out: 2 of 24 rows name no customer" in told
    assert "left out: 1 rows are below 0, as returns are; to count them, land them as refunds" in told


@pytest.mark.parametrize(
    ("columns", "gross", "discount", "doubt"),
    [
        (["Total", "Discount", "Amount Paid"], "Total", "Discount", "less Discount; Amount Paid is not read"),
        (["Total", "Amount Paid"], "Amount Paid", None, "Total is not read"),
        (["Amount Paid", "Discount"], "Amount Paid", None, "Discount is not taken off again"),
        (["Total", "Discount"], "Total", "Discount", "revenue is read as Total less Discount"),
    ],
)
def test_revenue_is_what_was_paid(look: Look, columns: list[str], gross: str, discount: str | None, doubt: str) -> None:
    table = orders()
    del table["Total"]
    [read] = look(orders=table | {name: ["5.50"] * 24 for name in columns}).reads
    assert getattr(read.column("gross_amount"), "source", None) == gross
    assert getattr(read.column("discount_amount"), "source", None) == discount
    assert any(doubt in each for each in read.doubts) == bool(doubt)


def test_a_discount_that_is_a_share_is_not_taken_for_an_amount(look: Look) -> None:
    for share in ("0.2", "20%"):
        [read] = look(orders=orders(24, Discount=["0", share] * 12)).reads
        assert read.column("discount_amount") is None
    [read] = look(orders=orders(24, Discount=["0", "0.2"] * 12)).reads
    assert "Discount is not read: it holds shares such as 0.2, no amounts" in read.doubts


def test_rows_without_an_order_s_number_are_left_out_and_told(look: Look, tmp_path: Path) -> None:
    table = orders(24)
    table["Order ID"] = [*list(table["Order ID"])[:23], ""]
    table["Customer ID"] = [*list(table["Customer ID"])[:23], "Total"]
    found = look(orders=table)
    assert set(written(tmp_path).sources[0].reads[0].where) == {"Order ID"}
    assert any("1 of 24 rows have no Order ID" in doubt for _, doubt in found.doubts)


def test_a_refund_of_no_day_is_not_read(look: Look) -> None:
    [read] = look(orders=orders(24, **{"Refund Amount": ["", "5.00"] * 12})).reads
    assert read.column("refund_amount") is None
    assert "nothing says when it was refunded" in read.doubts[0]


def test_statuses_that_are_not_sure_are_left_for_quarantine(look: Look, tmp_path: Path) -> None:
    found = look(orders=orders(24, Status=["Shipped", "已取消", "Betwixt", "shipped"] * 6))
    [read] = written(tmp_path).sources[0].reads
    assert read.columns["status"].values == {"Shipped": "completed", "已取消": "cancelled", "shipped": "completed"}
    assert any("whether Betwixt means completed, cancelled, refunded, pending" in doubt for _, doubt in found.doubts)


def test_statuses_of_which_none_is_understood_must_be_mapped_first(look: Look, tmp_path: Path) -> None:
    found = look(orders=orders(24, Status=["6", "7"] * 12))
    assert [name for _, name in found.missing] == ["status"]
    with pytest.raises(SettingsError, match=r"columns\.status\.values: is empty; write `found in the file: value of"):
        written(tmp_path)


def test_state_is_a_status_or_a_place_by_what_it_holds(look: Look) -> None:
    def read_with(**columns: list[str]) -> GuessedRead:
        table = orders(24, **columns)
        del table["Status"]
        [read] = look(orders=table).reads
        return read

    read = read_with(State=["Shipped", "Cancelled", "Lost in post"] * 8)
    assert read.column("region") is None
    assert getattr(read.column("status"), "values", None) == {"Shipped": "completed", "Cancelled": "cancelled"}
    read = read_with(State=["NY", "MA", "CT"] * 8)
    assert getattr(read.column("region"), "source", None) == "State"
    assert "no column tells a status: every order counts as completed" in read.doubts
    read = read_with(Stand=["Shipped", "Cancelled", "Paid"] * 8)
    assert getattr(read.column("status"), "source", None) == "Stand"
    assert "by its values alone" in read.all_doubts[-1]
    # One word that is known among many others makes no status.
    assert read_with(Stand=["Shipped", "Oak", "Elm"] * 8).column("status") is None


def test_a_customer_told_by_an_address_alone_is_kept_as_a_hash(look: Look, tmp_path: Path) -> None:
    table = orders()
    del table["Customer ID"]
    table["Email"] = [f"somebody{number % 5}@example.com" for number in range(24)]
    found = look(orders=table)
    assert written(tmp_path).sources[0].reads[0].columns["customer_ref"].hash is True
    assert any("nothing else tells the customer; Email does, kept as a hash" in doubt for _, doubt in found.doubts)
    assert "example.com" not in (tmp_path / "sources.yaml").read_text(encoding="utf-8")


def test_customers_meet_their_orders_by_the_column_that_holds_the_same_ids(look: Look, tmp_path: Path) -> None:
    members = {
        "Member No": [f"M{number}" for number in range(7)],
        "Name": [f"Generated {number}" for number in range(7)],
        "Shop Account": [f"C{number}" for number in range(7)],
    }
    look(customers=members, orders=orders())
    sources = written(tmp_path)
    assert [read.entity for read in sources.source("shop").reads] == ["orders"]
    assert sources.source("members").reads[0].links == {"shop": "Shop Account"}
    assert sources.source("members").reads[0].columns["customer_ref"].source_names == ("Member No",)
    members["Member No"] = members.pop("Shop Account")
    look(customers=members, orders=orders())
    assert [source.name for source in written(tmp_path).sources] == ["shop"]
    members["Member No"] = [f"X{number}" for number in range(7)]
    found = look(customers=members, orders=orders())
    assert any("nobody's record would meet their orders" in doubt for _, doubt in found.doubts)


def test_customers_who_stand_on_two_rows_are_told(look: Look) -> None:
    members = {"Member No": [*map(str, range(24)), "3"], "Name": ["Generated"] * 25, "City": ["Lyon"] * 25}
    doubts = [doubt for name, doubt in look(members=members, orders=orders()).doubts if name == "members.csv"]
    assert any("1 row with a Member No that another row has; the newest updated_at counts" in doubt for doubt in doubts)


def test_exports_of_one_kind_become_one_read(look: Look, tmp_path: Path) -> None:
    later = orders(24, Status=["Refunded"] * 24)
    later["Order Date"] = [f"2026-02-{number + 1:02d}" for number in range(24)]
    found = look(orders_2025=orders(24, Status=["Paid"] * 24), orders_2026=later)
    [read] = written(tmp_path).sources[0].reads
    assert read.columns["status"].values == {"Paid": "completed", "Refunded": "refunded"}
    assert len(read.place.split(", ")) == 2
    assert found.business.last_order_on == date(2026, 2, 24)


def test_a_folder_stands_for_its_files(look: Look, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "orders.csv").write_text(as_csv(orders()), encoding="utf-8")
    (tmp_path / "drop" / "notes.pdf").write_bytes(b"%PDF")
    (tmp_path / "empty").mkdir()
    assert [read.entity for read in look("drop").reads] == ["orders"]
    with pytest.raises(StrataError, match="There is no file of a known format"):
        look("empty")
    with pytest.raises(StrataError, match=r"missing\.csv: there is no such file"):
        look("missing.csv")


@pytest.mark.parametrize("packing", ["utf-16", "gb18030", "gz", "zip", "parquet", "large"])
def test_a_file_is_looked_at_however_it_is_packed(look: Look, tmp_path: Path, packing: str) -> None:
    # Large: longer than what is looked at first.
    rows = 20_000 if packing == "large" else 24
    table = {"订单号": [f"A{number:06d}" for number in range(rows)], "备注": ["谢谢惠顾" * 3] * rows}
    table |= {"客户编号": [f"C{number % 7}" for number in range(rows)], "金额": ["10.50"] * rows}
    table |= {"下单日期": [f"2025-01-{number % 28 + 1:02d}" for number in range(rows)]}
    text = as_csv(table)
    name = {"gz": "orders.csv.gz", "zip": "orders.zip", "parquet": "orders.parquet"}.get(packing, "orders.csv")
    if packing == "gz":
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    elif packing == "zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("导出.csv", text)
    elif packing == "parquet":
        pq.write_table(pa.table(table), tmp_path / name)
    else:
        (tmp_path / name).write_text(text, encoding=packing if packing != "large" else "utf-8")
    found = look(name)
    [read] = found.reads
    assert (read.entity, read.looked.rows) == ("orders", rows)
    assert not read.missing
    assert not found.not_read
    assert written(tmp_path).sources[0].reads[0].columns["gross_amount"].source_names == ("金额",)


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_the_encoding_of_a_large_file_is_told_wherever_a_character_is_cut(tmp_path: Path, shift: int) -> None:
    file = SourceFile(tmp_path / "large.csv", "large.csv", "csv")
    lines = f"订单号{'x' * shift}\n" + "谢谢惠顾\n" * (HEAD_BYTES // len("谢谢惠顾\n".encode()) + 1)
    file.path.write_text(lines, encoding="utf-8")
    text, encoding = head_text(file, tmp_path)
    assert encoding == "utf-8"
    assert set(text.splitlines()[1:]) == {"谢谢惠顾"}


def test_ids_that_pandas_kept_as_floats_are_those_of_the_customers(look: Look, tmp_path: Path) -> None:
    table = orders(24, **{"Customer ID": [float(number % 7 + 1) for number in range(23)] + [float("nan")]})
    pq.write_table(pa.table(table), tmp_path / "orders.parquet")
    members = {"Member No": [str(number + 1) for number in range(7)], "Name": ["Generated"] * 7}
    found = look("orders.parquet", customers=members)
    [read] = [read for read in found.reads if read.entity == "orders"]
    assert (read.looked.column("Customer ID").filled, read.looked.column("Customer ID").distinct) == (23, 7)
    assert not any("nobody's record would meet their orders" in doubt for _, doubt in found.doubts)


@pytest.mark.parametrize(
    ("countries", "zone", "money", "code"),
    [
        (["France"] * 13 + ["Spain"] * 11, "Europe/Paris", "EUR", "FR"),
        (["Poland"] * 13 + ["Elsewhere"] * 11, "Europe/Warsaw", "PLN", "PL"),
        # Of no country are more rows than of all others.
        (["Poland"] * 12 + ["Elsewhere"] * 12, "UTC", "USD", None),
    ],
)
def test_the_country_of_most_rows_tells_zone_and_money_and_leaves_a_doubt(
    look: Look, countries: list[str], zone: str, money: str, code: str | None
) -> None:
    business = look(orders=orders(24, Country=countries)).business
    assert (business.time_zone.value, business.currency.value) == (zone, money)
    assert (business.country.value if business.country else None) == code
    assert business.time_zone.is_doubtful
    assert business.currency.is_doubtful


CHINESE = {
    "Order ID": "订单号",
    "Customer ID": "客户编号",
    "Order Date": "下单日期",
    "Total": "金额",
    "Status": "订单状态",
}


@pytest.mark.parametrize(
    ("columns", "is_chinese", "money", "zone"),
    [
        ({"Currency": ["GBP"] * 24}, False, ("GBP", False), ("Europe/London", True)),
        ({"Currency": ["GBP"] * 20 + ["EUR"] * 4}, False, ("GBP", True), ("Europe/London", True)),
        ({"Total": ["€10.50"] * 24}, False, ("EUR", False), ("Europe/Berlin", True)),
        ({"Total": ["HK$10.50"] * 24}, False, ("HKD", False), ("Asia/Hong_Kong", True)),
        # The signs of others too.
        ({"Total": ["$10.50"] * 24}, False, ("USD", True), ("America/New_York", True)),
        ({"Total": ["¥10.50"] * 24}, False, ("CNY", True), ("Asia/Shanghai", True)),
        ({"Total": ["¥10.50"] * 24}, True, ("CNY", False), ("Asia/Shanghai", True)),
        ({}, True, ("CNY", True), ("Asia/Shanghai", True)),
        ({"Total": ["10,50"] * 24}, False, ("EUR", True), ("Europe/Berlin", True)),
        ({}, False, ("USD", True), ("UTC", True)),
        ({"Order Date": ["2025-01-05T08:00:00+08:00"] * 24}, False, ("USD", True), ("Asia/Shanghai", False)),
        ({"Order Date": ["2025-01-05T08:00:00+09:00"] * 24}, False, ("USD", True), ("Asia/Tokyo", True)),
    ],
)
def test_money_and_zone_are_told_by_the_evidence_there_is_and_doubted_where_it_is_weak(
    look: Look, columns: dict[str, list[str]], is_chinese: bool, money: tuple[str, bool], zone: tuple[str, bool]
) -> None:
    table = {CHINESE.get(name, name) if is_chinese else name: values for name, values in orders(24, **columns).items()}
    business = look(orders=table).business
    assert (business.currency.value, business.currency.is_doubtful) == money
    assert (business.time_zone.value, business.time_zone.is_doubtful) == zone


@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.zip"])
def test_a_file_that_is_damaged_within_its_packing_is_refused_by_name(look: Look, tmp_path: Path, name: str) -> None:
    text = as_csv({"order": [str(number * 7919) for number in range(50_000)]}).encode()
    if name.endswith(".gz"):
        packed = bytearray(gzip.compress(text))
    else:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("orders.csv", text)
        packed = bytearray((tmp_path / name).read_bytes())
    packed[60:100] = bytes(40)
    (tmp_path / name).write_bytes(packed)
    with pytest.raises(StrataError, match=rf"{name}.* cannot be unpacked: .*Fetch it again"):
        look(name)


def test_an_export_of_zoho_crm_is_known_by_its_ids(look: Look, tmp_path: Path) -> None:
    contacts = {
        "Record Id": [f"zcrm_{number}" for number in range(8)],
        "Account Name.id": ["zcrm_900", "zcrm_901"] * 4,
        "Account Name": ["Generated A", "Generated B"] * 4,
        "Full Name": [f"Generated {number}" for number in range(8)],
        "Email": [f"generated{number}@example.com" for number in range(8)],
        "Created Time": ["Oct 7, 2025 6:55 PM"] * 8,
    }
    look(Contacts_2026_06_30=contacts)
    source = written(tmp_path).source("zoho")
    assert source.reads[0].columns["customer_ref"].strip_prefix == "zcrm_"
    assert source.reads[0].columns["customer_ref"].source_names == ("Record Id",)


def test_labels_of_fxiaoke_are_known(look: Look, tmp_path: Path) -> None:
    deals = {
        "销售订单编号": [f"2025-{number}" for number in range(8)],
        "客户名称": ["甲公司", "乙公司"] * 4,
        "下单日期": ["2025-01-05", "2025-02-06"] * 4,
        "销售订单金额(元)": ["1200.00", "80.50"] * 4,
        "生命状态": ["正常"] * 8,
        "负责人主属部门": ["销售部"] * 8,
    }
    found = look(销售订单=deals)
    read = written(tmp_path).source("fxiaoke").reads[0]
    assert read.columns["gross_amount"].source_names == ("销售订单金额(元)",)
    assert found.business.time_zone.value == "Asia/Shanghai"
    assert any("客户名称 is a name" in doubt for _, doubt in found.doubts)


def test_json_is_looked_at_by_its_paths(look: Look, tmp_path: Path) -> None:
    records = [
        {"order": {"number": f"A{n}"}, "customer_id": f"C{n % 3}", "order_date": "2025-01-05", "total": n + 0.5}
        for n in range(8)
    ]
    (tmp_path / "orders.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    look("orders.jsonl")
    assert written(tmp_path).sources[0].reads[0].columns["order_id"].source_names == ("order.number",)


DATABASE_TABLES = (
    "create table shop_orders (id varchar(20), customer_id varchar(20), order_date timestamp, total numeric(12, 2), "
    "updated_at timestamp)",
    "create table shop_items (order_id varchar(20), sku varchar(20), quantity integer, unit_price numeric(12, 4))",
    "create table audit (happened varchar(20), detail varchar(20))",
    *(
        f"insert into shop_orders values ('A{n}', 'C{n % 3}', '2025-01-{n + 1:02d} 10:00:00', {n}.50, "
        f"'2025-02-{n + 1:02d} 10:00:00')"
        for n in range(9)
    ),
    *(f"insert into shop_items values ('A{n // 2}', 'S{n % 4}', 2, 1.25)" for n in range(18)),
)


def run_sqlite(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "shop.db") as con:
        for statement in DATABASE_TABLES:
            con.execute(statement)
    return f"sqlite:///{tmp_path / 'shop.db'}"


def run_postgres(address: str) -> str:
    """A database of its own: other tests leave tables on the server that they share."""
    with adbc_driver_postgresql.dbapi.connect(address, autocommit=True) as con, con.cursor() as cursor:
        cursor.execute("drop database if exists firstlook")
        cursor.execute("create database firstlook")
    own = urlsplit(address)._replace(path="/firstlook").geturl()
    with adbc_driver_postgresql.dbapi.connect(own, autocommit=True) as con, con.cursor() as cursor:
        for statement in DATABASE_TABLES:
            cursor.execute(statement)
    return own


def test_a_date_of_lines_is_no_date_of_their_orders_when_these_have_a_table_of_their_own(
    look: Look, tmp_path: Path
) -> None:
    orders = {"id": [f"A{n}" for n in range(9)], "buyer": [f"C{n % 3}" for n in range(9)]}
    orders |= {"placed_at": [f"2025-01-0{n + 1}" for n in range(9)], "total": ["9.50"] * 9}
    lines = {"order_no": [f"A{n // 2}" for n in range(18)], "product": [f"S{n % 4}" for n in range(18)]}
    lines |= {"amount": ["4.75"] * 18, "touched": [f"2025-02-{n + 1:02d}" for n in range(18)]}
    look(orders=orders, lines=lines)
    by_entity = {read.entity: read for read in written(tmp_path).sources[0].reads}
    assert set(by_entity) == {"orders", "order_lines"}
    assert "ordered_at" not in by_entity["order_lines"].columns


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tables_of_a_database_are_looked_at_and_its_address_is_not_written(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = run_sqlite(tmp_path) if kind == "sqlite" else run_postgres(request.getfixturevalue("postgres_server"))
    found = look_first([url], paths=paths_of(tmp_path), now=NOW)
    text = document(found)
    (tmp_path / "sources.yaml").write_text(text, encoding="utf-8")
    source = written(tmp_path).source("database")
    assert isinstance(source, DatabaseSource)
    by_table = {read.table: read for read in source.reads}
    assert {"shop_orders", "shop_items"} <= set(by_table)
    assert by_table["shop_orders"].watermark == "updated_at"
    assert by_table["shop_orders"].columns["gross_amount"].source_names == ("total",)
    assert (by_table["shop_items"].entity, by_table["shop_items"].orders) == ("order_lines", None)
    assert any(each.name.endswith("audit") for each in found.not_read)
    assert url not in text
    assert found.secrets == {"STRATA_DATABASE_URL": url}
    inspected = preview(paths_of(tmp_path), text, now=NOW, secrets=found.secrets)
    counts = {read.entity: read.counts for read in inspected if "shop_" in read.source_file}
    assert {entity: (each.read, each.rejected) for entity, each in counts.items() if each} == {
        "orders": (9, 0),
        "order_lines": (18, 0),
    }


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StrataError) as refused:
        look_first(["postgresql://me:hush@127.0.0.1:9/shop?sslmode=disable"], paths=paths_of(tmp_path), now=NOW)
    assert "postgresql://127.0.0.1:9/shop" in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_file_on_a_web_server_is_looked_at_by_its_url(look: Look, tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/export/orders.csv").respond_with_data(as_csv(orders()), content_type="text/csv")
    url = httpserver.url_for("/export/orders.csv")
    found = look_first([url], paths=paths_of(tmp_path), now=NOW)
    (tmp_path / "sources.yaml").write_text(document(found), encoding="utf-8")
    [read] = written(tmp_path).sources[0].reads
    assert isinstance(read, FileRead)
    assert (read.entity, read.path) == ("orders", (url,))


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        ([["Orders of June"], [""], ["No", "Customer", "Total"], ["1", "a", "2"]], 3),
        ([["No", "Customer", "Total"], ["1", "a", "2"]], 1),
        ([["exported by", "shop"], ["订单号", "客户", "金额"], ["1", "a", "2"]], 2),
        ([["Email"], ["a@example.com"], ["b@example.com"]], 1),
        ([["1", "2", "3"], ["4", "5", "6"]], None),
        ([["No", "Customer", "Total"]], None),
        ([], None),
    ],
)
def test_the_header_is_found_below_what_stands_above_it(rows: list[list[str]], row: int | None) -> None:
    assert header_row(rows) == row


@pytest.mark.parametrize(
    ("header", "name", "score"),
    [
        ("InvoiceNo", "invoice number", 1.0),
        ("customer-ID", "customer id", 1.0),
        ("ORDER_DATE", "order date", 1.0),
        ("销售订单金额(元)", "销售订单金额", 1.0),
        ("买家实际支付金额", "实际支付金额", 0.75),
        ("Shop order number", "order number", 0.75),
        ("Number of order", "order number", 0.75),
        ("number, order", "order number", 0.75),
        ("custmer id", "customer id", 0.6),
        ("colour", "order date", 0.0),
    ],
)
def test_names_are_compared_by_their_words(header: str, name: str, score: float) -> None:
    assert alike(header, name) == score


def test_no_name_of_a_status_means_two_things() -> None:
    for column, words in (("orders.status", ("paid", "Canceled", "退款成功", "待付款")), ("channel", ("微信", "Call"))):
        assert all(meaning(column, word) for word in words)
    assert meaning("orders.status", "whatever") is None


def test_every_name_stands_for_a_column_of_the_contract() -> None:
    from dagster_project.first_look.matching import contract_column

    for entity, columns in NAMES.items():
        for name in columns:
            assert contract_column(entity, name).name == name


def test_what_the_settings_leave_out_is_told_with_what_follows(look: Look, tmp_path: Path) -> None:
    look(orders=orders())
    for name in ("standards.yaml", "publishing.yaml"):
        (tmp_path / name).write_bytes((PROJECT_ROOT / "config" / name).read_bytes())
    said = left_out(load_settings(tmp_path, tmp_path / "data"))
    assert said[0] == "no customers: nobody has a name, a phone or an e-mail address"
    assert "no consents: the lists of silent customers stay empty, as nobody may be contacted" in said
    assert "no leads and no opportunities: urgency and clarity of need are unknown" in said
    assert not any(sentence.startswith("no orders:") for sentence in said)
    lines = orders(24, **{"Order ID": [f"A{number // 2}" for number in range(24)], "Product": ["tea", "cup"] * 12})
    look(lines=lines)
    assert not any(sentence.startswith("no orders:") for sentence in left_out(load_settings(tmp_path, tmp_path)))
    look(leads={"Lead ID": [f"L{number}" for number in range(9)], "Lead Status": ["Contacted"] * 9})
    said = left_out(load_settings(tmp_path, tmp_path))
    assert said[0] == "no orders: nobody has bought anything, and every customer is a prospect"
    assert not any(sentence.startswith("no leads") for sentence in said)


def test_check_names_the_rows_that_would_be_refused_and_no_personal_value(look: Look, tmp_path: Path) -> None:
    table = orders()
    look(
        orders=table,
        customers={
            "Customer ID": ["C1", "C2"],
            "Name": ["Generated One", "Generated Two"],
            "Since": ["2024-01-01", "2024-02-30"],
        },
    )
    for name in ("standards.yaml", "publishing.yaml"):
        (tmp_path / name).write_bytes((PROJECT_ROOT / "config" / name).read_bytes())
    table["Order Date"] = ["31.02.2025", *list(table["Order Date"])[1:]]
    table["Total"] = ["ten", *list(table["Total"])[1:]]
    sources = (tmp_path / "sources.yaml").read_text(encoding="utf-8")
    rule = "        where: {Name: {not_matches: Two}}\n        columns:\n          customer_ref: Customer ID"
    sources = sources.replace("        columns:\n          customer_ref: Customer ID", rule)
    (tmp_path / "sources.yaml").write_text(sources, encoding="utf-8")
    (tmp_path / "orders.csv").write_text(as_csv(table), encoding="utf-8")
    by_entity = {read.entity: read for read in inspect_reads(load_settings(tmp_path, tmp_path / "data"), now=NOW)}
    assert [(row.row_number, row.columns) for row in by_entity["orders"].examples] == [(1, "Total"), (1, "Order Date")]
    assert "'31.02.2025'" in by_entity["orders"].examples[1].reason
    assert by_entity["customers"].first_rows[0]["name"] == "(personal)"
    [left_out_row] = by_entity["customers"].examples
    assert left_out_row.reason == "excluded by rule: Name not matches Two"
    assert "Generated" not in str(by_entity)


def test_what_landed_of_the_sample_is_not_left_among_the_others_unsaid(look: Look, tmp_path: Path) -> None:
    for name in ("standards.yaml", "publishing.yaml"):
        (tmp_path / name).write_bytes((PROJECT_ROOT / "config" / name).read_bytes())
    look(orders=orders())
    plain = (tmp_path / "sources.yaml").read_text(encoding="utf-8")
    (tmp_path / "sources.yaml").write_text(plain.replace("name: shop", "name: grocery"), encoding="utf-8")
    land(load_settings(tmp_path, tmp_path / "data"), now=NOW)
    found = look(orders=orders())
    assert strangers(load_settings(tmp_path, tmp_path / "data")) == ["grocery"]
    placed = Placed(tmp_path / "sources.yaml", tmp_path / "examples" / "sources-sample.yaml", was_sample=True)
    said = "\n".join(map(str, tell(found, [], placed, paths_of(tmp_path), today=NOW.date())))
    assert f"mv {tmp_path / 'data'} {tmp_path / 'data'}-sample" in said
    assert "it holds what landed from grocery, which would stay among yours" in said


def test_a_time_zone_that_does_not_exist_is_refused(look: Look) -> None:
    with pytest.raises(StrataError, match=r"--time-zone 'Mars/Olympus': 'Mars/Olympus' is no IANA time zone"):
        look(orders=orders(), time_zone="Mars/Olympus")
    with pytest.raises(StrataError, match="--currency 'euro'"):
        look(orders=orders(), currency="euro")


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ["", "1", "2025-01-05", "03/04/2025", "1,234", "€5", "是", "paid", "a@example.com", "-1", '"', "#", ": "]
)
HEADERS = st.sampled_from([name for columns in NAMES.values() for names in columns.values() for name in names]) | TEXTS


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 7))
    row = st.lists(TEXTS, min_size=width, max_size=width)
    return [draw(st.lists(HEADERS, min_size=width, max_size=width)), *draw(st.lists(row, max_size=6))]


@tried_with(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_whatever_a_small_table_holds_what_is_written_loads_or_says_what_is_missing(
    tmp_path: Path, table: list[list[str]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(table)
    (tmp_path / "orders.csv").write_text(text.getvalue(), encoding="utf-8")
    try:
        found = look_first([str(tmp_path / "orders.csv")], paths=paths_of(tmp_path), now=NOW)
    except StrataError:
        return  # nothing of use in it, said in the words of a test above
    (tmp_path / "sources.yaml").write_text(document(found), encoding="utf-8")
    if found.missing:
        with pytest.raises(SettingsError, match=r"names no column|is empty"):
            written(tmp_path)
        return
    headers = {name.strip() for name in table[0]}
    for read in written(tmp_path).sources[0].reads:
        for spec in read.columns.values():
            assert {name.strip() for name in spec.source_names} <= headers


@tried_with(100)
@given(text=st.text(min_size=1, max_size=30))
def test_any_name_survives_being_written_as_yaml(text: str) -> None:
    import yaml

    loaded: Any = yaml.safe_load(f"key: {scalar(text)}")
    assert loaded == {"key": text}
