"""BG/NBD and MBG/NBD: customers buy at a steady rate of their own until they leave, right after one of their purchases.

BG/NBD: Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005). In it nobody leaves
right after the first purchase, so that every one-time buyer is alive for certain. MBG/NBD lets them: Batislam, Denizel
and Filiztekin, International Journal of Research in Marketing 24 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln

from dagster_project.prediction.histories import Floats, Histories, weighted_sum
from dagster_project.prediction.surviving import purchases_before_leaving


@dataclass(frozen=True)
class BetaGeometric:
    """Parameters: purchase rates are gamma (shape r, rate alpha per unit of time), leaving is beta (a, b)."""

    r: float
    alpha: float
    a: float
    b: float
    is_modified: bool = True

    def in_units_of(self, span: float) -> BetaGeometric:
        """The same for times that are divided by `span`."""
        return BetaGeometric(self.r, self.alpha / span, self.a, self.b, self.is_modified)

    def log_odds_gone(self, histories: Histories) -> Floats:
        """Logarithm of the odds that the customer left after the last purchase; -inf where they cannot have."""
        x, shift = histories.repeats, 0.0 if self.is_modified else 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = (
                np.log(self.a)
                - np.log(self.b + x - shift)
                + (self.r + x) * np.log1p((histories.age - histories.recency) / (self.alpha + histories.recency))
            )
        return odds if self.is_modified else np.where(x > 0, odds, -np.inf)

    def probability_alive(self, histories: Histories) -> Floats:
        """Probability that the customer has not left by the end of the observation, shape (n,)."""
        return np.asarray(expit(-self.log_odds_gone(histories)), dtype=np.float64)

    def probability_of_purchase(self, histories: Histories, span: float) -> Floats:
        """Probability of a purchase in the next `span`, shape (n,): nobody leaves before the first of them."""
        waited = (self.r + histories.repeats) * np.log1p(span / (self.alpha + histories.age))
        return np.asarray(-np.expm1(-waited) * self.probability_alive(histories), dtype=np.float64)

    def expected_purchases(self, histories: Histories, span: float | Floats) -> Floats:
        """Purchases expected in the next `span`, shape (n,): equation 10 of the paper, as an integral."""
        x = histories.repeats
        survived = x + 1 if self.is_modified else x
        purchases = purchases_before_leaving(self.r + x, span / (self.alpha + histories.age), self.a, self.b + survived)
        return purchases * self.probability_alive(histories)

    def mean_log_likelihood(self, histories: Histories) -> tuple[float, Floats]:
        """Mean log-likelihood of a customer, and its gradient by the logarithms of r, alpha, a and b, shape (4,)."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        shift = 1 if self.is_modified else 0
        x, recency, age = histories.repeats, histories.recency, histories.age
        # What depends on the number of purchases alone is taken once a number: a million customers have some hundred.
        counts, places = np.unique(x, return_inverse=True)
        by_count = (
            gammaln(r + counts) - gammaln(r)
            + gammaln(b + counts + shift) - gammaln(a + b + counts + shift) - gammaln(b) + gammaln(a + b)
        )  # fmt: skip
        by_count_r = digamma(r + counts) - digamma(r)
        by_count_a = digamma(a + b) - digamma(a + b + counts + shift)
        by_count_b = digamma(b + counts + shift) - digamma(a + b + counts + shift) - digamma(b) + digamma(a + b)

        log_span = np.log1p(age / alpha)
        odds = self.log_odds_gone(histories)
        gone = expit(odds)
        log_waited = np.log1p((age - recency) / (alpha + recency))
        values = by_count[places] - r * log_span - x * np.log(alpha + age) + np.logaddexp(odds, 0)

        weights = histories.weights / histories.customers
        by_r = by_count_r[places] - log_span + gone * log_waited
        by_alpha = (r * age / alpha - x - gone * (r + x) * (age - recency) / (alpha + recency)) / (alpha + age)
        by_a = by_count_a[places] + gone / a
        with np.errstate(divide="ignore", invalid="ignore"):
            by_b = by_count_b[places] - np.where(gone > 0, gone / (b + x - 1 + shift), 0)
        slopes = np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])
        return float(weighted_sum(weights, values)), weighted_sum(weights, slopes)
