"""Dagster's page behind the nginx site of deploy/."""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster_page import Page, free_port, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from dagster_project.settings.paths import PROJECT_ROOT

LOGIN = {"Authorization": "Basic " + base64.b64encode(b"alice:orange").decode()}
CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=strata -addext subjectAltName=IP:127.0.0.1 "
    "-keyout key.pem -out certificate.pem"
)
QUERY = json.dumps({"query": "query { version }"}).encode()
MAIN = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/strata.conf;
}}
"""


@dataclass(frozen=True)
class Site:
    """The page as its users reach it."""

    port: int
    trusted: ssl.SSLContext

    def answered(self, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}{path}", body, {"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trusted) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()


@pytest.fixture(scope="module")
def nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no nginx: install the package nginx-light")
        pytest.skip("no nginx on this machine")
    return found


@pytest.fixture(scope="module")
def site(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    page_port, port = free_port(), free_port()
    subprocess.run(CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)
    (folder / "htpasswd").write_text("alice:{PLAIN}orange\n")
    (folder / "strata.conf").write_text(shipped_for(folder, page_port, port))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    (folder / "dagster").mkdir()

    webserver = [str(Path(sys.executable).with_name("dagster-webserver")), "-h", "127.0.0.1", "-p", str(page_port)]
    proxy = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    environment = {**os.environ, "DAGSTER_HOME": str(folder / "dagster")}
    with (
        running(
            [*webserver, "--empty-workspace"], environment=environment, log=folder / "page.log", seconds=20
        ) as process,
        running(proxy, environment=environment, log=folder / "proxy.log", seconds=20),
    ):
        Page(page_port, process).wait_until_served()
        served = Site(port, ssl.create_default_context(cafile=folder / "certificate.pem"))
        wait_until_proxied(served)
        yield served


def shipped_for(folder: Path, page_port: int, port: int) -> str:
    """The site that we ship, with this machine's ports, password file and certificate."""
    text = (PROJECT_ROOT / "deploy" / "nginx" / "strata.conf").read_text()
    for shipped, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "http://127.0.0.1:3000": f"http://127.0.0.1:{page_port}",
        "/etc/nginx/strata.htpasswd": f"{folder}/htpasswd",
        "/etc/ssl/strata/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/ssl/strata/privkey.pem": f"{folder}/key.pem",
    }.items():
        assert text.count(shipped) == 1
        text = text.replace(shipped, here)
    return text


def wait_until_proxied(site: Site, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            site.answered("/", {})
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "nginx does not serve"
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic " + base64.b64encode(b"alice:lemon").decode()}])
def test_without_the_password_neither_page_nor_queries_nor_events_open(site: Site, headers: dict[str, str]) -> None:
    assert site.answered("/", headers)[0] == 401
    assert site.answered("/graphql", headers, QUERY)[0] == 401
    with pytest.raises(InvalidStatus) as refused, events_of(site, headers):
        pass
    assert refused.value.response.status_code == 401


def test_with_the_password_the_page_its_queries_and_its_events_open(site: Site) -> None:
    status, page = site.answered("/", LOGIN)
    assert (status, b"<html" in page) == (200, True)
    status, told = site.answered("/graphql", LOGIN, QUERY)
    assert (status, list(json.loads(told)["data"])) == (200, ["version"])
    with events_of(site, LOGIN) as events:
        events.send(json.dumps({"type": "connection_init"}))
        assert json.loads(events.recv(timeout=30))["type"] == "connection_ack"


def events_of(site: Site, headers: dict[str, str]) -> ClientConnection:
    """A websocket, as the page opens one for the events of runs."""
    return connect(
        f"wss://127.0.0.1:{site.port}/graphql",
        ssl=site.trusted,
        additional_headers=headers,
        subprotocols=[Subprotocol("graphql-ws")],
        proxy=None,
    )
