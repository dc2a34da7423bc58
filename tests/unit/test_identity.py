"""Registry numbers are given once and for good; links make one customer of many references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from examples import tried_with
from hypothesis import given
from hypothesis import strategies as st
from identity_workshop import customers, paths_below, stage

from dagster_project.identity import link
from dagster_project.identity.registry import erase_references, read_registry


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def test_linked_references_are_one_customer_with_the_smallest_number(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    shop, zoho, fxiaoke = ("shop", "17"), ("zoho", "z1"), ("fxiaoke", "f1")
    stage(con, [shop, ("shop", "18"), zoho, fxiaoke], [(zoho, shop), (fxiaoke, shop)])
    result = link(con, paths=paths_below(tmp_path))
    found = customers(con)
    assert found[shop] == found[zoho] == found[fxiaoke] == 1
    assert found["shop", "18"] == 2
    assert (result.references, result.new_references, result.customers, result.linked_references) == (4, 4, 2, 2)


def test_numbers_stay_when_references_are_added_and_when_the_warehouse_is_rebuilt(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        stage(con, [("shop", "b")], [])
        link(con, paths=paths_below(tmp_path))
    with duckdb.connect() as rebuilt:
        stage(rebuilt, [("shop", "a"), ("shop", "b")], [])
        result = link(rebuilt, paths=paths_below(tmp_path))
        assert customers(rebuilt) == {("shop", "b"): 1, ("shop", "a"): 2}
        assert result.new_references == 1


def test_when_a_link_goes_the_others_get_their_own_id_back(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    references = [("shop", "1"), ("zoho", "z")]
    stage(con, references, [(("zoho", "z"), ("shop", "1"))])
    link(con, paths=paths_below(tmp_path))
    stage(con, references, [])
    link(con, paths=paths_below(tmp_path))
    assert customers(con) == {("shop", "1"): 1, ("zoho", "z"): 2}


def test_a_linked_reference_that_has_not_landed_still_joins_those_that_name_it(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    household = ("shop", "404")
    stage(con, [("zoho", "z"), ("fxiaoke", "f")], [(("zoho", "z"), household), (("fxiaoke", "f"), household)])
    link(con, paths=paths_below(tmp_path))
    assert len(set(customers(con).values())) == 1


def test_a_part_left_unfinished_by_a_killed_run_is_not_read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = paths_below(tmp_path)
    paths.registry.mkdir(parents=True)
    (paths.registry / "registry-000000000001.unfinished").write_bytes(b"half a file")
    stage(con, [("shop", "1")], [])
    link(con, paths=paths)
    assert read_registry(paths.registry).to_pylist() == [{"registry_id": 1, "source": "shop", "customer_ref": "1"}]


def test_the_number_of_an_erased_reference_is_never_given_again(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Not even the highest one: who had it stands in lists that others keep."""
    paths = paths_below(tmp_path)
    stage(con, [("shop", "1"), ("shop", "2")])
    link(con, paths=paths)
    assert erase_references(paths.registry, [2]) == 1
    assert erase_references(paths.registry, [2]) == 0
    assert read_registry(paths.registry).to_pylist() == [{"registry_id": 1, "source": "shop", "customer_ref": "1"}]
    stage(con, [("shop", "1"), ("shop", "3")])
    link(con, paths=paths)
    assert customers(con) == {("shop", "1"): 1, ("shop", "3"): 3}


def test_what_is_left_of_an_erased_person_in_several_systems_is_one_customer(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    left, other = "strata-erased-00ff", "strata-erased-11ee"
    stage(con, [("shop", left), ("shop", other), ("pos", left), ("shop", "1"), ("pos", "1")])
    link(con, paths=paths_below(tmp_path))
    assert customers(con) == {
        ("shop", left): 1,
        ("shop", other): 2,
        ("pos", left): 1,
        ("shop", "1"): 4,
        ("pos", "1"): 5,
    }


@tried_with(12)
@given(pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14))
def test_linking_equals_repeated_merging(
    pairs: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    references = [("shop", f"{number:02d}") for number in range(12)]
    expected = list(range(1, 13))
    for _ in range(12):
        for own, other in pairs:
            expected[own] = expected[other] = min(expected[own], expected[other])
    with duckdb.connect() as con:
        stage(con, references, [(references[own], references[other]) for own, other in pairs])
        link(con, paths=paths_below(tmp_path_factory.mktemp("registry")))
        assert [customers(con)[reference] for reference in references] == expected
