"""Which dimension foretells best: the arithmetic against counts by hand, and what the report says of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import duckdb
import pytest
from invented_impact import invented_impact
from report_pages import DAY, said

from dagster_project.impact.result import ClassOutcome
from dagster_project.impact.texts import foresight_rows
from dagster_project.impact.words import Words
from dagster_project.report.content.foresight import (
    Came,
    by_return,
    by_revenue,
    pairs_told_apart,
    top_tenth_share,
)
from dagster_project.settings.publishing import Language

# Code, customers, how many came back, revenue.
CLASSES = [("best", 5, 4, 400), ("middle", 20, 8, 400), ("least", 75, 8, 200)]


def came(rows: list[tuple[str, int, int, int]]) -> list[Came]:
    return [Came(code, customers, Decimal(back), Decimal(revenue)) for code, customers, back, revenue in rows]


def test_the_first_tenth_takes_a_class_whole_and_a_part_of_the_next() -> None:
    classes = came(CLASSES)
    # Ten customers: all five of the best with 400, and five of the twenty in the middle with a quarter of 400.
    assert top_tenth_share(classes, by_revenue(classes)) == Decimal("0.5")


def test_pairs_are_told_apart_as_counting_each_pair_says() -> None:
    classes = came(CLASSES)
    order = by_return(classes)
    back = [order.index(each.code) for each in classes for _ in range(int(each.returned))]
    away = [order.index(each.code) for each in classes for _ in range(each.customers - int(each.returned))]
    told = sum(1.0 if one < other else 0.5 if one == other else 0.0 for one, other in product(back, away))
    assert pairs_told_apart(classes, order) == pytest.approx(Decimal(told) / (len(back) * len(away)))


def test_a_single_class_tells_nothing_and_a_clean_cut_everything() -> None:
    alone = came([("all", 100, 20, 500)])
    assert pairs_told_apart(alone, ["all"]) == Decimal("0.5")
    assert top_tenth_share(alone, ["all"]) == Decimal("0.1")
    cut = came([("back", 10, 10, 500), ("away", 90, 0, 0)])
    assert pairs_told_apart(cut, ["back", "away"]) == 1
    assert top_tenth_share(cut, ["back", "away"]) == 1


def test_who_never_ordered_is_left_out() -> None:
    with_prospects = came([*CLASSES, ("prospect", 1000, 50, 300)])
    order = by_revenue(with_prospects)
    assert top_tenth_share(with_prospects, order) == Decimal("0.5")
    assert pairs_told_apart(with_prospects, order) == pairs_told_apart(came(CLASSES), order)


def test_nothing_is_told_where_nobody_came_back_or_all_did() -> None:
    assert pairs_told_apart(came([("one", 10, 0, 0)]), ["one"]) is None
    assert pairs_told_apart(came([("one", 10, 10, 50)]), ["one"]) is None
    assert top_tenth_share(came([("one", 10, 0, 0)]), ["one"]) is None
    assert top_tenth_share([], []) is None


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Two month ends: tiers tell what customers bring, stages who comes back."""
    marts.execute("delete from marts.classification_backtest")
    rows = [
        ("2017-08-31", "value_tier", "high", 10, 5, 800),
        ("2017-08-31", "value_tier", "low", 90, 45, 200),
        ("2017-08-31", "lifecycle_stage", "active", 50, 50, 500),
        ("2017-08-31", "lifecycle_stage", "silent", 50, 0, 500),
        ("2017-09-30", "value_tier", "high", 20, 10, 600),
        ("2017-09-30", "value_tier", "low", 80, 40, 400),
        ("2017-09-30", "lifecycle_stage", "active", 50, 40, 500),
        ("2017-09-30", "lifecycle_stage", "silent", 50, 10, 500),
        ("2017-09-30", "value_tier", "total", 100, 50, 1000),
    ]
    for row in rows:
        marts.execute(
            """
            insert into marts.classification_backtest by name
            select ?::date as evaluated_on, ?::date as snapshot_on, ? as dimension, ? as class, ? as customers,
                ? as repeat_customers, ? as next_revenue
            """,
            [DAY, *row],
        )
    return marts


def test_the_report_has_a_row_a_dimension_and_names_the_best(con) -> None:
    text = said(con, "backtest")
    assert "What customers bring is told best by Value tier, whether they come back by Lifecycle stage." in text
    assert (
        "Dimension Revenue from a tenth, 2017-09-30 Revenue from a tenth, mean Told apart, 2017-09-30 Told apart, mean "
        "Lifecycle stage 10.0% 10.0% 80.0% 90.0% Value tier 30.0% 55.0% 50.0% 50.0%"
    ) in text
    chinese = said(con, "backtest", Language.CHINESE)
    assert "客户带来多少，最能由“价值等级”预见；是否回来，最能由“生命周期阶段”预见。" in chinese
    assert "生命周期阶段 10.0% 10.0% 80.0% 90.0%" in chinese


def test_classes_stand_in_the_order_of_all_month_ends_together(con) -> None:
    # Of the newest alone `low` would stand first, 75 a customer against 70; of both together `high` does, 73 to 36.
    con.execute("update marts.classification_backtest set next_revenue = 6000 where class = 'low' and customers = 80")
    con.execute("update marts.classification_backtest set next_revenue = 1400 where class = 'high' and customers = 20")
    assert "Value tier 9.5%" in said(con, "backtest"), "half of the 1,400 of 7,400"


def test_an_impact_compares_how_each_dimension_foretells_by_either_standard() -> None:
    impact = invented_impact()
    better = (
        ClassOutcome("value_tier", "high", 20, Decimal(1), Decimal("0.9")),
        ClassOutcome("value_tier", "low", 80, Decimal(0), Decimal("0.1")),
    )
    impact = replace(impact, proposed_backtest=replace(impact.proposed_backtest, classes=better))
    rows = {row[0]: row[1:] for row in foresight_rows(impact, Words(Language.ENGLISH))}
    assert rows["Value tier"] == ["10.0%", "45.0%", "50.0%", "100.0%"], "half of the high tier are a tenth"
    assert rows["Lifecycle stage"] == ["10.0%", "–", "50.0%", "–"], "the new standard does not judge it"
    assert foresight_rows(impact, Words(Language.CHINESE))[0][0] == "生命周期阶段"
