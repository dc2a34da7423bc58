"""Lists go to a CRM as tasks keyed by our ids: what the list holds and no more, whom it may show, and only once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from crm_workshop import DAY, FXIAOKE, NOW, ZOHO, Desk, both, paths_below
from fxiaoke_server import USER, FxiaokeServer, milliseconds
from fxiaoke_server import Misbehaving as FxiaokeMisbehaving
from hypothesis import given
from hypothesis import strategies as st
from landing_workshop import Workshop
from zoho_server import Misbehaving, Written, ZohoServer

from dagster_project.landing import land
from dagster_project.publishing.assignments import issue
from dagster_project.publishing.audit import read_records
from dagster_project.publishing.crm import pushing
from dagster_project.publishing.crm.records import Done, differences
from dagster_project.publishing.crm.tasks import masked
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.zoho_crm import asking

CONSENTS = """
  - name: grocery
    kind: files
    reads:
      - entity: consents
        path: inbox/*.csv
        columns:
          customer_ref: who
          channel: {constant: phone}
          occurred_at: {from: at, formats: iso}
          is_granted: granted
"""


ZOHO_RESULTS = """
    reads:
      - entity: list_results
        module: Tasks
        where: {Outcome: {present: true}}
        columns:
          task_id: Strata_Task_ID
          worked_at: Worked_At
          outcome: {from: Outcome, values: {Interested: interested, "*": other}}
"""
FXIAOKE_RESULTS = """
    reads:
      - entity: list_results
        object: reactivation__c
        where: {outcome__c: {present: true}}
        columns:
          task_id: task_id__c
          worked_at: {from: worked_at__c, formats: epoch_ms}
          outcome: outcome__c
"""


@pytest.fixture(scope="module")
def zoho_server() -> Iterator[ZohoServer]:
    with ZohoServer({}) as server:
        yield server


@pytest.fixture(scope="module")
def fxiaoke_server() -> Iterator[FxiaokeServer]:
    with FxiaokeServer({}) as server:
        yield server


@pytest.fixture
def desk(
    request: pytest.FixtureRequest,
    marts: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    publishing_settings: PublishingSettings,
    zoho_server: ZohoServer,
    fxiaoke_server: FxiaokeServer,
) -> Desk:
    kind = getattr(request, "param", "zoho")
    paths = paths_below(tmp_path)
    if kind == "fxiaoke":
        fxiaoke_server.become_new({"reactivation__c": []})
        return Desk(marts, paths, publishing_settings, fxiaoke_server, FXIAOKE)
    asking._tokens.clear()
    zoho_server.become_new({"Reactivations": [], "Tasks": []})
    zoho_server.unique = {"Reactivations": ("Strata_Task_ID",)}
    document = ZOHO if kind == "zoho" else {**ZOHO, "module": "Tasks"}
    return Desk(marts, paths, publishing_settings, zoho_server, document)


def written(desk: Desk) -> int:
    return len(desk.server.written)


@both
def test_every_treated_customer_of_the_channel_becomes_one_task_and_no_control_customer(desk: Desk) -> None:
    push = desk.push()
    assert desk.listed
    assert list(desk.records) == desk.keys
    assert push.count(Done.CREATED) == len(desk.keys) == len(push.outcomes)
    control = desk.con.execute("select registry_id from marts.reactivation_list where arm = 'control'").fetchall()
    assert control
    assert not {f":{number}:" for (number,) in control} & {f":{key.split(':')[1]}:" for key in desk.records}


@both
def test_a_task_holds_what_the_list_shows_and_nothing_else(desk: Desk) -> None:
    desk.push()
    names = {desk.target.key_field, *desk.target.fields, *desk.target.on_create}
    words = dict(
        desk.con.execute("select code, label_en from control.labels where dimension = 'silence_cause'").fetchall()
    )
    for row in desk.listed:
        record = desk.records[f"{row['campaign_id']}:{row['registry_id']}:telesales"]
        assert record[desk.person("name")] == row["name"]
        assert record[desk.person("contact")] == row["phone"]
        assert record[desk.person("recency_days")] == row["recency_days"]
        assert Decimal(str(record[desk.person("average_order_value")])) == round(row["average_order_value"], 2)
        assert record[desk.person("silence_cause")] == words[row["silence_cause"]]
    everything = {name for record in desk.records.values() for name in record}
    kept_by_the_system = {"id", "Owner", "Created_Time", "Modified_Time"} | {
        "_id", "owner", "owner__r", "created_by", "life_status", "lock_status", "record_type", "is_deleted", "version",
        "create_time", "last_modified_time",
    }  # fmt: skip
    assert everything - kept_by_the_system == names


def test_days_and_amounts_are_written_as_each_system_takes_them(desk: Desk) -> None:
    desk.push()
    row, record = desk.listed[0], desk.records[desk.keys[0]]
    assert record["Last_purchase"] == row["last_order_on"].isoformat()
    assert record["Due_Date"] == "2018-01-01"
    assert record["Subject"] == "Wake up, reactivation-2018-01"


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
def test_days_of_fxiaoke_are_midnight_of_the_business_and_amounts_are_text(desk: Desk) -> None:
    desk.push()
    record = desk.records[desk.keys[0]]
    assert record["due__c"] == 1514736000000  # 2018-01-01 00:00 in Shanghai
    assert isinstance(record["average_order__c"], str)
    assert record["owner"] == [USER]


@both
def test_a_push_again_writes_nothing_and_leaves_no_record(desk: Desk) -> None:
    desk.push()
    before = (json.dumps(desk.records, default=str), written(desk))
    again = desk.push(NOW + timedelta(hours=3))
    assert (json.dumps(desk.records, default=str), written(desk)) == before
    assert {outcome.done for outcome in again.outcomes} == {Done.UNCHANGED}
    assert len(read_records(desk.paths.audit / pushing.CRM_PUSHES)) == 2  # of the first push


@both
def test_what_changed_is_written_and_only_that_and_what_people_wrote_stays(desk: Desk) -> None:
    desk.push()
    status = next(iter(desk.target.on_create))
    contact = desk.person("contact")
    desk.change(desk.keys[0], **{status: "done by Ann"})
    desk.con.execute(
        "update personal.customer_contacts set phone = '+16065550000' where customer_id = ?",
        [desk.listed[0]["customer_id"]],
    )
    before = written(desk)
    push = desk.push()
    assert push.count(Done.UPDATED) == 1
    assert push.count(Done.UNCHANGED) == len(desk.keys) - 1
    assert desk.records[desk.keys[0]][contact] == "+16065550000"
    assert desk.records[desk.keys[0]][status] == "done by Ann"
    assert written(desk) == before + 1


@both
def test_who_may_not_be_contacted_any_more_gets_no_task_and_loses_the_one_there(desk: Desk) -> None:
    gone = desk.listed[0]["customer_id"]
    never = desk.listed[1]["customer_id"]
    keys = desk.keys
    desk.con.execute("delete from personal.customer_contacts where customer_id = ?", [never])
    desk.push()
    assert keys[1] not in desk.records
    desk.con.execute("update personal.customer_contacts set phone = ' ' where customer_id = ?", [gone])
    push = desk.push()
    assert push.count(Done.WITHDRAWN) == 1
    record = desk.records[keys[0]]
    assert record[desk.person("name")] is None
    assert record[desk.person("contact")] is None
    assert record[next(iter(desk.target.on_withdrawal))] in ("Deferred", "withdrawn")
    assert keys[1] not in desk.records
    again = desk.push()
    assert not again.count(Done.WITHDRAWN)
    assert desk.tasks().left_out == {"telesales": 2}


@both
def test_a_withdrawal_that_landed_after_the_list_was_built_takes_the_person_out_of_the_crm(desk: Desk) -> None:
    shop = Workshop(desk.paths.root)
    who = [str(row["customer_id"]) for row in desk.listed]
    shop.write("granted.csv", "who,at,granted\n" + "".join(f"{each},2017-06-01T10:00:00Z,true\n" for each in who))
    shop.land(CONSENTS)
    assert desk.push().count(Done.CREATED) == len(who)
    shop.write("withdrawn.csv", f"who,at,granted\n{who[0]},2018-01-02T05:00:00Z,false\n")
    shop.land(CONSENTS)
    push = desk.push()
    assert (push.count(Done.WITHDRAWN), push.count(Done.UNCHANGED)) == (1, len(who) - 1)
    record = desk.records[desk.keys[0]]
    assert (record[desk.person("name")], record[desk.person("contact")]) == (None, None)
    ended = read_records(desk.paths.audit / pushing.CRM_PUSHES)[-1]
    assert (ended["state"], ended["withdrawn"]) == ("ended", 1)


@both
def test_the_person_goes_out_of_the_crm_before_anything_else_is_written(desk: Desk) -> None:
    gone, new = desk.listed[0]["customer_id"], desk.listed[1]["customer_id"]
    desk.con.execute("create table kept as from personal.customer_contacts")
    desk.con.execute("delete from personal.customer_contacts where customer_id = ?", [new])
    desk.push()
    desk.con.execute("insert into personal.customer_contacts from kept where customer_id = ?", [new])
    desk.con.execute("delete from personal.customer_contacts where customer_id = ?", [gone])
    before = written(desk)
    push = desk.push()
    assert (push.count(Done.WITHDRAWN), push.count(Done.CREATED)) == (1, 1)
    first = desk.server.written[before]
    sent = first.document["data"][0] if isinstance(first, Written) else first[1]["data"]["object_data"]
    assert sent[desk.person("contact")] is None


def test_a_withdrawal_reaches_the_tasks_of_campaigns_that_are_over(desk: Desk) -> None:
    desk.push()
    january, gone = desk.keys, desk.listed[0]["customer_id"]
    desk.con.execute("delete from marts.reactivation_list where customer_id = ?", [gone])
    columns = [name for name, *_ in desk.con.execute("describe marts.reactivation_list").fetchall()]
    days = ", ".join(f"{name} = '2018-02-01'" for name in columns if name in ("as_of_date", "entered_on"))
    desk.con.execute(f"update marts.reactivation_list set {days}, campaign_id = 'reactivation-2018-02'")
    desk.day = date(2018, 2, 1)
    issue(desk.con, desk.paths, desk.day)
    desk.con.execute("delete from personal.customer_contacts where customer_id = ?", [gone])
    push = desk.push()
    assert (push.count(Done.CREATED), push.count(Done.WITHDRAWN)) == (len(january) - 1, 1)
    assert desk.records[january[0]]["Phone"] is None
    assert desk.records[january[1]]["Phone"]


@both
def test_a_record_that_is_refused_is_told_with_its_reason_and_the_others_are_written(desk: Desk) -> None:
    bad = desk.keys[1]
    key_field = desk.target.key_field
    if isinstance(desk.server, ZohoServer):
        desk.server.refuse = lambda record: ("INVALID_DATA", "Phone") if record.get(key_field) == bad else None
    else:
        desk.server.refuse = lambda record: "电话格式不正确" if record.get(key_field) == bad else None
    push = desk.push()
    assert [outcome.key for outcome in push.refused] == [bad]
    assert "Phone" in str(push.refused[0].reason) or "电话" in str(push.refused[0].reason)
    assert set(desk.records) == set(desk.keys) - {bad}
    ended = read_records(desk.paths.audit / pushing.CRM_PUSHES)[-1]
    assert (ended["state"], ended["created"], ended["refused"]) == ("ended", len(desk.keys) - 1, 1)
    desk.server.refuse = lambda _: None
    assert desk.push().count(Done.CREATED) == 1
    assert set(desk.records) == set(desk.keys)


@both
def test_an_answer_that_is_lost_after_the_work_was_done_makes_no_task_twice(desk: Desk) -> None:
    desk.server.loses_answers_to_writes = 1
    if desk.target.place == "Reactivations":
        desk.push()  # an upsert is simply sent again
    else:
        with pytest.raises(SourceUnavailable, match="A push again sends what is missing"):
            desk.push()
        assert read_records(desk.paths.audit / pushing.CRM_PUSHES)[-1]["state"] == "broke off"
    desk.push()
    assert list(desk.records) == desk.keys  # none twice: see `records`


@both
def test_what_leaves_is_on_record_before_it_leaves_and_the_record_holds_no_person(desk: Desk) -> None:
    seen: list[list[dict[str, Any]]] = []
    path = desk.paths.audit / pushing.CRM_PUSHES
    desk.server.refuse = lambda _: seen.append(read_records(path))  # type: ignore[func-returns-value]
    desk.push()
    begun, ended = read_records(path)
    assert seen[0] == [begun]
    assert {name: begun[name] for name in ("at", "who", "why", "day", "crm", "place", "state", "to_create")} == {
        "at": NOW.isoformat(), "who": "ann", "why": "strata push", "day": "2018-01-01", "crm": "crm",
        "place": desk.target.place, "state": "begun", "to_create": len(desk.keys),
    }  # fmt: skip
    assert begun["fields"] == [field.value for field in desk.target.fields.values()]
    assert begun["contact_points"] == ["phone"]
    assert begun["consent_basis"] == {"recorded": len(desk.keys)}
    assert (ended["state"], ended["created"]) == ("ended", len(desk.keys))
    text = path.read_text()
    assert not [row for row in desk.listed if row["name"] in text or row["phone"] in text]
    assert path.stat().st_mode & 0o777 == 0o600


@both
def test_a_comparison_asks_and_writes_nothing(desk: Desk) -> None:
    comparison = desk.compare()
    assert [task.key for task in comparison.missing] == desk.keys
    assert not written(desk)
    assert not (desk.paths.audit / pushing.CRM_PUSHES).exists()


def test_two_pushes_at_once_are_refused(desk: Desk) -> None:
    with pushing._one_at_a_time(desk.paths), pytest.raises(PublishingError, match="Another push to a CRM runs"):
        desk.push()
    assert not desk.server.asked
    assert desk.push().count(Done.CREATED) == len(desk.keys)


def test_zoho_is_sent_a_hundred_records_at_a_time_and_asked_for_fifty(desk: Desk) -> None:
    many(desk, 230)
    assert desk.push().count(Done.CREATED) == 230
    assert [len(each.document["data"]) for each in desk.server.written] == [100, 100, 30]
    assert {each.path for each in desk.server.written} == {"/v8/Reactivations/upsert"}
    assert desk.server.written[0].document["duplicate_check_fields"] == ["Strata_Task_ID"]
    assert desk.server.written[0].document["trigger"] == []
    assert sum(asked.path == "/v8/coql" for asked in desk.server.asked) == 5
    assert {outcome.done for outcome in desk.push().outcomes} == {Done.UNCHANGED}


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
def test_fxiaoke_is_asked_for_fifty_tasks_at_a_time_and_written_one_by_one(desk: Desk) -> None:
    many(desk, 130)
    assert desk.push().count(Done.CREATED) == 130
    assert [len(query["data"]["search_query_info"]["filters"][0]["field_values"]) for query in desk.server.queries] == [
        50, 50, 30,
    ]  # fmt: skip
    assert {path for path, _ in desk.server.written} == {"/cgi/crm/custom/v2/data/create"}
    assert desk.server.written[0][1]["triggerWorkFlow"] is False
    assert "CRM crm: 100 of 130 records made" in desk.said


@pytest.mark.parametrize("desk", ["zoho_tasks"], indirect=True)
def test_a_task_that_coql_does_not_show_yet_is_changed_where_zoho_says_it_is(desk: Desk) -> None:
    desk.server.unique = {"Tasks": ("Strata_Task_ID",)}
    desk.push()
    desk.server.hidden_from_coql = {record["id"] for record in desk.records.values()}
    push = desk.push()
    assert push.count(Done.UPDATED) == len(desk.keys)
    assert list(desk.records) == desk.keys


def test_a_sales_rep_gets_their_tasks_and_a_task_leads_to_the_customer(desk: Desk, publishing_settings) -> None:
    desk.configure(
        publishing_settings,
        {**ZOHO, "owners": {"Li Na 李娜": "4970762000000999"}, "customer_field": "Account", "customers_of": "grocery"},
    )
    desk.push()
    for row, key in zip(desk.listed, desk.keys, strict=True):
        assert desk.records[key]["Owner"] == {"id": "4970762000000999"}
        assert desk.records[key]["Account"] == {"id": str(row["customer_id"])}
    assert desk.push().count(Done.UNCHANGED) == len(desk.keys)


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
def test_a_task_of_fxiaoke_has_its_rep_and_leads_to_the_customer(desk: Desk, publishing_settings) -> None:
    links = {"owners": {"Li Na 李娜": "FSUID_77"}, "customer_field": "account__c", "customers_of": "grocery"}
    desk.configure(publishing_settings, {**FXIAOKE, **links})
    desk.push()
    for row, key in zip(desk.listed, desk.keys, strict=True):
        assert desk.records[key]["owner"] == ["FSUID_77"]
        assert desk.records[key]["account__c"] == str(row["customer_id"])
    assert desk.push().count(Done.UNCHANGED) == len(desk.keys)


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
def test_a_task_that_people_made_invalid_is_left_alone(desk: Desk) -> None:
    desk.push()
    desk.change(desk.keys[0], life_status="invalid", phone__c="")
    push = desk.push()
    assert push.count(Done.CLOSED) == 1
    assert desk.records[desk.keys[0]]["phone__c"] == ""


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
def test_busy_is_waited_for_and_a_token_that_expired_is_taken_anew(desk: Desk) -> None:
    desk.server.misbehave_in_writes(
        FxiaokeMisbehaving(code=-2, message="调用频率超限"), FxiaokeMisbehaving(code=20016, message="已过期")
    )
    assert desk.push().count(Done.CREATED) == len(desk.keys)
    assert desk.server.tokens_given == 2


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
@pytest.mark.parametrize(
    "way", [FxiaokeMisbehaving(code=-1, message="系统异常"), FxiaokeMisbehaving(status=504, body=b"")]
)
def test_a_record_that_may_have_been_made_is_not_made_again_at_once(desk: Desk, way: FxiaokeMisbehaving) -> None:
    desk.server.misbehave_in_writes(way)
    with pytest.raises(SourceUnavailable, match=r"in 1 try.* 0 were written before, \d+ wait"):
        desk.push()
    assert written(desk) == 1
    desk.push()
    assert list(desk.records) == desk.keys


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
@pytest.mark.parametrize("records", ["null", "[1]", '[{"_id": 7}]', "[{}]"])
def test_an_answer_that_lists_no_records_is_asked_for_again(desk: Desk, records: str) -> None:
    wrong = f'{{"errorCode": 0, "data": {{"dataList": {records}}}}}'
    desk.server.misbehave(FxiaokeMisbehaving(body=wrong.encode()))
    assert desk.push().count(Done.CREATED) == len(desk.keys)


@pytest.mark.parametrize("desk", ["fxiaoke"], indirect=True)
def test_a_missing_right_ends_the_push_at_the_first_record(desk: Desk) -> None:
    desk.server.misbehave_in_writes(*[FxiaokeMisbehaving(code=320001, message="没有对象的编辑权限")] * 9)
    with pytest.raises(PublishingError, match=r"没有对象的编辑权限.*right to it in the console"):
        desk.push()
    assert written(desk) == 1


def test_a_scope_that_is_missing_is_named(desk: Desk) -> None:
    desk.server.misbehave(Misbehaving(status=401, code="OAUTH_SCOPE_MISMATCH"))
    with pytest.raises(SourceError, match=r"ZohoCRM\.coql\.READ"):
        desk.push()


def test_a_field_that_the_module_does_not_know_as_unique_is_said_by_zoho(desk: Desk) -> None:
    desk.server.unique = {}
    with pytest.raises(PublishingError, match="INVALID_DATA"):
        desk.push()
    assert not desk.records


@both
def test_no_secret_and_no_person_comes_into_what_is_said(desk: Desk) -> None:
    row = desk.listed[0]
    secrets = [secret for secret in desk.server.variables("crm").values() if len(secret) > 8]
    said = f"{row['phone']} {secrets[0]} is not valid"
    if isinstance(desk.server, ZohoServer):
        desk.server.refuse = lambda _: (said, "Phone")
    else:
        desk.server.refuse = lambda _: said
    reason = str(desk.push().refused[0].reason)
    assert row["phone"] not in reason
    assert secrets[0] not in reason


@pytest.mark.parametrize("desk", ["zoho_tasks", "fxiaoke"], indirect=True)
def test_what_people_wrote_into_a_task_comes_back_as_the_result_of_its_list_row(desk: Desk) -> None:
    desk.push()
    worked_at = datetime(2018, 1, 3, 2, 30, tzinfo=UTC)
    if isinstance(desk.server, ZohoServer):
        written = {"Outcome": "Interested", "Worked_At": worked_at.isoformat(), "Modified_Time": worked_at.isoformat()}
        reads = desk.server.settings("crm") + ZOHO_RESULTS
    else:
        moment = milliseconds(worked_at)
        written = {"outcome__c": "interested", "worked_at__c": moment, "last_modified_time": moment}
        reads = f"\n  - name: crm\n    kind: fxiaoke\n    url: {desk.server.url}\n{FXIAOKE_RESULTS}"
    desk.change(desk.keys[2], **written)
    shop = Workshop(desk.paths.root)
    settings = shop.settings(reads)
    settings = replace(settings, environment=replace(settings.environment, secrets=desk.server.secrets("crm")))
    land(settings, now=datetime(2026, 4, 1, tzinfo=UTC))
    rows = shop.rows("select task_id, worked_at, outcome from list_results")
    assert rows == [(desk.keys[2], worked_at, "interested")]


@pytest.mark.parametrize(
    ("text", "shown"), [("李娜", "李…"), ("李", "…"), ("", "…"), ("+15025550198", "+…98"), ("ann@example.com", "a…om")]
)
def test_an_example_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_examples_show_three_tasks_without_a_person(desk: Desk) -> None:
    examples = desk.tasks().examples()
    assert len(examples) == 3
    shown = json.dumps(examples, ensure_ascii=False)
    assert not [row for row in desk.listed if row["name"] in shown or row["phone"] in shown]
    assert examples[0]["Strata_Task_ID"] == desk.keys[0]


@given(st.text(alphabet=" \n\r\tab1.", max_size=8), st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_what_a_crm_gives_back_as_it_took_it_is_no_difference(text: str, amount: Decimal) -> None:
    values = {"text": text or None, "amount": amount}
    given_back = {"text": text.replace("\n", "\r\n"), "amount": float(amount) if abs(amount) < 10**9 else str(amount)}
    assert differences(values, values, given_back) == {}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("0138", "138"), ("a", None), (None, "a"), (Decimal("1.00"), "1.01"), (1, "one"), ("a b", "ab"), (True, False)],
)
def test_what_differs_is_a_difference(ours: Any, theirs: Any) -> None:
    assert differences({"field": ours}, {"field": ours}, {"field": theirs}) == {"field": ours}


def many(desk: Desk, count: int) -> None:
    """Let the telesales list hold so many treated customers."""
    con = desk.con
    con.execute(
        f"""
        create temp table more as
        select first.* replace (n as customer_id, 2 * n as registry_id, n as position)
        from (from marts.reactivation_list where channel = 'telesales' and arm = 'treated' limit 1) as first
        cross join range(1, {count} + 1) as numbers(n);
        truncate marts.reactivation_list; truncate identity.customer_aliases; truncate personal.customer_contacts;
        insert into marts.reactivation_list from more;
        insert into identity.customer_aliases select 'grocery', customer_id, registry_id, customer_id from more;
        insert into personal.customer_contacts
        select customer_id, 'Person ' || customer_id, '+1606555' || lpad(customer_id::varchar, 4, '0'), null, null
        from more;
        """
    )
    shutil.rmtree(desk.paths.assignments)
    issue(con, desk.paths, DAY)
