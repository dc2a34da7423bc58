"""A model computed in parts reads the rows of its part alone, so that its time does not grow with parts times rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from company import make_company
from compiled_warehouse import CompiledWarehouse

MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
DAY = date(2023, 5, 15)
DAYS = [DAY + timedelta(days=day) for day in range(4)]
OF_THESE_CUSTOMERS = "true /* of these customers */"


def _computed(by: str) -> set[str]:
    return {file.stem for file in MODELS.rglob("*.sql") if f"'{by}': true" in file.read_text("utf-8")}


BY_DAYS = _computed("by_days")
BY_CUSTOMERS = _computed("by_customers") - BY_DAYS
BY_DAYS_AND_CUSTOMERS = _computed("by_customers") & BY_DAYS
DAY_COLUMN = {"int_reference_backtests": "reference_on", "int_reference_outcomes": "reference_on"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, compiled_models: Path) -> Iterator[CompiledWarehouse]:
    warehouse = CompiledWarehouse(tmp_path_factory.mktemp("parts"), compiled=compiled_models)
    for entity, rows in make_company(7).items():
        warehouse.land(entity, rows)
    warehouse.build(DAYS)
    yield warehouse
    warehouse.close()


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Table" in node.get("extra_info", {}):
        yield node["extra_info"]
    for child in node.get("children", []):
        yield from _scans(child)


def _read_whole(con: duckdb.DuckDBPyConnection, part: str, column: str) -> list[str]:
    """Tables of models with the column, which `part` reads without a filter on it."""
    with_column = con.execute(
        "select table_name from duckdb_columns() where column_name = ? and schema_name in ('intermediate', 'marts')",
        [column],
    ).fetchall()
    tables = {table for (table,) in with_column}
    [(_, plan)] = con.execute(f"explain (format json) {part}").fetchall()
    return [
        scan["Table"]
        for root in json.loads(plan)
        for scan in _scans(root)
        if scan["Table"].rpartition(".")[2] in tables and column not in str(scan.get("Filters", ""))
    ]


@pytest.mark.parametrize("days", [DAYS[1:2], DAYS[1:3]], ids=["one day", "two days"])
@pytest.mark.parametrize("name", sorted(BY_DAYS))
def test_a_part_by_days_reads_no_row_of_another_day(built: CompiledWarehouse, name: str, days: list[date]) -> None:
    part = (
        f"select * from ({built.project.models[name].code}\n) as rows_of_all_days "
        f"where {DAY_COLUMN.get(name, 'as_of_date')} between date '{days[0]}' and date '{days[-1]}'"
    )
    with built.connect() as con:
        assert _read_whole(con, part, "as_of_date") == []


@pytest.mark.parametrize("name", sorted(BY_CUSTOMERS))
def test_a_part_by_customers_reads_no_row_of_another_customer(built: CompiledWarehouse, name: str) -> None:
    part = built.project.models[name].code.replace(OF_THESE_CUSTOMERS, "customer_id > 3 and customer_id <= 9")
    with built.connect() as con:
        assert _read_whole(con, part, "customer_id") == []


@pytest.mark.parametrize("name", sorted(BY_DAYS_AND_CUSTOMERS))
def test_a_part_of_a_day_by_customers_reads_no_row_of_another_customer(built: CompiledWarehouse, name: str) -> None:
    part = (
        f"select * from ({built.project.models[name].code}\n) as rows_of_all_days "
        f"where as_of_date between date '{DAY}' and date '{DAY}' and customer_id > 3 and customer_id <= 9"
    )
    with built.connect() as con:
        assert _read_whole(con, part, "customer_id") == []


def test_models_are_found_by_how_they_are_computed() -> None:
    assert {"int_values_tiered", "int_customers_measured", "customer_segments"} <= set(BY_DAYS)
    assert "segment_history" in BY_CUSTOMERS
    assert "int_customers_measured" in BY_DAYS_AND_CUSTOMERS
