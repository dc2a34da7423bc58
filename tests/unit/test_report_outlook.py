"""The report's outlook: sums a class, what is said where nothing is foretold, and how far it came true."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from report_pages import DAY, read, said

from dagster_project.report.figures import all_figures
from dagster_project.report.words import Words
from dagster_project.settings.publishing import Language

PREDICTIONS = """
    insert into marts.customer_predictions by name
    select as_of_date, customer_id, 0.25 + 0.5 * (customer_id % 2) as probability_order_90d,
        0.5 as expected_purchases_90d,
        customer_id::decimal(18, 6) as expected_value_90d, 4 * customer_id::decimal(18, 6) as expected_value_365d,
        'mbg_nbd' as model, date '2017-12-31' as fitted_on, {correction} as value_correction,
        date '2017-09-30' as corrected_from, null as missing_reason
    from marts.customer_segments where as_of_date = $day and order_count > 0
"""
NOBODY = """
    insert into marts.customer_predictions by name
    select as_of_date, customer_id, 1 as value_correction,
        case when order_count > 0 then 'too_few_buyers' else 'no_order' end as missing_reason
    from marts.customer_segments where as_of_date = $day
"""


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    marts.execute("delete from marts.customer_predictions; delete from marts.prediction_backtest")
    marts.execute("delete from marts.prediction_tenths")
    return marts


def test_a_class_is_expected_what_its_customers_are(con) -> None:
    con.execute(PREDICTIONS.format(correction="1.25"), {"day": DAY})
    content = read(con)
    for (dimension, code), expected in content.outlook.expected.items():
        rows = con.execute(
            f"select count(*), sum(customer_id) from marts.customer_segments "
            f"where as_of_date = ? and order_count > 0 and {dimension} = ?",
            [DAY, code],
        ).fetchall()
        assert [(expected.customers, expected.value_90d)] == rows
        assert expected.value_365d == 4 * expected.value_90d
        assert expected.purchases_90d == Decimal("0.5") * expected.customers
    text = said(con, "outlook")
    assert "by MBG/NBD, fitted to all order days up to 31 December 2017" in text
    assert "The 90 days are corrected by 1.25: revenue came / foretold after 30 September 2017" in text
    assert "截至 2017年12月31日" in said(con, "outlook", Language.CHINESE)


def test_an_uncorrected_level_is_not_mentioned(con) -> None:
    con.execute(PREDICTIONS.format(correction="1"), {"day": DAY})
    assert "corrected" not in said(con, "outlook")


def test_where_nothing_is_foretold_the_reasons_stand(con) -> None:
    con.execute(NOBODY, {"day": DAY})
    ordered = con.execute(
        "select count(*) from marts.customer_segments where as_of_date = ? and order_count > 0", [DAY]
    ).fetchall()[0][0]
    text = said(con, "outlook")
    assert text.startswith("What they will bring Nothing is foretold of this day:")
    assert f"{ordered} in a company with too few buyers for a fit" in text
    assert "No month end can be checked yet" in said(con, "foretold")
    assert not {"gains", "chances"} & set(all_figures(read(con), Words(Language.ENGLISH)))


def backtest(con: duckdb.DuckDBPyConnection, *, best: str) -> None:
    for snapshot in ("2017-08-31", "2017-09-30"):
        for predictor, error, wins in (("mbg_nbd", -0.2, 2), ("rfm_cells", 0.1, 1), ("recency", None, 1)):
            con.execute(
                """
                insert into marts.prediction_backtest by name
                select $day as evaluated_on, $snapshot::date as snapshot_on, $predictor as predictor,
                    $predictor = 'mbg_nbd' as is_published, $error as purchases_error, $error as value_error,
                    0.52 as rank_correlation, 0.4 as top_tenth_share, 0.6 as oracle_top_tenth_share, $wins as wins,
                    $predictor = $best as is_best
                """,
                {"day": DAY, "snapshot": snapshot, "predictor": predictor, "error": error, "wins": wins, "best": best},
            )
        con.execute(
            """
            insert into marts.prediction_tenths by name
            select $day as evaluated_on, $snapshot::date as snapshot_on, ranked_by, tenth, 10 as customers,
                11 - tenth as actual_value, 9 - tenth / 2 as predicted_customers, 10 - tenth as actual_customers
            from (select unnest(['expected_value', 'probability_order_90d']) as ranked_by), range(1, 11) as r(tenth)
            """,
            {"day": DAY, "snapshot": snapshot},
        )


def test_predictors_stand_beside_each_other_at_the_newest_month_end(con) -> None:
    backtest(con, best="mbg_nbd")
    text = said(con, "foretold")
    assert "on 30 September 2017" in text
    assert "on all 2 month ends." in text
    assert "MBG/NBD * −20.0% −20.0% 0.52 40.0% 2 · 4" in text
    assert "means of RFM cells +10.0% +10.0%" in text
    assert "recency alone – – 0.52" in text
    assert text.endswith("MBG/NBD wins on most measures over all month ends.")


@pytest.mark.parametrize(
    ("best", "says"),
    [
        ("rfm_cells", "see prediction.model."),
        ("recency", "it says who, not how much, and so cannot be."),
    ],
)
def test_a_rule_that_does_better_is_named(con, best: str, says: str) -> None:
    backtest(con, best=best)
    assert said(con, "foretold").endswith(says)


def test_the_curves_show_what_came(con) -> None:
    backtest(con, best="mbg_nbd")
    figures = all_figures(read(con), Words(Language.ENGLISH))
    reached = figures["gains"]["data"][1]["y"]
    assert reached[1] == pytest.approx(10 / 55)
    assert reached[-1] == pytest.approx(1)
    chances = figures["chances"]["data"][1]
    assert chances["y"] == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert chances["x"][0] == pytest.approx(0.85)
