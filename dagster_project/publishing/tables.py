"""What a published table is: where it stands, its key, its types, and how its rows are read.

The targets (Parquet, serving copy, PostgreSQL) all read through this module, so that they hold the same values: whole
numbers, decimals, text, days, times in UTC and booleans. Where rows go is theirs to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from dagster_project.errors import StrataError
from dagster_project.settings.publishing import PublishedTable, PublishingSettings
from dagster_project.sql_text import quote_identifier

BATCH_ROWS = 131_072
DAY = "as_of_date"


class PublishingError(StrataError):
    """A table cannot be published, or a target cannot take it."""


@dataclass(frozen=True)
class Table:
    """A table as published. `key` names its rows and orders them; `day_column` is None where rows have no day."""

    name: str
    relation: str
    key: tuple[str, ...]
    day_column: str | None = None

    @property
    def is_dated(self) -> bool:
        return self.day_column is not None

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name in the warehouse."""
        schema, _, name = self.relation.partition(".")
        return schema, name.strip('"')

    def where(self, days: Sequence[date] | None) -> str:
        """The where clause for `days`; nothing where all days are meant or rows have none."""
        if self.day_column is None or days is None:
            return ""
        listed = ", ".join(f"date '{day.isoformat()}'" for day in days)
        return f" where {quote_identifier(self.day_column)} in ({listed or 'null'})"


@dataclass(frozen=True)
class Column:
    """A column as published: its DuckDB type after normalising, and the expression that makes it."""

    name: str
    type: str
    expression: str


def _mart(table: PublishedTable, *key: str, day_column: str | None = DAY) -> Table:
    return Table(table.value, f"marts.{quote_identifier(table.value)}", key, day_column)


_MARTS: dict[PublishedTable, Table] = {
    table: _mart(table, DAY, "customer_id")
    for table in (
        PublishedTable.CUSTOMER_SEGMENTS,
        PublishedTable.CUSTOMER_FEATURES,
        PublishedTable.CUSTOMER_RFM,
        PublishedTable.CUSTOMER_LIFECYCLE,
        PublishedTable.CUSTOMER_VALUE,
        PublishedTable.CUSTOMER_NEEDS,
        PublishedTable.CUSTOMER_BEHAVIOURS,
        PublishedTable.CUSTOMER_PREDICTIONS,
        PublishedTable.SILENT_CUSTOMERS,
    )
} | {
    PublishedTable.CUSTOMER_MATRICES: _mart(PublishedTable.CUSTOMER_MATRICES, DAY, "customer_id", "matrix"),
    PublishedTable.CUSTOMER_OWN_DIMENSIONS: _mart(
        PublishedTable.CUSTOMER_OWN_DIMENSIONS, DAY, "customer_id", "dimension"
    ),
    PublishedTable.PURCHASE_MODEL_FITS: _mart(PublishedTable.PURCHASE_MODEL_FITS, DAY, "part"),
    PublishedTable.PREDICTION_BACKTEST: _mart(
        PublishedTable.PREDICTION_BACKTEST, "evaluated_on", "snapshot_on", "predictor", day_column="evaluated_on"
    ),
    PublishedTable.PREDICTION_TENTHS: _mart(
        PublishedTable.PREDICTION_TENTHS, "evaluated_on", "snapshot_on", "ranked_by", "tenth", day_column="evaluated_on"
    ),
    PublishedTable.PREDICTION_CURVES: _mart(
        PublishedTable.PREDICTION_CURVES, "evaluated_on", "curve", "place", day_column="evaluated_on"
    ),
    PublishedTable.SEGMENT_SUMMARY: _mart(
        PublishedTable.SEGMENT_SUMMARY, DAY, "dimension", "class", "breakdown", "breakdown_class"
    ),
    PublishedTable.SEGMENT_MIGRATION: _mart(
        PublishedTable.SEGMENT_MIGRATION, DAY, "dimension", "class_from", "class_to"
    ),
    PublishedTable.SEGMENT_STABILITY: _mart(PublishedTable.SEGMENT_STABILITY, DAY, "dimension"),
    PublishedTable.CLASSIFICATION_BACKTEST: _mart(
        PublishedTable.CLASSIFICATION_BACKTEST,
        "evaluated_on",
        "snapshot_on",
        "dimension",
        "class",
        day_column="evaluated_on",
    ),
    PublishedTable.RESOURCE_ALLOCATION: _mart(PublishedTable.RESOURCE_ALLOCATION, DAY, "dimension", "class"),
    PublishedTable.MATRIX_CUT_POINTS: _mart(PublishedTable.MATRIX_CUT_POINTS, DAY, "matrix", "axis"),
    PublishedTable.RFM_CUT_POINTS: _mart(PublishedTable.RFM_CUT_POINTS, DAY, "purpose", "measure", "cut_number"),
    PublishedTable.RETURN_RATES: _mart(
        PublishedTable.RETURN_RATES, DAY, "silence_ratio_band", "value_tier", "order_count_band"
    ),
    PublishedTable.NEXT_PRODUCTS: _mart(PublishedTable.NEXT_PRODUCTS, DAY, "customer_id", "rank"),
    PublishedTable.REACTIVATION_LIFT: _mart(
        PublishedTable.REACTIVATION_LIFT,
        "evaluated_on",
        "horizon_days",
        "breakdown",
        "class",
        day_column="evaluated_on",
    ),
    PublishedTable.REACTIVATION_LIST: _mart(PublishedTable.REACTIVATION_LIST, DAY, "campaign_id", "customer_id"),
    PublishedTable.REACTIVATION_LIST_NOTES: _mart(PublishedTable.REACTIVATION_LIST_NOTES, DAY, "channel"),
    PublishedTable.REACTIVATION_OUTCOMES: _mart(
        PublishedTable.REACTIVATION_OUTCOMES, "evaluated_on", "campaign_id", "registry_id", day_column="evaluated_on"
    ),
    PublishedTable.REACTIVATION_WORK: _mart(
        PublishedTable.REACTIVATION_WORK,
        "evaluated_on",
        "campaign_id",
        "channel",
        "owner",
        day_column="evaluated_on",
    ),
    PublishedTable.SEGMENT_HISTORY: _mart(
        PublishedTable.SEGMENT_HISTORY, "customer_id", "dimension", "valid_from", day_column=None
    ),
    PublishedTable.SEGMENT_PLAYBOOK: _mart(PublishedTable.SEGMENT_PLAYBOOK, "dimension", "class", day_column=None),
    PublishedTable.DIM_CUSTOMERS: _mart(PublishedTable.DIM_CUSTOMERS, "customer_id", day_column=None),
    PublishedTable.FCT_ORDERS: _mart(PublishedTable.FCT_ORDERS, "source", "order_id", day_column=None),
    PublishedTable.CUSTOMER_DAYS: Table(
        PublishedTable.CUSTOMER_DAYS.value, "intermediate.int_customer_days", ("customer_id", "business_day")
    ),
}

