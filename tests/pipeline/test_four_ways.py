"""One business arriving four ways, from a Zoho export, the Zoho API, a 纷享销客 export and PostgreSQL, has the same
segments row for row but for ids and lineage. The settings are the shipped examples, as far as they reach.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pyarrow as pa
import pytest
import yaml
from compiled_warehouse import build_from_landed
from four_ways import (
    Business,
    export_from_fxiaoke,
    export_from_zoho,
    make_business,
    postgres_tables,
    zoho_modules,
)
from pydantic import SecretStr
from zoho_server import ZohoServer

from dagster_project.landing import Manifest, land
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.environment import Secrets

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "config" / "examples"
NOW = datetime(2025, 7, 1, 6, 0, tzinfo=UTC)
DAYS = [date(2025, 3, 31), date(2025, 6, 30)]
BUSINESS = {
    "business": {
        "time_zone": "Asia/Shanghai",
        "currency": "CNY",
        "default_country": "CN",
        "history_starts_on": date(2024, 1, 1),
    },
    "identity": {"customers_are": "account"},
}
# What says where a row came from, and the names that each system gives. Lists are drawn by hashes of ids.
LINEAGE = frozenset({"source", "customer_ref", "order_id", "batch_id", "batch_sequence", "landed_at", "source_file"})
NOT_COMPARED = frozenset(
    {
        "reactivation_list",
        "reactivation_list_details",
        "reactivation_list_notes",
        "silent_customers",
        "customer_contacts",
    }
)
Table = tuple[list[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Way:
    """A way on which the business came: what landed, and the tables that were made of it."""

    name: str
    rejected: int
    landed: dict[str, int]
    tables: dict[str, Table]


@pytest.fixture(scope="module")
def business() -> Business:
    return make_business()


@pytest.fixture(scope="module")
def ways(
    business: Business, postgres_database: str, compiled_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Way]:
    """The business on each of its ways, classified."""
    folder = tmp_path_factory.mktemp("four_ways")
    export_from_zoho(business, folder / "zoho_export" / "data" / "inbox" / "zoho")
    export_from_fxiaoke(business, folder / "fxiaoke_export" / "data" / "inbox" / "fxiaoke")
    fill_postgres(business, postgres_database)
    shop = {"STRATA_SHOP_URL": postgres_database}
    not_used: dict[str, list[dict[str, Any]]] = {"Leads": [], "Notes": [], "Consents": []}
    with ZohoServer(zoho_modules(business) | not_used) as zoho:
        return {
            "zoho export": classified(folder / "zoho_export", zoho_export(), {}, compiled_models),
            "zoho api": classified(folder / "zoho_api", zoho_api(zoho), zoho.variables("crm"), compiled_models),
            "fxiaoke export": classified(folder / "fxiaoke_export", fxiaoke_export(), {}, compiled_models),
            "postgresql": classified(folder / "postgresql", postgresql(), shop, compiled_models),
        }


def classified(folder: Path, sources: dict[str, Any], variables: dict[str, str], compiled: Path) -> Way:
    """Land a way's records, classify the days, and take what was made of them."""
    config = folder / "config"
    config.mkdir(parents=True)
    for name in ("standards.yaml", "publishing.yaml"):
        shutil.copyfile(PROJECT / "config" / name, config / name)
    text = yaml.safe_dump({**sources, **BUSINESS}, allow_unicode=True, sort_keys=False)
    (config / "sources.yaml").write_text(text, encoding="utf-8")
    settings = load_settings(config, folder / "data")
    secrets = Secrets({name: SecretStr(value) for name, value in variables.items()})
    settings = replace(settings, environment=replace(settings.environment, hash_key=None, secrets=secrets))
    land(settings, now=NOW)
    counts = Manifest.load(settings.paths).row_counts()
    with duckdb.connect(config={"threads": 1}) as con:
        tables = dict(build(con, settings, compiled))
    return Way(
        folder.name,
        rejected=sum(count.rejected - count.excluded for count in counts),
        landed={count.entity: count.accepted for count in counts},
        tables=tables,
    )


def build(con: duckdb.DuckDBPyConnection, settings: Settings, compiled: Path) -> Iterator[tuple[str, Table]]:
    """Build the models, and give every mart with the business's own number in place of customer ids."""
    project = build_from_landed(con, settings, compiled, DAYS)
    # Every way ends its references with the company's number.
    con.execute(
        "create temp table numbers as select distinct customer_id, "
        "cast(regexp_extract(customer_ref, '[0-9]{1,4}$') as integer) as number from identity.customer_aliases"
    )
    marts = [name for name, model in project.models.items() if model.schema == "marts" and name not in NOT_COMPARED]
    for name in marts:
        columns = [row[0] for row in con.execute(f"describe marts.{name}").fetchall() if row[0] not in LINEAGE]
        listed = ["number" if column == "customer_id" else f"made.{column}" for column in columns]
        joined = "inner join numbers using (customer_id)" if "customer_id" in columns else ""
        rows = con.execute(f"select {', '.join(listed)} from marts.{name} as made {joined} order by all").fetchall()
        yield name, (columns, rows)


def fill_postgres(business: Business, url: str) -> None:
    with adbc_driver_postgresql.dbapi.connect(url, autocommit=True) as con, con.cursor() as cursor:
        for table, (columns, rows) in postgres_tables(business).items():
            cursor.execute(f"create table public.{table} ({columns})")
            names = [column.split()[0] for column in columns.split(", ") if column.split()[0].isidentifier()]
            marks = ", ".join(f"${at}" for at in range(1, len(names) + 1))
            cursor.executemany(
                f"insert into public.{table} ({', '.join(names)}) values ({marks})",
                pa.table(list(map(list, zip(*rows, strict=True))), names=names),
            )


