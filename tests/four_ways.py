"""One small business, written down as four systems would give it: two CRM exports, a CRM's API, and a database.

Some forty companies, each with a person who acts for it, and two hundred orders, of which some are cancelled, wait or
come back in part; deals, calls and visits. Every system names the records in its own way, and shows times and amounts
as it does.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import xlsxwriter

TIME_ZONE = ZoneInfo("Asia/Shanghai")
FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2025, 6, 30)
COMPANIES = 42
PROVINCES = {"浙江": "杭州", "广东": "深圳", "四川": "成都"}
STAGES = ("Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review")
CLOSED = {"won": "Closed Won", "lost": "Closed Lost"}


@dataclass(frozen=True)
class Company:
    """A customer and who acts for it, the person of the same number. Times are aware, and whole minutes: the coarsest
    that an export shows.
    """

    number: int
    name: str
    phone: str
    person: str
    mobile: str
    email: str
    industry: str
    province: str
    level: str
    owner: str
    created_at: datetime
    updated_at: datetime

    @property
    def city(self) -> str:
        return PROVINCES[self.province]


@dataclass(frozen=True)
class Order:
    """An order; `state` is completed, cancelled or pending."""

    number: int
    company: int
    ordered_at: datetime
    state: str
    amount: Decimal
    updated_at: datetime


@dataclass(frozen=True)
class Refund:
    """A part of an order that came back."""

    number: int
    order: int
    company: int
    refunded_at: datetime
    amount: Decimal


@dataclass(frozen=True)
class Deal:
    """An opportunity; `state` is open, won or lost, `probability` of 100."""

    number: int
    company: int
    state: str
    stage: str
    amount: Decimal
    probability: int
    closes_on: date
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Call:
    """A talk with a customer, by phone or at their place."""

    number: int
    company: int
    occurred_at: datetime
    channel: str
    owner: str


@dataclass(frozen=True)
class Business:
    """All of it."""

    companies: tuple[Company, ...]
    orders: tuple[Order, ...]
    refunds: tuple[Refund, ...]
    deals: tuple[Deal, ...]
    calls: tuple[Call, ...]


def make_business(seed: int = 11) -> Business:
    """The business of a seed."""
    rng = np.random.default_rng(seed)
    companies: list[Company] = []
    orders: list[Order] = []
    refunds: list[Refund] = []
    deals: list[Deal] = []
    calls: list[Call] = []
    for number in range(1, COMPANIES + 1):
        created = _moment(rng, FIRST_DAY + timedelta(days=int(rng.integers(0, 200))))
        owner = ("王芳", "李雷")[number % 2]
        companies.append(
            Company(
                number=number,
                name=f"云南第{number}商行",
                phone=f"0571-8800{number:04}",
                person=f"{'赵钱孙李'[number % 4]}经理",
                mobile=f"138 0013 {number:04}",
                email=f"office@firm{number}.example.cn",
                industry=("零售", "制造", "物流")[number % 3],
                province=list(PROVINCES)[number % 3],
                level=("重点", "普通")[number % 4 == 0],
                owner=owner,
                created_at=created,
                updated_at=created + timedelta(days=int(rng.integers(0, 90))),
            )
        )
        day = created.date() + timedelta(days=int(rng.integers(0, 40)))
        for _ in range(int(rng.choice([0, 1, 3, 5, 8, 11, 14]))):
            if day > LAST_DAY:
                break
            placed = _moment(rng, day)
            state = str(rng.choice(["completed"] * 9 + ["cancelled", "pending"]))
            amount = Decimal(int(rng.integers(2_000, 900_000))) / 100
            at = len(orders) + 1
            orders.append(Order(at, number, placed, state, amount, placed + timedelta(days=int(rng.integers(0, 9)))))
            if state == "completed" and rng.random() < 0.15:
                back = _moment(rng, min(day + timedelta(days=int(rng.integers(1, 60))), LAST_DAY))
                share = (amount / 2).quantize(Decimal("0.01"))
                refunds.append(Refund(len(refunds) + 1, at, number, max(back, placed), share))
            day += timedelta(days=int(rng.choice([7, 20, 31, 60, 120])))
        for _ in range(int(rng.integers(0, 3))):
            opened = _moment(rng, created.date() + timedelta(days=int(rng.integers(0, 300))))
            state = str(rng.choice(["open", "open", "won", "lost"]))
            deals.append(
                Deal(
                    number=len(deals) + 1,
                    company=number,
                    state=state,
                    stage=CLOSED.get(state) or str(rng.choice(STAGES)),
                    amount=Decimal(int(rng.integers(10_000, 9_000_000))) / 100,
                    probability=int(rng.integers(1, 10)) * 10,
                    closes_on=opened.date() + timedelta(days=int(rng.integers(20, 200))),
                    created_at=opened,
                    updated_at=opened + timedelta(days=int(rng.integers(0, 30))),
                )
            )
        for _ in range(int(rng.integers(0, 4))):
            at_day = min(created.date() + timedelta(days=int(rng.integers(0, 500))), LAST_DAY)
            channel = str(rng.choice(["phone", "visit"]))
            calls.append(Call(len(calls) + 1, number, _moment(rng, at_day), channel, owner))
    return Business(tuple(companies), tuple(orders), tuple(refunds), tuple(deals), tuple(calls))


def _moment(rng: np.random.Generator, day: date) -> datetime:
    """Any minute of a day; between 0 and 8 in Shanghai the day in UTC is the one before."""
    minute = int(rng.integers(0, 24 * 60))
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=TIME_ZONE)


# --- 纷享销客, exported ---

_FXIAOKE_STATE = {"completed": "正常", "cancelled": "作废", "pending": "审核中"}
_FXIAOKE_DEAL = {"open": "进行中", "won": "赢单", "lost": "输单"}
_FXIAOKE_CALL = {"phone": "电话", "visit": "拜访"}


def export_from_fxiaoke(business: Business, folder: Path) -> None:
    """Excel files as its export writes them: Chinese headers, dates as cells or as text, amounts with their mark."""
    folder.mkdir(parents=True)

    def customer(number: int) -> str:
        return f"KH2024{number:04}"

    _write_excel(
        folder / "客户_20250701.xlsx",
        [
            {
                "客户编号": customer(each.number),
                "客户名称": each.name,
                "电话": each.phone,
                "邮件": "",
                "1级行业": each.industry,
                "省": each.province,
                "市": each.city,
                "客户级别": each.level,
                "负责人": each.owner,
                "生命状态": "正常",
                "创建时间": _minutes(each.created_at),
                "最后修改时间": _naive(each.updated_at),
            }
            for each in business.companies
        ],
    )
    _write_excel(
        folder / "联系人_20250701.xlsx",
        [
            {
                "联系人编号": f"LX{each.number:05}",
                "姓名": each.person,
                "客户编号": customer(each.number),
                "手机": each.mobile,
                "邮件": each.email,
                "负责人": each.owner,
                "创建时间": _minutes(each.created_at),
                "最后修改时间": _minutes(each.updated_at),
            }
            for each in business.companies
        ],
    )
    _write_excel(
        folder / "销售订单_20250701.xlsx",
        [
            {
                "销售订单编号": f"DD{each.number:06}",
                "客户编号": customer(each.company),
                "下单日期": _naive(each.ordered_at) if each.number % 2 else _minutes(each.ordered_at),
                "生命状态": _FXIAOKE_STATE[each.state],
                "销售订单金额(元)": f"￥{each.amount:,.2f}" if each.number % 3 else float(each.amount),
                "最后修改时间": _minutes(each.updated_at),
            }
            for each in business.orders
        ],
    )
    _write_excel(
        folder / "退货单_20250701.xlsx",
        [
            {
                "退货单编号": f"TH{each.number:05}",
                "销售订单编号": f"DD{each.order:06}",
                "客户编号": customer(each.company),
                "退货日期": _minutes(each.refunded_at),
                "退货单总金额": f"{each.amount:.2f}",
                "生命状态": "正常",
            }
            for each in business.refunds
        ],
    )
    _write_excel(
        folder / "商机_20250701.xlsx",
        [
            {
                "商机编号": f"SJ{each.number:05}",
                "商机名称": "采购",
                "客户编号": customer(each.company),
                "阶段状态": _FXIAOKE_DEAL[each.state],
                "商机阶段": each.stage,
                "商机金额": f"{each.amount:,.2f}",
                "赢率": each.probability,
                "结单日期": f"{each.closes_on:%Y/%m/%d}",
                "创建时间": _minutes(each.created_at),
                "最后修改时间": _minutes(each.updated_at),
            }
            for each in business.deals
        ],
    )
    _write_excel(
        folder / "销售记录_20250701.xlsx",
        [
            {
                "销售记录编号": f"XS{each.number:05}",
                "客户编号": customer(each.company),
                "跟进时间": _minutes(each.occurred_at),
                "跟进方式": _FXIAOKE_CALL[each.channel],
                "负责人": each.owner,
            }
            for each in business.calls
        ],
    )


def _write_excel(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("数据")
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for column, header in enumerate(rows[0]):
            sheet.write_string(0, column, header)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row.values()):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, moment)
                elif isinstance(value, int | float):
                    sheet.write_number(number, column, value)
                else:
                    sheet.write_string(number, column, value)


def _minutes(moment: datetime) -> str:
    return f"{moment.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}"


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(TIME_ZONE).replace(tzinfo=None)


# --- Zoho CRM, exported and by its API ---

_ZOHO_STATE = {"completed": "Delivered", "cancelled": "Cancelled", "pending": "Created"}
_MODULES = ("Accounts", "Contacts", "Sales_Orders", "Returns", "Deals", "Calls", "Events")


def zoho_id(module: str, number: int) -> str:
    """A record's id, as the API has it."""
    return f"49707620000{_MODULES.index(module) + 1:02}{number:06}"


