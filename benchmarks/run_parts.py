"""Where a run's time went, by the rooms of the house and by model, as Dagster's own events have it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dagster import DagsterEventType

from dagster_project.defs.runs import opened_instance
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.warehouse.dbt_manifest import fresh_manifest

PARTS = {
    "landing": ("landing", "landing_checks"),
    "staging": ("staging",),
    "identity": ("identity__",),
    "segments": ("classification",),
    "checks": ("table_checks",),
    "publishing": ("publish__parquet", "publish__serving", "publish__lists", "publish__postgres", "marts__"),
    "report": ("publish__report",),
}  # the beginnings of their steps' names; the longest that fits counts


@dataclass(frozen=True)
class RunTimes:
    """Seconds of the newest run by part, and of each model by its name."""

    parts: Mapping[str, float]
    models: Mapping[str, float]

    def share(self, models: Collection[str]) -> float:
        """What these models take of the time of all models."""
        whole = sum(self.models.values())
        return sum(self.models.get(name, 0.0) for name in models) / whole if whole else 0.0


def newest_run(paths: Paths) -> RunTimes:
    """The times of the newest run of an installation.

    Raises:
        IndexError: nothing has run yet.
    """
    parts: dict[str, float] = defaultdict(float)
    models: dict[str, float] = {}
    began: dict[str, float] = {}
    with opened_instance(paths) as instance:
        run = instance.get_runs(limit=1)[0]
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            if event.event_type is DagsterEventType.STEP_START:
                began[event.step_key] = entry.timestamp
            elif event.event_type is DagsterEventType.STEP_SUCCESS:
                parts[_part(event.step_key)] += entry.timestamp - began[event.step_key]
            elif event.event_type is DagsterEventType.ASSET_MATERIALIZATION:
                materialization = event.step_materialization_data.materialization
                seconds = materialization.metadata.get("Execution Duration")
                if seconds is not None:
                    models[materialization.asset_key.path[-1]] = float(seconds.value)  # type: ignore[arg-type]
    return RunTimes({name: parts[name] for name in [*PARTS, "other steps"] if name in parts}, models)


def _part(step: str) -> str:
    fitting = [(len(start), part) for part, starts in PARTS.items() for start in starts if step.startswith(start)]
    return max(fitting)[1] if fitting else "other steps"


def behind(settings: Settings, tables: Collection[str]) -> set[str]:
    """The models that `tables` are made of, themselves among them, as dbt's manifest has it."""
    nodes = json.loads(fresh_manifest(settings).read_text(encoding="utf-8"))["nodes"]
    by_name = {node["name"]: key for key, node in nodes.items() if node["resource_type"] == "model"}
    found: set[str] = set()
    waiting = [by_name[name] for name in tables if name in by_name]
    while waiting:
        node = waiting.pop()
        if node in nodes and nodes[node]["name"] not in found:
            found.add(nodes[node]["name"])
            waiting += nodes[node]["depends_on"]["nodes"]
    return found
