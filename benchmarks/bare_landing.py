"""The bare script: orders cast and written to one Parquet file by DuckDB's COPY, and nothing more.

python -m benchmarks.bare_landing KIND SOURCE OUTPUT

KIND is csv, parquet or postgresql; SOURCE a file or an address. Values that do not cast become NULL, as a bare script
would leave them: refusing rows, telling why, comparing with what has landed and lineage are what landing adds.
"""

from __future__ import annotations

import sys

import duckdb

TIME_ZONE = "Asia/Shanghai"
COLUMNS = (
    "id", "customer", "placed", "status", "total", "discount", "channel", "region", "refund", "refunded", "updated"
)  # fmt: skip


def select(kind: str, relation: str) -> str:
    """SQL of the orders as the contract types them."""

    def instant(name: str) -> str:
        if kind == "csv":
            return f"timezone('{TIME_ZONE}', try_cast({name} as timestamp))"
        return f"cast({name} as timestamptz)"

    def money(name: str) -> str:
        return f"try_cast({name} as decimal(18, 2))"

    return f"""
        select
            id as order_id, customer as customer_ref, {instant("placed")} as ordered_at, status,
            {money("total")} as gross_amount, {money("discount")} as discount_amount, channel, region,
            {money("refund")} as refund_amount, {instant("refunded")} as refunded_at, {instant("updated")} as updated_at
        from {relation}
    """


def main(kind: str, source: str, output: str) -> None:
    """Write the orders of `source` as typed columns to `output`."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        copy = f"copy ({{}}) to '{output}' (format parquet, compression zstd)"
        if kind == "csv":
            con.execute(copy.format(select(kind, f"read_csv('{source}', header = true, all_varchar = true)")))
        elif kind == "parquet":
            con.execute(copy.format(select(kind, f"read_parquet('{source}')")))
        else:
            import adbc_driver_postgresql.dbapi as postgresql

            with postgresql.connect(source) as server, server.cursor() as cursor:
                cursor.execute(f"select {', '.join(COLUMNS)} from orders")
                con.register("fetched", cursor.fetch_record_batch())
                con.execute(copy.format(select(kind, "fetched")))


if __name__ == "__main__":
    main(*sys.argv[1:])
