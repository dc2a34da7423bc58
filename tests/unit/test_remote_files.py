"""Files elsewhere land like files here, from real servers on loopback; unchanged ones are not fetched again."""

from __future__ import annotations

import gzip
import io
import logging
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from landing_workshop import NOW, Workshop
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from s3_server import ACCESS_KEY, SECRET_KEY, Bucket, s3_server
from sftp_server import PASSWORD, SftpFolder, sftp_server
from werkzeug import Request, Response

from dagster_project.defs.sensors import watched_files
from dagster_project.errors import SettingsError
from dagster_project.landing import LandingResult, land
from dagster_project.landing.check import inspect_reads
from dagster_project.landing.remote import NOTES
from dagster_project.settings import Settings
from dagster_project.settings.environment import Secrets
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable

COLUMNS = "{order_id: id, customer_ref: buyer, ordered_at: at, gross_amount: total}"
S3_SECRETS = {"STRATA_SHOP_STORAGE_KEY": ACCESS_KEY, "STRATA_SHOP_STORAGE_SECRET": SECRET_KEY}
SFTP_SECRETS = {"STRATA_SHOP_STORAGE_PASSWORD": PASSWORD}
EACH_ID = "select order_id from orders order by order_id"


def orders(*numbers: int, total: str = "10.00") -> bytes:
    lines = [f"{number},B{number},2024-02-01 10:00:00,{total}" for number in numbers]
    return "\n".join(["id,buyer,at,total", *lines, ""]).encode()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "installation")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with s3_server() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpFolder]:
    (tmp_path / "served").mkdir()
    with sftp_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def web() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as running:
        yield running


def settings_of(workshop: Workshop, path: str, storage: str = "{}", secrets: dict[str, str] | None = None) -> Settings:
    workshop.root.mkdir(exist_ok=True)
    document = (
        f"  - name: shop\n    time_zone: UTC\n    storage: {storage}\n"
        "    remote: {attempts: 3, longest_wait_seconds: 0.01, timeout_seconds: 5}\n"
        f"    reads:\n      - entity: orders\n        path: {path}\n        columns: {COLUMNS}\n"
    )
    settings = workshop.settings(document)
    kept = Secrets({name: SecretStr(value) for name, value in (secrets or {}).items()})
    return replace(settings, environment=replace(settings.environment, secrets=kept))


def land_from(
    workshop: Workshop, path: str, storage: str = "{}", secrets: dict[str, str] | None = None
) -> LandingResult:
    return land(settings_of(workshop, path, storage, secrets), now=NOW)


def land_s3(workshop: Workshop, bucket: Bucket, path: str) -> LandingResult:
    return land_from(workshop, path, f"{{endpoint_url: '{bucket.url}', region: eu-central-1}}", S3_SECRETS)


def land_sftp(workshop: Workshop, server: SftpFolder, path: str) -> LandingResult:
    return land_from(workshop, f"{server.url}{path}", f"{{host_key: '{server.fingerprint}'}}", SFTP_SECRETS)


def test_objects_that_a_pattern_matches_land_in_natural_order_with_their_address_as_lineage(
    workshop: Workshop, bucket: Bucket
) -> None:
    bucket.objects |= {f"exports/orders-{number}.csv": orders(number) for number in (1, 2, 3, 10, 11)}
    bucket.objects |= {"exports/refunds.csv": b"x", "exports/.orders-9.csv": b"x", "other/orders-7.csv": orders(7)}
    result = land_s3(workshop, bucket, "s3://shop/exports/orders-*.csv")
    assert [read.source_file for read in result.reads] == [
        f"s3://shop/exports/orders-{number}.csv" for number in (1, 2, 3, 10, 11)
    ]
    assert workshop.rows(EACH_ID) == [("1",), ("10",), ("11",), ("2",), ("3",)]
    assert not list((workshop.paths.landing / "temporary").iterdir())


def test_an_unchanged_object_is_not_fetched_again_and_a_changed_one_is(workshop: Workshop, bucket: Bucket) -> None:
    bucket.objects |= {"orders-1.csv": orders(1), "orders-2.csv": orders(2)}
    land_s3(workshop, bucket, "s3://shop/orders-*.csv")
    assert bucket.downloads() == ["orders-1.csv", "orders-2.csv"]
    again = land_s3(workshop, bucket, "s3://shop/orders-*.csv")
    assert [read.note for read in again.reads] == ["landed before", "landed before"]
    assert bucket.downloads() == []
    bucket.objects["orders-2.csv"] = orders(2, total="99.00")
    assert [batch.changed for batch in land_s3(workshop, bucket, "s3://shop/orders-*.csv").batches] == [1]
    assert bucket.downloads() == ["orders-2.csv"]


