"""A mapping as SQL: how each contract column is read, cast and checked.

Pure functions from settings to text. Every reason that a row can be refused for is worded here; what a quoted value
of a reason would reveal of a person is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

import duckdb

from dagster_project.contract.contact_points import looks_personal
from dagster_project.contract.entities import Column, ColumnType, Entity
from dagster_project.settings.sources import (
    DECIMAL_THOUSANDS,
    OFFSET_DIRECTIVES,
    ColumnSpec,
    Condition,
    NumberStyle,
)
from dagster_project.sources.files import BLANKS, SourceColumn
from dagster_project.sql_text import quote_identifier, quote_literal

QUOTED_LENGTH = 60
# Between what is wrong and the value that is.
QUOTE_BEGINS = ": '"
FIRST_YEAR, LAST_YEAR = 1900, 2199
# Clocks of China were last put back in September 1991, those of Japan and India decades before.
FIXED_SINCE = datetime(1992, 1, 1)  # noqa: DTZ001 - what a clock shows
TRUE_WORDS = ("true", "t", "yes", "y", "1", "是", "有", "已", "√")
FALSE_WORDS = ("false", "f", "no", "n", "0", "否", "无", "未", "×")
FLOATS = {"DOUBLE": 10**15, "FLOAT": 2**24}
INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
# Currency signs and codes beside a number say nothing that the currency column does not.
CURRENCY_MARKS = r"(?i)(us|hk|nt|cn|ca|au)?[$€£¥￥₩₹₽]|\b(rmb|cny|usd|eur|gbp|jpy|hkd|twd)\b|[元圆]"
FULL_WIDTH = ("０１２３４５６７８９．，－（）％", "0123456789.,-()%")
UTC_NAMES = ("UTC", "Etc/UTC", "GMT")
OFFSET = r":[0-9.]+ ?([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a row: SQL that is true where it is, and SQL for the reason."""

    fails: str
    reason: str


@dataclass(frozen=True)
class Cast:
    """One contract column: `raw` over the file's columns, `typed` and `checks` over the column `raw_name`."""

    raw: str
    typed: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Zones:
    """Time zones for times without an offset, and of the business day for dates given as instants."""

    column: str | None
    business: str


def cast_column(
    column: Column,
    spec: ColumnSpec,
    sources: Sequence[SourceColumn],
    *,
    decimal: str,
    zones: Zones,
    lenient_iso: bool = False,
) -> Cast:
    """How `column` is read. `sources` are the file's columns that the spec reads: none for a constant.

    `decimal` is the file's decimal mark for numbers in text. `lenient_iso` accepts ISO times beside the formats.
    """
    raw_name, typed_name = quote_identifier(f"raw {column.name}"), quote_identifier(column.name)
    if spec.sum_of is not None:
        return _cast_sum(column, spec, sources, decimal)
    if spec.constant is not None:
        source = SourceColumn(column.name, quote_literal(spec.constant), "VARCHAR")
    else:
        (source,) = sources
    kind = source.type
    is_text = not _is_native(column, kind) or bool(spec.values) or bool(spec.strip_prefix)
    quick = None
    if kind == "VARCHAR" and not spec.values and not spec.strip_prefix and spec.constant is None:
        quick = _quick_cast(column, spec, raw_name, decimal, zones)
    if quick is not None:
        raw = source.sql
    elif is_text:
        raw = _clean_text(column, spec, source)
    else:
        raw = _present_value(source.sql, kind)
    mapped, unmapped = _mapped(raw_name, spec.values) if spec.values else (raw_name, None)
    if quick is not None:
        mapped = _text_of(raw_name, "VARCHAR")
    typed = _typed(column, spec, mapped, "VARCHAR" if is_text else kind, decimal, zones, lenient_iso)
    if quick is not None:
        typed = f"case when {raw_name} is not null then coalesce({quick}, {typed}) end"
    checks: list[Check] = []
    quoted = _quoted(raw_name, column)
    if unmapped is not None:
        checks.append(Check(unmapped, f"'{column.name} has a value that is not in its values'{quoted}"))
    elif column.choices:
        allowed = ", ".join(column.choices)
        listed = ", ".join(quote_literal(choice) for choice in column.choices)
        checks.append(
            Check(
                f"{typed_name} is not null and {typed_name} not in ({listed})",
                f"{quote_literal(f'{column.name} is not one of {allowed}; map it with values')}{quoted}",
            )
        )
    elif column.type is not ColumnType.TEXT and typed != raw_name:
        wording = _unfit(column, spec, zones)
        checks.append(
            Check(
                f"case when {typed_name} is null and {raw_name} is not null then {mapped} is not null else false end",
                f"{quote_literal(wording)}{quoted}",
            ),
        )
    if column.is_id and (is_text and kind not in INTEGERS):
        checks.append(
            Check(
                _where(
                    f"contains({typed_name}, '+')",
                    f"regexp_matches({typed_name}, '^[0-9](\\.[0-9]+)?[eE]\\+[0-9]+$')",
                ),
                f"{quote_literal(f'{column.name} has lost digits in a spreadsheet')}{quoted}",
            )
        )
    given = None if typed == raw_name else mapped
    if unmapped is not None:
        given = f"case when {unmapped} then '' else {mapped} end"
    checks += value_checks(column, given)
    return Cast(raw, typed, tuple(checks))


