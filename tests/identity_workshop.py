"""Staged references, links and contact points in a DuckDB of their own, and a slow independent answer to who is who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from dagster_project.identity import LinkResult, link
from dagster_project.settings import Paths
from dagster_project.settings.sources import Identity, Pair, Pairs

Reference = tuple[str, str]
Link = tuple[Reference, Reference]

_LANDED = "landed_at timestamptz, batch_sequence bigint, source_file varchar"
_TABLES = {
    "stg_customers": f"source varchar, customer_ref varchar, valid_from date, kind varchar, registered_on date, "
    f"created_at timestamptz, phone_hash varchar, email_hash varchar, wechat_hash varchar, is_deleted boolean, "
    f"{_LANDED}",
    "stg_orders": f"source varchar, customer_ref varchar, ordered_at timestamptz, {_LANDED}",
    "stg_refunds": f"source varchar, customer_ref varchar, refunded_at timestamptz, {_LANDED}",
    "stg_leads": f"source varchar, customer_ref varchar, created_at timestamptz, updated_at timestamptz, {_LANDED}",
    "stg_opportunities": f"source varchar, customer_ref varchar, created_at timestamptz, updated_at timestamptz, "
    f"{_LANDED}",
    "stg_interactions": f"source varchar, customer_ref varchar, occurred_at timestamptz, {_LANDED}",
    "stg_consents": f"source varchar, customer_ref varchar, occurred_at timestamptz, {_LANDED}",
    "stg_campaign_contacts": f"source varchar, customer_ref varchar, campaign_id varchar, contacted_at timestamptz, "
    f"{_LANDED}",
    "stg_campaigns": "source varchar, campaign_id varchar, starts_on date",
    "stg_surveys": f"source varchar, customer_ref varchar, responded_at timestamptz, {_LANDED}",
    "stg_web_events": f"source varchar, customer_ref varchar, occurred_at timestamptz, {_LANDED}",
    "stg_customer_links": f"source varchar, customer_ref varchar, linked_source varchar, linked_ref varchar, {_LANDED}",
}


@dataclass(frozen=True)
class Record:
    """One version of a customer record; `points` are hashes by phone, email, wechat."""

    reference: Reference
    points: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = "person"
    valid_from: date = date(2024, 1, 1)
    batch: int = 1
    is_deleted: bool = False
    registered_on: date | None = None


def stage(
    con: duckdb.DuckDBPyConnection,
    references: Sequence[Reference] = (),
    links: Iterable[Link] = (),
    records: Iterable[Record] = (),
    orders: Iterable[tuple[Reference, datetime]] = (),
) -> None:
    """Staging tables that hold these references (as orders without a day), links, records and orders."""
    con.execute("set TimeZone = 'UTC'")
    con.execute("create schema if not exists staging")
    for table, columns in _TABLES.items():
        con.execute(f"create or replace table staging.{table} ({columns})")
    _fill(
        con,
        "stg_orders",
        [
            *(
                {"source": source, "customer_ref": ref, "batch_sequence": sequence}
                for sequence, (source, ref) in enumerate(references, start=1)
            ),
            *(
                {"source": source, "customer_ref": ref, "ordered_at": at, "batch_sequence": 1}
                for (source, ref), at in orders
            ),
        ],
    )
    _fill(
        con,
        "stg_customer_links",
        [
            {
                "source": own[0],
                "customer_ref": own[1],
                "linked_source": other[0],
                "linked_ref": other[1],
                "batch_sequence": 99,
                "source_file": "contacts.csv",
            }
            for own, other in links
        ],
    )
    _fill(
        con,
        "stg_customers",
        [
            {
                "source": record.reference[0],
                "customer_ref": record.reference[1],
                "valid_from": record.valid_from,
                "kind": record.kind,
                "registered_on": record.registered_on,
                "is_deleted": record.is_deleted,
                "batch_sequence": record.batch,
                **{f"{kind}_hash": value for kind, value in record.points.items()},
            }
            for record in records
        ],
    )


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, object]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if names:
        con.register("rows_to_stage", pa.table({name: [row.get(name) for row in rows] for name in names}))
        con.execute(f"insert into staging.{table} by name select * from rows_to_stage")
        con.unregister("rows_to_stage")


def paths_below(folder: Path) -> Paths:
    return Paths(root=folder, config=folder, data=folder)


def link_staged(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    identity: Identity | None = None,
    *,
    forced: Iterable[Link] = (),
    excluded: Iterable[Link] = (),
) -> LinkResult:
    """Link what is staged, with the registry below `folder`."""
    pairs = Pairs(
        forced=tuple(Pair(*own, *other, f"forced.csv:{line}") for line, (own, other) in enumerate(forced, start=2)),
        excluded=tuple(
            Pair(*own, *other, f"excluded.csv:{line}") for line, (own, other) in enumerate(excluded, start=2)
        ),
    )
    return link(con, paths=paths_below(folder), identity=identity, pairs=pairs)


def customers(con: duckdb.DuckDBPyConnection) -> dict[Reference, int]:
    rows = con.execute("select source, customer_ref, customer_id from identity.customer_aliases").fetchall()
    return {(source, customer_ref): customer_id for source, customer_ref, customer_id in rows}


def partition(found: Mapping[Reference, int]) -> set[frozenset[Reference]]:
    """Who is together, whatever their numbers are."""
    parts: dict[int, set[Reference]] = {}
    for reference, number in found.items():
        parts.setdefault(number, set()).add(reference)
    return {frozenset(part) for part in parts.values()}


def merged_by_hand(references: Iterable[Reference], edges: Iterable[Link]) -> dict[Reference, int]:
    """Union by repeated relabelling: the slow, plain way."""
    label = {reference: number for number, reference in enumerate(references)}
    for own, other in edges:
        old, new = label[own], label[other]
        label = {reference: new if number == old else number for reference, number in label.items()}
    return label
