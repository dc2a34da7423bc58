"""Accepted rows against what has landed, and the batch's Parquet files.

A row equal to its current version is counted and not stored. Orders made from lines are compared, and stored, whole.
The manifest is not written here: until it is, the files are orphans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from dagster_project.contract.entities import ENTITIES, ColumnType, Entity
from dagster_project.landing.batches import Batch, Manifest
from dagster_project.landing.erased import ERASED_REASON, REMOVED_TEXT
from dagster_project.landing.marking import Arrival, earliest_changed_on
from dagster_project.landing.parquet_files import file_sql, read_landed, write_file
from dagster_project.landing.rows import CheckedRows, Counts, accepted_rows, rows_at
from dagster_project.sources.files import Records
from dagster_project.sql_text import quote_identifier, quote_instant, quote_literal

# Of a file's rows, how many may have a key that stands on several rows or has landed for them to be looked at apart.
STREAMED_SUSPECT_SHARE = 0.2
MOST_BITS = 10**9  # that bitstring_agg takes
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

    @property
    def stored(self) -> int:
        return self.new + self.changed


NOTHING = Written(0, 0, 0, None, None, None, None, None)


def hash_probe(con: duckdb.DuckDBPyConnection) -> str:
    """What this engine's hash() gives for a fixed row."""
    return str(con.execute(PROBE_SQL).fetchall()[0][0])


def write_batch(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    stamp: Stamp,
    manifest: Manifest,
    *,
    relation: str,
    time_zone: str,
    position: str = "row_number",
) -> Written:
    """Write the new and changed rows of `relation`: the contract's columns, is_deleted and row_number, in file order.

    `position` is SQL for a number of its own for each row, rising with the file.
    """
    current = manifest.of(entity.name, None if "source" not in entity.key else stamp.source)
    incoming = _incoming_sql(entity, relation, stamp.source, position)
    con.execute(f"create or replace temp view incoming as {incoming}")
    if entity.name == "order_lines":
        _judge_lines(con, entity, current, manifest)
        written = _write(con, entity, stamp, manifest, time_zone)
        return replace(written, earliest_changed_on=_order_day_of_changed_lines(con, stamp.source, manifest, time_zone))
    judged = _judge(con, entity, current, manifest)
    return _write(con, entity, stamp, manifest, time_zone, judged=judged)


def write_streamed(
    con: duckdb.DuckDBPyConnection, checked: CheckedRows, stamp: Stamp, manifest: Manifest, *, time_zone: str
) -> tuple[Written, Counts] | None:
    """Write the accepted rows straight from the file, so that a history of 100 million rows is never held.

    Only rows whose key stands on several rows or has landed are looked at beside others, and only these are held. None
    where they are so many that all rows had better be held; nothing has been written then. `rows` holds the rejected
    rows afterwards.
    """
    entity = checked.mapping.read.contract
    current = manifest.of(entity.name, None if "source" not in entity.key else stamp.source)
    [(read_count,)] = con.execute(f"select count(*) from ({checked.records.relation})").fetchall()
    if not _judge_streamed(con, checked, entity, stamp, current, manifest, read_count):
        return None
    changed, unchanged = _changed_and_unchanged(con)
    incoming = _incoming_sql(entity, accepted_rows(), stamp.source, "row_number")
    path = _batch_path(manifest, entity, stamp)
    kept = _without_unchanged(con, incoming, unchanged)
    write_file(con, f"select {_columns(entity.landed_columns(), _lineage(stamp))} from ({kept})", path)
    written_rows = file_sql(path)
    [(stored,)] = con.execute(f"select count(*) from {written_rows}").fetchall()
    _fill_missing(con, path if stored + unchanged < read_count else None, read_count)
    rows_at(con, checked, positions="missing", table="refused")
    con.execute("create or replace temp view rows as select * from refused")
    [(rejected, excluded)] = con.execute("select count(*), count(*) filter (is_excluded) from rows").fetchall()
    con.execute(
        "create or replace temp view incoming as select *, row_number as position, row_hash as full_hash "
        f"from {written_rows}"
    )
    # A row that is known was an event of this file too.
    first, last = _event_days(con, entity, time_zone, beside="suspects" if unchanged else None)
    earliest = None
    if stored:
        earliest = _earliest_changed_on(con, entity, stamp, manifest, time_zone, judged="suspects")
    if not stored:
        path.unlink()
    written = Written(
        stored - changed, changed, unchanged, first, last, earliest, path=path if stored else None, personal_path=None
    )
    return written, Counts(stored + unchanged + rejected, rejected, excluded)


