"""Switching landed batches to files written anew, entry by entry: what erasing people and removing by age share.

New files lie beside the old ones until the manifest's entry names them; which rows they hold is the callers' business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagster_project.landing.batches import (
    MANIFEST_VERSION,
    Batch,
    Manifest,
    manifest_folder,
    remove_orphans,
    write_entry,
)
from dagster_project.settings.paths import Paths


def rewrite_batches(paths: Paths, rewrite: Callable[[Batch], Batch], say: Callable[[str], None]) -> None:
    """Commit every entry of which `rewrite` changes a batch, and remove the files that no entry names any more.

    Called again after a kill, it goes on where it ended. The caller holds landing.
    """
    for entry in sorted(manifest_folder(paths.landing).glob("*.json")):
        document = json.loads(entry.read_text(encoding="utf-8"))
        batches = [Batch.from_json(batch) for batch in document["batches"]]
        rewritten = [rewrite(batch) for batch in batches]
        if rewritten != batches:
            if document["version"] > MANIFEST_VERSION:
                raise ValueError(f"{entry} is of a newer version")
            say(f"{batches[0].entity} of {batches[0].source}: {batches[0].source_file}")
            write_entry(paths.landing, rewritten)
    # The files that were replaced, and those of a landing that was stopped, which the next landing would remove too.
    remove_orphans(paths, Manifest.load(paths))


def new_path(path: Path, rewriting_id: str) -> Path:
    """Where the file that replaces `path` is written."""
    return path.with_name(f"{path.stem.split('-')[0]}-{rewriting_id}.parquet")


def with_new_files(batch: Batch, changed: Mapping[str, Any], rewriting_id: str) -> Batch:
    """The batch with the fields of `changed` and the fingerprints of its files before; as it was without any."""
    if not changed:
        return batch
    fingerprints = {
        "erasure_id": rewriting_id,
        **{name: getattr(batch, name) for name in ("path_sha256", "personal_sha256", "quarantine_sha256")},
    }
    return replace(batch, **changed, before_erasures=(*batch.before_erasures, fingerprints))
