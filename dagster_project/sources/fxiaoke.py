"""Objects of a 纷享销客 (Fxiaoke) CRM, pulled through its Open API by the time of their last change.

What the system is asked, what its error codes mean, and how pages are walked so that no record is lost while people
work in it. Requests, time-outs and tries are `http`'s.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import SettingsError
from dagster_project.settings.environment import Secrets, secret_variable
from dagster_project.settings.sources import FxiaokeSource, ObjectRead
from dagster_project.sources.files import SourceError, SourceFile
from dagster_project.sources.http import Answer, HttpSystem, TryAgain
from dagster_project.sources.pulling import DELETED_AT, Holding, Part, Pull, Spool, pulled_from

# The most that the system gives at once. An offset must be a multiple of it.
PAGE_RECORDS = 100
TOLD_EVERY_RECORDS = 10_000
KEYS_AT_ONCE = 50_000
DAY_MILLISECONDS = 86_400_000
LAST_MOMENT = 9_999_999_999_999  # in the year 2286; the largest time of 13 digits
# What the search adds to each record: its own place in the result, which is new with every request.
OF_THE_SEARCH = ("searchAfterId", "total_num")

# appAccessToken and corpAccessToken missing or expired, as the vendor's own demonstration has them. The other codes are
# not published in one place and differ between services, so what they mean is read from what the system says.
TOKEN_EXPIRED = frozenset({20005, 20016})
BUSY = -1
_TOKEN_WORDS = re.compile(r"access ?token.*(过期|失效|不存在|无效|expire|invalid|not exist)", re.IGNORECASE)
_BUSY_WORDS = re.compile(
    r"频率|频繁|限流|流控|超时|繁忙|稍后|系统异常|系统错误|服务异常"
    r"|too many|too frequent|frequency|rate limit|throttl|busy|time[d -]{0,2}out|try again|system error|internal error",
    re.IGNORECASE,
)
_RIGHTS_WORDS = re.compile(
    r"权限|未授权|permission|privilege|forbidden|not authori[sz]ed|unauthori[sz]ed", re.IGNORECASE
)
_UNKNOWN_WORDS = re.compile(r"不存在|未找到|找不到|not exist|not found|unknown|no such", re.IGNORECASE)


@dataclass(frozen=True)
class _Record:
    """A record as it was given, its id and when it was last changed, in milliseconds since 1970."""

    id: str
    modified_at: int
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class _Reached:
    """How far pulls came: all that changed before `at` has landed, and when all ids were compared; in milliseconds."""

    at: int
    compared_at: int | None

    def to_text(self) -> str:
        """As it is kept with a batch."""
        return json.dumps({"at": self.at, "compared_at": self.compared_at})

    @classmethod
    def from_text(cls, text: str) -> _Reached:
        """What `to_text` wrote."""
        return cls(**json.loads(text))


class _PageOf(Protocol):
    def __call__(self, start: int, end: int, *, offset: int = 0) -> list[_Record]: ...


@dataclass(frozen=True)
class _Error:
    """An error that another try does not better, in the system's words as far as they may be shown."""

    said: str
    is_of_token: bool = False


class _TokenExpired(Exception):
    """The system takes the token no longer."""


def pull_object(source: FxiaokeSource, read: ObjectRead, asked: Pull) -> Iterator[Part]:
    """The records of one object that were changed since the last pull, those changed first coming first.

    Raises:
        SourceError: the system refuses, or gives what cannot be read safely.
        SourceUnavailable: it does not answer, or goes on being busy.
        SettingsError: a secret is not in the environment.
    """
    end = int(asked.now.timestamp() * 1000)
    # Why the watermark is safe. A pull reads all that was changed from `start` to `end`, its own beginning. A record
    # that is changed meanwhile gets a later time: it leaves the window and belongs to the next pull. What the next pull
    # could miss is a record that carries a time before `end` and was not to be seen when this one passed that time: its
    # change was written late, or the system's clock is behind ours. Both reach back from `end` by seconds, so the next
    # pull begins `overlap_minutes` before it; what it reads twice is equal, and lands as unchanged.
    settled = max(0, end - read.overlap_minutes * 60_000)
    # At first there is nothing to compare; a new mapping reads everything again.
    reached = _Reached(0, compared_at=end) if asked.since is None else _Reached.from_text(asked.since)
    with HttpSystem(f"Source {source.name}, object {read.object}", source.http, say=asked.say) as http:
        system = _OpenApi(source, read, asked.secrets, http)
        records = islice(_changed(system.page, reached.at, end), asked.limit)
        yield from _parts(source, read, asked, records, replace(reached, at=settled))
        if asked.limit is None and _is_due(read, reached, end):
            yield _all_keys(system, source, read, asked, _Reached(settled, compared_at=end))


