"""Files of every format, encoding and dialect become the same rows, or an error that says what to do."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from landing_workshop import Workshop

from dagster_project.errors import StrataError
from dagster_project.sources.text_encoding import CHUNK_BYTES, as_utf8

HEADER = ("订单编号", "买家", "付款时间", "实付金额")
NAIVE = datetime(2019, 1, 5, 8, 3)  # noqa: DTZ001  (as a spreadsheet holds it)
RECORDS = (
    ("0012", "王芳", "2019-01-05 08:03:00", "1200.50"),
    ("0013", 'O\'Neil, "Bob"', "2019-01-06 23:59:59", "-3.25"),
    ("0014", "李雷\n二楼", "2019-01-07 00:00:00", "7.00"),
)
EXPECTED = [
    ("0012", "王芳", datetime(2019, 1, 5, 0, 3, tzinfo=UTC), Decimal("1200.50"), 1),
    ("0013", 'O\'Neil, "Bob"', datetime(2019, 1, 6, 15, 59, 59, tzinfo=UTC), Decimal("-3.25"), 2),
    ("0014", "李雷\n二楼", datetime(2019, 1, 6, 16, 0, tzinfo=UTC), Decimal("7.00"), 3),
]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def mapping(path: str, options: str = "") -> str:
    return f"""
  - name: shop
    time_zone: Asia/Shanghai
    reads:
      - entity: opportunities
        path: "inbox/{path}"
        {options}
        columns:
          opportunity_id: 订单编号
          stage: 买家
          created_at: 付款时间
          amount: 实付金额
