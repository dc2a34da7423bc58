"""Who objects to profiling by the command line: a register beside landing, read at the start of every run.

An entry names a person by registry numbers, which stay when customers are put together anew. Objections that a source
reports land as consents of the channel `profiling`; the models read both. Nothing here removes what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

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
        for record in read_records(paths.registry / PROFILING_CHOICES)
        for number in record["registry_ids"]
    ]
    return pa.Table.from_pylist(rows, schema=CHOICE_SCHEMA)
