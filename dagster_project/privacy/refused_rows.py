"""Which refused rows of the quarantine name a person: by a reference in the mapped column, a contact point or a name.

A refused row has no reference that could be trusted, only the text as it stood in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster_project.privacy.people import Person
from dagster_project.settings import Settings

# Columns of the contract by which a row says whose it is.
_NAMING = ("customer_ref", "order_id", "refund_id")
# Of a line that is no record, all that is known is its text; shorter texts stand in it by chance.
SHORTEST_IN_LINE = 4


def rows_of_person(rows: Sequence[Mapping[str, Any]], person: Person, settings: Settings) -> list[int]:
    """Places of the rows (columns of QUARANTINE_SCHEMA) that name the person."""
    told = {
        text.strip() for text in (*person.spellings, *(point for points in person.points.values() for point in points))
    }
    keys: dict[str, set[str]] = {}
    for source, key in (*person.keys.references, *person.keys.orders, *person.keys.refunds):
        keys.setdefault(source, set()).add(key)
    columns = {(source, entity): names for source, entity, names in _naming_columns(settings)}
    found = []
    for place, row in enumerate(rows):
        source = str(row["source"])
        if row["original"] and _names(
            str(row["original"]), told, keys.get(source, set()), columns.get((source, str(row["entity"])))
        ):
            found.append(place)
    return found


def _names(original: str, told: set[str], keys: set[str], columns: frozenset[str] | None) -> bool:
    try:
        record = json.loads(original)
    except ValueError:
        record = original
    if not isinstance(record, dict):
        line = str(record)
        return any(text in line for text in (*told, *keys) if len(text) >= SHORTEST_IN_LINE)
    for column, value in record.items():
        text = str(value).strip()
        if text in told or (text in keys and (columns is None or column in columns)):
            return True
    return False


def _naming_columns(settings: Settings) -> Iterator[tuple[str, str, frozenset[str]]]:
    """(source, entity, source columns that say whose a row is) of every read; reads of one entity are put together."""
    found: dict[tuple[str, str], set[str]] = {}
    for source in settings.sources.sources:
        for read in source.reads:
            names = found.setdefault((source.name, read.entity), set())
            for column in _NAMING:
                if spec := read.columns.get(column):
                    names.update(spec.source_names)
            names.update(read.links.values())
    for (name, entity), names in found.items():
        yield name, entity, frozenset(names)
