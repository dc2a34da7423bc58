"""Small companies and standards, drawn by hypothesis from sets in which ties, boundaries and gaps are common.

A company is rows by the contract's columns, a standard is the reference's. Times are days before LAST, chosen around
the ends of the spans that standards have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from reference.classification import DEFAULT_GRID, Grid, GridRule
from reference.classification import Standard as BaseStandard
from reference.scores import Prediction
from reference.standard import FACTORS, Axis, Clusters, Matrix, OwnDimension, OwnRule, Scale, WholeStandard

from dagster_project.settings.standards import AXIS_MEASURES

Rows = list[dict[str, Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

LAST = date(2022, 6, 30)
SOURCES = ("shop", "crm")
AGES = (-3, 1, 6, 7, 8, 29, 31, 45, 51, 52, 59, 60, 61, 89, 90, 91, 120, 179, 180, 181, 270, 364, 365, 366, 400, 800)
NEAR = (0, 7, 22, 30)  # the days that are classified, and one more, so that much happens at once
HOURS = (2, 9, 9, 12, 23)
CATEGORIES = ("care", "sample", "tools")
STAGES = ("met", "needs", "offer")
OPTIONAL = (
    "refunds",
    "order_lines",
    "products",
    "exchange_rates",
    "customers",
    "customer_links",
    "interactions",
    "opportunities",
    "leads",
    "surveys",
    "web_events",
)


@dataclass(frozen=True)
class Company:
    """The rows of every entity, which entities are configured, and what a purchase model says of some customers."""

    rows: Mapping[str, Rows]
    configured: frozenset[str]
    predictions: Mapping[str, Prediction]  # by customer_ref


# ------------------------------------------------------------------------------------------------------------ history


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


ages = st.sampled_from(NEAR) | st.sampled_from(AGES)
moments = st.tuples(ages, st.sampled_from(HOURS))
LINE = st.fixed_dictionaries(
    {
        "product_id": one_of(None, "p1", "p2", "p3"),
        "category": one_of(None, *CATEGORIES),
        "unit_price": one_of(None, Decimal(1), Decimal(2), Decimal("2.5")),
        "line_amount": one_of(Decimal(0), Decimal(5), Decimal("7.25")),
    }
)
ORDER = st.fixed_dictionaries(
    {
        "moment": moments,
        "status": one_of("completed", "completed", "completed", "refunded", "cancelled", "pending"),
        "gross_amount": one_of(Decimal(0), Decimal(10), Decimal(10), Decimal(40), Decimal("99.99")),
        "discount_amount": one_of(Decimal(0), Decimal(0), Decimal(5)),
        "cost_amount": one_of(None, Decimal(4), Decimal(4), Decimal(12)),
        "currency": one_of("EUR", "EUR", "EUR", "USD"),
        "channel": one_of(None, "shop", "web"),
        "lines": st.lists(LINE, max_size=2),
        "refunds": st.lists(
            st.tuples(moments, one_of(Decimal(5), Decimal(40)), one_of("EUR", "EUR", "USD"), st.booleans()), max_size=1
        ),
    }
)
RECORD = st.fixed_dictionaries(
    {
        "registered_on": one_of(None, None, LAST - timedelta(days=200)),
        "industry": one_of(None, "retail", "mining"),
        "company_size": one_of(None, "small", "large", "giant"),
        "region": one_of(None, "north"),
        "member_level": one_of(None, "gold", "silver"),
        "competitor_closeness": one_of(None, Decimal(0), Decimal("0.25"), Decimal(1)),
    }
)
CONTACT = st.fixed_dictionaries(
    {
        "moment": moments,
        "channel": one_of("service", "phone"),
        "direction": one_of("inbound", "outbound", None),
        "is_complaint": one_of(False, False, True, None),
        "resolved": one_of(None, 0, 30, 90),
    }
)
OPPORTUNITY = st.fixed_dictionaries(
    {
        "status": one_of("open", "open", "open", "won", "lost"),
        "stage": one_of(None, *STAGES, "elsewhere"),
        "amount": one_of(None, Decimal(0), Decimal(100), Decimal(900)),
        "probability": one_of(None, Decimal(0), Decimal("0.5"), Decimal(1)),
        "currency": one_of("EUR", "EUR", "USD"),
        "closes": one_of(None, -40, -1, 0, 1, 15, 30, 31),
        "urgency": one_of(None, "high", "medium", "low"),
        "is_deleted": one_of(False, False, False, True),
    }
)
LEAD = st.fixed_dictionaries(
    {
        "stage": one_of(None, "fresh", "lost"),
        "need_clarity": one_of(None, None, "explicit", "vague", "none"),
        "is_deleted": one_of(False, False, False, True),
    }
)
SURVEY = st.fixed_dictionaries(
    {
        "moment": moments,
        "satisfaction": one_of(None, Decimal(2), Decimal("4.5")),
        "need_motive": one_of(None, "functional", "emotional", "social"),
    }
)
VISIT = st.tuples(moments, one_of("view", "search", "cart"))
PRODUCT = st.fixed_dictionaries({"category": one_of(None, *CATEGORIES), "launched": one_of(None, *NEAR, *AGES)})
PREDICTION = st.builds(
    Prediction,
    expected_value_365d=one_of(None, Decimal(0), Decimal(50), Decimal("50.5")),
    probability_alive=one_of(None, Decimal("0.499999"), Decimal("0.5")),
)


def versions(content: st.SearchStrategy[dict[str, Any]], most: int) -> st.SearchStrategy[list[Any]]:
    """Up to `most` versions of one record, each at a moment of its own; two of one day are a correction."""
    return st.lists(st.tuples(moments, content), min_size=1, max_size=most, unique_by=lambda version: version[0])


CUSTOMER = st.fixed_dictionaries(
    {
        "orders": st.lists(ORDER, max_size=5),
        "records": st.none() | versions(RECORD, 2),
        "contacts": st.lists(CONTACT, max_size=4),
        "opportunities": st.lists(versions(OPPORTUNITY, 3), max_size=2),
        "leads": st.lists(versions(LEAD, 2), max_size=2),
        "surveys": st.lists(SURVEY, max_size=2),
        "visits": st.lists(VISIT, max_size=3),
        "prediction": st.none() | PREDICTION,
        "has_second_ref": one_of(False, False, True),
    }
)


@st.composite
def companies(draw: Draw, least: int = 1, most: int = 5) -> Company:
    """`least` to `most` customers; some entities are missing altogether."""
    company: dict[str, Rows] = {name: [] for name in ("orders", *OPTIONAL)}
    predictions: dict[str, Prediction] = {}
    for number, customer in enumerate(draw(st.lists(CUSTOMER, min_size=least, max_size=most))):
        Writer(company, number).write(customer)
        if customer["prediction"] is not None:
            predictions[f"c{number}"] = customer["prediction"]
    for number, product in enumerate(draw(st.lists(versions(PRODUCT, 2), max_size=3)), start=1):
        company["products"] += [_product(f"p{number}", moment, content) for moment, content in product]
    company["exchange_rates"] = [
        {"currency": "USD", "date": LAST - timedelta(days=age), "rate": Decimal(rate)}
        for age, rate in draw(st.lists(st.tuples(ages, one_of(2, 3)), max_size=6, unique_by=lambda rate: rate[0]))
    ]
    without = draw(st.sets(st.sampled_from(OPTIONAL), max_size=4))
    rows = {name: own for name, own in company.items() if own and name not in without}
    idle = draw(st.sets(st.sampled_from(("leads", "opportunities", "web_events")), max_size=1))
    return Company(rows, frozenset({*rows, *idle}), predictions)


class Writer:
    """Writes one customer's rows; some of them under a second reference, which is linked to the first."""

    def __init__(self, company: Mapping[str, Rows], number: int) -> None:
        self._company = company
        self._number = number
        self._refs = [("shop", f"c{number}")]

    def write(self, customer: Mapping[str, Any]) -> None:
        if customer["has_second_ref"]:
            self._refs.append(("crm", f"k{self._number}"))
            self._company["customer_links"].append(
                {"source": "crm", "customer_ref": f"k{self._number}", "linked_source": "shop"}
                | {"linked_ref": f"c{self._number}"}
            )
        for order in customer["orders"]:
            self._write_order(order)
        for moment, content in customer["records"] or ():
            created_at = min(at(own) for own, _ in customer["records"])
            self._add("customers", 0, {**content, "created_at": created_at, "updated_at": at(moment)})
        for place, contact in enumerate(customer["contacts"]):
            occurred_at = at(contact["moment"])
            resolved_at = None if contact["resolved"] is None else occurred_at + timedelta(days=contact["resolved"])
            columns = {name: contact[name] for name in ("channel", "direction", "is_complaint")}
            self._add(
                "interactions",
                place,
                {**columns, "occurred_at": occurred_at, "resolved_at": resolved_at},
                key="interaction_id",
            )
        for entity, key in (("opportunities", "opportunity_id"), ("leads", "lead_id")):
            for place, record in enumerate(customer[entity]):
                self._write_record(entity, key, place, record)
        for place, survey in enumerate(customer["surveys"]):
            columns = {name: survey[name] for name in ("satisfaction", "need_motive")}
            self._add("surveys", place, {**columns, "responded_at": at(survey["moment"])}, key="response_id")
        for place, (moment, kind) in enumerate(customer["visits"]):
            self._add("web_events", place, {"occurred_at": at(moment), "kind": kind}, key="event_id")

    def _add(self, entity: str, place: int, columns: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        source, customer_ref = self._refs[place % len(self._refs)]
        row = {"source": source, "customer_ref": customer_ref, **columns}
        if key is not None:
            row[key] = f"{self._number}-{place}"
        self._company[entity].append(row)
        return row

    def _write_order(self, order: Mapping[str, Any]) -> None:
        place = len(self._company["orders"])
        columns = {name: value for name, value in order.items() if name not in ("moment", "lines", "refunds")}
        row = self._add("orders", place, {**columns, "ordered_at": at(order["moment"])}, key="order_id")
        for number, line in enumerate(order["lines"], start=1):
            self._company["order_lines"].append(
                {"source": row["source"], "order_id": row["order_id"], "line_number": number, **line}
            )
        for moment, amount, currency, names_order in order["refunds"]:
            self._company["refunds"].append(
                {
                    "source": row["source"],
                    "refund_id": row["order_id"],
                    "order_id": row["order_id"] if names_order else None,
                    "customer_ref": None if names_order else row["customer_ref"],
                    "refunded_at": at(moment),
                    "amount": amount,
                    "currency": currency,
                }
            )

    def _write_record(self, entity: str, key: str, place: int, record: Sequence[Any]) -> None:
        created_at = min(at(moment) for moment, _ in record)
        for moment, content in record:
            columns = {name: value for name, value in content.items() if name != "closes"}
            if "closes" in content and content["closes"] is not None:
                columns["expected_close_on"] = LAST + timedelta(days=content["closes"])
            self._add(entity, place, {**columns, "created_at": created_at, "updated_at": at(moment)}, key=key)


def _product(product_id: str, moment: tuple[int, int], content: Mapping[str, Any]) -> dict[str, Any]:
    launched_on = None if content["launched"] is None else LAST - timedelta(days=content["launched"])
    return {
        "source": "shop",
        "product_id": product_id,
        "category": content["category"],
        "launched_on": launched_on,
        "updated_at": at(moment),
    }


def at(moment: tuple[int, int]) -> datetime:
    """The instant of (days before LAST, hour)."""
    age, hour = moment
    return datetime.combine(LAST - timedelta(days=age), time(hour), tzinfo=UTC)


# ---------------------------------------------------------------------------------------------------------- standards

TWO_BY_TWO = Grid(
    bins=2,
    rules=(
        GridRule("best", r=(2, 2), f=(2, 2)),
        GridRule("fresh", r=(2, 2), f=(1, 1)),
        GridRule("fading", r=(1, 1), f=(1, 2)),
    ),
)
LIMITS = (
    ("own_rhythm", Decimal(2), Decimal(4), (30, 180), (90, 540)),
    ("own_rhythm", Decimal(1), Decimal("1.5"), (7, 59), (60, 180)),
    ("own_rhythm", Decimal("0.5"), Decimal(2), (1, 30), (31, 90)),
    ("fixed", Decimal(2), Decimal(4), (30, 180), (90, 540)),
)


@st.composite
def base_standards(draw: Draw) -> BaseStandard:
    method = draw(one_of("quantile", "threshold", "mean", "median"))
    bins = draw(one_of(2, 3, 5, 9))
    grid = None
    if method in ("mean", "median") or (method == "quantile" and bins == 2):
        grid = draw(one_of(None, TWO_BY_TWO))
    elif method == "quantile" and bins == 5:
        grid = draw(one_of(None, DEFAULT_GRID))
    lifecycle_method, silence_factor, churn_factor, silence_bounds, churn_bounds = draw(st.sampled_from(LIMITS))
    return BaseStandard(
        window_days=draw(one_of(365, 365, 180, 30)),
        rfm_method=method,
        rfm_bins=bins,
        r_cuts=draw(one_of((30,), (7, 90), (1, 30, 89))),
        f_cuts=draw(one_of((2,), (2, 3))),
        m_cuts=draw(one_of((Decimal(10),), (Decimal(0), Decimal("35.5")))),
        rfm_weights=draw(one_of((Decimal(1),) * 3, (Decimal(0), Decimal("0.5"), Decimal(2)))),
        type_cut=draw(one_of("mean", "median")),
        grid=grid,
        lifecycle_method=lifecycle_method,
        new_days=draw(one_of(30, 7, 90)),
        reactivated_days=draw(one_of(30, 7, 60)),
        fixed_silence_days=draw(one_of(90, 30)),
        fixed_churn_days=draw(one_of(365, 91)),
        silence_factor=silence_factor,
        churn_factor=churn_factor,
        silence_bounds=silence_bounds,
        churn_bounds=churn_bounds,
        own_rhythm_order_days=draw(one_of(2, 3)),
        loyal_order_days=draw(one_of(1, 2, 6)),
        value_measure=draw(one_of("revenue_window", "margin_window")),
        value_method=draw(one_of("share", "percentile", "threshold")),
        share_percents=draw(one_of((80, 95), (50, 60))),
        percentile_percents=draw(one_of((20, 50), (50, 90))),
        value_cuts=(Decimal(40), Decimal(10)),
    )


cuts = one_of("mean", "median", (1, 2), (3, 4), (9, 10), Decimal(0), Decimal(1), Decimal(50), Decimal(80))
axes = st.builds(Axis, measure=st.sampled_from(AXIS_MEASURES), cut=cuts)


@st.composite
def matrices(draw: Draw) -> tuple[Matrix, ...]:
    drawn = draw(st.lists(st.tuples(axes, axes), max_size=3))
    return tuple(Matrix(f"matrix_{n}", x, y, ("hh", "hl", "lh", "ll")) for n, (x, y) in enumerate(drawn, start=1))


# A rule as an analyst writes it, and as the reference tries it.
RULES: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("revenue_window >= 40", lambda row: row["revenue_window"] >= 40),
    ("recency_days > 30 or order_count = 0", lambda row: row["order_count"] == 0 or row["recency_days"] > 30),
    ("not (tenure_days <= 90)", lambda row: row["tenure_days"] is not None and row["tenure_days"] > 90),
    ("member_level in ('gold', 'silver')", lambda row: row["member_level"] in ("gold", "silver")),
    ("industry <> 'retail'", lambda row: row["industry"] != "retail"),
    ("median_gap_days is null", lambda row: row["median_gap_days"] is None),
    ("has_open_complaint", lambda row: row["has_open_complaint"]),
    (
        "last_order_on >= date '2022-06-01'",
        lambda row: row["last_order_on"] is not None and row["last_order_on"] >= date(2022, 6, 1),
    ),
    (
        "discount_share between 0.1 and 0.5",
        lambda row: row["discount_share"] is not None and Decimal("0.1") <= row["discount_share"] <= Decimal("0.5"),
    ),
    ("top_channel = 'web' and usual_hour < 12", lambda row: row["top_channel"] == "web" and row["usual_hour"] < 12),
    (
        "order_count + open_opportunities > 2",
        lambda row: row["open_opportunities"] is not None and row["order_count"] + row["open_opportunities"] > 2,
    ),
)


