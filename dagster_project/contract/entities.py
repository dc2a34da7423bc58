"""The canonical entities: their columns, keys, choices and which columns are personal.

This is the one place that says what a landed row holds. How a source's columns become these is a mapping
(settings/sources.py); how text becomes these types is landing's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# Raised by one whenever landed rows get, lose or retype a column; a batch says which one it was landed under.
CONTRACT_VERSION = 1


class ColumnType(StrEnum):
    """The types of the contract. Money has two decimals, amounts of a line four, as invoices do."""

    TEXT = "text"
    TIMESTAMP = "timestamp"
    DATE = "date"
    MONEY = "money"
    AMOUNT = "amount"
    RATE = "rate"
    SCORE = "score"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    HASH = "hash"

    @property
    def sql(self) -> str:
        """The type in DuckDB."""
        return _SQL_TYPES[self]

    @property
    def arrow(self) -> pa.DataType:
        """The type in Arrow and Parquet."""
        return _arrow_types()[self]

    @property
    def is_number(self) -> bool:
        return self in _NUMBERS


_SQL_TYPES = {
    ColumnType.TEXT: "varchar",
    ColumnType.TIMESTAMP: "timestamptz",
    ColumnType.DATE: "date",
    ColumnType.MONEY: "decimal(18,2)",
    ColumnType.AMOUNT: "decimal(18,4)",
    ColumnType.RATE: "decimal(18,8)",
    ColumnType.SCORE: "decimal(9,6)",
    ColumnType.INTEGER: "bigint",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.HASH: "ubigint",
}
_NUMBERS = frozenset(
    {ColumnType.MONEY, ColumnType.AMOUNT, ColumnType.RATE, ColumnType.SCORE, ColumnType.INTEGER},
)


@cache
def _arrow_types() -> Mapping[ColumnType, pa.DataType]:
    # Imported when needed: landing reads and writes by DuckDB alone, and this takes a tenth of a second.
    import pyarrow as pa

    return {
        ColumnType.TEXT: pa.string(),
        ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        ColumnType.DATE: pa.date32(),
        ColumnType.MONEY: pa.decimal128(18, 2),
        ColumnType.AMOUNT: pa.decimal128(18, 4),
        ColumnType.RATE: pa.decimal128(18, 8),
        ColumnType.SCORE: pa.decimal128(9, 6),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.HASH: pa.uint64(),
    }


@dataclass(frozen=True)
class Column:
    """One column of an entity.

    `is_id` columns stay text and are refused where a spreadsheet has eaten their digits. `choices` are the only
    values allowed. `minimum` and `maximum` are inclusive unless `is_above_minimum`.
    """

    name: str
    type: ColumnType = ColumnType.TEXT
    is_required: bool = False
    is_id: bool = False
    is_personal: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    is_above_minimum: bool = False
    is_currency: bool = False


@dataclass(frozen=True)
class Entity:
    """One kind of record. `key` is within the whole company, so it begins with `source` for all but exchange rates."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_column: str | None = None
    is_versioned: bool = False
    derived: tuple[Column, ...] = field(default=())
    is_internal: bool = False

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            KeyError: the entity has no such column.
        """
        for column in (*self.columns, *self.derived):
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def own_key(self) -> tuple[str, ...]:
        """The key without `source`."""
        return tuple(name for name in self.key if name != "source")

    @property
    def public_columns(self) -> tuple[Column, ...]:
        """Columns of the public batch: those that are not personal, then those that landing derives."""
        return (*(column for column in self.columns if not column.is_personal), *self.derived)

    @property
    def personal_columns(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_personal)

    def arrow_schema(self) -> pa.Schema:
        """Schema of the public batch, lineage last."""
        import pyarrow as pa

        return pa.schema([pa.field(name, kind.arrow) for name, kind in self.landed_columns()])

    def landed_columns(self) -> Iterator[tuple[str, ColumnType]]:
        """Name and type of every column of the public batch, in order."""
        yield "source", ColumnType.TEXT
        for column in self.public_columns:
            yield column.name, column.type
        yield from LINEAGE

    def personal_schema(self) -> pa.Schema | None:
        """Schema of the personal batch, or None where the entity has no personal column."""
        if not self.personal_columns:
            return None
        import pyarrow as pa

        return pa.schema([pa.field(name, kind.arrow) for name, kind in self.personal_landed_columns()])

    def personal_landed_columns(self) -> Iterator[tuple[str, ColumnType]]:
        """Name and type of every column of the personal batch: the key, where it stood, the personal columns."""
        yield "source", ColumnType.TEXT
        for name in self.own_key:
            yield name, self.column(name).type
        for column in self.personal_columns:
            yield column.name, column.type
        yield "batch_id", ColumnType.TEXT
        yield "batch_sequence", ColumnType.INTEGER
        yield "row_number", ColumnType.INTEGER
        yield "row_hash", ColumnType.HASH


# Every landed row says where it came from. row_number is the record in the file, from 1, the header not counted.
LINEAGE: tuple[tuple[str, ColumnType], ...] = (
    ("is_deleted", ColumnType.BOOLEAN),
    ("batch_id", ColumnType.TEXT),
    ("batch_sequence", ColumnType.INTEGER),
    ("landed_at", ColumnType.TIMESTAMP),
    ("source_file", ColumnType.TEXT),
    ("row_number", ColumnType.INTEGER),
    ("row_hash", ColumnType.HASH),
)

ORDER_STATUSES = ("completed", "cancelled", "refunded", "pending")
CUSTOMER_KINDS = ("person", "company")
DECISION_ROLES = ("decider", "influencer", "user")
OPPORTUNITY_STATUSES = ("open", "won", "lost")
URGENCIES = ("high", "medium", "low")
INTERACTION_CHANNELS = ("phone", "wechat", "email", "sms", "visit", "service")
DIRECTIONS = ("inbound", "outbound")
CONSENT_CHANNELS = ("phone", "wechat", "email", "sms", "profiling")
ARMS = ("treated", "control")
NEED_CLARITIES = ("explicit", "vague", "none")
NEED_MOTIVES = ("functional", "emotional", "social")
WEB_KINDS = ("view", "search", "cart")
LIST_OUTCOMES = ("reached", "not_reached", "interested", "refused", "wrong_contact", "ordered", "other")

_ZERO = Decimal(0)
_ONE = Decimal(1)


def _id(name: str, *, required: bool = True) -> Column:
    return Column(name, is_id=True, is_required=required)


def _timestamp(name: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.TIMESTAMP, is_required=required)


def _currency(*, required: bool = False) -> Column:
    return Column("currency", is_currency=True, is_required=required)


def _entities() -> Iterator[Entity]:
    yield Entity(
        name="orders",
        key=("source", "order_id"),
        columns=(
            _id("order_id"),
            _id("customer_ref"),
            _timestamp("ordered_at", required=True),
            Column("status", is_required=True, choices=ORDER_STATUSES, default="completed"),
            Column("gross_amount", ColumnType.MONEY, is_required=True, minimum=_ZERO),
            Column("discount_amount", ColumnType.MONEY),
            Column("cost_amount", ColumnType.MONEY),
            _currency(),
            Column("channel"),
            Column("region"),
            Column("refund_amount", ColumnType.MONEY, minimum=_ZERO),
            _timestamp("refunded_at"),
            _timestamp("updated_at"),
        ),
        event_column="ordered_at",
    )
    yield Entity(
        name="refunds",
        key=("source", "refund_id"),
        columns=(
            _id("refund_id"),
            _id("order_id", required=False),
            _id("customer_ref", required=False),
            _timestamp("refunded_at", required=True),
            Column("amount", ColumnType.MONEY, is_required=True, minimum=_ZERO),
            _currency(),
        ),
        event_column="refunded_at",
    )
    yield Entity(
        name="order_lines",
        key=("source", "order_id", "line_number"),
        columns=(
            _id("order_id"),
            Column("line_number", ColumnType.INTEGER, is_required=True),
            _id("product_id", required=False),
            Column("category"),
            Column("quantity", ColumnType.AMOUNT),
            Column("unit_price", ColumnType.AMOUNT),
            Column("discount_amount", ColumnType.AMOUNT),
            Column("line_amount", ColumnType.AMOUNT),
        ),
    )
    yield Entity(
        name="products",
        key=("source", "product_id"),
        columns=(
            _id("product_id"),
            Column("name"),
            Column("category"),
            Column("brand"),
            Column("launched_on", ColumnType.DATE),
            Column("is_available", ColumnType.BOOLEAN),
            _timestamp("updated_at"),
        ),
        is_versioned=True,
    )
    yield Entity(
        name="customers",
        key=("source", "customer_ref"),
        columns=(
            _id("customer_ref"),
            Column("name", is_personal=True),
            Column("kind", choices=CUSTOMER_KINDS),
            Column("phone", is_personal=True),
            Column("email", is_personal=True),
            Column("wechat_id", is_personal=True),
            Column("registered_on", ColumnType.DATE),
            Column("member_level"),
            Column("industry"),
            Column("company_size"),
            Column("region"),
            Column("city"),
            Column("decision_role", choices=DECISION_ROLES),
            Column("owner"),
            Column("crm_level"),
            Column("preferred_channel"),
            Column("competitor_closeness", ColumnType.SCORE, minimum=_ZERO, maximum=_ONE),
            Column("do_not_contact", ColumnType.BOOLEAN),
            _timestamp("created_at"),
            _timestamp("updated_at"),
        ),
        is_versioned=True,
        derived=(
            Column("phone_hash"),
            Column("email_hash"),
            Column("wechat_hash"),
            Column("is_phone_valid", ColumnType.BOOLEAN),
            Column("is_email_valid", ColumnType.BOOLEAN),
            Column("is_wechat_valid", ColumnType.BOOLEAN),
        ),
    )
    yield Entity(
        name="leads",
        key=("source", "lead_id"),
        columns=(
            _id("lead_id"),
            _id("customer_ref", required=False),
            Column("stage"),
            Column("need_clarity", choices=NEED_CLARITIES),
            _timestamp("created_at"),
            _timestamp("updated_at"),
        ),
        is_versioned=True,
    )
    yield Entity(
        name="opportunities",
        key=("source", "opportunity_id"),
        columns=(
            _id("opportunity_id"),
            _id("customer_ref", required=False),
            Column("status", choices=OPPORTUNITY_STATUSES),
            Column("stage"),
            Column("amount", ColumnType.MONEY),
            Column("probability", ColumnType.SCORE, minimum=_ZERO, maximum=_ONE),
            _currency(),
            Column("expected_close_on", ColumnType.DATE),
            Column("urgency", choices=URGENCIES),
            _timestamp("created_at"),
            _timestamp("updated_at"),
        ),
        is_versioned=True,
    )
    yield Entity(
        name="interactions",
        key=("source", "interaction_id"),
        columns=(
            _id("interaction_id"),
            _id("customer_ref"),
            _timestamp("occurred_at", required=True),
            Column("channel", choices=INTERACTION_CHANNELS),
            Column("direction", choices=DIRECTIONS),
            Column("outcome"),
            Column("is_complaint", ColumnType.BOOLEAN),
            _timestamp("resolved_at"),
            Column("owner"),
        ),
        event_column="occurred_at",
    )
    yield Entity(
        name="consents",
        key=("source", "customer_ref", "channel", "occurred_at"),
        columns=(
            _id("customer_ref"),
            Column("channel", is_required=True, choices=CONSENT_CHANNELS),
            _timestamp("occurred_at", required=True),
            Column("is_granted", ColumnType.BOOLEAN, is_required=True),
            Column("reason", is_personal=True),
        ),
        event_column="occurred_at",
    )
    yield Entity(
        name="campaigns",
        key=("source", "campaign_id"),
        columns=(
            _id("campaign_id"),
            Column("name"),
            Column("kind"),
            Column("channel"),
            Column("starts_on", ColumnType.DATE),
            Column("ends_on", ColumnType.DATE),
        ),
        event_column="starts_on",
    )
    yield Entity(
        name="campaign_contacts",
        key=("source", "campaign_id", "customer_ref", "channel"),
        columns=(
            _id("campaign_id"),
            _id("customer_ref"),
            Column("channel", is_required=True),
            _timestamp("contacted_at"),
            Column("arm", choices=ARMS),
            Column("outcome"),
        ),
        event_column="contacted_at",
    )
    # A task names its customer by itself, so a result registers nobody.
    yield Entity(
        name="list_results",
        key=("source", "task_id"),
        columns=(
            _id("task_id"),
            _timestamp("worked_at", required=True),
            Column("outcome", is_required=True, choices=LIST_OUTCOMES),
            Column("owner"),
            _timestamp("updated_at"),
        ),
        event_column="worked_at",
    )
    yield Entity(
        name="surveys",
        key=("source", "response_id"),
        columns=(
            _id("response_id"),
            _id("customer_ref"),
            _timestamp("responded_at", required=True),
            Column("satisfaction", ColumnType.AMOUNT),
            Column("need_motive", choices=NEED_MOTIVES),
        ),
        event_column="responded_at",
    )
    yield Entity(
        name="web_events",
        key=("source", "event_id"),
        columns=(
            _id("event_id"),
            _id("customer_ref"),
            _timestamp("occurred_at", required=True),
            Column("kind", is_required=True, choices=WEB_KINDS),
            _id("product_id", required=False),
        ),
        event_column="occurred_at",
    )
    yield Entity(
        name="exchange_rates",
        key=("currency", "date"),
        columns=(
            _currency(required=True),
            Column("date", ColumnType.DATE, is_required=True),
            Column("rate", ColumnType.RATE, is_required=True, minimum=_ZERO, is_above_minimum=True),
        ),
        event_column="date",
    )
    yield Entity(
        name="customer_links",
        key=("source", "customer_ref", "linked_source"),
        columns=(_id("customer_ref"), Column("linked_source", is_required=True), _id("linked_ref")),
        is_internal=True,
    )


ENTITIES: Mapping[str, Entity] = MappingProxyType({entity.name: entity for entity in _entities()})

# Header columns that may stand beside each line where orders are made from lines.
ORDER_HEADER_COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        name: ENTITIES["orders"].column(name)
        for name in (
            "customer_ref",
            "ordered_at",
            "status",
            "cost_amount",
            "currency",
            "channel",
            "region",
            "updated_at",
        )
    },
)


def mappable_columns(entity: Entity, *, orders_from_lines: bool = False) -> Mapping[str, Column]:
    """The columns that a mapping of this entity may name, `is_deleted` included."""
    columns = {column.name: column for column in entity.columns}
    if orders_from_lines:
        columns |= ORDER_HEADER_COLUMNS
    columns["is_deleted"] = Column("is_deleted", ColumnType.BOOLEAN)
    return columns
