"""The job that removes personal data past its age. What is removed, and how, is privacy/purging.py."""

import getpass
from datetime import UTC, datetime

import dagster as dg

from dagster_project.defs.metadata import table_preview
from dagster_project.defs.resources import WAREHOUSE_POOL, asker, refusals
from dagster_project.privacy.purging import purge as purge_aged
from dagster_project.settings import Settings

PURGE_JOB = "purge"


def purging_definitions(settings: Settings) -> dg.Definitions:
    """The job `purge`: lists, refused rows and contact data past the ages of publishing.yaml's `retention`."""

    @dg.op(pool=WAREHOUSE_POOL)
    def remove_aged(context: dg.OpExecutionContext) -> None:
        """Remove what is past its age."""
        with refusals():
            removed = purge_aged(
                settings, now=datetime.now(UTC), who=getpass.getuser(), say=context.log.info, asker=asker(context)
            )
        rows = [[each.place, each.what, each.kept_days, each.count] for each in removed]
        context.add_output_metadata(
            {
                "removed": sum(each.count for each in removed),
                "what": table_preview(["place", "what", "days kept", "count"], rows),
            }
        )
        context.log.info(f"removed {sum(each.count for each in removed)} files and rows past their age")

    @dg.job(name=PURGE_JOB, description="Remove lists, refused rows and contact data past their age.")
    def purge() -> None:
        remove_aged()

    return dg.Definitions(jobs=[purge])
