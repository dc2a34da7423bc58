"""How sources are asked over HTTP: time-outs and how often a failed request is tried again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dagster_project.settings.sources.parts import Part


class HttpPolicy(Part):
    """Of each request: how long it may take, how often it is tried, and the longest wait between two tries."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    attempts: Annotated[int, Field(ge=1, le=20)] = 6
    longest_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
