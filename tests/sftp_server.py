"""An SFTP server on loopback over a folder: paramiko's own server side, one user with a password or a key."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko

USER, PASSWORD = "exporter", "loopback-password-5d2e"


@dataclass
class SftpFolder:
    """The folder that is served, where, by which key, and the files that were opened."""

    folder: Path
    port: int
    fingerprint: str
    opened: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    user_keys: list[str] = field(default_factory=list)
    when_opened: Callable[[str], None] | None = None

    @property
    def url(self) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}"


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpFolder]:
    """A running server that serves `folder` as its root."""
    key = paramiko.ECDSAKey.generate()
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = SftpFolder(folder, listening.getsockname()[1], f"SHA256:{digest}")
        transports: list[paramiko.Transport] = []

        def serve() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                transport = paramiko.Transport(caller)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _interface(served))
                transports.append(transport)
                try:
                    transport.start_server(server=_doorman(served))
                except (paramiko.SSHException, EOFError, OSError):
                    transport.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for transport in transports:
                transport.close()
            thread.join(timeout=5)


def _doorman(served: SftpFolder) -> paramiko.ServerInterface:
    class Doorman(paramiko.ServerInterface):
        def check_auth_password(self, username: str, password: str) -> int:
            served.offered.append(password)
            is_right = (username, password) == (USER, PASSWORD)
            return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

        def check_auth_publickey(self, username: str, key: Any) -> int:
            is_right = username == USER and key.get_base64() in served.user_keys
            return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

        def get_allowed_auths(self, username: str) -> str:
            return "password,publickey"

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED

    return Doorman()


def _interface(served: SftpFolder) -> type[paramiko.SFTPServerInterface]:
    class Files(paramiko.SFTPServerInterface):
        def _real(self, path: str) -> Path:
            return served.folder / self.canonicalize(path).lstrip("/")

        def list_folder(self, path: str) -> Any:
            try:
                found = sorted(self._real(path).iterdir())
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)
            return [paramiko.SFTPAttributes.from_stat(each.stat(), each.name) for each in found]

        def stat(self, path: str) -> Any:
            try:
                return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)

        lstat = stat

        def open(self, path: str, flags: int, attr: Any) -> Any:
            if flags & (os.O_WRONLY | os.O_RDWR):
                return paramiko.SFTP_PERMISSION_DENIED
            try:
                content = self._real(path).open("rb")
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)
            served.opened.append(path)
            if served.when_opened is not None:
                served.when_opened(path)
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = content  # type: ignore[attr-defined]
            return handle

    return Files
