"""Fits and predictions of days: what they know and refuse, and that they are those of the models by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compiled_warehouse import CompiledWarehouse
from standard_workshop import changed

from dagster_project.identity import link
from dagster_project.prediction.bg_nbd import BetaGeometric
from dagster_project.prediction.histories import Histories
from dagster_project.prediction.pareto_nbd import ParetoNbd
from dagster_project.prediction.scoring import FittedModel
from dagster_project.warehouse.control import write_control

FIRST = date(2023, 1, 1)
SUNDAY, TUESDAY, NEXT_SUNDAY = date(2024, 6, 30), date(2024, 7, 2), date(2024, 7, 7)
BUYERS = 260


def orders(seed: int = 11) -> list[dict[str, Any]]:
    """Orders of people who buy at a rate of their own and leave after one of their orders; a twentieth is refunded."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(BUYERS):
        day = FIRST + timedelta(days=int(random.integers(0, 450)))
        rate, mean = random.gamma(0.8, 1 / 40), 40 / random.gamma(4, 0.25)
        leaves = random.beta(1.0, 3.0)
        while day < date(2024, 12, 31):
            paid = Decimal(f"{mean * random.gamma(4, 0.25):.2f}")
            rows.append(
                {
                    "source": "shop",
                    "order_id": str(len(rows)),
                    "customer_ref": str(number),
                    "ordered_at": f"{day} 12:00:00+00",
                    "status": "completed",
                    "gross_amount": str(paid),
                    "discount_amount": "0",
                    "currency": "EUR",
                }
            )
            if random.random() < 0.05:
                after = day + timedelta(days=9)
                rows[-1] |= {
                    "status": "refunded",
                    "refund_amount": str(paid),
                    "refunded_at": f"{after} 12:00:00+00",
                }
            if random.random() < leaves:
                break
            day += timedelta(days=1 + int(random.exponential(1 / rate)))
    return rows


@pytest.fixture
def shop(compiled_models: Path, tmp_path: Path) -> Iterator[CompiledWarehouse]:
    warehouse = CompiledWarehouse(tmp_path, history_starts_on=FIRST, compiled=compiled_models)
    stage(warehouse, orders())
    yield warehouse
    warehouse.close()


def stage(shop: CompiledWarehouse, rows: Sequence[dict[str, Any]]) -> None:
    shop.land("orders", rows)
    with shop.connect() as con:
        shop.project.build(con, select=staging(shop))
        link(con, paths=shop.settings.paths)


def staging(shop: CompiledWarehouse) -> list[str]:
    return [name for name, model in shop.project.models.items() if model.schema == "staging"]


def predicted(shop: CompiledWarehouse, days: Sequence[date], *, also: Sequence[str] = ()) -> pd.DataFrame:
    """The predictions of `days`, made in one run with the fits behind them."""
    with shop.connect() as con:
        write_control(con, settings=shop.settings, manifest=shop.manifest, days=days)
        shop.project.build(con, select=["customer_predictions", "purchase_model_fits", *also], given=staging(shop))
    return shop.frame("select * from marts.customer_predictions order by as_of_date, customer_id")


def fits(shop: CompiledWarehouse) -> pd.DataFrame:
    return shop.frame("select * from marts.purchase_model_fits order by as_of_date, part")


def test_days_of_one_run_are_predicted_as_each_is_by_itself_with_the_last_sunday_s_fit(shop: CompiledWarehouse) -> None:
    days = [SUNDAY, TUESDAY, NEXT_SUNDAY]
    together = predicted(shop, days)
    models = fits(shop)
    assert dict(zip(models["as_of_date"], models["fitted_on"], strict=True)) == {
        SUNDAY: SUNDAY,
        TUESDAY: SUNDAY,
        NEXT_SUNDAY: NEXT_SUNDAY,
    }
    for day in days:
        alone = predicted(shop, [day])
        pd.testing.assert_frame_equal(
            alone, together[together["as_of_date"] == day].reset_index(drop=True), check_dtype=False
        )


def test_a_prediction_knows_nothing_of_what_happened_later(shop: CompiledWarehouse, tmp_path: Path) -> None:
    whole = predicted(shop, [TUESDAY])
    earlier = CompiledWarehouse(tmp_path / "earlier", history_starts_on=FIRST, compiled=shop.compiled)
    try:
        stage(earlier, [known(row, TUESDAY) for row in orders() if row["ordered_at"][:10] <= str(TUESDAY)])
        pd.testing.assert_frame_equal(predicted(earlier, [TUESDAY]), whole)
    finally:
        earlier.close()


