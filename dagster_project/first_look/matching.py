"""Which entity a table is, and which of its columns are the contract's: by name, and held against the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from dagster_project.contract.entities import ENTITIES, Column, ColumnType, mappable_columns
from dagster_project.first_look.names import NAMES, alike, entity_hint, meaning
from dagster_project.first_look.profiles import Profile
from dagster_project.first_look.reading import Looked

PAID = Column("paid_amount", ColumnType.MONEY)
# A header that is only nearly called so does not count as much as one that is.
LEAST_SCORE = 5.0
SURE = 1.0
# What is told apart by these columns more than by the others.
TELLING: Mapping[str, frozenset[str]] = {
    "orders": frozenset({"gross_amount", "paid_amount", "status"}),
    "order_lines": frozenset({"product_id", "quantity", "unit_price", "line_amount"}),
    "customers": frozenset({"name", "phone", "email", "member_level"}),
    "refunds": frozenset({"refund_id", "refunded_at"}),
    "products": frozenset({"name", "brand", "category"}),
    "leads": frozenset({"lead_id", "stage"}),
    "opportunities": frozenset({"opportunity_id", "stage", "expected_close_on"}),
    "interactions": frozenset({"interaction_id", "direction", "outcome"}),
    "consents": frozenset({"is_granted", "channel"}),
    "exchange_rates": frozenset({"rate"}),
}


@dataclass(frozen=True)
class Match:
    """A column of the file for a column of the contract, and how surely by its name."""

    profile: Profile
    score: float


@dataclass(frozen=True)
class Matched:
    """An entity that a table could be: its columns by contract name, what it lacks, and how well it fits."""

    entity: str
    columns: Mapping[str, Match]
    missing: tuple[str, ...]
    score: float


def required_columns(entity: str, found: Mapping[str, object] = {}) -> tuple[str, ...]:
    """Contract columns that a mapping of the entity must name; of lines, those that make orders of them."""
    if entity == "order_lines":
        amount = () if {"quantity", "unit_price"} <= set(found) else ("line_amount",)
        return ("order_id", "customer_ref", "ordered_at", *amount)
    return tuple(column.name for column in ENTITIES[entity].columns if column.is_required and column.default is None)


def contract_column(entity: str, name: str) -> Column:
    """The contract's column, those of orders beside lines included."""
    if name == PAID.name:
        return PAID
    return mappable_columns(ENTITIES[entity], orders_from_lines=entity == "order_lines")[name]


def best_match(looked: Looked) -> Matched | None:
    """The entity that the table fits best, None where it is none that is known."""
    hints = entity_hint(PurePath(looked.name).stem, looked.sheet or "", looked.table or "")
    candidates = [_match(looked, entity, hints.get(entity, 0.0)) for entity in NAMES]
    best = max(candidates, key=lambda each: each.score)
    return best if best.score >= LEAST_SCORE else None


def match_as(looked: Looked, entity: str) -> Matched:
    """The table as one entity, whatever else it could be."""
    return _match(looked, entity, 0.0)


def fits(column: Column, profile: Profile) -> bool:
    """Whether the values could be the contract column's."""
    if not profile.filled:
        return not column.is_required
    if column.type in (ColumnType.TIMESTAMP, ColumnType.DATE):
        return profile.times is not None
    if column.type is ColumnType.BOOLEAN:
        return profile.is_yes_no
    if column.type.is_number:
        is_share = profile.numbers is not None and profile.numbers.example.endswith(("%", "％"))
        return profile.numbers is not None and (not is_share or column.type is ColumnType.SCORE)
    if column.is_id:
        return profile.longest <= 80 and not (profile.numbers is not None and profile.numbers.has_decimals)
    if column.is_currency:
        return profile.distinct <= 60
    if column.choices:
        return profile.has_all_values
    return True


def known_share(entity: str, profile: Profile) -> float:
    """Of the filled rows of a column, the share whose value is a status that is understood."""
    table = "opportunities.status" if entity == "opportunities" else "orders.status"
    return sum(count for value, count in profile.top if meaning(table, value)) / max(1, profile.filled)


def _match(looked: Looked, entity: str, hint: float) -> Matched:
    pairs = sorted(_pairs(looked, entity), key=lambda pair: (-pair[0], pair[1], pair[2]))
    taken: set[str] = set()
    found: dict[str, Match] = {}
    for score, _, _, name, profile in pairs:
        if name not in found and profile.name not in taken:
            found[name] = Match(profile, score)
            taken.add(profile.name)
    missing = tuple(name for name in required_columns(entity, found) if name not in found)
    telling = TELLING.get(entity, frozenset())
    score = 2.0 * hint - 3.0 * len(missing)
    for name, match in found.items():
        is_required = name in required_columns(entity, found)
        score += match.score * (3.0 if is_required else 2.0 if name in telling else 1.0)
    if entity == "order_lines" and not telling & set(found):
        score = 0.0
    if entity not in ("orders", "order_lines") and not hint and not telling & set(found):
        score = 0.0
    return Matched(entity, {name: found[name] for name in NAMES[entity] if name in found}, missing, score)


def _pairs(looked: Looked, entity: str) -> Iterator[tuple[float, int, int, str, Profile]]:
    """Score, rank of the name, place in the file, contract column, column: all that could belong together."""
    # What names one record of a kind is different on every row; orders may stand as lines.
    own_key = ENTITIES[entity].own_key[0] if entity not in ("orders", "order_lines") else ""
    for name, names in NAMES[entity].items():
        column = contract_column(entity, name)
        for place, profile in enumerate(looked.columns):
            score, rank = max(((alike(profile.name, each), -rank) for rank, each in enumerate(names)), default=(0.0, 0))
            if name == own_key and profile.is_unique:
                score += 0.1 if score else 0.0
            if score and name == "status":
                # State is where somebody lives, or how an order stands: its values tell.
                known = known_share(entity, profile)
                score = score + 0.1 if known >= 0.5 else 0.0 if not known and alike(profile.name, "state") else score
            if score and fits(column, profile) and not (score < SURE and _is_weak(column, profile)):
                yield score, -rank, place, name, profile


def _is_weak(column: Column, profile: Profile) -> bool:
    """Whether numbers would be taken for times on no more than half a name."""
    return (
        column.type in (ColumnType.TIMESTAMP, ColumnType.DATE) and profile.times is not None and profile.times.is_weak
    )
