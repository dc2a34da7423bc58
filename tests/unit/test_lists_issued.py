"""Reactivation lists: who is on them, what they show, how safe they are to open, and that they stand once issued."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from marts_fixture import CAMPAIGN_ID, HOSTILE_NAMES
from rich.console import Console

from dagster_project.publishing.assignments import (
    DETAILS_SCHEMA,
    ENTRY_SCHEMA,
    issued_list,
    read_assignments,
    read_listings,
)
from dagster_project.publishing.audit import append_record, read_records
from dagster_project.publishing.lists import ChannelList, DayLists, write_lists
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import Language, ListField, PublishingSettings
from dagster_project.terminal import lists_table
from dagster_project.warehouse.measures import list_sizes

DAY = date(2018, 1, 1)
NOW = datetime(2018, 1, 2, 6, 30, tzinfo=UTC)
LATER = datetime(2018, 1, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=tmp_path, config=tmp_path / "config", data=tmp_path / "data")


@pytest.fixture
def write(con, paths, publishing_settings):
    def write(settings: PublishingSettings = publishing_settings, now: datetime = NOW, day: date = DAY) -> DayLists:
        return write_lists(
            con, paths=paths, settings=settings, day=day, currency="USD", now=now, who="strata run", why="daily list"
        )

    return write


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def marts_rows(con: duckdb.DuckDBPyConnection, where: str) -> list[tuple[Any, ...]]:
    return con.execute(f"select customer_id from marts.reactivation_list where {where} order by position").fetchall()


def test_a_list_holds_its_treated_customers_in_order_and_no_control_customer(con, write) -> None:
    lists = write()
    assert {entry.channel for entry in lists.lists} == {"telesales", "wechat", "sms", "email"}
    assert sum(entry.rows for entry in lists.lists) > 0
    for entry in lists.lists:
        expected = [str(i) for (i,) in marts_rows(con, f"channel = '{entry.channel}' and arm = 'treated'")]
        assert [row["Customer"] for row in read_csv(entry.csv)] == expected
        assert entry.rows == len(expected)
    control = {str(i) for (i,) in marts_rows(con, "arm = 'control'")}
    assert control
    assert lists.control == len(control)
    assert not control & {row["Customer"] for entry in lists.lists for row in read_csv(entry.csv)}


def test_a_list_shows_only_the_contact_point_of_its_channel(con, write) -> None:
    lists = {entry.channel: entry for entry in write().lists}
    contacts = con.execute("select phone, email, wechat_id from personal.customer_contacts").fetchall()
    phones, emails, wechats = (set(values) for values in zip(*contacts, strict=True))
    shows = {"telesales": phones, "sms": phones, "wechat": wechats, "email": emails}
    for channel, entry in lists.items():
        cells = {str(cell).lstrip("'") for row in read_csv(entry.csv) for cell in row.values()}
        for kind in (phones, emails, wechats):
            if kind is shows[channel]:
                assert cells & kind or not entry.rows
            else:
                assert not cells & kind, channel
    assert "Name" not in read_csv(lists["sms"].csv)[0]


def test_stage_tier_cause_and_headings_are_words_of_the_language(con, write, publishing_settings) -> None:
    english = read_csv(write().lists[0].csv)[0]
    chinese = write(publishing_settings.model_copy(update={"language": Language.CHINESE})).lists[0]
    row = read_csv(chinese.csv)[0]
    assert english["Stage"] in {"Silent", "Churned"}
    assert row["生命周期阶段"] in {"沉默客户", "流失客户"}
    assert row["价值等级"] in {"高价值", "中价值", "低价值"}
    assert row["授权依据"] == "已登记"
    assert row["最佳联系日"] in {"周一", "周二", "周三", "周四", "周五", "周六", "周日", ""}
    assert english["Worth expected (USD)"] == row["预期价值（USD）"]


def test_the_csv_opens_in_excel_with_chinese_intact(write) -> None:
    content = write().lists[0].csv.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") >= 2
    assert "客户".encode() in content


def test_the_workbook_has_text_ids_frozen_filterable_headings_and_notes(write) -> None:
    entry = write().lists[0]
    book = openpyxl.load_workbook(entry.xlsx)
    sheet, notes = book.worksheets
    assert (sheet.title, notes.title) == ("Telesales", "Notes")
    assert sheet.freeze_panes == "D2"
    assert sheet.auto_filter.ref == f"A1:Z{entry.rows + 1}"
    headings = [cell.value for cell in sheet[1]]
    first = dict(zip(headings, sheet[2], strict=True))
    assert first["Customer"].data_type == "s"
    assert first["Phone"].value.startswith("+1606555")
    assert first["Last purchase"].is_date
    assert first["Worth expected (USD)"].data_type == "n"
    assert sheet.max_row == entry.rows + 1
    assert ("Campaign", CAMPAIGN_ID) in [(row[0].value, row[1].value) for row in notes.iter_rows()]


def test_hostile_names_are_text_in_the_workbook_and_harmless_in_the_csv(con, paths, write) -> None:
    listed = [i for (i,) in marts_rows(con, "channel = 'telesales' and arm = 'treated'")]
    hostile = dict(zip(listed, HOSTILE_NAMES, strict=False))
    for customer_id, name in hostile.items():
        con.execute("update personal.customer_contacts set name = ? where customer_id = ?", [name, customer_id])
    entry = write().lists[0]
    names = {int(row["Customer"]): row["Name"] for row in read_csv(entry.csv)}
    sheet = openpyxl.load_workbook(entry.xlsx).worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    column = {
        int(row[headings.index("Customer")].value): row[headings.index("Name")] for row in sheet.iter_rows(min_row=2)
    }
    for customer_id, name in hostile.items():
        assert column[customer_id].value == name
        assert column[customer_id].data_type == "s"
        assert names[customer_id] == (f"'{name}" if name[0] in "=+-@" else name)


def test_files_are_for_their_owner_alone(paths, write) -> None:
    write()
    for folder in (paths.lists, paths.lists / "2018-01-01", paths.assignments, paths.audit):
        assert folder.stat().st_mode & 0o777 == 0o700, folder
        for file in folder.iterdir():
            assert file.is_dir() or file.stat().st_mode & 0o777 == 0o600, file


def test_assignments_are_written_once_with_both_arms(con, paths, write) -> None:
    assert read_assignments(paths).schema == ENTRY_SCHEMA
    assert read_assignments(paths).num_rows == 0
    assert write().is_new
    file = paths.assignments / CAMPAIGN_ID / "2018-01-01.parquet"
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    rows = read_assignments(paths)
    assert rows.schema == ENTRY_SCHEMA
    expected = con.execute(
        "select campaign_id, customer_id, registry_id, as_of_date, arm, channel, priority_score, position, value_tier, "
        "silence_cause, owner from marts.reactivation_list order by customer_id"
    ).fetchall()
    assert [tuple(row.values()) for row in rows.to_pylist()] == expected
    assert not write().is_new
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert not {"name", "phone", "email", "contact"} & set(pq.read_schema(file).names)


def test_an_issued_list_stands_whatever_the_mart_says_later(con, paths, write) -> None:
    write()
    before = snapshot(paths.data)
    con.execute("delete from marts.reactivation_list where customer_id % 2 = 0")
    con.execute(
        "update marts.reactivation_list set arm = 'treated', position = 100 - position, silence_cause = 'price'"
    )
    write(now=LATER)
    assert snapshot(paths.data) == before


def test_writing_again_changes_no_file_and_adds_no_record(paths, write) -> None:
    assert all(entry.is_changed for entry in write().lists)
    before = snapshot(paths.data)
    again = write(now=LATER)
    assert not any(entry.is_changed for entry in again.lists)
    assert snapshot(paths.data) == before
    assert len(read_records(paths.audit / "list_exports.jsonl")) == 4


def test_every_export_is_on_record_and_the_record_holds_no_person(con, paths, write) -> None:
    lists = {entry.channel: entry for entry in write().lists}
    records = {record["channel"]: record for record in read_records(paths.audit / "list_exports.jsonl")}
    for channel, record in records.items():
        assert record["at"] == "2018-01-02T06:30:00+00:00"
        assert (record["who"], record["why"], record["day"]) == ("strata run", "daily list", "2018-01-01")
        assert record["rows"] == lists[channel].rows
        assert len(record["fingerprint"]) == 64
    assert records["telesales"]["consent_basis"] == {"recorded": lists["telesales"].rows}
    assert "1606555" not in (paths.audit / "list_exports.jsonl").read_text()


def test_a_changed_contact_is_a_new_export_with_a_record_of_its_own(con, paths, write) -> None:
    write()
    (customer_id,) = marts_rows(con, "channel = 'telesales' and arm = 'treated'")[0]
    con.execute("update personal.customer_contacts set phone = '+16065550000' where customer_id = ?", [customer_id])
    changed = write(now=LATER)
    assert [entry.is_changed for entry in changed.lists] == [True, False, False, False]
    records = read_records(paths.audit / "list_exports.jsonl")
    assert [record["channel"] for record in records[4:]] == ["telesales"]
    assert records[4]["at"] == LATER.isoformat()


def test_who_has_no_contact_point_any_more_is_left_out_and_counted(con, paths, write) -> None:
    first = write().lists[0]
    listed = [i for (i,) in marts_rows(con, "channel = 'telesales' and arm = 'treated'")]
    con.execute("update personal.customer_contacts set phone = ' ' where customer_id = ?", [listed[0]])
    con.execute("delete from personal.customer_contacts where customer_id = ?", [listed[1]])
    again = write().lists[0]
    assert (again.rows, again.withheld) == (first.rows - 2, 2)
    assert "2 customers of this list are left out" in str(again.note)
    assert read_records(paths.audit / "list_exports.jsonl")[-1]["withheld"] == 2


def test_a_merged_customer_keeps_their_place_under_the_id_that_was_issued(con, write) -> None:
    first = write().lists[0]
    before = first.csv.read_bytes()
    (customer_id,) = marts_rows(con, "channel = 'telesales' and arm = 'treated'")[0]
    con.execute("update identity.customer_aliases set customer_id = 9999 where customer_id = ?", [customer_id])
    con.execute("update personal.customer_contacts set customer_id = 9999 where customer_id = ?", [customer_id])
    assert write().lists[0].csv.read_bytes() == before


@pytest.mark.parametrize(
    ("code", "english"),
    [
        ("no_consents_landed", "No consent has been landed"),
        ("no_eligible_customer", "No silent customer may be contacted"),
        ("channel_closed", "capacity in publishing.yaml is 0"),
        ("later_list_issued", "A list of a later day is issued already"),
    ],
)
def test_an_empty_list_says_why_wherever_it_is_opened(con, paths, write, code, english) -> None:
    con.execute("delete from marts.reactivation_list")
    con.execute("update marts.reactivation_list_notes set note = ?", [code])
    lists = write()
    assert lists.campaign_id is None
    for entry in lists.lists:
        assert entry.rows == 0
        assert english in str(entry.note)
        assert read_csv(entry.csv) == []
        sheet = openpyxl.load_workbook(entry.xlsx).worksheets[0]
        assert english in sheet["A3"].value
        assert english in entry.csv.with_name(f"{entry.channel}.note.txt").read_text(encoding="utf-8-sig")
    assert not list(paths.assignments.glob("*/*"))


def test_an_empty_day_can_still_be_filled_once_consents_arrive(con, paths, write) -> None:
    con.execute("create table kept as select * from marts.reactivation_list")
    con.execute("delete from marts.reactivation_list")
    write()
    con.execute("insert into marts.reactivation_list select * from kept")
    assert write().is_new
    assert not list(paths.lists.rglob("*.note.txt"))


def test_an_assumed_consent_is_shown_with_its_reason(con, paths, write) -> None:
    con.execute("update marts.reactivation_list set consent_basis = 'default'")
    con.execute(
        "update marts.reactivation_list_notes set note = 'consent_default', consent_default_reason = 'Counsel, {2026}'"
    )
    entry = write().lists[0]
    assert entry.note == "Consent was assumed where none is recorded: Counsel, {2026}"
    assert {row["Consent"] for row in read_csv(entry.csv)} == {"Assumed"}
    record = read_records(paths.audit / "list_exports.jsonl")[0]
    assert record["consent_default_reason"] == "Counsel, {2026}"


def test_a_channel_shows_only_the_fields_that_are_set(con, write, publishing_settings) -> None:
    reactivation = publishing_settings.reactivation
    fields = (ListField.CONTACT, ListField.CUSTOMER_ID)
    channel = reactivation.channels[0].model_copy(update={"fields": fields})
    settings = publishing_settings.model_copy(
        update={"reactivation": reactivation.model_copy(update={"channels": (channel,)})}
    )
    assert list(read_csv(write(settings).lists[0].csv)[0]) == ["Phone", "Customer"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update marts.reactivation_list set arm = 'held' where position = 1", "its arms are"),
        ("insert into marts.reactivation_list select * from marts.reactivation_list limit 1", "is on it twice"),
        ("update marts.reactivation_list set campaign_id = '../../evil-2018-01'", "its campaigns are"),
    ],
)
def test_rows_that_cannot_be_a_list_are_refused_and_nothing_is_written(con, paths, write, change, said) -> None:
    con.execute(change)
    with pytest.raises(PublishingError, match=said):
        write()
    assert not list(paths.data.rglob("*.parquet"))
    assert not list(paths.data.rglob("*.csv"))


def test_a_customer_enters_a_campaign_once(con, paths, write) -> None:
    write()
    con.execute("update marts.reactivation_list set as_of_date = '2018-01-02', entered_on = '2018-01-02'")
    with pytest.raises(PublishingError, match="entered the campaign on an earlier day"):
        write(day=date(2018, 1, 2))


def test_who_is_carried_over_is_listed_again_and_entered_once(con, paths, write) -> None:
    write()
    entered = read_assignments(paths)
    con.execute("delete from marts.reactivation_list where arm = 'control' or channel <> 'telesales'")
    con.execute("update marts.reactivation_list set as_of_date = '2018-01-02'")
    con.execute("update marts.reactivation_list_details set as_of_date = '2018-01-02'")
    tomorrow = date(2018, 1, 2)
    telesales = write(day=tomorrow).lists[0]
    assert [row["Customer"] for row in read_csv(telesales.csv)] == [
        row["Customer"] for row in read_csv(write().lists[0].csv)
    ]
    assert read_assignments(paths).equals(entered)
    listings = read_listings(paths)
    assert listings.num_rows == entered.num_rows + telesales.rows
    again = listings.filter(pc.equal(listings["listed_on"], pa.scalar(tomorrow, pa.date32())))
    assert set(again["entered_on"].to_pylist()) == {DAY}
    assert facts(telesales)["Of these, on an earlier list and not done with"] == str(telesales.rows)
    assert "Of these, on an earlier list and not done with" not in facts(write().lists[0])


def facts(entry: ChannelList) -> dict[str, str]:
    """The sheet of notes of a workbook: term, and what it says."""
    notes = openpyxl.load_workbook(entry.xlsx).worksheets[1]
    return {str(term.value): str(text.value) for term, text, *_ in notes.iter_rows() if term.value}


def test_the_table_after_a_run_says_how_many_were_carried_over_once_there_are_such(con) -> None:
    con.execute("create table control.channels as select 'telesales' as channel, 1 as position")
    assert "carried over" not in printed(list_sizes(con, DAY))
    [(treated,)] = con.execute(
        "update marts.reactivation_list_notes set carried = 2 where channel = 'telesales' returning treated"
    ).fetchall()
    words = printed(list_sizes(con, DAY)).split()
    row = words[words.index("telesales") :]
    assert row[4:8:2] == [str(treated), "2"]


def printed(sizes: list[tuple[str, int, int, int, int, int, str]]) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(lists_table(sizes))
    return console.export_text()


def test_a_row_that_is_carried_over_from_no_list_is_refused(con, paths, write) -> None:
    con.execute("update marts.reactivation_list set entered_on = '2017-12-31' where arm = 'treated' and position = 1")
    with pytest.raises(PublishingError, match="are carried over and were on no earlier list"):
        write()
    assert not list(paths.data.rglob("*.parquet"))


def test_a_damaged_assignment_file_is_named_and_never_written_over(paths, write) -> None:
    write()
    file = paths.assignments / CAMPAIGN_ID / "2018-01-01.parquet"
    file.write_bytes(b"PAR1 half")
    with pytest.raises(PublishingError, match=r"2018-01-01\.parquet cannot be read.*restore it from a backup"):
        write()
    assert file.read_bytes() == b"PAR1 half"


KILLED = """
import os, signal, sys
from datetime import UTC, date, datetime
from pathlib import Path
import duckdb
from dagster_project.publishing.lists import write_lists
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import PublishingSettings

