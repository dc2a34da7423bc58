"""A tiny shop for tests of the whole graph: sixty customers, two years of orders in Chinese exports, and its config.

Everything is made here from a seed; nobody in it exists. Phones lie in the range 555-0100 to 555-0199, kept for
fiction. The standard and the publishing settings are the shipped ones, copied when the shop is built.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

PROJECT_ROOT = Path(__file__).resolve().parents[1]

FIRST_DAY = date(2023, 1, 1)
LAST_DAY = date(2024, 12, 31)

# What the seed does not change: how many rows are made to be refused, and what the files hold besides the orders.
CUSTOMERS = 60
PROSPECTS = 8
BUYERS_WITHOUT_RECORD = 3
BAD_ORDER_ROWS = 1
CORRECTED_ORDERS = 2
SAME_DAY_DOUBLES = 10
CANCELLED_ORDERS = 9
PENDING_ORDERS = 3
REFUNDED_ORDERS = 12
REFUNDS_WITHOUT_ORDER = 3

COMPLETED, PENDING = "交易成功", "等待买家付款"
CANCELLED, REFUNDED = "交易关闭", "付款以后用户退款成功，交易自动关闭"

# Buyers by habit: how many, mean gap between orders in days, first and last day on which they may order.
HABITS: tuple[tuple[str, int, int, date, date], ...] = (
    ("frequent", 2, 22, FIRST_DAY, LAST_DAY),
    ("regular", 14, 82, FIRST_DAY, LAST_DAY),
    ("lapsed", 12, 54, FIRST_DAY, date(2023, 12, 31)),
    ("silent", 10, 64, date(2023, 6, 1), date(2024, 9, 30)),
    ("new", 4, 12, date(2024, 12, 5), LAST_DAY),
)
ONE_TIME_BUYERS = 6
RETURNING_BUYERS = 4

SOURCES_YAML = """\
# The tiny shop of the tests: three exports of one shop, all invented.
business:
  time_zone: Asia/Shanghai
  currency: CNY
  default_country: CN
  history_starts_on: 2023-01-01
landing:
  bad_rows_limit: 0.02
sources:
  - name: shop
    kind: files
    time_zone: Asia/Shanghai
    currency: CNY
    reads:
      - entity: orders
        path: inbox/shop/orders_2023.csv
        encoding: gb18030
        columns: &orders
          order_id: 订单编号
          customer_ref: 买家昵称
          ordered_at: {from: 付款时间, formats: ["%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S"]}
          status:
            from: 订单状态
            values:
              交易成功: completed
              交易关闭: cancelled
              等待买家付款: pending
              付款以后用户退款成功，交易自动关闭: refunded
          gross_amount: 总金额
          discount_amount: 优惠金额
          cost_amount: 成本
          channel: 渠道
          region: 省份
          refund_amount: 退款金额
          refunded_at: {from: 退款时间, formats: ["%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S"]}
      - entity: orders
        path: inbox/shop/orders_2024.csv
        columns: *orders
      - entity: refunds
        path: inbox/shop/refunds.csv
        columns:
          refund_id: 退款编号
          customer_ref: 买家昵称
          refunded_at: {from: 退款时间, formats: ["%Y-%m-%d %H:%M:%S"]}
          amount: 退款金额
  - name: members
    kind: files
    time_zone: Asia/Shanghai
    reads:
      - entity: customers
        path: inbox/members/customers.csv
        links: {shop: 买家昵称}
        columns:
          customer_ref: 会员编号
          name: 姓名
          kind: {constant: person}
          phone: 手机
          email: 邮箱
          wechat_id: 微信号
          member_level: 会员等级
          region: 省份
          city: 城市
          owner: 负责人
          do_not_contact: {from: 勿扰, values: {是: "true", 否: "false"}}
          created_at: {from: 注册时间, formats: ["%Y-%m-%d %H:%M:%S"]}
          updated_at: {from: 更新时间, formats: ["%Y-%m-%d %H:%M:%S"]}
      - entity: consents
        path: inbox/members/consents.csv
        columns:
          customer_ref: 会员编号
          channel: {from: 渠道, values: {电话: phone, 微信: wechat, 短信: sms, 邮件: email}}
          occurred_at: {from: 时间, formats: ["%Y-%m-%d %H:%M:%S"]}
          is_granted: {from: 是否同意, values: {是: "true", 否: "false"}}
          reason: 原因
      - entity: interactions
        path: inbox/members/interactions.csv
        columns:
          interaction_id: 记录编号
          customer_ref: 会员编号
          occurred_at: {from: 时间, formats: ["%Y-%m-%d %H:%M:%S"]}
          channel: {from: 方式, values: {电话: phone, 微信: wechat, 短信: sms, 服务: service}}
          direction: {from: 方向, values: {呼出: outbound, 来电: inbound}}
          outcome: {from: 结果, values: {已接通: reached, 未接通: no_answer, 已处理: handled}}
          is_complaint: {from: 是否投诉, values: {是: "true", 否: "false"}}
          resolved_at: {from: 解决时间, formats: ["%Y-%m-%d %H:%M:%S"]}
          owner: 负责人
