"""A data folder to land into, for the tests of landing: settings from YAML text, files, and what has landed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
from pydantic import SecretStr

from dagster_project.landing import LandingResult, Manifest, land, landing_relations
from dagster_project.settings import Environment, Paths, Settings
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
BUSINESS = """
business:
  time_zone: America/New_York
  currency: USD
  default_country: US
  history_starts_on: 2020-01-01
landing:
  bad_rows_limit: {limit}
sources:
"""


@dataclass(frozen=True)
class Workshop:
    """One installation in a temporary folder."""

    root: Path
    hash_key: str | None = None

    @property
    def inbox(self) -> Path:
        folder = self.root / "data" / "inbox"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def paths(self) -> Paths:
        return Paths(root=self.root, config=self.root / "config", data=self.root / "data")

    def settings(self, sources: str, *, limit: float = 1.0) -> Settings:
        """Settings with these sources (YAML list), the standard and publishing left out: landing reads neither."""
        self.paths.config.mkdir(exist_ok=True)
        file = self.paths.config / "sources.yaml"
        file.write_text(BUSINESS.format(limit=limit) + sources, encoding="utf-8")
        key = SecretStr(self.hash_key) if self.hash_key else None
        return Settings(
            paths=self.paths,
            environment=Environment(deployment=None, hash_key=key, postgres_url=None),
            sources=load_model(file, SourcesSettings),
            standard=cast(Any, None),
            publishing=cast(Any, None),
        )

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        """A text file in the inbox, byte for byte."""
        path = self.inbox / name
        path.write_bytes(text.encode(encoding))
        return path

    def land(self, sources: str, *, limit: float = 1.0, now: datetime = NOW) -> LandingResult:
        """Land with these sources."""
        return land(self.settings(sources, limit=limit), now=now)

    @property
    def manifest(self) -> Manifest:
        return Manifest.load(self.paths)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over views named as the landed relations are."""
        con = duckdb.connect()
        try:
            con.execute("set TimeZone = 'UTC'")
            for name, relation in landing_relations(self.manifest).items():
                con.execute(f"create view {name} as {relation}")
            return con.execute(sql).fetchall()
        finally:
            con.close()

    def quarantine(self) -> list[tuple[Any, ...]]:
        """row_number, kind, reasons and original text of every row in quarantine files."""
        files = str(self.paths.landing / "quarantine" / "*.parquet")
        if not list((self.paths.landing / "quarantine").glob("*.parquet")):
            return []
        return self.rows(
            f"select row_number, kind, reasons, original from read_parquet('{files}') order by batch_id, row_number"
        )