data, warehouse, at, call, settings = sys.argv[1:]
calls = []

def trace(frame, event, arg):
    if event == "call" and frame.f_code.co_name == at and "dagster_project" in frame.f_code.co_filename:
        calls.append(at)
        if len(calls) == int(call):
            os.kill(os.getpid(), signal.SIGKILL)

paths = Paths(root=Path(data), config=Path(data), data=Path(data))
con = duckdb.connect(warehouse)
sys.setprofile(trace)
write_lists(con, paths=paths, settings=PublishingSettings.model_validate_json(settings), day=date(2018, 1, 1),
            currency="USD", now=datetime(2018, 1, 2, 6, 30, tzinfo=UTC), who="strata run", why="daily list")
"""


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("_checked_campaign", 1),  # before the assignments
        ("flush", 1),  # the assignments written, not yet in place
        ("read_labels", 1),  # assigned, no file yet
        ("append_record", 1),
        ("append_record", 3),
        ("write_if_changed", 1),  # on record, not visible
        ("write_if_changed", 4),
    ],
)
def test_a_run_killed_anywhere_ends_as_an_undisturbed_one(
    con, paths, write, tmp_path, marts_file, publishing_settings, function, call
) -> None:
    data = tmp_path / "killed"
    settings = publishing_settings.model_dump_json(by_alias=True)
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(marts_file.read_bytes())
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(data), str(warehouse), function, str(call), settings],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    exported = {record["channel"] for record in read_records(data / "audit" / "list_exports.jsonl")}
    assert {file.name.split(".")[0] for file in data.glob("lists/*/*.csv")} <= exported

    killed_paths = Paths(root=tmp_path, config=tmp_path, data=data)
    arguments = {
        "settings": publishing_settings,
        "day": DAY,
        "currency": "USD",
        "who": "strata run",
        "why": "daily list",
    }
    write_lists(con, paths=killed_paths, now=NOW, **arguments)
    write()
    assert {name: content for name, (content, _) in snapshot(data).items()} == {
        name: content for name, (content, _) in snapshot(paths.data).items()
    }


def test_records_survive_a_torn_line_and_writers_at_once(tmp_path) -> None:
    path = tmp_path / "audit" / "exports.jsonl"
    append_record(path, {"n": 0, "why": "line separators \u2028 inside"})
    with path.open("ab") as file:
        file.write(b'{"n": 1, "wh')
    script = (
        "import sys; from pathlib import Path; from dagster_project.publishing.audit import append_record\n"
        "for i in range(50): append_record(Path(sys.argv[1]), {'n': i, 'by': sys.argv[2], 'pad': 'x' * 5000})"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), name], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        for name in ("a", "b")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    records = read_records(path)
    assert records[0] == {"n": 0, "why": "line separators \u2028 inside"}
    for name in ("a", "b"):
        assert [record["n"] for record in records if record.get("by") == name] == list(range(50))
    assert len(path.read_bytes().split(b"\n")) == 1 + 1 + 100 + 1
    json.loads(path.read_bytes().split(b"\n")[-2])


def test_assignments_of_several_lists_are_read_together(paths) -> None:
    for month, day in (("2018-01", "2018-01-31"), ("2018-02", "2018-02-01")):
        folder = paths.assignments / f"reactivation-{month}"
        folder.mkdir(parents=True)
        from dagster_project.publishing.assignments import ISSUED_SCHEMA

        row = dict.fromkeys(ISSUED_SCHEMA.names) | {"campaign_id": f"reactivation-{month}", "customer_id": 1}
        row["entered_on"] = date.fromisoformat(day)
        pq.write_table(pa.Table.from_pylist([row], schema=ISSUED_SCHEMA), folder / f"{day}.parquet")
    assert read_assignments(paths)["campaign_id"].to_pylist() == ["reactivation-2018-01", "reactivation-2018-02"]


def test_an_assignment_file_of_before_there_were_details_is_read_with_them_empty(con, paths, write) -> None:
    write()
    file = paths.assignments / CAMPAIGN_ID / "2018-01-01.parquet"
    issued = pq.read_table(file, partitioning=None)
    assert issued["plan_class"].null_count == 0
    older = issued.drop_columns(DETAILS_SCHEMA.names)
    pq.write_table(older, file)
    before = file.read_bytes()
    lists = write(now=LATER)
    assert sum(entry.rows for entry in lists.lists) == pc.sum(pc.equal(older["arm"], "treated")).as_py()
    read = issued_list(paths, DAY)
    assert read is not None
    assert read.rows.select(older.column_names).equals(older)
    assert read.rows["plan_class"].null_count == read.rows.num_rows
    assert file.read_bytes() == before
