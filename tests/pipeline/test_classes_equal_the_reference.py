"""The models against an independent computation in plain Python, customer by customer, for every method and section.

One warehouse is built once; each month is classified by another standard, so that one run also crosses versions. Each
standard is described once, for the reference, and read by the project as the document that says the same.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable
from dataclasses import asdict, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from column_comparison import assert_columns_equal, assert_same_entries
from company import COUNTED_IN, FIRST_DAY, make_company
from reference.classification import COLUMNS
from reference.classification import Standard as BaseStandard
from reference.day import FLAG_COLUMNS, NEED_COLUMNS, SCORE_COLUMNS, Day, classify_day
from reference.exact import ratio
from reference.features import FEATURE_COLUMNS
from reference.history import History
from reference.movement import (
    Allocation,
    Moved,
    Outcome,
    Stay,
    allocate,
    backtest,
    classes_in,
    correlation_with_next,
    migration,
    segment_history,
    stability_index,
    summary,
    verdict,
)
from reference.next_products import Learning, names_on, offers_on, shelves_on, shoppers_on
from reference.reactivation import (
    band_of,
    month_ends_up_to,
    priority,
    return_rates,
    silence_causes,
    states_at_month_ends,
)
from reference.standard import (
    DEFAULT_MATRICES,
    Axis,
    Clusters,
    Matrix,
    OwnDimension,
    OwnRule,
    Scale,
    WholeStandard,
)
from standard_documents import keep_clusters, standard_of
from warehouse_builder import LANDED_AT, WarehouseBuilder

from dagster_project.settings.publishing import NextProductsSettings

# The company's instants are UTC: early ones are the day before in New York, whose clocks change twice a year.
ZONE = ZoneInfo("America/New_York")

COMMON = WholeStandard(
    opportunity_stages=("Qualification", "Needs Analysis", "Proposal/Price Quote"),
    explicit_after="Qualification",
    closed_lead_stages=frozenset({"Lost Lead", "Junk Lead"}),
    company_sizes=("small", "medium", "large"),
    industry_outlook={"retail": Decimal("0.8"), "farming": Decimal("0.3")},
    trial_categories=frozenset({"sample"}),
)
VALUE_FREQUENCY, VALUE_POTENTIAL, IMPORTANCE_URGENCY = DEFAULT_MATRICES

MEMBERSHIP = OwnDimension(
    "membership",
    rules=(
        OwnRule(
            "inner_circle",
            lambda row: row["member_level"] == "gold" and row["revenue_window"] >= 250,
            "member_level = 'gold' and revenue_window >= 250",
        ),
        OwnRule("carded", lambda row: row["member_level"] in ("gold", "silver"), "member_level in ('gold', 'silver')"),
        OwnRule("early", lambda row: _before(row["first_order_on"]), "first_order_on < date '2021-06-01'"),
    ),
    default="guest",
)
SERVICE = OwnDimension(
    "service_load",
    rules=(
        OwnRule(
            "troubled",
            lambda row: row["has_open_complaint"] or _above(row["median_reply_hours"], 24),
            "has_open_complaint or median_reply_hours > 24",
        ),
        OwnRule(
            "unheard",
            lambda row: row["satisfaction_on"] is None and not 1 <= row["order_count"] <= 3,
            "satisfaction_on is null and not order_count between 1 and 3",
        ),
    ),
    default="quiet",
)
CLUSTERS = Clusters(
    scales=(Scale(4.5, 0.9), Scale(0.8, 0.7), Scale(4.9, 1.3)),
    centres=((0.8, -0.6, -0.7), (-0.5, 0.1, 0.4), (-1.1, 1.6, 1.2)),
)

# Each standard holds from its day on; the two days classified by it are its first and one in the middle of its month.
STANDARDS: dict[date, WholeStandard] = {
    date(2022, 1, 1): COMMON,
    date(2022, 2, 1): replace(
        COMMON,
        base=BaseStandard(rfm_bins=9, grid=None, type_cut="median"),
        premium_cut=(1, 2),
        novelty_days=30,
        matrices=(
            replace(VALUE_FREQUENCY, x=Axis("revenue_window", "median"), y=Axis("order_count_window", (1, 2))),
            replace(VALUE_POTENTIAL, y=Axis("potential_score", "mean")),
            replace(IMPORTANCE_URGENCY, x=Axis("value_score", (4, 5)), y=Axis("urgency_score", "median")),
        ),
    ),
    date(2022, 3, 1): replace(
        COMMON,
        base=BaseStandard(rfm_method="mean", grid=None),
        need_days=7,
        need_type_cut=Decimal("0.5"),
        potential_buyer_days=60,
        close_days=60,
        stated_urgency={"high": Decimal("0.9"), "medium": Decimal("0.9"), "low": Decimal("0.45")},
    ),
    date(2022, 4, 1): replace(
        COMMON,
        base=BaseStandard(rfm_method="median", grid=None, rfm_weights=(Decimal(2), Decimal("0.5"), Decimal(1))),
        potential_weights={
            "expected_value": Decimal(1),
            "growth": Decimal(0),
            "industry_outlook": Decimal("0.5"),
            "company_size": Decimal(2),
            "opportunity": Decimal(1),
            "independence": Decimal("1.25"),
        },
        matrices=(
            VALUE_POTENTIAL,
            Matrix(
                "discount_rhythm",
                x=Axis("discount_share"),
                y=Axis("median_gap_days", "median"),
                quadrants=("hunter", "bargainer", "steady", "quick"),
            ),
            Matrix(
                "talk_close",
                x=Axis("interactions_90d", Decimal(1)),
                y=Axis("days_to_close", "median"),
                quadrants=("talking", "stuck", "coming", "gone"),
            ),
        ),
    ),
    date(2022, 5, 1): replace(
        COMMON,
        base=BaseStandard(
            rfm_method="threshold",
            grid=None,
            r_cuts=(30, 91),
            f_cuts=(2, 3, 5),
            m_cuts=(Decimal(40), Decimal(250)),
        ),
        dimensions=(MEMBERSHIP, SERVICE),
        high_frequency=(1, 2),
        at_risk_drop=Decimal("0.25"),
        at_risk_complaint_days=90,
    ),
    date(2022, 6, 1): replace(
        COMMON, base=BaseStandard(lifecycle_method="fixed", value_method="percentile"), clusters=CLUSTERS
    ),
    date(2022, 7, 1): replace(
        COMMON,
        base=BaseStandard(value_method="threshold", value_cuts=(Decimal(250), Decimal(40)), window_days=180),
        opportunity_stages=("Of Our Own", "Qualification"),
        explicit_after="Of Our Own",
        closed_lead_stages=frozenset(),
        trial_categories=frozenset({"sample", "care"}),
    ),
    date(2022, 8, 1): replace(
        COMMON,
        base=BaseStandard(value_measure="margin_window"),
        matrices=(),
        company_sizes=(),
        industry_outlook={},
        trial_categories=frozenset(),
        explicit_after=None,
    ),
    date(2022, 9, 1): replace(
        COMMON,
        base=BaseStandard(value_measure="margin_window", value_method="percentile"),
        matrices=(replace(VALUE_FREQUENCY, x=Axis("margin_window"), y=Axis("average_order_value", (9, 10))),),
    ),
    date(2022, 10, 1): replace(COMMON, dimensions=(SERVICE,), clusters=CLUSTERS),
}
# Small enough that every limit of next products is met by these customers.
LEARNING = Learning(learn_days=200, basket_products=2, minimum_customers=2, prior_orders=5, candidates=4)
DAYS = sorted({day for start in STANDARDS for day in (start, start + timedelta(days=13))})
MONTH_ENDS = sorted({day.replace(day=1) - timedelta(days=1) for day in DAYS})


def _before(day: date | None) -> bool:
    return day is not None and day < date(2021, 6, 1)


def _above(number: Decimal | None, cut: int) -> bool:
    return number is not None and number > cut


def start_of(day: date) -> date:
    """From when the day's standard holds."""
    return max((start for start in STANDARDS if start <= day), default=min(STANDARDS))


