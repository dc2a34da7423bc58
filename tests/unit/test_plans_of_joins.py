"""Orders are joined to customers by a table of the customers in memory, however few orders the planner expects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from company import make_company
from compiled_warehouse import CompiledWarehouse

READERS_OF_ALL_ORDERS = (
    "int_customer_days",
    "int_customers_first_seen",
    "int_order_habits_counted",
    "int_order_lines_valued",
    "fct_orders",
)
ORDERS = 100_000
CUSTOMERS = 20_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, compiled_models: Path) -> Iterator[CompiledWarehouse]:
    """A company with five orders a customer, of whom some are in the CRM alone."""
    warehouse = CompiledWarehouse(tmp_path_factory.mktemp("joins"), compiled=compiled_models)
    for entity, rows in make_company(7).items():
        warehouse.land(entity, rows)
    warehouse.build([date(2023, 5, 15)])
    with warehouse.connect() as con:
        for table, key, rows in (
            ("staging.stg_orders", "order_id", ORDERS),
            ("identity.customer_aliases", "customer_ref", CUSTOMERS),
        ):
            con.execute(
                f"insert into {table} select one.* replace ('one more ' || number as {key}) "
                f"from (select * from {table} limit 1) as one, range({rows}) as numbers(number)"
            )
    yield warehouse
    warehouse.close()


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", []):
        yield from _nodes(child)


def _tables_held(plan: dict[str, Any], condition: str) -> list[str]:
    """The tables whose rows hash joins on `condition` hold in memory: those of their second side."""
    return [
        scan["extra_info"]["Table"].rpartition(".")[2]
        for join in _nodes(plan)
        if "JOIN" in join["name"].upper() and condition in str(join["extra_info"].get("Conditions"))
        for scan in _nodes(join["children"][1])
        if "Table" in scan.get("extra_info", {})
    ]


@pytest.mark.parametrize("name", READERS_OF_ALL_ORDERS)
def test_orders_are_streamed_past_a_table_of_customers(built: CompiledWarehouse, name: str) -> None:
    with built.connect() as con:
        [(_, plan)] = con.execute(f"explain (format json) {built.project.models[name].code}").fetchall()
    held = [table for root in json.loads(plan) for table in _tables_held(root, "customer_ref")]
    assert "customer_aliases" in held
    assert "stg_orders" not in held
