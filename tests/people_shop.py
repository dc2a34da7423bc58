"""A shop whose people are planted (`planted_people.py`), and what becomes of them, in one history of several runs.

Three are erased in one go; two object to profiling, one by the command line and one by a consent; then all are past
their age. Each stage is made from the one before, once for all test processes (`pipeline/conftest.py`).
"""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml
from planted_people import plant, planted_customer
from shop_runs import FIRST_AS_OF, Shop
from tiny_shop import build_tiny_shop

from dagster_project.definitions import build_definitions
from dagster_project.defs.purging import PURGE_JOB
from dagster_project.defs.runs import opened_instance

KEY = "a long secret text, kept elsewhere"
NOBODY_LISTENS = "postgresql://strata:secret@127.0.0.1:9/postgres"
CONTACTS_KEPT_DAYS = 30
LATER_AS_OF = date(2025, 2, 28)
# Whom two more systems know, too, under ids of their own: telephone orders under a caller's number, and a CRM.
KNOWN_TWICE = 10
MORE_SOURCES = """\
  - name: hotline
    kind: files
    time_zone: Asia/Shanghai
    currency: CNY
    reads:
      - entity: orders
        path: inbox/hotline/orders.csv
        columns: {order_id: order, customer_ref: caller, ordered_at: at, gross_amount: amount}
      - entity: customers
        path: inbox/hotline/callers.csv
        columns: {customer_ref: caller, phone: phone, kind: {constant: person}}
  - name: crm
    kind: files
    time_zone: Asia/Shanghai
    reads:
      - entity: customers
        path: inbox/crm/contacts.csv
        columns: {customer_ref: id, name: name, email: email, industry: industry, kind: {constant: person}}
"""
_PERSON = planted_customer(KNOWN_TWICE)
MORE_FILES = {
    "hotline/orders.csv": "order,caller,at,amount\nH1,T-1,2023-03-03 10:00,100.00\nH2,T-1,2024-12-04 10:00,50.00\n",
    "hotline/callers.csv": "caller,phone\nT-1,001 (212) 555 0110\n",
    "crm/contacts.csv": f"id,name,email,industry\nC-1,{_PERSON['姓名']}, {_PERSON['邮箱'].upper()} ,零售\n",
}


def run_first_day(folder: Path, parsed_project: Path, **variables: str) -> None:
    """Make the shop with all its systems, and run a day that goes to every target there is."""
    shop = Shop(*build_tiny_shop(folder), variables).spared_the_parse(parsed_project)
    plant(shop.data / "inbox")
    sources = shop.config / "sources.yaml"
    sources.write_text(sources.read_text(encoding="utf-8") + MORE_SOURCES, encoding="utf-8")
    for name, text in MORE_FILES.items():
        path = shop.data / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    use_targets(shop, tables_in_postgres=True, lists_in_postgres=True)
    document = _publishing(shop)
    document["lists"]["parquet"]["enabled"] = True
    document["tables"].append("fct_orders")
    _publish_by(shop, document)
    _keep_printed(shop, shop.strata("run", "--as-of", str(FIRST_AS_OF)))


def erase(before: Shop, folder: Path, **variables: str) -> None:
    """Erase those of `to_be_erased`, of one of whom traces were left where there should be none."""
    shop = before.copied_to(folder).given(**variables)
    first, *others = to_be_erased(before)
    leave_traces(shop, first)
    asked = folder / "asked.txt"
    asked.write_text("# asked for today\n" + "\n".join(f"members:{one['会员编号']}" for one in others), "utf-8")
    said = shop.strata("forget", first["手机"], "--file", str(asked), "--yes")
    _keep_printed(shop, said + shop.strata("status"))


def object_by_command(before: Shop, folder: Path, objecting: int) -> None:
    """Have a customer object to profiling."""
    shop = before.copied_to(folder)
    use_targets(shop, tables_in_postgres=False, lists_in_postgres=False)
    shop.strata("opt-out", str(objecting))


def rebuild_without_postgres(before: Shop, folder: Path, objecting: int) -> None:
    """Run the first day again, which the erasure has marked, while nothing answers where PostgreSQL should be.

    Files are read again, because mappings have changed; in one of them is a consent by which `objecting` objects.
    """
    shop = before.copied_to(folder)
    _object_by_consent(shop, objecting)
    sources = shop.config / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    for mapped, otherwise in (
        ("order_id: 订单编号", "order_id: [订单编号, 订单号]"),
        ("name: 姓名", "name: [姓名, 名字]"),
    ):
        assert mapped in text
        text = text.replace(mapped, otherwise)
    sources.write_text(text, encoding="utf-8")
    use_targets(shop, tables_in_postgres=True, lists_in_postgres=False)
    without = shop.given(**{**shop.variables, "STRATA_POSTGRES_URL": NOBODY_LISTENS})
    said = without.strata("run", "--as-of", str(FIRST_AS_OF), code=1)
    _keep_printed(shop, said + shop.strata("status"))


def keep_contacts_for_days(shop: Shop) -> None:
    """Have contact data go some time after the customer was last heard of; of this shop that is long ago of all."""
    _publish_by(shop, {**_publishing(shop), "retention": {"contacts": CONTACTS_KEPT_DAYS}})


