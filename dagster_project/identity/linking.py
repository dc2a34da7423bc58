"""Linking references into customers by the links that mappings declare.

A component's customer_id is the smallest registry number in it, so an id stays with the part that holds its owner when
a link goes. Linear in references and links (connected components).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dagster_project.identity.registry import append_references, read_registry
from dagster_project.settings import Paths

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


@dataclass(frozen=True)
class LinkResult:
    """What linking found: references in all, references numbered now, customers, and references linked to another."""

    references: int
    new_references: int
    customers: int
    linked_references: int


def link(con: duckdb.DuckDBPyConnection, *, paths: Paths) -> LinkResult:
    """Number new references, link them, and replace `identity.customer_aliases` in one transaction.

    The table has one row a reference: source, customer_ref, registry_id, customer_id.
    """
    registry = read_registry(paths.registry)
    con.register("registered_references", registry)
    try:
        new = con.sql(_new_references_sql()).to_arrow_table()
        first_id = int(
            con.execute("select coalesce(max(registry_id), 0) + 1 from registered_references").fetchall()[0][0]
        )
    finally:
        con.unregister("registered_references")
    registry = pa.concat_tables([registry, append_references(paths.registry, new, first_id=first_id)])
    aliases = _aliases(con, registry)
    con.register("aliases", aliases)
    try:
        con.begin()
        con.execute("create schema if not exists identity")
        con.execute("create or replace table identity.customer_aliases as select * from aliases order by registry_id")
        con.commit()
    finally:
        con.unregister("aliases")
    customers = np.unique(aliases["customer_id"].to_numpy())
    return LinkResult(
        references=aliases.num_rows,
        new_references=new.num_rows,
        customers=len(customers),
        linked_references=int(np.count_nonzero(aliases["customer_id"].to_numpy() != aliases["registry_id"].to_numpy())),
    )


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


def _aliases(con: duckdb.DuckDBPyConnection, registry: pa.Table) -> pa.Table:
    con.register("numbered_references", registry)
    try:
        links = con.execute(
            """
            select own.registry_id as own_id, other.registry_id as other_id
            from staging.stg_customer_links as link
            inner join numbered_references as own
                on own.source = link.source and own.customer_ref = link.customer_ref
            inner join numbered_references as other
                on other.source = link.linked_source and other.customer_ref = link.linked_ref
            """
        ).fetchnumpy()
    finally:
        con.unregister("numbered_references")
    ids = registry["registry_id"].to_numpy()
    order = np.argsort(ids)
    ids = ids[order]
    own = np.searchsorted(ids, np.asarray(links["own_id"], dtype=np.int64))
    other = np.searchsorted(ids, np.asarray(links["other_id"], dtype=np.int64))
    graph = coo_array((np.ones(len(own), dtype=np.int8), (own, other)), shape=(len(ids), len(ids)))
    count, component = connected_components(graph, directed=False)
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, ids)
    return registry.take(pa.array(order)).append_column("customer_id", pa.array(smallest[component], pa.int64()))
