"""Ratios are exact to their last digit, whatever width of numbers DuckDB computes them in."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from examples import tried_with
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jinja2 import Environment

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros" / "numbers.sql"
# 40 thousand million is where 64 bits end.
cents = st.one_of(
    st.integers(-(10**4), 10**4), st.integers(-(10**13), 10**13), st.integers(4 * 10**12 - 200, 4 * 10**12 + 200)
)


@pytest.fixture(scope="module")
def ratio() -> str:
    macros = Environment(extensions=["jinja2.ext.do"], autoescape=False).from_string(MACROS.read_text(encoding="utf-8"))  # noqa: S701
    return str(macros.module.duckdb__ratio("one + other", "against"))  # type: ignore[attr-defined]


def _amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _half_away(value: Fraction) -> Decimal:
    whole = (abs(value) * 10**6 * 2 + 1) // 2
    return Decimal(int(whole) * (1 if value >= 0 else -1)).scaleb(-6)


@tried_with(300)
@given(one=cents, other=cents, against=cents)
@example(one=1_289, other=0, against=10_000_000)
@example(one=9 * 10**17, other=9 * 10**17, against=10**17)
@example(one=4 * 10**12, other=-1, against=7)
def test_the_ratio_of_a_sum_is_exact_and_rounded_half_away_from_zero(
    ratio: str, one: int, other: int, against: int
) -> None:
    assume(abs(one + other) < 10**12 * abs(against) or not against)  # what the column holds
    with duckdb.connect() as con:
        [(found,)] = con.execute(
            f"select {ratio} from (select cast(? as decimal(18, 2)) as one, cast(? as decimal(18, 2)) as other, "
            "cast(? as decimal(18, 2)) as against)",
            [_amount(one), _amount(other), _amount(against)],
        ).fetchall()
    exact = _half_away(Fraction(one + other, against)) if against else None
    assert found == exact