def purge(before: Shop, folder: Path) -> None:
    """Do the job that removes what is past its age, and once more by the command line."""
    shop = before.copied_to(folder)
    use_targets(shop, tables_in_postgres=False, lists_in_postgres=False)
    keep_contacts_for_days(shop)
    with opened_instance(shop.settings.paths) as instance:
        job = build_definitions(shop.settings).resolve_job_def(PURGE_JOB)
        assert job.execute_in_process(instance=instance).success
    _keep_printed(shop, shop.strata("purge"))


def run_later_day(before: Shop, folder: Path) -> None:
    """Go on after the first day's campaign, when whoever it contacted may be contacted again."""
    before.copied_to(folder).strata("run", "--as-of", str(LATER_AS_OF))


def printed(shop: Shop) -> str:
    """What the commands that made the stage printed."""
    return (shop.data.parent / "printed.txt").read_text(encoding="utf-8")


def rows(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    """What the warehouse answers."""
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def members(shop: Shop) -> list[dict[str, str]]:
    """The rows of the members' export."""
    with (shop.data / "inbox" / "members" / "customers.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def to_be_erased(shop: Shop) -> list[dict[str, str]]:
    """Members: somebody on a list, the buyer of the refused row, and a buyer of a refund that names no order."""
    [(treated,)] = rows(
        shop,
        "select customer_ref from marts.reactivation_list inner join identity.customer_aliases "
        f"using (customer_id) where source = 'shop' and arm = 'treated' and as_of_date = '{FIRST_AS_OF}' "
        "order by position, customer_ref limit 1",
    )
    with (shop.data / "inbox" / "shop" / "refunds.csv").open(encoding="utf-8", newline="") as lines:
        refunded = [row["买家昵称"] for row in csv.DictReader(lines)]
    with (shop.data / "inbox" / "shop" / "orders_2024.csv").open(encoding="utf-8-sig", newline="") as lines:
        refused = [row["买家昵称"] for row in csv.DictReader(lines) if row["付款时间"].startswith("2024-02-30")]
    wanted = {treated, refunded[0], refused[0]}
    found = [row for row in members(shop) if row["买家昵称"] in wanted]
    assert len(found) >= 2
    return found


def texts_of(people: list[dict[str, str]]) -> list[str]:
    """What must be nowhere once they are erased: names, contact points, references that are words."""
    columns = ("姓名", "手机", "邮箱", "微信号", "买家昵称")
    return [person[column] for person in people for column in columns if len(person[column].encode()) > 4]


def leave_traces(shop: Shop, person: dict[str, str]) -> None:
    """Write of a person where there should be nothing: into a log, and into Dagster's own database."""
    (shop.data / "logs" / "planted.log").write_text(f"could not call {person['手机']} of {person['姓名']}\n", "utf-8")
    with closing(sqlite3.connect(shop.data / "dagster" / "history" / "runs.db")) as con:
        con.execute("create table if not exists planted (body text)")
        con.execute("insert into planted values (?)", [json.dumps({"contact": person["姓名"], "at": person["邮箱"]})])
        con.commit()


def listed(shop: Shop) -> dict[int, str]:
    """The treated customers of the first day's lists, with the channel of each."""
    found = {}
    for file in sorted((shop.data / "lists" / str(FIRST_AS_OF)).glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as opened:
            found.update({int(row["Customer"]): file.stem for row in csv.DictReader(opened)})
    return found


def objecting(shop: Shop) -> tuple[int, int]:
    """Two whom the lists name: who objects by the command line, and who by a consent."""
    first, second, *_ = sorted(listed(shop))
    return first, second


def use_targets(shop: Shop, *, tables_in_postgres: bool, lists_in_postgres: bool) -> None:
    """Switch PostgreSQL on or off."""
    document = _publishing(shop)
    document["postgres"]["enabled"] = tables_in_postgres
    document["lists"]["postgres"]["enabled"] = lists_in_postgres
    _publish_by(shop, document)


def _publishing(shop: Shop) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((shop.config / "publishing.yaml").read_text(encoding="utf-8"))
    return document


def _publish_by(shop: Shop, document: dict[str, Any]) -> None:
    (shop.config / "publishing.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def _object_by_consent(shop: Shop, customer: int) -> None:
    """Members say by which channels they may be reached; one says no to profiling, on the first day."""
    [(member,)] = rows(
        shop,
        f"select customer_ref from identity.customer_aliases where source = 'members' and customer_id = {customer}",
    )
    sources = shop.config / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    assert "邮件: email}" in text
    sources.write_text(text.replace("邮件: email}", "邮件: email, 画像: profiling}"), encoding="utf-8")
    consents = shop.data / "inbox" / "members" / "consents.csv"
    header, *lines = consents.read_text(encoding="utf-8").splitlines()
    objection = {"会员编号": member, "渠道": "画像", "时间": f"{FIRST_AS_OF} 09:00:00", "是否同意": "否"}
    lines.append(",".join(objection.get(name, "") for name in header.split(",")))
    consents.write_text("\r\n".join([header, *lines]) + "\r\n", encoding="utf-8")


def _keep_printed(shop: Shop, text: str) -> None:
    (shop.data.parent / "printed.txt").write_text(text, encoding="utf-8")
