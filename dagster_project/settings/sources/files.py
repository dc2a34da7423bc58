"""Sources that are files: below the data folder, elsewhere on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictInt, field_validator

from dagster_project.settings.sources.parts import Names
from dagster_project.settings.sources.reads import BaseSource, FileForm, Read

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


class FileRead(Read):
    """One entity read from the files of one pattern."""

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

    @property
    def place(self) -> str:
        return ", ".join(self.path)

    @property
    def form(self) -> FileForm:
        return FileForm(self.encoding, self.delimiter, self.decimal, self.sheet, self.header_row)

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"path"}


class FilesSource(BaseSource):
    """Files that a system exports or drops."""

    kind: Literal["files"] = "files"
    reads: Annotated[tuple[FileRead, ...], Field(min_length=1)]
