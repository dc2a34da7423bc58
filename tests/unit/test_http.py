"""Systems are asked patiently, believed only when an answer is whole, and no secret comes into what is told."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from dagster_project.settings.sources import HttpPolicy
from dagster_project.sources import http
from dagster_project.sources.files import SourceError
from dagster_project.sources.http import Answer, HttpSystem, Refused, TryAgain
from dagster_project.sources.pulling import SourceUnavailable

AT_ONCE = HttpPolicy(timeout_seconds=10, attempts=3, longest_wait_seconds=0)
SECRET = "tok-9f8e7d6c5b4a"


@pytest.fixture(scope="module")
def running_server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as running:
        yield running


@pytest.fixture
def server(running_server: HTTPServer) -> HTTPServer:
    running_server.clear()
    return running_server


@pytest.fixture
def system() -> Iterator[HttpSystem]:
    with HttpSystem("Source crm", AT_ONCE) as asking:
        asking.hide(SECRET)
        yield asking


def answers(server: HTTPServer, *responses: Response | Callable[[Request], Response]) -> list[Request]:
    """Serve these in turn at /records, the last one for ever; gives the requests as they come."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        response = responses[min(len(asked), len(responses)) - 1]
        return response(request) if callable(response) and not isinstance(response, Response) else response

    server.expect_request("/records").respond_with_handler(answer)
    return asked


