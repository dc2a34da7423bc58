"""How sources are asked over HTTP: their addresses, time-outs and how often a failed request is tried again."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from dagster_project.settings.sources.parts import Part


def _safe_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as https://www.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold neither user nor query; secrets come from the environment")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("must begin with https://, so that no secret travels in the open")
    return value.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# A system's address, without the slash at its end.
Address = Annotated[str, AfterValidator(_safe_address)]


class HttpPolicy(Part):
    """Of each request: how long it may take, how often it is tried, and the longest wait between two tries."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    attempts: Annotated[int, Field(ge=1, le=20)] = 6
    longest_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
