"""The version of a standard is decided by what can change a class, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError
from standard_workshop import changed, own_dimension
from warehouse_builder import shipped_standard

from dagster_project.settings.standards import REGISTERED, Standard

WORDS = ("name", "effective_from", "labels", "dimension_labels", "playbook", "stability")
OTHER_CHOICE = {
    "quantile": "mean",
    "mean": "median",
    "own_rhythm": "fixed",
    "revenue": "margin",
    "share": "percentile",
    "mbg_nbd": "pareto_nbd",
    "order_count > 1": "order_count > 2",
    "Qualification": "Needs Analysis",
}


def everything() -> dict[str, Any]:
    """A standard that says something in every section, as plain values."""
    cuts = {"recency": [30, 60, 120, 240], "frequency": [2, 4, 8, 16], "monetary": [100, 300, 900, 2700]}
    standard = changed(
        rfm={"grid": "none", "thresholds": cuts},
        value={"threshold": {"high": 1000, "mid": 200}},
        potential={"industry_outlook": {"software": 0.9}, "company_sizes": ["small", "large"]},
        behaviour={"trial_categories": ["samples"]},
        clusters={"count": 4, "seed": 7},
        dimensions=[own_dimension("order_count > 1")],
    )
    plain = standard.model_dump(mode="json")
    plain["matrices"][0]["x"]["cut"] = {"quantile": 3, "of": 10}
    return plain


def version(plain: dict[str, Any]) -> str:
    return Standard.model_validate(plain, context=REGISTERED).version


def leaves(value: Any, *place: int | str) -> Iterator[tuple[int | str, ...]]:
    """Places of all single values below, words left out."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key != "label" and (place or key not in WORDS):
                yield from leaves(part, *place, key)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, *place, index)
    elif value is not None:
        yield place


def at(plain: Any, place: tuple[int | str, ...]) -> Any:
    for key in place:
        plain = plain[key]
    return plain


def others(value: Any) -> list[Any]:
    """Values that may stand in place of this one; which of them are valid depends on the place."""
    if isinstance(value, str) and not value.replace(".", "").isdigit():
        return [OTHER_CHOICE.get(value, f"{value}_x"), "order_count"]
    number = float(value)
    return [int(number) + 1, int(number) - 1, number + 0.01, number - 0.01]


def test_every_number_and_choice_that_can_change_a_class_changes_the_version() -> None:
    plain = everything()
    base = version(plain)
    unchanged, tried = [], 0
    # The stage that explicit_after names cannot be renamed alone.
    named = ("needs", "opportunity_stages", plain["needs"]["opportunity_stages"].index("Qualification"))
    for place in leaves(plain):
        if place == named:
            continue
        for other in others(at(plain, place)):
            edited = deepcopy(plain)
            at(edited, place[:-1])[place[-1]] = other
            try:
                found = version(edited)
            except ValidationError:
                continue
            tried += 1
            if found == base:
                unchanged.append(place)
            break
        else:
            pytest.fail(f"no other value is valid at {place}")
    assert unchanged == []
    assert tried > 90


@pytest.mark.parametrize(
    ("place", "other"),
    [
        (("name",), "other"),
        (("effective_from",), "2024-01-01"),
        (("labels", "value_tier", "high", "en"), "Gold"),
        (("dimension_labels", "value_tier", "zh"), "等级"),
        (("dimensions", 0, "label", "en"), "Other"),
        (("dimensions", 0, "rules", 0, "label", "en"), "Other"),
        (("dimensions", 0, "default", "label", "zh"), "其他"),
        (("playbook", "budget"), 5),
        (("playbook", "order"), []),
        (("playbook", "plans", "need_type"), {}),
        (("stability", "warn"), 0.2),
        (("stability", "fail"), 0.5),
    ],
)
def test_words_plans_and_limits_of_checks_do_not_change_the_version(place: tuple[int | str, ...], other: Any) -> None:
    plain = everything()
    edited = deepcopy(plain)
    at(edited, place[:-1])[place[-1]] = other
    assert Standard.model_validate(edited) != Standard.model_validate(plain)
    assert version(edited) == version(plain)


def test_a_number_written_another_way_is_the_same_number() -> None:
    assert changed(value={"share": {"high": "0.800", "mid": 0.95}}).version == shipped_standard().version
    assert changed(needs={"type_cut": "0.750000"}).version == shipped_standard().version


def test_a_number_left_out_is_the_one_that_the_shipped_file_shows() -> None:
    shipped = shipped_standard()
    plain = shipped.model_dump(mode="json")
    needs = {name: plain["needs"][name] for name in ("opportunity_stages", "explicit_after", "closed_lead_stages")}
    least = {
        **{part: plain[part] for part in ("name", "matrices", "playbook", "dimension_labels", "labels")},
        "rfm": {"grid": plain["rfm"]["grid"]},
        "lifecycle": {"own_rhythm": plain["lifecycle"]["own_rhythm"]},
        "needs": needs,
    }
    assert Standard.model_validate(least) == shipped
