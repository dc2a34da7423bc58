"""Days of a run: business days at the edges of time zones, month ends, ranges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.warehouse.run_window import (
    DayError,
    are_contiguous,
    day_named,
    days_between,
    last_complete_day,
    month_ends_between,
    refuse_outside,
)

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2040, 12, 31))
SPANS = st.integers(min_value=0, max_value=900)


@pytest.mark.parametrize(
    ("now", "time_zone", "expected"),
    [
        # 23:59 and 00:00 of New York's New Year
        (datetime(2018, 1, 1, 4, 59, tzinfo=UTC), "America/New_York", date(2017, 12, 30)),
        (datetime(2018, 1, 1, 5, 0, tzinfo=UTC), "America/New_York", date(2017, 12, 31)),
        # in Shanghai the same moment is far into the next day
        (datetime(2018, 1, 1, 4, 59, tzinfo=UTC), "Asia/Shanghai", date(2017, 12, 31)),
        # the day on which clocks go back has 25 hours, and is not over after 24
        (datetime(2017, 11, 6, 4, 30, tzinfo=UTC), "America/New_York", date(2017, 11, 4)),
    ],
)
def test_a_day_is_complete_when_it_is_over_where_the_business_is(now: datetime, time_zone: str, expected: date) -> None:
    assert last_complete_day(now, ZoneInfo(time_zone)) == expected


def test_month_ends_know_leap_years() -> None:
    assert month_ends_between(date(2024, 1, 31), date(2024, 4, 29)) == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
    ]


def test_a_range_without_a_month_end_is_refused() -> None:
    with pytest.raises(DayError, match="No month ends between 2024-01-02 and 2024-01-30"):
        month_ends_between(date(2024, 1, 2), date(2024, 1, 30))


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(DayError, match=r"ends \(2024-01-01\) before it begins \(2024-01-02\)"):
        days_between(date(2024, 1, 2), date(2024, 1, 1))


@pytest.mark.parametrize("text", ["2017-02-29", "yesterday", "31.12.2017", ""])
def test_what_is_no_day_is_refused_by_the_option_that_named_it(text: str) -> None:
    with pytest.raises(DayError, match="--as-of"):
        day_named(text, setting="--as-of")


def test_days_before_history_or_not_over_are_refused() -> None:
    limits = {"history_starts_on": date(2017, 1, 1), "last_complete": date(2017, 12, 31)}
    refuse_outside([date(2017, 1, 1), date(2017, 12, 31)], **limits)
    with pytest.raises(DayError, match=r"history_starts_on in sources\.yaml is 2017-01-01"):
        refuse_outside([date(2016, 12, 31)], **limits)
    with pytest.raises(DayError, match="2018-01-01 is not over yet"):
        refuse_outside([date(2018, 1, 1)], **limits)


@given(DAYS, SPANS)
def test_month_ends_are_the_days_of_a_range_after_which_a_month_begins(first: date, span: int) -> None:
    last = first + timedelta(days=span)
    expected = [day for day in days_between(first, last) if (day + timedelta(days=1)).month != day.month]
    if expected:
        assert month_ends_between(first, last) == expected
    else:
        with pytest.raises(DayError):
            month_ends_between(first, last)


@given(DAYS, SPANS)
def test_a_range_is_contiguous_and_a_range_with_a_hole_is_not(first: date, span: int) -> None:
    days = days_between(first, first + timedelta(days=span))
    assert len(days) == span + 1
    assert are_contiguous(days)
    if len(days) > 2:
        assert not are_contiguous([days[0], *days[2:]])
