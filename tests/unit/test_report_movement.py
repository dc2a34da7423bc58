"""The report's movement, stability, spending and backtest, and what it says where there is nothing to compare."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from report_pages import COMPARED, DAY, read, said, section

from dagster_project.report.content.movement import MOST_BARS
from dagster_project.report.figures import all_figures
from dagster_project.report.words import Words
from dagster_project.settings.publishing import Language

ENGLISH = Words(Language.ENGLISH)


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


def test_stages_over_time_are_those_of_the_stored_days(con) -> None:
    days = read(con).stages_over_time
    assert [day.day for day in days] == [COMPARED, DAY]
    for day in days:
        rows = con.execute(
            "select lifecycle_stage, count(*) from marts.customer_segments where as_of_date = ? group by 1", [day.day]
        ).fetchall()
        assert day.customers == dict(rows)
    figure = all_figures(read(con), ENGLISH)["stages"]
    bars = {trace["name"]: trace["y"] for trace in figure["data"]}
    assert bars["Silent"] == [day.customers["silent"] for day in days]
    assert all(sum(counts) == 60 for counts in zip(*bars.values(), strict=True))


def test_later_days_are_not_in_the_history_of_a_day(con) -> None:
    assert [day.day for day in read(con, day=COMPARED).stages_over_time] == [COMPARED]


def test_a_single_stored_day_is_said_and_not_drawn(con) -> None:
    con.execute("delete from marts.segment_summary where as_of_date < '2018-01-01'")
    assert said(con, "history") == (
        "Stages over time Only this day is stored, so there is nothing to compare it with over time."
    )
    assert "stages" not in all_figures(read(con), ENGLISH)


def test_of_many_stored_days_the_month_ends_and_the_day_are_shown(con) -> None:
    for back in range(1, 70):
        con.execute(
            "insert into marts.segment_summary select * replace (? as as_of_date) from marts.segment_summary "
            "where as_of_date = '2018-01-01' and dimension = 'lifecycle_stage'",
            [COMPARED - timedelta(days=back)],
        )
    assert [day.day for day in read(con).stages_over_time] == [date(2017, 10, 31), date(2017, 11, 30), COMPARED, DAY]
    for month in range(100):
        con.execute(
            "insert into marts.segment_summary select * replace (? as as_of_date) from marts.segment_summary "
            "where as_of_date = '2018-01-01' and dimension = 'lifecycle_stage'",
            [date(2000 + month // 12, month % 12 + 1, 1) - timedelta(days=1)],
        )
    shown = read(con).stages_over_time
    assert len(shown) == MOST_BARS
    assert shown[-1].day == DAY


def test_a_change_of_standard_within_the_history_is_named(con) -> None:
    assert "standard changed" not in said(con, "history")
    con.execute("update marts.segment_summary set standard_version = 'older' where as_of_date < '2018-01-01'")
    assert "The standard changed within these days: on 2018-01-01" in said(con, "history")


def test_migration_adds_up_to_the_customers_of_both_days(con) -> None:
    content = read(con)
    assert content.movement is not None
    assert content.movement.compared_on == COMPARED
    for dimension in ("lifecycle_stage", "value_tier", "need_type"):
        moves = content.movement.of(dimension)
        assert sum(move.customers for move in moves if move.class_to != "absent") == content.customers
        assert sum(move.revenue for move in moves) == content.revenue


@pytest.mark.parametrize(
    ("language", "new", "gone"), [(Language.ENGLISH, "New to us", "Gone"), (Language.CHINESE, "新进入", "已不在册")]
)
def test_a_sankey_joins_the_classes_of_both_days_and_names_who_came_and_went(con, language, new, gone) -> None:
    content = read(con)
    figure = all_figures(content, Words(language))["migration-lifecycle_stage"]["data"][0]
    labels, link = figure["node"]["label"], figure["link"]
    assert f"{new} · 2" in labels
    assert f"{gone} · 3" in labels
    assert sum(link["value"]) == content.customers + 3
    flows = {
        (labels[source], labels[target]): value
        for source, target, value in zip(link["source"], link["target"], link["value"], strict=True)
    }
    assert len(flows) == len(link["value"])
    for side in (0, 1):
        for label in {pair[side] for pair in flows}:
            total = sum(value for pair, value in flows.items() if pair[side] == label)
            assert label.endswith(f" · {total}")


def test_sankey_nodes_stand_in_the_order_of_the_standard_one_below_the_other(con) -> None:
    node = all_figures(read(con), ENGLISH)["migration-value_tier"]["data"][0]["node"]
    left = [(y, label) for x, y, label in zip(node["x"], node["y"], node["label"], strict=True) if x < 0.5]
    assert left == sorted(left)
    assert [label.split(" · ")[0] for _, label in left] == [
        "High value",
        "Mid value",
        "Low value",
        "Prospect",
        "New to us",
    ]
    assert all(0 < y < 1 for y in node["y"])


def test_the_biggest_moves_change_a_class_and_are_of_every_dimension(con) -> None:
    con.execute("delete from marts.segment_migration")
    con.execute(
        """
        insert into marts.segment_migration values
            ('2018-01-01', '2017-12-31', 'v', 'lifecycle_stage', 'active', null, 'silent', null, 7, 70, false),
            ('2018-01-01', '2017-12-31', 'v', 'lifecycle_stage', 'active', null, 'active', null, 99, 990, false),
            ('2018-01-01', '2017-12-31', 'v', 'lifecycle_stage', 'absent', null, 'prospect', null, 88, 0, false),
            ('2018-01-01', '2017-12-31', 'v', 'value_potential', 'rising', null, 'star', null, 12, 1200, false)
        """
    )
    text = said(con, "movement")
    moves = text[text.index("The biggest moves") :]
    assert moves == (
        "The biggest moves Dimension From To Customers Revenue Value and potential Rising Stars 12 $1,200 "
        "Lifecycle stage Active Silent 7 $70"
    )
    assert "7 changed their stage, 88 new to us, 0 gone" in text


def test_a_day_on_which_nobody_moved_says_so(con) -> None:
    con.execute("delete from marts.segment_migration where class_from != class_to")
    assert said(con, "movement").endswith("The biggest moves Nobody changed class.")


def test_moves_across_a_change_of_standard_are_marked(con) -> None:
    assert "The standard changed in between" not in said(con, "movement")
    con.execute("update marts.segment_migration set is_standard_change = true")
    con.execute("update marts.segment_stability set is_standard_change = true, stability_index = 3")
    assert "The standard changed in between, so some moves come from the new rules" in said(con, "movement")
    assert said(con, "stability").count("not judged: the standard changed") == 12


def test_a_day_that_is_compared_with_none_says_so(con) -> None:
    con.execute("delete from marts.segment_migration")
    con.execute("delete from marts.segment_stability")
    assert said(con, "movement").startswith("Who moved Nothing is stored of the last month end")
    assert "There is no earlier month end" in said(con, "stability")
    assert not [name for name in all_figures(read(con), ENGLISH) if name.startswith("migration")]


def test_stability_shows_every_dimension_with_its_verdict_the_largest_first(con) -> None:
    con.execute(
        "update marts.segment_stability set stability_index = 0.3, verdict = 'fail' where dimension = 'need_type'"
    )
    con.execute(
        "update marts.segment_stability set stability_index = 0.12, verdict = 'warn' where dimension = 'value_tier'"
    )
    text = said(con, "stability")
    assert "below 0.1 steady, from 0.25 on" in text
    assert "Verdict Type of need 0.300 shifted Value tier 0.120 watch" in text
    assert text.count(" steady") == 10 + 1
    assert "需求类型 0.300 明显偏移 价值等级 0.120 关注" in said(con, "stability", Language.CHINESE)


def test_spending_puts_the_budget_beside_the_revenue_of_each_class(con) -> None:
    spending = read(con).spending
    assert [each.dimension.code for each in spending] == ["value_potential", "lifecycle_stage"]
    stars = next(each for each in spending[0].classes if each.code == "star")
    customers, revenue, all_revenue = con.execute(
        """
        select count(*) filter (quadrant = 'star'), sum(revenue_window) filter (quadrant = 'star'), sum(revenue_window)
        from marts.customer_matrices as m join marts.customer_segments as s using (as_of_date, customer_id)
        where as_of_date = '2018-01-01' and matrix = 'value_potential'
        """
    ).fetchone()
    assert (stars.customers, stars.budget_share) == (customers, Decimal("0.4"))
    assert float(stars.revenue_share) == pytest.approx(float(revenue / all_revenue), abs=1e-6)
    assert float(stars.spend_per_customer) == pytest.approx(40_000 / customers, abs=1e-6)
    assert float(stars.value_per_customer) == pytest.approx(float(revenue) / customers, abs=1e-6)
    bars = re.findall(r'<span class="(second)?" style="width:([\d.]+)%"', section(con, "spending"))
    assert len(bars) >= 12
    assert max(float(width) for _, width in bars) == 100


def test_a_standard_without_plans_says_so(con) -> None:
    con.execute("delete from marts.resource_allocation")
    assert said(con, "spending") == "Spend against value The standard gives no class a share of a budget."


def test_a_class_without_customers_has_no_spend_a_customer(con) -> None:
    con.execute(
        "update marts.resource_allocation set customers = 0, spend_per_customer = null, value_per_customer = null, "
        "revenue_share = null where class = 'star'"
    )
    assert "Stars 40.0% – 0 – –" in said(con, "spending")


def test_the_backtest_shows_what_each_month_end_promised_and_what_came(con) -> None:
    snapshots = read(con).backtest
    assert [snapshot.day for snapshot in snapshots] == [
        date(2017, 6, 30),
        date(2017, 7, 31),
        date(2017, 8, 31),
        date(2017, 9, 30),
    ]
    newest = snapshots[-1].outcomes["value_tier", "high"]
    assert f"{100 * newest.next_revenue_share:.1f}%" in said(con, "backtest")
    silent = snapshots[-1].outcomes["lifecycle_stage", "silent"]
    assert f"{silent.repeat_customers} / {silent.customers} ·" in said(con, "backtest")
    assert "0.71" in said(con, "backtest")
    lines = all_figures(read(con), ENGLISH)["backtest"]["data"]
    assert [line["name"] for line in lines] == [
        "Share of revenue from high value",
        "High value: bought again",
        "Mid value: bought again",
        "Low value: bought again",
    ]
    assert lines[0]["y"][-1] == float(newest.next_revenue_share)


def test_few_snapshots_are_a_table_and_none_a_sentence(con) -> None:
    con.execute("delete from marts.classification_backtest where snapshot_on < '2017-08-31'")
    assert "backtest" not in all_figures(read(con), ENGLISH)
    assert "2017-08-31" in said(con, "backtest")
    con.execute("delete from marts.classification_backtest")
    assert said(con, "backtest").endswith(
        "No month end lies 90 days back yet, so the classes cannot be checked against what came."
    )


def test_without_a_budget_the_shares_stand_and_no_spend(con) -> None:
    con.execute("update control.budget set budget = 0")
    text = said(con, "spending")
    assert "The budget of the standard is 0." in text
    assert re.search(r"Stars 40\.0% \S+% \d+ – \$", text)


def test_plans_beyond_the_first_dimensions_are_folded_away_and_unused_ones_a_sentence(con) -> None:
    con.execute(
        "insert into control.plans select * replace (3 as dimension_position, 'value_tier' as dimension) "
        "from control.plans where dimension = 'value_potential' limit 1"
    )
    con.execute(
        "insert into control.plans select * replace (4 as dimension_position, 'need_motive' as dimension) "
        "from control.plans where dimension = 'value_potential' limit 1"
    )
    for dimension, customers in (("value_tier", 20), ("need_motive", 0)):
        con.execute(
            "insert into marts.resource_allocation select * replace "
            "(?::varchar as dimension, 'high' as class, ?::bigint as customers) "
            "from marts.resource_allocation where as_of_date = '2018-01-01' and class = 'star'",
            [dimension, customers],
        )
    html = section(con, "spending")
    assert re.findall(r"<h3[^>]*>(.*?)</h3>", html) == ["Value and potential", "Lifecycle stage", "Value tier"]
    assert re.findall(r"<summary>(.*?)</summary>", html) == ["Motive"]
    assert said(con, "spending").endswith("Motive Nobody has one of these classes, so the plans reach nobody.")
