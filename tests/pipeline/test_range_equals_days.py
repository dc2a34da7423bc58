"""Many days in one run give the rows that one run a day gives: a range, and month ends that are no range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from dagster_project.measurement import measure_lift
from dagster_project.publishing.code_version import code_version
from dagster_project.publishing.parquet import publish_parquet
from dagster_project.warehouse.compiled_models import compile_project
from dagster_project.warehouse.control import write_control
from dagster_project.warehouse.run_window import month_ends_between

MONTH_ENDS = month_ends_between(date(2024, 1, 31), date(2024, 12, 31))
Rows = dict[str, list[tuple[object, ...]]]  # by table
SEGMENTS = dg.AssetKey(["marts", "customer_segments"])


def run_days(shop: Shop, days: Sequence[date]) -> None:
    """One run of the days, as `strata backfill` makes it, in this process."""
    settings = shop.settings
    definitions = build_definitions(settings)
    request = run_request("backfill", days, asked_by="test")
    job = definitions.resolve_job_def(request.job_name)
    config = dict(request.config or {})
    with opened_instance(settings.paths) as instance:
        assert job.execute_in_process(instance=instance, tags=request.tags, run_config=config).success


def dated_rows(con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> Rows:
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


def stored_rows(shop: Shop, days: Sequence[date]) -> Rows:
    """The rows of `dated_rows` in the shop's warehouse."""
    with duckdb.connect(str(shop.settings.paths.warehouse), read_only=True) as con:
        return dated_rows(con, days)


def materialized_days(shop: Shop, key: dg.AssetKey) -> set[str]:
    with opened_instance(shop.settings.paths) as instance:
        return instance.get_materialized_partitions(key)


def single_builds(shop: Shop, days: Sequence[date], compiled: Path) -> Iterator[tuple[date, duckdb.DuckDBPyConnection]]:
    """Each day built by itself, in memory, from nothing but what the shop has staged and linked."""
    settings = shop.settings
    project = compile_project(settings, compiled)
    given = [name for name, model in project.models.items() if model.schema == "staging"]
    for day in days:
        with duckdb.connect(config={"threads": 1}) as con:
            copy_what_was_staged(con, settings)
            write_control(con, settings=settings, manifest=Manifest.load(settings.paths), days=[day])
            project.build(con, given=given)
            measure_lift(con, settings.publishing.measurement, [day])
            yield day, con


def assert_same_rows(together: Rows, apart: Sequence[Rows]) -> None:
    """The rows of days built together are those of each of them, the days in their order."""
    assert all(together.keys() == of_day.keys() for of_day in apart)
    assert [
        table for table, rows in together.items() if rows != [row for of_day in apart for row in of_day[table]]
    ] == []


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
    """With purchase models, whose fits and backtests reach back; two of the days are built again by themselves."""
    foretell_for_few(shop)
    run_days(shop, MONTH_ENDS)
    some = MONTH_ENDS[2::6]
    together = stored_rows(shop, some)
    apart = [dated_rows(con, [day]) for day, con in single_builds(shop, some, compiled_models)]
    assert {row[0] for row in stored_rows(shop, MONTH_ENDS)["customer_segments"]} == set(MONTH_ENDS)
    assert all(together[table] for table in ("purchase_model_fits", "prediction_backtest", "prediction_curves"))
    assert_same_rows(together, apart)
    built = {str(day) for day in [*MONTH_ENDS, FIRST_AS_OF]}
    for key in (SEGMENTS, dg.AssetKey(["publish", "parquet"])):
        assert materialized_days(shop, key) == built, "a day is reported for each that was built, and for no other"


def test_a_range_in_one_run_equals_days_built_by_themselves(
    range_shop: Shop, compiled_models: Path, tmp_path: Path
) -> None:
    """Row for row, and as they are published byte for byte."""
    settings = range_shop.settings
    published = Shop(range_shop.config, tmp_path)
    version = code_version(settings.paths.dbt_project)
    apart = []
    for day, con in single_builds(range_shop, RANGE, compiled_models):
        apart.append(dated_rows(con, [day]))
        publish_parquet(
            con,
            folder=published.data / "published" / "parquet",
            settings=settings.publishing,
            days=[day],
            code_version=version,
        )
    assert_same_rows(stored_rows(range_shop, RANGE), apart)
    of_days = {
        name: checksum
        for name, checksum in range_shop.published().items()
        if name.startswith(tuple(f"as_of_date={day}/" for day in RANGE))
    }
    assert of_days == {name: sum_ for name, sum_ in published.published().items() if name.startswith("as_of_date=")}
    assert materialized_days(range_shop, SEGMENTS) == {str(day) for day in [*RANGE, FIRST_AS_OF]}
