"""Where a pull of a module goes on: the time of the newest change that landed, and of the newest deletion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

# A record shows up in the lists some time after it was saved; a pull asks so far back and leaves out what it knows.
OVERLAP = timedelta(minutes=2)
# Ids of this overlap that are kept to be left out; of more, as after a mass update, the rows land as unchanged instead.
MOST_KNOWN = 1_000


@dataclass(frozen=True)
class Watermark:
    """`modified` is the newest Modified_Time that landed, `deleted` the newest deletion; None where none is known.

    `known` are the records of the last minutes before `modified` (id: Modified_Time and a digest, for a record may
    change twice in a second), `gone` the deletions (id: deleted_time).
    """

    modified: datetime | None = None
    deleted: datetime | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """The watermark of a text that `text` gave; None for none."""
        if text is None:
            return None
        document = json.loads(text)
        return cls(
            modified=_time(document.get("modified")),
            deleted=_time(document.get("deleted")),
            known=document.get("known", {}),
            gone=document.get("gone", {}),
        )

    @property
    def text(self) -> str:
        """All of it as JSON."""
        document: dict[str, Any] = {
            "modified": self.modified.isoformat() if self.modified else None,
            "deleted": self.deleted.isoformat() if self.deleted else None,
        }
        if self.known:
            document["known"] = dict(sorted(self.known.items()))
        if self.gone:
            document["gone"] = dict(sorted(self.gone.items()))
        return json.dumps(document, separators=(",", ":"))

    def moved_to(self, modified: datetime | None, known: Mapping[str, str]) -> Self:
        """The watermark once every record changed up to `modified` has landed, the last of them being `known`."""
        return replace(self, modified=modified, known=recent(known, modified))

    def with_deletions(self, gone: Mapping[str, str]) -> Self:
        """The watermark once these further deletions have landed."""
        newest = max(map(datetime.fromisoformat, gone.values()))
        deleted = max(self.deleted, newest) if self.deleted is not None else newest
        return replace(self, deleted=deleted, gone=recent({**self.gone, **gone}, deleted))


def recent(changes: Mapping[str, str], newest: datetime | None) -> dict[str, str]:
    """Changes (id: time, …) within the overlap before the newest; none where they are too many to keep."""
    if newest is None:
        return {}
    kept = since(changes, newest - OVERLAP)
    return kept if len(kept) <= MOST_KNOWN else {}


def since(changes: Mapping[str, str], start: datetime) -> dict[str, str]:
    """Changes (id: time, …) at or after a time."""
    return {key: state for key, state in changes.items() if datetime.fromisoformat(state.partition(" ")[0]) >= start}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
