"""The generated CRM side of the sample: what a Zoho CRM and a 纷享销客 export of its households would hold.

Pure functions of the households and a fixed seed; nothing here touches a file. All of it is invented, and times are
naive, in America/New_York, as such exports hold them. What is made dirty on purpose is counted in `Export.dirty`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from types import MappingProxyType

import numpy as np

from dagster_project.sources.sample_people import PLACES, Person, invent_people

SEED = 20_171_231
FIRST_CRM_DAY = date(2016, 10, 3)
LAST_CRM_DAY = date(2017, 12, 30)
FIRST_FOLLOW_UP_DAY = date(2017, 1, 2)

# Shares of all households. The rest, 1 - NEITHER, is split so that both totals come out.
ZOHO_SHARE, FXIAOKE_SHARE, NEITHER_SHARE = 0.55, 0.60, 0.08
PROSPECT_CONTACTS, PROSPECT_LEADS, PROSPECT_CUSTOMERS = 60, 90, 150
SECOND_CONTACTS = 40
HOUSEHOLD_LEADS = 80
DEALS = 720
FOLLOW_UPS = 3_600

# Dirty rows by file and kind. Refused kinds are rows of their own, so that no household hangs on them; the others are
# cleaned or settled by landing: a duplicate by its later version, a phone with letters by being no contact point.
REFUSED_KINDS = frozenset({"impossible_date", "missing_key", "unknown_code", "not_a_number"})
DIRTY: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "Contacts": {
            **{"impossible_date": 2, "missing_key": 2, "unknown_code": 2, "duplicate_id": 2},
            **{"phone_with_letters": 2, "spaces": 2, "full_width_digits": 2},
        },
        "Deals": {"impossible_date": 1, "missing_key": 1, "unknown_code": 1, "not_a_number": 2, "duplicate_id": 1},
        "Leads": {"impossible_date": 1},
        "客户": {
            **{"impossible_date": 2, "missing_key": 2, "unknown_code": 2, "duplicate_id": 2},
            **{"phone_with_letters": 2, "spaces": 2, "full_width_digits": 2},
        },
        "联系人": {"impossible_date": 4, "missing_key": 3, "unknown_code": 4, "spaces": 3},
        "销售记录": {"impossible_date": 7, "missing_key": 6, "unknown_code": 6, "duplicate_id": 4, "spaces": 4},
    }
)

Cell = str | int | datetime
Record = dict[str, Cell]

_REPS = ("Avery Quinn", "Blake Moreno", "Casey Lindqvist", "Drew Okafor", "Emery Sato", "Finley Novak")
_REPS_ZH = ("周一诺", "郑可心", "冯子墨", "韩语晨", "唐逸飞", "曹沐阳")
# Probability in per cent, which Zoho ties to the stage, and the share of deals.
_STAGES: Mapping[str, tuple[int, float]] = MappingProxyType(
    {
        "Qualification": (10, 0.10),
        "Needs Analysis": (20, 0.08),
        "Value Proposition": (40, 0.07),
        "Proposal/Price Quote": (75, 0.09),
        "Negotiation/Review": (90, 0.06),
        "Closed Won": (100, 0.35),
        "Closed Lost": (0, 0.25),
    }
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OFFERS = ("Weekly delivery plan", "Holiday catering", "Office pantry", "Wine club", "Meal kits")
_LEAD_STATUSES = (
    "Not Contacted",
    "Attempted to Contact",
    "Contacted",
    "Contact in Future",
    "Pre-Qualified",
    "Lost Lead",
)
# Share who answered at all and, of them, who agreed; Zoho asks for three channels, 纷享销客 for four.
_ANSWERED = 0.88
_AGREED = MappingProxyType({"phone": 0.58, "wechat": 0.72, "sms": 0.55, "email": 0.64})
_WITHDRAWN = 0.08
_NO_CONTACT = 0.015


@dataclass(frozen=True)
class Household:
    """A household of the orders: its number, and the days of its first and last order."""

    number: int
    first_on: date
    last_on: date


@dataclass(frozen=True)
class Export:
    """One exported table: module name, header, rows, and how many of them are dirty in which way."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    dirty: Mapping[str, int]


