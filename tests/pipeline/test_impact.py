"""What `strata impact` says of hand-made customers whose classes are known, and what it leaves alone.

Customers are classified by the project's compiled models in memory and published by the real publishing; impact reads
that copy as it would any other.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from company import make_company
from compiled_warehouse import CompiledWarehouse
from warehouse_builder import shipped_standard

from dagster_project.errors import StrataError
from dagster_project.explaining.serving_copy import ReadingError
from dagster_project.impact import Impact, ImpactError, impact_tables, measure_impact, write_impact_page
from dagster_project.impact.result import DimensionImpact, KeptSpan, Move, Presence
from dagster_project.publishing.serving import FILE_NAME, publish_serving_copy
from dagster_project.settings.publishing import Language
from dagster_project.settings.standards import Standard

DAY = date(2024, 12, 31)
OUT_OF_RANGE = date(2024, 12, 30)
LABEL = {"en": "Made", "zh": "自定"}


def document_of(standard: Standard) -> dict[str, Any]:
    """The standard as its file has it."""
    document: dict[str, Any] = standard.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["rfm"].setdefault("grid", "none")
    return document


def changed(standard: Standard, **sections: Any) -> Standard:
    """The standard with top-level keys of its document replaced, or merged where both are mappings."""
    document = document_of(standard)
    for key, value in sections.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            document[key] = {**document[key], **value}
        else:
            document[key] = value
    return Standard.model_validate(document)


PRESENT = changed(
    shipped_standard(),
    name="present",
    lifecycle={"method": "fixed", "fixed": {"silence_days": 90, "churn_days": 365}},
    value={"method": "threshold", "threshold": {"high": "1000", "mid": "300"}},
)
# Order days and amounts. As of DAY: `large` and `steady` are high, `middle` and `small` mid, the others low.
ORDERS: dict[str, list[tuple[date, str]]] = {
    "large": [(date(2024, 12, 1), "1200.00")],
    "steady": [(date(2024, 3, 1), "900.00"), (date(2024, 11, 1), "150.00")],
    "middle": [(date(2024, 6, 1), "800.00")],
    "small": [(date(2024, 2, 1), "400.00")],
    "gone": [(date(2023, 6, 1), "5000.00")],
    "late": [(date(2024, 12, 20), "50.00")],
}
CUSTOMERS = len(ORDERS) + 1  # one has never ordered


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def publish(warehouse: CompiledWarehouse) -> Path:
    """Publish the serving copy of a built warehouse, and keep its compiled models where impact looks for them."""
    paths = warehouse.settings.paths
    with warehouse.connect() as con:
        copy = publish_serving_copy(
            con,
            folder=paths.published / "serving",
            settings=warehouse.settings.publishing,
            days=[],
            code_version="test",
            anew=True,
        )
    shutil.copytree(warehouse.compiled, paths.data / "dbt", dirs_exist_ok=True)
    return copy.path


@pytest.fixture(scope="module")
def shop(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledWarehouse]:
    """The hand-made customers, published for DAY; read it, do not change it."""
    warehouse = CompiledWarehouse(tmp_path_factory.mktemp("shop"), compiled=compiled_models)
    warehouse.use_standards([PRESENT])
    warehouse.land(
        "orders",
        [
            {
                "source": "shop",
                "order_id": f"{customer}-{number}",
                "customer_ref": customer,
                "ordered_at": _noon(day),
                "status": "completed",
                "gross_amount": amount,
                "discount_amount": "0.00",
                "currency": "EUR",
                "channel": "shop",
            }
            for customer, orders in ORDERS.items()
            for number, (day, amount) in enumerate(orders)
        ],
    )
    known = {"source": "shop", "customer_ref": "hopeful", "kind": "person", "created_at": _noon(date(2024, 5, 1))}
    warehouse.land("customers", [known])
    warehouse.build([DAY])
    publish(warehouse)
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="module")
def ids(shop: CompiledWarehouse) -> dict[str, int]:
    """Ids of the customers by their reference."""
    rows = shop.frame("select customer_ref, customer_id from identity.customer_aliases")
    return dict(zip(rows["customer_ref"], rows["customer_id"], strict=True))


def impact_of(warehouse: CompiledWarehouse, **sections: Any) -> Impact:
    return measure_impact(warehouse.settings, changed(warehouse.settings.standard, **sections))


@pytest.fixture(scope="module")
def lowered(shop: CompiledWarehouse) -> Impact:
    """The impact of a lower cut for high value."""
    return impact_of(shop, value={"threshold": {"high": "750", "mid": "300"}})


def dimension(impact: Impact, code: str) -> DimensionImpact:
    [found] = [each for each in impact.dimensions if each.dimension == code]
    return found


def moved(impact: Impact, code: str) -> dict[tuple[str | None, str | None], tuple[int, Decimal]]:
    """Who changes class in a dimension, and their revenue."""
    moves = dimension(impact, code).moves
    return {(move.class_from, move.class_to): (move.customers, move.revenue) for move in moves if move.is_moved}


def test_a_lower_cut_moves_exactly_who_stands_between_the_two_cuts(lowered: Impact) -> None:
    assert moved(lowered, "value_tier") == {("mid", "high"): (1, Decimal("800.00"))}
    assert lowered.customers_moved == 1
    assert [each.dimension for each in lowered.dimensions if each.customers_moved] == ["value_tier"]
    assert (lowered.customers, lowered.revenue) == (CUSTOMERS, Decimal("3500.00"))


def test_a_value_equal_to_the_new_cut_moves_and_one_cent_above_it_does_not(shop: CompiledWarehouse) -> None:
    at = impact_of(shop, value={"threshold": {"high": "800.00", "mid": "300"}})
    above = impact_of(shop, value={"threshold": {"high": "800.01", "mid": "300"}})
    assert moved(at, "value_tier") == {("mid", "high"): (1, Decimal("800.00"))}
    assert moved(above, "value_tier") == {}
    assert above.customers_moved == 0


def test_who_stays_is_counted_too_so_that_every_customer_is_in_one_cell(lowered: Impact) -> None:
    assert set(dimension(lowered, "value_tier").moves) == {
        Move("high", "high", 2, Decimal("2250.00")),
        Move("mid", "high", 1, Decimal("800.00")),
        Move("mid", "mid", 1, Decimal("400.00")),
        Move("low", "low", 2, Decimal("50.00")),
        Move("prospect", "prospect", 1, Decimal("0.00")),
    }
    assert {each.dimension: each.customers for each in lowered.dimensions} == dict.fromkeys(
        [each.dimension for each in lowered.dimensions], CUSTOMERS
    )


def test_a_shorter_window_is_measured_anew_from_customer_days(shop: CompiledWarehouse) -> None:
    """180 days leave `steady` 150.00 and `middle` and `small` nothing; revenue shown stays as published."""
    impact = impact_of(shop, window_days=180)
    assert moved(impact, "value_tier") == {
        ("high", "low"): (1, Decimal("1050.00")),
        ("mid", "low"): (2, Decimal("1200.00")),
    }
    scored_out = {key: count for key, (count, _) in moved(impact, "rfm_segment").items() if key[1] == "out_of_window"}
    assert sum(scored_out.values()) == 2


def test_shorter_limits_of_silence_move_who_lies_between_them(shop: CompiledWarehouse) -> None:
    """Recency is 60 days for `steady`, 213 for `middle` and 334 for `small`."""
    impact = impact_of(shop, lifecycle={"fixed": {"silence_days": 59, "churn_days": 333}})
    assert moved(impact, "lifecycle_stage") == {
        ("active", "silent"): (1, Decimal("1050.00")),
        ("silent", "churned"): (1, Decimal("400.00")),
    }
    unmoved = impact_of(shop, lifecycle={"fixed": {"silence_days": 60, "churn_days": 334}})
    assert moved(unmoved, "lifecycle_stage") == {}


def test_a_new_matrix_is_shown_by_its_sizes_and_moves_nobody(shop: CompiledWarehouse) -> None:
    matrix = {
        "matrix": "made",
        "x": {"measure": "revenue_window", "cut": "1000"},
        "y": {"measure": "order_count_window", "cut": "2"},
        "quadrants": {"high_high": "both", "high_low": "rich", "low_high": "busy", "low_low": "neither"},
    }
    impact = impact_of(
        shop,
        matrices=[*document_of(PRESENT)["matrices"], matrix],
        labels={"made": dict.fromkeys(["both", "rich", "busy", "neither", "unknown"], LABEL)},
        dimension_labels={"made": LABEL},
    )
    made = dimension(impact, "made")
    assert made.presence is Presence.ADDED
    assert set(made.moves) == {
        Move(None, "both", 1, Decimal("1050.00")),
        Move(None, "rich", 1, Decimal("1200.00")),
        Move(None, "neither", 5, Decimal("1250.00")),
    }
    assert (made.customers_moved, impact.customers_moved) == (0, 0)


def test_a_matrix_left_out_is_shown_as_going(shop: CompiledWarehouse) -> None:
    document = document_of(PRESENT)
    document["matrices"] = [matrix for matrix in document["matrices"] if matrix["matrix"] != "importance_urgency"]
    document["playbook"] = {"order": [], "plans": {}}
    for words in ("labels", "dimension_labels"):
        del document[words]["importance_urgency"]
    impact = measure_impact(shop.settings, Standard.model_validate(document))
    gone = dimension(impact, "importance_urgency")
    assert gone.presence is Presence.REMOVED
    assert {move.class_to for move in gone.moves} == {None}
    assert sum(move.customers for move in gone.moves) == CUSTOMERS
    assert gone.label == PRESENT.dimension_labels["importance_urgency"]


def test_an_own_dimension_is_shown_and_its_next_change_is_a_move(
    shop: CompiledWarehouse, compiled_models: Path
) -> None:
    def own(at_least: int) -> list[dict[str, Any]]:
        rule = {"class": "gold", "label": LABEL, "when": f"revenue_window >= {at_least}"}
        return [{"dimension": "club", "label": LABEL, "rules": [rule], "default": {"class": "nobody", "label": LABEL}}]

    added = dimension(impact_of(shop, dimensions=own(1000)), "club")
    assert added.presence is Presence.ADDED
    assert {(move.class_to, move.customers) for move in added.moves} == {("gold", 2), ("nobody", 5)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop, "settings", shop.settings)  # put back what the rebuild below changes
        shop.use_standards([changed(PRESENT, dimensions=own(1000))])
        shop.build([DAY])
        publish(shop)
        try:
            impact = impact_of(shop, dimensions=own(1100))
        finally:
            shutil.rmtree(shop.settings.paths.standards)
            shop.use_standards([PRESENT])
            shop.build([DAY])
            publish(shop)
    assert moved(impact, "club") == {("gold", "nobody"): (1, Decimal("1050.00"))}
    [example] = dimension(impact, "club").examples
    assert "revenue_window >= 1000" in example.present_reason.en
    assert example.proposed_reason.en == "no rule holds"


def test_examples_are_named_by_id_with_the_reason_under_both_standards(lowered: Impact, ids: dict[str, int]) -> None:
    [example] = dimension(lowered, "value_tier").examples
    assert (example.customer_id, example.revenue) == (ids["middle"], Decimal("800.00"))
    assert (example.class_from, example.class_to) == ("mid", "high")
    assert "800.00" in example.present_reason.en
    assert "300.00" in example.present_reason.en
    assert "750.00" in example.proposed_reason.en
    assert "750.00" in example.proposed_reason.zh


def test_no_more_than_five_examples_of_three_moves_are_given_the_most_revenue_first(
    crowd: CompiledWarehouse,
) -> None:
    impact = impact_of(crowd, window_days=120)
    for each in impact.dimensions:
        by_move = defaultdict(list)
        for example in each.examples:
            by_move[example.class_from, example.class_to].append(example.revenue)
        assert len(by_move) <= 3
        sizes = {(move.class_from, move.class_to): move.customers for move in each.moves}
        for move, revenues in by_move.items():
            assert revenues == sorted(revenues, reverse=True)
            assert len(revenues) == min(5, sizes[move])
    assert sum(len(each.examples) for each in impact.dimensions) > 20


@pytest.fixture(scope="module")
def crowd(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledWarehouse]:
    """A made-up company with every entity, published for a day under the shipped standard."""
    warehouse = CompiledWarehouse(tmp_path_factory.mktemp("crowd"), compiled=compiled_models)
    for entity, rows in make_company(11).items():
        warehouse.land(entity, rows)
    warehouse.build([date(2023, 5, 15)])
    publish(warehouse)
    yield warehouse
    warehouse.close()


# Standards whose every measure customer days can tell, so that a real build must come to the same classes.
TOLD_BY_CUSTOMER_DAYS: list[dict[str, Any]] = [
    {"rfm": {"method": "mean", "grid": "none"}},
    {"rfm": {"method": "quantile", "bins": 3, "grid": "none", "type_cut": "median"}},
    {"lifecycle": {"method": "fixed"}, "value": {"method": "percentile"}},
    {"value": {"measure": "margin"}, "urgency": {"close_days": 5}, "needs": {"type_cut": "0.5"}},
    {"potential": {"company_sizes": ["small", "medium", "large"], "industry_outlook": {"retail": "0.9"}}},
]


@pytest.mark.parametrize("sections", TOLD_BY_CUSTOMER_DAYS, ids=lambda sections: "-".join(sections))
def test_moves_are_those_between_two_real_builds(
    crowd: CompiledWarehouse, compiled_models: Path, tmp_path: Path, sections: dict[str, Any]
) -> None:
    impact = impact_of(crowd, **sections)
    other = CompiledWarehouse(tmp_path, compiled=compiled_models)
    other.use_standards([changed(crowd.settings.standard, **sections)])
    for entity, rows in make_company(11).items():
        other.land(entity, rows)
    other.build([date(2023, 5, 15)])
    before, after = classes_of(crowd), classes_of(other)
    other.close()
    assert before.keys() == after.keys()
    expected: dict[tuple[str, str, str], int] = defaultdict(int)
    for customer_id, code in before:
        expected[code, before[customer_id, code], after[customer_id, code]] += 1
    assert {
        (each.dimension, move.class_from, move.class_to): move.customers
        for each in impact.dimensions
        for move in each.moves
    } == expected
    assert impact.kept_spans == ()


def classes_of(warehouse: CompiledWarehouse) -> dict[tuple[int, str], str]:
    """The class of every customer in every dimension, as the marts have it."""
    fixed = ["lifecycle_stage", "value_tier", "rfm_segment", "rfm_type", "need_clarity", "need_type", "need_motive"]
    flags = ["is_loyal", "is_high_frequency", "is_trial_converted", "is_at_risk", "is_potential_buyer"]
    segments = warehouse.frame(f"select customer_id, {', '.join(fixed + flags)} from marts.customer_segments")
    found: dict[tuple[int, str], str] = {}
    for row in segments.to_dict("records"):
        found |= {(row["customer_id"], code): row[code] for code in fixed}
        found |= {(row["customer_id"], code): {True: "yes", False: "no", None: "unknown"}[row[code]] for code in flags}
    matrices = warehouse.frame("select customer_id, matrix, quadrant from marts.customer_matrices")
    return found | {(customer, matrix): quadrant for customer, matrix, quadrant in matrices.itertuples(index=False)}


def test_both_standards_are_tested_on_the_same_past_month_ends(lowered: Impact) -> None:
    """Counted by hand from the orders: tiers at twelve month ends, and what was bought in the 90 days after each."""
    cuts = {"present": Decimal(1000), "proposed": Decimal(750)}
    month_ends = [date(2023, month, day) for month, day in ((10, 31), (11, 30), (12, 31))]
    month_ends += [
        date(2024, month, day)
        for month, day in ((1, 31), (2, 29), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30))
    ]
    for side, backtest in (("present", lowered.present_backtest), ("proposed", lowered.proposed_backtest)):
        high, everybody = Decimal(0), Decimal(0)
        high_customers, customers, silent, returned = 0, 0, 0, 0
        for end in month_ends:
            customers += end >= date(2024, 5, 1)  # who has not ordered yet is known from then on
            for orders in ORDERS.values():
                past = [(day, Decimal(amount)) for day, amount in orders if day <= end]
                if not past:
                    continue  # not a customer yet
                following = [Decimal(amount) for day, amount in orders if end < day <= end + timedelta(days=90)]
                window = sum((amount for day, amount in past if day > end - timedelta(days=365)), Decimal(0))
                everybody += sum(following, Decimal(0))
                high += sum(following, Decimal(0)) if window >= cuts[side] else 0
                high_customers += window >= cuts[side]
                customers += 1
                if 90 < (end - past[-1][0]).days <= 365:
                    silent += 1
                    returned += bool(following)
        assert (backtest.month_ends, backtest.first_on, backtest.last_on) == (12, month_ends[0], month_ends[-1])
        assert backtest.high_value_customer_share == (Decimal(high_customers) / customers).quantize(Decimal("0.000001"))
        assert backtest.high_value_revenue_share == (high / everybody).quantize(Decimal("0.000001"))
        assert backtest.silent_return_rate == (Decimal(returned) / silent).quantize(Decimal("0.000001"))


def test_a_setting_that_only_raw_rows_can_follow_is_named_with_what_it_leaves(crowd: CompiledWarehouse) -> None:
    impact = impact_of(
        crowd,
        features={"premium": {"cut": 3, "of": 4}, "novelty_days": 30},
        needs={"days": 7},
        behaviour={"trial_categories": ["sample"]},
    )
    assert impact.kept_spans == (
        KeptSpan("features.novelty_days", ("novelty_share",)),
        KeptSpan("needs.days", ("recent_views", "recent_carts")),
        KeptSpan("behaviour.trial_categories", ("is_trial_converted",)),
    )


def test_what_is_unknown_of_everybody_is_not_named(shop: CompiledWarehouse) -> None:
    assert impact_of(shop, needs={"days": 7}, features={"novelty_days": 30}).kept_spans == ()


def test_a_window_names_what_own_rules_read_of_it(shop: CompiledWarehouse) -> None:
    rule = {"class": "counter", "label": LABEL, "when": "top_channel = 'shop'"}
    own = [{"dimension": "where", "label": LABEL, "rules": [rule], "default": {"class": "else", "label": LABEL}}]
    assert impact_of(shop, window_days=90).kept_spans == ()
    assert impact_of(shop, window_days=90, dimensions=own).kept_spans == (KeptSpan("window_days", ("top_channel",)),)


def test_other_words_and_plans_move_nobody_and_it_says_so(shop: CompiledWarehouse) -> None:
    impact = impact_of(shop, name="other words", playbook={"budget": 5})
    assert impact.present.version == impact.proposed.version
    assert (impact.customers_moved, impact.differences) == (0, ())
    said = [str(cell) for table in impact_tables(impact, Language.ENGLISH) for cell in table.columns[0].cells]
    assert any("same version" in cell for cell in said)


def test_clusters_that_nobody_fitted_yet_are_named(shop: CompiledWarehouse) -> None:
    impact = impact_of(shop, clusters={"count": 3, "seed": 1})
    assert impact.lacks_cluster_fit
    assert {move.class_to for move in dimension(impact, "cluster").moves} == {"unknown"}


def state_of(folder: Path) -> dict[str, str]:
    """Fingerprints of all files below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


