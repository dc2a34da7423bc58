"""From which day on other references make up the customers: what a merge or a split changes in history.

Compares the aliases that stand with new ones; marking the days is the warehouse's.
"""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa

from dagster_project.sql_text import quote_literal

# First event of a reference in each staging model, as a day or as an instant that becomes one.
_EVENTS = {
    "stg_orders": ("ordered_at",),
    "stg_refunds": ("refunded_at",),
    "stg_interactions": ("occurred_at",),
    "stg_consents": ("occurred_at",),
    "stg_surveys": ("responded_at",),
    "stg_web_events": ("occurred_at",),
    "stg_leads": ("created_at", "updated_at"),
    "stg_opportunities": ("created_at", "updated_at"),
}


def first_changed_day(con: duckdb.DuckDBPyConnection, aliases: pa.Table, time_zone: str) -> date | None:
    """First business day on which `aliases` and identity.customer_aliases see other customers; None where on none.

    It is the first event of a reference that changes its customer. Where that reference is a customer record, whose
    attributes reach back before it, it is the first event of any reference of the customers that it leaves or joins.
    """
    there = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'identity' and table_name = 'customer_aliases'"
    ).fetchall()
    if not there:
        return None
    con.register("new_aliases", aliases)
    try:
        con.execute(
            """
            create or replace temp table moved as
            select
                new_aliases.source, new_aliases.customer_ref, new_aliases.customer_id,
                coalesce(old.customer_id, new_aliases.registry_id) as old_id
            from new_aliases
            left join identity.customer_aliases as old using (registry_id)
            where coalesce(old.customer_id, new_aliases.registry_id) <> new_aliases.customer_id
            """
        )
        if not con.execute("select count(*) from moved").fetchall()[0][0]:
            return None
        con.execute(
            """
            create or replace temp table concerned as
            with records as (
                select moved.* from moved semi join staging.stg_customers using (source, customer_ref)
            ),
            customers as (select customer_id from records union select old_id from records)
            select source, customer_ref from moved
            union
            select source, customer_ref from new_aliases semi join customers using (customer_id)
            union
            select source, customer_ref from identity.customer_aliases semi join customers using (customer_id)
            """
        )
        rows = con.execute(f"select min(day) from ({_first_days_sql(time_zone)})").fetchall()
    finally:
        con.unregister("new_aliases")
    first: date | None = rows[0][0]
    return first


def _first_days_sql(time_zone: str) -> str:
    def day(instant: str) -> str:
        return f"cast(timezone({quote_literal(time_zone)}, {instant}) as date)"

    parts = []
    for model, columns in _EVENTS.items():
        days = [day(f"min({column})") for column in columns]
        if len(columns) > 1:
            days.append(day("min(landed_at) filter (where created_at is null or updated_at is null)"))
        parts.append(f"select least({', '.join(days)}) as day from staging.{model} semi join concerned")
    parts.append(
        f"select least(min(registered_on), min(valid_from), {day('min(created_at)')}) "
        "from staging.stg_customers semi join concerned"
    )
    parts.append(
        f"select min(coalesce({day('contacts.contacted_at')}, campaigns.starts_on)) "
        "from staging.stg_campaign_contacts as contacts "
        "left join staging.stg_campaigns as campaigns using (source, campaign_id) semi join concerned"
    )
    using = "using (source, customer_ref)"
    return " union all ".join(f"{part} {using}" for part in parts)
