"""The measures that the models can place on an axis are those that a standard may name."""

from __future__ import annotations

import re
from pathlib import Path

from dagster_project.settings.standards import AXIS_MEASURES

MACROS = Path(__file__).resolve().parents[2] / "dbt_project" / "macros" / "matrices.sql"


def test_every_measure_that_a_standard_may_put_on_an_axis_has_a_column_in_the_models() -> None:
    text = MACROS.read_text(encoding="utf-8")
    names = re.search(r"macro axis_measures\(\) -%\}(.*?)\{%- endmacro", text, re.DOTALL)
    assert names is not None
    measures = re.findall(r"'([a-z0-9_]+)'", names.group(1))
    assert len(measures) == len(set(measures))
    assert set(measures) == set(AXIS_MEASURES)