@dataclass(frozen=True)
class _Client:
    """A person with a record in one of the CRMs; `household` is None for a prospect."""

    ref: str
    person: Person
    household: Household | None
    created_at: datetime
    owner: int
    is_second: bool = False


def generate_exports(households: Sequence[Household]) -> tuple[tuple[Export, ...], tuple[Export, ...]]:
    """The Zoho exports (Contacts, Deals, Leads) and the 纷享销客 exports (客户, 联系人, 销售记录).

    The same households, in any order, always give the same rows.
    """
    ordered = sorted(households, key=lambda household: household.number)
    in_zoho, in_fxiaoke = _split(_stream(0), ordered)
    extra = PROSPECT_CONTACTS + PROSPECT_LEADS + PROSPECT_CUSTOMERS + SECOND_CONTACTS
    people = invent_people(_stream(1), len(ordered) + extra)
    person_of = {household.number: person for household, person in zip(ordered, people, strict=False)}
    others = iter(people[len(ordered) :])

    contacts = _contact_clients(_stream(2), in_zoho, person_of, others)
    lead_clients = _lead_clients(_stream(3), in_zoho, person_of, others)
    customers = _customer_clients(_stream(4), in_fxiaoke, person_of, others)
    zoho = (
        _contacts(_stream(5), contacts),
        _deals(_stream(6), contacts),
        _leads(_stream(7), lead_clients),
    )
    fxiaoke = (
        _customers(_stream(8), customers),
        _contact_people(_stream(9), customers),
        _follow_ups(_stream(10), customers),
    )
    return zoho, fxiaoke


def _stream(number: int) -> np.random.Generator:
    # A stream a table, so that a change in one leaves the others as they were.
    return np.random.default_rng([SEED, number])


def _split(rng: np.random.Generator, households: Sequence[Household]) -> tuple[list[Household], list[Household]]:
    """Households of Zoho and of 纷享销客; they overlap, and some are in neither."""
    shuffled = [households[position] for position in rng.permutation(len(households)).tolist()]
    known = len(shuffled) - round(NEITHER_SHARE * len(shuffled))
    zoho = round(ZOHO_SHARE * len(shuffled))
    fxiaoke = round(FXIAOKE_SHARE * len(shuffled))
    return _by_number(shuffled[:zoho]), _by_number(shuffled[known - fxiaoke : known])


def _by_number(households: Sequence[Household]) -> list[Household]:
    return sorted(households, key=lambda household: household.number)


# -- who is in which system ------------------------------------------------------------------------------------------


def _contact_clients(
    rng: np.random.Generator, households: Sequence[Household], person_of: Mapping[int, Person], others: Iterator[Person]
) -> list[_Client]:
    """Zoho contacts: households, a few of them twice (two people of one household), and prospects."""
    made = [
        _Client("", person_of[household.number], household, _joined_at(rng, household), _owner(rng))
        for household in households
    ]
    for position in sorted(rng.choice(len(made), size=min(SECOND_CONTACTS, len(made)), replace=False).tolist()):
        first = made[position]
        second = replace(next(others), family=first.person.family, place=first.person.place)
        later = _moment(rng, first.created_at.date(), LAST_CRM_DAY)
        made.append(replace(first, person=second, created_at=later, is_second=True))
    made += [_prospect(rng, next(others)) for _ in range(PROSPECT_CONTACTS)]
    return _numbered(made, lambda number: _zoho_ref(1, number))


