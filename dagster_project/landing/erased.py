"""People who were erased do not land again: their rows are refused by keyed hashes, and nothing of such a row is kept.

The log of erasures holds hashes of references, orders, refunds and contact points, made with the key of the
environment. Who is written into it is the privacy room's to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.atomic_files import PRIVATE_FILE, written_beside
from dagster_project.contract.contact_points import keyed_hash
from dagster_project.contract.entities import Entity
from dagster_project.errors import SettingsError, StrataError
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.sql_text import quote_identifier, quote_list

ERASED_REASON = "excluded by rule: the person was erased"
# What stands for the original text of a refused row that an erasure or its age took out.
REMOVED_TEXT = "{}"
# Orders and refunds of erased people keep their day and amounts under such a key; no source gives one like it.
ERASED_PREFIX = "strata-erased-"
LOG = "log.jsonl"
PENDING = "pending.json"
REFERENCE, ORDER, REFUND = "erased reference", "erased order", "erased refund"
NUMBER = "erased registry number"
POINT = "erased"
# Columns that say whose a row is, and what kind of key each holds; keys are a source's own.
_KEY_COLUMNS = {"customer_ref": REFERENCE, "order_id": ORDER, "refund_id": REFUND}


class ErasureUnfinished(StrataError):
    """An erasure was interrupted; nothing lands until it is finished."""


@dataclass(frozen=True)
class Erased:
    """Hashes of what is never landed again, and the key they were made with; empty where nobody was erased."""

    hashes: frozenset[str] = frozenset()
    key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def holds(self, kind: str, text: str) -> bool:
        """Whether this text of a kind is among them."""
        return keyed_hash(text, self.key, kind=kind) in self.hashes


NOBODY = Erased()


def key_check(key: str) -> str:
    """What tells two keys apart without telling the key."""
    return keyed_hash("", key, kind="check of erasures")[:16]


def erasure_key(settings: Settings) -> str:
    """The key of the log of erasures.

    Raises:
        SettingsError: the environment has none, or the log was begun with another.
    """
    secret = settings.environment.erasure_key or settings.environment.hash_key
    if secret is None:
        raise SettingsError(
            "Erased people are known by keyed hashes: set STRATA_HASH_KEY in the environment to a long secret text, "
            "and keep it; without it they would land again."
        )
    key = secret.get_secret_value()
    checks = {record["key"] for record in read_log(settings.paths)}
    if checks - {key_check(key)}:
        raise SettingsError(
            f"{log_file(settings.paths)} was begun with another key, so erased people could not be told. Set "
            "STRATA_ERASURE_KEY in the environment to the STRATA_HASH_KEY of that time."
        )
    return key


def read_erased(settings: Settings) -> Erased:
    """The hashes of the log.

    Raises:
        SettingsError: there are some, and the environment lacks their key.
    """
    records = read_log(settings.paths)
    if not records:
        return NOBODY
    hashes = frozenset(each for record in records for each in record["hashes"])
    return Erased(hashes, erasure_key(settings))


def refuse_unfinished(paths: Paths) -> None:
    """Raise where an erasure was interrupted: what would land now could not be told from what is being erased.

    Raises:
        ErasureUnfinished: there is one.
    """
    if (paths.erasures / PENDING).exists():
        raise ErasureUnfinished(
            "An erasure was interrupted. `strata forget --resume` finishes it; until then nothing lands."
        )


def log_file(paths: Paths) -> Path:
    """Where the log lies: JSON lines, one an erasure."""
    return paths.erasures / LOG


def read_log(paths: Paths) -> list[dict[str, Any]]:
    """All erasures: erasure_id, at, who, key (a check of it), hashes.

    Raises:
        StrataError: it is damaged; then erased people could land again.
    """
    file = log_file(paths)
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            record = json.loads(line)
            record["hashes"], record["key"], record["erasure_id"]
        except (ValueError, TypeError, KeyError):
            raise StrataError(
                f"{file}, line {number} is damaged; without it erased people would land again. Restore the file from a "
                "backup."
            ) from None
        records.append(record)
    return records


def write_log(paths: Paths, records: Iterable[Mapping[str, Any]]) -> None:
    """Replace the log as a whole, flushed and renamed into place."""
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    with written_beside(log_file(paths), mode=PRIVATE_FILE) as beside:
        beside.write_text(lines, encoding="utf-8")


@dataclass(frozen=True)
class ErasedRows:
    """Which values of one read's rows belong to erased people."""

    erased: Erased
    source: str
    entity: Entity
    links: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> dict[str, tuple[str, str]]:
        """Column of `rows`: the kind of hash, and the source that it is a key of."""
        names = {column.name for column in self.entity.columns} | {"customer_ref"}
        own = {name: (kind, self.source) for name, kind in _KEY_COLUMNS.items() if name in names}
        return own | {f"link {linked}": (REFERENCE, linked) for linked in self.links}

    def condition(self, con: duckdb.DuckDBPyConnection, there: Iterable[str], points: Mapping[str, Any]) -> str | None:
        """SQL over `rows` that is true of rows of erased people; None where there is none.

        `there` are the columns of `rows`, `points` gives the normal form of each contact point column.
        """
        parts = []
        for column in there:
            if column in self.columns:
                kind, source = self.columns[column]
                found = self._values(con, column, lambda text, kind=kind, source=source: (f"{kind} {source}", text))
            elif column == "task_id":
                found = self._values(con, column, lambda text: (NUMBER, text.split(":")[1] if ":" in text else ""))
            elif column in points:
                normal = points[column]
                found = self._values(
                    con,
                    column,
                    lambda text, column=column, normal=normal: (f"{POINT} {column}", normal(text)),
                )
            else:
                continue
            if found:
                listed = f"select unnest({quote_list(found)})"
                parts.append(f"coalesce({quote_identifier(column)} in ({listed}), false)")
        if not parts:
            return None
        condition = " or ".join(parts)
        if self.entity.name == "order_lines":
            # An order's lines go together, whichever of them names the customer.
            condition += f" or coalesce(order_id in (select order_id from rows where {condition}), false)"
        return condition

    def _values(self, con: duckdb.DuckDBPyConnection, column: str, hashed: Any) -> list[str]:
        name = quote_identifier(column)
        values = con.execute(f"select distinct {name} from rows where {name} is not null").fetchall()
        return [value for (value,) in values if self.erased.holds(*hashed(value))]
