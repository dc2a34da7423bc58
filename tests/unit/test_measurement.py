"""Two arms compared, and the groups that a difference needs: against other people's figures and formulas."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from examples import tried_with
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    power_proportions_2indep,
    proportions_ztest,
    samplesize_proportions_2indep_onetail,
)
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from dagster_project.measurement.comparing import Arm, adjusted, compare_rates, compare_revenues
from dagster_project.measurement.mixing import control_shares_differ
from dagster_project.measurement.power import groups_needed, power

# Hillstrom's e-mail experiment of 2008: who bought within two weeks, of those who were sent an e-mail or none.
CONTROL = (122, 21_306)
HILLSTROM = {"men's mail": (267, 21_307), "women's mail": (189, 21_387)}

# Newcombe (1998), Statistics in Medicine 17, table II, method 10, to the four digits printed there.
NEWCOMBE = {
    ((56, 70), (48, 80)): (0.0524, 0.3339),
    ((9, 10), (3, 10)): (0.1705, 0.8090),
    ((6, 7), (2, 7)): (0.0582, 0.8062),
    ((5, 56), (0, 29)): (-0.0381, 0.1926),
    ((10, 10), (0, 20)): (0.6791, 1.0),
    ((10, 10), (0, 10)): (0.6075, 1.0),
}


def arm_of(returned: int, customers: int) -> Arm:
    """An arm in which whoever returned bought for 1."""
    return Arm(customers, returned, np.array([0.0, 1.0]), np.array([customers - returned, returned], dtype=float))


def arm_with(revenues: list[float], absent: int) -> Arm:
    """An arm of customers who bought for `revenues`, and of `absent` others."""
    values, counts = np.unique(np.array([0.0] * absent + revenues), return_counts=True)
    return Arm(absent + len(revenues), len(revenues), values, counts.astype(float))


def wilson(returned: int, customers: int) -> tuple[float, float]:
    """Wilson's 95% interval, from its formula."""
    z = NormalDist().inv_cdf(0.975)
    share = returned / customers
    middle = share + z**2 / (2 * customers)
    half = z * math.sqrt(share * (1 - share) / customers + z**2 / (4 * customers**2))
    return (middle - half) / (1 + z**2 / customers), (middle + half) / (1 + z**2 / customers)


@pytest.mark.parametrize("mail", HILLSTROM)
def test_hillstroms_differences_intervals_and_p_values_are_those_of_statsmodels(mail: str) -> None:
    (bought, sent), (control_bought, control) = HILLSTROM[mail], CONTROL
    found = compare_rates(arm_of(bought, sent), arm_of(control_bought, control))
    assert found is not None
    assert found.difference == bought / sent - control_bought / control
    assert (found.low, found.high) == confint_proportions_2indep(
        bought, sent, control_bought, control, method="newcomb", compare="diff"
    )
    assert found.p_value == proportions_ztest([bought, control_bought], [sent, control])[1]


@pytest.mark.parametrize(
    ("mail", "expected"),
    # Difference, interval and p value worked out from the formulas of Wilson and Newcombe with forty digits.
    [
        ("men's mail", (0.006805006519615695, 0.005014344671481533, 0.008640723396917827, 1.5232235005956e-13)),
        ("women's mail", (0.003111057511085257, 0.001501657131877008, 0.004745471313672929, 1.571051291066857e-4)),
    ],
)
def test_hillstroms_figures_are_those_of_the_formulas(mail: str, expected: tuple[float, ...]) -> None:
    found = compare_rates(arm_of(*HILLSTROM[mail]), arm_of(*CONTROL))
    assert found is not None
    assert (found.difference, found.low, found.high, found.p_value) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("arms", NEWCOMBE)
def test_intervals_are_those_that_newcombe_printed(arms: tuple[tuple[int, int], tuple[int, int]]) -> None:
    found = compare_rates(arm_of(*arms[0]), arm_of(*arms[1]))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == NEWCOMBE[arms]


@given(st.integers(1, 4000), st.integers(1, 4000), st.data())
def test_rates_compare_as_the_textbook_says(treated: int, control: int, data: st.DataObject) -> None:
    returned = data.draw(st.integers(0, treated)), data.draw(st.integers(0, control))
    found = compare_rates(arm_of(returned[0], treated), arm_of(returned[1], control))
    if sum(returned) in (0, treated + control):
        assert found is None
        return
    assert found is not None
    share, other = returned[0] / treated, returned[1] / control
    (low, high), (other_low, other_high) = wilson(returned[0], treated), wilson(returned[1], control)
    pooled = sum(returned) / (treated + control)
    z = (share - other) / math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    assert found.low == pytest.approx(share - other - math.hypot(share - low, other_high - other), abs=1e-9)
    assert found.high == pytest.approx(share - other + math.hypot(high - share, other - other_low), abs=1e-9)
    assert found.p_value == pytest.approx(math.erfc(abs(z) / math.sqrt(2)), rel=1e-9, abs=1e-15)


