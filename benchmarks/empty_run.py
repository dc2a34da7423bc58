"""A Dagster + dbt project in which every model, data test and op says `select 1`, generated and run in one process.

python -m benchmarks.empty_run FOLDER

What any pipeline of so many models, tests, ops and dbt invocations costs before it does anything: written as
dagster-dbt's own documentation has it, without anything of this project.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PROJECT = "empty_project"
FIRST = "first"  # the folder of the models that the first of two dbt invocations builds
OPS = "ops.json"
INSTANCE = "telemetry: { enabled: false }\n"
DBT_PROJECT = f"""\
name: {PROJECT}
version: "1.0"
profile: {PROJECT}
flags: {{ send_anonymous_usage_stats: false }}
"""
PROFILES = f"""\
{PROJECT}:
  target: here
  outputs:
    here: {{ type: duckdb, path: "{{{{ env_var('EMPTY_WAREHOUSE') }}}}", threads: 2 }}
"""


def generate(folder: Path, manifest: Mapping[str, Any], *, first: str, ops: int) -> None:
    """Write a project with the models, data tests and dependencies of `manifest`, all of them `select 1`.

    Models below the folder `first` of that project are built by an invocation of their own, before the others. `ops`
    are those beside dbt. A model in Python becomes a table; contracts, hooks and unit tests are left out.
    """
    models = folder / "models"
    for node in manifest["nodes"].values():
        if node["resource_type"] not in {"model", "test"}:
            continue
        reads = [other.rsplit(".", 1)[-1] for other in node["depends_on"]["nodes"] if other.startswith("model.")]
        if node["resource_type"] == "model":
            needs = "".join(f"-- depends_on: {{{{ ref('{name}') }}}}\n" for name in reads)
            below = models / (FIRST if first in node["fqn"] else "second")
            kind = node["config"]["materialized"]
            text = f"{needs}{{{{ config(materialized='{kind}') }}}}\nselect 1 as one\n"
        else:
            tested = (node.get("attached_node") or node["depends_on"]["nodes"][0]).rsplit(".", 1)[-1]
            below = folder / "tests"
            text = f"select 1 from {{{{ ref('{tested}') }}}} where false\n"
        below.mkdir(parents=True, exist_ok=True)
        # Names of generic tests are longer than some file systems take.
        name = node["name"] if node["resource_type"] == "model" else f"test_{len(list(below.iterdir()))}"
        (below / f"{name}.sql").write_text(text, encoding="utf-8")
    (folder / "dbt_project.yml").write_text(DBT_PROJECT, encoding="utf-8")
    (folder / "profiles.yml").write_text(PROFILES, encoding="utf-8")
    (folder / "home").mkdir()
    (folder / "home" / "dagster.yaml").write_text(INSTANCE, encoding="utf-8")
    (folder / OPS).write_text(json.dumps(ops))


def main(folder: Path) -> None:
    """Run the project once: two dbt invocations and the ops before, between and after them."""
    os.environ.update(DAGSTER_HOME=str(folder / "home"), EMPTY_WAREHOUSE=str(folder / "warehouse.duckdb"))
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    import dagster as dg
    import duckdb
    from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

    project = DbtProject(project_dir=folder, profiles_dir=folder)
    if not project.manifest_path.exists():
        project.preparer.prepare(project)
    dbt = DbtCliResource(project_dir=project)

    @dbt_assets(name="first", manifest=project.manifest_path, select=f"{PROJECT}.{FIRST}", project=project)
    def first(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from dbt.cli(["build"], context=context).stream()

    @dbt_assets(name="second", manifest=project.manifest_path, exclude=f"{PROJECT}.{FIRST}", project=project)
    def second(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from dbt.cli(["build"], context=context).stream()

    def op(number: int, deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
        @dg.asset(name=f"op_{number}", deps=deps)
        def one() -> None:
            with duckdb.connect() as con:
                con.execute("select 1")

        return one

    ops = json.loads((folder / OPS).read_text())
    others = [op(0, []), op(1, [*first.keys]), *(op(number, [*second.keys]) for number in range(2, ops))]
    definitions = dg.Definitions(assets=[first, second, *others], jobs=[dg.define_asset_job("all_of_it")])
    with dg.DagsterInstance.from_config(str(folder / "home")) as instance:
        result = definitions.resolve_job_def("all_of_it").execute_in_process(instance=instance)
    if not result.success:
        sys.exit("the empty project failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
