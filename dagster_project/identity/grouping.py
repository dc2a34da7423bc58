"""Which references are connected, and which links must be cut to keep apart what is never one.

Works on numbers alone: a node is the place of a reference in the order of (source, customer_ref), so that what is cut
hangs on names and not on the order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Nodes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
NO_ANCHOR = -1


@dataclass(frozen=True)
class Links:
    """Links between nodes; of two that cannot both stand the one of smaller `rank` does."""

    own: Nodes
    other: Nodes
    rank: Nodes

    def chosen(self, mask: Mask) -> Links:
        """The links where `mask` holds."""
        return Links(self.own[mask], self.other[mask], self.rank[mask])


@dataclass(frozen=True)
class Apart:
    """What is never one: the pairs `own` and `other`, and nodes with different anchors (NO_ANCHOR has none)."""

    own: Nodes
    other: Nodes
    anchor: Nodes

    @classmethod
    def pairs(cls, own: Nodes, other: Nodes, nodes: int) -> Apart:
        """Pairs alone, of so many nodes."""
        return cls(own, other, np.full(nodes, NO_ANCHOR))


def connected(nodes: int, links: Links) -> Nodes:
    """The component of each node, numbered from 0. Linear in nodes and links."""
    graph = coo_array((np.ones(len(links.own), dtype=np.int8), (links.own, links.other)), shape=(nodes, nodes))
    component: Nodes = connected_components(graph, directed=False)[1].astype(np.int64)
    return component


def grouped(nodes: int, links: Links, apart: Apart) -> tuple[Nodes, Mask]:
    """The component of each node with what must be apart in different ones, and which links were kept.

    Components in which nothing is to be kept apart are left as they are. In the others links are laid one by one, by
    rank and then by node, and a link that would bring together what must be apart is cut.
    """
    component = connected(nodes, links)
    kept = np.ones(len(links.own), dtype=np.bool_)
    disputed = _disputed(component, apart)
    if not disputed.any():
        return component, kept
    places = np.flatnonzero(disputed[component[links.own]])
    low = np.minimum(links.own[places], links.other[places])
    high = np.maximum(links.own[places], links.other[places])
    order = places[np.lexsort((high, low, links.rank[places]))]
    parts = _Parts(np.flatnonzero(disputed[component]), apart)
    for place in order.tolist():
        kept[place] = parts.join(int(links.own[place]), int(links.other[place]))
    return connected(nodes, links.chosen(kept)), kept


def _disputed(component: Nodes, apart: Apart) -> Mask:
    """Of each component, whether it holds two nodes that must be apart."""
    disputed = np.zeros(component.max(initial=-1) + 1, dtype=np.bool_)
    together = component[apart.own] == component[apart.other]
    disputed[component[apart.own[together]]] = True
    anchored = np.flatnonzero(apart.anchor != NO_ANCHOR)
    if len(anchored):
        least = np.full(len(disputed), np.iinfo(np.int64).max)
        greatest = np.full(len(disputed), NO_ANCHOR)
        np.minimum.at(least, component[anchored], apart.anchor[anchored])
        np.maximum.at(greatest, component[anchored], apart.anchor[anchored])
        disputed |= (greatest != NO_ANCHOR) & (least != greatest)
    return disputed


class _Parts:
    """Disjoint sets of nodes that know with whom they may not be joined."""

    def __init__(self, nodes: Nodes, apart: Apart) -> None:
        self._parent = {node: node for node in nodes.tolist()}
        self._anchor = dict(zip(nodes.tolist(), apart.anchor[nodes].tolist(), strict=True))
        self._foes: dict[int, set[int]] = {}
        for own, other in zip(apart.own.tolist(), apart.other.tolist(), strict=True):
            if own in self._parent and other in self._parent:
                self._foes.setdefault(own, set()).add(other)
                self._foes.setdefault(other, set()).add(own)

    def join(self, own: int, other: int) -> bool:
        """Join the sets of two nodes; False where they must be apart."""
        kept, gone = self._top(own), self._top(other)
        if kept == gone:
            return True
        anchors = {self._anchor[kept], self._anchor[gone]} - {NO_ANCHOR}
        if len(anchors) > 1 or gone in self._foes.get(kept, ()):
            return False
        if len(self._foes.get(kept, ())) < len(self._foes.get(gone, ())):
            kept, gone = gone, kept
        self._parent[gone] = kept
        self._anchor[kept] = max(anchors, default=NO_ANCHOR)
        for foe in self._foes.pop(gone, ()):
            self._foes[foe].remove(gone)
            self._foes[foe].add(kept)
            self._foes.setdefault(kept, set()).add(foe)
        return True

    def _top(self, node: int) -> int:
        while self._parent[node] != node:
            self._parent[node] = node = self._parent[self._parent[node]]
        return node
