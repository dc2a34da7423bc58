"""The shipped standard with a word changed here and there, for tests of what the loader says about it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from warehouse_builder import shipped_standard

from dagster_project.errors import SettingsError
from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import load_model

SHIPPED = (Path(__file__).parents[2] / "config" / "standards.yaml").read_text(encoding="utf-8")


@cache
def _shipped() -> dict[str, Any]:
    return shipped_standard().model_dump(mode="json", exclude_none=True)


def changed(**changes: Any) -> Standard:
    """The shipped standard with settings of its parts replaced; raises ValidationError."""
    plain = dict(_shipped())
    for part, values in changes.items():
        plain[part] = {**plain.get(part, {}), **values} if isinstance(values, dict) else values
    return Standard.model_validate(plain)


def own_dimension(*rules: str, code: str = "own", default: str = "rest") -> dict[str, Any]:
    """An own dimension whose rules give class_1, class_2 …"""
    label = {"en": "x", "zh": "x"}
    return {
        "dimension": code,
        "label": label,
        "rules": [
            {"class": f"class_{number}", "label": label, "when": when} for number, when in enumerate(rules, start=1)
        ],
        "default": {"class": default, "label": label},
    }


def refusal(folder: Path, old: str, new: str, *, near: str | None = None) -> str:
    """What is said of the shipped file with `old` replaced once by `new`, without the file's name.

    The line that it names is replaced by `here` where it is the line of `near`, by default that of `new`.
    """
    assert SHIPPED.count(old) == 1, f"{old!r} stands {SHIPPED.count(old)} times in the file"
    text = SHIPPED.replace(old, new)
    path = folder / "standards.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_model(path, Standard)
    marker = near or new
    line = text[: text.index(marker)].count("\n") + 1
    return str(refused.value).replace(f"{path}:{line}: ", "here: ").replace(f"{path}:", "line ")
