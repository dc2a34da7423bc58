"""Which records of a module were deleted, whether into the recycle bin or for good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dagster_project.sources.http import Answer, Refused, TryAgain
from dagster_project.sources.zoho_crm.asking import API, Zoho
from dagster_project.sources.zoho_crm.paging import PAGE_SIZE, judge_list, listed

DELETED = "deleted_time"


def deleted_records(zoho: Zoho, module: str, since: datetime | None) -> Mapping[str, str]:
    """Ids of records deleted since a time, or of all that Zoho still knows of, with when they were.

    A record that is restored leaves the list, and a page further on then begins one too late; where there are several,
    they are read until nothing new is found.
    """
    found: dict[str, str] = {}
    while True:
        before = len(found)
        pages = _list_into(found, zoho, module, since)
        if pages < 2 or len(found) == before:
            return found


def _list_into(found: dict[str, str], zoho: Zoho, module: str, since: datetime | None) -> int:
    """Add the whole list; how many pages it has."""
    number = 1
    place = {"page": "1"}
    while True:
        params = {"type": "all", "per_page": str(PAGE_SIZE), **place}
        try:
            answer = zoho.get(f"{API}/{module}/deleted", params, modified_since=since, judge=_judge_deletions)
        except Refused as error:
            raise zoho.fault(
                f"Zoho does not list the deleted records of this module: {error} Set deleted: false to do without."
            ) from None
        records, info = listed(answer)
        found.update({record["id"]: record[DELETED] for record in records})
        if not info.get("more_records") or not records:
            return number
        token = info.get("next_page_token")
        number += 1
        place = {"page_token": token} if isinstance(token, str) else {"page": str(number)}


def _judge_deletions(answer: Answer) -> None:
    judge_list(answer)
    for record in listed(answer)[0]:
        try:
            is_time = datetime.fromisoformat(record[DELETED]).tzinfo is not None
        except (KeyError, TypeError, ValueError):
            is_time = False
        if not is_time:
            raise TryAgain("a deleted record does not say when it was")
