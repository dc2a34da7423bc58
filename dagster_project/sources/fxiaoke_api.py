"""The Open API of a 纷享销客 (Fxiaoke) CRM: signing in, asking for pages of records, and what its error codes mean.

Which pages are asked for is `fxiaoke`'s, what is written publishing's. Requests, time-outs and tries are `http`'s.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dagster_project.errors import SettingsError
from dagster_project.settings.environment import Secrets, secret_variable
from dagster_project.settings.sources import FxiaokeSource, ObjectRead
from dagster_project.settings.sources.fxiaoke import FxiaokeAccount
from dagster_project.sources.files import SourceError
from dagster_project.sources.http import Answer, HttpSystem, TryAgain

# The most that the system gives at once. An offset must be a multiple of it.
PAGE_RECORDS = 100
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
# Of these, what says that the request was not looked at; after a time-out it may have been.
_OFTEN_WORDS = re.compile(r"频率|频繁|限流|流控|too many|too frequent|frequency|rate limit|throttl", re.IGNORECASE)
_RIGHTS_WORDS = re.compile(
    r"权限|未授权|permission|privilege|forbidden|not authori[sz]ed|unauthori[sz]ed", re.IGNORECASE
)
_USER_WORDS = re.compile(r"open_?user_?id", re.IGNORECASE)
_UNKNOWN_WORDS = re.compile(r"不存在|未找到|找不到|not exist|not found|unknown|no such", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """A record as it was given, its id and when it was last changed, in milliseconds since 1970."""

    id: str
    modified_at: int
    fields: Mapping[str, Any]

    @property
    def mark(self) -> str:
        """What tells it from others without saying who it is: the manifest keeps it longer than a person's rows."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Error:
    """An error that another try does not better, in the system's words as far as they may be shown."""

    said: str
    is_of_token: bool = False


class Denied(SourceError):
    """The system said no: `said` are its words. `is_general` where they speak of rights or names, not of one record."""

    def __init__(self, message: str, *, said: str, is_general: bool) -> None:
        super().__init__(message)
        self.said = said
        self.is_general = is_general


class _TokenExpired(Exception):
    """The system takes the token no longer."""


