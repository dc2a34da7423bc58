"""The models run from their compiled SQL: the same tables as dbt builds, only what is asked for, compiled once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from company import make_company
from compiled_warehouse import CompiledWarehouse
from warehouse_builder import WarehouseBuilder

from dagster_project.warehouse.compiled_models import CompiledModel, CompiledProject, compile_project
from dagster_project.warehouse.dbt_manifest import DbtProjectError

DAY = date(2023, 5, 15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def built(folder: Path, compiled_models: Path) -> Iterator[CompiledWarehouse]:
    warehouse = CompiledWarehouse(folder / "in_memory", compiled=compiled_models)
    _fill(warehouse)
    yield warehouse
    warehouse.close()


def _fill(warehouse: WarehouseBuilder) -> None:
    for entity, rows in make_company(7).items():
        warehouse.land(entity, rows)
    warehouse.build([DAY], issue_list_for=DAY)


def _described(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [(name, type_name) for name, type_name, *_ in con.execute(f"describe {relation}").fetchall()]


def test_every_model_holds_the_columns_types_and_rows_that_dbt_builds(
    built: CompiledWarehouse, folder: Path, parsed_project: Path
) -> None:
    by_dbt = WarehouseBuilder(folder / "by_dbt")
    shutil.copytree(parsed_project / "target", by_dbt.folder / "dbt")
    _fill(by_dbt)
    models = built.project.models
    assert len(models) > 50
    filled = set()
    with built.connect() as ours, by_dbt.connect() as theirs:
        for model in models.values():
            columns = _described(theirs, model.relation)
            assert _described(ours, model.relation) == columns, model.relation
            every = f"select * from {model.relation} order by all"
            expected = theirs.execute(every).fetchall()
            assert ours.execute(every).fetchall() == expected, model.relation
            if expected:
                filled.add(model.name)
    assert {"customer_segments", "segment_summary", "silent_customers", "return_rates"} <= filled


def test_a_view_stays_a_view_and_everything_else_becomes_a_table(built: CompiledWarehouse) -> None:
    rows = built.frame("select table_schema || '.' || table_name as name, table_type from information_schema.tables")
    kinds = dict(zip(rows["name"], rows["table_type"], strict=True))
    assert kinds["staging.stg_leads"] == "VIEW"
    assert kinds["staging.stg_orders"] == "BASE TABLE"
    assert kinds["marts.customer_segments"] == "BASE TABLE"


def test_models_come_after_those_they_read(built: CompiledWarehouse) -> None:
    seen: set[str] = set()
    for model in built.project.models.values():
        assert set(model.depends_on) <= seen, model.name
        seen.add(model.name)


def test_the_sql_names_no_database_so_that_it_runs_in_any(built: CompiledWarehouse) -> None:
    assert not [model.name for model in built.project.models.values() if '"memory"' in model.code]


def _project(**depends_on: tuple[str, ...]) -> CompiledProject:
    return CompiledProject(
        {
            name: CompiledModel(name, "made", False, f"select '{name}' as said", upstream, ())
            for name, upstream in depends_on.items()
        }
    )


CHAIN = _project(raw=(), days=("raw",), other=("raw",), measured=("days",), mart=("measured", "other"), aside=("days",))


def test_what_is_wanted_is_built_with_what_it_reads_and_nothing_else() -> None:
    assert CHAIN.needed(["measured"]) == ["raw", "days", "measured"]


def test_given_relations_are_not_built_nor_what_only_they_need() -> None:
    assert CHAIN.needed(["mart"], given=["measured"]) == ["raw", "other", "mart"]
    assert CHAIN.needed(["mart"], given=["measured", "other"]) == ["mart"]
    assert CHAIN.needed(given=["measured", "other"]) == ["raw", "days", "mart", "aside"]


def test_a_wanted_model_that_is_given_is_not_built() -> None:
    assert CHAIN.needed(["days", "aside"], given=["days"]) == ["aside"]


@pytest.mark.parametrize("names", [{"select": ["mrat"]}, {"select": ["mart"], "given": ["measurd"]}])
def test_a_name_that_is_no_model_is_refused(names: dict[str, list[str]]) -> None:
    with pytest.raises(KeyError):
        CHAIN.needed(**names)


def test_a_build_replaces_what_it_built_before_and_reads_what_is_given() -> None:
    project = CompiledProject(
        {
            "first": CompiledModel("first", "made", False, "select 1 as number", (), ()),
            "second": CompiledModel(
                "second", "made", False, 'select number from "made"."first"', ("first",), (("number", "bigint"),)
            ),
        }
    )
    with duckdb.connect() as con:
        assert project.build(con) == ["first", "second"]
        con.execute("create or replace table made.first as select 2 as number")
        assert project.build(con, given=["first"]) == ["second"]
        assert con.execute("select number, typeof(number) from made.second").fetchall() == [(2, "BIGINT")]


def _bytes_and_times(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir())


def test_a_second_call_runs_no_dbt_and_gives_the_same_models(built: CompiledWarehouse, compiled_models: Path) -> None:
    before = _bytes_and_times(compiled_models)
    again = compile_project(built.settings, compiled_models)
    assert again == built.project
    assert _bytes_and_times(compiled_models) == before


def test_another_time_zone_currency_and_age_of_rates_need_no_other_compile(
    built: CompiledWarehouse, compiled_models: Path, tmp_path: Path
) -> None:
    first, before = built.project, _bytes_and_times(compiled_models)
    elsewhere = CompiledWarehouse(tmp_path, time_zone="Asia/Shanghai", currency="CNY", compiled=compiled_models)
    elsewhere.settings.sources.business.exchange_rate_max_age_days = 31
    for model, own, of_the_first in (
        ("stg_orders", "'Asia/Shanghai'", "'UTC'"),
        ("int_orders_valued", "'CNY'", "'EUR'"),
        ("int_exchange_rates_dated", "31 + 1", "7 + 1"),
    ):
        assert own in elsewhere.project.models[model].code
        assert own not in first.models[model].code
        assert of_the_first in first.models[model].code
    assert built.project == first
    assert _bytes_and_times(compiled_models) == before
    elsewhere.close()


def test_a_project_that_does_not_compile_is_named_with_what_dbt_says(built: CompiledWarehouse, tmp_path: Path) -> None:
    shutil.copytree(
        built.settings.paths.dbt_project, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    broken = tmp_path / "dbt_project" / "models" / "broken.sql"
    broken.write_text("select * from {{ ref('no_such_model') }}")
    settings = replace(built.settings, paths=replace(built.settings.paths, root=tmp_path))
    with pytest.raises(DbtProjectError, match="no_such_model"):
        compile_project(settings, tmp_path / "models")
