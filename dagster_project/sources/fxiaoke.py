"""Objects of a 纷享销客 (Fxiaoke) CRM, pulled by the time of their last change.

Which records a pull holds, and how pages are walked so that none is lost while people work in the system. Asking it is
`fxiaoke_api`'s.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.settings.sources import FxiaokeSource, ObjectRead
from dagster_project.sources.files import SourceError, SourceFile
from dagster_project.sources.fxiaoke_api import PAGE_RECORDS, OpenApi, Record
from dagster_project.sources.http import HttpSystem
from dagster_project.sources.pulling import DELETED_AT, Holding, Part, Pull, Spool, pulled_from

TOLD_EVERY_RECORDS = 10_000
KEYS_AT_ONCE = 50_000
MOST_REMEMBERED = 1_000  # marks in a watermark; of more records with one time, all are read again
DAY_MILLISECONDS = 86_400_000
LAST_MOMENT = 9_999_999_999_999  # in the year 2286; the largest time of 13 digits


@dataclass(frozen=True)
class _Reached:
    """How far pulls came, in milliseconds: all that changed before `at` has landed, and so have records of that very
    time, those whose marks are `landed`. When all ids were compared last.
    """

    at: int = 0
    landed: tuple[str, ...] = ()
    compared_at: int | None = None

    def to_text(self) -> str:
        """As it is kept with a batch."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> _Reached:
        """What `to_text` wrote."""
        plain = json.loads(text)
        return cls(plain["at"], tuple(plain["landed"]), plain["compared_at"])

    def moved_to(self, last: int, marks: set[str], settled: int) -> _Reached:
        """How far they came with the records of the time `last` that have these marks."""
        if last > settled:
            return replace(self, at=settled, landed=())
        return replace(self, at=last, landed=tuple(sorted(marks)) if len(marks) <= MOST_REMEMBERED else ())


class _PageOf(Protocol):
    def __call__(self, start: int, end: int, *, offset: int = 0) -> list[Record]: ...


def pull_object(source: FxiaokeSource, read: ObjectRead, asked: Pull) -> Iterator[Part]:
    """The records of one object that were changed since the last pull, those changed first coming first.

    Raises:
        SourceError: the system refuses, or gives what cannot be read safely.
        SourceUnavailable: it does not answer, or goes on being busy.
        SettingsError: a secret is not in the environment.
    """
    end = int(asked.now.timestamp() * 1000)
    # Why the watermark is safe. A pull reads all that was changed from where the last one came to up to `end`, its own
    # beginning. A record that is changed meanwhile gets a later time: it leaves the window and belongs to the next
    # pull. What the next pull could miss is a record with a time that this one has passed and that was not to be seen
    # then: its change was written late, or the system's clock is behind ours. Both reach back from `end` by seconds, so
    # the watermark is never later than `overlap_minutes` before it; what is read twice is equal, and lands as
    # unchanged. Nor is it later than the last change that was seen, so that a clock of ours that is hours ahead once
    # hides nothing.
    settled = max(0, end - read.overlap_minutes * 60_000)
    # At first there is nothing to compare; a new mapping reads everything again.
    reached = _Reached(compared_at=end) if asked.since is None else _Reached.from_text(asked.since)
    with HttpSystem(f"Source {source.name}, object {read.object}", source.http, say=asked.say) as http:
        system = OpenApi(source, read, asked.secrets, http)
        records = islice(_changed(system.page, reached.at, end, set(reached.landed)), asked.limit)
        reached = yield from _parts(source, read, asked, records, reached, settled)
        if asked.limit is None and _is_due(read, reached, end):
            yield _all_keys(system, source, read, asked, replace(reached, compared_at=end))


def _is_due(read: ObjectRead, reached: _Reached, now: int) -> bool:
    if read.compare_keys_days is None:
        return False
    return reached.compared_at is None or now - reached.compared_at >= read.compare_keys_days * DAY_MILLISECONDS


