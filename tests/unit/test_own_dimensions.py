"""An own dimension asks for features of one customer and no more, and each of its classes can be reached."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
from examples import tried_with
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standard_workshop import changed, own_dimension, refusal

from dagster_project.settings.standards.expressions import expression_sql, parse_expression
from dagster_project.settings.standards.reachability import unreachable_rule

FILE = """dimensions:
  - dimension: {code}
    label: {{ en: Own, zh: 自有 }}
    rules:
      - {{ class: first, label: {{ en: First, zh: 一 }}, when: "order_count > 1" }}
      - {{ class: {second}, label: {{ en: Second, zh: 二 }}, when: "{when}" }}
    default: {{ class: {default}, label: {{ en: Rest, zh: 其他 }} }}
"""
USUAL = {"code": "own", "second": "second", "when": "order_count = 1", "default": "rest"}


def refused(when: str) -> str:
    with pytest.raises(ValidationError) as error:
        changed(dimensions=[own_dimension(when)])
    [fault] = [fault for fault in error.value.errors() if fault["type"] == "strata"]
    assert fault["loc"] == ("dimensions", 0, "rules", 0, "when")
    return fault["msg"]


@pytest.mark.parametrize(
    ("written", "sql"),
    [
        (
            "revenue_window >= 1000 and (member_level in ('gold', 'vip') or not is_trial_converted)",
            "f.revenue_window >= 1000 AND (f.member_level IN ('gold', 'vip') OR NOT f.is_trial_converted)",
        ),
        ("revenue / order_count > .5 -- a remark", "f.revenue / f.order_count > 0.5"),
        ("date '2024-12-31' < first_order_on", "CAST('2024-12-31' AS DATE) < f.first_order_on"),
        ("satisfaction is not null", "NOT f.satisfaction IS NULL"),
        ("has_open_lead", "f.has_open_lead"),
        ("lower(owner) like 'x''y%'", "LOWER(f.owner) LIKE 'x''y%'"),
        ("order_count between -1 and round(abs(margin), 2)", "f.order_count BETWEEN -1 AND ROUND(ABS(f.margin), 2)"),
        ("least(coalesce(revenue, 0), 5) <> 3", "LEAST(COALESCE(f.revenue, 0), 5) <> 3"),
    ],
)
def test_an_expression_reaches_sql_with_each_column_as_a_field(written: str, sql: str) -> None:
    parse_expression(written)
    assert expression_sql(written, "f") == sql


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (
            "revenue_windw > 1",
            "no column 'revenue_windw' in customer_features; did you mean 'revenue_window'?",
        ),
        ("customer_id > 1", "there is no column 'customer_id'"),
        (
            "customer_features.revenue > 1",
            "names a table (customer_features.revenue); write the column alone",
        ),
        ("select 1", "without a query or statement"),
        ("revenue > (select max(revenue) from customer_features)", "without a query or statement"),
        ("revenue > 1; drop table customer_features", "must be one expression; take the semicolon out."),
        ("drop table customer_features", "may not say DROP TABLE"),
        ("sum(revenue) > 1", "looks at more than one customer (SUM(revenue))"),
        ("row_number() over () = 1", "looks at more than one customer (ROW_NUMBER() OVER ())"),
        ("first_order_on < current_date", "may not say CURRENT_DATE"),
        ("first_order_on < now()", "may not say NOW()"),
        ("random() > 0.5", "may not say RANDOM()"),
        ("getenv('HOME') = 'x'", "may not say GETENV('HOME')"),
        ("read_csv('x') is null", "may not say READ_CSV('x')"),
        ("case when revenue > 1 then true end", "may not say CASE"),
        ("revenue::integer > 1", "may not convert types"),
        ("revenue > $limit", "may not say $limit"),
        ("revenue in owner", "list the values in brackets"),
        ("round(revenue, order_count) > 1", "the number of decimals is written as a number"),
        ("revenue >", "is no expression; it breaks off at '>'"),
        ("revenue > 1)", "is no expression; it breaks off at ')'"),
        ("revenue", "gives a number, but it must be true or false; compare it with something."),
        ("owner", "gives text, but it must be true or false"),
        ("revenue = 'high'", "revenue = 'high' puts a number together with text."),
        ("owner > 3", "owner > 3 puts text together with a number."),
        ("order_count in (1, 'two')", "order_count IN (1, 'two') puts a number together with text."),
        ("has_open_lead = 'true'", "puts true or false together with text"),
        ("revenue + owner > 1", "puts a number together with text"),
        ("not revenue", "puts true or false together with a number"),
        ("revenue > 1 and owner", "puts true or false together with text"),
        ("first_order_on > '2024-12-31'", "puts a date together with text; a day is written date '2024-12-31'."),
        ("first_order_on > date '2024-02-30'", "there is no day '2024-02-30'"),
        ("revenue = null", "revenue = NULL is never true, since nothing equals NULL; write is null."),
        ("owner is true", "owner IS TRUE asks of text whether it is true or false."),
    ],
)
def test_more_than_a_question_about_one_customer_is_refused(when: str, said: str) -> None:
    assert said in refused(when)


@pytest.mark.parametrize(
    ("rules", "index", "why"),
    [
        # Told apart by order: who has 1000 has 100.
        (["revenue > 100", "revenue > 1000"], 1, "never reached"),
        (["kind in ('a', 'b')", "kind = 'a'"], 1, "never reached"),
        (["order_count >= 4", "order_count > 3"], 1, "never reached"),
        (["first_order_on < date '2024-01-01'", "first_order_on <= date '2023-12-31'"], 1, "never reached"),
        (["order_count > 3", "order_count <= 3", "order_count = 5"], 2, "never reached"),
        (["revenue > margin", "revenue>margin"], 1, "the same as rule 1"),
        (["order_count > 3 and order_count < 4"], 0, "can never be true"),
        (["kind = 'a' and kind = 'b'"], 0, "can never be true"),
        (["1 = 1", "order_count > 1"], 0, "the same for every customer"),
        (["coalesce(order_count, 0) > 1 or coalesce(order_count, 0) <= 1", "kind = 'a'"], 0, "true of every customer"),
        (["order_count > 3", "order_count <= 3", "order_count is null"], 3, "every customer fits a rule"),
    ],
)
def test_a_class_that_nobody_can_have_is_named(rules: list[str], index: int, why: str) -> None:
    found = unreachable_rule(rules)
    assert found is not None
    assert found[0] == index
    assert why in found[1]


@pytest.mark.parametrize(
    "rules",
    [
        ["revenue > 1000", "revenue > 100"],
        ["revenue > 3 and revenue < 4"],
        # Whoever has no known number of orders passes the first two rules.
        ["order_count > 3", "order_count <= 3", "order_days > 3"],
        ["revenue > margin", "revenue <= margin", "kind = 'a'"],
        ["order_count > 3 or kind = 'a'", "order_count < 2", "kind = 'b'"],
    ],
)
def test_a_class_that_somebody_can_have_is_not_refused(rules: list[str]) -> None:
    assert unreachable_rule(rules) is None


NUMBERS = st.integers(0, 3)
COUNTS = st.sampled_from(["order_count", "order_days"])
ATOMS = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["order_count", "order_days"]),
        st.sampled_from(["<", "<=", "=", "<>"]),
        NUMBERS,
    ),
    st.builds("order_count between {} and {}".format, NUMBERS, NUMBERS),
    st.builds("order_days in ({}, {})".format, NUMBERS, NUMBERS),
    st.builds("coalesce(order_count, {}) > {}".format, NUMBERS, NUMBERS),
    st.sampled_from(["order_days is null", "has_open_lead", "has_open_lead is not distinct from false"]),
)
RULES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)


@tried_with(25)
@given(rules=st.lists(RULES, min_size=1, max_size=4))
def test_a_rule_is_refused_exactly_when_it_decides_for_no_customer(rules: list[str]) -> None:
    # Every customer that DuckDB can tell apart: numbers from below to above all constants, and NULL.
    customers = list(product([None, *range(-1, 5)], [None, *range(-1, 5)], [None, True, False]))
    cases = " ".join(f"when {rule} then {number}" for number, rule in enumerate(rules, start=1))
    with duckdb.connect() as con:
        con.execute("create table customers (order_count integer, order_days integer, has_open_lead boolean)")
        con.executemany("insert into customers values (?, ?, ?)", customers)
        decided = {
            rule for (rule,) in con.execute(f"select distinct case {cases} else 0 end from customers").fetchall()
        }
    never = [number for number in range(1, len(rules) + 1) if number not in decided]
    found = unreachable_rule(rules)
    if found is None:
        assert decided == {0, *range(1, len(rules) + 1)}
    elif found[0] < len(rules) and "every customer" not in found[1]:
        assert found[0] + 1 == min(never)
    else:
        assert 0 not in decided


@pytest.mark.parametrize(
    ("changes", "near", "said"),
    [
        (
            {"code": "value_tier"},
            "- dimension: value_tier",
            "dimensions[1].dimension: 'value_tier' is a dim",
        ),
        ({"code": "revenue"}, "- dimension: revenue", "dimensions[1].dimension: 'revenue' is a column"),
        (
            {"code": "value_potential"},
            "- dimension: value_p",
            "dimensions[1].dimension: 'value_potential' is ",
        ),
        (
            {"second": "first"},
            "- { class: first, label: { en: S",
            "dimensions[1].rules[2].class: class 'first' is",
        ),
        (
            {"default": "first"},
            "default: { class: first",
            "dimensions[1].default.class: class 'first' has a",
        ),
        (
            {"default": "absent"},
            "default: { class: absent",
            "dimensions[1].default.class: 'absent' is who is",
        ),
        ({"when": "order_count > 2"}, "order_count > 2", "dimensions[1].rules[2].when: is never reached: an earlier"),
        ({"when": "order_cuont > 2"}, "order_cuont", "dimensions[1].rules[2].when: there is no column 'order_cuont'"),
    ],
)
def test_an_own_dimension_is_refused_at_the_line_of_its_fault(
    changes: dict[str, str], near: str, said: str, tmp_path: Path
) -> None:
    text = FILE.format(**{**USUAL, **changes})
    assert refusal(tmp_path, "dimensions: []\n", text, near=near).startswith(f"here: {said}")


def test_a_default_and_labels_in_both_languages_are_needed(tmp_path: Path) -> None:
    text = FILE.format(**USUAL)
    without_default = text[: text.index("    default:")]
    assert "dimensions[1].default: is missing" in refusal(tmp_path, "dimensions: []\n", without_default)
    one_language = text.replace("{ en: Rest, zh: 其他 }", "{ en: Rest }")
    assert "dimensions[1].default.label.zh: is missing" in refusal(tmp_path, "dimensions: []\n", one_language)


def test_labels_of_an_own_dimension_stand_with_it_alone() -> None:
    label = {"en": "x", "zh": "x"}
    with pytest.raises(ValidationError, match="the labels of 'own' stand in dimensions; take these out"):
        changed(dimensions=[own_dimension("order_count > 1")], dimension_labels={"own": label})


def test_own_classes_come_in_the_order_of_their_rules_and_the_default_last() -> None:
    standard = changed(dimensions=[own_dimension("order_count > 1", "order_count = 1")])
    assert standard.dimensions()[-1] == ("own", "own")
    assert standard.classes()["own"] == ("class_1", "class_2", "rest")
    label: Any = standard.label("own", "rest")
    assert (label.en, label.zh) == ("x", "x")


def test_many_columns_are_no_reason_to_wait_or_to_refuse() -> None:
    columns = ["revenue", "margin", "order_count", "order_days", "recency_days", "tenure_days"]
    rules = [" and ".join(f"{column} > {Decimal(bound)}" for column in columns) for bound in (40, 30, 20, 10)]
    assert unreachable_rule(rules) is None
