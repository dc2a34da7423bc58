"""The people of the invented warehouse: when they order, and what customer_segments says of them on a day.

Classes follow simple rules here: what is tested against them is publishing and the report, never classification.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from marts_standard import GRID, LABELS, STANDARD_VERSION

# Texts that break a page, a spreadsheet or a CSV when they are written as they come.
HOSTILE_NAMES = (
    '=HYPERLINK("http://evil.example";"Click")',
    "<script>alert('x')</script>",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    '王"小"明, 先生',
    "line\nbreak",
)
# The columns of customer_segments that `segment_rows` gives; the others follow from them.
SEGMENT_COLUMNS = (
    "as_of_date",
    "customer_id",
    "standard_version",
    "kind",
    "industry",
    "company_size",
    "region",
    "city",
    "decision_role",
    "member_level",
    "owner",
    "lifecycle_stage",
    "lifecycle_stage_label",
    "lifecycle_reason",
    "is_loyal",
    "days_silent",
    "silence_limit_days",
    "churn_limit_days",
    "r_score",
    "f_score",
    "m_score",
    "rfm_score",
    "rfm_cell",
    "rfm_segment",
    "rfm_segment_label",
    "rfm_type",
    "rfm_type_label",
    "rfm_reason",
    "value_tier",
    "value_tier_label",
    "value_reason",
    "value_share",
    "cumulative_value_share",
    "first_order_on",
    "last_order_on",
    "recency_days",
    "tenure_days",
    "order_count",
    "order_days",
    "revenue",
    "average_order_value",
    "order_count_window",
    "revenue_window",
)


class Person:
    """A customer with a rhythm, a size of order, and a day from which they stay away."""

    def __init__(self, number: int) -> None:
        self.id = number
        draw = random.Random(number)  # noqa: S311  invented customers, not secrets
        self.is_prospect = number % 17 == 0
        self.rhythm = draw.choice((4, 7, 9, 14, 21, 45, 90))
        self.size = Decimal(str(round(draw.lognormvariate(3.2, 0.9), 2)))
        self.stopped = date(2017, 1, 1) + timedelta(days=draw.randint(20, 3000 // (1 + number % 7)))
        self.started = date(2016, 12, 1) + timedelta(days=draw.randint(0, 120))
        self.region = draw.choice(("North", "South", "East", "West"))
        self.owner = draw.choice(("Li Na 李娜", "Wang Wei 王伟", "J. Ortiz"))
        self.industry = (None, "Retail", "Hospitality", None)[number % 4]

    def order_days(self, until: date) -> list[date]:
        if self.is_prospect:
            return []
        days, day = [], self.started
        while day <= min(until, max(self.stopped, self.started)):
            days.append(day)
            day += timedelta(days=self.rhythm)
        return days

    def orders(self) -> Iterable[tuple[Any, ...]]:
        for index, day in enumerate(self.order_days(date(2017, 3, 1))):
            at = f"{day} 22:15:00+00"
            amount = self.size
            yield (
                *("grocery", f"{self.id:05d}-{index}", self.id, at, day, "completed", True, "USD"),
                *(amount, Decimal(0), amount, None, "store", self.region),
            )

    def contact(self) -> tuple[Any, ...]:
        name = HOSTILE_NAMES[self.id] if self.id < len(HOSTILE_NAMES) else f"客户{self.id} Customer {self.id}"
        return (self.id, name, f"+1606555{self.id:04d}", f"customer{self.id}@example.com", f"wx_{self.id}")

    def dimension(self) -> tuple[Any, ...]:
        none = (None,) * 2
        return (
            *(self.id, "person", self.industry, None, self.region, *none),
            *("gold", self.owner, self.started, False, 2),
        )


def segment_rows(people: Sequence[Person], day: date) -> list[tuple[Any, ...]]:
    """A row of SEGMENT_COLUMNS for each of `people`."""
    measured = []
    for person in people:
        orders = person.order_days(day)
        window = [on for on in orders if on > day - timedelta(days=365)]
        measured.append((person, orders, window, person.size * len(window)))
    scored = [entry for entry in measured if entry[2]]
    total = sum((entry[3] for entry in scored), Decimal(0)) or Decimal(1)
    recencies = sorted((day - entry[1][-1]).days for entry in scored)
    counts, sums = sorted(len(entry[2]) for entry in scored), sorted(entry[3] for entry in scored)

    def score(values: Sequence[Any], value: Any) -> int:
        return 1 + min(4, 5 * bisect_left(values, value) // len(values))

    running, cumulative = Decimal(0), {}
    for person, _, _, value in sorted(scored, key=lambda entry: -entry[3]):
        running += value
        cumulative[person.id] = (running - value, running)
    return [
        _segment_row(person, orders, window, value, day, total, cumulative, score, recencies, counts, sums)
        for person, orders, window, value in measured
    ]


def _segment_row(
    person: Person,
    orders: Sequence[date],
    window: Sequence[date],
    value: Decimal,
    day: date,
    total: Decimal,
    cumulative: dict[int, tuple[Decimal, Decimal]],
    score: Any,
    recencies: Sequence[int],
    counts: Sequence[int],
    sums: Sequence[Decimal],
) -> tuple[Any, ...]:
    silence, churn = Decimal(min(180, max(30, 2 * person.rhythm))), Decimal(min(540, max(90, 4 * person.rhythm)))
    recency = (day - orders[-1]).days if orders else None
    r = f = m = None
    if window:
        r, f, m = 6 - score(recencies, recency), score(counts, len(window)), score(sums, value)
        segment = GRID[r, f]
        high = (r >= 3, f >= 4, m >= 4)
        kinds = {
            (True, True): "value",
            (True, False): "develop",
            (False, True): "keep",
            (False, False): "winback",
        }
        rfm_type = f"{'important' if high[2] else 'general'}_{kinds[high[0], high[1]]}"
        before = cumulative[person.id][0]
        tier = "high" if before * 100 < 80 * total else "mid" if before * 100 < 95 * total else "low"
    else:
        segment = rfm_type = "out_of_window" if orders else "prospect"
        tier = "low" if orders else "prospect"
    if recency is None:
        stage = "prospect"
    elif (day - orders[0]).days < 30:
        stage = "new"
    elif recency <= silence:
        stage = "reactivated" if person.id % 23 == 0 and recency < 30 else "active"
    else:
        stage = "silent" if recency <= churn else "churned"
    share = (
        (value / total).quantize(Decimal("0.000001"), ROUND_HALF_EVEN) if window else (Decimal(0) if orders else None)
    )
    reached = (
        (cumulative[person.id][1] / total).quantize(Decimal("0.000001")) if window else (Decimal(1) if orders else None)
    )
    return (
        *(day, person.id, STANDARD_VERSION, "person", person.industry, None, person.region, None, None, "gold"),
        person.owner,
        *(stage, _label("lifecycle_stage", stage), "own_rhythm", stage == "active" and len(window) >= 6),
        *(None if recency is None else max(Decimal(0), recency - silence), silence, churn),
        *(r, f, m, None if r is None else Decimal(r + f + m), None if r is None else f"{r}{f}{m}"),
        *(segment, _label("rfm_segment", segment), rfm_type, _label("rfm_type", rfm_type), "quantile"),
        *(tier, _label("value_tier", tier), "share", share, reached),
        *(orders[0] if orders else None, orders[-1] if orders else None, recency),
        *((day - orders[0]).days if orders else None, len(orders), len(orders), person.size * len(orders)),
        *(person.size if orders else None, len(window), value),
    )


def _label(dimension: str, code: str) -> str:
    return LABELS[dimension][code][0]
