"""What the report says of earlier predictions: who foretold best, and the plots of chances, revenue and repeats."""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb
import pytest
from report_pages import DAY, misplaced, read, said, section

from dagster_project.report.page import render_page
from dagster_project.settings.publishing import Language

# snapshot_on, predictor, published, errors of order days and revenue, correlation, top tenth, the most possible, wins
PROOFS = [
    ("2017-08-31", "mbg_nbd", True, 0.1, -0.3, 0.52, 0.40, 0.60, 3),
    ("2017-08-31", "rfm_cells", False, -0.2, 0.2, 0.40, 0.30, 0.60, 1),
    ("2017-08-31", "recency", False, None, None, 0.30, 0.20, 0.60, 0),
    ("2017-09-30", "mbg_nbd", True, -0.3, -0.1, 0.48, 0.30, 0.50, 2),
    ("2017-09-30", "rfm_cells", False, -0.1, 0.2, 0.44, 0.32, 0.50, 2),
    ("2017-09-30", "recency", False, None, None, 0.20, 0.10, 0.50, 0),
]


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for table in ("prediction_backtest", "prediction_tenths", "prediction_curves"):
        marts.execute(f"delete from marts.{table}")
    return marts


@pytest.fixture
def proven(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Two month ends; of the newest, chances of 50, 45, … 5% of which four fifths came, and revenue of 10, 9, … 1."""
    for row in PROOFS:
        con.execute(
            """
            insert into marts.prediction_backtest by name
            select ?::date as evaluated_on, ?::date as snapshot_on, ? as predictor, ? as is_published,
                ? as purchases_error, ? as value_error, ? as rank_correlation, ? as top_tenth_share,
                ? as oracle_top_tenth_share, ? as wins, predictor = 'mbg_nbd' as is_best
            """,
            [DAY, *row],
        )
    con.execute(
        """
        insert into marts.prediction_tenths by name
        select ?::date as evaluated_on, snapshot_on, ranked_by, tenth, 20 as customers, 11 - tenth as actual_value,
            12 - tenth as predicted_value, 11 - tenth as predicted_customers, 0.8 * (11 - tenth) as actual_customers
        from (select unnest(['expected_value', 'probability_order_90d']) as ranked_by), range(1, 11) as r(tenth),
            (select unnest([date '2017-08-31', date '2017-09-30']) as snapshot_on)
        """,
        [DAY],
    )
    con.execute(
        """
        insert into marts.prediction_curves by name
        select ?::date as evaluated_on, date '2017-09-30' as snapshot_on, date '2017-09-24' as fitted_on, *
        from (values
            ('tracking', 0, date '2017-08-29', 0, 0.0), ('tracking', 61, date '2017-10-29', 700, 650.4),
            ('tracking', 122, date '2017-12-29', 1500, 1400.6),
            ('frequency', 0, null, 900, 880.2), ('frequency', 1, null, 300, 310.0), ('frequency', 2, null, 50, 60.0)
        ) as rows (curve, place, counted_on, actual, predicted)
        """,
        [DAY],
    )
    return con


def wins(con: duckdb.DuckDBPyConnection, best: str, published: str, won: dict[str, int]) -> None:
    """Who won how often at each month end, and what is published."""
    con.execute("update marts.prediction_backtest set is_best = predictor = ?", [best])
    con.execute("update marts.prediction_backtest set is_published = predictor = ?", [published])
    for predictor, count in won.items():
        con.execute("update marts.prediction_backtest set wins = ? where predictor = ?", [count, predictor])


def figures(con: duckdb.DuckDBPyConnection, language: Language = Language.ENGLISH) -> dict[str, Any]:
    found = re.search(r"^const figures = (.*);$", render_page(read(con), language), re.MULTILINE)
    assert found
    drawn: dict[str, Any] = json.loads(found[1])
    return drawn


def test_each_predictor_stands_with_its_means_over_the_month_ends(proven) -> None:
    text = said(proven, "foretold")
    assert "At each month end from 31 August 2017 to 30 September 2017 the models were fitted" in text
    assert (
        "MBG/NBD and Gamma-Gamma 20.0% 20.0% 0.50 35.0% 5 best, published "
        "Rule: as others like them did 15.0% 20.0% 0.42 31.0% 3 "
        "Rule: who ordered last brings most – – 0.25 15.0% 0 "
        "The most that is possible 55.0%"
    ) in text
    chinese = said(proven, "foretold", Language.CHINESE)
    assert "MBG/NBD 与 Gamma-Gamma 20.0% 20.0% 0.50 35.0% 5 最准、已发布" in chinese
    assert "可能的上限 55.0%" in chinese


def test_the_newest_month_end_says_too_much_or_too_little(proven) -> None:
    text = said(proven, "foretold")
    assert (
        "The 90 days after 30 September 2017 Foretold by Order days off by Revenue off by Rank correlation "
        "Revenue from the tenth foretold most Ahead in "
        "MBG/NBD and Gamma-Gamma −30.0% −10.0% 0.48 30.0% 2 "
        "Rule: as others like them did −10.0% +20.0% 0.44 32.0% 2"
    ) in text
    assert "The most that is possible 50.0%" in text
    assert "2017-08-31 MBG/NBD and Gamma-Gamma +10.0% −30.0% 0.52 40.0% 3" in text


@pytest.mark.parametrize(
    ("best", "published", "says", "says_in_chinese"),
    [
        (
            "mbg_nbd",
            "mbg_nbd",
            "MBG/NBD and Gamma-Gamma foretold best: ahead in 6 of 8 comparisons.",
            "最准的是：MBG/NBD 与 Gamma-Gamma。8 项比较中领先 6 项。",
        ),
        (
            "rfm_cells",
            "mbg_nbd",
            "The rule 'as others like them did' foretold better than what is published: ahead in 6 of 8 comparisons, "
            "MBG/NBD and Gamma-Gamma in 2. To publish it, set prediction.model: rfm_cells in standards.yaml.",
            "最准的是：规则“同类客户此前的平均”。8 项比较中领先 6 项，"
            "而所发布的预测（MBG/NBD 与 Gamma-Gamma）领先 2 项。"
            "若要改为发布它，请在 standards.yaml 中设置 prediction.model: rfm_cells。",
        ),
        (
            "mbg_nbd",
            "rfm_cells",
            "MBG/NBD and Gamma-Gamma foretold better than what is published: ahead in 6 of 8 comparisons, the rule "
            "'as others like them did' in 2. To publish it, set prediction.model: mbg_nbd in standards.yaml.",
            "请在 standards.yaml 中设置 prediction.model: mbg_nbd。",
        ),
        (
            "rfm_cells",
            "rfm_cells",
            "The rule 'as others like them did' foretold best, and is what is published: ahead in 6 of 8 comparisons, "
            "MBG/NBD and Gamma-Gamma in 2.",
            "最准的是：规则“同类客户此前的平均”，也正是所发布的预测。",
        ),
        (
            "recency",
            "mbg_nbd",
            "The rule 'who ordered last brings most' was ahead in 6 of 8 comparisons, MBG/NBD and Gamma-Gamma in 2. "
            "The rule only ranks customers and foretells no amount, so it cannot be published (prediction.model).",
            "该规则只排序、不预测金额，因此不能发布（prediction.model）。",
        ),
    ],
)
def test_the_headline_says_who_won_and_what_to_set(proven, best, published, says, says_in_chinese) -> None:
    wins(proven, best, published, dict.fromkeys(("mbg_nbd", "rfm_cells", "recency"), 1) | {best: 3})
    assert says in said(proven, "foretold")
    assert says_in_chinese in said(proven, "foretold", Language.CHINESE)


def test_who_won_as_often_as_what_is_published_is_named_beside_it_and_nobody_is_called_best(proven) -> None:
    wins(proven, "mbg_nbd", "mbg_nbd", {"mbg_nbd": 2, "rfm_cells": 2, "recency": 0})
    text = said(proven, "foretold")
    assert (
        "Ahead equally often, in 4 of 8 comparisons: MBG/NBD and Gamma-Gamma, the rule 'as others like them did'."
        in text
    )
    assert "foretold best" not in text
    assert "best, published" not in text
    in_chinese = said(proven, "foretold", Language.CHINESE)
    assert "领先次数相同，8 项比较中各领先 4 项：MBG/NBD 与 Gamma-Gamma、规则“同类客户此前的平均”。" in in_chinese


def test_before_the_first_month_end_it_says_what_is_needed(con) -> None:
    assert "needs a month end at least 90 days after the first order and 90 days back" in said(con, "foretold")
    assert "尚无法与实际对照" in said(con, "foretold", Language.CHINESE)
    assert not {"chances", "gain", "tracking", "frequency"} & set(figures(con))


def test_one_month_end_is_called_one(proven) -> None:
    proven.execute("delete from marts.prediction_backtest where snapshot_on < '2017-09-30'")
    assert "On 30 September 2017 the models were fitted to what was known then." in said(proven, "foretold")
    assert "Ahead equally often, in 2 of 4 comparisons" in said(proven, "foretold")


def test_chances_stand_against_the_share_who_ordered_beside_the_diagonal(proven) -> None:
    diagonal, points = figures(proven)["chances"]["data"]
    assert diagonal["x"] == diagonal["y"]
    assert points["x"] == pytest.approx([(11 - tenth) / 20 for tenth in range(1, 11)])
    assert points["y"] == pytest.approx([0.8 * (11 - tenth) / 20 for tenth in range(1, 11)])
    layout = figures(proven)["chances"]["layout"]
    assert layout["xaxis"]["range"] == layout["yaxis"]["range"] == [0, pytest.approx(0.56)]


def test_the_gain_curve_reaches_all_revenue_and_marks_the_most_that_is_possible(proven) -> None:
    even, curve, oracle = figures(proven)["gain"]["data"]
    assert (even["x"], even["y"]) == ([0, 1], [0, 1])
    assert curve["x"] == pytest.approx([tenth / 10 for tenth in range(11)])
    assert curve["y"][:4] == pytest.approx([0, 10 / 55, 19 / 55, 27 / 55])
    assert curve["y"][-1] == pytest.approx(1)
    assert (oracle["x"], oracle["y"]) == ([0.1], [0.5])
    assert figures(proven)["gain"]["layout"]["xaxis"]["range"] == [0, 1]
    assert "The mark is the most that a tenth of them could bring: 50.0%." in said(proven, "foretold")


def test_no_gain_curve_is_drawn_where_no_revenue_came(proven) -> None:
    proven.execute("update marts.prediction_tenths set actual_value = 0")
    assert "gain" not in figures(proven)
    assert "Did those foretold most bring most?" not in said(proven, "foretold")
    assert "chances" in figures(proven)


def test_repeat_orders_add_up_beside_the_model_with_a_line_at_the_day_of_the_fit(proven) -> None:
    drawn = figures(proven)["tracking"]
    actual, predicted = drawn["data"]
    assert (actual["x"], actual["y"]) == ([0, 61, 122], [0, 700, 1500])
    assert predicted["y"] == [0, 650.4, 1400.6]
    assert [shape["x0"] for shape in drawn["layout"]["shapes"]] == [26], "24 September is day 26 after 29 August"
    assert [trace["name"] for trace in figures(proven, Language.CHINESE)["tracking"]["data"]] == ["实际", "模型"]


def test_customers_stand_by_their_repeats_and_the_last_place_is_open(proven) -> None:
    actual, predicted = figures(proven)["frequency"]["data"]
    assert actual["x"] == ["0", "1", "2+"]
    assert (actual["y"], predicted["y"]) == ([900, 300, 50], [880.2, 310, 60])
    assert "2 or more 50 60" in said(proven, "foretold")
    assert "2 及以上 50 60" in said(proven, "foretold", Language.CHINESE)


def test_a_long_curve_is_thinned_and_keeps_both_ends(proven) -> None:
    proven.execute("delete from marts.prediction_curves where curve = 'tracking'")
    proven.execute(
        """
        insert into marts.prediction_curves by name
        select ?::date as evaluated_on, 'tracking' as curve, 7 * week as place, week as actual, week as predicted
        from range(0, 300) as weeks(week)
        """,
        [DAY],
    )
    places = figures(proven)["tracking"]["data"][0]["x"]
    assert (places[0], places[-1]) == (0, 7 * 299)
    assert len(places) <= 41


def test_the_numbers_of_the_plots_are_in_tables_too(proven) -> None:
    assert misplaced(section(proven, "foretold")) == []
    text = said(proven, "foretold")
    assert "Tenth Customers Chance foretold Ordered 1 20.0 50.0% 40.0% 2 20.0 45.0% 36.0%" in text
    assert "Tenth Revenue foretold Revenue that came Share 1 $11 $10 18.2% 2 $10 $9 16.4%" in text
    assert "Days since the first order In fact By the model 0 0 0 61 700 650 122 1,500 1,401" in text


def test_curves_without_rows_leave_no_place_and_no_heading(proven) -> None:
    proven.execute("delete from marts.prediction_curves")
    text = said(proven, "foretold")
    assert "Do repeat orders add up" not in text
    assert "Do as many order" not in text
    assert "Did chances come true?" in text


def test_a_predictor_that_the_page_does_not_know_goes_by_its_code_as_text(proven) -> None:
    proven.execute("update marts.prediction_backtest set predictor = '<b>new_model</b>' where predictor = 'mbg_nbd'")
    assert "<b>new model</b> 20.0%" in said(proven, "foretold")
    assert "<b>" not in section(proven, "foretold")
