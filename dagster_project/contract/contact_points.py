"""Contact points: what makes a phone, an e-mail address or a WeChat id well-formed, their one normal form, their keyed
hash.

Matching and lists use the normal form; the plain value as the source gave it stays in the personal batch.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

import phonenumbers

# Addresses that people use, not all that RFC 5322 allows: quoted local parts and bare hosts are typing errors here.
_EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]\\]{1,64}@(?=.{4,255}$)([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{1,62}")
# WeChat's own rule is 6 to 20 letters, digits, _ and -, a letter first; ids given before it are wxid_… or digits.
_WECHAT = re.compile(r"[a-z0-9][a-z0-9_-]{4,29}")


@dataclass(frozen=True)
class ContactPoint:
    """A contact point's normal form, and whether it is well-formed. What is not well-formed is never matched."""

    normal: str
    is_valid: bool


def normalise_phone(text: str, default_country: str | None) -> ContactPoint:
    """E.164 by Google's rules (phonenumbers).

    Numbers without a country code belong to `default_country`; without one they are not well-formed.
    """
    try:
        number = phonenumbers.parse(text, default_country)
    except phonenumbers.NumberParseException:
        return ContactPoint(text, False)
    if not phonenumbers.is_valid_number(number):
        return ContactPoint(text, False)
    return ContactPoint(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), True)


def normalise_email(text: str) -> ContactPoint:
    """Stripped, in lower case."""
    normal = text.strip().lower()
    return ContactPoint(normal, _EMAIL.fullmatch(normal) is not None and ".." not in normal)


def normalise_wechat(text: str) -> ContactPoint:
    """Stripped, in lower case: WeChat ids do not tell cases apart."""
    normal = text.strip().lower()
    return ContactPoint(normal, _WECHAT.fullmatch(normal) is not None)


def keyed_hash(value: str, key: str, *, kind: str) -> str:
    """HMAC-SHA-256 of `value` under the installation's key, in hex; `kind` keeps equal texts of two kinds apart."""
    return hmac.new(key.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()