def _quick_cast(column: Column, spec: ColumnSpec, value: str, decimal: str, zones: Zones) -> str | None:
    """DuckDB's own cast of plain text, where that gives the same as ours wherever it gives anything; else None."""
    if column.type in (ColumnType.MONEY, ColumnType.AMOUNT, ColumnType.RATE, ColumnType.SCORE):
        style = spec.number or NumberStyle()
        is_point = (style.decimal or decimal) == "." and style.thousands in (None, ",") and style.divide_by is None
        return f"try_cast({value} as {column.type.sql})" if is_point else None
    if column.type is ColumnType.TIMESTAMP and zones.column is not None and list(spec.formats or ("iso",)) == ["iso"]:
        return _plain_instant(value, zones.column)
    return None


def _plain_instant(value: str, zone: str) -> str:
    """The instant of a time to the second: the calendar costs twice what reading the text does."""
    # A time to the second leaves no room for an offset, only for a Z in the place of a digit. Comparing truths (`>` is
    # "and not") takes less than AND, which picks the rows of its first side before it looks at its second.
    is_plain = f"({value} like '____-__-_____:__:__') > (suffix({value}, 'Z') or suffix({value}, 'z'))"
    timestamp = f"try_cast({value} as timestamp)"
    offset = fixed_offset(zone) if zone not in UTC_NAMES else None
    if offset is None:
        is_number = f"{value} between '0' and ':'"
        return f"case when ({is_plain}) > (not ({is_number})) then {_zoned(timestamp, zone)} end"
    is_fixed = f"{value} >= '{FIXED_SINCE.year}' and {value} < '{LAST_YEAR}'"
    by_offset = f"make_timestamptz(epoch_us({timestamp}) - {offset // timedelta(microseconds=1)})"
    return f"case when ({is_plain}) > (not ({is_fixed})) then {by_offset} end"


def _clean_text(column: Column, spec: ColumnSpec, source: SourceColumn) -> str:
    """The text of a column; what most values look like is told by fewer comparisons than all that they may be."""
    text = _unprefixed(_text_of(source.sql, source.type), spec.strip_prefix)
    text = _unescaped(text) if column.is_id else text
    if source.type != "VARCHAR" or spec.strip_prefix or spec.constant is not None:
        return text
    if column.is_id:
        # No blank, sign or quote at either end, nor the = of Excel.
        sql = source.sql
        is_plain = f"{_ends_clean(sql)} and {sql} >= '(' and {sql} < chr(127) and ({sql} < '=' or {sql} >= '>')"
        return f"case when {is_plain} then {sql} else {text} end"
    if column.choices and not spec.values:
        listed = ", ".join(quote_literal(choice) for choice in column.choices)
        return f"case when {source.sql} in ({listed}) then {source.sql} else {text} end"
    return text


