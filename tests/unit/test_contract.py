"""The contract's schemas and contact points."""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pytest

from dagster_project.contract.contact_points import keyed_hash, normalise_email, normalise_phone, normalise_wechat
from dagster_project.contract.entities import CONTRACT_VERSION, ENTITIES

# Keys as the design names them, copied by hand.
KEYS = {
    "orders": "source order_id",
    "refunds": "source refund_id",
    "order_lines": "source order_id line_number",
    "products": "source product_id",
    "customers": "source customer_ref",
    "leads": "source lead_id",
    "opportunities": "source opportunity_id",
    "interactions": "source interaction_id",
    "consents": "source customer_ref channel occurred_at",
    "campaigns": "source campaign_id",
    "campaign_contacts": "source campaign_id customer_ref channel",
    "list_results": "source task_id",
    "surveys": "source response_id",
    "web_events": "source event_id",
    "exchange_rates": "currency date",
}


def test_every_entity_of_the_design_has_its_key() -> None:
    assert {name: " ".join(entity.key) for name, entity in ENTITIES.items() if not entity.is_internal} == KEYS


def test_public_schemas_hold_lineage_and_nothing_personal() -> None:
    for entity in ENTITIES.values():
        names = set(entity.arrow_schema().names)
        assert {"source", "batch_id", "batch_sequence", "landed_at", "source_file", "row_number", "is_deleted"} <= names
        assert not names & {column.name for column in entity.personal_columns}
    assert not set(ENTITIES["customers"].arrow_schema().names) & {"name", "phone", "email", "wechat_id"}


def test_money_is_decimal_and_times_are_utc() -> None:
    schema = ENTITIES["orders"].arrow_schema()
    assert schema.field("gross_amount").type == pa.decimal128(18, 2)
    assert schema.field("ordered_at").type == pa.timestamp("us", tz="UTC")
    assert ENTITIES["order_lines"].arrow_schema().field("line_amount").type == pa.decimal128(18, 4)


@pytest.mark.parametrize(
    ("text", "country", "normal", "is_valid"),
    [
        ("(212) 555-0123", "US", "+12125550123", True),
        ("+86 138 0013 8000", "US", "+8613800138000", True),
        ("13800138000", "CN", "+8613800138000", True),
        ("138-0013-8000", "CN", "+8613800138000", True),
        ("12345", "CN", "12345", False),
        ("call me", "US", "call me", False),
    ],
)
def test_phones_become_e164(text: str, country: str, normal: str, is_valid: bool) -> None:
    point = normalise_phone(text, country)
    assert (point.normal, point.is_valid) == (normal, is_valid)


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("Ann.Lee@Example.com ", True),
        ("王芳@例子.中国", True),
        ("ann@localhost", False),
        ("ann@@example.com", False),
        ("ann@example..com", False),
        ("not an address", False),
    ],
)
def test_addresses_are_judged_as_people_use_them(text: str, is_valid: bool) -> None:
    assert normalise_email(text).is_valid is is_valid
    assert normalise_email(text).normal == text.strip().lower()


def test_wechat_ids_ignore_case() -> None:
    assert normalise_wechat(" WxId_Ab12 ").normal == "wxid_ab12"
    assert normalise_wechat("wxid_ab12").is_valid
    assert not normalise_wechat("微信").is_valid


def test_keyed_hashes_differ_by_key_and_kind() -> None:
    hashes = {keyed_hash("a", key, kind=kind) for key in ("k", "l") for kind in ("phone", "email")}
    assert len(hashes) == 4
    # Computed with `printf 'phone\\0a' | openssl dgst -sha256 -hmac k`.
    assert keyed_hash("a", "k", kind="phone") == "b8aae3fb821b38b4a448c043b1fdb5eccbee50951c8d968a40efd2999df3cf2e"


# A batch written under one version must not be read as one of another. Where this fails, raise CONTRACT_VERSION by one
# and add a line; the lines before stay.
COLUMNS_BY_VERSION = {1: "3c885fc792ff1a27"}


def test_landed_columns_do_not_change_without_a_new_contract_version() -> None:
    columns = {
        name: [[*map(str, column)] for column in (*entity.landed_columns(), *entity.personal_landed_columns())]
        for name, entity in ENTITIES.items()
    }
    fingerprint = hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()[:16]
    assert fingerprint == COLUMNS_BY_VERSION[CONTRACT_VERSION]
    assert max(COLUMNS_BY_VERSION) == CONTRACT_VERSION