@pytest.fixture(scope="module")
def company() -> dict[str, list[dict[str, Any]]]:
    return make_company(seed=20)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, company: dict[str, list[dict[str, Any]]]) -> WarehouseBuilder:
    warehouse = WarehouseBuilder(
        tmp_path_factory.mktemp("reference"), time_zone=ZONE.key, currency=COUNTED_IN, history_starts_on=FIRST_DAY
    )
    keep_clusters(warehouse.settings.paths.clusters, CLUSTERS)
    learning = NextProductsSettings(**asdict(LEARNING))
    warehouse.settings = replace(
        warehouse.settings,
        publishing=warehouse.settings.publishing.model_copy(update={"next_products": learning}),
    )
    warehouse.use_standards(
        standard_of(standard, name=str(start), effective_from=None if start == min(STANDARDS) else start)
        for start, standard in STANDARDS.items()
    )
    for entity, rows in company.items():
        warehouse.land(entity, rows)
    warehouse.build(DAYS)
    return warehouse


@pytest.fixture(scope="module")
def history(built: WarehouseBuilder, company: dict[str, list[dict[str, Any]]]) -> History:
    """The company as the reference takes it, by customer_id."""
    aliases = built.frame("select source, customer_ref, customer_id from identity.customer_aliases")
    return History(
        rows=company,
        customer_ids={(alias.source, alias.customer_ref): alias.customer_id for alias in aliases.itertuples()},
        zone=ZONE,
        currency=COUNTED_IN,
        landed_on=LANDED_AT.astimezone(ZONE).date(),
        configured=built.settings.sources.entities,
    )


