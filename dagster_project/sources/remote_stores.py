"""Stores of files elsewhere: object stores and SFTP servers through fsspec, web servers through our own HTTP.

Addresses are shown without user, password and query; what a driver says is not shown at all, since it may quote them.
"""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from dagster_project.settings.environment import Secrets, secret_variable
from dagster_project.settings.sources import FilesSource
from dagster_project.sources.files import MAX_UNPACKED_BYTES, SourceError, is_pattern
from dagster_project.sources.http import HttpSystem, Refused
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.remote_files import RemoteFile, parts_of
from dagster_project.sources.tries import tries

SFTP_PORT = 22
# What the drivers raise where asking again is no use; their classes are known by name, for none may be installed.
REFUSALS = frozenset(
    {
        *("PermissionError", "AuthenticationException", "BadHostKeyException", "NoCredentialsError"),
        *("PartialCredentialsError", "ClientAuthenticationError", "DefaultCredentialsError", "ParamValidationError"),
    }
)


class FsspecStore(ABC):
    """What a file system of fsspec is asked, whichever it is."""

    def __init__(self, source: FilesSource, beginning: str, place: str) -> None:
        self._source, self._beginning, self._place = source, beginning, place
        self._files: Any = None

    @abstractmethod
    def _connect(self) -> Any:
        """The file system, connected."""

    def close(self) -> None:
        self._files = None

    def find(self, location: str) -> list[RemoteFile]:
        def once() -> list[RemoteFile]:
            found = self._infos(location)
            return [self._file(info) for info in found if info.get("type") == "file"]

        found: list[RemoteFile] = self._tried(once, location)
        return found

    def fetch(self, file: RemoteFile, target: Path) -> None:
        def once() -> None:
            before = self._file(self._files.info(file.location))
            self._files.get_file(file.location, str(target))
            after = self._file(self._files.info(file.location))
            if target.stat().st_size != after.size or before != after:
                raise SourceUnavailable(
                    f"{self._place}: {file.name} changed while it was fetched. The next run fetches it again; where "
                    "files are written slowly, let them be renamed into place when they are whole."
                )

        try:
            self._tried(once, file.location)
        except FileNotFoundError:
            raise SourceUnavailable(f"{self._place}: {file.name} went away before it was fetched.") from None

    def _infos(self, location: str) -> list[dict[str, Any]]:
        try:
            if not is_pattern(location):
                return [self._files.info(location)]
            return [
                self._files.info(name) if info.get("type") == "link" else info
                for name, info in self._files.glob(location, detail=True).items()
            ]
        except FileNotFoundError:
            return []

    def _file(self, info: Mapping[str, Any]) -> RemoteFile:
        size = info.get("size")
        mark = next((info[name] for name in ("ETag", "etag", "generation", "md5", "mtime") if info.get(name)), None)
        token = f"{size} {mark}".replace('"', "") if mark is not None else None
        location = str(info["name"])
        return RemoteFile(f"{self._beginning}{location}", location, size, token, self)

    def _tried(self, once: Callable[[], Any], location: str) -> Any:
        for attempt in tries(self._source.remote.attempts, self._source.remote.longest_wait_seconds):
            with attempt:
                try:
                    if self._files is None:
                        self._files = self._connect()
                    return once()
                except (SourceError, FileNotFoundError):
                    raise
                except Exception as error:
                    self.close()
                    raise self._told(error, location) from None
        raise AssertionError("it is tried at least once")

    def _told(self, error: Exception, location: str) -> SourceError:
        """A driver's fault in our words: its own may hold keys, hosts and signed addresses."""
        kinds = {each.__name__ for each in type(error).__mro__}
        where = f"{self._place}: {self._beginning}{location}"
        if isinstance(error, TypeError | ValueError):
            return SourceError(
                f"{where}: the driver cannot be used so ({type(error).__name__}). See storage of source "
                f"{self._source.name}."
            )
        if kinds & REFUSALS:
            return SourceError(
                f"{where}: access is refused. See that the key, secret or password of source {self._source.name} "
                f"({secret_variable(self._source.name, 'storage_key')}, …_SECRET, …_PASSWORD) is right and may list "
                "and read there."
            )
        return SourceUnavailable(
            f"{where} does not answer ({type(error).__name__}). What landed stays, and the next run goes on from "
            "there. See storage and remote of the source for addresses, time-outs and tries."
        )


class ObjectStore(FsspecStore):
    """S3, Google Cloud Storage, Alibaba Cloud OSS or Azure Blob Storage."""

    def __init__(self, source: FilesSource, protocol: str, options: dict[str, Any], place: str) -> None:
        super().__init__(source, f"{protocol}://", place)
        self._protocol, self._options = protocol, options

    def _connect(self) -> Any:
        import fsspec  # type: ignore[import-untyped]

        options = dict(self._options)
        if self._protocol == "s3":
            seconds = self._source.remote.timeout_seconds
            options["config_kwargs"] = {
                "connect_timeout": seconds,
                "read_timeout": seconds,
                "retries": {"max_attempts": 1},  # we try again ourselves
            }
            region = options.pop("region", None)
            options["client_kwargs"] = {"region_name": region} if region is not None else {}
        files = fsspec.filesystem(self._protocol, skip_instance_cache=True, use_listings_cache=False, **options)
        files.retries = 1
        return files


