"""Sources that are databases: a table or a query, read in Arrow batches from a watermark on."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StrictBool, model_validator

from dagster_project.contract.entities import ENTITIES
from dagster_project.settings.sources.parts import Name
from dagster_project.settings.sources.reads import BaseSource, PulledRead
from dagster_project.settings.yaml_documents import fault


class TableRead(PulledRead):
    """One entity read from a table or a query.

    With `watermark`, a column that rises when a row is written, only what is newer than the last pull less the overlap
    is read. It cannot see deleted rows: every `compare_keys_days` the keys that landed are compared with those there.
    Without one, every pull reads all rows and compares the keys, unless `find_deleted` is off.
    """

    table: Name | None = None
    query: Name | None = None
    watermark: Name | None = None
    overlap_minutes: Annotated[int, Field(ge=0)] = 10
    compare_keys_days: Annotated[int, Field(ge=1)] | None = None
    find_deleted: StrictBool = True
    # Each part is compared with all that landed before: a million rows took 6.8 s of processor time in five parts,
    # 5.0 s in one.
    rows_per_batch: Annotated[int, Field(ge=1)] = 1_000_000

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise fault("give exactly one of table and query.")
        if self.compare_keys_days is not None and self.watermark is None:
            raise fault(
                "without a watermark every pull reads all rows and sees by itself which are gone; take it out.",
                "compare_keys_days",
            )
        if self.compare_keys_days is not None and not self.has_single_key:
            key = ", ".join(self.contract.own_key)
            raise fault(
                f"keys can be compared where one column is the key; {self.entity} have {key}. Take it out, and mark "
                "deleted rows by mapping is_deleted.",
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
    def has_single_key(self) -> bool:
        """Whether one column tells records apart, so that the keys that landed can be compared with those there."""
        return self.entity in ENTITIES and len(self.contract.own_key) == 1

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"overlap_minutes", "compare_keys_days", "find_deleted"}


class DatabaseSource(BaseSource):
    """A database: PostgreSQL by ADBC, others by SQLAlchemy. Its address, with the password, is a secret.

    A connection is tried `attempts` times. `statement_timeout_seconds` is for the whole of one read, the landing of its
    parts included; 0 sets none.
    """

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    kind: Literal["database"]
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    longest_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    statement_timeout_seconds: Annotated[int, Field(ge=0)] = 4 * 3600
    reads: Annotated[tuple[TableRead, ...], Field(min_length=1)]
