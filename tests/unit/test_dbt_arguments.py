"""The words dbt is started with, one named rule a test."""

from __future__ import annotations

import pytest

from dagster_project.warehouse.dbt_arguments import dbt_arguments


def test_a_build_leaves_unit_tests_out() -> None:
    words = dbt_arguments("build")
    assert words[:3] == ["build", "--exclude-resource-type", "unit_test"]


def test_a_build_writes_no_manifest_and_other_commands_do() -> None:
    assert "--no-write-json" in dbt_arguments("build")
    assert "--no-write-json" not in dbt_arguments("compile")


def test_unit_tests_run_when_they_are_asked_for() -> None:
    words = dbt_arguments("build", select=["test_type:unit"], unit_tests=True)
    assert words[:3] == ["build", "--select", "test_type:unit"]
    assert "unit_test" not in words


@pytest.mark.parametrize("command", ["parse", "run"])
def test_commands_that_run_no_tests_are_not_told_about_them(command: str) -> None:
    assert dbt_arguments(command) == [command]


def test_a_selection_is_one_word_however_much_it_selects() -> None:
    """dagster-dbt takes one word after --exclude; a second one became an argument of its own, which dbt refused."""
    words = dbt_arguments("run", select=["staging", "marts"], exclude=["tag:list", "tag:slow"])
    assert words == ["run", "--select", "staging marts", "--exclude", "tag:list tag:slow"]


def test_without_variables_nothing_is_parsed_anew() -> None:
    assert "--vars" not in dbt_arguments("build")
    assert "--vars" not in dbt_arguments("build", variables={})


def test_variables_are_the_same_words_whatever_their_order() -> None:
    one = dbt_arguments("run", variables={"b": 1, "a": "x y"})
    assert one == ["run", "--vars", '{"a": "x y", "b": 1}']
    assert one == dbt_arguments("run", variables={"a": "x y", "b": 1})


def test_a_full_refresh_is_asked_for_by_name() -> None:
    assert "--full-refresh" not in dbt_arguments("build")
    assert "--full-refresh" in dbt_arguments("build", full_refresh=True)


@pytest.mark.parametrize(("command", "options"), [("parse", {"select": ["x"]}), ("test", {"full_refresh": True})])
def test_what_dbt_would_refuse_is_refused_before_it_starts(command: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"dbt {command} takes no"):
        dbt_arguments(command, **options)  # type: ignore[arg-type]
