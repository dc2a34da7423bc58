"""Records of a module in the order of their changes, read so that none is lost which others' changes move about.

Pages that are counted by number shift when a record on them changes: the next page then begins one record too late.
So every request asks for what changed since a time, oldest first, and the next one for what changed since the newest
time of its answer. A record that changes meanwhile only gets a later time and comes again further on. Only where more
records than a page changed within the same seconds, as in an import, are pages turned; that is repeated until a turn
brings nothing new, and the watermark waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dagster_project.sources.http import Answer, Refused, TryAgain
from dagster_project.sources.pulling import SourceUnavailable
from dagster_project.sources.zoho_crm import watermark
from dagster_project.sources.zoho_crm.asking import API, Zoho

MODIFIED = "Modified_Time"
PAGE_SIZE = 200
# Zoho takes 50 fields a request; the id comes by itself, the time of the change is in each.
FIELDS_A_REQUEST = 49
# By number Zoho gives pages up to this record, beyond it only by the token of the page before.
LAST_NUMBERED_RECORD = 2_000
# Times are whole seconds, and whether "since" includes its second is nowhere written.
GRAIN = timedelta(seconds=1)
READINGS_OF_A_PAGE = 5
# Leads that became contacts are left out of their list unless it is asked for with them.
OF_A_MODULE = {"Leads": {"converted": "both"}}

Record = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some records, oldest change first, and how to get the next ones of the same request: a token for each list of
    fields where Zoho gave one, else by number.
    """

    records: tuple[Record, ...]
    has_more: bool
    number: int
    tokens: tuple[str | None, ...]

    @property
    def newest(self) -> datetime:
        """The newest change on it."""
        return time_of(self.records[-1])


@dataclass(frozen=True)
class Read:
    """Records that have not been read before. All records changed up to `whole_until` have been read with them."""

    records: tuple[Record, ...]
    whole_until: datetime | None


