"""The invented warehouse has the columns that the marts promise and that `control` is written with."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml
from marts_columns import COLUMNS

from dagster_project.warehouse.control_tables import TABLES

MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
# Types that publishing has to turn into others, which no mart has today.
UNUSUAL = {("customer_features", "discount_share"), ("customer_features", "usual_hour")}


def columns_of(columns: str) -> dict[str, str]:
    con = duckdb.connect()
    con.execute(f"create table t ({columns})")
    return {name: type_name for name, type_name, *_ in con.execute("describe t").fetchall()}


def promised(mart: str) -> dict[str, str]:
    (path,) = MODELS.rglob(f"{mart}.yml")
    model = yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]
    return columns_of(", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"]))


@pytest.mark.parametrize("table", [name for name in COLUMNS if name.startswith("marts.")])
def test_an_invented_mart_has_columns_of_the_contract(table) -> None:
    mart = table.removeprefix("marts.")
    wanted = promised(mart)
    for name, type_name in columns_of(COLUMNS[table]).items():
        if (mart, name) not in UNUSUAL:
            assert wanted.get(name) == type_name, f"{mart}.{name}"


@pytest.mark.parametrize("table", [name for name in COLUMNS if name.startswith("control.")])
def test_an_invented_control_table_has_columns_of_the_real_one(table) -> None:
    real = columns_of(TABLES[table.removeprefix("control.")])
    assert columns_of(COLUMNS[table]).items() <= real.items()


def test_what_the_report_reads_is_there_whole() -> None:
    for mart in (
        "customer_segments",
        "segment_summary",
        "matrix_cut_points",
        "segment_migration",
        "segment_stability",
        "classification_backtest",
        "customer_predictions",
        "prediction_backtest",
        "prediction_tenths",
        "prediction_curves",
        "resource_allocation",
    ):
        assert columns_of(COLUMNS[f"marts.{mart}"]) == promised(mart), mart
