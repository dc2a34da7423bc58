"""Days on which clocks change, and a clock that is wrong: every event keeps its business day, every row its place."""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml
from faulty_rooms import NOW, landed_rows, new_orders
from shop_runs import Shop
from tiny_shop import build_tiny_shop

from dagster_project.landing import Manifest, land, landing_relations

# Zones with the days on which 2024's clocks change: in the night, at midnight, by half an hour, and a day left out.
CHANGES = {
    "America/New_York": (date(2024, 3, 10), date(2024, 11, 3)),
    "Europe/Berlin": (date(2024, 3, 31), date(2024, 10, 27)),
    "America/Santiago": (date(2024, 4, 7), date(2024, 9, 8)),
    "Australia/Lord_Howe": (date(2024, 4, 7), date(2024, 10, 6)),
    "Pacific/Apia": (date(2011, 12, 29), date(2011, 12, 31)),
}


@pytest.mark.parametrize("zone", CHANGES)
def test_every_half_hour_around_a_change_of_clocks_keeps_its_business_day(zone: str, tmp_path) -> None:
    """Times as a shop's till writes them, without an offset; those that no clock shows or that it shows twice too."""
    shop = Shop(*build_tiny_shop(tmp_path))
    sources = shop.config / "sources.yaml"
    document = yaml.safe_load(sources.read_text(encoding="utf-8"))
    document["business"] |= {"time_zone": zone, "history_starts_on": date(2011, 1, 1)}
    shop_source = document["sources"][0]
    document["sources"] = [{**shop_source, "time_zone": zone, "reads": [shop_source["reads"][0]]}]
    sources.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    path = shop.data / "inbox" / "shop" / "orders_2023.csv"
    with path.open(encoding="gb18030", newline="") as lines:
        row = next(csv.DictReader(lines))
    halves = [
        datetime.combine(day, time()) + timedelta(minutes=30 * half) for day in CHANGES[zone] for half in range(-48, 96)
    ]
    written = {f"{number:04d}": local for number, local in enumerate(halves)}
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        writer.writeheader()
        writer.writerows(
            {**row, "订单编号": number, "付款时间": f"{local:%Y-%m-%d %H:%M:%S}"} for number, local in written.items()
        )
    land(shop.settings, now=NOW)
    manifest = Manifest.load(shop.settings.paths)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        orders = landing_relations(manifest)["orders"]
        landed = dict(con.execute(f"select order_id, epoch_us(ordered_at) from ({orders})").fetchall())
    assert landed.keys() == written.keys(), "no row is lost"
    for number, local in written.items():
        stored = datetime.fromtimestamp(landed[number] / 1e6, ZoneInfo(zone))
        is_shown = {
            fold: instant.astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
            for fold in (0, 1)
            if (instant := local.replace(tzinfo=ZoneInfo(zone), fold=fold))
        }
        if any(is_shown.values()):
            assert stored.replace(tzinfo=None) == local, "what a clock shows is kept, also the hour that it shows twice"
        else:
            assert abs(stored.replace(tzinfo=None) - local) <= timedelta(days=1), "what none shows moves by the gap"


def test_a_clock_that_jumps_back_between_landings_lets_the_later_delivery_win(shop: Shop) -> None:
    before = landed_rows(shop)
    new_orders(shop)
    first = land(shop.settings, now=NOW - timedelta(days=400))
    assert first.earliest_changed_on is not None
    [batch] = first.batches
    assert batch.sequence > max(row.sequence for row in Manifest.load(shop.settings.paths).batches[:-1])
    after = landed_rows(shop)
    assert len(after["orders"]) == len(before["orders"]) + batch.stored == len(before["orders"]) + 2
    assert land(shop.settings, now=NOW - timedelta(days=800)).batches == [], "and nothing lands twice"
