"""The examples for Zoho CRM land one small business alike: through the API, and from exported CSV files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from landing_workshop import Workshop
from zoho_server import ZohoServer, full

from dagster_project.landing import land
from dagster_project.settings import Settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

EXAMPLES = PROJECT_ROOT / "config" / "examples"
NOW = datetime(2026, 4, 1, tzinfo=UTC)
HERE = ZoneInfo("America/New_York")
MADE, CHANGED = "2026-01-05T09:30:00-05:00", "2026-03-02T14:05:00-05:00"


def ref(number: int) -> str:
    return f"49707620000{number:08d}"


def lookup(number: int | None, name: str = "A Name") -> dict[str, str] | None:
    return {"id": ref(number), "name": name} if number is not None else None


def record(number: int, **fields: Any) -> dict[str, Any]:
    return full({"id": ref(number), "Created_Time": MADE, "Modified_Time": CHANGED, **fields})


CONSENT_FIELDS = {"Email_Opt_Out": False, "Unsubscribed_Time": None}
LEAD = {"Industry": None, "State": "NY", "City": "Buffalo", "Converted__s": False, "Converted_Contact": None}
MODULES: dict[str, list[dict[str, Any]]] = {
    "Accounts": [
        record(
            1,
            Account_Name="Benton, Inc.",
            Phone="(212) 555-0101",
            Industry="Technology",
            Employees=50,
            Billing_State="LA",
            Billing_City="New Orleans",
            Rating="Active",
        ),
    ],
    "Contacts": [
        record(
            11,
            Full_Name="Josephine Darakjy",
            Mobile="212-555-0111",
            Email="Josephine@Example.com",
            Mailing_State="MI",
            Mailing_City="Brighton",
            Account_Name=lookup(1),
            Email_Opt_Out=True,
            Unsubscribed_Time="2026-02-20T18:15:00-05:00",
        ),
        record(
            12,
            Full_Name="Art Venere",
            Mobile=None,
            Email=None,
            Mailing_State="NJ",
            Mailing_City=None,
            Account_Name=None,
            **CONSENT_FIELDS,
        ),
    ],
    "Leads": [
        record(21, Full_Name="Leota Dilliard", Mobile="", Email="leota@example.com", Lead_Status="Contacted", **LEAD),
        record(
            22,
            Full_Name="Josephine Darakjy",
            Mobile="212-555-0111",
            Email=None,
            Lead_Status="Qualified",
            **{**LEAD, "Converted__s": True, "Converted_Contact": lookup(11)},
        ),
    ],
    "Deals": [
        record(
            31, Account_Name=lookup(1), Stage="Closed Won", Amount=12400, Probability=100, Closing_Date="2026-02-28"
        ),
        record(32, Account_Name=None, Stage="Needs Analysis", Amount=None, Probability=20, Closing_Date="2026-05-31"),
    ],
    "Sales_Orders": [
        record(41, Account_Name=lookup(1), Status="Delivered", Grand_Total=95570.69),
        record(42, Account_Name=lookup(1), Status="Cancelled", Grand_Total=10),
    ],
    "Calls": [
        record(
            51,
            Who_Id=lookup(11),
            Call_Start_Time="2026-02-10T10:00:00-05:00",
            Call_Type="Outbound",
            Call_Result="Interested",
        ),
        record(52, Who_Id=None, Call_Start_Time="2026-02-11T10:00:00-05:00", Call_Type="Missed", Call_Result=None),
    ],
    "Events": [record(61, Who_Id=lookup(11), Start_DateTime="2026-02-12T15:30:00-05:00")],
    "Notes": [
        record(71, Parent_Id={**(lookup(1) or {}), "module": {"api_name": "Accounts", "id": ref(9001)}}),
    ],
    "Consents": [
        record(81, Contact=lookup(12), Channel="Phone", Answered_At="2026-01-05T09:30:00-05:00", Granted=True),
    ],
}
# What the export calls the fields.
LABELS = {
    "id": "Record Id",
    "Full_Name": "Full Name",
    "Start_DateTime": "From",
    "Who_Id": "Contact Name",
    "Parent_Id": "Parent ID",
    "Probability": "Probability (%)",
}
OWNERS = {"Events": "Host"}
TIMES = ("Created_Time", "Modified_Time", "Unsubscribed_Time", "Call_Start_Time", "Start_DateTime", "Answered_At")


def export(folder: Path) -> None:
    """Write every module as Zoho exports it to a user in New York: labels, zcrm_ ids, pairs, their dates, $ amounts."""
    folder.mkdir(parents=True)
    for module, records in MODULES.items():
        rows = [dict(_cells(module, each)) for each in records]
        with (folder / f"{module}_2026_04_01.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def _cells(module: str, each: dict[str, Any]) -> Iterator[tuple[str, str]]:
    ordered = {"id": each["id"], **each}
    for name, value in ordered.items():
        label = LABELS.get(name, name.replace("_", " "))
        if name == "Owner":
            label = OWNERS.get(module, f"{module[:-1]} Owner")
        if name in ("Owner", "Account_Name", "Who_Id", "Parent_Id", "Contact", "Converted_Contact") and (
            value is None or isinstance(value, dict)
        ):
            yield f"{label}.id", f"zcrm_{value['id']}" if value else ""
            yield label, value["name"] if value else ""
        elif name == "id":
            yield label, f"zcrm_{value}"
        elif value is None:
            yield label, ""
        elif name in TIMES:
            yield label, datetime.fromisoformat(value).astimezone(HERE).strftime("%b %d, %Y %I:%M %p")
        elif name == "Closing_Date":
            yield label, date.fromisoformat(value).strftime("%b %d, %Y")
        elif name in ("Amount", "Grand_Total"):
            yield label, f"${value:,.2f}"
        elif isinstance(value, bool):
            yield label, "true" if value else "false"
        else:
            yield label, str(value)


def example(workshop: Workshop, name: str) -> Settings:
    sources = load_model(EXAMPLES / f"sources-zoho-{name}.yaml", SourcesSettings)
    settings = workshop.settings(
        "\n  - name: none\n    reads:\n      - entity: campaigns\n        path: none.csv\n"
        "        columns: {campaign_id: id}\n"
    )
    return replace(settings, sources=sources)


def asking(settings: Settings, crm: ZohoServer) -> Settings:
    """The settings with our server in Zoho's place."""
    [source] = settings.sources.sources
    here = source.model_copy(update={"accounts_url": crm.url, "api_url": crm.url})
    return replace(
        settings,
        sources=settings.sources.model_copy(update={"sources": (here,)}),
        environment=replace(settings.environment, secrets=crm.secrets("crm")),
    )


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workshop]:
    """The business, landed each way."""
    exported = Workshop(tmp_path_factory.mktemp("export"))
    export(exported.paths.data / "inbox" / "zoho")
    land(example(exported, "export"), now=NOW)
    pulled = Workshop(tmp_path_factory.mktemp("api"))
    with ZohoServer(MODULES) as crm:
        settings = asking(example(pulled, "api"), crm)
        land(settings, now=NOW)
        again = land(settings, now=NOW)
        assert {read.note for read in again.reads} == {"nothing new"}
    return {"export": exported, "api": pulled}


