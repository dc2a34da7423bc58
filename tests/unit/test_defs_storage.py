"""Dagster's event log with kept connections: the same files, at once readable with Dagster's own storage."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from shop_runs import wait_until

from dagster_project.defs.storage import RUNS_KEPT_OPEN, KeptEventLog


def said(run_id: str, words: str) -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        level=20,
        user_message=words,
        run_id=run_id,
        timestamp=time.time(),
        step_key=None,
        job_name="job",
    )


def materialized(asset: str) -> EventLogEntry:
    @dg.asset(name=asset)
    def made() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        run_id = dg.materialize([made], instance=instance).run_id
        entries = [record.event_log_entry for record in instance.get_records_for_run(run_id).records]
    return next(entry for entry in entries if entry.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION)


def words_of(log: SqliteEventLogStorage, run_id: str) -> list[str]:
    return [entry.user_message for entry in log.get_logs_for_run(run_id)]


def test_what_is_stored_is_there_at_once_for_a_reader_with_dagster_s_own_storage(tmp_path: Path) -> None:
    kept = KeptEventLog(str(tmp_path))
    kept.store_event(said("a", "one"))
    kept.store_event(materialized("table"))
    own = SqliteEventLogStorage(str(tmp_path))
    assert words_of(own, "a") == ["one"]
    assert own.has_asset_key(dg.AssetKey("table"))


def test_who_watches_a_run_sees_each_event_as_it_is_stored(tmp_path: Path) -> None:
    """Dagster's page watches the run's file; connections that stay open do not touch it by themselves."""
    kept = KeptEventLog(str(tmp_path))
    kept.store_event(said("a", "before"))
    seen: list[str] = []

    def see(entry: EventLogEntry, _: str) -> None:
        seen.append(entry.user_message)

    own = SqliteEventLogStorage(str(tmp_path))
    own.watch("a", None, see)
    try:
        for word in ("one", "two"):
            kept.store_event(said("a", word))
            wait_until(_contains(seen, word), seconds=20)
    finally:
        own.end_watch("a", see)
        own.dispose()
    assert seen[-2:] == ["one", "two"]


def _contains(seen: list[str], word: str) -> Callable[[], bool]:
    return lambda: word in seen


def test_reading_a_run_does_not_look_like_news_of_it(tmp_path: Path) -> None:
    """A reader that touched the file would wake every watcher, which reads, and so on for ever."""
    kept = KeptEventLog(str(tmp_path))
    kept.store_event(said("a", "one"))
    before = (tmp_path / "a.db").stat().st_mtime_ns
    words_of(kept, "a")
    assert (tmp_path / "a.db").stat().st_mtime_ns == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_page_that_has_looked_at_many_runs_holds_the_files_of_a_few(tmp_path: Path) -> None:
    kept = KeptEventLog(str(tmp_path))
    for number in range(RUNS_KEPT_OPEN + 2):
        kept.store_event(said(f"run{number}", "one"))
    held = {link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.exists()}
    assert len([name for name in held if name.startswith("run") and name.endswith(".db")]) == RUNS_KEPT_OPEN
    assert words_of(kept, "run0") == ["one"]


def test_a_killed_process_loses_no_event(tmp_path: Path) -> None:
    program = (
        "import sys, time; sys.path[:0] = sys.argv[2:]\n"
        "from test_defs_storage import KeptEventLog, said\n"
        "log = KeptEventLog(sys.argv[1])\n"
        "for number in range(50): log.store_event(said('a', str(number)))\n"
        "print('stored', flush=True); time.sleep(60)"
    )
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path), *paths], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stored\n"
        process.send_signal(signal.SIGKILL)
    assert words_of(KeptEventLog(str(tmp_path)), "a") == [str(number) for number in range(50)]


def test_a_run_whose_file_was_removed_begins_anew(tmp_path: Path) -> None:
    """`dagster run wipe` removes the files while a page that looked at them goes on."""
    kept = KeptEventLog(str(tmp_path))
    kept.store_event(said("a", "one"))
    SqliteEventLogStorage(str(tmp_path)).wipe()
    kept.store_event(said("a", "two"))
    assert words_of(SqliteEventLogStorage(str(tmp_path)), "a") == ["two"]