def known(row: dict[str, Any], day: date) -> dict[str, Any]:
    if row.get("refunded_at", "")[:10] > str(day):
        return {name: value for name, value in row.items() if not name.startswith("refund")} | {"status": "completed"}
    return row


def test_predictions_come_from_the_published_parameters_and_the_customers_own_orders(shop: CompiledWarehouse) -> None:
    """Histories counted here from the orders; amounts by the closed form of Fader and Hardie (2013)."""
    rows = predicted(shop, [TUESDAY]).set_index("customer_id")
    purchases, spend = (fits(shop).iloc[place].to_dict() for place in (0, 1))
    model = BetaGeometric(*(float(purchases[name]) for name in ("r", "alpha", "a", "b")))
    aliases = shop.frame("select customer_ref, customer_id from identity.customer_aliases")
    ids = dict(zip(aliases["customer_ref"], aliases["customer_id"], strict=True))
    by_customer: dict[int, list[dict[str, Any]]] = {}
    for row in orders():
        if row["ordered_at"][:10] <= str(TUESDAY):
            by_customer.setdefault(ids[row["customer_ref"]], []).append(known(row, TUESDAY))
    assert set(rows.index[rows["missing_reason"].isna()]) == set(by_customer)
    for customer, own in by_customer.items():
        days = sorted({date.fromisoformat(row["ordered_at"][:10]) for row in own})
        revenue = sum(Decimal(row["gross_amount"]) - Decimal(row.get("refund_amount", 0)) for row in own)
        history = Histories(
            *(np.array([float(x)]) for x in (len(days) - 1, (days[-1] - days[0]).days, (TUESDAY - days[0]).days, 1))
        )
        found = rows.loc[customer]
        assert float(found["probability_alive"]) == pytest.approx(model.probability_alive(history)[0], abs=1e-6)
        soon = model.expected_purchases(history, 90.0)[0]
        assert float(found["expected_purchases_90d"]) == pytest.approx(soon, abs=1e-6)
        p, q, gamma = (float(spend[name]) for name in ("p", "q", "gamma"))
        amount = p * (gamma + float(revenue)) / (p * len(days) + q - 1)
        assert float(found["expected_order_value"]) == pytest.approx(amount, abs=1e-5)
        assert float(found["expected_value_90d"]) == pytest.approx(soon * amount, abs=1e-4)
        year = model.expected_purchases(history, 365.0)[0] * amount
        assert float(found["expected_value_365d"]) == pytest.approx(year, abs=1e-4)


def test_the_backtest_holds_what_was_foretold_at_a_month_end_and_what_came(shop: CompiledWarehouse) -> None:
    """Foretold is what the same day gives when it is built for itself; what came is counted from the orders."""
    evaluated, month_end = TUESDAY, date(2024, 3, 31)
    then = predicted(shop, [month_end])
    predicted(shop, [evaluated], also=["prediction_backtest", "prediction_tenths"])
    rows = shop.frame("select * from marts.prediction_backtest").set_index(["snapshot_on", "predictor"])
    assert max(rows.index.get_level_values(0)) == month_end, "the next one ends after the day"
    found = rows.loc[month_end, "mbg_nbd"]
    assert float(found["predicted_purchases"]) == pytest.approx(float(then["raw_purchases_90d"].sum()), abs=1e-3)
    assert float(found["predicted_value"]) == pytest.approx(float(then["raw_value_90d"].sum()), abs=1e-3)
    after = [str(month_end + timedelta(days=days)) for days in (1, 90)]
    known_then = {row["customer_ref"] for row in orders() if row["ordered_at"][:10] <= str(month_end)}
    own = [row for row in orders() if row["customer_ref"] in known_then]
    bought = [row for row in own if after[0] <= row["ordered_at"][:10] <= after[1]]
    assert found["actual_purchases"] == len({(row["customer_ref"], row["ordered_at"][:10]) for row in bought})
    refunds = [row for row in own if after[0] <= row.get("refunded_at", "")[:10] <= after[1]]
    revenue = sum(Decimal(row["gross_amount"]) for row in bought) - sum(
        Decimal(row["refund_amount"]) for row in refunds
    )
    assert found["actual_value"] == revenue
    assert set(rows.loc[month_end].index) == {"mbg_nbd", "recency", "last_90_days", "rfm_cells"}
    assert rows.groupby("snapshot_on")["wins"].sum().min() >= 4
    assert rows[rows["is_best"].astype(bool)].index.get_level_values(1).nunique() == 1
    tenths = shop.frame(f"select * from marts.prediction_tenths where snapshot_on = '{month_end}'")
    for _, tenth in tenths.groupby("ranked_by"):
        assert float(tenth["actual_value"].sum()) == pytest.approx(float(revenue), abs=1e-3)
        assert float(tenth["customers"].sum()) == pytest.approx(len(known_then), abs=0.5)
        assert float(tenth["actual_customers"].sum()) == pytest.approx(len({row["customer_ref"] for row in bought}))


