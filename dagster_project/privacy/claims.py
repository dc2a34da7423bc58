"""Which rows of a table are a person's, told by the names of its columns: ids, references, orders and refunds.

The same names mean the same in landed batches, in the warehouse, in published files and in PostgreSQL, so one rule
serves them all. The person's keys stand in temporary tables of the connection that asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dagster_project.sql_text import quote_identifier, quote_literal


@dataclass(frozen=True)
class Keys:
    """All by which rows name a person: numbers, references, and the keys of their orders and refunds."""

    customer_ids: tuple[int, ...]
    registry_ids: tuple[int, ...]
    references: tuple[tuple[str, str], ...]
    orders: tuple[tuple[str, str], ...] = ()
    refunds: tuple[tuple[str, str], ...] = ()

    @property
    def task_numbers(self) -> tuple[str, ...]:
        """Registry numbers as they stand in the middle of a task_id."""
        return tuple(str(number) for number in self.registry_ids)


# Temporary table, its columns with their types, and the columns of other tables that hold the same.
_NUMBERS = (("person_customers", ("customer_id",)), ("person_registry", ("registry_id",)))
_PAIRS = (
    ("person_references", (("source", "customer_ref"), ("linked_source", "linked_ref"), ("other_source", "other_ref"))),
    ("person_orders", (("source", "order_id"),)),
    ("person_refunds", (("source", "refund_id"),)),
)
_TASK_ID = "task_id"
_TASK_NUMBER_AT = 2  # campaign:registry number:channel


def key_statements(keys: Keys) -> Iterator[str]:
    """SQL, of DuckDB and of PostgreSQL, that makes the temporary tables of a person's keys."""
    rows: dict[str, Sequence[tuple[object, ...]]] = {
        "person_customers": [(number,) for number in keys.customer_ids],
        "person_registry": [(number,) for number in keys.registry_ids],
        "person_references": keys.references,
        "person_orders": keys.orders,
        "person_refunds": keys.refunds,
        "person_tasks": [(number,) for number in keys.task_numbers],
    }
    for table, values in rows.items():
        is_number = table in {name for name, _ in _NUMBERS}
        names = ("number",) if is_number else ("registry_number",) if table == "person_tasks" else ("source", "key")
        kind = "bigint" if is_number else "varchar"
        yield f"drop table if exists {table}"
        yield f"create temporary table {table} ({', '.join(f'{name} {kind}' for name in names)})"
        if values:
            yield f"insert into {table} values {', '.join(_row(row) for row in values)}"


def claim(columns: Collection[str], *, are_numbers_text: bool = False) -> str | None:
    """The condition that a row of a table with these columns is the person's; None where no row can be.

    `are_numbers_text`: a table may hold customer_id as text, as lists do.
    """
    there = set(columns)
    as_text = "::text" if are_numbers_text else ""
    parts = [
        f"{quote_identifier(column)}{as_text} in (select number{as_text} from {table})"
        for table, names in _NUMBERS
        for column in names
        if column in there
    ]
    parts += [
        f"({quote_identifier(source)}, {quote_identifier(key)}) in (select source, key from {table})"
        for table, pairs in _PAIRS
        for source, key in pairs
        if {source, key} <= there
    ]
    if _TASK_ID in there:
        number = f"split_part({quote_identifier(_TASK_ID)}, ':', {_TASK_NUMBER_AT})"
        parts.append(f"{number} in (select registry_number from person_tasks)")
    return f"({' or '.join(parts)})" if parts else None


def _row(values: Sequence[object]) -> str:
    return "(" + ", ".join(str(each) if isinstance(each, int) else quote_literal(str(each)) for each in values) + ")"
