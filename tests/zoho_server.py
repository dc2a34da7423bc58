"""A Zoho CRM of one's own: its REST API v8 on loopback, over modules that a test may change between two requests.

It keeps the published rules (50 fields and 200 records a request, numbered pages for 2,000 records and tokens beyond,
304 where nothing changed, tokens that expire, Bulk Read jobs; 100 records a write, upserts by unique fields and of
modules that have them, an answer for each record) and promises no more than they do: a token is a place in
the list as it is by then, so what others change moves the pages about.
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from dagster_project.settings.environment import Secrets, secret_variable

Record = dict[str, Any]
CLIENT = {
    "client_id": "1000.CLIENT7H2K9Q",
    "client_secret": "secret-5d1e0b7a44",
    "refresh_token": "1000.refresh-93aa1c.e07f",
}
OWNER = {"name": "Ada Owner", "id": "4970762000000326001", "email": "ada.owner@example.com"}
SORTABLE = ("id", "Created_Time", "Modified_Time")
MOST_FIELDS, MOST_PER_PAGE, MOST_NUMBERED, MOST_BY_TOKEN = 50, 200, 2_000, 100_000
TOKENS_IN_TEN_MINUTES = 10
MOST_WRITTEN, MOST_IN_A_LIST = 100, 50
UPSERTED = ("Leads", "Accounts", "Contacts", "Deals", "Campaigns", "Cases", "Products")  # and modules of one's own
ACTIVITIES = ("Tasks", "Events", "Calls")


def zoho_time(moment: datetime) -> str:
    """A time as Zoho gives it: whole seconds with the offset of the user."""
    return moment.isoformat(timespec="seconds")


def full(record: Mapping[str, Any]) -> Record:
    """A record with what Zoho keeps beside every one; what `record` says counts."""
    return {"Owner": OWNER, "Created_Time": record["Modified_Time"], **record}


@dataclass(frozen=True)
class Misbehaving:
    """How one answer goes wrong: a status with an error code, other bytes, a body cut short, or silence."""

    status: int = 200
    code: str = ""
    body: bytes | None = None
    is_cut_short: bool = False
    silent_seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request for data: the path behind /crm, its query, and the time in If-Modified-Since."""

    path: str
    query: Mapping[str, str]
    since: str | None


@dataclass(frozen=True)
class Written:
    """One request that writes: how and where, and the document."""

    method: str
    path: str
    document: Mapping[str, Any]


