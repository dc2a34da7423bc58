"""Gamma-Gamma: what customers spend a purchase varies around a mean of their own.

Fader and Hardie, "The Gamma-Gamma model of monetary value" (2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from dagster_project.prediction.histories import Floats, weighted_sum


@dataclass(frozen=True)
class Spend:
    """Distinct pairs of purchases and mean amount of a purchase, above 0, with customers as weights; shape (n,)."""

    purchases: Floats
    mean_amount: Floats
    weights: Floats

    def in_units_of(self, amount: float) -> Spend:
        """The same with amounts divided by `amount`."""
        return Spend(self.purchases, self.mean_amount / amount, self.weights)


@dataclass(frozen=True)
class GammaGamma:
    """Parameters: amounts are gamma with shape p, their rates gamma (q, gamma), gamma in units of money."""

    p: float
    q: float
    gamma: float

    def in_units_of(self, amount: float) -> GammaGamma:
        """The same for amounts that are divided by `amount`."""
        return GammaGamma(self.p, self.q, self.gamma / amount)

    @property
    def has_mean(self) -> bool:
        """Whether the population's mean amount is finite."""
        return self.q > 1

    def expected_amount(self, purchases: npt.ArrayLike, mean_amount: npt.ArrayLike) -> Floats:
        """Amount expected of the next purchase, shape (n,); the population's mean where there were no purchases.

        Equation 5 of the paper. Where q is at most 1 the population has no mean, and who has no purchase none either.
        """
        x = np.asarray(purchases, dtype=np.float64)
        known = np.where(x > 0, np.asarray(mean_amount, dtype=np.float64), 0.0)
        below = self.p * x + self.q - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(below > 0, self.p * (self.gamma + x * known) / below, np.nan)

    def mean_log_likelihood(self, spend: Spend) -> tuple[float, Floats]:
        """Mean log-likelihood of a customer, and its gradient by the logarithms of p, q and gamma, shape (3,)."""
        p, q, gamma = self.p, self.q, self.gamma
        x = spend.purchases
        total = x * spend.mean_amount
        shape = p * x
        log_share = np.log(total) - np.log(gamma + total)
        log_rest = -np.log1p(total / gamma)
        values = (
            gammaln(shape + q) - gammaln(shape) - gammaln(q)
            + q * log_rest + shape * log_share - np.log(spend.mean_amount)
        )  # fmt: skip
        weights = spend.weights / spend.weights.sum()
        by_p = x * (digamma(shape + q) - digamma(shape) + log_share)
        by_q = digamma(shape + q) - digamma(q) + log_rest
        by_gamma = (q * total / gamma - shape) / (gamma + total)
        slopes = np.array([by_p * p, by_q * q, by_gamma * gamma])
        return float(weighted_sum(weights, values)), weighted_sum(weights, slopes)
