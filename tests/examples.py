"""How many examples a property is tried with: a few in every run of the tests, many more by `make fuzz`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

TIMES = int(os.environ.get("STRATA_EXAMPLES_TIMES", "1"))


def tried_with(count: int, **others: Any) -> settings:
    """Hypothesis' settings for `count` examples, that many times as many where STRATA_EXAMPLES_TIMES asks for more."""
    return settings(max_examples=count * TIMES, deadline=None, **others)
