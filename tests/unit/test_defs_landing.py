"""Landing in Dagster: what is tried again, and how often a pull says how far it is."""

from __future__ import annotations

import dagster as dg
import pytest

from dagster_project.defs.landing import _seldom
from dagster_project.defs.resources import refusals
from dagster_project.defs.runs import _reason
from dagster_project.errors import SettingsError, StrataError
from dagster_project.landing import BadRowsLimitExceeded
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable


@pytest.mark.parametrize(
    ("error", "is_tried_again"),
    [
        (SourceUnavailable("crm did not answer"), True),
        (SourceError("crm refuses"), False),
        (BadRowsLimitExceeded("too many"), False),
        (SettingsError("no secret"), False),
        (StrataError("no"), False),
    ],
)
def test_only_a_system_that_did_not_answer_is_asked_again(error: StrataError, is_tried_again: bool) -> None:
    tries = []

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def landing() -> None:
        tries.append(error)
        with refusals():
            raise error

    @dg.job
    def daily() -> None:
        landing()

    result = daily.execute_in_process(raise_on_error=False)
    assert len(tries) == (3 if is_tried_again else 1)
    [failure] = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_FAILURE]
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert told.description == str(error)
    retried = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert [_reason(event) for event in retried] == [str(error)] * (2 if is_tried_again else 0)


def test_a_pull_of_many_pages_says_little() -> None:
    said: list[str] = []
    say = _seldom(said.append)
    for page in range(1_000):
        say(f"{page} pages")
    assert said == ["0 pages"]
