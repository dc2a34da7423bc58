"""What the environment says is checked when it is read, with the variable's name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dagster_project.errors import SettingsError
from dagster_project.settings import load_settings
from dagster_project.settings.children import process_environment
from dagster_project.settings.environment import MEMORY_LIMIT, WAREHOUSE_WAIT_SECONDS, read_environment
from dagster_project.settings.paths import PROJECT_ROOT


@pytest.mark.parametrize("amount", ["4GB", "1.5 GiB", "512MB", "40%"])
def test_an_amount_of_memory_or_a_share_of_the_machines_is_a_limit(
    monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    monkeypatch.setenv("STRATA_MEMORY_LIMIT", amount)
    assert read_environment().memory_limit == amount


@pytest.mark.parametrize("file", ["dbt_project/profiles.yml", "docs/production.md", "docs/zh/production.md"])
def test_dbt_and_both_pages_have_the_same_limit_by_default(file: str) -> None:
    lines = (PROJECT_ROOT / file).read_text(encoding="utf-8").splitlines()
    assert [MEMORY_LIMIT in line for line in lines if "STRATA_MEMORY_LIMIT" in line] == [True]


@pytest.mark.parametrize("amount", ["4", "much", "-1GB", "4GB; attach 'x'"])
def test_a_limit_that_is_no_amount_of_memory_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, amount: str) -> None:
    monkeypatch.setenv("STRATA_MEMORY_LIMIT", amount)
    with pytest.raises(SettingsError, match=r"STRATA_MEMORY_LIMIT is .* must be an amount such as 4GB"):
        read_environment()


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, WAREHOUSE_WAIT_SECONDS), ("", WAREHOUSE_WAIT_SECONDS), ("2.5", 2.5)]
)
def test_the_wait_for_the_warehouse_is_the_one_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, seconds: float
) -> None:
    monkeypatch.delenv("STRATA_WAREHOUSE_WAIT_SECONDS", raising=False)
    if asked is not None:
        monkeypatch.setenv("STRATA_WAREHOUSE_WAIT_SECONDS", asked)
    assert read_environment().warehouse_wait_seconds == seconds
    monkeypatch.setenv("STRATA_WAREHOUSE_WAIT_SECONDS", "a while")
    with pytest.raises(
        SettingsError, match="STRATA_WAREHOUSE_WAIT_SECONDS is 'a while'; it must be a number of seconds"
    ):
        read_environment()


@pytest.mark.parametrize(("asked", "threads"), [(None, 1), ("2", 2)])
def test_a_fit_takes_no_thread_beside_its_own_unless_asked_to(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, threads: int
) -> None:
    """Threads of a fit of four parameters wait for one another longer than they work."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", asked)
    code = "import pathlib, scipy.optimize; print(len([*pathlib.Path('/proc/self/task').iterdir()]))"
    environment = process_environment(load_settings())
    counted = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    # numpy and scipy bring an OpenBLAS each, which takes no more threads than there are cores.
    assert int(counted.stdout) == 1 + 2 * (min(threads, len(os.sched_getaffinity(0))) - 1)