_OF_LISTS = frozenset({PublishedTable.REACTIVATION_LIST.value, PublishedTable.REACTIVATION_LIST_NOTES.value})

CUSTOMER_ALIASES = Table("customer_aliases", "identity.customer_aliases", ("source", "customer_ref"))
# Why references are one customer, and which contact points were not taken for it. Both know hashes only.
IDENTITY_LINKS = Table(
    "identity_links",
    "identity.identity_links",
    ("source", "customer_ref", "other_source", "other_ref", "kind", "evidence"),
)
SHARED_CONTACT_POINTS = Table("shared_contact_points", "identity.shared_contact_points", ("kind", "hash"))
WHO_IS_WHO = (CUSTOMER_ALIASES, IDENTITY_LINKS, SHARED_CONTACT_POINTS)
# What codes, versions and rules mean; without these the other tables cannot be read.
WORDS = (
    Table("labels", "control.labels", ("dimension", "code")),
    Table("dimensions", "control.dimensions", ("dimension",)),
    Table("standards", "control.standards", ("standard_version",)),
    Table("own_rules", "control.own_rules", ("standard_version", "dimension", "rule_number")),
)
SEGMENTS = _MARTS[PublishedTable.CUSTOMER_SEGMENTS]

# What a published column may be. Doubles become decimals: sums and prints of doubles differ from run to run.
_KEPT = {"VARCHAR", "BOOLEAN", "DATE", "INTEGER", "BIGINT", "TIMESTAMP WITH TIME ZONE"}
_CAST = {
    "DOUBLE": "DECIMAL(28,6)",
    "FLOAT": "DECIMAL(28,6)",
    "HUGEINT": "BIGINT",
    "UBIGINT": "BIGINT",
    "UINTEGER": "BIGINT",
    "TINYINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "USMALLINT": "INTEGER",
    "UUID": "VARCHAR",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",  # staging keeps UTC
}
_ARROW = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
}


def chosen_tables(settings: PublishingSettings) -> tuple[Table, ...]:
    """The configured tables, all of which dbt builds."""
    return tuple(_MARTS[table] for table in settings.tables)


def published_tables(con: duckdb.DuckDBPyConnection, settings: PublishingSettings) -> tuple[Table, ...]:
    """The configured tables, then those without which ids, codes, dimensions and own rules cannot be read.

    The tables of lists are built by the run that issues the first list: a warehouse whose past was computed first has
    none to publish.
    """
    there = {
        name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    }
    chosen = [table for table in chosen_tables(settings) if table.name in there or table.name not in _OF_LISTS]
    return (*chosen, *WHO_IS_WHO, *WORDS)


def stored_days(con: duckdb.DuckDBPyConnection) -> list[date]:
    """The days that customer_segments holds, rising."""
    columns_of(con, SEGMENTS)
    rows = con.execute(f"select distinct as_of_date from {SEGMENTS.relation} order by 1").fetchall()
    return [day for (day,) in rows]