def test_curves_count_repeat_order_days_of_who_had_come_by_the_fit(shop: CompiledWarehouse) -> None:
    """Counted from the orders by hand; what is expected comes near, as the customers are made as the model has them."""
    month_end, fitted_on = date(2024, 3, 31), date(2024, 3, 31)
    predicted(shop, [TUESDAY], also=["prediction_curves"])
    rows = shop.frame("select * from marts.prediction_curves order by place")
    assert set(rows["snapshot_on"]) == {month_end}
    assert set(rows["fitted_on"]) == {fitted_on}
    days: dict[str, set[str]] = {}
    for row in orders():
        days.setdefault(row["customer_ref"], set()).add(row["ordered_at"][:10])
    days = {customer: on for customer, on in days.items() if min(on) <= str(fitted_on)}
    tracking = rows[rows["curve"] == "tracking"]
    first = min(min(on) for on in days.values())
    for place, counted_on, actual in tracking[["place", "counted_on", "actual"]].itertuples(index=False):
        assert counted_on == date.fromisoformat(first) + timedelta(days=place)
        assert actual == sum(len({day for day in on if day <= str(counted_on)} - {min(on)}) for on in days.values())
    assert 0 <= (month_end + timedelta(days=90) - tracking["counted_on"].max()).days < 7
    last = tracking.iloc[-1]
    assert float(last["predicted"]) == pytest.approx(float(last["actual"]), rel=0.15)
    frequency = rows[rows["curve"] == "frequency"]
    repeats = [len({day for day in on if day <= str(fitted_on)}) - 1 for on in days.values()]
    assert list(frequency["actual"]) == [sum(min(count, 7) == place for count in repeats) for place in range(8)]
    assert float(frequency["predicted"].sum()) == pytest.approx(len(days), abs=1e-3)
    assert np.all(np.abs(frequency["predicted"].astype(float) - frequency["actual"]) < 4 * np.sqrt(len(days) / 4))


def test_a_simple_rule_can_be_published_in_place_of_the_model(shop: CompiledWarehouse) -> None:
    shop.use_standards([changed(prediction={"model": "last_90_days"})])
    rows = predicted(shop, [TUESDAY], also=["customer_features"]).set_index("customer_id")
    features = shop.frame("select customer_id, revenue_90d, order_days from marts.customer_features")
    for customer, revenue, order_days in features.itertuples(index=False):
        if order_days:
            assert rows.loc[customer, "expected_value_90d"] == max(revenue, 0)
    assert rows["probability_alive"].notna().any(), "the model goes on to say who is alive"
    shop.use_standards([changed(prediction={"model": "rfm_cells"})])
    cells = predicted(shop, [TUESDAY])
    assert set(cells["model"].dropna()) == {"rfm_cells"}
    values = cells["expected_value_90d"].dropna()
    assert len(values) == len(cells.dropna(subset=["model"]))
    assert 1 < values.nunique() <= 125


def test_a_company_with_too_few_buyers_is_told_so_and_scored_without(shop: CompiledWarehouse) -> None:
    shop.use_standards([changed(prediction={"least_buyers": BUYERS + 1})])
    rows = predicted(shop, [TUESDAY], also=["customer_features"])
    ordered = shop.frame("select customer_id, order_days from marts.customer_features")
    assert rows["probability_alive"].isna().all()
    assert rows["expected_value_365d"].isna().all()
    reasons = dict(zip(rows["customer_id"], rows["missing_reason"], strict=True))
    assert reasons == {
        row.customer_id: "too_few_buyers" if row.order_days else "no_order" for row in ordered.itertuples()
    }
    assert list(fits(shop)["refused_reason"]) == ["too_few_buyers", "too_few_buyers"]
    bought = int((ordered["order_days"] > 0).sum())
    assert (
        fits(shop)["customers"][0]
        == shop.frame(
            f"select count(distinct customer_id) as n from intermediate.int_customer_days "
            f"where business_day <= '{SUNDAY}'"
        )["n"][0]
    )
    assert bought >= fits(shop)["customers"][0]


