"""A company as in life, as the Parquet files that its shop exports: what a first run and the days after it land.

Orders are a function of their number (hashes, no seed), so every machine measures the same rows, whatever the size. One
customer in ten orders; customers come over time, buy most while they are new, and a few buy for good. Per thousand
orders of a file: 30 reach it late, by up to 30 days, 10 come again corrected, 2 unchanged, 1 stands in it twice; 30 are
refunded, some in part. Written as a stream: 100 million orders need no more memory than one million.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.steps import ORDERS_A_CUSTOMER
from dagster_project.sql_text import quote_literal

FIRST_DAY = date(2021, 1, 1)
LAST_DAY = date(2024, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
YEARS = 4
ZONE = "Asia/Shanghai"
LATE_CORRECTIONS = 1_000
CORRECTED_BACK_DAYS = 90  # what a late correction reaches back at most
MEMORY = "2GB"

SOURCES = f"""\
business:
  time_zone: {ZONE}
  currency: CNY
  history_starts_on: {FIRST_DAY}
sources:
  - name: shop
    kind: files
    time_zone: {ZONE}
    currency: CNY
    reads:
      - entity: orders
        path: inbox/orders-*.parquet
        columns:
          order_id: id
          customer_ref: customer
          ordered_at: placed_at
          status: {{ from: state, values: {{ done: completed, cancelled: cancelled, open: pending }} }}
          gross_amount: total
          discount_amount: discount
          cost_amount: cost
          channel: channel
          region: province
          updated_at: changed_at
      - entity: refunds
        path: inbox/refunds-*.parquet
        columns:
          refund_id: id
          order_id: order_id
          customer_ref: customer
          refunded_at: refunded_at
          amount: amount
