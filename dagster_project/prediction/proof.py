"""Predictions against what came: relations in, Arrow tables out. How a forecast is judged is backtest.py's.

A month end whose model was refused is not judged: without a model there is nothing to compare. Neither is one less than
90 days after the first order: a model that has seen less than it foretells is no measure of later ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dagster_project.prediction.days import fitted_models

if TYPE_CHECKING:
    import duckdb

    from dagster_project.prediction.backtest import Forecast, Observed
    from dagster_project.prediction.bg_nbd import BetaGeometric
    from dagster_project.prediction.histories import Floats
    from dagster_project.prediction.pareto_nbd import ParetoNbd

RECENCY, LAST_90_DAYS, RFM_CELLS = "recency", "last_90_days", "rfm_cells"
HORIZON = timedelta(days=90)
MEASURES = (
    "actual_purchases",
    "predicted_purchases",
    "actual_value",
    "predicted_value",
    "actual_customers",
    "predicted_customers",
    "rank_correlation",
    "top_tenth_share",
    "oracle_top_tenth_share",
)
BACKTEST = pa.schema(
    [
        ("reference_on", pa.date32()),
        ("standard_version", pa.string()),
        ("fitted_on", pa.date32()),
        ("predictor", pa.string()),
        ("ranked_by", pa.string()),
        ("tenth", pa.int32()),
        ("customers", pa.float64()),
        *((name, pa.float64()) for name in MEASURES),
    ]
)
CELLS = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("customer_id", pa.int64()),
        ("purchases_90d", pa.float64()),
        ("value_90d", pa.float64()),
    ]
)
CURVES = pa.schema(
    [
        ("reference_on", pa.date32()),
        ("standard_version", pa.string()),
        ("fitted_on", pa.date32()),
        ("predictor", pa.string()),
        ("curve", pa.string()),
        ("place", pa.int32()),
        ("counted_on", pa.date32()),
        ("actual", pa.float64()),
        ("predicted", pa.float64()),
    ]
)
TRACKING, FREQUENCY = "tracking", "frequency"
WEEK = timedelta(days=7)
# So many repeat order days and more are one bar.
MOST_REPEATS = 7
Row = dict[str, Any]
_OBSERVED = (
    "recency_days",
    "order_days_365d",
    "revenue_365d",
    "order_days_90d",
    "revenue_90d",
    "next_order_days",
    "next_revenue",
)


def backtest_days(
    plans: duckdb.DuckDBPyRelation, predicted: duckdb.DuckDBPyRelation, observed: duckdb.DuckDBPyRelation
) -> pa.Table:
    """How the fitted model and three simple rules did at the month ends of `plans`, schema `BACKTEST`.

    `predicted` is int_customers_predicted, `observed` int_histories_observed.
    """
    fitted = {
        day for (day,) in predicted.filter("model_value_90d is not null").select("as_of_date").distinct().fetchall()
    }
    rows: list[Row] = []
    for day, version, fitted_on, model in _references(plans):
        if day in fitted:
            about = {"reference_on": day, "standard_version": version, "fitted_on": fitted_on}
            rows += [{**about, **row} for row in _judged(day, model, predicted, observed)]
    return pa.Table.from_pylist(rows, schema=BACKTEST)


def draw_curves(
    plans: duckdb.DuckDBPyRelation,
    fits: duckdb.DuckDBPyRelation,
    histories: duckdb.DuckDBPyRelation,
    repeats: duckdb.DuckDBPyRelation,
) -> pa.Table:
    """The fitted models beside what customers did, as sums over all of them, at the month ends of `plans`.

    Schema `CURVES`. tracking: a row a week from the first order to 90 days after the month end, with order days that
    were not a customer's first, added up. frequency: a row for each number of them up to the fit. Both of customers who
    had ordered by the fit. `fits` is int_purchase_models_fitted, `histories` int_histories_measured, `repeats`
    int_repeats_counted.
    """
    models = fitted_models(fits)
    rows: list[Row] = []
    for day, version, fitted_on, name in _references(plans):
        if (fitted_on, version) not in models:
            continue
        from dagster_project.prediction.curves import repeat_probabilities

        model = models[fitted_on, version].model
        about = {"reference_on": day, "standard_version": version, "fitted_on": fitted_on, "predictor": name}
        own = histories.filter(f"fitted_on = date '{fitted_on}'")
        [ages, customers] = _columns(
            own.aggregate("age_days, count(*) as customers"), ("age_days", "customers"), by="age_days"
        )
        first = fitted_on - timedelta(days=int(ages[-1]))
        if day - first < HORIZON:
            continue
        rows += [
            {**about, "curve": TRACKING, **row}
            for row in _tracked(model, ages, customers, first, day + HORIZON, repeats)
        ]
        counted = dict(own.aggregate(f"least(repeats, {MOST_REPEATS}) as place, count(*) as customers").fetchall())
        predicted = customers @ repeat_probabilities(model, ages, MOST_REPEATS)
        rows += [
            {**about, "curve": FREQUENCY, "place": place, "actual": counted.get(place, 0), "predicted": float(expected)}
            for place, expected in enumerate(predicted)
        ]
    return pa.Table.from_pylist(rows, schema=CURVES)


def _tracked(
    model: BetaGeometric | ParetoNbd,
    ages: Floats,
    customers: Floats,
    first: date,
    last: date,
    repeats: duckdb.DuckDBPyRelation,
) -> Iterator[Row]:
    """Ends of weeks after `first`: repeat order days added up, and as many as `model` expects."""
    import numpy as np

    from dagster_project.prediction.curves import expected_cumulated

    days = (last - first).days
    came = np.zeros(int(ages[-1]) + 1)
    came[(ages[-1] - ages).astype(int)] = customers
    expected = expected_cumulated(model, came, days)
    [on, counted] = _columns(
        repeats.filter(f"reference_on = date '{last - HORIZON}'").project(
            f"date_diff('day', date '{first}', business_day) as place, repeats"
        ),
        ("place", "repeats"),
        by="place",
    )
    actual = np.cumsum(np.bincount(on.astype(int), weights=counted, minlength=days + 1))
    for place in range(WEEK.days, days + 1, WEEK.days):
        yield {
            "place": place,
            "counted_on": first + timedelta(days=place),
            "actual": float(actual[place]),
            "predicted": float(expected[place]),
        }


def predict_by_cells(plans: duckdb.DuckDBPyRelation, observed: duckdb.DuckDBPyRelation) -> pa.Table:
    """What the means of cells foretell of each customer, on the days of `plans` that ask for it, schema `CELLS`."""
    asking = plans.filter(f"purchase_model = '{RFM_CELLS}'").select("as_of_date").order("as_of_date").fetchall()
    tables = [CELLS.empty_table()]
    for (day,) in asking:
        from dagster_project.prediction.backtest import cell_means

        past = _observed(observed.filter(f"observed_on = date '{day - HORIZON}'"))
        rows = observed.filter(f"observed_on = date '{day}'")
        forecast = cell_means(past, _observed(rows))
        customers = rows.order("customer_id").select("customer_id").fetchnumpy()["customer_id"]
        columns = [pa.array([day] * len(customers), pa.date32()), pa.array(customers, pa.int64())]
        tables.append(
            pa.Table.from_arrays([*columns, pa.array(forecast.purchases), pa.array(forecast.value)], schema=CELLS)
        )
    return pa.concat_tables(tables)


def _references(plans: duckdb.DuckDBPyRelation) -> list[tuple[date, str, date, str]]:
    """The month ends to judge: day, standard, day of the fit, fitted model."""
    columns = ("as_of_date", "standard_version", "fitted_on", "fitted_model")
    rows: list[tuple[date, str, date, str]] = (
        plans.filter("is_reference").select(*columns).order("as_of_date").fetchall()
    )
    return rows


def _judged(day: date, model: str, predicted: duckdb.DuckDBPyRelation, observed: duckdb.DuckDBPyRelation) -> list[Row]:
    from dagster_project.prediction.backtest import (
        Forecast,
        cell_means,
        gains,
        last_90_days_repeated,
        recency_alone,
        success,
    )

    forecasts = predicted.filter(f"as_of_date = date '{day}' and model_value_90d is not null").set_alias("predicted")
    forecast_columns = ("model_purchases_90d", "model_value_90d", "probability_order_90d")
    rows = forecasts.join(
        observed.filter(f"observed_on = date '{day}'").set_alias("observed"),
        "predicted.customer_id = observed.customer_id",
    ).project(", ".join(("predicted.customer_id as customer_id", *forecast_columns, *_OBSERVED)))
    purchases, value, chance = _columns(rows, forecast_columns)
    present = _observed(rows)
    past = _observed(observed.filter(f"observed_on = date '{day - HORIZON}'"))
    if not len(past.recency_days):
        return []
    by_predictor: dict[str, Forecast] = {
        model: Forecast(rank=value, purchases=purchases, value=value),
        RECENCY: recency_alone(present),
        LAST_90_DAYS: last_90_days_repeated(present),
        RFM_CELLS: cell_means(past, present),
    }
    actual = {
        "actual_purchases": present.next_order_days,
        "actual_value": present.next_revenue,
        "actual_customers": (present.next_order_days > 0).astype(float),
    }
    expected = {"predicted_purchases": purchases, "predicted_value": value, "predicted_customers": chance}
    customers = len(value)
    best = success(Forecast(rank=present.next_revenue), present).top_tenth_share
    whole: list[Row] = []
    for predictor, forecast in by_predictor.items():
        found = success(forecast, present)
        whole.append(
            {
                "predictor": predictor,
                "customers": float(customers),
                **{name: float(values.sum()) for name, values in actual.items()},
                "predicted_purchases": found.predicted_purchases,
                "predicted_value": found.predicted_value,
                "predicted_customers": float(chance.sum()) if predictor == model else None,
                "rank_correlation": found.rank_correlation,
                "top_tenth_share": found.top_tenth_share,
                "oracle_top_tenth_share": best,
            }
        )
    tenths: list[Row] = []
    for ranked_by, rank in (("expected_value", value), ("probability_order_90d", chance)):
        sums = {name: gains(rank, values) for name, values in (actual | expected).items()}
        tenths += [
            {
                "predictor": model,
                "ranked_by": ranked_by,
                "tenth": tenth + 1,
                "customers": customers / 10,
                **{name: float(values[tenth]) for name, values in sums.items()},
            }
            for tenth in range(10)
        ]
    return [*whole, *tenths]


def _observed(rows: duckdb.DuckDBPyRelation) -> Observed:
    from dagster_project.prediction.backtest import Observed

    return Observed(*_columns(rows, _OBSERVED))


def _columns(rows: duckdb.DuckDBPyRelation, names: Sequence[str], *, by: str = "customer_id") -> list[Floats]:
    """Columns as floats, in the order of the customers or of another column; none is NULL."""
    import numpy as np

    listed = ", ".join(f"cast({name} as double) as {name}" for name in names)
    found = rows.order(by).project(listed).fetchnumpy()
    return [np.asarray(found[name], dtype=np.float64) for name in names]
