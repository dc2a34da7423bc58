"""Kills a room of the product at a chosen moment with SIGKILL, as a process of its own, and judges what is left.

A fault is a number: it says at which event (a file opened for writing, renamed, removed; a line of the product begun;
of dbt a statement begun or done) or at which share of the undisturbed duration the process dies, so that short critical
windows are hit and long statements of the engine too. The same number is the same fault, but for threads.

A room at work is a fork of a server, this file as a program, that has imported what the rooms need.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from itertools import count
from pathlib import Path
from threading import Timer
from types import CodeType, FrameType
from typing import Any

from faulty_rooms import ROOMS, Room

import dagster_project
from dagster_project.forking import ForkServer, die_with_parent, serve_forks, served_channel, split_parent
from dagster_project.settings.paths import PROJECT_ROOT

FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.symlink", "os.truncate", "os.link"}
PRODUCT = str(Path(dagster_project.__file__).parent)
# Else most kills would come in the few lines that are run for every row.
VISITS_OF_A_LINE = 2
TRIES = 5
# Stands before what a room tells at its end, among all else that it may print.
DONE = "done: "


@dataclass(frozen=True)
class Undisturbed:
    """What a room does when nobody disturbs it: its events, its seconds and its result."""

    events: int
    seconds: float
    result: Any


@dataclass(frozen=True)
class Fault:
    """One kill and what became of it; `problem` is empty where all was as promised."""

    room: str
    number: int
    moment: str
    was_killed: bool
    problem: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Events:
    """Counts what a room does to files below its folder and to the engine, and kills the process at one of them."""

    def __init__(self, folder: Path, fatal: int | None) -> None:
        self._folder = str(folder)
        self._fatal = fatal
        self._visits: dict[tuple[CodeType, int], int] = {}
        self._numbers = count(1)  # of several threads each takes its own
        self.count = 0

    def watch(self, room: Room) -> None:
        sys.addaudithook(self._audited)
        if room.tell_statements is None:
            sys.settrace(self._called)
        else:
            room.tell_statements(self._happened)

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_written = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if (event in FILE_EVENTS or is_written) and any(self._folder in str(each) for each in arguments):
            self._happened()

    def _called(self, frame: FrameType, _: str, __: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(PRODUCT) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            place = (frame.f_code, frame.f_lineno)
            self._visits[place] = self._visits.get(place, 0) + 1
            if self._visits[place] <= VISITS_OF_A_LINE:
                self._happened()
        return self._line

    def _happened(self) -> None:
        self.count = number = next(self._numbers)
        if number == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def run(
    room: Room,
    folder: Path,
    server: ForkServer,
    *,
    at_event: int | None = None,
    after_seconds: float | None = None,
    is_watched: bool = True,
) -> tuple[int, float] | None:
    """Let the room work in `folder`, killed at this event or after so long. Its events and seconds; None if killed.

    Who is not watched is quicker and has no events.

    Raises:
        RuntimeError: it failed by itself; the message is what it printed.
    """
    fork = server.fork([room.name], [room.name, str(folder), json.dumps([at_event, is_watched])])
    assert fork is not None, "the server of rooms is gone"
    end = Timer(after_seconds or 0, fork.send_signal, [signal.SIGKILL])
    if after_seconds is not None:
        end.start()
    with fork.stdout:
        printed = fork.stdout.read().decode(errors="replace")
    code = fork.wait()
    end.cancel()
    if code == -signal.SIGKILL:
        return None
    if code != 0:
        raise RuntimeError(f"{room.name} ended with {code}: {printed[-2000:]}")
    told = next(line for line in printed.splitlines() if line.startswith(DONE))
    events, seconds = json.loads(told.removeprefix(DONE))
    return events, seconds


def _work(arguments: Sequence[str]) -> int:
    """What a fork does: the room of this name in this folder, watched or not, killed at this event or at none."""
    gc.unfreeze()  # what stays frozen to the end is told by nanobind as leaked
    name, folder, (fatal, is_watched) = *arguments[:2], json.loads(arguments[2])
    events = Events(Path(folder), fatal)
    began = time.monotonic()
    if is_watched:
        events.watch(ROOMS[name])
    ROOMS[name].work(Path(folder))
    sys.settrace(None)
    sys.stdout.write(f"{DONE}{json.dumps([events.count, time.monotonic() - began])}\n")
    return 0


@contextmanager
def _serving(room: Room, base: Path) -> Iterator[ForkServer]:
    """A server for the room: the one of all rooms, or one of its own where it warms up."""
    if room.warm_up is None:
        yield _common_server()
        return
    server = _server(room.name, str(base))
    try:
        yield server
    finally:
        server.close()


@cache
def _common_server() -> ForkServer:
    server = _server("", "")
    atexit.register(server.close)
    return server


def _server(warm_up: str, base: str) -> ForkServer:
    """A server that has done the warm-up of the room of this name with the folder `base`; no name: none."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in sys.path if path)),
        "OPENBLAS_NUM_THREADS": "1",  # as the product has it for its fits, which end elsewhere with more
    }
    return ForkServer([sys.executable, __file__, warm_up, base], environment, str(PROJECT_ROOT))


