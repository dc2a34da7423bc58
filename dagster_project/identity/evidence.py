"""What speaks for two references being one customer: declared ids, pairs that people decided, shared contact points.

Fills temporary tables of the connection, in SQL over all references at once; who is connected in the end is decided in
`linking`. A contact point is known by its keyed hash alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from dagster_project.identity.grouping import Links, Nodes
from dagster_project.landing.erased import ERASED_PREFIX
from dagster_project.settings.sources import CONTACT_POINTS, Identity, Pair, Pairs

FORCED, DECLARED = "forced", "declared"
# What links by a contact point are called; `wechat` is an id of the kind wechat_id.
KINDS = {name: column.removesuffix("_hash") for name, column in CONTACT_POINTS.items()}


def number_nodes(con: duckdb.DuckDBPyConnection, registry: pa.Table) -> int:
    """Table `nodes`: node, registry_id, source, customer_ref, numbered by source and reference; gives how many."""
    con.register("registered_references", registry)
    try:
        con.execute(
            "create or replace temp table nodes as "
            "select row_number() over (order by source, customer_ref) - 1 as node, registry_id, source, customer_ref "
            "from registered_references order by node"
        )
    finally:
        con.unregister("registered_references")
    return int(registry.num_rows)


def find_pairs(con: duckdb.DuckDBPyConnection, pairs: Pairs) -> list[str]:
    """Tables `forced` and `excluded` (own, other, place): pairs of which both references have landed.

    Gives the places of the others.
    """
    lost: list[str] = []
    for name, listed in (("forced", pairs.forced), ("excluded", pairs.excluded)):
        con.register("listed_pairs", _pairs_table(listed))
        try:
            con.execute(
                f"""
                create or replace temp table {name} as
                select own.node as own, other.node as other, listed.place
                from listed_pairs as listed
                left join nodes as own on own.source = listed.source and own.customer_ref = listed.customer_ref
                left join nodes as other
                    on other.source = listed.other_source and other.customer_ref = listed.other_ref
                order by listed.line
                """
            )
        finally:
            con.unregister("listed_pairs")
        missing = con.execute(f"select place from {name} where own is null or other is null").fetchall()
        lost += [place for (place,) in missing]
        con.execute(f"delete from {name} where own is null or other is null")
    return lost


def collect_records(con: duckdb.DuckDBPyConnection) -> None:
    """Table `records`: a row a version of a customer record, with its node, contact points and whether it is newest.

    Versions that delete the record are among them: who is deleted has no contact points.
    """
    con.execute(
        """
        create or replace temp table records as
        with versions as (
            select
                nodes.node, record.valid_from, record.kind, record.phone_hash, record.email_hash, record.wechat_hash,
                record.batch_sequence, record.is_deleted
            from staging.stg_customers as record
            inner join nodes using (source, customer_ref)
        ),
        newest as (select node, max(valid_from) as valid_from from versions group by node)
        select versions.*, versions.valid_from = newest.valid_from as is_newest
        from versions
        inner join newest using (node)
        """
    )


def company_nodes(con: duckdb.DuckDBPyConnection) -> Nodes:
    """The references whose newest known kind is company."""
    return _column(
        con,
        "select node from records where kind is not null and not is_deleted "
        "group by node having arg_max(kind, valid_from) = 'company' order by node",
    )


def collect_exact_links(con: duckdb.DuckDBPyConnection) -> None:
    """Table `links` (place, own, other, kind, evidence, first_batch_sequence, rank) of declared and forced links."""
    con.execute(
        f"""
        create or replace temp table links as
        select row_number() over (order by rank, own, other, evidence) - 1 as place, *
        from (
            select
                own, other, '{FORCED}' as kind, place as evidence, cast(null as bigint) as first_batch_sequence,
                0 as rank
            from forced
            union all
            select
                own.node, other.node, '{DECLARED}', link.source_file, cast(link.batch_sequence as bigint), 1
            from staging.stg_customer_links as link
            inner join nodes as own on own.source = link.source and own.customer_ref = link.customer_ref
            inner join nodes as other on other.source = link.linked_source and other.customer_ref = link.linked_ref
            where own.node <> other.node
            union all
            -- What is left of an erased person has one random reference in all their sources.
            select own.node, other.node, '{DECLARED}', 'erased', null, 1
            from nodes as own
            inner join nodes as other on own.customer_ref = other.customer_ref and own.node < other.node
            where starts_with(own.customer_ref, '{ERASED_PREFIX}')
        )
        """
    )


def collect_points(con: duckdb.DuckDBPyConnection, identity: Identity) -> None:
    """Table `points` (point, node, kind, hash): the contact points of newest versions that several references have."""
    kinds = [
        f"select node, '{KINDS[name]}' as kind, {CONTACT_POINTS[name]} as hash from records "
        f"where is_newest and not is_deleted and {CONTACT_POINTS[name]} is not null"
        for name in identity.match
    ] or ["select cast(null as bigint) as node, null::varchar as kind, null::varchar as hash where false"]
    con.execute(f"create or replace temp view held_points as {' union all '.join(kinds)}")
    con.execute(
        """
        create or replace temp table points as
        select shared.point, held_points.*
        from held_points
        inner join (
            select kind, hash, row_number() over (order by kind, hash) as point
            from held_points
            group by kind, hash
            having count(*) > 1
        ) as shared using (kind, hash)
        """
    )
    con.execute("drop view held_points")


def set_aside_points(con: duckdb.DuckDBPyConnection, customer: Nodes, identity: Identity) -> None:
    """Table `set_aside` (point, customers, reason): points that too many customers have, or both of an excluded pair.

    `customer` is the customer of each node by exact links.
    """
    with_labels(con, "customers", customer)
    try:
        con.execute(
            f"""
            create or replace temp table set_aside as
            with held as (
                select points.point, customers.label from points inner join customers using (node)
            ),
            counted as (select point, count(distinct label) as customers from held group by point),
            excluded_customers as (
                select own.label as own, other.label as other
                from excluded
                inner join customers as own on excluded.own = own.node
                inner join customers as other on excluded.other = other.node
            ),
            contradicted as (
                select distinct held.point
                from held
                inner join excluded_customers on held.label = excluded_customers.own
                inner join held as others
                    on held.point = others.point and excluded_customers.other = others.label
            )
            select
                counted.point,
                counted.customers,
                case
                    when counted.customers > {identity.shared_by_more_than} then 'many_customers'
                    else 'excluded_pair'
                end as reason
            from counted
            left join contradicted using (point)
            where counted.customers > {identity.shared_by_more_than} or contradicted.point is not null
            """
        )
    finally:
        con.unregister("customers")


def add_point_links(con: duckdb.DuckDBPyConnection, identity: Identity, companies: Nodes) -> None:
    """Links by the points that stand, as a star about one of their holders: the first company, else the first.

    All pairs of a point's holders would be the square of their number.
    """
    con.register("companies", pa.table({"node": companies}))
    ranks = " ".join(f"when '{KINDS[name]}' then {place}" for place, name in enumerate(identity.match, start=2))
    try:
        con.execute(
            f"""
            insert into links
            with standing as (select * from points anti join set_aside using (point)),
            seen as (
                select standing.point, standing.node, min(held.batch_sequence) as batch_sequence
                from standing
                inner join (
                    select node, unnest(['phone', 'email', 'wechat']) as kind,
                        unnest([phone_hash, email_hash, wechat_hash]) as hash, batch_sequence
                    from records
                    where not is_deleted
                ) as held using (node, kind, hash)
                group by standing.point, standing.node
            ),
            centres as (
                select point, coalesce(min(companies.node), min(standing.node)) as node
                from standing
                left join companies on standing.node = companies.node
                group by point
            )
            select
                (select count(*) from links) + row_number() over (order by standing.point, standing.node) - 1,
                centres.node, standing.node, standing.kind, standing.hash,
                cast(greatest(own.batch_sequence, other.batch_sequence) as bigint),
                case standing.kind {ranks or "when '' then 0"} end
            from standing
            inner join centres on standing.point = centres.point and standing.node <> centres.node
            inner join seen as own on centres.point = own.point and centres.node = own.node
            inner join seen as other on standing.point = other.point and standing.node = other.node
            """
        )
    finally:
        con.unregister("companies")


def set_aside_points_of_several_accounts(con: duckdb.DuckDBPyConnection, account: Nodes, companies: Nodes) -> None:
    """Take out links by points whose holders belong to several accounts, but for those from company to company.

    `account` is the account of each node by exact links, negative where it has none.
    """
    with_labels(con, "accounts", account)
    con.register("companies", pa.table({"node": companies}))
    try:
        con.execute(
            """
            insert into set_aside
            select points.point, count(distinct accounts.label) as customers, 'several_accounts' as reason
            from points
            inner join accounts using (node)
            anti join set_aside using (point)
            where accounts.label >= 0
            group by points.point
            having count(distinct accounts.label) > 1
            """
        )
        con.execute(
            """
            delete from links
            where
                (kind, evidence) in (
                    select (kind, hash) from points semi join (
                        select point from set_aside where reason = 'several_accounts'
                    ) using (point)
                )
                and not (own in (select node from companies) and other in (select node from companies))
            """
        )
        con.execute(
            "create or replace temp table links as select row_number() over (order by place) - 1 as place, "
            "* exclude (place) from links"
        )
    finally:
        con.unregister("accounts")
        con.unregister("companies")


def read_links(con: duckdb.DuckDBPyConnection) -> Links:
    """The links so far, in the order of their place."""
    found = con.execute("select own, other, rank from links order by place").fetchnumpy()
    return Links(*(np.asarray(found[name], dtype=np.int64) for name in ("own", "other", "rank")))


def read_excluded(con: duckdb.DuckDBPyConnection) -> tuple[Nodes, Nodes]:
    """Both sides of the excluded pairs."""
    found = con.execute("select own, other from excluded").fetchnumpy()
    return np.asarray(found["own"], dtype=np.int64), np.asarray(found["other"], dtype=np.int64)


def with_labels(con: duckdb.DuckDBPyConnection, name: str, labels: Nodes) -> None:
    """Register view `name` with node and label; the caller unregisters it."""
    con.register(name, pa.table({"node": np.arange(len(labels)), "label": labels}))


def _column(con: duckdb.DuckDBPyConnection, select: str) -> Nodes:
    [(_, values)] = con.execute(select).fetchnumpy().items()
    return np.asarray(values, dtype=np.int64)


def _pairs_table(pairs: Sequence[Pair]) -> pa.Table:
    columns = ("source", "customer_ref", "other_source", "other_ref", "place")
    return pa.table(
        {
            **{name: pa.array([getattr(pair, name) for pair in pairs], pa.string()) for name in columns},
            "line": pa.array(range(len(pairs)), pa.int64()),
        }
    )