def value_checks(column: Column, given: str | None = None) -> list[Check]:
    """Checks of a typed column: present where required, within its range, a plausible year, a currency code.

    `given` is SQL for the value before its cast, so that what does not fit is not also called missing.
    """
    name = quote_identifier(column.name)
    quoted = _quoted(name, column)
    checks = []
    if column.is_required:
        missing = f"{name} is null"
        if given is not None:
            missing = f"case when {missing} then {given} is null else false end"
        checks.append(Check(missing, quote_literal(f"{column.name} is missing")))
    if column.minimum is not None:
        mark, words = ("<=", "is not above") if column.is_above_minimum else ("<", "is below")
        reason = quote_literal(f"{column.name} {words} {column.minimum}")
        checks.append(Check(f"{name} {mark} {column.minimum}", f"{reason}{quoted}"))
    if column.maximum is not None:
        reason = quote_literal(f"{column.name} is above {column.maximum}")
        checks.append(Check(f"{name} > {column.maximum}", f"{reason}{quoted}"))
    if column.type in (ColumnType.TIMESTAMP, ColumnType.DATE):
        zone = "+00" if column.type is ColumnType.TIMESTAMP else ""
        first = f"{column.type.sql} '{FIRST_YEAR}-01-01{zone and ' 00:00:00' + zone}'"
        after = f"{column.type.sql} '{LAST_YEAR + 1}-01-01{zone and ' 00:00:00' + zone}'"
        reason = quote_literal(f"{column.name} is not within the years {FIRST_YEAR} to {LAST_YEAR}")
        checks.append(Check(f"{name} < {first} or {name} >= {after}", f"{reason}{quoted}"))
    if column.is_currency:
        reason = quote_literal(f"{column.name} is no three-letter code; map it with values")
        is_likely = f"{name} not in ('CNY', 'EUR', 'GBP', 'JPY', 'USD')"
        checks.append(Check(_where(is_likely, f"not regexp_full_match({name}, '[A-Z]{{3}}')"), f"{reason}{quoted}"))
    return checks


def condition_checks(name: str, condition: Condition, source: SourceColumn, *, decimal: str) -> list[Check]:
    """A `where` rule as checks: each fails where the row is to be left out.

    A blank value fails every operator but not_equals, not_in, not_matches and `present: false`.
    """
    text = _text_of(source.sql, source.type)
    number = _number_of(source, decimal)
    checks: list[Check] = []
    for operator, operand in condition.model_dump(by_alias=True, exclude_none=True).items():
        shown = ", ".join(map(str, operand)) if isinstance(operand, list | tuple) else str(operand)
        holds = _holds(operator, operand, text, number)
        is_negative = operator.startswith("not_")
        words = operator.replace("_", " ")
        reason = quote_literal(f"excluded by rule: {name} {words} {shown}")
        checks.append(
            Check(f"not coalesce({holds}, {str(is_negative).lower()})", f"{reason}{_quoted_text(text)}"),
        )
    return checks


def number_evidence(source: SourceColumn) -> str:
    """SQL for three aggregates over a text column: shows a decimal point, shows a decimal comma, has either mark."""
    text = _text_of(source.sql, source.type)
    point, comma = (_evidence_for(mark, other) for mark, other in DECIMAL_THOUSANDS.items())
    flags = (point, comma, "[.,]")
    return ", ".join(f"coalesce(bool_or(regexp_matches({text}, {quote_literal(flag)})), false)" for flag in flags)


def _evidence_for(mark: str, other: str) -> str:
    """An expression for numbers that can only mean `mark` as the decimal mark; 1,234 alone can mean either.

    Any number of digits but three after the mark; a 0 or four digits before it; a group of three before it; or the
    other mark twice.
    """
    dot, comma = _escaped(mark), _escaped(other)
    return "|".join(
        (
            f"^[^{comma}]*{dot}([0-9]{{0,2}}|[0-9]{{4,}})[^0-9.,]*$",
            f"(^|[^0-9.,])0{dot}[0-9]",
            f"[0-9]{{4}}{dot}[0-9]",
            f"{comma}[0-9]{{3}}{dot}[0-9]",
            f"{comma}[0-9]{{3}}{comma}",
        )
    )


def _is_native(column: Column, kind: str) -> bool:
    """Whether a typed source column is cast as it is, without becoming text first."""
    if kind == "VARCHAR":
        return False
    if column.type.is_number:
        return kind in FLOATS or kind in INTEGERS or kind.startswith("DECIMAL")
    if column.type is ColumnType.TIMESTAMP:
        return kind.startswith("TIMESTAMP") or kind == "DATE"
    if column.type is ColumnType.DATE:
        return kind.startswith("TIMESTAMP") or kind == "DATE"
    return column.type is ColumnType.BOOLEAN and kind == "BOOLEAN"


