"""One published day classified anew, under any standard, in a database that is thrown away.

The project's own models run over published customer days. What those do not tell (attributes, contacts, lines, CRM
states) is taken as the day's published features have it.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.landing import Manifest
from dagster_project.publishing.serving import FILE_NAME
from dagster_project.settings import Paths, Settings
from dagster_project.settings.standards import Standard
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse.compiled_models import CompiledProject
from dagster_project.warehouse.control import write_control

# The serving copy, which DuckDB calls as its file is called.
PUBLISHED = Path(FILE_NAME).stem
# Flags that stand beside the classes, as dimensions with the classes yes, no and unknown.
FLAGS = {
    "is_loyal": "int_lifecycles_staged",
    "is_high_frequency": "int_behaviours_flagged",
    "is_trial_converted": "int_behaviours_flagged",
    "is_at_risk": "int_behaviours_flagged",
    "is_potential_buyer": "int_behaviours_flagged",
}
YES, NO, UNKNOWN = "yes", "no", "unknown"
_MEASURED = "int_customers_measured"
_FEATURES = "int_customer_features"
_FROM_CUSTOMER_DAYS = {
    "int_customer_days": "select * from {published}.customer_days order by customer_id, business_day",
    "int_customers_first_seen": "select customer_id, first_seen_on from {published}.dim_customers order by customer_id",
    # Who objects has no published features, and so no class here.
    "int_profiling_objections": (
        "select null::bigint as customer_id, null::date as valid_from, null::date as valid_to where false"
    ),
}
_WANTED = ("int_customers_classified", "int_matrices_placed", "int_own_dimensions_decided", *FLAGS.values())
# What examples are explained by (examples.py), and what both standards are tested on.
_WANTED_MARTS = (
    "customer_segments",
    "customer_reasons",
    "customer_features",
    "customer_lifecycle",
    "customer_value",
    "matrix_cut_points",
    "classification_backtest",
)


def rebuild_day(
    con: duckdb.DuckDBPyConnection,
    project: CompiledProject,
    *,
    settings: Settings,
    standard: Standard,
    day: date,
    database: str,
    folder: Path,
) -> None:
    """Classify `day`, and the month ends that its backtest looks back on, under `standard` in a new `database`.

    `con` is the serving copy; all that is written lies below `folder`.
    """
    attach(con, folder, database)
    con.execute(f"use {quote_identifier(database)}")
    _write_control(con, settings=settings, standard=standard, day=day, folder=folder / database)
    con.execute("create schema intermediate")
    for model, select in _FROM_CUSTOMER_DAYS.items():
        con.execute(f"create table intermediate.{model} as {select.format(published=PUBLISHED)}")
    given = set(_FROM_CUSTOMER_DAYS)
    project.build(con, select=[_MEASURED], given=given)
    con.execute(f"create table intermediate.{_FEATURES} as {_features_sql(con, day)}")
    project.build(con, select=[*_WANTED, *_WANTED_MARTS], given={*given, _MEASURED, _FEATURES})


def attach(con: duckdb.DuckDBPyConnection, folder: Path, database: str) -> None:
    """A new database in `folder`, to be written to beside the serving copy, which cannot be."""
    path = folder / f"{database}.duckdb"
    con.execute(f"attach {quote_literal(str(path))} as {quote_identifier(database)} (read_write)")


def classes_sql(standard: Standard) -> str:
    """customer_id, dimension and class of every customer of the rebuilt day, one row a dimension, flags among them."""
    fixed = [code for code, kind in standard.dimensions() if kind in {"fixed", "cluster"}]
    selects = [
        f"select customer_id, {quote_literal(code)} as dimension, {quote_identifier(code)} as class "
        "from intermediate.int_customers_classified where is_requested"
        for code in fixed
    ]
    selects.append(
        "select customer_id, matrix as dimension, quadrant as class "
        "from intermediate.int_matrices_placed where is_requested"
    )
    selects.append(
        "select customer_id, dimension, class from intermediate.int_own_dimensions_decided where is_requested"
    )
    selects += [
        f"select customer_id, '{flag}' as dimension, {class_of_column(flag)} as class "
        f"from intermediate.{model} where is_requested"
        for flag, model in FLAGS.items()
    ]
    return " union all ".join(selects)


def class_of_column(column: str) -> str:
    """SQL for the class that a column of classes or flags holds."""
    if column in FLAGS:
        return f"case {column} when true then '{YES}' when false then '{NO}' else '{UNKNOWN}' end"
    return quote_identifier(column)


def _write_control(
    con: duckdb.DuckDBPyConnection, *, settings: Settings, standard: Standard, day: date, folder: Path
) -> None:
    """The rules of `standard` alone, holding for all days; registers of this installation are not touched."""
    paths = Paths(root=settings.paths.root, config=settings.paths.config, data=folder)
    if settings.paths.clusters.exists():
        shutil.copytree(settings.paths.clusters, paths.clusters)
    alone = standard.model_copy(update={"effective_from": None})
    write_control(
        con,
        settings=replace(settings, paths=paths, standard=alone),
        manifest=Manifest(folder=paths.landing, batches=()),
        days=[day],
    )
    # Movement is not measured here, so the month end before is not classified.
    con.execute("delete from control.as_of_days where not is_requested and not is_reference")
    con.execute("update control.as_of_days set is_classified = is_requested")


def _features_sql(con: duckdb.DuckDBPyConnection, day: date) -> str:
    """The published features of `day`, those that customer days tell measured anew."""
    measured = _columns(con, f"intermediate.{_MEASURED}")
    published = _columns(con, f"{PUBLISHED}.customer_features")
    listed = ", ".join(
        f"{'measured' if name in measured else 'features'}.{quote_identifier(name)}"
        for name in (*published, "is_requested")
    )
    return f"""
        select {listed}
        from intermediate.{_MEASURED} as measured
        inner join {PUBLISHED}.customer_features as features
            on measured.as_of_date = features.as_of_date and measured.customer_id = features.customer_id
        where measured.as_of_date = date '{day.isoformat()}' and measured.is_requested
        order by measured.customer_id
    """


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [name for name, *_ in con.execute(f"describe {relation}").fetchall()]
