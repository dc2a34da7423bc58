"""Tables and views are replaced in place, and rows appended to them: nothing is lost that a swap would have kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"
PROJECT = {
    "dbt_project.yml": """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
""",
    "profiles.yml": "shop: {target: it, outputs: {it: {type: duckdb, path: shop.duckdb, threads: 1}}}",
    "models/kept.sql": """
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}
select {{ var('day') }} as day {% if var('kept') == 'wider' %}, 'more' as more {% endif %}
""",
    "models/promised.sql": """
{{ config(materialized='table', contract={'enforced': true}) }}
select {{ "cast('word' as integer)" if var('promised') == 'fails' else var('promised') }} as n, {{ var('day') }} as day
""",
    "models/moved.sql": "{{ config(materialized=var('moved')) }} select {{ var('day') }} as day",
    "models/made.py": """
def model(dbt, session):
    return dbt.ref("promised").project("day").to_arrow_table()
""",
    "models/dated.sql": """
{{ config(materialized='table', meta={'by_days': true}) }}
select as_of_date, {{ var('day') }} as day from {{ source('control', 'as_of_days') }} where as_of_date > '2024-01-01'
""",
    "models/dated_kept.sql": """
{{
    config(
        materialized='incremental', incremental_strategy='append', on_schema_change='fail', meta={'by_days': true},
        contract={'enforced': true}
    )
}}
select day, as_of_date from {{ ref('dated') }} where as_of_date between '2024-01-02' and '2024-01-03'
""",
    "models/stepped.sql": """
{{
    config(
        materialized='incremental', incremental_strategy='delete+insert', unique_key='customer_id',
        meta={'by_customers': true}
    )
}}
with customers as (
    select customer_id, {{ var('day') }} as day, count(*) over () as at_once from {{ source('control', 'everybody') }}
    where {{ of_these_customers() }}
)
select * from customers where customer_id % 200_000 = {{ 0 if var('day') == 1 else 100_000 }} or customer_id = 600_000
""",
    "models/crossed.sql": """
{{ config(materialized='table', meta={'by_days': true, 'by_customers': true}) }}
select as_of_date, customer_id, txid_current() as part
from {{ source('control', 'as_of_days') }}
cross join {{ source('control', 'everybody') }}
where customer_id % 300_000 = 0
""",
    "models/large.sql": """
{{
    config(
        materialized='incremental', incremental_strategy='append', on_schema_change='fail', contract={'enforced': true},
        meta={'by_days': true, 'replaced_days': 'is_requested'}
    )
}}
select as_of_date, customer_id, 'new' as stage
from {{ source('control', 'as_of_days') }}
cross join {{ source('control', 'everybody') }}
where as_of_date in ('2024-01-02', '2024-01-04') and customer_id < 200_000
""",
    "models/replaced.sql": """
{{
    config(
        materialized='incremental', incremental_strategy='append', on_schema_change='fail',
        meta={'by_days': true, 'day_column': 'day', 'replaced_days': 'is_requested'}
    )
}}
select
    as_of_date as day,
    {{ var('day') }} as number,
    case when as_of_date = '2024-01-03' then cast('{{ var('third_day') }}' as integer) end as said
from {{ source('control', 'as_of_days') }}
where as_of_date > date '2024-01-01' + {{ var('day') % 2 }}
""",
    "models/large_found.sql": """
{{ config(materialized='table') }}
select as_of_date, count(*) as customers from {{ ref('large') }} where customer_id < 1_000 group by as_of_date
""",
    "models/schema.yml": """
sources:
  - {name: control, tables: [{name: as_of_days}, {name: everybody}]}
  - {name: identity, tables: [{name: customer_aliases}]}
models:
  - name: dated_kept
    columns: [{name: day, data_type: integer}, {name: as_of_date, data_type: date}]
  - name: large
    columns:
      - {name: as_of_date, data_type: date, constraints: [{type: not_null}]}
      - {name: customer_id, data_type: bigint, constraints: [{type: not_null}]}
      - {name: stage, data_type: varchar, constraints: [{type: not_null}]}
  - name: promised
    columns: [{name: n, data_type: integer, constraints: [{type: not_null}]}, {name: day, data_type: integer}]
