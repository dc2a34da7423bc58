"""What the environment says is checked when it is read, with the variable's name."""

from __future__ import annotations

import pytest

from dagster_project.errors import SettingsError
from dagster_project.settings.environment import read_environment


@pytest.mark.parametrize("amount", ["4GB", "1.5 GiB", "512MB", "40%"])
def test_an_amount_of_memory_or_a_share_of_the_machines_is_a_limit(
    monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    monkeypatch.setenv("STRATA_MEMORY_LIMIT", amount)
    assert read_environment().memory_limit == amount


@pytest.mark.parametrize("amount", ["4", "much", "-1GB", "4GB; attach 'x'"])
def test_a_limit_that_is_no_amount_of_memory_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, amount: str) -> None:
    monkeypatch.setenv("STRATA_MEMORY_LIMIT", amount)
    with pytest.raises(SettingsError, match=r"STRATA_MEMORY_LIMIT is .* must be an amount such as 4GB"):
        read_environment()
