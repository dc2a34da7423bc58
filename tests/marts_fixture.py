"""A small warehouse with the marts' columns, invented and deterministic, for what reads marts and needs no pipeline.

Classes follow simple rules here: what is tested against it is publishing and the report, never classification.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import islice
from typing import Any

import duckdb

STANDARD_VERSION = "default-5d1c0f2a"
CAMPAIGN_ID = "reactivation-2018-01"

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

COLUMNS: dict[str, str] = {
    "marts.customer_segments": """as_of_date date, customer_id bigint, standard_version varchar, kind varchar,
        industry varchar, company_size varchar, region varchar, city varchar, decision_role varchar,
        member_level varchar, owner varchar, lifecycle_stage varchar, lifecycle_stage_label varchar,
        lifecycle_reason varchar, is_loyal boolean, days_silent decimal(12,6), silence_limit_days decimal(12,6),
        churn_limit_days decimal(12,6), r_score integer,
        f_score integer, m_score integer, rfm_score decimal(18,6), rfm_cell varchar, rfm_segment varchar,
        rfm_segment_label varchar, rfm_type varchar, rfm_type_label varchar, rfm_reason varchar, value_tier varchar,
        value_tier_label varchar, value_reason varchar, value_share decimal(18,6), cumulative_value_share decimal(18,6),
        first_order_on date, last_order_on date, recency_days integer, tenure_days integer, order_count integer,
        order_days integer, revenue decimal(18,2), average_order_value decimal(18,6), order_count_window integer,
        revenue_window decimal(18,2)""",
    "marts.customer_features": """as_of_date date, customer_id bigint, standard_version varchar, order_count integer,
        revenue decimal(18,2), discount_share double, usual_hour smallint""",
    "marts.customer_rfm": """as_of_date date, customer_id bigint, standard_version varchar, r_score integer,
        f_score integer, m_score integer, rfm_segment varchar""",
    "marts.customer_lifecycle": """as_of_date date, customer_id bigint, standard_version varchar,
        lifecycle_stage varchar, lifecycle_reason varchar, limit_basis varchar""",
    "marts.customer_value": """as_of_date date, customer_id bigint, standard_version varchar, value_measure varchar,
        value decimal(18,2), value_tier varchar, value_reason varchar, value_share decimal(18,6),
        cumulative_value_share decimal(18,6)""",
    "marts.rfm_cut_points": """as_of_date date, standard_version varchar, purpose varchar, measure varchar,
        cut_number integer, cut_value decimal(24,6)""",
    "marts.segment_summary": """as_of_date date, standard_version varchar, dimension varchar, class varchar,
        class_label varchar, breakdown varchar, breakdown_class varchar, customers bigint, customer_share decimal(18,6),
        revenue_window decimal(18,2), revenue_share decimal(18,6)""",
    "marts.silent_customers": """as_of_date date, customer_id bigint, standard_version varchar, lifecycle_stage varchar,
        value_tier varchar, rfm_segment varchar, recency_days integer, days_silent decimal(12,6),
        silence_limit_days decimal(12,6), last_order_on date, order_count integer, revenue decimal(18,2),
        average_order_value decimal(18,6), silence_cause varchar, return_band varchar, return_rate decimal(18,6),
        expected_value decimal(18,6), expected_value_basis varchar, priority_score decimal(18,6),
        priority_basis varchar, suppressed_reason varchar, best_channel varchar,
        consent_basis varchar""",
    "marts.reactivation_list": """as_of_date date, campaign_id varchar, customer_id bigint, registry_id bigint,
        channel varchar, arm varchar, position integer, priority_score decimal(18,6), lifecycle_stage varchar,
        value_tier varchar, rfm_segment varchar, silence_cause varchar, recency_days integer,
        days_silent decimal(12,6), silence_limit_days decimal(12,6), last_order_on date, order_count integer,
        average_order_value decimal(18,6),
        revenue decimal(18,2), owner varchar, consent_basis varchar""",
    "marts.reactivation_list_notes": """as_of_date date, channel varchar, eligible bigint, treated bigint,
        control bigint, not_reached bigint, note varchar, consent_default_reason varchar""",
    "marts.return_rates": """as_of_date date, silence_ratio_band integer, value_tier varchar, order_count_band integer,
        customers bigint, returned bigint, overall_return_rate decimal(18,6), return_rate decimal(18,6)""",
    "marts.dim_customers": """customer_id bigint, kind varchar, industry varchar, company_size varchar, region varchar,
        city varchar, decision_role varchar, member_level varchar, owner varchar, first_seen_on date,
        is_do_not_contact boolean, reference_count integer""",
    "marts.fct_orders": """source varchar, order_id varchar, customer_id bigint, ordered_at timestamptz,
        ordered_on date, status varchar, is_counted boolean, currency varchar, gross_amount decimal(18,2),
        discount_amount decimal(18,2), revenue decimal(18,2), cost_amount decimal(18,2), channel varchar,
        region varchar""",
    "marts.orders_without_rate": """source varchar, order_id varchar, ordered_on date, currency varchar,
        original_gross_amount decimal(18,2), source_file varchar, row_number bigint""",
    "personal.customer_contacts": """customer_id bigint, name varchar, phone varchar, email varchar,
        wechat_id varchar""",
    "identity.customer_aliases": "source varchar, customer_ref varchar, registry_id bigint, customer_id bigint",
    "control.labels": """dimension varchar, code varchar, ordinal integer, label_en varchar, label_zh varchar,
        label varchar""",
}

LABELS: dict[str, dict[str, tuple[str, str]]] = {
    "lifecycle_stage": {
        "prospect": ("Prospect", "潜在客户"),
        "new": ("New", "新客户"),
        "active": ("Active", "活跃客户"),
        "reactivated": ("Reactivated", "唤回客户"),
        "silent": ("Silent", "沉默客户"),
        "churned": ("Churned", "流失客户"),
    },
    "value_tier": {
        "high": ("High value", "高价值"),
        "mid": ("Mid value", "中价值"),
        "low": ("Low value", "低价值"),
        "prospect": ("Prospect", "潜在客户"),
        "unknown": ("Unknown", "未知"),
    },
    "rfm_type": {
        "important_value": ("Important value", "重要价值客户"),
        "important_develop": ("Important to develop", "重要发展客户"),
        "important_keep": ("Important to keep", "重要保持客户"),
        "important_winback": ("Important to win back", "重要挽留客户"),
        "general_value": ("General value", "一般价值客户"),
        "general_develop": ("General to develop", "一般发展客户"),
        "general_keep": ("General to keep", "一般保持客户"),
        "general_winback": ("General to win back", "一般挽留客户"),
        "out_of_window": ("No order in the window", "窗口期内无订单"),
        "prospect": ("Prospect", "潜在客户"),
    },
    "rfm_segment": {
        "champions": ("Champions", "冠军客户"),
        "loyal": ("Loyal", "忠诚客户"),
        "potential_loyalist": ("Potential loyalists", "潜在忠诚客户"),
        "new_customers": ("New customers", "新客户"),
        "promising": ("Promising", "有希望客户"),
        "need_attention": ("Need attention", "需关注客户"),
        "about_to_sleep": ("About to sleep", "即将沉睡客户"),
        "at_risk": ("At risk", "风险客户"),
        "cannot_lose": ("Cannot lose", "不能流失客户"),
        "hibernating": ("Hibernating", "休眠客户"),
        "out_of_window": ("No order in the window", "窗口期内无订单"),
        "prospect": ("Prospect", "潜在客户"),
    },
    "silence_cause": {
        "after_complaint": ("After a complaint", "投诉后沉默"),
        "one_time_buyer": ("Bought once", "一次性购买"),
        "price": ("Buys on discount", "价格敏感"),
        "seasonal": ("Seasonal", "季节性购买"),
        "fading": ("Fading away", "逐渐疏远"),
        "unknown": ("Unknown", "未知"),
    },
    "suppressed_reason": {
        "do_not_contact": ("Do not contact", "禁止联系"),
        "open_complaint": ("Open complaint", "投诉未解决"),
        "recently_contacted": ("Contacted recently", "近期已联系"),
        "in_running_campaign": ("In a running campaign", "正在参与营销活动"),
        "no_consent": ("No consent", "未授权联系"),
        "invalid_contact_point": ("No valid contact point", "联系方式无效"),
    },
}

_GRID = {
    **{(5, f): "champions" for f in (4, 5)},
    **{(r, f): "loyal" for r in (3, 4) for f in (4, 5)},
    **{(r, f): "potential_loyalist" for r in (4, 5) for f in (2, 3)},
    (5, 1): "new_customers",
    (4, 1): "promising",
    (3, 3): "need_attention",
    **{(3, f): "about_to_sleep" for f in (1, 2)},
    **{(r, f): "at_risk" for r in (1, 2) for f in (3, 4)},
    **{(r, 5): "cannot_lose" for r in (1, 2)},
    **{(r, f): "hibernating" for r in (1, 2) for f in (1, 2)},
}
_CHANNELS = ("telesales", "wechat", "sms", "email")


def build_marts(
    con: duckdb.DuckDBPyConnection, days: Sequence[date], *, customers: int = 60, list_for: date | None = None
) -> None:
    """Create the schemas with `days` stored and, for `list_for`, an issued list; the same arguments, the same rows."""
    for schema in ("marts", "personal", "identity", "control"):
        con.execute(f"create schema {schema}")
    for table, columns in COLUMNS.items():
        con.execute(f"create table {table} ({columns})")
    insert(
        con,
        "control.labels",
        (
            (dimension, code, ordinal, en, zh, en)
            for dimension, classes in LABELS.items()
            for ordinal, (code, (en, zh)) in enumerate(classes.items(), start=1)
        ),
    )
    people = [_Person(number) for number in range(1, customers + 1)]
    insert(con, "personal.customer_contacts", (person.contact() for person in people))
    insert(con, "marts.dim_customers", (person.dimension() for person in people))
    insert(
        con,
        "identity.customer_aliases",
        (row for person in people for row in (("grocery", str(person.id), 2 * person.id, person.id),)),
    )
    insert(con, "marts.fct_orders", (order for person in people for order in person.orders()))
    for day in days:
        _build_day(con, people, day)
    if list_for:
        _build_list(con, list_for)


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add `rows` to `table`."""
    for listed in batched(rows, 200):
        values = ", ".join(f"({', '.join('?' * len(row))})" for row in listed)
        con.execute(f"insert into {table} values {values}", [value for row in listed for value in row])


