"""Messages reach webhook, DingTalk, WeCom and e-mail on loopback servers; who does not answer is told of, no more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from apprise.plugins import N_MGR
from invented_batches import batch
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from tiny_shop import build_tiny_shop
from werkzeug import Response

from dagster_project.alerting.late import Late, SilentSource, find_late, late_days, silent_sources
from dagster_project.alerting.messages import EndedRun, Message, message_of_late, message_of_run
from dagster_project.alerting.sending import Delivery, apprise_address, send
from dagster_project.alerting.told import claim
from dagster_project.alerting.words import WORDS
from dagster_project.defs.alerts import alert_sensors, tell_of_run
from dagster_project.defs.partitions import day_tags
from dagster_project.errors import SettingsError
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.alerts import AlertEvent, AlertSettings, AlertTarget
from dagster_project.settings.environment import Secrets
from dagster_project.warehouse import held

MESSAGE = Message("Customer Strata: 运行失败", "第一行\nsecond line")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(*build_tiny_shop(tmp_path_factory.mktemp("shop")))


def with_targets(shop: Settings, *targets: AlertTarget, addresses: dict[str, str], **alerts: Any) -> Settings:
    publishing = shop.publishing.model_copy(update={"alerts": AlertSettings(targets=targets, **alerts)})
    secrets = Secrets({name: SecretStr(address) for name, address in addresses.items()})
    return replace(shop, publishing=publishing, environment=replace(shop.environment, secrets=secrets))


@pytest.fixture
def sent(shop: Settings) -> Callable[[str], Delivery]:
    """What became of MESSAGE to one address."""

    def send_to(address: str) -> Delivery:
        settings = with_targets(shop, AlertTarget(name="team"), addresses={"STRATA_ALERT_TEAM": address})
        [delivery] = send(settings, lambda *_: MESSAGE, events={AlertEvent.FAILED_RUN}, say=lambda _: None)
        return delivery

    return send_to


@pytest.mark.parametrize("scheme", ["http", "json"])
def test_a_webhook_gets_title_and_body_as_json_and_the_query_of_its_address(
    httpserver: HTTPServer, sent: Callable[[str], Delivery], scheme: str
) -> None:
    httpserver.expect_request("/hooks/strata", method="POST").respond_with_data("")
    query = "?token=t0ken" if scheme == "http" else "?-token=t0ken"
    assert not sent(f"{scheme}://127.0.0.1:{httpserver.port}/hooks/strata{query}").problem
    [(request, _)] = httpserver.log
    assert request.args["token"] == "t0ken"
    told = request.get_json()
    assert (told["title"], told["message"], told["type"]) == (MESSAGE.title, MESSAGE.body, "failure")


def test_dingtalk_gets_a_text_signed_with_the_robots_secret(
    httpserver: HTTPServer, sent: Callable[[str], Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = httpserver.url_for("/robot/send?access_token={token}")
    monkeypatch.setattr(N_MGR["dingtalk"], "notify_url", robot)
    httpserver.expect_request("/robot/send").respond_with_json({"errcode": 0, "errmsg": "ok"})
    token, secret = "a1b2" * 16, "SEC" + "c3d4" * 16
    done = sent(f"https://oapi.dingtalk.com/robot/send?access_token={token}&secret={secret}")
    assert done == Delivery("team", "DingTalk", 1)
    [(request, _)] = httpserver.log
    assert request.args["access_token"] == token
    signed = hmac.new(secret.encode(), f"{request.args['timestamp']}\n{secret}".encode(), hashlib.sha256).digest()
    assert request.args["sign"] == base64.b64encode(signed).decode()
    told = request.get_json(force=True)
    assert told["msgtype"] == "text"
    assert told["text"]["content"].splitlines() == [MESSAGE.title, *MESSAGE.body.splitlines()]


def test_wecom_gets_a_text(
    httpserver: HTTPServer, sent: Callable[[str], Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(N_MGR["wecombot"], "notify_url", httpserver.url_for("/cgi-bin/webhook/send?key={key}"))
    httpserver.expect_request("/cgi-bin/webhook/send").respond_with_json({"errcode": 0, "errmsg": "ok"})
    key = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
    assert sent(f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}") == Delivery("team", "WeCom Bot", 1)
    [(request, _)] = httpserver.log
    assert request.args["key"] == key
    content = request.get_json(force=True)["text"]["content"]
    assert MESSAGE.title in content
    assert MESSAGE.body.splitlines()[1] in content


def test_a_robot_that_refuses_with_status_200_was_not_told(
    httpserver: HTTPServer, sent: Callable[[str], Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DingTalk answers so when the keyword of its settings is missing; apprise by itself takes it for a delivery."""
    monkeypatch.setattr(N_MGR["dingtalk"], "notify_url", httpserver.url_for("/robot/send?access_token={token}"))
    answer = {"errcode": 310000, "errmsg": "keywords not in content"}
    httpserver.expect_request("/robot/send").respond_with_json(answer)
    done = sent("https://oapi.dingtalk.com/robot/send?access_token=" + "a1b2" * 16)
    assert done.problem == "it refused: 310000 keywords not in content"
    assert done.attempts == 3


