"""RFM as it is usually published for pandas: group, rank, qcut, and a map of cells to segments.

python with_pandas.py ORDERS.parquet RFM.parquet
"""

import re
import sys

import pandas as pd

SEGMENTS = {
    r"[1-2][1-2]": "hibernating",
    r"[1-2][3-4]": "at_risk",
    r"[1-2]5": "cannot_lose_them",
    r"3[1-2]": "about_to_sleep",
    r"33": "need_attention",
    r"[3-4][4-5]": "loyal_customers",
    r"41": "promising",
    r"51": "new_customers",
    r"[4-5][2-3]": "potential_loyalists",
    r"5[4-5]": "champions",
}


def segment_of(cell: str) -> str:
    """Of one cell: the published `replace(SEGMENTS, regex=True)` over all customers takes ten times as long."""
    return next(segment for pattern, segment in SEGMENTS.items() if re.fullmatch(pattern, cell))


def main(orders: str, output: str) -> None:
    columns = ["customer_id", "order_id", "ordered_at", "status", "amount"]
    rows = pd.read_parquet(orders, columns=columns)
    rows = rows[rows["status"] == "completed"]
    today = rows["ordered_at"].max() + pd.Timedelta(days=1)
    rfm = rows.groupby("customer_id").agg(
        last_ordered_at=("ordered_at", "max"), frequency=("order_id", "count"), monetary=("amount", "sum")
    )
    rfm["recency"] = (today - rfm["last_ordered_at"]).dt.days
    rfm["r_score"] = pd.qcut(rfm["recency"].rank(method="first"), 5, labels=[5, 4, 3, 2, 1])
    rfm["f_score"] = pd.qcut(rfm["frequency"].rank(method="first"), 5, labels=[1, 2, 3, 4, 5])
    rfm["m_score"] = pd.qcut(rfm["monetary"].rank(method="first"), 5, labels=[1, 2, 3, 4, 5])
    cells = {10 * r + f: segment_of(f"{r}{f}") for r in range(1, 6) for f in range(1, 6)}
    rfm["segment"] = (10 * rfm["r_score"].astype(int) + rfm["f_score"].astype(int)).map(cells)
    rfm.reset_index().to_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
