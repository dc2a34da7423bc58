"""dbt as assets: staging, and everything that is computed for days. Which words dbt gets is warehouse/dbt_arguments.py.

What Dagster shows of a model is measured here after dbt is done, in this process and on a connection that is closed
again; the measures themselves are warehouse/measures.py.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliInvocation, DbtProject, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from dagster_project.defs.metadata import bar_plot, column_schema, table_preview
from dagster_project.defs.partitions import ONE_RUN, business_days, days_of
from dagster_project.defs.resources import WAREHOUSE_POOL, DbtChild, refusals, warehouse_held
from dagster_project.errors import StrataError, disk_full
from dagster_project.landing import Manifest
from dagster_project.settings import Settings
from dagster_project.settings.children import export_to_dbt
from dagster_project.warehouse import HeldWarehouse, damaged
from dagster_project.warehouse.control import record_builds, write_control
from dagster_project.warehouse.dbt_arguments import RUN_RESULTS, dbt_arguments
from dagster_project.warehouse.dbt_manifest import fresh_manifest
from dagster_project.warehouse.landed import attach, attached
from dagster_project.warehouse.measures import OwnWords, customers_by_stage, measure
from dagster_project.warehouse.objections import objecting_customers, remove_classes
from dagster_project.warehouse.reaching_back import note_reaching_back
from dagster_project.warehouse.retention import thin_snapshots

# Selections of dbt; a folder's name is part of a model's fully qualified name.
STAGING = "customer_strata.staging"
SEGMENTS_KEY = dg.AssetKey(["marts", "customer_segments"])
LIST_KEY = dg.AssetKey(["marts", "reactivation_list"])
LIST_MODELS = ("reactivation_list", "reactivation_list_details", "reactivation_list_notes")
LIST_KEYS = tuple(dg.AssetKey(["marts", model]) for model in LIST_MODELS)
# Only this job issues lists: a list is an issued document, and a rebuilt day must not issue it a second time.
DAILY_JOB = "daily"
# What the log says before the name of each model that is done; the command line counts them.
MODEL_BUILT = "built "

DbtEvent = dg.Output | dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckResult | dg.AssetCheckEvaluation  # type: ignore[type-arg]
GROUPS = {
    "staging": "staging",
    "intermediate": "intermediate",
    "customers": "customers",
    "personal": "personal",
    "segments": "segments",
    "reactivation": "reactivation",
    "quality": "quality",
}
OWNERS = {"reactivation": ["team:marketing"], "personal": ["team:privacy"], "quality": ["team:data-engineering"]}


class StrataTranslator(DagsterDbtTranslator):
    """Models under their layer, sources under the room that makes them, groups by folder."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`landing/customers` also stands for its personal batch: both are landed by one asset."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(
                [dbt_resource_props["source_name"], dbt_resource_props["name"].removesuffix("_personal")]
            )
        return super().get_asset_key(dbt_resource_props)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Without the control tables as parents: they are the settings of a run, written in the same step."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        deps = {dep.asset_key: dep for dep in spec.deps if dep.asset_key.path[0] != "control"}
        return spec.replace_attributes(deps=list(deps.values()))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return next((GROUPS[folder] for folder in reversed(dbt_resource_props["fqn"]) if folder in GROUPS), None)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        return OWNERS.get(self.get_group_name(dbt_resource_props) or "", ["team:analytics"])

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "dagster/column_schema": column_schema(
                [
                    (column["name"], column.get("data_type") or "?", column.get("description", ""))
                    for column in dbt_resource_props.get("columns", {}).values()
                ]
            )
        }


def transform_definitions(settings: Settings, dbt: DbtChild) -> dg.Definitions:
    """`staging`, for no day in particular, and `classification`, for the days of a run."""
    export_to_dbt(settings)  # dagster-dbt resolves selections in this process, by the same rules as dbt
    manifest = fresh_manifest(settings)
    translator = StrataTranslator()

    @dbt_assets(
        name="staging", manifest=manifest, select=STAGING, dagster_dbt_translator=translator, pool=WAREHOUSE_POOL
    )
    def staging(context: dg.AssetExecutionContext) -> Iterator[DbtEvent]:
        with refusals(), warehouse_held(context, settings) as warehouse:
            attach_landed(warehouse, settings)
            yield from _built(context, dbt, warehouse, settings, [])

    @dbt_assets(
        name="classification",
        manifest=manifest,
        exclude=STAGING,
        dagster_dbt_translator=translator,
        partitions_def=business_days(settings),
        backfill_policy=ONE_RUN,
        pool=WAREHOUSE_POOL,
    )
    def classification(context: dg.AssetExecutionContext) -> Iterator[DbtEvent]:
        days = days_of(context)
        issues_list = context.job_name == DAILY_JOB and LIST_KEY in context.selected_asset_keys
        with (
            refusals(),
            warehouse_held(context, settings) as warehouse,
            days_controlled(
                warehouse,
                settings,
                days,
                issue_list_for=days[-1] if issues_list else None,
                # A part of the models leaves the days as they were noted, marked or not.
                is_whole={*context.assets_def.keys} - {*LIST_KEYS} <= {*context.selected_asset_keys},
            ),
        ):
            yield from _built(context, dbt, warehouse, settings, days)

    return dg.Definitions(assets=[staging, classification])


def attach_landed(warehouse: HeldWarehouse, settings: Settings) -> None:
    """Show staging what has landed."""
    with warehouse.connection() as con:
        attach(con, Manifest.load(settings.paths))