money = st.lists(st.integers(-5_000, 500_000).map(lambda cents: cents / 100), min_size=0, max_size=40)


@given(money, money, st.integers(2, 300), st.integers(2, 300))
def test_revenues_compare_as_welch_does_over_every_customer(
    bought: list[float], control_bought: list[float], absent: int, control_absent: int
) -> None:
    found = compare_revenues(arm_with(bought, absent), arm_with(control_bought, control_absent))
    everybody, control = np.array([0.0] * absent + bought), np.array([0.0] * control_absent + control_bought)
    if everybody.std() == 0 and control.std() == 0:
        assert found is None
        return
    assert found is not None
    welch = stats.ttest_ind(everybody, control, equal_var=False)
    means = CompareMeans(DescrStatsW(everybody), DescrStatsW(control))
    close = {"rel": 1e-7, "abs": 1e-7}
    assert found.difference == pytest.approx(everybody.mean() - control.mean(), **close)
    assert found.p_value == pytest.approx(float(welch.pvalue), **close)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval(0.95)), **close)
    assert (found.low, found.high) == pytest.approx(means.tconfint_diff(usevar="unequal"), **close)


@pytest.mark.parametrize(
    ("treated", "control"), [((0, 0), (1, 9)), ((1, 9), (0, 0)), ((0, 9), (0, 9)), ((9, 9), (9, 9))]
)
def test_arms_that_tell_nothing_of_a_difference_are_not_compared(
    treated: tuple[int, int], control: tuple[int, int]
) -> None:
    assert compare_rates(arm_of(*treated), arm_of(*control)) is None


@tried_with(15)  # statsmodels' function collects garbage in each call
@given(st.lists(st.floats(0, 1), max_size=12))
def test_p_values_after_holm_are_those_of_statsmodels(p_values: list[float]) -> None:
    expected = list(multipletests(p_values, method="holm")[1]) if p_values else []
    assert adjusted(p_values) == pytest.approx(expected)


def test_holm_multiplies_the_smallest_p_value_by_all_tests_and_never_reorders() -> None:
    assert adjusted([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.floats(0, 0.9), st.floats(0.001, 0.1))
def test_power_is_that_of_statsmodels(treated: int, control: int, rate: float, difference: float) -> None:
    expected = power_proportions_2indep(difference, rate, treated, ratio=control / treated).power
    assert power(treated=treated, control=control, rate=rate, difference=difference) == pytest.approx(expected)


def test_the_control_group_needed_is_the_smallest_that_suffices() -> None:
    needed = groups_needed(treated=1100, rate=0.1, difference=0.05)
    assert needed is not None
    assert needed.treated == 1100

    def of_statsmodels(control: int) -> float:
        return float(power_proportions_2indep(0.05, 0.1, 1100, ratio=control / 1100).power)

    assert of_statsmodels(needed.control) >= 0.8 > of_statsmodels(needed.control - 1)


def test_where_too_few_are_treated_both_groups_have_to_grow_to_the_same_size() -> None:
    needed = groups_needed(treated=400, rate=0.1, difference=0.05)
    assert needed is not None
    # The sample size of statsmodels leaves out that the other tail would be found too, which is nothing here.
    assert (
        needed.control
        == needed.treated
        == math.ceil(
            samplesize_proportions_2indep_onetail(0.05, 0.1, power=0.8, ratio=1, alpha=0.05, alternative="two-sided")
        )
    )


def test_no_group_shows_a_rate_above_one() -> None:
    assert groups_needed(treated=400, rate=0.97, difference=0.05) is None
    assert power(treated=400, control=40, rate=0.97, difference=0.05) is None


@pytest.mark.parametrize(
    ("campaigns", "differ"),
    [
        ([(900, 100)], False),
        ([(900, 100), (910, 90), (880, 120)], False),  # p = 0.081
        ([(900, 100), (880, 120)], False),  # p = 0.153
        ([(900, 100), (850, 150)], True),  # p = 0.0007
        ([(900, 100), (900, 100), (855, 145)], False),  # p = 0.0013
        ([(900, 100), (900, 100), (854, 146)], True),  # p = 0.00099
        ([(900, 100), (1000, 0)], True),
        ([(900, 0), (1000, 0)], False),
        ([(0, 0), (9, 1)], False),
        ([], False),
    ],
)
def test_campaigns_with_other_shares_left_alone_are_told_from_those_of_one_lot(campaigns, differ) -> None:
    assert control_shares_differ(campaigns) is differ


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 500)), min_size=2, max_size=8))
def test_shares_differ_where_pearsons_chi_square_says_so_at_one_in_a_thousand(campaigns) -> None:
    pvalue = stats.chi2_contingency(np.array(campaigns), correction=False).pvalue
    assert control_shares_differ(campaigns) is bool(pvalue < 0.001)
