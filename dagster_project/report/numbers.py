"""How numbers and days are written in each language. Rounds half up, as people do, and only for showing."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from dagster_project.settings.publishing import Language

_SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£"}
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_SCALES = {
    Language.ENGLISH: ((10**9, "B"), (10**6, "M"), (10**3, "K")),
    Language.CHINESE: ((10**8, "亿"), (10**4, "万")),
}
NONE = "–"


def whole(value: int | Decimal) -> str:
    """1234.5 → 1,235."""
    return f"{Decimal(value).quantize(Decimal(1), ROUND_HALF_UP):,}"


def share(value: Decimal | float | None, digits: int = 1) -> str:
    """0.1234 → 12.3%; a small share that is not nothing shows as <0.1%."""
    if value is None:
        return NONE
    percent = Decimal(str(value)) * 100
    shown = percent.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if shown == 0 and percent > 0:
        return f"<{Decimal(1).scaleb(-digits)}%"
    return f"{shown}%"


def points(value: Decimal) -> str:
    """A difference of shares in points: 0.0621 → +6.2, -0.014 → −1.4, 0.0001 → 0.0."""
    shown = (100 * value).quantize(Decimal("0.1"), ROUND_HALF_UP)
    sign = "+" if shown > 0 else "−" if shown < 0 else ""
    return f"{sign}{abs(shown)}"


def p_value(value: Decimal) -> str:
    """0.0421 → 0.042; below a thousandth as <0.001."""
    return "<0.001" if value < Decimal("0.001") else decimals(value, 3)


def money(value: Decimal | None, currency: str) -> str:
    """1234.5 → $1,235, or CHF 1,235 for a currency without a sign of its own."""
    if value is None:
        return NONE
    sign = "−" if value < 0 else ""
    return f"{sign}{_symbol(currency)}{whole(abs(value))}"


def exact_money(value: Decimal, currency: str) -> str:
    """809.7603 → $809.76."""
    return f"{'−' if value < 0 else ''}{_symbol(currency)}{cents(abs(value))}"


def fine_money(value: Decimal | None, currency: str) -> str:
    """A sum a customer: below a hundred with its cents, above without; 3.456 → $3.46, 1234.5 → $1,235."""
    if value is None:
        return NONE
    return exact_money(value, currency) if 0 < abs(value) < 100 else money(value, currency)


def short_money(value: Decimal, currency: str, language: Language) -> str:
    """4596039.58 → $4.60M in English, $459.6万 in Chinese: three or four digits that can be read at a glance."""
    sign = "−" if value < 0 else ""
    for scale, letter in _SCALES[language]:
        if abs(value) >= scale:
            scaled = abs(value) / scale
            digits = 2 if scaled < 10 else 1 if scaled < 1000 else 0
            return f"{sign}{_symbol(currency)}{scaled.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}{letter}"
    return money(value, currency)


def long_day(day: date, language: Language) -> str:
    """1 January 2018, 2018年1月1日."""
    if language is Language.CHINESE:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def plain(value: Decimal) -> str:
    """A decimal with at most two digits after the point and none that say nothing: 91.00 → 91, 0.5 → 0.5."""
    shown = f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def decimals(value: Decimal, digits: int) -> str:
    """0.12345 with three digits → 0.123."""
    return f"{value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"


def cents(value: Decimal) -> str:
    """A sum of money without its sign: 1861.5 → 1,861.50."""
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def _symbol(currency: str) -> str:
    return _SYMBOLS.get(currency, f"{currency} ")
