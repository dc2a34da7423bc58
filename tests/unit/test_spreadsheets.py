"""Spreadsheets hold any text that people have for names, compute none of it, and give it back to who reads them."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dagster_project.publishing.spreadsheets import Kind, SheetColumn, csv_bytes, xlsx_bytes

TEXT = [SheetColumn("h", Kind.TEXT, 10)]
EXCEL_CELL_UNITS = 32_767
# Texts as they stand in CRMs: formulas, CSV of its own, emoji of several code points, marks that turn the line round,
# rare characters beyond the first plane (生僻字), private use, escapes that XLSX itself uses, blanks at the ends.
NAMES = (
    '=HYPERLINK("http://evil.example","Click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "＝1＋1",
    "\t=1+1",
    "李娜👩‍👩‍👧‍👦🇨🇳",
    "\u202eevil\u202c \u200fשלום\u200e",
    "𠮷野家 𪚥 䶮 㐂",
    "\ue000\U000f0000",
    "_x0041_",
    " padded ",
    '王"小"明, 先生;',
    "first\nsecond",
    "e\u0301 Zoë",
    "#N/A",
    "TRUE",
    "00123",
    "1E5",
    "2018-01-01",
)


def workbook(texts: list[str]) -> bytes:
    return xlsx_bytes(TEXT, [[text] for text in texts], sheet="s", notes_sheet="n", notes=[])


def by_openpyxl(content: bytes) -> list[object]:
    cells = [row[0] for row in openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(min_row=2)]
    assert all(cell.data_type in {"s", "n"} and (cell.data_type == "s" or cell.value is None) for cell in cells)
    return [cell.value for cell in cells]


def by_calamine(content: bytes) -> list[object]:
    return [row[0] for row in CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()[1:]]


def from_csv(content: bytes) -> list[str]:
    return [row[0] if row else "" for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]


@pytest.mark.parametrize("read", [by_openpyxl, by_calamine])
def test_every_name_comes_back_from_the_workbook_as_it_was(read) -> None:
    assert read(workbook(list(NAMES))) == list(NAMES)


def test_every_name_comes_back_from_the_csv_behind_an_apostrophe_where_it_would_be_computed() -> None:
    computed = {name for name in NAMES if name[0] in "=+-@＝\t"}
    expected = [f"'{name}" if name in computed else name for name in NAMES]
    assert from_csv(csv_bytes(TEXT, [[name] for name in NAMES])) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("\r=1")
@example("\x00=1\x0b")
@example("a\r\nb\rc")
@example("\ufffe\uffff")
@example("_x000D_")
def test_no_text_is_computed_and_none_breaks_a_file(text: str) -> None:
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in kept if (ord(c) >= 32 or c in "\t\n") and c not in "\ufffe\uffff")
    (cell,) = from_csv(csv_bytes(TEXT, [[text]]))
    assert cell in (kept, f"'{kept}")
    assert not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    content = workbook([text])
    assert b"<f>" not in content
    assert (by_openpyxl(content)[0] or "") == kept
    assert (by_calamine(content) or [""])[0] == kept


@pytest.mark.parametrize("letter", ["a", "客", "😀", "𠮷"])
@pytest.mark.parametrize("more", [-1, 0, 1, 40_000])
def test_a_text_longer_than_a_cell_is_cut_where_excel_counts_and_says_so(letter: str, more: int) -> None:
    units = len(letter.encode("utf-16-le")) // 2
    text = letter * (EXCEL_CELL_UNITS // units + more)
    content = workbook([text])
    for cell in (*by_openpyxl(content), *by_calamine(content), *from_csv(csv_bytes(TEXT, [[text]]))):
        assert isinstance(cell, str)
        assert len(cell.encode("utf-16-le")) // 2 <= EXCEL_CELL_UNITS
        if len(text.encode("utf-16-le")) // 2 <= EXCEL_CELL_UNITS:
            assert cell == text
        else:
            assert cell.endswith("…")
            assert text.startswith(cell[:-1])
            assert len(cell[:-1]) >= EXCEL_CELL_UNITS // units - 2


def test_an_overlong_formula_is_cut_behind_its_apostrophe() -> None:
    (cell,) = from_csv(csv_bytes(TEXT, [["=" * 40_000]]))
    assert cell.startswith("'=")
    assert len(cell) == EXCEL_CELL_UNITS


def test_numbers_shares_and_days_are_not_text() -> None:
    columns = [SheetColumn(kind.name, kind, 10) for kind in (Kind.INTEGER, Kind.DECIMAL, Kind.SHARE, Kind.DAY)]
    row = [1234, Decimal("1234.50"), Decimal("0.125"), date(2018, 1, 31)]
    content = xlsx_bytes(columns, [row], sheet="s", notes_sheet="n", notes=[])
    cells = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0][2]
    assert [cell.value for cell in cells[:3]] == [1234, 1234.5, 0.125]
    assert cells[2].number_format == "0%"
    assert cells[3].is_date
    assert csv_bytes(columns, [row]).decode("utf-8-sig").splitlines()[1] == "1234,1234.50,0.125,2018-01-31"


def test_a_column_to_fill_in_offers_its_choices_for_every_row() -> None:
    columns = [*TEXT, SheetColumn("Outcome", Kind.TEXT, 10, is_input=True, choices=("Reached", "Refused"))]
    content = xlsx_bytes(columns, [["a", None], ["b", None]], sheet="s", notes_sheet="n", notes=[], frozen_columns=1)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    (validation,) = sheet.data_validations.dataValidation
    assert (str(validation.sqref), validation.formula1) == ("B2:B3", '"Reached,Refused"')
    assert sheet.freeze_panes == "B2"


def test_of_blank_cells_only_those_to_fill_in_stand_out() -> None:
    columns = [SheetColumn("Need", Kind.TEXT, 10), SheetColumn("Outcome", Kind.TEXT, 10, is_input=True)]
    content = xlsx_bytes(columns, [[None, None], ["price", None]], sheet="s", notes_sheet="n", notes=[])
    rows = list(openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(min_row=2))
    assert [cell.value for row in rows for cell in row] == [None, None, "price", None]
    assert [[cell.has_style for cell in row] for row in rows] == [[False, True], [True, True]]
    assert {row[1].fill.fgColor.rgb for row in rows} == {"FFFFF8DC"}


def test_equal_rows_are_equal_files() -> None:
    assert workbook(list(NAMES)) == workbook(list(NAMES))