def write_orders_from_lines(
    con: duckdb.DuckDBPyConnection, stamps: tuple[Stamp, Stamp], manifest: Manifest, *, relation: str, time_zone: str
) -> tuple[Written, Written]:
    """Write lines and the orders made of them, new and changed orders whole: (lines, orders)."""
    lines, orders = ENTITIES["order_lines"], ENTITIES["orders"]
    line_stamp, order_stamp = stamps
    con.execute(f"create or replace temp table made_orders as {_orders_sql(lines, relation)}")
    order_hash = f"hash({', '.join(column.name for column in orders.columns)}, is_deleted, lines_hash)"
    con.execute(
        f"create or replace temp view incoming as select *, row_number as position, {order_hash} as full_hash, "
        f"{order_hash} as row_hash, {quote_literal(order_stamp.source)} as source from made_orders"
    )
    judged = _judge(con, orders, manifest.of("orders", order_stamp.source), manifest)
    is_judged = _has_verdicts(con)
    if is_judged:
        con.execute(
            "create or replace temp table order_verdicts as select order_id, state "
            "from verdicts inner join made_orders on verdicts.position = made_orders.row_number"
        )
    written_orders = _write(con, orders, order_stamp, manifest, time_zone, judged=judged, is_whole=True)
    con.execute(
        "create or replace temp view incoming as select rows.*, row_number as position, "
        f"{_hash(lines, personal=False)} as row_hash, "
        f"{_hash(lines, personal=True)} as full_hash, "
        f"{quote_literal(line_stamp.source)} as source from ({relation}) as rows"
    )
    if is_judged:
        con.execute(
            "create or replace temp table verdicts as select incoming.position, order_verdicts.state "
            "from incoming inner join order_verdicts using (order_id)"
        )
    written_lines = replace(
        _write(con, lines, line_stamp, manifest, time_zone),
        first_event_on=written_orders.first_event_on,
        last_event_on=written_orders.last_event_on,
        earliest_changed_on=written_orders.earliest_changed_on,
    )
    return written_lines, written_orders


def write_quarantine(con: duckdb.DuckDBPyConnection, checked: CheckedRows, stamp: Stamp, path: Path) -> None:
    """Write the rejected rows with every reason and their original text, readable by their owner only."""
    _make_private(path.parent)
    con.execute(
        "create or replace temp view rejected as "
        f"select row_number, reasons, is_excluded, original, {record_sql(checked.mapping.read.contract)} as record "
        "from rows where reasons is not null"
    )
    entity = checked.mapping.read.entity
    is_erased = f"list_contains(reasons, {quote_literal(ERASED_REASON)})"
    # A row that was refused beside others, or for its person, has to be looked up.
    lacks = f"select count(*) from rejected where original is null and not {is_erased}"
    originals = "select row_number as place_number, original from rejected"
    if con.execute(lacks).fetchall()[0][0]:
        originals = _originals_sql(con, checked.records)
    write_file(
        con,
        f"""
        with originals as ({originals})
        select
            {quote_literal(stamp.batch_id)} as batch_id,
            {quote_literal(stamp.source)} as source,
            {quote_literal(entity)} as entity,
            {quote_literal(stamp.source_file)} as source_file,
            row_number,
            kind,
            reasons,
            original,
            record
        from (
            select
                rejected.row_number,
                case when is_excluded then 'excluded' else 'invalid' end as kind,
                reasons,
                case when {is_erased} then {quote_literal(REMOVED_TEXT)} else originals.original end as original,
                case when {is_erased} then null else record end as record
            from rejected
            inner join originals on originals.place_number = rejected.row_number
            union all
            select row_number, 'invalid', [reason], to_json(text)::varchar, null from broken
        )
        order by row_number
        """,
        path,
    )
    path.chmod(0o600)


