"""A first look as the text of config/sources.yaml: guesses with their reasons, each doubt above its line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence

from dagster_project.contract.entities import ENTITIES
from dagster_project.first_look.business import Guess
from dagster_project.first_look.guesses import GuessedColumn, GuessedRead
from dagster_project.first_look.looking import FirstLook, GuessedSource

LINE_LENGTH = 120
SHOWN_UNREAD = 40
# YAML takes these for something else than text when they stand without quotes.
_SPECIAL = re.compile(r"^(true|false|null|~|yes|no|on|off|[-+.]?[0-9].*|)$", re.IGNORECASE)
_PLAIN = re.compile(r"^[A-Za-z_\u4e00-\u9fff/][\w\u4e00-\u9fff./ ()-]*$")


def document(found: FirstLook) -> str:
    """The whole file. Lines of comments are wrapped; no value of a personal column is among them."""
    return "\n".join([*_head(found), "", *_business(found), "", *_sources(found)]) + "\n"


def scalar(text: str) -> str:
    """Text as YAML, quoted where it would be taken for something else."""
    if _PLAIN.fullmatch(text) and not _SPECIAL.fullmatch(text) and not text.endswith(" ") and "  " not in text:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    # What YAML does not let stand for itself, even within quotes.
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]", lambda mark: f"\\u{ord(mark[0]):04x}", quoted
    )


def _head(found: FirstLook) -> Iterator[str]:
    yield from _comment(
        "Written by `strata init` from what the files look like. A line with `doubt` is a guess that somebody who "
        "knows the data should confirm. `strata check` tells what does not fit, with the line, and writes nothing. "
        "All settings: docs/sources-reference.md.",
        "",
    )
    if found.missing:
        yield from _comment("Lines with MISSING must be filled in before anything can be landed.", "")


def _business(found: FirstLook) -> Iterator[str]:
    business = found.business
    yield "business:"
    yield from _guess("time_zone", business.time_zone, "an IANA name; a business day is the day here")
    yield from _guess("currency", business.currency, "the reporting currency")
    if business.country is not None:
        yield from _guess("default_country", business.country, "of phone numbers without a country code")
    yield from _guess("history_starts_on", business.history_starts_on, "")


def _guess(name: str, guess: Guess, what: str) -> Iterator[str]:
    mark = "doubt: " if guess.is_doubtful else ""
    yield from _comment(f"{mark}{guess.why}" + (f" ({what})" if what else ""), "  ")
    yield f"  {name}: {guess.value}"


def _sources(found: FirstLook) -> Iterator[str]:
    for missed in found.not_read:
        yield from _comment(f"Not read: {missed.name}: {missed.reason}", "")
    yield "sources:"
    for source in found.sources:
        yield from _source(source, found)


def _source(source: GuessedSource, found: FirstLook) -> Iterator[str]:
    if source.told:
        yield from _comment(source.told, "  ")
    if source.kind == "database":
        yield from _comment(
            f"Its address, with the password, is the variable STRATA_{source.name.upper()}_URL of the environment.",
            "  ",
        )
    yield f"  - name: {source.name}"
    yield f"    kind: {source.kind}"
    yield f"    time_zone: {found.business.time_zone.value}    # of times that name no zone"
    yield "    reads:"
    for number, read in enumerate(source.reads):
        if number:
            yield ""
        yield from _read(read)


def _read(read: GuessedRead) -> Iterator[str]:
    looked = read.looked
    for each in (read, *read.joined):
        said = "; ".join(part for part in (f"{each.looked.rows:,} rows", each.looked.told, each.told) if part)
        yield from _comment(f"{each.looked.name}: {said}", "      ")
    for doubt in read.doubts:
        yield from _comment(f"doubt: {doubt}", "      ")
    yield f"      - entity: {read.entity}"
    if looked.table is not None:
        yield f"        table: {scalar(looked.table)}"
        if read.watermark is not None:
            yield f"        watermark: {scalar(read.watermark)}    # only rows that are newer are pulled"
    else:
        paths = [scalar(path) for path in read.paths]
        yield f"        path: {paths[0]}" if len(paths) == 1 else "        path:"
        if len(paths) > 1:
            yield from (f"          - {path}" for path in paths)
        yield from _form(read)
    if read.is_from_lines:
        yield "        orders: from lines    # an order is the lines of one number"
    if read.where:
        yield "        where:"
        for name, (condition, reason) in read.where.items():
            yield from _comment(f"doubt: left out: {reason}", "          ")
            yield f"          {scalar(name)}: {condition}"
    if read.links:
        listed = ", ".join(f"{name}: {json.dumps(column, ensure_ascii=False)}" for name, column in read.links.items())
        yield f"        links: {{{listed}}}    # the same customer in the orders"
    yield "        columns:"
    for column in read.columns:
        yield from _column(column, read)
    if read.entity == "customers" and read.column("kind") is None:
        yield "          # kind: {constant: person}    # or company; unknown as long as nobody says so"
    if read.unread:
        shown = ", ".join(_shown(name) for name in read.unread[:SHOWN_UNREAD])
        yield from _comment(f"Not read: {shown}{' …' if len(read.unread) > SHOWN_UNREAD else ''}", "          ")


def _form(read: GuessedRead) -> Iterator[str]:
    form = read.looked.form
    if form.sheet is not None:
        yield f"        sheet: {scalar(str(form.sheet))}"
    if form.header_row != 1:
        yield f"        header_row: {form.header_row}"
    if form.delimiter != "auto":
        yield f"        delimiter: {json.dumps(form.delimiter)}"
    if read.decimal is not None:
        yield f"        decimal: {json.dumps(read.decimal)}"


def _column(column: GuessedColumn, read: GuessedRead) -> Iterator[str]:
    for doubt in column.doubts:
        yield from _comment(f"doubt: {doubt}", "          ")
    if column.is_missing:
        here = ", ".join(_shown(each.name) for each in read.looked.columns[:SHOWN_UNREAD])
        yield from _comment(
            f"MISSING: no column looks like {column.name}. Name it here; there are: {here}", "          "
        )
        yield f"          {column.name}:"
        return
    if column.values is not None:
        yield from _choices(column, read)
        return
    settings = dict(_settings(column))
    source = scalar(str(column.source))
    value = f"{{{', '.join(f'{name}: {text}' for name, text in settings.items())}}}" if settings else source
    line = f"          {column.name}: {value}"
    if column.told and len(line) + len(column.told) + 6 <= LINE_LENGTH:
        line += f"    # {column.told}"
    elif column.told:
        yield from _comment(column.told, "          ")
    yield line


def _settings(column: GuessedColumn) -> Iterator[tuple[str, str]]:
    if column.constant is not None:
        yield "constant", scalar(column.constant)
        return
    if not (column.formats or column.decimal or column.strip_prefix or column.is_hashed):
        return
    yield (
        "from",
        json.dumps(column.source, ensure_ascii=False) if "," in str(column.source) else scalar(str(column.source)),
    )
    if len(column.formats) == 1:
        yield "formats", json.dumps(column.formats[0], ensure_ascii=False)
    elif column.formats:
        yield "formats", json.dumps(list(column.formats), ensure_ascii=False)
    if column.decimal is not None:
        yield "number", f"{{decimal: {json.dumps(column.decimal)}}}"
    if column.strip_prefix is not None:
        yield "strip_prefix", column.strip_prefix
    if column.is_hashed:
        yield "hash", "true"


def _choices(column: GuessedColumn, read: GuessedRead) -> Iterator[str]:
    choices = ", ".join(_choices_of(read.entity, column.name))
    if not column.values:
        yield from _comment(
            f"MISSING: no value of {column.source} is understood. Write `found: meant` lines (meant is {choices}), or "
            f"take {column.name} out, which reads every row as completed.",
            "          ",
        )
    yield f"          {column.name}:"
    yield f"            from: {scalar(str(column.source))}"
    if not column.values:
        yield "            values: {}"
        return
    yield "            values:"
    for value, means in column.values.items():
        yield f"              {scalar(value)}: {means}"


def _choices_of(entity: str, name: str) -> tuple[str, ...]:
    holder = "orders" if entity == "order_lines" else entity
    return ENTITIES[holder].column(name).choices


def _shown(name: str) -> str:
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+", " ", name)
    return plain if len(plain) <= 60 else plain[:59] + "…"


def _comment(text: str, indent: str) -> Iterator[str]:
    """The text as lines of comment."""
    width = LINE_LENGTH - len(indent) - 2
    line: list[str] = []
    for word in _shown_words(text):
        if line and _width(" ".join([*line, word])) > width:
            yield f"{indent}# {' '.join(line)}"
            line = []
        line.append(word)
    if line:
        yield f"{indent}# {' '.join(line)}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)


def _shown_words(text: str) -> Sequence[str]:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]+", " ", text).split()
