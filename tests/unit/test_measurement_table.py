"""marts.reactivation_lift: who is counted, what is said of groups, and what is left out where they are too small."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from outcomes import add_entries, create_outcomes

from dagster_project.measurement import measure_lift
from dagster_project.measurement.table import MeasurementError
from dagster_project.settings.publishing import MeasurementSettings

DAY = date(2018, 5, 1)
ENTERED = date(2018, 1, 10)  # 111 days before: all horizons have passed
SETTINGS = MeasurementSettings()


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        create_outcomes(con)
        yield con


def entries(con: duckdb.DuckDBPyConnection, arm: str, customers: int, returned: int, **more: Any) -> None:
    """Entries of an arm; customers of the arms are numbered apart."""
    first = {"treated": 1, "control": 1_000_001}[arm]
    add_entries(
        con, arm, customers, returned, **({"evaluated_on": DAY, "entered_on": ENTERED, "first_customer": first} | more)
    )


def lift(con: duckdb.DuckDBPyConnection, breakdown: str = "all", horizon: int = 90) -> dict[str, dict[str, Any]]:
    """The day's rows of a breakdown, by class."""
    measure_lift(con, SETTINGS, [DAY])
    found = con.execute(
        "select * from marts.reactivation_lift where evaluated_on = ? and breakdown = ? and horizon_days = ?",
        [DAY, breakdown, horizon],
    )
    names = [column[0] for column in found.description or []]
    return {row["class"]: row for row in (dict(zip(names, values, strict=True)) for values in found.fetchall())}


def test_hillstroms_experiment_comes_out_of_the_table_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 21_307, 267, campaign_id="mens-2008-03")
    entries(con, "control", 21_306, 122, campaign_id="mens-2008-03")
    entries(con, "treated", 21_387, 189, campaign_id="womens-2008-03", first_customer=100_001)
    entries(con, "control", 21_306, 122, campaign_id="womens-2008-03")
    mail = lift(con, "campaign")
    men, women = mail["mens-2008-03"], mail["womens-2008-03"]
    names = ("rate_difference", "rate_difference_low", "rate_difference_high", "rate_p_value", "rate_p_value_holm")
    assert [str(men[name]) for name in names] == ["0.006805", "0.005014", "0.008641", "0.000000", "0.000000"]
    assert [str(women[name]) for name in names] == ["0.003111", "0.001502", "0.004745", "0.000157", "0.000157"]
    assert men["verdict"] == women["verdict"] == "effect"


def test_a_difference_is_stated_with_what_it_brought_in(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 1000, 200, spent="80.00")
    entries(con, "control", 500, 60, spent="50.00")
    row = lift(con)["all"]
    assert (row["treated"], row["control"], row["treated_returned"], row["control_returned"]) == (1000, 500, 200, 60)
    assert (row["treated_rate"], row["control_rate"]) == (Decimal("0.200000"), Decimal("0.120000"))
    assert row["rate_difference"] == Decimal("0.080000")
    assert (row["treated_revenue_mean"], row["control_revenue_mean"]) == (Decimal("16.000000"), Decimal("6.000000"))
    assert row["revenue_difference"] == Decimal("10.000000")
    assert row["incremental_revenue"] == Decimal("10000.00")
    assert row["incremental_revenue_low"] == round(row["revenue_difference_low"] * 1000, 2)
    assert (row["verdict"], row["revenue_verdict"], row["reason"]) == ("effect", "effect", None)


def test_harm_is_an_effect_too(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 1000, 80)
    entries(con, "control", 500, 80)
    row = lift(con)["all"]
    assert row["verdict"] == "effect"
    assert row["rate_difference_high"] < 0
    assert row["incremental_revenue"] == Decimal("-8000.00")