def _is_due(read: ObjectRead, reached: _Reached, now: int) -> bool:
    if read.compare_keys_days is None:
        return False
    return reached.compared_at is None or now - reached.compared_at >= read.compare_keys_days * DAY_MILLISECONDS


def _parts(
    source: FxiaokeSource, read: ObjectRead, asked: Pull, records: Iterator[_Record], settled: _Reached
) -> Iterator[Part]:
    """Records as parts. Those before a fault land, and the next pull goes on from them."""
    fault: SourceError | None = None

    def following() -> _Record | None:
        nonlocal fault
        try:
            return next(records, None)
        except SourceError as error:
            fault = error
            return None

    record = following()
    number = total = 0
    while record is not None:
        with Spool(asked, source, read, number) as spool:
            last = record.modified_at
            while record is not None and spool.row_count < read.rows_per_batch:
                spool.write(record.fields)
                last = record.modified_at
                record = following()
                total += 1
                if total % TOLD_EVERY_RECORDS == 0:
                    asked.say(f"{source.name}: {total:,} records of {read.object}")
            # Others may have been changed in the same millisecond, so a part in the middle is gone on from its last
            # time, not from the one after.
            is_last = record is None and fault is None
            yield spool.part((settled if is_last else replace(settled, at=min(last, settled.at))).to_text())
        number += 1
    if fault is not None:
        raise fault


def _all_keys(system: _OpenApi, source: FxiaokeSource, read: ObjectRead, asked: Pull, reached: _Reached) -> Part:
    """The ids of all records that are there.

    They are walked as changes are, but to no end: a record that is changed meanwhile is met again further on.
    """
    file = SourceFile(asked.folder / f"{source.name}-{read.object}-keys.parquet", pulled_from(source, read), "parquet")
    schema = pa.schema([pa.field(asked.key, pa.string()), pa.field(DELETED_AT, pa.timestamp("us", tz="UTC"))])
    page = partial(system.page, only=("_id", read.modified_field))
    ids = (record.id for record in _changed(page, 0, LAST_MOMENT))
    count = 0
    with pq.ParquetWriter(file.path, schema) as writer:
        while chunk := list(islice(ids, KEYS_AT_ONCE)):
            writer.write_batch(pa.record_batch([pa.array(chunk), pa.nulls(len(chunk), schema.field(1).type)], schema))
            count += len(chunk)
            asked.say(f"{source.name}: {count:,} ids of {read.object} compared")
    return Part(file, count, reached.to_text(), Holding.ALL_KEYS)


def _changed(page_of: _PageOf, start: int, end: int) -> Iterator[_Record]:
    """Every record last changed from `start` to `end`, by the time of the change; records changed meanwhile excepted.

    Each page is asked from the last time that was seen on, never by its offset: when a record leaves the window, all
    behind it move up by one, and an offset would pass over one of them. Of the last time itself, records that the page
    did not reach come with the next one, and those that it had are not given twice.
    """
    reached = start
    given: set[str] = set()
    while reached <= end:
        page = page_of(reached, end)
        fresh = [record for record in page if record.modified_at > reached or record.id not in given]
        yield from fresh
        if len(page) >= PAGE_RECORDS and page[-1].modified_at == reached:
            given.update(record.id for record in fresh)
            yield from _changed_at(page_of, reached, given)
            reached, given = reached + 1, set()
        elif fresh:
            last = page[-1].modified_at
            at_last = {record.id for record in page if record.modified_at == last}
            reached, given = last, at_last | given if last == reached else at_last
        else:
            # Only a page that brings nothing new is the end: one may be short because records that the user may not
            # see were taken out of it.
            return


