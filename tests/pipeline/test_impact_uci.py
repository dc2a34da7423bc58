"""Impact on a real shop against counts made with pandas from the same file: every move, in customers and revenue."""

from __future__ import annotations

import shutil
from datetime import timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reference.classification import Standard as ReferenceStandard
from reference.classification import classify
from reference.uci import no_refunds
from uci_run import AS_OF, UciRun

from dagster_project.impact import Impact, measure_impact
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.standards import Standard
from dagster_project.warehouse.compiled_models import compile_project

pytestmark = pytest.mark.real_data

WINDOW_DAYS = 365
GRID = {(2, 2): "best", (2, 1): "recent", (1, 2): "regular", (1, 1): "rest"}
SHIPPED_GRID = {
    "champions": ((5, 5), (4, 5)),
    "loyal": ((3, 4), (4, 5)),
    "potential_loyalist": ((4, 5), (2, 3)),
    "new_customers": ((5, 5), (1, 1)),
    "promising": ((4, 4), (1, 1)),
    "need_attention": ((3, 3), (3, 3)),
    "about_to_sleep": ((3, 3), (1, 2)),
    "at_risk": ((1, 2), (3, 4)),
    "cannot_lose": ((1, 2), (5, 5)),
    "hibernating": ((1, 2), (1, 2)),
}
Moves = dict[tuple[str, str], tuple[int, Decimal]]


@pytest.fixture(scope="module")
def settings(uci_run: UciRun, compiled_models: Path) -> Settings:
    """The shop's, with the models compiled where an impact looks for them."""
    settings = load_settings(uci_run.config, uci_run.data)
    compile_project(settings, compiled_models)
    shutil.copytree(compiled_models, settings.paths.data / "dbt", dirs_exist_ok=True)
    return settings


@pytest.fixture(scope="module")
def present(uci_orders: pd.DataFrame) -> pd.DataFrame:
    """Who is what by the shipped standard, from the reference."""
    return classify(uci_orders, no_refunds(), None, AS_OF, ReferenceStandard()).sort_index()


@pytest.fixture(scope="module")
def measures(uci_orders: pd.DataFrame) -> pd.DataFrame:
    """Recency, frequency and money of each customer; money in pence, so that sums are exact."""
    orders = uci_orders.assign(
        day=pd.to_datetime(uci_orders["ordered_on"]),
        pence=[int(revenue * 100) for revenue in uci_orders["revenue"]],
    )
    in_window = orders["day"] > pd.Timestamp(AS_OF) - timedelta(days=WINDOW_DAYS)
    return pd.DataFrame(
        {
            "recency": (pd.Timestamp(AS_OF) - orders.groupby("customer_id")["day"].max()).dt.days,
            "frequency": in_window.groupby(orders["customer_id"]).sum(),
            "pence": orders["pence"].where(in_window, 0).groupby(orders["customer_id"]).sum(),
        }
    )


def quantile_scores(values: pd.Series[int]) -> pd.Series[int]:
    """1 to 5: the number of cuts below the value; cut k is the smallest value with k fifths at or below it."""
    rising = values.sort_values(ignore_index=True)
    cuts = [rising[ceil(k * len(rising) / 5) - 1] for k in range(1, 5)]
    return pd.Series(1, index=values.index).add(sum((values > cut).astype(int) for cut in cuts))


def mean_scores(values: pd.Series[int]) -> pd.Series[int]:
    """2 from the mean on, else 1."""
    return 1 + (values * len(values) >= values.sum()).astype(int)


def moves_in(impact: Impact, code: str) -> Moves:
    [dimension] = [each for each in impact.dimensions if each.dimension == code]
    return {(str(m.class_from), str(m.class_to)): (m.customers, m.revenue) for m in dimension.moves}


def test_moves_from_quantile_to_mean_scoring_are_those_that_pandas_counts(
    settings: Settings, measures: pd.DataFrame
) -> None:
    document = settings.standard.model_dump(mode="json", by_alias=True, exclude_none=True)
    segments = [{"segment": name, "r": [r, r], "f": [f, f]} for (r, f), name in GRID.items()]
    document["rfm"] |= {"method": "mean", "grid": {"bins": 2, "segments": segments}}
    document["labels"]["rfm_segment"] |= {name: {"en": name, "zh": name} for name in GRID.values()}
    document["playbook"] = {"order": [], "plans": {}}
    impact = measure_impact(settings, Standard.model_validate(document), AS_OF)

    scored = measures[measures["frequency"] > 0]
    recent = -scored["recency"]
    by_quantile = pd.DataFrame({"r": quantile_scores(recent), "f": quantile_scores(scored["frequency"])})
    by_mean = pd.DataFrame({"r": mean_scores(recent), "f": mean_scores(scored["frequency"])})
    classes = pd.DataFrame({"present": "out_of_window", "proposed": "out_of_window"}, index=measures.index)
    for name, ((r_low, r_high), (f_low, f_high)) in SHIPPED_GRID.items():
        inside = by_quantile["r"].between(r_low, r_high) & by_quantile["f"].between(f_low, f_high)
        classes.loc[inside[inside].index, "present"] = name
    for (r, f), name in GRID.items():
        inside = (by_mean["r"] == r) & (by_mean["f"] == f)
        classes.loc[inside[inside].index, "proposed"] = name
    counted = measures.assign(**classes).groupby(["present", "proposed"])["pence"].agg(["size", "sum"])
    expected = {
        pair: (int(size), Decimal(int(pence)) / 100)
        for pair, size, pence in zip(counted.index, counted["size"], counted["sum"], strict=True)
    }

    assert moves_in(impact, "rfm_segment") == expected
    assert len(expected) > 15
    assert {each.dimension for each in impact.dimensions if each.customers_moved} == {"rfm_segment"}


@pytest.mark.parametrize(
    ("sections", "reference"),
    [
        pytest.param(
            {"window_days": 180, "value": {"method": "percentile"}},
            ReferenceStandard(window_days=180, value_method="percentile"),
            id="half a year and percentiles",
        ),
        pytest.param(
            {"lifecycle": {"method": "fixed"}, "rfm": {"method": "median", "grid": "none", "type_cut": "median"}},
            ReferenceStandard(lifecycle_method="fixed", rfm_method="median", grid=None, type_cut="median"),
            id="fixed limits and medians",
        ),
    ],
)
def test_moves_under_another_window_and_other_methods_are_those_of_the_reference(
    settings: Settings,
    uci_orders: pd.DataFrame,
    present: pd.DataFrame,
    sections: dict[str, Any],
    reference: ReferenceStandard,
) -> None:
    document = settings.standard.model_dump(mode="json", by_alias=True, exclude_none=True)
    for key, value in sections.items():
        document[key] = document[key] | value if isinstance(value, dict) else value
    impact = measure_impact(settings, Standard.model_validate(document), AS_OF)
    proposed = classify(uci_orders, no_refunds(), None, AS_OF, reference).sort_index()
    for code in ("lifecycle_stage", "value_tier", "rfm_segment", "rfm_type"):
        expected: dict[tuple[str, str], list[Decimal]] = {}
        # Where a standard has no grid the reference has no segment.
        sides = (side[code].fillna("ungraded") for side in (present, proposed))
        for class_from, class_to, revenue in zip(*sides, present["revenue_window"], strict=True):
            expected.setdefault((class_from, class_to), []).append(revenue)
        assert moves_in(impact, code) == {
            pair: (len(revenues), sum(revenues, Decimal(0))) for pair, revenues in expected.items()
        }, code
    assert impact.customers_moved > 500
