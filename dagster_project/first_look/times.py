"""Which formats a column's times are written in, by trying them on every value, and whether the day comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from dagster_project.sql_text import quote_literal

FIRST_YEAR, LAST_YEAR = 1970, 2100
SHORTLIST_VALUES = 2_000
MOST_FORMATS = 4
# Below this share of values that a format explains, the column holds no times.
LEAST_SHARE = 0.9
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_YEAR_FIRST = ("%Y年%m月%d日", "%Y.%m.%d", "%Y/%m/%d", "%Y-%m-%d")
_WORDED = ("%b %d, %Y", "%d %b %Y", "%B %d, %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d %Y")
_PACKED = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
# What the day-first format is with the month first.
MONTH_FIRST = {
    f"%d{mark}%m{mark}{year}{clock}": f"%m{mark}%d{mark}{year}{clock}"
    for mark in "/.-"
    for year in ("%Y", "%y")
    for clock in _CLOCKS
}
DAY_FIRST = {month_first: day_first for day_first, month_first in MONTH_FIRST.items()}
TEXT_FORMATS = (
    *(f"{date}{clock}" for date in _YEAR_FIRST for clock in _CLOCKS),
    *(each for pair in MONTH_FIRST.items() for each in pair),
    *(f"{date}{clock}" for date in _WORDED for clock in _CLOCKS),
)
NUMBER_FORMATS = (*_PACKED, "epoch_ms", "epoch_s", "excel")


@dataclass(frozen=True)
class Order:
    """Whether day or month comes first in times such as 03/04/2024.

    `sure` says why it is known, `doubt` why it is not. `example` is a value that can be read both ways.
    """

    day_first: bool
    sure: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class Times:
    """Formats as settings name them, the first and last time by them, and the share of values that they explain.

    `is_weak`: the values are numbers that could be something else. `has_offset`: every value names its zone.
    """

    formats: tuple[str, ...]
    share: float
    first: datetime
    last: datetime
    example: str
    order: Order | None = None
    is_weak: bool = False
    has_offset: bool = False
    offset: str = ""
    has_clock: bool = True

    @property
    def is_iso(self) -> bool:
        return self.formats == ("iso",)


def find_times(
    con: duckdb.DuckDBPyConnection, *, is_number: bool, prefer_day_first: bool | None, now: datetime
) -> Times | None:
    """The times of the table `distinct_values` (v, c: how often, place: first row), None where it holds none.

    `prefer_day_first` settles what the values leave open; `now` (naive, UTC) is what no order can lie after.
    """
    if not is_number and not _could_be_times(con):
        return None
    tried = NUMBER_FORMATS if is_number else ("iso", *TEXT_FORMATS)
    [counts] = con.execute(
        "select "
        + ", ".join(f"count({parsed(form)})" for form in tried)
        + f" from (select v from distinct_values limit {SHORTLIST_VALUES})"
    ).fetchall()
    shortlist = [form for form, count in zip(tried, counts, strict=True) if count]
    if not shortlist:
        return None
    order: Order | None = None
    chosen: list[str] = []
    rest = "true"
    total: int = con.execute("select sum(c) from distinct_values").fetchall()[0][0]
    explained = 0
    while shortlist and len(chosen) < MOST_FORMATS:
        [counts] = con.execute(
            "select "
            + ", ".join(f"coalesce(sum(c) filter ({parsed(form)} is not null), 0)" for form in shortlist)
            + f" from distinct_values where {rest}"
        ).fetchall()
        best, count = max(zip(shortlist, counts, strict=True), key=lambda pair: pair[1])
        if not count or (chosen and count < 0.001 * total):
            break
        shortlist.remove(best)
        other = MONTH_FIRST.get(best) or DAY_FIRST.get(best)
        if other is not None:
            found = _which_first(con, best, other, rest, prefer_day_first, now)
            best = MONTH_FIRST.get(best, best) if not found.day_first else DAY_FIRST.get(best, best)
            order = found if order is None or found.doubt else order
            shortlist = [form for form in shortlist if form not in (best, other, MONTH_FIRST.get(best))]
            counts_of_best = con.execute(
                f"select coalesce(sum(c) filter ({parsed(best)} is not null), 0) from distinct_values where {rest}"
            ).fetchall()
            count = counts_of_best[0][0]
        chosen.append(best)
        explained += count
        rest = f"{rest} and {parsed(best)} is null"
        if is_number:
            break
    if not chosen or explained < LEAST_SHARE * total:
        return None
    return _described(con, tuple(chosen), explained / total, order, is_weak=is_number)


def _could_be_times(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether most values have two groups of digits: trying sixty formats on every text takes a second."""
    likely: tuple[float | None] = con.execute(
        "select avg(cast(regexp_matches(v, '[0-9]+[^0-9]+[0-9]') as integer)) "
        f"from (select v from distinct_values limit {SHORTLIST_VALUES})"
    ).fetchall()[0]
    return (likely[0] or 0) >= LEAST_SHARE / 2