def _parts(
    source: FxiaokeSource, read: ObjectRead, asked: Pull, records: Iterator[Record], reached: _Reached, settled: int
) -> Generator[Part, None, _Reached]:
    """Records as parts, and how far they came. Those before a fault land, and the next pull goes on from them."""
    fault: SourceError | None = None

    def following() -> Record | None:
        nonlocal fault
        try:
            return next(records, None)
        except SourceError as error:
            fault = error
            return None

    record = following()
    number = total = 0
    last = reached.at
    marks = set(reached.landed)
    while record is not None:
        with Spool(asked, source, read, number) as spool:
            while record is not None and spool.row_count < read.rows_per_batch:
                spool.write(record.fields)
                if record.modified_at > last:
                    last, marks = record.modified_at, set()
                marks.add(record.mark)
                record = following()
                total += 1
                if total % TOLD_EVERY_RECORDS == 0:
                    asked.say(f"{source.name}: {total:,} records of {read.object}")
            reached = reached.moved_to(last, marks, settled)
            yield spool.part(reached.to_text())
        number += 1
    if fault is not None:
        raise fault
    return reached


def _all_keys(system: OpenApi, source: FxiaokeSource, read: ObjectRead, asked: Pull, reached: _Reached) -> Part:
    """The ids of all records that are there.

    They are walked as changes are, but to no end: a record that is changed meanwhile is met again further on.
    """
    file = SourceFile(asked.folder / f"{source.name}-{read.object}-keys.parquet", pulled_from(source, read), "parquet")
    schema = pa.schema([pa.field(asked.key, pa.string()), pa.field(DELETED_AT, pa.timestamp("us", tz="UTC"))])
    page = partial(system.page, only=("_id", read.modified_field))
    ids = (record.id for record in _changed(page, 0, LAST_MOMENT, set()))
    count = 0
    with pq.ParquetWriter(file.path, schema) as writer:
        while chunk := list(islice(ids, KEYS_AT_ONCE)):
            writer.write_batch(pa.record_batch([pa.array(chunk), pa.nulls(len(chunk), schema.field(1).type)], schema))
            count += len(chunk)
            asked.say(f"{source.name}: {count:,} ids of {read.object} compared")
    return Part(file, count, reached.to_text(), Holding.ALL_KEYS)


def _changed(page_of: _PageOf, start: int, end: int, given: set[str]) -> Iterator[Record]:
    """Every record last changed from `start` to `end`, by the time of the change, but records of the very first time
    whose marks are `given`, and those changed meanwhile.

    Each page is asked from the last time that was seen on, never by its offset: when a record leaves the window, all
    behind it move up by one, and an offset would pass over one of them. Of the last time itself, records that the page
    did not reach come with the next one, and those that it had are not given twice.
    """
    reached = start
    while reached <= end:
        page = page_of(reached, end)
        fresh = [record for record in page if record.modified_at > reached or record.mark not in given]
        yield from fresh
        if len(page) >= PAGE_RECORDS and page[-1].modified_at == reached:
            given.update(record.mark for record in fresh)
            yield from _changed_at(page_of, reached, given)
            reached, given = reached + 1, set()
        elif fresh:
            last = page[-1].modified_at
            at_last = {record.mark for record in page if record.modified_at == last}
            reached, given = last, at_last | given if last == reached else at_last
        else:
            # Only a page that brings nothing new is the end: one may be short because records that the user may not
            # see were taken out of it.
            return


def _changed_at(page_of: _PageOf, moment: int, given: set[str]) -> Iterator[Record]:
    """The records of one millisecond, more than a page of them, as an import leaves thousands; without those given.

    Here only offsets are left. Records can leave this set while it is read, by being changed, and none can come into
    it: places only become smaller. So the pages are read once to the end and then backwards: a record that has not been
    read yet can only move to a page that is still to be read. That takes a steady order, which the id gives. Should the
    system not keep it, passes go on until one brings nothing new.
    """

    def new_of(page: Iterable[Record]) -> list[Record]:
        new = [record for record in page if record.mark not in given]
        given.update(record.mark for record in new)
        return new

    last = 0
    while page := page_of(moment, moment, offset=last):
        yield from new_of(page)
        last += PAGE_RECORDS
    is_settled = False
    while not is_settled:
        is_settled = True
        for offset in range(last, -1, -PAGE_RECORDS):
            new = new_of(page_of(moment, moment, offset=offset))
            is_settled = is_settled and not new
            yield from new