def standard_of(con: duckdb.DuckDBPyConnection, day: date) -> str | None:
    """The version of the standard that `day` was classified with; None where the day has no customer.

    Raises:
        PublishingError: the day's rows name more than one version.
    """
    rows = con.execute(
        f"select distinct standard_version from {SEGMENTS.relation} where as_of_date = ? order by 1", [day]
    ).fetchall()
    if len(rows) > 1:
        versions = ", ".join(str(version) for (version,) in rows)
        raise PublishingError(
            f"{SEGMENTS.relation} on {day} mixes the standards {versions}. Rebuild the day: strata run --as-of {day}"
        )
    return rows[0][0] if rows else None


def columns_of(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[Column, ...]:
    """The table's columns as published.

    Raises:
        PublishingError: the table is not in the warehouse, lacks a key column, or holds a type that is not published.
    """
    try:
        described = con.execute(f"describe {table.relation}").fetchall()
    except duckdb.CatalogException:
        raise PublishingError(
            f"{table.relation} is not in the warehouse, so it cannot be published. Build it with `strata run`, or take "
            f"{table.name} out of `tables` in publishing.yaml."
        ) from None
    columns = tuple(_column(table, name, type_name) for name, type_name, *_ in described)
    missing = [name for name in table.key if name not in {column.name for column in columns}]
    if missing:
        raise PublishingError(f"{table.relation} has no column {', '.join(missing)}, by which its rows are told apart.")
    return columns


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of published columns."""
    return pa.schema([pa.field(column.name, _arrow_type(column.type)) for column in columns])


def select_sql(table: Table, columns: Sequence[Column], day: date | None) -> str:
    """The table's rows (of `day`, where it is dated), normalised and sorted by key."""
    order = ", ".join(f"{quote_identifier(name)} nulls first" for name in table.key)
    return f"{rows_sql(table, columns, day)} order by {order}"


def rows_sql(table: Table, columns: Sequence[Column], day: date | None) -> str:
    """The same rows in the order in which they are stored: days as they were built, each sorted by its model."""
    listed = ", ".join(f"{column.expression} as {quote_identifier(column.name)}" for column in columns)
    return f"select {listed} from {table.relation}{table.where(None if day is None else [day])}"


def is_stored_sorted(con: duckdb.DuckDBPyConnection, table: Table, day: date | None) -> bool:
    """Whether the rows of `rows_sql` come in the order of `select_sql` anyway, as those of most models do.

    Comparing the keys of 750,000 customers costs 0.01 s of processor time, sorting their segments 1 s. A key that
    holds a NULL counts as unsorted.
    """
    names = [quote_identifier(name) for name in table.key]
    key, is_unknown = f"row({', '.join(names)})", " or ".join(f"{name} is null" for name in names)
    where = table.where(None if day is None else [day])
    [(is_sorted,)] = con.execute(
        f"select count(*) = 0 from (select {is_unknown} or {key} <= lag({key}) over () as is_misplaced "
        f"from {table.relation}{where}) where is_misplaced"
    ).fetchall()
    return bool(is_sorted)


def read_rows(
    con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column], day: date | None
) -> pa.RecordBatchReader:
    """The rows of `select_sql`, a batch at a time, with `arrow_schema`."""
    reader = con.cursor().sql(select_sql(table, columns, day)).to_arrow_reader(BATCH_ROWS)
    return reader.cast(arrow_schema(columns))


def content_fingerprint(
    con: duckdb.DuckDBPyConnection, tables: Sequence[Table], days: Sequence[date] | None
) -> tuple[str, dict[str, int]]:
    """A hash over the rows of `tables` (of `days`, where dated; None: of all), and the rows per table.

    DuckDB's hash may change between its versions; a target then writes once more than it had to.
    """
    digest = hashlib.sha256()
    counts: dict[str, int] = {}
    for table in tables:
        columns = columns_of(con, table)
        listed = ", ".join(column.expression for column in columns)
        where = table.where(days)
        row = con.execute(
            f"select count(*), coalesce(bit_xor(hash({listed})), 0), coalesce(sum(hash({listed})::hugeint), 0) "
            f"from {table.relation}{where}"
        ).fetchone()
        assert row is not None  # noqa: S101  an aggregate without groups has one row
        counts[table.name] = row[0]
        described = [table.name, *([column.name, column.type] for column in columns), *map(str, row)]
        digest.update(json.dumps(described).encode())
    return digest.hexdigest(), counts


def _column(table: Table, name: str, type_name: str) -> Column:
    quoted = quote_identifier(name)
    if type_name in _KEPT or type_name.startswith("DECIMAL"):
        return Column(name, type_name, quoted)
    target = "VARCHAR" if type_name.startswith("ENUM") else _CAST.get(type_name)
    if target is None:
        raise PublishingError(
            f"{table.relation}.{name} is {type_name}; published columns are text, whole numbers, decimals, days, times "
            f"and booleans. Cast it in the model."
        )
    if type_name == "TIMESTAMP":
        return Column(name, target, f"timezone('UTC', {quoted})")
    return Column(name, target, f"cast({quoted} as {target})")


def _arrow_type(type_name: str) -> pa.DataType:
    if type_name.startswith("DECIMAL"):
        precision, scale = type_name.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW[type_name]
