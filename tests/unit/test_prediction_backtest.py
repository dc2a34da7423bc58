"""How a forecast is judged: ranks, shares of the top and rivals, against numbers worked out by hand or by scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from dagster_project.prediction.backtest import (
    Forecast,
    Observed,
    cell_means,
    gains,
    last_90_days_repeated,
    rank_correlation,
    recency_alone,
    success,
)


def observed(**columns: Any) -> Observed:
    size = len(next(iter(columns.values())))
    named = {name: np.zeros(size) for name in Observed.__dataclass_fields__}
    return Observed(**{**named, **{name: np.array(values, dtype=float) for name, values in columns.items()}})


NUMBERS = st.lists(st.integers(-3, 3), min_size=2, max_size=12)


@given(st.data())
def test_rank_correlation_is_spearman_s(data: st.DataObject) -> None:
    one = np.array(data.draw(NUMBERS), dtype=float)
    other = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=len(one), max_size=len(one))), dtype=float)
    found = rank_correlation(one, other)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)


def test_the_top_tenth_takes_the_same_part_of_each_customer_that_ranks_alike() -> None:
    """Of 20, two are in the top tenth: one ranks first, four rank second and share the other place."""
    rank = np.array([9, 5, 5, 5, 5, *[0] * 15], dtype=float)
    amounts = np.array([100, 40, 0, 0, 20, *[1] * 15], dtype=float)
    tenths = gains(rank, amounts)
    assert tenths[0] == pytest.approx(100 + 60 / 4)
    assert tenths[1] == pytest.approx(2 * 60 / 4)
    assert tenths[2:] == pytest.approx([60 / 4 + 1] + [2] * 7)
    assert tenths.sum() == pytest.approx(amounts.sum())


def test_the_order_of_customers_changes_no_measure() -> None:
    random = np.random.default_rng(1)
    rank, amounts = random.integers(0, 4, 57).astype(float), random.gamma(1, 20, 57)
    mixed = random.permutation(57)
    assert gains(rank[mixed], amounts[mixed]) == pytest.approx(gains(rank, amounts), rel=1e-12)


def test_rivals_foretell_what_they_say() -> None:
    customers = observed(recency_days=[3, 90], order_days_90d=[2, 0], revenue_90d=[50, -5])
    assert list(recency_alone(customers).rank) == [-3, -90]
    assert recency_alone(customers).purchases is None
    repeated = last_90_days_repeated(customers)
    assert repeated.purchases is not None
    assert list(repeated.purchases) == [2, 0]
    assert repeated.value is not None
    assert list(repeated.value) == [50, -5]


def test_a_cell_foretells_the_mean_of_those_who_stood_in_it_90_days_before() -> None:
    """Recent ones brought 30 and 50, old ones 0; who stands in a cell that was empty gets the mean of all."""
    past = observed(
        recency_days=[1, 1, 200, 200],
        order_days=[3, 3, 1, 1],
        revenue=[90, 90, 10, 10],
        next_order_days=[1, 2, 0, 0],
        next_revenue=[30, 50, 0, 0],
    )
    present = observed(recency_days=[200, 1, 1], order_days=[1, 3, 1], revenue=[10, 90, 10])
    forecast = cell_means(past, present)
    assert forecast.value is not None
    assert forecast.purchases is not None
    assert list(forecast.value) == [0, 40, 20]
    assert list(forecast.purchases) == [0, 1.5, 0.75]


def test_a_forecast_that_knew_it_all_has_the_oracle_s_share_and_one_that_knew_nothing_a_tenth() -> None:
    amounts = np.arange(100.0)
    customers = observed(next_revenue=amounts, next_order_days=np.ones(100))
    best = success(Forecast(rank=amounts, purchases=np.ones(100), value=amounts), customers)
    assert best.rank_correlation == pytest.approx(1)
    assert best.top_tenth_share == pytest.approx(sum(range(90, 100)) / sum(range(100)))
    assert (best.predicted_purchases, best.predicted_value) == (100, amounts.sum())
    blind = success(Forecast(rank=np.zeros(100)), customers)
    assert blind.rank_correlation is None
    assert blind.top_tenth_share == pytest.approx(0.1)
    assert blind.predicted_value is None
