"""The fits beside those of lifetimes 0.11.3 and clvkit 0.2.1 to the same customers; their numbers are stored here.

Both were run on Python 3.11 with numpy 2.4.6, scipy 1.17.1 and pandas 3.1.1. clvkit prints six decimals.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from dagster_project.prediction.gamma_gamma import Spend
from dagster_project.prediction.histories import Floats, Histories, distinct
from dagster_project.prediction.purchases import PurchaseModel, fit_purchases, fit_spend

LIFETIMES = {
    PurchaseModel.BG_NBD: (0.33051052, 16.37677928, 1.11040072, 5.39647523),
    PurchaseModel.MBG_NBD: (0.64399324, 25.09689010, 1.00874077, 3.36700937),
    PurchaseModel.PARETO_NBD: (0.72800017, 41.90458407, 0.66919596, 98.87135105),
}
CLVKIT = {
    PurchaseModel.BG_NBD: (0.330511, 16.376779, 1.110401, 5.396475),
    PurchaseModel.MBG_NBD: (0.643993, 25.096891, 1.008741, 3.367008),
}
# Of customers with 0, 1, 3 and 9 repeats, the last after 0, 50, 200 and 300 days, known for 300, 200, 250 and 310.
SHOWN = Histories(np.array([0.0, 1, 3, 9]), np.array([0.0, 50, 200, 300]), np.array([300.0, 200, 250, 310]), np.ones(4))
ALIVE = {
    PurchaseModel.BG_NBD: (1, 0.50219884, 0.76921802, 0.90024214),
    PurchaseModel.MBG_NBD: (0.3907433, 0.41597445, 0.75240299, 0.90151308),
    PurchaseModel.PARETO_NBD: (0.21128007, 0.38832885, 0.8630871, 0.98107294),
}
NEXT_90_DAYS = {
    PurchaseModel.BG_NBD: (0.09115811, 0.25999403, 0.79942514, 2.10738889),
    PurchaseModel.MBG_NBD: (0.06689605, 0.25316033, 0.82428855, 2.12850599),
    PurchaseModel.PARETO_NBD: (0.03776549, 0.2280206, 0.91692478, 2.2803155),
}


def customers() -> tuple[Floats, Floats, Floats, Floats]:
    """Repeats, recency, age (days) and mean repeat amount of 800 customers, by a generator that never changes."""
    numbers = random.Random(7)  # noqa: S311
    rows = []
    for _ in range(800):
        rate, leaving = numbers.gammavariate(0.7, 1 / 25), numbers.betavariate(0.8, 2.5)
        age, thrift = numbers.randint(70, 700), numbers.gammavariate(4, 0.25)
        time, repeats, last, paid = 0.0, 0, 0.0, 0.0
        while numbers.random() >= leaving:
            time += numbers.expovariate(rate)
            if time > age:
                break
            repeats, last = repeats + 1, time
            paid += numbers.gammavariate(5, 0.2) * 30 / thrift
        rows.append((repeats, round(last), age, round(paid / repeats, 2) if repeats else 0.0))
    repeats_, recency, ages, means = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    return repeats_, recency, ages, means


@pytest.mark.parametrize("model", list(PurchaseModel))
def test_a_fit_has_the_parameters_and_expectations_of_the_other_libraries(model: PurchaseModel) -> None:
    repeats, recency, age, _ = customers()
    histories, _ = distinct(repeats, recency, age)
    made = fit_purchases(histories, model, least_buyers=10, least_repeat_buyers=5)
    parameters = list(made.fit.parameters.values())
    # Where their search ends early (tolerance 1e-4 of MBG/NBD in lifetimes), the sixth digit is theirs.
    assert parameters == pytest.approx(LIFETIMES[model], rel=1e-6)
    if model in CLVKIT:
        assert parameters == pytest.approx(CLVKIT[model], abs=2e-6)
    assert made.model.probability_alive(SHOWN) == pytest.approx(ALIVE[model], rel=1e-6)
    assert made.model.expected_purchases(SHOWN, 90.0) == pytest.approx(NEXT_90_DAYS[model], rel=1e-6)


def test_a_spend_fit_has_the_parameters_and_expectations_of_lifetimes() -> None:
    repeats, _, _, means = customers()
    bought = repeats > 0
    made = fit_spend(Spend(repeats[bought], means[bought], np.ones(int(bought.sum()))), least_buyers=10)
    assert list(made.fit.parameters.values()) == pytest.approx((5.42865917, 4.02425479, 21.26169706), rel=1e-6)
    expected = made.model.expected_amount(np.array([1.0, 3, 9]), np.array([20.0, 50, 80]))
    assert expected == pytest.approx((26.49922751, 48.14656643, 77.56143904), rel=1e-7)
