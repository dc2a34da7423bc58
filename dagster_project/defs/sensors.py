"""Files dropped into a watched place start the daily job, and killed runs are ended.

Which files count is the mappings' paths; reading them is landing's.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_project.defs.partitions import day_tags
from dagster_project.defs.runs import end_dead_runs
from dagster_project.defs.schedules import declared_for
from dagster_project.defs.transform import DAILY_JOB
from dagster_project.settings import Deployment, Settings
from dagster_project.settings.sources import FilesSource
from dagster_project.warehouse.run_window import last_complete_day

# A file still being copied changes from one look to the next: a run starts when two looks, half a minute apart, agree.
LOOK_EVERY_SECONDS = 30

REGISTERED: Mapping[Deployment, dg.DefaultSensorStatus | None] = MappingProxyType(
    {
        Deployment.SAMPLE: None,
        Deployment.DEVELOPMENT: dg.DefaultSensorStatus.STOPPED,
        Deployment.PRODUCTION: dg.DefaultSensorStatus.RUNNING,
    }
)


@dataclass(frozen=True)
class Looked:
    """What the last look saw, and for what a run was last started; empty at first."""

    seen: str = ""
    started_for: str = ""

    def next(self, now_seen: str) -> tuple[Looked, bool]:
        """The state after a look that saw `now_seen`, and whether to start a run."""
        starts = bool(now_seen) and now_seen == self.seen and now_seen != self.started_for
        return Looked(seen=now_seen, started_for=now_seen if starts else self.started_for), starts


def sensors_definitions(settings: Settings) -> dg.Definitions:
    """The sensor for dropped files as the deployment has it, and wherever it is, the one that ends killed runs.

    Raises:
        SettingsError: nothing is declared for the deployment.
    """
    status = declared_for(REGISTERED, settings.deployment, "sensor")
    return dg.Definitions(sensors=[] if status is None else [_dropped_files(settings, status), _dead_runs()])


def fingerprint(files: Iterator[Path]) -> str:
    """Names, sizes and times of `files`, as one value; empty where there is none."""
    digest = hashlib.sha256()
    found = 0
    for file in sorted(files):
        status = file.stat()
        digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
        found += 1
    return digest.hexdigest() if found else ""


def watched_files(settings: Settings) -> Iterator[Path]:
    """Every file that a mapping reads, once."""
    patterns = {
        pattern
        for source in settings.sources.sources
        if isinstance(source, FilesSource)
        for read in source.reads
        for pattern in read.path
    }
    names = {
        name
        for pattern in patterns
        for name in glob.glob(str(settings.paths.data / pattern), recursive=True)  # noqa: PTH207  (it may be absolute)
    }
    yield from (file for file in map(Path, names) if file.is_file())


def _dead_runs() -> dg.SensorDefinition:
    @dg.sensor(
        name="dead_runs",
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs whose process was killed as failed, so that they hold up no other.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = end_dead_runs(context.instance)
        return dg.SkipReason(f"ended {', '.join(ended)}" if ended else "every run's process lives")

    return dead_runs


def _dropped_files(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    time_zone = ZoneInfo(settings.sources.business.time_zone)

    @dg.sensor(
        name="dropped_files",
        job_name=DAILY_JOB,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=status,
        description="Starts the daily job for the last complete day when files of the mappings are new or changed.",
    )
    def dropped_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = Looked(**json.loads(context.cursor)) if context.cursor else Looked()
        after, starts = before.next(fingerprint(watched_files(settings)))
        day = last_complete_day(datetime.now(UTC), time_zone)
        request = dg.RunRequest(run_key=after.started_for, tags=day_tags(day, day), partition_key=str(day))
        return dg.SensorResult(run_requests=[request] if starts else [], cursor=json.dumps(asdict(after)))

    return dropped_files
