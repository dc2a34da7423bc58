"""Whole modules by Bulk Read jobs: Zoho packs up to 200,000 records into a CSV file, some seconds after it was asked.

The rows come out under the names and in the form of the records that pages give, so that one mapping reads both.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.sources.files import UNPACKING_FAULTS
from dagster_project.sources.http import Answer, Refused, TryAgain
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.zoho_crm.asking import Zoho
from dagster_project.sources.zoho_crm.paging import Record

BULK = "/crm/bulk/v8/read"
# Pages cost a credit per 200 records, a job some 50 however many records it gives.
WORTH_A_JOB = 10_000
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
# Jobs of a company run one after another, so one that waits is queued, not lost.
PATIENCE_SECONDS = 3_600.0
MOST_QUESTIONS = 1_000
MAX_UNPACKED_BYTES = 16 * 2**30
MAX_FIELD_CHARACTERS = 16 * 2**20


@dataclass(frozen=True)
class Job:
    """One finished job: its file, how many records it holds, and whether there are more in a next one."""

    file: Path
    count: int
    has_more: bool
    started_at: datetime | None
    next_token: str | None


class BulkRead:
    """All records of a module with the fields asked for. No wait is longer than `longest_wait` seconds."""

    def __init__(self, zoho: Zoho, module: str, wanted: Sequence[str], *, folder: Path, longest_wait: float) -> None:
        self._zoho = zoho
        self._module = module
        self._wanted = _parts_by_field(wanted)
        self._folder = folder
        self._longest_wait = min(longest_wait, LONGEST_WAIT_SECONDS)

    def jobs(self) -> Iterator[Job]:
        """The jobs that it takes, each with its file, which is removed when the next one is asked for."""
        number, token = 1, None
        while True:
            job = self._job(number, token)
            yield job
            job.file.unlink()
            if not job.has_more:
                return
            number, token = number + 1, job.next_token

    def records(self, job: Job) -> Iterator[Record]:
        """The records of a job.

        Raises:
            SourceUnavailable: they are not as many as Zoho says.
        """
        count = 0
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        with zipfile.ZipFile(job.file) as archive, archive.open(_member(archive)) as content:
            rows = csv.reader(io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline=""))
            header = ["id" if name.strip() == "Id" else name.strip() for name in next(rows, [])]
            for row in self._readable(rows):
                if not row:
                    continue
                count += 1
                yield self._record(dict(zip(header, row, strict=False)))
        if count != job.count:
            raise SourceUnavailable(
                f"{self._zoho.place}: a Bulk Read job holds {count:,} records where it should hold {job.count:,}. Run "
                "again."
            )

    def _readable(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        try:
            yield from rows
        except csv.Error:
            raise self._zoho.fault(
                "the file of a Bulk Read job is no CSV that can be read. Set full_load: pages to do without."
            ) from None

    def _record(self, row: Mapping[str, str]) -> Record:
        """A row as pages give it: a lookup is an object with an id, what is empty is null."""
        record: Record = {}
        for name, parts in self._wanted.items():
            values = {part: row.get(f"{name}.{part}", row.get(name) if part == "id" else None) for part in parts}
            if parts and any(value is not None for value in values.values()):
                record[name] = {part: value or None for part, value in values.items()}
            elif name in row:
                record[name] = row[name] or None
        return record

    def _job(self, number: int, token: str | None) -> Job:
        query: dict[str, Any] = {
            "module": {"api_name": self._module},
            "fields": [name for name in self._wanted if name != "id"],
        }
        if token is not None:
            query["page_token"] = token
        else:
            query["page"] = number
        try:
            made = self._zoho.post(BULK, {"query": query}, judge=_judge_job)
        except Refused as error:
            raise self._zoho.fault(
                f"Zoho makes no Bulk Read job: {error} Set full_load: pages to do without."
            ) from None
        details = made.body["data"][0].get("details")
        job_id = details.get("id") if isinstance(details, dict) else None
        if not isinstance(job_id, str) or not job_id.isalnum():
            raise self._zoho.fault("Zoho made no Bulk Read job. Set full_load: pages to do without.")
        state = self._finished(job_id)
        result = state.get("result")
        if not isinstance(result, dict) or not isinstance(result.get("count"), int):
            raise self._zoho.fault("a Bulk Read job says nothing of its result. Set full_load: pages to do without.")
        file = self._folder / f"bulk-read-{number}.zip"
        if result["count"]:
            self._zoho.download(f"{BULK}/{job_id}/result", file, judge=_judge_archive)
        else:
            _write_empty(file)
        next_token = result.get("next_page_token")
        return Job(
            file=file,
            count=result["count"],
            has_more=bool(result.get("more_records")) and result["count"] > 0,
            started_at=_time(state.get("created_time")),
            next_token=next_token if isinstance(next_token, str) else None,
        )

    def _finished(self, job_id: str) -> Mapping[str, Any]:
        """The state of a job once it is completed."""
        wait, waited = FIRST_WAIT_SECONDS, 0.0
        for _ in range(MOST_QUESTIONS):
            state: Mapping[str, Any] = self._zoho.get(f"{BULK}/{job_id}", judge=_judge_job).body["data"][0]
            if state.get("state") == "COMPLETED":
                return state
            if state.get("state") in ("FAILURE", "FAILED"):
                raise self._zoho.fault("Zoho says that its Bulk Read job failed. Set full_load: pages to do without.")
            if waited >= PATIENCE_SECONDS:
                break
            wait = min(wait, self._longest_wait)
            time.sleep(wait)
            waited += wait
            wait *= 1.5
        raise SourceUnavailable(
            f"{self._zoho.place}: a Bulk Read job was not finished within {waited:,.0f} s. Run again later, or set "
            "full_load: pages."
        )


def _parts_by_field(wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The fields that source names stand in, each with the parts of it that are wanted: `Account_Name.id`."""
    parts: dict[str, tuple[str, ...]] = {"id": ()}
    for name in wanted:
        field, _, part = name.strip().partition(".")
        parts[field] = (*parts.get(field, ()), part) if part else parts.get(field, ())
    return parts


def _judge_job(answer: Answer) -> None:
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    if not isinstance(data, list) or not data or not isinstance(data[0], dict):
        raise TryAgain("its answer is no job")


def _judge_archive(file: Path) -> None:
    """Ask again for archives that are cut or hold anything but one CSV file."""
    try:
        with zipfile.ZipFile(file) as archive:
            member = _member(archive)
            if member.file_size > MAX_UNPACKED_BYTES:
                raise TryAgain("the file is too long unpacked")
            # testzip() reads all members; there is one.
            if archive.testzip() is not None:
                raise TryAgain("the file is damaged")
    except (*UNPACKING_FAULTS, ValueError):  # the latter for a directory that points outside the file
        raise TryAgain("the file is no whole ZIP archive") from None


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [each for each in archive.infolist() if each.filename.lower().endswith(".csv")]
    if len(members) != 1:
        raise zipfile.BadZipFile("not one CSV file")
    return members[0]


def _write_empty(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("empty.csv", "Id\n")


def _time(text: object) -> datetime | None:
    try:
        time_read = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time_read if time_read is not None and time_read.tzinfo is not None else None
