"""The dbt models as code that any open DuckDB connection can run: compiled once by dbt, kept, executed without it.

For who needs the same models over tables of their own: a start of dbt costs seconds, the SQL of a few customers
milliseconds. What is in the warehouse is still built by dbt itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.atomic_files import written_beside
from dagster_project.settings import Settings, child_environment
from dagster_project.settings.children import process_environment
from dagster_project.sql_text import quote_identifier
from dagster_project.warehouse.dbt_arguments import dbt_arguments
from dagster_project.warehouse.dbt_manifest import DbtProjectError, dbt_executable, project_fingerprint

# A compile against an empty database writes every incremental model as its first, full build.
EMPTY_WAREHOUSE = ":memory:"
# What the SQL says of an installation: compiled as the names of these variables, which its own values replace.
OWN_VARIABLES = ("STRATA_BUSINESS_TIME_ZONE", "STRATA_REPORTING_CURRENCY", "STRATA_EXCHANGE_RATE_MAX_AGE_DAYS")


@dataclass(frozen=True)
class CompiledModel:
    """A model as SQL over relations named `"schema"."name"`; `columns` are name and type of an enforced contract.

    Of a model in Python `code` is its file, and `read` says where each model stands that it refers to.
    """

    name: str
    schema: str
    is_view: bool
    code: str
    depends_on: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    is_python: bool = False
    read: tuple[tuple[str, str], ...] = ()

    @property
    def relation(self) -> str:
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    def build(self, con: duckdb.DuckDBPyConnection) -> None:
        """Create or replace the model's relation."""
        if self.is_python:
            self._build_python(con)
            return
        columns = [(quote_identifier(name), type_name) for name, type_name in self.columns]
        listed = ", ".join(f"cast({name} as {type_name}) as {name}" for name, type_name in columns)
        select = f"select {listed} from ({self.code}\n)" if self.columns and not self.is_view else self.code
        con.execute(f"create or replace {'view' if self.is_view else 'table'} {self.relation} as {select}")

    def _build_python(self, con: duckdb.DuckDBPyConnection) -> None:
        """Call the model's function as dbt does: with an object to refer by, and the connection."""
        namespace: dict[str, Any] = {}
        exec(compile(self.code, f"{self.name}.py", "exec"), namespace)  # noqa: S102  (the project's own model)
        con.register("made", namespace["model"](_References(con, dict(self.read)), con))
        con.execute(f"create or replace table {self.relation} as select * from made")
        con.unregister("made")


@dataclass(frozen=True)
class _References:
    """What a Python model asks of dbt."""

    con: duckdb.DuckDBPyConnection
    relations: Mapping[str, str]

    def config(self, **_: object) -> None:
        """How dbt is to keep the model; here it is always a table."""

    def ref(self, model: str) -> duckdb.DuckDBPyRelation:
        return self.con.sql(f"select * from {self.relations[model]}")


@dataclass(frozen=True)
class CompiledProject:
    """All models of the dbt project, each after those it reads."""

    models: Mapping[str, CompiledModel]

    def build(
        self, con: duckdb.DuckDBPyConnection, *, select: Collection[str] | None = None, given: Collection[str] = ()
    ) -> list[str]:
        """Build models in the current database of `con`, in the order of their dependencies; the names of those built.

        `select`: the models wanted (all when None); what they read is built before them. `given`: models whose
        relations are there already: they are read, not built, and what nobody else needs is not built either. The
        schemas that dbt does not build (landing, identity, control) must be there. Sets the connection's time zone to
        UTC, as dbt has it.

        Raises:
            KeyError: a name is no model.
            duckdb.Error: a relation that a model reads is missing, or its values do not fit.
        """
        wanted = self.needed(select, given)
        con.execute("set TimeZone = 'UTC'")
        for schema in sorted({self.models[name].schema for name in wanted}):
            con.execute(f"create schema if not exists {quote_identifier(schema)}")
        for name in wanted:
            self.models[name].build(con)
        return wanted

    def needed(self, select: Collection[str] | None = None, given: Collection[str] = ()) -> list[str]:
        """Names of the models that `build` would build, in its order."""
        there = {self.models[name].name for name in given}
        if select is None:
            read = {upstream for model in self.models.values() for upstream in model.depends_on}
            select = self.models.keys() - read
        needed: set[str] = set()
        waiting = [self.models[name].name for name in select]
        while waiting:
            name = waiting.pop()
            if name not in there and name not in needed:
                needed.add(name)
                waiting += self.models[name].depends_on
        return [name for name in self.models if name in needed]


