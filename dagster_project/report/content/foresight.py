"""How well the classes of a dimension tell, by their order alone, what customers bring and whether they come back.

Plain arithmetic on counts of classes, for the report and for comparing standards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

NEVER_ORDERED = "prospect"  # left out, so that dimensions are measured by the customers that models foretell
_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Came:
    """What the customers of a class did in the days after: how many came back, and their revenue."""

    code: str
    customers: int
    returned: Decimal
    revenue: Decimal

    @property
    def revenue_each(self) -> Decimal:
        """Revenue a customer."""
        return self.revenue / self.customers if self.customers else Decimal(0)

    @property
    def return_rate(self) -> Decimal:
        """Share of them who came back."""
        return self.returned / self.customers if self.customers else Decimal(0)


def by_revenue(classes: Iterable[Came]) -> list[str]:
    """Codes from the class that brings most a customer to the one that brings least."""
    return [each.code for each in sorted(classes, key=lambda each: (-each.revenue_each, each.code))]


def by_return(classes: Iterable[Came]) -> list[str]:
    """Codes from the class whose customers come back most to the one whose come back least."""
    return [each.code for each in sorted(classes, key=lambda each: (-each.return_rate, each.code))]


def top_tenth_share(classes: Iterable[Came], order: Sequence[str]) -> Decimal | None:
    """Share of the revenue that the first tenth of the customers brought, best classes of `order` first.

    A cut through a class takes the same part of each of its customers. None where there was no revenue.
    """
    placed = _placed(classes, order)
    total = sum((each.revenue for each in placed), Decimal(0))
    left = _TENTH * sum(each.customers for each in placed)
    if total <= 0:
        return None
    reached = Decimal(0)
    for each in placed:
        taken = min(left, Decimal(each.customers))
        reached += each.revenue_each * taken
        left -= taken
    return reached / total


def pairs_told_apart(classes: Iterable[Came], order: Sequence[str]) -> Decimal | None:
    """Of a customer who came back and one who did not: how often the first stood in the better class of `order`.

    Two of one class count half, so that chance alone gives 0.5. None where all or none came back.
    """
    placed = _placed(classes, order)
    returned = sum((each.returned for each in placed), Decimal(0))
    stayed_away = sum((each.customers - each.returned for each in placed), Decimal(0))
    if returned <= 0 or stayed_away <= 0:
        return None
    below, told = stayed_away, Decimal(0)
    for each in placed:
        beside = each.customers - each.returned
        below -= beside
        told += each.returned * (below + beside / 2)
    return told / (returned * stayed_away)


def _placed(classes: Iterable[Came], order: Sequence[str]) -> list[Came]:
    places = {code: place for place, code in enumerate(order)}
    known = [each for each in classes if each.code != NEVER_ORDERED]
    return sorted(known, key=lambda each: places.get(each.code, len(places)))
