"""Trying again what did not answer, with growing waits, in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import stamina
import stamina.instrumentation

from dagster_project.sources.pulling import SourceUnavailable

# structlog, which Dagster brings, would print each try to standard output.
stamina.instrumentation.set_on_retry_hooks(())


FIRST_WAIT_SECONDS = 1.0

# Whether an error is to be tried again, or after how many seconds.
Again = Callable[[Exception], bool | float]


def tries(
    attempts: int, longest_wait_seconds: float, *, on: type[Exception] | Again = SourceUnavailable
) -> Iterator[stamina.Attempt]:
    """`with attempt:` blocks for errors that `on` says to try again; the last lets them out. Others get out at once.

    The waits double from one second, each with up to another one, so that not everybody comes back together.
    """
    yield from stamina.retry_context(
        on=on, attempts=attempts, timeout=None, wait_initial=FIRST_WAIT_SECONDS, wait_max=longest_wait_seconds
    )
