"""publishing.yaml: what ships loads, and what cannot be is refused with its place and cure."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.errors import SettingsError
from dagster_project.settings.publishing import Campaign, ListField, PublishedTable, PublishingSettings
from dagster_project.settings.yaml_documents import load_model


@pytest.fixture
def document(publishing_document: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(publishing_document)


@pytest.fixture
def load(tmp_path: Path):
    def load(document: dict[str, Any]) -> PublishingSettings:
        path = tmp_path / "publishing.yaml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return load_model(path, PublishingSettings)

    return load


def test_the_shipped_settings_load(document, load) -> None:
    settings = load(document)
    assert settings.reactivation.control_share == Decimal("0.1")
    assert settings.reactivation.cool_down_days == 30
    assert settings.reactivation.consent_default is None
    assert [channel.name for channel in settings.reactivation.channels] == ["telesales", "wechat", "sms", "email"]
    assert not settings.postgres.enabled
    assert settings.postgres.schema_name == "strata"


def test_no_table_that_can_be_published_is_personal() -> None:
    assert not [table for table in PublishedTable if "contact" in table.value or "personal" in table.value]


def test_only_name_and_contact_of_the_list_fields_are_personal() -> None:
    personal = {"name", "phone", "email", "wechat_id", "contact"}
    assert {field.value for field in ListField} & personal == {"name", "contact"}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("tables",), ["customer_contacts", "customer_segments"], "customer_contacts"),
        (("tables",), ["segment_summary"], "customer_segments must be published"),
        (("tables",), ["customer_segments", "customer_segments"], "named twice"),
        (("language",), "fr", "language"),
        (("report", "languages"), [], "at least one"),
        (("postgres", "schema"), "Strata; drop table x", "schema"),
        (("postgres", "url"), "postgresql://me:secret@db/x", "url"),
        (("reactivation", "channels"), [], "at least one channel"),
        (("reactivation", "channels", 0, "contact_point"), "email", "consent for phone does not cover"),
        (("reactivation", "channels", 0, "fields"), ["name", "contact"], "fields lacks customer_id"),
        (("reactivation", "channels", 0, "fields"), ["customer_id", "contact", "contact"], "contact twice"),
        (("reactivation", "channels", 0, "fields"), ["customer_id", "contact", "phone"], "fields"),
        (("reactivation", "channels", 0, "capacity"), -1, "capacity"),
        (("reactivation", "channels", 0, "capacity"), "many", "capacity"),
        (("reactivation", "channels", 0, "name"), "wechat", "two channels are named wechat"),
        (("reactivation", "channels", 0, "name"), "../lists", "name"),
        (("reactivation", "control_share"), 0.6, "control_share"),
        (("reactivation", "cool_down_days"), -1, "cool_down_days"),
        (("reactivation", "campaign", "salt"), " ", "salt"),
        (("reactivation", "campaign", "name"), "../x", "name"),
        (("reactivation", "consent_default"), {"granted": True}, "reason"),
        (("reactivation", "consent_default"), {"granted": True, "reason": " "}, "reason"),
        (("reactivation", "consent_default"), {"granted": False, "reason": "x"}, "granted"),
        (("reactivation", "contact_hours"), [20, 9], "contact_hours name the first hour"),
        (("reactivation", "contact_hours"), [9, 25], "contact_hours"),
        (("reactivation", "offers"), None, "names offer, but no offers are set"),
        (("reactivation", "offers", "by_cause", "price", "quality"), "gift", "there is no offer gift"),
        (("reactivation", "offers", "by_cause", "seasonal"), {"price": "early_price"}, "`otherwise` for seasonal"),
        (("reactivation", "offers", "by_cause", "weather"), {"otherwise": "thanks"}, "weather"),
        (("reactivation", "offers", "words", "thanks"), {"en": "Thanks"}, "zh"),
        (("lists", "postgres"), {"enabled": True, "schema": "strata"}, "must differ from postgres.schema"),
    ],
)
def test_what_cannot_be_is_refused_by_file_and_place(document, load, place, value, said) -> None:
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(SettingsError) as refused:
        load(document)
    assert "publishing.yaml:" in str(refused.value)
    assert said in str(refused.value)


def test_a_campaign_is_a_calendar_month() -> None:
    campaign = Campaign(salt="s")
    assert campaign.id_on(date(2017, 12, 31)) == "reactivation-2017-12"
    assert campaign.window_on(date(2017, 12, 31)) == (date(2017, 12, 1), date(2018, 1, 1))
    assert campaign.window_on(date(2018, 1, 1)) == (date(2018, 1, 1), date(2018, 2, 1))


def test_days_are_kept_for_400_days_or_all_of_them_and_never_for_less_than_a_month(document, load) -> None:
    assert load(document).snapshots.keep_daily_days == 400
    document["snapshots"] = {"keep_daily_days": None}
    assert load(document).snapshots.keep_daily_days is None
    document["snapshots"] = {"keep_daily_days": 30}
    with pytest.raises(SettingsError, match="keep_daily_days"):
        load(document)


def test_a_rebuild_takes_a_month_of_days_a_run_or_as_many_as_the_setting_says(document, load) -> None:
    assert load(document).snapshots.rebuild_days_per_run == 31
    document["snapshots"] = {"rebuild_days_per_run": 1}
    assert load(document).snapshots.rebuild_days_per_run == 1
    document["snapshots"] = {"rebuild_days_per_run": 0}
    with pytest.raises(SettingsError, match="rebuild_days_per_run"):
        load(document)


CRM: dict[str, Any] = {
    "name": "crm",
    "kind": "zoho_crm",
    "data_center": "eu",
    "module": "Tasks",
    "channels": ["telesales"],
    "key_field": "Strata_Task_ID",
    "fields": {"Phone": "contact", "Why_silent": "silence_cause"},
    "on_create": {"Subject": "{campaign}", "Status": "Not Started"},
}
FXIAOKE = {
    "name": "crm_cn",
    "kind": "fxiaoke",
    "object": "reactivation__c",
    "channels": ["telesales"],
    "key_field": "task_id__c",
    "fields": {"phone__c": "contact"},
}


def test_lists_go_to_no_crm_until_one_is_named_and_switched_on(document, load) -> None:
    assert load(document).crm == ()
    document["crm"] = [{**CRM, "enabled": False}, FXIAOKE]
    settings = load(document)
    assert [target.name for target in settings.enabled_crm] == ["crm_cn"]
    assert settings.crm[0].personal_fields == ("Phone",)
    assert [target.place for target in settings.crm] == ["Tasks", "reactivation__c"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "salesforce"}, "kind"),
        ({"channels": ["telephone"]}, "there is no channel 'telephone'"),
        ({"channels": []}, "channels"),
        (
            {"channels": ["telesales", "email"], "fields": {"Phone": "contact"}},
            "contact is not the same (email, phone)",
        ),
        ({"fields": {"Phone": "phone"}}, "fields"),
        ({"fields": {}}, "fields"),
        ({"fields": {"Phone": "priority_score"}}, "list of telesales does not hold priority_score"),
        ({"fields": {"Phone; drop": "contact"}}, "fields"),
        ({"fields": {"Strata_Task_ID": "contact"}}, "Strata_Task_ID is written twice"),
        ({"on_create": {"Phone": "none"}}, "Phone is written twice"),
        ({"on_create": {"Subject": "{name}"}}, "{name} means nothing here"),
        ({"on_withdrawal": {"Strata_Task_ID": "gone"}}, "key_field is written once"),
        ({"customer_field": "Who_Id"}, "customer_field and customers_of belong together"),
        ({"module": "Tasks where true"}, "module"),
        ({"fields": {"Result": "outcome"}}, "outcome is what people fill in"),
        ({"name": "CRM"}, "name"),
        ({"api_url": "http://crm.example.com"}, "must begin with https://"),
        ({"refresh_token": "1000.x"}, "refresh_token"),
    ],
)
def test_a_crm_that_cannot_be_is_refused_by_file_and_place(document, load, change, said) -> None:
    document["crm"] = [{**CRM, **change}]
    with pytest.raises(SettingsError) as refused:
        load(document)
    assert "publishing.yaml:" in str(refused.value)
    assert said in str(refused.value)


def test_two_crms_of_one_name_would_share_their_secrets_and_are_refused(document, load) -> None:
    document["crm"] = [CRM, {**FXIAOKE, "name": "crm"}]
    with pytest.raises(SettingsError, match="there are two CRMs named 'crm'"):
        load(document)


def test_an_object_of_fxiaoke_ends_in_obj_or_c(document, load) -> None:
    document["crm"] = [{**FXIAOKE, "object": "reactivation"}]
    with pytest.raises(SettingsError, match="object"):
        load(document)
