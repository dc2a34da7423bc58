"""Who may be contacted at this moment: what has landed decides, also where no table has seen it yet.

The one place where publishing reads landed rows. A day is built, and its list may go out hours or days later: a
withdrawal that arrives in between must win, and it stands in no mart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.landing import Manifest, landing_relations
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import Channel

# Who refuses to be profiled is on no list, whichever channel they granted.
PROFILING = "profiling"
RECORDED = "recorded"


def refused_now(
    con: duckdb.DuckDBPyConnection, entered: pa.Table, channel: Channel, *, paths: Paths, now: datetime
) -> frozenset[int]:
    """Registry numbers of `entered` (registry_id, consent_basis) whose customers may not be contacted by the channel.

    They are: whom a record says not to contact; whose newest consent event for the channel, or for being profiled, is a
    refusal; and who entered by a recorded consent that is no longer there. Of a time to come only refusals count. It
    takes nothing away from what the list's day decided, so that it can only make a list shorter.
    """
    manifest = Manifest.load(paths)
    if not (manifest.of("consents") or manifest.of("customers")):
        return frozenset()
    relations = landing_relations(manifest)
    cursor = con.cursor()
    cursor.register("entered_rows", entered)
    try:
        rows = cursor.execute(
            f"""
            with entries as (
                select registry_id, bool_or(consent_basis = $recorded) as is_recorded from entered_rows group by all
            ),
            own_references as (
                select entries.registry_id, own.source, own.customer_ref
                from entries
                inner join identity.customer_aliases as alias using (registry_id)
                inner join identity.customer_aliases as own on alias.customer_id = own.customer_id
            ),
            consents as (
                select * from ({relations["consents"]}) as landed
                semi join own_references using (source, customer_ref)
                where channel in ($channel, $profiling)
                qualify row_number() over (
                    partition by source, customer_ref, channel, occurred_at
                    order by batch_sequence desc, row_number desc
                ) = 1
            ),
            standing as (
                select own_references.registry_id, consents.channel, consents.is_granted
                from own_references
                inner join consents using (source, customer_ref)
                where not consents.is_deleted and (consents.occurred_at <= $now or not consents.is_granted)
                qualify row_number() over (
                    partition by own_references.registry_id, consents.channel
                    order by consents.occurred_at desc, consents.is_granted
                ) = 1
            ),
            records as (
                select * from ({relations["customers"]}) as landed
                semi join own_references using (source, customer_ref)
                qualify row_number() over (
                    partition by source, customer_ref
                    order by coalesce(updated_at, landed_at) desc, batch_sequence desc, row_number desc
                ) = 1
            )
            select registry_id from standing where not is_granted
            union
            select registry_id from own_references
            inner join records using (source, customer_ref)
            where records.do_not_contact and not records.is_deleted
            union
            select registry_id from entries
            where is_recorded and $has_consents
            and registry_id in (select registry_id from own_references)
            and registry_id not in (select registry_id from standing where channel = $channel)
            """,
            {
                "recorded": RECORDED,
                "channel": channel.consent,
                "profiling": PROFILING,
                "now": now,
                "has_consents": bool(manifest.of("consents")),
            },
        ).fetchall()
    finally:
        cursor.unregister("entered_rows")
    found: list[tuple[Any, ...]] = rows
    return frozenset(registry_id for (registry_id,) in found)
