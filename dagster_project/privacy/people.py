"""Who is meant by a number, a reference or a contact point, and what a person's records say of them.

Reads the landed batches, the registry and, where there is a warehouse, who is who; it changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import duckdb

from dagster_project.contract.contact_points import (
    ContactPoint,
    normalise_email,
    normalise_phone,
    normalise_wechat,
)
from dagster_project.contract.entities import ENTITIES
from dagster_project.errors import StrataError
from dagster_project.explaining.serving_copy import find_customer
from dagster_project.identity.registry import read_registry
from dagster_project.landing import Manifest, landing_relations
from dagster_project.privacy.claims import Keys, key_statements
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal

POINTS = ("phone", "email", "wechat_id")
CHUNK_ROWS = 10_000
_PLAIN_DIGITS = "translate(text, '０１２３４５６７８９', '0123456789')"


@dataclass(frozen=True)
class Person:
    """A customer with all their references, and what their landed records call them.

    `points` are contact points in their normal form, by kind; `spellings` the same and names as sources wrote them.
    `own_spellings` and `own_points` are those of what no other customer has: only these tell the person alone.
    """

    keys: Keys
    points: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    spellings: tuple[str, ...] = ()
    own_spellings: tuple[str, ...] = ()
    own_points: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def customer_id(self) -> int:
        """The customer's present number."""
        return self.keys.customer_ids[0]

    @property
    def title(self) -> str:
        """The person by number and references, never by name."""
        return f"customer {self.customer_id} ({', '.join(':'.join(each) for each in self.keys.references)})"


def normalised(kind: str, text: str, country: str | None) -> ContactPoint:
    """The normal form of a contact point of `kind` (phone, email, wechat_id)."""
    if kind == "phone":
        return normalise_phone(text, country)
    return normalise_email(text) if kind == "email" else normalise_wechat(text)


def find_person(con: duckdb.DuckDBPyConnection, settings: Settings, asked: str) -> Person:
    """The customer that `asked` names: a customer_id, SOURCE:REFERENCE, a reference, or one of their contact points.

    Fills the temporary tables of the person's keys in `con`, a connection to the warehouse, or to nothing where there
    is none.

    Raises:
        ReadingError: nobody is meant, or several are.
    """
    manifest = Manifest.load(settings.paths)
    collect_aliases(con, settings, manifest)
    by_point = _customers_with_point(con, settings, manifest, asked)
    if len(by_point) > 1:
        listed = ", ".join(map(str, by_point))
        raise StrataError(f"Several customers have this contact point: {listed}. Name one by their number.")
    found = find_customer(con, str(by_point[0]) if by_point else asked)
    rows = con.execute(
        "select source, customer_ref, registry_id from customer_aliases where customer_id = ? order by registry_id",
        [found.customer_id],
    ).fetchall()
    numbers = [number for _, _, number in rows]
    return _described(
        con,
        settings,
        manifest,
        Keys(
            customer_ids=tuple(dict.fromkeys([found.customer_id, *numbers])),
            registry_ids=tuple(numbers),
            references=tuple((source, reference) for source, reference, _ in rows),
        ),
    )


def collect_aliases(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest) -> None:
    """Temporary table `customer_aliases` of all references: those linked, those only registered, those only landed.

    What no run has numbered yet gets a number below 0, by which it can be asked for.
    """
    linked = "select source, customer_ref, registry_id, customer_id from identity.customer_aliases"
    if not _has_aliases(con):
        linked = "select source, customer_ref, registry_id, registry_id as customer_id from registered_references"
    relations = landing_relations(manifest)
    landed = " union ".join(
        f"select source, customer_ref from ({relations[name]}) where customer_ref is not null"
        for name, entity in ENTITIES.items()
        if any(column.name == "customer_ref" for column in entity.columns)
    )
    con.register("registered_references", read_registry(settings.paths.registry))
    try:
        con.execute(
            f"""
            create or replace temp table customer_aliases as
            with linked as ({linked}),
            registered as (
                select source, customer_ref, registry_id, registry_id as customer_id
                from registered_references anti join linked using (source, customer_ref)
            ),
            known as (from linked union all from registered),
            unnumbered as (
                select source, customer_ref, -row_number() over (order by source, customer_ref) as number
                from ({landed}) anti join known using (source, customer_ref)
            )
            from known
            union all
            select source, customer_ref, number, number from unnumbered
            """
        )
    finally:
        con.unregister("registered_references")


def _has_aliases(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        con.execute(
            "select 1 from duckdb_tables() where database_name = current_database() "
            "and schema_name = 'identity' and table_name = 'customer_aliases'"
        ).fetchall()
    )


