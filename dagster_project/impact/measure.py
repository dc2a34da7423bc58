"""Who moves when one standard takes the place of another on a published day.

The serving copy is attached read-only; both standards are rebuilt (rebuild.py) in a folder that is removed at the end.
What the present one gives must equal what is published, else nothing is said.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.errors import StrataError
from dagster_project.explaining.serving_copy import chosen_day, held_tables, opened_serving_copy
from dagster_project.impact.comparing import COMPARISON, PRESENT, PROPOSED, compare
from dagster_project.impact.rebuild import PUBLISHED, attach, class_of_column, classes_sql, rebuild_day
from dagster_project.impact.result import Impact
from dagster_project.publishing.serving import PUBLICATION
from dagster_project.settings import Settings
from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import load_model
from dagster_project.sql_text import quote_literal
from dagster_project.warehouse.compiled_models import compile_project
from dagster_project.warehouse.standard_register import read_standards

Say = Callable[[str], None]

NEEDED_TABLES = ("customer_days", "customer_features", "dim_customers")
MEMORY_LIMIT = "2GB"  # beyond it DuckDB writes to the same folder


class ImpactError(StrataError):
    """An impact cannot be told from what is published."""


def measure_impact(
    settings: Settings, new_standard: Path | Standard, day: date | None = None, say: Say = lambda _: None
) -> Impact:
    """What `new_standard` would change on `day` (the newest published one when None), against the standard it has.

    Raises:
        SettingsError: the new standard's file says something that cannot be.
        ReadingError: nothing is published, or not this day.
        ImpactError: a table that is needed is not published, or the published day was made by another standard or code
            than are there now.
        DbtProjectError: dbt cannot compile the project.
    """
    proposed = new_standard if isinstance(new_standard, Standard) else load_model(new_standard, Standard)
    with tempfile.TemporaryDirectory(prefix="strata-impact-") as name, opened_serving_copy(settings) as con:
        folder = Path(name)
        con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        con.execute(f"set temp_directory = {quote_literal(str(folder / 'spilled'))}")
        published = held_tables(con)
        _refuse_missing(published)
        day = chosen_day(con, day)
        present = _standard_of(con, settings, day)
        say("compiling the models")
        project = compile_project(settings, settings.paths.data / "dbt")
        attach(con, folder, COMPARISON)
        for database, standard in ((PRESENT, present), (PROPOSED, proposed)):
            say(f"classifying {day} by the {database} standard")
            rebuild_day(con, project, settings=settings, standard=standard, day=day, database=database, folder=folder)
            con.execute(f"create table {COMPARISON}.{database} as {classes_sql(standard)}")
        say("comparing")
        con.execute(f"use {COMPARISON}")
        _refuse_other_classes(con, day, published)
        return compare(con, settings, day, present, proposed)


def _refuse_missing(published: set[str]) -> None:
    missing = sorted(set(NEEDED_TABLES) - published)
    if missing:
        raise ImpactError(
            f"Standards are compared from published tables, and {', '.join(missing)} is not published. "
            "Add it to `tables` in publishing.yaml, then `strata run`."
        )


def _standard_of(con: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> Standard:
    """The standard that the published day was classified by."""
    [(version,)] = con.execute(
        f"select standard_version from {PUBLISHED}.{PUBLICATION} where as_of_date = ?", [day]
    ).fetchall()
    known = [*(entry.standard for entry in read_standards(settings.paths.standards)), settings.standard]
    for standard in reversed(known):
        if standard.version == version:
            return standard
    raise ImpactError(
        f"{day} was classified by the standard {version}, which {settings.paths.standards} does not hold. "
        f"Rebuild the day: strata backfill --from {day} --to {day}"
    )


def _refuse_other_classes(con: duckdb.DuckDBPyConnection, day: date, published: set[str]) -> None:
    """Raises where the present standard gives somebody another class than is published."""
    con.execute(f"create table as_published as {_published_classes_sql(con, day, published)}")
    different = con.execute(
        f"""
        select dimension, count(*) filter (where rebuilt.class is distinct from as_published.class) as customers
        from (select * from {PRESENT} where dimension in (select dimension from as_published)) as rebuilt
        full join as_published using (customer_id, dimension)
        group by dimension having customers > 0 order by dimension
        """
    ).fetchall()
    if different:
        found = ", ".join(f"{dimension}: {customers:,}" for dimension, customers in different)
        raise ImpactError(
            f"The published day {day} was made by other code or from other rows than are there now; its classes differ "
            f"from those of its standard for some customers ({found}). Rebuild the day, then compare: "
            f"strata backfill --from {day} --to {day}"
        )


def _published_classes_sql(con: duckdb.DuckDBPyConnection, day: date, published: set[str]) -> str:
    """customer_id, dimension and class as published, of those tables that are."""
    selects = ["select null::bigint as customer_id, null::varchar as dimension, null::varchar as class where false"]
    on_day = f"where as_of_date = date '{day.isoformat()}'"
    if "customer_segments" in published:
        columns = {name for name, *_ in con.execute(f"describe {PUBLISHED}.customer_segments").fetchall()}
        dimensions = [name for (name,) in con.execute(f"select distinct dimension from {PRESENT}").fetchall()]
        segments = f"from {PUBLISHED}.customer_segments {on_day}"
        selects += [
            f"select customer_id, {quote_literal(name)}, {class_of_column(name)} {segments}"
            for name in sorted(dimensions)
            if name in columns
        ]
    for table, dimension, code in (
        ("customer_matrices", "matrix", "quadrant"),
        ("customer_own_dimensions", "dimension", "class"),
    ):
        if table in published:
            selects.append(f"select customer_id, {dimension}, {code} from {PUBLISHED}.{table} {on_day}")
    return " union all ".join(selects)
