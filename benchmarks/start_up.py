"""Start-up: `strata run` on a thousand orders, against a run of an empty project of the same shape."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from benchmarks.company import LAST_DAY, SOURCES
from benchmarks.empty_run import generate
from benchmarks.measuring import measure
from benchmarks.steps import Comparison, Say, Step
from dagster_project.settings import load_settings
from dagster_project.settings.children import process_environment
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.warehouse.dbt_manifest import dbt_executable, fresh_manifest

ORDERS = 1_000
NAME = "start_up"
AIM = 1.3
TIMES = 3  # a run is over in seconds: the fastest is the one that other work disturbed least
DBT_STEPS = 2  # of the ops of a run, `staging` and `classification` are dbt's
STAGING = "staging"


def measure_start_up(folder: Path, size: int, say: Say) -> list[Comparison]:
    """The first run of an installation, which parses and creates, and the next ones; `size` is ORDERS."""
    installation, empty = folder / "shop", folder / "empty"
    prepare(installation, size)
    settings = load_settings(installation / "config", installation / "data")
    environment = process_environment(settings)
    strata = [str(dbt_executable().with_name("strata")), "run", "--as-of", str(LAST_DAY)]
    say("counting models, tests and ops")
    ops = _daily_ops(environment) - DBT_STEPS
    manifest = json.loads(fresh_manifest(settings).read_text(encoding="utf-8"))
    # A fresh installation has no parse yet: the first run pays for its own.
    shutil.rmtree(settings.paths.data / "dbt")
    empty.mkdir()
    generate(empty, manifest, first=STAGING, ops=ops)
    bare = [sys.executable, "-m", "benchmarks.empty_run", str(empty)]
    say("first runs")
    first = measure(strata, environment), measure(bare)
    say("next runs")
    # In turn, so that other work on the machine falls on both.
    pairs = [(measure(strata, environment), measure(bare)) for _ in range(TIMES)]
    ours, floor = (min(side, key=lambda each: each.seconds) for side in zip(*pairs, strict=True))
    kinds = [node["resource_type"] for node in manifest["nodes"].values()]
    note = f"{kinds.count('model')} models, {kinds.count('test')} data tests, {ops + DBT_STEPS} ops, 2 dbt invocations"
    return [
        Comparison(NAME, "first run", size, *first, aim=AIM, note=note),
        Comparison(NAME, "next run", size, ours, floor, aim=AIM, note=note),
    ]


def prepare(folder: Path, orders: int) -> None:
    """An installation with the shipped standard and so many orders of a tenth as many customers in a CSV file."""
    config, inbox = folder / "config", folder / "data" / "inbox"
    config.mkdir(parents=True)
    inbox.mkdir(parents=True)
    (config / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    for name in ("standards.yaml", "publishing.yaml"):
        shutil.copy(PROJECT_ROOT / "config" / name, config)
    with duckdb.connect() as con:
        con.execute(
            """
            copy (
                select
                    'o' || range as id, 'c' || range % ($orders // 10) as customer,
                    timestamp '2021-01-01' + to_hours(cast(hash(range) % 35000 as bigint)) as at,
                    cast(hash(range, 'cents') % 20000 as decimal(18, 2)) / 100 as amount
                from range($orders)
            ) to $file
            """,
            {"orders": orders, "file": str(inbox / "orders.csv")},
        )


def _daily_ops(environment: dict[str, str]) -> int:
    """How many ops the daily job has, counted in a process of its own: Dagster stays out of the one that measures."""
    counted = subprocess.run(
        [sys.executable, "-c", _COUNT], env=environment, capture_output=True, text=True, check=True
    )
    return int(counted.stdout.split()[-1])


_COUNT = """
from dagster_project.definitions import build_definitions
from dagster_project.settings import load_settings
print(len(build_definitions(load_settings()).resolve_job_def("daily").nodes))
"""

STEP = Step(
    name=NAME,
    title="Start-up",
    floor="a Dagster + dbt project with as many models, data tests, ops and dbt invocations, each `select 1`, run in "
    "one process",
    measure=measure_start_up,
    fixed_size=ORDERS,
)
