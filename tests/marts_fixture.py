"""A small warehouse with the marts' columns, invented and deterministic, for what reads marts and needs no pipeline.

Classes follow simple rules here: what is tested against it is publishing and the report, never classification.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import duckdb
from marts_classes import classify, create_classified, store
from marts_columns import COLUMNS
from marts_movement import BACKTEST_HORIZON, allocate, backtest, compare, explain, remember, summarise
from marts_people import HOSTILE_NAMES, Person
from marts_predictions import foretell, hold_against
from marts_rows import insert
from marts_standard import LABELS, STANDARD_VERSION, control_rows
from outcomes import invent_campaigns

from dagster_project.measurement import measure_lift
from dagster_project.settings.publishing import MeasurementSettings

__all__ = ["CAMPAIGN_ID", "COLUMNS", "HOSTILE_NAMES", "LABELS", "STANDARD_VERSION", "build_marts", "insert"]

CAMPAIGN_ID = "reactivation-2018-01"
BACKTEST_MONTH_ENDS = 4
_CHANNELS = ("telesales", "wechat", "sms", "email")


def build_marts(
    con: duckdb.DuckDBPyConnection, days: Sequence[date], *, customers: int = 60, list_for: date | None = None
) -> None:
    """Create the schemas with `days` stored and, for `list_for`, an issued list; the same arguments, the same rows."""
    for schema in ("marts", "intermediate", "personal", "identity", "control"):
        con.execute(f"create schema {schema}")
    for table, columns in COLUMNS.items():
        con.execute(f"create table {table} ({columns})")
    pairs = [(day, _month_ends(day - timedelta(days=1), 1)[0]) for day in days]
    for name, rows in control_rows(pairs).items():
        insert(con, f"control.{name}", rows)
    people = [Person(number) for number in range(1, customers + 1)]
    insert(con, "personal.customer_contacts", (person.contact() for person in people))
    insert(con, "marts.dim_customers", (person.dimension() for person in people))
    insert(
        con,
        "identity.customer_aliases",
        (("grocery", str(person.id), 2 * person.id, person.id) for person in people),
    )
    insert(con, "marts.fct_orders", (order for person in people for order in person.orders()))
    con.execute("create temp table ordered (customer_id bigint, ordered_on date)")
    insert(con, "ordered", ((person.id, on) for person in people for on in person.order_days(max(days))))
    con.execute(
        "insert into intermediate.int_customer_days select customer_id, ordered_on, count(*) from ordered group by all"
    )
    create_classified(con)
    for day in days:
        classify(con, people, day)
    for day, compared_on in pairs:
        snapshots = _month_ends(day - BACKTEST_HORIZON, BACKTEST_MONTH_ENDS)
        for earlier in (compared_on, *snapshots):
            classify(con, people, earlier)
        _build_day(con, people, day)
        summarise(con, day)
        compare(con, day, compared_on)
        backtest(con, day, snapshots)
        foretell(con, day)
        hold_against(con, day, snapshots)
        allocate(con, day)
        explain(con, day)
    remember(con)
    con.execute(
        """
        insert into marts.segment_playbook
        select p.dimension, d.label_en, d.label_zh, p.dimension_position, p.class, l.label_en, l.label_zh, l.ordinal,
            p.* exclude (dimension, dimension_position, class)
        from control.plans as p
        join control.dimensions as d on d.dimension = p.dimension
        join control.labels as l on l.dimension = p.dimension and l.code = p.class
        """
    )
    for table in ("classified", "measured", "ordered"):
        con.execute(f"drop table temp.{table}")
    if list_for:
        _build_list(con, list_for)
        invent_campaigns(con, list_for)
    measure_lift(con, MeasurementSettings(), days)


def _month_ends(day: date, count: int) -> list[date]:
    """The newest `count` month ends up to `day`, newest first."""
    ends = [(day + timedelta(days=1)).replace(day=1) - timedelta(days=1)]
    while len(ends) < count:
        ends.append(ends[-1].replace(day=1) - timedelta(days=1))
    return ends


def _build_day(con: duckdb.DuckDBPyConnection, people: Sequence[Person], day: date) -> None:
    store(con, day)
    measured = [(person, [on for on in person.order_days(day) if on > day - timedelta(days=365)]) for person in people]
    scored = [(person, window) for person, window in measured if window]
    for measure, values in (
        ("recency", sorted((day - window[-1]).days for _, window in scored)),
        ("frequency", sorted(len(window) for _, window in scored)),
        ("monetary", sorted(person.size * len(window) for person, window in scored)),
    ):
        cuts = [
            (day, STANDARD_VERSION, "score", measure, k, Decimal(values[len(values) * k // 5])) for k in range(1, 5)
        ]
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
            as_of_date, $campaign, customer_id, 2 * customer_id, as_of_date, best_channel,
            case when customer_id % 10 = 7 then 'control' else 'treated' end, position, priority_score,
            lifecycle_stage, value_tier, rfm_segment, silence_cause, recency_days, days_silent, silence_limit_days,
            last_order_on, order_count, average_order_value, revenue, 'Li Na 李娜', consent_basis
        from walked
        """,
        {"day": day, "campaign": CAMPAIGN_ID},
    )
    con.execute(
        """
        insert into marts.reactivation_list_details
        select
            list.as_of_date, list.customer_id,
            ['price', 'quality', 'service', 'innovation', 'balanced', 'unknown'][1 + list.customer_id % 6],
            10 + list.customer_id % 50, list.revenue / 2, silent.return_rate, silent.expected_value,
            silent.expected_value_basis,
            case when list.customer_id % 7 > 0 then ['Tea 茶', 'Coffee', 'Ceramics'][1 + list.customer_id % 3] end,
            case when list.customer_id % 5 > 0 then 1 + list.customer_id % 7 end, list.customer_id % 24,
            ['phone', 'wechat', null][1 + list.customer_id % 3], 'value_potential',
            ['star', 'cash_cow', 'rising', 'long_tail'][1 + list.customer_id % 4],
            case when list.customer_id % 3 > 0 then ['Green tea 250 g', '紫砂壶'] end,
            case when list.customer_id % 4 = 0 then ['Whisk', '茶杯', '=Cup'] end
        from marts.reactivation_list as list
        inner join marts.silent_customers as silent using (as_of_date, customer_id)
        """
    )
    for channel in _CHANNELS:
        con.execute(
            """
            insert into marts.reactivation_list_notes
            select $day, $channel, count(*), count(*) filter (arm = 'treated'), 0, count(*) filter (arm = 'control'), 0,
                case count(*) when 0 then 'no_eligible_customer' end, null
            from marts.reactivation_list where as_of_date = $day and channel = $channel
            """,
            {"day": day, "channel": channel},
        )
