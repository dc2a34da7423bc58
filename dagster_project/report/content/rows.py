"""Asking the warehouse, as rows."""

from __future__ import annotations

from typing import Any

import duckdb


def rows_of(con: duckdb.DuckDBPyConnection, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement with its named values."""
    return con.execute(statement, values).fetchall() if values else con.execute(statement).fetchall()
