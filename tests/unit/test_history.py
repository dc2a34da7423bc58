"""segment_history is a function of the computed days and their classes: no order, rerun or gap of runs shows in it.

What it should hold is computed anew from all days with pandas. A few runs go through dbt itself; the many that
hypothesis makes run the SQL that dbt compiled for them, in memory.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from examples import tried_with
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from warehouse_builder import WarehouseBuilder

from dagster_project.warehouse.compiled_models import CompiledProject, compile_project
from dagster_project.warehouse.control_tables import KEPT_TABLES, TABLES

FIRST_DAY = date(2024, 1, 1)
# Columns of int_customers_classified that hold a class; those that a test does not care for are always the same.
COLUMNS = ("lifecycle_stage", "value_tier", "rfm_segment", "rfm_type", "need_clarity", "need_type", "need_motive")
MATRIX, OWN = "value_frequency", "member_tier"
# Only the second standard has clusters and a dimension of its own.
STANDARDS = {"v1": (False, (MATRIX,)), "v2": (True, (MATRIX, OWN))}
GIVEN = ("int_customers_classified", "int_matrices_placed", "int_own_dimensions_decided")
PREPARED = ("int_other_classes_fingerprinted", "int_requested_days_grouped", "int_class_changes_found")
HISTORY = "customer_id, dimension, class, valid_from, valid_to, standard_version"

Classes = Mapping[str, str]


@dataclass(frozen=True)
class ComputedDay:
    """What a run found of a day: its standard, and the classes of the customers who have a row."""

    standard: str
    customers: Mapping[int, Classes]

    def rows(self) -> Iterator[tuple[int, str, str]]:
        for customer, classes in self.customers.items():
            dimensions = [*COLUMNS, *(["cluster"] if STANDARDS[self.standard][0] else []), *STANDARDS[self.standard][1]]
            yield from ((customer, dimension, classes.get(dimension, "same")) for dimension in dimensions)


Run = Mapping[date, ComputedDay]


def expected_history(days: Mapping[date, ComputedDay]) -> list[tuple[object, ...]]:
    """The history of computed days, from nothing else: equal classes of one computed day and the next are one row."""
    computed = pd.Series(sorted(days), dtype=object)
    next_day = {day: later for day, later in zip(computed, computed.shift(-1), strict=True) if isinstance(later, date)}
    frame = pd.DataFrame(
        [(*row, day, computed_day.standard) for day, computed_day in days.items() for row in computed_day.rows()],
        columns=["customer_id", "dimension", "class", "day", "standard_version"],
    ).sort_values(["customer_id", "dimension", "day"], ignore_index=True)
    if frame.empty:
        return []
    keys = frame.groupby(["customer_id", "dimension"])
    follows = frame["day"] == keys["day"].shift().map(lambda day: next_day.get(day))
    frame["row"] = (~(follows & (frame["class"] == keys["class"].shift()))).cumsum()
    rows = frame.groupby("row").agg(
        customer_id=("customer_id", "first"),
        dimension=("dimension", "first"),
        code=("class", "first"),
        valid_from=("day", "first"),
        last_on=("day", "last"),
        standard_version=("standard_version", "first"),
    )
    return sorted(
        (customer, dimension, code, valid_from, next_day.get(last_on), version)
        for customer, dimension, code, valid_from, last_on, version in rows.itertuples(index=False)
    )


def write_run(con: duckdb.DuckDBPyConnection, project: CompiledProject, run: Run) -> None:
    """The tables that segment_history reads, as they stand when a run of these days comes to it."""
    rows = [(day, found.standard, *row) for day, found in run.items() for row in found.rows()]
    con.execute(
        "create or replace temp table found (as_of_date date, standard_version varchar, customer_id bigint, "
        "dimension varchar, class varchar)"
    )
    if rows:
        con.execute(f"insert into found values {', '.join(['(?, ?, ?, ?, ?)'] * len(rows))}", [*chain(*rows)])
    con.execute("delete from control.as_of_days")
    con.executemany(
        "insert into control.as_of_days (as_of_date, standard_version, is_requested) values (?, ?, true)",
        [(day, found.standard) for day, found in run.items()],
    )
    columns = ", ".join(f"max(class) filter (where dimension = '{column}') as {column}" for column in COLUMNS)
    con.execute(
        f"""
        create or replace table intermediate.int_customers_classified as
        select as_of_date, customer_id, standard_version, true as is_requested, {columns},
            coalesce(max(class) filter (where dimension = 'cluster'), 'unknown') as cluster
        from found group by as_of_date, customer_id, standard_version
        """
    )
    for table, dimension, columns in (
        ("int_matrices_placed", MATRIX, "dimension as matrix, class as quadrant"),
        ("int_own_dimensions_decided", OWN, "dimension, class"),
    ):
        con.execute(
            f"create or replace table intermediate.{table} as "
            f"select as_of_date, customer_id, {columns} from found where dimension = '{dimension}'"
        )
    project.build(con, select=PREPARED, given=GIVEN)


def create_control(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists control")
    con.execute("create schema if not exists intermediate")
    for table, columns in (TABLES | KEPT_TABLES).items():
        con.execute(f"create table control.{table} ({columns})")
    con.executemany(
        "insert into control.standards (standard_version, has_clusters) values (?, ?)",
        [(version, has_clusters) for version, (has_clusters, _) in STANDARDS.items()],
    )


def history_of(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    rows = con.execute(f"select {HISTORY} from marts.segment_history").fetchall()
    assert all(row[2] is not None for row in rows)
    return sorted(rows)


@dataclass
class ByDbt:
    """A warehouse whose history dbt writes, and the SQL that it compiled for a later run."""

    warehouse: WarehouseBuilder
    project: CompiledProject
    days: dict[date, ComputedDay] = field(default_factory=dict)

    def run(self, run: Run, *options: str) -> None:
        with self.warehouse.connect() as con:
            write_run(con, self.project, run)
        self.warehouse.dbt("build", "--select", "segment_history", *options)
        self.days |= run

    @property
    def history(self) -> list[tuple[object, ...]]:
        with self.warehouse.connect() as con:
            return history_of(con)

    @property
    def sql_of_a_later_run(self) -> str:
        database = self.warehouse.settings.paths.warehouse.stem
        compiled = self.warehouse.folder / "dbt" / "compiled" / "customer_strata" / "models" / "marts" / "segments"
        return (compiled / "segment_history.sql").read_text(encoding="utf-8").replace(f'"{database}".', "")


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def drawn_run(draw: random.Random, days: Iterable[int]) -> dict[date, ComputedDay]:
    return {
        day(number): ComputedDay(
            standard=draw.choice(["v1", "v1", "v2"]),
            customers={
                customer: {
                    dimension: draw.choice("ab")
                    for dimension in ("lifecycle_stage", "value_tier", "cluster", MATRIX, OWN)
                }
                for customer in (1, 2, 3)
                if draw.random() < 0.8
            },
        )
        for number in days
    }


@pytest.fixture(scope="module")
def by_dbt(compiled_models: Path, parsed_project: Path, tmp_path_factory: pytest.TempPathFactory) -> ByDbt:
    """Runs through dbt: a range, a day before it, days between and after with one again, and a loss of customers."""
    folder = tmp_path_factory.mktemp("history")
    warehouse = WarehouseBuilder(folder / "warehouse")
    shutil.copytree(parsed_project / "target", warehouse.folder / "dbt")
    built = ByDbt(warehouse, compile_project(warehouse.settings, compiled_models))
    with warehouse.connect() as con:
        create_control(con)
        con.execute("create schema identity")
        con.execute("create table identity.customer_aliases as select unnest([1, 2, 3]) as customer_id")
    draw = random.Random(7)  # noqa: S311  invented customers
    built.run(drawn_run(draw, [2, 3, 5]))
    with warehouse.connect() as con:
        con.execute("update control.history_days set batch_sequence = 7 where as_of_date = ?", [day(2)])
    built.run({**drawn_run(draw, [0]), day(2): built.days[day(2)]})
    built.run({**drawn_run(draw, [4, 6, 8, 9]), day(3): built.days[day(3)]})
    # The history of days that are not in the run cannot be had again: a full refresh must not take it.
    built.run({day(9): ComputedDay("v1", {}), day(5): ComputedDay("v1", {})}, "--full-refresh")
    return built


def test_dbt_writes_the_history_that_the_computed_days_give(by_dbt: ByDbt) -> None:
    expected = expected_history(by_dbt.days)
    assert len(expected) > 50
    assert by_dbt.history == expected


def test_the_days_are_noted_with_the_history_and_stay_marked_until_their_run_has_succeeded(by_dbt: ByDbt) -> None:
    with by_dbt.warehouse.connect() as con:
        noted = con.execute("select * from control.history_days order by 1").fetchall()
    assert [row[:2] for row in noted] == [(on, by_dbt.days[on].standard) for on in sorted(by_dbt.days)]
    assert {(on, sequence) for on, _, sequence in noted if sequence} == {(day(2), 7)}


class InMemory:
    """Runs as dbt does them: the model's rows replace those of their keys, in one step."""

    def __init__(self, by_dbt: ByDbt) -> None:
        self.con = duckdb.connect(config={"threads": 1})
        self.sql = by_dbt.sql_of_a_later_run
        self.project = by_dbt.project
        create_control(self.con)
        self.con.execute("create schema marts")
        self.con.execute(
            "create table marts.segment_history (customer_id bigint, dimension varchar, class varchar, "
            "valid_from date, valid_to date, standard_version varchar)"
        )

    def forget(self) -> None:
        self.con.execute("delete from marts.segment_history")
        self.con.execute("delete from control.history_days")

    def run(self, run: Run) -> int:
        """Gives the number of rows that were written."""
        con = self.con
        write_run(con, self.project, run)
        con.execute(f"create or replace temp table replacing as {self.sql}")
        con.execute(
            "delete from marts.segment_history where (customer_id, dimension, valid_from) in "
            "(select customer_id, dimension, valid_from from replacing)"
        )
        con.execute(f"insert into marts.segment_history ({HISTORY}) select {HISTORY} from replacing")
        con.execute("delete from marts.segment_history where class is null")
        con.execute(
            "insert into control.history_days select as_of_date, standard_version, 0 from control.as_of_days "
            "on conflict (as_of_date) do update set standard_version = excluded.standard_version"
        )
        [[written]] = con.execute("select count(*) from replacing").fetchall()
        return int(written)


