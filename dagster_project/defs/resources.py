"""What assets need to do their work: dbt as a child process, the warehouse held, and refusals without a traceback.

The work itself is in the rooms. Nothing here knows an asset.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from types import SimpleNamespace

import dagster as dg
from dagster_dbt import DbtCliInvocation, DbtCliResource
from dagster_dbt.core import dbt_cli_invocation
from packaging.version import Version, parse

from dagster_project.errors import StrataError
from dagster_project.forking import PARENT_OPTION
from dagster_project.settings import Settings
from dagster_project.settings.children import export_to_dbt
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.warehouse import HeldWarehouse, held
from dagster_project.warehouse.dbt_manifest import dbt_executable
from dagster_project.warehouse.dbt_server import start
from dagster_project.warehouse.quoted_values import VALUE_ERRORS, without_values

# On every op that opens the warehouse. dagster.yaml gives each pool one place.
WAREHOUSE_POOL = "warehouse"

Context = dg.AssetExecutionContext | dg.OpExecutionContext | dg.AssetCheckExecutionContext

# dagster-dbt starts a process for each invocation; ours are forks of one. It asks `subprocess` for nothing else.
dbt_cli_invocation.subprocess = SimpleNamespace(  # type: ignore[assignment, attr-defined]
    Popen=start, PIPE=subprocess.PIPE, STDOUT=subprocess.STDOUT
)


class DbtChild(DbtCliResource):
    """dbt through `strata-dbt`, which ends with the process that started it, and without two costs of dagster-dbt.

    Before the first command dagster-dbt runs `dbt --version`, a process of two seconds that also asks the package
    index for the newest release, and before each command it loads a second dbt adapter into this process (one second)
    which only `.fetch_row_counts()` and its like use; those leave the warehouse open and are not used here.
    """

    def command(
        self, arguments: Sequence[str], settings: Settings, context: dg.AssetExecutionContext | None = None
    ) -> DbtCliInvocation:
        """Start dbt on the warehouse of `settings`, for the assets of `context` or for none; the caller holds it."""
        export_to_dbt(settings)
        parent = f"{PARENT_OPTION}{os.getpid()}"
        # A build that was killed may leave a half-written parse behind; dbt then parses anew by itself.
        return self.cli([parent, *arguments], target_path=settings.paths.dbt_target, context=context)

    @property
    def _cli_version(self) -> Version:
        return parse(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]  # noqa: ARG002
        return None


def dbt_child(settings: Settings) -> DbtChild:
    """dbt for the project of these settings."""
    folder = str(settings.paths.dbt_project)
    return DbtChild(project_dir=folder, profiles_dir=folder, dbt_executable=str(dbt_executable()))


def asker(context: Context) -> str:
    """Who asks for the warehouse, as those are told who wait for it."""
    op_context = context if isinstance(context, dg.OpExecutionContext) else context.op_execution_context
    return f"{op_context.op_def.name} of Dagster run {op_context.run_id[:8]}"


@contextmanager
def warehouse_held(context: Context, settings: Settings) -> Iterator[HeldWarehouse]:
    """Hold the warehouse for this step; what it waits for goes to the run's log, as a warning."""
    with held(
        settings.paths.warehouse,
        who=asker(context),
        wait_seconds=settings.environment.warehouse_wait_seconds,
        memory_limit=settings.environment.memory_limit,
        progress=context.log.warning,
    ) as warehouse:
        yield warehouse


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the user can mend into a failure with its message alone.

    Only where a system did not answer does the step's retry policy apply: a wrong mapping is as wrong the next time.
    What an error was raised from stays out of Dagster's event log: engines quote the values, and lines, they fail at.
    """
    try:
        yield
    except StrataError as error:
        failure = dg.Failure(description=str(error), allow_retries=isinstance(error, SourceUnavailable))
        raise failure.with_traceback(error.__traceback__) from None
    except VALUE_ERRORS as error:
        failure = dg.Failure(description=f"{type(error).__name__}: {without_values(error)}", allow_retries=False)
        raise failure.with_traceback(error.__traceback__) from None