def compile_project(settings: Settings, folder: Path) -> CompiledProject:
    """The models of the dbt project as they stand now, compiled by one run of dbt and kept in `folder` for next time.

    Of the settings the SQL has the business time zone, the currency and the age of rates; a change of them is no new
    compile.

    Raises:
        DbtProjectError: dbt cannot compile the project.
    """
    kept = folder / f"compiled-{project_fingerprint(settings.paths.dbt_project)}.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "compiled.lock").open("w") as lock:  # two compiles at once would write one target folder
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                _compile(settings, target=folder / "compile", kept=kept)
    text = kept.read_text(encoding="utf-8")
    values = child_environment(settings)
    for name in OWN_VARIABLES:
        text = text.replace(name, values[name])
    models = [_model_from(entry) for entry in json.loads(text)]
    return CompiledProject({model.name: model for model in models})


def _compile(settings: Settings, *, target: Path, kept: Path) -> None:
    project = settings.paths.dbt_project
    command = [str(dbt_executable()), f"--parent-pid={os.getpid()}"]
    command += dbt_arguments("compile", select=["resource_type:model"])
    done = subprocess.run(  # noqa: S603
        [*command, "--target-path", str(target), "--log-path", str(target), "--profiles-dir", str(project)],
        cwd=project,
        env={
            **process_environment(settings),
            **{name: name for name in OWN_VARIABLES},
            "STRATA_WAREHOUSE": EMPTY_WAREHOUSE,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DbtProjectError(f"dbt cannot compile {project}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    shutil.rmtree(target)
    for stale in kept.parent.glob("compiled-*.json"):
        stale.unlink()
    with written_beside(kept) as beside:
        beside.write_text(json.dumps([asdict(model) for model in _models_in_order(manifest)]), encoding="utf-8")


def _models_in_order(manifest: Mapping[str, Any]) -> Iterator[CompiledModel]:
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    # Without the database: it is called as the file is, and a build takes the connection's own.
    schemas = {
        (quote_identifier(named["database"]), quote_identifier(named["schema"]))
        for named in [*nodes.values(), *manifest["sources"].values()]
    }
    upstream = {key: [other for other in node["depends_on"]["nodes"] if other in nodes] for key, node in nodes.items()}
    for key in TopologicalSorter({key: sorted(upstream[key]) for key in sorted(nodes)}).static_order():
        node = nodes[key]
        is_python = node["language"] == "python"
        code = node["raw_code"] if is_python else node["compiled_code"]
        for database, schema in sorted(schemas):
            code = code.replace(f"{database}.{schema}", schema)
        has_contract = node["config"]["contract"]["enforced"]
        yield CompiledModel(
            name=node["name"],
            schema=node["schema"],
            is_view=node["config"]["materialized"] == "view",
            code=code,
            depends_on=tuple(nodes[other]["name"] for other in upstream[key]),
            columns=tuple((column["name"], column["data_type"]) for column in node["columns"].values() if has_contract),
            is_python=is_python,
            read=tuple(
                (
                    nodes[other]["name"],
                    f"{quote_identifier(nodes[other]['schema'])}.{quote_identifier(nodes[other]['name'])}",
                )
                for other in (upstream[key] if is_python else ())
            ),
        )


def _model_from(entry: Mapping[str, Any]) -> CompiledModel:
    return CompiledModel(
        **{
            **entry,
            "depends_on": tuple(entry["depends_on"]),
            **{name: tuple((one, other) for one, other in entry[name]) for name in ("columns", "read")},
        }
    )