def _customers_with_point(
    con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest, asked: str
) -> list[int]:
    """The customers one of whose landed records has `asked` as a contact point; none where it is a known reference."""
    asked = asked.strip()
    source, _, reference = asked.partition(":")
    if con.execute(
        "select 1 from customer_aliases where customer_ref = ? or (source = ? and customer_ref = ?) "
        "or cast(customer_id as varchar) = ? or cast(registry_id as varchar) = ? limit 1",
        [asked, source, reference, asked, asked],
    ).fetchall():
        return []
    wanted = {kind: point.normal for kind in POINTS if (point := normalised(kind, asked, _country(settings))).is_valid}
    if not wanted:
        return []
    found: set[int] = set()
    for kind, text, customer_id in _contact_rows(con, manifest):
        if kind in wanted and normalised(kind, text, _country(settings)).normal == wanted[kind]:
            found.add(customer_id)
    return sorted(found)


def _country(settings: Settings) -> str | None:
    return settings.sources.business.default_country


def _contact_rows(
    con: duckdb.DuckDBPyConnection, manifest: Manifest, condition: str = "true"
) -> Iterator[tuple[str, str, int]]:
    """(kind or name, text, customer_id) of all landed records, each once, where `condition` on customer_id and `text`
    holds.
    """
    personal = landing_relations(manifest)["customers_personal"]
    for kind in ("name", *POINTS):
        rows = con.execute(
            f"""
            with texts as (
                select distinct '{kind}' as kind, trim({quote_identifier(kind)}) as text, aliases.customer_id
                from ({personal}) inner join customer_aliases as aliases using (source, customer_ref)
            )
            select kind, text, customer_id from texts where text <> '' and ({condition})
            """
        )
        while chunk := rows.fetchmany(CHUNK_ROWS):
            yield from chunk


def _described(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest, keys: Keys) -> Person:
    for statement in key_statements(keys):
        con.execute(statement)
    relations = landing_relations(manifest)
    # An order belongs to whom its newest version names.
    orders = con.execute(
        f"""
        select source, order_id
        from ({relations["orders"]})
        where (source, order_id) in (
            select source, order_id from ({relations["orders"]})
            where (source, customer_ref) in (select source, key from person_references)
        )
        group by source, order_id
        having (source, arg_max(
            customer_ref, (coalesce(updated_at, timestamptz '0001-01-01 00:00:00+00'), batch_sequence, row_number)
        )) in (select source, key from person_references)
        order by all
        """
    ).fetchall()
    keys = Keys(keys.customer_ids, keys.registry_ids, keys.references, tuple(orders))
    for statement in key_statements(keys):
        con.execute(statement)
    refunds = con.execute(
        f"""
        select distinct source, refund_id
        from ({relations["refunds"]})
        where (source, customer_ref) in (select source, key from person_references)
            or (source, order_id) in (select source, key from person_orders)
        order by all
        """
    ).fetchall()
    keys = Keys(keys.customer_ids, keys.registry_ids, keys.references, tuple(orders), tuple(refunds))
    for statement in key_statements(keys):
        con.execute(statement)
    return _with_contacts(con, settings, manifest, keys)


def _with_contacts(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest, keys: Keys) -> Person:
    """What the person's records say, and what of it no other customer's record says too."""
    country = _country(settings)
    own: dict[str, set[str]] = {kind: set() for kind in ("name", *POINTS)}
    others: dict[str, set[str]] = {kind: set() for kind in ("name", *POINTS)}
    spelled: dict[str, set[tuple[str, str]]] = {}
    is_own = "customer_id in (select number from person_customers)"
    for kind, text, _ in _contact_rows(con, manifest, is_own):
        normal = text if kind == "name" else normalised(kind, text, country).normal
        own[kind].add(normal)
        spelled.setdefault(text, set()).add((kind, normal))
    # Google's rules take 0.1 ms a number: of others, only those that end alike are looked at.
    endings = {_ending(text) for text in (*own["phone"], *spelled)}
    listed = ", ".join(quote_literal(ending) for ending in endings)
    may_be_equal = (
        f"kind <> 'phone' or right(regexp_replace({_PLAIN_DIGITS}, '[^0-9]', '', 'g'), 4) in ({listed or 'null'})"
    )
    for kind, text, _ in _contact_rows(con, manifest, f"not {is_own} and ({may_be_equal})"):
        others[kind].add(text if kind == "name" else normalised(kind, text, country).normal)
    return Person(
        keys=keys,
        points=MappingProxyType({kind: tuple(sorted(own[kind])) for kind in POINTS}),
        spellings=tuple(sorted(spelled)),
        own_spellings=tuple(
            sorted(text for text, meant in spelled.items() if not any(normal in others[kind] for kind, normal in meant))
        ),
        own_points=MappingProxyType({kind: tuple(sorted(own[kind] - others[kind])) for kind in POINTS}),
    )


def _ending(text: str) -> str:
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", text))[-4:]
