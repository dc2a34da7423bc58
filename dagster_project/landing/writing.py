"""Accepted rows against what has landed, and the batch's Parquet files.

A row equal to its current version is counted and not stored. Orders made from lines are compared, and stored, whole.
The manifest is not written here: until it is, the files are orphans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from dagster_project.contract.entities import ENTITIES, ColumnType, Entity
from dagster_project.landing.batches import Batch, Manifest
from dagster_project.landing.rows import CheckedRows, Counts
from dagster_project.sources.files import glob_free
from dagster_project.sql_text import quote_identifier, quote_list, quote_literal

ROW_GROUP_ROWS = 122_880
# DuckDB promises nothing about hash() between its versions; a batch notes what it gave for this, and hashes are made
# anew from the stored columns where the answer has changed.
PROBE_SQL = "select cast(hash('customer strata', 1.5::decimal(18,2), null::date, true) as varchar)"


@dataclass(frozen=True)
class Stamp:
    """What every row of a batch says of where it came from."""

    batch_id: str
    sequence: int
    source: str
    source_file: str
    landed_at: datetime


@dataclass(frozen=True)
class Written:
    """Counts, days and files of one batch."""

    new: int
    changed: int
    unchanged: int
    first_event_on: date | None
    last_event_on: date | None
    earliest_changed_on: date | None
    path: Path | None
    personal_path: Path | None

    @property
    def accepted(self) -> int:
        return self.new + self.changed + self.unchanged


def hash_probe(con: duckdb.DuckDBPyConnection) -> str:
    """What this engine's hash() gives for a fixed row."""
    return str(con.execute(PROBE_SQL).fetchall()[0][0])


def write_batch(
    con: duckdb.DuckDBPyConnection, entity: Entity, stamp: Stamp, manifest: Manifest, *, relation: str, time_zone: str
) -> Written:
    """Write the new and changed rows of `relation`: the contract's columns, is_deleted and row_number, in file order."""
    current = manifest.of(entity.name, None if "source" not in entity.key else stamp.source)
    con.execute(f"create or replace temp view incoming as {_incoming_sql(entity, relation, stamp.source, time_zone)}")
    _judge(con, entity, current, manifest, time_zone)
    return _write(con, entity, stamp, manifest)


def write_orders_from_lines(
    con: duckdb.DuckDBPyConnection, stamps: tuple[Stamp, Stamp], manifest: Manifest, *, relation: str, time_zone: str
) -> tuple[Written, Written]:
    """Write lines and the orders made of them, new and changed orders whole: (lines, orders)."""
    lines, orders = ENTITIES["order_lines"], ENTITIES["orders"]
    line_stamp, order_stamp = stamps
    con.execute(f"create or replace temp table made_orders as {_orders_sql(lines, relation)}")
    order_columns = ", ".join(column.name for column in orders.columns)
    con.execute(
        f"create or replace temp view incoming as select *, hash({order_columns}, is_deleted, lines_hash) as full_hash, "
        f"hash({order_columns}, is_deleted, lines_hash) as row_hash, {_day('ordered_at', time_zone)} as event_on, "
        f"{_day('ordered_at', time_zone)} as changed_on, {quote_literal(order_stamp.source)} as source from made_orders"
    )
    _judge(con, orders, manifest.of("orders", order_stamp.source), manifest, time_zone)
    is_judged = _has_verdicts(con)
    if is_judged:
        con.execute(
            "create or replace temp table order_verdicts as select order_id, state, changed_on "
            "from verdicts inner join made_orders using (row_number)"
        )
    written_orders = _write(con, orders, order_stamp, manifest)
    con.execute(
        f"create or replace temp view incoming as select rows.*, {_hash(lines, personal=False)} as row_hash, "
        f"{_hash(lines, personal=True)} as full_hash, null::date as event_on, null::date as changed_on, "
        f"{quote_literal(line_stamp.source)} as source from ({relation}) as rows"
    )
    if is_judged:
        con.execute(
            "create or replace temp table verdicts as select incoming.row_number, order_verdicts.state, "
            "order_verdicts.changed_on from incoming inner join order_verdicts using (order_id)"
        )
    written_lines = replace(
        _write(con, lines, line_stamp, manifest),
        first_event_on=written_orders.first_event_on,
        last_event_on=written_orders.last_event_on,
        earliest_changed_on=written_orders.earliest_changed_on,
    )
    return written_lines, written_orders


