"""Claims about the sample inbox: always the same bytes, linked by household number alone, invented where it says so."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import openpyxl
import phonenumbers
import pytest

from dagster_project.errors import StrataError
from dagster_project.landing import land
from dagster_project.settings import load_settings
from dagster_project.settings.paths import find_paths
from dagster_project.sources import sample_crm
from dagster_project.sources.sample import find_purchases, prepare_sample, read_households
from dagster_project.sources.sample_people import invent_people

Rows = list[dict[str, str]]
ZOHO_TIME = "%b %d, %Y %I:%M %p"
EXPORTED_TIMES = (ZOHO_TIME, "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
EXPORTS = ("Contacts", "Deals", "Leads", "客户", "联系人", "销售记录")
TIMES = {
    "Contacts": ("Created Time", "Modified Time", "Consent Date", "Unsubscribed Time"),
    "Deals": ("Created Time", "Modified Time"),
    "Leads": ("Created Time", "Modified Time"),
    "客户": ("创建时间", "最后修改时间"),
    "联系人": ("创建时间", "最后修改时间", "电话同意时间", "微信同意时间", "短信同意时间", "邮件同意时间", "退订时间"),
    "销售记录": ("跟进时间", "解决时间"),
}
KEYS = {
    **dict.fromkeys(("Contacts", "Deals", "Leads"), "Record Id"),
    **{"客户": "客户编号", "联系人": "客户编号", "销售记录": "记录编号"},
}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    paths = find_paths(data=tmp_path_factory.mktemp("sample"))
    prepare_sample(paths)
    return paths.inbox


@pytest.fixture(scope="module")
def exports(inbox: Path) -> dict[str, Rows]:
    zoho = {name: _read_csv(inbox / "zoho" / f"{name}_2018_01_01.csv") for name in EXPORTS[:3]}
    return zoho | {name: _read_workbook(inbox / "fxiaoke" / f"{name}.xlsx") for name in EXPORTS[3:]}


@pytest.fixture(scope="module")
def households(inbox: Path) -> set[str]:
    path = inbox / "complete_journey" / "transactions.parquet"
    with duckdb.connect() as con:
        return {str(row[0]) for row in con.execute(f"select distinct household_id from '{path}'").fetchall()}


def _read_csv(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read_workbook(path: Path) -> Rows:
    header, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, header), map(_as_text, row), strict=True)) for row in rows]


def _as_text(value: object) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def _parse(text: str) -> datetime | None:
    for pattern in EXPORTED_TIMES:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007  (exports name no zone)
        except ValueError:
            continue
    return None


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _times(rows: Rows, columns: tuple[str, ...]) -> Iterator[datetime]:
    for row in rows:
        for column in columns:
            moment = _parse(row[column])
            if moment is not None:
                yield moment


def test_two_inboxes_hold_the_same_bytes(inbox: Path, tmp_path: Path) -> None:
    prepare_sample(find_paths(data=tmp_path))
    assert _digests(tmp_path / "inbox") == _digests(inbox)


def test_preparing_again_writes_nothing_restores_what_is_missing_and_leaves_what_was_edited(
    inbox: Path, tmp_path: Path
) -> None:
    paths = find_paths(data=tmp_path)
    shutil.copytree(inbox, paths.inbox)
    assert not any(file.was_written or file.is_edited for file in prepare_sample(paths))

    missing, edited = paths.inbox / "fxiaoke" / "客户.xlsx", paths.inbox / "zoho" / "Leads_2018_01_01.csv"
    missing.unlink()
    edited.write_bytes(b"mine")
    for written in ([missing], []):
        files = prepare_sample(paths)
        assert [file.path for file in files if file.was_written] == written
        assert [file.path for file in files if file.is_edited] == [edited]
    assert edited.read_bytes() == b"mine"

    edited.unlink()
    prepare_sample(paths)
    assert _digests(paths.inbox) == _digests(inbox)


def test_a_file_of_an_older_edition_is_replaced_unless_it_was_edited(inbox: Path, tmp_path: Path) -> None:
    paths = find_paths(data=tmp_path)
    shutil.copytree(inbox, paths.inbox)
    older, edited = paths.inbox / "zoho" / "Deals_2018_01_01.csv", paths.inbox / "zoho" / "Leads_2018_01_01.csv"
    record = json.loads((paths.inbox / ".sample.json").read_text(encoding="utf-8"))
    for path in (older, edited):
        path.write_bytes(b"as an older edition wrote it")
        record["files"][path.relative_to(paths.inbox).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    (paths.inbox / ".sample.json").write_text(json.dumps(record | {"edition": "older"}), encoding="utf-8")
    edited.write_bytes(b"mine")

    assert [file.path for file in prepare_sample(paths) if file.was_written] == [older]
    assert older.read_bytes() == (inbox / "zoho" / older.name).read_bytes()
    assert edited.read_bytes() == b"mine"
    assert not any(file.was_written for file in prepare_sample(paths))


def test_a_missing_package_names_the_command_that_installs_it() -> None:
    with pytest.raises(StrataError, match=re.escape("pip install 'customer-strata[sample]'")):
        find_purchases("a_package_that_is_not_there")


def test_households_span_the_year_in_new_york() -> None:
    households = read_households(find_purchases() / "transactions.parquet")
    assert len(households) == 2469
    assert min(household.first_on for household in households) == date(2017, 1, 1)
    assert max(household.last_on for household in households) == date(2017, 12, 31)
    assert all(household.first_on <= household.last_on for household in households)


def test_the_household_number_links_both_systems_to_the_orders(exports: dict[str, Rows], households: set[str]) -> None:
    zoho = {row["Household No"] for row in exports["Contacts"]} - {""}
    fxiaoke = {row["家庭编号"] for row in exports["客户"]} - {""}
    leads = {row["Household No"] for row in exports["Leads"]} - {""}
    assert zoho | fxiaoke | leads <= households
    assert leads <= zoho
    assert len(zoho) / len(households) == pytest.approx(0.55, abs=0.001)
    assert len(fxiaoke) / len(households) == pytest.approx(0.60, abs=0.001)
    assert len(households - zoho - fxiaoke) / len(households) == pytest.approx(0.08, abs=0.001)


def test_prospects_have_no_household(exports: dict[str, Rows]) -> None:
    def unlinked(name: str, column: str) -> int:
        return len({row[KEYS[name]] for row in exports[name] if not row[column]} - {""})

    # Copies of refused rows may repeat a prospect under another key, hence the small tolerance.
    assert unlinked("Contacts", "Household No") + unlinked("Leads", "Household No") == pytest.approx(150, abs=4)
    assert unlinked("客户", "家庭编号") == pytest.approx(150, abs=4)


def test_deals_and_follow_ups_belong_to_records_that_exist(exports: dict[str, Rows]) -> None:
    assert {row["Contact Name.id"] for row in exports["Deals"]} <= {row["Record Id"] for row in exports["Contacts"]}
    known = {row["客户编号"] for row in exports["客户"]}
    assert {row["客户编号"] for row in exports["销售记录"]} <= known
    assert {row["客户编号"] for row in exports["联系人"]} - {""} <= known


@pytest.mark.parametrize("name", EXPORTS)
def test_every_time_lies_between_the_start_of_the_crm_and_the_end_of_2017(name: str, exports: dict[str, Rows]) -> None:
    moments = list(_times(exports[name], TIMES[name]))
    assert min(moments).date() >= (date(2017, 1, 1) if name == "销售记录" else date(2016, 10, 1))
    assert max(moments).date() <= date(2017, 12, 31)


@pytest.mark.parametrize(
    ("name", "created", "modified"),
    [
        ("Contacts", *TIMES["Contacts"][:2]),
        ("Deals", *TIMES["Deals"]),
        ("Leads", *TIMES["Leads"]),
        ("客户", *TIMES["客户"]),
        ("联系人", *TIMES["联系人"][:2]),
    ],
)
def test_nothing_is_modified_before_it_was_made(
    name: str, created: str, modified: str, exports: dict[str, Rows]
) -> None:
    spans = [(_parse(row[created]), _parse(row[modified])) for row in exports[name]]
    assert all(first <= last for first, last in spans if first is not None and last is not None)


def test_dirty_rows_are_as_many_of_each_kind_as_declared(exports: dict[str, Rows]) -> None:
    codes = {"Contacts": ("Do Not Contact", {"true", "false"}), "Deals": ("Stage", set(sample_crm._STAGES))}
    codes |= {"客户": ("省", {"纽约州", "新泽西州", "宾夕法尼亚州", "马萨诸塞州", "康涅狄格州"})}
    codes |= {
        "联系人": ("电话同意", {"是", "否", ""}),
        "销售记录": ("跟进方式", {"电话", "微信", "邮件", "短信", "拜访", "服务"}),
    }
    for name, rows in exports.items():
        key = KEYS[name]
        keys = Counter(row[key] for row in rows if row[key])
        phones = [row.get("Mobile", "") + row.get("电话", "") for row in rows]
        found = {
            "impossible_date": sum(
                any(row[time] and _parse(row[time]) is None for time in TIMES[name]) for row in rows
            ),
            "missing_key": sum(not row[key] for row in rows),
            "not_a_number": sum(row.get("Amount") == "N/A" for row in rows),
            "phone_with_letters": sum(bool(re.search("[A-Za-z]", phone)) for phone in phones),
            "full_width_digits": sum(bool(re.search("[０-９]", phone)) for phone in phones),
        }
        if name in codes:
            column, known = codes[name]
            found["unknown_code"] = sum(row[column].strip() not in known for row in rows)
        if name != "联系人":  # a customer may have two contacts there
            found["duplicate_id"] = sum(count - 1 for count in keys.values())
        declared = {kind: count for kind, count in sample_crm.DIRTY[name].items() if kind != "spaces"}
        assert {kind: count for kind, count in found.items() if count} == declared, name


def test_dirty_rows_are_few_enough_to_land(exports: dict[str, Rows]) -> None:
    for name, rows in exports.items():
        dirty = sample_crm.DIRTY[name]
        refused = sum(count for kind, count in dirty.items() if kind in sample_crm.REFUSED_KINDS)
        assert 0.003 <= sum(dirty.values()) / len(rows) <= 0.0101, name
        assert refused / len(rows) < 0.02, name


def test_nobody_can_be_reached(exports: dict[str, Rows]) -> None:
    for row in (*exports["Contacts"], *exports["Leads"], *exports["客户"], *exports["联系人"]):
        phone = row.get("Mobile", "") + row.get("电话", "") + row.get("手机", "")
        email = (row.get("Email", "") + row.get("邮件", "")).strip()
        digits = re.sub("[^0-9]", "", unicodedata.normalize("NFKC", phone))
        assert not digits or re.search(r"55501..$", digits), phone
        assert not email or re.fullmatch(r"generated\.\d{4}@example\.(com|org|cn)", email), email
        assert not row.get("微信号") or row["微信号"].startswith("wx_generated_")


def test_invented_phones_pass_as_valid_numbers_and_belong_to_one_person_each() -> None:
    people = invent_people(sample_crm._stream(1), 3_000)
    assert len({person.international_phone for person in people}) == len(people)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(person.international_phone)) for person in people)


@pytest.mark.parametrize("label", ["电话", "微信", "短信", "邮件"])
def test_half_to_three_quarters_of_the_answers_grant_consent(label: str, exports: dict[str, Rows]) -> None:
    answers = [row[f"{label}同意"].strip() for row in exports["联系人"] if row[f"{label}同意"]]
    assert 0.5 <= answers.count("是") / len(answers) <= 0.75


def test_some_consents_are_withdrawn_later_and_some_complaints_stay_open(exports: dict[str, Rows]) -> None:
    withdrawn = [row for row in exports["联系人"] if row["退订时间"]]
    assert len(withdrawn) > 100
    assert all(row["退订时间"] > row[f"{row['退订渠道']}同意时间"] for row in withdrawn)
    complaints = [row for row in exports["销售记录"] if row["是否投诉"] == "是"]
    still_open = [row for row in complaints if not row["解决时间"]]
    assert len(complaints) > 100
    assert 0 < len(still_open) < len(complaints) / 3


def test_a_reason_is_given_exactly_where_a_consent_was_withdrawn(exports: dict[str, Rows]) -> None:
    assert all(bool(row["退订原因"]) == bool(row["退订时间"]) for row in exports["联系人"])


def test_one_in_six_who_granted_a_consent_withdraws_one(exports: dict[str, Rows]) -> None:
    granted = [
        row for row in exports["联系人"] if "是" in (row[f"{label}同意"] for label in ("电话", "微信", "短信", "邮件"))
    ]
    assert sum(bool(row["退订时间"]) for row in granted) / len(granted) == pytest.approx(0.16, abs=0.03)


def test_one_household_in_twenty_has_a_second_contact_whom_nobody_asked(exports: dict[str, Rows]) -> None:
    second = [row for row in exports["联系人"] if row["主要联系人"] == "否"]
    households = {row["客户编号"] for row in exports["客户"] if row["家庭编号"]}
    assert len(second) / len(households) == pytest.approx(0.05, abs=0.015)
    assert not any(row[column] for row in second for column in row if "同意" in column or "退订" in column)


@pytest.mark.parametrize(
    ("name", "column", "shares"),
    [
        ("客户", "客户级别", {"A级": 0.15, "B级": 0.35, "C级": 0.5}),
        ("客户", "决策角色", {"决策者": 0.6, "影响者": 0.15, "使用者": 0.25}),
        ("客户", "偏好渠道", {"电话": 0.15, "微信": 0.4, "短信": 0.1, "邮件": 0.15, "": 0.2}),
        ("Deals", "Stage", {stage: share for stage, (_, share) in sample_crm._STAGES.items()}),
    ],
)
def test_answers_are_spread_as_in_a_company(
    name: str, column: str, shares: dict[str, float], exports: dict[str, Rows]
) -> None:
    found = Counter(row[column].strip() for row in exports[name])
    assert {value: found[value] / found.total() for value in shares} == pytest.approx(shares, abs=0.04)


def test_awkward_names_stay_text(inbox: Path, exports: dict[str, Rows]) -> None:
    assert any(
        row["Last Name"] == "O'Brien, Jr." and row["First Name"] == 'Robert "Bob"' for row in exports["Contacts"]
    )
    names = "".join(row["客户名称"] for row in exports["客户"])
    assert all(character in names for character in "翀堃䶮𬎆")
    cells = openpyxl.load_workbook(inbox / "fxiaoke" / "客户.xlsx").worksheets[0]["A"]
    formulas = [cell for cell in cells if str(cell.value).startswith("=")]
    assert all(cell.data_type == "s" for cell in formulas)


def test_the_generated_side_says_so_wherever_it_shows(inbox: Path) -> None:
    for folder in ("zoho", "fxiaoke"):
        assert "GENERATED" in (inbox / folder / "README.md").read_text(encoding="utf-8")
    for name in EXPORTS[3:]:
        assert "generated" in str(openpyxl.load_workbook(inbox / "fxiaoke" / f"{name}.xlsx").properties.title)
    sources = load_settings().sources.sources
    generated = {
        source.name for source in sources if any("inbox/complete" not in read.path[0] for read in source.reads)
    }
    assert generated == {"zoho_generated", "fxiaoke_generated"}


def test_landing_refuses_the_rows_made_to_be_refused_and_no_other(inbox: Path, tmp_path: Path) -> None:
    shutil.copytree(inbox, tmp_path / "inbox")
    settings = load_settings(data=tmp_path)
    landed = land(settings, now=datetime(2018, 1, 2, tzinfo=UTC), sources=["zoho_generated", "fxiaoke_generated"])

    refused: Counter[tuple[str, str]] = Counter()
    for batch in landed.batches:
        refused[Path(batch.source_file).stem.removesuffix("_2018_01_01"), batch.entity] += (
            batch.rejected - batch.excluded
        )
    declared = {
        name: sum(count for kind, count in kinds.items() if kind in sample_crm.REFUSED_KINDS)
        for name, kinds in sample_crm.DIRTY.items()
    }
    assert {place: count for place, count in refused.items() if count} == {
        ("Contacts", "customers"): declared["Contacts"],
        ("Leads", "customers"): declared["Leads"],
        ("Leads", "leads"): declared["Leads"],
        ("Deals", "opportunities"): declared["Deals"],
        ("客户", "customers"): declared["客户"],
        ("联系人", "consents"): declared["联系人"],
        ("销售记录", "interactions"): declared["销售记录"],
    }