@pytest.fixture(scope="module")
def expected(history: History) -> dict[date, Day]:
    """Every classified day as the reference has it."""
    return {day: classify_day(history, day, STANDARDS[start_of(day)]) for day in {*DAYS, *MONTH_ENDS}}


def on(built: WarehouseBuilder, table: str, day: date) -> pd.DataFrame:
    return built.frame(f"select * from marts.{table} where as_of_date = date '{day}' order by customer_id")


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("customer_features", COLUMNS[: COLUMNS.index("r_score")]),
        ("customer_features", FEATURE_COLUMNS),
        ("customer_rfm", COLUMNS[COLUMNS.index("r_score") : COLUMNS.index("lifecycle_stage")]),
        ("customer_lifecycle", COLUMNS[COLUMNS.index("lifecycle_stage") : COLUMNS.index("value_tier")]),
        ("customer_value", COLUMNS[COLUMNS.index("value_tier") :]),
        ("customer_needs", NEED_COLUMNS),
        ("customer_behaviours", (*FLAG_COLUMNS, "is_trial_converted")),
        ("customer_segments", (*SCORE_COLUMNS, "cluster", "need_motive", "satisfaction", "satisfaction_on")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_measure_and_class_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date, table: str, columns: tuple[str, ...]
) -> None:
    assert_columns_equal(expected[day].frame(), on(built, table, day).set_index("customer_id"), columns)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_place_in_a_matrix_and_every_cut_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    assert_same_entries(
        {
            (matrix, customer): (place.x_value, place.y_value, place.is_x_high, place.is_y_high, place.quadrant)
            for matrix, places in expected[day].places.items()
            for customer, place in places.items()
        },
        {
            (row.matrix, row.customer_id): (row.x_value, row.y_value, row.is_x_high, row.is_y_high, row.quadrant)
            for row in on(built, "customer_matrices", day).itertuples()
        },
        "places",
    )
    cuts = built.frame(f"select * from marts.matrix_cut_points where as_of_date = date '{day}'")
    assert_same_entries(
        {
            (matrix, axis): cut
            for matrix, by_axis in expected[day].matrix_cut_points.items()
            for axis, cut in by_axis.items()
            if cut is not None
        },
        {(row.matrix, row.axis): row.cut_value for row in cuts.itertuples()},
        "cuts",
    )


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_class_of_an_own_dimension_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    assert_same_entries(
        {
            (dimension, customer): decided
            for dimension, by_customer in expected[day].own.items()
            for customer, decided in by_customer.items()
        },
        {
            (row.dimension, row.customer_id): (row.class_, row.rule_number)
            for row in on(built, "customer_own_dimensions", day).rename(columns={"class": "class_"}).itertuples()
        },
        "own classes",
    )


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_products_to_offer_and_the_last_purchases_equal_the_reference(
    built: WarehouseBuilder, history: History, expected: dict[date, Day], day: date
) -> None:
    favourites = {customer: row["top_category"] for customer, row in expected[day].rows.items()}
    shoppers = shoppers_on(history.purchases, favourites, day)
    shelves, names = shelves_on(history, day), names_on(history, day)
    wanted = {
        (customer, rank): (
            *offer.product,
            names.get(offer.product, offer.product[1]),
            shelves.categories.get(offer.product),
            offer.support,
            offer.score,
            offer.basis,
        )
        for customer, offers in offers_on(shoppers, shelves, day, LEARNING).items()
        for rank, offer in enumerate(offers, start=1)
    }
    rows = built.frame(f"select * from marts.next_products where as_of_date = date '{day}'").drop(
        columns=["as_of_date", "standard_version"]
    )
    got = {(customer_id, rank): tuple(said) for customer_id, rank, *said in rows.itertuples(index=False)}
    assert_same_entries(wanted, got, "offers")
    assert {"bought_next", "category_favourite"} == set(rows["basis"])

    last_bought = {
        customer: ([names.get(product, product[1]) for product in shopper.baskets[last][:3]], last)
        for customer, shopper in shoppers.items()
        if shopper.order_days and (last := shopper.order_days[-1]) in shopper.baskets
    }
    purchases = built.frame(f"select * from marts.customer_last_purchases where as_of_date = date '{day}'")
    assert_same_entries(
        last_bought,
        {row.customer_id: (row.products, row.last_order_on) for row in purchases.itertuples()},
        "last purchases",
    )


