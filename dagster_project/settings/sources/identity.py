"""Who is who: by which contact points customers are linked, what a customer is, and the pairs that people decided.

The pairs stand in CSV files of their own, beside sources.yaml: they are many, and who keeps them edits no YAML.
Whether a reference of a pair has landed is found when customers are linked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictInt, field_validator

from dagster_project.errors import SettingsError
from dagster_project.settings.sources.parts import Name, Part
from dagster_project.settings.yaml_documents import did_you_mean

PAIR_COLUMNS = ("source", "customer_ref", "other_source", "other_ref")
OPTIONAL_PAIR_COLUMNS = ("reason",)


class CustomersAre(StrEnum):
    """What one customer is: a person, or an account with the people who act for it."""

    PERSON = "person"
    ACCOUNT = "account"


class Identity(Part):
    """How references become customers, besides the exact ids that mappings declare with `links`.

    A contact point links where at most `shared_by_more_than` customers have it; those that exact ids join count once.
    Three: one person as a buyer, a member and a contact, each in a system of its own. A larger number joins strangers
    who share a desk, and to join two people is worse than to leave one in two pieces.
    """

    match: tuple[Literal["phone", "email", "wechat_id"], ...] = ("phone", "email", "wechat_id")
    shared_by_more_than: Annotated[StrictInt, Field(ge=1)] = 3
    customers_are: CustomersAre = CustomersAre.PERSON
    forced_pairs: Name | None = None
    excluded_pairs: Name | None = None

    @field_validator("match")
    @classmethod
    def _are_distinct(cls, match: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(match)) < len(match):
            raise ValueError("name each contact point once")
        return match


@dataclass(frozen=True)
class Pair:
    """Two references and where it is written that they are one customer, or never are: `forced.csv:3`."""

    source: str
    customer_ref: str
    other_source: str
    other_ref: str
    place: str

    @property
    def references(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (self.source, self.customer_ref), (self.other_source, self.other_ref)


@dataclass(frozen=True)
class Pairs:
    """The pairs that people decided."""

    forced: tuple[Pair, ...] = ()
    excluded: tuple[Pair, ...] = ()


def read_pairs(folder: Path, identity: Identity) -> Pairs:
    """The pairs of the files that `identity` names, below `folder`.

    Raises:
        SettingsError: a file is missing or is no such CSV, or forced pairs join what a pair excludes. Messages name the
            line and no reference: a reference may be a phone.
    """
    pairs = Pairs(
        forced=tuple(_read("forced_pairs", folder, identity.forced_pairs)),
        excluded=tuple(_read("excluded_pairs", folder, identity.excluded_pairs)),
    )
    _refuse_contradictions(pairs)
    return pairs


def _read(setting: str, folder: Path, name: str | None) -> Iterator[Pair]:
    if name is None:
        return
    path = folder / name
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _pairs(path, csv.reader(file, strict=True))
    except FileNotFoundError:
        raise SettingsError(f"{path}, identity.{setting}, is missing. Put it there or mend the path.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except csv.Error as error:
        raise SettingsError(f"{path}: not valid CSV: {error}.") from None


def _pairs(path: Path, lines: Iterator[list[str]]) -> Iterator[Pair]:
    header = [cell.strip() for cell in next(lines, [])]
    known = (*PAIR_COLUMNS, *OPTIONAL_PAIR_COLUMNS)
    for name in header:
        if name not in known:
            raise SettingsError(f"{path}:1: there is no column {name!r}{did_you_mean(name, known)}")
    lacking = [name for name in PAIR_COLUMNS if name not in header]
    if lacking or len(set(header)) < len(header):
        fault = f"the column {lacking[0]} is missing" if lacking else "a column stands twice"
        raise SettingsError(f"{path}:1: {fault}; the first line is {','.join(PAIR_COLUMNS)}[,reason].")
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        blank = [name for name in PAIR_COLUMNS if not row.get(name)]
        if blank or len(cells) > len(header):
            fault = f"{blank[0]} is blank" if blank else f"there are {len(cells)} cells for {len(header)} columns"
            raise SettingsError(f"{path}:{number}: {fault}.")
        place = f"{path.name}:{number}"
        pair = Pair(row["source"], row["customer_ref"], row["other_source"], row["other_ref"], place)
        if pair.references[0] == pair.references[1]:
            raise SettingsError(f"{path}:{number}: the pair names one reference twice.")
        yield pair


def _refuse_contradictions(pairs: Pairs) -> None:
    """Forced pairs join along chains; what they join no pair may exclude."""
    joined = _joined([pair.references for pair in pairs.forced])
    for pair in pairs.excluded:
        own, other = (joined.get(reference) for reference in pair.references)
        if own is not None and own == other:
            raise SettingsError(
                f"{pair.place} excludes a pair that forced pairs make one customer. Take it out of one of the files."
            )


def _joined(pairs: Sequence[tuple[tuple[str, str], tuple[str, str]]]) -> dict[tuple[str, str], tuple[str, str]]:
    """One reference for each set of references that pairs join."""
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def top(reference: tuple[str, str]) -> tuple[str, str]:
        parents.setdefault(reference, reference)
        while parents[reference] != reference:
            parents[reference] = reference = parents[parents[reference]]
        return reference

    for own, other in pairs:
        parents[top(own)] = top(other)
    return {reference: top(reference) for reference in list(parents)}