"""


@dataclass(frozen=True)
class History:
    """Orders numbered from 0 to `orders`, evenly over the days from FIRST_DAY on; the day after goes on from there."""

    orders: int

    @property
    def customers(self) -> int:
        return max(self.orders // ORDERS_A_CUSTOMER, 1)

    def write_years(self, inbox: Path) -> None:
        """One file of orders and one of refunds a year, as an old system's history arrives."""
        inbox.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as con:
            con.execute(f"set memory_limit = '{MEMORY}'")
            for year in range(YEARS):
                first, end = self._first(year), self._first(year + 1)
                again = (
                    _sample(self._first(year - 1), first, 2, "again") if year else "select * from placed where false"
                )
                corrected = _corrected(first, end, one_in=100, at="changed_at + interval 3 days", times=1.1)
                orders = f"""
                    select * exclude (number) from placed where number >= {first} and number < {end}
                    union all select * exclude (number) from ({again})
                    union all select * exclude (number) from ({_sample(first, end, 1, "twice")})
                    union all select * exclude (number) from ({corrected})
                """
                self._write(
                    con, inbox / f"orders-{FIRST_DAY.year + year}.parquet", orders, (self._first(year - 1), end)
                )
                self._write(
                    con,
                    inbox / f"refunds-{FIRST_DAY.year + year}.parquet",
                    "from refunded",
                    (first, end),
                )

    def write_next_day(self, inbox: Path, corrections: int = LATE_CORRECTIONS) -> date:
        """The day after the history: its orders, some of them late, and old ones corrected. Returns the day.

        `corrections` orders of the last 90 days come again with another amount, spread evenly over these days.
        """
        day = LAST_DAY + timedelta(days=1)
        a_day = max(self.orders // DAYS, 1)
        first, end = self.orders, self.orders + a_day
        back = min(CORRECTED_BACK_DAYS * a_day, self.orders)
        one_in = max(back // corrections, 1)
        with duckdb.connect() as con:
            corrected = _corrected(
                first - back,
                first - back + one_in * min(corrections, back),
                one_in=one_in,
                at=f"timestamptz '{day} 12:00:00+08'",
                times=1.2,
            )
            self._write(
                con,
                inbox / f"orders-{day}.parquet",
                f"""
                select * exclude (number) from placed where number >= {first} and number < {end}
                union all select * exclude (number) from ({corrected})
                """,
                (first - back, end),
            )
        return day

    def _first(self, year: int) -> int:
        """The number of the first order of a year of the history."""
        return self.orders * max((date(FIRST_DAY.year + year, 1, 1) - FIRST_DAY).days, 0) // DAYS

    def _write(self, con: duckdb.DuckDBPyConnection, file: Path, select: str, numbers: tuple[int, int]) -> None:
        """Write to a name that no pattern matches first: a stopped benchmark leaves no half of a file to be landed."""
        con.execute("set TimeZone = 'UTC'")
        unfinished = file.with_suffix(".part")
        placed = _PLACED.format(
            first=numbers[0], end=numbers[1], orders=self.orders, customers=self.customers, days=DAYS, day=FIRST_DAY
        )
        con.execute(
            f"copy (with placed as ({placed}), refunded as ({_REFUNDED}) {select}) to {quote_literal(str(unfinished))} "
            "(format parquet, compression snappy, row_group_size 122880)"
        )
        unfinished.replace(file)


def _sample(first: int, end: int, per_thousand: int, word: str) -> str:
    return f"""
        select * from placed
        where number >= {first} and number < {end} and hash(number, '{word}') % 1000 < {per_thousand}
    """


def _corrected(first: int, end: int, *, one_in: int, at: str, times: float) -> str:
    """One order in so many again, with another total, changed `at`."""
    return f"""
        select * replace (cast(total * {times} as decimal(18, 2)) as total, {at} as changed_at)
        from placed
        where number >= {first} and number < {end} and (number - {first}) % {one_in} = 0
    """


# hash() of DuckDB is the same on every machine. `reached` customers have come by the time of an order: a fifth stood
# at the beginning, and so did an old one in two orders (small numbers most); the others are of the newest quarter.
_PLACED = """
    select
        number,
        '2' || lpad(cast(number as varchar), 11, '0') as id,
        'c' || case
            when hash(number, 'old') % 2 = 0 then cast(floor(share * share * reached) as bigint)
            else cast(floor(reached * (1 - 0.25 * share * share)) as bigint)
        end as customer,
        greatest(second - late, timestamptz '{day} 00:00:00+08') as placed_at,
        case when status < 20 then 'cancelled' when status < 25 then 'open' else 'done' end as state,
        cast(cents as decimal(18, 2)) / 100 as total,
        cast(case when cut = 0 then cents // 10 else 0 end as decimal(18, 2)) / 100 as discount,
        cast(cents // 2 as decimal(18, 2)) / 100 as cost,
        ['app', 'store', 'web', 'wechat'][1 + least(channel, 3)] as channel,
        ['Guangdong', 'Jiangsu', 'Zhejiang', 'Sichuan', 'Shanghai', 'Beijing'][1 + province] as province,
        second as changed_at
    from (
        select
            range as number,
            (hash(range, 'customer') % 1000000) / 1000000 as share,
            floor({customers} * (0.2 + 0.8 * least(range / {orders}, 1.0))) as reached,
            timestamptz '{day} 00:00:00+08' + to_seconds(range * {days} * 86400 // {orders}) as second,
            case when hash(range, 'late') % 1000 < 30
                then to_days(cast(1 + hash(range, 'by') % 30 as integer)) else to_days(0) end as late,
            hash(range, 'status') % 1000 as status,
            (500 + hash(range, 'cents') % 20000) * case when hash(range, 'big') % 10 = 0 then 8 else 1 end as cents,
            hash(range, 'cut') % 4 as cut,
            cast(hash(range, 'channel') % 5 as bigint) as channel,
            cast(hash(range, 'province') % 6 as bigint) as province
        from range({first}, {end})
    )
"""
_REFUNDED = """
    select
        'r' || id as id,
        id as order_id,
        customer,
        placed_at + to_days(cast(1 + hash(number, 'refunded') % 40 as integer)) as refunded_at,
        case when hash(number, 'part') % 3 = 0 then cast(total * 0.5 as decimal(18, 2)) else total - discount end
            as amount
    from placed
    where state = 'done' and hash(number, 'refund') % 1000 < 30
"""
