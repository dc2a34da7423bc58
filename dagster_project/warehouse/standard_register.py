"""The register of standards used: which version classifies which day.

One JSON file a registration, kept for good, so that a past day is rebuilt with the standard effective on it. The
standard itself and its checks are in settings/standards.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from dagster_project.atomic_files import written_beside
from dagster_project.errors import StrataError
from dagster_project.settings.standards import REGISTERED, Standard


@dataclass(frozen=True)
class RegisteredStandard:
    """A standard with its place in the order of registration; of two with one effective_from the later holds."""

    sequence: int
    standard: Standard

    @property
    def effective_from(self) -> date:
        return self.standard.effective_from or date.min


def read_standards(folder: Path) -> list[RegisteredStandard]:
    """All registered standards in the order of registration.

    Raises:
        StrataError: a file of the register is not a standard.
    """
    registered = []
    for path in sorted(folder.glob("*-*.json")):
        try:
            standard = Standard.model_validate_json(path.read_bytes(), context=REGISTERED)
        except ValidationError as error:
            raise StrataError(f"{path} is not a standard of this version of Customer Strata: {error}") from error
        registered.append(RegisteredStandard(sequence=int(path.name.split("-")[0]), standard=standard))
    return registered


def register_standard(folder: Path, standard: Standard) -> list[RegisteredStandard]:
    """Register `standard` unless it already holds from its effective_from on; return the whole register."""
    registered = read_standards(folder)
    extended = with_standard(registered, standard)
    if len(extended) == len(registered):
        return registered
    sequence = extended[-1].sequence
    with written_beside(folder / f"{sequence:06d}-{standard.version}.json") as beside:
        beside.write_text(standard.model_dump_json(indent=2), encoding="utf-8")
    return extended


def with_standard(registered: Sequence[RegisteredStandard], standard: Standard) -> list[RegisteredStandard]:
    """The register as it is once `standard` is registered; writes nothing."""
    same_start = [entry for entry in registered if entry.standard.effective_from == standard.effective_from]
    if same_start and same_start[-1].standard == standard:
        return list(registered)
    sequence = registered[-1].sequence + 1 if registered else 1
    return [*registered, RegisteredStandard(sequence=sequence, standard=standard)]


def standard_effective_on(day: date, registered: Sequence[RegisteredStandard]) -> Standard:
    """The standard that classifies `day`: the greatest effective_from not after it, the latest registration of equals.

    Raises:
        StrataError: every registered standard starts after `day`.
    """
    effective = [entry for entry in registered if entry.effective_from <= day]
    if not effective:
        first = min(entry.effective_from for entry in registered)
        raise StrataError(
            f"No standard is effective on {day}: the first one starts on {first}. "
            "Leave effective_from out of config/standards.yaml once, or backfill from that day on."
        )
    return max(effective, key=lambda entry: (entry.effective_from, entry.sequence)).standard
