"""The job that removes what is past its age: personal data and logs by privacy/purging.py, and Dagster's own runs."""

import getpass
from datetime import UTC, datetime, timedelta

import dagster as dg

from dagster_project.defs.metadata import table_preview
from dagster_project.defs.resources import WAREHOUSE_POOL, asker, refusals
from dagster_project.privacy.purging import Removed
from dagster_project.privacy.purging import purge as purge_aged
from dagster_project.settings import Settings

PURGE_JOB = "purge"
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def remove_aged_runs(
    instance: dg.DagsterInstance, settings: Settings, *, now: datetime, is_dry_run: bool = False
) -> list[Removed]:
    """Delete from Dagster's storage what it knows of runs that ended longer ago than `retention.runs` allows."""
    days = settings.publishing.retention.runs
    if days is None:
        return []
    limit = now - timedelta(days=days)
    ended = instance.get_run_records(dg.RunsFilter(statuses=ENDED, updated_before=limit))
    if not is_dry_run:
        for record in ended:
            instance.delete_run(record.dagster_run.run_id)
    return [Removed("dagster", "runs with their events", days, len(ended))] if ended else []


def purging_definitions(settings: Settings) -> dg.Definitions:
    """The job `purge`: lists, refused rows and contact data, logs and runs past the ages of `retention`."""

    @dg.op(pool=WAREHOUSE_POOL)
    def remove_aged(context: dg.OpExecutionContext) -> None:
        """Remove what is past its age."""
        with refusals():
            removed = purge_aged(
                settings, now=datetime.now(UTC), who=getpass.getuser(), say=context.log.info, asker=asker(context)
            )
        removed += remove_aged_runs(context.instance, settings, now=datetime.now(UTC))
        rows = [[each.place, each.what, each.kept_days, each.count] for each in removed]
        context.add_output_metadata(
            {
                "removed": sum(each.count for each in removed),
                "what": table_preview(["place", "what", "days kept", "count"], rows),
            }
        )
        context.log.info(f"removed {sum(each.count for each in removed)} files and rows past their age")

    @dg.job(name=PURGE_JOB, description="Remove lists, refused rows, contact data, logs and runs past their age.")
    def purge() -> None:
        remove_aged()

    return dg.Definitions(jobs=[purge])
