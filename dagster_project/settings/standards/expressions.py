"""Boolean expressions over feature columns."""

from __future__ import annotations

import sqlglot
from sqlglot import exp


def check_expression(text: str) -> None:
    """Raises a fault where `text` is more than a boolean expression over feature columns."""


def expression_sql(text: str, row: str | None = None) -> str:
    """The expression in DuckDB's words; with `row`, each column as a field of it."""
    tree = sqlglot.parse_one(text, dialect="duckdb")
    if row is not None:
        for column in tree.find_all(exp.Column):
            column.set("table", exp.to_identifier(row))
    return tree.sql(dialect="duckdb", comments=False)
