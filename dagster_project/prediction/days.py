"""Fits and predictions for the days of a run: relations in, Arrow tables out.

What a run computes is decided in SQL; here the distinct histories of a day go to the models and come back. A day's
result depends on that day's rows alone, so that days together give what each gives by itself. scipy is imported where
something is fitted, so that a company too small for a fit does not pay for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

    from dagster_project.prediction.histories import Floats
    from dagster_project.prediction.purchases import Fit
    from dagster_project.prediction.scoring import FittedModel

PURCHASES, SPEND = "purchases", "spend"
SPEND_MODEL = "gamma_gamma"
SWITCHED_OFF = "none"
TOO_FEW_BUYERS, TOO_FEW_SPENDERS, NO_MAXIMUM = "too_few_buyers", "too_few_spenders", "no_finite_maximum"
PURCHASE_PARAMETERS = ("r", "alpha", "a", "b", "s", "beta")
SPEND_PARAMETERS = ("p", "q", "gamma")
PARAMETERS = (*PURCHASE_PARAMETERS, *SPEND_PARAMETERS)
# Digits of a parameter that are kept: what is predicted can be worked out again from the published numbers.
DIGITS = 12
# Of more distinct histories every k-th in their order is fitted to, each with its weight: at 100,000 customers a fit
# takes less than half the time, and what is expected of all of them together moves by 0.1%.
MOST_HISTORIES = 20_000
FITS = pa.schema(
    [
        ("fitted_on", pa.date32()),
        ("standard_version", pa.string()),
        ("part", pa.string()),
        ("model", pa.string()),
        ("parameters_version", pa.string()),
        ("refused_reason", pa.string()),
        ("customers", pa.int64()),
        ("repeat_customers", pa.int64()),
        ("observations", pa.int64()),
        ("log_likelihood", pa.float64()),
        ("at_bound", pa.string()),
        *((name, pa.float64()) for name in PARAMETERS),
        *((f"{name}_error", pa.float64()) for name in PARAMETERS),
    ]
)
SCORES = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("repeats", pa.int32()),
        ("recency_days", pa.int32()),
        ("age_days", pa.int32()),
        ("probability_alive", pa.float64()),
        ("probability_order_90d", pa.float64()),
        ("purchases_90d", pa.float64()),
        ("purchases_365d", pa.float64()),
        ("valued_purchases_90d", pa.float64()),
        ("valued_purchases_365d", pa.float64()),
        ("days_to_next", pa.float64()),
    ]
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A fit that is asked for."""

    fitted_on: date
    purchase_model: str
    least_buyers: int
    least_repeat_buyers: int


def fit_days(plans: duckdb.DuckDBPyRelation, histories: duckdb.DuckDBPyRelation) -> pa.Table:
    """The fits that the rows of `plans` (int_fits_planned) ask for, schema `FITS`, two rows a fit day and standard.

    `histories` (int_histories_measured) holds a row a fit day and customer. Where the model is `none` there is no row.
    """
    wanted = plans.aggregate(
        "fitted_on, standard_version, fitted_model, least_buyers, least_repeat_buyers",
    ).order("fitted_on, standard_version")
    fitted: dict[Asked, tuple[Row, Row]] = {}
    rows: list[Row] = []
    for fitted_on, version, *rest in wanted.fetchall():
        asked = Asked(fitted_on, *rest)
        if asked.purchase_model == SWITCHED_OFF:
            continue
        if asked not in fitted:
            fitted[asked] = _fit(asked, histories.filter(f"fitted_on = date '{fitted_on}'"))
        rows += [{"fitted_on": fitted_on, "standard_version": version, **part} for part in fitted[asked]]
    return pa.Table.from_pylist(rows, schema=FITS)


def score_days(
    plans: duckdb.DuckDBPyRelation, fits: duckdb.DuckDBPyRelation, measured: duckdb.DuckDBPyRelation
) -> pa.Table:
    """What the fitted models say of each distinct history of each day of `plans`, schema `SCORES`.

    `fits` is what `fit_days` gives; `measured` (int_customers_measured) holds a row a day and customer.
    """
    models = fitted_models(fits)
    tables = [
        _scored(day, models[fitted_on, version], float(discount), measured)
        for day, fitted_on, version, discount in plans.select(
            "as_of_date", "fitted_on", "standard_version", "yearly_discount"
        )
        .order("as_of_date")
        .fetchall()
        if (fitted_on, version) in models
    ]
    return pa.concat_tables([SCORES.empty_table(), *tables])


def fitted_models(fits: duckdb.DuckDBPyRelation) -> dict[tuple[date, str], FittedModel]:
    """The purchase models of `fits` by fit day and standard; a refused one is not among them."""
    names = [*FITS.names]
    models: dict[tuple[date, str], FittedModel] = {}
    for values in fits.filter(f"part = '{PURCHASES}' and refused_reason is null").select(*names).fetchall():
        from dagster_project.prediction.scoring import FittedModel

        row = dict(zip(names, values, strict=True))
        models[row["fitted_on"], row["standard_version"]] = FittedModel.of(row["model"], row)
    return models


