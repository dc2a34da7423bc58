"""What lifetimes needs to fit and score purchase and spend models: MBG/NBD and Gamma-Gamma.

python fit_with_lifetimes.py HISTORIES.npy
"""

import sys

import numpy as np
import pandas as pd
from lifetimes import GammaGammaFitter, ModifiedBetaGeoFitter

HORIZON = 90.0


def main(file: str) -> None:
    repeats, recency, age, revenue = (pd.Series(row) for row in np.load(file))
    purchases = ModifiedBetaGeoFitter()
    purchases.fit(repeats, recency, age)
    spend = GammaGammaFitter()
    spend.fit(repeats + 1, revenue / (repeats + 1))
    purchases.conditional_expected_number_of_purchases_up_to_time(HORIZON, repeats, recency, age)
    purchases.conditional_probability_alive(repeats, recency, age)
    spend.conditional_expected_average_profit(repeats + 1, revenue / (repeats + 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