"""


@dataclass(frozen=True)
class _Order:
    number: str
    buyer: str
    paid_at: datetime
    status: str
    gross: Decimal
    discount: Decimal
    cost: Decimal
    channel: str
    refund: Decimal | None = None
    refunded_at: datetime | None = None


def build_tiny_shop(folder: Path, *, seed: int = 7) -> tuple[Path, Path]:
    """Write the shop below `folder` and return its config folder and its data folder.

    The same seed gives the same bytes. Orders: about 400 in 2023 and 2024, money in CNY, times in Asia/Shanghai.
    """
    rng = np.random.default_rng(seed)
    buyers = [_nickname(number) for number in range(1, CUSTOMERS - PROSPECTS + 1)]
    orders = _orders(rng, buyers)
    config, data = folder / "config", folder / "data"
    config.mkdir(parents=True)
    (config / "sources.yaml").write_text(SOURCES_YAML, encoding="utf-8")
    for name in ("standards.yaml", "publishing.yaml"):
        shutil.copyfile(PROJECT_ROOT / "config" / name, config / name)
    _write_orders(data / "inbox" / "shop", orders)
    _write_refunds(data / "inbox" / "shop", rng, orders)
    _write_members(data / "inbox" / "members", rng, orders)
    return config, data


def _orders(rng: np.random.Generator, buyers: Sequence[str]) -> list[_Order]:
    moments = sorted(_order_moments(rng, buyers))
    orders = [_order(rng, position, buyer, paid_at) for position, (paid_at, buyer) in enumerate(moments, start=1)]
    return _with_statuses(rng, orders)


def _order_moments(rng: np.random.Generator, buyers: Sequence[str]) -> Iterator[tuple[datetime, str]]:
    remaining = iter(buyers)
    made: list[tuple[datetime, str]] = []
    for _, count, gap, first, last in HABITS:
        for buyer in (next(remaining) for _ in range(count)):
            day = first + timedelta(days=int(rng.integers(0, max(2, gap // 2))))
            while day <= last:
                made.append((_moment(rng, day), buyer))
                day += timedelta(days=int(rng.integers(max(1, gap // 2), gap * 3 // 2)))
    once = [next(remaining) for _ in range(ONE_TIME_BUYERS)]
    made += [(_moment(rng, FIRST_DAY + timedelta(days=int(rng.integers(0, 700)))), buyer) for buyer in once]
    for buyer in remaining:  # bought in the first spring, then not until the last weeks
        made += [(_moment(rng, FIRST_DAY + timedelta(days=int(rng.integers(30, 120)))), buyer) for _ in range(3)]
        made.append((_moment(rng, LAST_DAY - timedelta(days=int(rng.integers(0, 20)))), buyer))
    # The last day has an order, so that the day the shop ends on does not hang on the seed.
    made.append((datetime.combine(LAST_DAY, time(23, 40)), buyers[0]))
    doubled = rng.choice(len(made), size=SAME_DAY_DOUBLES, replace=False)
    made += [(datetime.combine(made[i][0].date(), time(23, 50, i % 60)), made[i][1]) for i in sorted(doubled.tolist())]
    yield from made


def _order(rng: np.random.Generator, position: int, buyer: str, paid_at: datetime) -> _Order:
    gross = _money(rng.lognormal(4.6, 0.8))
    has_discount = rng.random() < 0.35
    discount = (
        (gross * Decimal(int(rng.integers(5, 31))) / 100).quantize(Decimal("0.01")) if has_discount else Decimal(0)
    )
    return _Order(
        number=f"00{paid_at:%y%m%d}{position:05d}",
        buyer=buyer,
        paid_at=paid_at,
        status=COMPLETED,
        gross=gross,
        discount=discount,
        cost=(gross * Decimal("0.6")).quantize(Decimal("0.01")),
        channel=str(rng.choice(["天猫", "小程序", "门店"])),
    )


def _with_statuses(rng: np.random.Generator, orders: Sequence[_Order]) -> list[_Order]:
    """Some orders cancelled, pending or refunded; the last one stays completed."""
    chosen = rng.choice(len(orders) - 1, size=CANCELLED_ORDERS + PENDING_ORDERS + REFUNDED_ORDERS, replace=False)
    changed = list(orders)
    for rank, position in enumerate(chosen.tolist()):
        order = orders[position]
        if rank < CANCELLED_ORDERS:
            changed[position] = replace(order, status=CANCELLED)
        elif rank < CANCELLED_ORDERS + PENDING_ORDERS:
            changed[position] = replace(order, status=PENDING)
        else:
            revenue = order.gross - order.discount
            is_whole = rank % 2 == 0
            changed[position] = replace(
                order,
                status=REFUNDED if is_whole else COMPLETED,
                refund=revenue if is_whole else (revenue / 3).quantize(Decimal("0.01")),
                refunded_at=min(order.paid_at + timedelta(days=int(rng.integers(1, 25))), _end_of(LAST_DAY)),
            )
    return changed


def _write_orders(folder: Path, orders: Sequence[_Order]) -> None:
    """Two yearly exports as two shops' back ends write them; the second corrects orders of the first."""
    first = [order for order in orders if order.paid_at.year == 2023]
    second = [order for order in orders if order.paid_at.year == 2024]
    corrected = [order for order in reversed(first) if order.refund is None][:CORRECTED_ORDERS]
    pending = {order.number for order in corrected}
    first = [replace(order, status=PENDING) if order.number in pending else order for order in first]
    _write_csv(folder / "orders_2023.csv", [_order_row(order, _slashed, "￥{:,.2f}") for order in first], "gb18030")
    rows = [_order_row(order, _dashed, "{:.2f}") for order in (*corrected, *second)]
    impossible = {**rows[-1], "订单编号": "00240230999999", "付款时间": "2024-02-30 10:00:00"}
    _write_csv(folder / "orders_2024.csv", [*rows[:20], impossible, *rows[20:]], "utf-8-sig")