ENTITIES = ("customers", "customer_links", "leads", "opportunities", "orders", "interactions", "consents")


@pytest.mark.parametrize("entity", ENTITIES)
def test_both_ways_land_the_same_rows(landed: dict[str, Workshop], entity: str) -> None:
    lineage = "batch_id, batch_sequence, landed_at, source_file, row_number, row_hash"
    rows = {
        way: workshop.rows(f"select * exclude ({lineage}) from {entity} order by all")
        for way, workshop in landed.items()
    }
    assert rows["api"]
    assert rows["api"] == rows["export"]


def test_nothing_of_it_is_refused(landed: dict[str, Workshop]) -> None:
    for workshop in landed.values():
        assert {kind for _, kind, _, _ in workshop.quarantine()} <= {"excluded"}


@pytest.mark.parametrize("way", ["api", "export"])
def test_the_rows_are_what_the_business_is(landed: dict[str, Workshop], way: str) -> None:
    rows = landed[way].rows
    made, changed = datetime(2026, 1, 5, 14, 30, tzinfo=UTC), datetime(2026, 3, 2, 19, 5, tzinfo=UTC)
    assert rows("select customer_ref, kind, region, owner, created_at, updated_at from customers order by all") == [
        (ref(1), "company", "LA", "Ada Owner", made, changed),
        (ref(11), "person", "MI", "Ada Owner", made, changed),
        (ref(12), "person", "NJ", "Ada Owner", made, changed),
        (ref(21), "person", "NY", "Ada Owner", made, changed),
        (ref(22), "person", "NY", "Ada Owner", made, changed),
    ]
    assert rows("select customer_ref, linked_ref from customer_links where not is_deleted order by all") == [
        (ref(11), ref(1)),
        (ref(22), ref(11)),
    ]
    assert rows("select order_id, customer_ref, status, gross_amount, ordered_at from orders order by all") == [
        (ref(41), ref(1), "completed", Decimal("95570.69"), made),
        (ref(42), ref(1), "cancelled", Decimal("10.00"), made),
    ]
    assert rows(
        "select customer_ref, status, amount, probability, expected_close_on from opportunities order by 2"
    ) == [
        (None, "open", None, Decimal("0.2"), date(2026, 5, 31)),
        (ref(1), "won", Decimal("12400.00"), Decimal(1), date(2026, 2, 28)),
    ]
    assert rows("select interaction_id, customer_ref, channel, direction, outcome from interactions order by all") == [
        (ref(51), ref(11), "phone", "outbound", "Interested"),
        (ref(61), ref(11), "visit", None, None),
        (ref(71), ref(1), "service", None, None),
    ]
    assert rows("select customer_ref, channel, is_granted, occurred_at from consents order by all") == [
        (ref(11), "email", False, datetime(2026, 2, 20, 23, 15, tzinfo=UTC)),
        (ref(12), "phone", True, made),
    ]


