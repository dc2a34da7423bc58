"""A generated company's rows as files that arrive in any order and cut, landed for real and classified in memory.

Rows come shuffled, some twice, some wrong at first and corrected, all in as many deliveries as a test wants. Where a
record has no time of change, a wrong row comes before the right one; where it has one, at any time.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
from compiled_warehouse import CompiledWarehouse
from examples import tried_with
from generated import LAST, Company
from hypothesis import HealthCheck, Phase
from pydantic import SecretStr

from dagster_project.contract.entities import ENTITIES
from dagster_project.identity import link
from dagster_project.landing import Batch, Manifest, land
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model
from dagster_project.warehouse.compiled_models import CompiledProject
from dagster_project.warehouse.control import record_builds, stored_days, write_control
from dagster_project.warehouse.landed import attach
from dagster_project.warehouse.marks import read_marked
from dagster_project.warehouse.reaching_back import note_reaching_back

ZONE = "America/New_York"
CURRENCY = "EUR"
REFERENCES = ("int_reference_outcomes", "int_reference_backtests")
LINK = "buys as"
CORRECTED_AT = datetime(2022, 7, 20, 12, tzinfo=UTC)
FIRST_WRITTEN_AT = CORRECTED_AT - timedelta(days=10)
# What is said wrong at first, of those records that are now and then.
WRONG = {
    "orders": ("gross_amount", lambda row: Decimal("77.00")),
    "refunds": ("refunded_at", lambda row: row["refunded_at"] - timedelta(days=40)),
    "interactions": ("is_complaint", lambda row: not row["is_complaint"]),
    "surveys": ("responded_at", lambda row: row["responded_at"] + timedelta(days=33)),
    "web_events": ("kind", lambda row: "cart"),
    "exchange_rates": ("rate", lambda row: Decimal(5)),
}
FEW = tried_with(
    2,
    derandomize=True,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)
Row = Mapping[str, Any]
Delivery = Mapping[str, Sequence[Row]]  # by entity


def deliveries(company: Company, random: Random, count: int) -> list[Delivery]:
    """The company's rows in `count` deliveries; the same rows whatever they are cut to, but for the wrong ones."""
    cut: list[dict[str, list[Row]]] = [{} for _ in range(count)]

    def deliver(entity: str, place: int, rows: Sequence[Row]) -> None:
        cut[place].setdefault(entity, []).extend(rows)

    for entity, rows in company.rows.items():
        if entity == "customer_links":
            rows = [_linking_record(row) for row in rows]
            entity = "customers"
        for group in _whole(entity, rows):
            place = random.randrange(count)
            deliver(entity, place, group)
            if random.random() < 0.2:  # once more, in the same delivery or a later one
                deliver(entity, random.randrange(place, count), group)
            if entity in WRONG and random.random() < 0.3:
                column, wrong = WRONG[entity]
                [row] = group
                said = {**row, column: wrong(row)}
                if entity == "orders":
                    deliver(entity, random.randrange(count), [{**said, "updated_at": FIRST_WRITTEN_AT}])
                elif place > 0:
                    deliver(entity, random.randrange(place), [said])
    for delivery in cut:
        for entity, rows in delivery.items():
            groups = _whole(entity, rows)
            random.shuffle(groups)
            delivery[entity] = [row for group in groups for row in group]
    return cut


def in_one(cuts: Sequence[Delivery]) -> Delivery:
    """All deliveries in one, in their order."""
    whole: dict[str, list[Row]] = {}
    for cut in cuts:
        for entity, rows in cut.items():
            whole.setdefault(entity, []).extend(rows)
    return whole


def _whole(entity: str, rows: Sequence[Row]) -> list[list[Row]]:
    """The rows that arrive together: one, or all lines of an order."""
    if entity != "order_lines":
        return [[{**row, "updated_at": CORRECTED_AT, **row} if entity == "orders" else row] for row in rows]
    orders: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        orders.setdefault((row["source"], row["order_id"]), {})[row["line_number"]] = row
    return [list(lines.values()) for lines in orders.values()]


def _linking_record(row: Row) -> Row:
    since = datetime.combine(LAST - timedelta(days=70), datetime.min.time(), tzinfo=UTC)
    record = {"source": row["source"], "customer_ref": row["customer_ref"], "created_at": since, "updated_at": since}
    return {**record, LINK: row["linked_ref"]}