"""


def landed(workshop: Workshop) -> list[tuple[Any, ...]]:
    return workshop.rows(
        "select opportunity_id, stage, created_at, amount, row_number from opportunities order by row_number"
    )


def delimited(delimiter: str, *, line_end: str = "\r\n", header: tuple[str, ...] = HEADER) -> str:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in f'{delimiter}"\n') else value

    return line_end.join(delimiter.join(map(quoted, line)) for line in (header, *RECORDS)) + line_end


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_encodings_are_told_by_the_bytes(workshop: Workshop, encoding: str) -> None:
    workshop.write("orders.csv", delimited(","), encoding)
    workshop.land(mapping("orders.csv"))
    assert landed(workshop) == EXPECTED


@pytest.mark.parametrize("leading", [(0xA1, 0xA3), (0xB0, 0xD7)], ids=["marks and letters", "characters"])
def test_chinese_is_told_by_any_of_its_everyday_characters(workshop: Workshop, leading: tuple[int, int]) -> None:
    first, last = leading
    codes = [bytes([row, cell]) for row in range(first, last + 1) for cell in range(0xA1, 0xFF)]
    everyday = "".join(code.decode("gb2312", errors="ignore").strip() for code in codes)
    records = "".join(f"{number},{text},2019-01-05 08:03:00,1.00\n" for number, text in enumerate(everyday))
    workshop.write("orders.csv", "订单编号,买家,付款时间,实付金额\n" + records, "gb18030")
    workshop.land(mapping("orders.csv"))
    assert [stage for _, stage, *_ in landed(workshop)] == list(everyday)


@pytest.mark.parametrize(
    ("delimiter", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.csv"), ("|", "a.txt"), ("\t", "a.tsv")]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_told_by_the_records(
    workshop: Workshop, delimiter: str, name: str, line_end: str
) -> None:
    workshop.write(name, delimited(delimiter, line_end=line_end))
    workshop.land(mapping(name))
    assert landed(workshop) == EXPECTED


def test_of_two_delimiters_that_split_all_lines_the_one_that_gives_the_mapped_names_is_meant(
    workshop: Workshop,
) -> None:
    workshop.write("a.csv", "订单编号;买家;付款时间;实付金额,元\n0012;王芳;2019-01-05 08:03:00;1200,50\n")
    workshop.land(mapping("a.csv", 'decimal: ","').replace("amount: 实付金额", 'amount: "实付金额,元"'))
    assert landed(workshop) == EXPECTED[:1]


@pytest.mark.parametrize(("above", "below"), [("\n", "\r\n"), ("\r\n", "\n")])
def test_a_title_that_ends_its_line_otherwise_costs_no_record(workshop: Workshop, above: str, below: str) -> None:
    workshop.write("a.csv", f"订单导出{above}{above}" + delimited(",", line_end=below))
    workshop.land(mapping("a.csv", "header_row: 3"))
    assert landed(workshop) == EXPECTED


def test_blanks_around_headers_do_not_count(workshop: Workshop) -> None:
    workshop.write("a.csv", delimited(",", header=("\ufeff订单编号 ", " 买家\t", "付款时间\u3000", "实付金额 ")))
    workshop.land(mapping("a.csv"))
    assert landed(workshop) == EXPECTED


@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_packed_files_are_unpacked(workshop: Workshop, packing: str) -> None:
    content = delimited(",").encode("gb18030")
    if packing == "gz":
        (workshop.inbox / "a.csv.gz").write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(workshop.inbox / "a.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._b.csv", b"junk")
            archive.writestr("folder/b.csv", content)
    result = workshop.land(mapping(f"a.csv.{packing}"))
    assert landed(workshop) == EXPECTED
    assert result.batches[0].source_file == f"inbox/a.csv.{packing}" + ("!folder/b.csv" if packing == "zip" else "")
    assert not list((workshop.paths.landing / "temporary").iterdir())


def test_parquet_keeps_its_types(workshop: Workshop) -> None:
    columns = {
        "订单编号": pa.array([12.0, 9007199254740993.0, None]),
        "买家": pa.array(["a", "b", "c"]),
        "付款时间": pa.array([NAIVE] * 3, pa.timestamp("ns")),
        "实付金额": pa.array([1200.5, float("nan"), 7.0]),
    }
    pq.write_table(pa.table(columns), workshop.inbox / "a.parquet")
    workshop.land(mapping("a.parquet"))
    assert landed(workshop) == [("12", "a", datetime(2019, 1, 5, 0, 3, tzinfo=UTC), Decimal("1200.50"), 1)]
    reasons = [row[2][0] for row in workshop.quarantine()]
    assert reasons[0].startswith("opportunity_id has lost digits in a spreadsheet: '9.0")
    assert reasons[1] == "opportunity_id is missing"


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_json_is_read_by_dotted_paths(workshop: Workshop, form: str) -> None:
    records = [
        {
            "order": {"no": "0012"},
            "buyers": [{"name": "王芳"}],
            "paid.at": 1546646580000,
            "amount": "1,200.50",
            "x": None,
        },
        {"order": {"no": 20240101000000000001234}, "buyers": [], "paid.at": 1546646580000, "amount": 3},
    ]
    text = (
        json.dumps(records, ensure_ascii=False)
        if form == "json"
        else "\n".join(json.dumps(each) for each in records) + "\n\n"
    )
    workshop.write(f"a.{form}", text)
    workshop.land(f"""
  - name: shop
    reads:
      - entity: opportunities
        path: inbox/a.{form}
        columns:
          opportunity_id: order.no
          stage: buyers.0.name
          created_at: {{from: paid.at, formats: [epoch_ms]}}
          amount: amount
