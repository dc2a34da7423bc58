"""Linking references into customers: by declared ids, by pairs that people decided and by contact points.

A component's customer_id is the smallest registry number in it, so an id stays with the part that holds its owner when
a link goes. Linear in references and links (connected components).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from dagster_project.identity import evidence
from dagster_project.identity.changes import first_changed_day
from dagster_project.identity.grouping import NO_ANCHOR, Apart, Links, Mask, Nodes, grouped
from dagster_project.identity.registry import append_references, next_number, read_registry
from dagster_project.settings import Paths
from dagster_project.settings.sources import CustomersAre, Identity, Pairs
from dagster_project.warehouse.control import mark_relinked_days

# Every staging model that names customers; a reference first lands with the smallest batch that holds it.
REFERRING_MODELS = (
    "stg_customers",
    "stg_orders",
    "stg_refunds",
    "stg_leads",
    "stg_opportunities",
    "stg_interactions",
    "stg_consents",
    "stg_campaign_contacts",
    "stg_surveys",
    "stg_web_events",
)
_TEMPORARY = ("nodes", "forced", "excluded", "records", "links", "points", "set_aside", "moved", "concerned")


@dataclass(frozen=True)
class LinkResult:
    """What linking found.

    `references` in all, those numbered now, `customers`, references linked to another, and how many the largest
    customer has. `links` counts the evidence in use by kind, `cut_links` what was cut to keep apart what is never one,
    `shared_points` contact points that link no one, by reason. `unknown_pairs` are the places of pairs with a reference
    that has not landed, `changed_from` the first day whose customers are others than before.
    """

    references: int
    new_references: int
    customers: int
    linked_references: int
    largest: int = 0
    links: Mapping[str, int] = field(default_factory=dict)
    cut_links: int = 0
    shared_points: Mapping[str, int] = field(default_factory=dict)
    unknown_pairs: tuple[str, ...] = ()
    changed_from: date | None = None


def link(
    con: duckdb.DuckDBPyConnection,
    *,
    paths: Paths,
    identity: Identity | None = None,
    pairs: Pairs | None = None,
    time_zone: str = "UTC",
) -> LinkResult:
    """Number new references, link them, and replace the tables of schema `identity` in one transaction.

    customer_aliases has one row a reference: source, customer_ref, registry_id, customer_id. identity_links has one row
    a piece of evidence, also for links that were cut; shared_contact_points one a contact point that links no one, or
    companies alone.
    Stored days whose customers are others than before are marked in the same transaction.
    """
    identity, pairs = identity or Identity(), pairs or Pairs()
    registry, new = _numbered(con, paths)
    try:
        nodes = evidence.number_nodes(con, registry)
        unknown = evidence.find_pairs(con, pairs)
        evidence.collect_records(con)
        evidence.collect_exact_links(con)
        evidence.collect_points(con, identity)
        component, kept = _components(con, nodes, identity)
        aliases = _aliases(con, component)
        con.begin()
        try:
            changed_from = first_changed_day(con, aliases, time_zone)
            _write(con, aliases, kept)
            if changed_from is not None:
                mark_relinked_days(con, changed_from, paths.standards)
            con.commit()
        except BaseException:
            con.rollback()
            raise
        ids = aliases["customer_id"].to_numpy()
        return LinkResult(
            references=nodes,
            new_references=new,
            customers=len(np.unique(ids)),
            linked_references=int(np.count_nonzero(ids != aliases["registry_id"].to_numpy())),
            largest=int(np.bincount(component).max(initial=0)),
            links=_counts(con, "select kind, count(*) from identity.identity_links where is_used group by kind"),
            cut_links=int(np.count_nonzero(~kept)),
            shared_points=_counts(con, "select reason, count(*) from identity.shared_contact_points group by reason"),
            unknown_pairs=tuple(unknown),
            changed_from=changed_from,
        )
    finally:
        for table in _TEMPORARY:
            con.execute(f"drop table if exists temp.{table}")


def _numbered(con: duckdb.DuckDBPyConnection, paths: Paths) -> tuple[pa.Table, int]:
    """The registry with the staged references that it lacked, and how many these are."""
    registry = read_registry(paths.registry)
    con.register("registered_references", registry)
    try:
        new = con.sql(_new_references_sql()).to_arrow_table()
    finally:
        con.unregister("registered_references")
    numbered = append_references(paths.registry, new, first_id=next_number(paths.registry))
    return pa.concat_tables([registry, numbered]), new.num_rows


def _new_references_sql() -> str:
    landed = [
        f"select source, customer_ref, min(batch_sequence) as first_batch from staging.{model} "
        "where customer_ref is not null group by source, customer_ref"
        for model in REFERRING_MODELS
    ]
    landed += [
        f"select {source} as source, {ref} as customer_ref, min(batch_sequence) as first_batch "
        f"from staging.stg_customer_links group by {source}, {ref}"
        for source, ref in (("source", "customer_ref"), ("linked_source", "linked_ref"))
    ]
    return f"""
        select landed.source, landed.customer_ref
        from ({" union all ".join(landed)}) as landed
        anti join registered_references using (source, customer_ref)
        group by landed.source, landed.customer_ref
        order by min(landed.first_batch), landed.source, landed.customer_ref
    """


def _components(con: duckdb.DuckDBPyConnection, nodes: int, identity: Identity) -> tuple[Nodes, Mask]:
    """The component of each node, and which rows of `links` were kept; contact points are set aside on the way."""
    own, other = evidence.read_excluded(con)
    has_accounts = identity.customers_are is CustomersAre.ACCOUNT
    companies = evidence.company_nodes(con) if has_accounts else np.empty(0, dtype=np.int64)
    apart = Apart.pairs(own, other, nodes)
    exact = evidence.read_links(con)
    if has_accounts:
        apart = Apart(own, other, _anchors(nodes, exact, companies, apart))
    customer, _ = grouped(nodes, exact, apart)
    evidence.set_aside_points(con, customer, identity)
    evidence.add_point_links(con, identity, companies)
    if has_accounts:
        # Companies are told to be one account by their own contact points too, before their contacts are looked at.
        anchors = _anchors(nodes, evidence.read_links(con), companies, Apart.pairs(own, other, nodes))
        apart = Apart(own, other, anchors)
        customer, _ = grouped(nodes, exact, apart)
        accounts = np.full(nodes, NO_ANCHOR)
        np.maximum.at(accounts, customer, anchors)
        evidence.set_aside_points_of_several_accounts(con, accounts[customer], companies)
    return grouped(nodes, evidence.read_links(con), apart)


def _anchors(nodes: int, links: Links, companies: Nodes, apart: Apart) -> Nodes:
    """The account of each company, by the links of companies to one another; NO_ANCHOR for all others."""
    is_company = np.zeros(nodes, dtype=np.bool_)
    is_company[companies] = True
    account, _ = grouped(nodes, links.chosen(is_company[links.own] & is_company[links.other]), apart)
    return np.where(is_company, account, NO_ANCHOR)


def _aliases(con: duckdb.DuckDBPyConnection, component: Nodes) -> pa.Table:
    """source, customer_ref, registry_id and customer_id of each reference."""
    numbered = con.sql("select source, customer_ref, registry_id from nodes order by node").to_arrow_table()
    ids = numbered["registry_id"].to_numpy()
    smallest = np.full(component.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, ids)
    return numbered.append_column("customer_id", pa.array(smallest[component], pa.int64()))


def _write(con: duckdb.DuckDBPyConnection, aliases: pa.Table, kept: Mask) -> None:
    con.register("new_aliases", aliases)
    con.register("kept_links", pa.table({"place": np.arange(len(kept)), "is_used": kept}))
    try:
        con.execute("create schema if not exists identity")
        con.execute("create or replace table identity.customer_aliases as from new_aliases order by registry_id")
        con.execute(
            """
            create or replace table identity.identity_links as
            select
                own.source, own.customer_ref, other.source as other_source, other.customer_ref as other_ref,
                links.kind, links.evidence, links.first_batch_sequence, kept_links.is_used
            from links
            inner join kept_links using (place)
            inner join nodes as own on links.own = own.node
            inner join nodes as other on links.other = other.node
            order by links.own, links.other, links.kind, links.evidence
            """
        )
        con.execute(
            """
            create or replace table identity.shared_contact_points as
            select points.kind, points.hash, set_aside.customers, count(*) as reference_count, set_aside.reason
            from set_aside
            inner join points using (point)
            group by points.kind, points.hash, set_aside.customers, set_aside.reason
            order by set_aside.customers desc, points.kind, points.hash
            """
        )
    finally:
        con.unregister("new_aliases")
        con.unregister("kept_links")


def _counts(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, int]:
    return dict(con.execute(f"{select} order by 1").fetchall())
