"""Purchases that a customer makes before leaving, under beta-geometric leaving: an integral that is always positive.

The hypergeometric function of the textbooks is not finite for hundreds of purchases, and scipy's is wrong by all its
digits for ordinary parameters (a 20, b 50) at long spans, whichever transformation it is given. What it stands for is
the mean over the probability p of leaving, beta (a, b), of (1 - (1 + p t)^-shape) / p. In v = log(p / (1 - p)) the
integrand is analytic within pi of the real line, so that the trapezoidal rule with steps of at most 0.5 has 12 digits
(Trefethen and Weideman, SIAM Review 56, 2014).
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaln, expit, log1p

from dagster_project.prediction.histories import Floats

NODES = 192
# Tails: 38 e-foldings are below 1e-16; nearer than 25 to the ends of v the integrand is its limit to 10 digits.
FOLDINGS, FLAT = 38.0, 25.0
DEVIATIONS = 10.0
# An interpolant of so many Chebyshev points in log t has nine digits over eight decades.
POINTS = 64
CHUNK = 4_096


def purchases_before_leaving(shape: Floats, span: Floats, a: float, b: Floats) -> Floats:
    """Expected purchases of customers who are there at the beginning of `span`, shape (n,).

    Their purchase rates are gamma (`shape`, 1), in whose unit of time `span` is; they leave after each purchase with a
    probability that is beta (`a`, `b`). Relative error below 1e-7 for up to 5,000 purchases.
    """
    groups, places, counts = np.unique(np.column_stack([shape, b]), axis=0, return_inverse=True, return_counts=True)
    places = places.reshape(-1)
    direct = counts[places] <= POINTS
    result = np.empty(len(shape))
    result[direct] = _integrated(shape[direct], span[direct], a, b[direct])
    order = np.argsort(places, kind="stable")
    for group, members in enumerate(np.split(order, np.cumsum(counts)[:-1])):
        if counts[group] > POINTS:
            of_shape, of_b = groups[group]
            result[members] = _interpolated(of_shape, of_b, span[members], a)
    return result


def _interpolated(shape: float, b: float, span: Floats, a: float) -> Floats:
    """The same for many spans of one shape, through a polynomial in log span."""
    logs = np.log(span)
    low, high = logs.min(), logs.max()
    if high - low < 1e-12:
        return np.full(len(span), _integrated(np.array([shape]), span[:1], a, np.array([b]))[0])
    series = np.polynomial.chebyshev.Chebyshev.interpolate(
        lambda at: np.log(_integrated(np.full(len(at), shape), np.exp(at), a, np.full(len(at), b))),
        POINTS - 1,
        domain=[low, high],
    )
    return np.asarray(np.exp(series(logs)), dtype=np.float64)


def _integrated(shape: Floats, span: Floats, a: float, b: Floats) -> Floats:
    parts = [
        _part(shape[begin : begin + CHUNK], span[begin : begin + CHUNK], a, b[begin : begin + CHUNK])
        for begin in range(0, len(shape), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _part(shape: Floats, span: Floats, a: float, b: Floats) -> Floats:
    mode, deviation = np.log(a / b), np.sqrt(1 / a + 1 / b)
    flat_below = -np.log1p(shape * span) - FLAT
    low = np.maximum(mode - FOLDINGS / a - DEVIATIONS * deviation, flat_below)
    high = np.minimum(mode + FOLDINGS / b + DEVIATIONS * deviation, FLAT)
    low = np.minimum(low, high - 1)
    v = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, NODES)
    step = (high - low) / (NODES - 1)
    p = expit(v)
    log_density = -a * np.logaddexp(0, -v) - b[:, None] * np.logaddexp(0, v) - betaln(a, b)[:, None]
    values = np.exp(log_density) * -np.expm1(-shape[:, None] * log1p(p * span[:, None])) / p
    inner = (values.sum(axis=1) - (values[:, 0] + values[:, -1]) / 2) * step
    # Euler-Maclaurin, for ends where the integrand is cut off while it falls as exp(a v) or exp(-b v)
    inner += step**2 / 12 * (a * values[:, 0] + b * values[:, -1])
    left = betainc(a, b, p[:, 0]) * shape * span
    right = betainc(b, a, expit(-high)) * -np.expm1(-shape * log1p(span))
    return np.asarray(left + inner + right, dtype=np.float64)