def _order_row(order: _Order, moment: Callable[[datetime], str], money: str) -> dict[str, str]:
    return {
        "订单编号": order.number,
        "买家昵称": order.buyer,
        "付款时间": moment(order.paid_at),
        "订单状态": order.status,
        "总金额": money.format(order.gross),
        "优惠金额": money.format(order.discount),
        "实付金额": money.format(order.gross - order.discount),
        "成本": money.format(order.cost),
        "渠道": order.channel,
        "省份": _province(order.buyer),
        "退款金额": money.format(order.refund) if order.refund is not None else "",
        "退款时间": moment(order.refunded_at) if order.refunded_at is not None else "",
    }


def _write_refunds(folder: Path, rng: np.random.Generator, orders: Sequence[_Order]) -> None:
    """Refunds that name a buyer and no order: goodwill, some weeks after an order."""
    completed = [order for order in orders if order.status == COMPLETED and order.paid_at.date() < date(2024, 11, 1)]
    chosen = sorted(rng.choice(len(completed), size=REFUNDS_WITHOUT_ORDER, replace=False).tolist())
    rows = [
        {
            "退款编号": f"TK{number:04d}",
            "买家昵称": completed[position].buyer,
            "退款时间": _dashed(completed[position].paid_at + timedelta(days=30)),
            "退款金额": "5.50",
        }
        for number, position in enumerate(chosen, start=1)
    ]
    _write_csv(folder / "refunds.csv", rows, "utf-8")


def _write_members(folder: Path, rng: np.random.Generator, orders: Sequence[_Order]) -> None:
    first_orders: dict[str, datetime] = {}
    for order in orders:
        first_orders.setdefault(order.buyer, order.paid_at)
    customers: list[dict[str, str]] = []
    consents: list[dict[str, str]] = []
    interactions: list[dict[str, str]] = []
    for number in range(1, CUSTOMERS + 1):
        if BUYERS_WITHOUT_RECORD >= number - 2 > 0:
            continue  # these few buy without ever registering
        is_prospect = number > CUSTOMERS - PROSPECTS
        nickname = "" if is_prospect else _nickname(number)
        registered = first_orders.get(nickname, _moment(rng, FIRST_DAY + timedelta(days=number * 9)))
        member = f"{number:06d}"
        customers.append(_customer_row(rng, number, member, nickname, registered))
        consents += _consent_rows(rng, member, registered)
        interactions += _interaction_rows(rng, member, registered, len(interactions))
    _write_csv(folder / "customers.csv", customers, "utf-8")
    _write_csv(folder / "consents.csv", consents, "utf-8")
    _write_csv(folder / "interactions.csv", interactions, "utf-8")


