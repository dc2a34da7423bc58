"""Where the settings that a first look makes are written, and what becomes of the file that stands there.

Nothing is lost: the sample's settings and whatever else is replaced are kept beside it.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from dagster_project.atomic_files import written_beside
from dagster_project.errors import SettingsError
from dagster_project.settings import Paths
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

SETTINGS = ("standards.yaml", "publishing.yaml")


@dataclass(frozen=True)
class Placed:
    """The file that was written, and where the one that stood there is kept."""

    path: Path
    kept: Path | None = None
    was_sample: bool = False


def refuse_to_replace(paths: Paths, output: Path | None, *, force: bool) -> None:
    """Say no before any work where settings of the user's own would be replaced.

    Raises:
        SettingsError: a file stands there that is not the sample's, and `force` is not set.
    """
    target = _target(paths, output)
    if target.exists() and not force and not _is_sample(target):
        raise SettingsError(
            f"{target} holds settings of your own. Write elsewhere with --output FILE, or replace it with --force; it "
            "is then kept beside the new one."
        )


def place(paths: Paths, text: str, *, output: Path | None) -> Placed:
    """Write the settings. The standard and the publishing settings are copied beside them where there are none."""
    target = _target(paths, output)
    target.parent.mkdir(parents=True, exist_ok=True)
    kept: Path | None = None
    was_sample = False
    if target.exists():
        was_sample = _is_sample(target)
        kept = _free(
            target.parent / "examples" / "sources-sample.yaml"
            if was_sample
            else target.with_name(f"{target.stem}-old.yaml"),
            target.read_bytes(),
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, kept)
    with written_beside(target) as beside:
        beside.write_text(text, encoding="utf-8")
    if target.name == "sources.yaml":
        for name in SETTINGS:
            shipped, here = paths.root / "config" / name, target.parent / name
            if not here.exists() and shipped.exists():
                shutil.copyfile(shipped, here)
    return Placed(target, kept, was_sample)


def _target(paths: Paths, output: Path | None) -> Path:
    return (output or paths.config / "sources.yaml").expanduser().absolute()


def _is_sample(target: Path) -> bool:
    """Whether the file is the one that lands the sample, as it is shipped."""
    try:
        return load_model(target, SourcesSettings).business.sample is not None
    except SettingsError:
        return (
            re.search(r"^ {2}sample: complete_journey", target.read_text(encoding="utf-8", errors="replace"), re.M)
            is not None
        )


def _free(wanted: Path, content: bytes) -> Path:
    """`wanted`, or the first numbered name beside it that is free or holds the same."""
    candidate, number = wanted, 1
    while candidate.exists() and candidate.read_bytes() != content:
        number += 1
        candidate = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return candidate
