"""config/publishing.yaml: what is published where, and how the reactivation lists are issued.

Holds what a reader or a channel needs: targets, tables, channels, capacities, cool-down, control group, campaign.
What can change a class (how long a silent customer counts as worth waking) belongs to the standard, and the
PostgreSQL address, being a secret, to the environment.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from dagster_project.settings.alerts import AlertSettings
from dagster_project.settings.sources.fxiaoke import FxiaokeAccount
from dagster_project.settings.sources.parts import Part, Scalar, SourceName
from dagster_project.settings.sources.zoho_crm import ZohoAccount
from dagster_project.settings.yaml_documents import did_you_mean, fault

CODE = r"^[a-z][a-z0-9_]*$"
Code = Annotated[str, StringConstraints(pattern=CODE, max_length=48)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Language(StrEnum):
    """The languages in which labels, lists and reports are written."""

    ENGLISH = "en"
    CHINESE = "zh"


class PublishedTable(StrEnum):
    """The marts that may be published: none of them holds a personal column.

    Tables without a day (`dim_customers`, `segment_history` …) are published as they are now.
    """

    CUSTOMER_SEGMENTS = "customer_segments"
    SEGMENT_SUMMARY = "segment_summary"
    CUSTOMER_FEATURES = "customer_features"
    CUSTOMER_RFM = "customer_rfm"
    CUSTOMER_LIFECYCLE = "customer_lifecycle"
    CUSTOMER_VALUE = "customer_value"
    CUSTOMER_MATRICES = "customer_matrices"
    CUSTOMER_NEEDS = "customer_needs"
    CUSTOMER_BEHAVIOURS = "customer_behaviours"
    CUSTOMER_OWN_DIMENSIONS = "customer_own_dimensions"
    CUSTOMER_PREDICTIONS = "customer_predictions"
    PURCHASE_MODEL_FITS = "purchase_model_fits"
    PREDICTION_BACKTEST = "prediction_backtest"
    PREDICTION_TENTHS = "prediction_tenths"
    PREDICTION_CURVES = "prediction_curves"
    SEGMENT_MIGRATION = "segment_migration"
    SEGMENT_STABILITY = "segment_stability"
    SEGMENT_HISTORY = "segment_history"
    SEGMENT_PLAYBOOK = "segment_playbook"
    CLASSIFICATION_BACKTEST = "classification_backtest"
    RESOURCE_ALLOCATION = "resource_allocation"
    MATRIX_CUT_POINTS = "matrix_cut_points"
    NEXT_PRODUCTS = "next_products"
    CUSTOMER_DAYS = "customer_days"
    RFM_CUT_POINTS = "rfm_cut_points"
    SILENT_CUSTOMERS = "silent_customers"
    RETURN_RATES = "return_rates"
    REACTIVATION_LIFT = "reactivation_lift"
    REACTIVATION_LIST = "reactivation_list"
    REACTIVATION_LIST_NOTES = "reactivation_list_notes"
    REACTIVATION_OUTCOMES = "reactivation_outcomes"
    REACTIVATION_WORK = "reactivation_work"
    DIM_CUSTOMERS = "dim_customers"
    FCT_ORDERS = "fct_orders"


class ListField(StrEnum):
    """The columns that a list may hold. `name` and `contact` are the only personal ones."""

    POSITION = "position"
    CUSTOMER_ID = "customer_id"
    NAME = "name"
    CONTACT = "contact"
    OWNER = "owner"
    LIFECYCLE_STAGE = "lifecycle_stage"
    SILENCE_CAUSE = "silence_cause"
    RECENCY_DAYS = "recency_days"
    SILENCE_LIMIT_DAYS = "silence_limit_days"
    DAYS_SILENT = "days_silent"
    VALUE_TIER = "value_tier"
    RFM_SEGMENT = "rfm_segment"
    LAST_ORDER_ON = "last_order_on"
    ORDER_COUNT = "order_count"
    AVERAGE_ORDER_VALUE = "average_order_value"
    REVENUE = "revenue"
    PRIORITY_SCORE = "priority_score"
    CONSENT_BASIS = "consent_basis"
    TASK_ID = "task_id"
    NEED_TYPE = "need_type"
    MEDIAN_GAP_DAYS = "median_gap_days"
    REVENUE_BEFORE_SILENCE = "revenue_before_silence"
    EXPECTED_VALUE = "expected_value"
    RETURN_RATE = "return_rate"
    TOP_CATEGORY = "top_category"
    LAST_PURCHASES = "last_purchases"
    NEXT_PRODUCTS = "next_products"
    OFFER = "offer"
    BEST_WEEKDAY = "best_weekday"
    USUAL_HOUR = "usual_hour"
    PREFERRED_CHANNEL = "preferred_channel"
    PLAN = "plan"
    TALKING_POINTS = "talking_points"
    WORKED_AT = "worked_at"
    OUTCOME = "outcome"


# Left empty for whoever works the list; they are read back as list_results.
RESULT_FIELDS = (ListField.WORKED_AT, ListField.OUTCOME)
# What says who the customer is; everything else in a list is about them.
PERSONAL_FIELDS = frozenset({ListField.NAME, ListField.CONTACT})
ConsentChannel = Literal["phone", "wechat", "sms", "email"]
ContactPoint = Literal["phone", "wechat_id", "email"]

# A consent covers the way it names, hence only these contact points: a granted e-mail is no leave to call.
# WeChat adds people by their phone number too.
CONTACT_POINTS_OF_CONSENT: dict[str, tuple[str, ...]] = {
    "phone": ("phone",),
    "sms": ("phone",),
    "wechat": ("wechat_id", "phone"),
    "email": ("email",),
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Switch(_Model):
    """A target that needs no more than on or off."""

    enabled: bool = True


class PostgresSettings(_Model):
    """The PostgreSQL target. Its address comes from STRATA_POSTGRES_URL only, so that no password is in a file.

    `readers` are roles that may read the schema, and are kept out of that of the lists.
    """

    enabled: bool = False
    schema_name: Annotated[Code, Field(alias="schema")] = "strata"
    readers: tuple[Text, ...] = ()


class ReportSettings(_Model):
    """The HTML report; one page a language."""

    enabled: bool = True
    languages: tuple[Language, ...] = (Language.ENGLISH, Language.CHINESE)

    @field_validator("languages")
    @classmethod
    def _are_distinct(cls, languages: tuple[Language, ...]) -> tuple[Language, ...]:
        if not languages or len(set(languages)) < len(languages):
            raise ValueError("name each language once, and at least one")
        return languages


class Channel(_Model):
    """One way to reach customers, with the list that is written for it."""

    name: Code
    consent: ConsentChannel
    contact_point: ContactPoint
    capacity: Annotated[int, Field(ge=0, strict=True)]
    carry_over: bool | None = None
    fields: tuple[ListField, ...]

    @property
    def carries_over(self) -> bool:
        """Whether who was not worked stays on the list of the next day.

        Where not said, only where people work it: a message to all goes out with its list, and would again each day.
        """
        return self.consent in {"phone", "wechat"} if self.carry_over is None else self.carry_over

    @model_validator(mode="after")
    def _holds_together(self) -> Channel:
        allowed = CONTACT_POINTS_OF_CONSENT[self.consent]
        if self.contact_point not in allowed:
            raise ValueError(
                f"channel {self.name}: consent for {self.consent} does not cover contact_point {self.contact_point}; "
                f"use {' or '.join(allowed)}"
            )
        twice = sorted({field for field in self.fields if self.fields.count(field) > 1})
        if twice:
            raise ValueError(f"channel {self.name}: fields names {', '.join(twice)} twice")
        missing = [field for field in (ListField.CUSTOMER_ID, ListField.CONTACT) if field not in self.fields]
        if missing:
            raise ValueError(
                f"channel {self.name}: fields lacks {', '.join(missing)}, needed to reach somebody and tell them apart"
            )
        return self


class Campaign(_Model):
    """The span in which a customer enters once and keeps their arm. Its salt decides who is treated, who is control."""

    kind: Literal["calendar_month"] = "calendar_month"
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=48)] = "reactivation"
    salt: Text

    def id_on(self, day: date) -> str:
        """The campaign that `day` belongs to, such as `reactivation-2018-01`; fit for a file name."""
        return f"{self.name}-{day:%Y-%m}"

    def window_on(self, day: date) -> tuple[date, date]:
        """First day of the campaign that `day` belongs to, and the first day after it."""
        first = day.replace(day=1)
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return first, after


class ConsentDefault(_Model):
    """Taken as granted where no consent is recorded, for a stated reason that lists and reports show."""

    granted: Literal[True]
    reason: Text


SilenceCause = Literal["after_complaint", "one_time_buyer", "price", "seasonal", "fading", "unknown"]
# `otherwise` stands for every need type that a cause does not name.
OfferedTo = Literal["price", "quality", "service", "innovation", "balanced", "unknown", "otherwise"]


class OfferWords(_Model):
    """What is offered, in both languages."""

    en: Text
    zh: Text


class Offers(_Model):
    """What a silent customer is offered: by why they fell silent, then by their type of need."""

    words: Annotated[dict[Code, OfferWords], Field(min_length=1)]
    by_cause: dict[SilenceCause, dict[OfferedTo, Code]]

    @model_validator(mode="after")
    def _answers_every_customer(self) -> Offers:
        missing = [cause for cause in get_args(SilenceCause) if "otherwise" not in self.by_cause.get(cause, {})]
        if missing:
            raise ValueError(f"by_cause lacks an offer `otherwise` for {', '.join(missing)}")
        for cause, offers in self.by_cause.items():
            for need, offer in offers.items():
                if offer not in self.words:
                    raise ValueError(f"by_cause.{cause}.{need}: there is no offer {offer} under words")
        return self

    def offer(self, cause: str, need_type: str | None) -> str | None:
        """The code of the offer; None for a cause that the settings do not know."""
        offers = self.by_cause.get(cast("SilenceCause", cause), {})
        return offers.get(cast("OfferedTo", need_type or "unknown"), offers.get("otherwise"))


class ReactivationSettings(_Model):
    """How the daily list of silent customers is issued. `channels` are tried in their order.

    `contact_hours` are the first hour in which somebody may be called and the one from which on nobody may.
    """

    channels: tuple[Channel, ...]
    campaign: Campaign
    cool_down_days: Annotated[int, Field(ge=0, strict=True)] = 30
    control_share: Annotated[Decimal, Field(ge=0, le=Decimal("0.5"), max_digits=6, decimal_places=4)] = Decimal("0.1")
    consent_default: ConsentDefault | None = None
    contact_hours: tuple[
        Annotated[int, Field(ge=0, le=23, strict=True)], Annotated[int, Field(ge=1, le=24, strict=True)]
    ] = (
        9,
        20,
    )
    offers: Offers | None = None

    @field_validator("contact_hours")
    @classmethod
    def _rise(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if hours[0] >= hours[1]:
            raise ValueError("contact_hours name the first hour and the one after the last, such as [9, 20]")
        return hours

    @model_validator(mode="after")
    def _has_what_it_shows(self) -> ReactivationSettings:
        for channel in self.channels:
            if ListField.OFFER in channel.fields and self.offers is None:
                raise ValueError(f"channel {channel.name}: fields names offer, but no offers are set")
        return self

    @field_validator("channels")
    @classmethod
    def _have_distinct_names(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        names = [channel.name for channel in channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two channels are named {', '.join(twice)}")
        if not names:
            raise ValueError("at least one channel is needed; set its capacity to 0 to issue no list")
        return channels

    def channel(self, name: str) -> Channel | None:
        """The channel of that name as configured now, or None when it was taken out since."""
        return next((channel for channel in self.channels if channel.name == name), None)


class SnapshotSettings(_Model):
    """How long days are kept: every day for so many days before the newest stored one (None: all), then month ends.

    Days that late rows mark are rebuilt `rebuild_days_per_run` at a time: a kill costs one such run's work.
    """

    keep_daily_days: Annotated[int, Field(ge=31)] | None = 400
    rebuild_days_per_run: Annotated[int, Field(ge=1, strict=True)] = 31


class ListsPostgres(_Model):
    """Lists in PostgreSQL, at the address of the PostgreSQL target, in a schema of their own."""

    enabled: bool = False
    schema_name: Annotated[Code | None, Field(alias="schema")] = None


class ListTargets(_Model):
    """The forms in which the lists are written, each with the fields of its channel and no more."""

    csv: Switch = Switch()
    xlsx: Switch = Switch()
    parquet: Switch = Switch(enabled=False)
    postgres: ListsPostgres = ListsPostgres()


# What a text that is written once may name in braces; none of them says who the customer is.
CRM_PLACEHOLDERS = ("campaign", "channel", "entered_on")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
ApiName = Annotated[str, StringConstraints(pattern=r"^\$?[A-Za-z][A-Za-z0-9_]*$")]


class _CrmTarget(Part, ABC):
    """Treated customers of some lists as records of a CRM, one a task, told apart by its id in `key_field`.

    `fields` are kept as the list has them; `on_create` is written once, so that what people change stays theirs;
    `on_withdrawal` is written where the customer may no longer be contacted. `owners` gives the CRM's user for a sales
    rep as the list names them. `customer_field` leads to the customer's own record: their reference in the source
    `customers_of`.
    """

    enabled: bool = True
    channels: Annotated[tuple[Code, ...], Field(min_length=1)]
    key_field: ApiName
    fields: Annotated[dict[ApiName, ListField], Field(min_length=1)]
    on_create: dict[ApiName, Scalar] = Field(default_factory=dict)
    on_withdrawal: dict[ApiName, Scalar] = Field(default_factory=dict)
    owners: dict[Text, Text] = Field(default_factory=dict)
    customer_field: ApiName | None = None
    customers_of: SourceName | None = None
    runs_workflows: bool = False

    @property
    @abstractmethod
    def place(self) -> str:
        """What is written to, in the CRM's words."""

    @property
    def personal_fields(self) -> tuple[str, ...]:
        """The fields that say who the customer is."""
        return tuple(name for name, field in self.fields.items() if field in PERSONAL_FIELDS)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        kept = [self.key_field, *self.fields, *([self.customer_field] if self.customer_field else [])]
        for name in (*self.on_create, *kept):
            if [*self.on_create, *kept].count(name) > 1:
                raise fault(f"the field {name} is written twice; take it out of one place.", "fields")
        if self.key_field in self.on_withdrawal:
            raise fault("key_field is written once; take it out.", "on_withdrawal")
        if (self.customer_field is None) != (self.customers_of is None):
            raise fault("customer_field and customers_of belong together.", "customer_field")
        for name, value in self.on_create.items():
            for named in _PLACEHOLDER.findall(value) if isinstance(value, str) else ():
                if named not in CRM_PLACEHOLDERS:
                    raise fault(
                        f"{{{named}}} means nothing here; a text may name {', '.join(CRM_PLACEHOLDERS)}.",
                        *("on_create", name),
                    )
        return self