def _lead_clients(
    rng: np.random.Generator, households: Sequence[Household], person_of: Mapping[int, Person], others: Iterator[Person]
) -> list[_Client]:
    """Zoho leads: prospects, and some who turned out to be a household that buys already."""
    size = min(HOUSEHOLD_LEADS, len(households))
    known = [households[position] for position in rng.choice(len(households), size=size, replace=False).tolist()]
    made = [
        _Client("", person_of[household.number], household, _joined_at(rng, household), _owner(rng))
        for household in known
    ]
    made += [_prospect(rng, next(others)) for _ in range(PROSPECT_LEADS)]
    return _numbered(made, lambda number: _zoho_ref(3, number))


def _customer_clients(
    rng: np.random.Generator, households: Sequence[Household], person_of: Mapping[int, Person], others: Iterator[Person]
) -> list[_Client]:
    """纷享销客 客户: households and prospects; numbers with leading zeros, as accounts there have them."""
    made = [
        _Client("", person_of[household.number], household, _joined_at(rng, household), _owner(rng))
        for household in households
    ]
    made += [_prospect(rng, next(others)) for _ in range(PROSPECT_CUSTOMERS)]
    return _numbered(made, lambda number: f"{10_000 + number:08d}")


def _prospect(rng: np.random.Generator, person: Person) -> _Client:
    return _Client("", person, None, _moment(rng, date(2016, 11, 1), date(2017, 12, 22)), _owner(rng))


def _numbered(clients: Sequence[_Client], ref: Callable[[int], str]) -> list[_Client]:
    """References in the order in which the records were made, as systems give them."""
    in_order = sorted(clients, key=lambda client: client.created_at)
    return [replace(client, ref=ref(number)) for number, client in enumerate(in_order, start=1)]


def _joined_at(rng: np.random.Generator, household: Household) -> datetime:
    """Somewhen between the start of the CRM and a few weeks after the first order."""
    return _moment(rng, FIRST_CRM_DAY, min(household.first_on + timedelta(days=45), date(2017, 12, 20)))


def _owner(rng: np.random.Generator) -> int:
    return int(rng.integers(len(_REPS)))


def _zoho_ref(kind: int, number: int) -> str:
    """A record id as Zoho's exports write it; the API holds it without the prefix."""
    return f"zcrm_57257670000{kind:02d}{number:06d}"


# -- Zoho CRM --------------------------------------------------------------------------------------------------------


def _contacts(rng: np.random.Generator, clients: Sequence[_Client]) -> Export:
    records = [_contact(rng, client) for client in clients]
    counts = DIRTY["Contacts"]
    asked = ("Contact Through Email", "Contact Through Phone", "SMS Consent", "Consent Date")
    silent: Record = {**dict.fromkeys(asked, ""), "Email Opt Out": "false", "Unsubscribed Time": ""}
    changes: dict[str, Record] = {
        "impossible_date": {**silent, "Created Time": "Feb 30, 2017 10:15 AM"},
        "missing_key": {**silent, "Record Id": ""},
        "unknown_code": {**silent, "Do Not Contact": "perhaps"},
    }
    spoilt = _refused(rng, records, counts, changes, "Record Id", lambda number: _zoho_ref(1, 900_000 + number))
    cleaned = iter(rng.permutation(len(records)).tolist())
    for _ in range(counts["phone_with_letters"]):
        records[next(cleaned)]["Mobile"] = "call Mary at work"
    for _ in range(counts["spaces"]):
        position = next(cleaned)
        records[position] |= {
            "Last Name": f"  {records[position]['Last Name']} ",
            "Email": f" {records[position]['Email']} ",
        }
    for _ in range(counts["full_width_digits"]):
        position = next(cleaned)
        records[position]["Mobile"] = _full_width(str(records[position]["Mobile"]))
    later: Record = {"Contact Owner.id": _zoho_ref(0, 1), "Contact Owner": _REPS[0]}
    later["Modified Time"] = _zoho_time(datetime.combine(LAST_CRM_DAY, time(17, 59)))
    doubles = _copies(rng, records, counts["duplicate_id"], {**silent, **later})
    return _export("Contacts", [*_mixed_in(rng, records, spoilt), *doubles], counts)


