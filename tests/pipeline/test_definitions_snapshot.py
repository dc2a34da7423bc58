"""The graph as a short text, so that a change of it is read in a review: keys, dependencies, checks, pools, crons.

After a change that is meant: pytest tests/pipeline/test_definitions_snapshot.py --snapshot-update
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from shop_runs import Shop
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from dagster_project.definitions import build_definitions
from dagster_project.errors import SettingsError
from dagster_project.settings import Deployment, Settings


class TextFile(SingleFileSnapshotExtension):
    """A snapshot as a text file of its own."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture(scope="module")
def definitions(shared_shop: Shop) -> dg.Definitions:
    return build_definitions(deployed(shared_shop.settings, Deployment.PRODUCTION))


def deployed(settings: Settings, deployment: Deployment) -> Settings:
    return dataclasses.replace(settings, environment=dataclasses.replace(settings.environment, deployment=deployment))


def lines_of(definitions: dg.Definitions) -> Iterator[str]:
    """One line an asset with what it depends on, then jobs, schedules and sensors."""
    graph = definitions.resolve_asset_graph()
    checks: dict[dg.AssetKey, int] = {}
    for check in graph.asset_check_keys:
        checks[check.asset_key] = checks.get(check.asset_key, 0) + 1
    for key in sorted(graph.executable_asset_keys):
        node = graph.get(key)
        facts = [
            node.group_name,
            f"pool {', '.join(sorted(node.pools or []))}" if node.pools else "no pool",
            "daily, one run a range" if node.partitions_def else "not partitioned",
            f"{checks.get(key, 0)} checks",
        ]
        yield f"{key.to_user_string()} [{'; '.join(facts)}]"
        yield from (f"  < {parent.to_user_string()}" for parent in sorted(node.parent_keys))
    for name in ("daily", "backfill", "month_ends"):
        job = definitions.resolve_job_def(name)
        yield f"job {name}: {len(job.asset_layer.executable_asset_keys)} assets, {len(job.nodes)} ops"
    for schedule in definitions.schedules or []:
        yield f"schedule {schedule.name}: {schedule.cron_schedule} {schedule.execution_timezone} -> {schedule.job_name}"
    for sensor in definitions.sensors or []:
        target = ", ".join(target.job_name for target in sensor.targets) or "no job"
        yield f"sensor {sensor.name}: every {sensor.minimum_interval_seconds} s -> {target}"


def test_the_graph_is_as_reviewed(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(lines_of(definitions)) + "\n" == snapshot(extension_class=TextFile)


def test_every_op_that_opens_the_warehouse_takes_the_pool(definitions: dg.Definitions) -> None:
    """All but landing and its checks, which never open it; an op without the pool would run beside a writer."""
    for name in ("daily", "month_ends", "purge"):
        for node in definitions.resolve_job_def(name).nodes:
            opens = node.name not in {"landing", "landing_checks", "land_files"}
            assert (node.definition.pools == {"warehouse"}) == opens, node.name


def test_the_instance_gives_every_pool_one_place() -> None:
    text = (Path(__file__).parents[2] / "dagster.yaml").read_text()
    assert re.search(r"pools:\n\s+default_limit: 1\n\s+granularity: op\n", text)


def test_every_asset_says_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.executable_asset_keys:
        node = graph.get(key)
        name = key.to_user_string()
        assert node.description, name
        assert node.owners, name
        assert node.kinds, name
        assert node.group_name != "default", name


def test_partitions_are_business_days_from_the_first_day_of_history(
    definitions: dg.Definitions, shared_shop: Shop
) -> None:
    graph = definitions.resolve_asset_graph()
    partitions = graph.get(dg.AssetKey(["marts", "customer_segments"])).partitions_def
    business = shared_shop.settings.sources.business
    assert isinstance(partitions, dg.DailyPartitionsDefinition)
    assert partitions.timezone == business.time_zone == "Asia/Shanghai"
    assert partitions.get_first_partition_key() == str(business.history_starts_on)


@pytest.mark.parametrize(
    ("deployment", "registered"),
    [
        (Deployment.SAMPLE, []),
        (
            Deployment.DEVELOPMENT,
            [
                ("daily", "STOPPED"),
                ("purge", "STOPPED"),
                ("dropped_files", "STOPPED"),
                ("marked_days", "STOPPED"),
                ("dead_runs", "RUNNING"),
            ],
        ),
        (
            Deployment.PRODUCTION,
            [
                ("daily", "RUNNING"),
                ("purge", "RUNNING"),
                ("dropped_files", "RUNNING"),
                ("marked_days", "RUNNING"),
                ("dead_runs", "RUNNING"),
            ],
        ),
    ],
)
def test_schedule_and_sensor_are_registered_per_deployment(
    shared_shop: Shop, deployment: Deployment, registered: list[tuple[str, str]]
) -> None:
    definitions = build_definitions(deployed(shared_shop.settings, deployment))
    found = [*(definitions.schedules or []), *(definitions.sensors or [])]
    assert [(each.name, each.default_status.value) for each in found] == registered


def test_a_deployment_that_nobody_declared_is_refused_at_load(
    shared_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("schedules", "sensors"):
        module = __import__(f"dagster_project.defs.{room}", fromlist=["REGISTERED"])
        monkeypatch.setattr(module, "REGISTERED", {})
        with pytest.raises(SettingsError, match="is declared for the deployment"):
            build_definitions(shared_shop.settings)
        monkeypatch.undo()
