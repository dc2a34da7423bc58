"""Two standards side by side: what they say differently, and which stored days hold the classes of an older one."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.standards import Standard
from dagster_project.settings.standards.differences import Difference, differences
from dagster_project.settings.yaml_documents import load_model
from dagster_project.warehouse.standard_register import read_standards, register_standard, with_standard
from dagster_project.warehouse.standard_use import OutdatedDays, outdated_days

MEMBERSHIP: dict[str, Any] = {
    "dimension": "membership",
    "label": {"en": "Membership", "zh": "会员"},
    "rules": [{"class": "gold", "label": {"en": "Gold", "zh": "金卡"}, "when": "order_count >= 5"}],
    "default": {"class": "guest", "label": {"en": "Guest", "zh": "散客"}},
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    shipped: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "config" / "standards.yaml").read_text(encoding="utf-8"))
    return shipped


@pytest.fixture
def shipped(document: dict[str, Any]) -> Standard:
    return Standard.model_validate(document)


def changed(document: dict[str, Any], **sections: Any) -> Standard:
    return Standard.model_validate({**document, **sections})


def test_a_standard_does_not_differ_from_itself_however_its_numbers_are_written(
    document: dict[str, Any], shipped: Standard
) -> None:
    value = document["value"]
    rewritten = changed(document, value={**value, "share": {"high": "0.8", "mid": "0.950"}})
    assert differences(shipped, rewritten) == []


def test_each_difference_is_told_by_its_place_in_the_file(document: dict[str, Any], shipped: Standard) -> None:
    labels = {**document["labels"], "value_tier": {**document["labels"]["value_tier"]}}
    labels["value_tier"]["high"] = {"en": "Best", "zh": "最佳"}
    other = changed(
        document,
        name="half a year",
        effective_from=date(2024, 7, 1),
        window_days=180,
        value={**document["value"], "share": {"high": "0.7", "mid": "0.95"}},
        labels=labels,
    )
    assert differences(shipped, other) == [
        Difference("name", shipped.name, "half a year"),
        Difference("effective_from", "", "2024-07-01"),
        Difference("window_days", "365", "180"),
        Difference("value.share.high", "0.8", "0.7"),
        Difference("labels.value_tier.high", "High value / 高价值", "Best / 最佳"),
    ]
    assert {each.place for each in differences(other, shipped)} == {each.place for each in differences(shipped, other)}


def test_items_of_a_list_are_told_by_their_code_and_their_order(document: dict[str, Any], shipped: Standard) -> None:
    matrices = document["matrices"]
    turned = changed(document, matrices=[matrices[1], matrices[0], *matrices[2:]])
    [order] = differences(shipped, turned)
    assert order.place == "matrices"
    assert order.before.startswith("in this order: value_frequency, value_potential")
    assert order.after.startswith("in this order: value_potential, value_frequency")
    cut = {**matrices[1], "y": {**matrices[1]["y"], "cut": 60}}
    assert differences(shipped, changed(document, matrices=[matrices[0], cut, *matrices[2:]])) == [
        Difference("matrices[value_potential].y.cut", "50", "60")
    ]


def test_an_own_dimension_that_only_one_has_is_told_whole(document: dict[str, Any], shipped: Standard) -> None:
    other = changed(document, dimensions=[MEMBERSHIP])
    told = {each.place: each.after for each in differences(shipped, other)}
    assert told["dimensions"] == "in this order: membership"
    assert told["dimensions[membership].rules[gold].when"].lower() == "order_count >= 5"
    assert told["dimensions[membership].default.label"] == "Guest / 散客"


def test_the_three_examples_differ_from_the_shipped_standard_and_load_beside_it(shipped: Standard) -> None:
    for name in ("shop-vip", "bank", "telecom"):
        other = load_model(PROJECT_ROOT / "config" / "examples" / f"{name}.yaml", Standard)
        assert len(differences(shipped, other)) > 5


# --- days -------------------------------------------------------------------------------------------------------------


def versions_of(*standards: Standard) -> list[str]:
    return [standard.version for standard in standards]


def test_days_of_the_version_that_holds_are_not_outdated(shipped: Standard) -> None:
    register = with_standard([], shipped)
    assert outdated_days({date(2024, 1, 1): shipped.version}, register) == []
    assert outdated_days({}, register) == []


def test_neighbouring_days_of_one_change_are_told_together(document: dict[str, Any], shipped: Standard) -> None:
    short = changed(document, name="short", window_days=180, effective_from=date(2024, 1, 3))
    register = with_standard(with_standard([], shipped), short)
    old, new = versions_of(shipped, short)
    days = [date(2024, 1, 1) + timedelta(days=index) for index in range(6)]
    # The first two are before the change, the fourth was rebuilt after it.
    built = dict(zip(days, [old, old, old, new, old, old], strict=True))
    assert outdated_days(built, register) == [
        OutdatedDays(days[2], days[2], 1, old, shipped.name, new, "short"),
        OutdatedDays(days[4], days[5], 2, old, shipped.name, new, "short"),
    ]


def test_a_version_that_is_in_no_register_is_told_without_a_name(shipped: Standard) -> None:
    [outdated] = outdated_days({date(2024, 1, 1): "0123456789ab"}, with_standard([], shipped))
    assert (outdated.version, outdated.name, outdated.name_now) == ("0123456789ab", "", shipped.name)


def test_days_before_every_standard_are_left_to_the_run_that_rebuilds_them(document: dict[str, Any]) -> None:
    late = changed(document, effective_from=date(2024, 1, 3))
    assert outdated_days({date(2024, 1, 1): "0123456789ab"}, with_standard([], late)) == []


def test_a_look_at_the_register_registers_nothing(tmp_path: Path, document: dict[str, Any], shipped: Standard) -> None:
    short = changed(document, window_days=180)
    assert [entry.sequence for entry in with_standard(register_standard(tmp_path, shipped), short)] == [1, 2]
    assert [entry.standard.version for entry in read_standards(tmp_path)] == versions_of(shipped)
    assert with_standard(read_standards(tmp_path), shipped) == read_standards(tmp_path)
