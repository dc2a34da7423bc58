"""The reference's scores against arithmetic done by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from reference.day import classify_day
from reference.exact import Percentiles, cut_point
from reference.scores import Prediction, growth, potential_score
from reference.standard import FACTORS, WholeStandard
from reference_workshop import ago, classified, contact, history, opportunity, order, record


def test_p_is_the_share_strictly_below() -> None:
    population = Percentiles([1, 1, 2, 5])
    assert [population.of(value) for value in (0, 1, 2, 3, 5, 9)] == [
        0,
        0,
        Decimal("0.5"),
        Decimal("0.75"),
        Decimal("0.75"),
        1,
    ]
    assert population.of(None) is None
    assert Percentiles([]).of(3) is None
    assert str(Percentiles([1, 2, 3]).of(2)) == "0.333333"


def test_a_cut_is_an_observed_value() -> None:
    assert cut_point([5, 1, 3, 2], 3, 4) == 3  # three of four
    assert cut_point([5, 1, 3], 3, 4) == 5  # 2.25 of three, so three
    assert cut_point([7], 1, 9) == 7


def test_value_is_measured_against_scored_customers_and_given_to_all() -> None:
    day = classified(
        orders=[order("a", 1, "10"), order("b", 2, "10"), order("c", 3, "30"), order("old", 400, "99")],
        customers=[record("prospect")],
    )
    # scored are 10 10 30
    assert {customer: str(row["value_score"]) for customer, row in day.rows.items()} == {
        "a": "0.000000",
        "b": "0.000000",
        "c": "66.666700",
        "old": "0.000000",
        "prospect": "0.000000",
    }
    assert classified(customers=[record("prospect")]).rows["prospect"]["value_score"] is None


@pytest.mark.parametrize(
    ("recent", "prior", "expected"),
    [
        ("30", "10", "0.75"),
        ("10", "10", "0.5"),
        ("0", "10", "0"),
        ("10", "20", "0.333333"),
        ("0", "0", None),
        ("-5", "5", None),
        ("-5", "10", "0"),  # refunds of older orders
        ("10", "-5", "1"),
    ],
)
def test_growth_is_the_recent_part_of_the_revenue(recent: str, prior: str, expected: str | None) -> None:
    assert growth(Decimal(recent), Decimal(prior)) == (None if expected is None else Decimal(expected))


def test_potential_is_the_weighted_mean_of_what_is_known() -> None:
    weights = dict.fromkeys(FACTORS, Decimal(1))
    unknown = dict.fromkeys(FACTORS)
    assert potential_score(unknown, weights) == (None, 0)
    some = {**unknown, "growth": Decimal("0.5"), "independence": Decimal(1)}
    assert potential_score(some, weights) == (Decimal(75), 2)
    assert potential_score(some, {**weights, "growth": Decimal(2)}) == (Decimal("66.666667"), 2)
    assert potential_score(some, {**weights, "growth": Decimal(0)}) == (Decimal(100), 1)


def test_factors_are_ranked_among_all_customers_who_are_known() -> None:
    weights = dict.fromkeys(FACTORS, Decimal(0))
    customers = [
        record("a", company_size="small", industry="mining", competitor_closeness=Decimal("0.3")),
        record("b", company_size="large", industry="retail"),
        record("c", company_size="large"),
        record("d", company_size="huge"),
    ]
    opened = [
        opportunity("a", 5, amount=Decimal(100), probability=Decimal(1)),
        opportunity("b", 5, amount=Decimal(900), probability=Decimal("0.5")),
    ]

    def scores(factor: str) -> list[object]:
        standard = WholeStandard(
            company_sizes=("small", "medium", "large"),
            industry_outlook={"mining": Decimal("0.2")},
            potential_weights={**weights, factor: Decimal(1)},
        )
        day = classify_day(
            history(customers=customers, opportunities=opened),
            ago(0),
            standard,
            {"b": Prediction(Decimal(7)), "d": Prediction(Decimal(8))},
        )
        return [row["potential_score"] for row in day.rows.values()]

    assert scores("company_size") == [0, Decimal("33.333300"), Decimal("33.333300"), None]
    assert scores("industry_outlook") == [20, None, None, None]
    assert scores("opportunity") == [0, 50, None, None]
    assert scores("independence") == [70, None, None, None]
    assert scores("expected_value") == [None, 0, None, 50]


def test_urgency_is_the_largest_known_term() -> None:
    def urgency(days_ago: int = 5, **columns: object) -> object:
        return classified(opportunities=[opportunity("a", days_ago, **columns)]).rows["a"]["urgency_score"]

    assert urgency() is None
    assert urgency(expected_close_on=ago(-30)) == 0
    assert urgency(expected_close_on=ago(-20)) == Decimal("33.333300")
    assert urgency(expected_close_on=ago(0)) == 100
    assert urgency(expected_close_on=ago(9)) == 100  # overdue
    assert urgency(expected_close_on=ago(-60), urgency="medium") == 50
    assert urgency(urgency="low") == 0
    complained = classified(interactions=[contact("a", 2, is_complaint=True), contact("b", 2)]).rows
    assert (complained["a"]["urgency_score"], complained["b"]["urgency_score"]) == (100, None)


def test_silence_beyond_the_limit_makes_urgent_up_to_the_whole_limit() -> None:
    # two order days only, so no rhythm of his own; the population's median gap of 45 days gives a limit of 90
    def urgency(recency: int) -> object:
        day = classified(orders=[order("a", recency), order("a", recency + 45)])
        assert day.rows["a"]["silence_limit_days"] == 90
        return day.rows["a"]["urgency_score"]

    assert [urgency(recency) for recency in (90, 120, 180, 300)] == [0, Decimal("33.333300"), 100, 100]
