"""Grids, limits and cuts agree with each other, and each day keeps the standard that is effective on it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standard_workshop import SHIPPED, changed, own_dimension
from warehouse_builder import shipped_standard

from dagster_project.errors import SettingsError, StrataError
from dagster_project.settings.standards import Grid, GridSegment, RhythmLimit, Standard
from dagster_project.settings.yaml_documents import load_model
from dagster_project.warehouse.standard_register import read_standards, register_standard, standard_effective_on

RHYTHM = shipped_standard().lifecycle.own_rhythm


def test_the_shipped_grid_puts_each_of_25_cells_in_one_segment() -> None:
    grid = shipped_standard().rfm.grid
    assert isinstance(grid, Grid)
    cells = grid.assignment()
    assert len(cells) == 25
    assert cells[5, 5] == cells[5, 4] == "champions"
    assert cells[1, 5] == cells[2, 5] == "cannot_lose"
    assert cells[1, 1] == "hibernating"
    assert cells[3, 3] == "need_attention"


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([("a", (1, 2), (1, 1))], "leaves R1F2, R2F2 uncovered"),
        ([("a", (1, 2), (1, 2)), ("b", (2, 2), (2, 2))], "covers R2F2 more than once"),
        ([("a", (1, 3), (1, 2))], "R3F1, R3F2, outside its 2 bins"),
    ],
)
def test_a_grid_names_the_cells_that_are_wrong(segments: list[tuple[str, Any, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Grid(bins=2, segments=tuple(GridSegment(segment=name, r=r, f=f) for name, r, f in segments))


def test_a_segment_that_no_cell_reaches_is_named() -> None:
    everywhere = {"r": (1, 2), "f": (1, 2)}
    with pytest.raises(ValidationError, match="no cell reaches: never"):
        Grid.model_validate(
            {
                "bins": 2,
                "segments": [
                    {"segment": "all", "priority": 1, **everywhere},
                    {"segment": "never", "priority": 2, "r": (1, 1), "f": (1, 1)},
                ],
            }
        )


def test_of_overlapping_segments_the_smaller_priority_wins() -> None:
    grid = Grid.model_validate(
        {
            "bins": 2,
            "segments": [
                {"segment": "rest", "priority": 2, "r": (1, 2), "f": (1, 2)},
                {"segment": "best", "priority": 1, "r": (2, 2), "f": (2, 2)},
            ],
        }
    )
    assert grid.assignment()[2, 2] == "best"
    assert grid.assignment()[1, 1] == "rest"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rfm": {"method": "mean"}}, "mean gives 2 R and 2 F scores, the grid has 5 bins"),
        ({"rfm": {"method": "threshold"}}, "rfm.thresholds is missing"),
        (
            {"rfm": {"thresholds": {"recency": [30, 30], "frequency": [2], "monetary": [1]}}},
            "cuts of recency must rise; 30 follows 30",
        ),
        ({"value": {"share": {"high": 0.95, "mid": 0.8}}}, "value.share must hold 0 < high < mid"),
        ({"value": {"method": "threshold"}}, "value.threshold is missing"),
        ({"value": {"threshold": {"high": 1, "mid": 2}}}, "high must be greater than"),
        ({"lifecycle": {"fixed": {"silence_days": 365, "churn_days": 365}}}, "must be smaller than churn_days"),
        ({"windowdays": 3}, "windowdays"),
    ],
)
def test_a_standard_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        changed(**changes)


def test_silence_limits_that_could_reach_the_churn_limits_are_refused() -> None:
    rhythm = {
        "silence": {"multiplier": 2, "at_least": 30, "at_most": 180},
        "churn": {"multiplier": 4, "at_least": 90, "at_most": 170},
    }
    with pytest.raises(ValidationError, match=r"silence limit \(180.0\) would reach the churn limit \(170.0\)"):
        changed(lifecycle={"own_rhythm": rhythm})


@given(gap=st.decimals(0, 2000, places=2))
def test_whatever_the_rhythm_silence_comes_before_churn(gap: Decimal) -> None:
    assert RHYTHM.silence.limit(gap) < RHYTHM.churn.limit(gap)


def test_a_limit_is_kept_within_its_bounds() -> None:
    limit = RhythmLimit(multiplier=Decimal(2), at_least=30, at_most=180)
    assert [limit.limit(Decimal(gap)) for gap in (14, 15, 20, 90, 91)] == [30, 30, 40, 180, 180]


def test_a_wrong_grid_is_refused_for_what_is_wrong_with_it_alone(tmp_path: Path) -> None:
    broken = tmp_path / "standards.yaml"
    broken.write_text(
        SHIPPED.replace("segment: champions, r: [5, 5]", "segment: champions, r: [4, 5]"), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match="covers R4F4, R4F5 more than once") as refused:
        load_model(broken, Standard)
    assert "should be" not in str(refused.value)


def test_each_class_needs_its_labels_in_both_languages(tmp_path: Path) -> None:
    broken = tmp_path / "standards.yaml"
    broken.write_text(SHIPPED.replace("    silent: { en: Silent, zh: 沉默客户 }\n", ""), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"labels\.lifecycle_stage: lacks silent"):
        load_model(broken, Standard)
    broken.write_text(SHIPPED.replace("{ en: Silent, zh: 沉默客户 }", "{ en: Silent }"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"silent.*zh"):
        load_model(broken, Standard)


def test_a_day_keeps_the_standard_effective_on_it(tmp_path: Path) -> None:
    first, second = shipped_standard(), changed(window_days=180, effective_from="2024-03-01")
    register_standard(tmp_path, first)
    register = register_standard(tmp_path, second)
    assert standard_effective_on(date(2024, 2, 29), register) == first
    assert standard_effective_on(date(2024, 3, 1), register) == second
    assert read_standards(tmp_path) == register


def test_of_two_standards_with_one_start_the_later_registered_holds(tmp_path: Path) -> None:
    first, second = shipped_standard(), changed(window_days=180)
    for standard in (first, second, first):
        register = register_standard(tmp_path, standard)
    assert standard_effective_on(date(2024, 1, 1), register) == first
    assert register_standard(tmp_path, first) == register


def test_a_standard_registered_before_the_newer_sections_is_still_read(tmp_path: Path) -> None:
    newer = (
        "features",
        "potential",
        "urgency",
        "matrices",
        "needs",
        "behaviour",
        "clusters",
        "dimensions",
        "stability",
    )
    words = ("playbook", "dimension_labels")
    plain = shipped_standard().model_dump(mode="json")
    older = {part: value for part, value in plain.items() if part not in (*newer, *words)}
    older["labels"] = {"value_tier": plain["labels"]["value_tier"]}
    (tmp_path / "000001-0123456789ab.json").write_text(json.dumps(older), encoding="utf-8")
    [entry] = read_standards(tmp_path)
    assert entry.standard.rfm == shipped_standard().rfm
    assert entry.standard.matrices == ()
    assert entry.standard.features.premium.cut == 3


def test_a_registered_standard_reads_as_it_was_written(tmp_path: Path) -> None:
    standard = changed(
        rfm={"grid": "none"},
        clusters={"count": 3, "seed": 1},
        dimensions=[own_dimension("order_count > 1", "revenue_window >= 0.10")],
    )
    [entry] = register_standard(tmp_path, standard)
    assert read_standards(tmp_path) == [entry]
    assert entry.standard == standard
    assert read_standards(tmp_path)[0].standard.version == standard.version


def test_a_day_before_every_standard_is_refused_with_the_cure(tmp_path: Path) -> None:
    register = register_standard(tmp_path, changed(effective_from="2024-03-01"))
    with pytest.raises(StrataError, match="first one starts on 2024-03-01"):
        standard_effective_on(date(2024, 2, 29), register)
