"""The identity registry: one number a (source, customer_ref), given once when the reference first lands.

An append-only folder of Parquet parts, kept through rebuilds of the warehouse like a landed batch. Nothing here links
references; it only numbers them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

REGISTRY_SCHEMA = pa.schema(
    [
        pa.field("registry_id", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("customer_ref", pa.string(), nullable=False),
    ]
)


def read_registry(folder: Path) -> pa.Table:
    """All numbered references: registry_id, source, customer_ref."""
    parts = [pq.read_table(part, schema=REGISTRY_SCHEMA) for part in sorted(folder.glob("registry-*.parquet"))]
    return pa.concat_tables(parts) if parts else REGISTRY_SCHEMA.empty_table()


def append_references(folder: Path, references: pa.Table, *, first_id: int) -> pa.Table:
    """Number `references` (source, customer_ref; in the order given) from `first_id` on and keep them for good.

    A part is named after its first number and becomes visible by rename, so a killed run leaves either the whole part
    or none of it.
    """
    numbered = pa.table(
        {
            "registry_id": pa.array(range(first_id, first_id + references.num_rows), pa.int64()),
            "source": references["source"],
            "customer_ref": references["customer_ref"],
        },
        schema=REGISTRY_SCHEMA,
    )
    if numbered.num_rows:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"registry-{first_id:012d}.parquet"
        unfinished = part.with_suffix(".unfinished")
        pq.write_table(numbered, unfinished, compression="zstd")
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(part)
    return numbered
