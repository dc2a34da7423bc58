"""Contact points: what makes a phone, an e-mail address or a WeChat id well-formed, their one normal form, their keyed
hash.

Matching and lists use the normal form; the plain value as the source gave it stays in the personal batch.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from dagster_project.sql_text import quote_literal

# Addresses that people use, not all that RFC 5322 allows: quoted local parts and bare hosts are typing errors here.
_EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]\\]{1,64}@(?=.{4,255}$)([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{1,62}")
# WeChat's own rule is 6 to 20 letters, digits, _ and -, a letter first; ids given before it are wxid_… or digits.
_WECHAT = re.compile(r"[a-z0-9][a-z0-9_-]{4,29}")
# What people write where there is no id; two who both write it are not one person.
_NO_WECHAT = frozenset({"unknown", "wechat", "weixin", "nowechat", "no-wechat", "no_wechat", "no-id", "no_id"})

_EXTENSION_WORDS = re.compile(r"\s*(?:转接?|轉|分机号?|分機|内线|內線)\s*:?\s*")
_NOTE = re.compile(r"\s*\([^()\d]*\)\s*$")  # whose number it is, say
_DASHED_EXTENSION = re.compile(r"(.*\d.*)-\s*(\d{1,6})\s*")
_EXTENSION = re.compile(r"[;,]?\s*(?:ext(?:n|ension)?|x|#)[.=:\s]*\d{1,7}\s*$", re.IGNORECASE)
_LETTERS_AMONG_DIGITS = re.compile(r"\d.*[A-Za-z]", re.DOTALL)  # phonenumbers would dial them
_INTERNATIONAL_ZEROS = re.compile(r"[^\d+]*00")
_DECIMALS = re.compile(r"(\d+)\.0+")

# In any text: an address, an international number or a mainland mobile by itself. Plain runs of digits are ids, and are
# let pass. RE2 and Python read both alike.
_SEEMS_EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"
_SEEMS_PHONE = r"(\+\d[\d ().-]{8,}\d)|(^1[3-9]\d{9}$)"


@dataclass(frozen=True)
class ContactPoint:
    """A contact point's normal form, and whether it is well-formed. What is not well-formed is never matched."""

    normal: str
    is_valid: bool


def looks_personal(text: str) -> bool:
    """Whether a text holds what looks like an e-mail address or a phone."""
    return re.search(f"{_SEEMS_EMAIL}|{_SEEMS_PHONE}", text) is not None


def looks_personal_sql(expression: str) -> str:
    """The same in SQL, of an expression that is text."""
    return f"regexp_matches({expression}, {quote_literal(f'{_SEEMS_EMAIL}|{_SEEMS_PHONE}')})"


def normalise_phone(text: str, default_country: str | None) -> ContactPoint:
    """E.164 by Google's rules (phonenumbers), with `;ext=` where the number has an extension.

    00 means + everywhere. Numbers without a country code belong to `default_country`; without one they are not
    well-formed. A number with letters, or two numbers in one, is not either.
    """
    for form in _phone_forms(_readable(text)):
        if _LETTERS_AMONG_DIGITS.search(_EXTENSION.sub("", form)):
            continue
        try:
            number = phonenumbers.parse(form, default_country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            # Colleagues share a switchboard; the extension tells them apart.
            return ContactPoint(f"{normal};ext={number.extension}" if number.extension else normal, True)
    return ContactPoint(text, False)


def _phone_forms(text: str) -> Iterator[str]:
    """The text as it may be meant, the likeliest first: as it is, 00 as +, the last group as an extension (…-801)."""
    whole = _DECIMALS.fullmatch(text.strip())  # a spreadsheet's number
    plain = _EXTENSION_WORDS.sub(" ext. ", whole[1] if whole else _NOTE.sub("", text))
    forms = [plain]
    if _INTERNATIONAL_ZEROS.match(plain):
        forms.append(_INTERNATIONAL_ZEROS.sub("+", plain, count=1))
    yield from forms
    for form in forms:
        if dashed := _DASHED_EXTENSION.fullmatch(form):
            yield f"{dashed[1]} ext. {dashed[2]}"


def normalise_email(text: str) -> ContactPoint:
    """Stripped, in lower case and with one spelling of wide letters and of international domains; dots stay."""
    local, at, domain = _readable(text).strip().lower().rpartition("@")
    normal = f"{local}{at}{'.'.join(_unicode_label(label) for label in domain.split('.'))}"
    return ContactPoint(normal, _EMAIL.fullmatch(normal) is not None and ".." not in normal)


def _unicode_label(label: str) -> str:
    """A label of a domain as people write it: xn--bcher-kva is bücher."""
    if not label.startswith("xn--"):
        return label
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def normalise_wechat(text: str) -> ContactPoint:
    """Stripped, in lower case: WeChat ids do not tell cases apart."""
    normal = _readable(text).strip().lower()
    return ContactPoint(normal, _WECHAT.fullmatch(normal) is not None and normal not in _NO_WECHAT)


def _readable(text: str) -> str:
    """Full-width characters as plain ones, and without those that nobody sees: byte order and direction marks."""
    plain = unicodedata.normalize("NFKC", text)
    if plain.isascii():
        return plain
    return "".join(character for character in plain if unicodedata.category(character) != "Cf")


def keyed_hash(value: str, key: str, *, kind: str) -> str:
    """HMAC-SHA-256 of `value` under the installation's key, in hex; `kind` keeps equal texts of two kinds apart."""
    return hmac.new(key.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()
