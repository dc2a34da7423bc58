"""A 纷享销客 of one's own: its Open API on loopback, over tables that a test may change between two requests.

It keeps the published rules (tokens that expire, at most 100 records a page, offsets that are multiples of the limit,
errors inside answers of status 200; records written one by one, with no upsert and no unique field) and promises no
more than they do: records of one time come in another order with every request unless their order is asked for.
"""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from dagster_project.settings.environment import Secrets, secret_variable

Record = dict[str, Any]
MOST_RECORDS = 100
APP = {"appId": "FSAID_1318", "appSecret": "app-secret-7c1f", "permanentCode": "PERMANENT-0F2E"}
CORPORATION = "FSCID_5A1B2C"
USER = "FSUID_0A9B8C7D"
MOBILE = "13800138000"


def milliseconds(moment: datetime) -> int:
    """A time as the Open API gives it."""
    return round(moment.timestamp() * 1000)


def full(record: Mapping[str, Any]) -> Record:
    """A record with what the system keeps beside every one; what `record` says counts."""
    return {
        "owner": [USER],
        "owner__r": {"id": USER, "name": "王销售"},
        "created_by": ["-10000"],
        "life_status": "normal",
        "lock_status": "0",
        "record_type": "default__c",
        "is_deleted": False,
        "version": "1",
        "create_time": record["last_modified_time"],
        **record,
    }


@dataclass(frozen=True)
class Misbehaving:
    """How one answer goes wrong: an error code, a status, a body cut short, or silence for some seconds.

    `{token}` in the message becomes the token that was sent.
    """

    code: int = 0
    message: str = ""
    status: int = 200
    body: bytes | None = None
    is_cut_short: bool = False
    silent_seconds: float = 0.0


