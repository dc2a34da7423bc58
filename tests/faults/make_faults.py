"""`make faults`: kills rooms and whole runs at random moments, two hundred times in all, and tells what came of it.

Each fault is a line of `kills.jsonl` in the folder given; started again, it goes on with the faults that are missing.
Ends with 1 where a kill did not come out as promised.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[each]) for each in (0, 1, 2)]

from faulty_rooms import ROOMS  # noqa: E402  only now found
from killing import Fault, faults_of  # noqa: E402
from whole_runs import kill_whole_runs  # noqa: E402

# Cheap rooms more often: a kill of a whole run costs about a minute.
SHARES = {"landing": 40, "identity": 40, "dbt": 30, "publishing": 40, "forget": 30, "run": 30}


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path, help="where kills.jsonl is kept")
    words.add_argument("--only", nargs="*", choices=list(SHARES), default=list(SHARES))
    asked = words.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    kept = asked.folder / "kills.jsonl"
    done = _read(kept)

    def note(fault: Fault) -> None:
        done.append(fault.as_dict())
        with kept.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(fault.as_dict(), ensure_ascii=False) + "\n")
        sys.stdout.write(f"{fault.room} {fault.number}: killed at {fault.moment}: {fault.problem or 'as promised'}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as workspace:
        for name in asked.only:
            known = {fault["number"] for fault in done if fault["room"] == name}
            missing = [number for number in range(SHARES[name]) if number not in known]
            if not missing:
                continue
            if name == "run":
                kill_whole_runs(missing, Path(workspace), note)
            else:
                faults_of(ROOMS[name], missing, Path(workspace), note)
    return _told(done)


def _read(kept: Path) -> list[dict[str, Any]]:
    """Kills of earlier runs; what ended before its kill is tried again, and a line that is half written is no fault."""
    done = []
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else ():
        try:
            done.append(json.loads(line))
        except ValueError:
            continue
    return [fault for fault in done if fault["was_killed"]]


def _told(done: list[dict[str, Any]]) -> int:
    rooms = defaultdict(list)
    for fault in done:
        rooms[fault["room"]].append(fault)
    sys.stdout.write("\nroom         faults  killed  ended before  problems\n")
    for name, faults in rooms.items():
        killed = sum(fault["was_killed"] for fault in faults)
        problems = sum(bool(fault["problem"]) for fault in faults)
        sys.stdout.write(f"{name:<12} {len(faults):>6} {killed:>7} {len(faults) - killed:>13} {problems:>9}\n")
    return int(any(fault["problem"] for fault in done))


if __name__ == "__main__":
    sys.exit(main())
