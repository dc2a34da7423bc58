"""Cluster fits: they find what is there, depend on the customers alone, keep names, and hold on the right days."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from dagster_project.clustering.fitting import ClusteringError, fit_clusters
from dagster_project.clustering.register import Fit, cluster_rows, keep_fit, read_fits
from dagster_project.errors import StrataError

DAY = date(2024, 6, 30)
LATER = date(2024, 9, 30)
Customer = tuple[int | None, int, str]  # recency_days, order_count_window, revenue_window

# Groups that lie far apart: (recency, orders, revenue), and how many customers stand within a few per cent of each.
BEST, OFTEN_SMALL, RARE_LARGE, GONE = (10, 40, 9000), (12, 36, 700), (90, 2, 4000), (300, 1, 30)


def around(middle: tuple[int, int, int], customers: int, seed: int = 1) -> list[Customer]:
    draw = random.Random(seed)  # noqa: S311  invented customers, not secrets
    recency, orders, revenue = middle
    return [
        (
            recency + draw.randint(0, 3),
            orders + draw.randint(0, orders // 10),
            f"{revenue * draw.uniform(0.9, 1.1):.2f}",
        )
        for _ in range(customers)
    ]


SHOP = [*around(GONE, 40), *around(BEST, 10), *around(RARE_LARGE, 25), *around(OFTEN_SMALL, 15)]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An open copy that holds what is read of customer_segments."""
    with duckdb.connect() as con:
        con.execute(
            "create table customer_segments (as_of_date date, customer_id bigint, recency_days integer, "
            "order_count_window integer, revenue_window decimal(18,2))"
        )
        yield con


def store(con: duckdb.DuckDBPyConnection, customers: Sequence[Customer], day: date = DAY) -> None:
    con.execute("delete from customer_segments where as_of_date = ?", [day])
    con.executemany(
        "insert into customer_segments values (?, ?, ?, ?, ?)",
        [(day, number, *customer) for number, customer in enumerate(customers, start=1)],
    )


def fit_of(con: duckdb.DuckDBPyConnection, customers: Sequence[Customer], *, count: int = 4, **options: object) -> Fit:
    store(con, customers)
    given = {"seed": 7, "kept": [], **options}
    return fit_clusters(con, DAY, count=count, **given)[0]  # type: ignore[arg-type]


def test_groups_that_lie_apart_are_found_whole_and_numbered_by_falling_money(con) -> None:
    store(con, SHOP)
    fit, sizes = fit_clusters(con, DAY, count=4, seed=7, kept=[])
    assert [(size.cluster, size.customers) for size in sizes] == [
        ("cluster_1", 10),  # BEST, 9000 each
        ("cluster_2", 25),  # RARE_LARGE, 4000
        ("cluster_3", 15),  # OFTEN_SMALL, 700
        ("cluster_4", 40),  # GONE, 30
    ]
    best = sorted(around(BEST, 10), key=lambda customer: Decimal(customer[2]))
    assert sizes[0].revenue_window == Decimal(best[4][2])  # the lower middle of ten
    assert fit.fitted_on == DAY
    assert fit.holds_from is None


def test_centres_are_the_means_of_their_members_in_standardised_logarithms(con) -> None:
    fit = fit_of(con, SHOP)
    orders = [math.log(frequency) for _, frequency, _ in SHOP]
    mean = sum(orders) / len(orders)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in orders) / len(orders))
    assert fit.frequency.mean == pytest.approx(mean, abs=1e-9)
    assert fit.frequency.deviation == pytest.approx(deviation, abs=1e-9)
    members = [math.log(1 + float(revenue)) for _, _, revenue in around(BEST, 10)]
    centre = fit.centres[0].monetary * fit.monetary.deviation + fit.monetary.mean
    assert centre == pytest.approx(sum(members) / len(members), abs=1e-7)


def test_the_order_of_the_customers_and_their_ids_change_nothing(con) -> None:
    shuffled = SHOP[:]
    random.Random(3).shuffle(shuffled)  # noqa: S311
    assert fit_of(con, SHOP) == fit_of(con, shuffled)


def test_customers_without_an_order_in_the_window_take_no_part(con) -> None:
    assert fit_of(con, SHOP) == fit_of(con, [*SHOP, (None, 0, "0"), (800, 0, "0"), (800, 0, "-5")])


def test_money_below_nothing_counts_as_nothing(con) -> None:
    assert fit_of(con, [*SHOP, (5, 1, "-20")]) == fit_of(con, [*SHOP, (5, 1, "0")])


def test_a_measure_that_is_the_same_for_all_parts_nobody(con) -> None:
    fit = fit_of(con, [(10, 3, "5"), (10, 3, "500"), (10, 3, "6"), (10, 3, "510")], count=2)
    assert (fit.recency.deviation, fit.frequency.deviation) == (1, 1)
    assert all(centre.recency == centre.frequency == 0 for centre in fit.centres)


