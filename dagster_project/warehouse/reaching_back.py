"""Days that a batch changes before its own: a first record of a customer or product also says what they were before it.

Found once references are linked, so that the first event of a customer is that of any of its references. From which
day on the other rows of a batch change something is landing's to say.
"""

from __future__ import annotations

import duckdb

from dagster_project.contract.entities import ENTITIES
from dagster_project.landing import Manifest
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse.control_tables import create_kept_tables

# What a customer's first version says of the days before it, and a product's. Contact points may link, which is told
# by who is who.
_CUSTOMER_COLUMNS = tuple(
    column.name
    for column in ENTITIES["customers"].public_columns
    if column.name not in {"customer_ref", "registered_on", "created_at", "updated_at"}
    and not column.name.endswith("_hash")
)
_PRODUCT_COLUMNS = ("name", "category", "launched_on")


def note_reaching_back(con: duckdb.DuckDBPyConnection, manifest: Manifest, *, time_zone: str) -> None:
    """Note for each batch of `manifest` that was not looked at yet the first day that it changes by reaching back.

    Staging and identity must hold what the manifest says. Notes nothing where nothing was computed yet.
    """
    create_kept_tables(con)
    [[looked_at]] = con.execute("select coalesce(max(batch_sequence), 0) from control.reaching_back").fetchall()
    if manifest.newest_sequence <= looked_at:
        return
    [[computed]] = con.execute(
        "select count(*) from (from control.snapshot_builds union all from control.history_days)"
    ).fetchall()
    con.begin()
    try:
        if computed:
            for entity, sql in (("customers", _customers_sql), ("products", _products_sql)):
                if any(batch.sequence > looked_at for batch in manifest.of(entity)):
                    con.execute(
                        "insert into control.reaching_back select batch_sequence, min(first_changed_on) "
                        f"from ({sql(time_zone)}) where first_changed_on is not null group by batch_sequence",
                        {"looked_at": looked_at},
                    )
        con.execute("insert or ignore into control.reaching_back values (?, null)", [manifest.newest_sequence])
        con.commit()
    except BaseException:
        con.rollback()
        raise


def _first_versions_sql(entity: str, columns: tuple[str, ...], time_zone: str, *, also: str = "null") -> str:
    """Keys of which the first version says something else now, and with which batch: source, key, batch_sequence."""
    [key] = ENTITIES[entity].own_key
    said = ", ".join(quote_identifier(column) for column in columns)
    return f"""
        with versions as (
            select
                source, {key}, batch_sequence, row_number, updated_at,
                cast(timezone({quote_literal(time_zone)}, coalesce(updated_at, landed_at)) as date) as valid_from,
                case when not is_deleted then hash({said}, {also}) end as said
            from landing.{entity}
            semi join (select source, {key} from landing.{entity} where batch_sequence > $looked_at)
                using (source, {key})
        ),

        now as (select * from versions {_FIRST.format(key=key)}),

        old as (select * from versions where batch_sequence <= $looked_at {_FIRST.format(key=key)})

        select now.source, now.{key}, now.batch_sequence
        from now
        left join old using (source, {key})
        where now.said is distinct from old.said
    """


_FIRST = """
    qualify row_number() over (
        partition by source, {key}
        order by valid_from, updated_at desc nulls last, batch_sequence desc, row_number desc
    ) = 1
"""


def _customers_sql(time_zone: str) -> str:
    """The first day on which tables show a customer whose first record changed, whatever made them known."""

    def day(instant: str) -> str:
        return f"cast(timezone({quote_literal(time_zone)}, {instant}) as date)"

    # Of several records of one customer the day decides which one counts.
    first = _first_versions_sql("customers", _CUSTOMER_COLUMNS, time_zone, also="valid_from")
    events = {
        "staging.stg_orders": "min(ordered_on)",
        "landing.interactions": day("min(occurred_at)"),
        "landing.web_events": day("min(occurred_at)"),
        "landing.customers": f"least(min(registered_on), {day('min(least(created_at, updated_at, landed_at))')})",
        "landing.leads": day("min(least(created_at, landed_at))"),
        "landing.opportunities": day("min(least(created_at, landed_at))"),
    }
    firsts = " union all ".join(
        f"select customer_id, {first_day} as first_on from {relation} "
        "inner join concerned using (source, customer_ref) group by customer_id"
        for relation, first_day in events.items()
    )
    return f"""
        with changed as (
            select aliases.customer_id, first_versions.batch_sequence
            from ({first}) as first_versions
            inner join identity.customer_aliases as aliases using (source, customer_ref)
        ),

        concerned as (
            select source, customer_ref, customer_id
            from identity.customer_aliases
            semi join changed using (customer_id)
        )

        select changed.batch_sequence, firsts.first_on as first_changed_on
        from changed
        inner join ({firsts}) as firsts using (customer_id)
    """


def _products_sql(time_zone: str) -> str:
    """The first day on which a product was ordered whose first version changed."""
    return f"""
        select changed.batch_sequence, min(orders.ordered_on) as first_changed_on
        from ({_first_versions_sql("products", _PRODUCT_COLUMNS, time_zone)}) as changed
        inner join staging.stg_order_lines as lines using (source, product_id)
        inner join staging.stg_orders as orders on lines.source = orders.source and lines.order_id = orders.order_id
        group by changed.batch_sequence
    """
