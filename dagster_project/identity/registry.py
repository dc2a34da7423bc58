"""The identity registry: one number a (source, customer_ref), given once when the reference first lands.

An append-only folder of Parquet parts, kept through rebuilds of the warehouse like a landed batch. Nothing here links
references; it only numbers them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, written_beside
from dagster_project.errors import StrataError

# What stands for the source and the reference of a number whose person was erased. No source has an empty name.
ERASED = ""
REGISTRY_SCHEMA = pa.schema(
    [
        pa.field("registry_id", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("customer_ref", pa.string(), nullable=False),
    ]
)


def read_registry(folder: Path) -> pa.Table:
    """All numbered references: registry_id, source, customer_ref.

    Raises:
        StrataError: a part is damaged.
    """
    numbered = _read_parts(folder)
    return numbered.filter(pc.not_equal(numbered["source"], ERASED))


def next_number(folder: Path) -> int:
    """The first number that was never given; that of an erased reference is never given again."""
    parts = _parts(folder)
    if not parts:
        return 1
    # Numbers grow from part to part, and no part is empty.
    return int(pc.max(_read_part(parts[-1], columns=["registry_id"])["registry_id"]).as_py()) + 1


def erase_references(folder: Path, numbers: Collection[int]) -> int:
    """Take what the numbers were given for out of the registry; gives how many parts changed."""
    changed = 0
    for part in _parts(folder):
        table = _read_part(part, schema=REGISTRY_SCHEMA)
        is_gone = pc.and_(
            pc.is_in(table["registry_id"], pa.array(sorted(numbers), pa.int64())), pc.not_equal(table["source"], ERASED)
        )
        if pc.any(is_gone).as_py():
            erased = pa.table(
                {
                    "registry_id": table["registry_id"],
                    "source": pc.if_else(is_gone, ERASED, table["source"]),
                    "customer_ref": pc.if_else(is_gone, ERASED, table["customer_ref"]),
                },
                schema=REGISTRY_SCHEMA,
            )
            _write_part(part, erased)
            changed += 1
    return changed


def _read_part(part: Path, **options: Any) -> pa.Table:
    try:
        return pq.read_table(part, **options)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise StrataError(
            f"{part} is damaged: it is no whole Parquet file. It is the only record of which numbers customers have: "
            "put it back from a backup of the data folder and run again; what is published stays as it is until then."
        ) from None


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("registry-*.parquet"))


def _read_parts(folder: Path) -> pa.Table:
    parts = [_read_part(part, schema=REGISTRY_SCHEMA) for part in _parts(folder)]
    return pa.concat_tables(parts) if parts else REGISTRY_SCHEMA.empty_table()


def _write_part(part: Path, table: pa.Table) -> None:
    with written_beside(part, mode=PRIVATE_FILE) as beside:
        pq.write_table(table, beside, compression="zstd")


def append_references(folder: Path, references: pa.Table, *, first_id: int) -> pa.Table:
    """Number `references` (source, customer_ref; in the order given) from `first_id` on and keep them for good.

    A part is named after its first number and becomes visible by rename, so a killed run leaves either the whole part
    or none of it.
    """
    numbered = pa.table(
        {
            "registry_id": np.arange(first_id, first_id + references.num_rows),
            "source": references["source"],
            "customer_ref": references["customer_ref"],
        },
        schema=REGISTRY_SCHEMA,
    )
    if numbered.num_rows:
        folder.mkdir(parents=True, exist_ok=True)
        _write_part(folder / f"registry-{first_id:012d}.parquet", numbered)
    return numbered
