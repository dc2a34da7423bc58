"""Files of any size and format land alike: each row at its own place, whether rows are held or streamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from landing_workshop import NOW, Workshop

from dagster_project.landing import land
from dagster_project.landing.quarantine import list_quarantine

ORDERS = """
  - name: shop
    currency: USD
    time_zone: UTC
    reads:
      - entity: orders
        path: inbox/*.{ending}
        columns:
          order_id: id
          customer_ref: who
          ordered_at: at
          gross_amount: total
          updated_at: changed
"""
# More than one thread's part of a CSV file (64 MiB), or than two row groups of Parquet (122,880 rows).
LARGE = {"csv": (100_000, 750), "parquet": (300_000, 1)}
# Shares of a file's rows that stand twice, that say what has landed, and that correct it.
OVERLAPS = {"few": 50, "most": 2}
# Around the last time that clocks of China were put back, and through a year of summer and winter time.
CLOCKS = (
    *(
        "1950-06-01 12:00:00",
        "1988-07-01 12:00:00",
        "1991-09-14 12:00:00",
        "1991-12-31 23:59:59",
        "1992-01-01 00:00:00",
    ),
    *("2024-01-15 23:30:00", "2024-07-15 00:30:00", "2024-11-20T08:15:30", "2199-06-30 12:00:00"),
)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def export(workshop: Workshop, name: str, select: str) -> None:
    """Write the rows of a query into the inbox, as CSV or Parquet by the name."""
    options = "header" if name.endswith("csv") else "format parquet"
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"copy ({select}) to '{workshop.inbox / name}' ({options})")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_of_a_large_file_land_in_its_order_and_refused_ones_with_their_own_text(
    workshop: Workshop, ending: str
) -> None:
    rows, width = LARGE[ending]
    export(
        workshop,
        f"orders.{ending}",
        f"""
        select
            'o' || range as id, case when range % 1000 <> 7 then 'c' || range % 100 end as who,
            timestamp '2024-01-01' + to_seconds(range) as at, 1.5 as total,
            timestamp '2024-01-01' + to_seconds(range) as changed, repeat('x', {width}) as note
        from range({rows})
        """,
    )
    workshop.land(ORDERS.format(ending=ending))
    [batch] = workshop.manifest.batches
    landed = f"read_parquet('{workshop.manifest.absolute(batch.path or '')}', file_row_number = true)"
    found = duckdb.sql(
        f"select count(*), count(*) filter (order_id = 'o' || (row_number - 1)), "
        f"count(*) filter (row_number - 1 = file_row_number + (row_number + 991) // 1000) from {landed}"
    ).fetchall()
    assert found == [(rows - rows // 1000,) * 3]
    refused = list_quarantine(workshop.paths)
    assert refused["row_number"].to_pylist() == [number + 8 for number in range(0, rows, 1000)]
    assert [f'"id":"o{number + 7}"' in text for number, text in zip(
        range(0, rows, 1000), refused["original"].to_pylist(), strict=True
    )] == [True] * (rows // 1000)  # fmt: skip


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_a_file_lands_alike_as_csv_and_as_parquet(tmp_path: Path, overlap: str) -> None:
    one_in = OVERLAPS[overlap]
    told = []
    for ending in ("csv", "parquet"):
        workshop = Workshop(tmp_path / ending)
        workshop.root.mkdir()
        for number in range(3):
            # Numbers of the file before come again, equal or corrected; some stand twice, some rows are bad.
            export(
                workshop,
                f"{number}.{ending}",
                f"""
                select
                    'o' || case when hash(range, {number}) % {one_in} = 0 then range - 400 - range % 3 else range end
                        as id,
                    case when hash(range, 'bad', {number}) % 60 > 0 then 'c' || range % 50 end as who,
                    timestamptz '2024-01-01 00:00:00+00' + to_hours(cast(range as bigint)) as at,
                    cast(10 + hash(range, {number}) % 3 as decimal(18, 2)) as total,
                    timestamptz '2024-02-01 00:00:00+00' + to_days(cast(hash(range) % 2 as integer)) as changed
                from range({number} * 500 + 1000, {number} * 500 + 2000)
                """,
            )
            workshop.land(ORDERS.format(ending=ending))
        batches = [
            (
                *(each.new, each.changed, each.unchanged, each.rejected),
                *(each.first_event_on, each.last_event_on, each.earliest_changed_on),
                dict(each.reasons),
            )
            for each in workshop.manifest.batches
        ]
        rows = workshop.rows("select * exclude (batch_id, source_file) from orders order by batch_sequence, row_number")
        told.append((batches, rows, sorted(list_quarantine(workshop.paths)["row_number"].to_pylist())))
    assert told[0] == told[1]
    counts = [batch[:4] for batch in told[0][0]]
    assert all(all(count > 0 for count in each) for each in counts[1:]), counts


def test_rows_that_are_more_than_memory_holds_land_all_the_same(workshop: Workshop) -> None:
    rows = 400_000
    export(
        workshop,
        "orders.csv",
        f"""
        select
            'order number ' || range as id, 'customer number ' || range % 1000 as who, timestamp '2024-01-01' as at,
            1.5 as total, timestamp '2024-01-01' as changed
        from range({rows})
        """,
    )
    settings = workshop.settings(ORDERS.format(ending="csv"))
    little = replace(settings, environment=replace(settings.environment, memory_limit="60MB"))
    [batch] = land(little, now=NOW).batches
    assert (batch.new, batch.rejected) == (rows, 0)
    assert workshop.rows("select count(distinct order_id), max(row_number) from orders") == [(rows, rows)]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "UTC"])
def test_times_without_an_offset_are_what_clocks_of_the_zone_showed(workshop: Workshop, zone: str) -> None:
    clocks = [datetime.fromisoformat(text) for text in CLOCKS]
    told = [each.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for each in clocks]
    # A Z in the place of a digit, or an offset in as many characters, says the zone.
    written = [*CLOCKS, "2024-01-01 10:00:5Z", "2024-1-1 1:00+08:00", " 2024-07-01T10:00:00 "]
    told += [
        datetime(2024, 1, 1, 10, 0, 5, tzinfo=UTC),
        datetime(2023, 12, 31, 17, 0, tzinfo=UTC),
        datetime(2024, 7, 1, 10, tzinfo=ZoneInfo(zone)).astimezone(UTC),
    ]
    lines = [f"{number},a,{text},1,2024-01-01 00:00:00" for number, text in enumerate(written)]
    workshop.write("orders.csv", "\n".join(["id,who,at,total,changed", *lines]) + "\n")
    workshop.land(ORDERS.format(ending="csv").replace("time_zone: UTC", f"time_zone: {zone}"))
    landed = workshop.rows("select ordered_at::varchar from orders order by row_number")
    assert [datetime.fromisoformat(text) for (text,) in landed] == told
