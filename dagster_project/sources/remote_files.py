"""Files in object stores, on SFTP and on web servers: found by the same patterns, fetched whole, then read like others.

A file's token says whether it changed without fetching it. How a store is asked is `remote_stores`.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import FileRead, FilesSource
from dagster_project.sources.files import (
    PASSED_OVER,
    SourceError,
    SourceFile,
    find_files,
    members,
    natural_order,
)

WEB = ("http", "https")
# The driver of each kind of store, and how it is installed.
DRIVERS: Mapping[str, tuple[str, str]] = {
    "s3": ("s3fs", "customer-strata[s3]"),
    "gs": ("gcsfs", "gcsfs"),
    "oss": ("ossfs", "ossfs"),
    "az": ("adlfs", "adlfs"),
    "sftp": ("paramiko", "customer-strata[sftp]"),
}
# Our names of a store's secrets and the driver's.
SECRETS: Mapping[str, Mapping[str, str]] = {
    "s3": {"storage_key": "key", "storage_secret": "secret"},
    "oss": {"storage_key": "key", "storage_secret": "secret"},
    "az": {"storage_key": "account_name", "storage_secret": "account_key"},
    "sftp": {"storage_password": "password"},
}


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere. `name` is what lineage shows; `token` changes with its content, None where nothing tells."""

    name: str
    location: str
    size: int | None
    token: str | None
    store: Store = field(compare=False, repr=False)


class Store(Protocol):
    """One place elsewhere, reached with one set of credentials."""

    def find(self, location: str) -> list[RemoteFile]:
        """The files that a pattern matches."""
        ...

    def fetch(self, file: RemoteFile, target: Path) -> None:
        """Write the whole file to `target`."""
        ...

    def close(self) -> None: ...


@contextmanager
def remote_files(source: FilesSource, read: FileRead, *, secrets: Secrets, place: str) -> Iterator[list[RemoteFile]]:
    """The files elsewhere that a read's patterns match, in natural order of their names; they can be fetched within.

    Raises:
        SourceError: a store refuses, or its driver is not installed.
        SourceUnavailable: it does not answer, after as many tries as the source's settings allow.
    """
    with ExitStack() as opened:
        stores: dict[str, Store] = {}
        found: dict[str, RemoteFile] = {}
        for pattern in read.remote_paths:
            protocol, authority, location = parts_of(pattern)
            beginning = f"{protocol}://{authority if protocol in (*WEB, 'sftp') else ''}"
            if beginning not in stores:
                stores[beginning] = _store(source, protocol, authority, secrets, place)
                opened.callback(stores[beginning].close)
            matches = stores[beginning].find(location)
            for file in sorted(matches, key=lambda each: natural_order(each.name)):
                if not file.name.rpartition("/")[2].startswith(PASSED_OVER):
                    found[beginning + file.location] = file
        yield list(found.values())


@contextmanager
def fetched(file: RemoteFile, read: FileRead, *, folder: Path, place: str) -> Iterator[list[SourceFile]]:
    """The file, or the members of the archive that it is, below `folder`; gone at the end.

    Raises:
        SourceError, SourceUnavailable: it cannot be fetched, or its format cannot be told.
    """
    with tempfile.TemporaryDirectory(prefix="fetched-", dir=folder, ignore_cleanup_errors=True) as own:
        target = Path(own) / (unquote(file.name.partition("?")[0].rpartition("/")[2]) or "file")
        file.store.fetch(file, target)
        yield members(target, file.name, read, place)


def source_files(
    data: Path, source: FilesSource, read: FileRead, *, secrets: Secrets, folder: Path, place: str
) -> Iterator[SourceFile]:
    """Every file of a read, those elsewhere fetched; each is there until the next is asked for.

    Raises:
        SourceError, SourceUnavailable: as `find_files`, `remote_files` and `fetched`.
    """
    yield from find_files(data, read, place=place)
    if read.remote_paths:
        with remote_files(source, read, secrets=secrets, place=place) as found:
            for file in found:
                with fetched(file, read, folder=folder, place=place) as files:
                    yield from files


def parts_of(url: str) -> tuple[str, str, str]:
    """Protocol, authority and the address as the store knows it, of a URL whose path may hold ? and #."""
    protocol, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    if protocol in WEB:
        return protocol, authority, url
    return protocol, authority, f"/{path}" if protocol == "sftp" else rest


def _store(source: FilesSource, protocol: str, authority: str, secrets: Secrets, place: str) -> Store:
    from dagster_project.sources.remote_stores import ObjectStore, SftpServer, WebServer

    if protocol in WEB:
        return WebServer(source, secrets, place)
    driver, package = DRIVERS[protocol]
    try:
        importlib.import_module(driver)
    except ImportError:
        raise SourceError(
            f"{place}: files at {protocol}:// need the driver {driver}. Install it: pip install '{package}'."
        ) from None
    options: dict[str, Any] = dict(source.storage)
    for ours, theirs in SECRETS.get(protocol, {}).items():
        secret = secrets.find(source.name, ours)
        if secret is not None:
            options[theirs] = secret
    if protocol == "sftp":
        return SftpServer(source, authority, options, place)
    return ObjectStore(source, protocol, options, place)
