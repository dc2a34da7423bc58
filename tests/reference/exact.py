"""Exact numbers: money in integer cents, ratios as fractions, rounding only where a ratio is published."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import pandas as pd

Number = int | Decimal | Fraction
Observed = TypeVar("Observed", int, Decimal, Fraction)


def is_missing(value: Any) -> bool:
    """None, NaN, NaT and NA alike."""
    return value is None or bool(pd.isna(value))


def to_day(value: Any) -> date:
    """A date out of a date, a datetime or a pandas timestamp (its own wall-clock day)."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise TypeError(f"not a day: {value!r}")


def to_cents(amount: Any) -> int | None:
    """Money as whole cents. A float or a fraction of a cent is refused: it has already lost exactness."""
    if is_missing(amount):
        return None
    if isinstance(amount, float):
        raise TypeError(f"money must be exact, not a float: {amount!r}")
    cents = Fraction(Decimal(str(amount))) * 100
    if cents.denominator != 1:
        raise ValueError(f"money has two decimals at most: {amount!r}")
    return cents.numerator


def to_money(cents: int | None) -> Decimal | None:
    """Whole cents as a decimal with two places."""
    return None if cents is None else decimal_of_digits(cents, 2)


def decimal_of_digits(digits: int, places: int) -> Decimal:
    """digits / 10 ** places as a decimal, whatever the precision of the current decimal context."""
    magnitude = tuple(int(digit) for digit in str(abs(digits)))
    return Decimal((1 if digits < 0 else 0, magnitude, -places))


def rounded(value: Number, places: int = 6) -> Decimal:
    """The value with a fixed number of places, halves away from zero."""
    scaled = Fraction(value) * 10**places
    # floor(|x| + 1/2) in integers; the sign comes back afterwards, so that halves go away from zero on both sides
    magnitude = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    return decimal_of_digits(-magnitude if scaled < 0 else magnitude, places)


def ratio(numerator: Number, denominator: Number) -> Decimal | None:
    """A published share: six digits, and nothing where the denominator is 0."""
    if denominator == 0:
        return None
    return rounded(Fraction(numerator) / Fraction(denominator))


def exact_decimal(value: Number) -> Decimal:
    """A fraction that ends (halves, quarters, times a decimal factor) as a decimal, unrounded."""
    fraction = Fraction(value)
    for places in range(40):
        scaled = fraction * 10**places
        if scaled.denominator == 1:
            return decimal_of_digits(scaled.numerator, places)
    raise ValueError(f"{fraction} has no finite decimal form")


def median(values: Iterable[Number]) -> Fraction:
    """The middle value, or the mean of the two middle ones, unrounded."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing has no median")
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return Fraction(ordered[middle])
    return (Fraction(ordered[middle - 1]) + Fraction(ordered[middle])) / 2


def cut_point(values: Iterable[Observed], k: int, n: int) -> Observed:
    """Cut k of n: the smallest observed value with at least k/n of all values at or below it."""
    ordered = sorted(values)
    needed = -(-k * len(ordered) // n)  # the smallest count with count / len ≥ k / n, hence rounded up
    return ordered[needed - 1]


def cut_points(values: Sequence[int], bins: int) -> list[int]:
    """Cut k of n for k = 1 … n − 1."""
    return [cut_point(values, k, bins) for k in range(1, bins)]


class Percentiles:
    """p(x): the share of a population strictly below x, six digits."""

    def __init__(self, population: Iterable[Number]) -> None:
        self._ordered = sorted(Fraction(value) for value in population)

    def of(self, value: Number | None) -> Decimal | None:
        """None where the value is unknown or the population is empty."""
        if value is None:
            return None
        return ratio(bisect_left(self._ordered, Fraction(value)), len(self._ordered))