def parsed(form: str, value: str = "v") -> str:
    """SQL of a text as a plain timestamp by a format, NULL where it does not fit or no shop was open then."""
    if form == "iso":
        sql = f"case when {value} >= '0' and {value} < ':' then try_cast({value} as timestamp) end"
    elif form == "epoch_ms":
        sql = f"case when regexp_full_match({value}, '[0-9]{{13}}') then epoch_ms(cast({value} as bigint)) end"
    elif form == "epoch_s":
        sql = f"case when regexp_full_match({value}, '[0-9]{{10}}') then epoch_ms(cast({value} as bigint) * 1000) end"
    elif form == "excel":
        # 20000 is 1954, 73000 is 2099: smaller and larger numbers are amounts and ids.
        is_serial = f"regexp_full_match({value}, '[2-7][0-9]{{4}}(\\.[0-9]+)?')"
        seconds = f"cast(round(cast({value} as double) * 86400) as bigint)"
        sql = f"case when {is_serial} then timestamp '1899-12-30' + to_seconds({seconds}) end"
    else:
        sql = f"try_strptime({value}, {quote_literal(form)})"
    return f"case when year({sql}) between {FIRST_YEAR} and {LAST_YEAR} then {sql} end"


def _which_first(
    con: duckdb.DuckDBPyConnection, form: str, other: str, rest: str, prefer_day_first: bool | None, now: datetime
) -> Order:
    day_first, month_first = (form, other) if form in MONTH_FIRST else (other, form)
    day, month = parsed(day_first), parsed(month_first)
    only_day, only_month, both, largest = con.execute(
        f"""
        select
            coalesce(sum(c) filter ({day} is not null and {month} is null), 0),
            coalesce(sum(c) filter ({month} is not null and {day} is null), 0),
            coalesce(sum(c) filter ({day} is not null and {month} is not null), 0),
            max(try_cast(regexp_extract(v, '^[0-9]+') as integer)) filter ({day} is not null)
        from distinct_values where {rest}
        """
    ).fetchall()[0]
    if only_day and not only_month:
        return Order(True, sure=f"the largest first number is {largest}, so the day comes first")
    if only_month and not only_day:
        return Order(False, sure="the second number goes beyond 12, so the month comes first")
    example = _example(con, f"{day} is not null and {month} is not null and {day} <> {month} and {rest}")
    if only_day and only_month:
        wins = only_day > only_month
        return Order(
            wins,
            doubt=f"{only_day:,} values can only have the day first and {only_month:,} only the month; {example} is "
            f"read with the {'day' if wins else 'month'} first",
        )
    by_place = _by_place(con, day, month, rest, now)
    if by_place is not None:
        is_day, why = by_place
        return Order(is_day, sure=f"{why}, so the {'day' if is_day else 'month'} comes first")
    wins = prefer_day_first is not False
    if not both or not example:
        return Order(wins)
    reason = (
        "as is usual with the money and the language of the files" if prefer_day_first is not None else "as a guess"
    )
    return Order(
        wins,
        doubt=f"{example} can be read with the day or the month first, and no value settles it; the "
        f"{'day' if wins else 'month'} first {reason}",
    )


def _by_place(
    con: duckdb.DuckDBPyConnection, day: str, month: str, rest: str, now: datetime
) -> tuple[bool, str] | None:
    """What the order of the rows or the future says of values that can be read both ways."""
    late_day, late_month, falls_day, falls_month, rows = con.execute(
        f"""
        select
            count(*) filter (d > ?), count(*) filter (m > ?),
            count(*) filter (d < before_d), count(*) filter (m < before_m), count(*)
        from (
            select d, m, lag(d) over (order by place) as before_d, lag(m) over (order by place) as before_m
            from (select {day} as d, {month} as m, place from distinct_values where {rest})
        )
        """,
        [now, now],
    ).fetchall()[0]
    if bool(late_day) != bool(late_month):
        return late_month > 0, "the other way some would lie in the future"
    least, most = sorted((falls_day, falls_month))
    # Rows in order of time: one reading hardly ever steps back, the other does about every month.
    if rows >= 20 and most >= 4 and least * 10 <= most:
        return falls_day < falls_month, "the rows are in order of time only that way"
    return None


def _described(
    con: duckdb.DuckDBPyConnection, formats: tuple[str, ...], share: float, order: Order | None, *, is_weak: bool
) -> Times:
    time = f"coalesce({', '.join(parsed(form) for form in formats)}, null)"
    offset = r"[0-9](Z|z|[+-][0-9]{2}:?[0-9]{2})$"
    first, last, has_offset, has_clock, offset_seen = con.execute(
        f"""
        select
            min({time}), max({time}),
            bool_and(contains(v, ':') and regexp_matches(v, '{offset}')),
            bool_or(cast({time} as time) <> time '00:00'),
            any_value(regexp_extract(v, '{offset}', 1)) filter (contains(v, ':') and regexp_matches(v, '{offset}'))
        from distinct_values
        """
    ).fetchall()[0]
    return Times(
        formats=formats,
        share=share,
        first=first,
        last=last,
        example=_example(con, f"{time} is not null"),
        order=order,
        is_weak=is_weak,
        has_offset=bool(has_offset) and formats == ("iso",),
        offset=offset_seen or "",
        has_clock=bool(has_clock),
    )


def _example(con: duckdb.DuckDBPyConnection, condition: str) -> str:
    rows: Sequence[tuple[str]] = con.execute(
        f"select v from distinct_values where {condition} order by place limit 1"
    ).fetchall()
    return rows[0][0] if rows else ""