def _changed_at(page_of: _PageOf, moment: int, given: set[str]) -> Iterator[_Record]:
    """The records of one millisecond, more than a page of them, as an import leaves thousands; without those given.

    Here only offsets are left. Records can leave this set while it is read, by being changed, and none can come into
    it: places only become smaller. So the pages are read once to the end and then backwards: a record that has not been
    read yet can only move to a page that is still to be read. That takes a steady order, which the id gives; if the
    system did not keep it, a pass would bring something new, and another follows.
    """

    def new_of(page: Iterable[_Record]) -> list[_Record]:
        new = [record for record in page if record.id not in given]
        given.update(record.id for record in new)
        return new

    last = 0
    while page := page_of(moment, moment, offset=last):
        yield from new_of(page)
        last += PAGE_RECORDS
    is_settled = False
    while not is_settled:
        is_settled = True
        for offset in range(last, -1, -PAGE_RECORDS):
            new = new_of(page_of(moment, moment, offset=offset))
            is_settled = is_settled and not new
            yield from new


class _OpenApi:
    """The Open API, asked as one user for one object. Tokens are taken when needed, and anew when they expire."""

    def __init__(self, source: FxiaokeSource, read: ObjectRead, secrets: Secrets, http: HttpSystem) -> None:
        self._source = source
        self._read = read
        self._secrets = secrets
        self._http = http
        self._place = f"Source {source.name}, object {read.object}"
        self._signed_in: dict[str, str] = {}
        self._user = ""

    def page(self, start: int, end: int, *, offset: int = 0, only: tuple[str, ...] = ()) -> list[_Record]:
        """At most PAGE_RECORDS records changed from `start` to `end`, both included, in order of the change; those of
        one time in order of their id. With `only`, no other fields are asked for.
        """
        field = self._read.modified_field
        order = "_id" if start == end else field
        search = {
            "limit": PAGE_RECORDS,
            "offset": offset,
            "filters": [{"field_name": field, "field_values": [start, end], "operator": "BETWEEN"}],
            "orders": [{"fieldName": order, "isAsc": True}],
        }
        data = {
            "dataObjectApiName": self._read.object,
            "find_explicit_total_num": False,  # counting all that match is slow, and nothing here needs it
            "search_query_info": search | ({"fieldProjection": list(only)} if only else {}),
        }

        def judge(answer: Answer) -> None:
            records = self._records(answer)
            times = [record.modified_at for record in records]
            if times != sorted(times) or any(not start <= time <= end for time in times):
                # A search that finds records by an index and gives them as they are by now shows a change so. The next
                # try comes when the index knows it.
                raise TryAgain(f"its records were not those asked for, in ascending order of {field}")

        path = "/cgi/crm/custom/v2/data/query" if self._read.is_own_object else "/cgi/crm/v2/data/query"
        if not self._user:
            self._user = self._find_user()
        return self._records(self._ask(path, {"currentOpenUserId": self._user, "data": data}, judge))

    def _records(self, answer: Answer) -> list[_Record]:
        data = answer.body.get("data")
        listed = data.get("dataList") if isinstance(data, dict) else None
        if not isinstance(listed, list) or not all(isinstance(record, dict) for record in listed):
            raise TryAgain("its answer holds no dataList")
        return [self._record(record) for record in listed]

    def _record(self, fields: dict[str, Any]) -> _Record:
        name = self._read.modified_field
        given, moment = fields.get("_id"), fields.get(name)
        if not isinstance(given, str) or not given:
            raise SourceError(f"{self._place}: it gives records without _id, which cannot be told apart.")
        if isinstance(moment, bool) or not re.fullmatch(r"\d{1,15}", str(moment)):
            raise SourceError(
                f"{self._place}: {name} is no time in milliseconds in every record. Set modified_field to the field "
                "that holds the time of the last change."
            )
        kept = {key: value for key, value in fields.items() if key not in OF_THE_SEARCH}
        return _Record(given, int(str(moment)), kept)

    def _find_user(self) -> str:
        known = self._secrets.find(self._source.name, "open_user_id")
        if known:
            self._http.hide(known)
            return known
        mobile = self._secrets.find(self._source.name, "user_mobile")
        variable = secret_variable(self._source.name, "user_mobile")
        if not mobile:
            raise SettingsError(
                f"Source {self._source.name} is asked as a user: set {variable} to the mobile number of one, or "
                f"{secret_variable(self._source.name, 'open_user_id')} to their openUserId, in the environment."
            )
        self._http.hide(mobile)
        body = self._ask("/cgi/user/getByMobile", {"mobile": mobile}).body
        people = body.get("empList")
        first = people[0] if isinstance(people, list) and people else None
        found = first.get("openUserId") if isinstance(first, dict) else None
        if not isinstance(found, str) or not found:
            raise SourceError(f"{self._place}: no user has the mobile number in {variable}. Mend it there.")
        self._http.hide(found)
        return found

    def _ask(self, path: str, body: Mapping[str, Any], judge: Callable[[Answer], None] = lambda _: None) -> Answer:
        """The answer with errorCode 0 to one question, asked again once with a new token if the old one expired."""

        def judge_all(answer: Answer) -> None:
            self._judge(answer)
            judge(answer)

        if not self._signed_in:
            self._sign_in()
        for is_second in (False, True):
            try:
                return self._http.ask(
                    "POST", f"{self._source.url}{path}", json={**self._signed_in, **body}, judge=judge_all
                )
            except _TokenExpired:
                if is_second:
                    raise SourceError(
                        f"{self._place}: it takes no token, not even one just given. See in its console whether the "
                        "app is still authorised."
                    ) from None
                self._sign_in()
        raise AssertionError("the second try returns or raises")

    def _sign_in(self) -> None:
        name = self._source.name
        app_id, app_secret, code = (
            self._secrets.get(name, secret) for secret in ("app_id", "app_secret", "permanent_code")
        )
        self._http.hide(app_id, app_secret, code)

        def judge(answer: Answer) -> None:
            error = self._error_of(answer)
            if error is not None:
                variables = ", ".join(
                    secret_variable(name, secret) for secret in ("app_id", "app_secret", "permanent_code")
                )
                raise SourceError(f"{self._place}: it gives no token: {error.said}. See {variables}.")
            token, corporation = answer.body.get("corpAccessToken"), answer.body.get("corpId")
            if not (isinstance(token, str) and token and isinstance(corporation, str) and corporation):
                raise TryAgain("its answer holds no token")

        answer = self._http.ask(
            "POST",
            f"{self._source.url}/cgi/corpAccessToken/get/V2",
            json={"appId": app_id, "appSecret": app_secret, "permanentCode": code},
            judge=judge,
        )
        self._signed_in = {key: answer.body[key] for key in ("corpId", "corpAccessToken")}
        self._http.hide(*self._signed_in.values())

    def _judge(self, answer: Answer) -> None:
        """Refuse an answer that is an error, saying what may be done about it."""
        error = self._error_of(answer)
        if error is None:
            return
        if error.is_of_token:
            raise _TokenExpired
        if _RIGHTS_WORDS.search(error.said):
            cure = " Give the user and the app the right to see the object in the console, or take the read out."
        elif _UNKNOWN_WORDS.search(error.said):
            cure = (
                " See that object and modified_field are API names of this tenant; its console shows them beside the "
                "labels."
            )
        else:
            cure = ""
        raise SourceError(f"{self._place}: {error.said}.{cure}")

    def _error_of(self, answer: Answer) -> _Error | None:
        """The error inside an answer of status 200; one that passes by itself asks for another try."""
        body = answer.body
        code = body.get("errorCode") if isinstance(body, dict) else None
        if isinstance(code, bool) or not re.fullmatch(r"-?\d{1,18}", str(code)):
            raise TryAgain("its answer holds no errorCode")
        if int(str(code)) == 0:
            return None
        message = str(body.get("errorMessage") or body.get("errorDescription") or "")
        said = f"error {code}" + (f", {self._http.shown(message).rstrip('.。')}" if message else "")
        if int(str(code)) in TOKEN_EXPIRED or _TOKEN_WORDS.search(message):
            return _Error(said, is_of_token=True)
        if int(str(code)) == BUSY or _BUSY_WORDS.search(message):
            raise TryAgain(f"it answered with {said}")
        return _Error(said)
