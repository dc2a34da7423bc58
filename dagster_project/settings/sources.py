"""config/sources.yaml: the business, and where each entity comes from and how its columns map to the contract.

Only what a mapping says and whether it can be meant; whether a file has the columns is found when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from dagster_project.contract.entities import ENTITIES, Column, ColumnType, Entity, mappable_columns
from dagster_project.settings.yaml_documents import did_you_mean, fault

FileFormat = Literal["csv", "tsv", "parquet", "json", "jsonl", "excel"]
FORMAT_BY_EXTENSION: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
}
DECIMAL_THOUSANDS = {".": ",", ",": "."}
OFFSET_DIRECTIVES = ("%z", "%Z")
NAMED_TIME_FORMATS = ("iso", "excel", "epoch_ms", "epoch_s")

# Columns whose plain value never leaves the personal batch; beside it stands a keyed hash to link by.
CONTACT_POINTS: Mapping[str, str] = {"phone": "phone_hash", "email": "email_hash", "wechat_id": "wechat_hash"}


def _known_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no IANA time zone; write one such as America/New_York or Asia/Shanghai"
        ) from None
    return name


def _as_names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """Keys and values that YAML reads as numbers, booleans or dates, as the text that a source would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _as_text_mapping(value: object) -> object:
    return {_as_text(key): _as_text(item) for key, item in value.items()} if isinstance(value, dict) else value


TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_names), Field(min_length=1)]
Text = Annotated[str, BeforeValidator(_as_text)]
Scalar = StrictBool | StrictInt | Decimal | Text


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Business(_Part):
    """What holds for the whole company."""

    time_zone: TimeZoneName
    currency: CurrencyCode
    default_country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    history_starts_on: date
    sample: Literal["complete_journey"] | None = None
    exchange_rate_max_age_days: Annotated[int, Field(ge=0)] = 7


class LandingLimits(_Part):
    """Share of bad rows, of rows read without those excluded by rule, above which a file is not landed."""

    bad_rows_limit: Share = 0.02


