"""Movement, stability, history, backtest and resources of the reference against arithmetic done by hand."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from reference.movement import (
    Moved,
    Outcome,
    Stay,
    allocate,
    backtest,
    migration,
    rank_correlation,
    segment_history,
    stability_index,
    summary,
    verdict,
)
from reference_workshop import ago, classified, history, order, record

ORDERS = [order("a", 100, "10"), order("b", 60, "20"), order("b", 10, "30"), order("c", 5, "40")]


def test_migration_counts_who_went_from_where_to_where() -> None:
    moves = migration(classified(as_of=ago(31), orders=ORDERS), classified(orders=ORDERS))
    stages = {(was, now): moved for (dimension, was, now), moved in moves.items() if dimension == "lifecycle_stage"}
    # a was 69 days and is 100 days from its only order, b was bought from 29 and 10 days ago after 50 days, c is new;
    # with b's one gap of 50 the limits are 100 and 200 days
    assert stages == {
        ("active", "active"): Moved(1, Decimal("10.00")),
        ("new", "active"): Moved(1, Decimal("50.00")),
        ("absent", "new"): Moved(1, Decimal("40.00")),
    }


def test_the_stability_index_floors_empty_shares() -> None:
    def side(high: int, low: int) -> dict[object, str]:
        return {number: "high" if number < high else "low" for number in range(high + low)}

    assert stability_index(side(5, 5), side(5, 5)) == 0
    assert stability_index({}, side(5, 5)) is None
    # 0.3 × ln(0.8 / 0.5) + (−0.3) × ln(0.2 / 0.5)
    assert stability_index(side(5, 5), side(8, 2)) == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4))
    # 0.5 × ln 2 + (0.0001 − 0.5) × ln(0.0001 / 0.5)
    assert stability_index(side(5, 5), side(9, 0)) == pytest.approx(0.5 * math.log(2) + 0.4999 * math.log(5000))


@pytest.mark.parametrize(
    ("index", "expected"), [("0.099999", "steady"), ("0.1", "warn"), ("0.249999", "warn"), ("0.25", "fail")]
)
def test_the_limits_of_stability_are_reached_at_themselves(index: str, expected: str) -> None:
    assert verdict(Decimal(index), warn=Decimal("0.1"), fail=Decimal("0.25")) == expected


def test_history_joins_equal_classes_of_successive_days() -> None:
    days = [classified(as_of=ago(days_ago), orders=ORDERS) for days_ago in (100, 80, 71, 70, 60)]
    assert segment_history(days)["a", "lifecycle_stage"] == [
        Stay("new", ago(100), ago(70)),
        Stay("active", ago(70), None),
    ]
    assert segment_history(days)["b", "lifecycle_stage"] == [Stay("new", ago(60), None)]


def test_the_backtest_looks_90_days_ahead_of_the_snapshot() -> None:
    known = history(
        orders=[*ORDERS, order("a", 9, "7")],
        refunds=[{"customer_ref": "b", "order_id": None, "refunded_at": ORDERS[3]["ordered_at"], "amount": Decimal(5)}],
    )
    known.rows["refunds"][0]["currency"] = "EUR"
    snapshot = classified(as_of=ago(99), orders=ORDERS)
    assert backtest(known, snapshot, "lifecycle_stage") == {"new": Outcome(1, 1, Decimal("7.00"))}
    assert backtest(known, snapshot, "lifecycle_stage", horizon_days=89) == {"new": Outcome(1, 0, Decimal("0.00"))}
    later = classified(as_of=ago(60), orders=ORDERS)
    assert backtest(known, later, "lifecycle_stage") == {
        "new": Outcome(1, 1, Decimal("25.00")),  # b: 30 − 5
        "active": Outcome(1, 1, Decimal("7.00")),
    }


def test_value_tiers_are_judged_beside_everybody() -> None:
    snapshot = classified(as_of=ago(60), orders=ORDERS)
    found = backtest(history(orders=ORDERS), snapshot, "value_tier")
    assert found == {  # of 30: b 20 stands above a 10, who begins at 67% and is high as well
        "high": Outcome(2, 1, Decimal("30.00")),
        "total": Outcome(2, 1, Decimal("30.00")),
    }


def test_the_summary_counts_each_class_in_all_and_by_each_breakdown() -> None:
    rows = summary(classified(orders=ORDERS, customers=[record("a", region="north"), record("d", region="north")]))
    assert rows["value_tier", "high", "total", "total"] == Moved(2, Decimal("90.00"))
    assert rows["lifecycle_stage", "active", "region", "north"] == Moved(1, Decimal("10.00"))
    assert rows["lifecycle_stage", "prospect", "region", "north"] == Moved(1, Decimal("0.00"))
    assert rows["lifecycle_stage", "active", "region", "unknown"] == Moved(1, Decimal("50.00"))


def test_ranks_are_shared_by_equals() -> None:
    def correlation(*pairs: tuple[int, int]) -> float | None:
        return rank_correlation([(Fraction(x), Fraction(y)) for x, y in pairs])

    assert correlation((1, 10), (2, 20), (9, 21)) == pytest.approx(1)
    assert correlation((1, 3), (2, 2), (3, 1)) == pytest.approx(-1)
    # ranks 1.5 1.5 3 against 1 2 3: 1.5 / √(1.5 × 2)
    assert correlation((1, 1), (1, 2), (2, 3)) == pytest.approx(1.5 / math.sqrt(3))
    assert correlation((1, 1), (1, 2)) is None


def test_the_budget_is_split_by_shares_and_set_against_value() -> None:
    day = classified(orders=ORDERS)
    found = allocate(day, "value_tier", Decimal(1000), {"high": Decimal("0.6"), "prospect": Decimal("0.4")})
    # of 100: b 50, c 40, a 10; before b 0, before c 50, before a 90 → high high mid
    high, nobody = found["high"], found["prospect"]
    assert (high.customers, high.budget_amount, high.revenue_window) == (2, 600, 90)
    assert (high.revenue_share, high.spend_per_customer) == (Decimal("0.9"), 300)
    assert (high.value_per_customer, high.spend_per_value) == (45, Decimal("6.666667"))
    assert (nobody.customers, nobody.budget_amount, nobody.spend_per_customer) == (0, 400, None)
    assert nobody.spend_per_value is None
