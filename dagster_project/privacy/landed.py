"""Erasing people from landed batches: the one operation that rewrites them.

A person's rows go; the newest versions of their orders, lines and refunds stay as rows of nobody, with day, amounts and
product under random keys. Files are written beside the old ones and switched by the manifest's entry, which keeps the
fingerprints of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, sha256_of, written_beside
from dagster_project.contract.entities import ENTITIES
from dagster_project.landing.batches import Batch
from dagster_project.landing.erased import ERASED_REASON, REMOVED_TEXT
from dagster_project.landing.parquet_files import file_sql, write_file
from dagster_project.privacy.claims import claim, key_statements
from dagster_project.privacy.people import Person
from dagster_project.privacy.plan import KeptRow, Plan
from dagster_project.privacy.refused_rows import rows_of_person
from dagster_project.privacy.rewriting import new_path, rewrite_batches, with_new_files
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal

# What a row of nobody does not keep: where it stood in the file, when it was changed, and where it was bought.
_DROPPED = {"channel": "null", "region": "null", "updated_at": "null", "row_number": "0", "row_hash": "0"}
_INSTANTS = ("ordered_at", "refunded_at")
NOON = "interval 12 hour"


def erase_landed(settings: Settings, plan: Plan, say: Callable[[str], None]) -> None:
    """Rewrite every batch and quarantine file with a row of the people; called again, it goes on where it ended."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        fill_kept(con, plan)
        rewrite_batches(settings.paths, lambda batch: _rewritten(con, settings, plan, batch), say)


