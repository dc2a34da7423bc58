"""Names and contact points of customers of whom nothing was heard for long: emptied in batches and in the warehouse.

The customer stays as a number, with orders, classes and the keyed hashes that linking needs. A record that lands
unchanged later stays as it is, so that full exports do not bring the values back every day. When the customer is heard
of again, the emptied rows go, and the next reading of the record lands it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, sha256_of
from dagster_project.contract.entities import ENTITIES, Entity
from dagster_project.landing import Manifest, landing_relations
from dagster_project.landing.batches import Batch
from dagster_project.landing.parquet_files import file_sql, write_file
from dagster_project.privacy.people import collect_aliases
from dagster_project.privacy.rewriting import new_path, rewrite_batches, with_new_files
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal

# What tells that a customer was heard of: columns of landed rows, by entity. Our own calls and campaigns are no sign,
# nor is a record that a CRM touched: either would keep everybody for ever.
HEARD_IN: dict[str, tuple[str, ...]] = {
    "orders": ("ordered_at",),
    "refunds": ("refunded_at",),
    "customers": ("registered_on", "created_at"),
    "leads": ("created_at", "updated_at"),
    "opportunities": ("created_at", "updated_at"),
    "interactions": ("occurred_at",),
    "consents": ("occurred_at",),
    "surveys": ("responded_at",),
    "web_events": ("occurred_at",),
}
_ONLY_WHERE = {"interactions": "direction is distinct from 'outbound'"}
# The column of a personal batch that says when its row was emptied.
EMPTIED_ON = "emptied_on"
_CHECKS = ("is_phone_valid", "is_email_valid", "is_wechat_valid")
_IS_AGED = "(source, customer_ref) in (select source, customer_ref from aged_references)"


@dataclass(frozen=True)
class Emptied:
    """How many customers lost their contact data, and how many landed rows held it."""

    customers: int = 0
    rows: int = 0


def find_aged(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest, *, before: date) -> None:
    """Temporary table `aged_references` (source, customer_ref, customer_id) of customers last heard of before a day.

    Who has no dated row counts from the day on which they first landed.
    """
    collect_aliases(con, settings, manifest)
    relations = landing_relations(manifest)
    zone = quote_literal(settings.sources.business.time_zone)
    heard = " union all ".join(
        f"select source, customer_ref, cast({_day(name, column, zone)} as date) as heard_on, false as is_landing "
        f"from ({relations[name]}) where {column} is not null and {_ONLY_WHERE.get(name, 'true')}"
        for name, columns in HEARD_IN.items()
        for column in columns
    )
    con.execute(
        f"""
        create or replace temp table aged_references as
        with signs as (
            {heard}
            union all
            select source, customer_ref, cast(timezone({zone}, min(landed_at)) as date), true
            from ({relations["customers"]})
            group by source, customer_ref
        ),
        last_signs as (
            select
                aliases.customer_id,
                coalesce(
                    max(signs.heard_on) filter (not signs.is_landing), max(signs.heard_on)
                ) as heard_on
            from signs
            inner join customer_aliases as aliases using (source, customer_ref)
            group by aliases.customer_id
        )
        select aliases.source, aliases.customer_ref, aliases.customer_id
        from customer_aliases as aliases
        inner join last_signs using (customer_id)
        where last_signs.heard_on < $before
        """,
        {"before": before},
    )


def count_aged(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Emptied:
    """What stands in landed batches about the customers of `aged_references`."""
    files = [
        (ENTITIES[batch.entity], manifest.absolute(batch.personal_path))
        for batch in manifest.batches
        if batch.personal_path
    ]
    held = " union all ".join(
        f"select source, customer_ref from {file_sql(path)} where {_holds(entity)}" for entity, path in files
    )
    if not held:
        return Emptied()
    [(customers, rows)] = con.execute(
        f"select count(distinct customer_id), count(*) from ({held}) inner join aged_references "
        "using (source, customer_ref)"
    ).fetchall()
    return Emptied(customers, rows)


def empty_landed(
    con: duckdb.DuckDBPyConnection, settings: Settings, *, on: date, rewriting_id: str, say: Callable[[str], None]
) -> None:
    """Rewrite every batch with personal values of the customers of `aged_references`, and free those heard of again."""
    rewrite_batches(settings.paths, lambda batch: _rewritten(con, settings, batch, on, rewriting_id), say)


def empty_stored(con: duckdb.DuckDBPyConnection) -> int:
    """Take the customers of `aged_references` out of the warehouse's table of contacts; gives the rows."""
    there = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'personal' and table_name = 'customer_contacts'"
    ).fetchall()
    if not there:
        return 0
    [(rows,)] = con.execute(
        "delete from personal.customer_contacts where customer_id in (select customer_id from aged_references)"
    ).fetchall()
    return int(rows)


def _rewritten(con: duckdb.DuckDBPyConnection, settings: Settings, batch: Batch, on: date, rewriting_id: str) -> Batch:
    landing, entity = settings.paths.landing, ENTITIES[batch.entity]
    changed: dict[str, Any] = {}
    if batch.personal_path and (new := _personal_anew(con, landing / batch.personal_path, entity, on, rewriting_id)):
        changed |= {"personal_path": str(new.relative_to(landing)), "personal_sha256": sha256_of(new)}
    if changed and batch.path and entity.name == "customers":
        new = new_path(landing / batch.path, rewriting_id)
        checks = [f"case when not {_IS_AGED} then {name} end as {name}" for name in _CHECKS]
        write_file(con, f"select * replace ({', '.join(checks)}) from {file_sql(landing / batch.path)}", new)
        changed |= {"path": str(new.relative_to(landing)), "path_sha256": sha256_of(new)}
    return with_new_files(batch, changed, rewriting_id)


def _personal_anew(
    con: duckdb.DuckDBPyConnection, path: Path, entity: Entity, on: date, rewriting_id: str
) -> Path | None:
    """The file written anew, or None where it holds nothing to empty and nobody who was heard of again."""
    is_marked = EMPTIED_ON in pq.read_schema(path).names
    # Only a record is read again; an event, such as a consent, stays as it is.
    is_back = f"({EMPTIED_ON} is not null and not {_IS_AGED})" if is_marked and entity.is_versioned else "false"
    is_emptied = f"({_IS_AGED} and {_holds(entity)})"
    if not con.execute(f"select 1 from {file_sql(path)} where {is_emptied} or {is_back} limit 1").fetchall():
        return None
    new = new_path(path, rewriting_id)
    names = [quote_identifier(column.name) for column in entity.personal_columns]
    values = ", ".join(f"case when not {_IS_AGED} then {name} end as {name}" for name in names)
    before = EMPTIED_ON if is_marked else "null::date"
    columns = f"* exclude ({EMPTIED_ON}) replace ({values})" if is_marked else f"* replace ({values})"
    day = quote_literal(on.isoformat())
    write_file(
        con,
        f"select {columns}, case when {is_emptied} then date {day} else {before} end as {EMPTIED_ON} "
        f"from {file_sql(path)} where not {is_back}",
        new,
    )
    new.chmod(PRIVATE_FILE)
    return new


def _holds(entity: Entity) -> str:
    """True of rows with a personal value."""
    return f"coalesce({', '.join(quote_identifier(column.name) for column in entity.personal_columns)}) is not null"


def _day(entity: str, column: str, zone: str) -> str:
    kind = dict(ENTITIES[entity].landed_columns())[column]
    return column if kind.sql.lower() == "date" else f"timezone({zone}, {column})"
