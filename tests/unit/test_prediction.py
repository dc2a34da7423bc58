"""The purchase and spend models: published estimates, gradients, special functions, and simulated customers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pytest

from dagster_project.prediction.bg_nbd import BetaGeometric
from dagster_project.prediction.gamma_gamma import GammaGamma, Spend
from dagster_project.prediction.histories import Floats, Histories, distinct
from dagster_project.prediction.maximising import maximise
from dagster_project.prediction.pareto_nbd import ParetoNbd
from dagster_project.prediction.purchases import CannotFit, PurchaseFit, PurchaseModel, fit_purchases, fit_spend

MODELS = [
    BetaGeometric(0.4, 3.0, 1.2, 0.7, is_modified=False),
    BetaGeometric(0.4, 3.0, 1.2, 0.7, is_modified=True),
    ParetoNbd(0.5, 10.0, 0.6, 11.0),
    ParetoNbd(0.5, 3.0, 1.6, 11.0),
    ParetoNbd(2.5, 12.0, 0.3, 4.0),
]


def fitted(histories: Histories, model: PurchaseModel) -> PurchaseFit:
    return fit_purchases(histories, model, least_buyers=10, least_repeat_buyers=5)


@dataclass(frozen=True)
class Cdnow:
    """Calibration period of the CDNOW sample, weeks."""

    histories: Histories
    spend: Spend


@pytest.fixture(scope="module")
def cdnow(real_data: Path) -> Cdnow:
    names = ["full", "customer", "day", "cds", "dollars"]
    rows = pd.read_csv(real_data / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names)
    rows["day"] = pd.to_datetime(rows["day"].astype(str))
    end = pd.Timestamp("1997-09-30")
    days = rows[rows["day"] <= end].groupby(["customer", "day"], as_index=False)["dollars"].sum()
    customers = days.groupby("customer")["day"].agg(["min", "max", "size"])
    histories, _ = distinct(
        customers["size"] - 1,
        (customers["max"] - customers["min"]).dt.days / 7,
        (end - customers["min"]).dt.days / 7,
    )
    repeats = days[days.groupby("customer").cumcount() > 0].groupby("customer")["dollars"].agg(["size", "mean"])
    spend = Spend(repeats["size"].to_numpy(float), repeats["mean"].to_numpy(float), np.ones(len(repeats)))
    return Cdnow(histories, spend)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("model", "parameters", "log_likelihood"),
    [
        (PurchaseModel.BG_NBD, {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.4),
        (PurchaseModel.PARETO_NBD, {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9595.0),
    ],
)
def test_the_published_estimates_on_cdnow_come_out_to_their_printed_digits(
    cdnow: Cdnow, model: PurchaseModel, parameters: dict[str, float], log_likelihood: float
) -> None:
    """Fader, Hardie and Lee (2005), tables 2 and 3."""
    fit = fitted(cdnow.histories, model).fit
    assert {name: round(value, 3) for name, value in fit.parameters.items()} == parameters
    assert round(fit.log_likelihood, 1) == log_likelihood
    assert (fit.customers, fit.observations, fit.at_bound) == (2357, 2457, ())


@pytest.mark.real_data
def test_the_published_spend_estimates_on_cdnow_come_out_to_their_printed_digits(cdnow: Cdnow) -> None:
    """Fader and Hardie (2013): 946 repeat customers who spend 35.08 on average."""
    fit = fit_spend(cdnow.spend, least_buyers=100).fit
    assert {name: round(value, 2) for name, value in fit.parameters.items()} == {"p": 6.25, "q": 3.74, "gamma": 15.44}
    assert (fit.customers, round(float(cdnow.spend.mean_amount.mean()), 2)) == (946, 35.08)


def test_parameters_at_either_bound_are_told() -> None:
    peak = np.log([0.01, 2.0, 100.0])

    def objective(logs: Floats) -> tuple[float, Floats]:
        return -float(((logs - peak) ** 2).sum()), -2 * (logs - peak)

    found = maximise(objective, [(1.0, 1.0, 1.0)], [(0.1, 10.0)] * 3)
    assert found.parameters == pytest.approx([0.1, 2.0, 10.0])
    assert found.at_bound == (True, False, True)


def test_the_published_expectation_of_one_customer_comes_out() -> None:
    """Fader, Hardie and Lee (2005), section 4: E[Y(39) | x 2, t_x 30.43, T 38.86] = 1.226."""
    model = BetaGeometric(0.243, 4.414, 0.793, 2.426, is_modified=False)
    assert round(float(model.expected_purchases(one(2, 30.43, 38.86), 39.0)[0]), 3) == 1.226


def test_a_one_time_buyer_is_alive_for_certain_only_under_bg_nbd() -> None:
    once = one(0, 0.0, 500.0)
    assert BetaGeometric(0.5, 5.0, 0.8, 2.0, is_modified=False).probability_alive(once)[0] == 1
    modified = BetaGeometric(0.5, 5.0, 0.8, 2.0).probability_alive(once)[0]
    # 1 / (1 + a / b * ((alpha + T) / alpha) ** r)
    assert modified == pytest.approx(1 / (1 + 0.4 * math.sqrt(101)), rel=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_gradients_are_those_of_differences(model: BetaGeometric | ParetoNbd) -> None:
    x = np.array([0.0, 0.0, 1.0, 3.0, 40.0, 700.0])
    age = np.array([0.5, 60.0, 38.9, 70.0, 52.0, 90.0])
    histories = Histories(x, age * np.array([0, 0, 0.3, 1.0, 0.7, 0.99]), age, np.array([3.0, 9, 2, 1, 1, 1]))
    parameters = np.array(astuple(model)[:4])
    _, gradient = model.mean_log_likelihood(histories)

    def at(logs: Floats) -> float:
        changed = dict(zip(list(model.__dataclass_fields__)[:4], np.exp(logs), strict=True))
        return replace(model, **changed).mean_log_likelihood(histories)[0]

    assert gradient == pytest.approx(differences(at, np.log(parameters)), rel=1e-6)


def test_the_gradient_of_spend_is_that_of_differences() -> None:
    spend = Spend(np.array([1.0, 2, 5, 80]), np.array([3.0, 50, 12, 900]), np.array([9.0, 4, 2, 1]))
    _, gradient = GammaGamma(2.0, 3.0, 20.0).mean_log_likelihood(spend)
    expected = differences(lambda logs: GammaGamma(*np.exp(logs)).mean_log_likelihood(spend)[0], np.log([2.0, 3, 20]))
    assert gradient == pytest.approx(expected, rel=1e-6)


def test_expected_purchases_are_those_of_sixty_digits_for_up_to_five_thousand_purchases() -> None:
    """The hypergeometric function after Euler's transformation, in mpmath."""
    grid = product((0.05, 0.5, 5.0, 200.0), (0.1, 300.0), (0.01, 0.99999, 1.5, 20.0), (0.05, 50.0), (True, False))
    with mpmath.workdps(60):
        for r, alpha, a, b, is_modified in grid:
            model = BetaGeometric(r, alpha, a, b, is_modified)
            for x, share, span in product((0, 1, 40, 5000), (0.5, 1.0), (1.0, 90.0, 2000.0)):
                history = one(x, 50 * share if x else 0.0, 50.0)
                expected = float(exact_purchases(model, history, span))
                found = float(model.expected_purchases(history, span)[0])
                assert found == pytest.approx(expected, rel=1e-7, abs=1e-15), (model, x, share, span)