""")
    paid = datetime(2019, 1, 5, 0, 3, tzinfo=UTC)
    assert landed(workshop) == [
        ("0012", "王芳", paid, Decimal("1200.50"), 1),
        ("20240101000000000001234", None, paid, Decimal("3.00"), 2),
    ]


def test_lines_that_are_no_json_object_go_to_quarantine_with_their_text(workshop: Workshop) -> None:
    workshop.write("a.jsonl", '{"id": "1"}\n{"id": "2"\n[3]\n{"id": "4"}\n')
    workshop.land("\n  - {name: shop, reads: [{entity: campaigns, path: inbox/a.jsonl, columns: {campaign_id: id}}]}\n")
    assert workshop.rows("select campaign_id, row_number from campaigns") == [("1", 1), ("4", 4)]
    assert workshop.quarantine() == [
        (2, "invalid", ["the line is no valid JSON"], '{"id": "2"'),
        (3, "invalid", ["the record is no JSON object"], "[3]"),
    ]


def write_excel(path: Path, rows: list[list[Any]], sheet: str = "Sheet1") -> None:
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet("说明") if sheet != "Sheet1" else None
        worksheet = workbook.add_worksheet(sheet)
        dates = workbook.add_format({"num_format": "yyyy/m/d h:mm"})
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    worksheet.write_datetime(at, column, cell, dates)
                else:
                    worksheet.write(at, column, cell)


def test_excel_gives_iso_dates_and_whole_numbers(workshop: Workshop) -> None:
    rows: list[list[Any]] = [
        ["订单报表"],
        ["订单编号 ", "买家", "付款时间", "实付金额"],
        ["0012", "王芳", NAIVE, 1200.5],
        [],
        [13, "李雷", "2019-01-06 23:59:59", "￥1,200"],
        [621234567890123456.0, "韩梅梅", NAIVE, 7],
    ]
    write_excel(workshop.inbox / "a.xlsx", rows, "订单")
    workshop.land(mapping("a.xlsx", "sheet: 订单\n        header_row: 2"))
    assert landed(workshop) == [
        ("0012", "王芳", datetime(2019, 1, 5, 0, 3, tzinfo=UTC), Decimal("1200.50"), 1),
        ("13", "李雷", datetime(2019, 1, 6, 15, 59, 59, tzinfo=UTC), Decimal("1200.00"), 3),
    ]
    assert workshop.quarantine()[0][2][0].startswith("opportunity_id has lost digits in a spreadsheet: '6.2")


def damaged_lzma_archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", delimited(","))
    content = bytearray(file.getvalue())
    content[60:68] = b"\xff" * 8
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "options", "words"),
    [
        ("a.csv", b"id,name\n1,caf\xe9 au lait\n2,na\xefve\n", "", ["inbox/a.csv", "byte 13", "line 2", "encoding"]),
        ("a.csv", b"id,name\n1,caf\xe9\n", "encoding: utf-8", ["line 2", "not UTF-8", "encoding"]),
        ("a.xlsx", b"id,name\n1,x\n", "", ["inbox/a.xlsx", "no Excel file", "format"]),
        ("a.parquet", b"id,name\n1,x\n", "", ["inbox/a.parquet", "cannot be read as parquet"]),
        ("a.json", b'[{"a": 1}, {"a": ', "", ["inbox/a.json", "cannot be read as json"]),
        ("a.zip", b"no archive", "", ["inbox/a.zip", "no zip archive"]),
        ("a.csv.gz", b"no gzip", "", ["inbox/a.csv.gz", "cannot be unpacked"]),
        ("a.zip", damaged_lzma_archive(), "", ["inbox/a.zip!a.csv", "cannot be unpacked"]),
        ("a.dat", b"id,name\n", "", ["inbox/a.dat", "set format"]),
        ("a.csv", b"", "", ["no header", "header_row"]),
        ("a.csv", b"a,b;c\n1,2;3\n", "", ["delimiter cannot be told", "delimiter"]),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_setting(
    workshop: Workshop, name: str, content: bytes, options: str, words: list[str]
) -> None:
    (workshop.inbox / name).write_bytes(content)
    with pytest.raises(StrataError) as caught:
        workshop.land(mapping(name, options))
    assert all(word in str(caught.value) for word in [*words, "source shop, read opportunities"]), caught.value
    assert workshop.manifest.batches == ()


def test_a_byte_that_is_no_text_is_named_by_its_place_after_megabytes_of_ascii(workshop: Workshop) -> None:
    (workshop.inbox / "a.csv").write_bytes(b"id,name\n" + b"1,abc\n" * 300_000 + b"2,caf\xe9 au lait\n3,na\xefve\n")
    with pytest.raises(StrataError, match=r"a\.csv: byte 1800013 \(line 300002\) is not UTF-8"):
        workshop.land(mapping("a.csv"))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("before", range(4))
def test_text_is_read_whole_where_a_character_lies_across_two_parts_of_the_reading(
    tmp_path: Path, encoding: str, before: int
) -> None:
    ascii_alone = "a" * (CHUNK_BYTES - before)
    text = f"{ascii_alone}沉默客户的订单与退款{ascii_alone}\n"
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    read = as_utf8(path, tmp_path / "utf8", encoding="auto", name="a.csv", place="")
    assert read.read_text(encoding="utf-8") == text


def test_a_missing_column_is_named_with_those_there_are(workshop: Workshop) -> None:
    workshop.write("a.csv", "订单号,买家,付款时间,实付金额\n1,a,2019-01-05,1\n")
    with pytest.raises(StrataError) as caught:
        workshop.land(mapping("a.csv"))
    message = str(caught.value)
    assert "columns.opportunity_id: no column '订单编号'; did you mean '订单号'?" in message
    assert "The file has: 订单号, 买家, 付款时间, 实付金额." in message


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.234,56", "2,5"], [Decimal("1234.56"), Decimal("2.50")]),
        (["1,234.56", "2.5"], [Decimal("1234.56"), Decimal("2.50")]),
        (["1.234", "2,50"], [Decimal("1234.00"), Decimal("2.50")]),
        (["1.234.567", "8"], [Decimal("1234567.00"), Decimal("8.00")]),
        (["0.125", "1,000"], [Decimal("0.13"), Decimal("1000.00")]),
        (["12", "7"], [Decimal("12.00"), Decimal("7.00")]),
    ],
)
def test_the_decimal_mark_is_told_by_all_numbers(
    workshop: Workshop, values: list[str], expected: list[Decimal]
) -> None:
    lines = "".join(f"{at};a;2019-01-05;{value}\n" for at, value in enumerate(values))
    workshop.write("a.csv", "订单编号;买家;付款时间;实付金额\n" + lines)
    workshop.land(mapping("a.csv"))
    assert [row[3] for row in landed(workshop)] == expected


@pytest.mark.parametrize("values", [["1,234", "5,678"], ["1.5", "2,5"]])
def test_numbers_that_can_be_read_two_ways_are_refused(workshop: Workshop, values: list[str]) -> None:
    lines = "".join(f"{at};a;2019-01-05;{value}\n" for at, value in enumerate(values))
    workshop.write("a.csv", "订单编号;买家;付款时间;实付金额\n" + lines)
    with pytest.raises(StrataError, match=r"decimal mark cannot be told.*Set decimal"):
        workshop.land(mapping("a.csv"))
    workshop.land(mapping("a.csv", 'decimal: ","'))


def test_an_archive_bomb_is_refused(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster_project.sources.files.MAX_UNPACKED_BYTES", 1000)
    with zipfile.ZipFile(workshop.inbox / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.csv", "x" * 100_000)
    with pytest.raises(StrataError, match="unpacks to more than"):
        workshop.land(mapping("a.zip"))


BROKEN: dict[str, tuple[str, list[tuple[int, str]], list[str]]] = {
    "too few and too many fields": (
        "id,name,day\n1,a,2024-01-01\n2,b\n3,c,2024-01-01,x\n4,d,2024-01-01\n",
        [(2, "2,b"), (3, "3,c,2024-01-01,x")],
        ["1", "4"],
    ),
    "a quote that does not close": (
        'id,name,day\n1,a,2024-01-01\n2,"b,2024-01-01\n3,c,2024-01-01\n4,"d ""x""",2024-01-01\n',
        [(2, '2,"b,2024-01-01')],
        ["1", "3", "4"],
    ),
    "text after a quote": (
        'id,name,day\n1,"a" b,2024-01-01\n2,"c\nd",2024-01-01\n\n3,e,2024-01-01\n',
        [(1, '1,"a" b,2024-01-01')],
        ["2", "3"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_lines_go_to_quarantine_and_take_no_other_with_them(workshop: Workshop, case: str) -> None:
    text, broken, accepted = BROKEN[case]
    workshop.write("a.csv", text)
    [batch] = workshop.land(
        "\n  - {name: shop, reads: [{entity: campaigns, path: inbox/a.csv, "
        "columns: {campaign_id: id, name: name, starts_on: day}}]}\n"
    ).batches
    assert [(row[0], json.loads(row[3])) for row in workshop.quarantine()] == broken
    landed_rows = workshop.rows("select campaign_id, row_number from campaigns order by row_number")
    assert [campaign for campaign, _ in landed_rows] == accepted
    assert len({number for _, number in landed_rows} | {number for number, _ in broken}) == batch.rows_read
    assert batch.rows_read == batch.accepted + batch.rejected


def test_an_unclosed_quote_in_a_large_file_loses_no_line(workshop: Workshop) -> None:
    lines = [f"{at},name {at},2024-01-01" for at in range(60_000)]
    lines[100] = '100,"unclosed,2024-01-01'
    workshop.write("a.csv", "id,name,day\n" + "\n".join(lines) + "\n")
    [batch] = workshop.land(
        "\n  - {name: shop, reads: [{entity: campaigns, path: inbox/a.csv, "
        "columns: {campaign_id: id, name: name, starts_on: day}}]}\n"
    ).batches
    assert (batch.rows_read, batch.accepted, batch.rejected) == (60_000, 59_999, 1)


DAYS: dict[str, tuple[str, str, Callable[[], Any]]] = {
    "month first": ("1/23/2016", '["%d-%m-%Y", "%m/%d/%Y"]', lambda: date(2016, 1, 23)),
    "day first": ("01-10-2019", '["%d-%m-%Y", "%m/%d/%Y"]', lambda: date(2019, 10, 1)),
    "slashes": ("2019/1/5", "[iso]", lambda: date(2019, 1, 5)),
    "serial": ("43470.335", "[excel]", lambda: date(2019, 1, 5)),
    "epoch": ("1546646580000", "[iso, epoch_ms]", lambda: date(2019, 1, 4)),
    "zoho": ('"Oct 7, 2025 6:55 PM"', '["%b %d, %Y %I:%M %p"]', lambda: date(2025, 10, 7)),
    "offset": ("2021-08-03T14:48:38+03:00", "[iso]", lambda: date(2021, 8, 3)),
    "chinese": ("2019年1月5日", '["%Y年%m月%d日"]', lambda: date(2019, 1, 5)),
}


@pytest.mark.parametrize("case", DAYS)
def test_dates_are_read_by_the_formats_in_their_order(workshop: Workshop, case: str) -> None:
    text, formats, expected = DAYS[case]
    workshop.write("a.csv", f"id,x,day\n1,y,{text}\n")
    workshop.land(f"""
  - name: shop
    time_zone: UTC
    reads:
      - entity: campaigns
        path: inbox/a.csv
        columns: {{campaign_id: id, starts_on: {{from: day, formats: {formats}}}}}
""")
    assert workshop.rows("select starts_on from campaigns") == [(expected(),)]


def test_lines_of_json_may_end_differently(workshop: Workshop) -> None:
    record = {"买家": "a", "付款时间": "2024-01-01", "实付金额": "5.00"}
    lines = [json.dumps({"订单编号": str(number), **record}) for number in range(4)]
    workshop.write("orders.jsonl", lines[0] + "\r\n" + lines[1] + "\n\n" + lines[2] + "\r\n" + lines[3])
    [batch] = workshop.land(mapping("orders.jsonl")).batches
    assert (batch.rows_read, batch.new) == (4, 4)
    assert [row[0] for row in landed(workshop)] == ["0", "1", "2", "3"]