class Tenant:
    """The Open API, asked as one user; `place` names in messages what for. Tokens are taken when needed, and anew when
    they expire.
    """

    # What the settings name in it, for messages.
    named = "object and fields"

    def __init__(self, account: FxiaokeAccount, secrets: Secrets, http: HttpSystem, *, place: str) -> None:
        self._account = account
        self._secrets = secrets
        self._http = http
        self.place = place
        self._signed_in: dict[str, str] = {}
        self._user = ""

    @property
    def user(self) -> str:
        """The openUserId of the user whom it is asked as."""
        if not self._user:
            self._user = self._find_user()
        return self._user

    def ask(
        self,
        path: str,
        body: Mapping[str, Any],
        judge: Callable[[Answer], None] = lambda _: None,
        *,
        repeats: bool = True,
    ) -> Answer:
        """The answer with errorCode 0 to what the user asks; `repeats` as `HttpSystem.ask` has it.

        Raises:
            Denied: the system says no, in words of its own.
        """
        return self._ask(path, {"currentOpenUserId": self.user, **body}, judge, repeats=repeats)

    def _find_user(self) -> str:
        known = self._secrets.find(self._account.name, "open_user_id")
        if known:
            self._http.hide(known)
            return known
        mobile = self._secrets.find(self._account.name, "user_mobile")
        variable = secret_variable(self._account.name, "user_mobile")
        if not mobile:
            raise SettingsError(
                f"{self.place}: it is asked as a user: set {variable} to the mobile number of one, or "
                f"{secret_variable(self._account.name, 'open_user_id')} to their openUserId, in the environment."
            )
        self._http.hide(mobile)
        body = self._ask("/cgi/user/getByMobile", {"mobile": mobile}).body
        people = body.get("empList")
        first = people[0] if isinstance(people, list) and people else None
        found = first.get("openUserId") if isinstance(first, dict) else None
        if not isinstance(found, str) or not found:
            raise SourceError(f"{self.place}: no user has the mobile number in {variable}. Mend it there.")
        self._http.hide(found)
        return found

    def _ask(
        self,
        path: str,
        body: Mapping[str, Any],
        judge: Callable[[Answer], None] = lambda _: None,
        *,
        repeats: bool = True,
    ) -> Answer:
        """The answer with errorCode 0 to one question, asked again once with a new token if the old one expired."""

        def judge_all(answer: Answer) -> None:
            self._judge(answer)
            judge(answer)

        if not self._signed_in:
            self._sign_in()
        for is_second in (False, True):
            try:
                return self._http.ask(
                    "POST",
                    f"{self._account.url}{path}",
                    json={**self._signed_in, **body},
                    judge=judge_all,
                    repeats=repeats,
                )
            except _TokenExpired:
                if is_second:
                    raise SourceError(
                        f"{self.place}: it takes no token, not even one just given. See in its console whether the "
                        "app is still authorised."
                    ) from None
                self._sign_in()
        raise AssertionError("the second try returns or raises")

    def _sign_in(self) -> None:
        name = self._account.name
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
                raise SourceError(f"{self.place}: it gives no token: {error.said}. See {variables}.")
            token, corporation = answer.body.get("corpAccessToken"), answer.body.get("corpId")
            if not (isinstance(token, str) and token and isinstance(corporation, str) and corporation):
                raise TryAgain("its answer holds no token")

        answer = self._http.ask(
            "POST",
            f"{self._account.url}/cgi/corpAccessToken/get/V2",
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
        if _USER_WORDS.search(error.said):
            variables = " or ".join(
                secret_variable(self._account.name, name) for name in ("open_user_id", "user_mobile")
            )
            cure = f" It does not know the user that it is asked as: see {variables}."
        elif _RIGHTS_WORDS.search(error.said):
            cure = " Give the user and the app the right to it in the console, or take it out of the settings."
        elif _UNKNOWN_WORDS.search(error.said):
            cure = f" See that {self.named} are named by API names of this tenant; its console lists them."
        else:
            cure = ""
        raise Denied(f"{self.place}: {error.said}.{cure}", said=error.said, is_general=bool(cure))

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
            raise TryAgain(f"it answered with {said}", was_refused=bool(_OFTEN_WORDS.search(message)))
        return _Error(said)


class OpenApi(Tenant):
    """Pages of one object of a source."""

    named = "object and modified_field"

    def __init__(self, source: FxiaokeSource, read: ObjectRead, secrets: Secrets, http: HttpSystem) -> None:
        super().__init__(source, secrets, http, place=f"Source {source.name}, object {read.object}")
        self._read = read

    def page(self, start: int, end: int, *, offset: int = 0, only: tuple[str, ...] = ()) -> list[Record]:
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
        return self._records(self.ask(path, {"data": data}, judge))

    def _records(self, answer: Answer) -> list[Record]:
        data = answer.body.get("data")
        listed = data.get("dataList") if isinstance(data, dict) else None
        if not isinstance(listed, list) or not all(isinstance(record, dict) for record in listed):
            raise TryAgain("its answer holds no dataList")
        return [self._record(record) for record in listed]

    def _record(self, fields: dict[str, Any]) -> Record:
        name = self._read.modified_field
        given, moment = fields.get("_id"), fields.get(name)
        if not isinstance(given, str) or not given or not given.isprintable():
            raise SourceError(f"{self.place}: it gives records without _id, which cannot be told apart.")
        if isinstance(moment, bool) or not re.fullmatch(r"\d{1,15}", str(moment)):
            raise SourceError(
                f"{self.place}: {name} is no time in milliseconds in every record. Set modified_field to the field "
                "that holds the time of the last change."
            )
        kept = {key: value for key, value in fields.items() if key not in OF_THE_SEARCH}
        return Record(given, int(str(moment)), kept)