def _present_value(sql: str, kind: str) -> str:
    return f"case when not isnan({sql}) then {sql} end" if kind in FLOATS else sql


def _text_of(sql: str, kind: str) -> str:
    """A source value as text without surrounding blanks, NULL where blank. Whole floats lose their `.0`."""
    if kind == "VARCHAR":
        # Trimming a set of characters costs four times these two comparisons, and hardly any value needs it.
        trimmed = f"nullif(trim({sql}, {quote_literal(BLANKS.replace(chr(0), ''))}), '')"
        is_clean = f"{_ends_clean(sql)} and {sql} >= '!' and {sql} < chr(127)"
        return f"case when {is_clean} then {sql} else {trimmed} end"
    if kind in FLOATS:
        return (
            f"case when isnan({sql}) then null "
            f"when abs({sql}) >= {FLOATS[kind]} then printf('%.14E', cast({sql} as double)) "
            f"when {sql} = trunc({sql}) then cast(cast({sql} as bigint) as varchar) else cast({sql} as varchar) end"
        )
    if kind.startswith("DECIMAL"):
        return f"regexp_replace(cast({sql} as varchar), '\\.0+$', '')"
    return f"cast({sql} as varchar)"


def _ends_clean(sql: str) -> str:
    """Whether a text ends with a character of ASCII that can be seen. It stands first: of the two ends this one costs,
    and three times as much on the rows that AND leaves over.
    """
    return f"substr({sql}, -1) between '!' and '~'"


def reference_text(source: SourceColumn, prefix: str | None) -> str:
    """SQL for a reference to another record, read as ids are: without blanks, Excel's quoting and this prefix."""
    return _unescaped(_unprefixed(_text_of(source.sql, source.type), prefix))


def _unprefixed(text: str, prefix: str | None) -> str:
    if prefix is None:
        return text
    return (
        f"case when starts_with({text}, {quote_literal(prefix)}) then substr({text}, {len(prefix) + 1}) else {text} end"
    )


def _unescaped(text: str) -> str:
    """Ids written for Excel as ="00123" or '00123, so that it keeps their zeros."""
    return (
        f"case when starts_with({text}, '=') or starts_with({text}, '''') "
        f"then regexp_replace(regexp_replace({text}, '^=\"(.*)\"$', '\\1'), '^''', '') else {text} end"
    )


def _mapped(text: str, values: Mapping[str, str | None]) -> tuple[str, str]:
    """The value map as SQL, and SQL that is true where a value is not in it."""
    branches = [
        f"when {text} = {quote_literal(found.strip(BLANKS))} then {_literal(becomes)}"
        for found, becomes in values.items()
        if found not in ("*", "")
    ]
    if "" in values:
        branches.append(f"when {text} is null then {_literal(values[''])}")
    other = _literal(values.get("*"))
    mapped = f"case {' '.join(branches)} else {other} end" if branches else other
    if "*" in values:
        return mapped, "false"
    known = ", ".join(quote_literal(found.strip(BLANKS)) for found in values if found)
    return mapped, f"{text} is not null and {text} not in ({known})" if known else f"{text} is not null"


def _literal(value: str | None) -> str:
    return "null" if value is None else quote_literal(value)


def _typed(
    column: Column, spec: ColumnSpec, value: str, kind: str, decimal: str, zones: Zones, lenient_iso: bool
) -> str:
    if column.type is ColumnType.TEXT:
        return f"upper({value})" if column.is_currency else value
    if column.type is ColumnType.BOOLEAN:
        return value if kind == "BOOLEAN" else _boolean(value)
    if column.type is ColumnType.TIMESTAMP:
        return _instant(value, kind, spec.formats, zones, lenient_iso)
    if column.type is ColumnType.DATE:
        return _day(value, kind, spec.formats, zones, lenient_iso)
    return _number(column.type, value, kind, spec.number, decimal)


def _boolean(value: str) -> str:
    true, false = (", ".join(map(quote_literal, words)) for words in (TRUE_WORDS, FALSE_WORDS))
    return f"case when lower({value}) in ({true}) then true when lower({value}) in ({false}) then false end"


