"""Many days in one run give the rows that one run a day gives: a range, and month ends that are no range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
from compiled_warehouse import copy_what_was_staged
from shop_runs import FIRST_AS_OF, RANGE, Shop

from dagster_project.definitions import build_definitions
from dagster_project.defs.jobs import run_request
from dagster_project.defs.runs import opened_instance
from dagster_project.landing import Manifest
from dagster_project.warehouse.compiled_models import compile_project
from dagster_project.warehouse.control import write_control
from dagster_project.warehouse.run_window import month_ends_between

MONTH_ENDS = month_ends_between(date(2024, 1, 31), date(2024, 12, 31))
# Landing, staging, linking and checks are the same for every run of a test: they are done by the first.
GROUPS = ("intermediate", "customers", "personal", "segments", "reactivation", "quality", "publish")
SEGMENTS = dg.AssetKey(["marts", "customer_segments"])


def run_days(shop: Shop, runs: Sequence[Sequence[date]]) -> None:
    """One run for each group of days, as `strata backfill` makes it."""
    settings = shop.settings
    definitions = build_definitions(settings)
    with opened_instance(settings.paths) as instance:
        for number, days in enumerate(runs):
            request = run_request("backfill", days, asked_by="test")
            job = definitions.resolve_job_def(request.job_name)
            if number:
                selected = dg.AssetSelection.groups(*GROUPS).resolve(definitions.resolve_asset_graph())
                job = job.get_subset(
                    asset_selection=set(selected) & set(job.asset_layer.executable_asset_keys),
                    asset_check_selection=set(),
                )
            config = dict(request.config or {})
            assert job.execute_in_process(instance=instance, tags=request.tags, run_config=config).success


def dated_rows(con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every mart that has a day, of `days`, by table; lists are issued documents and stay out.

    So does the lift, which is no model of dbt.
    """
    tables = con.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' "
        "and database_name = current_database() and column_name in ('as_of_date', 'evaluated_on') "
        "and not starts_with(table_name, 'reactivation_li') order by 1"
    ).fetchall()
    return {
        table: con.execute(
            f"select * from marts.{table} where {day} in (select unnest(?::date[])) order by all", [days]
        ).fetchall()
        for table, day in tables
    }


def stored_rows(shop: Shop, days: Sequence[date]) -> dict[str, list[tuple[object, ...]]]:
    """The rows of `dated_rows` in the shop's warehouse."""
    with duckdb.connect(str(shop.settings.paths.warehouse), read_only=True) as con:
        return dated_rows(con, days)


def materialized_days(shop: Shop, key: dg.AssetKey) -> set[str]:
    with opened_instance(shop.settings.paths) as instance:
        return instance.get_materialized_partitions(key)


def rows_of_single_builds(shop: Shop, days: Sequence[date], compiled: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of `dated_rows`, each day built by itself, from nothing but what the shop has staged and linked."""
    settings = shop.settings
    project = compile_project(settings, compiled)
    given = [name for name, model in project.models.items() if model.schema == "staging"]
    rows: dict[str, list[tuple[object, ...]]] = {}
    for day in days:
        with duckdb.connect() as con:
            copy_what_was_staged(con, settings)
            write_control(con, settings=settings, manifest=Manifest.load(settings.paths), days=[day])
            project.build(con, given=given)
            for table, found in dated_rows(con, [day]).items():
                rows.setdefault(table, []).extend(found)
    return rows


def foretell_for_few(shop: Shop) -> None:
    """Let the standard fit models to as few customers as the shop has."""
    file = shop.config / "standards.yaml"
    standard = file.read_text(encoding="utf-8")
    for shipped, own in (
        ("least_buyers: 200", "least_buyers: 20"),
        ("least_repeat_buyers: 100", "least_repeat_buyers: 9"),
    ):
        assert standard.count(shipped) == 1
        standard = standard.replace(shipped, own)
    file.write_text(standard, encoding="utf-8")


def test_twelve_month_ends_in_one_run_equal_days_built_by_themselves(shop: Shop, compiled_models: Path) -> None:
    """With purchase models, whose fits and backtests reach back; a quarter of the days is built again by itself."""
    foretell_for_few(shop)
    run_days(shop, [MONTH_ENDS])
    some = MONTH_ENDS[2::3]
    together, apart = stored_rows(shop, some), rows_of_single_builds(shop, some, compiled_models)
    assert {row[0] for row in stored_rows(shop, MONTH_ENDS)["customer_segments"]} == set(MONTH_ENDS)
    assert together.keys() == apart.keys()
    assert all(together[table] for table in ("purchase_model_fits", "prediction_backtest", "prediction_curves"))
    assert [table for table in together if together[table] != apart[table]] == []
    built = {str(day) for day in [*MONTH_ENDS, FIRST_AS_OF]}
    for key in (SEGMENTS, dg.AssetKey(["publish", "parquet"])):
        assert materialized_days(shop, key) == built, "a day is reported for each that was built, and for no other"


def test_a_range_in_one_run_equals_its_days_in_any_order(shop: Shop, range_shop: Shop) -> None:
    run_days(shop, [[day] for day in reversed(RANGE)])
    assert stored_rows(range_shop, RANGE) == stored_rows(shop, RANGE)
    assert range_shop.published() == shop.published()
    assert materialized_days(range_shop, SEGMENTS) == {str(day) for day in [*RANGE, FIRST_AS_OF]}
