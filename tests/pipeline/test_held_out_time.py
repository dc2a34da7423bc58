"""What a real shop's past days foretold against what its customers then did; no day knew anything of it.

UCI Online Retail, see uci_run.py. Month ends are classified from what the shop had landed, and judged by the orders of
the same file that lie after them, read without the project.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from compiled_warehouse import copy_what_was_staged
from reference.uci import build_baskets
from uci_run import LINES, UciRun

from dagster_project.landing import Manifest
from dagster_project.settings import load_settings
from dagster_project.warehouse.compiled_models import compile_project
from dagster_project.warehouse.control import write_control
from dagster_project.warehouse.run_window import month_ends_between

pytestmark = pytest.mark.real_data

# The first month end with a rate learnt from an earlier one, and the last with 90 days after it.
MONTH_ENDS = month_ends_between(date(2011, 5, 31), date(2011, 8, 31))
HORIZON = timedelta(days=90)
DECILES = 10
Baskets = dict[str, dict[date, list[str]]]


@pytest.fixture(scope="module")
def warehouse(uci_run: UciRun, compiled_models: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """MONTH_ENDS, built from what the run has staged and linked."""
    settings = load_settings(uci_run.config, uci_run.data)
    project = compile_project(settings, compiled_models)
    given = [name for name, model in project.models.items() if model.schema == "staging"]
    with duckdb.connect() as con:
        copy_what_was_staged(con, settings)
        write_control(con, settings=settings, manifest=Manifest.load(settings.paths), days=MONTH_ENDS)
        project.build(con, select=["silent_customers", "next_products"], given=given)
        yield con


@pytest.fixture(scope="module")
def baskets(real_data: Path) -> Baskets:
    """The products of every order day of every customer."""
    return {
        customer: {day: [product_id for _, product_id in products] for day, products in days.items()}
        for customer, days in build_baskets(real_data / LINES).items()
    }


@pytest.fixture(scope="module")
def returns(warehouse: duckdb.DuckDBPyConnection, baskets: Baskets) -> pd.DataFrame:
    """One row a silent customer and month end: the rate they were given, and whether they came back."""
    rows = warehouse.execute(
        "select as_of_date, customer_ref, return_rate from marts.silent_customers "
        "inner join identity.customer_aliases using (customer_id) where return_rate is not null order by all"
    ).fetchall()
    return pd.DataFrame(
        [
            (day, float(rate), any(day < ordered_on <= day + HORIZON for ordered_on in baskets[customer]))
            for day, customer, rate in rows
        ],
        columns=["as_of_date", "predicted", "returned"],
    )


def by_tenth(returns: pd.DataFrame) -> pd.DataFrame:
    """Customers, mean prediction and share that came back, by tenth of the predictions; equal ones stay together."""
    cuts = sorted(returns["predicted"])
    cuts = [cuts[-(-len(cuts) * tenth // DECILES) - 1] for tenth in range(1, DECILES)]
    tenths = returns["predicted"].map(lambda rate: sum(rate > cut for cut in cuts))
    grouped = returns.groupby(tenths)
    return pd.DataFrame(
        {
            "customers": grouped.size(),
            "predicted": grouped["predicted"].mean(),
            "returned": grouped["returned"].mean(),
        }
    )


def calibration_slope(returns: pd.DataFrame) -> tuple[float, float]:
    """Slope and standard error of a logistic regression of the outcome on the log odds predicted (Cox, 1958).

    1: differences between customers are as large as predicted; below 1, predictions spread too far.
    """
    chance = returns["predicted"].to_numpy()
    design = np.column_stack([np.ones(len(chance)), np.log(chance / (1 - chance))])
    outcome = returns["returned"].to_numpy(dtype=float)
    weights = np.zeros(2)
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-design @ weights))
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        weights += np.linalg.solve(information, design.T @ (outcome - fitted))
    return float(weights[1]), float(np.sqrt(np.linalg.inv(information)[1, 1]))


@pytest.mark.parametrize("day", MONTH_ENDS, ids=str)
def test_customers_differ_in_coming_back_as_much_as_their_rates_say(returns: pd.DataFrame, day: date) -> None:
    slope, error = calibration_slope(returns[returns["as_of_date"] == day])
    assert abs(slope - 1) < 0.06
    assert abs(slope - 1) < 1.96 * error


def test_of_every_tenth_as_many_come_back_as_the_rates_of_the_last_month_end_say(returns: pd.DataFrame) -> None:
    """Rates of 2011-08-31 are learnt from six month ends, and judged by September to November, this shop's season."""
    last = returns[returns["as_of_date"] == MONTH_ENDS[-1]]
    tenths = by_tenth(last)
    errors = (tenths["predicted"] - tenths["returned"]).abs()
    assert (len(last), len(tenths)) == (1378, 8)
    assert last["returned"].mean() - last["predicted"].mean() == pytest.approx(0.033, abs=0.001)
    assert (errors * tenths["customers"]).sum() / len(last) < 0.05
    assert sorted(errors)[-2] < 0.07
    assert tenths["predicted"].corr(tenths["returned"]) > 0.9