def _contact(rng: np.random.Generator, client: _Client) -> Record:
    person = client.person
    asked_at = _moment(rng, client.created_at.date(), min(client.created_at.date() + timedelta(days=30), LAST_CRM_DAY))
    asked_at = max(asked_at, client.created_at)
    answers = {channel: _answer(rng, channel) for channel in ("email", "phone", "sms")}
    unsubscribed_at = None
    if answers["email"] and rng.random() < _WITHDRAWN:
        unsubscribed_at = _moment(rng, asked_at.date() + timedelta(days=1), LAST_CRM_DAY)
    touched_at = _moment(rng, asked_at.date(), LAST_CRM_DAY)
    modified_at = max(moment for moment in (client.created_at, asked_at, unsubscribed_at, touched_at) if moment)
    city, _, state, _ = PLACES[person.place]
    # Some reps write Chinese names in characters: family name first, as the person does.
    in_characters = person.chinese_name is not None and rng.random() < 0.3
    return {
        "Record Id": client.ref,
        "Contact Owner.id": _zoho_ref(0, client.owner + 1),
        "Contact Owner": _REPS[client.owner],
        "First Name": "" if in_characters else person.given,
        "Last Name": person.local_name if in_characters else person.family,
        "Full Name": person.local_name if in_characters else person.name,
        "Email": person.email,
        "Phone": person.phone if rng.random() < 0.3 else "",
        "Mobile": person.phone,
        "Mailing City": city,
        "Mailing State": state,
        "Lead Source": _pick(rng, ("Store sign-up", "Web form", "Employee referral", "Event")),
        "Email Opt Out": "true" if unsubscribed_at else "false",
        "Unsubscribed Time": _zoho_time(unsubscribed_at) if unsubscribed_at else "",
        "Contact Through Email": _ticked(answers["email"]),
        "Contact Through Phone": _ticked(answers["phone"]),
        "SMS Consent": _ticked(answers["sms"]),
        "Consent Date": _zoho_time(asked_at) if any(answer is not None for answer in answers.values()) else "",
        "Do Not Contact": "true" if rng.random() < _NO_CONTACT else "false",
        "Household No": str(client.household.number) if client.household else "",
        "Created Time": _zoho_time(client.created_at),
        "Modified Time": _zoho_time(modified_at),
        "Description": "Generated sample record.\nThis person does not exist.",
    }


def _deals(rng: np.random.Generator, clients: Sequence[_Client]) -> Export:
    buyers = [client for client in clients if not client.is_second]
    made_at = sorted(
        (_moment(rng, client.created_at.date(), date(2017, 12, 22)), position)
        for position in rng.integers(len(buyers), size=DEALS).tolist()
        for client in (buyers[position],)
    )
    records = [_deal(rng, number, buyers[position], at) for number, (at, position) in enumerate(made_at, start=1)]
    counts = DIRTY["Deals"]
    changes: dict[str, Record] = {
        "impossible_date": {"Created Time": "2017-11-31 09:00:00"},
        "missing_key": {"Record Id": ""},
        "unknown_code": {"Stage": "Zu klären"},
        "not_a_number": {"Amount": "N/A"},
    }
    spoilt = _refused(rng, records, counts, changes, "Record Id", lambda number: _zoho_ref(2, 900_000 + number))
    later: Record = {"Modified Time": "2017-12-30 17:59:00", "Amount": "$1,999.00"}
    doubles = _copies(rng, records, counts["duplicate_id"], later)
    return _export("Deals", [*_mixed_in(rng, records, spoilt), *doubles], counts)


