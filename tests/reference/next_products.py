"""What to offer each customer on one day: what was bought next after their last basket, then favourites of a category.

Written from the definition in docs/read-the-tables.md: every day is counted afresh, customer by customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from reference.exact import ratio
from reference.history import History, Purchase, Row

Product = tuple[str, str]  # source and product_id; also the order of ties
OFFERS = 3


@dataclass(frozen=True)
class Learning:
    """The settings of next_products."""

    learn_days: int = 365
    basket_products: int = 15
    minimum_customers: int = 3
    prior_orders: int = 50
    candidates: int = 5


@dataclass(frozen=True)
class Shopper:
    """A customer up to the day: order days in order, and of those with known products the basket, dearest first."""

    order_days: Sequence[date]
    baskets: Mapping[date, Sequence[Product]]
    favourite_category: str | None = None

    @property
    def owned(self) -> frozenset[Product]:
        return frozenset(product for basket in self.baskets.values() for product in basket)

    def first_bought_on(self, day: date) -> list[Product]:
        """The products of the day's basket that no earlier one held."""
        before = {product for other, basket in self.baskets.items() if other < day for product in basket}
        return [product for product in self.baskets[day] if product not in before]

    def day_before(self, day: date) -> date | None:
        earlier = [other for other in self.order_days if other < day]
        return earlier[-1] if earlier else None


@dataclass(frozen=True)
class Shelves:
    """What of the products is known on the day."""

    categories: Mapping[Product, str | None]
    withdrawn: Collection[Product] = ()
    names: Mapping[Product, str] = field(default_factory=dict)

    def called(self, product: Product) -> str:
        """What tells an offer from another: the name, where there is one."""
        return self.names.get(product, product[1]).strip(" ").lower()


class Offer(NamedTuple):
    product: Product
    support: int
    score: Decimal | None
    basis: str


def offers_on(
    shoppers: Mapping[Hashable, Shopper], shelves: Shelves, as_of: date, learning: Learning
) -> dict[Hashable, list[Offer]]:
    """The offers of every customer who gets any, the best first."""
    first_day = as_of - timedelta(days=learning.learn_days - 1)
    followers: dict[Product, Counter[Product]] = {}
    order_days_after: Counter[Product] = Counter()
    first_purchases: Counter[Product] = Counter()
    for shopper in shoppers.values():
        for day, basket in shopper.baskets.items():
            if not first_day <= day <= as_of:
                continue
            new = shopper.first_bought_on(day)
            first_purchases.update(new)
            before = shopper.day_before(day)
            seen = set(basket[: learning.basket_products])
            for product in shopper.baskets.get(before, ())[: learning.basket_products] if before else ():
                order_days_after[product] += 1
                followers.setdefault(product, Counter()).update(next_ for next_ in new if next_ in seen)

    candidates = {
        product: _most_frequent(found, shelves, learning, order_days_after[product], "bought_next")
        for product, found in followers.items()
    }
    favourites: dict[str, list[Offer]] = {}
    for category in {category for category in shelves.categories.values() if category is not None}:
        of_category = Counter(
            {product: n for product, n in first_purchases.items() if shelves.categories.get(product) == category}
        )
        total = sum(of_category.values())
        favourites[category] = _most_frequent(of_category, shelves, learning, total, "category_favourite")

    offered: dict[Hashable, list[Offer]] = {}
    for customer, shopper in shoppers.items():
        owned = shopper.owned
        last = shopper.baskets.get(shopper.order_days[-1], ()) if shopper.order_days else ()
        best: dict[str, Offer] = {}
        for product in last[: learning.basket_products]:
            for offer in candidates.get(product, ()):
                called = shelves.called(offer.product)
                if offer.product not in owned and (called not in best or _strength(offer) < _strength(best[called])):
                    best[called] = offer
        chosen = sorted(best.values(), key=_strength)[:OFFERS]
        for offer in favourites.get(shopper.favourite_category or "", ()):
            names = {shelves.called(other.product) for other in chosen}
            if len(chosen) < OFFERS and offer.product not in owned and shelves.called(offer.product) not in names:
                chosen.append(offer)
        if chosen:
            offered[customer] = chosen
    return offered


