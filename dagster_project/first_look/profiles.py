"""What the values of one column look like: how many, how many different, numbers and their style, times, yes and no.

Works on a table in DuckDB; knows no names and no contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from dagster_project.first_look.times import Times, find_times
from dagster_project.landing.expressions import (
    CURRENCY_MARKS,
    FALSE_WORDS,
    FLOATS,
    INTEGERS,
    TRUE_WORDS,
    number_evidence,
)
from dagster_project.sources.files import BLANKS, SourceColumn
from dagster_project.sql_text import quote_identifier, quote_literal

# Of the filled values of a column, the share that must be numbers, addresses … before it is called so.
PLAIN_SHARE = 0.95
TOP_VALUES = 60
NUMBER = r"^\(?[+-]?([0-9]{1,3}([.,'\x{2019} \x{00a0}][0-9]{3})+|[0-9]*)([.,][0-9]*)?([eE][+-]?[0-9]+)?\)?[%％]?$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
PHONE = r"^(\+|00)?[0-9][0-9 ()./-]{7,18}[0-9]$"
SIGNS = {
    "€": "EUR", "£": "GBP", "￥": "CNY", "¥": "CNY", "₩": "KRW", "₹": "INR", "₽": "RUB", "$": "USD",
    "eur": "EUR", "gbp": "GBP", "usd": "USD", "cny": "CNY", "rmb": "CNY", "jpy": "JPY", "hkd": "HKD", "twd": "TWD",
    "元": "CNY",
}  # fmt: skip


@dataclass(frozen=True)
class Numbers:
    """How numbers are written. `marks`: they show a decimal point, show a decimal comma, hold either mark.

    `largest` is told where they are written with a point, else 0.
    """

    marks: tuple[bool, bool, bool]
    negative: int
    zero: int
    has_decimals: bool
    currency: str | None
    example: str
    largest: float = 0.0


@dataclass(frozen=True)
class Profile:
    """One column. `top` are its commonest values with their rows; they may be personal and are shown only by name."""

    name: str
    type: str
    rows: int
    filled: int
    distinct: int
    top: tuple[tuple[str, int], ...] = ()
    numbers: Numbers | None = None
    times: Times | None = None
    is_yes_no: bool = False
    is_email: bool = False
    is_phone: bool = False
    longest: int = 0

    @property
    def is_unique(self) -> bool:
        return self.filled == self.rows == self.distinct

    @property
    def blank(self) -> int:
        return self.rows - self.filled

    @property
    def has_all_values(self) -> bool:
        """Whether `top` holds every value there is."""
        return self.distinct <= TOP_VALUES


def text_of(column: SourceColumn) -> str:
    """SQL of a source value as text without surrounding blanks, NULL where it is blank."""
    if column.type in FLOATS:
        whole = f"cast(cast({column.sql} as bigint) as varchar)"
        return (
            f"case when isnan({column.sql}) then null when abs({column.sql}) < 1e15 and {column.sql} = "
            f"trunc({column.sql}) then {whole} else cast({column.sql} as varchar) end"
        )
    return f"nullif(trim(cast({column.sql} as varchar), {quote_literal(BLANKS.replace(chr(0), ''))}), '')"


def profile(
    con: duckdb.DuckDBPyConnection, table: str, column: SourceColumn, *, prefer_day_first: bool | None, now: datetime
) -> Profile:
    """Look at a column of `table`, whose rows have their number in `place`. `now` is naive UTC."""
    with _distinct_values(con, table, text_of(SourceColumn(column.name, quote_identifier(column.sql), column.type))):
        rows = con.execute(f"select count(*) from {table}").fetchall()[0][0]
        filled, distinct, longest = con.execute(
            "select coalesce(sum(c), 0), count(*), coalesce(max(length(v)), 0) from distinct_values"
        ).fetchall()[0]
        plain = Profile(column.name, column.type, rows, int(filled), distinct, longest=longest)
        if not filled:
            return plain
        top = tuple(
            con.execute(f"select v, c from distinct_values order by c desc, place limit {TOP_VALUES}").fetchall()
        )
        is_typed_time = column.type.startswith("TIMESTAMP") or column.type == "DATE"
        share_of = _shares(con, int(filled))
        is_number = not is_typed_time and (
            column.type in INTEGERS
            or column.type in FLOATS
            or column.type.startswith("DECIMAL")
            or share_of(_number_sql()) >= PLAIN_SHARE
        )
        times = find_times(con, is_number=is_number, prefer_day_first=prefer_day_first, now=now)
        return Profile(
            column.name,
            column.type,
            rows,
            int(filled),
            distinct,
            top,
            numbers=_numbers(con, column) if is_number else None,
            times=times,
            is_yes_no=column.type == "BOOLEAN"
            or (distinct <= 4 and all(value.lower() in (*TRUE_WORDS, *FALSE_WORDS) for value, _ in top)),
            is_email=share_of(f"regexp_matches(v, {quote_literal(EMAIL)})") >= 0.8,
            is_phone=share_of(f"regexp_matches(v, {quote_literal(PHONE)})") >= PLAIN_SHARE,
            longest=longest,
        )


@contextmanager
def _distinct_values(con: duckdb.DuckDBPyConnection, table: str, text: str) -> Iterator[None]:
    con.execute(
        f"create or replace temp table distinct_values as select v, count(*) as c, min(place) as place "
        f"from (select {text} as v, place from {table}) where v is not null group by v"
    )
    try:
        yield
    finally:
        con.execute("drop table distinct_values")


def _shares(con: duckdb.DuckDBPyConnection, filled: int) -> Callable[[str], float]:
    def share(condition: str) -> float:
        found = con.execute(f"select coalesce(sum(c) filter ({condition}), 0) from distinct_values").fetchall()[0][0]
        return float(found) / filled

    return share


def _bare() -> str:
    return f"trim(regexp_replace(v, {quote_literal(CURRENCY_MARKS)}, '', 'g'), ' \u00a0')"


def _number_sql() -> str:
    return f"regexp_matches({_bare()}, {quote_literal(NUMBER)}) and regexp_matches(v, '[0-9]')"


def _numbers(con: duckdb.DuckDBPyConnection, column: SourceColumn) -> Numbers:
    point, comma, unclear = (
        con.execute(f"select {number_evidence(SourceColumn('v', 'v'))} from distinct_values").fetchall()[0]
        if column.type == "VARCHAR"
        else (True, False, False)
    )
    digits = f"regexp_replace({_bare()}, '[^0-9]', '', 'g')"
    is_negative = f"regexp_matches({_bare()}, '^(-|\\(.*\\)$)')"
    is_zero = f"try_cast({digits} as hugeint) = 0"
    negative, zero, has_decimals, example, largest = con.execute(
        f"""
        select
            coalesce(sum(c) filter ({is_negative} and not {is_zero}), 0),
            coalesce(sum(c) filter ({is_zero}), 0),
            bool_or(regexp_matches({_bare()}, '[.,][0-9]{{1,2}}\\)?$')),
            arg_min(v, place) filter (not {is_zero}),
            coalesce(max(abs(try_cast({_bare()} as double))), 0)
        from distinct_values
        """
    ).fetchall()[0]
    return Numbers(
        (point, comma, unclear), int(negative), int(zero), bool(has_decimals), _currency(con), example or "", largest
    )


def _currency(con: duckdb.DuckDBPyConnection) -> str | None:
    """The money that signs beside the numbers name; None where there are none or several."""
    marks = con.execute(
        f"select distinct lower(regexp_extract(v, {quote_literal(CURRENCY_MARKS)})) from distinct_values"
    ).fetchall()
    found = {code for (mark,) in marks for code in [_code(mark)] if code}
    return found.pop() if len(found) == 1 else None


def _code(mark: str) -> str | None:
    prefix = re.match(r"(us|hk|nt|cn|ca|au)", mark)
    if prefix and len(mark) == 3 and mark.endswith(("$", "¥", "￥")):
        return {"us": "USD", "hk": "HKD", "nt": "TWD", "cn": "CNY", "ca": "CAD", "au": "AUD"}[prefix[1]]
    return SIGNS.get(mark)


def as_number(text: str) -> Decimal | None:
    """A plain number such as 12.5; None for anything else."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return None
