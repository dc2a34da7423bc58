"""Sources that are a Zoho CRM, asked through its REST API."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool

from dagster_project.settings.sources.http import HttpPolicy
from dagster_project.settings.sources.parts import Name
from dagster_project.settings.sources.reads import BaseSource, PulledRead


class ModuleRead(PulledRead):
    """One entity read from a module: Accounts, Contacts, Leads, Deals, Calls … or one of your own, by its API name.

    `full_load` is how a pull without watermark asks: by pages of 200, by Bulk Read jobs of 200,000, or by whichever
    costs fewer credits.
    """

    module: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    deleted: StrictBool = True
    full_load: Literal["auto", "pages", "bulk"] = "auto"

    @property
    def place(self) -> str:
        return self.module

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"deleted", "full_load"}


class ZohoSource(BaseSource):
    """A Zoho CRM. `data_center` is where the company's account is kept: it decides the addresses."""

    secrets: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "refresh_token")

    kind: Literal["zoho_crm"]
    data_center: Literal["us", "eu", "in", "cn", "au", "jp", "ca", "sa"]
    accounts_url: Name | None = None
    api_url: Name | None = None
    http: HttpPolicy = HttpPolicy()
    reads: Annotated[tuple[ModuleRead, ...], Field(min_length=1)]
