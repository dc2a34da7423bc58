"""The reference against arithmetic done by hand, so that what the warehouse is compared with is itself checked."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reference.classification import COLUMNS, DEFAULT_GRID, Grid, GridRule, Standard, classify
from reference.exact import cut_points, exact_decimal, median, ratio, rounded, to_cents
from reference.reactivation import (
    Band,
    Candidate,
    Priority,
    ReturnRates,
    arms_walk,
    band_of,
    by_priority,
    is_seasonal,
    is_silent,
    median_order_revenue,
    month_ends_up_to,
    priority,
    return_rates,
    silence_cause,
    silence_causes,
    states_at_month_ends,
)
from reference.uci import build_orders, no_refunds

D = date(2025, 6, 30)
FIXED = Standard(lifecycle_method="fixed")


def ago(days: int) -> date:
    return D - timedelta(days=days)


def order(
    customer_id: str,
    days_ago: int,
    gross: str = "10",
    discount: str = "0",
    cost: str | None = None,
    status: str = "completed",
) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "ordered_on": ago(days_ago),
        "status": status,
        "revenue": Decimal(gross) - Decimal(discount),
        "gross_amount": Decimal(gross),
        "discount_amount": Decimal(discount),
        "cost_amount": None if cost is None else Decimal(cost),
    }


def refund(customer_id: str, days_ago: int, amount: str) -> dict[str, Any]:
    return {"customer_id": customer_id, "refunded_on": ago(days_ago), "amount": Decimal(amount)}


def frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({c: pd.Series([row[c] for row in rows], dtype=object) for c in columns})


def orders_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return frame(
        rows,
        ["customer_id", "ordered_on", "status", "revenue", "gross_amount", "discount_amount", "cost_amount"],
    )


def run(
    orders: list[dict[str, Any]],
    refunds: list[dict[str, Any]] | None = None,
    first_seen: dict[str, int] | None = None,
    standard: Standard | None = None,
    as_of: date = D,
) -> pd.DataFrame:
    seen = None
    if first_seen is not None:
        seen = pd.DataFrame(
            {"customer_id": list(first_seen), "first_seen_on": [ago(days) for days in first_seen.values()]}
        )
    return classify(
        orders_frame(orders),
        frame(refunds or [], ["customer_id", "refunded_on", "amount"]),
        seen,
        as_of,
        standard or Standard(),
    )


def days_of(customer_id: str, *days_ago: int) -> list[dict[str, Any]]:
    return [order(customer_id, days) for days in days_ago]


# ------------------------------------------------------------------------------------------------------ exact numbers


def test_halves_are_rounded_away_from_zero() -> None:
    # 1 / 2,000,000 = 0.0000005, a half in the seventh place
    assert str(ratio(1, 2_000_000)) == "0.000001"
    assert str(ratio(-1, 2_000_000)) == "-0.000001"
    # 3 / 2,000,000 = 0.0000015: half to even would give 2 as well, 0.0000025 would not
    assert str(ratio(3, 2_000_000)) == "0.000002"
    assert str(ratio(5, 2_000_000)) == "0.000003"
    assert str(ratio(1, 3)) == "0.333333"
    assert str(ratio(2, 3)) == "0.666667"
    assert str(rounded(0)) == "0.000000"
    assert ratio(5, 0) is None
    # 28 digits of the usual decimal context are not enough for this one
    assert str(rounded(Decimal("1234567890123456789012345.1234565"))) == "1234567890123456789012345.123457"


def test_money_is_cents_or_nothing() -> None:
    assert to_cents(Decimal("-12.30")) == -1230
    assert to_cents(7) == 700
    assert to_cents(None) is None
    assert to_cents(float("nan")) is None
    with pytest.raises(TypeError, match="not a float"):
        to_cents(1.25)
    with pytest.raises(ValueError, match="two decimals"):
        to_cents(Decimal("0.005"))


def test_median_is_the_mean_of_the_two_middle_values() -> None:
    assert median([5, 1, 3]) == 3
    assert median([4, 1, 2, 9]) == 3  # (2 + 4) / 2
    assert median([1, 2]) == Fraction(3, 2)
    assert str(exact_decimal(Fraction(151, 4))) == "37.75"


def test_cut_points_are_observed_values() -> None:
    # five values: k/5 of them is k values, so cut k is the k-th smallest
    assert cut_points([50, 10, 40, 20, 30], 5) == [10, 20, 30, 40]
    # seven values 1 1 1 1 2 3 4: 7k/5 = 1.4, 2.8, 4.2, 5.6 → at least 2, 3, 5, 6 values at or below → 1, 1, 2, 3
    assert cut_points([4, 1, 2, 1, 3, 1, 1], 5) == [1, 1, 2, 3]
    # four values in two bins: 2 of 4 suffice exactly
    assert cut_points([1, 2, 3, 4], 2) == [2]
    # one value is every cut
    assert cut_points([9], 5) == [9, 9, 9, 9]


# ----------------------------------------------------------------------------------------------------------- features


def test_features_of_one_customer() -> None:
    row = run(
        [
            order("a", 400, "100", "10", cost="60"),
            order("a", 365, "30", cost="10"),  # the day before the window begins
            order("a", 364, "50", "5", cost="20"),  # the first day of the window: D − 364
            order("a", 90, "20", cost="5"),  # the last day of the prior 90
            order("a", 89, "40", cost="10"),  # the first day of the last 90
            order("a", 89, "10", cost="5", status="refunded"),
            order("a", 1, "999", status="cancelled"),
            order("a", 1, "999", status="pending"),
            order("a", -1, "999"),  # tomorrow
        ],
        [refund("a", 365, "7"), refund("a", 364, "3"), refund("a", 0, "12.50"), refund("a", -1, "500")],
    ).loc["a"]
    assert row["first_order_on"] == ago(400)
    assert row["last_order_on"] == ago(89)
    assert (row["recency_days"], row["tenure_days"]) == (89, 400)
    assert (row["order_count"], row["order_days"]) == (6, 5)
    # 90 + 30 + 45 + 20 + 40 + 10 = 235, less 7 + 3 + 12.50 = 22.50
    assert str(row["revenue"]) == "212.50"
    # less 60 + 10 + 20 + 5 + 10 + 5 = 110
    assert str(row["margin"]) == "102.50"
    assert str(row["average_order_value"]) == "35.416667"  # 212.50 / 6 = 35.41666…
    # gaps 400→365→364→90→89: 35, 1, 274, 1; sorted 1 1 35 274, the middle two (1 + 35) / 2
    assert row["median_gap_days"] == 18
    assert (row["order_count_window"], row["order_days_window"]) == (4, 3)
    assert str(row["revenue_window"]) == "99.50"  # 45 + 20 + 40 + 10 = 115, less 3 + 12.50
    assert str(row["margin_window"]) == "59.50"  # less 20 + 5 + 10 + 5 = 40
    assert (row["order_count_90d"], row["order_count_prior_90d"]) == (2, 1)
    assert str(row["revenue_90d"]) == "37.50"  # 50 − 12.50
    assert str(row["revenue_prior_90d"]) == "20.00"
    assert str(row["discount_share"]) == "0.041667"  # 5 / (50 + 20 + 40 + 10)
    assert str(row["refund_share"]) == "0.134783"  # 15.50 / 115


def test_the_prior_90_days_begin_at_day_179() -> None:
    row = run([order("a", 179, "3"), order("a", 180, "5")], [refund("a", 179, "1"), refund("a", 180, "1")]).loc["a"]
    assert row["order_count_prior_90d"] == 1
    assert row["revenue_prior_90d"] == 2
    assert (row["order_count_90d"], row["revenue_90d"]) == (0, 0)


def test_a_refund_counts_on_its_own_day_and_changes_money_only() -> None:
    orders = [order("a", 100, "80", status="refunded")]
    refunds = [refund("a", 10, "80")]
    before = run(orders, refunds, as_of=ago(11)).loc["a"]
    after = run(orders, refunds, as_of=ago(10)).loc["a"]
    assert (before["revenue"], after["revenue"]) == (80, 0)
    assert (before["order_count"], after["order_count"]) == (1, 1)
    assert (before["recency_days"], after["recency_days"]) == (89, 90)  # 100 − 11, 100 − 10
    today = run(orders, refunds).loc["a"]
    assert (today["revenue_90d"], today["revenue_prior_90d"]) == (-80, 80)


def test_revenue_may_be_negative_and_is_never_clipped() -> None:
    rows = run(
        [order("zero", 5, "20"), order("negative", 5, "20"), order("old", 500, "20")],
        [refund("zero", 4, "20"), refund("negative", 4, "20.01"), refund("old", 3, "6")],
    )
    assert str(rows.loc["zero", "revenue_window"]) == "0.00"
    assert str(rows.loc["negative", "revenue_window"]) == "-0.01"
    assert str(rows.loc["negative", "average_order_value"]) == "-0.010000"
    # the order lies before the window, its refund in it
    assert rows.loc["old", "revenue_window"] == -6
    assert rows.loc["old", "revenue"] == 14
    assert rows.loc["old", "refund_share"] is None  # 6 / 0
    assert str(rows.loc["negative", "refund_share"]) == "1.000500"  # 20.01 / 20


def test_a_gift_counts_and_has_no_discount_share() -> None:
    row = run([order("a", 5, "0", cost="4")]).loc["a"]
    assert (row["order_count"], row["revenue"], row["margin"]) == (1, 0, -4)
    assert row["discount_share"] is None
    assert row["refund_share"] is None
    assert row["average_order_value"] == 0


def test_margin_is_null_where_a_counted_order_lacks_its_cost() -> None:
    row = run([order("a", 400, "10"), order("a", 5, "10", cost="4"), order("a", 4, status="cancelled")]).loc["a"]
    assert row["margin"] is None
    assert row["margin_window"] == 6


def test_who_has_a_row() -> None:
    rows = run(
        [
            order("buyer", 0),
            order("only_cancelled", 3, status="cancelled"),
            order("only_pending", 0, status="pending"),
            order("tomorrow", -1),
            order("seen_then_bought", -1),
        ],
        [refund("only_refunded", 2, "5"), refund("only_cancelled", 1, "2")],
        first_seen={"lead": 0, "lead_of_tomorrow": -1, "seen_then_bought": 9, "buyer": 30},
    )
    assert list(rows.index) == ["buyer", "lead", "only_cancelled", "only_pending", "seen_then_bought"]
    assert list(rows.columns) == list(COLUMNS)
    assert rows["lifecycle_stage"].to_dict() == {
        "buyer": "new",
        "lead": "prospect",
        "only_cancelled": "prospect",
        "only_pending": "prospect",
        "seen_then_bought": "prospect",
    }
    lead = rows.loc["lead"]
    assert lead["rfm_segment"] == lead["rfm_type"] == lead["value_tier"] == "prospect"
    null = ["first_order_on", "recency_days", "tenure_days", "average_order_value", "median_gap_days", "r_score"]
    null += ["rfm_score", "rfm_cell", "silence_limit_days", "churn_limit_days", "days_silent", "discount_share"]
    assert all(lead[column] is None for column in null)
    assert (lead["order_count"], lead["revenue"], lead["is_loyal"]) == (0, 0, False)
    assert rows.loc["only_cancelled", "revenue"] == -2  # the refund has a customer, and no order to stand against


def test_nobody_gives_no_rows() -> None:
    rows = run([order("a", -1)])
    assert len(rows) == 0
    assert list(rows.columns) == list(COLUMNS)


def test_revenue_that_is_not_gross_less_discount_is_refused() -> None:
    wrong = order("a", 1, "10", "2") | {"revenue": Decimal("9")}
    with pytest.raises(ValueError, match="gross − discount"):
        run([wrong])


# ---------------------------------------------------------------------------------------------------------------- RFM

FIVE_BUYERS = [
    *[order("a", 0, "5"), order("a", 0, "5")],  # two orders on one day: F counts orders
    order("b", 0, "10"),
    order("c", 10, "10"),
    order("d", 20, "10"),
    order("e", 30, "7"),
]
FIVE_REFUNDS = [refund("c", 1, "15"), refund("d", 1, "10")]
# recency 0 0 10 20 30 · orders 2 1 1 1 1 · revenue 10 10 −5 0 7


def test_quantile_scores_cells_and_segments() -> None:
    rows = run(FIVE_BUYERS, FIVE_REFUNDS)
    # R on −recency, rising −30 −20 −10 0 0: cut k is the k-th, so recency 30, 20, 10, 0.
    #   recency 0 has three cuts strictly below, hence 4, both of them; nobody gets 5. Then 3, 2, 1.
    # F rising 1 1 1 1 2: all four cuts are 1. a has four below, hence 5; the others none, hence 1.
    # M rising −5 0 7 10 10: cuts −5, 0, 7, 10. 10 → 4, 7 → 3, 0 → 2, −5 → 1.
    assert rows.attrs["rfm_cut_points"] == {"r": [30, 20, 10, 0], "f": [1, 1, 1, 1], "m": [-5, 0, 7, 10]}
    assert rows["rfm_cell"].to_dict() == {"a": "454", "b": "414", "c": "311", "d": "212", "e": "113"}
    assert rows["rfm_score"].to_dict() == {"a": 13, "b": 9, "c": 5, "d": 5, "e": 5}
    assert rows["rfm_segment"].to_dict() == {
        "a": "loyal",  # R4 F5
        "b": "promising",  # R4 F1
        "c": "about_to_sleep",  # R3 F1
        "d": "hibernating",
        "e": "hibernating",
    }


def test_r_is_one_more_than_the_cuts_greater_than_the_recency() -> None:
    rows = run([order(f"c{days:03}", days) for days in (0, 3, 3, 3, 8, 21, 21, 60, 100, 364, 200)])
    cuts = rows.attrs["rfm_cut_points"]["r"]
    for _, row in rows.iterrows():
        assert row["r_score"] == 1 + sum(cut > row["recency_days"] for cut in cuts)


def test_weights_make_the_score() -> None:
    weights = (Decimal("0.5"), Decimal(2), Decimal(1))
    rows = run(FIVE_BUYERS, FIVE_REFUNDS, standard=Standard(rfm_weights=weights))
    assert rows.loc["a", "rfm_score"] == 16  # 4 × 0.5 + 5 × 2 + 4
    assert rows.loc["c", "rfm_score"] == Decimal("4.5")  # 3 × 0.5 + 1 × 2 + 1


def test_eight_types_by_the_mean() -> None:
    # R: 0 + 0 + 10 + 20 + 30 = 60, mean 12: a b c high. F: 6 / 5 = 1.2: a high.
    # M: 10 + 10 − 5 + 0 + 7 = 22, mean 4.4: a b e high.
    assert run(FIVE_BUYERS, FIVE_REFUNDS)["rfm_type"].to_dict() == {
        "a": "important_value",  # high high high
        "b": "important_develop",  # high low high
        "c": "general_develop",  # high low low
        "d": "general_winback",  # low low low
        "e": "important_winback",  # low low high
    }


def test_eight_types_by_the_median() -> None:
    # medians: recency 10, orders 1, revenue 7; who stands on the median is high
    rows = run(FIVE_BUYERS, FIVE_REFUNDS, standard=Standard(type_cut="median"))
    assert rows["rfm_type"].to_dict() == {
        "a": "important_value",
        "b": "important_value",
        "c": "general_value",  # high high low
        "d": "general_keep",  # low high low
        "e": "important_keep",  # low high high
    }


def test_the_mean_itself_is_high() -> None:
    # recency 10 20 30, mean 20; revenue 1.00 1.01 0.99, mean 1.00; orders 1 1 1
    orders = [order("a", 10, "1.00"), order("b", 20, "1.01"), order("c", 30, "0.99")]
    rows = run(orders, standard=Standard(rfm_method="mean", grid=None))
    assert rows["rfm_cell"].to_dict() == {"a": "222", "b": "222", "c": "121"}
    assert set(rows["rfm_segment"]) == {None}
    # a mean with no finite form: 0.01 + 0.01 + 0.02 = 0.04, mean 0.01333…
    orders = [order("a", 10, "0.01"), order("b", 10, "0.01"), order("c", 10, "0.02")]
    rows = run(orders, standard=Standard(rfm_method="mean", grid=None))
    assert rows["m_score"].to_dict() == {"a": 1, "b": 1, "c": 2}


def test_the_median_of_an_even_number_lies_between() -> None:
    # recency 10 20 30 40: median 25. revenue 1 2 3 4: median 2.5
    orders = [order(name, 10 * i, str(i)) for i, name in enumerate("abcd", start=1)]
    rows = run(orders, standard=Standard(rfm_method="median", grid=None))
    assert rows["rfm_cell"].to_dict() == {"a": "221", "b": "221", "c": "122", "d": "122"}


def test_thresholds_are_reached_from_their_own_value_on() -> None:
    standard = Standard(
        rfm_method="threshold", r_cuts=(30, 90), f_cuts=(2, 3), m_cuts=(Decimal(100), Decimal("500.50")), grid=None
    )
    rows = run(
        [
            order("a", 30, "500.50"),  # recency 30 reaches both cuts; revenue reaches both
            order("b", 31, "500.49"),  # 31 only the one of 90; 500.49 only the one of 100
            *[order("c", 90, "50"), order("c", 90, "50")],  # 90 still one; two orders; 100.00 reaches
            *[order("d", 91, "33.33") for _ in range(3)],  # 91 none; three orders; 99.99 none
        ],
        standard=standard,
    )
    assert rows["rfm_cell"].to_dict() == {"a": "313", "b": "212", "c": "222", "d": "131"}


def test_only_orders_in_the_window_are_scored() -> None:
    rows = run([order("edge", 364), order("out", 365), order("recent", 1)])
    assert rows.loc["out", "rfm_segment"] == rows.loc["out", "rfm_type"] == "out_of_window"
    assert rows.loc["out", "r_score"] is None
    assert rows.loc["out", "rfm_cell"] is None
    # two are scored. −recency −364, −1: 2k/5 = 0.4, 0.8, 1.2, 1.6 → 1, 1, 2, 2 values → cuts 364, 364, 1, 1
    assert rows.attrs["rfm_cut_points"]["r"] == [364, 364, 1, 1]
    assert (rows.loc["edge", "r_score"], rows.loc["recent", "r_score"]) == (1, 3)


def test_the_default_grid_covers_each_cell_once() -> None:
    segments = [DEFAULT_GRID.segment(r, f) for r in range(1, 6) for f in range(1, 6)]
    sizes = {code: segments.count(code) for code in segments}
    assert sum(sizes.values()) == 25
    assert sizes == {
        "hibernating": 4,
        "at_risk": 4,
        "cannot_lose": 2,
        "about_to_sleep": 2,
        "need_attention": 1,
        "loyal": 4,
        "promising": 1,
        "potential_loyalist": 4,
        "new_customers": 1,
        "champions": 2,
    }


# ---------------------------------------------------------------------------------------------------------- lifecycle


def test_fixed_limits_at_their_boundaries() -> None:
    recencies = (0, 29, 30, 90, 91, 365, 366)
    rows = run([order(f"c{days:03}", days) for days in recencies], standard=FIXED)
    assert rows["lifecycle_stage"].to_dict() == {
        "c000": "new",
        "c029": "new",  # the thirtieth day: D − 29
        "c030": "active",
        "c090": "active",
        "c091": "silent",
        "c365": "silent",
        "c366": "churned",
    }
    assert rows["days_silent"].to_dict() == {
        "c000": 0,
        "c029": 0,
        "c030": 0,
        "c090": 0,
        "c091": 1,
        "c365": 275,  # 365 − 90
        "c366": 276,
    }


def test_reactivated_by_a_gap_above_the_limit_in_the_last_30_days() -> None:
    rows = run(
        [
            *days_of("gap_90", 119, 29),  # 119 − 29 = 90, not more than 90
            *days_of("gap_91", 120, 29),
            *days_of("day_31", 200, 30),  # returned on D − 30, one day too early
            *days_of("earlier_of_two", 200, 20, 5),  # the gap lies before the last but one order day
            *days_of("twice_a_day", 200, 200, 20, 20),
            *days_of("new_first", 29, 1),
        ],
        standard=FIXED,
    )
    assert rows["lifecycle_stage"].to_dict() == {
        "gap_90": "active",
        "gap_91": "reactivated",
        "day_31": "active",
        "earlier_of_two": "reactivated",
        "twice_a_day": "reactivated",
        "new_first": "new",
    }


def test_own_rhythm_of_three_order_days() -> None:
    rows = run(
        [
            *days_of("plain", 130, 90, 70),  # gaps 40, 20: median 30, limits 60 and 120; recency 70
            *days_of("quick", 120, 105, 91),  # gaps 15, 14: 14.5, 29 → 30; 58 → 90; recency 91
            *days_of("slow", 980, 740, 541),  # gaps 240, 199: 219.5, 439 → 180; 878 → 540; recency 541
            *days_of("half", 122, 91, 61),  # gaps 31, 30: 30.5, 61 and 122; recency 61
            *days_of("back", 230, 200, 170, 10),  # gaps 30, 30, 160: median 30, limit 60, and 160 > 60
        ]
    )
    limits = {
        name: (row["silence_limit_days"], row["churn_limit_days"], row["days_silent"], row["lifecycle_stage"])
        for name, row in rows.iterrows()
    }
    assert limits == {
        "plain": (60, 120, 10, "silent"),
        "quick": (30, 90, 61, "churned"),
        "slow": (180, 540, 361, "churned"),
        "half": (61, 122, 0, "active"),
        "back": (60, 120, 0, "reactivated"),
    }


def test_few_order_days_take_the_population_median() -> None:
    rows = run(
        [
            *days_of("three", 130, 99, 69),  # gaps 31, 30: median 30.5
            *days_of("two", 120, 75),  # gap 45, which joins the population but does not rule
            *days_of("one", 76),
            *days_of("same_day_thrice", 152, 152, 152),  # one order day
        ]
    )
    # median of 30.5 and 45 = 37.75; limits 75.5 and 151, not rounded
    for name in ("two", "one", "same_day_thrice"):
        assert rows.loc[name, "silence_limit_days"] == Decimal("75.5")
        assert rows.loc[name, "churn_limit_days"] == 151
    assert rows.loc["two", "lifecycle_stage"] == "active"  # 75 ≤ 75.5
    assert rows.loc["one", "lifecycle_stage"] == "silent"  # 76 > 75.5
    assert rows.loc["one", "days_silent"] == Decimal("0.5")
    assert rows.loc["same_day_thrice", "lifecycle_stage"] == "churned"  # 152 > 151
    assert rows.loc["three", "silence_limit_days"] == 61


def test_a_gap_after_d_is_not_known_on_d() -> None:
    orders = days_of("a", 200, 100, 40)
    assert run(orders, as_of=ago(60)).loc["a", "median_gap_days"] == 100
    assert run(orders).loc["a", "median_gap_days"] == 80  # (100 + 60) / 2


def test_without_any_gap_the_fixed_limits_hold() -> None:
    rows = run([order("a", 91), order("b", 366)])
    assert rows["silence_limit_days"].to_dict() == {"a": 90, "b": 90}
    assert rows["lifecycle_stage"].to_dict() == {"a": "silent", "b": "churned"}


def test_loyal_is_active_with_six_order_days_in_the_window() -> None:
    rows = run(
        [
            *days_of("six", 60, 50, 40, 30, 20, 10),
            *days_of("five", 60, 50, 40, 30, 20, 20),  # six orders on five days
            *days_of("one_outside", 365, 364, 363, 362, 361, 1),  # five in the window
            *days_of("new", 20, 15, 10, 8, 4, 1),
        ],
        standard=FIXED,
    )
    assert rows["is_loyal"].to_dict() == {"six": True, "five": False, "one_outside": False, "new": False}
    assert rows.loc["new", "lifecycle_stage"] == "new"


# -------------------------------------------------------------------------------------------------------------- value


def worth(**values: str) -> list[dict[str, Any]]:
    return [order(name, 5, value) for name, value in values.items()]


def test_share_lines_are_crossed_by_who_begins_before_them() -> None:
    rows = run(worth(a="50", b="30", c="15", d="5"))
    # T = 100, before 0, 50, 80, 95. 80 is not < 80, 95 is not < 95
    assert rows["value_tier"].to_dict() == {"a": "high", "b": "high", "c": "mid", "d": "low"}
    assert [str(v) for v in rows["value_share"]] == ["0.500000", "0.300000", "0.150000", "0.050000"]
    assert [str(v) for v in rows["cumulative_value_share"]] == ["0.500000", "0.800000", "0.950000", "1.000000"]
    # one cent decides: T = 100.01, before(c) = 80.00, 8000 < 80 × 100.01
    assert run(worth(a="50", b="30", c="15", d="5.01")).loc["c", "value_tier"] == "high"


def test_ties_stand_together() -> None:
    rows = run(worth(a="60", b="15", c="15", d="10"))
    # T = 100; before(15) = 60 for both, before(10) = 90
    assert rows["value_tier"].to_dict() == {"a": "high", "b": "high", "c": "high", "d": "mid"}
    assert rows["cumulative_value_share"].to_dict() == {
        "a": Decimal("0.6"),
        "b": Decimal("0.9"),
        "c": Decimal("0.9"),
        "d": 1,
    }


def test_nothing_negative_and_absent_are_low() -> None:
    rows = run(
        [*worth(a="9", zero="5", negative="5"), order("gone", 365, "1000")],
        [refund("zero", 1, "5"), refund("negative", 1, "6")],
        first_seen={"lead": 3},
    )
    assert rows["value_tier"].to_dict() == {
        "a": "high",
        "zero": "low",
        "negative": "low",
        "gone": "low",
        "lead": "prospect",
    }
    # T = 9: the negative value takes nothing away
    assert rows.loc["a", "value_share"] == 1
    assert rows.loc["negative", "value_share"] == 0
    assert rows.loc["negative", "cumulative_value_share"] == 1


def test_nobody_with_value_leaves_the_cumulative_share_null() -> None:
    row = run(worth(a="0")).loc["a"]
    assert (row["value_tier"], row["value_share"], row["cumulative_value_share"]) == ("low", 0, None)


def test_percentile_counts_customers_strictly_above() -> None:
    names = "abcdefghij"
    rows = run(
        [*[order(name, 5, str(10 - i)) for i, name in enumerate(names)], order("zero", 5, "0")],
        standard=Standard(value_method="percentile"),
    )
    # P is ten customers, zero is not among them. above: a 0 %, b 10 %, c 20 % (not < 20), …, e 40 %, f 50 % (not < 50)
    assert "".join(rows.loc[list(names), "value_tier"].str[0]) == "hhmmmlllll"
    assert rows.loc["zero", "value_tier"] == "low"


def test_value_thresholds_include_their_own_value() -> None:
    standard = Standard(value_method="threshold", value_cuts=(Decimal(100), Decimal("0")))
    rows = run(worth(a="100.00", b="99.99", c="0.01", d="0"), standard=standard)
    # nothing is low whatever the cut
    assert rows["value_tier"].to_dict() == {"a": "high", "b": "mid", "c": "mid", "d": "low"}


def test_margin_as_the_measure() -> None:
    rows = run(
        [
            order("a", 5, "100", cost="20"),  # 80
            order("b", 5, "1000", cost="980"),  # 20: much revenue, little margin
            order("c", 5, "10", cost="10"),
            order("d", 5, "10", cost="11"),
            order("e", 5, "5000"),
            *[order("f", 400, "10"), order("f", 5, "1", cost="0.50")],  # the cost is missing outside the window only
            order("gone", 400, "10"),
        ],
        first_seen={"lead": 1},
        standard=Standard(value_measure="margin_window"),
    )
    # T = 80 + 20 + 0.50 = 100.50; before(b) = 80 < 80.40; before(f) = 100 ≥ 95.475
    assert rows["value_tier"].to_dict() == {
        "a": "high",
        "b": "high",
        "c": "low",
        "d": "low",
        "e": "unknown",
        "f": "low",
        "gone": "low",
        "lead": "prospect",
    }
    assert rows.loc["e", "value_share"] is None
    assert str(rows.loc["a", "value_share"]) == "0.796020"  # 80 / 100.50 = 0.79601990…


# ---------------------------------------------------------------------------------------------------------- standards


def test_standards_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="2 to 9"):
        Standard(rfm_bins=10, grid=None)
    with pytest.raises(ValueError, match="number of bins"):
        Standard(rfm_method="mean")
    with pytest.raises(ValueError, match="rising"):
        Standard(rfm_method="threshold", r_cuts=(90, 30), f_cuts=(2,), m_cuts=(Decimal(1),), grid=None)
    with pytest.raises(ValueError, match="R1 F2 is covered by"):
        Grid(2, (GridRule("low", r=(1, 2), f=(1, 1)), GridRule("high", r=(2, 2), f=(2, 2))))
    with pytest.raises(ValueError, match="turned round"):
        Standard(silence_bounds=(100, 180))  # a gap of 0: 100 and 90
    with pytest.raises(ValueError, match="turned round"):
        Standard(silence_bounds=(30, 541))  # a gap of 270.5: 541 and 540
    with pytest.raises(ValueError, match="turned round"):
        Standard(silence_factor=Decimal(5))
    # bounds that do not meet cannot turn, whatever the factors
    Standard(silence_factor=Decimal(5), silence_bounds=(30, 90))
    with pytest.raises(ValueError, match="fixed"):
        Standard(fixed_silence_days=366)
    with pytest.raises(ValueError, match="needs its cuts"):
        Standard(value_method="threshold")


def test_the_order_of_rows_decides_nothing() -> None:
    orders = [
        order(f"c{i % 37:02}", (i * 53) % 700, str((i * 17) % 90), cost=str(i % 5), status="completed")
        for i in range(400)
    ]
    refunds = [refund(f"c{i % 37:02}", (i * 31) % 300, str(i % 20)) for i in range(60)]
    pd.testing.assert_frame_equal(run(orders, refunds), run(orders[::-1], refunds[::-1]))


# -------------------------------------------------------------------------------------------------------- reactivation


def bought(*days: date, gross: int = 100, discount: int = 0) -> list[tuple[date, int, int]]:
    return [(day, gross, discount) for day in days]


def test_after_complaint_from_30_days_before_the_last_order_on() -> None:
    orders = bought(ago(300), ago(200))
    assert silence_cause(orders, [ago(230)], D) == "after_complaint"
    assert silence_cause(orders, [ago(231)], D) == "unknown"
    assert silence_cause(orders, [ago(200)], D) == "after_complaint"
    assert silence_cause(orders, [D], D) == "after_complaint"
    assert silence_cause(orders, [D + timedelta(days=1)], D) == "unknown"


def test_one_time_buyer_is_one_order_day() -> None:
    assert silence_cause(bought(ago(200)), [], D) == "one_time_buyer"
    assert silence_cause(bought(ago(200), ago(200), discount=10), [], D) == "one_time_buyer"
    assert silence_cause(bought(ago(200), ago(199)), [], D) == "unknown"
    # what comes after D is not known
    assert silence_cause(bought(ago(200), D + timedelta(days=1)), [], D) == "one_time_buyer"


def test_price_is_more_than_half_of_gross_with_discount() -> None:
    full, reduced = (ago(300), 100, 0), (ago(200), 100, 1)
    assert silence_cause([full, reduced], [], D) == "unknown"  # 100 of 200: half, not more
    assert silence_cause([full, (ago(200), 101, 1)], [], D) == "price"  # 101 of 201
    assert silence_cause([(ago(300), 0, 0), (ago(200), 0, 0)], [], D) == "unknown"  # 0 of 0


def test_seasonal_is_three_adjacent_months_of_two_years() -> None:
    summer = [date(2022, 6, 1), date(2022, 8, 1), date(2023, 7, 1)]
    assert is_seasonal([*summer, date(2023, 8, 31)])  # 4 of 4
    assert is_seasonal([*summer, date(2023, 12, 1)])  # 3 of 4 = 75 %
    assert not is_seasonal(summer)  # 3 order days
    assert not is_seasonal([*summer, date(2023, 12, 1), date(2024, 3, 1)])  # 3 of 5 = 60 %
    assert not is_seasonal([date(2023, 6, day) for day in (1, 2, 3, 4)])  # one year
    # December, January and February are adjacent
    assert is_seasonal([date(2022, 1, 3), date(2022, 12, 20), date(2023, 2, 1), date(2023, 12, 24)])
    # March 2, April 1, May 1, June 2: any three months hold 4 of 6 = 66.7 % at best
    months = [(2022, 3), (2022, 4), (2022, 6), (2023, 3), (2023, 5), (2023, 6)]
    assert not is_seasonal([date(year, month, 1) for year, month in months])
    assert silence_cause(bought(*summer, date(2023, 8, 31)), [], D) == "seasonal"


def test_fading_is_three_strictly_rising_gaps() -> None:
    # order days 400, 390, 370, 340 ago: gaps 10, 20, 30
    assert silence_cause(bought(ago(400), ago(390), ago(370), ago(340)), [], D) == "fading"
    assert silence_cause(bought(ago(400), ago(390), ago(370), ago(350)), [], D) == "unknown"  # 10, 20, 20
    assert silence_cause(bought(ago(400), ago(390), ago(370)), [], D) == "unknown"  # two gaps
    # only the last three count: 50, 10, 20, 30
    assert silence_cause(bought(ago(450), ago(400), ago(390), ago(370), ago(340)), [], D) == "fading"


def test_silence_causes_of_a_frame() -> None:
    orders = orders_frame(
        [
            order("a", 200),
            order("a", 100, status="cancelled"),
            *[order("b", 300, "10"), order("b", 200, "11", "1")],
            *days_of("c", 300, 200),
            order("prospect", 5, status="pending"),
        ]
    )
    complaints = pd.DataFrame({"customer_id": ["c"], "occurred_on": [ago(150)]})
    assert silence_causes(orders, complaints, D).to_dict() == {
        "a": "one_time_buyer",
        "b": "price",
        "c": "after_complaint",
    }
    assert silence_causes(orders, None, D)["c"] == "unknown"


def test_who_is_silent() -> None:
    assert is_silent("silent", 91)
    assert is_silent("churned", 730)
    assert not is_silent("churned", 731)
    assert not is_silent("active", 10)
    assert not is_silent("prospect", None)


def test_bands() -> None:
    limit = Decimal("75.5")
    assert band_of(151, limit, "high", 1) == ("<=2", "high", "1")  # 2 × 75.5 = 151
    assert band_of(152, limit, "high", 2) == ("<=3", "high", "2-3")
    assert band_of(226, limit, "low", 3) == ("<=3", "low", "2-3")  # 3 × 75.5 = 226.5
    assert band_of(227, limit, "low", 4) == (">3", "low", "4+")


def test_month_ends() -> None:
    assert month_ends_up_to(date(2024, 3, 31), 3) == [date(2024, 3, 31), date(2024, 2, 29), date(2024, 1, 31)]
    assert month_ends_up_to(date(2024, 3, 30), 2) == [date(2024, 2, 29), date(2024, 1, 31)]
    assert month_ends_up_to(date(2024, 1, 5), 1) == [date(2023, 12, 31)]


def state(customer_id: str, as_of_date: date, recency: int, stage: str = "silent", orders: int = 1) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "as_of_date": as_of_date,
        "lifecycle_stage": stage,
        "recency_days": recency,
        "silence_limit_days": Decimal(90),
        "value_tier": "low",
        "order_count": orders,
    }


def test_return_rates_of_bands() -> None:
    # D = 2025-06-30, D − 90 = 2025-04-01, so the newest month end is 2025-03-31 and the oldest of the 12 is 2024-04-30
    march, february = date(2025, 3, 31), date(2025, 2, 28)
    states = pd.DataFrame(
        [
            state("in_time", march, 100),
            state("too_late", march, 100),
            state("same_day", march, 100),
            state("in_time", february, 100),  # counted again at another month end; returns 121 days later
            state("far", march, 200, orders=5),  # another band, no return
            state("active", march, 20, stage="active"),
            state("too_old", march, 731, stage="churned"),
            state("in_time", date(2025, 4, 30), 130),  # E > D − 90
            state("in_time", date(2024, 3, 31), 100),  # the thirteenth
            state("in_time", date(2025, 3, 30), 100),  # no month end
        ]
    )
    bought_on = {
        "in_time": date(2025, 6, 29),  # march + 90
        "too_late": date(2025, 6, 30),  # march + 91
        "same_day": march,  # E itself does not count
        "active": date(2025, 4, 2),
    }
    orders = orders_frame([order(name, (D - day).days) for name, day in bought_on.items()])
    rates = return_rates(states, orders, D)
    near, far = Band("<=2", "low", "1"), Band("<=3", "low", "4+")
    assert rates.month_ends == (february, march)
    assert rates.counts == {near: (4, 1), far: (1, 0)}
    assert rates.overall == Fraction(1, 5)
    assert str(rates.rate(near)) == "0.203704"  # (1 + 50 × 0.2) / (4 + 50) = 11 / 54
    assert str(rates.rate(far)) == "0.196078"  # 10 / 51
    assert str(rates.rate(Band(">3", "high", "1"))) == "0.200000"  # never seen: the overall rate


def test_no_month_end_yet_gives_no_rate() -> None:
    assert ReturnRates((), {}).rate(Band("<=2", "low", "1")) is None
    orders = orders_frame([order("a", 60)])
    states = states_at_month_ends(orders, no_refunds(), None, D, FIXED)
    assert len(states) == 0
    assert return_rates(states, orders, D).overall is None


def test_states_at_month_ends_know_only_their_own_day() -> None:
    # an order on 2024-12-01 and, not known at any of the month ends, one on 2025-05-01
    orders = orders_frame([order("a", (D - date(2024, 12, 1)).days), order("a", (D - date(2025, 5, 1)).days)])
    states = states_at_month_ends(orders, no_refunds(), None, D, FIXED)
    assert dict(zip(states["as_of_date"], states["lifecycle_stage"], strict=True)) == {
        date(2024, 12, 31): "active",  # 30 days after the first order
        date(2025, 1, 31): "active",
        date(2025, 2, 28): "active",  # 89 days
        date(2025, 3, 31): "silent",  # 120 days
    }
    # of the four only March is silent; 120 ≤ 2 × 90, the only customer is the best one, and May 1 lies within 90 days
    assert return_rates(states, orders, D).counts == {Band("<=2", "high", "1"): (1, 1)}


def test_priority_takes_the_first_known_value() -> None:
    rate = Decimal("0.203704")
    assert priority(rate, Decimal(10), Decimal(20), Decimal(30)) == Priority(Decimal("2.037040"), False)
    assert priority(rate, None, Decimal("35.416667"), Decimal(30)) == Priority(Decimal("7.214517"), False)
    # 0.203704 × 35.416667 = 7.2145167… : 0.2 × 35.416667 = 7.0833334, 0.003704 × 35.416667 = 0.131183334…
    assert priority(rate, None, None, Decimal(30)).score == Decimal("6.111120")
    assert priority(None, None, Decimal(20), Decimal(30)) == Priority(Decimal(20), True)
    assert priority(rate, Decimal(0), Decimal(20), None).score == 0  # nothing expected is known, not missing


def test_median_order_of_the_company() -> None:
    rows = [order("a", 9, "10", "1"), order("b", 8, "4"), order("b", 7, "99", status="cancelled"), order("c", -1, "50")]
    assert str(median_order_revenue(orders_frame(rows), D)) == "6.500000"  # (9 + 4) / 2
    assert median_order_revenue(orders_frame(rows), ago(10)) is None


def test_priority_order_breaks_ties_by_the_smaller_id() -> None:
    scores = {"c": Decimal(5), "b": Decimal("5.000000"), "none": None, "a": Decimal(-1), "d": Decimal("5.000001")}
    assert by_priority(scores) == ["d", "b", "c", "a", "none"]


def candidates(*names: str, channels: tuple[str, ...] = ("sms",)) -> list[Candidate]:
    """The first name has the highest priority."""
    return [Candidate(name, Decimal(100 - i), channels) for i, name in enumerate(names)]


def hashes(**low: str) -> Any:
    """A stand-in for the hash: the names given get theirs, everybody else 0.5."""
    return lambda salt, customer_id: Decimal(low.get(customer_id, "0.5"))


def test_the_walk_ends_when_capacity_is_full() -> None:
    walk = arms_walk(
        candidates("a", "b", "c", "d", "e"),
        {"sms": 2},
        salt="s",
        stable_hash=hashes(b="0.0999", d="0", e="0"),
    )
    # a treated, b passed on the way, c fills the capacity; d and e would be controls and are not reached
    assert [(x.customer_id, x.arm, x.channel) for x in walk] == [
        ("a", "treated", "sms"),
        ("b", "control", "sms"),
        ("c", "treated", "sms"),
    ]


def test_a_hash_on_the_line_is_treated() -> None:
    walk = arms_walk(candidates("a"), {"sms": 1}, salt="s", stable_hash=hashes(a="0.1"))
    assert [x.arm for x in walk] == ["treated"]


def test_the_hash_gets_the_salt() -> None:
    asked = []

    def stable_hash(salt: str, customer_id: str) -> float:
        asked.append((salt, customer_id))
        return 0.5

    arms_walk(candidates("a", "b"), {"sms": 9}, salt="spring", stable_hash=stable_hash)
    assert asked == [("spring", "a"), ("spring", "b")]


def test_channels_fill_one_by_one_and_controls_take_no_room() -> None:
    both = ("telesales", "sms")
    people = [
        Candidate("a", Decimal(9), both),
        Candidate("b", Decimal(8), both),  # control; a has filled telesales, so he stands for sms
        Candidate("c", Decimal(7), both),
        Candidate("d", Decimal(6), ("telesales",)),  # its only channel is full: in neither arm, though its hash is low
        Candidate("e", Decimal(5), ("wechat", "sms")),  # wechat has no capacity at all
        Candidate("f", Decimal(4), ()),
        Candidate("g", Decimal(3), both),
        Candidate("h", Decimal(2), both),
    ]
    walk = arms_walk(
        people[::-1], {"telesales": 1, "sms": 3, "email": 0}, salt="s", stable_hash=hashes(b="0", d="0.05")
    )
    assert [(x.customer_id, x.arm, x.channel) for x in walk] == [
        ("a", "treated", "telesales"),
        ("b", "control", "sms"),
        ("c", "treated", "sms"),
        ("e", "treated", "sms"),
        ("g", "treated", "sms"),
    ]


def test_a_customer_enters_a_campaign_once() -> None:
    walk = arms_walk(
        candidates("a", "b", "c"), {"sms": 1}, salt="s", stable_hash=hashes(a="0"), already_assigned={"a", "b"}
    )
    assert [(x.customer_id, x.arm) for x in walk] == [("c", "treated")]


# ---------------------------------------------------------------------------------------------------------------- UCI


def test_invoice_lines_become_orders(tmp_path: Path) -> None:
    def line(invoice: str, customer: int | None, at: str, quantity: int, price: float) -> dict[str, Any]:
        return {
            "InvoiceNo": invoice,
            "CustomerID": customer,
            "InvoiceDate": pd.Timestamp(at),
            "Quantity": quantity,
            "UnitPrice": price,
        }

    lines = pd.DataFrame(
        [
            line("500002", 17, "2011-07-01 23:59", 3, 0.335),
            line("500002", 17, "2011-07-01 23:58", 1, 0.105),
            line("500002", 17, "2011-07-01 23:58", 1, 0.105),  # a true double
            line("500002", 17, "2011-07-01 23:58", 0, 9.0),
            line("500002", 17, "2011-07-01 23:58", 1, 0.0),
            line("500001", 18, "2011-07-02 00:00", 2, 0.0025),
            line("C500003", 17, "2011-07-02 00:00", -1, 2.0),
            line("A500004", 17, "2011-07-02 00:00", 1, 2.0),
            line("500005", None, "2011-07-02 00:00", 1, 2.0),
            line("500006", 17, "2011-07-02 00:00", 1, -2.0),
        ]
    ).astype({"CustomerID": "Int64"})
    lines.to_parquet(tmp_path / "lines.parquet")
    orders = build_orders(tmp_path / "lines.parquet")
    assert list(orders["order_id"]) == ["500001", "500002"]
    # 2 × 0.0025 = 0.005 → 0.01 (half to even would give 0.00)
    # 3 × 0.335 + 0.105 + 0.105 = 1.215 → 1.22 (lines rounded one by one would give 1.01 + 0.11 + 0.11 = 1.23)
    assert [str(v) for v in orders["revenue"]] == ["0.01", "1.22"]
    assert list(orders["customer_id"]) == ["18", "17"]
    assert list(orders["ordered_on"]) == [date(2011, 7, 2), date(2011, 7, 1)]
    # the earliest line; British summer time, so an hour earlier in UTC
    assert orders["ordered_at"][1].isoformat() == "2011-07-01T23:58:00+01:00"
    classified = classify(orders, no_refunds(), None, date(2011, 7, 2), Standard())
    assert list(classified["lifecycle_stage"]) == ["new", "new"]


@pytest.mark.real_data
def test_uci_orders_are_the_known_ones(real_data: Path) -> None:
    orders = build_orders(real_data / "uci_online_retail_2010_2011.parquet")
    assert len(orders) == 18_532
    assert sum(orders["revenue"]) == Decimal("8911407.90")
    rows = classify(orders, no_refunds(), None, date(2011, 12, 9), Standard())
    assert len(rows) == 4_338
    assert (rows["order_count"] == 1).sum() == 1_493
    top_fifth = sorted(rows["revenue"], reverse=True)[: -(-len(rows) // 5)]
    assert rounded(sum(top_fifth) / sum(rows["revenue"]), 4) == Decimal("0.7462")