def test_many_customers_alike_are_expected_what_each_of_them_is() -> None:
    """More of one kind than there are points to interpolate between."""
    model = BetaGeometric(0.4, 30.0, 0.9, 2.5)
    age = np.linspace(0.0, 1500.0, 1000)
    many = Histories(np.full(1000, 2.0), age / 2, age, np.ones(1000))
    each = [float(model.expected_purchases(one(2, days / 2, days), 90.0)[0]) for days in age[::50]]
    assert model.expected_purchases(many, 90.0)[::50] == pytest.approx(each, rel=1e-8)


def test_pareto_nbd_alive_and_expected_are_those_of_the_integrals() -> None:
    """By mpmath over the time of leaving, where the other side has closed forms."""
    for model, x in product(MODELS[2:], (0, 1, 12)):
        history = one(x, 20.0 if x else 0.0, 38.86)
        with mpmath.workdps(30):
            alive, gone = exact_pareto(model, history)
        assert model.probability_alive(history)[0] == pytest.approx(float(alive / (alive + gone)), rel=1e-9)
        shape = model.r + x
        density = mpmath.log(alive + gone) + mpmath.loggamma(shape) - mpmath.loggamma(model.r)
        expected = density + model.r * mpmath.log(model.alpha) + model.s * mpmath.log(model.beta)
        assert model.mean_log_likelihood(history)[0] == pytest.approx(float(expected), rel=1e-9)