@st.composite
def own_dimensions(draw: Draw) -> tuple[OwnDimension, ...]:
    drawn = draw(st.lists(st.lists(st.sampled_from(RULES), min_size=1, max_size=3, unique=True), max_size=2))
    return tuple(
        OwnDimension(
            f"own_{number}",
            tuple(OwnRule(f"class_{place}", holds, text) for place, (text, holds) in enumerate(rules, start=1)),
            default="rest",
        )
        for number, rules in enumerate(drawn, start=1)
    )


CLUSTERS = Clusters(
    scales=(Scale(3.5, 1.5), Scale(0.5, 0.5), Scale(3.0, 1.5)),
    centres=((0.7, -0.5, -0.5), (-0.5, 0.1, 0.4), (-1.1, 1.6, 1.2)),
)
quantiles = one_of((3, 4), (1, 2), (9, 10))


@st.composite
def standards(draw: Draw) -> WholeStandard:
    weights = draw(st.lists(one_of(Decimal(1), Decimal(1), Decimal(0), Decimal("2.5")), min_size=6, max_size=6))
    if not any(weights):
        weights[1] = Decimal(1)
    stages = draw(one_of(STAGES, ("offer", "met")))
    return WholeStandard(
        base=draw(base_standards()),
        premium_cut=draw(quantiles),
        novelty_days=draw(one_of(90, 30, 1)),
        potential_weights=dict(zip(FACTORS, weights, strict=True)),
        industry_outlook=draw(one_of({}, {"retail": Decimal("0.8"), "mining": Decimal(0)})),
        company_sizes=draw(one_of((), ("small", "large"), ("large", "giant", "small"))),
        close_days=draw(one_of(30, 31, 1)),
        stated_urgency=dict(
            zip(("high", "medium", "low"), draw(one_of((1, Decimal("0.5"), 0), (1, 1, Decimal("0.25")))), strict=True)
        ),
        matrices=draw(matrices()),
        need_days=draw(one_of(30, 7, 90)),
        opportunity_stages=stages,
        explicit_after=draw(one_of(None, *stages)),
        closed_lead_stages=draw(one_of(frozenset(), frozenset({"lost"}))),
        need_type_cut=draw(one_of(Decimal("0.75"), Decimal("0.5"), Decimal(0))),
        high_frequency=draw(quantiles),
        trial_categories=draw(one_of(frozenset(), frozenset({"sample"}), frozenset({"sample", "care"}))),
        at_risk_drop=draw(one_of(Decimal("0.5"), Decimal(0), Decimal("0.333333"))),
        at_risk_complaint_days=draw(one_of(30, 7, 90)),
        at_risk_alive_below=draw(one_of(Decimal("0.5"), Decimal("0.499999"))),
        potential_buyer_days=draw(one_of(30, 7, 90)),
        dimensions=draw(own_dimensions()),
        clusters=draw(one_of(None, CLUSTERS)),
    )