class FxiaokeServer:
    """The server, with `objects` by API name, each a table of records by their `_id`. To be used in a `with`.

    `before_query` is called before each query is answered and may change the tables; `misbehave` makes the next answers
    to queries go wrong, `misbehave_in_writes` those to writes, `loses_answers_to_writes` after they were done;
    `expire_token` ends the token that was given last. `queries` and `written` are those that were asked; `refuse` says
    of a record why it is refused. `declared` are fields that are there though no record has them.
    """

    def __init__(self, objects: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        self.become_new(objects)
        self._order = random.Random(7)  # noqa: S311  (an order of rows, no secret)
        self._server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
        for path, handler in (
            ("/cgi/corpAccessToken/get/V2", self._give_token),
            ("/cgi/user/getByMobile", self._find_user),
            ("/cgi/crm/v2/data/query", self._query),
            ("/cgi/crm/custom/v2/data/query", self._query_own),
            ("/cgi/crm/v2/data/create", self._create),
            ("/cgi/crm/v2/data/update", self._update),
            ("/cgi/crm/custom/v2/data/create", self._create),
            ("/cgi/crm/custom/v2/data/update", self._update),
        ):
            self._server.expect_request(path, method="POST").respond_with_handler(handler)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._server.check_handler_errors()

    def become_new(self, objects: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Be as just started, with these objects; stopping and starting takes half a second."""
        self.objects: dict[str, dict[str, Record]] = {
            name: {record["_id"]: full(record) for record in records} for name, records in objects.items()
        }
        self.before_query: Callable[[], None] = lambda: None
        self.mobile = MOBILE
        self.hidden_objects: set[str] = set()
        self.queries: list[dict[str, Any]] = []
        self.tokens_given = 0
        self._token: str | None = None
        self._misbehaving: deque[Misbehaving] = deque()
        self._misbehaving_in_writes: deque[Misbehaving] = deque()
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.refuse: Callable[[Record], str | None] = lambda _: None
        self.loses_answers_to_writes = 0
        self.declared: set[str] = set()
        self.clock = datetime(2026, 3, 1, 8, tzinfo=UTC)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return str(self._server.url_for("")).rstrip("/")

    def variables(self, source: str, *, by_mobile: bool = True) -> dict[str, str]:
        """The environment of a source that asks this server."""
        user = {"user_mobile": self.mobile} if by_mobile else {"open_user_id": USER}
        named = {
            "app_id": APP["appId"],
            "app_secret": APP["appSecret"],
            "permanent_code": APP["permanentCode"],
            **user,
        }
        return {secret_variable(source, name): value for name, value in named.items()}

    def secrets(self, source: str, *, by_mobile: bool = True) -> Secrets:
        """The same as the settings hold it."""
        return Secrets({name: SecretStr(value) for name, value in self.variables(source, by_mobile=by_mobile).items()})

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Make or change a record; `last_modified_time` is when."""
        before = self.objects[name].get(record["_id"], {})
        self.objects[name][record["_id"]] = full({**before, **record})

    def misbehave(self, *ways: Misbehaving) -> None:
        """Let the next answers to queries go wrong, one after another, and no others."""
        self._misbehaving = deque(ways)

    def misbehave_in_writes(self, *ways: Misbehaving) -> None:
        """Let the next writes go wrong, one after another, and no others. Nothing of them is done."""
        self._misbehaving_in_writes = deque(ways)

    def expire_token(self) -> None:
        """Take the token that was given last for expired from now on."""
        self._token = None

    def _give_token(self, request: Request) -> Response:
        asked = _body(request)
        if asked != APP:
            return _error(10003, f"appSecret {asked.get('appSecret')} 不正确")
        self.tokens_given += 1
        self._token = f"corp-access-token-{self.tokens_given}"
        return _answer(corpAccessToken=self._token, corpId=CORPORATION, expiresIn=7200)

    def _find_user(self, request: Request) -> Response:
        asked = _body(request)
        if not self._is_signed_in(asked):
            return _error(20016, "corpAccessToken不存在或者已经过期")
        found = [{"openUserId": USER, "name": "王销售"}] if asked.get("mobile") == self.mobile else []
        return _answer(empList=found)

    def _query(self, request: Request) -> Response:
        return self._answer_query(_body(request), is_own=False)

    def _query_own(self, request: Request) -> Response:
        return self._answer_query(_body(request), is_own=True)

    def _is_signed_in(self, asked: Mapping[str, Any]) -> bool:
        return self._token is not None and (asked.get("corpAccessToken"), asked.get("corpId")) == (
            self._token,
            CORPORATION,
        )

    def _answer_query(self, asked: dict[str, Any], *, is_own: bool) -> Response:
        self.queries.append(asked)
        self.before_query()
        if self._misbehaving:
            way = self._misbehaving.popleft()
            time.sleep(way.silent_seconds)
            if way.code:
                return _error(way.code, way.message.replace("{token}", asked["corpAccessToken"]))
            if way.body is not None or way.status != 200:
                return Response(way.body or b"", status=way.status, mimetype="application/json")
            if way.is_cut_short:
                whole = self._found(asked, is_own=is_own).get_data()
                return Response(
                    whole[: len(whole) // 2],
                    headers={"Content-Length": str(len(whole))},
                    mimetype="application/json",
                )
        if not self._is_signed_in(asked):
            return _error(20016, "corpAccessToken不存在或者已经过期")
        if asked.get("currentOpenUserId") != USER:
            return _error(20050, "currentOpenUserId 不存在")
        return self._found(asked, is_own=is_own)

    def _create(self, request: Request) -> Response:
        return self._write(request, is_new=True)

    def _update(self, request: Request) -> Response:
        return self._write(request, is_new=False)

    def _write(self, request: Request, *, is_new: bool) -> Response:
        asked = _body(request)
        self.written.append((request.path, asked))
        if self._misbehaving_in_writes:
            way = self._misbehaving_in_writes.popleft()
            if way.code:
                return _error(way.code, way.message)
            return Response(way.body or b"", status=way.status, mimetype="application/json")
        if not self._is_signed_in(asked):
            return _error(20016, "corpAccessToken不存在或者已经过期")
        if asked.get("currentOpenUserId") != USER:
            return _error(20050, "currentOpenUserId 不存在")
        record = dict(asked["data"]["object_data"])
        name = record.pop("dataObjectApiName")
        if name in self.hidden_objects:
            return _error(320001, f"没有对象 {name} 的编辑权限")
        if name not in self.objects or name.endswith("__c") != ("/custom/" in request.path):
            return _error(320002, f"对象 {name} 不存在")
        if said := self.refuse(record):
            return _error(320004, said)
        if is_new and not record.get("owner"):
            return _error(320005, "负责人 必填")
        record_id = f"66e1a2b3c4d5e6f7{len(self.objects[name]):08x}" if is_new else record["_id"]
        self.write(name, {**record, "_id": record_id, "last_modified_time": milliseconds(self.clock)})
        if self.loses_answers_to_writes:
            self.loses_answers_to_writes -= 1
            return Response(b"", status=502)
        return _answer(**({"dataId": record_id} if is_new else {}))

    def _found(self, asked: Mapping[str, Any], *, is_own: bool) -> Response:
        name = asked["data"]["dataObjectApiName"]
        if name in self.hidden_objects:
            return _error(320001, f"没有对象 {name} 的查看权限")
        if name not in self.objects or name.endswith("__c") != is_own:
            return _error(320002, f"对象 {name} 不存在")
        search = asked["data"]["search_query_info"]
        limit, offset = search["limit"], search["offset"]
        if not 1 <= limit <= MOST_RECORDS or offset % limit:
            return _error(10006, "参数不合法: limit, offset")
        records = list(self.objects[name].values())
        self._order.shuffle(records)
        for condition in search["filters"]:
            field = condition["field_name"]
            if records and field not in self.declared and not any(field in record for record in records):
                return _error(320003, f"字段 {field} 不存在")
            records = [record for record in records if field in record and _fits(record[field], condition)]
        for order in reversed(search["orders"]):
            records.sort(key=lambda record: record[order["fieldName"]], reverse=not order["isAsc"])
        only = search.get("fieldProjection") or None
        page = [
            {**_projected(record, only), "searchAfterId": [record["_id"]], "total_num": len(records)}
            for record in records[offset : offset + limit]
        ]
        return _answer(data={"dataList": page, "offset": offset, "limit": limit})


def _projected(record: Record, only: list[str] | None) -> Record:
    return record if only is None else {name: value for name, value in record.items() if name in only}


def _fits(value: Any, condition: Mapping[str, Any]) -> bool:
    values = condition["field_values"]
    match condition["operator"]:
        case "BETWEEN":
            return bool(values[0] <= value <= values[1])
        case "EQ":
            return bool(value == values[0])
        case "IN":
            return value in values
        case other:
            raise AssertionError(f"the operator {other} is not built here")


def _body(request: Request) -> dict[str, Any]:
    body = json.loads(request.get_data())
    assert isinstance(body, dict)
    return body


def _answer(**content: Any) -> Response:
    return _written({"traceId": "E-O.1318", "errorCode": 0, "errorMessage": "OK", **content})


def _error(code: int, message: str) -> Response:
    return _written({"traceId": "E-O.1318", "errorCode": code, "errorMessage": message})


def _written(content: Mapping[str, Any]) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), mimetype="application/json")