@dataclass
class LateWarehouse(CompiledWarehouse):
    """An installation in a folder, its warehouse in memory. Days that were built are kept as they were then."""

    models: CompiledProject = field(kw_only=True)
    company: Company = field(kw_only=True)

    @property
    def project(self) -> CompiledProject:
        return self.models

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.connect() as con:
            for (table,) in con.execute(
                "select table_name from duckdb_tables() where schema_name = 'landing'"
            ).fetchall():
                con.execute(f"drop table landing.{table}")
        config = self.folder / "config"
        config.mkdir()
        self._columns = self._columns_by_entity()
        (config / "sources.yaml").write_text(self._sources_yaml(), encoding="utf-8")
        sources = load_model(config / "sources.yaml", SourcesSettings)
        self.settings = replace(self.settings, paths=replace(self.settings.paths, config=config), sources=sources)
        self._staging = [name for name, model in self.models.models.items() if model.schema == "staging"]
        self._deliveries = 0
        self.built: dict[tuple[str, date], list[tuple[Any, ...]]] = {}

    def _columns_by_entity(self) -> dict[str, list[str]]:
        columns: dict[str, dict[str, None]] = {"customers": {LINK: None, "created_at": None, "updated_at": None}}
        for entity, rows in self.company.rows.items():
            if entity != "customer_links":
                own = columns.setdefault(entity, {})
                own.update(dict.fromkeys(name for row in rows for name in row if name != "source"))
        columns.setdefault("orders", {}).update(
            dict.fromkeys(("customer_ref", "ordered_at", "status", "gross_amount", "currency", "updated_at"))
        )
        key = {name: list(entity.own_key) for name, entity in ENTITIES.items()}
        return {entity: list(dict.fromkeys([*key[entity], *own])) for entity, own in columns.items()}

    def _sources_yaml(self) -> str:
        lines = [
            f"business: {{time_zone: {ZONE}, currency: {CURRENCY}, history_starts_on: {self.history_starts_on}, "
            "exchange_rate_max_age_days: 7}",
            "landing: {bad_rows_limit: 0}",
            "sources:",
        ]
        for source in ("shop", "crm"):
            lines += [f"  - name: {source}", "    kind: files", "    time_zone: UTC", "    reads:"]
            for entity, columns in self._columns.items():
                if source == "crm" and "source" not in ENTITIES[entity].key:
                    continue
                mapped = ", ".join(f"{name}: {name}" for name in columns if name != LINK)
                links = f"links: {{shop: {LINK}}}, " if source == "crm" and entity == "customers" else ""
                lines.append(
                    f"      - {{entity: {entity}, path: 'inbox/{source}-{entity}-*.csv', delimiter: ',', decimal: '.', "
                    f"{links}columns: {{{mapped}}}}}"
                )
        return "\n".join(lines) + "\n"

    @property
    def landed(self) -> Manifest:
        return Manifest.load(self.settings.paths)

    def deliver(self, delivery: Delivery) -> list[Batch]:
        """Land the rows as files, then stage and link all that has landed; gives the batches."""
        inbox = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        self._deliveries += 1
        for entity, rows in delivery.items():
            for source in ("shop", "crm"):
                own = [row for row in rows if row.get("source", "shop") == source]
                if own:
                    _write_csv(inbox / f"{source}-{entity}-{self._deliveries}.csv", self._columns[entity], own)
        landed = land(self.settings, now=datetime(2022, 8, self._deliveries, tzinfo=UTC)).batches
        with self.connect() as con:
            attach(con, self.landed)
            self.models.build(con, select=self._staging)
            link(con, paths=self.settings.paths, time_zone=ZONE)
            note_reaching_back(con, self.landed, time_zone=ZONE)
        return landed

    def marked(self) -> list[date]:
        with self.connect() as con:
            return read_marked(con, self.landed).days

    def stored(self) -> list[date]:
        with self.connect() as con:
            return stored_days(con)

    def classify(self, days: Sequence[date]) -> None:
        """Build the days in one run. Month ends learnt from are kept from run to run, as dbt keeps them."""
        with self.connect() as con:
            computed = write_control(con, settings=self.settings, manifest=self.landed, days=days)
            kept = [name for name in REFERENCES if _is_there(con, name)]
            for name in kept:
                con.execute(f"create or replace temp table kept_{name} as from intermediate.{name}")
            given = [*self._staging, *self.models.build(con, select=REFERENCES, given=self._staging)]
            for name in kept:
                con.execute(
                    f"insert into intermediate.{name} by name from kept_{name} where reference_on not in "
                    "(select as_of_date from control.as_of_days where is_reference)"
                )
            self.models.build(con, given=given)
            record_builds(con, computed, self.landed)
            self._keep(con, days)

    def _keep(self, con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
        """Rows of every dated mart, each customer by the first of their references: ids depend on who came first."""
        names = dict(
            con.execute(
                "select customer_id, min(source || ':' || customer_ref) from identity.customer_aliases group by all"
            ).fetchall()
        )
        tables = con.execute(
            "select table_name from duckdb_columns() where schema_name = 'marts' and column_name = 'as_of_date' "
            "and not starts_with(table_name, 'reactivation_list') order by 1"
        ).fetchall()
        for (table,) in tables:
            found = con.execute(f"select * from marts.{table}")
            columns = [column[0] for column in found.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
            for row in rows:
                if "customer_id" in row:
                    row["customer_id"] = names[row["customer_id"]]
            for day in days:
                of_day = [tuple(row.items()) for row in rows if row["as_of_date"] == day]
                self.built[table, day] = sorted(of_day, key=str)


def _is_there(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(con.execute("select 1 from duckdb_tables() where table_name = ?", [name]).fetchall())


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_text(row.get(column)) for column in columns] for row in rows)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


Install = Callable[[Company], AbstractContextManager[LateWarehouse]]


@contextmanager
def installer(folder: Path, compiled_models: Path, *, hash_key: str | None = None) -> Iterator[Install]:
    """Makes installations of companies, with models that are compiled once; `hash_key` is what contact points need."""
    compiled = CompiledWarehouse(folder, time_zone=ZONE, currency=CURRENCY, compiled=compiled_models)
    models = compiled.project

    @contextmanager
    def installed(company: Company) -> Iterator[LateWarehouse]:
        with tempfile.TemporaryDirectory() as own:
            warehouse = LateWarehouse(
                Path(own),
                time_zone=ZONE,
                currency=CURRENCY,
                history_starts_on=date(2020, 6, 30),
                compiled=Path(own),
                models=models,
                company=company,
            )
            if hash_key is not None:
                environment = replace(warehouse.settings.environment, hash_key=SecretStr(hash_key))
                warehouse.settings = replace(warehouse.settings, environment=environment)
            try:
                yield warehouse
            finally:
                warehouse.close()

    yield installed
    compiled.close()


def assert_same_days(late: LateWarehouse, fresh: LateWarehouse) -> None:
    """The same tables of the same days, row for row."""
    assert late.built.keys() == fresh.built.keys()
    for (table, day), rows in fresh.built.items():
        assert late.built[table, day] == rows, f"{table} on {day}"
