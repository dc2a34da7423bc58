"""Tasks in a module of Zoho CRM, through its REST API v8: found by COQL, written a hundred at a time.

Modules that can be upserted are, by the field that holds our id. Activities cannot: they are inserted, and where an
answer is lost the next push looks for them before it inserts again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Any, Self

from dagster_project.publishing.crm.records import CURE, Change, Done, Held, Outcome, Task, Value, chunks
from dagster_project.settings.environment import Secrets
from dagster_project.settings.publishing import ZohoCrm
from dagster_project.sources.http import Answer, Refused, TryAgain
from dagster_project.sources.zoho_crm.asking import API, Zoho

MOST_WRITTEN = 100
MOST_LOOKED_FOR = 50  # values that COQL takes in a list
ROWS_A_CREDIT = 200
NOT_UPSERTED = frozenset({"Tasks", "Events", "Calls", "Notes"})
SCOPES = "ZohoCRM.modules.ALL, ZohoCRM.coql.READ and ZohoCRM.settings.fields.READ"


class ZohoTasks:
    """The records of one module that are keyed by our ids. To be used in a `with`."""

    def __init__(self, target: ZohoCrm, secrets: Secrets, say: Callable[[str], None]) -> None:
        self._target = target
        self._zoho = Zoho(
            target,
            secrets,
            say,
            place=f"CRM {target.name}, module {target.module}",
            called=f"CRM {target.name}",
            scopes=SCOPES,
            cure=CURE,
        )
        # Without the list Zoho runs every rule of the module.
        self._rules: dict[str, Any] = {} if target.runs_workflows else {"trigger": []}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zoho.__exit__(kind, error, trace)

    def as_written(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Values as Zoho takes them: days as text, amounts as numbers."""
        return {
            name: float(value)
            if isinstance(value, Decimal)
            else value.isoformat()
            if isinstance(value, date)
            else value
            for name, value in values.items()
        }

    def find(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, Held]:
        """The records of these tasks; of several with one key the oldest."""
        key_field = self._target.key_field
        asked = ", ".join(dict.fromkeys(["id", key_field, *(name for name in fields if not name.startswith("$"))]))
        found: dict[str, Held] = {}
        for some in chunks(keys, MOST_LOOKED_FOR):
            listed = ", ".join(f"'{key}'" for key in some)  # keys hold nothing that could end the text
            query = f"select {asked} from {self._target.module} where {key_field} in ({listed}) limit {ROWS_A_CREDIT}"
            body = self._zoho.post(f"{API}/coql", {"select_query": query}, judge=_judge_found).body
            for record in sorted(body["data"] if body else (), key=lambda record: int(record["id"])):
                key = record.get(key_field)
                if isinstance(key, str):
                    found.setdefault(key, Held(record["id"], record))
        return found

    def create(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Make records of tasks that it does not hold, or change them where someone else made them just now."""
        module, key_field = self._target.module, self._target.key_field
        is_upserted = module not in NOT_UPSERTED
        path = f"{API}/{module}/upsert" if is_upserted else f"{API}/{module}"
        by_key = {"duplicate_check_fields": [key_field]} if is_upserted else {}
        there: list[Change] = []
        for some in chunks(tasks, MOST_WRITTEN):
            document = {"data": [self._new(task) for task in some], **by_key, **self._rules}
            answers = self._written(len(some), partial(self._zoho.post, path, document, repeats=is_upserted))
            for task, answer in zip(some, answers, strict=True):
                twin = _details(answer).get("id")
                if answer["code"] == "DUPLICATE_DATA" and _details(answer).get("api_name") == key_field and twin:
                    there.append(Change(task.key, str(twin), task.values))
                else:
                    yield _outcome(task.key, Done.CREATED, answer, self._zoho.shown)
        yield from self.update(there)

    def update(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Change records by their id."""
        for some in chunks(changes, MOST_WRITTEN):
            rows = [{"id": change.id, **self.as_written(change.values)} for change in some]
            document = {"data": rows, **self._rules}
            answers = self._written(len(some), partial(self._zoho.put, f"{API}/{self._target.module}", document))
            for change, answer in zip(some, answers, strict=True):
                yield _outcome(change.key, Done.UPDATED, answer, self._zoho.shown)

    def _new(self, task: Task) -> dict[str, Any]:
        record = {self._target.key_field: task.key, **self.as_written(task.values), **self.as_written(task.on_create)}
        if task.owner is not None:
            record["Owner"] = {"id": task.owner}
        if task.customer is not None and self._target.customer_field is not None:
            record[self._target.customer_field] = {"id": task.customer}
        return record

    def _written(self, count: int, send: Callable[..., Answer]) -> Sequence[Mapping[str, Any]]:
        """What Zoho says of each record that was sent, in their order.

        It does so with a status of success as soon as it took one of them, and with one of an error where it took none.
        """

        def judge(answer: Answer) -> None:
            if not _is_of_each(answer.body, count):
                raise TryAgain("its answer does not tell of each record")

        try:
            answers: Sequence[Mapping[str, Any]] = send(judge=judge).body["data"]
        except Refused as error:
            if not _is_of_each(error.body, count):
                raise
            answers = error.body["data"]
        return answers


def _outcome(key: str, done: Done, answer: Mapping[str, Any], shown: Callable[[object], str]) -> Outcome:
    if answer.get("status") == "success":
        return Outcome(key, Done.UPDATED if answer.get("action") == "update" else done)
    named = _details(answer).get("api_name")
    said = ": ".join(str(part) for part in (answer["code"], named, answer.get("message")) if part)
    return Outcome(key, Done.REFUSED, shown(said))


def _details(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    details = answer.get("details")
    return details if isinstance(details, dict) else {}


def _is_of_each(body: Any, count: int) -> bool:
    answers = body.get("data") if isinstance(body, dict) else None
    return (
        isinstance(answers, list)
        and len(answers) == count
        and all(isinstance(answer, dict) and isinstance(answer.get("code"), str) for answer in answers)
    )


def _judge_found(answer: Answer) -> None:
    if answer.body is None:
        return  # 204: none
    records = answer.body.get("data") if isinstance(answer.body, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and str(record.get("id")).isdecimal() for record in records
    ):
        raise TryAgain("its answer is no list of records")
