"""The RFM segments of pymc-marketing: quartile scores and its own six segments.

python with_pymc_marketing.py ORDERS.parquet RFM.parquet
"""

import sys

import pandas as pd
from pymc_marketing.clv import utils


def main(orders: str, output: str) -> None:
    rows = pd.read_parquet(orders, columns=["customer_id", "ordered_at", "status", "amount"])
    rows = rows[rows["status"] == "completed"]
    utils.rfm_segments(rows, "customer_id", "ordered_at", "amount").to_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
