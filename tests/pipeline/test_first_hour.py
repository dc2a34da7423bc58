"""The first hour: an unknown file, `strata init`, `strata check`, `strata run`, and nothing edited between them."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
from shop_runs import Shop
from typer.testing import CliRunner
from uci_run import LINES

from dagster_project.cli import app
from dagster_project.settings.paths import PROJECT_ROOT

# ruff: noqa: DTZ001  (the files name no zone)
# Eight orders of three customers. What counts: 6 completed, 100.00 + 20.50 + 1250.00 + 9.99 + 30.00 + 60.01.
ORDERS: tuple[tuple[str, str, datetime, str, str], ...] = (
    ("1001", "C-01", datetime(2024, 1, 15, 9, 30), "completed", "100.00"),
    ("1002", "C-02", datetime(2024, 1, 31, 23, 59), "completed", "20.50"),
    ("1003", "C-01", datetime(2024, 2, 29, 12, 0), "completed", "1250.00"),
    ("1004", "C-03", datetime(2024, 3, 3, 8, 5), "cancelled", "75.00"),
    ("1005", "C-02", datetime(2024, 4, 16, 18, 20), "completed", "9.99"),
    ("1006", "C-01", datetime(2024, 5, 9, 10, 0), "pending", "44.00"),
    ("1007", "C-03", datetime(2024, 6, 1, 0, 0), "completed", "30.00"),
    ("1008", "C-01", datetime(2024, 6, 30, 21, 45), "completed", "60.01"),
)
LAST_DAY = date(2024, 6, 30)
CHINESE = {"completed": "交易成功", "cancelled": "交易关闭", "pending": "等待买家付款"}


@pytest.fixture
def fresh(tmp_path: Path) -> Shop:
    """A clone as it is shipped, with the sample's settings and an empty data folder."""
    (tmp_path / "config").mkdir()
    for name in ("sources.yaml", "standards.yaml", "publishing.yaml"):
        shutil.copyfile(PROJECT_ROOT / "config" / name, tmp_path / "config" / name)
    return Shop(tmp_path / "config", tmp_path / "data")