@pytest.mark.parametrize(
    ("treated", "control", "reason"),
    [
        ((1000, 200), (0, 0), "no_control_group"),
        ((0, 0), (100, 20), "nobody_treated"),
        ((1000, 200), (29, 6), "groups_too_small"),
        ((29, 6), (1000, 200), "groups_too_small"),
        ((1000, 30), (100, 3), "too_few_returned"),
        ((1000, 970), (100, 97), "too_few_returned"),
        ((270, 60), (30, 6), "low_power"),
    ],
)
def test_groups_that_are_too_small_say_so_and_why(
    con: duckdb.DuckDBPyConnection, treated: tuple[int, int], control: tuple[int, int], reason: str
) -> None:
    entries(con, "treated", *treated)
    entries(con, "control", *control)
    row = lift(con)["all"]
    assert (row["verdict"], row["reason"]) == ("too_small", reason)
    is_stated = row["rate_difference"] is not None and row["rate_p_value"] is not None
    assert is_stated == (reason == "low_power"), "an interval that is honest though wide is shown, no other"
    assert (row["revenue_verdict"], row["incremental_revenue"]) == ("too_small", None)


def test_nothing_found_is_no_effect_shown_only_where_it_would_have_been_seen(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 2000, 200)
    entries(con, "control", 1000, 100)
    row = lift(con)["all"]
    assert (row["verdict"], row["reason"]) == ("no_effect_shown", None)
    assert row["power"] >= Decimal("0.8")
    assert row["control_needed"] <= 1000
    assert row["treated_needed"] == 2000


def test_a_large_effect_is_one_also_where_a_smaller_would_have_been_missed(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 270, 150)
    entries(con, "control", 30, 6)
    row = lift(con)["all"]
    assert row["power"] < Decimal("0.8")
    assert (row["verdict"], row["reason"]) == ("effect", None)
    assert row["control_needed"] > 30


def test_revenue_is_not_compared_where_a_few_large_orders_would_decide(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 1000, 200)
    entries(con, "control", 400, 49)
    row = lift(con)["all"]
    assert row["verdict"] == "effect"
    assert row["revenue_verdict"] == "too_small"
    assert (row["revenue_difference"], row["revenue_p_value"], row["incremental_revenue"]) == (None, None, None)
    assert row["control_revenue_mean"] == Decimal("12.250000")


def test_who_is_contaminated_is_in_neither_arm(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 100, 20)
    entries(con, "control", 100, 10)
    entries(con, "treated", 50, 50, first_customer=500, is_contaminated=True)
    assert lift(con)["all"]["treated"] == 100


def test_an_entry_counts_from_the_day_its_horizon_has_passed(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 100, 20, entered_on=date(2018, 3, 2))  # 60 days before
    entries(con, "treated", 10, 2, entered_on=date(2018, 3, 3), first_customer=500)  # 59
    entries(con, "control", 100, 10, entered_on=date(2018, 4, 2))  # 29
    rows = {horizon: lift(con, horizon=horizon)["all"] for horizon in (30, 60, 90)}
    assert [(row["treated"], row["control"], row["waiting"]) for row in rows.values()] == [
        (110, 0, 100),
        (100, 0, 110),
        (0, 0, 210),
    ]
    assert [row["reason"] for row in rows.values()] == ["no_control_group", "no_control_group", "too_early"]


def test_who_came_back_on_day_forty_came_back_within_sixty_but_not_thirty(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 100, 20, returned_after_days=40)
    entries(con, "control", 100, 10)
    returned = [lift(con, horizon=horizon)["all"]["treated_returned"] for horizon in (30, 60, 90)]
    assert returned == [0, 20, 20]


def test_who_entered_again_counts_with_the_first_entry_alone_and_in_each_campaign(
    con: duckdb.DuckDBPyConnection,
) -> None:
    entries(con, "treated", 100, 20, campaign_id="reactivation-2017-12", entered_on=date(2017, 12, 10))
    entries(con, "treated", 100, 90, campaign_id="reactivation-2018-01", silence_cause="price")
    assert (lift(con)["all"]["treated"], lift(con)["all"]["treated_returned"]) == (100, 20)
    by_cause = {code: (row["treated"], row["treated_returned"]) for code, row in lift(con, "silence_cause").items()}
    assert by_cause == {"fading": (100, 20)}
    by_campaign = {code: row["treated_returned"] for code, row in lift(con, "campaign").items()}
    assert by_campaign == {"reactivation-2017-12": 20, "reactivation-2018-01": 90}