def test_a_lost_note_costs_a_download_and_lands_nothing_twice(workshop: Workshop, bucket: Bucket) -> None:
    bucket.objects["orders.csv"] = orders(1, 2)
    land_s3(workshop, bucket, "s3://shop/orders.csv")
    (workshop.paths.landing / NOTES).write_text("{damaged", encoding="utf-8")
    bucket.asked.clear()
    assert land_s3(workshop, bucket, "s3://shop/orders.csv").batches == []
    assert bucket.downloads() == ["orders.csv"]
    land_s3(workshop, bucket, "s3://shop/orders.csv")
    assert bucket.downloads() == []


def test_a_changed_mapping_fetches_and_reads_again(workshop: Workshop, bucket: Bucket) -> None:
    bucket.objects["orders.csv"] = orders(1)
    land_s3(workshop, bucket, "s3://shop/orders.csv")
    settings = settings_of(workshop, "s3://shop/orders.csv", f"{{endpoint_url: '{bucket.url}'}}", S3_SECRETS)
    file = workshop.paths.config / "sources.yaml"
    file.write_text(file.read_text().replace("total}", "total, channel: buyer}"))
    text = file.read_text().partition("sources:\n")[2]
    changed = replace(workshop.settings(text), environment=settings.environment)
    assert [batch.changed for batch in land(changed, now=NOW).batches] == [1]


def test_archives_and_packed_files_are_read_as_they_are_here(workshop: Workshop, bucket: Bucket) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/orders-1.csv", orders(1))
        archive.writestr("orders-2.csv", orders(2))
    bucket.objects |= {"all.zip": packed.getvalue(), "orders-3.csv.gz": gzip.compress(orders(3))}
    result = land_s3(workshop, bucket, "[s3://shop/all.zip, s3://shop/*.gz]")
    assert sorted(read.source_file for read in result.reads) == [
        "s3://shop/all.zip!a/orders-1.csv",
        "s3://shop/all.zip!orders-2.csv",
        "s3://shop/orders-3.csv.gz",
    ]
    assert workshop.rows("select count(*) from orders") == [(3,)]
    bucket.asked.clear()
    land_s3(workshop, bucket, "[s3://shop/all.zip, s3://shop/*.gz]")
    assert bucket.downloads() == []


def test_files_here_and_elsewhere_make_one_read(workshop: Workshop, bucket: Bucket) -> None:
    bucket.objects["orders-2.csv"] = orders(2)
    workshop.write("orders-1.csv", orders(1).decode())
    result = land_s3(workshop, bucket, "[inbox/orders-*.csv, 's3://shop/orders-*.csv']")
    assert [read.source_file for read in result.reads] == ["inbox/orders-1.csv", "s3://shop/orders-2.csv"]


def test_check_reads_files_elsewhere_and_the_sensor_leaves_them_to_the_schedule(
    workshop: Workshop, bucket: Bucket
) -> None:
    bucket.objects["orders-2.csv"] = orders(2)
    workshop.write("orders-1.csv", orders(1).decode())
    path = "[inbox/orders-*.csv, 's3://shop/orders-*.csv']"
    settings = settings_of(workshop, path, f"{{endpoint_url: '{bucket.url}'}}", S3_SECRETS)
    reads = inspect_reads(settings, now=NOW)
    assert [(each.source_file, each.counts and each.counts.read) for each in reads] == [
        ("inbox/orders-1.csv", 1),
        ("s3://shop/orders-2.csv", 1),
    ]
    assert [file.name for file in watched_files(settings)] == ["orders-1.csv"]
    away = settings_of(workshop, path, "{endpoint_url: 'http://127.0.0.1:9'}", S3_SECRETS)
    here, elsewhere = inspect_reads(away, now=NOW)
    assert here.problem is None
    assert "does not answer" in (elsewhere.problem or "")


@pytest.mark.parametrize("fault", [503, 500, "cut"])
def test_a_store_that_stumbles_is_asked_again(workshop: Workshop, bucket: Bucket, fault: int | str) -> None:
    bucket.objects["orders.csv"] = orders(*range(500))
    # It is looked at twice before it is fetched.
    bucket.faults += ["", "", fault] if fault == "cut" else [fault]
    land_s3(workshop, bucket, "s3://shop/orders.csv")
    assert workshop.rows("select count(*) from orders") == [(500,)]


def test_a_store_that_does_not_answer_is_unavailable(workshop: Workshop) -> None:
    settings = settings_of(workshop, "s3://shop/orders.csv", "{endpoint_url: 'http://127.0.0.1:9'}", S3_SECRETS)
    with pytest.raises(SourceUnavailable, match=r"s3://shop/orders\.csv does not answer"):
        land(settings, now=NOW)


