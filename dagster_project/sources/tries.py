"""Trying again what did not answer, with growing waits, in silence."""

from __future__ import annotations

from collections.abc import Iterator

import stamina
import stamina.instrumentation

from dagster_project.sources.pulling import SourceUnavailable

# structlog, which Dagster brings, would print each try to standard output.
stamina.instrumentation.set_on_retry_hooks(())


def tries(attempts: int, longest_wait_seconds: float) -> Iterator[stamina.Attempt]:
    """`with attempt:` blocks, of which the last lets SourceUnavailable out; other errors are never tried again."""
    yield from stamina.retry_context(
        on=SourceUnavailable, attempts=attempts, timeout=None, wait_max=longest_wait_seconds
    )