def batched(rows: Iterable[tuple[Any, ...]], size: int) -> Iterable[list[tuple[Any, ...]]]:
    """`rows` in lists of at most `size`: one statement a list is forty times faster than one a row."""
    remaining = iter(rows)
    while listed := list(islice(remaining, size)):
        yield listed


class _Person:
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
        self._draw_state = draw.getstate()

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
        return (self.id, "person", *none, self.region, None, None, "gold", self.owner, self.started, False, 2)


def _build_day(con: duckdb.DuckDBPyConnection, people: Sequence[_Person], day: date) -> None:
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
        return 1 + min(4, 5 * sum(other < value for other in values) // len(values))

    running, cumulative = Decimal(0), {}
    for person, _, _, value in sorted(scored, key=lambda entry: -entry[3]):
        running += value
        cumulative[person.id] = (running - value, running)
    rows = []
    for person, orders, window, value in measured:
        rows.append(_segment_row(person, orders, window, value, day, total, cumulative, score, recencies, counts, sums))
    insert(con, "marts.customer_segments", rows)
    con.execute(
        """
        insert into marts.customer_features
        select as_of_date, customer_id, standard_version, order_count, revenue, round(0.1 * (customer_id % 7), 6), 17
        from marts.customer_segments where as_of_date = $day;
        """,
        {"day": day},
    )
    for table, columns in {
        "customer_rfm": "r_score, f_score, m_score, rfm_segment",
        "customer_lifecycle": "lifecycle_stage, lifecycle_reason, 'own_rhythm'",
        "customer_value": "'revenue', revenue_window, value_tier, value_reason, value_share, cumulative_value_share",
    }.items():
        con.execute(
            f"insert into marts.{table} select as_of_date, customer_id, standard_version, {columns} "
            "from marts.customer_segments where as_of_date = ?",
            [day],
        )
    for dimension in ("lifecycle_stage", "value_tier", "rfm_segment", "rfm_type"):
        for breakdown in ("total", "value_tier"):
            breakdown_class = "'total'" if breakdown == "total" else "value_tier"
            con.execute(
                f"""
                insert into marts.segment_summary
                select as_of_date, standard_version, '{dimension}', {dimension}, {dimension}_label, '{breakdown}',
                    {breakdown_class}, count(*), round(count(*) / sum(count(*)) over (), 6), sum(revenue_window),
                    round(sum(revenue_window) / sum(sum(revenue_window)) over (), 6)
                from marts.customer_segments where as_of_date = ? group by all
                """,
                [day],
            )
    for measure, values in (("recency", recencies), ("frequency", counts), ("monetary", sums)):
        cuts = [(day, STANDARD_VERSION, "score", measure, k, values[len(values) * k // 5]) for k in range(1, 5)]
        mean = sum(map(Decimal, values)) / len(values)
        insert(
            con,
            "marts.rfm_cut_points",
            [*cuts, (day, STANDARD_VERSION, "type", measure, 1, mean.quantize(Decimal("0.01")))],
        )
    con.execute(
        """
        insert into marts.silent_customers
        select
            as_of_date, customer_id, standard_version, lifecycle_stage, value_tier, rfm_segment, recency_days,
            days_silent, silence_limit_days, last_order_on, order_count, revenue, average_order_value,
            ['after_complaint', 'one_time_buyer', 'price', 'seasonal', 'fading', 'unknown', 'unknown', 'fading',
                'price'][1 + customer_id % 9],
            '2|low|4+', 0.12 + 0.01 * (customer_id % 5), average_order_value, 'average_order_value',
            round((0.12 + 0.01 * (customer_id % 5)) * average_order_value, 6), 'return_rate',
            case customer_id % 11
                when 0 then 'no_consent' when 1 then 'do_not_contact' when 2 then 'recently_contacted'
                when 3 then 'no_consent' when 4 then 'invalid_contact_point' end,
            ['telesales', 'wechat', 'sms', 'email'][1 + customer_id % 4], 'recorded'
        from marts.customer_segments
        where as_of_date = ? and lifecycle_stage in ('silent', 'churned')
        """,
        [day],
    )


def _segment_row(
    person: _Person,
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
    labels = {dimension: {code: pair[0] for code, pair in classes.items()} for dimension, classes in LABELS.items()}
    silence, churn = Decimal(min(180, max(30, 2 * person.rhythm))), Decimal(min(540, max(90, 4 * person.rhythm)))
    recency = (day - orders[-1]).days if orders else None
    r = f = m = None
    if window:
        r, f, m = 6 - score(recencies, recency), score(counts, len(window)), score(sums, value)
        segment = _GRID[r, f]
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
    reached = (cumulative[person.id][1] / total).quantize(Decimal("0.000001")) if window else (1 if orders else None)
    return (
        *(day, person.id, STANDARD_VERSION, "person", None, None, person.region, None, None, "gold", person.owner),
        *(stage, labels["lifecycle_stage"][stage], "own_rhythm", stage == "active" and len(window) >= 6),
        *(None if recency is None else max(Decimal(0), recency - silence), silence, churn),
        *(r, f, m, None if r is None else Decimal(r + f + m), None if r is None else f"{r}{f}{m}"),
        *(segment, labels["rfm_segment"][segment], rfm_type, labels["rfm_type"][rfm_type], "quantile"),
        *(tier, labels["value_tier"][tier], "share", share, reached),
        *(orders[0] if orders else None, orders[-1] if orders else None, recency),
        *((day - orders[0]).days if orders else None, len(orders), len(orders), person.size * len(orders)),
        *(person.size if orders else None, len(window), value),
    )


def _build_list(con: duckdb.DuckDBPyConnection, day: date) -> None:
    con.execute(
        """
        insert into marts.reactivation_list
        with walked as (
            select
                *,
                row_number() over (partition by best_channel order by priority_score desc, customer_id) as position
            from marts.silent_customers where as_of_date = $day and suppressed_reason is null
        )
        select
            as_of_date, $campaign, customer_id, 2 * customer_id, best_channel,
            case when customer_id % 10 = 7 then 'control' else 'treated' end, position, priority_score,
            lifecycle_stage, value_tier, rfm_segment, silence_cause, recency_days, days_silent, silence_limit_days,
            last_order_on, order_count, average_order_value, revenue, 'Li Na 李娜', consent_basis
        from walked
        """,
        {"day": day, "campaign": CAMPAIGN_ID},
    )
    for channel in _CHANNELS:
        con.execute(
            """
            insert into marts.reactivation_list_notes
            select $day, $channel, count(*), count(*) filter (arm = 'treated'), count(*) filter (arm = 'control'), 0,
                case count(*) when 0 then 'no_eligible_customer' end, null
            from marts.reactivation_list where as_of_date = $day and channel = $channel
            """,
            {"day": day, "channel": channel},
        )
