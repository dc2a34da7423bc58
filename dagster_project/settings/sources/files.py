"""Sources that are files: below the data folder, elsewhere on the machine, in an object store, on a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictInt, field_validator

from dagster_project.settings.sources.http import HttpPolicy
from dagster_project.settings.sources.parts import Names, Scalar
from dagster_project.settings.sources.reads import BaseSource, FileForm, Read
from dagster_project.settings.yaml_documents import did_you_mean, fault

FileFormat = Literal["csv", "tsv", "parquet", "json", "jsonl", "excel"]
FORMAT_BY_EXTENSION: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
}
# What files elsewhere may be reached by, each under the name that its addresses begin with.
REMOTE_PROTOCOLS = ("s3", "gs", "oss", "az", "sftp", "http", "https")
SECRET_NAME = re.compile(
    r"secret|passw|passphrase|token|credential|connection_string|^key$|(account|access|private)_key"
)


def _shown(pattern: str) -> str:
    """A pattern without what an address may hold of a user or a signature."""
    protocol, mark, rest = pattern.partition("://")
    if not mark:
        return pattern
    authority, slash, path = rest.partition("/")
    path = path.partition("?")[0] if protocol.startswith("http") else path
    return f"{protocol}://{authority.rpartition('@')[2]}{slash}{path}"


class FileRead(Read):
    """One entity read from the files of one pattern, or of several; a pattern may be a URL."""

    path: Names
    format: FileFormat | None = None
    encoding: Literal["auto", "utf-8", "utf-16", "gb18030"] = "auto"
    delimiter: Annotated[str, Field(min_length=1)] = "auto"
    decimal: Literal[".", ",", "auto"] = "auto"
    sheet: StrictInt | str | None = None
    header_row: Annotated[int, Field(ge=1)] = 1

    @field_validator("delimiter")
    @classmethod
    def _one_mark(cls, value: str) -> str:
        value = {"tab": "\t", "\\t": "\t"}.get(value, value)
        if value != "auto" and (len(value) != 1 or value in '"\r\n'):
            raise ValueError("must be one character such as ',' or ';', tab, or auto")
        return value

    @field_validator("path")
    @classmethod
    def _can_be_reached(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, pattern in enumerate(value):
            protocol, mark, rest = pattern.partition("://")
            if not mark:
                continue
            if protocol not in REMOTE_PROTOCOLS:
                raise fault(f"no files are read by {protocol}://{did_you_mean(protocol, REMOTE_PROTOCOLS)}", number)
            authority = rest.partition("/")[0]
            if ":" in authority.rpartition("@")[0]:
                raise fault(
                    "a password does not belong here; set STRATA_<SOURCE>_STORAGE_PASSWORD in the environment.", number
                )
            if protocol.startswith("http") and any(sign in rest.partition("?")[0] for sign in "*["):
                raise fault("a web server does not list its files; name each one.", number)
        return value

    @property
    def place(self) -> str:
        return ", ".join(map(_shown, self.path))

    @property
    def local_paths(self) -> tuple[str, ...]:
        """Patterns of this machine's files."""
        return tuple(pattern for pattern in self.path if "://" not in pattern)

    @property
    def remote_paths(self) -> tuple[str, ...]:
        """Patterns of files elsewhere."""
        return tuple(pattern for pattern in self.path if "://" in pattern)

    @property
    def form(self) -> FileForm:
        return FileForm(self.encoding, self.delimiter, self.decimal, self.sheet, self.header_row)

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"path"}


class FilesSource(BaseSource):
    """Files that a system exports or drops.

    `storage` are options of the driver that reaches files elsewhere, such as `endpoint_url` or `host_key`; its secrets
    stand in STRATA_<SOURCE>_STORAGE_KEY, _SECRET and _PASSWORD, or where the driver looks by itself.
    """

    kind: Literal["files"] = "files"
    storage: dict[str, Scalar] = Field(default_factory=dict)
    remote: HttpPolicy = HttpPolicy()
    reads: Annotated[tuple[FileRead, ...], Field(min_length=1)]

    @field_validator("storage")
    @classmethod
    def _holds_no_secret(cls, value: dict[str, Scalar]) -> dict[str, Scalar]:
        for name in value:
            if SECRET_NAME.search(name):
                raise fault(
                    "a secret does not belong here; set STRATA_<SOURCE>_STORAGE_KEY, _SECRET or _PASSWORD in the "
                    "environment.",
                    name,
                )
        return value
