"""A push as tables on a terminal. Names and contact points are masked: a terminal is scrolled, copied and kept."""

from __future__ import annotations

from rich.table import Table

from dagster_project.publishing.crm.pushing import Comparison, Push
from dagster_project.publishing.crm.records import Done
from dagster_project.publishing.crm.tasks import TargetTasks
from dagster_project.terminal import plain_table

REFUSED_SHOWN = 20
VALUE_WIDTH = 60


def heading(tasks: TargetTasks) -> str:
    """Which list goes where."""
    return f"List of {tasks.day} to {tasks.target.name}, {tasks.target.place}"


def dry_run_tables(tasks: TargetTasks, comparison: Comparison | None) -> list[Table]:
    """What would go out: counts a channel, what the CRM would make of it, and some examples."""
    rows = [
        [name, sum(task.channel == name for task in tasks.tasks), tasks.left_out.get(name, 0)]
        for name in tasks.target.channels
    ]
    tables = [plain_table("Customers", ["channel", "would go out", "left out"], rows)]
    if comparison is not None:
        counts = {
            "create": comparison.missing,
            "update": comparison.changes,
            "withdraw": comparison.withdrawals,
            "leave as it is": comparison.unchanged,
            "leave closed": comparison.closed,
        }
        tables.append(plain_table("The CRM would", list(counts), [[len(each) for each in counts.values()]]))
    if examples := tasks.examples():
        names = list(dict.fromkeys(name for example in examples for name in example))
        shown = [[name, *(_short(example.get(name, "")) for example in examples)] for name in names]
        tables.append(plain_table("Examples, masked", ["field", *map(str, range(1, len(examples) + 1))], shown))
    return tables


def push_table(push: Push) -> Table:
    """What became of the tasks."""
    return plain_table("Tasks", [done.value for done in Done], [[push.count(done) for done in Done]])


def refused_table(tasks: TargetTasks, push: Push) -> Table:
    """The first tasks that the CRM did not take, and why."""
    rows = [[outcome.key, outcome.reason] for outcome in push.refused[:REFUSED_SHOWN]]
    more = len(push.refused) - len(rows)
    return plain_table(f"Refused{f', and {more:,} more' if more else ''}", [tasks.target.key_field, "reason"], rows)


def _short(text: str) -> str:
    return text if len(text) <= VALUE_WIDTH else f"{text[:VALUE_WIDTH]}…"
