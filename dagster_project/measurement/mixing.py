"""Whether campaigns may be looked at together: only if the lot left alone the same share of each.

With different shares the arms hold different months: the one with more customers of a good month comes off better,
whatever the contacts did.
"""

from __future__ import annotations

from collections.abc import Sequence

# By chance alone one report in a thousand would say it.
_SIGNIFICANCE = 0.001


def control_shares_differ(campaigns: Sequence[tuple[int, int]]) -> bool:
    """Whether (treated, control) customers of `campaigns` differ in their share of control by more than the lot does.

    Pearson's chi square. False where there is one campaign, or where all of them have the same one arm.
    """
    sizes = [treated + control for treated, control in campaigns if treated + control]
    share = sum(control for _, control in campaigns) / sum(sizes) if sizes else 0
    if len(sizes) < 2 or not 0 < share < 1:
        return False
    from scipy.special import chdtrc

    statistic = sum(
        (control - (treated + control) * share) ** 2 / ((treated + control) * share * (1 - share))
        for treated, control in campaigns
        if treated + control
    )
    return bool(chdtrc(len(sizes) - 1, statistic) < _SIGNIFICANCE)
