"""Every rule, label and plan of a standard stands in a row of control, under its version and by its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from standard_workshop import changed, own_dimension
from warehouse_builder import WarehouseBuilder, shipped_standard

from dagster_project.settings.publishing import Language
from dagster_project.settings.standards import Standard
from dagster_project.warehouse.control import write_control
from dagster_project.warehouse.control_tables import TABLES
from dagster_project.warehouse.rule_rows import Row, own_rule_macro, rule_rows, word_rows

SHIPPED = shipped_standard()
MATRICES = tuple(matrix.matrix for matrix in SHIPPED.matrices)


def spoken(standard: Standard, *older: Standard, language: Language = Language.ENGLISH) -> dict[str, list[Row]]:
    return word_rows(standard, [*older, standard], language)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema control")
        for table, columns in TABLES.items():
            con.execute(f"create table control.{table} ({columns})")
        yield con


def test_every_row_names_every_column_of_its_table(con: duckdb.DuckDBPyConnection) -> None:
    standard = changed(
        rfm={"thresholds": {"recency": [30], "frequency": [2], "monetary": [100]}},
        potential={"industry_outlook": {"software": 0.9}, "company_sizes": ["small", "large"]},
        behaviour={"trial_categories": ["samples"]},
        dimensions=[own_dimension("order_count > 1")],
    )
    rows = {**rule_rows([standard]), **spoken(standard)}
    for table, table_rows in rows.items():
        columns = [name for name, *_ in con.execute(f"describe control.{table}").fetchall()]
        assert table_rows, table
        assert {frozenset(row) for row in table_rows} == {frozenset(columns)}, table


def test_numbers_stand_under_their_own_names() -> None:
    standard = changed(
        features={"premium": {"cut": 2, "of": 5}, "novelty_days": 91},
        potential={"weights": {"growth": 2, "independence": 0}},
        urgency={"close_days": 31, "stated": {"high": 0.9, "medium": 0.6, "low": 0.1}},
        behaviour={
            "high_frequency": {"cut": 4, "of": 6},
            "at_risk": {"drop": 0.4, "complaint_days": 32, "alive_below": 0.3},
            "potential_buyer_days": 33,
        },
        stability={"warn": 0.2, "fail": 0.3},
        clusters={"count": 3},
        name="other",
        effective_from="2024-01-01",
    )
    [row] = rule_rows([standard])["standards"]
    said = {
        "standard_version": standard.version,
        "registration": 1,
        "name": "other",
        "effective_from": date(2024, 1, 1),
        "premium_cut": 2,
        "premium_bins": 5,
        "novelty_days": 91,
        "expected_value_weight": 1,
        "growth_weight": 2,
        "independence_weight": 0,
        "close_days": 31,
        "high_urgency": Decimal("0.9"),
        "medium_urgency": Decimal("0.6"),
        "low_urgency": Decimal("0.1"),
        "high_frequency_cut": 4,
        "high_frequency_bins": 6,
        "at_risk_drop": Decimal("0.4"),
        "at_risk_complaint_days": 32,
        "at_risk_alive_below": Decimal("0.3"),
        "potential_buyer_days": 33,
        "has_clusters": True,
        "stability_warn": Decimal("0.2"),
        "stability_fail": Decimal("0.3"),
    }
    assert {name: row[name] for name in said} == said


def test_each_version_has_its_own_rows() -> None:
    other = changed(window_days=180, rfm={"grid": "none"})
    rows = rule_rows([SHIPPED, other])
    assert [(row["standard_version"], row["registration"]) for row in rows["standards"]] == [
        (SHIPPED.version, 1),
        (other.version, 2),
    ]
    assert {row["standard_version"] for row in rows["rfm_grid"]} == {SHIPPED.version}
    assert {row["standard_version"] for row in rows["matrix_axes"]} == {SHIPPED.version, other.version}


def test_stages_after_the_named_one_show_an_explicit_need() -> None:
    rows = rule_rows([changed(needs={"opportunity_stages": ["a", "b", "c"], "explicit_after": "b"})])
    assert [(row["stage"], row["position"], row["is_explicit"]) for row in rows["opportunity_stages"]] == [
        ("a", 1, False),
        ("b", 2, False),
        ("c", 3, True),
    ]


def test_each_way_to_cut_an_axis_has_its_columns() -> None:
    matrix = {
        "matrix": "tried",
        "x": {"measure": "revenue_window", "cut": {"quantile": 9, "of": 10}},
        "y": {"measure": "value_score", "cut": 80.5},
        "quadrants": {"high_high": "a", "high_low": "b", "low_high": "c", "low_low": "d"},
    }
    mean = {**matrix, "matrix": "mean", "x": {"measure": "revenue_window", "cut": "mean"}}
    label = {"en": "x", "zh": "x"}
    codes = dict.fromkeys(("a", "b", "c", "d", "unknown"), label)
    plain = SHIPPED.model_dump()
    kept = {code: labels for code, labels in plain["labels"].items() if code not in MATRICES}
    named = {code: said for code, said in plain["dimension_labels"].items() if code not in MATRICES}
    standard = Standard.model_validate(
        {
            **plain,
            "matrices": [matrix, mean],
            "playbook": {},
            "labels": {**kept, "tried": codes, "mean": codes},
            "dimension_labels": {**named, "tried": label, "mean": label},
        }
    )
    rows = rule_rows([standard])
    axes: list[Any] = [
        (row["matrix"], row["axis"], row["cut_method"], row["cut_value"], row["cut_number"], row["cut_bins"])
        for row in rows["matrix_axes"]
    ]
    assert axes == [
        ("tried", "x", "quantile", None, 9, 10),
        ("tried", "y", "number", Decimal("80.5"), None, None),
        ("mean", "x", "mean", None, None, None),
        ("mean", "y", "number", Decimal("80.5"), None, None),
    ]
    quadrants = [(row["is_x_high"], row["is_y_high"], row["quadrant"]) for row in rows["matrix_quadrants"][:4]]
    assert quadrants == [(True, True, "a"), (True, False, "b"), (False, True, "c"), (False, False, "d")]


def test_labels_are_those_of_the_configured_standard_then_what_only_older_ones_name() -> None:
    older = changed(dimensions=[own_dimension("order_count > 1", code="older")])
    rows = spoken(SHIPPED, older, language=Language.CHINESE)
    labels = {(row["dimension"], row["code"]): (row["ordinal"], row["label"]) for row in rows["labels"]}
    assert labels["value_tier", "mid"] == (2, "中价值")
    assert labels["older", "rest"] == (2, "x")
    dimensions = [(row["dimension"], row["kind"], row["position"]) for row in rows["dimensions"]]
    assert dimensions[0] == ("lifecycle_stage", "fixed", 1)
    assert dimensions[-2:] == [("importance_urgency", "matrix", 10), ("older", "own", 11)]


def test_plans_say_in_which_order_their_dimension_is_asked() -> None:
    standard = changed(playbook={"order": ["value_frequency"]}, rfm={"grid": "none"})
    rows = spoken(standard)
    positions = {row["dimension"]: row["dimension_position"] for row in rows["plans"]}
    assert positions["value_frequency"] == 1
    assert positions["value_potential"] is None
    # Plans of segments that no grid gives are kept in the file only.
    assert {row["class"] for row in rows["plans"] if row["dimension"] == "rfm_segment"} <= {
        "out_of_window",
        "prospect",
        "ungraded",
    }
    [vip] = [row for row in rows["plans"] if row["class"] == "vip"]
    assert (vip["channels"], vip["budget_share"], vip["evidence_zh"]) == (
        "visit, phone, wechat",
        Decimal("0.4"),
        "会员去年获得的权益与节省",
    )
    assert rows["budget"] == [{"budget": 100000}]


FEATURES = """
    create table features as
    select * from (values
        (1, 12::decimal(18, 2), 3, 'gold', date '2024-01-01'),
        (2, 3, 3, 'gold', date '2024-01-02'),
        (3, null, 3, 'silver', null),
        (4, null, null, null, null)
    ) customers (customer_id, revenue_window, order_count, member_level, first_order_on)
