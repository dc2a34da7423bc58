"""Maximum likelihood in the logarithms of positive parameters, from several starts, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from dagster_project.prediction.histories import Floats

# Mean log-likelihood and its gradient, by the logarithms of the parameters.
Objective = Callable[[Floats], tuple[float, Floats]]
NEAR_BOUND = 1e-3


@dataclass(frozen=True)
class Maximum:
    """Where the mean log-likelihood is greatest: parameters themselves, not their logarithms."""

    parameters: Floats
    mean_log_likelihood: float
    at_bound: tuple[bool, ...]
    evaluations: int


def maximise(objective: Objective, starts: Sequence[Sequence[float]], bounds: Sequence[tuple[float, float]]) -> Maximum:
    """The best of the maxima that L-BFGS-B finds from `starts`; starts and bounds are parameters, not logarithms.

    Raises:
        ArithmeticError: the likelihood is not finite from any start.
    """
    log_bounds = [(np.log(low), np.log(high)) for low, high in bounds]
    evaluations = 0

    def negative(log_parameters: Floats) -> tuple[float, Floats]:
        nonlocal evaluations
        evaluations += 1
        value, gradient = objective(log_parameters)
        return -value, -gradient

    best = None
    for start in starts:
        begin = np.clip(np.log(start), [low for low, _ in log_bounds], [high for _, high in log_bounds])
        found = minimize(
            negative,
            begin,
            jac=True,
            method="L-BFGS-B",
            bounds=log_bounds,
            options={"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20},
        )
        if np.isfinite(found.fun) and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        raise ArithmeticError("the likelihood is not finite from any start")
    return Maximum(
        parameters=np.exp(best.x),
        mean_log_likelihood=-float(best.fun),
        at_bound=tuple(
            bool(min(place - low, high - place) < NEAR_BOUND)
            for place, (low, high) in zip(best.x, log_bounds, strict=True)
        ),
        evaluations=evaluations,
    )
