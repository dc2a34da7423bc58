"""From which business day on a batch changes what is computed: the earliest old or new day of what its rows change.

What is compared is what the models read, so a row that only says again what is known, or that a newer version has
replaced already, marks no day. What reaches back before its own day is found in warehouse/reaching_back.py, where
references are linked. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

import duckdb

from dagster_project.contract.entities import ENTITIES, Entity
from dagster_project.sql_text import quote_identifier, quote_instant, quote_literal


@dataclass(frozen=True)
class Effect:
    """Something that a record says, as SQL over its row: from the day of `at` on, tables hold `value`.

    `is_said` tells rows that say it. `at` is an instant, or a date where `is_date`.
    """

    value: str
    at: str
    is_said: str = "true"
    is_date: bool = False


@dataclass(frozen=True)
class Arrival:
    """A batch on its way, beside what was there: `incoming` and `stored` are relations of the entity's columns.

    `incoming` has a `position` that rises with the file; where `has_verdicts`, the table `verdicts` says of each
    position whose key stands on several rows or has landed whether it is new, changed or unchanged, and `judged` is a
    relation that holds at least these rows. `stored` is None where nothing of the entity has landed.
    """

    entity: Entity
    incoming: str
    judged: str
    stored: str | None
    has_verdicts: bool
    landed_at: datetime
    time_zone: str

    @property
    def key(self) -> str:
        """The columns of the key, listed."""
        return ", ".join(quote_identifier(name) for name in self.entity.own_key)

    @property
    def fresh(self) -> str:
        """The incoming rows that no other row has the key of."""
        if not self.has_verdicts:
            return f"select * from {self.incoming}"
        return f"select * from {self.incoming} anti join verdicts using (position)"

    @property
    def contested(self) -> str:
        """The incoming rows that get stored beside others of their key."""
        return (
            f"select * from {self.judged} semi join (select position from verdicts where state <> 'unchanged') "
            "using (position)"
        )

    def day(self, instant: str) -> str:
        """SQL of the business day of an instant."""
        return f"cast(timezone({quote_literal(self.time_zone)}, {instant}) as date)"

    def said(self, rows: str, columns: Iterable[str]) -> str:
        """SQL of incoming `rows`: key, replaced_at, is_deleted, and `columns`."""
        return (
            f"select {self._listed(columns)} "
            f"from (select *, {quote_instant(self.landed_at)} as arrived_at from ({rows}))"
        )

    def touched(self, columns: Iterable[str]) -> str:
        """SQL of the contested rows and the stored rows of their keys: as `said`, with `place` (rows of one updated_at
        replace one another in its order; `is_now` tells the incoming ones).
        """
        columns = tuple(columns)
        incoming = self.said(self.contested, ("{'is_now': true, 'batch': 0, 'row': position} as place", *columns))
        if self.stored is None:
            return incoming
        listed = self._listed(("{'is_now': false, 'batch': batch_sequence, 'row': row_number} as place", *columns))
        return (
            f"select {listed} from (select *, landed_at as arrived_at from {self.stored} "
            f"semi join ({self.contested}) using ({self.key})) union all {incoming}"
        )

    def _listed(self, columns: Iterable[str]) -> str:
        has_time = any(column.name == "updated_at" for column in self.entity.columns)
        replaced_at = "updated_at" if has_time else "cast(null as timestamptz)"
        return f"{self.key}, {replaced_at} as replaced_at, is_deleted, {', '.join(columns)}"


# Completed and refunded orders count alike: what a refund takes away, it takes on its own day.
IS_COUNTED = "status in ('completed', 'refunded')"
REFUNDED_AT = "coalesce(refunded_at, ordered_at)"


def _all_but(entity: str, *apart: str) -> str:
    names = [column.name for column in ENTITIES[entity].public_columns if column.name not in {"updated_at", *apart}]
    return f"hash({', '.join(map(quote_identifier, names))})"


def _events(entity: str, at: str, *, is_date: bool = False) -> tuple[Effect, ...]:
    return (Effect(_all_but(entity), at=at, is_date=is_date),)


# What the entities without versions say, and when. Where a campaign contact has no time, its campaign says when.
EFFECTS: Mapping[str, tuple[Effect, ...]] = MappingProxyType(
    {
        "orders": (
            Effect(
                f"hash({_all_but('orders', 'status', 'refund_amount', 'refunded_at')}, {IS_COUNTED})", at="ordered_at"
            ),
            Effect(
                f"hash(customer_ref, currency, refund_amount, {REFUNDED_AT})",
                at=REFUNDED_AT,
                is_said=f"{IS_COUNTED} and refund_amount > 0",
            ),
        ),
        "refunds": _events("refunds", "refunded_at"),
        "interactions": (
            Effect(_all_but("interactions", "resolved_at"), at="occurred_at"),
            Effect("hash(customer_ref, resolved_at)", at="resolved_at", is_said="is_complaint and resolved_at notnull"),
        ),
        "consents": _events("consents", "occurred_at"),
        "campaigns": _events("campaigns", "starts_on", is_date=True),
        "campaign_contacts": _events(
            "campaign_contacts",
            "coalesce(contacted_at, (select min(starts_at) from campaign_starts where started_campaign = campaign_id))",
        ),
        "list_results": _events("list_results", "worked_at"),
        "surveys": _events("surveys", "responded_at"),
        "web_events": _events("web_events", "occurred_at"),
        "exchange_rates": _events("exchange_rates", "date", is_date=True),
    }
)
# To whom refunds belong that name nothing but the order; one may be dated before it.
REFUNDED_TO = Effect(
    "hash(customer_ref)", at="(select first_refunded_at from order_refunds where refunded_order = order_id)"
)
# What versioned records say of their customer beside their state: since when they are known, by no version's own day.
APPEARANCES: Mapping[str, str] = MappingProxyType(
    {"customers": "least(registered_on, {created_on})", "leads": "{created_on}", "opportunities": "{created_on}"}
)
# Of the records that make one customer, and of leads without a time, the day of the version decides which one counts.
WEIGHED_BY_DAY: Mapping[str, str] = MappingProxyType(
    {"customers": "{valid_from}", "leads": "case when created_at is null then {valid_from} end"}
)
APART_FROM_STATE: Mapping[str, tuple[str, ...]] = MappingProxyType({"customers": ("registered_on", "created_at")})


def earliest_changed_on(
    con: duckdb.DuckDBPyConnection,
    arrival: Arrival,
    *,
    campaigns: str | None = None,
    refunds: str | None = None,
    is_whole: bool = False,
) -> date | None:
    """First business day whose tables the batch changes; None where it changes none.

    `campaigns` and `refunds`: the relations of those that have landed, None where there are none. With `is_whole` an
    order is not what its row says, but its lines too: whichever row is the newest changes its day.
    """
    entity = arrival.entity
    effects = EFFECTS.get(entity.name, ())
    if entity.name == "orders" and refunds is not None:
        con.execute(
            "create or replace temp view order_refunds as select order_id as refunded_order, "
            f"min(refunded_at) as first_refunded_at from {refunds} where customer_ref is null group by order_id"
        )
        effects = (*effects, REFUNDED_TO)
    if entity.name == "campaign_contacts":
        starts = f"timezone({quote_literal(arrival.time_zone)}, cast(starts_on as timestamp))"
        none = "(select cast(null as varchar) as campaign_id, cast(null as date) as starts_on where false)"
        con.execute(
            "create or replace temp view campaign_starts as "
            f"select campaign_id as started_campaign, {starts} as starts_at from {campaigns or none}"
        )
    if entity.is_versioned:
        return _earliest_of_versions(con, arrival)
    if is_whole:
        effects = (*effects, Effect("hash(place)", at=effects[0].at))
    if not effects:
        return None
    days = [_earliest_of_fresh(con, arrival, effects)]
    if arrival.has_verdicts:
        days.append(_earliest_of_contested(con, arrival, effects))
    return min((day for day in days if day is not None), default=None)


def _earliest_of_fresh(con: duckdb.DuckDBPyConnection, arrival: Arrival, effects: Sequence[Effect]) -> date | None:
    """No row replaces another. A first batch may hold 100 million: one pass, and a day of nothing but its results."""
    firsts = [
        _day_of(arrival, effect, f"min({effect.at}) filter (not is_deleted and {effect.is_said})") for effect in effects
    ]
    return _least(con, f"select {', '.join(firsts)} from ({arrival.fresh})")


def _earliest_of_contested(con: duckdb.DuckDBPyConnection, arrival: Arrival, effects: Sequence[Effect]) -> date | None:
    """The newest row of each key, before and after."""
    said = [
        f"case when not is_deleted and {effect.is_said} then {what} end as {name}_{number}"
        for number, effect in enumerate(effects)
        for name, what in (("value", effect.value), ("at", effect.at))
    ]
    newest = f"row_number() over (partition by {arrival.key} order by replaced_at desc nulls last, place desc) = 1"
    firsts = [
        _day_of(
            arrival,
            effect,
            f"min(least(now.at_{number}, old.at_{number})) "
            f"filter (now.value_{number} is distinct from old.value_{number})",
        )
        for number, effect in enumerate(effects)
    ]
    return _least(
        con,
        f"""
        with touched as materialized ({arrival.touched(said)}),
        now as (select * from touched qualify {newest}),
        old as (select * from touched where not place.is_now qualify {newest})
        select {", ".join(firsts)} from now left join old using ({arrival.key})
        """,
    )


def _earliest_of_versions(con: duckdb.DuckDBPyConnection, arrival: Arrival) -> date | None:
    """The states of each key from day to day, before and after, and since when its customers are known."""
    name, key = arrival.entity.name, arrival.key
    appearance = APPEARANCES.get(name, "cast(null as date)").format(created_on=arrival.day("created_at"))
    landed_on = arrival.day("arrived_at")
    valid_from = arrival.day("coalesce(updated_at, arrived_at)")
    weight = WEIGHED_BY_DAY.get(name, "cast(null as date)").format(valid_from=valid_from)
    said = [
        f"{'customer_ref' if name in APPEARANCES else 'cast(null as varchar)'} as seen_ref",
        f"{valid_from} as valid_from",
        f"case when not is_deleted then hash({_all_but(name, *APART_FROM_STATE.get(name, ()))}, {weight}) end as state",
        f"case when not is_deleted and seen_ref notnull then coalesce({appearance}, {landed_on}) end as seen_on",
    ]
    fresh = _least(
        con, f"select min(valid_from) filter (state notnull), min(seen_on) from ({arrival.said(arrival.fresh, said)})"
    )
    if not arrival.has_verdicts:
        return fresh
    newest = f"row_number() over (partition by {key}, valid_from order by replaced_at desc nulls last, place desc) = 1"
    seen = f"select {key}, seen_ref, min(seen_on) as seen_on from {{}} group by all"
    contested = _least(
        con,
        f"""
        with touched as materialized ({arrival.touched(said)}),
        now as (select * from touched qualify {newest}),
        old as (select * from touched where not place.is_now qualify {newest}),
        states as (
            select min(now.valid_from) as first_on
            from now asof left join old on {_equal_keys(arrival.entity)} and now.valid_from >= old.valid_from
            where now.state is distinct from old.state
        ),
        appearances as (
            select min(least(now.seen_on, old.seen_on)) as first_on
            from ({seen.format("now")}) as now
            full join ({seen.format("old")}) as old on {_equal_keys(arrival.entity)} and now.seen_ref = old.seen_ref
            where now.seen_on is distinct from old.seen_on
        )
        select states.first_on, appearances.first_on from states cross join appearances
        """,
    )
    return min((day for day in (fresh, contested) if day is not None), default=None)


def _day_of(arrival: Arrival, effect: Effect, first: str) -> str:
    return first if effect.is_date else arrival.day(first)


def _equal_keys(entity: Entity) -> str:
    return " and ".join(f"now.{quote_identifier(name)} = old.{quote_identifier(name)}" for name in entity.own_key)


def _least(con: duckdb.DuckDBPyConnection, query: str) -> date | None:
    """The least of the days in the one row of a query."""
    [days] = con.execute(query).fetchall()
    return min((day for day in days if day is not None), default=None)
