"""Mutants of the functions of dagster_project: which there are, and how one takes the place of a running function.

A place is an expression or statement inside a function. What is computed once at import (constants, fields, default
values, decorators) is no function's, and texts that people read are not changed.
"""

from __future__ import annotations

import ast
import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType

from places import Change, Place, places_in

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], str]] = {
    ast.Lt: (ast.LtE, "<="),
    ast.LtE: (ast.Lt, "<"),
    ast.Gt: (ast.GtE, ">="),
    ast.GtE: (ast.Gt, ">"),
    ast.Eq: (ast.NotEq, "!="),
    ast.NotEq: (ast.Eq, "=="),
    ast.Is: (ast.IsNot, "is not"),
    ast.IsNot: (ast.Is, "is"),
    ast.In: (ast.NotIn, "not in"),
    ast.NotIn: (ast.In, "in"),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What a reader of the code or of an error sees; that it is said is tested, not each word of it.
TOLD = frozenset({"__repr__", "__str__"})


def changes_of(text: str) -> list[Change]:
    """Every change of a module's functions."""
    found: list[Change] = []
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    encoded = text.encode()

    def note(kind: str, node: ast.AST, instead: ast.AST | str) -> None:
        start = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        after = instead if isinstance(instead, str) else f"({ast.unparse(instead)})"
        found.append(Change(kind, len(encoded[:start].decode()), len(encoded[:end].decode()), after))

    for function in _outermost(ast.parse(text)):
        if function.name not in TOLD:
            for statement in function.body:
                _look_into(statement, note)
    return found


def _outermost(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of the module and methods of its classes; a function within a function is part of it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, DEFINITIONS):
            yield node
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With):
            yield from _outermost(node)


def _look_into(node: ast.AST, note: Callable[[str, ast.AST, ast.AST | str], None]) -> None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for statement in node.body:
                _look_into(statement, note)
            return
        case ast.AnnAssign():
            if node.value is not None:
                _look_into(node.value, note)
            return
        case ast.Raise() | ast.Assert() | ast.JoinedStr():
            return
        case ast.Compare(left, [operator], [right]):
            other, _ = COMPARISONS[type(operator)]
            note("comparison", node, ast.Compare(left, [other()], [right]))
        case ast.BoolOp(operator, values):
            note("logic", node, ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values))
        case ast.UnaryOp(ast.Not(), operand):
            note("logic", node, ast.Call(ast.Name("bool"), [operand], []))
        case ast.BinOp(left, operator, right) if type(operator) in ARITHMETIC and not _is_text(left, right):
            note("arithmetic", node, ast.BinOp(left, ARITHMETIC[type(operator)](), right))
        case ast.Constant(bool() as value):
            note("constant", node, ast.Constant(not value))
        case ast.Constant(int() | float() as value):
            note("constant", node, ast.Constant(value + 1))
        case ast.Call(ast.Name(name), [_, *_]) if name in FUNCTIONS:
            note("function", node.func, FUNCTIONS[name])
        case ast.Return(value) if value is not None and not isinstance(value, ast.Constant):
            note("statement", node, "return None")
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Delete():
            note("statement", node, "pass")
        case ast.Continue():
            note("statement", node, "break")
        case ast.Break():
            note("statement", node, "continue")
        case ast.IfExp(test, body, orelse):
            note("condition", node, ast.IfExp(test, orelse, body))
        case ast.If(test):
            note("condition", test, ast.UnaryOp(ast.Not(), test))
    for child in ast.iter_child_nodes(node):
        _look_into(child, note)


def _is_text(*operands: ast.AST) -> bool:
    """Whether it is texts that are put together or filled in."""
    return any(
        isinstance(operand, ast.JoinedStr) or (isinstance(operand, ast.Constant) and isinstance(operand.value, str))
        for operand in operands
    )


def python_places(project: Path, rooms: Sequence[str]) -> list[Place]:
    """Every place in the functions of these files and folders of dagster_project."""
    product = project / "dagster_project"
    files = {file for room in rooms for file in (*product.glob(room), *product.glob(f"{room}/**/*.py"))}
    return [
        place
        for file in sorted(files)
        if file.suffix == ".py"
        for text in [file.read_text(encoding="utf-8")]
        for place in places_in(file.relative_to(project).as_posix(), text, changes_of(text))
    ]


def first_lines(project: Path) -> dict[str, str]:
    """Of every line within a function of the product, as `file:line`: where its outermost function begins."""
    return {
        f"{name}:{line}": f"{name}:{first}"
        for file in sorted((project / "dagster_project").rglob("*.py"))
        for name in [file.relative_to(project).as_posix()]
        for first, last in _ranges(file.read_text(encoding="utf-8"))
        for line in range(first, last + 1)
    }


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each outermost function; the code of one begins with its first decorator."""
    for function in _outermost(ast.parse(text)):
        lines = [function.lineno, *(decorator.lineno for decorator in function.decorator_list)]
        yield min(lines), function.end_lineno or function.lineno


def put_in_place(place: Place, file: Path) -> bool:
    """Give the running functions of this process the mutant's code; False where that is no valid function there.

    Whoever holds the function, by whatever name, calls the mutant from now on. What was remembered is forgotten.
    """
    text = file.read_text(encoding="utf-8")
    first = next(first for first, last in _ranges(text) if first <= place.line <= last)
    try:
        module = compile(text[: place.start] + place.after + text[place.end :], str(file), "exec", dont_inherit=True)
    except SyntaxError:
        return False
    [mutant] = [code for code in _codes(module) if code.co_firstlineno == first and "<" not in code.co_qualname]
    holders = [
        each
        for each in gc.get_objects()
        if isinstance(each, FunctionType)
        and each.__code__.co_filename == str(file)
        and (each.__code__.co_firstlineno, each.__code__.co_qualname) == (first, mutant.co_qualname)
    ]
    for holder in holders:
        try:
            holder.__code__ = mutant
        except ValueError:  # it closes over other names
            return False
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    return bool(holders)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)
