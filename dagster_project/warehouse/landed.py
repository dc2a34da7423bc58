"""Landed data as views of the schema `landing`: how staging, and nothing else, sees the batches.

What the views say is the landing room's; here they are only put into the warehouse.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from dagster_project.errors import StrataError
from dagster_project.landing import Manifest
from dagster_project.landing.views import landing_relations
from dagster_project.sql_text import quote_identifier
from dagster_project.warehouse.control_tables import create_kept_tables


def attach(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Make the views of schema `landing` show exactly the committed batches of `manifest`, all in one transaction."""
    create_kept_tables(con)  # before anything else is made, so that the warehouse has its version from the start
    con.begin()
    try:
        con.execute("create schema if not exists landing")
        for name, select in landing_relations(manifest).items():
            con.execute(f"create or replace view landing.{quote_identifier(name)} as {select}")
        con.execute(f"create or replace view landing.attached as select {manifest.newest_sequence} as batch_sequence")
        con.commit()
    except BaseException:
        con.rollback()
        raise


def attached(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Manifest:
    """The part of `manifest` that staging has seen: what landed later is not in the tables yet.

    Raises:
        StrataError: nothing was ever attached.
    """
    there = con.execute(
        "select 1 from duckdb_views() where database_name = current_database() "
        "and schema_name = 'landing' and view_name = 'attached'"
    ).fetchall()
    if not there:
        raise StrataError("Nothing is staged in the warehouse yet; run `strata run` (or materialize landing) first.")
    [[sequence]] = con.execute("select batch_sequence from landing.attached").fetchall()
    return replace(manifest, batches=tuple(batch for batch in manifest.batches if batch.sequence <= sequence))
