"""What holds for any file: every row is accounted for, nothing lands twice, and the newest version counts."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from examples import tried_with
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from landing_workshop import Workshop

SOURCES = """
  - name: shop
    time_zone: UTC
    reads:
      - entity: orders
        path: inbox/orders.csv
        encoding: utf-8
        delimiter: ","
        decimal: "."
        where: {note: {not_equals: leave out}}
        columns:
          order_id: no
          customer_ref: who
          ordered_at: {from: at, formats: [iso, excel, epoch_s]}
          gross_amount: total
          updated_at: changed
          status: {from: state, values: {ok: completed, "": pending}}
"""
HEADER = ("no", "who", "at", "total", "changed", "state", "note")
MODEST = tried_with(6, suppress_health_check=[HealthCheck.too_slow])

# Text with the marks that break files; no lone surrogates, which no encoding holds, and no NUL.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NASTY = st.one_of(
    TEXT, st.sampled_from(['"', '""', "\n", "\r\n", "a\nb", "=", "'", "1e5", "6.2E+17", "，", "\u3000", "\ufeff"])
)
NUMBERS = st.sampled_from(["1", "2.50", "-3", "$1,200.00", "1,2", "x", "", "1e400", "12345678901234567890.12", "NaN"])
TIMES = st.sampled_from(["2024-01-01", "2024-02-30", "2024-01-01T10:00:00+08:00", "43470.5", "1546646580", "", "soon"])
IDS = st.sampled_from(["1", "2", "3", "01", "", " "])
RECORD = st.tuples(
    IDS,
    st.one_of(st.sampled_from(["a", "b"]), NASTY),
    TIMES,
    NUMBERS,
    st.one_of(st.just(""), TIMES),
    st.sampled_from(["ok", "", "odd"]),
    st.one_of(st.sampled_from(["", "leave out"]), NASTY),
)


@contextmanager
def workshop() -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory() as folder:
        yield Workshop(Path(folder))


def as_csv(records: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([HEADER, *records])
    return text.getvalue()


@given(st.lists(RECORD, max_size=12))
@MODEST
def test_every_record_of_a_sound_file_is_accepted_or_quarantined_once(records: list[tuple[str, ...]]) -> None:
    with workshop() as shop:
        shop.write("orders.csv", as_csv(records))
        [batch] = shop.land(SOURCES).batches
        assert batch.rows_read == len(records)
        assert batch.rows_read == batch.accepted + batch.rejected
        assert batch.accepted == batch.new + batch.changed + batch.unchanged
        assert batch.excluded <= batch.rejected
        quarantined = shop.quarantine()
        assert len(quarantined) == batch.rejected
        assert all(reasons for _, _, reasons, _ in quarantined)
        landed = [number for (number,) in shop.rows("select row_number from orders")]
        assert len(landed) == batch.new + batch.changed
        numbers = landed + [number for number, *_ in quarantined]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(range(1, len(records) + 1))


@given(
    st.lists(
        st.one_of(RECORD.map(",".join), NASTY, st.sampled_from(['1,a,2024-01-01,"5', '2,"a"b,,,,,', "3,a"])),
        max_size=12,
    )
)
@MODEST
def test_no_line_of_a_broken_file_is_lost(lines: list[str]) -> None:
    text = ",".join(HEADER) + "\n" + "\n".join(line.replace("\r", " ") for line in lines) + "\n"
    with workshop() as shop:
        shop.write("orders.csv", text)
        [batch] = shop.land(SOURCES).batches
        assert batch.rows_read == batch.accepted + batch.rejected
        assert len(shop.quarantine()) == batch.rejected
        physical = [line for line in text.split("\n")[1:] if line]
        quoted_breaks = text.count('"') // 2 * len(physical)
        # Only a closed quote may join lines to one record.
        assert len(physical) - quoted_breaks <= batch.rows_read <= len(physical)


@given(st.lists(RECORD, max_size=12))
@MODEST
def test_parquet_lands_as_the_same_records_in_csv_do(records: list[tuple[str, ...]]) -> None:
    outcomes = []
    for name in ("orders.csv", "orders.parquet"):
        with workshop() as shop:
            if name == "orders.csv":
                shop.write(name, as_csv(records))
            else:
                columns = {column: [record[at] for record in records] for at, column in enumerate(HEADER)}
                pq.write_table(
                    pa.table(columns, pa.schema([(name, pa.string()) for name in HEADER])), shop.inbox / name
                )
            [batch] = shop.land(SOURCES.replace("orders.csv", name)).batches
            outcome = (batch.rows_read, batch.new, batch.changed, batch.unchanged, batch.rejected, batch.excluded)
            days = (batch.first_event_on, batch.last_event_on, batch.earliest_changed_on)
            landed = shop.rows("select * exclude (batch_id, source_file) from orders order by row_number")
            refused = [(number, kind, reasons) for number, kind, reasons, _ in shop.quarantine()]
            outcomes.append((outcome, days, landed, refused))
    assert outcomes[0] == outcomes[1]


@given(st.lists(RECORD, max_size=8))
@MODEST
def test_the_same_rows_again_change_nothing(records: list[tuple[str, ...]]) -> None:
    with workshop() as shop:
        shop.write("orders.csv", as_csv(records))
        shop.land(SOURCES)
        assert shop.land(SOURCES).batches == []
        newest = shop.rows(CURRENT)
        shop.write("orders.csv", as_csv(records) + "\n")  # other bytes, same records
        shop.land(SOURCES)
        assert shop.rows(CURRENT) == newest


CURRENT = """
    select order_id, customer_ref, ordered_at, gross_amount, updated_at, status
    from orders
    qualify row_number() over (
        partition by source, order_id order by updated_at desc nulls last, batch_sequence desc, row_number desc
    ) = 1
    order by order_id