def delimited(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([header, *rows])
    return text.getvalue()


def english(folder: Path) -> Path:
    """Month first, dollars, words for statuses."""
    words = {"completed": "Shipped", "cancelled": "Canceled", "pending": "Awaiting payment"}
    rows = [
        [f"#{no}", who, f"{at:%m/%d/%Y %H:%M}", words[status], f"${amount}"] for no, who, at, status, amount in ORDERS
    ]
    path = folder / "my_orders.csv"
    path.write_text(delimited(["Order No.", "Customer ID", "Order Date", "Status", "Total"], rows), encoding="utf-8")
    return path


def chinese(folder: Path) -> Path:
    """GB18030, ids with leading zeros, unpadded dates, a blank after a header, a phone that is not read."""
    header = ["订单号", "下单时间", "客户编号", "手机号", "实付金额 ", "状态", "退款金额", "退款时间"]
    rows = [
        [f"00{no}", f"{at.year}/{at.month}/{at.day} {at.hour}:{at:%M}", who, "13800138000", f"￥{Decimal(amount):,.2f}",
         CHINESE[status], "", ""]
        for no, who, at, status, amount in ORDERS
    ]  # fmt: skip
    path = folder / "订单导出[2024].csv"
    path.write_text(delimited(header, rows), encoding="gb18030")
    return path


def excel(folder: Path) -> Path:
    """A title above the header, real dates and numbers, and a sheet of remarks behind."""
    path = folder / "订单2024.xlsx"
    with xlsxwriter.Workbook(path) as book:
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet = book.add_worksheet("订单明细")
        sheet.write_row(0, 0, ["2024年上半年订单"])
        sheet.write_row(2, 0, ["订单编号", "会员号", "下单时间", "订单状态", "订单金额"])
        for place, (no, who, at, status, amount) in enumerate(ORDERS, start=3):
            sheet.write_row(place, 0, [f"E{no}", who])
            sheet.write_datetime(place, 2, at, moment)
            sheet.write_row(place, 3, [CHINESE[status], float(amount)])
        book.add_worksheet("说明").write(0, 0, "本表由系统导出")
    return path


def lines(folder: Path) -> Path:
    """Invoice lines as the UCI file has them: each order in two lines, a return, a line without a customer."""
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    rows = []
    for no, who, at, status, amount in ORDERS:
        if status == "completed":
            half = Decimal(amount) / 2
            for code in ("85123A", "71053"):
                moment = f"{at.day}/{at.month}/{at.year} {at:%H:%M}"
                rows.append([f"53{no}", code, "a thing", "1", moment, f"{half:f}", who[2:], "United Kingdom"])
    rows.append(["C536379", "D", "Discount", "-1", "2/3/2024 09:41", "27.50", "01", "United Kingdom"])
    rows.append(["536414", "22139", "", "56", "2/3/2024 11:52", "0", "", "United Kingdom"])
    path = folder / "invoices.csv"
    path.write_text(delimited(header, rows), encoding="utf-8")
    return path


def european(folder: Path) -> Path:
    """Semicolons, decimal commas, thousands points, the day first, nothing that names the money; completed orders."""
    rows = []
    for no, who, at, status, amount in ORDERS:
        if status == "completed":
            written = f"{Decimal(amount):,.2f}".translate(str.maketrans(",.", ".,"))
            rows.append([no, who, f"{at:%d.%m.%Y}", written])
    path = folder / "orders-eu.csv"
    path.write_text(delimited(["Order Number", "Customer Number", "Date", "Amount"], rows, ";"), encoding="utf-8-sig")
    return path


def junk(folder: Path) -> Path:
    """Two lines of the exporting program above, which end otherwise than the records, and tabs."""
    rows = [[no, who, at.isoformat(), amount] for no, who, at, status, amount in ORDERS if status == "completed"]
    text = delimited(["order_id", "customer_id", "created_at", "total"], rows, "\t")
    path = folder / "export.txt"
    path.write_bytes(f"Shop export, page 1 of 1\nmade at 2024-07-01 00:10\n{text}".encode())
    return path


FILES: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "english": (english, 8, "USD"),
    "chinese": (chinese, 8, "CNY"),
    "excel": (excel, 8, "CNY"),
    "lines": (lines, 14, "GBP"),
    "european": (european, 6, "EUR"),
    "junk": (junk, 6, "USD"),
}


