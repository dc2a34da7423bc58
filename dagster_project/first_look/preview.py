"""What landing would make of the files with the settings of a first look, before these are written anywhere."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from dagster_project.landing import InspectedRead, inspect_reads
from dagster_project.settings import Paths, load_settings
from dagster_project.settings.environment import Secrets


def preview(paths: Paths, text: str, *, now: datetime, secrets: Mapping[str, str]) -> list[InspectedRead]:
    """The reads of settings that are only text yet, inspected as `strata check` does. `now` is aware.

    `secrets` are those that the user has named and that the environment need not have yet, by variable.

    Raises:
        SettingsError: the text is no settings that load.
    """
    with tempfile.TemporaryDirectory(prefix="strata-init-") as folder:
        config = Path(folder)
        for name in ("standards.yaml", "publishing.yaml"):
            own = paths.config / name
            shutil.copyfile(own if own.exists() else paths.root / "config" / name, config / name)
        (config / "sources.yaml").write_text(text, encoding="utf-8")
        settings = load_settings(config, paths.data)
        known = {**settings.environment.secrets.variables, **{name: SecretStr(text) for name, text in secrets.items()}}
        environment = replace(settings.environment, secrets=Secrets(known))
        # References that are kept as hashes can be shown before there is a key.
        if environment.hash_key is None:
            environment = replace(environment, hash_key=SecretStr("strata init"))
        return inspect_reads(replace(settings, environment=environment), now=now)