def example(name: str) -> dict[str, Any]:
    """A shipped example, by reads of its one source; business and identity are those of all ways."""
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    return {"sources": document["sources"]}


def fxiaoke_export() -> dict[str, Any]:
    """The shipped example as it is; what this business does not export, its patterns do not find."""
    return example("sources-fxiaoke-export.yaml")


def postgresql() -> dict[str, Any]:
    """The shipped example for companies and who acts for them instead of persons, and with deals and calls."""
    document = example("sources-postgresql.yaml")
    [source] = document["sources"]
    source |= {"time_zone": "Asia/Shanghai", "currency": "CNY"}
    reads = {read["entity"]: read for read in source["reads"]}
    reads["customers"]["columns"] |= {
        "kind": {"constant": "company"},
        "industry": "industry",
        "region": "region",
        "crm_level": "level",
        "owner": "owner",
    }
    del reads["customers"]["columns"]["member_level"]
    reads["refunds"]["columns"]["customer_ref"] = "customer_id"
    contacts = {
        "entity": "customers",
        "table": "public.contacts",
        "links": {"shop": "customer_id"},
        "columns": {
            "customer_ref": "id",
            "name": "name",
            "kind": {"constant": "person"},
            "phone": "mobile",
            "email": "email",
            "owner": "owner",
            "created_at": "created_at",
            "updated_at": "updated_at",
        },
    }
    deals = {
        "entity": "opportunities",
        "table": "public.deals",
        "watermark": "updated_at",
        "columns": {
            "opportunity_id": "id",
            "customer_ref": "customer_id",
            "status": "state",
            "stage": "stage",
            "amount": "amount",
            "probability": "chance",
            "expected_close_on": "closes_on",
            "created_at": "created_at",
            "updated_at": "updated_at",
        },
    }
    calls = {
        "entity": "interactions",
        "table": "public.calls",
        "watermark": "id",
        "columns": {
            "interaction_id": "id",
            "customer_ref": "customer_id",
            "occurred_at": "at",
            "channel": "channel",
            "owner": "owner",
        },
    }
    source["reads"] = [reads["orders"], reads["refunds"], reads["customers"], contacts, deals, calls]
    return document


def zoho_api(server: ZohoServer) -> dict[str, Any]:
    """The shipped example, asking the server on loopback."""
    document = example("sources-zoho-api.yaml")
    [source] = document["sources"]
    [asking] = yaml.safe_load(server.settings("crm"))
    source |= {**asking, "currency": "CNY"}
    source["reads"].append({"entity": "refunds", "module": "Returns", "columns": RETURNS})
    return document


def zoho_export() -> dict[str, Any]:
    """The shipped example; what this business does not export, its patterns do not find."""
    document = example("sources-zoho-export.yaml")
    [source] = document["sources"]
    source |= {"time_zone": "Asia/Shanghai", "currency": "CNY"}
    columns: dict[str, Any] = {
        name: {"from": LABELS[found], "strip_prefix": "zcrm_"} if found in LABELS else found
        for name, found in RETURNS.items()
    }
    columns["refunded_at"] = {"from": "Created Time", "formats": ["%b %d, %Y %I:%M %p"]}
    source["reads"].append({"entity": "refunds", "path": "inbox/zoho/Returns_*.csv", "columns": columns})
    return document


# The example has no module of returns: Zoho has none, and a company makes its own.
RETURNS = {
    "refund_id": "id",
    "order_id": "Sales_Order.id",
    "customer_ref": "Account_Name.id",
    "refunded_at": "Created_Time",
    "amount": "Amount",
}
LABELS = {"id": "Record Id", "Sales_Order.id": "Sales Order.id", "Account_Name.id": "Account Name.id"}


def test_every_record_lands_on_every_way(business: Business, ways: dict[str, Way]) -> None:
    expected = {
        "customers": 2 * len(business.companies),  # with who acts for them
        "customer_links": len(business.companies),
        "orders": len(business.orders),
        "refunds": len(business.refunds),
        "opportunities": len(business.deals),
        "interactions": len(business.calls),
    }
    assert len(business.orders) > 150
    for name, way in ways.items():
        assert way.rejected == 0, name
        assert {entity: count for entity, count in way.landed.items() if count} == expected, name


@pytest.mark.parametrize("other", ["zoho api", "fxiaoke export", "postgresql"])
def test_the_same_business_has_the_same_tables_row_for_row(ways: dict[str, Way], other: str) -> None:
    first = ways["zoho export"].tables
    assert first.keys() == ways[other].tables.keys()
    for table, (columns, rows) in first.items():
        other_columns, other_rows = ways[other].tables[table]
        assert other_columns == columns, table
        differing = [pair for pair in zip(rows, other_rows, strict=True) if pair[0] != pair[1]]
        assert not differing, f"{table} {columns}: {len(differing)} rows, such as {differing[:2]}"


def test_there_is_something_to_compare(ways: dict[str, Way]) -> None:
    tables = ways["postgresql"].tables
    sizes = {name: len(rows) for name, (_, rows) in tables.items()}
    buyers = {row[0] for row in tables["fct_orders"][1]}
    assert sizes["fct_orders"] > 150
    for name in ("customer_segments", "customer_rfm", "customer_value", "customer_lifecycle", "customer_features"):
        assert sizes[name] > len(DAYS) * 25, name
    assert len(buyers) > 25
    columns, rows = tables["customer_segments"]
    assert len({row[columns.index("lifecycle_stage")] for row in rows}) > 3