HOLD = """
import sys
from pathlib import Path
from dagster_project.warehouse import held
with held(Path(sys.argv[1]), who="a run", wait_seconds=1) as warehouse, warehouse.connection():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_needs_no_lock_writes_nothing_and_leaves_nothing_behind(
    shop: CompiledWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    warehouse = shop.settings.paths.warehouse
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(duckdb.IOException, match="lock"):
            duckdb.connect(str(warehouse), read_only=True)
        before = state_of(shop.settings.paths.data)
        impact = impact_of(shop, value={"threshold": {"high": "750", "mid": "300"}})
        assert state_of(shop.settings.paths.data) == before
        assert holder.poll() is None
    finally:
        holder.communicate("")
        warehouse.unlink()
    assert impact.customers_moved == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def copied(shop: CompiledWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompiledWarehouse:
    """The shop with a data folder of its own, to be changed."""
    data = tmp_path / "data"
    shutil.copytree(shop.settings.paths.data, data)
    settings = replace(shop.settings, paths=replace(shop.settings.paths, data=data))
    monkeypatch.setattr(shop, "settings", settings)
    return shop


def serving_copy_of(warehouse: CompiledWarehouse) -> Path:
    path: Path = warehouse.settings.paths.published / "serving" / FILE_NAME
    path.chmod(0o644)
    return path


def test_a_day_whose_published_classes_are_not_those_of_its_standard_is_refused(copied: CompiledWarehouse) -> None:
    with duckdb.connect(str(serving_copy_of(copied))) as con:
        con.execute("update customer_segments set value_tier = 'high' where value_tier = 'mid'")
    with pytest.raises(ImpactError, match=r"value_tier: 2.*strata backfill --from 2024-12-31 --to 2024-12-31"):
        impact_of(copied, window_days=180)


def test_a_day_that_later_rows_have_changed_is_refused(copied: CompiledWarehouse) -> None:
    with duckdb.connect(str(serving_copy_of(copied))) as con:
        con.execute("delete from customer_days where business_day = date '2024-12-20'")
    with pytest.raises(ImpactError, match="lifecycle_stage: 1"):
        impact_of(copied, window_days=180)


@pytest.mark.parametrize("table", ["customer_days", "customer_features", "dim_customers"])
def test_a_table_that_is_needed_and_not_published_is_named_with_the_cure(copied: CompiledWarehouse, table: str) -> None:
    with duckdb.connect(str(serving_copy_of(copied))) as con:
        con.execute(f"drop table {table}")
    with pytest.raises(ImpactError, match=rf"{table} is not published.*publishing\.yaml"):
        impact_of(copied, window_days=180)


def test_a_standard_that_is_in_no_register_is_refused(copied: CompiledWarehouse) -> None:
    with duckdb.connect(str(serving_copy_of(copied))) as con:
        con.execute("update publication set standard_version = 'other'")
    with pytest.raises(ImpactError, match="classified by the standard other"):
        impact_of(copied, window_days=180)


def test_a_day_that_is_not_published_is_refused_with_the_nearest(shop: CompiledWarehouse) -> None:
    with pytest.raises(ReadingError, match=r"2024-12-30 is not stored.*2024-12-31"):
        measure_impact(shop.settings, shop.settings.standard, OUT_OF_RANGE)


def test_a_standard_in_a_file_is_checked_with_its_line(shop: CompiledWarehouse, tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text("name: new\nwindow_dayz: 3\n", encoding="utf-8")
    with pytest.raises(StrataError, match=r"new\.yaml:2: window_dayz"):
        measure_impact(shop.settings, path)


def test_it_says_what_it_does_and_compares_the_newest_day(shop: CompiledWarehouse) -> None:
    said: list[str] = []
    impact = measure_impact(shop.settings, shop.settings.standard, say=said.append)
    assert impact.day == DAY
    assert said[-1] == "comparing"
    assert f"classifying {DAY} by the proposed standard" in said


@pytest.mark.parametrize("language", list(Language))
def test_the_page_is_one_file_named_by_day_versions_and_language(
    lowered: Impact, tmp_path: Path, language: Language
) -> None:
    path = write_impact_page(lowered, tmp_path, language)
    assert path.name == f"2024-12-31-{lowered.present.version}-{lowered.proposed.version}-{language}.html"
    written = path.read_bytes()
    page = written.decode("utf-8")
    for label in (PRESENT.labels["value_tier"]["mid"], PRESENT.dimension_labels["value_tier"]):
        assert (label.en if language is Language.ENGLISH else label.zh) in page
    body = page[page.index("<main>") : page.index("</main>")]
    assert "http" not in body
    assert write_impact_page(lowered, tmp_path, language).read_bytes() == written


def test_a_label_cannot_end_the_script_or_add_to_the_page(shop: CompiledWarehouse, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    labels = document_of(PRESENT)["labels"]
    labels["value_tier"]["high"] = {"en": hostile, "zh": hostile}
    impact = impact_of(shop, name=hostile, labels=labels, value={"threshold": {"high": "750", "mid": "300"}})
    page = write_impact_page(impact, tmp_path, Language.ENGLISH).read_text(encoding="utf-8")
    assert hostile not in page
    assert page.count("alert(1)") > 1


def test_tables_tell_the_moves_the_reasons_and_the_backtest(lowered: Impact) -> None:
    cells = [[list(column.cells) for column in table.columns] for table in impact_tables(lowered, Language.ENGLISH)]
    overview, moves, examples, backtest, foresight = cells
    row = overview[0].index("Value tier")
    assert [column[row] for column in overview] == ["Value tier", "1", "14.3%", "€800", "22.9%"]
    assert [column[0] for column in moves] == ["Mid value", "High value", "1", "14.3%", "€800"]
    assert "750.00" in str(examples[3][0])
    assert len(backtest[0]) == 4
    assert "Value tier" in foresight[0]
    assert len(foresight) == 5