def test_over_all_month_ends_the_level_is_five_points_high_since_no_rate_knows_a_season(returns: pd.DataFrame) -> None:
    tenths = by_tenth(returns)
    errors = (tenths["predicted"] - tenths["returned"]).abs()
    assert (len(returns), len(tenths)) == (4450, 10)
    assert returns["predicted"].mean() - returns["returned"].mean() == pytest.approx(0.054, abs=0.001)
    earlier = returns[returns["as_of_date"] < MONTH_ENDS[-1]]
    assert earlier["predicted"].mean() - earlier["returned"].mean() == pytest.approx(0.094, abs=0.001)
    assert (errors * tenths["customers"]).sum() / len(returns) < 0.065
    assert errors.max() < 0.125


@pytest.mark.parametrize(
    ("day", "hits_of_offers", "hits_of_bestsellers"),
    [(MONTH_ENDS[0], 370, 244), (MONTH_ENDS[-1], 269, 177)],
    ids=str,
)
def test_half_as_many_again_bought_what_they_were_offered_as_bought_a_bestseller(
    warehouse: duckdb.DuckDBPyConnection,
    baskets: Baskets,
    day: date,
    hits_of_offers: int,
    hits_of_bestsellers: int,
) -> None:
    """On the next order day after `day`: one of the three offers, or of the three bestsellers not bought before."""
    offers: dict[str, list[str]] = {}
    for customer, product_id in warehouse.execute(
        "select customer_ref, product_id from marts.next_products "
        "inner join identity.customer_aliases using (customer_id) where as_of_date = ? order by all",
        [day],
    ).fetchall():
        offers.setdefault(customer, []).append(product_id)
    owned = {
        customer: {product for ordered_on, products in days.items() if ordered_on <= day for product in products}
        for customer, days in baskets.items()
    }
    buyers: dict[str, int] = {}
    for products in owned.values():
        for product in products:
            buyers[product] = buyers.get(product, 0) + 1
    bestsellers = sorted(buyers, key=lambda product: (-buyers[product], product))

    hits = {"offers": 0, "bestsellers": 0}
    for customer, days in baskets.items():
        ordered_on = sorted(days)
        place = bisect_right(ordered_on, day)
        if 0 < place < len(ordered_on):
            bought = set(days[ordered_on[place]])
            best = [product for product in bestsellers[:500] if product not in owned[customer]][:3]
            hits["offers"] += not bought.isdisjoint(offers.get(customer, ()))
            hits["bestsellers"] += not bought.isdisjoint(best)
    assert hits == {"offers": hits_of_offers, "bestsellers": hits_of_bestsellers}
    assert hits_of_offers > 1.5 * hits_of_bestsellers
