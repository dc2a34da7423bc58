"""The dbt manifest that Dagster's graph is made from: parsed again only when the dbt project has changed.

A parse costs four seconds, every load of the definitions would pay it. Artifacts of builds live elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from dagster_project.atomic_files import written_beside
from dagster_project.errors import StrataError
from dagster_project.settings import Settings
from dagster_project.settings.children import process_environment
from dagster_project.warehouse.dbt_arguments import dbt_arguments

PARTIAL_PARSE = "partial_parse.msgpack"
NOT_SOURCES = frozenset({"target", "logs", "dbt_packages"})


class DbtProjectError(StrataError):
    """The dbt project cannot be parsed; the message is dbt's."""


def dbt_executable() -> Path:
    """The console script `strata-dbt` of the environment that this process runs in."""
    return Path(sys.executable).with_name("strata-dbt")


def fresh_manifest(settings: Settings) -> Path:
    """Path of a manifest.json that says what the dbt project says now.

    Raises:
        DbtProjectError: dbt cannot parse the project.
    """
    paths = settings.paths
    folder = paths.data / "dbt"
    wanted = folder / f"manifest-{project_fingerprint(paths.dbt_project)}.json"
    if wanted.exists():
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.lock").open("w") as lock:  # two loads at once would write one target folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            parsed = _parse(settings, folder / "parse")
            for stale in folder.glob("manifest-*.json"):
                stale.unlink()
            # The parse itself goes to where builds look for it, so that the first of them need not parse again.
            paths.dbt_target.mkdir(parents=True, exist_ok=True)
            _copy_whole(parsed.with_name(PARTIAL_PARSE), paths.dbt_target / PARTIAL_PARSE)
            _copy_whole(parsed, wanted)
    return wanted


def _parse(settings: Settings, target: Path) -> Path:
    project = settings.paths.dbt_project
    command = [str(dbt_executable()), f"--parent-pid={os.getpid()}", *dbt_arguments("parse")]
    done = subprocess.run(  # noqa: S603
        [*command, "--target-path", str(target), "--log-path", str(target), "--profiles-dir", str(project)],
        cwd=project,
        env=process_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DbtProjectError(f"dbt cannot parse {project}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return target / "manifest.json"


def _copy_whole(source: Path, target: Path) -> None:
    with written_beside(target) as beside:
        shutil.copyfile(source, beside)


def project_fingerprint(project: Path) -> str:
    """A hash over every source file of the dbt project and the versions of dbt."""
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-duckdb')}".encode())
    for file in sorted(project.rglob("*")):
        relative = file.relative_to(project)
        if file.is_file() and not NOT_SOURCES.intersection(relative.parts):
            digest.update(f"\0{relative.as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
