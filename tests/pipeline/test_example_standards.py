"""The standards under config/examples classify a company as their documents say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from company import make_company
from compiled_warehouse import CompiledWarehouse

from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import load_model

FOLDER = Path(__file__).parents[2] / "config" / "examples"
EXAMPLES = sorted(file for file in FOLDER.glob("*.yaml") if not file.name.startswith("sources-"))
DAY = date(2023, 3, 31)


@pytest.fixture(scope="module")
def company(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledWarehouse]:
    warehouse = CompiledWarehouse(
        tmp_path_factory.mktemp("examples"),
        compiled=compiled_models,
        history_starts_on=date(2021, 1, 1),
    )
    for entity, rows in make_company(seed=7).items():
        warehouse.land(entity, rows)
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def standard(request: pytest.FixtureRequest, company: CompiledWarehouse) -> Standard:
    """An example, by which the company has been classified."""
    standard = load_model(request.param, Standard)
    company.use_standards([standard])
    company.build([DAY])
    return standard


def test_an_example_gives_every_customer_one_known_class_of_each_of_its_dimensions(
    company: CompiledWarehouse, standard: Standard
) -> None:
    customers = company.frame("select customer_id from marts.customer_segments")["customer_id"]
    classes = company.frame(
        """
        select dimension, class, count(*) as customers from (
            select matrix as dimension, quadrant as class from marts.customer_matrices
            union all
            select dimension, class from marts.customer_own_dimensions
        ) group by all
        """
    )
    added = [dimension for dimension, kind in standard.dimensions() if kind in ("matrix", "own")]
    assert len(customers) > 100
    for dimension in added:
        of_dimension = classes[classes["dimension"] == dimension]
        assert of_dimension["customers"].sum() == len(customers)
        assert set(of_dimension["class"]) <= set(standard.classes()[dimension])
        assert len(of_dimension) > 1, f"everybody is {of_dimension['class'].iloc[0]} in {dimension}"


def test_an_example_puts_its_own_plan_beside_customers(company: CompiledWarehouse, standard: Standard) -> None:
    planned = company.frame("select distinct plan_dimension from marts.customer_segments")["plan_dimension"]
    assert set(planned) <= {*standard.playbook.order, None}
    assert standard.playbook.order[0] in set(planned)