def write_quarantine(con: duckdb.DuckDBPyConnection, checked: CheckedRows, stamp: Stamp, path: Path) -> None:
    """Write the rejected rows with every reason and their original text, readable by their owner only."""
    _make_private(path.parent)
    records = checked.records
    con.execute(
        "create or replace temp view rejected as select row_number, reasons, is_excluded from rows where reasons is not null"
    )
    place = records.row_number or _place_sql(con)
    entity = checked.mapping.read.entity
    _copy(
        con,
        f"""
        with originals as (
            select {place} as row_number, {records.original} as original
            from (select *, row_number() over () as place from ({records.relation})) as placed
        )
        select
            {quote_literal(stamp.batch_id)} as batch_id,
            {quote_literal(stamp.source)} as source,
            {quote_literal(entity)} as entity,
            {quote_literal(stamp.source_file)} as source_file,
            row_number,
            kind,
            reasons,
            original
        from (
            select
                rejected.row_number,
                case when is_excluded then 'excluded' else 'invalid' end as kind,
                reasons,
                original
            from rejected
            inner join originals using (row_number)
            union all
            select row_number, 'invalid', [reason], to_json(text)::varchar from broken
        )
        order by row_number
        """,
        path,
    )
    path.chmod(0o600)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _place_sql(con: duckdb.DuckDBPyConnection) -> str:
    """The row number of a place in the scan, which does not see broken lines."""
    if con.execute("select count(*) from broken").fetchall()[0][0] == 0:
        return "place"
    con.execute(
        """
        create or replace temp table shifts as
        select from_place, max(shift) as shift
        from (
            select
                row_number - row_number() over (order by row_number) + 1 as from_place,
                row_number() over (order by row_number) as shift
            from broken
        )
        group by from_place
        """
    )
    return "place + coalesce((select max(shift) from shifts where from_place <= place), 0)"


def _incoming_sql(entity: Entity, relation: str, source: str, time_zone: str) -> str:
    event = entity.event_column
    return f"""
        select
            rows.*,
            {_hash(entity, personal=False)} as row_hash,
            {_hash(entity, personal=True)} as full_hash,
            {_event_day(entity, event, time_zone)} as event_on,
            {_changed_day(entity, time_zone)} as changed_on,
            {quote_literal(source)} as source
        from ({relation}) as rows
    """


def _hash(entity: Entity, *, personal: bool) -> str:
    columns = [column.name for column in (*entity.columns, *entity.derived) if personal or not column.is_personal]
    return f"hash({', '.join(map(quote_identifier, columns))}, is_deleted)"


def _event_day(entity: Entity, column: str | None, time_zone: str) -> str:
    if column is None:
        return "cast(null as date)"
    return _day(column, time_zone) if entity.column(column).type is ColumnType.TIMESTAMP else column


def _changed_day(entity: Entity, time_zone: str) -> str:
    days = [_event_day(entity, column, time_zone) for column in entity.change_columns]
    return f"least({', '.join(days)})" if days else "cast(null as date)"


def _day(column: str, time_zone: str) -> str:
    return f"cast(timezone({quote_literal(time_zone)}, {quote_identifier(column)}) as date)"