def _deal(rng: np.random.Generator, number: int, client: _Client, created_at: datetime) -> Record:
    stage = _pick(rng, tuple(_STAGES), tuple(share for _, share in _STAGES.values()))
    is_closed = stage.startswith("Closed")
    modified_at = max(
        created_at, _moment(rng, created_at.date(), min(created_at.date() + timedelta(days=75), LAST_CRM_DAY))
    )
    # Some open deals are past their date, as in every CRM.
    closing_on = modified_at.date() if is_closed else date(2017, 12, 10) + timedelta(days=int(rng.integers(0, 80)))
    return {
        "Record Id": _zoho_ref(2, number),
        "Deal Owner.id": _zoho_ref(0, client.owner + 1),
        "Deal Owner": _REPS[client.owner],
        "Deal Name": f"{_pick(rng, _OFFERS)} - {client.person.family.strip()}",
        "Contact Name.id": client.ref,
        "Contact Name": client.person.name,
        "Stage": stage,
        "Amount": f"${round(float(rng.lognormal(6.6, 0.9))):,}.00",
        "Currency": "USD",
        "Probability": str(_STAGES[stage][0]),
        "Closing Date": f"{closing_on:%Y-%m-%d}",
        "Priority": _pick(rng, ("High", "Medium", "Low", ""), (0.2, 0.4, 0.25, 0.15)),
        "Created Time": f"{created_at:%Y-%m-%d %H:%M:%S}",
        "Modified Time": f"{modified_at:%Y-%m-%d %H:%M:%S}",
    }


def _leads(rng: np.random.Generator, clients: Sequence[_Client]) -> Export:
    records = [_lead(rng, client) for client in clients]
    counts = DIRTY["Leads"]
    changes: dict[str, Record] = {"impossible_date": {"Created Time": "Apr 31, 2017 2:05 PM"}}
    spoilt = _refused(rng, records, counts, changes, "Record Id", lambda number: _zoho_ref(3, 900_000 + number))
    return _export("Leads", _mixed_in(rng, records, spoilt), counts)


def _lead(rng: np.random.Generator, client: _Client) -> Record:
    person = client.person
    modified_at = max(client.created_at, _moment(rng, client.created_at.date(), LAST_CRM_DAY))
    city, _, state, _ = PLACES[person.place]
    return {
        "Record Id": client.ref,
        "Lead Owner.id": _zoho_ref(0, client.owner + 1),
        "Lead Owner": _REPS[client.owner],
        "Company": "",
        "First Name": person.given,
        "Last Name": person.family,
        "Full Name": person.name,
        "Email": person.email,
        "Mobile": person.phone,
        "Lead Source": _pick(rng, ("Web form", "Event", "Advertisement")),
        "Lead Status": _pick(rng, _LEAD_STATUSES),
        "Need Clarity": _pick(rng, ("Clear", "Vague", "None", ""), (0.25, 0.35, 0.15, 0.25)),
        "City": city,
        "State": state,
        "Household No": str(client.household.number) if client.household else "",
        "Created Time": _zoho_time(client.created_at),
        "Modified Time": _zoho_time(modified_at),
        "Description": "Generated sample record.",
    }


# -- 纷享销客 ---------------------------------------------------------------------------------------------------------


def _customers(rng: np.random.Generator, clients: Sequence[_Client]) -> Export:
    records = [_customer(rng, client) for client in clients]
    counts = DIRTY["客户"]
    changes: dict[str, Record] = {
        "impossible_date": {"创建时间": "2017-02-30 10:15"},
        "missing_key": {"客户编号": ""},
        "unknown_code": {"省": "火星省"},
    }
    spoilt = _refused(rng, records, counts, changes, "客户编号", lambda number: f"{90_000 + number:08d}")
    cleaned = iter(rng.permutation(len(records)).tolist())
    for _ in range(counts["phone_with_letters"]):
        records[next(cleaned)]["电话"] = "问前台 ext. B"
    for _ in range(counts["spaces"]):
        position = next(cleaned)
        records[position] |= {
            "客户名称": f" {records[position]['客户名称']}\u3000",
            "邮件": f"{records[position]['邮件']} ",
        }
    for _ in range(counts["full_width_digits"]):
        position = next(cleaned)
        records[position]["电话"] = _full_width(str(records[position]["电话"]))
    doubles = _copies(rng, records, counts["duplicate_id"], {"最后修改时间": "2017-12-30 17:59", "客户级别": "A级"})
    return _export("客户", [*_mixed_in(rng, records, spoilt), *doubles], counts)


