"""Sources that are a 纷享销客 (Fxiaoke) CRM, asked through its Open API."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dagster_project.settings.sources.http import HttpPolicy
from dagster_project.settings.sources.parts import Name
from dagster_project.settings.sources.reads import BaseSource, PulledRead


class ObjectRead(PulledRead):
    """One entity read from an object: AccountObj, ContactObj, SalesOrderObj … or one of your own, which ends in __c."""

    object: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    modified_field: Name = "last_modified_time"

    @property
    def place(self) -> str:
        return self.object

    @property
    def is_own_object(self) -> bool:
        """Whether the tenant made the object; such objects are asked for at another address."""
        return self.object.endswith("__c")


class FxiaokeSource(BaseSource):
    """A 纷享销客 CRM, asked as the user whom `user_mobile` or `open_user_id` names; it shows what they may see."""

    secrets: ClassVar[tuple[str, ...]] = ("app_id", "app_secret", "permanent_code", "user_mobile", "open_user_id")

    kind: Literal["fxiaoke"]
    url: Name = "https://open.fxiaoke.com"
    http: HttpPolicy = HttpPolicy()
    reads: Annotated[tuple[ObjectRead, ...], Field(min_length=1)]
