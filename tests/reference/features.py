"""What a customer's lines, habits, contacts, CRM records, surveys and visits say on one day.

The features made of orders and refunds alone are `classification.classify`'s; these stand beside them in the same row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from reference.exact import cut_point, median, ratio, rounded
from reference.history import History, Line, Purchase, Row, Version, first_day_of
from reference.standard import WholeStandard

UNKNOWN = "unknown"
ATTRIBUTES = ("kind", "industry", "company_size", "region", "city", "decision_role", "member_level", "owner")
URGENCIES = ("high", "medium", "low")

FEATURE_COLUMNS = (
    *ATTRIBUTES,
    "competitor_closeness",
    "first_seen_on",
    "longest_gap_closed_days",
    "premium_share",
    "novelty_share",
    "top_category",
    "top_channel",
    "usual_hour",
    "is_trial_converted",
    "service_contacts_365d",
    "complaints_365d",
    "interactions_90d",
    "recent_complaints",
    "has_open_complaint",
    "median_reply_hours",
    "open_opportunities",
    "open_opportunity_value",
    "days_to_close",
    "stated_urgency",
    "has_explicit_opportunity",
    "has_open_lead",
    "stated_need_clarity",
    "recent_views",
    "recent_carts",
    "recent_browses",
    "need_motive",
    "satisfaction",
    "satisfaction_on",
)


def features_on(
    history: History, customers: Iterable[Hashable], as_of: date, standard: WholeStandard
) -> dict[Hashable, dict[str, Any]]:
    """A row of FEATURE_COLUMNS for each of the customers."""
    shelf = Shelf.on(history, as_of, standard)
    return {
        customer: {
            **attributes(history, customer, as_of),
            **habits(history.purchases.get(customer, ()), shelf),
            **contacts(history, customer, as_of, standard),
            **opportunities(history, customer, as_of, standard),
            **leads(history, customer, as_of, standard),
            **visits(history, customer, as_of, standard),
            **survey(history, customer, as_of),
        }
        for customer in customers
    }


def attributes(history: History, customer: Hashable, as_of: date) -> dict[str, Any]:
    """What the customer's records say: of several the newest known value wins, the first version reaches back."""
    versions = [
        version
        for record in history.records["customers"].get(customer, ())
        if (version := record.on(as_of, reaches_back=True)) is not None
    ]
    versions.sort(key=lambda version: (version.valid_from, version.values["source"], version.values["customer_ref"]))

    def newest(column: str) -> Any:
        known = [version.values[column] for version in versions if version.values.get(column) is not None]
        return known[-1] if known else None

    return {
        **{column: newest(column) or UNKNOWN for column in ATTRIBUTES},
        "competitor_closeness": newest("competitor_closeness"),
        "first_seen_on": history.first_seen[customer],
    }


# -------------------------------------------------------------------------------------------------- lines and habits


@dataclass(frozen=True)
class Shelf:
    """What lines are judged by on a day: products as known on it, and each category's premium price."""

    as_of: date
    standard: WholeStandard
    products: Mapping[tuple[str, str], Row]
    premium_above: Mapping[str, Fraction]
    has_lines: bool

    @classmethod
    def on(cls, history: History, as_of: date, standard: WholeStandard) -> Shelf:
        products = history.products_on(as_of)
        first = first_day_of(as_of, standard.base.window_days)
        prices: dict[str, list[Fraction]] = {}
        for purchases in history.purchases.values():
            for purchase in purchases:
                for line in purchase.lines:
                    category = category_of(line, products)
                    if first <= purchase.day <= as_of and category is not None and line.unit_price is not None:
                        prices.setdefault(category, []).append(line.unit_price)
        cuts = {category: cut_point(own, *standard.premium_cut) for category, own in prices.items()}
        return cls(as_of, standard, products, cuts, has_lines=bool(history.of("order_lines")))


def category_of(line: Line, products: Mapping[tuple[str, str], Row]) -> str | None:
    """The line's own category, else that of its product."""
    if line.category is not None or line.product is None:
        return line.category
    return products.get(line.product, {}).get("category")


