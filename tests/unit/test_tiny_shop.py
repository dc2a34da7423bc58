"""Claims about the tiny shop that pipeline tests rely on."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import tiny_shop
from tiny_shop import build_tiny_shop


def _rows(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def _orders(data: Path) -> list[dict[str, str]]:
    folder = data / "inbox" / "shop"
    return _rows(folder / "orders_2023.csv", "gb18030") + _rows(folder / "orders_2024.csv")


def test_the_same_seed_builds_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    shops = [build_tiny_shop(tmp_path / name, seed=seed)[1] for name, seed in (("a", 7), ("b", 7), ("c", 8))]
    first, second, other = (
        {path.relative_to(data): path.read_bytes() for path in sorted(data.rglob("*.csv"))} for data in shops
    )
    assert first == second
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_it_holds_every_case_that_it_promises(tmp_path: Path) -> None:
    _, data = build_tiny_shop(tmp_path)
    orders = _orders(data)
    customers = _rows(data / "inbox" / "members" / "customers.csv")
    newest = {order["订单编号"]: order for order in orders}
    statuses = [order["订单状态"] for order in newest.values()]
    registered = {customer["买家昵称"] for customer in customers}

    assert 350 <= len(newest) <= 450
    assert len(orders) - len(newest) == tiny_shop.CORRECTED_ORDERS
    assert statuses.count(tiny_shop.CANCELLED) == tiny_shop.CANCELLED_ORDERS
    assert statuses.count(tiny_shop.PENDING) == tiny_shop.PENDING_ORDERS
    assert sum(bool(order["退款时间"]) for order in newest.values()) >= tiny_shop.REFUNDED_ORDERS - 1
    assert len(customers) == tiny_shop.CUSTOMERS - tiny_shop.BUYERS_WITHOUT_RECORD
    assert sum(not customer["买家昵称"] for customer in customers) == tiny_shop.PROSPECTS
    assert len({order["买家昵称"] for order in orders} - registered) == tiny_shop.BUYERS_WITHOUT_RECORD


def test_its_last_day_has_a_completed_order_and_nothing_lies_outside_its_two_years(tmp_path: Path) -> None:
    _, data = build_tiny_shop(tmp_path)
    moments = [
        datetime.strptime(order["付款时间"], pattern)  # noqa: DTZ007  (exports name no zone)
        for order in _orders(data)
        if order["订单状态"] == tiny_shop.COMPLETED and not order["付款时间"].startswith("2024-02-30")
        for pattern in ("%Y/%m/%d %H:%M" if "/" in order["付款时间"] else "%Y-%m-%d %H:%M:%S",)
    ]
    assert min(moments).date() >= tiny_shop.FIRST_DAY
    assert max(moments).date() == tiny_shop.LAST_DAY