class SftpServer(FsspecStore):
    """A server that is reached by SFTP, whose key is known before anything is sent to it."""

    def __init__(self, source: FilesSource, authority: str, options: dict[str, Any], place: str) -> None:
        user, _, server = authority.rpartition("@")
        host, _, port = server.partition(":")
        super().__init__(source, f"sftp://{server}", place)
        self._options = {**options, "port": int(port or SFTP_PORT)}
        if user:
            self._options["username"] = unquote(user)
        self._host = host
        self._client: Any = None

    def _connect(self) -> Any:
        import paramiko  # type: ignore[import-untyped]
        from fsspec.implementations.sftp import SFTPFileSystem  # type: ignore[import-untyped]

        options = dict(self._options)
        pinned = options.pop("host_key", None)
        seconds = self._source.remote.timeout_seconds
        client = paramiko.SSHClient()
        if pinned is None:
            client.load_system_host_keys()
        client.set_missing_host_key_policy(_only_known(pinned, self._source, self._place))
        timeouts = {"timeout": seconds, "banner_timeout": seconds, "auth_timeout": seconds, "channel_timeout": seconds}

        class OverThisClient(SFTPFileSystem):  # type: ignore[misc]
            """fsspec's own connects by itself, and to any server that answers."""

            def _connect(self) -> None:
                self.client = client
                self.client.connect(self.host, **{**timeouts, **options})
                self.ftp = self.client.open_sftp()
                self.ftp.get_channel().settimeout(seconds)

        self._client = client
        return OverThisClient(self._host, skip_instance_cache=True, use_listings_cache=False)

    def close(self) -> None:
        super().close()
        if self._client is not None:
            self._client.close()


def _only_known(pinned: Any, source: FilesSource, place: str) -> Any:
    import paramiko

    class OnlyKnown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Refuses a server whose key is not known: whoever stands between could take its place."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002  (paramiko's own)
            digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
            shown = f"SHA256:{digest}"
            if pinned is None or str(pinned).rstrip("=") != shown:
                known = "is another than storage.host_key says" if pinned is not None else "is not known here"
                raise SourceError(
                    f"{place}: the server's key {shown} ({key.get_name()}) {known}. Ask its owner whether it is "
                    f"theirs; if so, set storage: {{host_key: '{shown}'}} in source {source.name}."
                )

    return OnlyKnown()


class WebServer:
    """Files named one by one at http:// or https:// addresses."""

    def __init__(self, source: FilesSource, secrets: Secrets, place: str) -> None:
        self._source, self._place = source, place
        self._system = HttpSystem(place, source.remote)
        user, password = (secrets.find(source.name, name) for name in ("storage_key", "storage_password"))
        self._headers: dict[str, str] = {}
        if password is not None:
            credentials = base64.b64encode(f"{user or ''}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {credentials}"
            self._system.hide(password, credentials)

    def find(self, location: str) -> list[RemoteFile]:
        protocol, authority, _ = parts_of(location)
        path, _, query = location.partition("://")[2].partition("/")[2].partition("?")
        name = f"{protocol}://{authority.rpartition('@')[2]}/{path}"
        # A query may hold a signature, and may be all that tells two files apart.
        name += f"?{hashlib.sha256(query.encode()).hexdigest()[:8]}" if query else ""
        try:
            answer = httpx.head(location, headers=self._headers, timeout=self._source.remote.timeout_seconds)
        except httpx.HTTPError:
            return [RemoteFile(name, location, None, None, self)]  # whether it can be fetched will show
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        token = None
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if answer.status_code == httpx.codes.OK and mark:
            token = f"{answer.headers.get('Content-Length', '')} {mark}".replace('"', "")
        return [RemoteFile(name, location, None, token, self)]

    def fetch(self, file: RemoteFile, target: Path) -> None:
        try:
            self._system.download(file.location, target, headers=self._headers, limit=MAX_UNPACKED_BYTES)
        except Refused as error:
            raise SourceError(
                f"{self._place}: {file.name} cannot be fetched (status {error.status}). See that the address is right "
                f"and the user and password of source {self._source.name} "
                f"({secret_variable(self._source.name, 'storage_key')}, …_PASSWORD) may read it."
            ) from None
        except SourceUnavailable:
            raise SourceUnavailable(
                f"{self._place}: {file.name} did not come whole in {self._source.remote.attempts} tries. What landed "
                "stays, and the next run goes on from there. See remote of the source for time-outs and tries."
            ) from None

    def close(self) -> None:
        self._system.__exit__(None, None, None)