@dataclass(frozen=True)
class Shape:
    """Simulated customers: how they buy, how they leave, and the unit that their times are in."""

    customers: int = 3_000
    r: float = 0.7
    alpha: float = 25.0
    a: float = 0.8
    b: float = 2.5
    unit: float = 1.0
    longest: float = 700.0


SHAPES = {
    "ordinary": Shape(),
    "few customers": Shape(customers=150),
    "no churn": Shape(a=1e-9, b=1.0),
    "one rate for all": Shape(r=1e5, alpha=4e6),
    "one dropout probability for all": Shape(a=2e4, b=8e4),
    "heavy buyers": Shape(r=3.0, alpha=3.0, a=0.5, b=30.0),
    "seconds instead of days": Shape(unit=86_400.0),
    "nearly all buy once": Shape(a=3.0, b=1.0, r=0.2),
    "a short history": Shape(longest=40.0),
}
HORIZON = 90.0


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_fit_is_finite_as_likely_as_the_truth_and_forecasts_without_bias(name: str) -> None:
    shape = SHAPES[name]
    errors = []
    for seed in range(10):
        histories, places, later = simulated(shape, seed)
        fit = fitted(histories, PurchaseModel.MBG_NBD)
        assert np.isfinite(list(fit.fit.parameters.values())).all()
        truth = BetaGeometric(shape.r, shape.alpha * shape.unit, shape.a, shape.b)
        assert fit.fit.log_likelihood >= truth.mean_log_likelihood(histories)[0] * histories.customers - 0.1, seed
        expected = fit.model.expected_purchases(histories, HORIZON * shape.unit)[places]
        assert np.isfinite(expected).all()
        errors.append((float(expected.sum()) - later.sum()) / math.sqrt(max(float((later**2).sum()), 1.0)))
    # Each error is about a standard deviation wide; the mean of ten lies within 2.6 / sqrt(10) in 99 of 100 cases.
    assert abs(np.mean(errors)) < 1.0, errors


@pytest.mark.parametrize("model", list(PurchaseModel))
def test_the_unit_of_time_changes_no_forecast(model: PurchaseModel) -> None:
    days, _, _ = simulated(Shape(customers=800), 3)
    seconds = days.in_units_of(1 / 86_400)
    by_day, by_second = fitted(days, model), fitted(seconds, model)
    assert by_second.model.expected_purchases(seconds, 90 * 86_400.0) == pytest.approx(
        by_day.model.expected_purchases(days, 90.0), rel=1e-6
    )
    assert by_second.model.probability_alive(seconds) == pytest.approx(by_day.model.probability_alive(days), rel=1e-6)


def test_the_unit_of_money_changes_no_expectation() -> None:
    random = np.random.default_rng(5)
    purchases = random.integers(1, 9, 500).astype(float)
    means = random.gamma(4.0 * purchases, 1 / (4.0 * purchases)) * 30 / random.gamma(4.0, 0.25, 500)
    euros = Spend(purchases, means, np.ones(500))
    cents = euros.in_units_of(0.01)
    by_euro, by_cent = fit_spend(euros, least_buyers=10), fit_spend(cents, least_buyers=10)
    assert by_cent.model.expected_amount(purchases, cents.mean_amount) == pytest.approx(
        100 * by_euro.model.expected_amount(purchases, means), rel=1e-6
    )


def test_a_parameter_that_rests_on_its_bound_is_named_and_has_no_standard_error() -> None:
    histories, _, _ = simulated(SHAPES["no churn"], 1)
    fit = fitted(histories, PurchaseModel.MBG_NBD).fit
    assert fit.at_bound
    assert all(math.isnan(error) for error in fit.standard_errors.values())


def test_a_maximum_says_of_each_parameter_whether_it_lies_at_either_bound() -> None:
    def rising_falling_curved(logs: Floats) -> tuple[float, Floats]:
        return logs[0] - logs[1] - logs[2] ** 2, np.array([1.0, -1.0, -2 * logs[2]])

    found = maximise(rising_falling_curved, [(2.0, 2.0, 2.0), (50.0, 0.5, 0.5)], [(0.01, 100)] * 3)
    assert found.at_bound == (True, True, False)
    assert found.parameters == pytest.approx([100, 0.01, 1], rel=1e-6)
    assert found.mean_log_likelihood == pytest.approx(2 * math.log(100))