def _number(kind: ColumnType, value: str, source_kind: str, style: NumberStyle | None, decimal: str) -> str:
    target = kind.sql
    divisor = style.divide_by if style is not None else None
    if source_kind.lower() == target and divisor is None and kind is not ColumnType.INTEGER:
        return value
    mark = style.decimal if style is not None and style.decimal is not None else decimal
    thousands = style.thousands if style is not None and style.thousands is not None else DECIMAL_THOUSANDS[mark]
    # Division and the check for whole numbers need more digits than the target keeps.
    exact = "decimal(38,10)" if divisor is not None or kind is ColumnType.INTEGER else target
    if source_kind == "VARCHAR":
        plain = _plain_number(value, mark, thousands, is_share=kind is ColumnType.SCORE)
        slow = f"try_cast({plain} as {exact})"
        if kind is ColumnType.SCORE:
            slow = f"case when ends_with({value}, '%') or ends_with({value}, '％') then {slow} / 100 else {slow} end"
        digits = "'^[+-]?[0-9]+(\\.[0-9]*)?$'" if mark == "." else "'^[+-]?[0-9]+$'"
        number = f"case when regexp_matches({value}, {digits}) then try_cast({value} as {exact}) else {slow} end"
    else:
        number = f"try_cast({value} as {exact})"
    if divisor is not None:
        number = f"{number} / {divisor}"
    if kind is ColumnType.INTEGER:
        return f"case when {number} = trunc({number}) then try_cast({number} as bigint) end"
    return number if exact == target and divisor is None else f"try_cast({number} as {target})"


def _plain_number(value: str, mark: str, thousands: str, *, is_share: bool) -> str:
    """Text as digits with a point, without signs, blanks and thousands; NULL where it is no number in this style."""
    dot, comma = _escaped(mark), _escaped(thousands)
    text = f"translate({value}, {quote_literal(FULL_WIDTH[0])}, {quote_literal(FULL_WIDTH[1])})"
    text = f"regexp_replace({text}, {quote_literal(CURRENCY_MARKS)}, '', 'g')"
    if is_share:
        text = f"regexp_replace({text}, '%$', '')"
    spaces = r"[\s\x{00a0}\x{3000}]" if not thousands.isspace() else r"^\s+|\s+$"
    text = f"regexp_replace({text}, {quote_literal(spaces)}, '', 'g')"
    text = f"regexp_replace({text}, '^\\((.*)\\)$', '-\\1')"
    shape = f"^[+-]?([0-9]{{1,3}}({comma}[0-9]{{3}})+|[0-9]*)({dot}[0-9]*)?([eE][+-]?[0-9]+)?$"
    plain = f"replace(replace({text}, {quote_literal(thousands)}, ''), {quote_literal(mark)}, '.')"
    return f"case when regexp_matches({text}, {quote_literal(shape)}) then {plain} end"


def _escaped(mark: str) -> str:
    return mark if mark.isalnum() or mark.isspace() else "\\" + mark


def _number_of(source: SourceColumn, decimal: str) -> str:
    if source.type in FLOATS:
        return f"case when not isnan({source.sql}) then {source.sql} end"
    if source.type in INTEGERS or source.type.startswith("DECIMAL"):
        return source.sql
    text = _text_of(source.sql, source.type)
    plain = _plain_number(text, decimal, DECIMAL_THOUSANDS[decimal], is_share=False)
    return f"try_cast({plain} as decimal(38,10))"


def _holds(operator: str, operand: object, text: str, number: str) -> str:
    comparisons = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
    if operator in comparisons:
        return f"{number} {comparisons[operator]} {operand}"
    if operator in ("matches", "not_matches"):
        matches = f"regexp_matches({text}, {quote_literal(str(operand))})"
        return matches if operator == "matches" else f"not {matches}"
    if operator == "present":
        return f"({text} is not null) = {str(bool(operand)).lower()}"
    operands = list(operand) if isinstance(operand, list | tuple) else [operand]
    equal = " or ".join(_equals(each, text, number) for each in operands) or "false"
    return f"not ({equal})" if operator.startswith("not_") else f"({equal})"


def _equals(operand: object, text: str, number: str) -> str:
    if isinstance(operand, bool):
        return f"{_boolean(text)} = {str(operand).lower()}"
    if isinstance(operand, int | Decimal):
        return f"{number} = {operand}"
    return f"{text} = {quote_literal(str(operand))}"