def zoho_modules(business: Business) -> dict[str, list[dict[str, Any]]]:
    """The records of each module as the API gives them; returns are a module of the company's own."""
    account = {each.number: _lookup(each.name, zoho_id("Accounts", each.number)) for each in business.companies}
    contact = {each.number: _lookup(each.person, zoho_id("Contacts", each.number)) for each in business.companies}
    times = {each.number: _times(each.created_at, each.updated_at) for each in business.companies}
    return {
        "Accounts": [
            {
                "id": zoho_id("Accounts", each.number),
                "Account_Name": each.name,
                "Phone": each.phone,
                "Industry": each.industry,
                "Employees": None,
                "Billing_State": each.province,
                "Billing_City": each.city,
                "Rating": each.level,
                "Owner": _owner(each.owner),
                **times[each.number],
            }
            for each in business.companies
        ],
        "Contacts": [
            {
                "id": zoho_id("Contacts", each.number),
                "Full_Name": each.person,
                "Account_Name": account[each.number],
                "Mobile": each.mobile,
                "Email": each.email,
                "Mailing_State": None,
                "Mailing_City": None,
                "Email_Opt_Out": False,
                "Unsubscribed_Time": None,
                "Owner": _owner(each.owner),
                **times[each.number],
            }
            for each in business.companies
        ],
        "Sales_Orders": [
            {
                "id": zoho_id("Sales_Orders", each.number),
                "Account_Name": account[each.company],
                "Status": _ZOHO_STATE[each.state],
                "Grand_Total": float(each.amount),
                **_times(each.ordered_at, each.updated_at),
            }
            for each in business.orders
        ],
        "Returns": [
            {
                "id": zoho_id("Returns", each.number),
                "Sales_Order": _lookup("an order", zoho_id("Sales_Orders", each.order)),
                "Account_Name": account[each.company],
                "Amount": float(each.amount),
                **_times(each.refunded_at, each.refunded_at),
            }
            for each in business.refunds
        ],
        "Deals": [
            {
                "id": zoho_id("Deals", each.number),
                "Account_Name": account[each.company],
                "Stage": each.stage,
                "Amount": float(each.amount),
                "Probability": each.probability,
                "Closing_Date": each.closes_on.isoformat(),
                **_times(each.created_at, each.updated_at),
            }
            for each in business.deals
        ],
        "Calls": [
            {
                "id": zoho_id("Calls", each.number),
                "Who_Id": contact[each.company],
                "Call_Start_Time": _offset(each.occurred_at),
                "Call_Type": None,
                "Call_Result": None,
                "Owner": _owner(each.owner),
                **_times(each.occurred_at, each.occurred_at),
            }
            for each in business.calls
            if each.channel == "phone"
        ],
        "Events": [
            {
                "id": zoho_id("Events", each.number),
                "Who_Id": contact[each.company],
                "Start_DateTime": _offset(each.occurred_at),
                "Owner": _owner(each.owner),
                **_times(each.occurred_at, each.occurred_at),
            }
            for each in business.calls
            if each.channel == "visit"
        ],
    }


