"""Sending a message to targets by apprise. A target that does not answer is tried again, then told of, never raised.

Addresses are apprise's, or the plain ones that robots of DingTalk and WeCom and webhooks have. None is ever shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import apprise
import requests
from apprise.plugins import dingtalk, wecombot

from dagster_project.alerting.messages import Message
from dagster_project.settings import Settings
from dagster_project.settings.alerts import AlertEvent, AlertTarget
from dagster_project.sources.tries import tries

ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 10.0
DINGTALK_HOST = "oapi.dingtalk.com"
WECOM_HOST = "qyapi.weixin.qq.com"

Say = Callable[[str], None]


class Undelivered(Exception):
    """A target did not take a message; the text says why, without its address."""


@dataclass(frozen=True)
class Delivery:
    """What became of a message to one target; `problem` is empty when it arrived."""

    target: str
    kind: str
    attempts: int
    problem: str = ""


def send(
    settings: Settings,
    compose: Callable[[AlertTarget, str], Message],
    *,
    events: Collection[AlertEvent],
    say: Say,
    is_test: bool = False,
) -> list[Delivery]:
    """Send to every target that is told of one of `events`, each in its language; says of each that took nothing."""
    done = []
    for target in settings.publishing.alerts.targets:
        if not set(target.events) & set(events):
            continue
        message = compose(target, target.language or settings.publishing.language)
        address = settings.environment.secrets.variables.get(target.variable)
        if address is None:
            delivery = Delivery(target.name, "", 0, f"it has no address; set {target.variable} in the environment")
        else:
            kind = apprise.NotifyType.INFO if is_test else apprise.NotifyType.FAILURE
            delivery = _delivered(target.name, address.get_secret_value().strip(), message, kind)
        if delivery.problem:
            say(f"alert target {target.name} was not told: {delivery.problem}")
        done.append(delivery)
    return done


def apprise_address(address: str) -> str:
    """The address as apprise has it: a robot's or a webhook's own https address is turned into apprise's words."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        return address
    query = dict(parse_qsl(parts.query))
    if parts.hostname == DINGTALK_HOST and "access_token" in query:
        signed_by = f"{quote(query['secret'], safe='')}@" if "secret" in query else ""
        return f"dingtalk://{signed_by}{quote(query['access_token'], safe='')}/"
    if parts.hostname == WECOM_HOST and "key" in query:
        return f"wecombot://{quote(query['key'], safe='')}/"
    # apprise sends on the words of a query that begin with a minus; the others are for itself.
    words = urlencode([(f"-{name}", value) for name, value in parse_qsl(parts.query, keep_blank_values=True)])
    scheme = "jsons" if parts.scheme == "https" else "json"
    return f"{scheme}://{parts.netloc}{parts.path or '/'}{'?' if words else ''}{words}"


def _delivered(name: str, address: str, message: Message, kind: apprise.NotifyType) -> Delivery:
    attempts = 0
    scheme = ""
    try:
        with _listening():
            plugin = apprise.Apprise.instantiate(apprise_address(address), suppress_exceptions=True)
        if plugin is None:
            return Delivery(name, "", 0, "its address is none that apprise knows")
        scheme = str(plugin.service_name)
        for attempt in tries(ATTEMPTS, LONGEST_WAIT_SECONDS, on=Undelivered):
            with attempt:
                attempts += 1
                with _listening() as said:
                    arrived = plugin.notify(title=message.title, body=message.body, notify_type=kind)
                if not arrived:
                    raise Undelivered("; ".join(said) or "it did not answer")
    except Undelivered as undelivered:
        return Delivery(name, scheme, attempts, str(undelivered))
    except Exception as error:  # whatever a plugin raises, the run that is told of goes on
        return Delivery(name, scheme, attempts, type(error).__name__)
    return Delivery(name, scheme, attempts)


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


# What a robot answered although its server said 200.
_refusal: ContextVar[str] = ContextVar("_refusal", default="")


@contextmanager
def _listening() -> Iterator[Sequence[str]]:
    """What apprise warns of while sending, which names no address. Its other lines do, like urllib3's debug lines, and
    are kept out of every log."""
    logger, below = logging.getLogger("apprise"), logging.getLogger("urllib3")
    before = logger.level, logger.propagate, below.level
    listener = _Listener()
    logger.setLevel(logging.WARNING)
    below.setLevel(logging.WARNING)
    logger.propagate = False
    logger.addHandler(listener)
    token = _refusal.set("")
    said: list[str] = []
    try:
        yield said
    finally:
        said += [_refusal.get()] if _refusal.get() else listener.said
        _refusal.reset(token)
        logger.removeHandler(listener)
        logger.setLevel(before[0])
        logger.propagate = before[1]
        below.setLevel(before[2])


class _ForRobots:
    """`requests` as the robots' plugins of apprise 2.2 need it.

    Robots refuse with status 200 and an `errcode`, which apprise takes for a delivery; and apprise quotes DingTalk's
    signature twice, which the robot answers with "sign not match".
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    @staticmethod
    def post(*arguments: Any, **options: Any) -> requests.Response:
        params = options.get("params")
        if params and "sign" in params:
            options["params"] = {**params, "sign": unquote(params["sign"])}
        response = requests.post(*arguments, **options)  # noqa: S113  (apprise gives the timeout)
        try:
            answer = response.json()
        except ValueError:
            return response
        if response.ok and isinstance(answer, dict) and answer.get("errcode"):
            _refusal.set(f"it refused: {answer['errcode']} {str(answer.get('errmsg', ''))[:200]}".strip())
            raise requests.RequestException("refused")
        return response


for _module in (dingtalk, wecombot):
    _module.requests = _ForRobots()  # type: ignore[attr-defined]
