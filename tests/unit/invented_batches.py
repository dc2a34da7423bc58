"""Batches of which a test says what matters to it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from dagster_project.landing import Batch, Manifest


def batch(sequence: int, **said: Any) -> Batch:
    """Orders of the source `shop`; what is not said is None."""
    unsaid: dict[str, Any] = {field.name: None for field in fields(Batch)}
    usual = {"sequence": sequence, "entity": "orders", "source": "shop", "source_file": f"{sequence}.csv"}
    return Batch(**{**unsaid, **usual, **said})


def manifest_of(*batches: Batch) -> Manifest:
    """What would have landed in a folder that is not there."""
    return Manifest(folder=Path("landing"), batches=batches)
