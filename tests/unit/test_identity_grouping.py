"""Components with what must be apart in different ones: against sets that are merged one link at a time."""

from __future__ import annotations

import numpy as np
from examples import tried_with
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.identity.grouping import NO_ANCHOR, Apart, Links, grouped

NODES = 9
PAIRS = st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)).filter(lambda pair: pair[0] != pair[1])


def links_of(ranked: list[tuple[tuple[int, int], int]]) -> Links:
    own, other, rank = zip(*((a, b, r) for (a, b), r in ranked), strict=True) if ranked else ((), (), ())
    return Links(*(np.array(each, dtype=np.int64) for each in (own, other, rank)))


def sets_by_hand(
    ranked: list[tuple[tuple[int, int], int]], pairs: list[tuple[int, int]], anchors: list[int]
) -> set[frozenset[int]]:
    """Lay the links by rank, then by node; leave out each that would join what is apart."""
    parts = [frozenset({node}) for node in range(NODES)]
    for (a, b), _ in sorted(ranked, key=lambda each: (each[1], min(each[0]), max(each[0]))):
        own, other = (next(part for part in parts if node in part) for node in (a, b))
        joined = own | other
        is_apart = any({*pair} <= joined for pair in pairs) or len({anchors[node] for node in joined} - {NO_ANCHOR}) > 1
        if not is_apart:
            parts = [part for part in parts if part not in (own, other)] + [joined]
    return set(parts)


@tried_with(200)
@given(
    ranked=st.lists(st.tuples(PAIRS, st.integers(0, 3)), max_size=16),
    pairs=st.lists(PAIRS, max_size=5),
    anchors=st.lists(st.sampled_from([NO_ANCHOR, NO_ANCHOR, 1, 2]), min_size=NODES, max_size=NODES),
)
def test_groups_are_what_laying_one_link_after_the_other_gives(
    ranked: list[tuple[tuple[int, int], int]], pairs: list[tuple[int, int]], anchors: list[int]
) -> None:
    own, other = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    component, kept = grouped(NODES, links_of(ranked), Apart(own, other, np.array(anchors)))
    found = {frozenset(np.flatnonzero(component == number).tolist()) for number in set(component.tolist())}
    assert found == sets_by_hand(ranked, pairs, anchors)
    for ((a, b), _), is_kept in zip(ranked, kept.tolist(), strict=True):
        assert bool(component[a] == component[b]) is is_kept


def test_no_link_is_looked_at_one_by_one_where_nothing_must_be_apart() -> None:
    """A chain of a million nodes beside one disputed pair: in Python that would take seconds a million links."""
    nodes = 1_000_000
    chain = Links(np.arange(nodes - 3), np.arange(1, nodes - 2), np.zeros(nodes - 3, dtype=np.int64))
    disputed = Links(np.array([nodes - 2]), np.array([nodes - 1]), np.array([0]))
    links = Links(*(np.concatenate([getattr(chain, n), getattr(disputed, n)]) for n in ("own", "other", "rank")))
    component, kept = grouped(nodes, links, Apart.pairs(np.array([nodes - 2]), np.array([nodes - 1]), nodes))
    assert len(np.unique(component)) == 3
    assert kept.sum() == nodes - 3
