"""Single rooms of the product at work, for tests that disturb them: what they do, and what must be true afterwards."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dbt_at_work
import duckdb
from identity_workshop import Record, stage
from marts_fixture import build_marts
from pydantic import SecretStr
from shop_runs import Shop, shop_in
from tiny_shop import build_tiny_shop

from dagster_project.identity import link
from dagster_project.identity.registry import read_registry
from dagster_project.landing import Manifest, land, landing_relations
from dagster_project.landing.erased import read_log
from dagster_project.privacy.forgetting import Asked, forget, resume
from dagster_project.privacy.plan import read_plan
from dagster_project.publishing.audit import LIST_EXPORTS, read_records
from dagster_project.publishing.lists import write_lists
from dagster_project.publishing.parquet import publish_parquet
from dagster_project.publishing.serving import publish_serving_copy
from dagster_project.settings import Paths, Settings

NOW = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)
DAYS = [date(2017, 12, 31), date(2018, 1, 1)]
NEW_OWNER = "update marts.customer_segments set owner = 'X'"


@dataclass(frozen=True)
class Room:
    """A room at work in a folder: made ready once, disturbed in copies. Results are compared by name.

    `readers_look` fails where a reader has less than a whole version, between the kill and the next run. `warm_up` is
    done once, with what was made ready, in the process whose forks do the work; `tell_statements` has a function called
    at each statement, where these are the events and not the lines of the product.
    """

    name: str
    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    result: Callable[[Path], dict[str, Any]]
    readers_look: Callable[[Path], None]
    warm_up: Callable[[Path], None] | None = None
    tell_statements: Callable[[Callable[[], None]], None] | None = None
    by_event_share: float = 0.7


def new_orders(shop: Shop) -> None:
    """A second delivery: the export of 2024 with one order corrected and one more."""
    path = shop.data / "inbox" / "shop" / "orders_2024.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    rows[3]["总金额"] = "987.65"
    rows.append({**rows[-1], "订单编号": "00241231999999", "总金额": "12.50"})
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def landed_rows(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """Every landed row of every entity, with its batch and place."""
    manifest = Manifest.load(shop.settings.paths)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        return {
            name: sorted(con.execute(relation).fetchall(), key=repr)
            for name, relation in landing_relations(manifest).items()
        }


def fingerprint(content: object) -> str:
    """A short text that differs where the content does."""
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unlanded_shop(folder: Path) -> None:
    build_tiny_shop(folder)


def land_all(folder: Path) -> None:
    land(shop_in(folder).settings, now=NOW)


def what_landed(folder: Path) -> dict[str, Any]:
    """Rows, the manifest byte for byte, and which files there are, temporary ones included."""
    shop = shop_in(folder)
    landing = shop.data / "landing"
    files = sorted(str(path.relative_to(landing)) for path in landing.rglob("*") if path.is_file())
    entries = {path.name: path.read_text(encoding="utf-8") for path in (landing / "manifest").glob("*.json")}
    return {**landed_rows(shop), "files": files, "manifest": entries}


def entries_name_whole_files(folder: Path) -> None:
    paths = shop_in(folder).settings.paths
    manifest = Manifest.load(paths)
    for batch in manifest.batches:
        for relative, expected in ((batch.path, batch.path_sha256), (batch.personal_path, batch.personal_sha256)):
            assert relative is None or checksum(manifest.absolute(relative)) == expected, relative


def paths_below(folder: Path) -> Paths:
    return Paths(root=folder, config=folder / "config", data=folder / "data")


def staged_references(folder: Path) -> None:
    """Two hundred references of two systems, linked once; then a hundred more, and contact points that join them."""
    paths = paths_below(folder)
    paths.warehouse.parent.mkdir(parents=True)

    def records(count: int, batch: int) -> list[Record]:
        return [
            Record((source, f"{number:04d}"), {"phone": f"hash {number % (count // 3)}"}, batch=batch)
            for source in ("shop", "crm")
            for number in range(count)
        ]

    with duckdb.connect(str(paths.warehouse)) as con:
        stage(con, records=records(100, 1))
        link(con, paths=paths)
        stage(con, records=[*records(150, 2)], orders=[(("shop", "new"), NOW)])


def link_all(folder: Path) -> None:
    paths = paths_below(folder)
    with duckdb.connect(str(paths.warehouse)) as con:
        link(con, paths=paths)


def who_is_who(folder: Path) -> dict[str, Any]:
    paths = paths_below(folder)
    with duckdb.connect(str(paths.warehouse), read_only=True) as con:
        return {
            "registry": read_registry(paths.registry).to_pylist(),
            "aliases": sorted(con.execute("from identity.customer_aliases").fetchall(), key=repr),
            "links": sorted(con.execute("from identity.identity_links").fetchall(), key=repr),
            "shared": sorted(con.execute("from identity.shared_contact_points").fetchall(), key=repr),
        }


def every_customer_has_their_id(folder: Path) -> None:
    """The tables of before or those of after, in one: never half of them; and no number is given twice."""
    found = who_is_who(folder)
    assert len(found["aliases"]) in (200, 301)
    numbers = [row["registry_id"] for row in found["registry"]]
    assert len(numbers) == len(set(numbers))


def published_before(folder: Path) -> None:
    """Two days published, and a warehouse in which every segment row has changed since."""
    build_tiny_shop(folder)
    with duckdb.connect(str(folder / "invented.duckdb")) as con:
        build_marts(con, DAYS, list_for=DAYS[-1])
        publish_tables(folder, con)
        con.execute(NEW_OWNER)


def publish_tables(folder: Path, con: duckdb.DuckDBPyConnection) -> None:
    settings, published = shop_in(folder).settings.publishing, folder / "data" / "published"
    publish_parquet(con, folder=published / "parquet", settings=settings, days=DAYS, code_version="1")
    publish_serving_copy(con, folder=published / "serving", settings=settings, days=DAYS, code_version="1")


def publish_all(folder: Path) -> None:
    settings = shop_in(folder).settings
    with duckdb.connect(str(folder / "invented.duckdb")) as con:
        publish_tables(folder, con)
        write_lists(
            con,
            paths=settings.paths,
            settings=settings.publishing,
            day=DAYS[-1],
            currency="CNY",
            now=NOW,
            who="strata run",
            why="daily list",
        )


def what_is_published(folder: Path) -> dict[str, Any]:
    shop = shop_in(folder)
    parquet = shop.data / "published" / "parquet"
    return {
        **shop.published(),
        **shop.served(),
        "current": json.loads((parquet / "current.json").read_text(encoding="utf-8")),
        "lists": shop.lists(),
        "exports on record": len(read_records(shop.settings.paths.audit / LIST_EXPORTS)),
    }


def days_and_copy_are_whole(folder: Path) -> None:
    """Every linked day has the bytes that its manifest names; the copy holds one version of its rows alone."""
    published = folder / "data" / "published"
    links = [link for link in (published / "parquet").iterdir() if link.is_symlink()]
    assert len(links) == len(DAYS) + 1
    for part in links:
        for entry in json.loads((part / "manifest.json").read_text(encoding="utf-8"))["tables"].values():
            assert checksum(part / entry["file"]) == entry["sha256"], f"{part.name}/{entry['file']}"
    with duckdb.connect(str(published / "serving" / "strata.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select count(*), count(distinct as_of_date), count(*) filter (owner = 'X') from customer_segments"
        ).fetchall()
    assert rows[0][:2] == (120, 2)
    assert rows[0][2] in (0, 120)


class NoTargets:
    """Publishes nothing: there is no warehouse yet."""

    def publish(self, warehouse: Any, days: Any) -> None:
        raise AssertionError("there is no warehouse to publish from")

    def draw_lists(self, warehouse: Any, day: Any) -> None:
        raise AssertionError("there is no list")


FORGOTTEN = ("members:000009", "members:000020")
_PERSONAL = ("member9@example.cn", "member20@example.cn", "212-555-0109", "212-555-0120")


def with_key(folder: Path) -> Settings:
    settings = shop_in(folder).settings
    return dataclasses.replace(
        settings, environment=dataclasses.replace(settings.environment, hash_key=SecretStr("a long secret text"))
    )


def shop_with_people(folder: Path) -> None:
    build_tiny_shop(folder)
    land(with_key(folder), now=NOW)
    new_orders(shop_in(folder))
    land(with_key(folder), now=NOW + timedelta(days=1))


def forget_two(folder: Path) -> None:
    """As an officer does it: an erasure that was interrupted is finished, one that is done is not asked for again."""
    settings = with_key(folder)
    silent: dict[str, Any] = {"clock": lambda: NOW, "say": lambda _: None}
    if resume(settings, NoTargets(), **silent) is None and not read_log(settings.paths):
        asked = [Asked(reference, reference, [("landing", "rows", 1)]) for reference in FORGOTTEN]
        forget(settings, asked, NoTargets(), who="officer", **silent)


def what_stays(folder: Path) -> dict[str, Any]:
    """Totals, which erasing must not change; and nothing of the people, whose new ids are random."""
    shop = shop_in(folder)
    rows = landed_rows(shop)
    manifest = Manifest.load(shop.settings.paths)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        totals = con.execute(
            "select count(*), count(distinct order_id), sum(gross_amount), sum(refund_amount) "
            f"from ({landing_relations(manifest)['orders']})"
        ).fetchall()
    held = [
        path.name
        for path in (shop.data / "landing").rglob("*")
        if path.is_file() and any(text.encode() in path.read_bytes() for text in _PERSONAL)
    ]
    assert isinstance(totals[0][2], Decimal)
    return {
        "totals": totals,
        "rows": {name: len(each) for name, each in rows.items()},
        "people in rows": [text for text in _PERSONAL if text in repr(rows)],
        "people in files": held,
        "plan": read_plan(shop.settings.paths),
        "log": len(read_log(shop.settings.paths)),
        "registry": len(read_registry(shop.settings.paths.registry)),
    }


def totals_are_the_same(folder: Path) -> None:
    """Half way through, files are whole; landing refuses to begin until the erasure is done."""
    entries_name_whole_files(folder)


ROOMS = {
    room.name: room
    for room in (
        Room("landing", unlanded_shop, land_all, what_landed, entries_name_whole_files),
        Room("identity", staged_references, link_all, who_is_who, every_customer_has_their_id),
        Room(
            "dbt",
            dbt_at_work.classified_by_an_earlier_standard,
            dbt_at_work.classify,
            dbt_at_work.what_is_classified,
            dbt_at_work.days_are_of_one_standard,
            warm_up=dbt_at_work.dbt_at_hand,
            tell_statements=dbt_at_work.tell_statements,
        ),
        Room("publishing", published_before, publish_all, what_is_published, days_and_copy_are_whole),
        Room("forget", shop_with_people, forget_two, what_stays, totals_are_the_same),
    )
}
