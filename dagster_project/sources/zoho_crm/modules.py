"""One pull of a module: records by jobs or by pages, then deletions, in parts with the watermark that each leads to."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.settings.sources.zoho_crm import RECORD_ID, WITHOUT_BULK_READ, ModuleRead, ZohoSource
from dagster_project.settings.yaml_documents import did_you_mean
from dagster_project.sources.files import SourceError, SourceFile
from dagster_project.sources.http import Refused
from dagster_project.sources.pulling import (
    DELETED_AT,
    Holding,
    Part,
    Pull,
    SourceUnavailable,
    Spool,
    pulled_from,
)
from dagster_project.sources.zoho_crm.asking import API, Zoho
from dagster_project.sources.zoho_crm.bulk_read import WORTH_A_JOB, BulkRead
from dagster_project.sources.zoho_crm.deletions import deleted_records
from dagster_project.sources.zoho_crm.paging import OF_A_MODULE, PAGE_SIZE, Pages, Record, time_of
from dagster_project.sources.zoho_crm.watermark import OVERLAP, Watermark

TOLD_RECORDS = 10_000


def pull_module(source: ZohoSource, read: ModuleRead, asked: Pull) -> Iterator[Part]:
    """What changed in a module since the watermark, oldest change first, then what was deleted.

    Raises:
        SourceError: Zoho refuses, or the module has no field that a column is read from.
        SourceUnavailable: Zoho does not answer, or not wholly.
        SettingsError: a secret is not in the environment.
    """
    place = f"Source {source.name}, module {read.module}"
    with Zoho(source, asked.secrets, asked.say, place=place) as zoho, ExitStack() as spools:
        yield from _ModulePull(source, read, asked, zoho, spools).parts()


class _ModulePull:
    """One pull of one module."""

    def __init__(self, source: ZohoSource, read: ModuleRead, asked: Pull, zoho: Zoho, spools: ExitStack) -> None:
        self._source = source
        self._read = read
        self._asked = asked
        self._zoho = zoho
        self._spools = spools
        self._subparts = _subparts(asked.wanted)
        self._spooled = 0
        self._told = 0
        self._has_checked = False

    def parts(self) -> Iterator[Part]:
        """The parts, each with the watermark that holds once it has landed."""
        if self._asked.limit is not None:
            yield from self._sample(self._asked.limit)
            return
        mark = Watermark.read(self._asked.since)
        if mark is None:
            mark = Watermark()
            if self._is_worth_a_job():
                mark = yield from self._by_jobs(mark)
        mark = yield from self._by_pages(mark)
        if self._read.follows_deletions and self._asked.key == RECORD_ID:
            mark = yield from self._deletions(mark)
        # What is only a new watermark lands as one; landing leaves it out where it is the old one.
        yield self._spool().part(mark.text)

    def _sample(self, limit: int) -> Iterator[Part]:
        """The records that changed longest ago."""
        spool = self._spool()
        for record in self._pages(min(limit, PAGE_SIZE)).first().records[:limit]:
            spool.write(self._mapped(record))
        yield spool.part(None)

    def _by_pages(self, mark: Watermark) -> Generator[Part, None, Watermark]:
        """What changed since the watermark; gives the one that holds then.

        A part may end at any record: those before it are kept in the watermark, and those of its seconds that stand
        after it are read again. While pages are turned, the watermark stays where their first page began.
        """
        since = mark.modified - OVERLAP if mark.modified is not None else None
        known = dict(mark.known)
        modified = mark.modified
        spool = self._spool()
        pages = self._pages()
        for read in pages.changed_since(since, mark.known):
            for record in read.records:
                spool.write(self._mapped(record))
                known[record["id"]] = pages.state_of(record)
                if spool.row_count >= self._read.rows_per_batch:
                    modified = _latest(modified, min(time_of(record), read.whole_until or time_of(record)))
                    yield spool.part(mark.moved_to(modified, known).text)
                    spool = self._spool()
            modified = _latest(modified, read.whole_until)
            self._tell(len(read.records))
        mark = mark.moved_to(modified, known)
        if spool.row_count:
            yield spool.part(mark.text)
        return mark

    def _by_jobs(self, mark: Watermark) -> Generator[Part, None, Watermark]:
        """All records; gives the watermark of the time before the first job.

        No order is promised within a job, so a kill between its parts begins anew. What changed while the jobs ran is
        read by pages from that time on, and from the beginning where Zoho does not say the time.
        """
        bulk = BulkRead(
            self._zoho,
            self._read.module,
            self._asked.wanted,
            folder=self._asked.folder,
            longest_wait=self._source.http.longest_wait_seconds,
        )
        started_at: datetime | None = None
        spool = self._spool()
        for job in bulk.jobs():
            started_at = started_at or job.started_at
            for record in bulk.records(job):
                if spool.row_count >= self._read.rows_per_batch:
                    yield spool.part(None)
                    spool = self._spool()
                spool.write(self._mapped(record))
            self._tell(job.count)
        mark = mark.moved_to(started_at, {})
        if spool.row_count:
            yield spool.part(mark.text)
        return mark

    def _deletions(self, mark: Watermark) -> Generator[Part, None, Watermark]:
        """What was deleted since the newest deletion known, or ever where none is; gives the watermark that holds then.

        They are asked for after the records: what was read and deleted meanwhile is among them, and what was restored
        is not.
        """
        since = mark.deleted - OVERLAP if mark.deleted is not None else None
        found = deleted_records(self._zoho, self._read.module, since)
        gone = {key: at for key, at in found.items() if mark.gone.get(key) != at}
        if gone:
            mark = mark.with_deletions(gone)
            yield self._keys(gone, mark)
        return mark

    def _keys(self, gone: Mapping[str, str], mark: Watermark) -> Part:
        path = self._asked.folder / f"{self._source.name}-{self._read.place}-deleted.parquet"
        times = pa.array([datetime.fromisoformat(at) for at in gone.values()], pa.timestamp("us", tz="UTC"))
        pq.write_table(pa.table({self._asked.key: pa.array(gone, pa.string()), DELETED_AT: times}), path)
        file = SourceFile(path, pulled_from(self._source, self._read), "parquet")
        return Part(file, len(gone), mark.text, Holding.DELETED_KEYS)

    def _is_worth_a_job(self) -> bool:
        """Whether all records are asked for by Bulk Read: where the settings say so, or where it costs less."""
        read = self._read
        if read.full_load != "auto":
            return read.full_load == "bulk"
        if read.module in WITHOUT_BULK_READ or read.module in OF_A_MODULE or read.names_of_others:
            return False  # no job gives these, or nothing says that it gives what pages have to be asked for
        try:
            answer = self._zoho.get(f"{API}/{read.module}/actions/count")
        except SourceUnavailable:
            raise
        except SourceError as error:
            if isinstance(error, Refused) and error.status == 401:
                raise
            return False  # a module that cannot be counted is read by pages
        count = answer.body.get("count") if isinstance(answer.body, dict) else None
        return isinstance(count, int) and count >= WORTH_A_JOB

    def _pages(self, size: int | None = None) -> Pages:
        return Pages(self._zoho, self._read.module, list(self._subparts), page_size=size)

    def _mapped(self, record: Record) -> dict[str, Any]:
        """The record with the fields that were asked for. An empty lookup keeps the names of its parts."""
        if not self._has_checked:
            self._check_fields(record)
            self._has_checked = True
        mapped: dict[str, Any] = {"id": record.get("id")}
        for name, parts in self._subparts.items():
            if name in record:
                empty = record[name] is None and parts
                mapped[name] = _nothing(parts) if empty else record[name]
        return mapped

    def _check_fields(self, record: Record) -> None:
        """Refuse a column none of whose names is a field: Zoho leaves out what it does not know, and says nothing."""
        for column, spec in self._read.columns.items():
            fields = [name.strip().partition(".")[0] for name in spec.source_names]
            if fields and not any(field in record for field in fields):
                named = " or ".join(map(repr, fields))
                raise self._zoho.fault(
                    f"columns.{column}: the module has no field {named}{did_you_mean(fields[0], self._known_fields())}"
                )

    def _known_fields(self) -> list[str]:
        """API names of the module's fields; none where the token may not read them."""
        try:
            answer = self._zoho.get(f"{API}/settings/fields", {"module": self._read.module})
        except SourceError:
            return []
        listed = answer.body.get("fields") if isinstance(answer.body, dict) else None
        names = [each.get("api_name") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        return [name for name in names if isinstance(name, str)]

    def _spool(self) -> Spool:
        self._spooled += 1
        return self._spools.enter_context(Spool(self._asked, self._source, self._read, self._spooled))

    def _tell(self, count: int) -> None:
        before, self._told = self._told, self._told + count
        if before // TOLD_RECORDS != self._told // TOLD_RECORDS:
            self._asked.say(f"Source {self._source.name}, module {self._read.module}: {self._told:,} records so far")


def _subparts(wanted: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Fields that source names stand in, each with the parts of it that are wanted: `Account_Name.id`, `Owner.name`."""
    parts: dict[str, tuple[str, ...]] = {}
    for name in wanted:
        field, _, part = name.strip().partition(".")
        parts[field] = (*parts.get(field, ()), *((part,) if part else ()))
    return parts


def _nothing(parts: tuple[str, ...]) -> dict[str, Any]:
    """An object in which these parts, dotted where they lie deeper, are null."""
    empty: dict[str, Any] = {}
    for part in parts:
        name, _, deeper = part.partition(".")
        if deeper:
            inner = empty.get(name)
            empty[name] = {**(inner if isinstance(inner, dict) else {}), **_nothing((deeper,))}
        else:
            empty.setdefault(name, None)
    return empty


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
