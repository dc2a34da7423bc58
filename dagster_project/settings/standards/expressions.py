"""Boolean expressions over the columns of customer_features: what they may say, and how they reach SQL.

An expression is parsed, never matched by pattern: what is not on the list below is refused, so that a standard can
neither read another table nor the clock. Whether a rule can ever hold is found in reachability.py.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types

from dagster_project.settings.standards.feature_columns import FEATURE_COLUMNS
from dagster_project.settings.yaml_documents import did_you_mean, fault

Kind = Literal["a number", "text", "true or false", "a date", "NULL"]

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg)
_OF_NUMBERS = (*ARITHMETIC, exp.Abs, exp.Round)
_OF_TEXT = (exp.Lower, exp.Upper, exp.Like)
_OF_TRUTHS = (exp.And, exp.Or, exp.Not)
_OF_EQUALS = (exp.Coalesce, exp.Least, exp.Greatest)
_OTHERS = (exp.Between, exp.In, exp.Is, exp.Paren, exp.Column, exp.Literal, exp.Boolean, exp.Null, exp.Cast)
_ALLOWED = (*COMPARISONS, *_OF_NUMBERS, *_OF_TEXT, *_OF_TRUTHS, *_OF_EQUALS, *_OTHERS)
_MAY_SAY = (
    "comparisons, and, or, not, in, between, like, is null, + - * /, date '2024-12-31' and the functions coalesce, "
    "abs, round, least, greatest, lower, upper"
)
_SQL_TYPES = {"integer": "int", "decimal": "decimal(24, 6)", "text": "text", "boolean": "boolean", "date": "date"}
_SCHEMA: dict[str, object] = {"features": {column: _SQL_TYPES[kind] for column, kind in FEATURE_COLUMNS.items()}}


def check_expression(text: str) -> None:
    """Raises a fault where `text` is anything but one boolean expression over feature columns."""
    parse_expression(text)


def parse_expression(text: str) -> exp.Expr:
    """The checked expression with the type of each of its parts; its columns are fields of `features`.

    Raises:
        PydanticCustomError: it is no boolean expression over feature columns; the message says what is wrong.
    """
    tree = _parsed(text)
    _refuse_what_is_not_on_the_list(tree)
    for column in list(tree.find_all(exp.Column)):
        _refuse_unknown(column)
        column.set("table", exp.to_identifier("features"))
    query = annotate_types(exp.select(exp.alias_(tree, "holds")).from_("features"), schema=_SCHEMA, dialect="duckdb")
    typed: exp.Expr = query.selects[0].this
    for node in typed.walk():
        _refuse_mixed_kinds(node)
    if _kind(typed) != "true or false":
        raise fault(f"gives {_kind(typed)}, but it must be true or false; compare it with something.")
    return typed


def expression_sql(text: str, row: str | None = None) -> str:
    """A checked expression in DuckDB's words, however it was written; with `row`, columns are its fields."""
    tree = _parsed(text)
    if row is not None:
        for column in list(tree.find_all(exp.Column)):
            column.set("table", exp.to_identifier(row))
    return tree.sql(dialect="duckdb", comments=False)


def _parsed(text: str) -> exp.Expr:
    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        near = details[0].get("highlight")
        raise fault(f"is no expression{f'; it breaks off at {near!r}' if near else ''}.") from None
    if len(trees) != 1 or trees[0] is None:
        raise fault("must be one expression; take the semicolon out.")
    return trees[0]


def _refuse_what_is_not_on_the_list(tree: exp.Expr) -> None:
    for node in tree.walk():
        if isinstance(node, exp.Query | exp.Subquery | exp.DDL | exp.DML | exp.Command):
            raise fault("must be an expression over the customer's features, without a query or statement.")
        if isinstance(node, exp.Window | exp.AggFunc):
            raise fault(f"looks at more than one customer ({node.sql('duckdb')}); it may ask for features of one.")
        if isinstance(node, exp.Identifier | exp.DataType):
            continue
        if isinstance(node, exp.Cast) and not _is_date(node):
            raise fault(f"may not convert types ({node.sql('duckdb')}); a day is written date '2024-12-31'.")
        if not isinstance(node, _ALLOWED):
            raise fault(f"may not say {node.sql('duckdb')}; it may say {_MAY_SAY}.")


def _is_date(cast: exp.Cast) -> bool:
    if not cast.to.is_type("date") or not cast.this.is_string:
        return False
    try:
        date.fromisoformat(cast.this.name)
    except ValueError:
        raise fault(f"there is no day {cast.this.name!r}; write it as date '2024-12-31'.") from None
    return True


def _refuse_unknown(column: exp.Column) -> None:
    if column.table:
        raise fault(f"names a table ({column.sql('duckdb')}); write the column alone: {column.name}.")
    if column.name not in FEATURE_COLUMNS:
        raise fault(
            f"there is no column {column.name!r} in customer_features{did_you_mean(column.name, FEATURE_COLUMNS)}"
        )


def _kind(node: exp.Expr) -> Kind:
    if isinstance(node, exp.Null):
        return "NULL"
    if node.is_type(*exp.DataType.NUMERIC_TYPES):
        return "a number"
    if node.is_type(*exp.DataType.TEXT_TYPES):
        return "text"
    if node.is_type("date"):
        return "a date"
    if node.is_type("boolean"):
        return "true or false"
    raise fault(f"may not say {node.sql('duckdb')}; it may say {_MAY_SAY}.")


def _refuse_mixed_kinds(node: exp.Expr) -> None:
    operands = [child for child in node.iter_expressions() if isinstance(child, _ALLOWED)]
    said = node.sql("duckdb").replace("features.", "")
    if isinstance(node, exp.Is):
        if _kind(node.expression) not in ("NULL", _kind(node.this)) or isinstance(node.expression, exp.Column):
            raise fault(f"{said} asks of {_kind(node.this)} whether it is {_kind(node.expression)}.")
        return
    if any(isinstance(operand, exp.Null) for operand in operands):
        raise fault(f"{said} is never true, since nothing equals NULL; write is null.")
    if isinstance(node, exp.In) and not node.expressions:
        raise fault(f"may not say {said}; list the values in brackets.")
    if isinstance(node, exp.Round) and not (node.args.get("decimals") is None or node.args["decimals"].is_int):
        raise fault(f"may not say {said}; the number of decimals is written as a number.")
    needed: Kind | None = None
    if isinstance(node, _OF_NUMBERS):
        needed = "a number"
    elif isinstance(node, _OF_TEXT):
        needed = "text"
    elif isinstance(node, _OF_TRUTHS):
        needed = "true or false"
    elif isinstance(node, (*COMPARISONS, *_OF_EQUALS, exp.Between, exp.In)):
        needed = _kind(operands[0])
    for operand in operands:
        if needed is not None and _kind(operand) != needed:
            cure = "; a day is written date '2024-12-31'" if {needed, _kind(operand)} == {"a date", "text"} else ""
            raise fault(f"{said} puts {needed} together with {_kind(operand)}{cure}.")
