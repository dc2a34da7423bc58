"""Landing measured: orders as CSV, Parquet and a table of PostgreSQL, against bare DuckDB `COPY` with its casts.

Orders are as shops have them: customers who buy often and seldom, rows that come late, one in a hundred sent again
(most of them corrected, under a newer time), refunds, and one in a thousand that is no order. Each kind is landed into
an installation of its own, as a process of its own. Every row that landed is compared with the bare script's, value by
value, and the rows that were left out are counted from the generator.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgresql
import duckdb

from benchmarks.bare_landing import TIME_ZONE
from benchmarks.measuring import measure
from benchmarks.postgresql_server import postgresql_server
from benchmarks.steps import Comparison, Say, Step
from dagster_project.landing import Manifest
from dagster_project.settings import load_settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.sql_text import quote_identifier, quote_list, quote_literal

NAMES = {"csv": "CSV", "parquet": "Parquet", "postgresql": "PostgreSQL"}
# Rows of a batch on the way to PostgreSQL, so that any number of orders fits into memory.
ROWS_AT_ONCE = 100_000
AIM = 1.5


def measure_landing(folder: Path, size: int, say: Say) -> list[Comparison]:
    """Land and copy `size` rows of each kind below `folder`.

    Raises:
        RuntimeError: a process failed, or a row is not what the bare script wrote.
    """
    generated = folder / "generated.parquet"
    say(f"{size:,} orders: generating")
    generate(generated, size)
    return [_measure(folder / kind, generated, kind, size, say) for kind in NAMES]


STEP = Step(
    name="landing",
    title="Landing",
    floor="`benchmarks/bare_landing.py`: DuckDB's COPY to Parquet with the casts of the mapping; for PostgreSQL, of "
    "what ADBC gives",
    measure=measure_landing,
)


def generate(file: Path, orders: int) -> None:
    """Write so many rows as typed Parquet, in the order in which a shop would export them."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(
            f"copy ({_ORDERS}) to {quote_literal(str(file))} (format parquet, compression zstd)",
            {"orders": orders, "customers": max(orders // 10, 1)},
        )


def _measure(folder: Path, generated: Path, kind: str, orders: int, say: Say) -> Comparison:
    (folder / "data" / "inbox").mkdir(parents=True)
    (folder / "config").mkdir()
    for name in ("standards.yaml", "publishing.yaml"):
        shutil.copy(PROJECT_ROOT / "config" / name, folder / "config")
    (folder / "config" / "sources.yaml").write_text(_sources(kind), encoding="utf-8")
    copied = folder / "copied.parquet"
    with _source(folder, generated, kind) as source:
        environment = {**os.environ, "STRATA_SHOP_URL": source}
        say(f"{kind}, by the bare script")
        bare = measure([sys.executable, "-m", "benchmarks.bare_landing", kind, source, str(copied)], environment)
        say(f"{kind}, landed")
        landing = measure([sys.executable, "-m", "benchmarks.landing_once", str(folder)], environment)
    _refuse_other_rows(folder, copied, kind)
    shutil.rmtree(folder)
    return Comparison("landing", NAMES[kind], orders, landing, bare, AIM)


def _sources(kind: str) -> str:
    origin = {
        "csv": "path: inbox/orders.csv",
        "parquet": "path: inbox/orders.parquet",
        "postgresql": "table: public.orders\n        watermark: updated",
    }[kind]
    return f"""\
business: {{ time_zone: {TIME_ZONE}, currency: CNY, history_starts_on: 2021-01-01 }}
sources:
  - name: shop
    kind: {"database" if kind == "postgresql" else "files"}
    time_zone: {TIME_ZONE}
    currency: CNY
    reads:
      - entity: orders
        {origin}
        columns:
          order_id: id
          customer_ref: customer
          ordered_at: placed
          status: status
          gross_amount: total
          discount_amount: discount
          channel: channel
          region: region
          refund_amount: refund
          refunded_at: refunded
          updated_at: updated
"""


@contextmanager
def _source(folder: Path, generated: Path, kind: str) -> Iterator[str]:
    """The rows as this kind has them: a file in the inbox, or the address of a server that has the table."""
    rows = f"read_parquet({quote_literal(str(generated))})"
    inbox = folder / "data" / "inbox"
    if kind == "parquet":
        file = inbox / "orders.parquet"
        shutil.copy(generated, file)
        yield str(file)
    elif kind == "csv":
        file = inbox / "orders.csv"
        local = ", ".join(
            f"strftime(timezone({quote_literal(TIME_ZONE)}, {name}), '%Y-%m-%d %H:%M:%S') as {name}"
            for name in ("placed", "refunded", "updated")
        )
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute(f"copy (select * replace ({local}) from {rows}) to {quote_literal(str(file))} (header)")
        yield str(file)
    else:
        with postgresql_server(folder / "server") as url:
            _fill(url, rows)
            yield url


def _fill(url: str, rows: str) -> None:
    """A table as a shop has it, with its amounts as numeric and an index on the column that tells what is new."""
    with (
        duckdb.connect() as con,
        postgresql.connect(url, autocommit=True) as server,
        server.cursor() as cursor,
    ):
        con.execute("set TimeZone = 'UTC'")
        sent = con.sql(f"select * from {rows}").to_arrow_reader(ROWS_AT_ONCE)
        cursor.adbc_ingest("orders", sent, mode="create")
        cursor.execute("create index on orders (updated)")
        cursor.execute("analyze orders")


def _refuse_other_rows(folder: Path, copied: Path, kind: str) -> None:
    """Raise unless each stored row equals the bare script's in all its values, and as many are refused as are bad."""
    manifest = Manifest.load(load_settings(folder / "config", folder / "data").paths)
    files = [str(manifest.absolute(batch.path)) for batch in manifest.batches if batch.path]
    refused = sum(batch.rejected for batch in manifest.batches)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        bare, landed = f"read_parquet({quote_literal(str(copied))})", f"read_parquet({quote_list(files)})"
        names = [name for (name,) in con.execute(f"select column_name from (describe from {bare})").fetchall()]
        listed = ", ".join(map(quote_identifier, names))
        good = f"select {listed} from {bare} where customer_ref is not null and gross_amount >= 0"
        # A row that came twice with the same values stands once in the batches.
        [(differing,)] = con.execute(
            f"""
            select count(*) from (
                (select distinct * from ({good}) except all select {listed} from {landed})
                union all
                (select {listed} from {landed} except all select distinct * from ({good}))
            )
            """
        ).fetchall()
        [(bad,)] = con.execute(f"select count(*) from {bare} where customer_ref is null or gross_amount < 0").fetchall()
    if differing or bad != refused:
        raise RuntimeError(
            f"{kind}: {differing:,} rows differ from the bare script's; {refused:,} refused, {bad:,} bad"
        )


# hash() of DuckDB is the same on every machine; squaring a share piles orders up on the customers with small numbers.
_ORDERS = """
    with numbered as (
        select
            range as place,
            case
                when range > 1000 and hash(range, 'again') % 100 = 0
                    then range - 1 - cast(hash(range, 'back') % 1000 as bigint)
                else range
            end as number
        from range($orders)
    ),
    drawn as (
        select
            number,
            place <> number and hash(place, 'corrected') % 4 <> 0 as is_corrected,
            (hash(number, 'customer') % 1000000) / 1000000 as customer_share,
            timestamptz '2021-01-01 00:00:00+08' + to_seconds(
                greatest(number * 126230400 // $orders - cast(
                    case
                        when hash(number, 'late') % 50 = 0 then hash(number, 'lateness') % 5000000
                        else hash(number, 'second') % 3600
                    end as bigint
                ), 0)
            ) as placed,
            cast(hash(number, 'cents') % 20000 + 100 as integer) as cents,
            hash(number, 'status') % 50 as status,
            hash(number, 'discount') % 4 as discount,
            hash(number, 'channel') % 3 as channel,
            hash(number, 'region') % 31 as region,
            hash(place, 'bad') % 2000 as bad
        from numbered
    )
    select
        'SO-' || lpad(cast(number as varchar), 9, '0') as id,
        case when bad <> 0 then 'C' || cast(floor(customer_share * customer_share * $customers) as bigint) end
            as customer,
        placed,
        case status when 0 then 'cancelled' when 1 then 'refunded' else 'completed' end as status,
        cast(case when bad = 1 then -cents when is_corrected then cents + 50 else cents end / 100 as decimal(18, 2))
            as total,
        case when discount = 0 then cast(cents // 10 / 100 as decimal(18, 2)) end as discount,
        ['app', 'store', 'web'][cast(channel as integer) + 1] as channel,
        'region ' || region as region,
        case when status = 1 then cast(cents // 2 / 100 as decimal(18, 2)) end as refund,
        case when status = 1 then placed + interval 9 days end as refunded,
        placed
        + case when status = 1 then interval 9 days else interval 0 days end
        + case when is_corrected then interval 10 days else interval 1 minute end as updated
    from drawn
"""