# Labels are the names with blanks, but for these; where there are two, they are those of the module.
_LABELS = {
    "id": "Record Id",
    "Probability": "Probability (%)",
    "Who_Id": "Contact Name",
    "Start_DateTime": "From",
    "Accounts Owner": "Account Owner",
    "Contacts Owner": "Contact Owner",
    "Calls Owner": "Call Owner",
    "Events Owner": "Host",
}


def export_from_zoho(business: Business, folder: Path) -> None:
    """CSV files as the export of a module writes them: zcrm_ ids, lookups as pairs, times in the locale of the user."""
    folder.mkdir(parents=True)
    for module, records in zoho_modules(business).items():
        rows = [dict(_exported(module, record)) for record in records]
        with (folder / f"{module}_2025_07_01.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _exported(module: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        label = _LABELS.get(f"{module} {name}") or _LABELS.get(name) or name.replace("_", " ")
        if name == "id":
            yield label, f"zcrm_{value}"
        elif isinstance(value, dict):
            yield f"{label}.id", f"zcrm_{value['id']}"
            yield label, value["name"]
        elif isinstance(value, float):
            yield label, f"${value:,.2f}"
        elif value is not None and (name.endswith("_Time") or name == "Start_DateTime"):
            yield label, f"{datetime.fromisoformat(value):%b %d, %Y %I:%M %p}"
        elif name == "Closing_Date":
            yield label, f"{date.fromisoformat(value):%b %d, %Y}"
        else:
            yield label, "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _lookup(name: str, record_id: str) -> dict[str, str]:
    return {"name": name, "id": record_id}


def _owner(name: str) -> dict[str, str]:
    return {**_lookup(name, "4970762000000326001"), "email": "owner@example.cn"}


def _times(created_at: datetime, modified_at: datetime) -> dict[str, str]:
    return {"Created_Time": _offset(created_at), "Modified_Time": _offset(modified_at)}


def _offset(moment: datetime) -> str:
    return moment.astimezone(TIME_ZONE).isoformat(timespec="seconds")


# --- PostgreSQL ---

_SHOP_STATE = {"completed": "shipped", "cancelled": "canceled", "pending": "open"}


def postgres_tables(business: Business) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """Columns and rows of each table; times of orders and refunds without a zone, as many shops keep them."""
    return {
        "customers": (
            "id bigint primary key, name text, phone text, email text, industry text, region text, city text, "
            "level text, owner text, created_at timestamptz, updated_at timestamptz",
            [
                (
                    *(each.number, each.name, each.phone, None, each.industry, each.province, each.city),
                    *(each.level, each.owner, each.created_at, each.updated_at),
                )
                for each in business.companies
            ],
        ),
        "contacts": (
            "id text primary key, customer_id bigint, name text, mobile text, email text, owner text, "
            "created_at timestamptz, updated_at timestamptz",
            [
                (
                    *(f"c{each.number}", each.number, each.person, each.mobile, each.email, each.owner),
                    *(each.created_at, each.updated_at),
                )
                for each in business.companies
            ],
        ),
        "orders": (
            "id bigint primary key, customer_id bigint, placed_at timestamp, status text, total numeric(14,2), "
            "discount numeric(14,2), currency char(3), channel text, updated_at timestamp",
            [
                (
                    *(each.number, each.company, _naive(each.ordered_at), _SHOP_STATE[each.state], each.amount, None),
                    *("CNY", None, _naive(each.updated_at)),
                )
                for each in business.orders
            ],
        ),
        "refunds": (
            "id bigint primary key, order_id bigint, customer_id bigint, refunded_at timestamp, amount numeric(14,2), "
            "currency char(3)",
            [
                (each.number, each.order, each.company, _naive(each.refunded_at), each.amount, "CNY")
                for each in business.refunds
            ],
        ),
        "deals": (
            "id bigint primary key, customer_id bigint, state text, stage text, amount numeric(14,2), chance numeric, "
            "closes_on date, created_at timestamptz, updated_at timestamptz",
            [
                (
                    *(each.number, each.company, each.state, each.stage, each.amount),
                    *(Decimal(each.probability) / 100, each.closes_on, each.created_at, each.updated_at),
                )
                for each in business.deals
            ],
        ),
        "calls": (
            "id bigint primary key, customer_id bigint, at timestamptz, channel text, owner text",
            [(each.number, each.company, each.occurred_at, each.channel, each.owner) for each in business.calls],
        ),
    }