def test_names_stay_with_their_customers_though_money_turns_the_order_round(con, tmp_path) -> None:
    first = keep_fit(tmp_path, fit_of(con, SHOP))
    # The rare buyers spend so much more now that a fresh fit would make them cluster_1.
    changed = [*around(GONE, 38, 2), *around(BEST, 11, 2), *around((90, 2, 20000), 25, 2), *around(OFTEN_SMALL, 15, 2)]
    store(con, changed, LATER)
    fresh, _ = fit_clusters(con, LATER, count=4, seed=7, kept=[])
    assert fresh.centres[0].frequency < 0  # two orders
    fit, sizes = fit_clusters(con, LATER, count=4, seed=7, kept=[first])
    assert [size.customers for size in sizes] == [11, 25, 15, 38]
    assert fit.holds_from == LATER


def test_another_seed_gives_the_same_names_where_groups_are_clear(con) -> None:
    one, other = fit_of(con, SHOP), fit_of(con, SHOP, seed=8)
    assert one.centres == other.centres


def test_more_clusters_keep_the_old_names_and_fewer_never_leave_a_gap(con, tmp_path) -> None:
    first = keep_fit(tmp_path, fit_of(con, SHOP))
    store(con, [*SHOP, *around((2, 200, 90000), 6)])
    more, sizes = fit_clusters(con, DAY, count=5, seed=7, kept=[first])
    assert [size.customers for size in sizes] == [10, 25, 15, 40, 6]
    assert more.holds_from is None  # the first of five clusters
    fewer, _ = fit_clusters(con, DAY, count=2, seed=7, kept=[first])
    assert [centre.cluster for centre in fewer.centres] == ["cluster_1", "cluster_2"]


def test_too_few_customers_are_refused_with_their_number(con) -> None:
    store(con, [(1, 1, "5"), (1, 1, "5"), (2, 1, "5")])
    with pytest.raises(ClusteringError, match="2 different customers with an order in the window are stored for 2024"):
        fit_clusters(con, DAY, count=3, seed=7, kept=[])


def test_without_scikit_learn_the_error_names_the_extra(con, monkeypatch) -> None:
    store(con, SHOP)
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)  # as Python marks a module that cannot be imported
    with pytest.raises(ClusteringError, match=r"customer-strata\[clusters\]"):
        fit_clusters(con, DAY, count=4, seed=7, kept=[])


def test_the_register_gives_back_what_it_keeps_and_keeps_nothing_twice(con, tmp_path) -> None:
    fit = fit_of(con, SHOP)
    kept = keep_fit(tmp_path / "clusters", fit)
    assert kept.number == 1
    again = fit_of(con, SHOP, kept=[kept])
    assert keep_fit(tmp_path / "clusters", again) == kept
    assert read_fits(tmp_path / "clusters") == [kept]
    other = keep_fit(tmp_path / "clusters", fit_of(con, SHOP[:80], kept=[kept]))
    assert [entry.number for entry in read_fits(tmp_path / "clusters")] == [1, 2]
    assert other.fit.holds_from == DAY
    assert sorted(path.name for path in (tmp_path / "clusters").iterdir()) == ["000001.json", "000002.json"]


def test_a_damaged_file_of_the_register_is_named(tmp_path) -> None:
    (tmp_path / "000001.json").write_text('{"fitted_on": "2024-06-30"}')
    with pytest.raises(StrataError, match=r"000001\.json is not a fit of clusters"):
        read_fits(tmp_path)


def test_the_first_fit_holds_for_all_days_and_later_ones_from_their_day_on(con, tmp_path) -> None:
    first = keep_fit(tmp_path, fit_of(con, SHOP))
    store(con, SHOP[5:], LATER)
    keep_fit(tmp_path, fit_clusters(con, LATER, count=4, seed=7, kept=[first])[0])
    rows = cluster_rows(
        tmp_path, {date(2020, 1, 1): 4, date(2024, 9, 29): 4, LATER: 4, date(2025, 1, 1): 4, date(2025, 1, 2): None}
    )
    assert [(row["as_of_date"], row["fit"]) for row in rows["cluster_days"]] == [
        (date(2020, 1, 1), 1),
        (date(2024, 9, 29), 1),
        (LATER, 2),
        (date(2025, 1, 1), 2),
    ]
    centres = rows["cluster_centres"]
    assert [(row["fit"], row["cluster"]) for row in centres] == [
        (number, f"cluster_{cluster}") for number in (1, 2) for cluster in (1, 2, 3, 4)
    ]
    assert centres[0]["monetary_centre"] == first.fit.centres[0].monetary
    assert centres[0]["frequency_deviation"] == first.fit.frequency.deviation


def test_a_standard_with_another_number_of_clusters_takes_no_fit_of_this_one(con, tmp_path) -> None:
    keep_fit(tmp_path, fit_of(con, SHOP))
    nothing = {"cluster_days": [], "cluster_centres": []}
    assert cluster_rows(tmp_path, {DAY: 3, LATER: None}) == nothing
    assert cluster_rows(tmp_path / "absent", {DAY: 4}) == nothing
