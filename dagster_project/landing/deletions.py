"""Records that a system no longer has, and those that are there again: what landed rows become then.

A deleted record is one more version of its row, marked as deleted; nothing that landed is taken away.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from dagster_project.contract.entities import Entity
from dagster_project.errors import StrataError
from dagster_project.landing.batches import Batch, Manifest
from dagster_project.landing.erased import ERASED_PREFIX
from dagster_project.landing.writing import NOTHING, Stamp, Written, read_batches, updated_at_of, write_batch
from dagster_project.sql_text import quote_instant, quote_literal

# Of fewer records than this, any share of this many may go at once.
RECORDS_JUDGED = 100


class TooManyGone(StrataError):
    """A comparison of keys would delete most of what a read has landed; nothing was deleted."""


def write_deletions(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    stamp: Stamp,
    manifest: Manifest,
    *,
    landed: Sequence[Batch],
    are_all_keys: bool,
    time_zone: str,
    limit: float,
    place: str,
) -> Written:
    """Write the newest rows of records that are gone, as deleted, from the table `named_keys` (the entity's one key,
    deleted_at): of the rows in the batches `landed` those that it names, or with `are_all_keys` those that it does not.

    Keys that never landed, that are deleted already or whose newest row is in another batch are nothing that changes.
    The table `deletions` holds what was written.

    Raises:
        TooManyGone: of the records, a larger share than `limit` is not among all keys.
    """
    [key] = entity.own_key
    if not landed:
        return NOTHING
    if are_all_keys:
        gone = (
            f"select distinct {key}, cast(null as timestamptz) as deleted_at from {read_batches(landed, manifest)} "
            # Orders of erased people are in no system under the keys that they have here.
            f"anti join named_keys using ({key}) where not starts_with({key}, {quote_literal(ERASED_PREFIX)})"
        )
    else:
        gone = f"select {key}, max(deleted_at) as deleted_at from named_keys group by {key}"
    con.execute(
        f"""
        create or replace temp table deletions as
        with gone as ({gone}),
        newest as ({_newest_sql(entity, manifest.of(entity.name, stamp.source), manifest, "gone")})
        select {_deleted_columns(entity, stamp)}, true as is_deleted, row_number() over (order by {key}) as row_number
        from newest
        inner join gone using ({key})
        where not newest.is_deleted and newest.batch_sequence in ({", ".join(str(each.sequence) for each in landed)})
        order by {key}
        """
    )
    if are_all_keys:
        _refuse_too_many(con, key, limit, place)
    return write_batch(con, entity, stamp, manifest, relation="select * from deletions", time_zone=time_zone)


def with_returned(
    con: duckdb.DuckDBPyConnection, entity: Entity, stamp: Stamp, manifest: Manifest, *, relation: str
) -> str:
    """`relation` with records that are there again after their deletion as versions of now, where they say no newer.

    What comes back, from a bin or because a filter was mended, says the time of its last change, before its deletion.
    What a source itself says is deleted, and when, is left to its own times.
    """
    current = manifest.of(entity.name, stamp.source)
    deletions = [batch for batch in current if batch.are_deletions]
    if not deletions or updated_at_of(entity) != "updated_at":
        return relation
    [key] = entity.own_key
    con.execute(f"create or replace temp view arrived as {relation}")
    deleted = f"select distinct {key} from {read_batches(deletions, manifest)} semi join arrived using ({key})"
    sequences = ", ".join(str(batch.sequence) for batch in deletions)
    con.execute(
        f"""
        create or replace temp table returned as
        with deleted as ({deleted}), newest as ({_newest_sql(entity, current, manifest, "deleted")})
        select {key}, updated_at as deleted_at from newest
        where batch_sequence in ({sequences}) and updated_at is not null
        """
    )
    if not con.execute("select count(*) from returned").fetchall()[0][0]:
        return relation
    return (
        "select arrived.* replace (case "
        "when arrived.is_deleted or arrived.updated_at > returned.deleted_at or returned.deleted_at is null "
        f"then arrived.updated_at else greatest(returned.deleted_at, {_landed_at(stamp)}) end as updated_at) "
        f"from ({relation}) as arrived left join returned using ({key})"
    )


def _newest_sql(entity: Entity, batches: Sequence[Batch], manifest: Manifest, keys: str) -> str:
    """The newest landed version of each key that the relation `keys` names."""
    [key] = entity.own_key
    return (
        f"select landed.* from {read_batches(batches, manifest)} as landed semi join {keys} using ({key}) "
        f"qualify row_number() over (partition by {key} "
        f"order by {updated_at_of(entity)} desc nulls last, batch_sequence desc, row_number desc) = 1"
    )


def _deleted_columns(entity: Entity, stamp: Stamp) -> str:
    """What a deleted row keeps: all that is not personal. It is the newest version whatever the clocks say."""
    public = {column.name for column in entity.public_columns}
    kept = []
    for column in (*entity.columns, *entity.derived):
        if column.name == "updated_at":
            deleted_at = f"greatest(coalesce(gone.deleted_at, {_landed_at(stamp)}), newest.updated_at)"
            # Rows without a time follow one another as they land; one with a time would stand before all later ones.
            kept.append(f"case when newest.updated_at is not null then {deleted_at} end as updated_at")
        elif column.name in public:
            kept.append(f"newest.{column.name}")
        else:
            kept.append(f"cast(null as {column.type.sql}) as {column.name}")
    return ", ".join(kept)


def _landed_at(stamp: Stamp) -> str:
    return quote_instant(stamp.landed_at)


def _refuse_too_many(con: duckdb.DuckDBPyConnection, key: str, limit: float, place: str) -> None:
    gone, there = con.execute(
        f"select (select count(*) from deletions), (select count(distinct {key}) from named_keys)"
    ).fetchall()[0]
    if gone > limit * max(gone + there, RECORDS_JUDGED):
        raise TooManyGone(
            f"{place}: {gone:,} of {gone + there:,} records are no longer there, more than the limit of {limit:.0%}. A "
            "table that is being filled again or a right that was taken away looks like this, so nothing was deleted. "
            "If they are gone indeed, set gone_records_limit: 1 at this read until they have been."
        )