def record_sql(entity: Entity) -> str:
    """SQL of a record's key as one text, null where a part of it is missing."""
    parts = [f"cast({quote_identifier(name)} as varchar)" for name in entity.own_key]
    is_whole = " and ".join(f"{part} is not null" for part in parts)
    return f"case when {is_whole} then cast(to_json([{', '.join(parts)}]) as varchar) end"


def _originals_sql(con: duckdb.DuckDBPyConnection, records: Records) -> str:
    """SQL of place_number and original text of the records in `rejected`, read from the source again.

    Only these records become text: the join comes first, and a window over the scan only where it must.
    """
    if records.row_number is not None:
        placed = f"select *, {records.row_number} as place_number from ({records.relation})"
    else:
        placed = (
            f"select *, {_place_sql(con)} as place_number "
            f"from (select *, row_number() over () as place from ({records.relation}))"
        )
    return (
        f"select place_number, {records.original} as original "
        f"from (select * from ({placed}) semi join rejected on place_number = rejected.row_number)"
    )


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


def _incoming_sql(entity: Entity, relation: str, source: str, position: str) -> str:
    return f"""
        select
            rows.*,
            {position} as position,
            {_hash(entity, personal=False)} as row_hash,
            {_hash(entity, personal=True)} as full_hash,
            {quote_literal(source)} as source
        from ({relation}) as rows
    """


def _hash(entity: Entity, *, personal: bool) -> str:
    columns = [column.name for column in (*entity.columns, *entity.derived) if personal or not column.is_personal]
    return f"hash({', '.join(map(quote_identifier, columns))}, is_deleted)"


def _day(entity: Entity, column: str, sql: str, time_zone: str) -> str:
    """The business day of `sql`, a value of `column` or its least or greatest."""
    if entity.column(column).type is not ColumnType.TIMESTAMP:
        return sql
    return f"cast(timezone({quote_literal(time_zone)}, {sql}) as date)"


