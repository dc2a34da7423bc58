"""What has been found out about the mutants of one language: a line a trial, and beside it the keys of all places."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from places import Place
from trials import INVALID, SURVIVED, UNDECIDED, Verdict


@dataclass(frozen=True)
class Population:
    """The keys of the places that a test reaches, in the order in which they are tried, and how many it does not."""

    keys: tuple[str, ...] = ()
    without: int = 0


class KeptTrials:
    """The trials of a file, the last of each place; `population` is what the newest trials were drawn from."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._population_file = file.with_suffix(".population.json")
        self._trials: dict[str, dict[str, Any]] = {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            try:
                trial = json.loads(line)
            except ValueError:  # half written
                continue
            self._trials[trial["key"]] = trial
        self.population = Population()
        if self._population_file.exists():
            said = json.loads(self._population_file.read_text(encoding="utf-8"))
            self.population = Population(tuple(said["keys"]), said["without"])

    def note_population(self, keys: Iterable[str], *, without: int) -> None:
        self.population = Population(tuple(keys), without)
        said = {"keys": self.population.keys, "without": without}
        self._population_file.write_text(json.dumps(said), encoding="utf-8")

    def note(self, place: Place, verdict: Verdict) -> None:
        """Keep a verdict, and show it."""
        trial = {**place.as_dict(), **verdict.as_dict()}
        self._trials[place.key] = trial
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(trial, ensure_ascii=False) + "\n")
        changed = f"{place.file}:{place.line} {' '.join(place.before.split())} → {place.after or 'nothing'}"
        sys.stdout.write(f"{verdict.outcome} {changed}  {verdict.by} {verdict.seconds:.1f} s\n")
        sys.stdout.flush()

    def is_missing(self, place: Place, *, again: bool) -> bool:
        trial = self._trials.get(place.key)
        return trial is None or trial["outcome"] == UNDECIDED or (again and trial["outcome"] == SURVIVED)

    def is_invalid(self, place: Place) -> bool:
        return self._trials.get(place.key, {}).get("outcome") == INVALID

    def sample(self, count: int) -> list[dict[str, Any]]:
        """The first trials of the population: those of `count` valid mutants at most, with the invalid ones between."""
        sample, valid = [], 0
        for key in self.population.keys:
            trial = self._trials.get(key)
            if trial is None or valid == count:
                break
            sample.append(trial)
            valid += trial["outcome"] != INVALID
        return sample
