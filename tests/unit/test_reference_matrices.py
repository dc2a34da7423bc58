"""The reference's matrices, needs, flags and own dimensions against arithmetic done by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from reference.day import classify_day
from reference.needs import nearest_cluster, need_clarity, need_types
from reference.scores import Prediction
from reference.standard import DEFAULT_MATRICES, Axis, Clusters, Matrix, OwnDimension, OwnRule, Scale, WholeStandard
from reference_workshop import ago, classified, contact, history, lead, opportunity, order, record, visit

QUADRANTS = ("hh", "hl", "lh", "ll")
FOUR = [order("a", 1, "10"), order("b", 1, "20"), order("c", 1, "30"), order("d", 1, "100")]


def quadrants(x: Axis, y: Axis, **entities: Any) -> dict[object, str]:
    day = classified(WholeStandard(matrices=(Matrix("m", x, y, QUADRANTS),)), **entities)
    return {customer: place.quadrant for customer, place in day.places["m"].items()}


def test_high_is_at_least_the_cut_over_scored_customers() -> None:
    always = Axis("order_count_window", Decimal(0))
    # revenue 10 20 30 100: mean 40, median 25, quantile 3 of 4 is 30
    assert quadrants(Axis("revenue_window", "mean"), always, orders=FOUR) == {
        "a": "lh",
        "b": "lh",
        "c": "lh",
        "d": "hh",
    }
    assert quadrants(Axis("revenue_window", "median"), always, orders=FOUR) == {
        "a": "lh",
        "b": "lh",
        "c": "hh",
        "d": "hh",
    }
    assert quadrants(Axis("revenue_window", (3, 4)), always, orders=FOUR)["c"] == "hh"
    assert quadrants(Axis("revenue_window", Decimal("30.01")), always, orders=FOUR)["c"] == "lh"


def test_the_mean_is_compared_unrounded() -> None:
    # 1 / 3 of an order a customer more than 1 would be lost to two digits: 1.333… is reached by 2, not by 1
    orders = [order("a", 1), order("b", 1), order("c", 1), order("c", 2)]
    found = quadrants(Axis("order_count_window"), Axis("revenue_window", Decimal(1000)), orders=orders)
    assert found == {"a": "ll", "b": "ll", "c": "hl"}


def test_an_unknown_axis_or_a_cut_over_nobody_gives_unknown() -> None:
    found = quadrants(
        Axis("recency_days", Decimal(1)), Axis("order_count"), orders=[order("a", 3)], customers=[record("b")]
    )
    assert found == {"a": "hh", "b": "unknown"}
    nobody = quadrants(Axis("order_count"), Axis("order_count", Decimal(0)), customers=[record("b")])
    assert nobody == {"b": "unknown"}
    numbers = quadrants(Axis("order_count", Decimal(0)), Axis("order_count", Decimal(1)), customers=[record("b")])
    assert numbers == {"b": "hl"}


def test_the_three_matrices_of_the_taxonomy_name_x_before_y() -> None:
    value_frequency, value_potential, importance_urgency = DEFAULT_MATRICES
    assert value_frequency.quadrant(is_x_high=True, is_y_high=False) == "big_ticket"
    assert value_potential.quadrant(is_x_high=False, is_y_high=True) == "rising"
    assert importance_urgency.quadrant(is_x_high=True, is_y_high=False) == "plan"


# -------------------------------------------------------------------------------------------------------------- needs

SAYS_NOTHING: dict[str, Any] = {
    "stated_need_clarity": "unknown",
    "has_explicit_opportunity": False,
    "recent_carts": None,
    "recent_views": None,
    "open_opportunities": None,
    "has_open_lead": False,
}


def clarity(**known: Any) -> str:
    return need_clarity({**SAYS_NOTHING, **known}, configured=["leads"])[0]


def test_need_clarity_is_stated_else_explicit_else_vague_else_none() -> None:
    assert clarity(stated_need_clarity="none", recent_carts=1) == "none"
    assert clarity(recent_carts=1, has_open_lead=True) == "explicit"
    assert clarity(has_explicit_opportunity=True) == "explicit"
    assert clarity(open_opportunities=1) == clarity(recent_views=1) == clarity(has_open_lead=True) == "vague"
    assert clarity(recent_views=0, recent_carts=0, open_opportunities=0) == "none"
    assert need_clarity({**SAYS_NOTHING, "recent_carts": 1}, configured=["orders"])[0] == "unknown"


def test_need_clarity_from_rows() -> None:
    standard = WholeStandard(
        opportunity_stages=("met", "offered"), explicit_after="met", closed_lead_stages=frozenset({"lost"})
    )
    day = classified(
        standard,
        orders=[order("quiet", 3)],
        opportunities=[opportunity("met", 3, stage="met"), opportunity("offered", 3, stage="offered")],
        leads=[lead("lost", 3, stage="lost"), lead("stated", 3, stage="lost", need_clarity="explicit")],
        web_events=[visit("viewer", 3), visit("searcher", 3, "search")],
    )
    assert {customer: row["need_clarity"] for customer, row in day.rows.items()} == {
        "quiet": "none",
        "met": "vague",
        "offered": "explicit",
        "lost": "none",
        "stated": "explicit",
        "viewer": "vague",
        "searcher": "none",
    }


def type_codes(rows: dict[object, dict[str, Any]], cut: str) -> dict[object, str]:
    return {customer: need.code for customer, need in need_types(rows, Decimal(cut)).items()}


def test_need_type_is_the_highest_share_that_reaches_the_cut() -> None:
    def row(discount: str | None, premium: str | None, orders: int = 1) -> dict[str, Any]:
        shares = (None if share is None else Decimal(share) for share in (discount, premium))
        return {
            **dict(zip(("discount_share", "premium_share"), shares, strict=True)),
            "service_contacts_365d": None,
            "novelty_share": None,
            "order_count_window": orders,
            "order_count": 1,
        }

    rows = {
        "a": row("0", "0"),
        "b": row("0", "0"),
        "c": row("0", "0.5"),
        "d": row("0.4", "0.5"),  # p 0.75 and 0.5
        "e": row(None, "0.9"),  # p 0.8 of five
        "f": row(None, None),
        "g": row("0.9", "0.9", orders=0),
    }
    assert type_codes(rows, "0.75") == {
        "a": "balanced",
        "b": "balanced",
        "c": "balanced",
        "d": "price",
        "e": "quality",
        "f": "unknown",
        "g": "unknown",
    }
    assert type_codes(rows, "0.76")["d"] == "balanced"
    assert type_codes({**rows, "e": row(None, "0.5")}, "0.4")["d"] == "price"


def test_equal_shares_of_two_needs_go_to_the_first() -> None:
    columns = ("discount_share", "premium_share", "service_contacts_365d", "novelty_share")

    def row(*values: int | None) -> dict[str, Any]:
        return {**dict(zip(columns, values, strict=True)), "order_count_window": 1, "order_count": 1}

    rows = {"a": row(0, 0, 0, 0), "b": row(0, 1, 1, 1), "c": row(0, 0, 0, 0)}
    assert type_codes(rows, "0.6")["b"] == "quality"


# -------------------------------------------------------------------------------------------------------------- flags


def test_high_frequency_is_above_the_cut() -> None:
    orders = [order("often", days) for days in range(3)] + [order(f"c{number}", 1) for number in range(9)]
    day = classified(orders=orders, customers=[record("prospect")])  # nine of ten have 1, so the cut is 1
    assert day.rows["often"]["is_high_frequency"] is True
    assert day.rows["c0"]["is_high_frequency"] is False
    assert day.rows["prospect"]["is_high_frequency"] is False
    assert classified(customers=[record("prospect")]).rows["prospect"]["is_high_frequency"] is None


def test_at_risk_is_who_orders_half_as_often_complains_or_is_likely_gone() -> None:
    def customer(name: str, recent: int, prior: int) -> list[dict[str, Any]]:
        return [order(name, 5) for _ in range(recent)] + [order(name, 100) for _ in range(prior)]

    rows = classify_day(
        history(
            orders=[*customer("half", 1, 2), *customer("more", 2, 3), *customer("none", 0, 0), *customer("gone", 1, 0)],
            interactions=[contact("complained", 29, is_complaint=True), contact("calm", 30, is_complaint=True)],
        ),
        ago(0),
        WholeStandard(),
        {"gone": Prediction(probability_alive=Decimal("0.49")), "more": Prediction(probability_alive=Decimal("0.5"))},
    ).rows
    assert {customer: row["is_at_risk"] for customer, row in rows.items()} == {
        "half": True,
        "more": False,
        "gone": True,
        "complained": True,
        "calm": False,
    }


def test_a_potential_buyer_looks_and_has_never_bought() -> None:
    rows = classified(
        orders=[order("buyer", 400), order("cancelled", 3, status="cancelled")],
        web_events=[visit("buyer", 1), visit("cancelled", 29), visit("late", 30), visit("searcher", 1, "search")],
    ).rows
    assert {customer: row["is_potential_buyer"] for customer, row in rows.items()} == {
        "buyer": False,
        "cancelled": True,
        "late": False,
        "searcher": False,
    }
    assert classified(orders=[order("a", 1)]).rows["a"]["is_potential_buyer"] is None


# ---------------------------------------------------------------------------------------------------- own and cluster


def test_the_first_own_rule_that_holds_decides_and_unknown_does_not_hold() -> None:
    dimension = OwnDimension(
        "vip",
        rules=(
            OwnRule("gold", lambda row: row["revenue_window"] >= 50, "revenue_window >= 50"),
            OwnRule("late", lambda row: row["recency_days"] and row["recency_days"] > 100, "recency_days > 100"),
            OwnRule("any", lambda row: row["order_count"] > 0, "order_count > 0"),
        ),
        default="plain",
    )
    day = classified(
        WholeStandard(dimensions=(dimension,)),
        orders=[order("a", 101, "50"), order("b", 101, "49"), order("c", 100, "49")],
        customers=[record("d")],
    )
    assert day.own["vip"] == {"a": ("gold", 1), "b": ("late", 2), "c": ("any", 3), "d": ("plain", 0)}
    assert ("a", "vip", "gold") in set(day.classes())


def test_the_nearest_centre_gives_the_cluster_and_ties_go_to_the_smaller() -> None:
    plain = Scale(mean=0, deviation=1)
    clusters = Clusters((plain, plain, plain), centres=((1, 0, 0), (0, 0, 0), (0, 0, 5)))

    def row(recency: int, revenue: int, orders: int = 1) -> dict[str, Any]:
        return {"recency_days": recency, "order_count_window": orders, "revenue_window": Decimal(revenue)}

    assert nearest_cluster(row(2, 0), clusters) == "cluster_1"  # ln 3 = 1.10
    assert nearest_cluster(row(0, -7), clusters) == "cluster_2"
    assert nearest_cluster(row(0, 12), clusters) == "cluster_3"  # ln 13 = 2.56 is past the middle of 0 and 5
    assert nearest_cluster(row(0, 0, orders=0), clusters) == "unknown"
    twins = Clusters((plain, plain, plain), centres=((2, 0, 0), (2, 0, 0)))
    assert nearest_cluster(row(5, 0), twins) == "cluster_1"