def habits(purchases: Sequence[Purchase], shelf: Shelf) -> dict[str, Any]:
    """Shares of premium and of new products, and where and when the customer mostly buys."""
    ever = [purchase for purchase in purchases if purchase.day <= shelf.as_of]
    first = first_day_of(shelf.as_of, shelf.standard.base.window_days)
    window = [purchase for purchase in ever if purchase.day >= first]

    priced = [
        (category, line.unit_price)
        for purchase in window
        for line in purchase.lines
        if (category := category_of(line, shelf.products)) is not None and line.unit_price is not None
    ]
    ages = [
        (purchase.day - launched_on).days
        for purchase in window
        for line in purchase.lines
        if line.product is not None
        and (launched_on := shelf.products.get(line.product, {}).get("launched_on")) is not None
    ]
    by_category = [
        (category, line.amount or Fraction(0), purchase.order_id)
        for purchase in window
        for line in purchase.lines
        if (category := category_of(line, shelf.products)) is not None
    ]
    by_channel = [
        (purchase.channel, purchase.revenue, purchase.order_id) for purchase in window if purchase.channel is not None
    ]
    hours = Counter(purchase.hour for purchase in window)
    return {
        "premium_share": ratio(sum(price > shelf.premium_above[category] for category, price in priced), len(priced)),
        "novelty_share": ratio(sum(age <= shelf.standard.novelty_days for age in ages), len(ages)),
        "top_category": top(by_category),
        "top_channel": top(by_channel),
        "usual_hour": min(hours, key=lambda hour: (-hours[hour], hour)) if hours else None,
        "longest_gap_closed_days": longest_gap_closed(ever, shelf.as_of, shelf.standard.base.reactivated_days),
        "is_trial_converted": is_trial_converted(ever, shelf),
    }


def top(bought: Iterable[tuple[str, Fraction, str]]) -> str:
    """The code with the most revenue, then in the most orders, then the smallest; unknown where there is none."""
    revenue: Counter[str] = Counter()
    orders: dict[str, set[str]] = {}
    for code, amount, order_id in bought:
        revenue[code] += amount
        orders.setdefault(code, set()).add(order_id)
    return min(orders, key=lambda code: (-revenue[code], -len(orders[code]), code), default=UNKNOWN)


def longest_gap_closed(ever: Sequence[Purchase], as_of: date, reactivated_days: int) -> int | None:
    """The longest gap that an order day of the last days ended; it is reactivated when beyond the silence limit."""
    days = sorted({purchase.day for purchase in ever})
    closed = [(later - earlier).days for earlier, later in pairwise(days) if (as_of - later).days < reactivated_days]
    return max(closed, default=None)


def is_trial_converted(ever: Sequence[Purchase], shelf: Shelf) -> bool | None:
    """The first order held trial categories only, a later one has another category."""
    trial = shelf.standard.trial_categories
    if not trial or not shelf.has_lines:
        return None
    if not ever:
        return False
    begun, *later = [{category_of(line, shelf.products) for line in purchase.lines} for purchase in ever]
    if not begun or not begun <= trial:
        return False
    return any(category is not None and category not in trial for categories in later for category in categories)


# ----------------------------------------------------------------------------------------------------------- contacts


def contacts(history: History, customer: Hashable, as_of: date, standard: WholeStandard) -> dict[str, Any]:
    """Counts of contacts and complaints and how fast the customer answers; NULL where no contact is landed at all."""
    if not history.of("interactions"):
        counts = ("service_contacts_365d", "complaints_365d", "interactions_90d", "recent_complaints")
        return dict.fromkeys((*counts, "has_open_complaint", "median_reply_hours"))
    had = [contact for contact in history.contacts.get(customer, ()) if contact["day"] <= as_of]

    def in_last(days: int) -> list[Row]:
        return [contact for contact in had if contact["day"] >= first_day_of(as_of, days)]

    def complaints(among: Iterable[Row]) -> list[Row]:
        return [contact for contact in among if contact.get("is_complaint")]

    def is_open(complaint: Row) -> bool:
        resolved_at = complaint.get("resolved_at")
        return resolved_at is None or history.day_of(resolved_at) > as_of

    return {
        "service_contacts_365d": sum(contact.get("channel") == "service" for contact in in_last(365)),
        "complaints_365d": len(complaints(in_last(365))),
        "interactions_90d": len(in_last(90)),
        "recent_complaints": len(complaints(in_last(standard.at_risk_complaint_days))),
        "has_open_complaint": any(is_open(complaint) for complaint in complaints(had)),
        "median_reply_hours": median_reply_hours(had, first_day_of(as_of, standard.base.window_days)),
    }