"""


def decided(con: duckdb.DuckDBPyConnection, version: str, dimension: str) -> list[int]:
    rows = con.execute(
        "select control.own_rule(?, ?, features) from features order by customer_id", [version, dimension]
    ).fetchall()
    return [number for (number,) in rows]


def test_the_first_rule_that_is_true_decides_and_what_is_unknown_is_not_true(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(FEATURES)
    standard = changed(
        dimensions=[
            own_dimension("revenue_window >= 10", "member_level = 'gold'", "not order_count > 3", code="first"),
            own_dimension("first_order_on = date '2024-01-02' or revenue_window is null", code="second"),
        ]
    )
    con.execute(own_rule_macro([standard]))
    assert decided(con, standard.version, "first") == [1, 2, 3, 0]
    assert decided(con, standard.version, "second") == [0, 1, 1, 1]
    assert decided(con, standard.version, "value_tier") == [0, 0, 0, 0]


def test_each_version_asks_its_own_rules(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(FEATURES)
    before = changed(dimensions=[own_dimension("revenue_window >= 10")])
    after = changed(dimensions=[own_dimension("revenue_window >= 3")])
    con.execute(own_rule_macro([before, SHIPPED, after]))
    assert decided(con, before.version, "own") == [1, 0, 0, 0]
    assert decided(con, after.version, "own") == [1, 1, 0, 0]
    assert decided(con, SHIPPED.version, "own") == [0, 0, 0, 0]


def test_without_own_dimensions_no_rule_holds(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(FEATURES)
    con.execute(own_rule_macro([SHIPPED]))
    assert decided(con, SHIPPED.version, "own") == [0, 0, 0, 0]


def test_a_run_writes_them_all(tmp_path: Path) -> None:
    warehouse = WarehouseBuilder(tmp_path, history_starts_on=date(2023, 1, 1))
    warehouse.use_standards([SHIPPED, changed(dimensions=[own_dimension("order_count > 1")])])
    with warehouse.connect() as con:
        write_control(con, settings=warehouse.settings, manifest=warehouse.manifest, days=[date(2023, 3, 10)])
        con.execute(FEATURES)
        assert decided(con, warehouse.settings.standard.version, "own") == [1, 1, 1, 0]
    counts = {
        table: int(warehouse.frame(f"select count(*) from control.{table}").iloc[0, 0])
        for table in (
            "standards",
            "matrix_axes",
            "matrix_quadrants",
            "own_dimensions",
            "own_rules",
            "rfm_grid",
            "budget",
        )
    }
    assert counts == {
        "standards": 2,
        "matrix_axes": 12,
        "matrix_quadrants": 24,
        "own_dimensions": 1,
        "own_rules": 1,
        "rfm_grid": 50,
        "budget": 1,
    }
    rules = warehouse.frame("select dimension, rule_number, class, expression from control.own_rules")
    assert rules.to_numpy().tolist() == [["own", 1, "class_1", "order_count > 1"]]