def _event_days(
    con: duckdb.DuckDBPyConnection, entity: Entity, time_zone: str, *, beside: str | None = None
) -> tuple[date | None, date | None]:
    """First and last day of `incoming` and of the rows `beside`: of the first and last instant, which costs two
    conversions instead of all.
    """
    column = entity.event_column
    if column is None:
        return None, None
    days = ", ".join(_day(entity, column, f"{each}({column})", time_zone) for each in ("min", "max"))
    events = f"select {column} from incoming" + (f" union all select {column} from {beside}" if beside else "")
    first, last = con.execute(f"select {days} from ({events})").fetchall()[0]
    return first, last


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
            sum({_hash(lines, personal=True)}) as lines_hash
        from ({relation})
        group by order_id
        order by row_number
    """


def _judge(con: duckdb.DuckDBPyConnection, entity: Entity, current: Sequence[Batch], manifest: Manifest) -> str:
    """Fill `verdicts` (position, state) for the rows of `incoming` whose key stands on several rows or has landed; the
    name of a relation that holds at least these.

    All others are new. Where there is no such row, there is no table.
    """
    if not _fill_contested_keys(con, entity, current, manifest):
        return "incoming"
    [(total, suspect_count)] = con.execute(
        "select (select count(*) from key_hashes), (select count(*) from suspect_places)"
    ).fetchall()
    if suspect_count > STREAMED_SUSPECT_SHARE * total:
        _fill_verdicts(con, entity, "incoming semi join suspect_places using (position)")
        return "incoming"
    con.execute(
        "create or replace temp table suspects as select * from incoming semi join suspect_places using (position)"
    )
    _fill_verdicts(con, entity, "suspects")
    return "suspects"


def _judge_streamed(
    con: duckdb.DuckDBPyConnection,
    checked: CheckedRows,
    entity: Entity,
    stamp: Stamp,
    current: Sequence[Batch],
    manifest: Manifest,
    read_count: int,
) -> bool:
    """As `_judge`, with these rows in the view `suspects`; False where there are too many to look at them apart."""
    con.execute(f"create or replace temp view incoming as select {_key(entity)}, row_number as position from rows")
    if not _fill_contested_keys(con, entity, current, manifest):
        return True
    [(suspect_count,)] = con.execute("select count(*) from suspect_places").fetchall()
    if suspect_count > STREAMED_SUSPECT_SHARE * read_count:
        return False
    rows_at(con, checked, positions="suspect_places", table="suspected")
    good = _incoming_sql(entity, accepted_rows("suspected"), stamp.source, "row_number")
    con.execute(f"create or replace temp view suspects as {good}")
    _fill_verdicts(con, entity, "suspects")
    return True


def _fill_contested_keys(
    con: duckdb.DuckDBPyConnection, entity: Entity, current: Sequence[Batch], manifest: Manifest
) -> bool:
    """Fill `contested_keys` with the hashes of keys that stand on several rows of `incoming` or have landed, `stored`
    with what has landed of them and `suspect_places` with the positions of these rows; whether there are any.
    `key_hashes` holds the hash of each position.

    Of two keys with one hash both are looked at, which costs a little and changes nothing.
    """
    con.execute("drop table if exists verdicts")
    con.execute(
        f"create or replace temp table key_hashes as select {_key_hash(entity)} as key_hash, position from incoming"
    )
    # Sorted, equal ones stand beside each other: half of the processor time that groups of them took, of a million keys
    # and of a hundred million.
    con.execute(
        "create or replace temp table contested_keys as select distinct key_hash "
        "from (select key_hash, lag(key_hash) over (order by key_hash) as before from key_hashes) "
        "where key_hash = before"
    )
    if current:
        _fill_stored(con, entity, current, manifest)
        con.execute(f"insert into contested_keys select distinct {_key_hash(entity)} from stored")
    else:
        con.execute(
            f"create or replace temp table stored as select {_key(entity)}, null::timestamptz as updated_at, "
            "null::bigint as batch_sequence, null::bigint as row_number, null::ubigint as full_hash "
            "from incoming limit 0"
        )
    if not con.execute("select count(*) from contested_keys").fetchall()[0][0]:
        return False
    con.execute(
        "create or replace temp table suspect_places as select position from key_hashes "
        "semi join contested_keys using (key_hash)"
    )
    return True


def _fill_verdicts(con: duckdb.DuckDBPyConnection, entity: Entity, contested: str) -> None:
    """Fill `verdicts` from the relation `contested` and the table `stored`.

    A row is unchanged where it equals the last row that had its key and its updated_at: those of one updated_at replace
    one another in the order in which they were read, those of different ones stand side by side.
    """
    key = _key(entity)
    con.execute(
        f"""
        create or replace temp table verdicts as
        with contested as materialized (
            select {key}, {updated_at_of(entity)} as updated_at, position, full_hash from {contested}
        ),
        ranked as (
            select
                *,
                row_number() over versions as nth,
                row_number() over replaced as nth_of_its_time,
                lag(full_hash) over replaced as replaced_hash
            from contested
            window
                versions as (partition by {key} order by updated_at nulls first, position),
                replaced as (partition by {key}, updated_at order by position)
        ),
        known as (select distinct {key}, true as is_stored from stored),
        newest_of_its_time as (
            select {key}, updated_at, arg_max(full_hash, row(batch_sequence, row_number)) as full_hash
            from stored
            group by {key}, updated_at
        ),
        compared as (
            select
                ranked.position,
                ranked.nth > 1 or coalesce(known.is_stored, false) as is_known,
                ranked.full_hash = case
                    when ranked.nth_of_its_time = 1 then newest_of_its_time.full_hash else ranked.replaced_hash
                end as is_equal
            from ranked
            left join known using ({key})
            left join newest_of_its_time
                on ({_of("ranked", entity)}) = ({_of("newest_of_its_time", entity)})
                and ranked.updated_at is not distinct from newest_of_its_time.updated_at
        )
        select
            position,
            case when not is_known then 'new' when is_equal then 'unchanged' else 'changed' end as state
        from compared
        """
    )


def _fill_missing(con: duckdb.DuckDBPyConnection, written: Path | None, read_count: int) -> None:
    """Fill `missing` with the positions of a file's rows that are neither in `written` nor unchanged; of no file, none.

    Rows that follow one another without a gap are as far behind their place in `written` as rows are missing before.
    """
    if written is None:
        con.execute("create or replace temp table missing as select cast(null as bigint) as position limit 0")
        return
    unchanged = "select position from verdicts where state = 'unchanged'" if _has_verdicts(con) else "select 0"
    con.execute(
        f"""
        create or replace temp table missing as
        with stretches as (
            select min(row_number) as first, max(row_number) as last
            from {file_sql(written, "file_row_number = true")}
            group by row_number - file_row_number
        ),
        gaps as (
            select lag(last, 1, 0) over (order by first) + 1 as first, first as after from stretches
            union all
            select coalesce(max(last), 0) + 1, {read_count} + 1 from stretches
        )
        select position
        from (select unnest(range(first, after)) as position from gaps) as skipped
        anti join ({unchanged}) as known (position) using (position)
        """
    )


def _changed_and_unchanged(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many rows `verdicts` calls so."""
    if not _has_verdicts(con):
        return 0, 0
    changed, unchanged = con.execute(
        "select count(*) filter (state = 'changed'), count(*) filter (state = 'unchanged') from verdicts"
    ).fetchall()[0]
    return changed, unchanged


