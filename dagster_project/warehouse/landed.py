"""Landed data as views of the schema `landing`: how staging, and nothing else, sees the batches.

What the views say is the landing room's; here they are only put into the warehouse.
"""

from __future__ import annotations

import duckdb

from dagster_project.landing.manifest import Manifest
from dagster_project.landing.views import landing_relations


def attach(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> list[str]:
    """Make the views of schema `landing` show exactly the committed batches of `manifest`; their names, sorted."""
    relations = landing_relations(manifest)
    con.execute("begin")
    con.execute("create schema if not exists landing")
    for name in sorted(relations):
        con.execute(f'create or replace view landing."{name}" as {relations[name]}')
    con.execute("commit")
    return sorted(relations)