""",
}
# One process for all runs: it is dbt's imports that take time. Of four days, 600,000 customers are computed a day at a
# time, or 250,000 customers; 600,000 and 600,001 are no customers any more. In the last run there are 2.2 million.
RUNS = """
import duckdb, json, sys
from dagster_project.warehouse.dbt_child import invoke
with duckdb.connect("shop.duckdb") as con:
    con.execute("create schema control; create schema identity")
    days = "select date '2024-01-01' + cast(range as int) as as_of_date, true as is_requested from range(4)"
    con.execute(f"create table control.as_of_days as {days}")
    con.execute("create table identity.customer_aliases as select range as customer_id from range(600_000)")
    con.execute("create table control.everybody as select range as customer_id from range(600_002)")
for number, variables in enumerate(json.loads(sys.argv[1])):
    if variables["customers"] > 600_000:
        with duckdb.connect("shop.duckdb") as con:
            for table in ("identity.customer_aliases", "control.everybody"):
                con.execute(f"insert into {table} select range from range(600_002, {variables['customers']})")
    target = ["--target-path", f"target{number}", "--log-path", f"target{number}", "--no-use-colors"]
    code = invoke(["run", "--no-write-json", "--vars", json.dumps(variables), *target])
    open(f"target{number}/code", "w").write(str(code))
    with duckdb.connect("shop.duckdb") as con:
        con.execute(f"export database 'state{number}'")
        con.execute("create table dated__parts as select 1 as left_by_a_killed_run")
