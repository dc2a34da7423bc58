"""A place where one small change makes a mutant of a rule or a function, and the order in which places are tried."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

SEED = "customer strata"


@dataclass(frozen=True)
class Place:
    """One change of one text: what stood there, and what stands there instead.

    `key` is the same for the same line of the same file wherever it stands in it, so that what was found out about a
    place holds until somebody changes its line.
    """

    key: str
    file: str
    line: int
    kind: str
    before: str
    after: str
    start: int
    end: int

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("key", "file", "line", "kind", "before", "after")}


@dataclass(frozen=True)
class Change:
    """A change as a mutator finds it, before it has a key."""

    kind: str
    start: int
    end: int
    after: str


def places_in(file: str, text: str, changes: Iterable[Change]) -> Iterator[Place]:
    """The changes of one file with keys, in the order of its text; `start` and `end` are offsets in it."""
    seen: Counter[str] = Counter()
    lines = text.splitlines()
    for change in sorted(changes, key=lambda change: (change.start, change.end, change.kind, change.after)):
        number = text.count("\n", 0, change.start) + 1
        said = f"{file}|{lines[number - 1].strip()}|{change.kind}|{change.after}"
        seen[said] += 1
        yield Place(
            key=hashlib.sha256(f"{said}|{seen[said]}".encode()).hexdigest()[:12],
            file=file,
            line=number,
            kind=change.kind,
            before=text[change.start : change.end],
            after=change.after,
            start=change.start,
            end=change.end,
        )


def in_order(places: Iterable[Place]) -> list[Place]:
    """The places as if shuffled: each is as likely as any other to be among the first so many.

    A place keeps its turn when others come and go, so that a sample drawn again is nearly the same sample.
    """
    return sorted(places, key=lambda place: hashlib.sha256(f"{SEED} {place.key}".encode()).hexdigest())
