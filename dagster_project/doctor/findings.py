"""What a check found: fine, worth a look, or wrong, with the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands with what was checked."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table; `cure` is empty where there is nothing to do."""

    about: str
    verdict: Verdict
    says: str
    cure: str = ""


def fine(about: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(about, Verdict.OK, says)


def warning(about: str, says: str, cure: str) -> Finding:
    """Runs, and will not for ever, or not as meant."""
    return Finding(about, Verdict.WARNING, says, cure)


def wrong(about: str, says: str, cure: str) -> Finding:
    """Does not work, or does not hold what it should."""
    return Finding(about, Verdict.WRONG, says, cure)


def first_line(error: Exception) -> str:
    """What an error says in one line of the table."""
    return (str(error) or type(error).__name__).splitlines()[0][:300]
