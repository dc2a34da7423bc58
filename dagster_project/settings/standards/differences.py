"""What two standards say differently, place by place, as an analyst reads them in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dagster_project.settings.standards.standard import Standard

# What tells the items of a list apart; a list without such a key is one value.
NAMING_KEYS = ("segment", "matrix", "dimension", "class")
ABSENT = ""


@dataclass(frozen=True)
class Difference:
    """A place as it is written in the file, and what stands there in each of the two; empty where nothing does."""

    place: str
    before: str
    after: str


def differences(before: Standard, after: Standard) -> list[Difference]:
    """Every place at which the two differ, in the order of the file."""
    old, new = _flat(before), _flat(after)
    places = [*new, *(place for place in old if place not in new)]
    return [
        Difference(place, _shown(old.get(place, ABSENT)), _shown(new.get(place, ABSENT)))
        for place in places
        if old.get(place, ABSENT) != new.get(place, ABSENT)
    ]


def _flat(standard: Standard) -> dict[str, Any]:
    values: dict[str, Any] = {}
    _flatten("", standard.model_dump(by_alias=True), values)
    return values


def _flatten(place: str, value: Any, values: dict[str, Any]) -> None:
    if isinstance(value, Mapping) and not _is_label(value):
        for key, part in value.items():
            _flatten(f"{place}.{key}" if place else str(key), part, values)
    elif isinstance(value, Sequence) and not isinstance(value, str) and _naming_key(value) is not None:
        key = _naming_key(value)
        values[place] = "in this order: " + ", ".join(str(item[key]) for item in value)
        for item in value:
            _flatten(f"{place}[{item[key]}]", {name: part for name, part in item.items() if name != key}, values)
    elif value is not None:
        values[place] = value


def _naming_key(items: Sequence[Any]) -> str | None:
    for key in NAMING_KEYS:
        if items and all(isinstance(item, Mapping) and key in item for item in items):
            return key
    return None


def _is_label(value: Mapping[Any, Any]) -> bool:
    return value.keys() == {"en", "zh"}


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['en']} / {value['zh']}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_shown(item) for item in value)
    return str(value)