class ZohoServer:
    """The server, with `modules` by API name, each a table of records by their id. To be used in a `with`.

    Records hold what a test gives them, which must be `id` and `Modified_Time`, and are changed by `save`, `delete` and
    `restore`. `before_request` is called before each request for data is answered. `misbehave` makes the next answers
    go wrong, `spoil` changes the bytes of all; `expire_tokens` ends every access token. `asked` are the requests for
    data that came, `written` those that write. `unique` names the unique fields of modules, `refuse` says of a record
    why it is refused: a code and the field.
    """

    def __init__(self, modules: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        self.become_new(modules)
        self._server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
        self._server.expect_request("/oauth/v2/token", method="POST").respond_with_handler(self._give_token)
        self._server.expect_request(re.compile("^/crm/")).respond_with_handler(self._answer)

    def become_new(self, modules: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Be as just started, with these modules."""
        self.modules: dict[str, dict[str, Record]] = {
            name: {record["id"]: full(record) for record in records} for name, records in modules.items()
        }
        self.deleted: dict[str, dict[str, Record]] = {name: {} for name in self.modules}
        self.before_request: Callable[[Asked], None] = lambda _: None
        self.spoil: Callable[[bytes], bytes] = lambda content: content
        self.asked: list[Asked] = []
        self.written: list[Written] = []
        self.unique: dict[str, tuple[str, ...]] = {}
        self.refuse: Callable[[Record], tuple[str, str] | None] = lambda _: None
        self.hidden_from_coql: set[str] = set()
        self.loses_answers_to_writes = 0
        self.clock = datetime(2026, 3, 1, 8, tzinfo=UTC)
        self.jobs: list[dict[str, Any]] = []
        self.tokens_given = 0
        self.credits_left: int | None = None
        self.since_includes_its_second = True
        self.gives_tokens = True
        self.refuses_unknown_fields = False
        self.records_per_job = 200_000
        self.questions_before_a_job_is_done = 2
        self.lookup_heading = "{}"
        self.api_domain: str | None = None
        self._valid_tokens: set[str] = set()
        self._misbehaving: deque[Misbehaving] = deque()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The server looks twice a second whether it should stop; nothing waits for that.
        threading.Thread(target=self._server.stop, daemon=True).start()
        self._server.check_handler_errors()

    @property
    def url(self) -> str:
        """Where it is asked; write it as accounts_url and api_url."""
        return str(self._server.url_for("")).rstrip("/")

    def settings(self, name: str = "zoho", *, indent: int = 4) -> str:
        """The lines of a source in sources.yaml that make it ask this server, quickly when answers fail."""
        lines = (
            f"- name: {name}",
            "  kind: zoho_crm",
            "  data_center: eu",
            f"  accounts_url: {self.url}",
            f"  api_url: {self.url}",
            "  http: {timeout_seconds: 2, attempts: 3, longest_wait_seconds: 0}",
        )
        return "\n".join(" " * (indent - 2) + line for line in lines) + "\n"

    def variables(self, source: str = "zoho") -> dict[str, str]:
        """The environment of a source that asks this server."""
        return {secret_variable(source, name): value for name, value in CLIENT.items()}

    def secrets(self, source: str = "zoho") -> Secrets:
        """The same as the settings hold it."""
        return Secrets({name: SecretStr(value) for name, value in self.variables(source).items()})

    def save(self, module: str, record: Mapping[str, Any]) -> None:
        """Make or change a record; `Modified_Time` is when."""
        before = self.modules.setdefault(module, {}).get(record["id"], {})
        self.modules[module][record["id"]] = full({**before, **record})

    def delete(self, module: str, record_id: str, at: datetime, *, permanently: bool = False) -> None:
        """Delete a record."""
        record = self.modules[module].pop(record_id)
        self.deleted[module][record_id] = {
            "record": record,
            "deleted_time": zoho_time(at),
            "type": "permanent" if permanently else "recycle",
        }

    def restore(self, module: str, record_id: str, at: datetime | None) -> None:
        """Take a record out of the recycle bin, as changed then or, where no time is given, as it was."""
        record = self.deleted[module].pop(record_id)["record"]
        changed = {"Modified_Time": zoho_time(at)} if at is not None else {}
        self.modules[module][record_id] = {**record, **changed}

    def misbehave(self, *ways: Misbehaving) -> None:
        """Let the next answers for data go wrong, one after another, and no others."""
        self._misbehaving = deque(ways)

    def expire_tokens(self) -> None:
        """End every access token that was given."""
        self._valid_tokens.clear()

    def _give_token(self, request: Request) -> Response:
        form = dict(request.form)
        if form.pop("grant_type", None) != "refresh_token" or form != CLIENT:
            return _written({"error": "invalid_code"})
        self.tokens_given += 1
        if self.tokens_given > TOKENS_IN_TEN_MINUTES:
            said = "You have made too many requests continuously. Please try again after some time."
            return _written({"error": "Access Denied", "error_description": said, "status": "failure"}, 400)
        token = f"1000.access-{self.tokens_given}-{id(self) % 10_000}"
        self._valid_tokens.add(token)
        domain = self.api_domain or self.url
        return _written({"access_token": token, "api_domain": domain, "token_type": "Bearer", "expires_in": 3600})

    def _answer(self, request: Request) -> Response:
        asked = Asked(request.path.removeprefix("/crm"), dict(request.args), request.headers.get("If-Modified-Since"))
        self.asked.append(asked)
        self.before_request(asked)
        if self._misbehaving:
            way = self._misbehaving.popleft()
            time.sleep(way.silent_seconds)
            if way.code or way.status != 200:
                return _written(_error(way.code, "It went wrong."), way.status, way.headers)
            if way.body is not None:
                return Response(way.body, headers=dict(way.headers))
            if way.is_cut_short:
                whole = self._found(request, asked).get_data()
                headers = {"Content-Length": str(len(whole))}
                return Response(whole[: len(whole) // 2], headers=headers, mimetype="application/json")
        answer = self._found(request, asked)
        answer.set_data(self.spoil(answer.get_data()))
        if self.credits_left is not None:
            answer.headers["X-API-CREDITS-REMAINING"] = str(self.credits_left)
        return answer

    def _found(self, request: Request, asked: Asked) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Zoho-oauthtoken" or token not in self._valid_tokens:
            return _refused(401, "INVALID_TOKEN", "invalid oauth token")
        parts = asked.path.strip("/").split("/")
        match parts:
            case ["bulk", "v8", "read"]:
                return self._make_job(json.loads(request.get_data()))
            case ["bulk", "v8", "read", job]:
                return self._tell_of_job(int(job))
            case ["bulk", "v8", "read", job, "result"]:
                return self._give_result(int(job))
            case ["v8", "coql"]:
                return self._query(json.loads(request.get_data())["select_query"])
            case ["v8", module, "upsert"] if request.method == "POST" and module in self.modules:
                return self._write(request, asked, module)
            case ["v8", module] if request.method in ("POST", "PUT") and module in self.modules:
                return self._write(request, asked, module)
            case ["v8", "settings", "fields"]:
                names = sorted({name for each in self.modules[asked.query["module"]].values() for name in each})
                return _written({"fields": [{"api_name": name} for name in names]})
            case ["v8", module, *rest] if module in self.modules:
                match rest:
                    case []:
                        return self._list(module, asked)
                    case ["deleted"]:
                        return self._list_deleted(module, asked)
                    case ["actions", "count"]:
                        return _written({"count": len(self.modules[module])})
                return _refused(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")
            case _:
                return _refused(400, "INVALID_MODULE", "the module name given seems to be invalid")

    def _list(self, module: str, asked: Asked) -> Response:
        query = asked.query
        fields = query.get("fields", "").split(",") if query.get("fields") else []
        per_page = int(query.get("per_page", "200"))
        if not fields:
            return _refused(400, "REQUIRED_PARAM_MISSING", "required parameter missing", param_name="fields")
        if len(fields) > MOST_FIELDS:
            return _refused(400, "LIMIT_EXCEEDED", "Fields limit exceeded.", param_name="fields", limit=MOST_FIELDS)
        if not 1 <= per_page <= MOST_PER_PAGE or query.get("sort_by", "id") not in SORTABLE:
            return _refused(400, "INVALID_DATA", "invalid data", param_name="sort_by")
        known = {name for record in self.modules[module].values() for name in record}
        if self.refuses_unknown_fields and (unknown := [name for name in fields if name not in known]):
            return _refused(400, "INVALID_DATA", "invalid data", api_name=unknown[0])
        records = list(self.modules[module].values())
        if query.get("converted", "false") != "both":
            records = [record for record in records if not record.get("Converted__s")]
        if not records:
            return Response(status=204)
        if asked.since is not None:
            since = datetime.fromisoformat(asked.since)
            if not self.since_includes_its_second:
                since += timedelta(seconds=1)
            records = [record for record in records if datetime.fromisoformat(record["Modified_Time"]) >= since]
            if not records:
                return Response(status=304)
        sort_by = query.get("sort_by", "id")
        # Records of one time come in no order that means anything; this one at least is the same each time.
        records.sort(key=lambda record: record["id"][::-1])
        records.sort(key=lambda record: _sort_value(record[sort_by]), reverse=query.get("sort_order", "desc") != "asc")
        shown = [
            {
                "id": record["id"],
                **{name: record[name] for name in fields if name in known and name in record},
                **{name: None for name in fields if name in known and name not in record},
            }
            for record in records
        ]
        return self._page(shown, query, per_page)

    def _list_deleted(self, module: str, asked: Asked) -> Response:
        gone = self.deleted[module]
        if asked.since is not None:
            since = datetime.fromisoformat(asked.since)
            gone = {key: each for key, each in gone.items() if datetime.fromisoformat(each["deleted_time"]) >= since}
            if not gone:
                return Response(status=304)
        if not gone:
            return Response(status=204)
        shown = [
            {
                "id": key,
                "display_name": "A Name",
                "type": each["type"],
                "deleted_by": {"name": OWNER["name"], "id": OWNER["id"]},
                "deleted_time": each["deleted_time"],
            }
            for key, each in sorted(gone.items(), key=lambda item: item[1]["deleted_time"], reverse=True)
        ]
        return self._page(shown, asked.query, int(asked.query.get("per_page", "200")))

    def _page(self, records: list[Record], query: Mapping[str, str], per_page: int) -> Response:
        rest = {name: value for name, value in query.items() if name not in ("page", "page_token")}
        if "page" in query and "page_token" in query:
            return _refused(400, "AMBIGUITY_DURING_PROCESSING", "You cannot use both page and page_token.")
        if "page_token" in query:
            place = json.loads(bytes.fromhex(query["page_token"]))
            if place["query"] != rest:
                return _refused(400, "INVALID_DATA", "invalid data", param_name="page_token")
            number = place["number"]
            if number * per_page > MOST_BY_TOKEN:
                said = "You can only get up to first 100000 records using page_token param."
                return _refused(400, "PAGINATION_LIMIT_EXCEEDED", said)
        else:
            number = int(query.get("page", "1"))
            if number * per_page > MOST_NUMBERED:
                said = "You can only get the first 2000 records without using page_token param."
                return _refused(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", said, limit=MOST_NUMBERED)
        shown = records[(number - 1) * per_page : number * per_page]
        has_more = len(records) > number * per_page
        token = json.dumps({"query": rest, "number": number + 1}).encode().hex()
        info = {
            "per_page": per_page,
            "count": len(shown),
            "page": number,
            "more_records": has_more,
            "next_page_token": token if has_more and self.gives_tokens else None,
        }
        return _written({"data": shown, "info": info}) if shown else Response(status=204)

    def _query(self, query: str) -> Response:
        said = re.fullmatch(r"select (.+) from (\w+) where (\w+) in \((.+)\) limit (\d+)", query)
        if said is None:
            return _refused(400, "SYNTAX_ERROR", "error occurred while parsing the query")
        names, module, field, listed, limit = said.groups()
        values = re.findall(r"'([^']*)'", listed)
        fields = names.split(", ")
        if module not in self.modules:
            return _refused(400, "INVALID_QUERY", "the module name given seems to be invalid")
        if len(values) > MOST_IN_A_LIST or len(fields) > MOST_FIELDS:
            return _refused(400, "LIMIT_EXCEEDED", "LIMIT_EXCEEDED")
        found = [
            {name: record.get(name) for name in fields}
            for record in self.modules[module].values()
            if record.get(field) in values and record["id"] not in self.hidden_from_coql
        ][: int(limit)]
        if not found:
            return Response(status=204)
        return _written({"data": found, "info": {"count": len(found), "more_records": False}})

    def _write(self, request: Request, asked: Asked, module: str) -> Response:
        document = json.loads(request.get_data())
        is_upsert = asked.path.endswith("/upsert")
        if is_upsert and module not in UPSERTED and module in ACTIVITIES:
            return _refused(400, "INVALID_MODULE", "the module name given seems to be invalid")
        records = document["data"]
        if not 1 <= len(records) <= MOST_WRITTEN:
            return _refused(400, "INVALID_DATA", "the data is too long", api_name="data", maximum_length=MOST_WRITTEN)
        for name in document.get("duplicate_check_fields", ()):
            if name not in self.unique.get(module, ()):
                return _refused(400, "INVALID_DATA", "invalid data", api_name="duplicate_check_fields")
        self.written.append(Written(request.method, asked.path, document))
        answers = [
            self._change(module, record) if request.method == "PUT" else self._make(module, record, is_upsert)
            for record in records
        ]
        if self.loses_answers_to_writes:
            self.loses_answers_to_writes -= 1
            return Response(b"", status=502)
        taken = [answer for answer in answers if answer["status"] == "success"]
        status = (201 if request.method == "POST" else 200) if len(taken) == len(answers) else 207 if taken else 400
        return _written({"data": answers}, status)

    def _make(self, module: str, record: Record, is_upsert: bool) -> dict[str, Any]:
        if refused := self.refuse(record):
            return _error(refused[0], "invalid data", api_name=refused[1])
        for name in self.unique.get(module, ()):
            for there in self.modules[module].values():
                if record.get(name) is not None and there.get(name) == record[name]:
                    if is_upsert:
                        return {**self._change(module, {**record, "id": there["id"]}), "action": "update"}
                    return _error("DUPLICATE_DATA", "duplicate data", api_name=name, id=there["id"])
        record_id = f"49707620009{sum(map(len, self.modules.values())):08d}"
        self.save(module, {**record, "id": record_id, "Modified_Time": zoho_time(self.clock)})
        made = {"code": "SUCCESS", "details": {"id": record_id}, "message": "record added", "status": "success"}
        return {**made, "action": "insert"} if is_upsert else made

    def _change(self, module: str, record: Record) -> dict[str, Any]:
        if record.get("id") not in self.modules[module]:
            return _error("INVALID_DATA", "the id given seems to be invalid", api_name="id")
        if refused := self.refuse(record):
            return _error(refused[0], "invalid data", api_name=refused[1])
        self.save(module, {**record, "Modified_Time": zoho_time(self.clock)})
        return {"code": "SUCCESS", "details": {"id": record["id"]}, "message": "record updated", "status": "success"}

    def _make_job(self, document: Mapping[str, Any]) -> Response:
        query = document["query"]
        module = query["module"]["api_name"]
        if module not in self.modules or module in ("Notes", "Attachments", "Emails"):
            return _refused(400, "INVALID_DATA", "the module is not supported", api_name="module")
        start = int(query["page_token"]) if "page_token" in query else (query.get("page", 1) - 1) * self.records_per_job
        records = sorted(self.modules[module].values(), key=lambda record: record["id"])
        job = {
            "id": str(len(self.jobs)),
            "created_time": zoho_time(datetime.now(UTC)),
            "query": query,
            "questions": 0,
            "records": records[start : start + self.records_per_job],
            "more": len(records) > start + self.records_per_job,
            "next": str(start + self.records_per_job),
        }
        self.jobs.append(job)
        made = {"status": "success", "code": "ADDED_SUCCESSFULLY", "details": {"id": job["id"], "state": "ADDED"}}
        return _written({"data": [made], "info": {}}, 201)

    def _tell_of_job(self, number: int) -> Response:
        job = self.jobs[number]
        job["questions"] += 1
        told = {"id": job["id"], "operation": "read", "query": job["query"], "created_time": job["created_time"]}
        if job["questions"] < self.questions_before_a_job_is_done:
            return _written({"data": [{**told, "state": "QUEUED" if job["questions"] == 1 else "IN PROGRESS"}]})
        result = {
            "page": job["query"].get("page", 1),
            "per_page": self.records_per_job,
            "count": len(job["records"]),
            "download_url": f"/crm/bulk/v8/read/{number}/result",
            "more_records": job["more"],
            "next_page_token": job["next"] if job["more"] and self.gives_tokens else None,
        }
        return _written({"data": [{**told, "state": "COMPLETED", "result": result}]})

    def _give_result(self, number: int) -> Response:
        job = self.jobs[number]
        text = io.StringIO()
        rows = csv.writer(text)
        fields = [name for name in job["query"]["fields"] if any(name in record for record in job["records"])]
        lookups = {name for name in fields if any(isinstance(record.get(name), dict) for record in job["records"])}
        rows.writerow(["Id", *(self.lookup_heading.format(name) if name in lookups else name for name in fields)])
        text.write("\r\n")  # a blank line is no record
        for record in job["records"]:
            rows.writerow([record["id"], *(_csv_value(record.get(name)) for name in fields)])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{number}.csv", text.getvalue())
        return Response(packed.getvalue(), mimetype="application/zip")


def _sort_value(value: str) -> Any:
    return datetime.fromisoformat(value) if "T" in value else value


def _csv_value(value: Any) -> str:
    """A value as in the file of a job: of a lookup the id, of a list its parts."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value["id"])
    if isinstance(value, list):
        return ";".join(map(str, value))
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _error(code: str, message: str, **details: Any) -> dict[str, Any]:
    return {"code": code, "details": details, "message": message, "status": "error"}


def _refused(status: int, code: str, message: str, **details: Any) -> Response:
    return _written(_error(code, message, **details), status)


def _written(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(content, ensure_ascii=False)
    return Response(text, status=status, headers=dict(headers or {}), mimetype="application/json")
