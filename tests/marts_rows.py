"""Rows into a table of a test's warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import duckdb


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add `rows` to `table`."""
    for listed in batched(rows, 200):
        values = ", ".join(f"({', '.join('?' * len(row))})" for row in listed)
        con.execute(f"insert into {table} values {values}", [value for row in listed for value in row])


def batched(rows: Iterable[tuple[Any, ...]], size: int) -> Iterable[list[tuple[Any, ...]]]:
    """`rows` in lists of at most `size`: one statement a list is forty times faster than one a row."""
    remaining = iter(rows)
    while listed := list(islice(remaining, size)):
        yield listed