@pytest.mark.parametrize("secrets", [{}, {**S3_SECRETS, "STRATA_SHOP_STORAGE_KEY": "AKIAWRONG"}], ids=["none", "wrong"])
def test_a_refused_key_is_told_without_being_shown(
    workshop: Workshop,
    bucket: Bucket,
    secrets: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    bucket.objects["orders.csv"] = orders(1)
    caplog.set_level(logging.INFO)
    with pytest.raises(SourceError, match="access is refused") as caught:
        land_from(workshop, "s3://shop/orders.csv", f"{{endpoint_url: '{bucket.url}'}}", secrets)
    assert not isinstance(caught.value, SourceUnavailable)
    assert "STRATA_SHOP_STORAGE_KEY" in str(caught.value)
    assert SECRET_KEY not in f"{caught.value}{caplog.text}"
    assert "AKIAWRONG" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(workshop: Workshop, bucket: Bucket, server: SftpFolder) -> None:
    with pytest.raises(SourceError, match=r"there is no file s3://shop/ordesr\.csv\. Put it there or mend path"):
        land_s3(workshop, bucket, "s3://shop/ordesr.csv")
    with pytest.raises(SourceError, match=r"there is no file sftp://127\.0\.0\.1:\d+/ordesr\.csv\. Put"):
        land_sftp(workshop, server, "/ordesr.csv")
    assert [read.note for read in land_s3(workshop, bucket, "s3://shop/no-*.csv").reads] == ["no file matches"]


def test_files_on_an_sftp_server_land_and_are_fetched_again_only_when_they_change(
    workshop: Workshop, server: SftpFolder
) -> None:
    (server.folder / "out").mkdir()
    for number in (1, 2):
        (server.folder / "out" / f"orders-{number}.csv").write_bytes(orders(number))
    result = land_sftp(workshop, server, "/out/orders-*.csv")
    address = f"sftp://127.0.0.1:{server.port}/out/orders-"
    assert [read.source_file for read in result.reads] == [f"{address}1.csv", f"{address}2.csv"]
    assert server.opened == ["/out/orders-1.csv", "/out/orders-2.csv"]
    land_sftp(workshop, server, "/out/orders-*.csv")
    assert len(server.opened) == 2
    (server.folder / "out" / "orders-2.csv").write_bytes(orders(2, total="11.00"))
    os.utime(server.folder / "out" / "orders-2.csv", (1_800_000_000, 1_800_000_000))
    assert [batch.changed for batch in land_sftp(workshop, server, "/out/orders-*.csv").batches] == [1]


def test_a_server_whose_key_is_not_known_is_sent_nothing_and_the_cure_shows_its_fingerprint(
    workshop: Workshop, server: SftpFolder
) -> None:
    for storage in ("{}", "{host_key: 'SHA256:another'}"):
        with pytest.raises(SourceError, match=r"storage: \{host_key: 'SHA256:") as caught:
            land_from(workshop, f"{server.url}/orders.csv", storage, SFTP_SECRETS)
        assert server.fingerprint in str(caught.value)
        assert PASSWORD not in str(caught.value)
    assert server.offered == []


def test_a_key_file_opens_an_sftp_server_without_a_password(
    workshop: Workshop, server: SftpFolder, tmp_path: Path
) -> None:
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "id_ecdsa"))
    server.user_keys.append(key.get_base64())
    (server.folder / "orders.csv").write_bytes(orders(1))
    storage = f"{{host_key: '{server.fingerprint}', key_filename: '{tmp_path / 'id_ecdsa'}'}}"
    land_from(workshop, f"{server.url}/orders.csv", storage)
    assert workshop.rows(EACH_ID) == [("1",)]
    assert server.offered == []


def test_a_file_that_is_still_being_written_is_not_landed_half(workshop: Workshop, server: SftpFolder) -> None:
    growing = server.folder / "orders.csv"
    growing.write_bytes(orders(1))

    def grow(path: str) -> None:
        with growing.open("ab") as out:
            out.write(orders(len(server.opened) + 1).partition(b"\n")[2])

    server.when_opened = grow
    with pytest.raises(SourceUnavailable, match="changed while it was fetched"):
        land_sftp(workshop, server, "/orders.csv")
    assert workshop.manifest.batches == ()
    server.when_opened = None
    land_sftp(workshop, server, "/orders.csv")
    assert workshop.rows("select count(*) from orders") == [(4,)]


