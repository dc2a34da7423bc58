"""Campaigns whose effect is known, walked by the model that draws the lists: how often the measurement is right.

Chances to return fall from 45% for the first candidate to 2% for the last, as a priority worth its name has them: what
goes wrong with a control group drawn elsewhere than along the walk shows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from compiled_warehouse import CompiledWarehouse

from dagster_project.measurement.comparing import Arm, Comparison, compare_rates, compare_revenues
from dagster_project.settings.publishing import MeasurementSettings

CAMPAIGNS = 2000
CANDIDATES = 2000
CHANCES = np.linspace(0.45, 0.02, CANDIDATES)  # by rank
CONTROL_SHARE = Decimal("0.3")
BEST_TENTH = 140  # places: with three in ten left alone the walk passes 200 of the 2,000
EVERYBODY = CANDIDATES  # more places than candidates
DAY = date(2020, 1, 1)

both_reaches = pytest.mark.parametrize("capacity", [BEST_TENTH, EVERYBODY], ids=["the best tenth", "everybody"])


@dataclass(frozen=True)
class Entries:
    """One value an entry: its campaign (0, 1, …), its rank among the candidates (0, 1, …) and its arm."""

    campaign: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    is_treated: npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory, compiled_models: Path) -> Iterator[CompiledWarehouse]:
    """The warehouse of a company without customers, and the candidates of 2,000 campaigns, each on a day of its own."""
    warehouse = CompiledWarehouse(tmp_path_factory.mktemp("walks"), compiled=compiled_models)
    warehouse.build([DAY], issue_list_for=DAY)
    with warehouse.connect() as con:
        con.execute("delete from control.as_of_days")
        con.execute("delete from control.campaign_days")
        con.execute(
            f"""
            create table days as select date '2010-01-01' + cast(number as integer) as as_of_date, number
            from range({CAMPAIGNS}) as numbers (number)
            """
        )
        con.execute(
            "insert into control.as_of_days by name "
            "select as_of_date, true as is_requested, true as issues_list, false as has_later_list from days"
        )
        con.execute(
            "insert into control.campaign_days by name "
            "select as_of_date, 'campaign-' || number as campaign_id from days"
        )
        con.execute(f"update control.reactivation set control_share = {CONTROL_SHARE}")
        con.execute(
            f"""
            insert into marts.silent_customers by name
            select
                as_of_date,
                1 + {CANDIDATES} * number + rank as customer_id,
                'telesales' as best_channel,
                {CANDIDATES} - rank as priority_score
            from days cross join range({CANDIDATES}) as ranks (rank)
            """
        )
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="module")
def walks(lists: CompiledWarehouse) -> dict[int, Entries]:
    """Who enters the campaigns, by the places of each list."""
    return {capacity: walked(lists, capacity) for capacity in (BEST_TENTH, EVERYBODY)}


def walked(lists: CompiledWarehouse, capacity: int) -> Entries:
    """Who enters the campaigns where each list has `capacity` places."""
    project = lists.project
    others = [name for name in project.models if name != "reactivation_list"]
    with lists.connect() as con:
        con.execute("delete from control.channels")
        con.execute("insert into control.channels by name select 'telesales' as channel, $1 as capacity", [capacity])
        project.build(con, select=["reactivation_list"], given=others)
        found = con.execute(
            f"""
            select (customer_id - 1) // {CANDIDATES} as campaign, (customer_id - 1) % {CANDIDATES} as rank,
                arm = 'treated' as is_treated
            from marts.reactivation_list order by customer_id
            """
        ).fetchnumpy()
    return Entries(*(np.asarray(found[name]) for name in ("campaign", "rank", "is_treated")))


def compared(entries: Entries, *, effect: float, seed: int) -> list[Comparison]:
    """The comparison of each campaign, where being treated adds `effect` to the chance of returning."""
    chances = CHANCES[entries.rank] + effect * entries.is_treated
    is_back = np.random.default_rng(seed).random(len(chances)) < chances

    def arms(of_arm: npt.NDArray[np.bool_]) -> list[Arm]:
        customers = np.bincount(entries.campaign[of_arm], minlength=CAMPAIGNS)
        returned = np.bincount(entries.campaign[of_arm & is_back], minlength=CAMPAIGNS)
        return [arm_of(*sizes) for sizes in zip(returned.tolist(), customers.tolist(), strict=True)]

    pairs = zip(arms(entries.is_treated), arms(~entries.is_treated), strict=True)
    return [found for treated, control in pairs if (found := compare_rates(treated, control))]


def arm_of(returned: int, customers: int) -> Arm:
    """An arm of which only who returned matters."""
    return Arm(customers, returned, np.array([0.0]), np.array([float(customers)]))


def called(found: list[Comparison]) -> float:
    """The share of campaigns whose difference is called an effect."""
    return float(np.mean([each.p_value < 0.05 for each in found]))


def mean_difference(found: list[Comparison]) -> float:
    return float(np.mean([each.difference for each in found]))


@both_reaches
def test_no_effect_is_called_one_in_about_five_of_a_hundred_campaigns(walks: dict[int, Entries], capacity: int) -> None:
    found = compared(walks[capacity], effect=0.0, seed=1)
    assert len(found) == CAMPAIGNS
    assert 0.035 <= called(found) <= 0.065
    assert abs(mean_difference(found)) < 0.005


@both_reaches
def test_the_interval_holds_a_known_effect_in_about_95_of_a_hundred_campaigns(
    walks: dict[int, Entries], capacity: int
) -> None:
    found = compared(walks[capacity], effect=0.1, seed=2)
    assert len(found) == CAMPAIGNS
    assert 0.93 <= np.mean([each.low <= 0.1 <= each.high for each in found]) <= 0.97
    assert mean_difference(found) == pytest.approx(0.1, abs=0.005)


def test_a_control_group_drawn_from_all_candidates_would_show_an_effect_where_there_is_none(
    walks: dict[int, Entries],
) -> None:
    best = walks[BEST_TENTH]
    drawn = np.random.default_rng(3).random((CAMPAIGNS, CANDIDATES)) < float(CONTROL_SHARE)
    campaign, rank = np.nonzero(drawn)
    found = compared(
        Entries(
            campaign=np.concatenate([best.campaign[best.is_treated], campaign]),
            rank=np.concatenate([best.rank[best.is_treated], rank]),
            is_treated=np.arange(best.is_treated.sum() + len(rank)) < best.is_treated.sum(),
        ),
        effect=0.0,
        seed=3,
    )
    assert mean_difference(found) > 0.15
    assert called(found) > 0.9


def spending(rng: np.random.Generator, customers: int, chance: float) -> Arm:
    """An arm whose returning customers spend sums with a long tail: half below 33, one in forty above 235."""
    returned = int(rng.binomial(customers, chance))
    spent = np.round(rng.lognormal(3.5, 1.0, returned), 2)
    return Arm(customers, returned, np.append(spent, 0.0), np.append(np.ones(returned), customers - returned))


@pytest.mark.parametrize("effect", [0.0, 0.05])
def test_the_interval_of_revenue_holds_where_the_groups_are_large_enough_to_be_compared(effect: float) -> None:
    rng = np.random.default_rng(4)
    truth = effect * np.exp(3.5 + 0.5)  # the mean of those sums is e^4
    fewest = MeasurementSettings().returned_for_revenue
    held = campaigns = 0
    while campaigns < CAMPAIGNS:
        treated, control = spending(rng, 1000, 0.2 + effect), spending(rng, 400, 0.2)
        if min(treated.returned, control.returned) >= fewest:
            found = compare_revenues(treated, control)
            assert found is not None
            held += found.low <= truth <= found.high
            campaigns += 1
    assert 0.93 <= held / campaigns <= 0.97