@pytest.fixture(scope="module")
def in_memory(by_dbt: ByDbt) -> Iterator[InMemory]:
    memory = InMemory(by_dbt)
    yield memory
    memory.con.close()


# Mostly the same classes, so that a run often meets customers whom the history has already, all or in part.
classes = st.sampled_from([{}, {}, {"value_tier": "b"}, {"cluster": "b"}, {MATRIX: "b"}, {OWN: "b", MATRIX: "c"}])
computed_days = st.builds(
    ComputedDay,
    standard=st.sampled_from(["v2", "v2", "v1"]),
    customers=st.dictionaries(st.integers(1, 2), classes),
)
runs = st.lists(
    st.dictionaries(st.integers(0, 6).map(day), computed_days, min_size=1, max_size=4), min_size=1, max_size=5
)


@given(runs=runs)
@tried_with(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_runs_give_the_history_of_the_last_state_of_each_day_and_a_rerun_writes_nothing(
    in_memory: InMemory, runs: Sequence[Run]
) -> None:
    in_memory.forget()
    days: dict[date, ComputedDay] = {}
    for run in runs:
        in_memory.run(run)
        days |= run
        assert history_of(in_memory.con) == expected_history(days)
    assert in_memory.run({on: days[on] for on in runs[0]}) == 0


def test_only_what_changed_is_written(in_memory: InMemory) -> None:
    in_memory.forget()
    same = {customer: {"value_tier": "a"} for customer in range(1, 101)}
    dimensions = len(COLUMNS) + 1
    assert in_memory.run({day(0): ComputedDay("v1", same)}) == 100 * dimensions
    assert in_memory.run({day(1): ComputedDay("v1", same)}) == 0
    assert in_memory.run({day(2): ComputedDay("v1", {**same, 7: {"value_tier": "b"}})}) == 2
    assert in_memory.run({day(3): ComputedDay("v1", {**same, 101: {}})}) == 2 + dimensions
    assert history_of(in_memory.con)[-1] == (101, "value_tier", "same", day(3), None, "v1")