class ZohoCrm(ZohoAccount, _CrmTarget):
    """Records of a Zoho module: Tasks, or one of your own."""

    module: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]

    @property
    def place(self) -> str:
        return self.module


class FxiaokeCrm(FxiaokeAccount, _CrmTarget):
    """Records of a 纷享销客 object, usually one of your own, which ends in __c."""

    object: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(Obj|__c)$")]

    @property
    def place(self) -> str:
        return self.object

    @property
    def is_own_object(self) -> bool:
        """Whether the tenant made the object; such objects are written at another address."""
        return self.object.endswith("__c")


CrmTarget = Annotated[ZohoCrm | FxiaokeCrm, Field(discriminator="kind")]


class NextProductsSettings(_Model):
    """How the products to offer each customer are learnt from what customers bought next.

    What happened on the last `learn_days` days counts. Of an order day the `basket_products` that cost most are looked
    at, and of what followed a product the `candidates` most frequent ones. What fewer than `minimum_customers` bought
    next is no candidate: chance, and it would tell of single customers. A chance is counted as if `prior_orders` more
    orders had not held the product, so that three of five do not come before three hundred of a thousand.
    """

    learn_days: Annotated[int, Field(ge=1, strict=True)] = 365
    basket_products: Annotated[int, Field(ge=1, strict=True)] = 15
    minimum_customers: Annotated[int, Field(ge=1, strict=True)] = 3
    prior_orders: Annotated[int, Field(ge=0, strict=True)] = 50
    candidates: Annotated[int, Field(ge=3, strict=True)] = 5


