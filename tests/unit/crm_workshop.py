"""A desk from which lists go to a CRM on loopback: the invented warehouse, a target, and what the CRM holds then."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from fxiaoke_server import FxiaokeServer
from pydantic import TypeAdapter
from zoho_server import ZohoServer

from dagster_project.publishing.assignments import issue
from dagster_project.publishing.crm.fxiaoke import FxiaokeTasks
from dagster_project.publishing.crm.pushing import Comparison, Push, compared, pushed
from dagster_project.publishing.crm.tasks import TargetTasks, tasks_of
from dagster_project.publishing.crm.zoho import ZohoTasks
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import CrmTarget, FxiaokeCrm, PublishingSettings, ZohoCrm

DAY = date(2018, 1, 1)
NOW = datetime(2018, 1, 2, 6, 30, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
IN_HASTE = {"timeout_seconds": 2, "attempts": 3, "longest_wait_seconds": 0}
ZOHO: dict[str, Any] = {
    "name": "crm",
    "kind": "zoho_crm",
    "data_center": "eu",
    "http": IN_HASTE,
    "module": "Reactivations",
    "channels": ["telesales"],
    "key_field": "Strata_Task_ID",
    "fields": {
        "Name": "name",
        "Phone": "contact",
        "Why_silent": "silence_cause",
        "Days_silent": "recency_days",
        "Last_purchase": "last_order_on",
        "Average_order": "average_order_value",
    },
    "on_create": {"Status": "Not Started", "Subject": "Wake up, {campaign}", "Due_Date": "{entered_on}"},
    "on_withdrawal": {"Status": "Deferred"},
}
FXIAOKE: dict[str, Any] = {
    "name": "crm",
    "kind": "fxiaoke",
    "http": IN_HASTE,
    "object": "reactivation__c",
    "channels": ["telesales"],
    "key_field": "task_id__c",
    "fields": {
        "name": "name",
        "phone__c": "contact",
        "why_silent__c": "silence_cause",
        "days_silent__c": "recency_days",
        "last_purchase__c": "last_order_on",
        "average_order__c": "average_order_value",
    },
    "on_create": {"status__c": "todo", "due__c": "{entered_on}"},
    "on_withdrawal": {"status__c": "withdrawn"},
}


class Desk:
    """A CRM on loopback as the target of the list of DAY; `document` is the target as publishing.yaml has it."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        paths: Paths,
        settings: PublishingSettings,
        server: ZohoServer | FxiaokeServer,
        document: dict[str, Any],
    ) -> None:
        self.con = con
        self.paths = paths
        self.server = server
        self.said: list[str] = []
        self.day = DAY
        self.configure(settings, document)
        issue(con, paths, DAY)

    def configure(self, settings: PublishingSettings, document: dict[str, Any]) -> None:
        """Use these settings from now on."""
        url = self.server.url
        addresses = {"accounts_url": url, "api_url": url} if isinstance(self.server, ZohoServer) else {"url": url}
        self.target: ZohoCrm | FxiaokeCrm = TypeAdapter(CrmTarget).validate_python({**document, **addresses})
        self.settings = settings.model_copy(update={"crm": (self.target,)})

    def tasks(self) -> TargetTasks:
        return tasks_of(self.con, self.target, paths=self.paths, settings=self.settings, day=self.day, now=NOW)

    def push(self, now: datetime = NOW) -> Push:
        with self._crm() as crm:
            return pushed(crm, self.tasks(), paths=self.paths, now=now, who="ann", why="strata push")

    def compare(self) -> Comparison:
        with self._crm() as crm:
            return compared(crm, self.tasks())

    def _crm(self) -> ZohoTasks | FxiaokeTasks:
        if isinstance(self.target, ZohoCrm):
            return ZohoTasks(self.target, self.server.secrets("crm"), self.said.append)
        return FxiaokeTasks(self.target, self.server.secrets("crm"), self.said.append, time_zone=ZONE)

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """What the CRM holds, by our id."""
        held = self.server.modules if isinstance(self.server, ZohoServer) else self.server.objects
        records = [record for record in held[self.target.place].values() if self.target.key_field in record]
        by_key = {record[self.target.key_field]: record for record in records}
        assert len(by_key) == len(records), "a task is there twice"
        return by_key

    def change(self, key: str, **fields: Any) -> None:
        """Change a record as somebody who works in the CRM does."""
        self.records[key].update(fields)

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The treated customers of the telesales list, in its order."""
        relation = self.con.sql(
            """
            select listed.*, contacts.name, contacts.phone
            from marts.reactivation_list as listed join personal.customer_contacts as contacts using (customer_id)
            where channel = 'telesales' and arm = 'treated' order by position
            """
        )
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    @property
    def keys(self) -> list[str]:
        """The ids of the listed customers' tasks."""
        return [f"{row['campaign_id']}:{row['registry_id']}:{row['channel']}" for row in self.listed]

    def person(self, name: str) -> str:
        """The field of the target that holds `name` or `contact`."""
        return next(written for written, field in self.target.fields.items() if field == name)


def paths_below(folder: Any) -> Paths:
    """Places of an installation of its own."""
    return Paths(root=folder, config=folder / "config", data=folder / "data")


both = pytest.mark.parametrize("desk", ["zoho", "zoho_tasks", "fxiaoke"], indirect=True)
