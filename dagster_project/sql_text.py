"""Quoting for SQL text: identifiers and literals. The one place where a value becomes SQL.

Settings and file names may hold anything, so nothing else in the project puts quotes around a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


def quote_identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """`value` as a SQL string literal. DuckDB knows no escape but the doubled quote."""
    return "'" + value.replace("'", "''") + "'"


def quote_instant(value: datetime) -> str:
    """A moment with its zone as a SQL literal of type timestamptz."""
    return f"timestamptz {quote_literal(value.isoformat())}"


def quote_list(values: Iterable[str]) -> str:
    """`values` as a SQL list of string literals, `['a', 'b']`."""
    return "[" + ", ".join(quote_literal(value) for value in values) + "]"
