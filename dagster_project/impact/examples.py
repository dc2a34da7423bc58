"""Customers who stand for the largest moves, and why each is in their class under either standard.

The sentences are those of `strata explain`, written from the rebuilt days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import duckdb

from dagster_project.explaining.content import DecidedClass, Explanation, Labels, Reason
from dagster_project.explaining.sentences import Sentences
from dagster_project.explaining.words import Words
from dagster_project.impact.result import Example, Said
from dagster_project.settings.publishing import Language
from dagster_project.sql_text import quote_identifier

MOVES = 3
EXAMPLES = 5


def read_examples(
    con: duckdb.DuckDBPyConnection, day: date, currency: str, databases: tuple[str, str]
) -> dict[str, list[Example]]:
    """Up to EXAMPLES customers of each of the MOVES largest moves, by dimension: those with the most revenue.

    `compared` (dimension, customer_id, class_from, class_to, revenue) stands in the current database; `databases` are
    the two rebuilds, of which the second is the current one afterwards.
    """
    chosen = con.execute(
        f"""
        with moved as (
            select *, count(*) over (partition by dimension, class_from, class_to) as customers
            from compared where class_from <> class_to
        ),
        ranked as (
            select
                *,
                dense_rank() over (partition by dimension order by customers desc, class_from, class_to) as move_rank,
                row_number() over (
                    partition by dimension, class_from, class_to order by revenue desc, customer_id
                ) as customer_rank
            from moved
        )
        select dimension, class_from, class_to, customer_id, revenue from ranked
        where move_rank <= {MOVES} and customer_rank <= {EXAMPLES}
        order by dimension, move_rank, customer_rank
        """
    ).fetchall()
    customers = sorted({customer_id for _, _, _, customer_id, _ in chosen})
    present, proposed = (_reasons(con, database, day, currency, customers) for database in databases)
    examples: dict[str, list[Example]] = {}
    for dimension, class_from, class_to, customer_id, revenue in chosen:
        examples.setdefault(dimension, []).append(
            Example(
                class_from=class_from,
                class_to=class_to,
                customer_id=customer_id,
                revenue=revenue,
                present_reason=present.get((customer_id, dimension), Said("", "")),
                proposed_reason=proposed.get((customer_id, dimension), Said("", "")),
            )
        )
    return examples


def _reasons(
    con: duckdb.DuckDBPyConnection, database: str, day: date, currency: str, customers: Sequence[int]
) -> dict[tuple[int, str], Said]:
    """Why each customer is in their class of each dimension, from the day rebuilt in `database`."""
    con.execute(f"use {quote_identifier(database)}")
    explanations = list(_explanations(con, day, customers))
    reasons = {}
    for explanation in explanations:
        english, chinese = (
            Sentences(explanation, Words(language), currency) for language in (Language.ENGLISH, Language.CHINESE)
        )
        for decided in explanation.classes:
            reasons[explanation.customer_id, decided.dimension] = Said(english.why(decided), chinese.why(decided))
    return reasons


def _explanations(con: duckdb.DuckDBPyConnection, day: date, customers: Sequence[int]) -> Iterator[Explanation]:
    """What sentences are made of, read for all customers at once: a query a customer and table would take seconds."""
    classes: dict[int, dict[tuple[str, str | None], list[Reason]]] = {}
    for row in _rows(con, "marts.customer_reasons", customers):
        reason = Reason(row["rule"], row["measure"], row["value"], row["comparison"], row["cut"])
        of_customer = classes.setdefault(row["customer_id"], {})
        of_customer.setdefault((row["dimension"], row["class"]), []).append(reason)
    segments, features, lifecycles, values = (
        {row["customer_id"]: row for row in _rows(con, f"marts.{table}", customers)}
        for table in ("customer_segments", "customer_features", "customer_lifecycle", "customer_value")
    )
    [standard] = _rows(con, "control.standards")
    own_rules = {(row["dimension"], row["rule_number"]): row["expression"] for row in _rows(con, "control.own_rules")}
    cut_methods = {(row["matrix"], row["measure"]): row["cut_method"] for row in _rows(con, "marts.matrix_cut_points")}
    for customer in customers:
        yield Explanation(
            customer_id=customer,
            day=day,
            segments=segments[customer],
            classes=tuple(
                DecidedClass(dimension, code, tuple(reasons))
                for (dimension, code), reasons in classes.get(customer, {}).items()
            ),
            missing=(),
            standard=standard,
            features=features[customer],
            lifecycle=lifecycles[customer],
            value=values[customer],
            behaviours={},
            plan={},
            history=(),
            own_rules=own_rules,
            cut_methods=cut_methods,
            labels=Labels(),
        )


def _rows(
    con: duckdb.DuckDBPyConnection, relation: str, customers: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Rows by column, in a fixed order; those of `customers`, or all."""
    where = "" if customers is None else f"where customer_id in ({', '.join(map(str, customers)) or 'null'})"
    result = con.execute(f"select * from {relation} {where} order by all")
    columns = [name for name, *_ in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