def _instant(value: str, kind: str, formats: Sequence[str] | None, zones: Zones, lenient_iso: bool) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return value
    if kind != "VARCHAR":
        return _zoned(f"cast({value} as timestamp)", zones.column)
    return _first_that_fits(
        [_instant_from_text(value, form, zones.column) for form in _formats(formats, lenient_iso)],
    )


def _day(value: str, kind: str, formats: Sequence[str] | None, zones: Zones, lenient_iso: bool) -> str:
    """A date as it is written; only an instant (with an offset, or an epoch) has to be turned into a business day."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return _business_day(value, zones.business)
    if kind != "VARCHAR":
        return f"cast({value} as date)"
    days = []
    for form in _formats(formats, lenient_iso):
        if form in ("epoch_ms", "epoch_s") or any(mark in form for mark in OFFSET_DIRECTIVES):
            days.append(_business_day(_instant_from_text(value, form, None), zones.business))
        elif form == "iso":
            instant = _business_day(_iso_with_offset(value), zones.business)
            plain = f"cast({_iso_without_offset(value)} as date)"
            days.append(f"case when {_has_offset(value)} then {instant} else {plain} end")
        else:
            days.append(f"cast({_plain_time(value, form)} as date)")
    return _first_that_fits(days)


def _formats(formats: Sequence[str] | None, lenient_iso: bool) -> list[str]:
    given = list(formats or ("iso",))
    return [*given, "iso"] if lenient_iso and "iso" not in given else given


def _first_that_fits(attempts: Sequence[str]) -> str:
    return attempts[0] if len(attempts) == 1 else f"coalesce({', '.join(attempts)})"


def _instant_from_text(value: str, form: str, zone: str | None) -> str:
    if form in ("epoch_ms", "epoch_s"):
        unit = "1000" if form == "epoch_ms" else "1000000"
        # Thirteen digits are milliseconds and ten seconds from 1970 to 2286; other lengths are something else.
        length = "[0-9]{11,13}" if form == "epoch_ms" else "[0-9]{8,10}"
        is_whole = f"regexp_full_match({value}, '-?{length}(\\.0+)?')"
        whole = f"case when {is_whole} then cast(cast({value} as double) as bigint) end"
        return f"make_timestamptz({whole} * {unit})"
    if form == "iso":
        plain = _zoned(_iso_without_offset(value), zone) if zone is not None else "null"
        return f"case when {_has_offset(value)} then {_iso_with_offset(value)} else {plain} end"
    if any(mark in form for mark in OFFSET_DIRECTIVES):
        return f"cast(try_strptime({value}, {quote_literal(form)}) as timestamptz)"
    return _zoned(_plain_time(value, form), zone)


def _plain_time(value: str, form: str) -> str:
    if form == "excel":
        # Serial days since 1899-12-30; 61 is 1900-03-01, the first that Excel counts right.
        number = f"case when regexp_full_match({value}, '[0-9]{{2,6}}(\\.[0-9]+)?') then cast({value} as double) end"
        seconds = f"cast(round({number} * 86400) as bigint)"
        return f"case when {number} >= 61 then timestamp '1899-12-30' + to_seconds({seconds}) end"
    return f"try_strptime({value}, {quote_literal(form)})"


def _iso_without_offset(value: str) -> str:
    """DuckDB also takes words such as `epoch` for a time, so a digit must come first."""
    return f"case when {value} >= '0' and {value} < ':' then try_cast({value} as timestamp) end"


def _has_offset(value: str) -> str:
    """Marks that only an offset has beside a time are looked for first: the expression costs four times as much."""
    is_likely = f"{value} like '%:%-%' or contains({value}, '+') or suffix({value}, 'Z') or suffix({value}, 'z')"
    return _where(is_likely, f"regexp_matches({value}, '{OFFSET}')")


def _where(is_likely: str, check: str) -> str:
    """`check` on the rows where it can hold; AND would compute both sides for every row."""
    return f"case when {is_likely} then {check} else false end"


def _iso_with_offset(value: str) -> str:
    """DuckDB takes no blank before the offset, so that is taken out where its own cast fails."""
    return (
        f"coalesce(try_cast({value} as timestamptz), "
        f"try_cast(regexp_replace({value}, ' ([+-]|[zZ])', '\\1') as timestamptz))"
    )


def _zoned(timestamp: str, zone: str | None) -> str:
    if zone is None:
        return "null::timestamptz"
    if zone in UTC_NAMES:
        return f"make_timestamptz(epoch_us({timestamp}))"  # twice as fast as going through the calendar
    return f"timezone({quote_literal(zone)}, {timestamp})"


@cache
def fixed_offset(zone: str) -> timedelta | None:
    """How far a zone's clocks are ahead of UTC, where they have not been put forward or back from FIXED_SINCE on.

    Asked of DuckDB, whose own calendar is what the answer stands for.
    """
    days = (date(LAST_YEAR, 12, 31) - FIXED_SINCE.date()).days
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        clock = f"(timestamp '{FIXED_SINCE.isoformat(sep=' ')}' + to_days(cast(range as integer)))"
        [(least, most)] = con.execute(
            f"select min(ahead), max(ahead) from (select epoch_us({clock}) - epoch_us(timezone(?, {clock})) as ahead "
            f"from range({days}))",
            [zone],
        ).fetchall()
    return timedelta(microseconds=least) if least == most else None


def _business_day(instant: str, zone: str) -> str:
    return f"cast(timezone({quote_literal(zone)}, {instant}) as date)"


def _unfit(column: Column, spec: ColumnSpec, zones: Zones) -> str:
    name = column.name
    if column.type in (ColumnType.TIMESTAMP, ColumnType.DATE):
        formats = ", ".join(spec.formats or ("iso",))
        if column.type is ColumnType.TIMESTAMP and zones.column is None:
            return f"{name} fits no format of its setting formats ({formats}), or has no offset and no time_zone is set"
        return f"{name} fits no format of its setting formats ({formats})"
    words = {ColumnType.BOOLEAN: "yes or no", ColumnType.INTEGER: "whole number"}
    return f"{name} is no {words.get(column.type, 'number in the stated style')}"


def _quoted(value: str, column: Column) -> str:
    return "" if column.is_personal else _quoted_text(value)


def _quoted_text(value: str) -> str:
    return (
        f" || coalesce({quote_literal(QUOTE_BEGINS)} || left(cast({value} as varchar), {QUOTED_LENGTH}) || chr(39), '')"
    )


def _cast_sum(column: Column, spec: ColumnSpec, sources: Sequence[SourceColumn], decimal: str) -> Cast:
    """Missing summands count as 0; all missing is missing; one that is no number spoils the row."""
    parts = []
    for source in sources:
        is_native = _is_native(column, source.type)
        raw = _present_value(source.sql, source.type) if is_native else _text_of(source.sql, source.type)
        parts.append((raw, _number(column.type, raw, source.type if is_native else "VARCHAR", spec.number, decimal)))
    total = " + ".join(f"coalesce({typed}, 0)" for _, typed in parts)
    all_missing = " and ".join(f"({raw}) is null" for raw, _ in parts)
    some_unfit = " or ".join(f"(({raw}) is not null and ({typed}) is null)" for raw, typed in parts)
    shown = " || ' + ' || ".join(f"coalesce(cast({raw} as varchar), '')" for raw, _ in parts)
    raw_name = quote_identifier(f"raw {column.name}")
    return Cast(
        raw=f"{{total: case when not ({some_unfit} or ({all_missing})) then cast({total} as {column.type.sql}) end, "
        f"unfit: {some_unfit}, shown: case when {some_unfit} then {shown} end}}",
        typed=f"{raw_name}.total",
        checks=(
            Check(
                f"{raw_name}.unfit",
                quote_literal(f"{column.name} is no number in the stated style") + _quoted(f"{raw_name}.shown", column),
            ),
            *value_checks(column, f"case when {raw_name}.unfit then 0 end"),
        ),
    )


def shown_reason(entity: Entity, reason: str) -> str:
    """A reason as a terminal may show it: without its value where that can be a person's.

    A wrong mapping reads names or phones as something else: of entities with personal columns no value is shown, of
    others none that looks like a contact point. Quarantine keeps the whole reason.
    """
    claim, quote, value = reason.partition(QUOTE_BEGINS)
    return claim if quote and (entity.personal_columns or looks_personal(value.removesuffix("'"))) else reason