def looked_up(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.mark.parametrize("case", sorted(FILES))
def test_an_unknown_file_is_described_and_checked_without_an_edit(
    fresh: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    def strata(*words: str) -> str:
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    monkeypatch.setenv("STRATA_CONFIG", str(fresh.config))
    monkeypatch.setenv("STRATA_DATA", str(fresh.data))
    write, rows, money = FILES[case]
    told = strata("init", str(write(tmp_path)))
    assert "as the contract would have them" in told
    assert "strata check" in told
    business = fresh.settings.sources.business
    assert (business.currency, business.history_starts_on) == (money, date(2024, 1, 15))
    checked = strata("check")
    assert f" {rows} " in checked
    assert "as the contract has them" in checked
    assert "no consents: the lists of silent customers stay empty" in checked


def test_from_an_unknown_orders_file_to_segments(fresh: Shop, tmp_path: Path, parsed_project: Path) -> None:
    fresh.strata("init", str(chinese(tmp_path)))
    fresh.strata("check")
    fresh.spared_the_parse(parsed_project).strata("run", "--as-of", str(LAST_DAY))
    counted = "status = 'completed'"
    assert looked_up(fresh, f"select count(*), sum(revenue) from marts.fct_orders where {counted}") == [
        (6, Decimal("1470.50"))
    ]
    by_customer = looked_up(
        fresh,
        """
        select alias.customer_ref, segments.order_count, segments.revenue, segments.last_order_on
        from marts.customer_segments as segments
        join identity.customer_aliases as alias using (customer_id)
        order by all
        """,
    )
    assert by_customer == [
        ("C-01", 3, Decimal("1410.01"), date(2024, 6, 30)),
        ("C-02", 2, Decimal("30.49"), date(2024, 4, 16)),
        ("C-03", 1, Decimal("30.00"), date(2024, 6, 1)),
    ]
    assert (fresh.data / "published" / "parquet" / f"as_of_date={LAST_DAY}" / "customer_segments.parquet").exists()


def test_the_sample_s_settings_are_kept_and_own_settings_are_not_replaced_unasked(fresh: Shop, tmp_path: Path) -> None:
    shipped = (fresh.config / "sources.yaml").read_bytes()
    file = str(english(tmp_path))
    fresh.strata("init", file)
    assert (fresh.config / "examples" / "sources-sample.yaml").read_bytes() == shipped
    own = (fresh.config / "sources.yaml").read_bytes()
    assert "holds settings of your own" in fresh.strata("init", file, code=1)
    assert (fresh.config / "sources.yaml").read_bytes() == own
    fresh.strata("init", file, "--force", "--currency", "CAD", "--time-zone", "America/Toronto")
    assert (fresh.config / "sources-old.yaml").read_bytes() == own
    assert fresh.settings.sources.business.currency == "CAD"
    elsewhere = tmp_path / "other" / "sources.yaml"
    assert f"STRATA_CONFIG={elsewhere.parent} strata check" in fresh.strata("init", file, "--output", str(elsewhere))
    assert Shop(elsewhere.parent, fresh.data).strata("check")


def test_what_cannot_be_found_is_named_with_its_line_and_nothing_lands(fresh: Shop, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    rows = [[no, f"{at:%Y-%m-%d}", amount] for no, _, at, _, amount in ORDERS]
    path.write_text(delimited(["Order ID", "Order Date", "Total"], rows), encoding="utf-8")
    said = " ".join(fresh.strata("init", str(path), code=1).split())
    text = (fresh.config / "sources.yaml").read_text(encoding="utf-8")
    line = text.splitlines().index("          customer_ref:") + 1
    assert f"sources.yaml:{line}: sources[1].reads[1].columns.customer_ref: names no column." in said
    assert "MISSING: no column looks like customer_ref. Name it here; there are: Order ID, Order Date, Total" in text
    assert f"sources.yaml:{line}: " in fresh.strata("check", code=1)
    nothing = tmp_path / "notes.csv"
    nothing.write_text("colour,mood\nred,good\nblue,bad\n")
    said = " ".join(fresh.strata("init", str(nothing), "--force", code=1).split())
    assert "notes.csv: it is none of the known records; its columns are colour, mood" in said
    assert (fresh.config / "sources.yaml").read_text(encoding="utf-8") == text


@pytest.mark.real_data
def test_a_real_shop_is_understood_without_an_edit(fresh: Shop, real_data: Path) -> None:
    told = " ".join(fresh.strata("init", str(real_data / LINES)).split())
    for doubt in (
        "business.time_zone Europe/London: most rows are of united kingdom",
        "business.currency GBP: most rows are of united kingdom",
        "135,080 of 541,909 rows name no customer",
        "10,624 rows are below 0, as returns are",
        "no column tells a status: every order counts as completed",
    ):
        assert doubt in told
    assert told.count(" ? ") == 5
    [source] = fresh.settings.sources.sources
    [read] = source.reads
    assert {name: spec.source_names for name, spec in read.columns.items()} == {
        "order_id": ("InvoiceNo",),
        "customer_ref": ("CustomerID",),
        "ordered_at": ("InvoiceDate",),
        "product_id": ("StockCode",),
        "quantity": ("Quantity",),
        "unit_price": ("UnitPrice",),
        "region": ("Country",),
    }
    checked = " ".join(fresh.strata("check").replace("│", " ").split())
    # 135,080 lines without a customer and 8,905 more with a quantity below 0 are left out; none is refused.
    assert "541,909 143,985 143,985 ok" in checked
