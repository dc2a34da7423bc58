"""The models against an independent computation in plain Python, customer by customer, for every method.

One warehouse is built once; each month is classified by another standard, so that one run also crosses versions.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from company import make_company
from reference.classification import COLUMNS, classify
from reference.classification import Standard as ReferenceStandard
from reference.reactivation import band_of, priority, return_rates, silence_causes, states_at_month_ends
from warehouse_builder import WarehouseBuilder, shipped_standard

from dagster_project.settings.standards import Standard

# Each standard holds from its day on; the two days classified by it are its first and one in the middle of its month.
METHODS: dict[date, tuple[dict[str, Any], ReferenceStandard]] = {
    date(2022, 1, 1): ({}, ReferenceStandard()),
    date(2022, 2, 1): (
        {"rfm": {"method": "quantile", "bins": 9, "grid": "none", "type_cut": "median"}},
        ReferenceStandard(rfm_bins=9, grid=None, type_cut="median"),
    ),
    date(2022, 3, 1): ({"rfm": {"method": "mean", "grid": "none"}}, ReferenceStandard(rfm_method="mean", grid=None)),
    date(2022, 4, 1): (
        {"rfm": {"method": "median", "grid": "none", "weights": {"recency": 2, "frequency": 0.5, "monetary": 1}}},
        ReferenceStandard(rfm_method="median", grid=None, rfm_weights=(Decimal(2), Decimal("0.5"), Decimal(1))),
    ),
    date(2022, 5, 1): (
        {
            "rfm": {
                "method": "threshold",
                "grid": "none",
                "thresholds": {"recency": [30, 91], "frequency": [2, 3, 5], "monetary": [40, 250]},
            }
        },
        ReferenceStandard(
            rfm_method="threshold",
            grid=None,
            r_cuts=(30, 91),
            f_cuts=(2, 3, 5),
            m_cuts=(Decimal(40), Decimal(250)),
        ),
    ),
    date(2022, 6, 1): (
        {"lifecycle": {"method": "fixed"}, "value": {"method": "percentile"}},
        ReferenceStandard(lifecycle_method="fixed", value_method="percentile"),
    ),
    date(2022, 7, 1): (
        {"value": {"method": "threshold", "threshold": {"high": 250, "mid": 40}}, "window_days": 180},
        ReferenceStandard(value_method="threshold", value_cuts=(Decimal(250), Decimal(40)), window_days=180),
    ),
    date(2022, 8, 1): ({"value": {"measure": "margin"}}, ReferenceStandard(value_measure="margin_window")),
    date(2022, 9, 1): (
        {"value": {"measure": "margin", "method": "percentile"}},
        ReferenceStandard(value_measure="margin_window", value_method="percentile"),
    ),
    date(2022, 10, 1): ({"name": "default again"}, ReferenceStandard()),
}
DAYS = sorted({day for start in METHODS for day in (start, start + timedelta(days=13))})


def changed(effective_from: date, changes: dict[str, Any]) -> Standard:
    """The shipped standard with some parts changed."""
    plain = shipped_standard().model_dump(mode="json", exclude_none=True)
    for part, values in changes.items():
        plain[part] = {**plain[part], **values} if isinstance(values, dict) else values
    return Standard.model_validate(
        {**plain, "effective_from": None if effective_from == min(METHODS) else effective_from}
    )


@pytest.fixture(scope="module")
def company() -> dict[str, list[dict[str, Any]]]:
    return make_company(seed=20)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, company: dict[str, list[dict[str, Any]]]) -> WarehouseBuilder:
    warehouse = WarehouseBuilder(tmp_path_factory.mktemp("reference"), history_starts_on=date(2021, 1, 1))
    warehouse.use_standards(changed(start, changes) for start, (changes, _) in METHODS.items())
    for entity, rows in company.items():
        warehouse.land(entity, rows)
    warehouse.build(DAYS)
    return warehouse


@pytest.fixture(scope="module")
def known(built: WarehouseBuilder, company: dict[str, list[dict[str, Any]]]) -> dict[str, pd.DataFrame]:
    """The company's rows as the reference takes them, by customer_id."""
    ids = built.frame("select customer_ref, customer_id from identity.customer_aliases").set_index("customer_ref")
    of = ids["customer_id"].to_dict()
    owner = {order["order_id"]: order["customer_ref"] for order in company["orders"]}
    return {
        "orders": pd.DataFrame(
            [
                {
                    "customer_id": of[order["customer_ref"]],
                    "ordered_on": order["ordered_at"].date(),
                    "status": order["status"],
                    "revenue": order["gross_amount"] - order["discount_amount"],
                    "gross_amount": order["gross_amount"],
                    "discount_amount": order["discount_amount"],
                    "cost_amount": order["cost_amount"],
                }
                for order in company["orders"]
            ],
            dtype=object,
        ),
        "refunds": pd.DataFrame(
            [
                {
                    "customer_id": of[refund["customer_ref"] or owner[refund["order_id"]]],
                    "refunded_on": refund["refunded_at"].date(),
                    "amount": refund["amount"],
                }
                for refund in company["refunds"]
            ],
            dtype=object,
        ),
        "first_seen": pd.DataFrame(
            [
                {"customer_id": of[row["customer_ref"]], "first_seen_on": at.date()}
                for entity, instant in (("customers", "created_at"), ("interactions", "occurred_at"))
                for row in company[entity]
                for at in [row[instant]]
            ],
            dtype=object,
        )
        .groupby("customer_id", as_index=False)
        .min(),
        "complaints": pd.DataFrame(
            [
                {"customer_id": of[row["customer_ref"]], "occurred_on": row["occurred_at"].date()}
                for row in company["interactions"]
            ],
            dtype=object,
        ),
    }


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_measure_and_class_equals_the_reference(
    built: WarehouseBuilder, known: dict[str, pd.DataFrame], day: date
) -> None:
    start = max(start for start in METHODS if start <= day)
    standard = METHODS[start][1]
    expected = classify(known["orders"], known["refunds"], known["first_seen"], day, standard)
    if standard.grid is None:
        expected["rfm_segment"] = expected["rfm_segment"].map(lambda segment: segment or "ungraded")
    got = built.frame(
        f"""
        select features.*, rfm.* exclude (as_of_date, customer_id, standard_version),
            lifecycle.* exclude (as_of_date, customer_id, standard_version),
            customer_value.* exclude (as_of_date, customer_id, standard_version)
        from marts.customer_features as features
        join marts.customer_rfm as rfm using (as_of_date, customer_id)
        join marts.customer_lifecycle as lifecycle using (as_of_date, customer_id)
        join marts.customer_value using (as_of_date, customer_id)
        where as_of_date = date '{day}'
        order by customer_id
        """
    ).set_index("customer_id")
    assert list(got.index) == list(expected.index)
    for column in COLUMNS:
        differing = [
            (customer, want, have)
            for customer, want, have in zip(expected.index, expected[column], got[column], strict=True)
            if want != have
        ]
        assert not differing, f"{column} differs for {len(differing)} customers (id, reference, ours): {differing[:3]}"