def test_too_few_buyers_or_repeats_are_refused_with_both_numbers() -> None:
    histories, _, _ = simulated(Shape(customers=40), 1)
    with pytest.raises(CannotFit, match=r"40 buyers, \d+ of them more than once, are too few for mbg_nbd: it takes 5"):
        fit_purchases(histories, PurchaseModel.MBG_NBD, least_buyers=500, least_repeat_buyers=100)
    once = Histories(np.zeros(1), np.zeros(1), np.full(1, 9.0), np.full(1, 1000.0))
    with pytest.raises(CannotFit, match="0 of them more than once"):
        fit_purchases(once, PurchaseModel.MBG_NBD, least_buyers=500, least_repeat_buyers=0)


@pytest.mark.parametrize("row", [(-1, 0, 5), (1, 6, 5), (1, float("nan"), 5)])
def test_a_history_that_cannot_be_is_refused(row: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="recency is at most age"):
        distinct([row[0]], [row[1]], [row[2]])


def one(repeats: float, recency: float, age: float) -> Histories:
    return Histories(*(np.array([float(value)]) for value in (repeats, recency, age, 1.0)))


def differences(function: Callable[[Floats], float], at: Floats) -> Floats:
    """Gradient by central differences of two steps, extrapolated: error of the fourth order."""

    def central(step: float) -> Floats:
        steps = np.eye(len(at)) * step
        return np.array([(function(at + each) - function(at - each)) / (2 * step) for each in steps])

    return (4 * central(5e-4) - central(1e-3)) / 3


def exact_purchases(model: BetaGeometric, history: Histories, span: float) -> mpmath.mpf:
    r, alpha, a, b = (mpmath.mpf(value) for value in astuple(model)[:4])
    x, recency, age = (mpmath.mpf(float(value[0])) for value in (history.repeats, history.recency, history.age))
    shift = 0 if model.is_modified else 1
    c, z = a + b + x - shift, span / (alpha + age + span)
    bracket = 1 - (1 - z) ** (a - 1) * mpmath.hyp2f1(c - r - x, a - 1, c, z, maxterms=10**6)
    may_be_gone = model.is_modified or x > 0
    odds = a / (b + x - shift) * ((alpha + age) / (alpha + recency)) ** (r + x) if may_be_gone else mpmath.mpf(0)
    return c / (a - 1) * bracket / (1 + odds)


def exact_pareto(model: ParetoNbd, history: Histories) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Densities of who is alive and who has left, without what both have in common."""
    r, alpha, s, beta = (mpmath.mpf(value) for value in astuple(model))
    x, recency, age = (mpmath.mpf(float(value[0])) for value in (history.repeats, history.recency, history.age))
    alive = (alpha + age) ** -(r + x) * (beta + age) ** -s
    gone = s * mpmath.quad(lambda y: (alpha + y) ** -(r + x) * (beta + y) ** -(s + 1), [recency, age])
    return alive, gone


def simulated(shape: Shape, seed: int) -> tuple[Histories, Floats, Floats]:
    """Histories under MBG/NBD, the place of each customer's, and their purchases in the horizon that follows."""
    random = np.random.default_rng(seed)
    n = shape.customers
    rate = random.gamma(shape.r, 1 / shape.alpha, n)
    leaving = random.beta(shape.a, shape.b, n)
    age = random.uniform(0.1, 1.0, n) * shape.longest
    repeats_until_left = random.geometric(np.clip(leaving, 1e-15, 1)) - 1
    by_end = random.poisson(rate * age)
    x = np.minimum(by_end, repeats_until_left)
    # The x-th of so many purchases that fall evenly over the age.
    last = age * random.beta(np.maximum(x, 1), by_end - np.minimum(x, by_end) + 1)
    recency = np.where(x > 0, np.minimum(last, age), 0.0)
    later = np.minimum(random.poisson(rate * HORIZON), np.maximum(repeats_until_left - by_end, 0))
    histories, places = distinct(x, recency * shape.unit, age * shape.unit)
    return histories, places, later.astype(float)