class MeasurementSettings(_Model):
    """When groups are too small to tell, and which effect a control group should be able to show.

    `returned_for_revenue`: sums of money have long tails. With 5 to 30 buyers in the smaller arm Welch's 95% interval
    held the truth in 83 to 94% of 3,000 simulated campaigns, with 50 in 93 to 95%.
    """

    minimum_treated: Annotated[int, Field(ge=2, strict=True)] = 30
    minimum_control: Annotated[int, Field(ge=2, strict=True)] = 30
    returned_for_revenue: Annotated[int, Field(ge=2, strict=True)] = 50
    detectable_difference: Annotated[Decimal, Field(gt=0, lt=1, max_digits=6, decimal_places=4)] = Decimal("0.05")


Age = Annotated[int, Field(ge=1, strict=True)]


class RetentionSettings(_Model):
    """How many days personal data, logs and Dagster's runs are kept; null keeps them.

    `lists` counts from the day a list was last written, `refused_rows` from the day they were read, `contacts` from the
    day on which the customer was last heard of, `logs` and `runs` from their end.
    """

    lists: Age | None = 180
    refused_rows: Age | None = 365
    contacts: Age | None = None
    logs: Age | None = 90
    runs: Age | None = None


class PublishingSettings(_Model):
    """config/publishing.yaml."""

    language: Language = Language.ENGLISH
    tables: tuple[PublishedTable, ...]
    snapshots: SnapshotSettings = SnapshotSettings()
    parquet: Switch = Switch()
    serving_copy: Switch = Switch()
    postgres: PostgresSettings = PostgresSettings()
    report: ReportSettings = ReportSettings()
    reactivation: ReactivationSettings
    lists: ListTargets = ListTargets()
    crm: tuple[CrmTarget, ...] = ()
    next_products: NextProductsSettings = NextProductsSettings()
    measurement: MeasurementSettings = MeasurementSettings()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertSettings = AlertSettings()

    @property
    def personal_schema(self) -> str:
        """The PostgreSQL schema of the lists, which readers of the other one have no right to."""
        return self.lists.postgres.schema_name or f"{self.postgres.schema_name}_personal"

    @model_validator(mode="after")
    def _keeps_lists_apart(self) -> PublishingSettings:
        if self.personal_schema == self.postgres.schema_name:
            raise ValueError("lists.postgres.schema must differ from postgres.schema, which readers may see")
        return self

    @property
    def enabled_crm(self) -> tuple[ZohoCrm | FxiaokeCrm, ...]:
        """The CRMs that lists go to."""
        return tuple(target for target in self.crm if target.enabled)

    @model_validator(mode="after")
    def _crm_writes_what_lists_hold(self) -> Self:
        names = [target.name for target in self.crm]
        channels = {channel.name: channel for channel in self.reactivation.channels}
        for index, target in enumerate(self.crm):
            if target.name in names[:index]:
                raise fault(f"there are two CRMs named {target.name!r}; rename one.", "crm", index, "name")
            for name in target.channels:
                if name not in channels:
                    raise fault(f"there is no channel {name!r}{did_you_mean(name, channels)}", "crm", index, "channels")
                for written, field in target.fields.items():
                    if field in RESULT_FIELDS:
                        raise fault(
                            f"{field.value} is what people fill in; a CRM has a field of its own for it, which is read "
                            "back. Take it out here.",
                            *("crm", index, "fields", written),
                        )
                    if field not in channels[name].fields:
                        raise fault(
                            f"the list of {name} does not hold {field.value}. A CRM gets no more than the list: add it "
                            "to the channel's fields, or take it out here.",
                            *("crm", index, "fields", written),
                        )
            points = sorted({channels[name].contact_point for name in target.channels})
            if len(points) > 1 and ListField.CONTACT in target.fields.values():
                raise fault(
                    f"the channels' contact is not the same ({', '.join(points)}), so it has no one field; write a CRM "
                    "for each.",
                    *("crm", index, "channels"),
                )
        return self

    @field_validator("tables")
    @classmethod
    def _hold_the_segments(cls, tables: tuple[PublishedTable, ...]) -> tuple[PublishedTable, ...]:
        if len(set(tables)) < len(tables):
            raise ValueError("a table is named twice")
        if PublishedTable.CUSTOMER_SEGMENTS not in tables:
            raise ValueError("customer_segments must be published: it says which days there are and by which standard")
        return tables
