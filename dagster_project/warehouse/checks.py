"""Checks over what was landed and built, beside dbt's own tests: each gives a sentence with its numbers.

They compare two sides that are computed apart. What a failing check stops is declared in defs/quality.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

import duckdb
import pyarrow.parquet as pq

from dagster_project.contract.contact_points import looks_personal_sql
from dagster_project.contract.entities import ENTITIES
from dagster_project.landing import Manifest
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse.checked_days import is_unchecked
from dagster_project.warehouse.marks import read_marked
from dagster_project.warehouse.retention import DAY_COLUMNS, ISSUED

# Names that a personal column has in the contract; `name` is personal for customers, not for products.
PERSONAL_COLUMNS = frozenset(
    {column.name for entity in ENTITIES.values() for column in entity.personal_columns} - {"reason"}
)
# Copied as the source writes them, so that an id may look like anything.
ID_COLUMNS = frozenset({"order_id", "campaign_id", "product_id", "standard_version", "source"})


@dataclass(frozen=True)
class Check:
    """What a check found: whether it holds, in a sentence, with the numbers that the sentence is about.

    `is_warning` tells a fault to look at from one that is wrong for certain.
    """

    passed: bool
    says: str
    numbers: Mapping[str, int | float | str] = field(default_factory=lambda: MappingProxyType({}))
    is_warning: bool = False


def rows_read_are_accepted_or_rejected(manifest: Manifest, entity: str) -> Check:
    """Each row of each file of an entity is accepted or rejected, and the Parquet files hold what the manifest says."""
    counts = [count for count in manifest.row_counts() if count.entity == entity]
    read, accepted, rejected = (
        sum(getattr(count, name) for count in counts) for name in ("rows_read", "accepted", "rejected")
    )
    batches = [batch for batch in manifest.batches if batch.entity == entity]
    stored = sum(batch.stored for batch in batches)
    in_files = sum(pq.read_metadata(manifest.absolute(batch.path)).num_rows for batch in batches if batch.path)
    return Check(
        read == accepted + rejected and stored == in_files,
        f"{read:,} rows read = {accepted:,} accepted + {rejected:,} rejected; "
        f"{stored:,} rows in the manifest, {in_files:,} in the Parquet files",
        {"rows read": read, "accepted": accepted, "rejected": rejected, "stored": stored, "in files": in_files},
    )


def landed_revenue_is_mart_revenue(con: duckdb.DuckDBPyConnection, reporting_currency: str) -> Check:
    """Orders and revenue of the current versions in the landed batches equal the marts', to the cent, by currency.

    Computed from the batches by another road than staging's, so that a row lost or doubled on the way shows: the sum of
    all rows, less those of orders that stand on several, plus the newest of each of these (by `arg_max`, not by rank
    and merge). Only these are grouped whole: a million orders take 0.3 s of processor time, all of them grouped 0.55 s.
    Orders in a foreign currency are counted; their revenue in reporting currency depends on rates and is left to the
    tests.
    """
    rows = con.execute(
        """
        with contested as (
            select hash(source, order_id) as key_hash
            from landing.orders
            group by key_hash
            having count(*) > 1
        ),

        versions as materialized (
            select
                source,
                order_id,
                currency,
                gross_amount - coalesce(discount_amount, 0) as revenue,
                is_deleted,
                (coalesce(updated_at, timestamptz '0001-01-01 00:00:00+00'), batch_sequence, row_number) as place
            from landing.orders
            semi join contested on hash(source, order_id) = key_hash
        ),

        newest as (
            select arg_max({'currency': currency, 'revenue': revenue, 'is_deleted': is_deleted}, place) as version
            from versions
            group by source, order_id
        ),

        counted as (
            select currency, 1 as orders, gross_amount - coalesce(discount_amount, 0) as revenue
            from landing.orders
            where not is_deleted
            union all
            select currency, -1 as orders, -revenue as revenue
            from versions
            where not is_deleted
            union all
            select version.currency as currency, 1 as orders, version.revenue as revenue
            from newest
            where not version.is_deleted
        ),

        landed as (
            select currency, sum(orders) as orders, sum(revenue) as revenue
            from counted
            group by currency
            having sum(orders) <> 0
        ),

        built as (
            select currency, count(*) as orders, sum(revenue) as revenue
            from (
                select currency, revenue from marts.fct_orders
                union all
                select currency, null from marts.orders_without_rate
            )
            group by currency
        )

        select
            coalesce(landed.currency, built.currency) as currency,
            coalesce(landed.orders, 0), coalesce(built.orders, 0),
            coalesce(landed.revenue, 0), coalesce(built.revenue, 0)
        from landed
        full join built on landed.currency is not distinct from built.currency
        order by all
        """
    ).fetchall()
    faults = [
        f"{currency}: landed {landed_orders:,} orders of {landed_revenue:,}, marts {orders:,} of {revenue:,}"
        for currency, landed_orders, orders, landed_revenue, revenue in rows
        if landed_orders != orders or (currency == reporting_currency and landed_revenue != revenue)
    ]
    orders = sum(row[1] for row in rows)
    revenue = sum((row[3] for row in rows if row[0] == reporting_currency), Decimal(0))
    return Check(
        not faults,
        "; ".join(faults) or f"{orders:,} orders, {revenue:,} {reporting_currency} landed and in the marts",
        {"orders": orders, f"revenue in {reporting_currency}": str(revenue)},
    )


def one_row_a_customer_a_day(con: duckdb.DuckDBPyConnection) -> Check:
    """No customer has two rows of one day among the segments of days that have not passed yet."""
    [[rows, distinct, days]] = con.execute(
        "select count(*), count(distinct (as_of_date, customer_id)), count(distinct as_of_date) "
        f"from marts.customer_segments where {is_unchecked('as_of_date')}"
    ).fetchall()
    return Check(
        rows == distinct,
        f"{rows:,} rows, {distinct:,} customers by day, on {days:,} days",
        {"rows": rows, "distinct customers by day": distinct, "days": days},
    )


def segment_stability(con: duckdb.DuckDBPyConnection) -> Check:
    """No dimension has shifted, on the newest stored day, beyond the standard's limits since the last month end."""
    rows = con.execute(
        "select as_of_date, compared_on, dimension, stability_index, verdict from marts.segment_stability "
        "where as_of_date = (select max(as_of_date) from marts.segment_stability) "
        "order by stability_index desc nulls last, dimension"
    ).fetchall()
    if not rows:
        return Check(True, "no earlier month end to compare with")
    day, compared_on = rows[0][:2]
    shifted = [(dimension, index, verdict) for _, _, dimension, index, verdict in rows if verdict != "steady"]
    found = "; ".join(f"{dimension} {index:.3f} ({verdict})" for dimension, index, verdict in shifted)
    return Check(
        not shifted,
        f"from {compared_on} to {day}: " + (f"shifted {found}" if shifted else f"{len(rows)} dimensions steady"),
        {dimension: str(index) for _, _, dimension, index, _ in rows if index is not None},
        is_warning=all(verdict == "warn" for _, _, verdict in shifted),
    )


