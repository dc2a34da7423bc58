"""The JSON Schema of config/standards.yaml, with which editors complete, explain and check it while it is written.

It says what each setting may hold; what settings must agree on is checked when the file is loaded.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from dagster_project.settings.standards.standard import Standard


class _PlainNumbers(GenerateJsonSchema):
    """Decimals as the numbers that people write, not also as text."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        bounds: dict[str, Any] = {name: float(schema[name]) for name in ("ge", "gt", "le", "lt") if name in schema}  # type: ignore[literal-required]
        return self.float_schema(core_schema.float_schema(**bounds))

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  (pydantic gives it)
        """No titles such as `Type Cut`: the name itself is what people write."""
        return False

    def encode_default(self, dft: Any) -> Any:
        return super().encode_default(_plain(dft))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return value


def standards_schema() -> dict[str, Any]:
    """The schema of draft 2020-12."""
    schema = Standard.model_json_schema(schema_generator=_PlainNumbers, mode="validation")
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(standards_schema(), ensure_ascii=False, indent=2) + "\n"


def write_schema(path: Path) -> None:
    """Write the schema; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema_text(), encoding="utf-8")