def test_the_other_models_can_be_chosen_and_none_too(shop: CompiledWarehouse) -> None:
    alive = {}
    for model in ("mbg_nbd", "bg_nbd", "pareto_nbd"):
        shop.use_standards([changed(prediction={"model": model})])
        rows = predicted(shop, [TUESDAY], also=["customer_features"])
        assert set(rows["model"].dropna()) == {model}
        once = shop.frame("select customer_id from marts.customer_features where order_days = 1")["customer_id"]
        alive[model] = rows[rows["customer_id"].isin(once)]["probability_alive"]
    assert (alive["bg_nbd"] == 1).all(), "BG/NBD calls every one-time buyer alive with certainty"
    assert (alive["mbg_nbd"] < 1).all()
    assert (alive["pareto_nbd"] < 1).all()
    shop.use_standards([changed(prediction={"model": "none"})])
    assert set(predicted(shop, [TUESDAY])["missing_reason"]) == {"switched_off"}
    assert fits(shop).empty


def test_scores_use_the_prediction(shop: CompiledWarehouse) -> None:
    """The share of customers whose value of the next year is expected to be strictly lower."""
    weights = dict.fromkeys(("growth", "industry_outlook", "company_size", "opportunity", "independence"), 0)
    shop.use_standards([changed(potential={"weights": {"expected_value": 1, **weights}})])
    rows = predicted(shop, [TUESDAY], also=["customer_segments"]).set_index("customer_id")
    values = rows["expected_value_365d"].dropna()
    scores = shop.frame("select customer_id, potential_score, is_at_risk from marts.customer_segments")
    for customer, score, _ in scores.itertuples(index=False):
        if customer in values.index:
            below = Decimal(int((values < values[customer]).sum())) / len(values)
            assert score == pytest.approx(100 * below, abs=Decimal("0.0001"))
    gone = set(rows.index[rows["probability_alive"] < Decimal("0.5")])
    assert gone
    assert gone <= set(scores["customer_id"][scores["is_at_risk"].astype(bool)])


def test_money_of_a_year_later_is_worth_less_by_the_discount() -> None:
    """Of a steady buyer who never leaves, the yearly sum is the integral of the discount over the year."""
    steady = FittedModel(BetaGeometric(1e6, 1e7, 1e-6, 1e6))
    one = (np.array([30.0]), np.array([290.0]), np.array([300.0]))
    plain = steady.scores(*one, yearly_discount=0.0)
    less = steady.scores(*one, yearly_discount=0.2)
    assert less["purchases_365d"] == plain["purchases_365d"] == pytest.approx(36.5, rel=1e-3)
    assert less["valued_purchases_365d"] == pytest.approx(36.5 * (1 - 0.8) / -np.log(0.8), rel=1e-3)
    assert less["valued_purchases_90d"] == pytest.approx(36.5 * (1 - 0.8 ** (90 / 365)) / -np.log(0.8), rel=1e-3)


@pytest.mark.parametrize("model", [BetaGeometric(0.7, 25.0, 1.0, 3.0), ParetoNbd(0.7, 25.0, 0.6, 90.0)], ids=str)
def test_the_chance_of_an_order_is_the_share_of_simulated_customers_who_order(model: BetaGeometric | ParetoNbd) -> None:
    history = Histories(*(np.array([each]) for each in (4.0, 150.0, 200.0, 1.0)))
    random = np.random.default_rng(4)
    first = random.exponential(1 / random.gamma(4.7, 1 / 225.0, 400_000))
    if isinstance(model, ParetoNbd):
        leaving = random.exponential(1 / random.gamma(0.6, 1 / 290.0, 400_000))
        share = float(((first < 90) & (first < leaving)).mean())
    else:
        share = float((first < 90).mean())  # nobody leaves before an order
    expected = share * model.probability_alive(history)[0]
    assert model.probability_of_purchase(history, 90.0)[0] == pytest.approx(expected, rel=0.01)


def test_half_of_those_who_are_still_customers_order_by_the_day_expected() -> None:
    model = FittedModel(BetaGeometric(0.7, 25.0, 1.0, 3.0))
    random = np.random.default_rng(3)
    rates = random.gamma(0.7 + 4, 1 / (25.0 + 200.0), 200_000)
    waits = random.exponential(1 / rates)
    found = model.scores(np.array([4.0]), np.array([180.0]), np.array([200.0]), yearly_discount=0.0)["days_to_next"]
    assert found[0] == pytest.approx(np.median(waits), rel=0.02)
