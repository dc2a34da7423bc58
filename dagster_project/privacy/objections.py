"""Who objects to profiling by the command line: a register beside landing, read at the start of every run.

An entry names a person by registry numbers, which stay when customers are put together anew. Objections that a source
reports land as consents of the channel `profiling`; the models read both. Rows that are stored are not removed here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from dagster_project.atomic_files import PRIVATE_FILE, written_beside
from dagster_project.publishing.audit import append_record, read_records
from dagster_project.settings.paths import Paths

PROFILING_CHOICES = "profiling_choices.jsonl"
CHOICE_SCHEMA = pa.schema(
    [
        ("registry_id", pa.int64()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("is_granted", pa.bool_()),
    ]
)


def record_choice(paths: Paths, registry_ids: Sequence[int], *, is_granted: bool, at: datetime, who: str) -> None:
    """Add that a person objects to profiling from `at` on, or (`is_granted`) does so no longer."""
    append_record(
        paths.registry / PROFILING_CHOICES,
        {"at": at.isoformat(), "registry_ids": sorted(registry_ids), "is_granted": is_granted, "who": who},
    )


def read_choices(paths: Paths) -> pa.Table:
    """Every choice by registry number (CHOICE_SCHEMA), in the order in which they were made."""
    rows = [
        {"registry_id": number, "occurred_at": datetime.fromisoformat(record["at"]), "is_granted": record["is_granted"]}
        for record in _entries(paths)
        for number in record["registry_ids"]
    ]
    return pa.Table.from_pylist(rows, schema=CHOICE_SCHEMA)


def choices_of(paths: Paths, registry_ids: Collection[int]) -> list[dict[str, Any]]:
    """The entries of the register that name one of `registry_ids`, oldest first."""
    return [record for record in _entries(paths) if not set(registry_ids).isdisjoint(record["registry_ids"])]


def erase_choices(paths: Paths, registry_ids: Collection[int]) -> None:
    """Take these numbers out of the register, and entries that then name nobody. The caller holds the warehouse, as
    whoever records a choice does.
    """
    if not choices_of(paths, registry_ids):
        return
    kept = [
        {**record, "registry_ids": others}
        for record in _entries(paths)
        if (others := [number for number in record["registry_ids"] if number not in registry_ids])
    ]
    with written_beside(paths.registry / PROFILING_CHOICES, mode=PRIVATE_FILE) as beside:
        beside.write_text("".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in kept), encoding="utf-8")


def _entries(paths: Paths) -> list[dict[str, Any]]:
    return read_records(paths.registry / PROFILING_CHOICES)