def _customer_row(
    rng: np.random.Generator, number: int, member: str, nickname: str, registered: datetime
) -> dict[str, str]:
    return {
        "会员编号": member,
        "买家昵称": nickname,
        "姓名": "=1+1" if number == 9 else f"{'赵钱孙李周吴郑王'[number % 8]}{'赟喆堃翀'[number % 4]}{number}",
        # One phone in twelve cannot be dialled: not a breach of the contract, only an unusable contact point.
        "手机": "电话不详" if number % 12 == 0 else f"+1 212-555-{100 + number:04d}",
        "邮箱": f"member{number}@example.cn",
        "微信号": "" if number % 5 == 0 else f"wx_generated_{number:03d}",
        "会员等级": str(rng.choice(["普通", "银卡", "金卡"])),
        "省份": _province(nickname) if nickname else "浙江",
        "城市": "杭州",
        "负责人": "客服甲" if number % 2 else "客服乙",
        "勿扰": "是" if number % 29 == 0 else "否",
        "注册时间": _dashed(registered),
        "更新时间": _dashed(min(registered + timedelta(days=int(rng.integers(0, 60))), _end_of(LAST_DAY))),
    }


def _consent_rows(rng: np.random.Generator, member: str, registered: datetime) -> Iterator[dict[str, str]]:
    for channel in ("电话", "微信", "短信", "邮件"):
        chance = rng.random()
        if chance > 0.9:
            continue
        granted = chance < 0.7
        yield _consent_row(member, channel, registered, granted, "注册时勾选")
        withdrawn_at = registered + timedelta(days=int(rng.integers(30, 200)))
        if granted and rng.random() < 0.12 and withdrawn_at.date() <= LAST_DAY:
            yield _consent_row(member, channel, withdrawn_at, granted=False, reason="客户要求退订")


def _consent_row(member: str, channel: str, at: datetime, granted: bool, reason: str) -> dict[str, str]:
    answer = "是" if granted else "否"
    return {"会员编号": member, "渠道": channel, "是否同意": answer, "时间": _dashed(at), "原因": reason}


def _interaction_rows(
    rng: np.random.Generator, member: str, registered: datetime, made: int
) -> Iterator[dict[str, str]]:
    span = max(1, (LAST_DAY - registered.date()).days)
    for offset in range(int(rng.integers(0, 4))):
        at = _moment(rng, registered.date() + timedelta(days=int(rng.integers(0, span))))
        is_complaint = rng.random() < 0.12
        is_open = is_complaint and rng.random() < 0.3
        yield {
            "记录编号": f"JL{made + offset + 1:05d}",
            "会员编号": member,
            "时间": _dashed(at),
            "方式": "服务" if is_complaint else str(rng.choice(["电话", "微信", "短信"])),
            "方向": "来电" if is_complaint else "呼出",
            "结果": "已处理" if is_complaint and not is_open else str(rng.choice(["已接通", "未接通"])),
            "是否投诉": "是" if is_complaint else "否",
            "解决时间": _dashed(min(at + timedelta(days=2), _end_of(LAST_DAY))) if is_complaint and not is_open else "",
            "负责人": "客服甲",
        }


def _slashed(moment: datetime) -> str:
    return f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02d}"


def _dashed(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _nickname(number: int) -> str:
    # 𬎆 lies outside the basic plane: four bytes in GB18030, two units in UTF-16.
    return ("小鹿", "𬎆老板", "阿May", "一口, 茶")[number % 4] + f"{number:02d}"


def _province(buyer: str) -> str:
    return ("浙江", "江苏", "广东", "四川")[sum(map(ord, buyer)) % 4]


def _moment(rng: np.random.Generator, day: date) -> datetime:
    # Any hour: between 0 and 8 in Shanghai the day in UTC is the one before.
    return datetime.combine(day, time(int(rng.integers(0, 24)), int(rng.integers(0, 60))))


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59))


def _money(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def _write_csv(path: Path, rows: Sequence[Mapping[str, str]], encoding: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
