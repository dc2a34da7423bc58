"""What the parts of one standard must agree on: codes, labels and plans. Each check raises a fault at its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dagster_project.settings.standards.classes import (
    ABSENT,
    CLUSTER,
    CLUSTERS_AT_MOST,
    FIXED_DIMENSIONS,
    OTHER_CODES,
    UNKNOWN,
    cluster_classes,
)
from dagster_project.settings.standards.feature_columns import FEATURE_COLUMNS
from dagster_project.settings.yaml_documents import Place, did_you_mean, fault

if TYPE_CHECKING:
    from dagster_project.settings.standards.standard import Standard

GRID = "rfm_segment"


def refuse_taken_codes(standard: Standard) -> None:
    """A matrix or own dimension may not be called as anything else is."""
    taken = dict.fromkeys((*FIXED_DIMENSIONS, CLUSTER), "a dimension of every standard")
    taken |= dict.fromkeys(OTHER_CODES, "a name of the project's own")
    taken |= dict.fromkeys(FEATURE_COLUMNS, "a column of customer_features")
    named: list[tuple[str, str, Place]] = [
        *((matrix.matrix, "matrix", ("matrices", index)) for index, matrix in enumerate(standard.matrices)),
        *((own.dimension, "dimension", ("dimensions", index)) for index, own in enumerate(standard.own_dimensions)),
    ]
    for code, key, place in named:
        if code in taken:
            raise fault(f"{code!r} is {taken[code]}; choose another code.", *place, key)
        taken[code] = f"the code of another {key}"


def refuse_taken_classes(standard: Standard) -> None:
    """A class may not be called as those that every dimension, grid or matrix has."""
    everywhere = {ABSENT: "is who is there on one of two compared days only"}
    outside_grid = everywhere | dict.fromkeys(FIXED_DIMENSIONS[GRID], "is a segment outside every grid")
    in_a_matrix = everywhere | {UNKNOWN: "is who has no known value on an axis"}
    named: list[tuple[str, dict[str, str], Place]] = []
    for index, segment in enumerate(standard.rfm.grid.segments if standard.rfm.grid is not None else ()):
        named.append((segment.segment, outside_grid, ("rfm", "grid", "segments", index, "segment")))
    for index, matrix in enumerate(standard.matrices):
        named += [(code, in_a_matrix, ("matrices", index, "quadrants", corner)) for corner, code in matrix.quadrants]
    for index, own in enumerate(standard.own_dimensions):
        place: Place = ("dimensions", index)
        named += [(rule.code, everywhere, (*place, "rules", at, "class")) for at, rule in enumerate(own.rules)]
        named.append((own.default.code, everywhere, (*place, "default", "class")))
    for code, taken, place in named:
        if code in taken:
            raise fault(f"{code!r} {taken[code]}; choose another code.", *place)


def refuse_labels_that_do_not_fit(standard: Standard) -> None:
    """Each class and dimension has its labels, and each label its class or dimension."""
    own = {dimension.dimension for dimension in standard.own_dimensions}
    named = {code for code, _ in standard.dimensions()} - own
    _refuse_unknown_labels("labels", standard.labels.keys(), own, {*named, *OTHER_CODES, CLUSTER})
    _refuse_unknown_labels("dimension_labels", standard.dimension_labels.keys(), own, {*named, CLUSTER})
    if missing := [code for code, _ in standard.dimensions() if code in named - standard.dimension_labels.keys()]:
        raise fault(f"lacks {', '.join(missing)}; each dimension needs en and zh.", "dimension_labels")
    for dimension, classes in standard.classes().items():
        given = standard.labels.get(dimension, {})
        if dimension not in own and (missing := [code for code in classes if code not in given]):
            raise fault(f"lacks {', '.join(missing)}; each class needs en and zh.", "labels", dimension)
    for dimension, given in standard.labels.items():
        if dimension == GRID:
            continue  # labels of segments that the grid does not use are kept for the grid that does
        known = cluster_classes(CLUSTERS_AT_MOST) if dimension == CLUSTER else standard.classes()[dimension]
        for code in given:
            if code not in known:
                raise fault(f"{dimension} has no class {code!r}{did_you_mean(code, known)}", "labels", dimension, code)


def _refuse_unknown_labels(section: str, given: Iterable[str], own: set[str], known: set[str]) -> None:
    for code in given:
        if code in own:
            raise fault(f"the labels of {code!r} stand in dimensions; take these out.", section, code)
        if code not in known:
            raise fault(f"there is no dimension {code!r}{did_you_mean(code, known)}", section, code)


def refuse_plans_that_do_not_fit(standard: Standard) -> None:
    """A dimension with plans has one for each class but `unknown`, and a dimension in `order` has plans."""
    playbook, classes = standard.playbook, standard.classes()
    known = {code for code, _ in standard.dimensions()}
    for dimension, plans in playbook.plans.items():
        place = ("playbook", "plans", dimension)
        if dimension not in known:
            raise fault(f"there is no dimension {dimension!r}{did_you_mean(dimension, known)}", *place)
        if plans and (missing := [code for code in classes[dimension] if code not in plans and code != UNKNOWN]):
            raise fault(f"there is no plan for {', '.join(missing)}; give each class one.", *place)
        for code in plans:
            # Plans of segments that the grid does not use are kept for the grid that does, as their labels are.
            if code not in classes[dimension] and dimension != GRID:
                raise fault(f"{dimension} has no class {code!r}{did_you_mean(code, classes[dimension])}", *place, code)
    for index, dimension in enumerate(playbook.order):
        if dimension not in known:
            raise fault(
                f"there is no dimension {dimension!r}{did_you_mean(dimension, known)}", "playbook", "order", index
            )
        if not playbook.plans.get(dimension):
            raise fault(f"{dimension} has no plans; add them or take it out.", "playbook", "order", index)
