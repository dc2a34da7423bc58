"""Column by column, customer by customer: what an independent computation says against what the tables hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd


def assert_columns_equal(expected: pd.DataFrame, got: pd.DataFrame, columns: Iterable[str]) -> None:
    """Both hold the same rows in the same order, and equal values in each of the columns (None for NULL).

    A failure names the first column that differs, for how many rows, and three of them.
    """
    assert list(got.index) == list(expected.index)
    for column in columns:
        differing = [
            (row, want, have)
            for row, want, have in zip(expected.index, expected[column], got[column], strict=True)
            if want != have
        ]
        assert not differing, f"{column} differs in {len(differing)} rows (key, reference, ours): {differing[:3]}"


def assert_same_entries(expected: Mapping[Hashable, Any], got: Mapping[Hashable, Any], what: str) -> None:
    """Both map the same keys to equal values; a failure shows three keys of each kind."""
    missing = [key for key in expected if key not in got]
    extra = [key for key in got if key not in expected]
    differing = [(key, expected[key], got[key]) for key in expected if key in got and expected[key] != got[key]]
    told = (
        f"{what}: {len(missing)} missing {missing[:3]}, {len(extra)} too many {extra[:3]}, "
        f"{len(differing)} differ (key, reference, ours) {differing[:3]}"
    )
    assert not missing + extra + differing, told