class Mailbox:
    """Keeps the mails that a loopback server is given."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 kept"


@pytest.fixture
def mail_server() -> Iterator[tuple[int, Mailbox]]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, mailbox
    finally:
        controller.stop()


def test_an_email_arrives_with_its_title_as_subject(
    mail_server: tuple[int, Mailbox], sent: Callable[[str], Delivery]
) -> None:
    port, mailbox = mail_server
    assert not sent(f"mailto://127.0.0.1:{port}?from=strata@example.com&to=team@example.com").problem
    [(sender, receivers, content)] = mailbox.mails
    assert (sender, receivers) == ("strata@example.com", ["team@example.com"])
    mail = message_from_bytes(content, policy=modern)
    assert mail["Subject"] == MESSAGE.title
    body = mail.get_body(("plain", "html"))
    assert body is not None
    assert "第一行" in body.get_content()


def test_a_target_that_fails_twice_is_told_the_third_time(
    httpserver: HTTPServer, sent: Callable[[str], Delivery]
) -> None:
    answers = [503, 503, 200]
    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(status=answers.pop(0)))
    assert sent(httpserver.url_for("/hook")) == Delivery("team", "JSON", 3)


def test_who_does_not_answer_is_said_without_the_address_and_the_others_are_told(
    shop: Settings, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/hook").respond_with_data("")
    import socket

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings = with_targets(
            shop,
            *(AlertTarget(name=name) for name in ("deaf", "strange", "unset", "team")),
            addresses={
                "STRATA_ALERT_DEAF": f"https://127.0.0.1:{nobody.getsockname()[1]}/s3cret?key=s3cret",
                "STRATA_ALERT_STRANGE": "carrier-pigeon s3cret",
                "STRATA_ALERT_TEAM": httpserver.url_for("/hook"),
            },
        )
        said: list[str] = []
        done = send(settings, lambda *_: MESSAGE, events={AlertEvent.LATE_DATA}, say=said.append)
    assert [each.problem == "" for each in done] == [False, False, False, True]
    assert len(said) == 3
    assert "STRATA_ALERT_UNSET" in said[2]
    assert "s3cret" not in " ".join([*said, *(each.problem for each in done)])
    assert "s3cret" not in caplog.text


def test_a_target_hears_only_of_its_events_and_in_its_language(shop: Settings, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/zh").respond_with_data("")
    httpserver.expect_request("/en").respond_with_data("")
    settings = with_targets(
        shop,
        AlertTarget(name="zh", language="zh", events=(AlertEvent.LATE_DATA,)),
        AlertTarget(name="en", language="en", events=(AlertEvent.FAILED_RUN,)),
        addresses={f"STRATA_ALERT_{name.upper()}": httpserver.url_for(f"/{name}") for name in ("zh", "en")},
    )
    late = Late(days=[date(2024, 12, 30)])
    send(settings, lambda _, language: message_of_late(late, language), events={AlertEvent.LATE_DATA}, say=print)
    [(request, _)] = httpserver.log
    assert request.path == "/zh"
    assert "2024-12-30" in request.get_json()["message"]
    assert "数据迟到" in request.get_json()["title"]


@pytest.mark.parametrize(
    ("address", "as_apprise_has_it"),
    [
        ("https://oapi.dingtalk.com/robot/send?access_token=abc", "dingtalk://abc/"),
        ("https://oapi.dingtalk.com/robot/send?access_token=abc&secret=SECx", "dingtalk://SECx@abc/"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1", "wecombot://k-1/"),
        ("https://u:p@hooks.example.com:8443/a/b?x=1&y=", "jsons://u:p@hooks.example.com:8443/a/b?-x=1&-y="),
        ("mailtos://u:p@example.com?to=a@example.com", "mailtos://u:p@example.com?to=a@example.com"),
    ],
)
def test_the_address_that_a_robot_gives_can_be_used_as_it_is(address: str, as_apprise_has_it: str) -> None:
    assert apprise_address(address) == as_apprise_has_it


def test_both_languages_say_the_same_things() -> None:
    import string

    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for name in WORDS["en"]:
        assert places(WORDS["en"][name]) == places(WORDS["zh"][name]), name


def test_a_message_is_short_even_of_many_failures() -> None:
    """A robot of WeCom cuts text after 2,048 bytes."""
    names = [f"check_of_a_rather_long_name_{number}" for number in range(500)]
    run = EndedRun("0" * 36, "daily", "2024-12-30", False, "strata run", "/somewhere/log", names[:3], names)
    for language in ("en", "zh"):
        message = message_of_run(run, language)
        assert len((message.title + message.body).encode()) < 2048
        assert "490" in message.body


SHANGHAI = "Asia/Shanghai"
NINE = AlertSettings.model_validate({"late_after": "09:00"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("stored", "now", "late"),
    [
        (["12-29"], "2024-12-31T08:59+08:00", []),  # the 30th is not due yet
        (["12-29"], "2024-12-31T09:00+08:00", ["12-30"]),
        (["12-30"], "2024-12-31T09:00+08:00", []),
        (["12-28", "12-30"], "2024-12-31T09:00+08:00", ["12-29"]),  # a gap
        (["11-30", "12-31"], "2025-01-01T09:00+08:00", [f"12-{day}" for day in range(25, 31)]),  # seven days back
        ([], "2024-12-31T09:00+08:00", ["12-30"]),
    ],
)
def test_a_day_is_late_from_the_hour_on_until_it_is_stored(stored: list[str], now: str, late: list[str]) -> None:
    days = [date.fromisoformat(f"2024-{day}") for day in stored]
    found = late_days(days, now=at(now), alerts=NINE, time_zone=SHANGHAI, history_starts_on=date(2024, 1, 1))
    assert [f"{day:%m-%d}" for day in found] == late


def test_an_installation_that_begins_today_is_not_late() -> None:
    now = at("2024-12-31T12:00+08:00")
    assert late_days([], now=now, alerts=NINE, time_zone=SHANGHAI, history_starts_on=date(2024, 12, 31)) == []


def test_a_source_is_silent_until_something_new_of_it_lands() -> None:
    alerts = AlertSettings(expected_every_hours={"shop": 24})
    now = at("2024-12-31T12:00+08:00")
    before = now - timedelta(hours=25)
    old, fresh = batch(1, landed_at=before), batch(2, landed_at=now - timedelta(hours=23))
    silent = [SilentSource("shop", 24, before)]
    for batches, expected in (
        ([], [SilentSource("shop", 24, None)]),
        ([old], silent),
        ([fresh, old], []),
        ([old, replace(fresh, is_derived=True)], silent),
        ([old, replace(fresh, replays=old.source_file)], silent),
    ):
        assert silent_sources(batches, now=now, alerts=alerts) == expected


def test_lateness_is_told_while_a_run_holds_the_warehouse(shop: Settings) -> None:
    settings = with_targets(shop, addresses={}, late_after="09:00", expected_every_hours={"shop": 24})
    now = at("2024-12-31T12:00+08:00")
    with held(settings.paths.warehouse, who="another", wait_seconds=5):
        late = find_late(settings, now=now)
    assert late == Late([date(2024, 12, 30)], [SilentSource("shop", 24, None)], is_held=True)
    assert "2024-12-30" in message_of_late(late, "en").body


def test_late_things_are_named_once_a_business_date(tmp_path: Path) -> None:
    late = Late([date(2024, 12, 30)], [SilentSource("shop", 24, None)])
    one, later = at("2024-12-31T09:00+08:00"), at("2024-12-31T23:00+08:00")
    assert claim(tmp_path, late.keys(one, SHANGHAI), now=one) == late.keys(one, SHANGHAI)
    assert claim(tmp_path, late.keys(later, SHANGHAI), now=later) == []
    tomorrow = later + timedelta(hours=2)
    assert len(claim(tmp_path, late.keys(tomorrow, SHANGHAI), now=tomorrow)) == 2


def test_of_many_who_see_a_failed_run_one_tells_of_it(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with ThreadPoolExecutor(16) as pool:
        claimed = list(pool.map(lambda _: claim(tmp_path, ["run 1"], now=now), range(64)))
    assert sum(map(len, claimed)) == 1


def test_a_source_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    config, data = build_tiny_shop(tmp_path)
    publishing = config / "publishing.yaml"
    with publishing.open("a", encoding="utf-8") as file:
        file.write("\n")
    text = publishing.read_text(encoding="utf-8")
    start = text.find("\nalerts:")
    publishing.write_text(text[: start if start >= 0 else None] + "\nalerts: {expected_every_hours: {shap: 26}}\n")
    with pytest.raises(SettingsError, match=r"expected_every_hours\.shap: .* did you mean 'shop'"):
        load_settings(config, data)


@dg.asset
def planted() -> int:
    raise ValueError("order of 王小明, 13800138000")


@dg.asset
def well() -> int:
    return 1


@dg.asset_check(asset=well, blocking=False)
def has_enough() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="王小明")


@pytest.fixture
def told_shop(shop: Settings, httpserver: HTTPServer, tmp_path: Path) -> Settings:
    httpserver.expect_request("/hook").respond_with_data("")
    settings = with_targets(
        shop, AlertTarget(name="team"), addresses={"STRATA_ALERT_TEAM": httpserver.url_for("/hook")}
    )
    return replace(settings, paths=replace(settings.paths, data=tmp_path))


def test_a_failed_run_is_told_once_by_names_alone(told_shop: Settings, httpserver: HTTPServer) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        tags = day_tags(date(2024, 12, 30), date(2024, 12, 30))
        run = dg.materialize([planted], instance=instance, raise_on_error=False, tags=tags)
        log = Path("/var/log/strata/daily.log")
        assert tell_of_run(instance, told_shop, run.run_id, say=print, log=log)
        assert not tell_of_run(instance, told_shop, run.run_id, say=print), "the daemon sees it too"
    [(request, _)] = httpserver.log
    told = request.get_json()
    assert "planted" in told["message"]
    assert "2024-12-30" in told["title"]
    assert str(log) in told["message"]
    assert "王小明" not in str(told)
    assert "13800138000" not in str(told)


def test_a_check_that_does_not_hold_in_a_run_that_went_on_is_told(told_shop: Settings, httpserver: HTTPServer) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        defs = dg.Definitions([well], asset_checks=[has_enough])
        run = defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        assert run.success
        assert tell_of_run(instance, told_shop, run.run_id, say=print)
    [(request, _)] = httpserver.log
    told = request.get_json()
    assert "has_enough (well)" in told["message"]
    assert "check" in told["title"]
    assert "王小明" not in str(told)


def test_a_run_without_a_fault_is_not_told_of(told_shop: Settings, httpserver: HTTPServer) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize([well], instance=instance)
        assert not tell_of_run(instance, told_shop, run.run_id, say=print)
    assert httpserver.log == []


def test_sensors_are_there_for_those_who_named_a_target(shop: Settings, told_shop: Settings) -> None:
    running = dg.DefaultSensorStatus.RUNNING
    assert alert_sensors(shop, running) == []
    assert [each.name for each in alert_sensors(told_shop, running)] == ["failed_runs", "failed_checks"]
