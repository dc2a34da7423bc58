"""A shop and the real command line run on it, for tests of the whole graph."""

from __future__ import annotations

import atexit
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from threading import Timer

import duckdb
import pytest
from shared_work import done_once, shared_folder
from tiny_shop import build_tiny_shop

from dagster_project.forking import Fork, ForkServer
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.paths import PROJECT_ROOT

STRATA = [sys.executable, "-m", "dagster_project.cli"]
FIRST_AS_OF = date(2024, 12, 30)
SECOND_AS_OF = date(2024, 12, 31)
LONGEST_SECONDS = 600
RANGE = [date(2024, 11, 29), date(2024, 11, 30), date(2024, 12, 1)]  # across a month end


def undecided_environment() -> dict[str, str]:
    """This process's variables but those that say something to the product or the tools that it is built on."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("STRATA_", "DAGSTER_", "DBT_"))}


class Started:
    """A process of `strata`, with what tests ask of a `subprocess.Popen`."""

    def __init__(self, fork: Fork) -> None:
        self._fork = fork
        self.pid = fork.pid
        self.stdout = io.TextIOWrapper(fork.stdout, encoding="utf-8")

    @property
    def returncode(self) -> int | None:
        return self._fork.returncode

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self._fork.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self._fork.wait(timeout)

    def send_signal(self, number: int) -> None:
        self._fork.send_signal(number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float) -> tuple[str, None]:
        """What it prints to its end; it is killed when that takes longer than `timeout` seconds."""
        deadline = Timer(timeout, self.kill)
        deadline.start()
        printed = self.stdout.read()
        self.wait()
        deadline.cancel()
        return printed, None


@dataclass(frozen=True)
class Shop:
    """A config folder, a data folder and variables for its commands, with nothing else of this machine's in play."""

    config: Path
    data: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return load_settings(self.config, self.data)

    @property
    def environment(self) -> dict[str, str]:
        own = {"STRATA_CONFIG": str(self.config), "STRATA_DATA": str(self.data)}
        return {**undecided_environment(), **own, **self.variables}

    def copied_to(self, folder: Path) -> Shop:
        """This shop with all that has been built of it, elsewhere."""
        shutil.copytree(self.config, folder / "config")
        shutil.copytree(self.data, folder / "data", symlinks=True)
        return Shop(folder / "config", folder / "data", self.variables)

    def given(self, **variables: str) -> Shop:
        """This shop, whose commands get just these variables."""
        return replace(self, variables=variables)

    def spared_the_parse(self, parsed_project: Path) -> Shop:
        """This shop, which has not run yet, with the dbt project parsed."""
        shutil.copytree(parsed_project, self.data / "dbt")
        return self

    def strata(self, *words: str, code: int = 0, **variables: str) -> str:
        """Run `strata` to its end; gives what it printed."""
        with self.started(*words, **variables) as process:
            printed, _ = process.communicate(LONGEST_SECONDS)
        assert process.returncode == code, printed + self.newest_log()[-5000:]
        return printed

    @contextmanager
    def started(self, *words: str, **variables: str) -> Iterator[Started]:
        """`strata` as it runs; killed at the end of the block when it still does."""
        with _strata_server() as server:
            environment = json.dumps({**self.environment, **variables})
            fork = server.fork(["strata", *words], [environment, *words])
            assert fork is not None, "the server of forks is gone"
            process = Started(fork)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def newest_log(self) -> str:
        """The log of the newest run; empty where there is none."""
        logs = sorted((self.data / "logs").glob("*.log"), key=lambda log: log.stat().st_mtime_ns)
        return logs[-1].read_text(errors="replace") if logs else ""

    def published(self) -> dict[str, str]:
        """Checksum of every published Parquet table, by day and table."""
        return {
            f"{folder.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
            for folder in sorted((self.data / "published" / "parquet").iterdir())
            if folder.is_symlink()
            for file in sorted(folder.glob("*.parquet"))
        }

    def served(self) -> dict[str, str]:
        """Rows and a hash over them of every table of the serving copy."""
        with duckdb.connect(str(self.data / "published" / "serving" / "strata.duckdb"), read_only=True) as con:
            names = con.execute(
                "select table_name from duckdb_tables() where schema_name = 'main' order by 1"
            ).fetchall()
            return {
                name: str(con.execute(f"select count(*), bit_xor(hash(t)) from main.{name} as t").fetchall()[0])
                for (name,) in names
                if name != "publication"
            }

    def lists(self) -> dict[str, str]:
        """Checksum of every list file and assignment."""
        return {
            str(file.relative_to(self.data)): hashlib.sha256(file.read_bytes()).hexdigest()
            for folder in ("lists", "assignments")
            for file in sorted((self.data / folder).rglob("*"))
            if file.is_file()
        }


def shop_in(folder: Path) -> Shop:
    """The shop whose two folders lie in this one."""
    return Shop(folder / "config", folder / "data")


_idle_servers: list[ForkServer] = []


@contextmanager
def _strata_server() -> Iterator[ForkServer]:
    """Makes one process at a time; kept to the end of the test process for those that come after it."""
    try:
        server = _idle_servers.pop()
    except IndexError:
        program = [sys.executable, str(Path(__file__).with_name("strata_server.py"))]
        server = ForkServer(program, undecided_environment(), str(PROJECT_ROOT))
        atexit.register(server.close)
    try:
        yield server
    finally:
        _idle_servers.append(server)


def build_shared_shop(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Shop:
    """A tiny shop with FIRST_AS_OF built by one `strata run`, made once for all test processes; not to be changed."""

    def build(folder: Path) -> None:
        shop = Shop(*build_tiny_shop(folder)).spared_the_parse(parsed_project)
        shop.strata("run", "--as-of", str(FIRST_AS_OF))

    return shop_in(done_once(shared_folder(tmp_path_factory, "shared_shop"), build))


def wait_until(condition: Callable[[], bool], seconds: float = 120, every: float = 0.05) -> None:
    """Wait until `condition` holds.

    Raises:
        AssertionError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)
