"""An issued list with two columns filled in comes back as results, as the example settings map it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from landing_workshop import Workshop

from dagster_project.landing import LandingResult, land
from dagster_project.publishing.spreadsheets import Kind, SheetColumn, csv_bytes, xlsx_bytes
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

EXAMPLE = PROJECT_ROOT / "config" / "examples" / "sources-list-results.yaml"
NOW = datetime(2018, 1, 3, 8, tzinfo=UTC)
TASKS = [f"reactivation-2018-01:{number}:telesales" for number in (1234, 7, 88, 15)]
ENGLISH = ("Task", "Customer", "Sales rep"), ("Worked at", "Outcome"), "inbox/list_results"
CHINESE = ("任务编号", "客户编号", "负责销售"), ("联系时间", "联系结果"), "inbox/名单结果"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def land_example(workshop: Workshop) -> LandingResult:
    settings = workshop.settings(
        "\n  - name: none\n    reads:\n      - entity: campaigns\n        path: none.csv\n"
        "        columns: {campaign_id: id}\n"
    )
    return land(replace(settings, sources=load_model(EXAMPLE, SourcesSettings)), now=NOW)


def issued(headings: tuple[str, ...]) -> tuple[list[SheetColumn], list[list[Any]]]:
    columns = [SheetColumn(heading, Kind.TEXT, 20) for heading in headings]
    return columns, [[task, str(number), "Li Na 李娜"] for number, task in enumerate(TASKS)]


def filled_workbook(workshop: Workshop, words: Any, filled: dict[int, tuple[Any, str]]) -> None:
    """The list as it was issued, with two columns added in a spreadsheet."""
    headings, added, folder = words
    columns, rows = issued(headings)
    book = openpyxl.load_workbook(
        io.BytesIO(xlsx_bytes(columns, rows, sheet="Telesales", notes_sheet="Notes", notes=[("Day", "2018-01-01")]))
    )
    for place, heading in enumerate(added, start=len(headings) + 1):
        book.worksheets[0].cell(1, place, heading)
    for number, values in filled.items():
        for place, value in enumerate(values, start=len(headings) + 1):
            book.worksheets[0].cell(2 + number, place, value)
    target = workshop.paths.data / folder / "telesales.xlsx"
    target.parent.mkdir(parents=True, exist_ok=True)
    book.save(target)


def written(hour: int, minute: int) -> datetime:
    return datetime(2018, 1, 2, hour, minute)  # noqa: DTZ001  a spreadsheet's times name no zone


def results(workshop: Workshop) -> list[tuple[Any, ...]]:
    return workshop.rows("select task_id, worked_at, outcome, owner from list_results order by row_number")


@pytest.mark.parametrize(
    ("words", "reached", "other"),
    [(ENGLISH, "Not reached", "Call again in May"), (CHINESE, "未接通", "五月再联系")],
    ids=["English", "Chinese"],
)
def test_an_issued_workbook_with_two_columns_filled_in_lands_as_results(workshop, words, reached, other) -> None:
    filled_workbook(workshop, words, {0: (written(10, 30), reached), 2: ("2018/01/02 16:05", other)})
    result = land_example(workshop)
    assert results(workshop) == [
        (TASKS[0], datetime(2018, 1, 2, 15, 30, tzinfo=UTC), "not_reached", "Li Na 李娜"),
        (TASKS[2], datetime(2018, 1, 2, 21, 5, tzinfo=UTC), "other", "Li Na 李娜"),
    ]
    assert [batch.accepted for batch in result.batches] == [2]


def test_an_issued_csv_comes_back_and_rows_that_nobody_worked_are_no_bad_rows(workshop) -> None:
    headings, added, folder = ENGLISH
    columns, rows = issued((*headings, *added))
    done = [[*rows[0], "2018-01-02", "Ordered"], *([*row, None, None] for row in rows[1:])]
    (workshop.paths.data / folder).mkdir(parents=True)
    (workshop.paths.data / folder / "telesales.csv").write_bytes(csv_bytes(columns, done))
    land_example(workshop)
    assert results(workshop) == [(TASKS[0], datetime(2018, 1, 2, 5, tzinfo=UTC), "ordered", "Li Na 李娜")]
    assert {kind for _, kind, *_ in workshop.quarantine()} == {"excluded"}


def test_a_list_that_is_saved_again_with_more_filled_in_adds_just_that(workshop) -> None:
    first = (written(10, 30), "Reached")
    filled_workbook(workshop, ENGLISH, {0: first})
    land_example(workshop)
    filled_workbook(workshop, ENGLISH, {0: first, 1: (written(11, 0), "Refused")})
    [batch] = land_example(workshop).batches
    assert (batch.new, batch.changed, batch.unchanged) == (1, 0, 1)
    assert [outcome for _, _, outcome, _ in results(workshop)] == ["reached", "refused"]