class NumberStyle(_Part):
    """How numbers are written in one column; `divide_by` turns a percentage of 60 into a share of 0.6."""

    decimal: Literal[".", ","] | None = None
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    divide_by: Annotated[Decimal, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise fault("decimal and thousands must be two different marks.", "thousands")
        return self


class ColumnSpec(_Part):
    """Where one contract column comes from: the first name that the file has, a sum of columns, or a constant."""

    names: Names = Field(default=(), alias="from", validate_default=False)
    constant: Text | None = None
    sum_of: Annotated[Names, Field(min_length=1)] | None = None
    formats: Names | None = None
    time_zone: TimeZoneName | None = None
    number: NumberStyle | None = None
    values: Annotated[dict[str, str | None], BeforeValidator(_as_text_mapping)] | None = None
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


def _as_column_spec(value: object) -> object:
    if isinstance(value, str):
        return {"from": (value,)}
    return {"from": tuple(value)} if isinstance(value, list) else value


class Condition(_Part):
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


class Read(_Part):
    """One entity read from the files of one pattern."""

    entity: str
    path: Names
    format: FileFormat | None = None
    orders: Literal["from lines"] | None = None
    encoding: Literal["auto", "utf-8", "utf-16", "gb18030"] = "auto"
    delimiter: Annotated[str, Field(min_length=1)] = "auto"
    decimal: Literal[".", ",", "auto"] = "auto"
    sheet: StrictInt | str | None = None
    header_row: Annotated[int, Field(ge=1)] = 1
    where: dict[str, Condition] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    bad_rows_limit: Share | None = None
    columns: dict[str, Annotated[ColumnSpec, BeforeValidator(_as_column_spec)]]

    @field_validator("delimiter")
    @classmethod
    def _one_mark(cls, value: str) -> str:
        value = {"tab": "\t", "\\t": "\t"}.get(value, value)
        if value != "auto" and (len(value) != 1 or value in '"\r\n'):
            raise ValueError("must be one character such as ',' or ';', tab, or auto")
        return value

    @property
    def contract(self) -> Entity:
        return ENTITIES[self.entity]

    @property
    def is_orders_from_lines(self) -> bool:
        return self.orders is not None

    @cached_property
    def mappable(self) -> Mapping[str, Column]:
        return mappable_columns(self.contract, orders_from_lines=self.is_orders_from_lines)

    @model_validator(mode="after")
    def _can_be_meant(self) -> Self:
        landable = [name for name, entity in ENTITIES.items() if not entity.is_internal]
        if self.entity not in landable:
            raise fault(f"there is no entity {self.entity!r}{did_you_mean(self.entity, landable)}", "entity")
        if self.is_orders_from_lines and self.entity != "order_lines":
            raise fault("`orders: from lines` belongs to entity order_lines.", "orders")
        if self.links and self.entity != "customers":
            raise fault("links belong to entity customers: they name the same customer elsewhere.", "links")
        for name, spec in self.columns.items():
            if name not in self.mappable:
                raise fault(
                    f"entity {self.entity} has no column {name!r}{did_you_mean(name, self.mappable)}",
                    "columns",
                    name,
                )
            self._check_column(name, self.mappable[name], spec)
        self._check_required()
        return self

    def _check_column(self, name: str, column: Column, spec: ColumnSpec) -> None:
        if spec.sum_of is not None and not column.type.is_number:
            raise fault(f"sum_of needs a number; {name} is {column.type}.", "columns", name, "sum_of")
        if spec.number is not None and not column.type.is_number:
            raise fault(f"number needs a number column; {name} is {column.type}.", "columns", name, "number")
        is_time = column.type in (ColumnType.TIMESTAMP, ColumnType.DATE)
        for setting in ("formats", "time_zone"):
            if getattr(spec, setting) is not None and not is_time:
                raise fault(
                    f"{setting} needs a date or time column; {name} is {column.type}.", "columns", name, setting
                )
        for form in spec.formats or ():
            if form not in NAMED_TIME_FORMATS and "%" not in form:
                raise fault(
                    f"{form!r} is no format: write {', '.join(NAMED_TIME_FORMATS)} or directives such as '%Y/%m/%d'.",
                    "columns",
                    name,
                    "formats",
                )
        if spec.hash is not None and name not in CONTACT_POINTS and name != "customer_ref":
            raise fault("hash is for phone, email, wechat_id and customer_ref.", "columns", name, "hash")
        if column.choices:
            stated = [value for value in (spec.values or {}).values() if value is not None]
            stated += [spec.constant] if spec.constant is not None and not spec.values else []
            for value in stated:
                if value not in column.choices:
                    raise fault(
                        f"{name} cannot be {value!r}{did_you_mean(value, column.choices)}",
                        *(("columns", name, "values") if spec.values else ("columns", name, "constant")),
                    )

    def _check_required(self) -> None:
        required = [column.name for column in self.mappable.values() if column.is_required and column.default is None]
        if self.entity == "order_lines":
            required.remove("line_number")  # numbered in file order where a source has none
            if self.is_orders_from_lines and not {"quantity", "unit_price"} <= set(self.columns):
                required.append("line_amount")
        missing = [name for name in required if name not in self.columns]
        if self.entity == "refunds" and not {"order_id", "customer_ref"} & set(self.columns):
            missing.append("customer_ref (or order_id)")
        if missing:
            raise fault(
                f"entity {self.entity} needs {', '.join(missing)}; map it to a column or a constant.", "columns"
            )

    def needs_time_zone(self, name: str) -> bool:
        """Whether a format of this column can give a time without an offset, so that a zone must be stated."""
        formats = self.columns[name].formats or ()
        return self.mappable[name].type is ColumnType.TIMESTAMP and any(
            form == "excel" or (form not in NAMED_TIME_FORMATS and not any(mark in form for mark in OFFSET_DIRECTIVES))
            for form in formats
        )


class Source(_Part):
    """One system that orders or CRM records come from."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Literal["files"] = "files"
    time_zone: TimeZoneName | None = None
    currency: CurrencyCode | None = None
    reads: Annotated[tuple[Read, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _can_be_meant(self) -> Self:
        if any(read.entity == "orders" for read in self.reads):
            for index, read in enumerate(self.reads):
                if read.is_orders_from_lines:
                    raise fault(
                        "this source also has a read of entity orders; an order comes from one of the two.",
                        "reads",
                        index,
                        "orders",
                    )
        for index, read in enumerate(self.reads):
            for name, spec in read.columns.items():
                if read.needs_time_zone(name) and spec.time_zone is None and self.time_zone is None:
                    raise fault(
                        f"the formats of {name} hold no offset, so the zone must be stated: set time_zone here or in "
                        f"source {self.name}.",
                        "reads",
                        index,
                        "columns",
                        name,
                    )
        return self


class SourcesSettings(_Part):
    """The whole of config/sources.yaml."""

    business: Business
    landing: LandingLimits = LandingLimits()
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [source.name for source in self.sources]
        for index, source in enumerate(self.sources):
            if source.name in names[:index]:
                raise fault(f"there are two sources named {source.name!r}; rename one.", "sources", index, "name")
            for read_index, read in enumerate(source.reads):
                for linked in read.links:
                    if linked not in names:
                        raise fault(
                            f"there is no source {linked!r}{did_you_mean(linked, names)}",
                            *("sources", index, "reads", read_index, "links", linked),
                        )
        return self

    @property
    def entities(self) -> frozenset[str]:
        """The entities that some source is mapped to."""
        read = {read.entity for source in self.sources for read in source.reads}
        from_lines = any(read.is_orders_from_lines for source in self.sources for read in source.reads)
        return frozenset(read | {"orders"} if from_lines else read)

    def source(self, name: str) -> Source:
        """The source of this name.

        Raises:
            KeyError: there is none.
        """
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)

    def bad_rows_limit(self, read: Read) -> float:
        """The limit that holds for `read`."""
        return self.landing.bad_rows_limit if read.bad_rows_limit is None else read.bad_rows_limit


def as_fingerprint_text(parts: Sequence[Any]) -> str:
    """Models and plain values as one canonical text, for a fingerprint of a mapping."""
    return "\n".join(
        part.model_dump_json(by_alias=True) if isinstance(part, BaseModel) else repr(part) for part in parts
    )
