"""Every measure and class of every customer on one day: the whole of the classification, without movement."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from reference.classification import COLUMNS, classify
from reference.exact import Number
from reference.features import FEATURE_COLUMNS, features_on
from reference.history import History
from reference.matrices import Place, cut_points_on, places_on
from reference.needs import flags, nearest_cluster, need_clarity, need_types, own_class
from reference.scores import Prediction, scores_on
from reference.standard import WholeStandard

SCORE_COLUMNS = ("value_score", "potential_score", "potential_factors_known", "urgency_score")
NEED_COLUMNS = ("need_clarity", "clarity_reason", "need_type", "type_reason", "type_percentile")
FLAG_COLUMNS = ("is_high_frequency", "high_frequency_cut", "is_at_risk", "at_risk_reason", "is_potential_buyer")
DIMENSIONS = ("lifecycle_stage", "value_tier", "rfm_segment", "rfm_type", "need_clarity", "need_type", "need_motive")

ALL_COLUMNS = (*COLUMNS, *FEATURE_COLUMNS, *SCORE_COLUMNS, *NEED_COLUMNS, *FLAG_COLUMNS, "cluster")


@dataclass(frozen=True)
class Day:
    """One classified day. `rows` hold all measures and the classes of DIMENSIONS by name, customers in order."""

    as_of: date
    standard: WholeStandard
    rows: Mapping[Hashable, Mapping[str, Any]]
    rfm_cut_points: Mapping[str, list[Any]]
    places: Mapping[str, Mapping[Hashable, Place]]  # by matrix
    matrix_cut_points: Mapping[str, Mapping[str, Number | None]]  # by matrix and axis
    own: Mapping[str, Mapping[Hashable, tuple[str, int]]]  # class and number of its rule, by dimension

    @property
    def dimensions(self) -> tuple[str, ...]:
        clusters = ("cluster",) if self.standard.clusters else ()
        return (*DIMENSIONS, *clusters, *self.places, *self.own)

    def class_of(self, customer: Hashable, dimension: str) -> str:
        if dimension in self.places:
            return self.places[dimension][customer].quadrant
        if dimension in self.own:
            return self.own[dimension][customer][0]
        return str(self.rows[customer][dimension])

    def frame(self) -> pd.DataFrame:
        """ALL_COLUMNS by customer, all of dtype object."""
        rows = list(self.rows.values())
        index = pd.Index(list(self.rows), name="customer_id")
        columns = {c: pd.Series([row[c] for row in rows], index=index, dtype=object) for c in ALL_COLUMNS}
        return pd.DataFrame(columns, index=index)

    def classes(self) -> Iterator[tuple[Hashable, str, str]]:
        """Every (customer, dimension, class)."""
        for customer in self.rows:
            for dimension in self.dimensions:
                yield customer, dimension, self.class_of(customer, dimension)


def classify_day(
    history: History, as_of: date, standard: WholeStandard, predictions: Mapping[Hashable, Prediction] | None = None
) -> Day:
    """The day as the standard sees it."""
    base = classify(**history.frames(), as_of=as_of, standard=standard.base)
    columns = {column: base[column].tolist() for column in COLUMNS}
    rows: dict[Hashable, dict[str, Any]] = {
        customer: {column: values[place] for column, values in columns.items()}
        for place, customer in enumerate(base.index)
    }
    for row in rows.values():
        row["rfm_segment"] = row["rfm_segment"] or "ungraded"
    features = features_on(history, rows, as_of, standard)
    for customer, row in rows.items():
        row.update(features[customer])
    scores = scores_on(rows, standard, predictions)
    types = need_types(rows, standard.need_type_cut)
    flagged = flags(rows, standard, predictions)
    for customer, row in rows.items():
        row.update(scores[customer])
        row.update(flagged[customer])
        row["need_clarity"], row["clarity_reason"] = need_clarity(row, history.configured)
        need = types[customer]
        row.update(need_type=need.code, type_reason=need.reason, type_percentile=need.percentile)
        row["cluster"] = nearest_cluster(row, standard.clusters) if standard.clusters else None
    return Day(
        as_of=as_of,
        standard=standard,
        rows=rows,
        rfm_cut_points=base.attrs["rfm_cut_points"],
        places={matrix.code: places_on(matrix, rows) for matrix in standard.matrices},
        matrix_cut_points={matrix.code: cut_points_on(matrix, rows) for matrix in standard.matrices},
        own={
            dimension.code: {customer: own_class(row, dimension) for customer, row in rows.items()}
            for dimension in standard.dimensions
        },
    )
