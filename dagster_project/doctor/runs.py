"""Dagster's side: runs that died or wait, the daemon, how the newest daily run ended. It judges what it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dagster_project.doctor.findings import Finding, fine, warning, wrong
from dagster_project.errors import some
from dagster_project.settings import Deployment


@dataclass(frozen=True)
class DagsterFacts:
    """What the instance says: ids of runs whose process is gone, of runs in the queue, the newest daily run that failed
    (None where it succeeded, or none ran), the daemons that beat, and those that did and do not any more.
    """

    dead_runs: Sequence[str] = ()
    queued_runs: Sequence[str] = ()
    failed_daily: str | None = None
    live_daemons: Sequence[str] = ()
    silent_daemons: Sequence[str] = ()


def check_dagster(facts: DagsterFacts | None, deployment: Deployment) -> Iterator[Finding]:
    """The instance in data/dagster; `facts` is None where there is none yet."""
    if facts is None:
        yield warning("Dagster", "no run has been started here yet", "`strata run`")
        return
    if facts.dead_runs:
        says = f"{some(list(facts.dead_runs))} was killed and counts as running"
        yield warning("dead runs", says, "the next `strata run` ends it and frees its place")
    if facts.failed_daily:
        yield wrong(
            "newest daily run",
            f"{facts.failed_daily} failed",
            "its log in data/logs or on Dagster's page; `strata run`",
        )
    is_production = deployment is Deployment.PRODUCTION
    if facts.silent_daemons:
        says = f"{some(list(facts.silent_daemons))} gives no sign of life any more"
        yield (wrong if is_production else warning)(
            "daemon", says, "`dagster-daemon run -w workspace.yaml`, as a service"
        )
    elif not facts.live_daemons and is_production:
        cure = "start `dagster-daemon run -w workspace.yaml`, or let cron call `strata run`"
        yield warning("daemon", "none was ever started here: no schedule and no sensor works", cure)
    else:
        yield fine("daemon", "alive" if facts.live_daemons else "none, and none is needed here")
    if facts.queued_runs and not facts.live_daemons:
        yield wrong(
            "queue", f"{len(facts.queued_runs):,} runs wait and no daemon starts them", "start `dagster-daemon`"
        )
    if not facts.dead_runs and not facts.failed_daily:
        yield fine("runs", "none died; the newest daily run did not fail")
