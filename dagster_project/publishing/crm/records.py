"""What a CRM holds and what is to be written to it, in terms that both systems share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

Item = TypeVar("Item")
Value = str | int | Decimal | bool | date | None

CURE = "A push again sends what is missing. See http: of the CRM in publishing.yaml for time-outs and tries."


class Done(StrEnum):
    """What became of a task."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"  # made invalid in the CRM, which stays so
    REFUSED = "refused"


@dataclass(frozen=True)
class Task:
    """A customer's task. `values` are kept as they are here, `on_create` are written once.

    `owner` is the CRM's user, `customer` the id of the customer's own record there; both only where known.
    """

    key: str
    channel: str
    values: Mapping[str, Value]
    on_create: Mapping[str, Value] = field(default_factory=dict)
    owner: str | None = None
    customer: str | None = None


@dataclass(frozen=True)
class Held:
    """A record that the CRM holds for a task: its id and its fields."""

    id: str
    fields: Mapping[str, Any]
    is_closed: bool = False


@dataclass(frozen=True)
class Change:
    """New values of a record that the CRM holds."""

    key: str
    id: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Outcome:
    """What the CRM did with one task; `reason` in its own words where it refused."""

    key: str
    done: Done
    reason: str | None = None


class Crm(Protocol):
    """A CRM that tasks are written to. What it says of single tasks are outcomes, what it says of all are errors.

    Where an answer is lost nothing more is sent: outcomes that came before stand, and the next push finds out what the
    CRM made of the rest.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def as_written(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Values as the CRM takes them."""

    def find(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, Held]:
        """The records of these tasks, with these fields."""

    def create(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Make records of tasks that it does not hold."""

    def update(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Change records."""


def differences(values: Mapping[str, Value], written: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Value]:
    """The values that a record has otherwise; `written` are the same as the CRM takes them.

    How a number is written and where a text is broken make no difference: systems change both.
    """
    return {name: value for name, value in values.items() if not _is_same(value, written[name], held.get(name))}


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items, `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _is_same(value: Value, written: Any, held: Any) -> bool:
    if value is None or held is None or held == "":
        return (value is None or value == "") and (held is None or held == "")
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            return Decimal(str(held)) == value
        except InvalidOperation:
            return False
    if isinstance(written, str):
        return " ".join(written.split()) == " ".join(str(held).split())
    return bool(written == held)