def _customer(rng: np.random.Generator, client: _Client) -> Record:
    person = client.person
    modified_at = max(client.created_at, _moment(rng, client.created_at.date(), LAST_CRM_DAY))
    _, city, _, state = PLACES[person.place]
    return {
        "客户名称": person.local_name,
        "客户编号": client.ref,
        # A number cell, as spreadsheets make of it; the contract keeps it as text.
        "家庭编号": client.household.number if client.household else "",
        "客户级别": _pick(rng, ("A级", "B级", "C级"), (0.15, 0.35, 0.5)),
        "来源": _pick(rng, ("门店", "公众号", "转介绍", "活动")),
        "电话": person.international_phone,
        "邮件": person.email,
        "微信号": person.wechat_id if rng.random() < 0.85 else "",
        "省": state,
        "市": city,
        "决策角色": _pick(rng, ("决策者", "影响者", "使用者"), (0.6, 0.15, 0.25)),
        "偏好渠道": _pick(rng, ("电话", "微信", "短信", "邮件", ""), (0.15, 0.4, 0.1, 0.15, 0.2)),
        "勿扰": "是" if rng.random() < _NO_CONTACT else "否",
        "负责人": _REPS_ZH[client.owner],
        "创建时间": _local_time(client.created_at),
        "最后修改时间": _local_time(modified_at),
        "备注": "生成的样例数据，查无此人",
    }


def _contact_people(rng: np.random.Generator, clients: Sequence[_Client]) -> Export:
    """联系人: one a customer, who answered for consent; in some households a second, whom nobody asked."""
    records: list[Record] = []
    for client in clients:
        records.append(_contact_person(rng, client, len(records) + 1))
        if client.household is not None and rng.random() < 0.05:
            unasked = {name: "" for name in records[-1] if "同意" in name or "退订" in name}
            second = {
                "联系人编号": f"LX{len(records) + 1:06d}",
                "主要联系人": "否",
                "手机": "",
                "邮件": "",
                "微信号": "",
            }
            records.append({**records[-1], **unasked, **second, "姓名": f"{client.person.local_name}家人"})
    counts = DIRTY["联系人"]
    asked = [position for position, record in enumerate(records) if record["电话同意"]]
    chosen = iter(rng.permutation(asked).tolist())
    # Spoilt in place: the row's answer about the phone is refused, the customer and the other answers stay.
    for _ in range(counts["impossible_date"]):
        records[next(chosen)]["电话同意时间"] = "2017-02-30 10:15"
    for _ in range(counts["unknown_code"]):
        records[next(chosen)]["电话同意"] = "也许"
    for _ in range(counts["spaces"]):
        position = next(chosen)
        records[position] |= {
            "姓名": f"{records[position]['姓名']} ",
            "电话同意": f" {records[position]['电话同意']}\u3000",
        }
    blank: Record = {name: "" for name in records[0] if "同意" in name or "退订" in name}
    answered: Record = {"客户编号": "", "电话同意": "是", "电话同意时间": "2017-05-04 09:30"}
    changes: dict[str, Record] = {"missing_key": {**blank, **answered}}
    spoilt = _refused(rng, records, counts, changes, "联系人编号", lambda number: f"LX{900_000 + number:06d}")
    return _export("联系人", _mixed_in(rng, records, spoilt), counts)