def _without_unchanged(con: duckdb.DuckDBPyConnection, incoming: str, unchanged: int) -> str:
    """SQL of the rows of `incoming` that are stored, in its order.

    A join would lose the order (DuckDB 2.0.0), and sorting a million rows anew costs as much as writing them: a bit for
    each position does neither.
    """
    if not unchanged:
        return incoming
    known = "select position from verdicts where state = 'unchanged'"
    [(last,)] = con.execute(f"select max(position) from ({known})").fetchall()
    if last > MOST_BITS:
        return f"select * from ({incoming}) anti join ({known}) using (position) order by position"
    con.execute(f"set variable unchanged_positions = (select bitstring_agg(position, 1, {last}) from ({known}))")
    bit = "get_bit(getvariable('unchanged_positions'), cast(position - 1 as integer))"
    return f"select * from ({incoming}) where case when position <= {last} then {bit} = 0 else true end"


def _key(entity: Entity) -> str:
    return ", ".join(quote_identifier(name) for name in entity.own_key)


def _key_hash(entity: Entity) -> str:
    """Half of the hash, which is sorted in half the time: a hundredth of 50 million keys share theirs with another."""
    return f"cast(hash({_key(entity)}) >> 32 as uinteger)"


def _of(relation: str, entity: Entity) -> str:
    return ", ".join(f"{relation}.{quote_identifier(name)}" for name in entity.own_key)


def updated_at_of(entity: Entity) -> str:
    """SQL of the time by which an entity's versions follow one another, null where it has none."""
    has_one = any(column.name == "updated_at" for column in entity.columns)
    return "updated_at" if has_one else "null::timestamptz"


