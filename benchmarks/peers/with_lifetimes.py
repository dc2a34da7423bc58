"""The summary of lifetimes, which purchase models start from: repeat days, recency, age and mean spend; no scores.

python with_lifetimes.py ORDERS.parquet RFM.parquet
"""

import sys

import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data


def main(orders: str, output: str) -> None:
    rows = pd.read_parquet(orders, columns=["customer_id", "ordered_at", "status", "amount"])
    rows = rows[rows["status"] == "completed"]
    summary = summary_data_from_transaction_data(rows, "customer_id", "ordered_at", monetary_value_col="amount")
    summary.reset_index().to_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