@pytest.mark.real_data
def test_records_as_a_real_zoho_gave_them_land_with_the_example(real_data: Path, tmp_path: Path) -> None:
    """A lead, an account, two deals and, as the example says to change it, an invoice."""
    text = (EXAMPLES / "sources-zoho-api.yaml").read_text(encoding="utf-8")
    text = text.replace("module: Sales_Orders", "module: Invoices")
    text = text.replace("ordered_at: Created_Time", "ordered_at: Invoice_Date")
    changed = tmp_path / "sources.yaml"
    changed.write_text(text, encoding="utf-8")
    sources = load_model(changed, SourcesSettings)
    modules: dict[str, list[dict[str, Any]]] = {read.module: [] for read in sources.sources[0].reads}  # type: ignore[union-attr]
    for line in (real_data / "zoho_records.jsonl").read_text(encoding="utf-8").splitlines():
        given = json.loads(line)
        module = given["stream"].removeprefix("incremental_").removesuffix("_zoho_crm_stream").capitalize()
        modules.setdefault(module, []).append({"Converted_Contact": None, **given["data"]})
    workshop = Workshop(tmp_path)
    with ZohoServer(modules) as crm:
        land(asking(replace(example(workshop, "api"), sources=sources), crm), now=NOW)
    assert workshop.quarantine() == []
    assert workshop.rows("select customer_ref, kind, city, updated_at from customers order by all") == [
        ("4970762000000335089", "company", "New Orleans", datetime(2021, 8, 3, 11, 49, 8, tzinfo=UTC)),
        ("4970762000000335415", "person", "Middle Island", datetime(2021, 8, 3, 11, 49, 11, tzinfo=UTC)),
    ]
    assert workshop.rows("select customer_ref, status, amount, expected_close_on from opportunities order by all") == [
        ("4970762000000335089", "open", Decimal("250000.00"), date(2021, 8, 4)),
        ("4970762000000335090", "open", Decimal("55000.00"), date(2021, 8, 5)),
    ]
    assert workshop.rows("select customer_ref, status, gross_amount, ordered_at from orders") == [
        ("4970762000000335089", "pending", Decimal("303.00"), datetime(2022, 3, 22, 4, tzinfo=UTC)),
    ]
