"""Which standard each stored day was classified with, beside the one that holds on it now.

Compares and counts; a day keeps its classes until somebody rebuilds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb

from dagster_project.errors import StrataError
from dagster_project.settings.standards import Standard
from dagster_project.warehouse.standard_register import RegisteredStandard, standard_effective_on


@dataclass(frozen=True)
class OutdatedDays:
    """Neighbouring stored days classified with one version where another one holds now."""

    first: date
    last: date
    days: int
    version: str
    name: str
    version_now: str
    name_now: str


def built_versions(con: duckdb.DuckDBPyConnection) -> dict[date, str]:
    """The version that each stored day of the warehouse was classified with, rising."""
    rows = con.execute("select as_of_date, standard_version from control.snapshot_builds order by 1").fetchall()
    return dict(rows)


def outdated_days(built: Mapping[date, str], register: Sequence[RegisteredStandard]) -> list[OutdatedDays]:
    """The stored days whose version is not the one effective on them, in runs of one old and one new version."""
    names = {entry.standard.version: entry.standard.name for entry in register}
    pairs = [(day, version, _effective(day, register)) for day, version in sorted(built.items())]
    outdated = []
    for (version, now), days in groupby(pairs, key=lambda pair: (pair[1], pair[2])):
        if now is None or version == now.version:
            continue
        listed = [day for day, *_ in days]
        outdated.append(
            OutdatedDays(*(listed[0], listed[-1], len(listed)), version, names.get(version, ""), now.version, now.name)
        )
    return outdated


def _effective(day: date, register: Sequence[RegisteredStandard]) -> Standard | None:
    try:
        return standard_effective_on(day, register)
    except StrataError:  # no standard starts so early any more; rebuilding such a day says so
        return None
