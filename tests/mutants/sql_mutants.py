"""Mutants of the SQL in dbt_project: which there are, and how one is found again in what dbt makes of its source.

A place is one of a source file, so that a macro counts once however often it is called. Each is put between two
comments that name it; dbt carries them into everything that it compiles, and there the mutant is made by replacing
what stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from places import Change, Place, places_in

TOKEN = re.compile(
    r"""
    (?P<nothing> --[^\n]* | /\*.*?\*/ )
    | (?P<text> '(?:''|[^'])*' | "[^"]*" )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<number> \d+(?:\.\d+)? )
    | (?P<sign> <=|>=|<>|\|\||//|::|[-<>=+*/(),.;\[\]] )
    """,
    re.VERBOSE | re.DOTALL,
)
SIGNS = {
    "<": ("comparison", "<="),
    "<=": ("comparison", "<"),
    ">": ("comparison", ">="),
    ">=": ("comparison", ">"),
    "=": ("comparison", "<>"),
    "<>": ("comparison", "="),
    "+": ("arithmetic", "-"),
    "-": ("arithmetic", "+"),
    "*": ("arithmetic", "+"),
}
WORDS = {
    "and": ("logic", "or"),
    "or": ("logic", "and"),
    "true": ("logic", "false"),
    "false": ("logic", "true"),
    "desc": ("order", "asc"),
}
FUNCTIONS = {
    "min": "max",
    "max": "min",
    "min_by": "max_by",
    "max_by": "min_by",
    "least": "greatest",
    "greatest": "least",
    "lead": "lag",
    "lag": "lead",
    "sum": "max",
    "bool_or": "bool_and",
    "bool_and": "bool_or",
}
# A sign after one of these is that of a number, or the star of all columns.
OPENING_WORDS = "select distinct from where on and or not case when then else in between by as over filter is"
OPENING_SIGNS = ", ( . [ = < > <= >= <> + - * / // ||"
NO_OPERANDS = frozenset(f"{OPENING_WORDS} {OPENING_SIGNS}".split())
# Their numbers are a type's.
TYPES = frozenset({"decimal", "numeric", "varchar"})


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else self.text


def _tokens(text: str) -> list[Token]:
    return [
        Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in TOKEN.finditer(_without_jinja(text))
        if match.lastgroup != "nothing"
    ]


def _without_jinja(text: str) -> str:
    """The text at the same offsets with a name for each expression of Jinja, and nothing for what else Jinja does."""
    masked, at, inside = [], 0, ""
    for _, kind, value in Environment(autoescape=True).lex(text):
        start = text.index(value, at)  # it leaves out what is white
        masked.append(" " * (start - at))
        if kind in ("variable_begin", "block_begin", "comment_begin"):
            inside = "x" if kind == "variable_begin" else " "
        masked.append(re.sub(r"\S", inside, value) if inside else value)
        if kind in ("variable_end", "block_end", "comment_end"):
            inside = ""
        at = start + len(value)
    return "".join(masked)


def changes_of(text: str) -> Iterator[Change]:
    """Every change of a source file."""
    nowhere = Token("", "", len(text), len(text))
    tokens = [nowhere, *_tokens(text), nowhere, nowhere]
    opened: list[str] = []  # the word before each parenthesis that is open
    betweens: list[int] = []  # how deep each `between` stands that waits for its `and`
    for number in range(1, len(tokens) - 2):
        before, token, after, later = tokens[number - 1 : number + 3]
        word = token.word
        if word == "(":
            opened.append(before.word if before.kind == "word" else "")
        elif word == ")" and opened:
            opened.pop()
        elif word == "between":
            betweens.append(len(opened))
        elif word == "and" and betweens and betweens[-1] == len(opened):
            betweens.pop()
        elif token.kind == "number":
            # `exists (select 1 from …)` asks for rows, not for what is in them
            if not TYPES.intersection(opened[-1:]) and not (before.word == "select" and after.word == "from"):
                yield Change("number", token.start, token.end, _next(token.text))
        elif token.kind == "sign" and word in SIGNS:
            if before.word not in NO_OPERANDS and not (word == "*" and after.word in (")", ",", "")):
                kind, instead = SIGNS[word]
                yield Change(kind, token.start, token.end, instead)
        elif word in ("left", "inner") and after.word == "join":
            yield Change("join", token.start, token.end, "inner" if word == "left" else "left")
        elif word == "union" and after.word == "all":
            yield Change("join", after.start, after.end, "")
        elif word == "is" and after.word == "null":
            yield Change("null", token.start, token.end, "is not")
        elif word == "is" and after.word == "not" and later.word == "null":
            yield Change("null", after.start, after.end, "")
        elif word == "not" and before.word != "is":
            yield Change("logic", token.start, token.end, "")
        elif word == "distinct" and before.word in ("select", "(") and after.word != "on":
            yield Change("distinct", token.start, token.end, "")
        elif word == "last" and before.word == "nulls":
            yield Change("order", token.start, token.end, "first")
        elif word in FUNCTIONS and after.word == "(":
            yield Change("function", token.start, token.end, FUNCTIONS[word])
        elif word == "coalesce" and after.word == "(":
            yield from _without_last_argument(tokens[number + 1 :])
        elif word in WORDS:
            kind, instead = WORDS[word]
            yield Change(kind, token.start, token.end, instead)


def _next(number: str) -> str:
    """One more in the last digit."""
    whole, point, digits = number.partition(".")
    return f"{int(whole) + 1}" if not point else f"{(int(whole + digits) + 1) / 10 ** len(digits):.{len(digits)}f}"


def _without_last_argument(tokens: list[Token]) -> Iterator[Change]:
    """What a NULL is replaced by goes; the first of the tokens is the parenthesis that opens the arguments."""
    depth, comma = 0, None
    for token in tokens:
        if token.word == "(":
            depth += 1
        elif token.word == ")":
            depth -= 1
            if depth == 0:
                break
        elif token.word == "," and depth == 1:
            comma = token
    if comma is not None:
        yield Change("null", comma.start, token.start, "")


def sql_places(project: Path) -> list[Place]:
    """Every place in models and macros, whether or not anything is compiled from it."""
    files = sorted([*project.glob("models/**/*.sql"), *project.glob("macros/**/*.sql")])
    return [
        place
        for file in files
        for text in [file.read_text(encoding="utf-8")]
        for place in places_in(file.relative_to(project).as_posix(), text, changes_of(text))
    ]


def mark(project: Path, places: Iterable[Place]) -> None:
    """Put each place of the project's files between comments that name it."""
    by_file: dict[str, list[tuple[int, int, str]]] = {}
    for place in places:
        # From the end on, an inner place before the one it lies in.
        by_file.setdefault(place.file, []).append((place.start, -place.end, _opening(place)))
        by_file[place.file].append((place.end, -place.start, _closing(place)))
    for name, marks in by_file.items():
        file = project / name
        text = file.read_text(encoding="utf-8")
        for at, _, comment in sorted(marks, reverse=True):
            text = text[:at] + comment + text[at:]
        file.write_text(text, encoding="utf-8")


def _opening(place: Place) -> str:
    return f"/*{place.key}:*/"


def _closing(place: Place) -> str:
    return f"/*:{place.key}*/"


def is_in(place: Place, code: str) -> bool:
    """Whether this compiled SQL has the place."""
    return _opening(place) in code


def mutated(place: Place, code: str) -> str:
    """Compiled SQL with the place changed, as often as it has it."""
    marked = re.escape(_opening(place)) + ".*?" + re.escape(_closing(place))
    # A space, lest two signs become a comment.
    return re.sub(marked, f" {place.after} ", code, flags=re.DOTALL)