def _fill_stored(con: duckdb.DuckDBPyConnection, entity: Entity, current: Sequence[Batch], manifest: Manifest) -> None:
    """Table `stored`: the landed versions of the keys in `incoming`, hashed as rows are hashed now."""
    key = _key(entity)
    updated = updated_at_of(entity)
    relation = f"select * from {read_batches(current, manifest)}"
    probe = hash_probe(con)
    if entity.personal_columns:
        personal = read_landed(
            [manifest.absolute(batch.personal_path) for batch in current if batch.personal_path],
            tuple(entity.personal_landed_columns()),
            has_older=any(batch.is_of_older_contract for batch in current),
        )
        names = ", ".join(f"personal.{quote_identifier(column.name)}" for column in entity.personal_columns)
        relation = (
            f"select public.* exclude (row_hash), personal.row_hash, {names} from ({relation}) as public inner join "
            f"{personal} as personal using (batch_sequence, row_number)"
        )
    full_hash = "row_hash"
    if any(batch.hash_probe != probe or batch.is_of_older_contract for batch in current):
        full_hash = _hash(entity, personal=True)
    con.execute(
        f"""
        create or replace temp table stored as
        select
            {key}, {updated} as updated_at, batch_sequence, row_number, {full_hash} as full_hash
        from ({relation}) as landed
        semi join incoming using ({key})
        """
    )


def _judge_lines(con: duckdb.DuckDBPyConnection, entity: Entity, current: Sequence[Batch], manifest: Manifest) -> None:
    """Fill `verdicts` for lines of orders that are read by themselves: by order, for a batch holds all lines of one."""
    con.execute("drop table if exists verdicts")
    if not current:
        return
    line_hash = _hash(entity, personal=True)
    con.execute(
        f"""
        create or replace temp table verdicts as
        with stored as (
            select landed.order_id, landed.batch_sequence, sum({line_hash}) as lines_hash
            from (select * from {read_batches(current, manifest)} semi join incoming using (order_id)) as landed
            group by landed.order_id, landed.batch_sequence
        ),
        newest as (select order_id, arg_max(lines_hash, batch_sequence) as lines_hash from stored group by order_id),
        orders as (
            select
                incoming.order_id,
                case
                    when any_value(newest.lines_hash) is null then 'new'
                    when sum(incoming.full_hash) = any_value(newest.lines_hash) then 'unchanged'
                    else 'changed'
                end as state
            from incoming
            left join newest using (order_id)
            group by incoming.order_id
        )
        select incoming.position, orders.state
        from incoming
        inner join orders using (order_id)
        """
    )


def _order_day_of_changed_lines(
    con: duckdb.DuckDBPyConnection, source: str, manifest: Manifest, time_zone: str
) -> date | None:
    """First day of the orders whose lines are new or changed, as far as those orders have landed."""
    orders = manifest.of("orders", source)
    if not orders:
        return None
    changed = "select distinct order_id from incoming"
    if _has_verdicts(con):
        changed += " semi join (select position from verdicts where state <> 'unchanged') using (position)"
    day = _day(ENTITIES["orders"], "ordered_at", "min(ordered_at)", time_zone)
    rows = con.execute(
        f"select {day} from {read_batches(orders, manifest)} semi join ({changed}) using (order_id)"
    ).fetchall()
    first: date | None = rows[0][0]
    return first


def read_batches(batches: Sequence[Batch], manifest: Manifest) -> str:
    """SQL of the public rows of batches, each of which holds some."""
    return read_landed(
        [manifest.absolute(batch.path) for batch in batches if batch.path],
        tuple(ENTITIES[batches[0].entity].landed_columns()),
        has_older=any(batch.is_of_older_contract for batch in batches),
    )


