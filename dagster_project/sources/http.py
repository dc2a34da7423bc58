"""Asking a system over HTTP: time-outs, tries with growing waits, answers checked to be whole, downloads to a file.

What a system is asked and what its answers mean is the connectors'. Neither headers, bodies nor queries come into any
message: they hold secrets and personal data.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import httpx

from dagster_project.settings.sources import HttpPolicy
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.tries import tries

# A page of 200 records with 50 long fields is some 10 MB; what is larger is no answer to what was asked.
MAX_ANSWER_BYTES = 64 * 2**20
# 200,000 CRM records are some 100 MB, packed a tenth of that.
MAX_DOWNLOAD_BYTES = 4 * 2**30
# A download may take so many times as long as an answer; the time-out is for each part of it.
DOWNLOAD_PATIENCE = 60
TOLD_WAIT_SECONDS = 5.0
MAX_REDIRECTS = 3
MAX_SAID_CHARACTERS = 300
# 408 and 425 ask for another try by their meaning, 429 and the 5xx by what systems use them for.
TRIED_AGAIN = frozenset({408, 425, 429})
WITHOUT_BODY = frozenset({204, 304})
CURE = "What landed stays, and the next run goes on from there. See http: of the source for time-outs and tries."
PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|\+?\d[\d -]{6,}\d")

Result = TypeVar("Result")


class TryAgain(Exception):
    """An answer that another try may better. `judge` functions raise it, too; it never leaves this module.

    `was_refused` says that the system did not act on the request: it was not reached, or said that it is too busy.
    """

    def __init__(self, reason: str, *, wait_seconds: float | None = None, was_refused: bool = False) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds
        self.was_refused = was_refused


class Refused(SourceError):
    """The system answered with a status of an error, which another try does not better.

    `status` is the HTTP status, `code` the system's own word for the error where it has one, `body` the JSON that came
    with it; what of it is shown goes through `HttpSystem.shown`.
    """

    def __init__(self, message: str, *, status: int, code: str, body: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = body


@dataclass(frozen=True)
class Answer:
    """What a system answered: its status, its headers (names in any case) and its JSON, None where it has no body."""

    status: int
    headers: Mapping[str, str]
    body: Any


class HttpSystem:
    """A system that is asked over HTTP, called `name` in messages.

    Every request is tried up to `policy.attempts` times: after connection errors, time-outs, 408, 425, 429, 5xx and
    answers that are cut short, too long or no JSON. The waits double from one second up to
    `policy.longest_wait_seconds`, unless the system says how long to wait. `say` is told of waits that a user would
    notice. `is_final` tells by a system's error code that no wait of minutes will help, so that nothing is tried again.
    `cure` is what a user is told when every try failed.
    """

    def __init__(
        self,
        name: str,
        policy: HttpPolicy,
        *,
        say: Callable[[str], None] = lambda _: None,
        is_final: Callable[[str], bool] = lambda _: False,
        cure: str = CURE,
    ) -> None:
        self._name = name
        self._cure = cure
        self._policy = policy
        self._say = say
        self._is_final = is_final
        self._secrets: set[str] = set()
        self._client = httpx.Client(
            verify=_trust(),
            timeout=policy.timeout_seconds,
            follow_redirects=False,  # done here, where the host is looked at
            headers={"User-Agent": "customer-strata", "Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def hide(self, *secrets: str) -> None:
        """Never show these, even where the system repeats them in what it says."""
        self._secrets.update(secret for secret in secrets if secret)

    def ask(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        judge: Callable[[Answer], None] | None = None,
        repeats: bool = True,
    ) -> Answer:
        """The answer to one request; `form` or `json` is its body.

        `judge` looks at each answer of a status below 400, for systems that tell errors otherwise: it raises TryAgain
        or an error of its own. Without `repeats` a request is sent again only where the system did not act on it: what
        makes a record would make two.

        Raises:
            Refused: the status is 400 to 499, but for those that ask for another try.
            SourceError: the address is wrong or leads elsewhere.
            SourceUnavailable: no whole answer came, after every try.
        """

        def once() -> Answer:
            with self._sent(method, url, params=params, headers=headers, data=form, json=json) as response:
                answer = self._whole(response, url)
            if judge is not None:
                judge(answer)
            return answer

        return self._tried(once, url, repeats=repeats)

    def download(
        self,
        url: str,
        path: Path,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_DOWNLOAD_BYTES,
        judge: Callable[[Path], None] | None = None,
    ) -> None:
        """Write what the address holds to `path`, at most `limit` bytes, as it comes. `judge` looks at the file.

        Raises:
            Refused, SourceError, SourceUnavailable: as `ask`.
        """

        def once() -> None:
            with self._sent("GET", url, headers={"Accept": "*/*", **(headers or {})}) as response:
                self._judge_status(response, url)
                self._spool(response, path, limit)
            if judge is not None:
                judge(path)

        try:
            self._tried(once, url)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def shown(self, text: object) -> str:
        """What a system says as it may be shown: without secrets, e-mail addresses and phone numbers, and not long."""
        said = str(text)
        for secret in sorted(self._secrets, key=len, reverse=True):
            said = said.replace(secret, "…")
        said = PERSONAL.sub("…", " ".join(said.split()))
        return said if len(said) <= MAX_SAID_CHARACTERS else said[:MAX_SAID_CHARACTERS] + "…"

    def _tried(self, once: Callable[[], Result], url: str, *, repeats: bool = True) -> Result:
        attempts = self._policy.attempts
        tried = 0

        def wait_of(error: Exception) -> bool | float:
            if isinstance(error, TryAgain) and not (repeats or error.was_refused):
                return False
            return _wait_of(error)

        try:
            for attempt in tries(attempts, self._policy.longest_wait_seconds, on=wait_of):
                with attempt:
                    tried = attempt.num
                    try:
                        return once()
                    except TryAgain as error:
                        if attempt.num < attempts and wait_of(error) is not False:
                            self._tell(error, attempt.next_wait if error.wait_seconds is None else error.wait_seconds)
                        raise
        except TryAgain as error:
            so_often = "1 try" if tried == 1 else f"{tried} tries"
            raise SourceUnavailable(
                f"{self._name}: {self._place(url)} gave no usable answer in {so_often}; the last time {error}. "
                f"{self._cure}"
            ) from None
        raise AssertionError("a retry context ends by returning or raising")

    def _tell(self, error: TryAgain, wait: float) -> None:
        longest = self._policy.longest_wait_seconds
        if error.wait_seconds is not None and wait > longest:
            raise SourceUnavailable(
                f"{self._name}: {error}, and it asks for {wait:.0f} s of rest, more than longest_wait_seconds "
                f"({longest:g}). Run again later, or allow a longer wait under http: of the source."
            ) from None
        if wait >= TOLD_WAIT_SECONDS:
            self._say(f"{self._name}: {error}; trying again in {wait:.0f} s")

    @contextmanager
    def _sent(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> Iterator[httpx.Response]:
        """The response with its body still to be read. Faults of the connection ask for another try."""
        try:
            request = self._client.build_request(method, url, headers=headers, **content)
            response = self._client.send(request, stream=True)
            for _ in range(MAX_REDIRECTS):
                if not response.has_redirect_location:
                    break
                response.close()
                response = self._client.send(self._redirected(request, response, url), stream=True)
            else:
                if response.has_redirect_location:
                    response.close()
                    raise SourceError(
                        f"{self._name}: {self._place(url)} leads on and on. Mend the address in the source."
                    )
        except httpx.HTTPError as error:
            self._judge_fault(error, url)
        except httpx.InvalidURL:
            raise SourceError(f"{self._name}: {self._place(url)} is no address. Mend it in the source.") from None
        try:
            yield response
        except httpx.HTTPError as error:
            self._judge_fault(error, url)
        finally:
            response.close()

    def _redirected(self, request: httpx.Request, response: httpx.Response, url: str) -> httpx.Request:
        """The request at the address where its answer leads, within the same host: secrets go nowhere else."""
        following = response.next_request
        asked = request.url
        if (
            following is None
            or request.method != "GET"
            or (following.url.scheme, following.url.netloc) != (asked.scheme, asked.netloc)
        ):
            elsewhere = following.url.host if following is not None else "nowhere"
            raise SourceError(
                f"{self._name}: {self._place(url)} leads to {elsewhere}, where nothing is sent. If that is the "
                "system's address, write it in the source."
            )
        return following

    def _judge_fault(self, error: httpx.HTTPError, url: str) -> NoReturn:
        # Only the kind of fault is shown: httpx puts addresses with their queries into some of its messages.
        if isinstance(error, httpx.UnsupportedProtocol):
            raise SourceError(f"{self._name}: {self._place(url)} must begin with https://. Mend it in the source.")
        if isinstance(error, httpx.TimeoutException):
            raise TryAgain(f"it did not answer within {self._policy.timeout_seconds:g} s") from None
        if isinstance(error, httpx.ConnectError):
            raise TryAgain("no connection could be made", was_refused=True) from None
        raise TryAgain("the connection broke before the answer was whole") from None

    def _whole(self, response: httpx.Response, url: str) -> Answer:
        """The answer with its JSON; statuses that are errors raise."""
        self._judge_status(response, url)
        content = self._content(response)
        if response.status_code in WITHOUT_BODY:
            return Answer(response.status_code, response.headers, None)
        return Answer(response.status_code, response.headers, _json(content))

    def _judge_status(self, response: httpx.Response, url: str) -> None:
        status = response.status_code
        if status < 400:
            return
        body = _json_or_none(self._content(response))
        code, message = self._said(body)
        said = " ".join(filter(None, (f"({code})" if code else "", f"and says: {message}" if message else "")))
        told = f"it answered with status {status}{' ' + said if said else ''}"
        if (status in TRIED_AGAIN or status >= 500) and not self._is_final(code):
            raise TryAgain(told, wait_seconds=_retry_after(response.headers), was_refused=status in TRIED_AGAIN)
        raise Refused(f"{self._name}: {self._place(url)}: {told}.", status=status, code=code, body=body)

    def _content(self, response: httpx.Response) -> bytes:
        """The body, unpacked; read piece by piece, so that neither a slow nor an endless one holds up the run."""
        pieces: list[bytes] = []
        size = 0
        deadline = time.monotonic() + self._policy.timeout_seconds
        for piece in response.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise TryAgain(f"its answer is longer than {MAX_ANSWER_BYTES // 2**20} MB")
            if time.monotonic() > deadline:
                raise TryAgain(f"its answer was not whole within {self._policy.timeout_seconds:g} s")
        return b"".join(pieces)

    def _spool(self, response: httpx.Response, path: Path, limit: int) -> None:
        size = 0
        patience = DOWNLOAD_PATIENCE * self._policy.timeout_seconds
        deadline = time.monotonic() + patience
        with path.open("wb") as out:
            for piece in response.iter_bytes():
                size += len(piece)
                if size > limit:
                    raise TryAgain(f"the file is longer than {limit / 2**20:,.0f} MB")
                if time.monotonic() > deadline:
                    raise TryAgain(f"the file was not whole within {patience:g} s")
                out.write(piece)

    def _said(self, body: Any) -> tuple[str, str]:
        """The system's own code and message of an error, empty where it has none."""
        if not isinstance(body, dict):
            return "", ""
        code = next((body[name] for name in ("code", "errorCode", "error") if body.get(name)), "")
        message = next((body[n] for n in ("message", "errorMessage", "error_description") if body.get(n)), "")
        return (
            self.shown(code) if isinstance(code, str | int) else "",
            self.shown(message).rstrip(".") if isinstance(message, str) else "",
        )

    @staticmethod
    def _place(url: str) -> str:
        """An address as messages show it: without user, password and query."""
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL:
            return "the address"
        port = f":{parts.port}" if parts.port is not None else ""
        return f"{parts.scheme}://{parts.host}{port}{parts.path}"


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes 50 ms, and a source has many reads."""
    return httpx.create_ssl_context()


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        what = "it answered nothing" if not content.strip() else "its answer is no whole JSON"
        raise TryAgain(what) from None


def _json_or_none(content: bytes) -> Any:
    try:
        return _json(content)
    except TryAgain:
        return None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _wait_of(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds where the system says so."""
    if not isinstance(error, TryAgain):
        return False
    return True if error.wait_seconds is None else error.wait_seconds


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the system asks to be left alone. A date is taken against the system's own clock."""
    stated = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", stated):
        return float(stated)
    try:
        return max(0.0, (parsedate_to_datetime(stated) - parsedate_to_datetime(headers["Date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
