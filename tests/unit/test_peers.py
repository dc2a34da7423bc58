"""The peers of `make bench` say of the same orders the same: what differs is how they score and how long they take."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks.peers import with_pandas

MODEL = Path(with_pandas.__file__).parent / "ntile_project" / "models" / "rfm.sql"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Three thousand orders of three hundred customers, one in ten cancelled."""
    file = tmp_path / "orders.parquet"
    duckdb.sql(
        f"""
        copy (
            select
                'o' || range as order_id,
                'c' || hash(range) % 300 as customer_id,
                timestamp '2024-01-01' + to_minutes(cast(hash(range, 'minute') % 500000 as bigint)) as ordered_at,
                case when hash(range, 'status') % 10 = 0 then 'cancelled' else 'completed' end as status,
                cast(hash(range, 'cents') % 10000 as double) / 100 as amount
            from range(3000)
        ) to '{file}'
        """
    )
    return file


def test_pandas_and_ntile_peers_measure_every_customer_alike(orders: Path, tmp_path: Path) -> None:
    output = tmp_path / "rfm.parquet"
    with_pandas.main(str(orders), str(output))
    by_pandas = pd.read_parquet(output).set_index("customer_id").sort_index()
    sql = MODEL.read_text(encoding="utf-8").replace('{{ env_var("NTILE_ORDERS") }}', str(orders))
    by_ntile = duckdb.sql(sql).df().set_index("customer_id").sort_index()
    assert len(by_pandas) == len(by_ntile) == 299
    assert by_pandas["recency"].tolist() == by_ntile["recency"].tolist()
    assert by_pandas["frequency"].tolist() == by_ntile["frequency"].tolist()
    assert by_pandas["monetary"].tolist() == pytest.approx(by_ntile["monetary"].tolist())


def test_peers_give_a_segment_to_every_pair_of_scores() -> None:
    cells = [f"{r}{f}" for r in range(1, 6) for f in range(1, 6)]
    assert {with_pandas.segment_of(cell) for cell in cells} == set(with_pandas.SEGMENTS.values())
    sql = MODEL.read_text(encoding="utf-8")
    case = sql[sql.index("    case\n") : sql.index("from scored")]
    rows = duckdb.sql(
        f"select cast(r_score as varchar) || cast(f_score as varchar) as cell, {case} "
        "from range(1, 6) as r (r_score), range(1, 6) as f (f_score)"
    ).fetchall()
    assert dict(rows) == {cell: with_pandas.segment_of(cell) for cell in cells}
