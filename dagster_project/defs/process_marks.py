"""Which process does a run, as tags of the run, so that it is ended and its place freed when that is killed."""

from __future__ import annotations

import dagster as dg

from dagster_project.warehouse.processes import ProcessMark, this_process

# The run whose process the other marks of warehouse/processes.py name.
MARKED_RUN_TAG = "strata/process_of_run"


def process_tags(run_id: str) -> dict[str, str]:
    """Tags that say that this process does the run."""
    return {**this_process().tags(), MARKED_RUN_TAG: run_id}


def mark_of(run: dg.DagsterRun) -> ProcessMark | None:
    """The process that does a run, where it has said so.

    A second try inherits the tags of the first, whose process is gone: its mark is not the second's.
    """
    if run.parent_run_id is not None and run.tags.get(MARKED_RUN_TAG) != run.run_id:
        return None
    return ProcessMark.from_tags(run.tags)
