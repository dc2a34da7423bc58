"""The bare script: `snapshot.sql` for each day, in one process and one connection, without Dagster or dbt.

python -m benchmarks.bare WAREHOUSE OUTPUT DAY...
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

SNAPSHOT = Path(__file__).with_name("snapshot.sql")


def main(warehouse: str, output: str, *days: str) -> None:
    """Write the snapshot tables of `days` into the new file `output`, from the tables of `warehouse`."""
    Path(output).unlink(missing_ok=True)
    statements = statements_of(SNAPSHOT)
    # The tables and macros at its head are made once, whatever the days; what is made anew for each says so.
    begin = next(place for place, statement in enumerate(statements) if "create or replace" in statement)
    once, daily = statements[:begin], statements[begin:]
    with duckdb.connect(output) as con:
        con.execute(f"attach '{warehouse}' as strata (read_only)")
        for statement in once:
            con.execute(statement)
        con.execute("set variable zone = 'UTC'")
        for day in days:
            con.execute("set variable as_of_date = cast(? as date)", [day])
            for statement in daily:
                con.execute(statement)


def statements_of(file: Path) -> list[str]:
    """The statements of a script, each without its semicolon, which stands at the end of a line."""
    return [part for part in file.read_text(encoding="utf-8").split(";\n") if part.strip()]


if __name__ == "__main__":
    main(*sys.argv[1:])
