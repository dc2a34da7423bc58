"""A reactivation list of silent customers for benchmarks, and the query that shows it as the product does.

Names, numbers and what was bought are functions of the customer's number: every machine measures the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from benchmarks.company import LAST_DAY
from dagster_project.publishing.assignments import DETAILS_SCHEMA, ISSUED_SCHEMA
from dagster_project.publishing.list_words import CONSENT_BASES, POINTS, PREFERRED_CHANNELS, WEEKDAYS
from dagster_project.settings.publishing import Channel, Language, ListField, ReactivationSettings
from dagster_project.sql_text import quote_identifier, quote_literal

CAMPAIGN = f"reactivation-{LAST_DAY:%Y-%m}"


def write_list(con: duckdb.DuckDBPyConnection, customers: int, channel: str) -> None:
    """The marts of the last day's list: so many silent customers on one channel, one in ten in the control group."""
    con.execute(
        """
        insert into personal.customer_contacts (customer_id, name, phone)
        select customer_id, 'Customer ' || customer_id, '0049' || (hash(customer_id) % 10000000000)
        from marts.silent_customers
        """
    )
    values = {
        "campaign_id": quote_literal(CAMPAIGN),
        "registry_id": "silent.customer_id",
        "entered_on": "silent.as_of_date",
        "arm": "case when hash(silent.customer_id) % 10 = 0 then 'control' else 'treated' end",
        "channel": quote_literal(channel),
        "position": "row_number() over (order by silent.priority_score desc, silent.customer_id)",
        "owner": "'rep ' || silent.customer_id % 40",
        "consent_basis": "'recorded'",
        "median_gap_days": "silent.silence_limit_days / 3",
        "revenue_before_silence": "silent.revenue / 2",
        "top_category": "'category ' || silent.customer_id % 30",
        "best_weekday": "1 + silent.customer_id % 7",
        "usual_hour": "silent.customer_id % 24",
        "preferred_channel": "['phone', 'email', 'visit'][1 + silent.customer_id % 3]",
        "last_purchases": "['product ' || silent.customer_id % 500, 'product ' || (500 + silent.customer_id % 400)]",
        "next_products": "['item ' || silent.customer_id % 80, 'item ' || (80 + silent.customer_id % 9)]",
    }
    for name in ("need_type", "plan_dimension", "plan_class"):
        values[name] = f"segments.{name}"
    listed = ", ".join(
        f"cast({values.get(field.name, f'silent.{field.name}')} as {_sql_type(field.type)}) as {field.name}"
        for field in ISSUED_SCHEMA
    )
    con.execute(
        f"""
        create temp table listed as
        select {listed}
        from marts.silent_customers as silent
        inner join marts.customer_segments as segments using (as_of_date, customer_id)
        order by hash(silent.customer_id, 'listed')
        limit {customers}
        """
    )
    own = [name for name in ISSUED_SCHEMA.names if name not in DETAILS_SCHEMA.names]
    details = ["customer_id", *DETAILS_SCHEMA.names]
    for table, names in (("reactivation_list", own), ("reactivation_list_details", details)):
        con.execute(
            f"create table marts.{table} as select date '{LAST_DAY}' as as_of_date, {', '.join(names)} from listed"
        )
    con.execute(
        "create table marts.reactivation_list_notes "
        "(as_of_date date, channel varchar, note varchar, consent_default_reason varchar)"
    )


def list_select(channel: Channel, settings: ReactivationSettings, language: Language) -> str:
    """SQL of the channel's rows in words, as a person would write it who has these tables and these words."""
    labels = {
        name: f"coalesce({name}_labels.label_{language.value}, replace(listed.{name}, '_', ' '))"
        for name in ("silence_cause", "value_tier", "lifecycle_stage", "rfm_segment")
    }
    first, after = settings.contact_hours
    points = ", ".join(
        f"{quote_literal(POINTS[each][language] + ': ')} || plans.{each}_{language.value}" for each in POINTS
    )
    shown = {
        **labels,
        "name": "contacts.name",
        "contact": f"contacts.{channel.contact_point}",
        "offer": "coalesce(offers.words, other_offers.words)",
        "next_products": "array_to_string(details.next_products, '; ')",
        "last_purchases": "array_to_string(details.last_purchases, '; ')",
        "talking_points": f"concat_ws(chr(10), {points})",
        "median_gap_days": "cast(round(details.median_gap_days) as integer)",
        "expected_value": "cast(details.expected_value as decimal(18, 2))",
        "best_weekday": "weekdays.words",
        "usual_hour": f"case when usual_hour >= {first} and usual_hour < {after} "
        "then printf('%02d:00–%02d:00', usual_hour, usual_hour + 1) end",
        "preferred_channel": "preferred.words",
        "consent_basis": "bases.words",
        "worked_at": "cast(null as timestamp)",
        "outcome": "cast(null as varchar)",
        "task_id": "concat_ws(':', listed.campaign_id, listed.registry_id, listed.channel)",
    }
    columns = ", ".join(
        f"{shown.get(field.value, f'{_place(field)}.{field.value}')} as {quote_identifier(field.value)}"
        for field in channel.fields
    )
    offers = settings.offers
    words = [
        ((cause, need), getattr(offers.words[code], language.value))
        for cause, of_cause in (offers.by_cause.items() if offers else ())
        for need, code in of_cause.items()
    ]
    label_joins = " ".join(
        f"left join control.labels as {name}_labels "
        f"on {name}_labels.dimension = '{name}' and {name}_labels.code = listed.{name}"
        for name in labels
    )
    return f"""
        select {columns}
        from marts.reactivation_list as listed
        inner join marts.reactivation_list_details as details using (as_of_date, customer_id)
        inner join personal.customer_contacts as contacts using (customer_id)
        {label_joins}
        left join marts.segment_playbook as plans
            on plans.dimension = details.plan_dimension and plans.class = details.plan_class
        left join (values {_values(words)}) as offers (cause, need, words)
            on offers.cause = listed.silence_cause and offers.need = details.need_type
        left join (values {_values(words)}) as other_offers (cause, need, words)
            on other_offers.cause = listed.silence_cause and other_offers.need = 'otherwise'
        left join (values {_values(_of(WEEKDAYS, language))}) as weekdays (code, words)
            on weekdays.code = cast(details.best_weekday as varchar)
        left join (values {_values(_of(PREFERRED_CHANNELS, language))}) as preferred (code, words)
            on preferred.code = details.preferred_channel
        left join (values {_values(_of(CONSENT_BASES, language))}) as bases (code, words)
            on bases.code = listed.consent_basis
        where listed.as_of_date = date '{LAST_DAY}' and listed.arm = 'treated' and listed.channel = '{channel.name}'
        order by listed.position, listed.customer_id
    """


def _place(field: ListField) -> str:
    return "details" if field.value in DETAILS_SCHEMA.names else "listed"


def _of(
    words: dict[str, dict[Language, str]] | dict[int, dict[Language, str]], language: Language
) -> list[tuple[tuple[str], str]]:
    return [((str(code),), texts[language]) for code, texts in words.items()]


def _values(rows: Iterable[tuple[Sequence[str], str]]) -> str:
    return ", ".join(f"({', '.join(map(quote_literal, [*codes, words]))})" for codes, words in rows)


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    if pa.types.is_list(kind):
        return "varchar[]"
    return {pa.string(): "varchar", pa.int64(): "bigint", pa.int32(): "integer", pa.date32(): "date"}[kind]
