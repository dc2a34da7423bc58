"""What of an issued list goes to a CRM: the treated customers of its channels who may be contacted at this moment, with
no more than the list itself shows of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.publishing.assignments import TREATED, IssuedList, issued_list
from dagster_project.publishing.crm.records import Task, Value
from dagster_project.publishing.list_rows import channel_rows, read_row_words, task_id
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import FxiaokeCrm, ListField, PublishingSettings, ZohoCrm

MASK = "…"
EXAMPLES = 3
_ENTERED_ON = "{entered_on}"


@dataclass(frozen=True)
class TargetTasks:
    """The tasks of a day for one CRM, in the order of the lists.

    `withdrawn` are tasks of this and earlier lists whose customers may not be contacted any more or are not known any
    more: where the CRM holds them, they lose what says who the customer is. `left_out` counts those of this list by
    channel.
    """

    target: ZohoCrm | FxiaokeCrm
    day: date
    campaign_id: str
    tasks: tuple[Task, ...]
    withdrawn: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    consent_basis: Mapping[str, int] = field(default_factory=dict)
    contact_points: tuple[str, ...] = ()

    def withdrawal(self) -> dict[str, Value]:
        """What is written to a withdrawn task: nothing in the personal fields, and what the settings say."""
        return {**dict.fromkeys(self.target.personal_fields), **self.target.on_withdrawal}

    def examples(self) -> list[dict[str, str]]:
        """The first tasks as they would go out, names and contact points masked."""
        personal = self.target.personal_fields
        return [
            {
                self.target.key_field: task.key,
                **{
                    name: masked(str(value)) if name in personal else str(value)
                    for name, value in {**task.values, **task.on_create}.items()
                    if value is not None
                },
            }
            for task in self.tasks[:EXAMPLES]
        ]


def newest_issued_day(paths: Paths, *, up_to: date | None = None) -> date | None:
    """The day of the newest list (up to a day); None when none was issued."""
    days = (date.fromisoformat(file.stem) for file in paths.assignments.glob("*/????-??-??.parquet"))
    return max((day for day in days if up_to is None or day <= up_to), default=None)


def tasks_of(
    con: duckdb.DuckDBPyConnection,
    target: ZohoCrm | FxiaokeCrm,
    *,
    paths: Paths,
    settings: PublishingSettings,
    day: date,
    now: datetime,
) -> TargetTasks:
    """The tasks of the list of `day` for a CRM, as they may go out at this moment.

    Raises:
        PublishingError: no list was issued for the day, or the warehouse cannot name its customers.
    """
    issued = issued_list(paths, day)
    if issued is None:
        raise PublishingError(f"No list was issued for {day}; `strata run --as-of {day}` issues one.")
    words = read_row_words(con, settings)
    references = _references(con, target)
    tasks: list[Task] = []
    left_out: dict[str, int] = {}
    bases: Counter[str] = Counter()
    points: list[str] = []
    for name in target.channels:
        channel = settings.reactivation.channel(name)
        assert channel is not None  # noqa: S101  the settings refuse a CRM of no channel
        listed = channel_rows(con, channel, issued, paths=paths, now=now)
        shown = [row for row in listed if row["contact"]]
        left_out[name] = len(listed) - len(shown)
        points.append(channel.contact_point)
        bases.update(row["consent_basis"] or "unknown" for row in shown)
        for row in shown:
            values = {written: words.shown(row, listed_field) for written, listed_field in target.fields.items()}
            tasks.append(
                Task(
                    key=task_id(row),
                    channel=name,
                    values=values,
                    on_create=_filled(target.on_create, row),
                    owner=target.owners.get(row["owner"] or ""),
                    customer=references.get(row["registry_id"]),
                )
            )
    return TargetTasks(
        target=target,
        day=day,
        campaign_id=issued.campaign_id,
        tasks=tuple(tasks),
        withdrawn=_withdrawn(con, paths, settings, target, issued, up_to=day, now=now),
        left_out=left_out,
        consent_basis=dict(bases),
        contact_points=tuple(dict.fromkeys(points)) if ListField.CONTACT in target.fields.values() else (),
    )


def masked(text: str) -> str:
    """A name or contact point that can be recognised by who knows it, and by nobody else."""
    return (text[:1] if len(text) > 1 else "") + MASK + (text[-2:] if len(text) > 7 else "")


def _filled(texts: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Value]:
    """What is written once, with what its texts name filled in; a text that is only the day is a day."""
    named = {"{campaign}": row["campaign_id"], "{channel}": row["channel"], _ENTERED_ON: row["entered_on"].isoformat()}
    filled: dict[str, Value] = {}
    for name, value in texts.items():
        if value == _ENTERED_ON:
            filled[name] = row["entered_on"]
        elif isinstance(value, str):
            for placeholder, said in named.items():
                value = value.replace(placeholder, said)
            filled[name] = value
        else:
            filled[name] = value
    return filled


def _references(con: duckdb.DuckDBPyConnection, target: ZohoCrm | FxiaokeCrm) -> dict[int, str]:
    """The customers' own records in the CRM, by the registry number under which they entered; of several the oldest."""
    if target.customers_of is None:
        return {}
    rows = con.execute(
        """
        select entered.registry_id, min_by(own.customer_ref, own.registry_id)
        from identity.customer_aliases as entered
        inner join identity.customer_aliases as own
            on entered.customer_id = own.customer_id and own.source = ?
        group by entered.registry_id
        """,
        [target.customers_of],
    ).fetchall()
    return dict(rows)


def _withdrawn(
    con: duckdb.DuckDBPyConnection,
    paths: Paths,
    settings: PublishingSettings,
    target: ZohoCrm | FxiaokeCrm,
    issued: IssuedList,
    *,
    up_to: date,
    now: datetime,
) -> tuple[str, ...]:
    """Tasks of this and of all earlier lists whose customers may not be contacted any more.

    A task stays in the CRM when its campaign is over, and with it the person: a withdrawal reaches it there, too.
    """
    days = {date.fromisoformat(file.stem) for file in paths.assignments.glob("*/????-??-??.parquet")}
    lists = [earlier for day in sorted(days) if day <= up_to and (earlier := issued_list(paths, day))]
    rows = pa.concat_tables([each.rows for each in lists])
    everything = replace(issued, rows=rows)
    keys: dict[str, None] = {}
    for name in target.channels:
        channel = settings.reactivation.channel(name)
        assert channel is not None  # noqa: S101  the settings refuse a CRM of no channel
        reached = {
            task_id(row) for row in channel_rows(con, channel, everything, paths=paths, now=now) if row["contact"]
        }
        entered = [task_id(row) for row in rows.to_pylist() if row["arm"] == TREATED and row["channel"] == name]
        keys.update(dict.fromkeys(key for key in entered if key not in reached))
    return tuple(keys)