def _contact_person(rng: np.random.Generator, client: _Client, number: int) -> Record:
    person = client.person
    record: Record = {
        "联系人编号": f"LX{number:06d}",
        "姓名": person.local_name,
        "客户编号": client.ref,
        "主要联系人": "是",
        "职务": _pick(rng, ("户主", "配偶", "子女"), (0.7, 0.25, 0.05)),
        "手机": person.international_phone,
        "邮件": person.email,
        "微信号": person.wechat_id,
    }
    granted: list[tuple[str, datetime]] = []
    for channel, label in (("phone", "电话"), ("wechat", "微信"), ("sms", "短信"), ("email", "邮件")):
        answer = _answer(rng, channel)
        soon = min(client.created_at.date() + timedelta(days=45), LAST_CRM_DAY)
        asked_at = max(client.created_at, _moment(rng, client.created_at.date(), soon))
        record[f"{label}同意"] = "" if answer is None else "是" if answer else "否"
        record[f"{label}同意时间"] = "" if answer is None else _local_time(asked_at)
        if answer:
            granted.append((label, asked_at))
    withdrawn = granted[int(rng.integers(len(granted)))] if granted and rng.random() < 2 * _WITHDRAWN else None
    withdrawn_at = _moment(rng, withdrawn[1].date() + timedelta(days=1), LAST_CRM_DAY) if withdrawn else None
    reason = _pick(rng, ("消息太多", "不再需要", "来电要求"))
    modified_at = max(client.created_at, withdrawn_at or client.created_at)
    return record | {
        "退订渠道": withdrawn[0] if withdrawn else "",
        "退订时间": _local_time(withdrawn_at) if withdrawn_at else "",
        "退订原因": reason if withdrawn else "",
        "负责人": _REPS_ZH[client.owner],
        "创建时间": _local_time(client.created_at),
        "最后修改时间": _local_time(modified_at),
    }


def _follow_ups(rng: np.random.Generator, clients: Sequence[_Client]) -> Export:
    """销售记录: follow-ups spread over 2017, complaints among them, some right before a household fell silent."""
    planned: list[tuple[datetime, int, bool]] = []
    for position in rng.integers(len(clients), size=FOLLOW_UPS).tolist():
        at = _moment(rng, max(clients[position].created_at.date(), FIRST_FOLLOW_UP_DAY), LAST_CRM_DAY)
        planned.append((at, position, rng.random() < 0.03))
    for position, client in enumerate(clients):
        if client.household is None or client.household.last_on >= date(2017, 11, 20) or rng.random() >= 0.15:
            continue
        around = client.household.last_on - timedelta(days=int(rng.integers(0, 20)))
        earliest = max(around, client.created_at.date(), FIRST_FOLLOW_UP_DAY)
        planned.append((_moment(rng, earliest, earliest + timedelta(days=5)), position, True))
    planned.sort()
    records = [
        _follow_up(rng, number, clients[position], at, is_complaint=is_complaint)
        for number, (at, position, is_complaint) in enumerate(planned, start=1)
    ]
    counts = DIRTY["销售记录"]
    changes: dict[str, Record] = {
        "impossible_date": {"跟进时间": "2017-09-31 16:20"},
        "missing_key": {"记录编号": ""},
        "unknown_code": {"跟进方式": "飞鸽传书"},
    }
    spoilt = _refused(rng, records, counts, changes, "记录编号", lambda number: f"XS2017-{900_000 + number:06d}")
    for position in rng.permutation(len(records))[: counts["spaces"]].tolist():
        records[position] |= {
            "跟进方式": f" {records[position]['跟进方式']} ",
            "结果": f"{records[position]['结果']}\u3000",
        }
    doubles = _copies(rng, records, counts["duplicate_id"], {"结果": "已处理"})
    return _export("销售记录", [*_mixed_in(rng, records, spoilt), *doubles], counts)