def test_a_wrong_password_is_refused_at_once_and_not_shown(workshop: Workshop, server: SftpFolder) -> None:
    with pytest.raises(SourceError, match="access is refused") as caught:
        land_from(
            workshop,
            f"{server.url}/orders.csv",
            f"{{host_key: '{server.fingerprint}', look_for_keys: false, allow_agent: false}}",
            {"STRATA_SHOP_STORAGE_PASSWORD": "wrong-password-1"},
        )
    assert not isinstance(caught.value, SourceUnavailable)
    assert "wrong-password-1" not in str(caught.value)


def test_a_server_that_is_gone_is_unavailable(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="does not answer"):
        land_from(workshop, "sftp://exporter@127.0.0.1:9/orders.csv", secrets=SFTP_SECRETS)


def test_a_file_on_a_web_server_lands_with_password_and_is_fetched_again_only_when_its_mark_changes(
    workshop: Workshop, web: HTTPServer
) -> None:
    state = {"etag": '"v1"', "body": orders(1), "fetched": 0}

    def answer(request: Request) -> Response:
        if request.authorization is None or request.authorization.password != "web-password-3":
            return Response("who are you, web-password-3?", status=401)
        state["fetched"] += request.method == "GET"
        return Response(state["body"], headers={"ETag": state["etag"]})

    web.expect_request("/orders.csv").respond_with_handler(answer)
    secrets = {"STRATA_SHOP_STORAGE_KEY": "reader", "STRATA_SHOP_STORAGE_PASSWORD": "web-password-3"}
    url = web.url_for("/orders.csv")
    result = land_from(workshop, url, secrets=secrets)
    assert [read.source_file for read in result.reads] == [url]
    land_from(workshop, url, secrets=secrets)
    assert state["fetched"] == 1
    state |= {"etag": '"v2"', "body": orders(1, 2)}
    land_from(workshop, url, secrets=secrets)
    assert state["fetched"] == 2
    assert workshop.rows("select count(*) from orders") == [(2,)]
    wrong = {**secrets, "STRATA_SHOP_STORAGE_PASSWORD": "another"}
    state["etag"] = '"v3"'
    with pytest.raises(SourceError, match="cannot be fetched") as caught:
        land_from(workshop, url, secrets=wrong)
    assert "web-password-3" not in str(caught.value)


def test_a_signed_address_is_fetched_as_it_is_and_never_shown(workshop: Workshop, web: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(status=403)  # such an address is signed for GET alone
        return Response(orders(1)) if request.args.get("X-Signature") == "sig-77aa" else Response(status=403)

    web.expect_request("/orders.csv").respond_with_handler(answer)
    result = land_from(workshop, web.url_for("/orders.csv") + "?X-Signature=sig-77aa")
    assert workshop.rows("select count(*) from orders") == [(1,)]
    assert "sig-77aa" not in str(result)
    kept = [file.read_text("utf-8") for file in workshop.paths.landing.glob("**/*.json")]
    assert kept
    assert not any("sig-77aa" in text for text in kept)
    with pytest.raises(SourceError) as caught:
        land_from(workshop, web.url_for("/orders.csv") + "?X-Signature=sig-88bb")
    assert "sig-88bb" not in str(caught.value)


def test_a_file_cut_short_by_a_web_server_is_fetched_again(workshop: Workshop, web: HTTPServer) -> None:
    content = orders(*range(300))
    tries: list[str] = []

    def answer(request: Request) -> Response:
        tries.append(request.method)
        if tries.count("GET") == 1 and request.method == "GET":
            response = Response(content[:1000], direct_passthrough=True)
            response.headers["Content-Length"] = str(len(content))
            return response
        return Response(content)

    web.expect_request("/orders.csv").respond_with_handler(answer)
    land_from(workshop, web.url_for("/orders.csv"))
    assert workshop.rows("select count(*) from orders") == [(300,)]
    assert tries.count("GET") == 2


def test_a_store_whose_driver_is_not_installed_names_what_to_install(workshop: Workshop) -> None:
    with pytest.raises(SourceError, match=r"files at oss:// need the driver ossfs. Install it: pip install 'ossfs'"):
        land_from(workshop, "oss://shop/orders.csv")


@pytest.mark.parametrize(
    ("path", "storage", "said"),
    [
        ("sftp://exporter:geheim@host/orders.csv", "{}", "a password does not belong here"),
        ("ftp://host/orders.csv", "{}", "no files are read by ftp://; did you mean 'sftp'"),
        ("https://host/orders-*.csv", "{}", "a web server does not list its files"),
        ("s3://shop/orders.csv", "{secret: geheim}", "a secret does not belong here"),
        ("s3://shop/orders.csv", "{secret_access_key: geheim}", "a secret does not belong here"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_and_no_secret_repeated(
    workshop: Workshop, path: str, storage: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        settings_of(workshop, f"'{path}'", storage)
    assert "geheim" not in str(caught.value)
