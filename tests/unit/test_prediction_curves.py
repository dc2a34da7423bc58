"""How purchases add up and how many buy how often: equal to simulated customers and to means told in another way."""

from __future__ import annotations

import numpy as np
import pytest

from dagster_project.prediction.bg_nbd import BetaGeometric
from dagster_project.prediction.curves import expected_cumulated, repeat_probabilities
from dagster_project.prediction.histories import Histories
from dagster_project.prediction.pareto_nbd import ParetoNbd

Model = BetaGeometric | ParetoNbd
# BG/NBD and Pareto/NBD as published for CDNOW, in weeks.
MODELS: dict[str, Model] = {
    "bg_nbd": BetaGeometric(0.243, 4.414, 0.793, 2.426, is_modified=False),
    "mbg_nbd": BetaGeometric(0.525, 6.183, 0.891, 1.614, is_modified=True),
    "pareto_nbd": ParetoNbd(0.553, 10.578, 0.606, 11.669),
}
CUSTOMERS = 400_000


def simulated(model: Model, age: float, seed: int = 5) -> np.ndarray:
    """Repeat purchases of so many customers in `age`, one customer after another through their purchases."""
    random = np.random.default_rng(seed)
    rate = random.gamma(model.r, 1 / model.alpha, CUSTOMERS)
    time = np.zeros(CUSTOMERS)
    repeats = np.zeros(CUSTOMERS, dtype=int)
    is_there = np.ones(CUSTOMERS, dtype=bool)
    end = np.full(CUSTOMERS, age)
    leaving = np.zeros(CUSTOMERS)
    if isinstance(model, ParetoNbd):
        end = np.minimum(end, random.exponential(1 / random.gamma(model.s, 1 / model.beta, CUSTOMERS)))
    else:
        leaving = random.beta(model.a, model.b, CUSTOMERS)
        if model.is_modified:
            is_there = random.random(CUSTOMERS) >= leaving
    while is_there.any():
        time = time + random.exponential(1 / np.maximum(rate, 1e-300))
        is_there &= time <= end
        repeats[is_there] += 1
        is_there &= random.random(CUSTOMERS) >= leaving
    return repeats


@pytest.mark.parametrize("name", MODELS)
def test_how_many_buy_how_often_is_what_simulated_customers_do(name: str) -> None:
    counts = np.bincount(np.minimum(simulated(MODELS[name], 39.0), 7), minlength=8) / CUSTOMERS
    [probabilities] = repeat_probabilities(MODELS[name], np.array([39.0]), 7)
    # Four standard errors of a share of 400,000.
    assert np.all(np.abs(counts - probabilities) < 4 * np.sqrt(counts * (1 - counts) / CUSTOMERS) + 1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_have_the_mean_that_the_model_expects(name: str) -> None:
    """The mean by all its counts, and by the integral of expected purchases that is tested against mpmath."""
    ages = np.array([0.5, 10.0, 78.0])
    probabilities = repeat_probabilities(MODELS[name], ages, 600)
    nothing = np.zeros(3)
    expected = MODELS[name].expected_purchases(Histories(nothing, nothing, nothing, nothing + 1), ages)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert probabilities[:, -1] == pytest.approx(0, abs=1e-6)
    assert (probabilities * np.arange(601)).sum(axis=1) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize("name", MODELS)
def test_who_came_today_has_not_bought_again(name: str) -> None:
    [probabilities] = repeat_probabilities(MODELS[name], np.zeros(1), 3)
    assert probabilities == pytest.approx([1, 0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_purchases_add_up_over_customers_by_the_time_since_each_came(name: str) -> None:
    """Two customers of day 0 and three of day 4, day by day."""
    model = MODELS[name]

    def bought(age: int) -> float:
        if age <= 0:
            return 0.0
        one = np.zeros(1)
        return float(model.expected_purchases(Histories(one, one, one, one + 1), float(age))[0])

    found = expected_cumulated(model, np.array([2.0, 0, 0, 0, 3.0]), 9)
    assert found == pytest.approx([2 * bought(day) + 3 * bought(day - 4) for day in range(10)], rel=1e-9)