def _orders_sql(lines: Entity, relation: str) -> str:
    """One row an order of lines: earliest time, sums rounded once, the last line's status, else the first known."""
    return f"""
        select
            order_id,
            any_value(customer_ref) as customer_ref,
            min(ordered_at) as ordered_at,
            arg_max(status, row_number) as status,
            cast(
                round(sum(line_amount), 2) + round(sum(coalesce(discount_amount, 0)), 2) as decimal(18,2)
            ) as gross_amount,
            cast(round(sum(coalesce(discount_amount, 0)), 2) as decimal(18,2)) as discount_amount,
            cast(sum(cost_amount) as decimal(18,2)) as cost_amount,
            any_value(currency) as currency,
            arg_min(channel, row_number) as channel,
            arg_min(region, row_number) as region,
            cast(null as decimal(18,2)) as refund_amount,
            cast(null as timestamptz) as refunded_at,
            max(updated_at) as updated_at,
            bool_and(is_deleted) as is_deleted,
            min(row_number) as row_number,
            bit_xor({_hash(lines, personal=True)}) as lines_hash
        from ({relation})
        group by order_id
        order by row_number
    """


def _judge(
    con: duckdb.DuckDBPyConnection, entity: Entity, current: Sequence[Batch], manifest: Manifest, time_zone: str
) -> None:
    """Fill `verdicts` (row_number, state, changed_on) from `incoming`, or leave it out where every row is new."""
    key = ", ".join(quote_identifier(name) for name in entity.own_key)
    con.execute("drop table if exists verdicts")
    has_doubles = con.execute(
        f"select count(*) from (select 1 from incoming group by {key} having count(*) > 1 limit 1)"
    ).fetchall()[0][0]
    if not current and not has_doubles:
        return
    has_updates = any(column.name == "updated_at" for column in entity.columns)
    newest = "updated_at nulls first, " if has_updates else ""
    _stored_versions(con, entity, current, manifest, time_zone)
    stands = "stored.updated_at is not null and " if has_updates else "false and "
    con.execute(
        f"""
        create or replace temp table verdicts as
        with ranked as (
            select
                {key}, row_number, full_hash, changed_on,
                row_number() over versions as nth,
                lag(full_hash) over versions as previous_hash,
                lag(changed_on) over versions as previous_changed_on
            from incoming
            window versions as (partition by {key} order by {newest}row_number)
        ),
        newest as (
            select * exclude (version_rank) from (
                select *, row_number() over (
                    partition by {key} order by {"updated_at desc nulls last, " if has_updates else ""}
                    batch_sequence desc, row_number desc
                ) as version_rank
                from stored
            ) where version_rank = 1
        ),
        compared as (
            select
                ranked.row_number,
                ranked.changed_on,
                case when ranked.nth = 1 then newest.changed_on else previous_changed_on end as old_changed_on,
                ranked.nth > 1 or newest.batch_sequence is not null as is_known,
                ranked.full_hash = case when ranked.nth = 1 then newest.full_hash else previous_hash end as is_equal,
                exists (
                    select 1 from stored
                    where {stands}stored.full_hash = ranked.full_hash
                        and ({", ".join(f"stored.{quote_identifier(name)}" for name in entity.own_key)})
                        = ({", ".join(f"ranked.{quote_identifier(name)}" for name in entity.own_key)})
                ) as stands_already
            from ranked
            left join newest using ({key})
        )
        select
            row_number,
            case
                when not is_known then 'new'
                when is_equal or stands_already then 'unchanged'
                else 'changed'
            end as state,
            least(changed_on, old_changed_on) as changed_on
        from compared
        """
    )


