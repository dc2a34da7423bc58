"""Which computed days later batches can have changed, and which batch it was.

A day is marked by each batch that it was not built from and that changes it: by its own rows (landing says from which
day on) or by reaching back (reaching_back.py). Days whose customers were put together anew are noted one by one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from dagster_project.warehouse.control_tables import create_kept_tables

if TYPE_CHECKING:
    from dagster_project.landing import Batch, Manifest


@dataclass(frozen=True)
class Mark:
    """A batch that changes the days from `first_on` on."""

    batch: Batch
    first_on: date


class Marks:
    """The marks of all batches, asked by what a day was built from."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self.by_batch = sorted(marks, key=lambda mark: mark.batch.sequence)
        self._sequences = [mark.batch.sequence for mark in self.by_batch]
        # The first day that any batch from here on changes.
        self._firsts: list[date] = [date.max] * (len(marks) + 1)
        for place in reversed(range(len(marks))):
            self._firsts[place] = min(self.by_batch[place].first_on, self._firsts[place + 1])

    def hold(self, day: date, *, built_from: int) -> bool:
        """Whether a batch later than `built_from` changes `day`."""
        return self._firsts[bisect_right(self._sequences, built_from)] <= day


@dataclass(frozen=True)
class MarkedSpan:
    """Marked days with no computed day between them that is not marked."""

    first: date
    last: date
    days: int


@dataclass(frozen=True)
class MarkedBy:
    """What marks days: a batch, by its source, entity and file, or, where these are None, who is who."""

    source: str | None
    entity: str | None
    source_file: str | None
    first_changed_on: date
    days: int


@dataclass(frozen=True)
class MarkedDays:
    """The days to rebuild, rising, their spans, and what marked them, that which reaches furthest back first."""

    days: list[date]
    spans: list[MarkedSpan]
    causes: list[MarkedBy]


def own_marks(manifest: Manifest) -> Marks:
    """The marks that batches have by their own rows."""
    return Marks(
        [Mark(batch, batch.earliest_changed_on) for batch in manifest.batches if batch.earliest_changed_on is not None]
    )


def read_marked(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> MarkedDays:
    """The computed days that are marked, stored or not: of those that are not, segment_history holds the classes."""
    create_kept_tables(con)
    computed = con.execute(
        """
        select as_of_date, batch_sequence from control.snapshot_builds
        union all
        select as_of_date, batch_sequence from control.history_days
        where as_of_date not in (select as_of_date from control.snapshot_builds)
        order by as_of_date
        """
    ).fetchall()
    relinked = [day for (day,) in con.execute("select as_of_date from control.relinked_days order by 1").fetchall()]
    marks = _all_marks(con, manifest)
    marked = {day for day, sequence in computed if day in set(relinked) or marks.hold(day, built_from=sequence)}
    causes = [
        MarkedBy(mark.batch.source, mark.batch.entity, mark.batch.source_file, mark.first_on, changed)
        for mark in marks.by_batch
        if (changed := sum(mark.first_on <= day and mark.batch.sequence > built_from for day, built_from in computed))
    ]
    if relinked:
        causes.append(MarkedBy(None, None, None, relinked[0], len(relinked)))
    return MarkedDays(
        days=sorted(marked),
        spans=_spans([day for day, _ in computed], marked),
        causes=sorted(causes, key=lambda cause: cause.first_changed_on),
    )


def chunks_newest_first(days: Sequence[date], size: int) -> list[list[date]]:
    """Days in chunks of at most `size`, the newest chunk first, each chunk's days rising."""
    newest_first = sorted(days, reverse=True)
    return [newest_first[start : start + size][::-1] for start in range(0, len(newest_first), size)]


def _all_marks(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Marks:
    reached = dict(
        con.execute(
            "select batch_sequence, first_changed_on from control.reaching_back where first_changed_on is not null"
        ).fetchall()
    )
    firsts = [(batch, batch.earliest_changed_on, reached.get(batch.sequence)) for batch in manifest.batches]
    return Marks([Mark(batch, min(day for day in days if day is not None)) for batch, *days in firsts if any(days)])


def _spans(computed: Sequence[date], marked: set[date]) -> list[MarkedSpan]:
    spans: list[MarkedSpan] = []
    is_open = False
    for day in computed:
        if day in marked:
            last = spans.pop() if is_open else MarkedSpan(day, day, 0)
            spans.append(MarkedSpan(last.first, day, last.days + 1))
        is_open = day in marked
    return spans
