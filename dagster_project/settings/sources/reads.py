"""One entity read from one place: what every kind of source says of it, and what can be meant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from dagster_project.contract.entities import ENTITIES, Column, ColumnType, Entity, mappable_columns
from dagster_project.settings.sources.columns import (
    CONTACT_POINTS,
    NAMED_TIME_FORMATS,
    OFFSET_DIRECTIVES,
    ColumnSpec,
    Condition,
    as_column_spec,
)
from dagster_project.settings.sources.parts import CurrencyCode, Part, Share, SourceName, TimeZoneName
from dagster_project.settings.yaml_documents import did_you_mean, fault


@dataclass(frozen=True)
class FileForm:
    """How a file is written, as far as it does not show by itself."""

    encoding: Literal["auto", "utf-8", "utf-16", "gb18030"] = "auto"
    delimiter: str = "auto"
    decimal: Literal[".", ",", "auto"] = "auto"
    sheet: int | str | None = None
    header_row: int = 1


class Read(Part, ABC):
    """One entity read from one place of a source."""

    entity: str
    orders: Literal["from lines"] | None = None
    where: dict[str, Condition] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    bad_rows_limit: Share | None = None
    columns: dict[str, Annotated[ColumnSpec, BeforeValidator(as_column_spec)]]

    @property
    @abstractmethod
    def place(self) -> str:
        """What is read, in the source's words, for messages."""

    @property
    @abstractmethod
    def form(self) -> FileForm:
        """How the file is written that its records stand in."""

    @property
    def origin_settings(self) -> frozenset[str]:
        """Settings that say where records are, not what they become; changing one reads nothing again."""
        return frozenset({"bad_rows_limit"})

    @property
    def contract(self) -> Entity:
        """The entity that its rows become."""
        return ENTITIES[self.entity]

    @property
    def is_orders_from_lines(self) -> bool:
        """Whether the lines also make the orders."""
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


class PulledRead(Read):
    """One entity asked from a system in parts, from the watermark of the last part that landed."""

    # A part is a batch: what a kill can cost, and what a spooled file holds (200,000 CRM records are some 100 MB).
    rows_per_batch: Annotated[int, Field(ge=1)] = 200_000
    # Where keys are compared: a table that is being filled again, or a right taken away, looks like rows that are gone.
    gone_records_limit: Share = 0.2

    @property
    def form(self) -> FileForm:
        """Spooled records are UTF-8 with a decimal point."""
        return FileForm(encoding="utf-8", decimal=".")

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"rows_per_batch", "gone_records_limit"}


class BaseSource(Part):
    """One system that orders or CRM records come from."""

    # Names of the secrets that the kind needs: the variable STRATA_<SOURCE>_<NAME> of the environment.
    secrets: ClassVar[tuple[str, ...]] = ()

    name: SourceName
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
