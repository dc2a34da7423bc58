"""Traces of people where none should be: logs, pages and Dagster's records of runs. Texts are blotted out there.

What lies in files of the user's own, or in files that nobody here can rewrite, is found and told, never changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from dagster_project.atomic_files import written_beside
from dagster_project.privacy.searching import Needles, ascii_json, files_below
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier

BLOT = "(erased)"
_TEXTS = (".log", ".txt", ".out", ".err", ".json", ".jsonl", ".html", ".sql", ".yaml", ".yml")
# Made by us and needed by nobody after a run: pages of comparisons, what dbt compiled and noted.
_LEFTOVERS = ("dbt", "impact")
# The user's own; and the plan of the erasure, which goes last.
_NOT_OURS = ("inbox", "erasures")
_BUSY_SECONDS = 60


def blot_out(settings: Settings, needles: Needles, say: Callable[[str], None]) -> list[str]:
    """Take the texts out of our own logs, pages and records; gives the places that were changed."""
    changed = []
    for path in _ours(settings):
        if not needles.are_in(path):
            continue
        place = path.relative_to(settings.paths.data)
        say(f"blotting out a trace in {place}")
        if place.parts[0] in _LEFTOVERS:
            path.unlink()
        elif path.suffix == ".db":
            _blot_database(path, needles)
        elif path.suffix in _TEXTS or place.parts[0] == "dagster":
            _blot_text(path, needles)
        else:
            continue
        changed.append(str(place))
    return changed


def files_that_hold(settings: Settings, needles: Needles) -> tuple[list[str], list[str]]:
    """(the user's own files, other files) that hold one of the texts; settings are the user's own.

    Named as landing names files: what lies below data from there on.
    """
    own = [
        str(path.relative_to(folder.parent))
        for folder in (settings.paths.inbox, settings.paths.config)
        for path in files_below(folder)
        if needles.are_in(path)
    ]
    other = [
        str(path.relative_to(settings.paths.data))
        for path in files_below(settings.paths.data)
        if path.relative_to(settings.paths.data).parts[0] not in _NOT_OURS and needles.are_in(path)
    ]
    return own, other


def _ours(settings: Settings) -> Iterator[Path]:
    for folder in ("logs", "reports", "impact", "dbt", "dagster", "audit", "clusters", "standards"):
        yield from files_below(settings.paths.data / folder)


def _blot_text(path: Path, needles: Needles) -> None:
    content = path.read_bytes()
    for needle in needles.bytes:
        content = content.replace(needle, BLOT.encode())
    with written_beside(path, mode=path.stat().st_mode & 0o777) as beside:
        beside.write_bytes(content)


def _blot_database(path: Path, needles: Needles) -> None:
    """Replace the texts in every text column of a SQLite file, and write the file anew."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as con:
        con.execute("begin immediate")
        for (table,) in con.execute("select name from sqlite_master where type = 'table'").fetchall():
            for _, column, *_ in con.execute(f"pragma table_info({quote_identifier(table)})").fetchall():
                name = quote_identifier(column)
                for text in needles.texts:
                    for form in dict.fromkeys((text, ascii_json(text))):
                        con.execute(
                            f"update {quote_identifier(table)} set {name} = replace({name}, ?, ?) "
                            f"where typeof({name}) = 'text' and instr({name}, ?) > 0",
                            [form, BLOT, form],
                        )
        con.execute("commit")
        con.execute("vacuum")
        con.execute("pragma wal_checkpoint(truncate)")
