"""What a fitted model says of all customers together: how their purchases add up, and how many buy how often.

Both are told from the parameters alone, by nobody's own history: they show whether the model has the shape of the data.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, expm1, gammaln

from dagster_project.prediction.bg_nbd import BetaGeometric
from dagster_project.prediction.histories import Floats, Histories
from dagster_project.prediction.pareto_nbd import NODE_WEIGHTS, NODES, ParetoNbd


def expected_cumulated(model: BetaGeometric | ParetoNbd, first_days: Floats, days: int) -> Floats:
    """Repeat purchases expected by the end of day 0, 1, … `days`, shape (days + 1,).

    `first_days` are customers by the day of their first purchase, shape (n,); parameters are in days.
    """
    spans = np.arange(1, days + 1, dtype=np.float64)
    nothing = np.zeros(days)
    by_age = model.expected_purchases(Histories(nothing, nothing, nothing, nothing + 1), spans)
    return np.asarray(np.convolve(first_days, np.concatenate([[0.0], by_age]))[: days + 1], dtype=np.float64)


def repeat_probabilities(model: BetaGeometric | ParetoNbd, ages: Floats, most: int) -> Floats:
    """Probabilities of 0, 1, … `most` − 1 repeat purchases in `ages` after the first one, and of `most` or more.

    Shape (n, most + 1). BG/NBD: equation 8 of Fader, Hardie and Lee (2005), for MBG/NBD with one chance more to leave;
    Pareto/NBD: over the time of leaving, which does not depend on purchases.
    """
    few = _beta_geometric(model, ages, most) if isinstance(model, BetaGeometric) else _pareto(model, ages, most)
    return np.column_stack([few, np.maximum(1 - few.sum(axis=1), 0)])


def _beta_geometric(model: BetaGeometric, ages: Floats, most: int) -> Floats:
    bought = _negative_binomial(model.r, model.alpha, ages, most)
    # The customer stays through `survived` chances to leave, or leaves at the last one, having bought so often in time.
    count = np.arange(most)
    survived = count + 1.0 if model.is_modified else count.astype(np.float64)
    stays = np.exp(betaln(model.a, model.b + survived) - betaln(model.a, model.b))
    with np.errstate(invalid="ignore"):
        leaves = np.exp(betaln(model.a + 1, np.maximum(model.b + survived - 1, 0)) - betaln(model.a, model.b))
    leaves = np.where(survived > 0, leaves, 0)
    at_least = 1 - np.concatenate([np.zeros((len(ages), 1)), np.cumsum(bought, axis=1)[:, :-1]], axis=1)
    return np.asarray(bought * stays + at_least * leaves)


def _pareto(model: ParetoNbd, ages: Floats, most: int) -> Floats:
    staying = np.exp(-model.s * np.log1p(ages / model.beta))
    total = staying[:, None] * _negative_binomial(model.r, model.alpha, ages, most)
    length = np.log1p(ages / model.beta)
    # The time of leaving in equal steps of log(beta + time), as in the odds.
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        step = length * (node + 1) / 2
        density = weight * length / 2 * model.s * np.exp(-model.s * step)
        total += density[:, None] * _negative_binomial(model.r, model.alpha, model.beta * expm1(step), most)
    return np.asarray(total)


def _negative_binomial(r: float, alpha: float, spans: Floats, most: int) -> Floats:
    """Probabilities of 0 … `most` − 1 purchases within each span of who stays, shape (n, most)."""
    count = np.arange(most, dtype=np.float64)
    share = spans / (alpha + spans)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(count > 0, count * np.log(share)[:, None], 0)
    ways = gammaln(r + count) - gammaln(r) - gammaln(count + 1)
    return np.asarray(np.exp(ways - r * np.log1p(spans / alpha)[:, None] + logs))