HOLDS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}
HALF_A_DIGIT = Decimal("0.0000005")


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_reasons_are_given_for_every_class_with_the_measure_of_the_reference_and_a_true_comparison(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    rows = on(built, "customer_reasons", day).rename(columns={"class": "code"})
    assert_same_entries(
        {(customer, dimension): {code} for customer, dimension, code in expected[day].classes()},
        {key: set(codes) for key, codes in rows.groupby(["customer_id", "dimension"])["code"]},
        "classes with reasons",
    )
    for row in rows[rows["measure"].notna()].itertuples():
        assert row.value == expected[day].rows[row.customer_id][row.measure], row
    for row in rows[rows["comparison"].notna() & rows["cut"].notna()].itertuples():
        # the cut is shown to six digits, what was compared is exact
        nearest = {row.cut - HALF_A_DIGIT, row.cut, row.cut + HALF_A_DIGIT}
        assert any(HOLDS[row.comparison](row.value, cut) for cut in nearest), row


# ----------------------------------------------------------------------------------------------------------- movement


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_move_since_the_last_month_end_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    month_end = day.replace(day=1) - timedelta(days=1)
    rows = built.frame(f"select * from marts.segment_migration where as_of_date = date '{day}'")
    assert_same_entries(
        migration(expected[month_end], expected[day]),
        {
            (row.dimension, row.class_from, row.class_to): Moved(row.customers, row.revenue_window)
            for row in rows.itertuples()
        },
        "moves",
    )
    changed = STANDARDS[start_of(month_end)] != STANDARDS[start_of(day)]
    assert set(rows["compared_on"]) == {month_end}
    assert set(rows["is_standard_change"]) == {changed}


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_stability_of_every_dimension_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    month_end = day.replace(day=1) - timedelta(days=1)
    before, after = expected[month_end], expected[day]
    rows = built.frame(f"select * from marts.segment_stability where as_of_date = date '{day}'")
    assert set(rows["dimension"]) == {*before.dimensions, *after.dimensions}
    for row in rows.itertuples():
        index = stability_index(classes_in(before, row.dimension), classes_in(after, row.dimension))
        assert row.stability_index == (
            None if index is None else pytest.approx(Decimal(index), abs=Decimal("0.000001"))
        )
        if start_of(month_end) != start_of(day) or index is None:
            assert row.verdict == "steady"
        else:
            assert row.verdict == verdict(row.stability_index, warn=Decimal("0.1"), fail=Decimal("0.25"))


def test_history_holds_every_class_from_the_day_it_was_found_to_the_day_it_ended(
    built: WarehouseBuilder, expected: dict[date, Day]
) -> None:
    versions = {start: standard_of(standard).version for start, standard in STANDARDS.items()}
    found: dict[tuple[Any, str], list[Stay]] = {}
    rows = built.frame("select * from marts.segment_history order by customer_id, dimension, valid_from")
    for row in rows.rename(columns={"class": "code"}).itertuples():
        found.setdefault((row.customer_id, row.dimension), []).append(Stay(row.code, row.valid_from, row.valid_to))
        assert row.standard_version == versions[start_of(row.valid_from)]
    assert_same_entries(segment_history([expected[day] for day in DAYS]), found, "stays")


@pytest.mark.parametrize("day", [DAYS[0], DAYS[-1]], ids=str)
def test_the_backtest_of_every_month_end_equals_the_reference(
    built: WarehouseBuilder, history: History, day: date
) -> None:
    rows = built.frame(f"select * from marts.classification_backtest where evaluated_on = date '{day}'")
    snapshots = [end for end in month_ends_up_to(day - timedelta(days=90), 12) if end >= FIRST_DAY]
    assert set(rows["snapshot_on"]) == set(snapshots)
    wanted = {}
    for snapshot_on in snapshots:
        snapshot = classify_day(history, snapshot_on, STANDARDS[start_of(snapshot_on)])
        for dimension in ("lifecycle_stage", "value_tier", "rfm_segment", "rfm_type"):
            outcomes = backtest(history, snapshot, dimension)
            everything = sum(outcome.next_revenue for code, outcome in outcomes.items() if code != "total")
            for code, outcome in outcomes.items():
                share = ratio(outcome.next_revenue, everything)
                wanted[snapshot_on, dimension, code] = (outcome, outcome.repeat_rate, share)
        total = rows[(rows["snapshot_on"] == snapshot_on) & (rows["class"] == "total")]
        correlation = correlation_with_next(history, snapshot)
        if correlation is None:
            assert total["rank_correlation"].tolist() == [None]
        else:
            assert float(total["rank_correlation"].item()) == pytest.approx(correlation, abs=0.000001)
    assert_same_entries(
        wanted,
        {
            (row.snapshot_on, row.dimension, row.code): (
                Outcome(row.customers, row.repeat_customers, row.next_revenue),
                row.repeat_rate,
                row.next_revenue_share,
            )
            for row in rows.rename(columns={"class": "code"}).itertuples()
        },
        "outcomes",
    )


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_summary_of_every_class_and_breakdown_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    rows = built.frame(f"select * from marts.segment_summary where as_of_date = date '{day}'")
    assert_same_entries(
        summary(expected[day]),
        {
            (row.dimension, row.code, row.breakdown, row.breakdown_class): Moved(row.customers, row.revenue_window)
            for row in rows.rename(columns={"class": "code"}).itertuples()
        },
        "sums",
    )


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_budget_of_every_planned_class_equals_the_reference(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    playbook = built.settings.standard.playbook
    wanted = {
        (dimension, code): allocation
        for dimension, plans in playbook.plans.items()
        if dimension in expected[day].dimensions
        for code, allocation in allocate(
            expected[day], dimension, playbook.budget, {code: plan.budget_share for code, plan in plans.items()}
        ).items()
    }
    rows = built.frame(f"select * from marts.resource_allocation where as_of_date = date '{day}'")
    got = {
        (row.dimension, row.code): Allocation(**{field.name: getattr(row, field.name) for field in fields(Allocation)})
        for row in rows.rename(columns={"class": "code"}).itertuples()
    }
    assert_same_entries(wanted, got, "allocations")


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_plan_beside_a_customer_is_that_of_the_first_dimension_that_has_one(
    built: WarehouseBuilder, expected: dict[date, Day], day: date
) -> None:
    playbook, language = built.settings.standard.playbook, built.settings.publishing.language.value

    def plan_of(customer: Hashable) -> tuple[Any, ...]:
        for dimension in playbook.order:
            if dimension in expected[day].dimensions:
                code = expected[day].class_of(customer, dimension)
                if (plan := playbook.plans[dimension].get(code)) is not None:
                    return dimension, code, getattr(plan.aim, language), plan.service_level, plan.contact_days
        return (None,) * 5

    columns = ["plan_dimension", "plan_class", "plan_aim", "service_level", "contact_days"]
    rows = on(built, "customer_segments", day).set_index("customer_id")[columns]
    got = dict(zip(rows.index, rows.itertuples(index=False, name=None), strict=True))
    assert_same_entries({customer: plan_of(customer) for customer in expected[day].rows}, got, "plans")


def test_the_company_is_rich_enough_to_tell_rules_apart(expected: dict[date, Day]) -> None:
    """Every class of every dimension is held by somebody, on some day."""
    held: dict[str, set[str]] = {}
    for day in expected.values():
        for _, dimension, code in day.classes():
            held.setdefault(dimension, set()).add(code)
    for standard in STANDARDS.values():
        for matrix in standard.matrices:
            assert held[matrix.code] >= set(matrix.quadrants), matrix.code
        for dimension in standard.dimensions:
            assert held[dimension.code] == {rule.code for rule in dimension.rules} | {dimension.default}
    assert held["need_clarity"] == {"explicit", "vague", "none"}
    assert held["need_type"] == {"price", "quality", "service", "innovation", "balanced", "unknown"}
    assert held["need_motive"] == {"functional", "emotional", "social", "unknown"}
    assert held["cluster"] == {"cluster_1", "cluster_2", "cluster_3", "unknown"}


def test_silence_causes_return_rates_and_priorities_equal_the_reference(
    built: WarehouseBuilder, history: History, expected: dict[date, Day]
) -> None:
    day = date(2022, 1, 14)
    frames = history.frames()
    states = states_at_month_ends(**frames, as_of=day, standard=STANDARDS[date(2022, 1, 1)].base)
    rates = return_rates(states, frames["orders"], day)
    complaints = [
        {"customer_id": customer, "occurred_on": contact["day"]}
        for customer, contacts in history.contacts.items()
        for contact in contacts
        if contact["is_complaint"]
    ]
    causes = silence_causes(frames["orders"], pd.DataFrame(complaints), day)
    silent = on(built, "silent_customers", day)
    wanted = [
        customer
        for customer, row in expected[day].rows.items()
        if row["lifecycle_stage"] in ("silent", "churned") and row["recency_days"] <= 730
    ]
    assert list(silent["customer_id"]) == wanted
    assert len(silent) > 20
    assert silent["silence_cause"].nunique() >= 4
    for row in silent.itertuples():
        band = band_of(row.recency_days, row.silence_limit_days, row.value_tier, row.order_count)
        assert row.return_rate == rates.rate(band)
        assert row.silence_cause == causes[row.customer_id]
        assert row.priority_score == priority(rates.rate(band), None, row.average_order_value, None).score


def test_days_keep_the_standard_that_is_effective_on_them(built: WarehouseBuilder) -> None:
    versions = built.frame("select distinct as_of_date, standard_version from marts.customer_segments order by 1")
    by_day = dict(zip(versions["as_of_date"], versions["standard_version"], strict=True))
    for start, standard in STANDARDS.items():
        assert by_day[start] == by_day[start + timedelta(days=13)] == standard_of(standard).version