def _follow_up(rng: np.random.Generator, number: int, client: _Client, at: datetime, *, is_complaint: bool) -> Record:
    is_inbound = is_complaint or rng.random() < 0.25
    ways = ("服务", "电话", "微信") if is_complaint else ("电话", "微信", "邮件", "短信", "拜访", "服务")
    shares = (0.6, 0.25, 0.15) if is_complaint else (0.36, 0.30, 0.12, 0.10, 0.04, 0.08)
    # Of the complaints since October a third are still open; older ones were settled within nine days.
    is_open = is_complaint and at.date() >= date(2017, 10, 1) and rng.random() < 0.35
    resolved_at: datetime | None = None
    if is_complaint and not is_open:
        last = min(at.date() + timedelta(days=9), LAST_CRM_DAY)
        resolved_at = max(at + timedelta(minutes=30), _moment(rng, at.date(), last))
    outcome = "未接通" if rng.random() < 0.3 else _pick(rng, ("已接通", "有意向", "暂无需求"))
    if is_complaint:
        outcome = "待处理" if is_open else "已处理"
    return {
        "记录编号": f"XS2017-{number:06d}",
        "客户编号": client.ref,
        "客户名称": client.person.local_name,
        "跟进时间": at,
        "跟进方式": _pick(rng, ways, shares),
        "方向": "客户来电" if is_inbound else "主动联系",
        "结果": outcome,
        "是否投诉": "是" if is_complaint else "否",
        "解决时间": resolved_at or "",
        "负责人": _REPS_ZH[client.owner],
    }


# -- shared ----------------------------------------------------------------------------------------------------------


def _answer(rng: np.random.Generator, channel: str) -> bool | None:
    return bool(rng.random() < _AGREED[channel]) if rng.random() < _ANSWERED else None


def _pick(rng: np.random.Generator, options: Sequence[str], shares: Sequence[float] = ()) -> str:
    """One of the options; Generator.choice would turn them into an array each time, ten times as slow."""
    if not shares:
        return options[int(rng.integers(len(options)))]
    return options[min(bisect_right(tuple(accumulate(shares)), rng.random()), len(options) - 1)]


def _moment(rng: np.random.Generator, earliest: date, latest: date) -> datetime:
    """A minute of opening hours, 9:00 to 17:59, on a day of the span; no hour that a change of clocks doubles."""
    latest = min(latest, LAST_CRM_DAY)
    day = earliest + timedelta(days=int(rng.integers(0, max(0, (latest - earliest).days) + 1)))
    return datetime.combine(min(day, LAST_CRM_DAY), time(int(rng.integers(9, 18)), int(rng.integers(0, 60))))


def _zoho_time(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year} {hour}:{moment.minute:02d} {half}"


def _local_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _ticked(answer: bool | None) -> str:
    return "" if answer is None else "true" if answer else "false"


def _full_width(text: str) -> str:
    return "".join(chr(ord(mark) + 0xFEE0) if mark.isdigit() else mark for mark in text)


def _copies(
    rng: np.random.Generator, records: Sequence[Record], count: int, change: Mapping[str, Cell]
) -> list[Record]:
    """Copies of `count` records with `change` applied."""
    chosen = sorted(rng.choice(len(records), size=count, replace=False).tolist())
    return [{**records[position], **change} for position in chosen]


def _refused(
    rng: np.random.Generator,
    records: Sequence[Record],
    counts: Mapping[str, int],
    changes: Mapping[str, Mapping[str, Cell]],
    key: str,
    new_key: Callable[[int], str],
) -> list[Record]:
    """Rows that break the contract, as many of each kind as `counts` says, under keys of their own."""
    spoilt = [record for kind, change in changes.items() for record in _copies(rng, records, counts[kind], change)]
    for number, record in enumerate(spoilt, start=1):
        record[key] = record[key] and new_key(number)
    return spoilt


def _mixed_in(rng: np.random.Generator, records: Sequence[Record], spoilt: Sequence[Record]) -> list[Record]:
    mixed = list(records)
    for record in spoilt:
        mixed.insert(int(rng.integers(len(mixed) + 1)), record)
    return mixed


def _export(name: str, records: Sequence[Record], dirty: Mapping[str, int]) -> Export:
    header = tuple(records[0])
    return Export(name, header, tuple(tuple(record[column] for column in header) for record in records), dirty)
