"""How Dagster does a run: its steps in one process, in the run's own turn with the warehouse.

The warehouse's lock keeps one step apart from another. A turn keeps runs apart: what a step leaves to the next of its
run, such as staged orders that no customer is linked to yet, no other run builds on. `strata` takes a turn by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from dagster import DagsterEvent
from dagster._core.errors import raise_execution_interrupts
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.storage.tags import RETRY_STRATEGY_TAG

from dagster_project.defs.process_marks import process_tags
from dagster_project.settings import Settings
from dagster_project.warehouse import turn


class InTurn(InProcessExecutor):
    """Tags the run with its process, waits for its turn, and does its steps in this process.

    One process a run: with a warehouse of one writer a process a step only adds its start, several seconds each.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(RetryMode.ENABLED)
        self._settings = settings

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """
        Raises:
            WarehouseHeld: its turn did not come within `warehouse_wait_seconds`.
        """
        # A second try begins anew: other runs have their turn before it, and do not leave the warehouse as it was.
        tags = {**process_tags(plan_context.run_id), RETRY_STRATEGY_TAG: ReexecutionStrategy.ALL_STEPS.name}
        plan_context.instance.add_run_tags(plan_context.run_id, tags)
        with ExitStack() as run:
            # Dagster defers interrupts while it runs; who waits can be ended at once.
            with raise_execution_interrupts():
                run.enter_context(
                    turn(
                        self._settings.paths.warehouse,
                        who=f"{plan_context.job_name} of Dagster run {plan_context.run_id[:8]}",
                        wait_seconds=self._settings.environment.warehouse_wait_seconds,
                        progress=plan_context.log.warning,
                    )
                )
            yield from super().execute(plan_context, execution_plan)