def _strength(offer: Offer) -> tuple[Fraction, int, Product]:
    """Smaller is better."""
    return -Fraction(offer.score or 0), -offer.support, offer.product


def _most_frequent(found: Counter[Product], shelves: Shelves, learning: Learning, of: int, basis: str) -> list[Offer]:
    """The candidates among what was found, the most frequent first."""
    frequent = [
        (-customers, product)
        for product, customers in found.items()
        if customers >= learning.minimum_customers and product not in shelves.withdrawn
    ]
    return [
        Offer(product, -negative, ratio(-negative, of + learning.prior_orders), basis)
        for negative, product in sorted(frequent)[: learning.candidates]
    ]


# ------------------------------------------------------------------------------------------------- from landed rows


def shoppers_on(
    purchases: Mapping[Hashable, Sequence[Purchase]], favourites: Mapping[Hashable, str], as_of: date
) -> dict[Hashable, Shopper]:
    """Customers as their purchases up to the day have them; of a basket the product with the greatest amount first."""
    shoppers = {}
    for customer, own in purchases.items():
        amounts: dict[date, Counter[Product]] = {}
        for purchase in own:
            for line in purchase.lines if purchase.day <= as_of else ():
                if line.product is not None:
                    amounts.setdefault(purchase.day, Counter())[line.product] += line.amount or Fraction(0)
        shoppers[customer] = Shopper(
            order_days=sorted({purchase.day for purchase in own if purchase.day <= as_of}),
            baskets={day: dearest_first(of_day) for day, of_day in amounts.items()},
            favourite_category=favourites.get(customer),
        )
    return shoppers


def dearest_first(amounts: Mapping[Product, Any]) -> list[Product]:
    return sorted(amounts, key=lambda product: (-amounts[product], product))


def shelves_on(history: History, as_of: date) -> Shelves:
    """Categories as the newest lines or else the records have them, and what cannot be had on the day."""
    known = history.products_on(as_of)
    categories: dict[Product, str | None] = {product: row.get("category") for product, row in known.items()}
    categories |= newest_line_categories(history.purchases.values(), as_of)
    withdrawn = {product for product, row in _stated_on(history, as_of).items() if _is_withdrawn(row)}
    withdrawn |= {
        product for product, row in known.items() if row.get("launched_on") is not None and row["launched_on"] > as_of
    }
    return Shelves(categories, withdrawn, names_on(history, as_of))


def names_on(history: History, as_of: date) -> dict[Product, str]:
    """The names of the products that have one on the day."""
    return {product: row["name"] for product, row in history.products_on(as_of).items() if row.get("name") is not None}


def newest_line_categories(purchases: Iterable[Sequence[Purchase]], as_of: date) -> dict[Product, str]:
    """Of each product the category that lines gave it last for the first time; of several the smallest code."""
    begun: dict[tuple[Product, str], date] = {}
    for own in purchases:
        for purchase in own:
            for line in purchase.lines if purchase.day <= as_of else ():
                if line.product is not None and line.category is not None:
                    key = line.product, line.category
                    begun[key] = min(purchase.day, begun.get(key, purchase.day))
    newest: dict[Product, str] = {}
    for product in {product for product, _ in begun}:
        last = max(day for (other, _), day in begun.items() if other == product)
        newest[product] = min(category for (other, category), day in begun.items() if other == product and day == last)
    return newest


def _stated_on(history: History, as_of: date) -> dict[Product, Row]:
    """The version of each product that was stated by the day; what came before the first one nobody said."""
    stated: dict[Product, Row] = {}
    for record in history.product_records:
        versions = [version for version in record.versions if version.valid_from <= as_of]
        if versions:
            stated[versions[-1].values["source"], record.key] = versions[-1].values
    return stated


def _is_withdrawn(row: Row) -> bool:
    return bool(row.get("is_deleted")) or row.get("is_available") is False