def fill_kept(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Temporary tables of the people's keys, and `kept_orders` and `kept_refunds` with their random ones."""
    for statement in key_statements(plan.keys):
        con.execute(statement)
    for table, rows in (("kept_orders", plan.orders), ("kept_refunds", plan.refunds)):
        con.register("rows_to_keep", _kept_table(rows))
        con.execute(f"create or replace temp table {table} as select * from rows_to_keep")
        con.unregister("rows_to_keep")


def _kept_table(rows: Sequence[KeptRow]) -> pa.Table:
    text, number = pa.string(), pa.int64()
    return pa.table(
        {
            "kept_source": pa.array([row.source for row in rows], text),
            "kept_key": pa.array([row.key for row in rows], text),
            "new_key": pa.array([row.new_key for row in rows], text),
            "new_ref": pa.array([row.new_ref for row in rows], text),
            "kept_batch": pa.array([row.batch_sequence for row in rows], number),
            "kept_row": pa.array([row.row_number for row in rows], number),
            "lines_batch": pa.array([row.lines_batch for row in rows], number),
        }
    )


def _rewritten(con: duckdb.DuckDBPyConnection, settings: Settings, plan: Plan, batch: Batch) -> Batch:
    """The batch with its files rewritten, or as it is where none holds a row of the people."""
    landing = settings.paths.landing
    entity = ENTITIES[batch.entity]
    changed: dict[str, Any] = {}
    if batch.path:
        path = landing / batch.path
        rest = _rest_sql(path, [name for name, _ in entity.landed_columns()])
        if rest is not None and _holds_people(con, path):
            of_nobody = _of_nobody_sql(batch, path, settings.sources.business.time_zone)
            new, rows, before = _write(con, plan, path, rest, of_nobody)
            changed |= {"path": str(new.relative_to(landing)), "path_sha256": sha256_of(new)}
            changed["erased"] = batch.erased + before - rows
    if batch.personal_path:
        path = landing / batch.personal_path
        rest = _rest_sql(path, [name for name, _ in entity.personal_landed_columns()])
        if rest is not None and _holds_people(con, path):
            new, _, _ = _write(con, plan, path, rest, None)
            new.chmod(PRIVATE_FILE)
            changed |= {"personal_path": str(new.relative_to(landing)), "personal_sha256": sha256_of(new)}
    if batch.quarantine_path:
        path = landing / batch.quarantine_path
        refused = _without_people(path, settings, plan)
        if refused is not None:
            new = new_path(path, plan.erasure_id)
            with written_beside(new, mode=PRIVATE_FILE) as beside:
                pq.write_table(refused, beside, compression="zstd")
            changed |= {"quarantine_path": str(new.relative_to(landing)), "quarantine_sha256": sha256_of(new)}
    return with_new_files(batch, changed, plan.erasure_id)


def _holds_people(con: duckdb.DuckDBPyConnection, path: Path) -> bool:
    condition = claim(pq.read_schema(path).names)
    return bool(con.execute(f"select 1 from {file_sql(path)} where {condition} limit 1").fetchall())


def _rest_sql(path: Path, columns: Sequence[str]) -> str | None:
    condition = claim(columns)
    return condition and f"select * from {file_sql(path)} where not coalesce({condition}, false)"


def _of_nobody_sql(batch: Batch, path: Path, time_zone: str) -> str | None:
    """The rows that stay, in the order of their random keys: their place in the file would tell whose they were."""
    there = pq.read_schema(path).names
    if batch.entity == "orders":
        own, table = "order_id", "kept_orders"
        newest = "batch_sequence = kept_batch and row_number = kept_row"
    elif batch.entity == "refunds":
        own, table = "refund_id", "kept_refunds"
        newest = "batch_sequence = kept_batch and row_number = kept_row"
    elif batch.entity == "order_lines":
        own, table = "order_id", "kept_orders"
        newest = "batch_sequence = lines_batch and not is_deleted"
    else:
        return None
    zone = quote_literal(time_zone)
    replaced = {name: f"cast({value} as {_sql_type(batch.entity, name)})" for name, value in _DROPPED.items()}
    replaced |= {name: f"timezone({zone}, date_trunc('day', timezone({zone}, {name})) + {NOON})" for name in _INSTANTS}
    replaced |= {own: "kept.new_key", "customer_ref": "kept.new_ref"}
    if batch.entity == "refunds":
        replaced["order_id"] = "kept_order.new_key"
    listed = ", ".join(
        f"{replaced.get(name, f'landed.{quote_identifier(name)}')} as {quote_identifier(name)}"
        if name in replaced
        else f"landed.{quote_identifier(name)}"
        for name in there
    )
    refunded = (
        "left join kept_orders as kept_order "
        "on landed.source = kept_order.kept_source and landed.order_id = kept_order.kept_key"
        if batch.entity == "refunds"
        else ""
    )
    once = (
        "qualify row_number() over (partition by landed.source, landed.order_id, landed.line_number "
        "order by landed.row_number desc) = 1"
        if batch.entity == "order_lines"
        else ""
    )
    order = "kept.new_key, landed.line_number" if batch.entity == "order_lines" else "kept.new_key"
    return (
        f"select {listed} from {file_sql(path)} as landed inner join {table} as kept "
        f"on landed.source = kept.kept_source and landed.{own} = kept.kept_key and {newest} {refunded} {once} "
        f"order by {order}"
    )


def _sql_type(entity: str, column: str) -> str:
    return next((kind.sql for name, kind in ENTITIES[entity].landed_columns() if name == column), "varchar")


def _write(
    con: duckdb.DuckDBPyConnection, plan: Plan, path: Path, rest: str, of_nobody: str | None
) -> tuple[Path, int, int]:
    """Write the rewritten file beside the old one: (its path, its rows, the rows of the old one)."""
    new = new_path(path, plan.erasure_id)
    con.execute(f"create or replace temp table rest as {rest}")
    if of_nobody is not None:
        con.execute(f"create or replace temp table of_nobody as {of_nobody}")
        con.execute("insert into rest select * from of_nobody")
        con.execute("drop table of_nobody")
    write_file(con, "select * from rest order by rowid", new)
    con.execute("drop table rest")
    return new, pq.read_metadata(new).num_rows, pq.read_metadata(path).num_rows


def _without_people(path: Path, settings: Settings, plan: Plan) -> pa.Table | None:
    """The refused rows, those of the people emptied and counted; None where there are none of them."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    own = set(rows_of_person(rows, _as_person(plan), settings))
    if not own:
        return None
    for place in own:
        rows[place] |= {"original": REMOVED_TEXT, "reasons": [ERASED_REASON]}
        if "record" in rows[place]:
            rows[place]["record"] = None
    return pa.Table.from_pylist(rows, schema=table.schema)


def _as_person(plan: Plan) -> Person:
    return Person(keys=plan.keys, spellings=plan.spellings)