def ok(body: str = '{"data": [1]}', **headers: str) -> Response:
    return Response(body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_passes_is_tried_again(server: HTTPServer, system: HttpSystem, status: int) -> None:
    asked = answers(server, Response(status=status), Response("<html>", status=status), ok())
    assert system.ask("GET", server.url_for("/records")).body == {"data": [1]}
    assert len(asked) == 3


@pytest.mark.parametrize(
    "broken",
    [
        Response("", content_type="application/json"),
        Response('{"data": [1', content_type="application/json"),
        Response("<html>Gateway</html>", content_type="text/html"),
        Response('{"amount": NaN}', content_type="application/json"),
        Response("[" * 200_000, content_type="application/json"),
        Response(b'{"name": "\xff"}', content_type="application/json"),
        Response(b"no gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["empty", "cut", "html", "no JSON number", "nested without end", "no UTF-8", "no gzip"],
)
def test_an_answer_that_is_no_whole_json_is_tried_again_and_then_refused(
    server: HTTPServer, system: HttpSystem, broken: Response
) -> None:
    asked = answers(server, broken)
    with pytest.raises(SourceUnavailable, match=r"^Source crm: http://127\.0\.0\.1:\d+/records gave no usable answer"):
        system.ask("GET", server.url_for("/records"))
    assert len(asked) == 3


def test_an_answer_shorter_than_it_says_is_tried_again() -> None:
    with (
        RawServer(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"data": []}') as url,
        asking() as system,
        pytest.raises(SourceUnavailable, match="the connection broke before the answer was whole"),
    ):
        system.ask("GET", url)


def test_an_answer_that_never_comes_is_given_up_after_the_time_out() -> None:
    policy = HttpPolicy(timeout_seconds=0.2, attempts=2, longest_wait_seconds=0)
    began = time.monotonic()
    with (
        RawServer(b"", hangs=True) as url,
        HttpSystem("Source crm", policy) as system,
        pytest.raises(SourceUnavailable, match=r"in 2 tries; the last time it did not answer within 0\.2 s"),
    ):
        system.ask("GET", url)
    assert time.monotonic() - began < 5


def test_an_answer_that_drips_is_given_up_after_the_time_out(server: HTTPServer) -> None:
    def drips(_: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            for _ in range(40):
                time.sleep(0.05)
                yield b" "

        return Response(pieces(), content_type="application/json")

    answers(server, drips)
    policy = HttpPolicy(timeout_seconds=0.3, attempts=1, longest_wait_seconds=0)
    with (
        HttpSystem("Source crm", policy) as system,
        pytest.raises(SourceUnavailable, match=r"not whole within 0\.3 s"),
    ):
        system.ask("GET", server.url_for("/records"))


def test_an_answer_longer_than_the_limit_is_refused_also_when_it_comes_packed(
    server: HTTPServer, system: HttpSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 2**20)
    packed = gzip.compress(b'"' + b"a" * 2**21 + b'"')
    answers(server, Response(packed, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceUnavailable, match="its answer is longer than 1 MB"):
        system.ask("GET", server.url_for("/records"))


def test_nobody_listening_is_told_as_no_connection(system: HttpSystem) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="the last time no connection could be made"):
        system.ask("GET", f"http://127.0.0.1:{port}/records")


def test_waits_double_up_to_the_longest(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    answers(server, Response(status=503))
    told: list[str] = []
    policy = HttpPolicy(timeout_seconds=5, attempts=6, longest_wait_seconds=10)
    with HttpSystem("Source crm", policy, say=told.append) as system, pytest.raises(SourceUnavailable):
        system.ask("GET", server.url_for("/records"))
    for wait, least in zip(slept, (1, 2, 4, 8, 10), strict=True):
        assert least <= wait <= min(least + 1.0, 10)
    assert told == [f"Source crm: it answered with status 503; trying again in {wait} s" for wait in (8, 10)]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ("Retry-After: 7", 7.0),
        ("Retry-After: Sun, 01 Mar 2026 00:00:09 GMT\r\nDate: Sun, 01 Mar 2026 00:00:00 GMT", 9.0),
        ("Retry-After: Sun, 01 Mar 2026 00:00:09 GMT\r\nDate: Sun, 01 Mar 2026 00:00:30 GMT", 0.0),
    ],
    ids=["seconds", "date", "date that is past"],
)
def test_the_wait_that_the_system_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch, headers: str, wait: float) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    # Said to be closed: who asks again at once would else meet the socket in the middle of it.
    busy = f"HTTP/1.1 429 Busy\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n\r\n"
    with (
        RawServer(busy.encode()) as url,
        asking(longest_wait_seconds=60, attempts=2) as system,
        pytest.raises(SourceUnavailable, match="it answered with status 429"),
    ):
        system.ask("GET", url)
    assert slept == [wait]


def test_a_wait_longer_than_allowed_ends_the_pull_at_once(server: HTTPServer) -> None:
    asked = answers(server, Response(status=429, headers={"Retry-After": "3600"}))
    with (
        asking(longest_wait_seconds=60) as system,
        pytest.raises(SourceUnavailable, match=r"3600 s of rest, more than longest_wait_seconds \(60\)"),
    ):
        system.ask("GET", server.url_for("/records"))
    assert len(asked) == 1


def test_a_refusal_says_the_systems_own_code_and_message_and_is_not_tried_again(
    server: HTTPServer, system: HttpSystem
) -> None:
    body = f'{{"code": "NO_PERMISSION", "message": "{SECRET} of ann@example.com, +86 138 0013 8000, may not"}}'
    asked = answers(server, Response(body, status=403))
    with pytest.raises(Refused) as refused:
        system.ask("GET", server.url_for("/records"), params={"fields": "Email"})
    assert (refused.value.status, refused.value.code) == (403, "NO_PERMISSION")
    assert "status 403 (NO_PERMISSION) and says: … of …, …, may not." in str(refused.value)
    assert len(asked) == 1


def test_no_header_query_or_body_comes_into_an_error_or_a_log(
    server: HTTPServer, system: HttpSystem, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answers(server, Response(SECRET, status=500))
    with pytest.raises(SourceUnavailable) as failed:
        system.ask(
            "POST",
            server.url_for("/records"),
            params={"of": "ann@example.com"},
            headers={"Authorization": SECRET},
            form={"refresh_token": SECRET},
        )
    shown = capfd.readouterr()
    for text in (str(failed.value), caplog.text, shown.out, shown.err):
        assert SECRET not in text
    assert "ann" not in str(failed.value)


def test_an_error_that_no_wait_betters_is_final(server: HTTPServer) -> None:
    asked = answers(server, Response('{"code": "CREDITS_USED_UP"}', status=429))
    with (
        HttpSystem("Source crm", AT_ONCE, is_final=lambda code: "CREDIT" in code) as system,
        pytest.raises(Refused, match="CREDITS_USED_UP"),
    ):
        system.ask("GET", server.url_for("/records"))
    assert len(asked) == 1


def test_a_judge_may_ask_for_another_try_or_refuse(server: HTTPServer, system: HttpSystem) -> None:
    answers(server, ok('{"errorCode": 5}'), ok('{"errorCode": 0}'))

    def judge(answer: Answer) -> None:
        if answer.body["errorCode"]:
            raise TryAgain("it is busy (5)")

    assert system.ask("POST", server.url_for("/records"), json={}, judge=judge).body == {"errorCode": 0}


def test_statuses_without_a_body_have_none(server: HTTPServer, system: HttpSystem) -> None:
    for status in (204, 304):
        server.expect_request(f"/{status}").respond_with_data("", status=status)
        answer = system.ask("GET", server.url_for(f"/{status}"))
        assert (answer.status, answer.body) == (status, None)


def test_a_redirect_within_the_host_is_followed_and_one_elsewhere_is_not(
    server: HTTPServer, system: HttpSystem
) -> None:
    server.expect_request("/old").respond_with_data("", 302, {"Location": "/records"})
    server.expect_request("/away").respond_with_data("", 302, {"Location": "http://elsewhere.invalid/records"})
    server.expect_request("/round").respond_with_data("", 302, {"Location": "/round"})
    asked = answers(server, ok())
    assert system.ask("GET", server.url_for("/old"), headers={"Authorization": SECRET}).status == 200
    assert asked[0].headers["Authorization"] == SECRET
    for path, reason in (("/away", "leads to elsewhere.invalid, where nothing is sent"), ("/round", "leads on and on")):
        with pytest.raises(SourceError, match=reason):
            system.ask("GET", server.url_for(path), headers={"Authorization": SECRET})
    with pytest.raises(SourceError, match="where nothing is sent"):
        system.ask("POST", server.url_for("/old"), form={"refresh_token": SECRET})


def test_an_address_that_is_none_is_the_settings_fault(system: HttpSystem) -> None:
    for url in ("ftp://example.com/x", "example.com/x", "http://[::1/x"):
        with pytest.raises(SourceError, match=r"Mend it in the source"):
            system.ask("GET", url)


def test_a_download_is_tried_again_until_it_is_whole_and_leaves_nothing_when_it_is_not(
    server: HTTPServer, system: HttpSystem, tmp_path: Path
) -> None:
    answers(server, Response(status=500), Response(b"part"), Response(b"whole"))
    path = tmp_path / "file"

    def judge(file: Path) -> None:
        if file.read_bytes() != b"whole":
            raise TryAgain("the file is cut")

    system.download(server.url_for("/records"), path, judge=judge)
    assert path.read_bytes() == b"whole"
    with pytest.raises(SourceUnavailable, match="the file is longer than 0 MB"):
        system.download(server.url_for("/records"), path, limit=4)
    assert not path.exists()


def asking(**policy: float) -> HttpSystem:
    return HttpSystem("Source crm", AT_ONCE.model_copy(update=policy))


class RawServer:
    """A socket that answers every request with these bytes and closes, or never answers."""

    def __init__(self, content: bytes, *, hangs: bool = False) -> None:
        self._content, self._hangs = content, hangs
        self._done = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/records"

    def _serve(self) -> None:
        kept = []
        while not self._done.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self._hangs:
                kept.append(connection)
                continue
            connection.recv(65536)
            connection.sendall(self._content)
            connection.close()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._socket.close()


@pytest.mark.parametrize("status", [408, 425, 429])
def test_what_must_not_be_done_twice_is_sent_again_where_it_was_not_done(
    server: HTTPServer, system: HttpSystem, status: int
) -> None:
    asked = answers(server, Response(status=status), ok())
    assert system.ask("POST", server.url_for("/records"), json={}, repeats=False).body == {"data": [1]}
    assert len(asked) == 2


@pytest.mark.parametrize(
    "answer", [Response(status=502), Response(status=503), Response("{", content_type="application/json")]
)
def test_what_must_not_be_done_twice_is_not_sent_again_where_it_may_have_been_done(
    server: HTTPServer, system: HttpSystem, answer: Response
) -> None:
    asked = answers(server, answer)
    with pytest.raises(SourceUnavailable, match=r"gave no usable answer in 1 try; the last time it"):
        system.ask("POST", server.url_for("/records"), json={}, repeats=False)
    assert len(asked) == 1


def test_what_must_not_be_done_twice_is_sent_again_where_nobody_listened() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with asking() as system, pytest.raises(SourceUnavailable, match="in 3 tries; the last time no connection"):
        system.ask("POST", f"http://127.0.0.1:{port}/records", json={}, repeats=False)
