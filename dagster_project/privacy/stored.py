"""Erasing people from the warehouse: their rows go from every table, their orders stay as nobody's, and the file is
written anew, so that no free page keeps what was deleted.

Days that were computed with the people's rows are marked: rebuilt, they hold the orders of nobody again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb

from dagster_project.atomic_files import flush, unfinished
from dagster_project.landing import Manifest
from dagster_project.privacy.holdings import claimed_tables
from dagster_project.privacy.landed import fill_kept
from dagster_project.privacy.plan import Plan
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse import HeldWarehouse
from dagster_project.warehouse.control import mark_relinked_days
from dagster_project.warehouse.landed import attach

# Staging keeps the newest rows of these from run to run: what replaces the people's is read from the batches.
_STAGED = {"stg_orders": "orders", "stg_order_lines": "order_lines"}


def erase_stored(warehouse: HeldWarehouse, settings: Settings, plan: Plan, say: Callable[[str], None]) -> None:
    """Take the people out of the warehouse; called again, it finds nothing to take out and writes the file anew."""
    with warehouse.connection() as con:
        fill_kept(con, plan)
        attach_again(con, settings)
        tables = claimed_tables(con)
        con.begin()
        try:
            is_held = any(
                con.execute(f"select 1 from {_name(schema, table)} where {condition} limit 1").fetchall()
                for schema, table, condition in tables
            )
            for schema, table, condition in tables:
                if table in _STAGED and schema == "staging":
                    _stage_again(con, settings, table, condition)
                elif (schema, table) == ("intermediate", "int_customer_days"):
                    _move(con, schema, table, plan)
                con.execute(f"delete from {_name(schema, table)} where {condition}")
            _add_aliases(con, plan)
            if is_held and plan.first_changed_day is not None:
                mark_relinked_days(con, plan.first_changed_day, settings.paths.standards)
            con.commit()
        except BaseException:
            con.rollback()
            raise
    say("writing the warehouse file anew")
    rewrite_file(warehouse)


def rewrite_file(warehouse: HeldWarehouse) -> None:
    """Copy the database into a new file and switch: a deleted row stays on its page until the page is used again."""
    path = warehouse.path
    beside = unfinished(path.parent, path.name)
    for leftover in (beside, beside.with_name(beside.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect() as con:
        con.execute(f"attach {quote_literal(str(path))} as old_file")
        con.execute("checkpoint old_file")
        con.execute(f"attach {quote_literal(str(beside))} as new_file")
        con.execute("copy from database old_file to new_file")
        con.execute("checkpoint new_file")
        con.execute("detach new_file")
        con.execute("detach old_file")
    flush(beside)
    beside.replace(path)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def attach_again(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Show staging the rewritten batches of those that it had seen: their files have other names now."""
    there = con.execute(
        "select 1 from duckdb_views() where database_name = current_database() "
        "and schema_name = 'landing' and view_name = 'attached'"
    ).fetchall()
    if there:
        [[sequence]] = con.execute("select batch_sequence from landing.attached").fetchall()
        manifest = Manifest.load(settings.paths)
        seen = tuple(batch for batch in manifest.batches if batch.sequence <= sequence)
        attach(con, replace(manifest, batches=seen))


def _stage_again(con: duckdb.DuckDBPyConnection, settings: Settings, table: str, condition: str) -> None:
    """Replace the people's rows of a staging table by those that stay of them in the batches."""
    name = _name("staging", table)
    con.execute(f"delete from {name} where {condition}")
    columns = [column for (column,) in con.execute(f"select column_name from (describe {name})").fetchall()]
    day = f"cast(timezone({quote_literal(settings.sources.business.time_zone)}, ordered_at) as date)"
    listed = ", ".join(
        f"{day} as ordered_on" if column == "ordered_on" else quote_identifier(column) for column in columns
    )
    con.execute(
        f"insert into {name} by name select {listed} from landing.{_STAGED[table]} as landed "
        "where (source, order_id) in (select kept_source, new_key from kept_orders) "
        f"and not exists (select 1 from {name} as there "
        "where there.source = landed.source and there.order_id = landed.order_id)"
    )


def _move(con: duckdb.DuckDBPyConnection, schema: str, table: str, plan: Plan) -> None:
    for old, new in plan.moved:
        con.execute(f"update {_name(schema, table)} set customer_id = ? where customer_id = ?", [new, old])


def _add_aliases(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    there = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'identity' and table_name = 'customer_aliases'"
    ).fetchall()
    for source, reference, number, customer_id in plan.references if there else ():
        con.execute(
            "insert into identity.customer_aliases (source, customer_ref, registry_id, customer_id) "
            "select $1, $2, $3, $4 where $3 not in (select registry_id from identity.customer_aliases)",
            [source, reference, number, customer_id],
        )


def _name(schema: str, table: str) -> str:
    return f"{quote_identifier(schema)}.{quote_identifier(table)}"
