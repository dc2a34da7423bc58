"""Kills a room of the product at a chosen moment with SIGKILL, as a process of its own, and judges what is left.

A fault is a number: it says at which event (a file opened for writing, renamed, removed; a line of the product begun)
or at which share of the undisturbed duration the process dies, so that short critical windows are hit and long
statements of the engine too. The same number is the same fault, but for the engine's own threads.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from faulty_rooms import ROOMS, Room

import dagster_project

FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.symlink", "os.truncate", "os.link"}
PRODUCT = str(Path(dagster_project.__file__).parent)
# Else most kills would come in the few lines that are run for every row.
VISITS_OF_A_LINE = 2
TRIES = 5
CONTEXT = multiprocessing.get_context("forkserver")


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
        self.count = 0

    def watch(self) -> None:
        sys.addaudithook(self._audited)
        sys.settrace(self._called)

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
        self.count += 1
        if self.count == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def _work(name: str, folder: Path, fatal: int | None, told: Connection) -> None:
    told.send("begins")
    events = Events(folder, fatal)
    events.watch()
    began = time.monotonic()
    ROOMS[name].work(folder)
    sys.settrace(None)
    told.send((events.count, time.monotonic() - began))


def run(
    room: Room, folder: Path, *, at_event: int | None = None, after_seconds: float | None = None
) -> tuple[int, float] | None:
    """Let the room work in `folder`, killed at this event or after so long. Its events and seconds; None if killed.

    Raises:
        RuntimeError: it failed by itself; its traceback is on stderr.
    """
    told, tells = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_work, args=(room.name, folder, at_event, tells))
    process.start()
    tells.close()
    assert told.recv() == "begins"
    if after_seconds is not None and not told.poll(after_seconds):
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    if process.exitcode == -signal.SIGKILL:
        return None
    if process.exitcode != 0:
        raise RuntimeError(f"{room.name} ended with {process.exitcode}")
    events, seconds = told.recv()
    return events, seconds


def undisturbed(room: Room, base: Path, folder: Path) -> Undisturbed:
    """Prepare `base`, and let the room work in `folder`, a copy of it, to its end."""
    if not base.exists():
        base.mkdir(parents=True)
        room.prepare(base)
    copy(base, folder)
    done = run(room, folder)
    assert done is not None
    result = room.result(folder)
    shutil.rmtree(folder)
    return Undisturbed(*done, result)


def copy(base: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, symlinks=True)


def disturb(room: Room, number: int, base: Path, folder: Path, expected: Undisturbed) -> Fault:
    """Kill the room in `folder`, look at what readers have, let it work again to its end, and compare."""
    chance = random.Random(f"{room.name} {number}")  # noqa: S311  a fault is no secret
    at_event = None if chance.random() > room.by_event_share else chance.randint(1, expected.events)
    share = chance.random()
    try:
        for _ in range(TRIES):
            copy(base, folder)
            done = run(room, folder, at_event=at_event, after_seconds=None if at_event else share * expected.seconds)
            if done is None:
                break
            share /= 2  # it was quicker this time
        moment = f"event {at_event} of {expected.events}" if at_event else f"{share:.0%} of the time"
        problem = _problem(room, folder, expected) if done is None else ""
        return Fault(room.name, number, moment, was_killed=done is None, problem=problem)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _problem(room: Room, folder: Path, expected: Undisturbed) -> str:
    try:
        room.readers_look(folder)
        run(room, folder)
        _same(room.result(folder), expected.result)
        unfinished = [path.name for path in folder.rglob("*") if "unfinished" in path.name]
        assert not unfinished, f"left over: {unfinished}"
    except (AssertionError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    others = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
    assert not others, f"other than undisturbed: {others}"


def preload() -> None:
    """Have one process import what the rooms need; each of them is a fork of it."""
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path for path in sys.path if path))
    CONTEXT.set_forkserver_preload(["killing"])


def faults_of(room: Room, numbers: Iterable[int], workspace: Path, done: Callable[[Fault], None]) -> None:
    """Disturb the room by each of `numbers`, below `workspace`."""
    base = workspace / f"{room.name}-base"
    expected = undisturbed(room, base, workspace / room.name)
    for number in numbers:
        done(disturb(room, number, base, workspace / room.name, expected))