@contextmanager
def days_controlled(
    warehouse: HeldWarehouse,
    settings: Settings,
    days: Sequence[date],
    *,
    issue_list_for: date | None = None,
    listed_days: Collection[date] = (),
    is_whole: bool = True,
) -> Iterator[None]:
    """Write the control rows of `days`; when what is inside succeeds, note what they were made from, thin old ones.

    Whoever objects to profiling by then loses their classes of all stored days.
    """
    with warehouse.connection() as con:
        manifest = attached(con, Manifest.load(settings.paths))
        note_reaching_back(con, manifest, time_zone=settings.sources.business.time_zone)
        computed = write_control(
            con,
            settings=settings,
            manifest=manifest,
            days=days,
            issue_list_for=issue_list_for,
            listed_days=listed_days,
        )
    yield
    with warehouse.connection() as con:
        remove_classes(con, objecting_customers(con))
        if is_whole:
            record_builds(con, computed, manifest)
            thin_snapshots(con, settings.publishing.snapshots.keep_daily_days, run_days=days)


def dbt_failure(invocation: DbtCliInvocation, error: Exception, settings: Settings) -> dg.Failure:
    """What dbt could not do, in dbt's words for each model or test, and where its log lies."""
    said = [
        f"{result['unique_id']}: {(result['message'] or '').strip()}"
        for result in _results(invocation)
        if result["status"] in {"error", "fail", "runtime error"}
    ]
    lines = said or [str(error)]
    words = "\n".join(lines)
    told = disk_full(StrataError(words)) or damaged(settings.paths.warehouse, words)
    return dg.Failure(
        description="\n".join(
            ["dbt build failed.", *([str(told)] if told else lines), f"Log: {invocation.target_path / 'dbt.log'}"]
        ),
        allow_retries=False,
    )


def _results(invocation: DbtCliInvocation) -> list[dict[str, Any]]:
    """What dbt says of each node it has done; empty where it ended before it could say."""
    path = invocation.target_path / RUN_RESULTS
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"] if path.exists() else []
    return results


def start_build(
    dbt: DbtChild, settings: Settings, arguments: Sequence[str], context: dg.AssetExecutionContext | None = None
) -> DbtCliInvocation:
    """Start dbt in a target folder without results of an earlier build, so that results found there are its own."""
    (settings.paths.dbt_target / RUN_RESULTS).unlink(missing_ok=True)
    return dbt.command(arguments, settings, context)


def _built(
    context: dg.AssetExecutionContext,
    dbt: DbtChild,
    warehouse: HeldWarehouse,
    settings: Settings,
    days: Sequence[date],
) -> Iterator[DbtEvent]:
    """Build, saying each model as it is done; its events follow with what was measured once dbt has let go."""
    invocation = start_build(dbt, settings, dbt_arguments("build"), context)
    events: list[DbtEvent] = []
    try:
        for event in invocation.stream():
            events.append(event)
            if isinstance(event, dg.Output):
                context.log.info(f"{MODEL_BUILT}{event.output_name}")
    except DagsterDbtCliRuntimeError as error:
        yield from events
        raise dbt_failure(invocation, error, settings) from error
    with warehouse.connection() as con:
        words = OwnWords(con)
        measured = [_with_measures(context, con, event, days, words) for event in events]
    yield from measured


def _with_measures(
    context: dg.AssetExecutionContext,
    con: duckdb.DuckDBPyConnection,
    event: DbtEvent,
    days: Sequence[date],
    words: OwnWords,
) -> DbtEvent:
    if not isinstance(event, dg.Output):
        return event
    key = context.asset_key_for_output(event.output_name)
    return event.with_metadata({**event.metadata, **model_metadata(con, key, days, words)})


def build_models(
    context: dg.OpExecutionContext,
    dbt: DbtChild,
    settings: Settings,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> list[dg.AssetKey]:
    """Build models outside of assets; gives the keys of those that were built. The caller holds the warehouse."""
    invocation = start_build(dbt, settings, dbt_arguments("build", select=select, exclude=exclude))
    try:
        for event in invocation.stream_raw_events():
            if event.is_result_event:
                context.log.info(f"{MODEL_BUILT}{event.raw_event['data']['node_info']['node_name']}")
    except DagsterDbtCliRuntimeError as error:
        raise dbt_failure(invocation, error, settings) from error
    nodes = json.loads(fresh_manifest(settings).read_text())["nodes"]
    translator = StrataTranslator()
    return [
        translator.get_asset_key(nodes[result["unique_id"]])
        for result in _results(invocation)
        if result["status"] == "success" and nodes[result["unique_id"]]["resource_type"] == "model"
    ]


def model_metadata(
    con: duckdb.DuckDBPyConnection, key: dg.AssetKey, days: Sequence[date], words: OwnWords
) -> dict[str, dg.MetadataValue | int]:
    """Rows of a table, columns, five rows where none can be personal, and of the segments a plot of the last day."""
    schema, name = key.path[0], key.path[-1]
    measures = measure(con, schema, name, days=days, words=words)
    if measures is None:
        return {}
    metadata: dict[str, dg.MetadataValue | int] = {
        "dagster/column_schema": column_schema([(column, kind, "") for column, kind in measures.columns]),
    }
    if measures.rows is not None:
        metadata["dagster/row_count"] = measures.rows
    if measures.preview is not None:
        metadata["preview"] = table_preview([column for column, _ in measures.columns], measures.preview)
    if key == SEGMENTS_KEY and days:
        metadata["customers by lifecycle stage"] = bar_plot(
            f"customers by lifecycle stage on {days[-1]}", customers_by_stage(con, days[-1])
        )
    return metadata