class Pages:
    """The records of one module with the fields asked for."""

    def __init__(self, zoho: Zoho, module: str, fields: Sequence[str], *, page_size: int | None = None) -> None:
        self._zoho = zoho
        self._path = f"{API}/{module}"
        self._further = OF_A_MODULE.get(module, {})
        self._size = page_size or PAGE_SIZE
        others = [name for name in dict.fromkeys(fields) if name not in ("id", MODIFIED)]
        starts = range(0, max(1, len(others)), FIELDS_A_REQUEST)
        self._fields = [[*others[start : start + FIELDS_A_REQUEST], MODIFIED] for start in starts]

    def first(self, since: datetime | None = None) -> Page:
        """The first page of what changed since a time."""
        return self._page(since, None)

    def changed_since(self, since: datetime | None, known: Mapping[str, str]) -> Iterator[Read]:
        """Every record changed at or after a time, but those `known` (id: state), oldest change first."""
        seen = dict(known)
        while True:
            page = self.first(since)
            fresh = self._unseen(page, seen)
            if not page.has_more:
                yield Read(fresh, page.newest if page.records else since)
                return
            if _reaches_beyond(page, since):
                yield Read(fresh, page.newest)
            else:
                page = yield from self._turned(page, fresh, since, seen)
                yield Read((), page.newest)
                if not page.has_more:
                    return
            since = page.newest - GRAIN
            seen = watermark.since(seen, since)

    def state_of(self, record: Record) -> str:
        """Its time and a digest of its fields: a rule of the CRM may change it again in the second of its change."""
        content = json.dumps(record, sort_keys=True, default=str).encode()
        return f"{record[MODIFIED]} {self._zoho.digest(content)}"

    def _unseen(self, page: Page, seen: dict[str, str]) -> tuple[Record, ...]:
        """Records of a page that were not read in the same state; noted as seen."""
        fresh = []
        for record in page.records:
            state = self.state_of(record)
            if seen.get(record["id"]) != state:
                fresh.append(record)
                seen[record["id"]] = state
        return tuple(fresh)

    def _turned(
        self, page: Page, fresh: tuple[Record, ...], since: datetime | None, seen: dict[str, str]
    ) -> Generator[Read, None, Page]:
        """Turn pages until one reaches beyond the seconds that they share, again and again until nothing is new."""
        count = len(fresh)
        yield Read(fresh, since)
        while True:
            while page.has_more and not _reaches_beyond(page, since):
                page = self._page(since, page)
                fresh = self._unseen(page, seen)
                count += len(fresh)
                yield Read(fresh, since)
            if not count:
                return page
            page = self.first(since)
            fresh = self._unseen(page, seen)
            count = len(fresh)
            yield Read(fresh, since)

    def _page(self, since: datetime | None, before: Page | None) -> Page:
        """One page with all its fields.

        Where the fields take several requests, a record may change between them. The page is read again until all
        answers hold the same records with the same times, so that no record is put together from two states.
        """
        for _ in range(READINGS_OF_A_PAGE):
            pages = [self._part(since, before, place) for place in range(len(self._fields))]
            times = [[(record["id"], record[MODIFIED]) for record in page.records] for page in pages]
            if all(each == times[0] for each in times):
                return Page(
                    records=tuple(
                        {name: value for record in parts for name, value in record.items()}
                        for parts in zip(*(page.records for page in pages), strict=True)
                    ),
                    has_more=pages[0].has_more,
                    number=pages[0].number,
                    tokens=tuple(page.tokens[0] for page in pages),
                )
        raise SourceUnavailable(
            f"{self._zoho.place}: records change faster than their {sum(map(len, self._fields))} fields can be read. "
            "Pull at a quieter hour, or map fewer fields."
        )

    def _part(self, since: datetime | None, before: Page | None, place: int) -> Page:
        """One page with one list of the fields."""
        number = before.number + 1 if before is not None else 1
        params = {
            "fields": ",".join(self._fields[place]),
            "per_page": str(self._size),
            "sort_by": MODIFIED,
            "sort_order": "asc",
            **self._further,
        }
        token = before.tokens[place] if before is not None else None
        if token is not None:
            params["page_token"] = token
        elif number * self._size <= LAST_NUMBERED_RECORD:
            params["page"] = str(number)
        else:
            raise self._zoho.fault(f"Zoho gave no token for the records beyond {LAST_NUMBERED_RECORD:,}.")
        try:
            answer = self._zoho.get(self._path, params, modified_since=since, judge=judge_list)
        except Refused as error:
            raise self._explained(error) from None
        records, info = listed(answer)
        self._judge_order(records)
        next_token = info.get("next_page_token")
        return Page(
            records=tuple(records),
            has_more=bool(info.get("more_records")) and bool(records),
            number=number,
            tokens=(next_token if isinstance(next_token, str) else None,),
        )

    def _judge_order(self, records: Sequence[Record]) -> None:
        """Everything here rests on the order: records that come otherwise are no ground to go on from."""
        try:
            times = [time_of(record) for record in records]
        except (KeyError, TypeError, ValueError):
            raise self._zoho.fault(f"records came without id or {MODIFIED}, so it cannot be pulled.") from None
        if times != sorted(times):
            raise self._zoho.fault(f"records did not come in the order of {MODIFIED}, so it cannot be pulled.")

    def _explained(self, error: Refused) -> Exception:
        body = error.body if isinstance(error.body, dict) else {}
        details = body.get("details")
        named = details.get("api_name") or details.get("param_name") if isinstance(details, dict) else None
        if named == "sort_by" or named == MODIFIED:
            return self._zoho.fault(f"the module cannot be sorted by {MODIFIED}, so it cannot be pulled.")
        if isinstance(named, str) and named in {name for fields in self._fields for name in fields}:
            return self._zoho.fault(f"the module has no field {named!r}. Mend the mapping.")
        return error


def listed(answer: Answer) -> tuple[list[Record], Mapping[str, Any]]:
    """Records and `info` of an answer that is a list; none where nothing changed (304) or nothing is there (204)."""
    if answer.body is None:
        return [], {}
    return answer.body["data"], answer.body.get("info") or {}


def judge_list(answer: Answer) -> None:
    """Ask again for answers that are no list of records."""
    if answer.body is None:
        return
    body = answer.body
    is_list = isinstance(body, dict) and isinstance(body.get("data"), list) and isinstance(body.get("info", {}), dict)
    if not is_list or not all(isinstance(each, dict) and _is_id(each.get("id")) for each in body["data"]):
        raise TryAgain("its answer is no list of records")


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isalnum()


def time_of(record: Record) -> datetime:
    """When a record was changed.

    Raises:
        KeyError, TypeError, ValueError: it does not say, or says no time with an offset.
    """
    time = datetime.fromisoformat(record[MODIFIED])
    if time.tzinfo is None:
        raise ValueError("a time without offset")
    return time


def _reaches_beyond(page: Page, since: datetime | None) -> bool:
    """Whether asking for what changed since the newest time of a page leads further."""
    return since is None or page.newest - GRAIN > since
