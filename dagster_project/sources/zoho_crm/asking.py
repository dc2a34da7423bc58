"""Asking a Zoho CRM: access tokens, credits, and what its errors mean.

What is asked for is the other modules'.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources.zoho_crm import DATA_CENTERS, ZohoAccount
from dagster_project.sources.files import SourceError
from dagster_project.sources.http import CURE, Answer, HttpSystem, Refused, TryAgain

API = "/crm/v8"
SCOPES_TO_READ = "ZohoCRM.modules.READ, ZohoCRM.bulk.READ and ZohoCRM.settings.fields.READ"
# Zoho gives ten access tokens in ten minutes and one source has more reads than that, so they share one. It is asked
# for anew a minute before its hour is over.
TOKEN_SPARE_SECONDS = 60
BAD_TOKEN = frozenset({"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"})
# Zoho tells what is left only once half of it is used.
FEW_CREDITS = 1_000

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Token:
    value: str
    ends_at: float


_tokens: dict[str, _Token] = {}
_tokens_lock = Lock()


class Zoho:
    """A Zoho CRM, asked for one read: `place` names it in messages.

    `called` names the whole of it, `scopes` are what its refresh token must have, `cure` is what a user is told when it
    does not answer.
    """

    def __init__(
        self,
        source: ZohoAccount,
        secrets: Secrets,
        say: Callable[[str], None],
        *,
        place: str,
        called: str | None = None,
        scopes: str = SCOPES_TO_READ,
        cure: str = CURE,
    ) -> None:
        self._source = source
        self._say = say
        self.place = place
        self._called = called or f"Source {source.name}"
        self._scopes = scopes
        self._client = secrets.get(source.name, "client_id")
        self._secret = secrets.get(source.name, "client_secret")
        self._refresh_token = secrets.get(source.name, "refresh_token")
        self._http = HttpSystem(self._called, source.http, say=say, is_final=_is_used_up, cure=cure)
        self._http.hide(self._client, self._secret, self._refresh_token)
        self._has_told_of_credits = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.__exit__(kind, error, trace)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        modified_since: datetime | None = None,
        judge: Callable[[Answer], None] | None = None,
    ) -> Answer:
        """What stands at a path of the API; `modified_since` asks for what changed at that time or later."""
        since = {"If-Modified-Since": modified_since.isoformat(timespec="seconds")} if modified_since else {}
        return self._authorised(
            lambda headers: self._http.ask(
                "GET", self._url(path), params=params, headers={**headers, **since}, judge=judge
            )
        )

    def post(
        self, path: str, document: Any, *, judge: Callable[[Answer], None] | None = None, repeats: bool = True
    ) -> Answer:
        """The answer to a document sent to a path of the API; `repeats` as `HttpSystem.ask` has it."""
        return self._authorised(
            lambda headers: self._http.ask(
                "POST", self._url(path), json=document, headers=headers, judge=judge, repeats=repeats
            )
        )

    def put(self, path: str, document: Any, *, judge: Callable[[Answer], None] | None = None) -> Answer:
        """The answer to a document that replaces what stands at a path of the API."""
        return self._authorised(
            lambda headers: self._http.ask("PUT", self._url(path), json=document, headers=headers, judge=judge)
        )

    def shown(self, text: object) -> str:
        """What Zoho says as it may be shown."""
        return self._http.shown(text)

    def download(self, path: str, file: Path, *, judge: Callable[[Path], None]) -> None:
        """Write what stands at a path of the API to a file."""
        self._authorised(lambda headers: self._http.download(self._url(path), file, headers=headers, judge=judge))

    def digest(self, content: bytes) -> str:
        """A short digest, keyed so that nobody tells a phone number from it who does not hold the client's secret."""
        key = hashlib.sha256(self._secret.encode()).digest()
        return hashlib.blake2b(content, digest_size=8, key=key).hexdigest()

    def fault(self, problem: str) -> SourceError:
        """An error of this read."""
        return SourceError(f"{self.place}: {problem}")

    def _url(self, path: str) -> str:
        return self._source.api_address + path

    def _authorised(self, ask: Callable[[Mapping[str, str]], Result]) -> Result:
        try:
            try:
                return self._noted(ask(self._headers()))
            except Refused as error:
                if error.status != 401 or error.code not in BAD_TOKEN:
                    raise
            # Revoked before its hour, or pushed out by the sixteenth token that was asked for meanwhile.
            self._forget_token()
            return self._noted(ask(self._headers()))
        except Refused as error:
            raise self._explained(error) from None

    def _noted(self, answer: Result) -> Result:
        if isinstance(answer, Answer):
            self._note_credits(answer)
        return answer

    def _note_credits(self, answer: Answer) -> None:
        left = answer.headers.get("X-API-CREDITS-REMAINING", "")
        if left.isdecimal() and int(left) < FEW_CREDITS and not self._has_told_of_credits:
            self._has_told_of_credits = True
            self._say(f"{self._called}: {int(left):,} API credits are left for these 24 hours")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Zoho-oauthtoken {self._token()}"}

    def _token(self) -> str:
        with _tokens_lock:
            kept = _tokens.get(self._token_key)
            if kept is None or time.monotonic() >= kept.ends_at:
                kept = _tokens[self._token_key] = self._new_token()
        self._http.hide(kept.value)
        return kept.value

    def _forget_token(self) -> None:
        with _tokens_lock:
            _tokens.pop(self._token_key, None)

    @property
    def _token_key(self) -> str:
        parts = (self._source.accounts_address, self._client, self._secret, self._refresh_token)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _new_token(self) -> _Token:
        """An access token by the refresh token. Zoho answers errors with status 200, too."""
        asked_at = time.monotonic()
        address = self._source.accounts_address
        try:
            answer = self._http.ask(
                "POST",
                f"{address}/oauth/v2/token",
                form={
                    "grant_type": "refresh_token",
                    "client_id": self._client,
                    "client_secret": self._secret,
                    "refresh_token": self._refresh_token,
                },
                judge=_must_be_object,
            )
        except Refused as error:
            raise self._no_token(error.body if isinstance(error.body, dict) else {}) from None
        token, domain = answer.body.get("access_token"), answer.body.get("api_domain")
        if not isinstance(token, str) or not token:
            raise self._no_token(answer.body)
        self._judge_domain(domain)
        lasts = answer.body.get("expires_in")
        seconds = lasts if isinstance(lasts, int) and 0 < lasts <= 86_400 else 3_600
        return _Token(token, asked_at + max(0, seconds - TOKEN_SPARE_SECONDS))

    def _no_token(self, body: Mapping[str, Any]) -> SourceError:
        said = self._http.shown(body.get("error_description") or body.get("error") or "no token")
        denied = "denied" in str(body).lower()
        cure = (
            "It gives ten tokens in ten minutes: wait that long."
            if denied
            else f"Check client id, client secret and refresh token, and that data_center {self._source.data_center} "
            "is the one where they were made."
        )
        return self.fault(f"{self._source.accounts_address} gives no access token: {said}. {cure}")

    def _judge_domain(self, domain: object) -> None:
        """Zoho says with each token where the account's records are."""
        if self._source.api_url is not None or not isinstance(domain, str):
            return
        if domain.rstrip("/") != self._source.api_address:
            right = next((name for name, (_, api) in DATA_CENTERS.items() if api == domain.rstrip("/")), None)
            cure = f"write data_center: {right}" if right else "write the address it names as api_url"
            raise self.fault(f"the account is not kept in data_center {self._source.data_center}; {cure}.")

    def _explained(self, error: Refused) -> SourceError:
        if error.code == "OAUTH_SCOPE_MISMATCH":
            return self.fault(
                f"the refresh token was made without a scope that this needs. Make one with {self._scopes}."
            )
        if _is_used_up(error.code):
            return self.fault(
                f"Zoho answers {error.code}: the API credits of these 24 hours are used up, or the edition has none. "
                "What landed stays; run again when there are credits."
            )
        if error.code in ("INVALID_MODULE", "INVALID_URL_PATTERN"):
            return self.fault(
                "there is no such module in this CRM. Write its API name: Setup > Developer Hub > APIs > API names."
            )
        return error


def _must_be_object(answer: Answer) -> None:
    if not isinstance(answer.body, dict):
        raise TryAgain("its answer is no JSON object")


def _is_used_up(code: str) -> bool:
    return "CREDIT" in code or "LICENSE" in code or code == "API_LIMIT_EXCEEDED"