def median_reply_hours(had: Sequence[Row], first: date) -> Decimal | None:
    """From each outbound contact since `first` to the next inbound one after it; what was not answered is left out."""
    inbound = [contact["at"] for contact in had if contact.get("direction") == "inbound"]
    waits = []
    for contact in had:
        if contact.get("direction") == "outbound" and contact["day"] >= first:
            answers = [at for at in inbound if at > contact["at"]]
            if answers:
                waits.append(Fraction((min(answers) - contact["at"]) // timedelta(microseconds=1), 3_600_000_000))
    return rounded(median(waits)) if waits else None


# ---------------------------------------------------------------------------------------------------------------- CRM


def opportunities(history: History, customer: Hashable, as_of: date, standard: WholeStandard) -> dict[str, Any]:
    known = [record.on(as_of) for record in history.records["opportunities"].get(customer, ())]
    opened = [version.values for version in known if version is not None and version.values.get("status") == "open"]
    values = [value for row in opened if (value := _worth(history, row, as_of)) is not None]
    closes = [(row["expected_close_on"] - as_of).days for row in opened if row.get("expected_close_on") is not None]
    urgencies = {row.get("urgency") for row in opened}
    return {
        "open_opportunities": len(opened) if history.of("opportunities") else None,
        "open_opportunity_value": rounded(sum(values, Fraction(0))) if values else None,
        "days_to_close": min(closes, default=None),
        "stated_urgency": next((urgency for urgency in URGENCIES if urgency in urgencies), UNKNOWN),
        "has_explicit_opportunity": (
            any(standard.is_explicit(row.get("stage")) for row in opened) if history.of("opportunities") else None
        ),
    }


def _worth(history: History, row: Row, as_of: date) -> Fraction | None:
    rate = history.rate(row["currency"] or history.currency, as_of)
    if rate is None or row.get("amount") is None or row.get("probability") is None:
        return None
    return Fraction(row["amount"]) * Fraction(row["probability"]) * rate


def leads(history: History, customer: Hashable, as_of: date, standard: WholeStandard) -> dict[str, Any]:
    known = [
        (record.key, version)
        for record in history.records["leads"].get(customer, ())
        if (version := record.on(as_of)) is not None
    ]

    def created(lead: tuple[str, Version]) -> tuple[datetime, str]:
        key, version = lead
        at = version.values.get("created_at")
        midnight = datetime.combine(version.valid_from, time(), tzinfo=history.zone)
        return (midnight if at is None else at).astimezone(UTC), key

    stated = max(known, key=created)[1].values.get("need_clarity") if known else None
    return {
        "has_open_lead": (
            any(version.values.get("stage") not in standard.closed_lead_stages for _, version in known)
            if history.of("leads")
            else None
        ),
        "stated_need_clarity": stated or UNKNOWN,
    }


# ---------------------------------------------------------------------------------------------------- web and surveys


def visits(history: History, customer: Hashable, as_of: date, standard: WholeStandard) -> dict[str, Any]:
    """Views and carts of the days that show a need, and of those that make a potential buyer."""
    if not history.of("web_events"):
        return dict.fromkeys(("recent_views", "recent_carts", "recent_browses"))

    def kinds_in_last(days: int) -> Counter[str]:
        first = first_day_of(as_of, days)
        return Counter(
            event["kind"] for event in history.web_events.get(customer, ()) if first <= event["day"] <= as_of
        )

    needed, browsed = kinds_in_last(standard.need_days), kinds_in_last(standard.potential_buyer_days)
    return {
        "recent_views": needed["view"],
        "recent_carts": needed["cart"],
        "recent_browses": browsed["view"] + browsed["cart"],
    }


def survey(history: History, customer: Hashable, as_of: date) -> dict[str, Any]:
    given = [answer for answer in history.surveys.get(customer, ()) if answer["day"] <= as_of]
    if not given:
        return {"need_motive": UNKNOWN, "satisfaction": None, "satisfaction_on": None}
    newest = max(given, key=lambda answer: (answer["at"], answer["response_id"]))
    return {
        "need_motive": newest.get("need_motive") or UNKNOWN,
        "satisfaction": newest.get("satisfaction"),
        "satisfaction_on": newest["day"],
    }
