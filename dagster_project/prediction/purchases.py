"""Fitting a purchase model and a spend model, in the user's units of time and money, or refusing to.

Times are divided by the mean age and amounts by the mean amount before anything is fitted, so that neither days instead
of weeks nor cents instead of euros change a result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

import numpy as np

from dagster_project.errors import StrataError
from dagster_project.prediction.bg_nbd import BetaGeometric
from dagster_project.prediction.gamma_gamma import GammaGamma, Spend
from dagster_project.prediction.histories import Floats, Histories, weighted_sum
from dagster_project.prediction.maximising import Maximum, maximise
from dagster_project.prediction.pareto_nbd import ParetoNbd

# Wide enough for one rate for all (a gamma of shape 1e6 varies by 0.1%), narrow enough for gammaln to keep 9 digits.
LOWEST, HIGHEST = 1e-6, 1e6
# Starts are tried on so many histories; only the best maximum is followed on all of them.
TRIED_ON = 5_000
HESSIAN_STEP = 1e-4


class PurchaseModel(StrEnum):
    """The purchase models that can be fitted."""

    MBG_NBD = "mbg_nbd"
    BG_NBD = "bg_nbd"
    PARETO_NBD = "pareto_nbd"


class CannotFit(StrataError):
    """There is too little to learn from; the message says what there is and what it takes."""


@dataclass(frozen=True)
class Fit:
    """A fitted model with its proof: parameters by name, their standard errors (NaN where they mean nothing)."""

    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    at_bound: tuple[str, ...]
    customers: int
    observations: int
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class PurchaseFit:
    """A purchase model in the unit of time of its histories."""

    model: BetaGeometric | ParetoNbd
    fit: Fit


@dataclass(frozen=True)
class SpendFit:
    """A spend model in the unit of money of its amounts."""

    model: GammaGamma
    fit: Fit


def fit_purchases(
    histories: Histories, model: PurchaseModel, *, least_buyers: int, least_repeat_buyers: int
) -> PurchaseFit:
    """The model's parameters of greatest likelihood.

    Raises:
        CannotFit: there are fewer buyers or repeat buyers than asked for, or the likelihood has no finite maximum.
    """
    if histories.customers < least_buyers or histories.repeat_buyers < max(least_repeat_buyers, 1):
        raise CannotFit(
            f"{histories.customers:,.0f} buyers, {histories.repeat_buyers:,.0f} of them more than once, are too few "
            f"for {model}: it takes {least_buyers:,} and {least_repeat_buyers:,}. Set the limits at prediction in "
            "standards.yaml, or wait for more history."
        )
    began = perf_counter()
    span = float(weighted_sum(histories.weights, histories.age) / histories.customers)
    scaled = histories.in_units_of(span)
    mean_rate = float(weighted_sum(scaled.weights, scaled.repeats) / weighted_sum(scaled.weights, scaled.age))

    def made(parameters: Floats) -> BetaGeometric | ParetoNbd:
        if model is PurchaseModel.PARETO_NBD:
            return ParetoNbd(*parameters)
        r, alpha, a, b = parameters
        return BetaGeometric(r, alpha, a, b, is_modified=model is PurchaseModel.MBG_NBD)

    leaving = [(0.6, 1.0), (0.6, 0.2)] if model is PurchaseModel.PARETO_NBD else [(0.8, 2.0), (0.2, 3.0), (2.0, 20.0)]
    starts = [(r, r / (1.5 * mean_rate), *rest) for r, rest in zip((0.3, 1.0, 4.0), leaving, strict=False)]

    def objective(of: Histories) -> Callable[[Floats], tuple[float, Floats]]:
        return lambda logs: made(np.exp(logs)).mean_log_likelihood(of)

    tried = _every_kth(scaled)
    begun = maximise(objective(tried), starts, [(LOWEST, HIGHEST)] * 4)
    best = (
        maximise(objective(scaled), [begun.parameters.tolist()], [(LOWEST, HIGHEST)] * 4)
        if tried is not scaled
        else begun
    )
    names = ("r", "alpha", "s", "beta") if model is PurchaseModel.PARETO_NBD else ("r", "alpha", "a", "b")
    units = np.array([1.0, span, 1.0, span if model is PurchaseModel.PARETO_NBD else 1.0])
    fitted = made(best.parameters).in_units_of(1 / span)
    # The likelihood of continuous ages and recencies is a density by the unit of time, once for each repeat purchase.
    repeats = float(weighted_sum(histories.weights, histories.repeats))
    fit = _fit(best, names, units, objective(scaled), histories.customers, -repeats * np.log(span), began)
    return PurchaseFit(fitted, Fit(**{**fit.__dict__, "observations": int(repeats)}))


def fit_spend(spend: Spend, *, least_buyers: int) -> SpendFit:
    """The parameters of greatest likelihood of Gamma-Gamma.

    Raises:
        CannotFit: there are fewer buyers than asked for, or all of them spend the same.
    """
    customers = float(spend.weights.sum())
    if customers < least_buyers:
        raise CannotFit(
            f"{customers:,.0f} buyers with an amount above 0 are too few for gamma_gamma: it takes {least_buyers:,}. "
            "Set the limits at prediction in standards.yaml, or wait for more history."
        )
    began = perf_counter()
    mean = float(weighted_sum(spend.weights, spend.mean_amount) / customers)
    scaled = spend.in_units_of(mean)

    def objective(logs: Floats) -> tuple[float, Floats]:
        return GammaGamma(*np.exp(logs)).mean_log_likelihood(scaled)

    best = maximise(objective, [(2.0, 3.0, 1.0), (10.0, 10.0, 1.0)], [(LOWEST, HIGHEST)] * 3)
    fit = _fit(
        best, ("p", "q", "gamma"), np.array([1.0, 1.0, mean]), objective, customers, -customers * np.log(mean), began
    )
    return SpendFit(
        GammaGamma(*best.parameters).in_units_of(1 / mean),
        Fit(**{**fit.__dict__, "observations": int(weighted_sum(spend.weights, spend.purchases))}),
    )


def _every_kth(histories: Histories) -> Histories:
    """Some of the histories, evenly over all, when there are many."""
    step = len(histories.repeats) // TRIED_ON
    if step < 2:
        return histories
    return Histories(*(getattr(histories, name)[::step] for name in ("repeats", "recency", "age", "weights")))


def _fit(
    best: Maximum,
    names: tuple[str, ...],
    units: Floats,
    objective: Callable[[Floats], tuple[float, Floats]],
    customers: float,
    change_of_unit: float,
    began: float,
) -> Fit:
    parameters = best.parameters * units
    errors = _standard_errors(best, objective, customers) * parameters
    return Fit(
        parameters=dict(zip(names, map(float, parameters), strict=True)),
        standard_errors=dict(zip(names, map(float, errors), strict=True)),
        log_likelihood=best.mean_log_likelihood * customers + change_of_unit,
        at_bound=tuple(name for name, is_there in zip(names, best.at_bound, strict=True) if is_there),
        customers=int(customers),
        observations=0,
        evaluations=best.evaluations,
        seconds=perf_counter() - began,
    )


def _standard_errors(best: Maximum, objective: Callable[[Floats], tuple[float, Floats]], customers: float) -> Floats:
    """Standard errors of the logarithms, from the observed information; NaN at a bound or on a ridge."""
    logs = np.log(best.parameters)
    size = len(logs)
    if any(best.at_bound):
        return np.full(size, np.nan)
    steps = np.eye(size) * HESSIAN_STEP
    hessian = np.array([(objective(logs + step)[1] - objective(logs - step)[1]) / (2 * HESSIAN_STEP) for step in steps])
    information = -(hessian + hessian.T) / 2 * customers
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return np.full(size, np.nan)
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))), dtype=np.float64)