def no_personal_data(con: duckdb.DuckDBPyConnection) -> Check:
    """No mart has a personal column, a value that looks like a phone or an e-mail, or a known contact point.

    Of marts of days those are searched that have not passed yet; of lists, which are written after this and small, all.
    """
    columns = con.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'marts' order by table_name, column_index"
    ).fetchall()
    found = [f"{table}.{column} is a personal column" for table, column, _ in columns if column in PERSONAL_COLUMNS]
    con.execute(
        "create or replace temporary table known_contact_points as "
        "select unnest([phone, email, wechat_id]) as contact_point from personal.stg_customers_personal"
    )
    [[points]] = con.execute("select count(contact_point) from known_contact_points").fetchall()
    texts = [
        (table, column)
        for table, column, kind in columns
        if kind == "VARCHAR" and (points or column not in ID_COLUMNS)  # without points there is nothing to find in ids
    ]
    day_columns = {table: column for table, column, _ in columns if column in DAY_COLUMNS and table not in ISSUED}
    for table, of_table in groupby(texts, key=itemgetter(0)):
        searched = f"marts.{quote_identifier(table)}"
        if day_column := day_columns.get(table):
            searched += f" where {is_unchecked(day_column)}"
        found += _personal_values(con, table, [column for _, column in of_table], searched)
    if as_reference := _references_that_are_contact_points(con):
        found.append(
            f"{as_reference:,} customer references, which are published, are a known contact point: "
            "set hash: true on customer_ref in sources.yaml"
        )
    con.execute("drop table known_contact_points")
    return Check(
        not found,
        "; ".join(found) or f"{len(columns)} columns searched by name, pattern and known contact point",
        {"columns searched": len(columns), "findings": len(found)},
    )


