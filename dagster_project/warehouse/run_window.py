"""The days of a run: business days, month ends, and the last day that is complete.

Days only. Which of them are stored or marked is known by the warehouse, which of them are partitions by Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from dagster_project.errors import StrataError

ONE_DAY = timedelta(days=1)


class DayError(StrataError):
    """A day that cannot be asked for; the message says which days can."""


def day_named(text: str, *, setting: str) -> date:
    """The day that `text` (YYYY-MM-DD) names; `setting` is what the error names.

    Raises:
        DayError: it is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayError(f"{setting}: {text!r} is no day. Write it as YYYY-MM-DD, e.g. 2017-12-31.") from None


def last_complete_day(now: datetime, time_zone: ZoneInfo) -> date:
    """The newest business day that is over at `now` (aware)."""
    return now.astimezone(time_zone).date() - ONE_DAY


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included.

    Raises:
        DayError: `last` is before `first`.
    """
    if last < first:
        raise DayError(f"The range ends ({last}) before it begins ({first}).")
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def month_ends_between(first: date, last: date) -> list[date]:
    """The last days of months from `first` to `last`, both included.

    Raises:
        DayError: no month ends within the range.
    """
    ends = [day for day in days_between(first, last) if (day + ONE_DAY).day == 1]
    if not ends:
        raise DayError(f"No month ends between {first} and {last}.")
    return ends


def are_contiguous(days: Sequence[date]) -> bool:
    """Whether sorted `days` have no gap, so that one partition range covers them and nothing else."""
    return all(later - earlier == ONE_DAY for earlier, later in pairwise(days))


def refuse_outside(days: Iterable[date], *, history_starts_on: date, last_complete: date) -> None:
    """Raise where a day is before history starts, or not over yet.

    Raises:
        DayError: names the day, the limit and the setting.
    """
    for day in days:
        if day < history_starts_on:
            raise DayError(
                f"{day} is before history starts: business.history_starts_on in sources.yaml is {history_starts_on}."
            )
        if day > last_complete:
            raise DayError(f"{day} is not over yet; the last complete business day is {last_complete}.")
