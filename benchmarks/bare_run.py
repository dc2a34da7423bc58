"""The bare script of a first run: from landed batches to the snapshot of a day and its Parquet files, in one process.

python -m benchmarks.bare_run WAREHOUSE LANDING OUTPUT ZONE DAY [MONTH_ENDS]

It learns from at most MONTH_ENDS of the day's month ends, from all of them unless told. What it cannot know by itself
(labels and plans of the standard, month ends to learn from, columns of the tables) it reads from WAREHOUSE.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.bare import SNAPSHOT, statements_of
from dagster_project.sql_text import quote_literal

START = Path(__file__).with_name("first_run.sql")
PAST = Path(__file__).with_name("first_run_past.sql")
END = Path(__file__).with_name("first_run_end.sql")
TABLES = (
    "customer_segments",
    "customer_features",
    "customer_rfm",
    "customer_lifecycle",
    "customer_value",
    "customer_needs",
    "customer_behaviours",
    "customer_matrices",
    "dim_customers",
    "segment_history",
    "segment_summary",
    "return_rates",
    "classification_backtest",
)  # which are published, too
BASE = (
    "staging.stg_orders",
    "identity.customer_aliases",
    "intermediate.int_customer_days",
    "intermediate.int_customers_first_seen",
)


def main(warehouse: str, landing: str, output: str, zone: str, day: str, month_ends: str | None = None) -> None:
    """Write the tables into a file in the new folder `output`, and the published ones as Parquet and a second file."""
    folder = Path(output)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        con.execute(f"attach {quote_literal(warehouse)} as strata (read_only)")
        con.execute("set variable zone = ?", [zone])
        con.execute("set variable as_of_date = cast(? as date)", [day])
        for entity in ("orders", "refunds"):
            files = sorted(str(file) for file in (Path(landing) / "batches" / entity).glob("*.parquet"))
            con.execute(f"set variable {entity} = ?", [files])
        for statement in statements_of(START):
            con.execute(statement)
        for statement in statements_of(SNAPSHOT):
            for schema in ("staging", "identity", "intermediate"):
                statement = statement.replace(f"strata.{schema}.", f"warehouse.{schema}.")
            con.execute(statement)
        past = statements_of(PAST)
        learnt = "select reference_on from strata.control.reference_days where as_of_date = ? order by 1 limit ?"
        for (month_end,) in con.execute(learnt, [day, None if month_ends is None else int(month_ends)]).fetchall():
            con.execute("set variable reference_on = ?", [month_end])
            for statement in past:
                con.execute(statement)
        for statement in statements_of(END):
            con.execute(statement)
        con.execute(f"attach {quote_literal(str(folder / 'serving.duckdb'))} as serving")
        for table in TABLES:
            con.execute(f"copy {table} to {quote_literal(str(folder / f'{table}.parquet'))} (compression zstd)")
            con.execute(f"create table serving.{table} as from {table}")


if __name__ == "__main__":
    main(*sys.argv[1:])
