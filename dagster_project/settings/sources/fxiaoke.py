"""Sources that are a 纷享销客 (Fxiaoke) CRM, asked through its Open API."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dagster_project.contract.entities import ColumnType
from dagster_project.settings.sources.http import Address, HttpPolicy
from dagster_project.settings.sources.parts import Name, Part, SourceName
from dagster_project.settings.sources.reads import BaseSource, PulledRead
from dagster_project.settings.yaml_documents import did_you_mean, fault

# Objects that the system brings. A tenant may have more of them, so this list only helps to find a slip of the pen.
OBJECTS = (
    "AccountObj",
    "ActiveRecordObj",
    "CampaignMembersObj",
    "CasesObj",
    "CheckinsObj",
    "ContactObj",
    "ContractObj",
    "HighSeasObj",
    "InvoiceApplicationObj",
    "LeadsObj",
    "MarketingEventObj",
    "MemberObj",
    "NewOpportunityObj",
    "OpportunityObj",
    "PaymentObj",
    "PersonnelObj",
    "ProductObj",
    "QuoteObj",
    "RefundObj",
    "ReturnedGoodsInvoiceObj",
    "ReturnedGoodsInvoiceProductObj",
    "SalesOrderObj",
    "SalesOrderProductObj",
    "ScheduleObj",
    "TelesalesRecordObj",
)
# Fields that hold a list of people or departments in every object.
LISTS = frozenset({"owner", "created_by", "last_modified_by", "data_own_department", "out_owner", "relevant_team"})


class ObjectRead(PulledRead):
    """One entity read from an object: AccountObj, ContactObj, SalesOrderObj … or one of your own, which ends in __c.

    What was modified up to `overlap_minutes` before the last pull is asked for again: for clocks that differ, and for
    changes that show late in the system's index. What is deleted for good shows in no change: every `compare_keys_days`
    the ids that landed are compared with those that are there.
    """

    object: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    modified_field: Name = "last_modified_time"
    overlap_minutes: Annotated[int, Field(ge=0)] = 10
    compare_keys_days: Annotated[int, Field(ge=1)] | None = None

    @property
    def place(self) -> str:
        return self.object

    @property
    def origin_settings(self) -> frozenset[str]:
        return super().origin_settings | {"overlap_minutes", "compare_keys_days"}

    @property
    def is_own_object(self) -> bool:
        """Whether the tenant made the object; such objects are asked for at another address."""
        return self.object.endswith("__c")

    @model_validator(mode="after")
    def _fits_the_system(self) -> Self:
        if not self.object.endswith(("Obj", "__c")):
            raise fault(
                f"objects of the system end in Obj, your own in __c; there is no {self.object!r}"
                f"{did_you_mean(self.object, (*OBJECTS, f'{self.object}Obj'))}",
                "object",
            )
        for name, spec in self.columns.items():
            is_time = self.mappable[name].type in (ColumnType.TIMESTAMP, ColumnType.DATE)
            if is_time and spec.names and spec.formats is None:
                raise fault(
                    f"times of the Open API are milliseconds since 1970: write {{from: {spec.names[0]}, formats: "
                    "epoch_ms}.",
                    "columns",
                    name,
                )
            for listed in LISTS.intersection(spec.names):
                raise fault(
                    f"{listed} is a list of ids in every record: write {listed}.0 for the first, or {listed}__r.name "
                    "where the system gives names beside them.",
                    "columns",
                    name,
                )
        own_key = self.contract.own_key
        if self.compare_keys_days is not None and (len(own_key) > 1 or self.columns[own_key[0]].names != ("_id",)):
            raise fault(
                f"what is compared is _id, so {' and '.join(own_key)} must be one column, mapped from _id.",
                "compare_keys_days",
            )
        return self


class FxiaokeAccount(Part):
    """Where a 纷享销客 CRM is asked, as the user whom `user_mobile` or `open_user_id` names."""

    secrets: ClassVar[tuple[str, ...]] = ("app_id", "app_secret", "permanent_code", "user_mobile", "open_user_id")

    name: SourceName
    kind: Literal["fxiaoke"]
    url: Address = "https://open.fxiaoke.com"
    http: HttpPolicy = HttpPolicy()


class FxiaokeSource(FxiaokeAccount, BaseSource):
    """A 纷享销客 CRM that records come from: those that its user may see."""

    reads: Annotated[tuple[ObjectRead, ...], Field(min_length=1)]
