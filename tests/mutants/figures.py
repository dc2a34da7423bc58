"""How many mutants of a sample died, with the interval in which the share of all of them lies, and who survived."""

from __future__ import annotations

from collections import Counter
from typing import Any

from explained import EXPLAINED
from kept_trials import Population
from statsmodels.stats.proportion import proportion_confint
from trials import DIED, INVALID


class Figures:
    """The figures of a sample of trials."""

    def __init__(self, trials: list[dict[str, Any]]) -> None:
        self.valid = [trial for trial in trials if trial["outcome"] != INVALID]
        self.invalid = len(trials) - len(self.valid)
        self.died = sum(trial["outcome"] == DIED for trial in self.valid)

    @property
    def score(self) -> float:
        return self.died / len(self.valid) if self.valid else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95%."""
        low, high = proportion_confint(self.died, max(len(self.valid), 1), method="wilson")
        return float(low), float(high)

    def told(self, population: Population) -> str:
        low, high = self.interval
        lines = [
            "",
            f"{len(population.keys)} places, and {population.without} that no test here can reach",
            f"{len(self.valid)} mutants tried, and {self.invalid} that were no valid code",
            f"{self.died} died: {self.score:.1%}, of all of them between {low:.1%} and {high:.1%}",
            "",
            f"{'kind':<14}{'mutants':>8}{'died':>6}",
        ]
        kinds = Counter(trial["kind"] for trial in self.valid)
        died = Counter(trial["kind"] for trial in self.valid if trial["outcome"] == DIED)
        lines += [f"{kind:<14}{count:>8}{died[kind]:>6}" for kind, count in kinds.most_common()]
        lines.append("")
        for trial in self.valid:
            if trial["outcome"] != DIED:
                changed = f"{' '.join(trial['before'].split())} → {trial['after'] or 'nothing'}"
                lines.append(f"{trial['outcome']} {trial['key']} {trial['file']}:{trial['line']} {changed}")
                lines.append(f"    {EXPLAINED.get(trial['key'], 'not explained')}")
        return "\n".join(lines) + "\n"
