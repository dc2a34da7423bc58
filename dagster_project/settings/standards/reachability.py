"""Which rules of an own dimension can decide at all.

A column that is only compared with constants behaves alike between two of them, so that trying one value of each
stretch, and NULL, decides exactly. A rule that does more (it compares two columns, say) is taken to be able to hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product
from math import ceil, floor, prod

from sqlglot import exp

from dagster_project.settings.standards.expressions import COMPARISONS, parse_expression
from dagster_project.settings.standards.feature_columns import FEATURE_COLUMNS

Value = Decimal | str | bool | date
Features = Mapping[str, Value | None]

# Customers tried for one rule at most: 10,000 take about a tenth of a second. Beyond, only earlier rules over the same
# columns are asked, and beyond that none.
TRIED_AT_MOST = 10_000


@dataclass(frozen=True)
class _Rule:
    """An expression that only compares columns with constants; the constants by column."""

    tree: exp.Expr
    constants: Mapping[str, frozenset[Value]]


def unreachable_rule(expressions: Sequence[str]) -> tuple[int, str] | None:
    """Index of the first of the checked expressions that never decides, and why; their count stands for the default."""
    seen: dict[str, int] = {}
    earlier: list[_Rule] = []
    is_all_simple = True
    for index, text in enumerate(expressions):
        tree = parse_expression(text)
        written = tree.sql("duckdb", comments=False)
        if written in seen:
            return index, f"is the same as rule {seen[written] + 1}, which comes first."
        seen[written] = index
        rule = _simple(tree)
        if rule is None:
            is_all_simple = False
            continue
        if not rule.constants:
            return index, "is the same for every customer; name a column, or make it the default."
        if (customers := _customers([rule])) is not None:
            holds = {_decides([rule], customer) for customer in customers}
            if holds == {False}:
                return index, "can never be true."
            if holds == {True}:
                return index, "is true of every customer; make it the default."
        if _is_never_first(rule, earlier):
            return index, "is never reached: an earlier rule holds wherever it is true."
        earlier.append(rule)
    customers = _customers(earlier) if is_all_simple else None
    if customers is not None and all(_decides(earlier, customer) for customer in customers):
        return len(expressions), "is never reached: every customer fits a rule; make the last rule the default."
    return None


def _decides(rules: Sequence[_Rule], customer: Features) -> bool:
    return any(_value(rule.tree, customer) is True for rule in rules)


def _is_never_first(rule: _Rule, earlier: Sequence[_Rule]) -> bool:
    for asked in (earlier, [other for other in earlier if other.constants.keys() <= rule.constants.keys()]):
        if (customers := _customers([rule, *asked])) is not None:
            return not any(_decides([rule], customer) and not _decides(asked, customer) for customer in customers)
    return False


def _simple(tree: exp.Expr) -> _Rule | None:
    constants: dict[str, set[Value]] = {}

    def is_simple(node: exp.Expr) -> bool:
        if isinstance(node, exp.Paren | exp.Not):
            return is_simple(node.this)
        if isinstance(node, exp.And | exp.Or):
            return is_simple(node.left) and is_simple(node.right)
        if isinstance(node, exp.Boolean):
            return True
        operands = list(_operands(node)) if isinstance(node, (*COMPARISONS, exp.Between, exp.In, exp.Is)) else [node]
        asked = [column for operand in operands if (column := _column(operand)) is not None]
        others = [operand for operand in operands if _column(operand) is None and not isinstance(operand, exp.Null)]
        if len(set(asked)) > 1 or not all(_is_constant(operand) for operand in others):
            return False
        for column in asked:
            constants.setdefault(column, set()).update(_constant(operand) for operand in others)
        return bool(asked) or len(operands) > 1

    if not is_simple(tree):
        return None
    return _Rule(tree, {column: frozenset(values) for column, values in constants.items()})


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    return (child for child in node.iter_expressions() if not isinstance(child, exp.DataType))


def _column(node: exp.Expr) -> str | None:
    """The column that is asked, as itself or with another value in place of NULL."""
    if isinstance(node, exp.Paren):
        return _column(node.this)
    if isinstance(node, exp.Coalesce) and all(_is_constant(other) for other in node.expressions):
        return _column(node.this)
    return node.name if isinstance(node, exp.Column) else None


def _is_constant(node: exp.Expr) -> bool:
    if isinstance(node, exp.Neg | exp.Paren | exp.Cast):
        return _is_constant(node.this)
    return isinstance(node, exp.Literal | exp.Boolean)


def _constant(node: exp.Expr) -> Value:
    value = _value(node, {})
    assert value is not None  # noqa: S101  (constants are not NULL)
    return value


def _customers(rules: Sequence[_Rule]) -> Iterator[Features] | None:
    """A customer of every kind that the rules can tell apart; None where there are too many."""
    constants: dict[str, set[Value]] = {}
    for rule in rules:
        for column, values in rule.constants.items():
            constants.setdefault(column, set()).update(values)
    tried = [_stretches(column, values) for column, values in constants.items()]
    if prod(len(values) for values in tried) > TRIED_AT_MOST:
        return None
    return (dict(zip(constants, values, strict=True)) for values in product(*tried))


def _stretches(column: str, constants: set[Value]) -> list[Value | None]:
    """NULL, and a value below, at, between and above the constants."""
    kind = FEATURE_COLUMNS[column]
    if kind == "boolean":
        return [None, True, False]
    if kind == "text":
        texts = sorted(value for value in constants if isinstance(value, str))
        return [None, *sorted({"", *texts, *(f"{text}\x01" for text in texts)})]
    if kind == "date":
        days = {value for value in constants if isinstance(value, date)} or {date(2000, 1, 1)}
        return [None, *sorted({day + timedelta(days=step) for day in days for step in (-1, 0, 1)})]
    numbers = sorted(value for value in constants if isinstance(value, Decimal)) or [Decimal(0)]
    if kind == "integer":
        whole = {near + step for number in numbers for near in (floor(number), ceil(number)) for step in (-1, 0, 1)}
        return [None, *(Decimal(number) for number in sorted(whole))]
    between = [(lower + upper) / 2 for lower, upper in pairwise(numbers)]
    return [None, *sorted({numbers[0] - 1, *numbers, *between, numbers[-1] + 1})]


def _value(node: exp.Expr, customer: Features) -> Value | None:
    """What SQL makes of the expression for a customer; None is NULL."""
    if isinstance(node, exp.Column):
        return customer[node.name]
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else Decimal(node.name)
    if isinstance(node, exp.Cast):
        return date.fromisoformat(node.this.name)
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Paren):
        return _value(node.this, customer)
    if isinstance(node, exp.Neg):
        number = _value(node.this, customer)
        return -number if isinstance(number, Decimal) else None
    if isinstance(node, exp.Not):
        truth = _value(node.this, customer)
        return None if truth is None else not truth
    values = [_value(operand, customer) for operand in _operands(node)]
    if isinstance(node, exp.And):
        return _all(values)
    if isinstance(node, exp.Or):
        return _any(values)
    if isinstance(node, exp.Coalesce):
        return next((value for value in values if value is not None), None)
    if isinstance(node, exp.Between):
        return _all([_compare(exp.GTE, values[0], values[1]), _compare(exp.LTE, values[0], values[2])])
    if isinstance(node, exp.In):
        return _any([_compare(exp.EQ, values[0], value) for value in values[1:]])
    if isinstance(node, exp.Is | exp.NullSafeEQ):
        return values[0] == values[1]
    if isinstance(node, exp.NullSafeNEQ):
        return values[0] != values[1]
    return _compare(type(node), values[0], values[1])


def _all(truths: Sequence[Value | None]) -> bool | None:
    if False in truths:
        return False
    return None if None in truths else True


def _any(truths: Sequence[Value | None]) -> bool | None:
    if True in truths:
        return True
    return None if None in truths else False


def _compare(operator: type[exp.Expr], left: Value | None, right: Value | None) -> bool | None:
    if left is None or right is None:
        return None
    if operator is exp.EQ:
        return left == right
    if operator is exp.NEQ:
        return left != right
    is_below = bool(left < right)  # type: ignore[operator]  # both are of one kind
    if operator is exp.LT or operator is exp.GTE:
        return is_below == (operator is exp.LT)
    return (is_below or left == right) == (operator is exp.LTE)
