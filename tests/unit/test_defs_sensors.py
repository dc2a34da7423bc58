"""The sensor starts a run when dropped files are new and whole: seen alike by two looks, and not started for before."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dagster_project.defs.sensors import Looked, fingerprint


def looks(*seen: str) -> list[bool]:
    """Whether each of a sequence of looks starts a run."""
    state, started = Looked(), []
    for now_seen in seen:
        state, starts = state.next(now_seen)
        started.append(starts)
    return started


def test_a_file_that_lies_still_starts_one_run() -> None:
    assert looks("a", "a", "a") == [False, True, False]


def test_a_file_that_grows_starts_none_until_it_is_whole() -> None:
    assert looks("a", "ab", "abc", "abc", "abc") == [False, False, False, True, False]


def test_a_second_file_starts_a_second_run() -> None:
    assert looks("a", "a", "b", "b") == [False, True, False, True]


def test_an_empty_inbox_starts_none() -> None:
    assert looks("", "", "") == [False, False, False]


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=30))
def test_no_content_starts_two_runs_in_a_row(seen: list[str]) -> None:
    started = [content for content, starts in zip(seen, looks(*seen), strict=True) if starts]
    assert all(one != other for one, other in pairwise(started))


def test_a_fingerprint_sees_name_size_and_time(tmp_path: Path) -> None:
    assert fingerprint(iter([])) == ""
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("a")
    first = fingerprint(iter([one]))
    one.write_text("ab")
    second = fingerprint(iter([one]))
    one.rename(other)
    third = fingerprint(iter([other]))
    assert len({first, second, third}) == 3
