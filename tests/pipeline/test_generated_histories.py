"""The models over small generated companies and standards: what must hold whatever happened and whatever the standard.

The SQL is dbt's own, compiled once and run in memory; that it makes dbt's tables is proved in
unit/test_compiled_models.py, and that the two computations agree on a company of ordinary size in
test_classes_equal_the_reference.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from column_comparison import assert_columns_equal, assert_same_entries
from compiled_warehouse import CompiledWarehouse
from examples import tried_with
from generated import CLUSTERS, LAST, Company, companies, standards
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reference.classification import COLUMNS
from reference.day import FLAG_COLUMNS, NEED_COLUMNS, SCORE_COLUMNS, Day, classify_day
from reference.features import FEATURE_COLUMNS
from reference.history import History
from reference.standard import WholeStandard
from standard_documents import keep_clusters, standard_of
from warehouse_builder import LANDED_AT

from dagster_project.identity import link
from dagster_project.warehouse.compiled_models import CompiledProject
from dagster_project.warehouse.control import write_control

ZONE = ZoneInfo("America/New_York")
# The second standard holds from the middle one on; the first day is the month end that the last is compared with.
DAYS = (date(2022, 5, 31), date(2022, 6, 8), LAST)
SECOND_FROM = DAYS[1]
# What customers have, by table; a table with more than one row a customer is compared whole.
TABLES = {
    "customer_features": (*COLUMNS[: COLUMNS.index("r_score")], *FEATURE_COLUMNS),
    "customer_rfm": COLUMNS[COLUMNS.index("r_score") : COLUMNS.index("lifecycle_stage")],
    "customer_lifecycle": COLUMNS[COLUMNS.index("lifecycle_stage") : COLUMNS.index("value_tier")],
    "customer_value": COLUMNS[COLUMNS.index("value_tier") :],
    "customer_needs": NEED_COLUMNS,
    "customer_behaviours": FLAG_COLUMNS,
    "customer_segments": (*SCORE_COLUMNS, "cluster"),
}
LONG_TABLES = (
    "customer_matrices",
    "matrix_cut_points",
    "customer_own_dimensions",
    "rfm_cut_points",
    "segment_migration",
    "segment_stability",
)


def examples(count: int) -> settings:
    """Always the same examples, so that a failure is of the change that caused it; a failure prints its example."""
    return tried_with(
        count,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


@dataclass
class GeneratedWarehouse(CompiledWarehouse):
    """A warehouse in memory that holds a generated company, classified by models that are compiled already."""

    models: CompiledProject = field(kw_only=True)

    @property
    def project(self) -> CompiledProject:
        return self.models

    def fill(self, company: Company, effective: Sequence[WholeStandard], *, mixed: Random | None = None) -> None:
        """Land the company and register its standards; in another order of entities and rows where `mixed` is given."""
        sources = SimpleNamespace(business=self.settings.sources.business, entities=company.configured)
        self.settings = replace(self.settings, sources=sources)  # type: ignore[arg-type]
        keep_clusters(self.settings.paths.clusters, CLUSTERS)
        starts = (None, SECOND_FROM)
        self.use_standards(
            standard_of(standard, name=str(start), effective_from=start)
            for start, standard in zip(starts, effective, strict=False)
        )
        entities = list(company.rows.items())
        if mixed is not None:
            entities = [
                (entity, mixed.sample(rows, len(rows))) for entity, rows in mixed.sample(entities, len(entities))
            ]
        for entity, rows in entities:
            self.land(entity, rows)
        self._predictions = company.predictions
        self._staging = [name for name, model in self.models.models.items() if model.schema == "staging"]
        with self.connect() as con:
            self.models.build(con, select=self._staging)
            link(con, paths=self.settings.paths)

    def classify(self, days: Sequence[date]) -> None:
        """Build what is compared, of one run over the days; what an earlier one built is replaced."""
        with self.connect() as con:
            write_control(con, settings=self.settings, manifest=self.manifest, days=days)
            # A handful of customers is too few for a purchase model: what it would say is given.
            self.models.build(con, select=["int_customers_predicted"], given=self._staging)
            for predicted in self._predicted():
                con.execute(
                    "update intermediate.int_customers_predicted set expected_value_365d = $3, probability_alive = $4 "
                    "where as_of_date = $1 and customer_id = $2",
                    predicted,
                )
            self.models.build(con, select=[*TABLES, *LONG_TABLES], given=[*self._staging, "int_customers_predicted"])

    def _predicted(self) -> Iterator[list[Any]]:
        ids = self.customer_ids()
        for ref, prediction in self._predictions.items():
            if ("shop", ref) in ids:
                for day in DAYS:
                    yield [day, ids["shop", ref], prediction.expected_value_365d, prediction.probability_alive]

    def customer_ids(self) -> dict[tuple[str, str], int]:
        """The customer of each (source, customer_ref)."""
        aliases = self.frame("select source, customer_ref, customer_id from identity.customer_aliases")
        return {(alias.source, alias.customer_ref): alias.customer_id for alias in aliases.itertuples()}

    def history(self, company: Company) -> History:
        """The company as the reference takes it."""
        return History(
            rows=company.rows,
            customer_ids=self.customer_ids(),
            zone=ZONE,
            currency=self.currency,
            landed_on=LANDED_AT.astimezone(ZONE).date(),
            configured=company.configured,
        )

    def table(self, name: str, day: date) -> pd.DataFrame:
        return self.frame(f"select * from marts.{name} where as_of_date = date '{day}' order by all")


@pytest.fixture(scope="module")
def models(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledProject]:
    """The compiled models; a compile takes longer than all builds of one test."""
    folder = tmp_path_factory.mktemp("compiled")
    warehouse = CompiledWarehouse(folder / "warehouse", time_zone=ZONE.key, compiled=compiled_models)
    yield warehouse.project
    warehouse.close()


@contextmanager
def warehouse_of(
    models: CompiledProject, company: Company, effective: Sequence[WholeStandard], *, mixed: Random | None = None
) -> Iterator[GeneratedWarehouse]:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = GeneratedWarehouse(
            Path(folder),
            time_zone=ZONE.key,
            history_starts_on=DAYS[0],
            compiled=Path(folder),
            models=models,
        )
        try:
            warehouse.fill(company, effective, mixed=mixed)
            yield warehouse
        finally:
            warehouse.close()


def expected_day(warehouse: GeneratedWarehouse, company: Company, day: date, standard: WholeStandard) -> Day:
    ids = warehouse.customer_ids()
    predictions = {ids["shop", ref]: own for ref, own in company.predictions.items() if ("shop", ref) in ids}
    return classify_day(warehouse.history(company), day, standard, predictions)


@examples(10)
@given(company=companies(least=3, most=9), first=standards(), second=standards())
def test_every_measure_and_class_equals_the_reference(
    models: CompiledProject, company: Company, first: WholeStandard, second: WholeStandard
) -> None:
    with warehouse_of(models, company, [first, second]) as warehouse:
        warehouse.classify(DAYS)
        for day in DAYS:
            want = expected_day(warehouse, company, day, second if day >= SECOND_FROM else first)
            for table, columns in TABLES.items():
                got = warehouse.table(table, day).set_index("customer_id")
                assert_columns_equal(want.frame(), got, columns)
            assert_same_entries(
                {
                    (matrix, customer): (place.x_value, place.y_value, place.is_x_high, place.is_y_high, place.quadrant)
                    for matrix, places in want.places.items()
                    for customer, place in places.items()
                },
                {
                    (row.matrix, row.customer_id): (
                        row.x_value,
                        row.y_value,
                        row.is_x_high,
                        row.is_y_high,
                        row.quadrant,
                    )
                    for row in warehouse.table("customer_matrices", day).itertuples()
                },
                "places",
            )
            assert_same_entries(
                {
                    (dimension, customer): decided
                    for dimension, by_customer in want.own.items()
                    for customer, decided in by_customer.items()
                },
                {
                    (row.dimension, row.customer_id): (row.decided, row.rule_number)
                    for row in warehouse.table("customer_own_dimensions", day)
                    .rename(columns={"class": "decided"})
                    .itertuples()
                },
                "own classes",
            )


@examples(3)
@given(company=companies(), first=standards(), second=standards())
def test_a_range_equals_its_days_one_by_one(
    models: CompiledProject, company: Company, first: WholeStandard, second: WholeStandard
) -> None:
    with warehouse_of(models, company, [first, second]) as warehouse:
        warehouse.classify(DAYS)
        in_range = {(name, day): warehouse.table(name, day) for name in (*TABLES, *LONG_TABLES) for day in DAYS}
        for day in DAYS:
            warehouse.classify([day])
            for name in (*TABLES, *LONG_TABLES):
                pd.testing.assert_frame_equal(warehouse.table(name, day), in_range[name, day])


@examples(4)
@given(company=companies(), standard=standards(), random=st.randoms(use_true_random=True))
def test_the_order_in_which_rows_land_changes_nothing(
    models: CompiledProject, company: Company, standard: WholeStandard, random: Random
) -> None:
    found = []
    for mixed in (None, random):
        with warehouse_of(models, company, [standard], mixed=mixed) as warehouse:
            warehouse.classify([LAST])
            # ids are given in the order of landing: a customer is known by his smallest reference
            names = {}
            for ref, customer_id in sorted(warehouse.customer_ids().items(), reverse=True):
                names[customer_id] = str(ref)
            tables = {name: warehouse.table(name, LAST) for name in (*TABLES, *LONG_TABLES)}
        for table in tables.values():
            if "customer_id" in table:
                table["customer_id"] = table["customer_id"].map(names)
        found.append({name: sorted(table.to_numpy().tolist(), key=repr) for name, table in tables.items()})
    assert found[0] == found[1]


# What a class or score is decided by, besides the company and the standard.
DECIDED_BY = {
    "r_score": ("recency_days", "is_scored"),
    "f_score": ("order_count_window",),
    "m_score": ("revenue_window", "is_scored"),
    "rfm_type": ("recency_days", "order_count_window", "revenue_window"),
    "rfm_segment": ("recency_days", "order_count_window", "revenue_window"),
    "value_tier": ("revenue_window", "margin_window", "is_scored", "order_count"),
    "value_score": ("revenue_window",),
    "need_type": ("discount_share", "premium_share", "service_contacts_365d", "novelty_share", "is_scored"),
    "is_high_frequency": ("order_count_window",),
    "cluster": ("recency_days", "order_count_window", "revenue_window"),
}


def with_twins(company: Company) -> Company:
    """Everybody twice: the same rows again, under references and ids of their own."""

    def twin_of(row: dict[str, Any]) -> dict[str, Any]:
        own = {"customer_ref", "linked_ref", *(name for name in row if name.endswith("_id") and name != "product_id")}
        return {name: f"{value}t" if name in own and value is not None else value for name, value in row.items()}

    return replace(
        company,
        rows={
            entity: rows if entity in ("products", "exchange_rates") else [*rows, *map(twin_of, rows)]
            for entity, rows in company.rows.items()
        },
        predictions=company.predictions | {f"{ref}t": own for ref, own in company.predictions.items()},
    )


@examples(4)
@given(company=companies(), standard=standards())
def test_equal_customers_and_equal_measures_get_equal_classes(
    models: CompiledProject, company: Company, standard: WholeStandard
) -> None:
    with warehouse_of(models, with_twins(company), [standard]) as warehouse:
        warehouse.classify([LAST])
        ids = warehouse.customer_ids()
        twins = {customer_id: ids[source, f"{ref}t"] for (source, ref), customer_id in ids.items() if ref[-1] != "t"}
        tables = {name: warehouse.table(name, LAST) for name in (*TABLES, *LONG_TABLES)}
    for name, table in tables.items():
        if "customer_id" in table:
            of = {customer_id: rows.drop(columns="customer_id") for customer_id, rows in table.groupby("customer_id")}
            for one, other in twins.items():
                assert (one in of) == (other in of)
                if one in of:
                    assert of[one].to_numpy().tolist() == of[other].to_numpy().tolist(), f"{name} of {one} and {other}"

    everything = pd.concat([tables[name].set_index("customer_id") for name in TABLES], axis="columns")
    everything = everything.loc[:, ~everything.columns.duplicated()].copy()
    everything["is_scored"] = everything["order_count_window"] > 0
    for decided, measures in DECIDED_BY.items():
        assert_decided(everything, decided, measures)
    assert_decided(tables["customer_matrices"], "quadrant", ("matrix", "x_value", "y_value"))


def assert_decided(table: pd.DataFrame, decided: str, measures: Sequence[str]) -> None:
    """Rows that agree in the measures agree in what is decided by them."""
    found: dict[tuple[Any, ...], set[Any]] = {}
    for row in table[[*measures, decided]].itertuples(index=False):
        found.setdefault(tuple(row[:-1]), set()).add(row[-1])
    torn = {values: classes for values, classes in found.items() if len(classes) > 1}
    assert not torn, f"{decided} by {', '.join(measures)}: {torn}"