def _references_that_are_contact_points(con: duckdb.DuckDBPyConnection) -> int:
    [[count]] = con.execute(
        "select count(*) from identity.customer_aliases "
        "where customer_ref in (select contact_point from known_contact_points)"
    ).fetchall()
    return int(count)


def _personal_values(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], searched: str) -> list[str]:
    """Of `table`, in the rows `searched`: counts, never values, since a check result is read by many.

    One scan for the distinct values of all columns: a view is computed anew for each (10 million orders: 1.3 s of
    processor time a column).
    """
    names = [quote_identifier(column) for column in columns]
    # In the set of one column every other is null.
    grouped = " ".join(
        f"when grouping({name}) = 0 then {quote_literal(column)}" for name, column in zip(names, columns, strict=True)
    )
    rows = con.execute(
        f"""
        with values_found as (
            select case {grouped} end as column_name, coalesce({", ".join(names)}) as value
            from {searched}
            group by grouping sets ({", ".join(f"({name})" for name in names)})
        )
        select
            column_name,
            count(*) filter (where value in (select contact_point from known_contact_points)),
            count(*) filter (where list_contains(?, column_name) and {looks_personal_sql("value")})
        from values_found
        group by column_name
        """,
        [[column for column in columns if column not in ID_COLUMNS]],
    ).fetchall()
    counts = {column: (known, alike) for column, known, alike in rows}
    found = []
    for column in columns:
        known, alike = counts.get(column, (0, 0))
        if known:
            found.append(f"{known:,} values are a known contact point in {table}.{column}")
        if alike:
            found.append(f"{alike:,} values look like a phone or an e-mail in {table}.{column}")
    return found


def all_rows_read_are_accepted_or_rejected(manifest: Manifest) -> Check:
    """The landing check over every entity, as one sentence."""
    counts = manifest.row_counts()
    read, accepted, rejected = (
        sum(getattr(count, name) for count in counts) for name in ("rows_read", "accepted", "rejected")
    )
    holds = all(rows_read_are_accepted_or_rejected(manifest, entity).passed for entity in ENTITIES)
    return Check(holds, f"{read:,} rows read = {accepted:,} accepted + {rejected:,} rejected")


def days_hold_all_that_landed(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Check:
    """No computed day is older than a batch that changes it; says which are, and which batch reaches furthest back."""
    marked = read_marked(con, manifest)
    if not marked.days:
        return Check(True, "every computed day holds all that has landed")
    spans = ", ".join(
        f"{span.first}" if span.days == 1 else f"{span.first} to {span.last} ({span.days:,})" for span in marked.spans
    )
    furthest = marked.causes[0]
    cause = "who is who" if furthest.source is None else f"{furthest.entity} of {furthest.source}"
    are = "day is" if len(marked.days) == 1 else "days are"
    return Check(
        False,
        f"{len(marked.days):,} {are} older than what has landed for them; "
        f"furthest back reaches {cause}, from {furthest.first_changed_on} on",
        {"days": len(marked.days), "marked": spans, "marked by": cause, "from": str(furthest.first_changed_on)},
        is_warning=True,
    )


def record_checks(con: duckdb.DuckDBPyConnection, checks: Mapping[str, Check]) -> None:
    """Keep what the newest run's checks found beside the tables, for the report."""
    con.begin()
    con.execute("create schema if not exists audit")
    con.execute("create or replace table audit.checks (name varchar, passed boolean, says varchar)")
    for name, check in checks.items():
        con.execute("insert into audit.checks values (?, ?, ?)", [name, check.passed, check.says])
    con.commit()


def recorded_checks(con: duckdb.DuckDBPyConnection) -> dict[str, Check]:
    """What `record_checks` kept; empty where no run has checked yet."""
    try:
        rows = con.execute("select name, passed, says from audit.checks order by name").fetchall()
    except duckdb.CatalogException:
        return {}
    return {name: Check(passed, says) for name, passed, says in rows}


def table_checks(con: duckdb.DuckDBPyConnection, reporting_currency: str) -> dict[str, Check]:
    """Every check over built tables, by name."""
    return {
        "landed_revenue_is_mart_revenue": landed_revenue_is_mart_revenue(con, reporting_currency),
        "one_row_a_customer_a_day": one_row_a_customer_a_day(con),
        "no_personal_data": no_personal_data(con),
        "segment_stability": segment_stability(con),
    }
