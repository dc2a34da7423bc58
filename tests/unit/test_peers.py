"""The peers of `make bench` say of the same orders the same: what differs is how they score and how long they take."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks.peers import in_full_with_pandas, with_pandas
from benchmarks.peers.comparing import CENTS, EQUAL, RATIOS, refuse_other_rows

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
                cast(hash(range, 'cents') % 10000 as double) / 100 as amount,
                cast(hash(range, 'cents') % 10000 as bigint) as gross_amount,
                0 as discount_amount,
                cast(hash(range, 'cost') % 5000 as bigint) as cost_amount
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


def test_a_peer_in_full_measures_the_same_as_the_usual_one(orders: Path, tmp_path: Path) -> None:
    usual, full = tmp_path / "usual.parquet", tmp_path / "full.parquet"
    with_pandas.main(str(orders), str(usual))
    [(last,)] = duckdb.sql(
        f"select cast(max(ordered_at) as date) from '{orders}' where status = 'completed'"
    ).fetchall()
    in_full_with_pandas.main(str(orders), str(full), str(last))
    by_usual = pd.read_parquet(usual).set_index("customer_id").sort_index()
    by_full = pd.read_parquet(full).set_index("customer_id").sort_index()
    assert by_full["order_count"].tolist() == by_usual["frequency"].tolist()
    assert (by_full["revenue"] / 100).tolist() == pytest.approx(by_usual["monetary"].tolist())
    assert by_full["last_order_on"].tolist() == by_usual["last_ordered_at"].dt.normalize().tolist()


def test_a_peer_in_full_with_one_other_value_is_refused(orders: Path, tmp_path: Path) -> None:
    measures = tmp_path / "measures.parquet"
    in_full_with_pandas.main(str(orders), str(measures), "2024-06-30", "2024-11-30")
    warehouse = _warehouse_of(measures, tmp_path / "warehouse.duckdb")
    refuse_other_rows("the peer itself", warehouse, measures)
    changed = tmp_path / "changed.parquet"
    for column in (*EQUAL, *CENTS, *RATIOS, "customer_id", "as_of_date"):
        rows = pd.read_parquet(measures)
        value = rows[column].dropna().iloc[0]
        rows.loc[rows[column].first_valid_index(), column] = (
            f"{value}x"
            if isinstance(value, str)
            else value + (pd.Timedelta(days=1) if "_on" in column or "_date" in column else 1)
        )
        rows.to_parquet(changed)
        with pytest.raises(RuntimeError, match="rows differ from ours"):
            refuse_other_rows(f"one other {column}", warehouse, changed)


def _warehouse_of(measures: Path, warehouse: Path) -> Path:
    """A warehouse that holds just what a peer measured and scored."""
    scores = [column for column in EQUAL if column.startswith("rfm_") or column.endswith("_score")]
    with duckdb.connect(str(warehouse)) as con:
        con.execute(f"create view measures as select * from '{measures}'")
        con.execute("create schema intermediate; create schema identity")
        con.execute(
            "create table identity.customer_aliases as "
            "select row_number() over (order by customer_id) as customer_id, customer_id as customer_ref "
            "from (select distinct customer_id from measures)"
        )
        money = ", ".join(f"cast({column} / 100 as decimal(18, 2)) as {column}" for column in CENTS)
        con.execute(
            f"create table intermediate.int_customers_measured as select * exclude ({', '.join(scores)}) replace "
            f"(aliases.customer_id as customer_id, {money}) from measures "
            "inner join identity.customer_aliases as aliases on measures.customer_id = aliases.customer_ref"
        )
        con.execute(
            f"create table intermediate.int_rfm_scored as select as_of_date, aliases.customer_id, {', '.join(scores)} "
            "from measures "
            "inner join identity.customer_aliases as aliases on measures.customer_id = aliases.customer_ref"
        )
    return warehouse
