"""What editors and the loader know of a standard agrees with the files and the marts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dagster_project.settings.standards import AXIS_MEASURES, FEATURE_COLUMNS, schema_text, standards_schema

PROJECT = Path(__file__).parents[2]
SCHEMA = PROJECT / "config" / "schemas" / "standards.schema.json"
MARTS = PROJECT / "dbt_project" / "models" / "marts" / "segments"
EXAMPLES = sorted((PROJECT / "config" / "examples").glob("*.yaml"))
STANDARDS = [
    PROJECT / "config" / "standards.yaml",
    *(file for file in EXAMPLES if not file.name.startswith("sources-")),
]


def faults(document: Any) -> list[str]:
    return [error.json_path for error in jsonschema.Draft202012Validator(standards_schema()).iter_errors(document)]


def test_the_schema_beside_the_standard_is_the_models_own() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "the schema is stale; run: strata standards schema"


@pytest.mark.parametrize("path", STANDARDS, ids=lambda path: path.name)
def test_an_editor_finds_the_schema_and_nothing_to_mark(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == SCHEMA
    assert faults(yaml.safe_load(text)) == []


def test_an_editor_marks_what_the_loader_refuses() -> None:
    document = yaml.safe_load(STANDARDS[0].read_text(encoding="utf-8"))
    document["needs"]["type_cut"] = 75
    document["matrices"][0]["x"]["measure"] = "revenue_windw"
    document["stabilty"] = {}
    assert sorted(faults(document)) == ["$", "$.matrices[0].x.measure", "$.needs.type_cut"]


def test_every_setting_is_explained_where_it_is_written() -> None:
    schema = standards_schema()
    unexplained = [
        f"{name}.{setting}"
        for name, part in {"Standard": schema, **schema["$defs"]}.items()
        for setting, said in part["properties"].items()
        if "description" not in said and "description" not in schema["$defs"][said["$ref"].rpartition("/")[2]]
    ]
    assert unexplained == []
    json.dumps(schema)


def test_expressions_and_axes_know_the_columns_of_customer_features() -> None:
    [mart] = yaml.safe_load((MARTS / "customer_features.yml").read_text(encoding="utf-8"))["models"]
    types = {"varchar": "text", "integer": "integer", "boolean": "boolean", "date": "date"}
    promised = {
        column["name"]: types.get(column["data_type"], "decimal")
        for column in mart["columns"]
        if column["name"] not in ("as_of_date", "customer_id", "standard_version")
    }
    assert dict(FEATURE_COLUMNS) == promised
    assert [measure for measure in AXIS_MEASURES if measure not in FEATURE_COLUMNS] == [
        "value_score",
        "potential_score",
        "urgency_score",
    ]
