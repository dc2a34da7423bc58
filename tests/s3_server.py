"""An object store on loopback that speaks as much of S3 as reading needs: ListObjectsV2, HeadObject and GetObject.

Requests are signed by the access key that it knows, or refused. Faults are given in advance, one a request.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY = "AKIALOOPBACK"
SECRET_KEY = "loopback-secret-7c1f"
PAGE_KEYS = 3


@dataclass
class Bucket:
    """Objects by key, what was asked, and the faults that are still to come: a status, or `cut` for half a body."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: list[int | str] = field(default_factory=list)

    def downloads(self) -> list[str]:
        """Keys that were fetched since the last call, each once."""
        fetched = [each.partition(" ")[2] for each in self.asked if each.startswith("GET ") and "list" not in each]
        self.asked.clear()
        return list(dict.fromkeys(fetched))


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """A running store with one bucket, `shop`."""
    bucket = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(bucket))
    server.daemon_threads = True
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()


def _handler(bucket: Bucket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            name, _, key = unquote(address.path).lstrip("/").partition("/")
            query = {part: values[0] for part, values in parse_qs(address.query, keep_blank_values=True).items()}
            is_list = "list-type" in query
            bucket.asked.append(f"{self.command} {'list' if is_list else key}")
            fault = bucket.faults.pop(0) if bucket.faults else None
            if isinstance(fault, int):
                self._error(fault, "SlowDown" if fault == 503 else "InternalError")
            elif f"Credential={ACCESS_KEY}/" not in self.headers.get("Authorization", ""):
                self._error(403, "InvalidAccessKeyId")
            elif name != "shop":
                self._error(404, "NoSuchBucket")
            elif is_list:
                self._send(200, _listing(bucket, query).encode(), {"Content-Type": "application/xml"})
            elif not key:
                self._send(200, b"", {})
            elif key not in bucket.objects:
                self._error(404, "NoSuchKey")
            else:
                self._object(bucket.objects[key], cut=fault == "cut")

        def _object(self, content: bytes, *, cut: bool) -> None:
            headers = {
                "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
                "Last-Modified": "Thu, 01 Feb 2024 10:00:00 GMT",
                "Accept-Ranges": "bytes",
            }
            status = 200
            if (asked := self.headers.get("Range")) is not None:
                first, _, last = asked.removeprefix("bytes=").partition("-")
                end = min(int(last) + 1 if last else len(content), len(content))
                headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
                content, status = content[int(first) : end], 206
            self._send(status, content, headers, cut=cut)

        def _error(self, status: int, code: str) -> None:
            body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
            self._send(status, body, {"Content-Type": "application/xml"})

        def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            if cut:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _listing(bucket: Bucket, query: dict[str, str]) -> str:
    """One page of keys, after the page before it; with a delimiter, folders instead of what lies below them."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    entries: dict[str, bytes | None] = {}
    for key, content in sorted(bucket.objects.items()):
        if key.startswith(prefix):
            folder, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            entries[prefix + folder + mark if mark else key] = None if mark else content
    after = query.get("continuation-token", "")
    names = [name for name in entries if name > after]
    page = names[: min(PAGE_KEYS, int(query.get("max-keys", PAGE_KEYS)))]
    is_cut = len(names) > len(page)
    written = "".join(_entry(name, entries[name]) for name in page)
    following = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if is_cut else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>shop</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
        f"<MaxKeys>{PAGE_KEYS}</MaxKeys><IsTruncated>{str(is_cut).lower()}</IsTruncated>{following}{written}"
        "</ListBucketResult>"
    )


def _entry(name: str, content: bytes | None) -> str:
    if content is None:
        return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
    at = datetime(2024, 2, 1, 10, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    tag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return (
        f"<Contents><Key>{escape(name)}</Key><LastModified>{at}</LastModified><ETag>&quot;{tag}&quot;</ETag>"
        f"<Size>{len(content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
