"""What a row tells whoever contacts the customer: the offer, the script, the habits, and where the outcome goes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest
import yaml
from landing_workshop import Workshop
from marts_fixture import CAMPAIGN_ID

from dagster_project.landing import land
from dagster_project.publishing.audit import read_records
from dagster_project.publishing.list_words import HEADINGS, OUTCOMES
from dagster_project.publishing.lists import DayLists, write_lists
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import RESULT_FIELDS, Language, ListField, PublishingSettings
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

DAY = date(2018, 1, 1)
NOW = datetime(2018, 1, 2, 6, 30, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=tmp_path, config=tmp_path / "config", data=tmp_path / "data")


@pytest.fixture
def write(marts, paths, publishing_settings):
    def write(settings: PublishingSettings = publishing_settings) -> DayLists:
        return write_lists(
            marts, paths=paths, settings=settings, day=DAY, currency="USD", now=NOW, who="strata run", why="daily list"
        )

    return write


@pytest.fixture
def telesales(marts: duckdb.DuckDBPyConnection, write, publishing_settings):
    """The telesales list in a language, by customer, after `changes` to the details of all who are on it."""

    def telesales(language: Language = Language.ENGLISH, **details: Any) -> dict[str, dict[str, str]]:
        for name, value in details.items():
            table = "reactivation_list" if name == "silence_cause" else "reactivation_list_details"
            marts.execute(f"update marts.{table} set {name} = ?", [value])
        lists = write(publishing_settings.model_copy(update={"language": language}))
        heading = "Customer" if language is Language.ENGLISH else "客户编号"
        return {row[heading]: row for row in read_csv(lists.lists[0].csv)}

    return telesales


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def with_targets(settings: PublishingSettings, **switched: bool) -> PublishingSettings:
    return PublishingSettings.model_validate(
        {
            **settings.model_dump(by_alias=True),
            "lists": {name: {"enabled": is_on} for name, is_on in switched.items()},
        }
    )


@pytest.mark.parametrize(
    ("cause", "need", "english", "chinese"),
    [
        (
            "after_complaint",
            "price",
            "Settle the complaint first; a small gift, no selling",
            "先解决投诉并致歉，附小礼，不推销",
        ),
        ("one_time_buyer", "price", "A discount on the second order", "第二单优惠"),
        ("one_time_buyer", "unknown", "What goes with the first purchase", "与首购商品搭配的商品"),
        ("seasonal", "balanced", "A reminder before their season, delivery reserved", "应季提醒，预留交期"),
        ("fading", None, "A call by their own contact: what was missing", "专属客服回访，了解缺憾"),
    ],
)
def test_the_offer_follows_from_the_cause_and_the_type_of_need(telesales, cause, need, english, chinese) -> None:
    assert {row["Offer"] for row in telesales(silence_cause=cause, need_type=need).values()} == {english}
    assert {row["建议优惠"] for row in telesales(Language.CHINESE).values()} == {chinese}


def test_the_script_is_the_playbook_s_for_the_class_of_the_customer_in_its_language(marts, telesales) -> None:
    feature, evidence = marts.execute(
        "select feature_zh, evidence_zh from marts.segment_playbook "
        "where dimension = 'value_potential' and class = 'star'"
    ).fetchone()
    rows = telesales(Language.CHINESE, plan_dimension="value_potential", plan_class="star")
    for row in rows.values():
        lines = row["话术要点"].split("\n")
        assert [line.partition("：")[0] for line in lines] == ["特点", "优势", "利益", "证据"]
        assert lines[0] == f"特点：{feature}"
        assert lines[3] == f"证据：{evidence}"


def test_a_customer_without_a_plan_has_no_script(telesales) -> None:
    assert {row["Talking points"] for row in telesales(plan_class=None).values()} == {""}


@pytest.mark.parametrize(
    ("hour", "shown"), [(0, ""), (8, ""), (9, "09:00–10:00"), (19, "19:00–20:00"), (20, ""), (None, "")]
)
def test_the_best_hour_is_one_in_which_people_may_be_called(telesales, hour, shown) -> None:
    assert {row["Best hour"] for row in telesales(usual_hour=hour).values()} == {shown}


def test_habits_and_worth_are_numbers_and_words(telesales) -> None:
    rows = telesales(
        best_weekday=7,
        preferred_channel="wechat",
        median_gap_days=Decimal("14.50"),
        revenue_before_silence=Decimal("1234.5"),
        expected_value=Decimal("99.994999"),
        top_category="茶叶 & Tea",
    )
    for row in rows.values():
        assert (row["Best day"], row["Prefers"], row["Favourite category"]) == ("Sunday", "WeChat", "茶叶 & Tea")
        assert row["Used to buy every (days)"] == "15"
        assert row["Worth before the silence (USD)"] == "1234.50"
        assert row["Worth expected (USD)"] == "99.99"


def test_products_are_named_in_their_order_and_none_is_an_empty_cell(telesales) -> None:
    rows = telesales(last_purchases=["Green tea", "紫砂壶"], next_products=["Whisk", "茶杯", "=Cup"])
    assert {(row["Bought last"], row["Products to offer"]) for row in rows.values()} == {
        ("Green tea; 紫砂壶", "Whisk; 茶杯; =Cup")
    }
    for row in telesales(Language.CHINESE).values():
        assert row["推荐商品"] == "Whisk；茶杯；=Cup"


def test_a_name_that_several_products_share_is_said_once_and_never_offered_to_who_bought_it(telesales) -> None:
    rows = telesales(last_purchases=["Tea", "Tea", "Cup"], next_products=["Pot", "Cup", "Pot"])
    assert {(row["Bought last"], row["Products to offer"]) for row in rows.values()} == {("Tea; Cup", "Pot")}


def test_a_customer_without_order_lines_is_offered_no_product(telesales) -> None:
    rows = telesales(last_purchases=None, next_products=[])
    assert {(row["Bought last"], row["Products to offer"]) for row in rows.values()} == {("", "")}


def test_a_channel_name_of_the_crm_s_own_is_shown_as_it_is(telesales) -> None:
    assert {row["Prefers"] for row in telesales(preferred_channel="企业微信").values()} == {"企业微信"}


def test_a_task_is_named_by_campaign_registry_number_and_channel_and_stays_through_a_merge(marts, telesales) -> None:
    before = {row["Task"] for row in telesales().values()}
    expected = marts.execute(
        "select campaign_id || ':' || registry_id || ':telesales' from marts.reactivation_list "
        "where channel = 'telesales' and arm = 'treated'"
    ).fetchall()
    assert before == {task for (task,) in expected}
    assert all(task.startswith(f"{CAMPAIGN_ID}:") for task in before)
    marts.execute("update identity.customer_aliases set customer_id = 9000 + customer_id")
    marts.execute("update personal.customer_contacts set customer_id = 9000 + customer_id")
    assert {row["Task"] for row in telesales().values()} == before


def test_lists_differ_in_what_they_tell_and_a_bulk_message_is_given_next_to_nothing(write) -> None:
    headings = {entry.channel: set(read_csv(entry.csv)[0]) for entry in write().lists}
    assert {"Talking points", "Worth expected (USD)", "Prefers"} <= headings["telesales"] - headings["wechat"]
    assert "Plan" in headings["wechat"] - headings["telesales"]
    assert headings["sms"] == {"Rank", "Phone", "Offer", "Consent", "Customer", "Task"}
    assert headings["email"] == {"Rank", "Name", "E-mail", "Offer", "Products to offer", "Consent", "Customer", "Task"}


@pytest.mark.parametrize("language", Language)
def test_the_columns_to_fill_in_are_empty_and_offer_a_few_outcomes(write, publishing_settings, language) -> None:
    entry = write(publishing_settings.model_copy(update={"language": language})).lists[0]
    sheet = openpyxl.load_workbook(entry.xlsx).worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    names = ("Worked at", "Outcome") if language is Language.ENGLISH else ("联系时间", "联系结果")
    for name in names:
        index = headings.index(name)
        assert {row[index].value for row in sheet.iter_rows(min_row=2)} == {None}
    (validation,) = sheet.data_validations.dataValidation
    assert validation.formula1.strip('"').split(",")[0] in {"Reached", "已接通"}


def test_every_field_has_a_heading_and_can_be_shown_in_both_languages(marts, write, publishing_settings) -> None:
    document = publishing_settings.model_dump(by_alias=True)
    document["reactivation"]["channels"][0]["fields"] = list(ListField)
    for language in Language:
        settings = PublishingSettings.model_validate({**document, "language": language})
        rows = read_csv(write(settings).lists[0].csv)
        assert len(rows[0]) == len(ListField)
        empty = {heading for heading in rows[0] if not any(row[heading] for row in rows)}
        assert len(empty) == len(RESULT_FIELDS), empty


def test_a_parquet_list_holds_the_same_words_under_the_codes_of_its_fields(paths, write, publishing_settings) -> None:
    settings = with_targets(publishing_settings, csv=True, xlsx=False, parquet=True)
    lists = write(settings)
    for entry in lists.lists:
        file = entry.csv.with_suffix(".parquet")
        assert file.stat().st_mode & 0o777 == 0o600
        assert not entry.xlsx.exists()
        table = pq.read_table(file)
        shown = read_csv(entry.csv)
        assert table["task_id"].to_pylist() == [row["Task"] for row in shown]
        assert table["offer"].to_pylist() == [row["Offer"] for row in shown]
        (channel,) = (each for each in settings.reactivation.channels if each.name == entry.channel)
        fields = [field.value for field in channel.fields if field not in RESULT_FIELDS]
        assert set(table.column_names) == {"campaign_id", "channel", *fields}
    records = read_records(paths.audit / "list_exports.jsonl")
    assert records[0]["files"] == ["telesales.csv", "telesales.parquet"]


def test_a_form_that_is_switched_off_leaves_no_file_that_nobody_keeps_up(paths, write, publishing_settings) -> None:
    write(with_targets(publishing_settings, csv=True, xlsx=True, parquet=True))
    write(with_targets(publishing_settings, csv=False, xlsx=True, parquet=False))
    assert {file.suffix for file in paths.lists.rglob("*.*")} == {".xlsx"}


def test_a_list_that_is_written_nowhere_is_still_issued(paths, write, publishing_settings) -> None:
    write(with_targets(publishing_settings, csv=False, xlsx=False))
    assert not list(paths.lists.rglob("*.*"))
    assert list(paths.assignments.rglob("*.parquet"))


def test_the_offers_of_the_shipped_settings_are_all_used(publishing_document) -> None:
    offers = publishing_document["reactivation"]["offers"]
    assert {code for row in offers["by_cause"].values() for code in row.values()} == set(offers["words"])


def test_lists_and_outcome_words_are_what_the_example_source_reads_back() -> None:
    path = EXAMPLES / "sources-list-results.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    reads = document["sources"][0]["reads"]
    for read, language in zip(reads, Language, strict=True):
        columns = read["columns"]
        assert columns["task_id"] == HEADINGS[ListField.TASK_ID][language]
        assert columns["worked_at"]["from"] == HEADINGS[ListField.WORKED_AT][language]
        assert columns["outcome"]["from"] == HEADINGS[ListField.OUTCOME][language]
        assert set(OUTCOMES[language][:-1]) == set(columns["outcome"]["values"]) - {"*"}


@pytest.mark.parametrize(
    ("language", "folder", "outcome"),
    [(Language.ENGLISH, "list_results", "Interested"), (Language.CHINESE, "名单结果", "有意向")],
)
def test_a_list_filled_in_by_hand_comes_back_as_results(
    write, publishing_settings, tmp_path, language, folder, outcome
) -> None:
    entry = write(publishing_settings.model_copy(update={"language": language})).lists[0]
    book = openpyxl.load_workbook(entry.xlsx)
    headings = [cell.value for cell in book.worksheets[0][1]]
    row = book.worksheets[0][3]
    worked_at, came_of_it, task, owner = (
        headings.index(HEADINGS[field][language])
        for field in (ListField.WORKED_AT, ListField.OUTCOME, ListField.TASK_ID, ListField.OWNER)
    )
    row[worked_at].value = datetime(2018, 1, 2, 10, 30)  # noqa: DTZ001  a spreadsheet's times name no zone
    row[came_of_it].value = outcome
    workshop = Workshop(tmp_path / "landing")
    target = workshop.paths.data / "inbox" / folder / "telesales.xlsx"
    target.parent.mkdir(parents=True)
    book.save(target)
    settings = workshop.settings(
        "\n  - name: none\n    reads:\n      - entity: campaigns\n        path: none.csv\n"
        "        columns: {campaign_id: id}\n"
    )
    land(replace(settings, sources=load_model(EXAMPLES / "sources-list-results.yaml", SourcesSettings)), now=NOW)
    assert workshop.rows("select task_id, worked_at, outcome, owner from list_results") == [
        (row[task].value, datetime(2018, 1, 2, 15, 30, tzinfo=UTC), "interested", row[owner].value)
    ]
    assert entry.rows > 2
