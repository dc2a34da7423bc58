"""What the report says of the days to come: what each class is expected to bring, or why nothing is foretold."""

from __future__ import annotations

import duckdb
import pytest
from report_pages import DAY, read, said

from dagster_project.report.content.outlook import OUTLOOK_DIMENSIONS
from dagster_project.settings.publishing import Language

REASONS = {
    "no_order": ("Nobody has ordered yet.", "还没有客户下单。"),
    "switched_off": ("switches predictions off (prediction.model: none)", "标准关闭了预测"),
    "too_few_buyers": (
        "Too few customers have ordered, or have ordered on two days or more",
        "天及以上下过单的客户太少",
    ),
    "too_few_spenders": ("Too few customers have paid, or have paid on two days or more", "付过款的客户太少"),
    "no_finite_maximum": ("its likelihood has no maximum", "似然没有最大值"),
}


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


@pytest.fixture
def three(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Three customers who are foretold, and one who has never ordered."""
    con.execute("delete from marts.customer_segments where as_of_date = ? and customer_id > 4", [DAY])
    con.execute("delete from marts.customer_predictions")
    con.execute(
        """
        update marts.customer_segments set
            lifecycle_stage = ['active', 'active', 'silent', 'prospect'][customer_id],
            value_tier = ['high', 'low', 'high', 'prospect'][customer_id]
        where as_of_date = ?
        """,
        [DAY],
    )
    con.execute(
        """
        insert into marts.customer_predictions by name
        select ?::date as as_of_date, date '2017-12-31' as fitted_on, *,
            case when model is not null then date '2017-09-30' end as corrected_from
        from (values
            (1, 0.9, 2.5, 250.0, 900.0, 1.25, 1.4, 'mbg_nbd', null),
            (2, 0.5, 1.25, 50.0, 300.0, 1.25, 1.4, 'mbg_nbd', null),
            (3, 0.2, 0.25, 10.0, 100.0, 1.25, 1.4, 'mbg_nbd', null),
            (4, null, null, null, null, 1, 1, null, 'no_order')
        ) as rows (customer_id, probability_alive, expected_purchases_90d, expected_value_90d, expected_value_365d,
            purchases_correction, value_correction, model, missing_reason)
        """,
        [DAY],
    )
    return con


def test_the_headline_adds_up_the_next_90_days_and_says_what_corrected_them(three) -> None:
    text = said(three, "outlook")
    assert "In the next 90 days 3 customers are expected to order 4 times and to bring $310." in text
    assert "The level of both is corrected by what came in the 90 days after 30 September 2017:" in text
    assert "orders × 1.25, revenue × 1.40." in text
    chinese = said(three, "outlook", Language.CHINESE)
    assert "未来 90 天，3 位客户预计下单 4 次，带来 $310。" in chinese
    assert "按 2017年9月30日 之后 90 天的实际校正：次数 × 1.25，收入 × 1.40。" in chinese


def test_each_class_stands_with_its_sums_and_its_share_of_the_year(three) -> None:
    text = said(three, "outlook")
    heads = "Customers Still customers Orders in 90 days Revenue in 90 days Revenue in 365 days Share of it"
    assert (
        f"Lifecycle stage {heads} Active 2 70.0% 4 $300 $1,200 92.3% Silent 1 20.0% 0 $10 $100 7.7% "
        "Total 3 53.3% 4 $310 $1,300 100.0%"
    ) in text
    assert f"Value tier {heads} High value 2 55.0% 3 $260 $1,000 76.9% Low value 1 50.0% 1 $50 $300 23.1% Total" in text
    assert "活跃客户 2 70.0% 4 $300 $1,200 92.3%" in said(three, "outlook", Language.CHINESE)


def test_it_says_what_foretold_and_how_many_have_no_prediction(three) -> None:
    text = said(three, "outlook")
    assert "Foretold by MBG/NBD and Gamma-Gamma; models fitted to what was known up to 31 December 2017." in text
    assert text.endswith("1 more have never ordered: nothing is foretold of them.")
    three.execute("update marts.customer_predictions set model = 'last_90_days' where model is not null")
    assert "Foretold by the rule 'the last 90 days again';" in said(three, "outlook")
    assert "预测方法：规则“过去 90 天重来一遍”；" in said(three, "outlook", Language.CHINESE)


def test_a_level_that_is_not_corrected_is_called_so(three) -> None:
    three.execute("update marts.customer_predictions set corrected_from = null")
    assert "The level is not corrected" in said(three, "outlook")
    assert "水平未作校正" in said(three, "outlook", Language.CHINESE)


@pytest.mark.parametrize("reason", REASONS)
def test_where_nothing_is_foretold_the_company_s_reason_stands_alone(con, reason) -> None:
    con.execute(
        """
        update marts.customer_predictions set probability_alive = null, expected_purchases_90d = null,
            expected_value_90d = null, expected_value_365d = null, model = null,
            missing_reason = case when customer_id <= 50 then 'no_order' else $reason end
        """,
        {"reason": reason},
    )
    for language, says in zip(Language, REASONS[reason], strict=True):
        text = said(con, "outlook", language)
        assert says in text
        assert "Total" not in text
        assert text.count(says) == 1
    assert "Nothing is foretold." in said(con, "outlook")


def test_orders_are_foretold_where_amounts_cannot_be(three) -> None:
    three.execute(
        "update marts.customer_predictions set expected_value_90d = null, expected_value_365d = null, "
        "missing_reason = 'no_mean_amount' where model is not null"
    )
    text = said(three, "outlook")
    assert "3 customers are expected to order 4 times. What they will bring is not foretold." in text
    assert "no finite mean" in text
    assert "Active 2 70.0% 4 – – –" in text
    assert "金额没有预测" in said(three, "outlook", Language.CHINESE)


def test_a_day_without_predictions_says_so(con) -> None:
    con.execute("delete from marts.customer_predictions")
    assert said(con, "outlook") == "What customers will bring Predictions were not computed for this day."
    assert said(con, "outlook", Language.CHINESE) == "客户展望 当日未计算预测。"


def test_both_tables_hold_everybody_who_is_foretold(con) -> None:
    outlook = read(con).outlook
    assert outlook is not None
    for dimension in OUTLOOK_DIMENSIONS:
        found = [expected for (name, _), expected in outlook.classes.items() if name == dimension]
        assert sum(expected.customers for expected in found) == outlook.total.customers > 50
        assert sum(expected.value_90d or 0 for expected in found) == outlook.total.value_90d