def undisturbed(room: Room, base: Path, folder: Path, server: ForkServer) -> Undisturbed:
    """Let the room work in `folder`, a copy of `base`, to its end."""
    copy(base, folder)
    done = run(room, folder, server)
    assert done is not None
    result = room.result(folder)
    shutil.rmtree(folder)
    return Undisturbed(*done, result)


def copy(base: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, symlinks=True)


def disturb(room: Room, number: int, base: Path, folder: Path, expected: Undisturbed, server: ForkServer) -> Fault:
    """Kill the room in `folder`, look at what readers have, let it work again to its end, and compare."""
    chance = random.Random(f"{room.name} {number}")  # noqa: S311  a fault is no secret
    at_event = None if chance.random() > room.by_event_share else chance.randint(1, expected.events)
    share = chance.random()
    try:
        for _ in range(TRIES):
            copy(base, folder)
            after_seconds = None if at_event else share * expected.seconds
            done = run(room, folder, server, at_event=at_event, after_seconds=after_seconds)
            if done is None:
                break
            share /= 2  # it was quicker this time
        moment = f"event {at_event} of {expected.events}" if at_event else f"{share:.0%} of the time"
        problem = _problem(room, folder, expected, server) if done is None else ""
        return Fault(room.name, number, moment, was_killed=done is None, problem=problem)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _problem(room: Room, folder: Path, expected: Undisturbed, server: ForkServer) -> str:
    try:
        room.readers_look(folder)
        run(room, folder, server, is_watched=False)
        _same(room.result(folder), expected.result)
        unfinished = [path.name for path in folder.rglob("*") if "unfinished" in path.name]
        assert not unfinished, f"left over: {unfinished}"
    except (AssertionError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    others = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
    assert not others, f"other than undisturbed: {others}"


def faults_of(room: Room, numbers: Iterable[int], workspace: Path, done: Callable[[Fault], None]) -> None:
    """Disturb the room by each of `numbers`, below `workspace`."""
    base = workspace / f"{room.name}-base"
    base.mkdir(parents=True, exist_ok=True)
    room.prepare(base)
    with _serving(room, base) as server:
        expected = undisturbed(room, base, workspace / room.name, server)
        for number in numbers:
            done(disturb(room, number, base, workspace / room.name, expected, server))


if __name__ == "__main__":
    parent_pid, arguments = split_parent(sys.argv[1:])
    die_with_parent(parent_pid)
    *to_warm_up, serve = arguments
    warm_up = ROOMS[to_warm_up[0]].warm_up if to_warm_up[0] else None
    if warm_up is not None:
        warm_up(Path(to_warm_up[1]))
    channel = served_channel([serve])
    assert channel is not None
    sys.exit(serve_forks(channel, _work))
