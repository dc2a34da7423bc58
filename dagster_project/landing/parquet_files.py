"""One Parquet file of landing in SQL: its rows, and rows as a file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dagster_project.sources.files import glob_free
from dagster_project.sql_text import quote_literal

ROW_GROUP_ROWS = 122_880


def file_sql(path: Path, *options: str) -> str:
    """SQL of the file's rows, read with these options; a folder above it that is called such as a=b adds no column."""
    return f"read_parquet({', '.join([quote_literal(glob_free(path)), 'hive_partitioning = false', *options])})"


def write_file(con: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    """Write the rows of `select`, in its order, as a file of landing."""
    con.execute(
        f"copy ({select}) to {quote_literal(str(path))} "
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
    )
