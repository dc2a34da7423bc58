"""How one contract column comes from a source's columns, and which rows of a source are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, field_validator, model_validator

from dagster_project.settings.sources.parts import Name, Names, Part, Scalar, Text, TimeZoneName, as_text_mapping
from dagster_project.settings.yaml_documents import fault

DECIMAL_THOUSANDS = {".": ",", ",": "."}
OFFSET_DIRECTIVES = ("%z", "%Z")
NAMED_TIME_FORMATS = ("iso", "excel", "epoch_ms", "epoch_s")

# Columns whose plain value never leaves the personal batch; beside it stands a keyed hash to link by.
CONTACT_POINTS: Mapping[str, str] = {"phone": "phone_hash", "email": "email_hash", "wechat_id": "wechat_hash"}


class NumberStyle(Part):
    """How numbers are written in one column; `divide_by` turns a percentage of 60 into a share of 0.6."""

    decimal: Literal[".", ","] | None = None
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    divide_by: Annotated[Decimal, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise fault("decimal and thousands must be two different marks.", "thousands")
        return self


class ColumnSpec(Part):
    """Where one contract column comes from: the first name that the file has, a sum of columns, or a constant."""

    names: Names = Field(default=(), alias="from", validate_default=False)
    constant: Text | None = None
    sum_of: Annotated[Names, Field(min_length=1)] | None = None
    formats: Names | None = None
    time_zone: TimeZoneName | None = None
    number: NumberStyle | None = None
    values: Annotated[dict[str, str | None], BeforeValidator(as_text_mapping)] | None = None
    strip_prefix: Name | None = None
    hash: StrictBool | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [bool(self.names), self.constant is not None, self.sum_of is not None]
        if sum(given) != 1:
            raise fault("give exactly one of from, constant and sum_of.")
        if self.values == {}:
            raise fault("is empty; write `found in the file: value of the contract` lines or leave it out.", "values")
        return self

    @property
    def source_names(self) -> tuple[str, ...]:
        """Every name of the file that this column may read."""
        return self.sum_of or self.names


def as_column_spec(value: object) -> object:
    if value is None:
        raise fault("names no column. Write the name that the file has for it, or take the line out.")
    if isinstance(value, str):
        return {"from": (value,)}
    return {"from": tuple(value)} if isinstance(value, list) else value


class Condition(Part):
    """What a source column must satisfy for a row to be kept; all that are given must hold."""

    equals: Scalar | None = None
    not_equals: Scalar | None = None
    is_in: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    not_in: tuple[Scalar, ...] | None = None
    matches: str | None = None
    not_matches: str | None = None
    above: Decimal | None = None
    at_least: Decimal | None = None
    below: Decimal | None = None
    at_most: Decimal | None = None
    present: StrictBool | None = None

    @field_validator("matches", "not_matches")
    @classmethod
    def _is_expression(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise fault("names no operator; give one such as `above: 0` or `present: true`.")
        return self
