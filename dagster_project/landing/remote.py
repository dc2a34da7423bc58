"""Files elsewhere become batches like those of this machine, and are fetched only where they changed.

What a file held when it was fetched last is noted beside the manifest. A lost note costs a download and nothing else:
whether a content has landed is the manifest's to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dagster_project.atomic_files import PRIVATE_FILE, written_beside
from dagster_project.landing.batches import LandedRead, Manifest
from dagster_project.landing.committing import temporary_folder
from dagster_project.landing.rows import Mapping
from dagster_project.settings import Settings
from dagster_project.settings.sources import FileRead, FilesSource
from dagster_project.sources.files import SourceFile, fingerprint
from dagster_project.sources.remote_files import RemoteFile, fetched, remote_files

NOTES = "remote_files.json"
# Each writing holds all notes, a megabyte of 5,000 files; a kill costs the downloads since.
WRITTEN_EVERY = 100

HasLanded = Callable[[Manifest, str, str], bool]
LandOne = Callable[[Manifest, SourceFile, str], LandedRead]


def land_remote(
    settings: Settings, manifest: Manifest, mapping: Mapping, *, has_landed: HasLanded, land_one: LandOne
) -> Iterator[LandedRead]:
    """Land the files elsewhere that a read's patterns match and that have not landed with its mapping.

    `has_landed` tells of a name and a fingerprint, `land_one` lands a file with a fingerprint.

    Raises:
        SourceError: a file cannot be fetched or read, or its store refuses.
        SourceUnavailable: a store does not answer.
    """
    source, read = mapping.source, mapping.read
    if not isinstance(source, FilesSource) or not isinstance(read, FileRead) or not read.remote_paths:
        return
    secrets, folder = settings.environment.secrets, temporary_folder(settings.paths)
    with (
        _Notes(settings.paths.landing / NOTES) as notes,
        remote_files(source, read, secrets=secrets, place=mapping.place) as found,
    ):
        for remote in found:
            held = notes.held(mapping, remote)
            if held and all(has_landed(manifest, name, content) for name, content in held.items()):
                yield LandedRead(source.name, read.entity, remote.name, note="landed before")
                continue
            contents: dict[str, str] = {}
            with fetched(remote, read, folder=folder, place=mapping.place) as files:
                for file in files:
                    content = fingerprint(file)
                    contents[file.name] = content
                    if has_landed(manifest, file.name, content):
                        yield LandedRead(source.name, read.entity, file.name, note="landed before")
                        continue
                    landed = land_one(manifest, file, content)
                    manifest = manifest.with_batches(landed.batches)
                    yield landed
            notes.keep(mapping, remote, contents)


class _Notes:
    """By read and file, the token that it had when it was fetched last, and the contents that it held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notes = self._load()
        self._unwritten = 0

    def held(self, mapping: Mapping, file: RemoteFile) -> dict[str, str]:
        """Name and fingerprint of what the file holds, empty where it changed or nothing is known of it."""
        noted = self._notes.get(_key(mapping, file))
        if file.token is None or noted is None or noted["token"] != file.token:
            return {}
        contents: dict[str, str] = noted["contents"]
        return contents

    def keep(self, mapping: Mapping, file: RemoteFile, contents: dict[str, str]) -> None:
        """Note what a file held that was fetched."""
        if file.token is None:
            return
        self._notes[_key(mapping, file)] = {"token": file.token, "contents": contents}
        self._unwritten += 1
        if self._unwritten >= WRITTEN_EVERY:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._unwritten:
            self._write()

    def _write(self) -> None:
        with written_beside(self._path, mode=PRIVATE_FILE) as beside:
            beside.write_text(json.dumps(self._notes, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
        self._unwritten = 0

    def _load(self) -> dict[str, Any]:
        try:
            notes = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}


def _key(mapping: Mapping, file: RemoteFile) -> str:
    return f"{mapping.source.name} {mapping.read.entity} {mapping.read_number} {file.name}"
