"""Tasks in an object of 纷享销客, through its Open API: found by our id a page at a time, written one by one.

It has no upsert. What is made is looked for before, and where an answer is lost nothing more is sent, so that the next
push can look again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from dagster_project.publishing.crm.records import CURE, Change, Done, Held, Outcome, Task, Value, chunks
from dagster_project.settings.environment import Secrets
from dagster_project.settings.publishing import FxiaokeCrm
from dagster_project.sources.fxiaoke_api import PAGE_RECORDS, Denied, Tenant
from dagster_project.sources.http import Answer, HttpSystem, TryAgain

# Half a page, so that a key that is there twice does not push another one off it.
MOST_LOOKED_FOR = PAGE_RECORDS // 2
TOLD_EVERY_RECORDS = 50


class FxiaokeTasks:
    """The records of one object that are keyed by our ids. Days are midnight in `time_zone`. To be used in a `with`."""

    def __init__(
        self, target: FxiaokeCrm, secrets: Secrets, say: Callable[[str], None], *, time_zone: ZoneInfo
    ) -> None:
        self._target = target
        self._say = say
        self._time_zone = time_zone
        called = f"CRM {target.name}, object {target.object}"
        self._http = HttpSystem(called, target.http, say=say, cure=CURE)
        self._tenant = Tenant(target, secrets, self._http, place=called)
        self._path = "/cgi/crm/custom/v2/data" if target.is_own_object else "/cgi/crm/v2/data"
        self._rules = {"triggerWorkFlow": target.runs_workflows, "triggerApprovalFlow": target.runs_workflows}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.__exit__(kind, error, trace)

    def as_written(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Values as the Open API takes them: days as milliseconds since 1970, amounts as text."""
        return {
            name: str(value)
            if isinstance(value, Decimal)
            else self._milliseconds(value)
            if isinstance(value, date)
            else value
            for name, value in values.items()
        }

    def find(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, Held]:
        """The records of these tasks; of several with one key the first by id."""
        key_field = self._target.key_field
        found: dict[str, Held] = {}
        for some in chunks(keys, MOST_LOOKED_FOR):
            search = {
                "limit": PAGE_RECORDS,
                "offset": 0,
                "filters": [{"field_name": key_field, "field_values": list(some), "operator": "IN"}],
                "orders": [{"fieldName": "_id", "isAsc": True}],
                "fieldProjection": list(dict.fromkeys(["_id", key_field, "life_status", "is_deleted", *fields])),
            }
            data = {
                "dataObjectApiName": self._target.object,
                "find_explicit_total_num": False,
                "search_query_info": search,
            }
            answer = self._tenant.ask(f"{self._path}/query", {"data": data}, _judge_found)
            for record in sorted(answer.body["data"]["dataList"], key=lambda record: str(record["_id"])):
                if record.get(key_field) in some:
                    is_closed = record.get("life_status") == "invalid" or record.get("is_deleted") is True
                    found.setdefault(record[key_field], Held(record["_id"], record, is_closed=is_closed))
        return found

    def create(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Make records of tasks that it does not hold."""
        for number, task in enumerate(tasks, start=1):
            record = {
                "dataObjectApiName": self._target.object,
                self._target.key_field: task.key,
                "owner": [task.owner or self._tenant.user],
                **self.as_written(task.values),
                **self.as_written(task.on_create),
            }
            if task.customer is not None and self._target.customer_field is not None:
                record[self._target.customer_field] = task.customer
            yield self._written("create", task.key, record, Done.CREATED)
            self._tell(number, len(tasks), "made")

    def update(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Change records by their id. Whose they are stays."""
        for number, change in enumerate(changes, start=1):
            record = {"_id": change.id, "dataObjectApiName": self._target.object, **self.as_written(change.values)}
            yield self._written("update", change.key, record, Done.UPDATED)
            self._tell(number, len(changes), "changed")

    def _written(self, action: str, key: str, record: Mapping[str, Any], done: Done) -> Outcome:
        """What it says of one record. What it says of rights or names holds for all of them, and ends the push."""
        body = {**self._rules, "data": {"object_data": record}}
        try:
            self._tenant.ask(f"{self._path}/{action}", body, repeats=action == "update")
        except Denied as error:
            if error.is_general:
                raise
            return Outcome(key, Done.REFUSED, error.said)
        return Outcome(key, done)

    def _tell(self, number: int, of: int, done: str) -> None:
        if number % TOLD_EVERY_RECORDS == 0:
            self._say(f"CRM {self._target.name}: {number:,} of {of:,} records {done}")

    def _milliseconds(self, day: date) -> int:
        return round(datetime.combine(day, time(), self._time_zone).timestamp() * 1000)


def _judge_found(answer: Answer) -> None:
    data = answer.body.get("data")
    records = data.get("dataList") if isinstance(data, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and isinstance(record.get("_id"), str) for record in records
    ):
        raise TryAgain("its answer holds no dataList")
