"""The second dbt invocation of a daily run in the process that is to be killed: what it does, and what must be true.

Two days are classified by another standard than before: one that is stored, whose rows, history and month ends learnt
from are replaced, and one that is new and issues its list.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop, shop_in
from tiny_shop import CUSTOMERS, build_tiny_shop

from dagster_project.settings import Settings
from dagster_project.settings.children import export_to_dbt
from dagster_project.warehouse import held
from dagster_project.warehouse.dbt_arguments import dbt_arguments
from dagster_project.warehouse.dbt_child import adapt_dbt, invoke
from dagster_project.warehouse.schema_version import kept_columns

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# Two standards whose classes of the days differ, and so do the outcomes of the month ends that they learn from.
BEFORE, AFTER = "window_days: 365", "window_days: 180"
WORK_OF_A_RUN = ("control.", "intermediate.")
_parsed: list[Manifest] = []


def classified_by_an_earlier_standard(folder: Path) -> None:
    """A shop that is staged and linked to its last day, with FIRST_AS_OF classified; one that is there is taken."""
    if not (folder / "data").exists():
        Shop(*build_tiny_shop(folder)).strata("run", "--as-of", str(FIRST_AS_OF))
    standards = folder / "config" / "standards.yaml"
    text = standards.read_text(encoding="utf-8")
    assert BEFORE in text
    standards.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")


def dbt_at_hand(folder: Path) -> None:
    """Import what a run imports, and parse, as the server of `dbt_server.py` does; forks of this process need not."""
    from dbt.cli.main import dbtRunner

    import dagster_project.defs.transform  # noqa: F401

    settings = _exported(folder)
    adapt_dbt()
    parsed = dbtRunner().invoke(["parse", "--no-write-json", "--quiet", *_places(settings)])
    assert parsed.success, parsed.exception
    _parsed.append(cast("Manifest", parsed.result))


def classify(folder: Path) -> None:
    """The step `classification` of a run, with dbt in this process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    from dagster_project.defs.transform import days_controlled

    settings = _exported(folder)
    days = [FIRST_AS_OF, SECOND_AS_OF]
    with (
        held(settings.paths.warehouse, who="a fault", wait_seconds=10) as warehouse,
        days_controlled(warehouse, settings, days, issue_list_for=SECOND_AS_OF),
    ):
        code = invoke(
            [*dbt_arguments("build", exclude=["customer_strata.staging"]), "--quiet", *_places(settings)], _parsed[0]
        )
        assert code == 0, f"dbt ended with {code}"
        DuckDBConnectionManager.close_all_connections()


def tell_statements(happened: Callable[[], None]) -> None:
    """Call this before each statement that dbt gives the engine, and after it."""
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

    execute = DuckDBCursorWrapper.execute

    def told(self: DuckDBCursorWrapper, *words: Any) -> Any:
        happened()
        done = execute(self, *words)
        happened()
        return done

    DuckDBCursorWrapper.execute = told


def what_is_classified(folder: Path) -> dict[str, Any]:
    """Rows of the tables of the warehouse, the names of all, the views, and the standards on record.

    Without the rows of what each run makes anew in `control` and `intermediate` for the days that it computes: a run
    killed after it has noted the month ends learnt from is followed by one that computes fewer.
    """
    settings = shop_in(folder).settings
    with duckdb.connect(str(settings.paths.warehouse), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        names = [f"{schema}.{table}" for schema, table in tables]
        compared = [name for name in names if name in kept_columns() or not name.startswith(WORK_OF_A_RUN)]
        rows = {
            name: con.execute(f"select count(*), bit_xor(hash(t)), sum(hash(t)) from {name} as t").fetchall()
            for name in compared
        }
        views = con.execute("select schema_name, view_name, sql from duckdb_views() where not internal order by all")
        return {
            **rows,
            "tables": names,
            "views": views.fetchall(),
            "standards": sorted(path.name for path in settings.paths.standards.iterdir()),
            "left beside": sorted(path.name for path in settings.paths.warehouse.parent.iterdir()),
        }


def days_are_of_one_standard(folder: Path) -> None:
    """In each table a day is of the one standard or of the other; a day that is there has all its customers, once."""
    with duckdb.connect(str(shop_in(folder).settings.paths.warehouse)) as con:
        tables = con.execute(
            "select table_name from duckdb_tables() join duckdb_columns() using (table_oid, table_name) "
            "where duckdb_tables.schema_name = 'marts' group by table_name "
            "having bool_or(column_name = 'as_of_date') and bool_or(column_name = 'standard_version')"
        ).fetchall()
        assert len(tables) > 10
        for (table,) in tables:
            mixed = con.execute(
                f"select as_of_date from marts.{table} group by all having count(distinct standard_version) > 1"
            ).fetchall()
            assert not mixed, f"{table} mixes two standards"
        segments = con.execute(
            "select as_of_date, count(*), count(distinct customer_id) from marts.customer_segments "
            "group by as_of_date order by as_of_date"
        ).fetchall()
    days = [(day, CUSTOMERS, CUSTOMERS) for day in (FIRST_AS_OF, SECOND_AS_OF)]
    assert segments in (days[:1], days)


def _exported(folder: Path) -> Settings:
    settings = shop_in(folder).settings
    export_to_dbt(settings)
    return settings


def _places(settings: Settings) -> list[str]:
    project, target = str(settings.paths.dbt_project), str(settings.paths.dbt_target)
    return ["--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target]
