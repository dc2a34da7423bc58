"""Files dropped into a watched place start the daily job, marked days are rebuilt, and killed runs are ended.

Which files count is the mappings' paths; reading them is landing's. Which days are marked is warehouse/marks.py.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_project.defs.alerts import alert_sensors
from dagster_project.defs.jobs import BACKFILL_JOB, MONTH_ENDS_JOB, run_request
from dagster_project.defs.partitions import day_tags
from dagster_project.defs.runs import UNFINISHED, end_dead_runs
from dagster_project.defs.schedules import declared_for
from dagster_project.defs.transform import DAILY_JOB
from dagster_project.landing import Manifest
from dagster_project.settings import Deployment, Settings
from dagster_project.settings.sources import FilesSource
from dagster_project.warehouse import WarehouseHeld, opened
from dagster_project.warehouse.marks import chunks_newest_first, read_marked
from dagster_project.warehouse.run_window import last_complete_day

# A file still being copied changes from one look to the next: a run starts when two looks, half a minute apart, agree.
LOOK_EVERY_SECONDS = 30
# A chunk of marked days takes from half a minute upwards; a look opens the warehouse for a few milliseconds.
LOOK_FOR_MARKS_EVERY_SECONDS = 60
# A second try is for what passes by itself; after it a chunk waits until something new has landed.
TRIES_PER_CHUNK = 2
CHUNK_TAG = "strata/marked_days"
ENDED_BADLY = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

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


def sensors_definitions(settings: Settings, jobs: dg.Definitions) -> dg.Definitions:
    """The sensors for dropped files, marked days and alerts as the deployment has them, and beside them the one that
    ends killed runs. `jobs` declares what they start.

    Raises:
        SettingsError: nothing is declared for the deployment.
    """
    status = declared_for(REGISTERED, settings.deployment, "sensor")
    if status is None:
        return dg.Definitions()
    marked = _marked_days(settings, status, jobs)
    told = alert_sensors(settings, status)
    return dg.Definitions(sensors=[_dropped_files(settings, status), marked, _dead_runs(), *told])


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
    """Every file of this machine that a mapping reads, once. Files elsewhere are looked for by the schedule."""
    patterns = {
        pattern
        for source in settings.sources.sources
        if isinstance(source, FilesSource)
        for read in source.reads
        for pattern in read.local_paths
    }
    names = {
        name
        for pattern in patterns
        for name in glob.glob(str(settings.paths.data / pattern), recursive=True)  # noqa: PTH207  (it may be absolute)
    }
    yield from (file for file in map(Path, names) if file.is_file())


@dataclass(frozen=True)
class Chunk:
    """Marked days that one run rebuilds, and the newest batch that was there when they were chosen."""

    days: Sequence[date]
    newest_sequence: int

    @property
    def name(self) -> str:
        """The same for the same days as long as nothing new lands."""
        return f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}, batch {self.newest_sequence}"


def newest_chunk(settings: Settings) -> Chunk | None:
    """The days to rebuild next; None where none is marked.

    Raises:
        WarehouseHeld: a run is at work.
    """
    if not settings.paths.warehouse.exists():
        return None
    manifest = Manifest.load(settings.paths)
    with opened(settings.paths.warehouse, who="the sensor marked_days", wait_seconds=0) as con:
        marked = read_marked(con, manifest).days
    starts_on = settings.sources.business.history_starts_on
    days = [day for day in marked if day >= starts_on]
    chunks = chunks_newest_first(days, settings.publishing.snapshots.rebuild_days_per_run)
    return Chunk(chunks[0], manifest.newest_sequence) if chunks else None


def chunk_request(chunk: Chunk, failed_runs: Sequence[str]) -> dg.RunRequest | dg.SkipReason:
    """A run of the chunk, unless it failed before as often as it may: `failed_runs` are the ids of those, newest first.

    The run key names the try, so that Dagster starts none twice.
    """
    if len(failed_runs) >= TRIES_PER_CHUNK:
        return dg.SkipReason(
            f"{chunk.name}: failed {len(failed_runs)} times, last in run {failed_runs[0][:8]}. Mend what its log says, "
            "then `strata backfill --marked`; by itself it is tried again when something new has landed."
        )
    request = run_request(BACKFILL_JOB, chunk.days, asked_by="sensor marked_days")
    return dg.RunRequest(
        run_key=f"{chunk.name}, try {len(failed_runs) + 1}",
        job_name=request.job_name,
        run_config=dict(request.config or {}),
        tags={**request.tags, CHUNK_TAG: chunk.name},
    )


def _marked_days(settings: Settings, status: dg.DefaultSensorStatus, jobs: dg.Definitions) -> dg.SensorDefinition:
    @dg.sensor(
        name="marked_days",
        jobs=[job for job in jobs.jobs or [] if job.name in {BACKFILL_JOB, MONTH_ENDS_JOB}],
        minimum_interval_seconds=LOOK_FOR_MARKS_EVERY_SECONDS,
        default_status=status,
        description="Rebuilds the days that late rows have changed, newest first, one run of some days at a time.",
    )
    def marked_days(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = dg.RunsFilter(statuses=[*UNFINISHED, dg.DagsterRunStatus.QUEUED])
        at_work = [run.run_id for run in context.instance.get_runs(filters=unfinished) if CHUNK_TAG in run.tags]
        if at_work:
            return dg.SkipReason(f"run {at_work[0][:8]} rebuilds marked days")
        try:
            chunk = newest_chunk(settings)
        except WarehouseHeld as held:
            return dg.SkipReason(str(held))
        if chunk is None:
            return dg.SkipReason("no day is marked")
        failed = context.instance.get_runs(filters=dg.RunsFilter(tags={CHUNK_TAG: chunk.name}, statuses=ENDED_BADLY))
        return chunk_request(chunk, [run.run_id for run in failed])

    return marked_days


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