"""
MODELS = {
    "kept",
    "promised",
    "moved",
    "made",
    "dated",
    "dated_kept",
    "replaced",
    "large",
    "large_found",
    "stepped",
    "crossed",
}
AS_IS: dict[str, Any] = {"customers": 600_000, "kept": "same", "promised": "1", "moved": "view", "third_day": "3"}


@dataclass(frozen=True)
class Run:
    """How one run ended, what dbt said of each model, and what the database held then."""

    code: int
    said: dict[str, str]
    tables: dict[str, list[tuple[Any, ...]]]
    kinds: dict[str, str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "macros").mkdir()
    for macros in ("materializations.sql", "parts.sql", "requested_days.sql"):
        shutil.copy(MACROS / macros, folder / "macros")
    variables = [
        {**AS_IS, "day": 1},
        {**AS_IS, "day": 2, "moved": "table"},
        {**AS_IS, "day": 3, "kept": "wider", "promised": "fails"},
        {**AS_IS, "day": 4, "promised": "'word'", "third_day": "no number"},
        {**AS_IS, "day": 5, "promised": "cast(null as integer)", "customers": 2_200_000},
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    done = subprocess.run(
        [sys.executable, "-c", RUNS, json.dumps(variables)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [_run(folder, number) for number in range(len(variables))]


def _run(folder: Path, number: int) -> Run:
    target = folder / f"target{number}"
    results = json.loads((target / "run_results.json").read_text())["results"]
    with duckdb.connect() as con:
        con.execute(f"import database '{folder / f'state{number}'}'")
        listed = "select table_name, table_type from information_schema.tables where table_schema = 'main'"
        kinds = dict(con.execute(listed).fetchall())
        tables = {name: sorted(con.execute(f'from "{name}"').fetchall()) for name in kinds}
    said = {result["unique_id"].rpartition(".")[2]: result["message"] for result in results}
    return Run(int((target / "code").read_text()), said, tables, kinds)


def test_rows_are_appended_to_what_is_there(runs: list[Run]) -> None:
    assert [run.code for run in runs[:2]] == [0, 0]
    assert [run.tables["kept"] for run in runs[:2]] == [[(1,)], [(1,), (2,)]]


def test_a_table_is_replaced_by_what_sql_or_python_gives(runs: list[Run]) -> None:
    assert [(run.tables["promised"], run.tables["made"]) for run in runs[:2]] == [
        ([(1, 1)], [(1,)]),
        ([(1, 2)], [(2,)]),
    ]


def test_a_view_becomes_a_table_and_a_view_again(runs: list[Run]) -> None:
    assert [run.kinds["moved"] for run in runs[:3]] == ["VIEW", "BASE TABLE", "VIEW"]
    assert [run.tables["moved"] for run in runs[:3]] == [[(1,)], [(2,)], [(3,)]]


def test_a_model_that_fails_leaves_its_table_as_it_was(runs: list[Run]) -> None:
    assert runs[2].code == 1
    assert "Could not convert string 'word' to INT32" in runs[2].said["promised"]
    assert runs[2].tables["promised"] == [(1, 2)]


def test_columns_that_a_kept_table_does_not_have_are_refused_in_dbt_s_words(runs: list[Run]) -> None:
    assert "source and target schemas on this incremental model are out of sync" in runs[2].said["kept"]
    assert runs[2].tables["kept"] == [(1,), (2,)]


def test_a_type_other_than_the_contract_s_is_refused_before_anything_is_written(runs: list[Run]) -> None:
    assert "This model has an enforced contract that failed" in runs[3].said["promised"]
    assert "VARCHAR" in runs[3].said["promised"]
    assert runs[3].tables["promised"] == [(1, 2)]


def test_what_a_contract_says_of_nulls_holds(runs: list[Run]) -> None:
    assert "NOT NULL constraint failed" in runs[4].said["promised"]
    assert runs[4].tables["promised"] == [(1, 2)]


def test_a_model_by_days_has_the_rows_of_all_days_also_where_the_first_has_none(runs: list[Run]) -> None:
    assert [run.tables["dated"] for run in runs[:2]] == [
        [(date(2024, 1, day), number) for day in (2, 3, 4)] for number in (1, 2)
    ]


def test_rows_written_by_days_are_found_by_their_day_and_appended_by_days(runs: list[Run]) -> None:
    """DuckDB 2.0.0 finds none in a table that was made by a select without rows and filled in the same transaction."""
    assert runs[0].tables["dated_kept"] == [(1, date(2024, 1, 2)), (1, date(2024, 1, 3))]
    assert runs[1].tables["dated_kept"] == [(number, date(2024, 1, day)) for number in (1, 2) for day in (2, 3)]


def test_a_day_is_replaced_by_what_is_written_for_it_also_by_nothing(runs: list[Run]) -> None:
    assert [run.tables["replaced"] for run in runs[:3]] == [
        _replaced({3: 1, 4: 1}),
        _replaced({2: 2, 3: 2, 4: 2}),
        _replaced({3: 3, 4: 3}),
    ]


def test_a_model_by_days_that_fails_leaves_every_day_whole(runs: list[Run]) -> None:
    assert "Could not convert string 'no number' to INT32" in runs[3].said["replaced"]
    assert runs[3].tables["replaced"] == _replaced({2: 4, 3: 3, 4: 3})


def _replaced(numbers: dict[int, int]) -> list[tuple[Any, ...]]:
    return [(date(2024, 1, day), number, 3 if day == 3 else None) for day, number in numbers.items()]


def test_many_rows_after_a_day_without_any_are_found_by_whoever_reads_next(runs: list[Run]) -> None:
    """DuckDB 2.0.0 finds none of 122,880 rows and more that a transaction adds after an insert without rows."""
    for run in runs[:2]:
        assert run.tables["large_found"] == [(date(2024, 1, 2), 1_000), (date(2024, 1, 4), 1_000)]
        assert len(run.tables["large"]) == 2 * 200_000


def test_a_model_by_customers_has_the_rows_of_all_some_customers_at_a_time(runs: list[Run]) -> None:
    first = [(0, 1, 250_000), (200_000, 1, 250_000), (400_000, 1, 250_000), (600_000, 1, 100_002)]
    assert runs[0].tables["stepped"] == first
    second = [(100_000, 2, 250_000), (300_000, 2, 250_000), (500_000, 2, 100_002), (600_000, 2, 100_002)]
    assert runs[1].tables["stepped"] == sorted([*first[:3], *second])


@pytest.mark.parametrize(("run", "customers", "ranges"), [(0, 600_001, 1), (4, 2_200_000, 3)])
def test_a_day_of_more_than_a_million_customers_is_computed_some_customers_at_a_time(
    runs: list[Run], run: int, customers: int, ranges: int
) -> None:
    rows = runs[run].tables["crossed"]
    days = [date(2024, 1, day) for day in (1, 2, 3, 4)]
    assert [row[:2] for row in rows] == [(day, id) for day in days for id in range(0, customers, 300_000)]
    assert [len({part for day, _, part in rows if day == this}) for this in days] == [ranges] * 4
    assert len({part for _, _, part in rows}) == ranges * 4


def test_nothing_is_left_beside_the_models_also_of_what_a_killed_run_left(runs: list[Run]) -> None:
    assert all(run.kinds.keys() == MODELS for run in runs)