def _write(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    stamp: Stamp,
    manifest: Manifest,
    time_zone: str,
    *,
    judged: str = "incoming",
    is_whole: bool = False,
) -> Written:
    """Write the rows of `incoming` that `verdicts` does not call unchanged; `judged` holds at least those it names.

    Orders that are made of lines are compared, and change days, as `is_whole`.
    """
    [(count,)] = con.execute("select count(*) from incoming").fetchall()
    changed, unchanged = _changed_and_unchanged(con)
    stored = count - unchanged
    first, last = _event_days(con, entity, time_zone)
    earliest = path = personal_path = None
    if stored:
        earliest = _earliest_changed_on(con, entity, stamp, manifest, time_zone, judged=judged, is_whole=is_whole)
        kept = _without_unchanged(con, "select * from incoming", unchanged)
        lineage = _lineage(stamp)
        path = _batch_path(manifest, entity, stamp)
        write_file(con, f"select {_columns(entity.landed_columns(), lineage)} from ({kept})", path)
        if entity.personal_columns:
            personal_path = manifest.folder / "personal" / entity.name / f"{stamp.batch_id}.parquet"
            _make_private(personal_path.parent)
            lineage["row_hash"] = "full_hash"
            write_file(
                con, f"select {_columns(entity.personal_landed_columns(), lineage)} from ({kept})", personal_path
            )
            personal_path.chmod(0o600)
    return Written(stored - changed, changed, unchanged, first, last, earliest, path, personal_path)


def _earliest_changed_on(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    stamp: Stamp,
    manifest: Manifest,
    time_zone: str,
    *,
    judged: str = "incoming",
    is_whole: bool = False,
) -> date | None:
    stored = manifest.of(entity.name, stamp.source if "source" in entity.key else None)
    if stored and _has_verdicts(con) and entity.name != "order_lines":
        # Of what has landed, only the batches that hold a version of a key in this one.
        known = {sequence for (sequence,) in con.execute("select distinct batch_sequence from stored").fetchall()}
        stored = tuple(batch for batch in stored if batch.sequence in known)
    campaigns, refunds = manifest.of("campaigns", stamp.source), manifest.of("refunds", stamp.source)
    arrival = Arrival(
        entity,
        incoming="incoming",
        judged=judged,
        stored=read_batches(stored, manifest) if stored else None,
        has_verdicts=_has_verdicts(con),
        landed_at=stamp.landed_at,
        time_zone=time_zone,
    )
    return earliest_changed_on(
        con,
        arrival,
        campaigns=read_batches(campaigns, manifest) if campaigns else None,
        refunds=read_batches(refunds, manifest) if refunds else None,
        is_whole=is_whole,
    )


def _batch_path(manifest: Manifest, entity: Entity, stamp: Stamp) -> Path:
    path = manifest.folder / "batches" / entity.name / f"{stamp.batch_id}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _lineage(stamp: Stamp) -> dict[str, str]:
    """SQL of what is the same in every row of a batch, by column."""
    return {
        "source": _constant_text(stamp.source),
        "batch_id": _constant_text(stamp.batch_id),
        "batch_sequence": f"cast({stamp.sequence} as bigint)",
        "landed_at": quote_instant(stamp.landed_at),
        "source_file": _constant_text(stamp.source_file),
    }


def _constant_text(text: str) -> str:
    """SQL of a text that Parquet is to hold in every row: an ENUM is written as one (it is text in the file), and its
    dictionary is known, while that of text is looked up for every row; which takes six times as long.
    """
    value = quote_literal(text)
    return f"cast({value} as enum ({value}))"


def _has_verdicts(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(con.execute("select count(*) from duckdb_tables() where table_name = 'verdicts'").fetchall()[0][0])


def _columns(columns: Iterable[tuple[str, ColumnType]], lineage: dict[str, str]) -> str:
    return ", ".join(
        f"{lineage.get(name) or f'cast({quote_identifier(name)} as {kind.sql})'} as {quote_identifier(name)}"
        for name, kind in columns
    )


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
