"""What the files say of the company as a whole: its time zone, its money, its country, and when its history begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dagster_project.first_look.guesses import GuessedRead, is_chinese
from dagster_project.first_look.names import COUNTRIES, PLACE_OF_MONEY, alike

_COUNTRY_NAMES = ("country", "shipping country", "billing country", "国家")
_ZONE_OF_OFFSET = {"+08:00": "Asia/Shanghai", "+09:00": "Asia/Tokyo", "+05:30": "Asia/Kolkata"}


@dataclass(frozen=True)
class Guess:
    """A value and why; `is_doubtful` where somebody should look at it."""

    value: str
    why: str
    is_doubtful: bool = False


@dataclass(frozen=True)
class GuessedBusiness:
    """The section `business`."""

    time_zone: Guess
    currency: Guess
    country: Guess | None
    history_starts_on: Guess
    last_order_on: date | None

    @property
    def doubts(self) -> tuple[str, ...]:
        named = (
            ("business.time_zone", self.time_zone),
            ("business.currency", self.currency),
            ("business.history_starts_on", self.history_starts_on),
        )
        return tuple(f"{name} {guess.value}: {guess.why}" for name, guess in named if guess.is_doubtful)


def guess_business(
    reads: Sequence[GuessedRead], *, time_zone: str | None, currency: str | None, now: datetime
) -> GuessedBusiness:
    """The section, from what was given and what the values show."""
    country = _country(reads)
    chinese = is_chinese(reads)
    money = Guess(currency, "as given") if currency else _currency(reads, country, chinese)
    zone = Guess(time_zone, "as given") if time_zone else _time_zone(reads, country, money, chinese)
    code = _country_code(country, money, chinese)
    orders = [
        profile.times
        for read in [each for read in reads for each in (read, *read.joined)]
        if read.entity in ("orders", "order_lines")
        if (profile := read.profile("ordered_at")) is not None and profile.times is not None
    ]
    if orders:
        first = min(times.first for times in orders)
        last = max(times.last for times in orders)
        why = "the first order's day; no earlier day can be classified"
        starts = Guess(str(first.date()), why)
        if last > now:
            starts = Guess(str(first.date()), f"{why}. The last order lies in the future ({last:%Y-%m-%d})", True)
        return GuessedBusiness(zone, money, code, starts, last.date())
    starts = Guess(f"{now.year}-01-01", "no file holds orders with a time that was understood", is_doubtful=True)
    return GuessedBusiness(zone, money, code, starts, None)


def _country(reads: Sequence[GuessedRead]) -> tuple[str, str] | None:
    """The country of most rows and its name in the file, where a column names countries."""
    counts: Counter[str] = Counter()
    rows = 0
    for read in reads:
        for profile in read.looked.columns:
            if any(alike(profile.name, name) == 1.0 for name in _COUNTRY_NAMES):
                rows += profile.filled
                for value, count in profile.top:
                    if value.casefold() in COUNTRIES:
                        counts[value.casefold()] += count
    if not counts:
        return None
    name, count = counts.most_common(1)[0]
    return (COUNTRIES[name][0], name) if count * 2 > rows else None


def _facts(code: str) -> tuple[str, str]:
    return next((zone, money) for each, zone, money in COUNTRIES.values() if each == code)


def _currency(reads: Sequence[GuessedRead], country: tuple[str, str] | None, chinese: bool) -> Guess:
    stated: Counter[str] = Counter()
    for read in reads:
        profile = read.profile("currency")
        if profile is not None:
            stated.update({value.upper(): count for value, count in profile.top})
    if stated:
        code, count = stated.most_common(1)[0]
        others = len(stated) - 1
        why = "the currency of every row" if not others else f"the currency of {count:,} rows; {others} more need rates"
        return Guess(code, why, is_doubtful=bool(others))
    signs = Counter(sign for sign in _signs(reads))
    if signs:
        code, _ = signs.most_common(1)[0]
        if code == "USD":
            return Guess(code, "amounts have the sign $, which other dollars have too", is_doubtful=True)
        if code == "CNY" and not chinese:
            return Guess(code, "amounts have the sign ¥, which yen have too", is_doubtful=True)
        return Guess(code, "by the sign beside the amounts")
    if country is not None:
        return Guess(_facts(country[0])[1], f"most rows are of {country[1]}; no amount names its money", True)
    if chinese:
        return Guess("CNY", "the headers are Chinese; no amount names its money", is_doubtful=True)
    if any(read.looked.columns and _has_comma(read) for read in reads):
        return Guess("EUR", "numbers have a decimal comma; no amount names its money", is_doubtful=True)
    return Guess("USD", "nothing in the files names their money", is_doubtful=True)


def _time_zone(reads: Sequence[GuessedRead], country: tuple[str, str] | None, money: Guess, chinese: bool) -> Guess:
    offsets = {
        profile.times.offset for read in reads for profile in read.looked.columns if profile.times is not None
    } & set(_ZONE_OF_OFFSET)
    if len(offsets) == 1:
        offset = offsets.pop()
        return Guess(_ZONE_OF_OFFSET[offset], f"times carry the offset {offset}", is_doubtful=offset != "+08:00")
    if country is not None:
        return Guess(_facts(country[0])[0], f"most rows are of {country[1]}; no time names its zone", True)
    if chinese:
        return Guess("Asia/Shanghai", "the headers are Chinese; no time names its zone", is_doubtful=True)
    if money.value in PLACE_OF_MONEY and "nothing" not in money.why:
        return Guess(
            PLACE_OF_MONEY[money.value][1], f"a place that counts in {money.value}; no time names its zone", True
        )
    return Guess("UTC", "nothing in the files names a zone", is_doubtful=True)


def _country_code(country: tuple[str, str] | None, money: Guess, chinese: bool) -> Guess | None:
    if country is not None:
        return Guess(country[0], "where most rows are from")
    if chinese:
        return Guess("CN", "the headers are Chinese")
    if money.value in PLACE_OF_MONEY and money.value not in ("EUR", "USD"):
        return Guess(PLACE_OF_MONEY[money.value][0], f"counts in {money.value}")
    return None


def _signs(reads: Sequence[GuessedRead]) -> Iterator[str]:
    for read in reads:
        for profile in read.looked.columns:
            if profile.numbers is not None and profile.numbers.currency is not None:
                yield profile.numbers.currency


def _has_comma(read: GuessedRead) -> bool:
    return any(
        column.numbers is not None and column.numbers.marks[1] and not column.numbers.marks[0]
        for column in read.looked.columns
    )