"""
VERSION = st.tuples(
    st.sampled_from("123"), st.integers(0, 9), st.sampled_from(["", "2024-01-01", "2024-01-02", "2024-01-03"])
)


@given(st.lists(st.lists(VERSION, max_size=5), min_size=1, max_size=4))
@MODEST
def test_the_current_version_is_the_newest_updated_else_the_last_read(
    exports: list[list[tuple[str, int, str]]],
) -> None:
    expected: dict[str, tuple[str, int]] = {}
    with workshop() as shop:
        for export in exports:
            for order, total, changed in export:
                if order not in expected or changed >= expected[order][0]:
                    expected[order] = (changed, total)
            records = [(order, "a", "2024-01-01", str(total), changed, "ok", "") for order, total, changed in export]
            shop.write("orders.csv", as_csv(records))
            shop.land(SOURCES)
        current = shop.rows(f"select order_id, cast(gross_amount as integer) from ({CURRENT})")
        assert dict(current) == {order: total for order, (_, total) in expected.items()}


LINES = """
  - name: tills
    time_zone: UTC
    reads:
      - entity: order_lines
        path: inbox/lines.csv
        orders: from lines
        delimiter: ","
        decimal: "."
        columns: {order_id: no, customer_ref: who, ordered_at: at, line_amount: sum, product_id: item}
"""
LINE = st.tuples(st.sampled_from("123"), st.integers(0, 99999), st.sampled_from("xyz"))


@given(st.lists(st.lists(LINE, max_size=6), min_size=1, max_size=3))
@MODEST
def test_orders_are_the_newest_files_lines_summed(exports: list[list[tuple[str, int, str]]]) -> None:
    expected: dict[str, int] = {}
    with workshop() as shop:
        for export in exports:
            sums: dict[str, int] = {}
            for order, thousandths, _ in export:
                sums[order] = sums.get(order, 0) + thousandths
            expected |= sums
            lines = "".join(f"{no},a,2024-01-01,{sum_ / 1000:.3f},{item}\n" for no, sum_, item in export)
            shop.write("lines.csv", "no,who,at,sum,item\n" + lines)
            shop.land(LINES)
        current = shop.rows(
            "select order_id, cast(gross_amount * 100 as integer) from orders "
            "qualify row_number() over (partition by order_id order by batch_sequence desc) = 1"
        )
        assert dict(current) == {order: (total + 5) // 10 for order, total in expected.items()}
        lines_of_newest = shop.rows(
            "select order_id, cast(sum(line_amount) * 1000 as integer) from order_lines "
            "where (order_id, batch_sequence) in (select order_id, max(batch_sequence) from order_lines group by all) "
            "group by all"
        )
        assert dict(lines_of_newest) == expected
