"""Sources that are databases: a table or a query, read in Arrow batches from a watermark on."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dagster_project.settings.sources.parts import Name
from dagster_project.settings.sources.reads import BaseSource, PulledRead
from dagster_project.settings.yaml_documents import fault


class TableRead(PulledRead):
    """One entity read from a table or a query.

    With `watermark`, a column that rises when a row is written, only what is newer than the last pull less the overlap
    is read. It cannot see deleted rows: every `compare_keys_days` the keys that landed are compared with those there.
    """

    table: Name | None = None
    query: Name | None = None
    watermark: Name | None = None
    overlap_minutes: Annotated[int, Field(ge=0)] = 10
    compare_keys_days: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise fault("give exactly one of table and query.")
        if self.compare_keys_days is not None and self.watermark is None:
            raise fault(
                "without a watermark every pull reads all rows and sees by itself which are gone; take it out.",
                "compare_keys_days",
            )
        if self.entity == "order_lines" and self.watermark is not None and self.query is None:
            raise fault(
                "lines of an order are replaced together, so a changed line must bring its order's others: give a "
                "query that joins the orders and has the order's own watermark beside each line.",
                "watermark",
            )
        return self

    @property
    def place(self) -> str:
        return self.table or "query"

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"overlap_minutes", "compare_keys_days"}


class DatabaseSource(BaseSource):
    """A database: PostgreSQL by ADBC, others by SQLAlchemy. Its address, with the password, is a secret."""

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    kind: Literal["database"]
    reads: Annotated[tuple[TableRead, ...], Field(min_length=1)]