def test_every_breakdown_splits_the_same_customers(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 100, 20, channel="sms", value_tier="low")
    entries(con, "treated", 60, 20, silence_cause=None, value_tier=None, first_customer=500)
    entries(con, "control", 40, 4)
    classes = {
        name: {code: (row["treated"], row["control"]) for code, row in lift(con, name).items()}
        for name in ("all", "campaign", "channel", "silence_cause", "value_tier")
    }
    assert classes == {
        "all": {"all": (160, 40)},
        "campaign": {"reactivation-2018-01": (160, 40)},
        "channel": {"sms": (100, 0), "telesales": (60, 40)},
        "silence_cause": {"fading": (100, 40), "unknown": (60, 0)},
        "value_tier": {"high": (0, 40), "low": (100, 0), "unknown": (60, 0)},
    }


@pytest.mark.parametrize(("returned", "verdict"), [(150, "effect"), (140, "no_effect_shown")])
def test_one_of_many_classes_has_to_show_more_than_one_alone(
    con: duckdb.DuckDBPyConnection, returned: int, verdict: str
) -> None:
    for number, cause in enumerate(("fading", "price", "seasonal", "unknown")):
        back, first = returned if cause == "price" else 110, 10_000 * number
        entries(con, "treated", 1000, back, silence_cause=cause, first_customer=first + 1)
        entries(con, "control", 1000, 110, silence_cause=cause, first_customer=first + 1_000_001)
    price = lift(con, "silence_cause")["price"]
    assert price["rate_p_value"] < Decimal("0.05")
    assert price["rate_p_value_holm"] == pytest.approx(4 * price["rate_p_value"], abs=Decimal("0.000004"))
    assert price["verdict"] == verdict


def test_measuring_a_day_again_replaces_it_and_leaves_the_others(con: duckdb.DuckDBPyConnection) -> None:
    entries(con, "treated", 100, 20)
    entries(con, "control", 100, 10)
    add_entries(con, "treated", 7, 1, evaluated_on=date(2018, 4, 30), entered_on=ENTERED)
    measure_lift(con, SETTINGS, [date(2018, 4, 30), DAY])
    before = con.execute("select * from marts.reactivation_lift order by all").fetchall()
    measure_lift(con, SETTINGS, [DAY])
    assert con.execute("select * from marts.reactivation_lift order by all").fetchall() == before
    con.execute("delete from marts.reactivation_outcomes where evaluated_on = ?", [DAY])
    [gone] = measure_lift(con, SETTINGS, [DAY])
    assert gone.rows == 0
    days = con.execute("select distinct evaluated_on from marts.reactivation_lift").fetchall()
    assert days == [(date(2018, 4, 30),)]


def test_rows_do_not_depend_on_the_order_of_the_outcomes(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(60):
        spent = f"{number * 7 % 60}.37"
        entries(con, "treated", 20, 7, spent=spent, first_customer=1 + 20 * number)
        entries(con, "control", 9, 2, spent=spent, first_customer=1_000_001 + 9 * number)
    before = lift(con)
    con.execute("create table turned as select * from marts.reactivation_outcomes order by customer_id desc")
    con.execute("delete from marts.reactivation_outcomes")
    con.execute("insert into marts.reactivation_outcomes select * from turned")
    assert lift(con) == before
    assert before["all"]["revenue_difference"] is not None


def test_without_outcomes_in_the_warehouse_it_says_what_to_do() -> None:
    with duckdb.connect(":memory:") as con, pytest.raises(MeasurementError, match="strata run"):
        measure_lift(con, SETTINGS, [DAY])