def _fit(asked: Asked, histories: duckdb.DuckDBPyRelation) -> tuple[Row, Row]:
    """The rows of the purchase model and of the spend model."""
    counted = histories.aggregate("count(*), count(*) filter (repeats > 0)").fetchall()
    [(buyers, repeat_buyers)] = counted or [(0, 0)]
    purchases: Row = {
        "part": PURCHASES,
        "model": asked.purchase_model,
        "customers": buyers,
        "repeat_customers": repeat_buyers,
    }
    paying = "paid_order_days > 0 and revenue > 0"
    [(spenders, repeat_spenders)] = histories.filter(paying).aggregate(
        "count(*), count(*) filter (paid_order_days > 1)"
    ).fetchall() or [(0, 0)]
    spend: Row = {"part": SPEND, "model": SPEND_MODEL, "customers": spenders, "repeat_customers": repeat_spenders}
    if buyers < asked.least_buyers or repeat_buyers < asked.least_repeat_buyers:
        return {**purchases, "refused_reason": TOO_FEW_BUYERS}, {**spend, "refused_reason": TOO_FEW_BUYERS}

    import numpy as np

    from dagster_project.prediction.gamma_gamma import Spend
    from dagster_project.prediction.histories import Histories
    from dagster_project.prediction.purchases import CannotFit, PurchaseModel, fit_purchases, fit_spend

    try:
        fitted_to = Histories(*_thinned(_distinct(histories)))
        made = fit_purchases(fitted_to, PurchaseModel(asked.purchase_model), least_buyers=1, least_repeat_buyers=1)
        purchases |= {**_described(made.fit), "repeat_customers": int(fitted_to.repeat_buyers)}
    except (CannotFit, ArithmeticError):
        purchases["refused_reason"] = NO_MAXIMUM
    if spenders < asked.least_buyers or repeat_spenders < asked.least_repeat_buyers:
        spend["refused_reason"] = TOO_FEW_SPENDERS
    else:
        columns = (
            histories.filter(paying)
            .aggregate("paid_order_days, revenue, count(*) as customers")
            .order("paid_order_days, revenue")
            .fetchnumpy()
        )
        days, revenue, weights = _thinned(np.asarray(values, dtype=np.float64) for values in columns.values())
        try:
            made_of = fit_spend(Spend(days, revenue / days, weights), least_buyers=1).fit
            spend |= {**_described(made_of), "repeat_customers": int(weights[days > 1].sum())}
        except (CannotFit, ArithmeticError):
            spend["refused_reason"] = NO_MAXIMUM
    version = _version(purchases, spend)
    return {**purchases, "parameters_version": version}, {**spend, "parameters_version": version}


def _distinct(histories: duckdb.DuckDBPyRelation) -> Iterator[Any]:
    """Repeats, recency, age and customers of the distinct histories, in their order."""
    import numpy as np

    columns = (
        histories.aggregate("repeats, recency_days, age_days, count(*) as customers")
        .order("repeats, recency_days, age_days")
        .fetchnumpy()
    )
    return (np.asarray(values, dtype=np.float64) for values in columns.values())


def _thinned(columns: Iterable[Floats]) -> list[Floats]:
    """The columns with at most MOST_HISTORIES rows, evenly over all."""
    whole = list(columns)
    step = -(-len(whole[0]) // MOST_HISTORIES) or 1
    return [column[step // 2 :: step] for column in whole]


def _described(fit: Fit) -> Row:
    """The columns of a fit that has been made; a standard error that means nothing is None."""
    return {
        "customers": fit.customers,
        "observations": fit.observations,
        "log_likelihood": _kept(fit.log_likelihood),
        "at_bound": ", ".join(fit.at_bound),
        **{name: _kept(value) for name, value in fit.parameters.items()},
        **{f"{name}_error": _kept(value) for name, value in fit.standard_errors.items()},
    }


def _kept(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if abs(value) < float("inf") else None


def _version(purchases: Row, spend: Row) -> str | None:
    """Fingerprint of the parameters of both parts; None where the purchase model has none."""
    if "refused_reason" in purchases:
        return None
    said = [purchases["model"], *(row.get(name) for row in (purchases, spend) for name in PARAMETERS)]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def _scored(day: date, model: FittedModel, discount: float, measured: duckdb.DuckDBPyRelation) -> pa.Table:
    import numpy as np

    columns = (
        measured.filter(f"as_of_date = date '{day}' and order_days > 0")
        .aggregate("order_days - 1 as repeats, tenure_days - recency_days as recency, tenure_days as age")
        .order("repeats, recency, age")
        .fetchnumpy()
    )
    repeats, recency, age = (np.asarray(values, dtype=np.float64) for values in columns.values())
    scores = model.scores(repeats, recency, age, yearly_discount=discount)
    days = pa.array([day], pa.date32()).take(pa.array(np.zeros(len(repeats), dtype=np.int32)))
    whole = [pa.array(values.astype(np.int32)) for values in (repeats, recency, age)]
    return pa.Table.from_arrays([days, *whole, *(pa.array(scores[name]) for name in SCORES.names[4:])], schema=SCORES)
