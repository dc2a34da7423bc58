"""A push: what a CRM holds is compared with what the list says, the difference is written, and both are on record.

The record of what leaves is written before anything does. One push at a time: two at once would make a task twice where
a system has no upsert.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.atomic_files import PRIVATE_FILE, private_folder
from dagster_project.errors import StrataError
from dagster_project.publishing.audit import append_record
from dagster_project.publishing.crm.records import Change, Crm, Done, Outcome, Task, differences
from dagster_project.publishing.crm.tasks import TargetTasks
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.sources.pulling import SourceUnavailable

CRM_PUSHES = "crm_pushes.jsonl"
LOCK = "crm_pushes.lock"


@dataclass(frozen=True)
class Comparison:
    """What a push would do: tasks that the CRM lacks, records that differ, and records that lose the person."""

    missing: tuple[Task, ...]
    changes: tuple[Change, ...]
    withdrawals: tuple[Change, ...]
    unchanged: tuple[str, ...]
    closed: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the CRM already holds what the list says."""
        return not (self.missing or self.changes or self.withdrawals)


@dataclass(frozen=True)
class Push:
    """What became of the tasks of one CRM."""

    outcomes: tuple[Outcome, ...]

    def count(self, done: Done) -> int:
        """Tasks of which this became."""
        return sum(outcome.done is done for outcome in self.outcomes)

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """Tasks that the CRM did not take, each with its reason."""
        return tuple(outcome for outcome in self.outcomes if outcome.done is Done.REFUSED)


def compared(crm: Crm, tasks: TargetTasks) -> Comparison:
    """What the CRM lacks of the tasks. It is only asked."""
    withdrawal = tasks.withdrawal()
    held = crm.find(
        [*(task.key for task in tasks.tasks), *tasks.withdrawn], list({**tasks.target.fields, **withdrawal})
    )
    missing, changes, unchanged, closed = [], [], [], []
    for task in tasks.tasks:
        record = held.get(task.key)
        if record is None:
            missing.append(task)
        elif record.is_closed:
            closed.append(task.key)
        elif values := differences(task.values, crm.as_written(task.values), record.fields):
            changes.append(Change(task.key, record.id, values))
        else:
            unchanged.append(task.key)
    blank = crm.as_written(withdrawal)
    withdrawals = [
        Change(key, held[key].id, values)
        for key in tasks.withdrawn
        if key in held and not held[key].is_closed and (values := differences(withdrawal, blank, held[key].fields))
    ]
    return Comparison(tuple(missing), tuple(changes), tuple(withdrawals), tuple(unchanged), tuple(closed))


def pushed(crm: Crm, tasks: TargetTasks, *, paths: Paths, now: datetime, who: str, why: str) -> Push:
    """Write to the CRM what it lacks of the tasks; called again, nothing changes.

    Raises:
        PublishingError: another push runs.
        StrataError: the CRM did not answer or refuses all. What it took before stands, and is on record.
    """
    with _one_at_a_time(paths):
        comparison = compared(crm, tasks)
        outcomes = [
            *(Outcome(key, Done.UNCHANGED) for key in comparison.unchanged),
            *(Outcome(key, Done.CLOSED) for key in comparison.closed),
        ]
        if comparison.is_empty:
            return Push(tuple(outcomes))
        path = paths.audit / CRM_PUSHES
        record = _record(tasks, comparison, at=now, who=who, why=why)
        append_record(path, record)
        written: list[Outcome] = []
        try:
            for outcome in _written(crm, comparison):
                written.append(outcome)  # noqa: PERF402  what came before an error stands
        except StrataError as error:
            append_record(path, _ending(record, written, is_whole=False))
            waiting = len(comparison.missing) + len(comparison.changes) + len(comparison.withdrawals) - len(written)
            kind = SourceUnavailable if isinstance(error, SourceUnavailable) else PublishingError
            raise kind(f"{error} {len(written):,} were written before, {waiting:,} wait.") from None
        append_record(path, _ending(record, written, is_whole=True))
        return Push((*outcomes, *written))


def _written(crm: Crm, comparison: Comparison) -> Iterator[Outcome]:
    """The person goes out of withdrawn tasks first: what else fails later must not keep them there."""
    for outcome in crm.update(comparison.withdrawals):
        yield replace(outcome, done=Done.WITHDRAWN) if outcome.done is Done.UPDATED else outcome
    yield from crm.create(comparison.missing)
    yield from crm.update(comparison.changes)


def _record(tasks: TargetTasks, comparison: Comparison, *, at: datetime, who: str, why: str) -> dict[str, Any]:
    target = tasks.target
    return {
        "at": at.isoformat(),
        "who": who,
        "why": why,
        "day": tasks.day.isoformat(),
        "campaign_id": tasks.campaign_id,
        "crm": target.name,
        "kind": target.kind,
        "place": target.place,
        "channels": list(target.channels),
        "state": "begun",
        "to_create": len(comparison.missing),
        "to_update": len(comparison.changes),
        "to_withdraw": len(comparison.withdrawals),
        "unchanged": len(comparison.unchanged),
        "left_out": sum(tasks.left_out.values()),
        "fields": [listed.value for listed in target.fields.values()],
        "contact_points": list(tasks.contact_points),
        "consent_basis": dict(tasks.consent_basis),
    }


def _ending(record: dict[str, Any], written: list[Outcome], *, is_whole: bool) -> dict[str, Any]:
    """How a push that was begun ended; why single tasks were refused may quote them, and stays out."""
    named = ("at", "who", "day", "campaign_id", "crm", "kind", "place")
    done = Counter(outcome.done.value for outcome in written)
    return {**{name: record[name] for name in named}, "state": "ended" if is_whole else "broke off", **done}


@contextmanager
def _one_at_a_time(paths: Paths) -> Iterator[None]:
    path: Path = private_folder(paths.audit) / LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PublishingError("Another push to a CRM runs. Wait until it has ended, then push again.") from None
        yield
    finally:
        os.close(handle)
