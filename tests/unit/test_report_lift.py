"""What the report says of the lists: the headline, the plot, what the next campaign needs, and who worked them."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from math import floor
from typing import Any

import duckdb
import pytest
from outcomes import OUTCOMES, add_entries
from report_pages import DAY, read, said, section

from dagster_project.measurement import measure_lift
from dagster_project.report import numbers
from dagster_project.report.page import render_page
from dagster_project.settings.publishing import Language, MeasurementSettings

ENTERED = date(2017, 9, 15)  # 108 days before: all horizons have passed


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


def campaign(con: duckdb.DuckDBPyConnection, treated: tuple[int, int], control: tuple[int, int], **more: Any) -> None:
    """One campaign in place of the invented ones: customers and how many returned, of each arm."""
    con.execute(f"delete from {OUTCOMES}")
    also(con, treated, control, **more)


def also(con: duckdb.DuckDBPyConnection, treated: tuple[int, int], control: tuple[int, int], **more: Any) -> None:
    values = {"evaluated_on": DAY, "entered_on": ENTERED, "campaign_id": "reactivation-2017-09"} | more
    first = values.pop("first_customer", 1)
    add_entries(con, "treated", *treated, first_customer=first, **values)
    add_entries(con, "control", *control, first_customer=first + 100_000, **values)
    measure_lift(con, MeasurementSettings(), [DAY])


def figure(con: duckdb.DuckDBPyConnection, language: Language = Language.ENGLISH) -> dict[str, Any] | None:
    found = re.search(r"const figures = (\{.*?\});\n", render_page(read(con), language), re.DOTALL)
    assert found
    figures: dict[str, Any] = json.loads(found[1])
    return figures.get("lift")


def texts(drawn: dict[str, Any]) -> list[str]:
    return [annotation["text"] for annotation in drawn["layout"]["annotations"]]


def test_the_headline_says_who_came_back_and_what_it_brought_in(con) -> None:
    campaign(con, (1000, 200), (500, 60), spent="80.00")
    text = said(con, "lift")
    assert "Contacting them worked: 20.0% came back, against 12.0% of those left alone, +8.0 points" in text
    assert re.search(r"\(95% interval \+4\.\d to \+11\.\d\)", text)
    assert "They spent $6,400 more because of it" in text
    chinese = said(con, "lift", Language.CHINESE)
    assert "联系有效：应联系组 20.0% 回归，对照组 12.0%，相差 +8.0 个百分点" in chinese
    assert "因此多消费 $6,400" in chinese


def test_harm_is_called_harm(con) -> None:
    campaign(con, (1000, 80), (500, 80))
    text = said(con, "lift")
    assert "Contacting them did harm: 8.0% came back, against 16.0% of those left alone, −8.0 points" in text
    assert re.search(r"They spent \$8,000 less because of it \(95% interval \$[\d,]+ to \$1\d,\d+\)", text)


def test_no_effect_shown_says_what_would_have_been_seen(con) -> None:
    campaign(con, (2000, 200), (1000, 100))
    text = said(con, "lift")
    assert "No effect shown: 10.0% came back, against 10.0% of those left alone, 0.0 points" in text
    assert "would have shown 5 points four times in five" in text


@pytest.mark.parametrize(
    ("treated", "control", "says"),
    [
        ((1000, 200), (0, 0), "There is no control group"),
        ((1000, 200), (20, 6), "One of the groups is too small to compare."),
        ((1000, 30), (100, 3), "Too few came back"),
        ((270, 60), (30, 6), "groups of this size would often miss an effect of 5 points"),
    ],
)
def test_too_small_to_tell_is_said_in_place_of_a_number(con, treated, control, says) -> None:
    campaign(con, treated, control)
    text = said(con, "lift")
    assert f"Too small to tell: {treated[0]:,} customers to contact, {control[0]} in the control group. " in text
    assert says in text
    assert "worked" not in text.partition("Were the lists worked?")[0]
    assert "样本太小，无法判断" in said(con, "lift", Language.CHINESE)


def test_the_longest_horizon_that_can_be_compared_is_shown(con) -> None:
    campaign(con, (1000, 200), (500, 60), entered_on=date(2017, 10, 20))  # 73 days
    assert "60 days after their entry" in said(con, "lift")
    also(con, (1000, 200), (500, 60), first_customer=500_000)
    text = said(con, "lift")
    assert "90 days after their entry" in text
    assert "1,500 more customers have not reached their 90 days" in text


def test_campaigns_that_left_different_shares_alone_are_not_to_be_judged_together(con) -> None:
    """Neither had an effect; in the better month more were contacted, so that together there seems to be one."""
    campaign(con, (1800, 540), (200, 60))
    assert "different shares" not in said(con, "lift")
    also(con, (1000, 100), (1000, 100), first_customer=500_000, campaign_id="reactivation-2017-08")
    text = said(con, "lift")
    assert "Contacting them worked: 22.9% came back, against 13.3%" in text
    assert (
        "The campaigns left different shares of their customers alone (10.0% to 50.0%): judge each by its own" in text
    )
    assert "各次活动不联系的比例不同（10.0% 至 50.0%）" in said(con, "lift", Language.CHINESE)


def test_before_the_first_result_it_says_when_there_will_be_one(con) -> None:
    campaign(con, (1000, 0), (500, 0), entered_on=date(2017, 12, 20))
    assert "the first result comes 30 days after" in said(con, "lift")
    assert figure(con) is None
    con.execute(f"delete from {OUTCOMES}")
    con.execute("delete from marts.reactivation_work")
    measure_lift(con, MeasurementSettings(), [DAY])
    assert "the first result comes 30 days after" in said(con, "lift")


@pytest.mark.parametrize(
    ("treated", "says"),
    [
        (1100, "needs 516 control customers beside 1,100 to contact, a control_share of 0.32."),
        (400, "needs more customers: 686 control customers beside 686 to contact"),
    ],
)
def test_it_says_how_large_a_control_group_the_next_campaign_needs(con, treated, says) -> None:
    campaign(con, (treated, treated // 10), (110, 11))
    assert f"To see a difference of 5 points the next campaign {says}" in said(con, "lift")


def test_the_plot_has_a_line_for_all_and_for_each_class_that_can_be_compared(con) -> None:
    drawn = figure(con)
    assert drawn is not None
    rows = {
        (breakdown, code): (low, difference, high, verdict)
        for breakdown, code, low, difference, high, verdict in con.execute(
            "select breakdown, class, rate_difference_low, rate_difference, rate_difference_high, verdict "
            "from marts.reactivation_lift where evaluated_on = ? and horizon_days = 90 and rate_difference is not null",
            [DAY],
        ).fetchall()
    }
    points = [
        (x - minus, x, x + plus)
        for trace in drawn["data"]
        for x, minus, plus in zip(trace["x"], trace["error_x"]["arrayminus"], trace["error_x"]["array"], strict=True)
    ]
    assert sorted(points) == [
        pytest.approx(tuple(100 * float(end) for end in row[:3]))
        for row in sorted(rows.values(), key=lambda row: row[0])
    ]
    filled = [colour for trace in drawn["data"] for colour in trace["marker"]["color"] if colour != "#ffffff"]
    assert len(filled) == sum(row[3] == "effect" for row in rows.values()) > 2
    # A level line above each heading, which has no point.
    at = {y for trace in drawn["data"] for y in trace["y"]}
    assert drawn["layout"]["shapes"]
    for line in drawn["layout"]["shapes"]:
        assert line["y0"] == line["y1"]
        assert floor(line["y0"]) not in at
    low, high = drawn["layout"]["xaxis"]["range"]
    assert low < min(0, *(point[0] for point in points))
    assert high > max(point[2] for point in points)


def test_the_plot_names_every_class_and_says_which_is_too_small(con) -> None:
    drawn = figure(con)
    assert drawn is not None
    shown = texts(drawn)
    [[small]] = con.execute(
        "select count(*) from marts.reactivation_lift where evaluated_on = ? and horizon_days = 90 "
        "and verdict = 'too_small' and treated + control > 0",
        [DAY],
    ).fetchall()
    assert shown.count("Too small to tell") == small > 5
    assert [text for text in shown if text in ("Telesales", "WeChat", "SMS", "E-mail")] == [
        "Telesales",
        "WeChat",
        "SMS",
        "E-mail",
    ]
    assert "<b>All campaigns</b>" in shown
    assert "reactivation-2017-09" in shown
    assert "reactivation-2017-12" not in shown, "nobody of it has reached 90 days"
    chinese = figure(con, Language.CHINESE)
    assert chinese is not None
    assert {"电销", "沉默成因", "<b>全部活动</b>"} <= set(texts(chinese))


def test_every_number_of_the_plot_is_in_the_tables_too(con) -> None:
    text = said(con, "lift")
    for low, value, high in con.execute(
        "select rate_difference_low, rate_difference, rate_difference_high from marts.reactivation_lift "
        "where evaluated_on = ? and horizon_days = 90 and rate_difference is not null",
        [DAY],
    ).fetchall():
        assert f"{numbers.points(value)} ({numbers.points(low)} to {numbers.points(high)})" in text


def test_a_plot_of_many_campaigns_holds_the_newest_six(con) -> None:
    con.execute(f"delete from {OUTCOMES}")
    for month in range(1, 10):
        also(
            con,
            (200, 40),
            (200, 20),
            campaign_id=f"reactivation-2017-{month:02}",
            entered_on=date(2017, month, 3),
            first_customer=1000 * month,
        )
    drawn = figure(con)
    assert drawn is not None
    campaigns = [text for text in texts(drawn) if text.startswith("reactivation-")]
    assert campaigns == [f"reactivation-2017-{month:02}" for month in (9, 8, 7, 6, 5, 4)]


def test_a_class_of_fewer_than_five_customers_is_not_shown(con) -> None:
    campaign(con, (1000, 200), (500, 60), silence_cause="price")
    also(con, (3, 1), (1, 0), silence_cause="seasonal", first_customer=500_000)
    assert "Seasonal" not in said(con, "lift")
    also(con, (1, 1), (0, 0), silence_cause="seasonal", first_customer=700_000)
    assert "Seasonal" in said(con, "lift")
    drawn = figure(con)
    assert drawn is not None
    assert "Seasonal" in texts(drawn)


def test_who_worked_the_lists_stands_by_channel_and_sales_rep(con) -> None:
    con.execute("delete from marts.reactivation_work")
    con.execute(
        """
        insert into marts.reactivation_work by name
        select * from (values
            (date '2018-01-01', 'reactivation-2017-12', 'telesales', 'Ann', 40, 30, 0.75, 5.25, 8),
            (date '2018-01-01', 'reactivation-2017-12', 'telesales', 'Bob', 4, 1, 0.25, 9.00, 3),
            (date '2018-01-01', 'reactivation-2017-12', 'telesales', 'Cid', 3, 1, 0.33, 2.00, 2),
            (date '2018-01-01', 'reactivation-2017-12', 'telesales', 'unknown', 10, 0, 0, null, 10),
            (date '2018-01-01', 'reactivation-2017-09', 'telesales', 'Dot', 40, 30, 0.75, 5.25, 8)
        ) as rows (evaluated_on, campaign_id, channel, owner, treated, worked, share_worked,
            median_hours_to_first_contact, open)
        """
    )
    text = said(con, "lift").partition("Were the lists worked?")[2]
    assert "as results that came back and the CRM's contacts have it. Where neither lands, it says nobody." in text
    assert "reactivation-2017-12 Telesales Ann 40 30 75.0% 5.3 8" in text
    assert "reactivation-2017-12 Telesales Nobody named 10 0 0.0% – 10" in text
    assert "reactivation-2017-12 Telesales The rest 7 2 28.6% – 5" in text
    assert "Bob" not in text
    assert "reactivation-2017-09 Telesales Dot 40 30" in text


def test_hostile_campaigns_and_sales_reps_stay_text(con) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    con.execute("update marts.reactivation_work set owner = ?, channel = ?", [hostile, hostile])
    con.execute("update marts.reactivation_lift set class = ? where breakdown = 'channel' and class = 'sms'", [hostile])
    con.execute(
        "update marts.reactivation_lift set class = ? where breakdown = 'campaign' and class = 'reactivation-2017-09'",
        [hostile],
    )
    assert "<img" not in section(con, "lift")
    drawn = figure(con)
    assert drawn is not None
    assert not any("<img" in text for text in texts(drawn))


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0.0621", "+6.2"), ("-0.014", "−1.4"), ("0.0004", "0.0"), ("-0.0004", "0.0"), ("0.00050", "+0.1")],
)
def test_points_have_their_sign(value: str, shown: str) -> None:
    assert numbers.points(Decimal(value)) == shown


@pytest.mark.parametrize(("value", "shown"), [("0.042100", "0.042"), ("0.000999", "<0.001"), ("0.001", "0.001")])
def test_p_values_below_a_thousandth_are_not_written_out(value: str, shown: str) -> None:
    assert numbers.p_value(Decimal(value)) == shown