def test_silence_causes_return_rates_and_priorities_equal_the_reference(
    built: WarehouseBuilder, known: dict[str, pd.DataFrame]
) -> None:
    day = date(2022, 1, 14)
    standard = METHODS[date(2022, 1, 1)][1]
    states = states_at_month_ends(known["orders"], known["refunds"], known["first_seen"], day, standard)
    rates = return_rates(states, known["orders"], day)
    causes = silence_causes(known["orders"], known["complaints"], day)
    silent = built.frame(f"select * from marts.silent_customers where as_of_date = date '{day}' order by customer_id")
    classified = classify(known["orders"], known["refunds"], known["first_seen"], day, standard)
    stages = classified["lifecycle_stage"].isin(["silent", "churned"])
    assert list(silent["customer_id"]) == list(classified.index[stages & (classified["recency_days"] <= 730)])
    assert len(silent) > 20
    assert silent["silence_cause"].nunique() >= 4
    for row in silent.itertuples():
        band = band_of(row.recency_days, row.silence_limit_days, row.value_tier, row.order_count)
        assert row.return_rate == rates.rate(band)
        assert row.silence_cause == causes[row.customer_id]
        assert row.priority_score == priority(rates.rate(band), None, row.average_order_value, None).score


def test_days_keep_the_standard_that_is_effective_on_them(built: WarehouseBuilder) -> None:
    versions = built.frame("select distinct as_of_date, standard_version from marts.customer_segments order by 1")
    by_day = dict(zip(versions["as_of_date"], versions["standard_version"], strict=True))
    for start, (changes, _) in METHODS.items():
        assert by_day[start] == by_day[start + timedelta(days=13)] == changed(start, changes).version
