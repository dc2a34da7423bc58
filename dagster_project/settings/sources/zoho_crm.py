"""Sources that are a Zoho CRM, asked through its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StrictBool, model_validator

from dagster_project.settings.sources.http import Address, HttpPolicy
from dagster_project.settings.sources.parts import Part, SourceName
from dagster_project.settings.sources.reads import BaseSource, PulledRead
from dagster_project.settings.yaml_documents import fault

# Where an account is kept decides who gives tokens and who answers: accounts address, API address.
DATA_CENTERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "us": ("https://accounts.zoho.com", "https://www.zohoapis.com"),
        "eu": ("https://accounts.zoho.eu", "https://www.zohoapis.eu"),
        "uk": ("https://accounts.zoho.uk", "https://www.zohoapis.uk"),
        "in": ("https://accounts.zoho.in", "https://www.zohoapis.in"),
        "cn": ("https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn"),
        "au": ("https://accounts.zoho.com.au", "https://www.zohoapis.com.au"),
        "jp": ("https://accounts.zoho.jp", "https://www.zohoapis.jp"),
        "ca": ("https://accounts.zohocloud.ca", "https://www.zohoapis.ca"),
        "sa": ("https://accounts.zoho.sa", "https://www.zohoapis.sa"),
    }
)
RECORD_ID = "id"
# Zoho reads these in pages only.
WITHOUT_BULK_READ = frozenset({"Notes", "Attachments", "Emails"})


class ModuleRead(PulledRead):
    """One entity read from a module: Accounts, Contacts, Leads, Deals, Calls … or one of your own, by its API name.

    `deleted` also asks which records were deleted. `full_load` is how a pull without watermark asks: by pages of 200,
    by Bulk Read jobs of 200,000, or by whichever costs fewer credits.
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

    @property
    def follows_deletions(self) -> bool:
        """Whether deleted records are asked for and can be found again: Zoho names them by their id."""
        return self.deleted and self._is_keyed_by_id

    @property
    def names_of_others(self) -> tuple[str, ...]:
        """Parts of a lookup or an owner that are not its id; a Bulk Read job gives the ids alone."""
        names = (name for spec in self.columns.values() for name in spec.source_names)
        return tuple(name for name in (*names, *self.where, *self.links.values()) if "." in name and name[-3:] != ".id")

    @property
    def _is_keyed_by_id(self) -> bool:
        own_key = self.contract.own_key
        key = self.columns.get(own_key[0]) if len(own_key) == 1 else None
        return key is not None and key.source_names[:1] == (RECORD_ID,)

    @model_validator(mode="after")
    def _can_be_pulled(self) -> Self:
        if "deleted" in self.model_fields_set and self.deleted and not self._is_keyed_by_id:
            raise fault(
                f"Zoho names deleted records by their id, which is not what {self.entity} are keyed by here; take it "
                "out.",
                "deleted",
            )
        if self.full_load == "bulk":
            if self.module in WITHOUT_BULK_READ:
                raise fault(f"Zoho has no Bulk Read of {self.module}; write pages.", "full_load")
            if self.names_of_others:
                raise fault(
                    f"a Bulk Read job gives ids and no names, so {self.names_of_others[0]} cannot come from it; map "
                    f"{self.names_of_others[0].partition('.')[0]}.id, or write pages.",
                    "full_load",
                )
        return self


class ZohoAccount(Part):
    """Where a Zoho CRM is asked. `data_center` is where the company's account is kept: it decides the addresses."""

    secrets: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "refresh_token")

    name: SourceName
    kind: Literal["zoho_crm"]
    data_center: Literal["us", "eu", "uk", "in", "cn", "au", "jp", "ca", "sa"]
    accounts_url: Address | None = None
    api_url: Address | None = None
    http: HttpPolicy = HttpPolicy()

    @property
    def accounts_address(self) -> str:
        """Where access tokens are given."""
        return self.accounts_url or DATA_CENTERS[self.data_center][0]

    @property
    def api_address(self) -> str:
        """Where records are."""
        return self.api_url or DATA_CENTERS[self.data_center][1]


class ZohoSource(ZohoAccount, BaseSource):
    """A Zoho CRM that records come from."""

    reads: Annotated[tuple[ModuleRead, ...], Field(min_length=1)]
