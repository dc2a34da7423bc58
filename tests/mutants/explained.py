"""Why survivors that are known change nothing that anybody could notice, by the key of their place."""

from __future__ import annotations

from pathlib import Path

import yaml

EXPLAINED: dict[str, str] = yaml.safe_load(Path(__file__).with_name("survivors.yaml").read_text(encoding="utf-8")) or {}
