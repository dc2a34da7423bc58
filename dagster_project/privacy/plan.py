"""What an erasure will do, fixed and written down before it begins, so that a killed one is finished as it was begun.

The plan holds what is being erased, so it is readable by its owner only and is removed when nothing is left.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, private_folder, written_beside
from dagster_project.contract.contact_points import keyed_hash
from dagster_project.contract.entities import ENTITIES, ColumnType
from dagster_project.errors import StrataError
from dagster_project.identity.registry import next_number
from dagster_project.landing import Manifest, landing_relations
from dagster_project.landing.erased import ERASED_PREFIX, NUMBER, ORDER, PENDING, POINT, REFERENCE, REFUND
from dagster_project.landing.parquet_files import file_sql
from dagster_project.privacy.claims import Keys, claim, key_statements
from dagster_project.privacy.holdings import files_read
from dagster_project.privacy.people import POINTS, Person
from dagster_project.publishing.assignments import TREATED
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.sql_text import quote_literal

# The newest version of a row, as staging finds it.
_VERSION = "(coalesce(updated_at, timestamptz '0001-01-01 00:00:00+00'), batch_sequence, row_number)"


@dataclass(frozen=True)
class KeptRow:
    """An order or refund that keeps its day and amounts: its key, its random key, where its newest version stands.

    `new_ref` is the random reference of its person; `lines_batch` the batch of an order's newest lines.
    """

    source: str
    key: str
    new_key: str
    new_ref: str
    batch_sequence: int
    row_number: int
    lines_batch: int | None = None


@dataclass(frozen=True)
class Plan:
    """One erasure of some people."""

    erasure_id: str
    began_at: str
    who: str
    keys: Keys
    customers: tuple[int, ...]
    orders: tuple[KeptRow, ...]
    refunds: tuple[KeptRow, ...]
    references: tuple[tuple[str, str, int, int], ...]  # source, random reference, its number, its customer
    moved: tuple[tuple[int, int], ...]  # a customer's numbers, and the random customer that keeps the orders
    spellings: tuple[str, ...]
    own_texts: tuple[str, ...]
    hashes: tuple[str, ...]
    changed_from: str | None
    totals: dict[str, str]
    lists: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, str, int], ...]
    read_from: tuple[str, ...]  # files that rows of the people were read from

    @property
    def first_changed_day(self) -> date | None:
        return date.fromisoformat(self.changed_from) if self.changed_from else None


def plan_file(paths: Paths) -> Path:
    """Where the plan of an erasure lies while it is not finished."""
    return paths.erasures / PENDING


def make_plan(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    people: Sequence[Person],
    *,
    key: str,
    held: Iterable[tuple[str, str, int]],
    now: datetime,
    who: str,
) -> Plan:
    """The plan for erasing `people`; `key` is that of the log of erasures, `held` what was found of them.

    The caller holds landing and the warehouse, so that no number or row is added meanwhile.
    """
    manifest = Manifest.load(settings.paths)
    number = next_number(settings.paths.registry)
    orders: list[KeptRow] = []
    refunds: list[KeptRow] = []
    references: list[tuple[str, str, int, int]] = []
    moved: list[tuple[int, int]] = []
    # In a random order, so that numbers do not tell who was asked for first.
    for person in secrets.SystemRandom().sample(list(people), len(people)):
        new_ref = _random_key()
        own_orders, own_refunds = _kept(con, manifest, person.keys, new_ref)
        sources = sorted({row.source for row in (*own_orders, *own_refunds)})
        references += [(source, new_ref, number + place, number) for place, source in enumerate(sources)]
        if sources:
            moved += [(old, number) for old in person.keys.customer_ids]
        number += len(sources)
        orders += own_orders
        refunds += own_refunds
    keys = joined([person.keys for person in people])
    for statement in key_statements(keys):
        con.execute(statement)
    return Plan(
        erasure_id=f"{now:%Y%m%d}-{secrets.token_hex(6)}",
        began_at=now.isoformat(),
        who=who,
        keys=keys,
        customers=tuple(person.customer_id for person in people),
        orders=tuple(orders),
        refunds=tuple(refunds),
        references=tuple(references),
        moved=tuple(moved),
        spellings=tuple(sorted({text for person in people for text in _all_texts(person)})),
        own_texts=tuple(sorted({text for person in people for text in _own_texts(person)})),
        hashes=tuple(_hashes(people, key)),
        changed_from=_changed_from(con, settings, manifest),
        totals=totals(con, manifest),
        lists=tuple(_lists(con, settings)),
        held=tuple(held),
        read_from=tuple(sorted(files_read(con, manifest))),
    )


def joined(keys: Sequence[Keys]) -> Keys:
    """The keys of several people as one."""
    return Keys(
        *(tuple(dict.fromkeys(each for one in keys for each in getattr(one, name))) for name in Keys.__annotations__)
    )


def write_plan(paths: Paths, plan: Plan) -> None:
    """Have the plan on the disk before anything is changed."""
    file = private_folder(paths.erasures) / PENDING
    with written_beside(file, mode=PRIVATE_FILE) as beside:
        beside.write_text(json.dumps(asdict(plan), ensure_ascii=False), encoding="utf-8")


def read_plan(paths: Paths) -> Plan | None:
    """The plan of an erasure that was interrupted; None where none was.

    Raises:
        StrataError: it cannot be read.
    """
    file = plan_file(paths)
    if not file.is_file():
        return None
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        keys = {name: tuple(map(_plain, values)) for name, values in plain.pop("keys").items()}
        rows = {name: tuple(KeptRow(**row) for row in plain.pop(name)) for name in ("orders", "refunds")}
        plan: dict[str, Any] = {
            name: tuple(map(_plain, value)) if isinstance(value, list) else value for name, value in plain.items()
        }
        return Plan(keys=Keys(**keys), orders=rows["orders"], refunds=rows["refunds"], **plan)
    except (ValueError, KeyError, TypeError) as error:
        raise StrataError(
            f"{file} is damaged ({type(error).__name__}). Put the data folder back from a backup and ask for "
            "the erasure again: only the plan knows under which new ids a half finished erasure has left orders."
        ) from None


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def totals(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> dict[str, str]:
    """Counts and sums, by currency, of the newest versions of orders, lines and refunds that have landed."""
    relations = landing_relations(manifest)
    order_rows = (
        f"select * from ({relations['orders']}) qualify row_number() over (partition by source, order_id "
        f"order by {_VERSION} desc) = 1"
    )
    newest_lines = (
        f"select * from ({relations['order_lines']}) qualify "
        "batch_sequence = max(batch_sequence) over (partition by source, order_id) "
        "and row_number() over (partition by source, order_id, line_number "
        "order by batch_sequence desc, row_number desc) = 1"
    )
    refund_rows = (
        f"select * from ({relations['refunds']}) qualify row_number() over (partition by source, refund_id "
        "order by batch_sequence desc, row_number desc) = 1"
    )
    asked = {
        "orders": f"select currency, count(*), sum(gross_amount), sum(discount_amount), sum(refund_amount), "
        f"sum(cost_amount) from ({order_rows}) where not is_deleted group by currency",
        "order_lines": f"select '', count(*), sum(quantity), sum(line_amount) from ({newest_lines}) "
        "where not is_deleted",
        "refunds": f"select currency, count(*), sum(amount) from ({refund_rows}) where not is_deleted "
        "group by currency",
    }
    found: dict[str, str] = {}
    for name, select in asked.items():
        for currency, *numbers in con.execute(f"{select} order by 1").fetchall():
            found[f"{name} {currency}".strip()] = " ".join(str(number or 0) for number in numbers)
    return found


def _kept(
    con: duckdb.DuckDBPyConnection, manifest: Manifest, keys: Keys, new_ref: str
) -> tuple[list[KeptRow], list[KeptRow]]:
    """The orders and refunds of a person that are not deleted, each with a random key."""
    for statement in key_statements(keys):
        con.execute(statement)
    relations = landing_relations(manifest)
    orders = con.execute(
        f"""
        with newest as (
            select source, order_id, arg_max({{'batch': batch_sequence, 'row': row_number, 'gone': is_deleted}},
                {_VERSION}) as version
            from ({relations["orders"]})
            where (source, order_id) in (select source, key from person_orders)
            group by source, order_id
        ),
        lines as (
            select source, order_id, max(batch_sequence) as lines_batch from ({relations["order_lines"]})
            where (source, order_id) in (select source, key from person_orders)
            group by source, order_id
        )
        select newest.source, newest.order_id, version.batch, version.row, lines_batch
        from newest left join lines using (source, order_id)
        where not version.gone
        order by all
        """
    ).fetchall()
    refunds = con.execute(
        f"""
        with newest as (
            select source, refund_id, arg_max({{'batch': batch_sequence, 'row': row_number, 'gone': is_deleted}},
                (batch_sequence, row_number)) as version
            from ({relations["refunds"]})
            where (source, refund_id) in (select source, key from person_refunds)
            group by source, refund_id
        )
        select source, refund_id, version.batch, version.row from newest where not version.gone order by all
        """
    ).fetchall()
    return (
        [KeptRow(source, key, _random_key(), new_ref, batch, row, lines) for source, key, batch, row, lines in orders],
        [KeptRow(source, key, _random_key(), new_ref, batch, row) for source, key, batch, row in refunds],
    )


def _random_key() -> str:
    return ERASED_PREFIX + secrets.token_hex(16)


def _all_texts(person: Person) -> list[str]:
    return [*person.spellings, *(text for texts in person.points.values() for text in texts)]


def _own_texts(person: Person) -> list[str]:
    """What tells this person and nobody else: names and contact points, and references that are words."""
    own = {*person.own_spellings, *(text for texts in person.own_points.values() for text in texts)}
    references = {reference for _, reference in person.keys.references if not reference.isdigit()}
    return sorted(own | references)


def _hashes(people: Sequence[Person], key: str) -> list[str]:
    """Keyed hashes of what never lands again; a contact point that others have too is left to them."""
    found = []
    for person in people:
        for kind, pairs in (
            (REFERENCE, person.keys.references),
            (ORDER, person.keys.orders),
            (REFUND, person.keys.refunds),
        ):
            found += [keyed_hash(text, key, kind=f"{kind} {source}") for source, text in pairs]
        found += [keyed_hash(str(number), key, kind=NUMBER) for number in person.keys.registry_ids]
        for kind in POINTS:
            found += [keyed_hash(text, key, kind=f"{POINT} {kind}") for text in person.own_points[kind]]
    return sorted(set(found))


def _lists(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[tuple[str, str]]:
    """(day, channel) of every issued list whose files are there and that names one of the people."""
    found = []
    for path in sorted(settings.paths.assignments.glob("*/*.parquet")):
        condition = claim(pq.read_schema(path).names) or "false"
        rows = con.execute(
            f"select distinct channel from {file_sql(path)} where arm = '{TREATED}' and {condition} order by 1"
        ).fetchall()
        found += [
            (path.stem, channel) for (channel,) in rows if any((settings.paths.lists / path.stem).glob(f"{channel}.*"))
        ]
    return found


def _changed_from(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest) -> str | None:
    """The first business day of which anything landed about the people."""
    zone = quote_literal(settings.sources.business.time_zone)
    relations = landing_relations(manifest)
    days = []
    for name, entity in ENTITIES.items():
        columns = dict(entity.landed_columns())
        condition = claim(columns)
        if condition is None:
            continue
        first = [
            f"cast(timezone({zone}, min({column})) as date)" if kind is ColumnType.TIMESTAMP else f"min({column})"
            for column, kind in columns.items()
            if kind in (ColumnType.TIMESTAMP, ColumnType.DATE)
        ]
        days += con.execute(f"select least({', '.join(first)}) from ({relations[name]}) where {condition}").fetchall()
    found = [day for (day,) in days if day is not None]
    return str(min(found)) if found else None
