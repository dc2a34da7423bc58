"""Every kind of source, told apart by `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from dagster_project.settings.sources.database import DatabaseSource
from dagster_project.settings.sources.files import FilesSource
from dagster_project.settings.sources.fxiaoke import FxiaokeSource
from dagster_project.settings.sources.zoho_crm import ZohoSource


def _kind_of(value: Any) -> str:
    kind = value.get("kind", "files") if isinstance(value, Mapping) else getattr(value, "kind", "files")
    return f"kind[{kind}]"


Source = Annotated[
    Annotated[FilesSource, Tag("kind[files]")]
    | Annotated[DatabaseSource, Tag("kind[database]")]
    | Annotated[ZohoSource, Tag("kind[zoho_crm]")]
    | Annotated[FxiaokeSource, Tag("kind[fxiaoke]")],
    Discriminator(_kind_of),
]
