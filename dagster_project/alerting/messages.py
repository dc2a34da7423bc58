"""What is wrong, as a short message: what failed, which day, what to do, where the log lies.

Made of names that the project itself gives (jobs, steps, checks, sources) and of days: an error's own text stays in the
log, because errors quote what they fail at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dagster_project.alerting.late import Late
from dagster_project.alerting.words import WORDS
from dagster_project.settings.alerts import AlertEvent

# A message is read on a phone; DingTalk and WeCom cut text at 2,048 bytes and more.
NAMES_SHOWN = 10


@dataclass(frozen=True)
class EndedRun:
    """A run that ended: `days` as text, `again` the command that does it again, `log` a file or a place in words."""

    run_id: str
    job: str
    days: str
    succeeded: bool
    again: str
    log: str | None
    failed_steps: Sequence[str] = field(default_factory=tuple)
    failed_checks: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Message:
    """A title and some lines."""

    title: str
    body: str


def events_of(run: EndedRun) -> frozenset[AlertEvent]:
    """What there is to tell of a run; empty when all is well."""
    events = set() if run.succeeded else {AlertEvent.FAILED_RUN}
    if run.failed_checks:
        events.add(AlertEvent.FAILED_CHECK)
    return frozenset(events)


def message_of_run(run: EndedRun, language: str) -> Message:
    """Of a run that failed, or that went on although a check failed."""
    words = WORDS[language]
    run_name = words["run"].format(job=run.job, days=run.days, run_id=run.run_id[:8])
    lines = [run_name]
    if run.failed_steps:
        lines.append(words["failed_steps"].format(names=_some(run.failed_steps, language)))
    if run.failed_checks:
        lines.append(words["failed_checks"].format(names=_some(run.failed_checks, language)))
    if not run.succeeded and not run.failed_steps and not run.failed_checks:
        lines.append(words["no_step"])
    lines.append(words["mend_check" if run.succeeded else "mend_run"].format(again=run.again))
    lines.append(words["log"].format(log=run.log or words["page"].format(run_id=run.run_id[:8])))
    title = "check_title" if run.succeeded else "run_title"
    return Message(words[title].format(job=run.job, days=run.days), "\n".join(lines))


def message_of_late(late: Late, language: str) -> Message:
    """Of days that are not stored and sources that are silent."""
    words = WORDS[language]
    lines = []
    if late.days:
        lines.append(words["late_days"].format(names=_some([str(day) for day in late.days], language)))
        if late.is_held:
            lines.append(words["late_held"])
        lines.append(words["mend_days"].format(day=late.days[-1]))
    for source in late.sources:
        when = words["never"] if source.landed_at is None else _moment(source.landed_at)
        lines.append(words["late_source"].format(name=source.name, hours=source.expected_every_hours, when=when))
    if late.sources:
        lines.append(words["mend_sources"])
    return Message(words["late_title"], "\n".join(lines))


def message_of_refusal(job: str, language: str) -> Message:
    """Of a run that could not begin, so that Dagster knows nothing of it."""
    words = WORDS[language]
    return Message(words["refused_title"].format(job=job), words["refused"].format(job=job))


def message_of_test(target: str, language: str) -> Message:
    words = WORDS[language]
    return Message(words["test_title"], words["test"].format(target=target))


def _some(names: Sequence[str], language: str) -> str:
    words = WORDS[language]
    shown = words["comma"].join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return shown + words["more"].format(count=more) if more > 0 else shown


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname()}"
