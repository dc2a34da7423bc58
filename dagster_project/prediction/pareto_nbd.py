"""Pareto/NBD: customers buy at a steady rate of their own and leave at a time that does not depend on purchases.

Schmittlein, Morrison and Colombo, Management Science 33 (1987); the likelihood as Fader and Hardie, "A note on deriving
the Pareto/NBD model" (2005), write it before it is integrated. The integral over the time of leaving is taken by
Gauss-Legendre quadrature, which has a gradient and no case for alpha < beta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln

from dagster_project.prediction.histories import Floats, Histories, weighted_sum

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(48)
# Beyond so many e-foldings of the integrand nothing is left that a double could hold.
FOLDINGS = 40.0
CHUNK = 50_000


@dataclass(frozen=True)
class ParetoNbd:
    """Parameters: purchase rates are gamma (r, alpha), rates of leaving gamma (s, beta), rates per unit of time."""

    r: float
    alpha: float
    s: float
    beta: float

    def in_units_of(self, span: float) -> ParetoNbd:
        """The same for times that are divided by `span`."""
        return ParetoNbd(self.r, self.alpha / span, self.s, self.beta / span)

    def probability_alive(self, histories: Histories) -> Floats:
        """Probability that the customer has not left by the end of the observation, shape (n,)."""
        return np.asarray(expit(-self._log_odds_gone(histories)[0]), dtype=np.float64)

    def probability_of_purchase(self, histories: Histories, span: float) -> Floats:
        """Probability of at least one purchase in the next `span`, shape (n,): the first one comes before they leave.

        The density of the first purchase after y, for who is there at the beginning, over y from 0 to `span`.
        """
        shape, rate, leaving = self.r + histories.repeats, self.alpha + histories.age, self.beta + histories.age
        total = np.zeros(len(histories.repeats))
        # y in equal steps of log(rate + y), as in the odds.
        length = np.log1p(span / rate)
        for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
            step = length * (node + 1) / 2
            y = rate * np.expm1(step)
            total += weight * length / 2 * shape * np.exp(-shape * step - self.s * np.log1p(y / leaving))
        return np.asarray(total * self.probability_alive(histories), dtype=np.float64)

    def expected_purchases(self, histories: Histories, span: float | Floats) -> Floats:
        """Purchases expected in the next `span`, shape (n,)."""
        rate = (self.r + histories.repeats) / (self.alpha + histories.age)
        length = np.log1p(span / (self.beta + histories.age))
        step = (self.s - 1) * length
        with np.errstate(invalid="ignore", divide="ignore"):
            lasting = length * np.where(np.abs(step) < 1e-12, 1.0, -np.expm1(-step) / step)
        return np.asarray(rate * (self.beta + histories.age) * lasting * self.probability_alive(histories))

    def mean_log_likelihood(self, histories: Histories) -> tuple[float, Floats]:
        """Mean log-likelihood of a customer, and its gradient by the logarithms of r, alpha, s and beta, shape (4,)."""
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        x, age = histories.repeats, histories.age
        odds, slopes = self._log_odds_gone(histories)
        gone = expit(odds)
        counts, places = np.unique(x, return_inverse=True)
        by_count = gammaln(r + counts) - gammaln(r)
        by_count_r = digamma(r + counts) - digamma(r)
        log_buying, log_staying = np.log1p(age / alpha), np.log1p(age / beta)
        values = by_count[places] - r * log_buying - x * np.log(alpha + age) - s * log_staying + np.logaddexp(odds, 0)
        weights = histories.weights / histories.customers
        alive = np.array([
            by_count_r[places] - log_buying,
            (r * age / alpha - x) / (alpha + age),
            -log_staying,
            s * age / beta / (beta + age),
        ])  # fmt: skip
        gradient = weighted_sum(weights, alive + gone * slopes) * np.array([r, alpha, s, beta])
        return float(weighted_sum(weights, values)), gradient

    def _log_odds_gone(self, histories: Histories) -> tuple[Floats, Floats]:
        """Logarithm of the odds that the customer left, shape (n,), and its gradient by the parameters, (4, n)."""
        odds = np.empty(len(histories.repeats))
        slopes = np.empty((4, len(histories.repeats)))
        for begin in range(0, len(odds), CHUNK):
            part = slice(begin, begin + CHUNK)
            odds[part], slopes[:, part] = self._part(
                histories.repeats[part], histories.recency[part], histories.age[part]
            )
        return odds, slopes

    def _part(self, x: Floats, recency: Floats, age: Floats) -> tuple[Floats, Floats]:
        """Odds: s * integral over y from recency to age of ((A+T)/(A+y))^(r+x) ((B+T)/(B+y))^s / (B+y)."""
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        # y in equal steps of log(alpha + y): the integrand falls by e every 1 / (r + x) of it
        length = np.log1p((age - recency) / (alpha + recency))
        length = np.minimum(length, FOLDINGS / (r + x))
        steps = length[:, None] * (NODES + 1) / 2
        grown = np.expm1(steps)
        y = recency[:, None] + (alpha + recency)[:, None] * grown
        log_buying = np.log1p((age[:, None] - y) / (alpha + y))
        log_staying = np.log1p((age[:, None] - y) / (beta + y))
        with np.errstate(divide="ignore"):
            terms = (
                (r + x)[:, None] * log_buying
                + s * log_staying
                + np.log(alpha + y) - np.log(beta + y)
                + np.log(length[:, None] / 2 * NODE_WEIGHTS * s)
            )  # fmt: skip
        highest = terms.max(axis=1, keepdims=True)
        highest = np.where(np.isfinite(highest), highest, 0.0)
        shares = np.exp(terms - highest)
        total = shares.sum(axis=1)
        with np.errstate(divide="ignore"):
            odds = np.log(total) + highest[:, 0]
        shares /= np.where(total > 0, total, 1)[:, None]
        slopes = np.array([
            (shares * log_buying).sum(axis=1),
            ((r + x)[:, None] * shares * (1 / (alpha + age)[:, None] - 1 / (alpha + y))).sum(axis=1),
            (shares * log_staying).sum(axis=1) + 1 / s,
            (shares * (s / (beta + age)[:, None] - (s + 1) / (beta + y))).sum(axis=1),
        ])  # fmt: skip
        return odds, slopes
