"""A YAML file as a frozen model, with errors that name file, line, place and cure.

YAML is read as YAML 1.2 means it: only true and false are booleans, so the country NO and the status off stay text.
What a setting means is said by the models, not here.
"""

from __future__ import annotations

import re
import types
from collections.abc import Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from dagster_project.errors import SettingsError

# libyaml reads the standard in 0.07 s instead of 0.34 s. Every wheel of PyYAML holds it, a build from source may not.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# A standard with every default has 2,000; a few lines of aliases of aliases can stand for billions.
MOST_PLACES = 100_000

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]


def load_model(path: Path, model: type[Model]) -> Model:
    """The file's content as `model`.

    Raises:
        SettingsError: the file is missing, is not YAML, holds a key twice or breaks the model. Every fault of the file
            is listed, each with its line and dotted place.
    """
    document, lines = _read(path)
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise SettingsError(f"{path}:1: the file must hold named settings, `name: value` lines.")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = _causes(error.errors())
        raise SettingsError("\n".join(_describe(fault, path, lines, model) for fault in faults)) from None


def fault(message: str, *place: int | str) -> PydanticCustomError:
    """An error to raise in a model's validator; `place` is where below the validated value it stands."""
    return PydanticCustomError("strata", "{text}", {"text": message, "place": list(place)})


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean …` for the closest known name, else what there is to choose from."""
    known = sorted(set(known))
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    if not close:
        folded = {candidate.casefold(): candidate for candidate in known}
        close = [folded[match] for match in get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(known)}." if known else "."


class _Loader(_SafeLoader):  # type: ignore[misc, valid-type]  # one of two
    """SafeLoader that keeps the line of each place, refuses a key given twice and knows YAML 1.2's scalars only."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own protocol)


_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
    ("tag:yaml.org,2002:timestamp", _DATE, "0123456789"),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def _read(path: Path) -> tuple[Any, dict[Place, int]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing. Copy the project's config folder or set STRATA_CONFIG.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        if node is None:
            return None, lines
        _note_lines(node, (), lines, path)
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise SettingsError(f"{path}:{line}: not valid YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: not valid YAML: {error}.") from None
    except RecursionError:
        raise SettingsError(f"{path}: its values are nested too deep. No setting is.") from None
    finally:
        loader.dispose()


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], path: Path) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if len(lines) > MOST_PLACES:
        raise SettingsError(
            f"{path}: its anchors and aliases multiply to more than {MOST_PLACES:,} values. Write out what is meant."
        )
    if isinstance(node, yaml.MappingNode):
        seen: dict[Hashable, int] = {}
        for key, value in node.value:
            name = key.value
            line = key.start_mark.line + 1
            if name in seen and name != "<<":
                dotted = ".".join(map(str, (*place, name)))
                raise SettingsError(f"{path}:{line}: {dotted} is given twice, first on line {seen[name]}. Keep one.")
            seen[name] = line
            lines[(*place, name)] = line
            _note_lines(value, (*place, name), lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*place, index)] = value.start_mark.line + 1
            _note_lines(value, (*place, index), lines, path)


def _causes(faults: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Faults without those that only follow from one below: pydantic calls a list with a faulty item too short."""
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(other is not fault and other["loc"][: len(fault["loc"])] == fault["loc"] for other in faults)
    ]


def _describe(detail: ErrorDetails, path: Path, lines: Mapping[Place, int], model: type[BaseModel]) -> str:
    context = detail.get("ctx") or {}
    place: Place = (*detail["loc"], *context.get("place", ()))
    shown = tuple(part for part in place if not _is_branch(part))
    line = next(lines[shown[:length]] for length in range(len(shown), -1, -1) if shown[:length] in lines)
    dotted = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in shown).lstrip(".")
    return f"{path}:{line}: {dotted or 'the file'}: {_message(detail, place, model)}"


_BRANCH = re.compile(r"(function-\w+|tuple|list|dict|literal|constrained-\w+|kind)\[.*\]")


def _is_branch(part: int | str) -> bool:
    """Pydantic names the branch of a union in the place, such as `function-before[…]`; a user's key never looks so."""
    return isinstance(part, str) and _BRANCH.fullmatch(part) is not None


def _message(detail: ErrorDetails, place: Place, model: type[BaseModel]) -> str:
    kind = detail["type"]
    given = detail.get("input")
    if kind == "strata":
        return str((detail.get("ctx") or {})["text"])
    if kind == "extra_forbidden":
        keys = [part for part in place[:-1] if not _is_branch(part)]
        return f"there is no setting {place[-1]!r} here{did_you_mean(str(place[-1]), _fields_at(model, keys))}"
    if kind == "missing":
        return "is missing; it must be given."
    if kind == "union_tag_invalid":
        expected = re.findall(r"'kind\[(\w+)\]'", str((detail.get("ctx") or {})["expected_tags"]))
        tag = str((detail.get("ctx") or {})["tag"]).removeprefix("kind[").removesuffix("]")
        return f"there is no kind {tag!r}{did_you_mean(tag, expected)}"
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind in ("literal_error", "enum") and isinstance(given, str):
        expected = re.findall(r"'([^']*)'", str((detail.get("ctx") or {}).get("expected", "")))
        return (
            f"{given!r} is not one of {', '.join(expected)}{did_you_mean(given, expected) if expected else ''}".rstrip(
                "."
            )
            + "."
        )
    if isinstance(given, str | int | float | bool):
        return f"{message}; it is {given!r}."
    return message if message.endswith((".", "?")) else f"{message}."


def _fields_at(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The names that may stand at `place`, following the models' annotations."""
    here: list[Any] = [model]
    for part in place:
        following: list[Any] = []
        for kind in here:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                following += [info.annotation for name, info in kind.model_fields.items() if part in (name, info.alias)]
            else:
                following += get_args(kind)
        here = [kind for each in following for kind in _branches(each)]
    return [
        info.alias or name
        for kind in here
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, info in kind.model_fields.items()
    ]


def _branches(kind: Any) -> list[Any]:
    origin = get_origin(kind)
    if origin is Annotated:
        return _branches(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return [branch for each in get_args(kind) for branch in _branches(each)]
    return [kind]