def _stored_versions(
    con: duckdb.DuckDBPyConnection, entity: Entity, current: Sequence[Batch], manifest: Manifest, time_zone: str
) -> None:
    """Table `stored`: the landed versions of the keys in `incoming`, hashed as rows are hashed now."""
    key = ", ".join(quote_identifier(name) for name in entity.own_key)
    updated = "updated_at" if any(column.name == "updated_at" for column in entity.columns) else "null::timestamptz"
    if not current:
        con.execute(
            f"create or replace temp table stored as select {key}, null::timestamptz as updated_at, "
            "null::bigint as batch_sequence, row_number, full_hash, changed_on from incoming limit 0"
        )
        return
    files = quote_list(glob_free(manifest.absolute(batch.path)) for batch in current if batch.path)
    relation = f"select * from read_parquet({files}, union_by_name = true)"
    probe = hash_probe(con)
    if entity.personal_columns:
        personal = quote_list(
            glob_free(manifest.absolute(batch.personal_path)) for batch in current if batch.personal_path
        )
        names = ", ".join(f"personal.{quote_identifier(column.name)}" for column in entity.personal_columns)
        relation = (
            f"select public.* exclude (row_hash), personal.row_hash, {names} from ({relation}) as public inner join "
            f"read_parquet({personal}, union_by_name = true) as personal using (batch_sequence, row_number)"
        )
    full_hash = "cast(row_hash as ubigint)"
    if any(batch.hash_probe != probe for batch in current):
        full_hash = _hash(entity, personal=True)
    con.execute(
        f"""
        create or replace temp table stored as
        select
            {key}, {updated} as updated_at, batch_sequence, row_number, {full_hash} as full_hash,
            {_changed_day(entity, time_zone)} as changed_on
        from ({relation}) as landed
        semi join incoming using ({key})
        """
    )


def _write(con: duckdb.DuckDBPyConnection, entity: Entity, stamp: Stamp, manifest: Manifest) -> Written:
    """Write what `verdicts` calls new or changed, or all of `incoming` where there are no verdicts."""
    landed_on = quote_literal(stamp.landed_at.isoformat())
    if _has_verdicts(con):
        new, changed, unchanged, earliest = con.execute(
            "select count(*) filter (state = 'new'), count(*) filter (state = 'changed'), "
            "count(*) filter (state = 'unchanged'), min(changed_on) filter (state <> 'unchanged') from verdicts"
        ).fetchall()[0]
        kept = (
            "select incoming.* from incoming semi join (select row_number from verdicts where state <> 'unchanged') "
            "using (row_number) order by row_number"
        )
    else:
        new, earliest = con.execute("select count(*), min(changed_on) from incoming").fetchall()[0]
        changed = unchanged = 0
        kept = "select * from incoming"
    first, last = con.execute("select min(event_on), max(event_on) from incoming").fetchall()[0]
    path = personal_path = None
    if new + changed:
        path = manifest.folder / "batches" / entity.name / f"{stamp.batch_id}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        lineage = {
            "source": quote_literal(stamp.source),
            "batch_id": quote_literal(stamp.batch_id),
            "batch_sequence": str(stamp.sequence),
            "landed_at": f"timestamptz {landed_on}",
            "source_file": quote_literal(stamp.source_file),
        }
        _copy(con, f"select {_columns(entity.landed_columns(), lineage)} from ({kept})", path)
        if entity.personal_columns:
            personal_path = manifest.folder / "personal" / entity.name / f"{stamp.batch_id}.parquet"
            _make_private(personal_path.parent)
            lineage["row_hash"] = "full_hash"
            _copy(con, f"select {_columns(entity.personal_landed_columns(), lineage)} from ({kept})", personal_path)
            personal_path.chmod(0o600)
    return Written(new, changed, unchanged, first, last, earliest, path, personal_path)


def _has_verdicts(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(con.execute("select count(*) from duckdb_tables() where table_name = 'verdicts'").fetchall()[0][0])


def _columns(columns: object, lineage: dict[str, str]) -> str:
    return ", ".join(
        f"cast({lineage.get(name, quote_identifier(name))} as {kind.sql}) as {quote_identifier(name)}"
        for name, kind in columns  # type: ignore[attr-defined]
    )


def _copy(con: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    con.execute(
        f"copy ({select}) to {quote_literal(str(path))} "
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
    )


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


__all__ = [
    "Counts",
    "Stamp",
    "Written",
    "hash_probe",
    "sha256_of",
    "write_batch",
    "write_orders_from_lines",
    "write_quarantine",
]
