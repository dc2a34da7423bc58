"""The reference's features against arithmetic done by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from reference.standard import WholeStandard
from reference_workshop import (
    D,
    ago,
    at,
    classified,
    contact,
    lead,
    line,
    opportunity,
    order,
    record,
    visit,
)

STAGES = WholeStandard(
    opportunity_stages=("met", "offered", "agreed"), explicit_after="met", closed_lead_stages=frozenset({"lost"})
)


def test_premium_is_above_the_third_quartile_of_the_categorys_own_lines() -> None:
    cheap, dear = order("a", 10), order("b", 20)
    lines = [
        # pens cost 1 1 2 9: at least 3 of 4 lines stand at or below 2, so only 9 is above
        *(line(cheap, category="pens", unit_price=Decimal(price)) for price in (1, 1, 2)),
        line(dear, category="pens", unit_price=Decimal(9)),
        # ink costs 5 5: the cut is 5, and nothing is above it
        line(dear, category="ink", unit_price=Decimal(5)),
        line(dear, category="ink", unit_price=Decimal(5)),
        line(dear, category="ink"),  # a line without a price is not counted
        line(dear, unit_price=Decimal(900)),  # nor is one without a category
    ]
    rows = classified(orders=[cheap, dear], order_lines=lines).rows
    assert rows["a"]["premium_share"] == 0
    assert rows["b"]["premium_share"] == Decimal("0.333333")  # 1 of 3


def test_lines_outside_the_window_or_of_orders_that_do_not_count_set_no_price() -> None:
    inside, before = order("a", 364), order("b", 365)
    cancelled = order("b", 1, status="cancelled")
    lines = [
        line(inside, category="pens", unit_price=Decimal(1)),
        line(before, category="pens", unit_price=Decimal(9)),
        line(cancelled, category="pens", unit_price=Decimal(9)),
    ]
    rows = classified(orders=[inside, before, cancelled], order_lines=lines).rows
    assert rows["a"]["premium_share"] == 0
    assert rows["b"]["premium_share"] is None


def test_novelty_counts_lines_of_products_launched_up_to_90_days_before_the_order() -> None:
    bought = order("a", 10)
    products = [
        {"product_id": "new", "launched_on": ago(100), "updated_at": at(300)},
        {"product_id": "old", "launched_on": ago(101), "updated_at": at(300)},
        {"product_id": "timeless", "updated_at": at(300)},
    ]
    lines = [line(bought, product_id=product) for product in ("new", "old", "old", "timeless", "unheard of", None)]
    assert classified(orders=[bought], order_lines=lines, products=products).rows["a"]["novelty_share"] == Decimal(
        "0.333333"
    )


def test_a_product_is_what_it_is_known_as_on_the_day_and_its_first_version_reaches_back() -> None:
    bought = order("a", 30)
    products = [
        {"product_id": "p", "category": "pens", "updated_at": at(20)},
        {"product_id": "p", "category": "ink", "updated_at": at(10)},
    ]
    known = {"orders": [bought], "order_lines": [line(bought, product_id="p")], "products": products}
    assert [classified(as_of=ago(days), **known).rows["a"]["top_category"] for days in (25, 20, 11, 10, 0)] == [
        "pens",
        "pens",
        "pens",
        "ink",
        "ink",
    ]


def test_the_top_is_by_revenue_then_orders_then_code() -> None:
    one, two = order("a", 1, "30", channel="web"), order("a", 2, "30", channel="phone")
    three = order("a", 3, "5", channel="phone", discount_amount=Decimal(5))
    lines = [
        line(one, category="ink", line_amount=Decimal(4)),
        line(one, category="ink", line_amount=Decimal(2)),
        line(two, category="pens", line_amount=Decimal(3)),
        line(three, category="pens", line_amount=Decimal(3)),
    ]
    row = classified(orders=[one, two, three], order_lines=lines).rows["a"]
    assert row["top_category"] == "pens"  # 6 each, but in two orders
    assert row["top_channel"] == "phone"  # 30 each, but in two orders
    tied = classified(orders=[one, two]).rows["a"]
    assert tied["top_channel"] == "phone"  # alike, and the smaller code
    assert tied["top_category"] == "unknown"


def test_the_usual_hour_is_read_from_the_business_clock_and_ties_go_to_the_smaller() -> None:
    orders = [order("a", 3, ordered_at=at(3, hour)) for hour in (4, 4, 20, 20, 9)]
    assert classified(orders=orders).rows["a"]["usual_hour"] == 4
    # New York is four hours behind in summer: 0, 16 and 5
    assert classified(zone="America/New_York", orders=orders).rows["a"]["usual_hour"] == 0
    assert classified(orders=[order("a", 400)]).rows["a"]["usual_hour"] is None


def test_the_longest_gap_closed_is_that_of_recent_order_days() -> None:
    orders = [order("a", days) for days in (400, 130, 30, 29, 5)]
    # gaps 270 and 100 were closed 130 and 30 days ago; of the last 30 days there are 1 and 24
    assert classified(orders=orders).rows["a"]["longest_gap_closed_days"] == 24
    assert classified(orders=[order("a", 5)]).rows["a"]["longest_gap_closed_days"] is None


def test_a_trial_is_converted_by_a_later_order_of_another_category() -> None:
    standard = WholeStandard(trial_categories=frozenset({"sample"}))

    def converted(first: list[str | None], later: list[str | None]) -> bool | None:
        begun, bought = order("a", 50), order("a", 10)
        lines = [
            *(line(begun, category=category) for category in first),
            *(line(bought, category=category) for category in later),
        ]
        return classified(standard, orders=[begun, bought], order_lines=[*lines, line(order("b", 1))]).rows["a"][
            "is_trial_converted"
        ]

    assert converted(["sample", "sample"], ["sample", "pens"]) is True
    assert converted(["sample", "pens"], ["pens"]) is False
    assert converted(["sample", None], ["pens"]) is False
    assert converted(["sample"], ["sample", None]) is False
    assert converted([], ["pens"]) is False


def test_trial_conversion_is_unknown_without_trial_categories_or_lines() -> None:
    bought = order("a", 1)
    standard = WholeStandard(trial_categories=frozenset({"sample"}))
    lines = [line(bought, category="sample")]
    assert classified(orders=[bought], order_lines=lines).rows["a"]["is_trial_converted"] is None
    assert classified(standard, orders=[bought]).rows["a"]["is_trial_converted"] is None
    row = classified(standard, orders=[bought], order_lines=lines, customers=[record("b")]).rows["b"]
    assert row["is_trial_converted"] is False


def test_replies_are_timed_from_each_outbound_contact_to_the_next_inbound_one() -> None:
    contacts = [
        contact("a", 10, 8, direction="outbound"),  # answered after 2 hours
        contact("a", 10, 9, direction="outbound"),  # answered after 1 hour, by the same reply
        contact("a", 10, 10, direction="inbound"),
        contact("a", 8, 10, direction="outbound"),  # answered after 48 hours
        contact("a", 6, 10, direction="inbound"),
        contact("a", 1, 10, direction="outbound"),  # not answered by D
        contact("a", -1, 10, direction="inbound"),
        contact("b", 365, 12, direction="outbound"),  # before the window
        contact("b", 364, 12, direction="inbound"),
    ]
    day = classified(interactions=contacts)
    assert day.rows["a"]["median_reply_hours"] == 2  # of 1, 2, 48
    assert day.rows["b"]["median_reply_hours"] is None
    thirds = [contact("a", 1, 8, direction="outbound"), contact("a", 1, 8, direction="inbound")]
    thirds[1]["occurred_at"] += timedelta(seconds=20 * 60)
    assert classified(interactions=thirds).rows["a"]["median_reply_hours"] == Decimal("0.333333")


def test_complaints_are_recent_for_30_days_and_open_until_resolved() -> None:
    contacts = [
        contact("recent", 29, is_complaint=True, resolved_at=at(5)),
        contact("older", 30, is_complaint=True, resolved_at=at(-1)),
        contact("never", 500, is_complaint=True),
        contact("content", 3, channel="service"),
    ]
    rows = classified(interactions=contacts).rows
    found = {customer: (row["recent_complaints"], row["has_open_complaint"]) for customer, row in rows.items()}
    assert found == {"recent": (1, False), "older": (0, True), "never": (0, True), "content": (0, False)}
    assert rows["content"]["service_contacts_365d"] == 1
    nothing_landed = classified(orders=[order("a", 1)]).rows["a"]
    assert nothing_landed["recent_complaints"] is nothing_landed["has_open_complaint"] is None


def test_opportunities_are_as_known_on_the_day_and_end_when_deleted() -> None:
    versions = [
        opportunity("a", 60, stage="met", amount=Decimal(100), probability=Decimal("0.5"), urgency="low"),
        opportunity("a", 40, stage="offered", amount=Decimal(200), probability=Decimal("0.25")),
        opportunity("a", 20, is_deleted=True),
        opportunity("a", 50, opportunity_id="2", amount=Decimal(10), urgency="medium", expected_close_on=ago(45)),
        opportunity("a", 30, opportunity_id="2", status="won"),
    ]

    def known(days_ago: int) -> tuple[object, ...]:
        row = classified(STAGES, ago(days_ago), opportunities=versions).rows["a"]
        names = ("open_opportunities", "open_opportunity_value", "days_to_close", "stated_urgency")
        return *(row[name] for name in names), row["has_explicit_opportunity"]

    assert known(61) == (0, None, None, "unknown", False)  # states do not reach back
    assert known(51) == (1, 50, None, "low", False)
    assert known(50) == (2, 50, 5, "medium", False)  # the second has no probability, hence no value
    assert known(40) == (2, 50, -5, "medium", True)  # 200 × 0.25
    assert known(30) == (1, 50, None, "unknown", True)
    assert known(20) == (0, None, None, "unknown", False)
    assert classified(orders=[order("a", 1)]).rows["a"]["open_opportunities"] is None


def test_an_open_amount_is_converted_by_the_rate_of_the_day() -> None:
    rates = [{"currency": "USD", "date": ago(9), "rate": Decimal(2)}, {"currency": "USD", "date": ago(1), "rate": 3}]
    opened = [opportunity("a", 20, currency="USD", amount=Decimal(100), probability=Decimal(1))]

    def value(days_ago: int) -> object:
        return classified(as_of=ago(days_ago), opportunities=opened, exchange_rates=rates).rows["a"][
            "open_opportunity_value"
        ]

    assert [value(9), value(2), value(1), value(-6)] == [200, 200, 300, 300]
    assert [value(10), value(-7)] == [None, None]  # none yet, and one that is 8 days old


def test_need_is_stated_by_the_lead_created_last_as_known_on_the_day() -> None:
    leads = [
        lead("a", 50, lead_id="1", need_clarity="explicit", stage="lost"),
        lead("a", 40, lead_id="2", need_clarity="vague", stage="met"),
        lead("a", 30, lead_id="2", need_clarity=None, stage="lost", created_at=at(40)),
        lead("a", 20, lead_id="1", need_clarity="none", stage="lost", created_at=at(50)),
        lead("a", 10, lead_id="3", created_at=None),
    ]

    def known(days_ago: int) -> tuple[object, object]:
        row = classified(STAGES, ago(days_ago), leads=leads).rows["a"]
        return row["stated_need_clarity"], row["has_open_lead"]

    assert known(50) == ("explicit", False)
    assert known(40) == ("vague", True)
    assert known(30) == ("unknown", False)
    assert known(20) == ("unknown", False)  # the older lead was changed, and is still older
    assert known(10) == ("unknown", True)  # a lead without a stage is open


def test_visits_count_for_30_days_by_kind() -> None:
    events = [visit("a", 29), visit("a", 30), visit("a", 0, "cart"), visit("a", 1, "search"), visit("a", -1)]
    row = classified(web_events=events).rows["a"]
    assert (row["recent_views"], row["recent_carts"]) == (1, 1)
    assert classified(orders=[order("a", 1)]).rows["a"]["recent_views"] is None


def test_the_newest_survey_speaks_even_where_it_is_silent() -> None:
    def answer(days_ago: int, response_id: str, **columns: object) -> dict[str, object]:
        return {"customer_ref": "a", "response_id": response_id, "responded_at": at(days_ago), **columns}

    surveys = [
        answer(9, "1", need_motive="social", satisfaction=Decimal(3)),
        answer(5, "3", need_motive=None, satisfaction=Decimal(1)),
        answer(5, "2", need_motive="functional", satisfaction=Decimal(5)),
        answer(-1, "4", need_motive="emotional", satisfaction=Decimal(4)),
    ]
    day = classified(orders=[order("a", 20)], surveys=surveys)
    row = day.rows["a"]
    assert (row["need_motive"], row["satisfaction"], row["satisfaction_on"]) == ("unknown", 1, ago(5))
    before = classified(as_of=ago(9), orders=[order("a", 20)], surveys=surveys).rows["a"]
    assert (before["need_motive"], before["satisfaction"], before["satisfaction_on"]) == ("social", 3, ago(9))
    assert classified(as_of=ago(10), orders=[order("a", 20)], surveys=surveys).rows["a"]["satisfaction_on"] is None


def test_attributes_are_those_of_the_version_valid_on_the_day() -> None:
    versions = [record("a", 20, industry="mining", region="north"), record("a", 10, industry="retail", region=None)]

    def known(days_ago: int) -> tuple[object, object]:
        row = classified(as_of=ago(days_ago), customers=versions).rows["a"]
        return row["industry"], row["region"]

    assert known(30) == ("mining", "north")
    assert known(11) == ("mining", "north")
    assert known(10) == ("retail", "unknown")


def test_a_customer_is_first_seen_when_registered_or_created_else_when_landed() -> None:
    day = classified(
        customers=[
            {"customer_ref": "registered", "registered_on": ago(50), "created_at": at(40), "updated_at": at(40)},
            {"customer_ref": "created", "created_at": at(40), "updated_at": at(40)},
            {"customer_ref": "landed", "updated_at": at(40)},
            {"customer_ref": "tomorrow", "created_at": at(-1), "updated_at": at(-1)},
        ],
        orders=[order("created", 45)],
    )
    assert {customer: row["first_seen_on"] for customer, row in day.rows.items()} == {
        "registered": ago(50),
        "created": ago(45),
        "landed": ago(700),
    }
    assert day.as_of == D
