"""Files and answers gone wrong, from a seed: what exports, spreadsheets, networks and people do to data.

Each kind begins with sound records and spoils some of it: a value, a record, the text, or the bytes. `records` of what
comes out is how many records there are to be accounted for, None where that takes reading as cleverly as landing does.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from openpyxl import load_workbook

FIELDS = ("no", "who", "at", "total", "changed", "state", "phone", "note")
CURSED: Sequence[str] = (
    *("", " ", "\u3000", "\u00a0", "\ufeff", "\0", "a\0b", "\t", "\x1a", "\x7f", "\u2028", "\u202e", "\ufffd"),
    *("NULL", "None", "N/A", "#REF!", "#N/A", "-", "--", "=1+1", '=HYPERLINK("x")', "@x", "'", "\\", "\\N", "%s", "{}"),
    *(
        "0",
        "-0",
        "+5",
        "-3.20",
        "1e5",
        "1E-7",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "0x1F",
        "1_000",
        "٣٫٥",
        "五",
        "１２",
    ),
    *(
        "1,2",
        "1,234",
        "1,234.50",
        "1.234,50",
        "1'234.50",
        "1 234,50",
        "$1,200.00",
        "￥9.9",
        "12%",
        "(5.00)",
        "5-",
        "1..2",
    ),
    *("9" * 15, "9" * 18, "9" * 40, "-" + "9" * 16 + ".99", "0.000000000000000001", "6.2E+17", "12345678901234567890"),
    *("2024-02-30", "2024-13-01", "0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "-4713-11-24", "1582-10-10"),
    *("2024-01-01T24:00:00", "2024-01-01T10:00:00+99:00", "2024-01-01T10:00:60Z", "2024-03-10T02:30:00", "24:00"),
    *(
        "01/02/2024",
        "31/12/24",
        "2024年1月5日",
        "20240105",
        "45000",
        "45000.99999",
        "-1",
        "1546646580",
        "1728650522846",
    ),
    *(
        "99999999999999999",
        "infinity",
        "-infinity",
        "epoch",
        "today",
        "now",
        "yesterday",
        "290000-01-01",
        "294247-01-10",
    ),
    *("true", "FALSE", "ok", "OK", "odd", "off ", "是", "+86 138 0013 8000", "00862112345678", "()", "x@", "@x.com"),
    *(
        "a,b",
        "a;b",
        "a\tb",
        "a|b",
        'a"b',
        '"',
        '""',
        '"""',
        '"a',
        'a"',
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\n",
        "\n\n",
        '",\n"',
    ),
    *(
        "𬎆老板",
        "\U0001f9d1\u200d\U0001f4bb",
        "e\u0301" * 30,
        "ß",
        "İ",
        "x" * 3000,
        "中" * 3000,
        "'; drop table orders; --",
    ),
    *(
        "${x}",
        "{{ x }}",
        "../../etc/passwd",
        "[1]",
        '{"a": 1}',
        "[]",
        "null",
        "$",
        "$.a",
        "*",
        "?",
        "(",
        ")",
        "^",
        "[a-",
    ),
)
CURSED_JSON: Sequence[Any] = (
    *(None, True, False, 0, -1, 1.5, 1e308, -0.0, 2**63, 2**64, 10**30, -(10**18), 0.1 + 0.2, [], {}, [[]], [None]),
    *({"id": 1}, {"id": None}, {"id": {"id": "7"}}, ["a", "b"], [{"no": 1}], {"": ""}, {"a.b": 1}, {"$": 1}, [1] * 200),
    *("\ud83d", "a\udc00b", "\ud83d\ude00"),
)
RAW_JSON = (
    *(
        "NaN",
        "Infinity",
        "1e400",
        "01",
        "+1",
        ".5",
        "'a'",
        "undefined",
        "tru",
        '"\\x"',
        '"\\u12"',
        '"\\ud83d"',
        "",
        "[",
        "{",
    ),
    *('{"a":', "// c\n1", "1,", '"a\nb"', '"a\tb"', "-", "1.e5", '"', "nul", '{"a":1,"a":2}', "[1,]", '{"a" 1}'),
)
JUNK = (
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xed\xa0\xbd",
    b'"',
    b"\n",
    b"\r",
    b",",
    b"\x1a",
    b"\x80",
)
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "gb18030",
    "gbk",
    "latin-1",
    "big5",
    "cp1252",
    "utf-7",
)


@dataclass(frozen=True)
class Spoilt:
    """A file's name and bytes, and how many records it holds for certain."""

    name: str
    content: bytes
    records: int | None


class Mutator:
    """What one seed makes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  (drawn from a seed, no secret)

    def sound_records(self) -> list[dict[str, str]]:
        """A few records as a shop exports them; some share a number, as log tables do."""
        draw = self._random
        return [
            {
                "no": f"{draw.randrange(12):04}",
                "who": f"买家{draw.randrange(5)}",
                "at": f"2024-0{1 + draw.randrange(6)}-{1 + draw.randrange(28):02} 10:0{draw.randrange(10)}:00",
                "total": f"{draw.randrange(100_000) / 100:.2f}",
                "changed": f"2024-07-0{1 + draw.randrange(9)}T08:00:00Z" if draw.random() < 0.8 else "",
                "state": draw.choice(["ok", "ok", "ok", "off"]),
                "phone": f"+1 212 555 0{draw.randrange(100, 200)}",
                "note": draw.choice(["", "a gift", "两件"]),
            }
            for _ in range(draw.randrange(1, 9))
        ]

    def spoil(self, kind: str) -> Spoilt:
        """A file of this kind: csv, excel, json or jsonl."""
        return {"csv": self._csv, "excel": self._excel, "json": self._json, "jsonl": self._jsonl}[kind]()

    def spoilt_record(self, record: dict[str, Any], cursed: Sequence[Any]) -> dict[str, Any]:
        """The record with values, names or whole fields changed, most often none or one of them."""
        draw = self._random
        spoilt = dict(record)
        for _ in range(draw.choice([0, 1, 1, 1, 2, 5])):
            name = draw.choice(list(spoilt) or ["no"])
            match draw.randrange(10):
                case 0:
                    spoilt.pop(name, None)
                case 1:
                    spoilt[draw.choice(["", " ", name + " ", name.upper(), "a.b", "字段", "x" * 300])] = draw.choice(
                        cursed
                    )
                case _:
                    spoilt[name] = draw.choice(cursed)
        return spoilt

    def spoilt_body(self, content: Any) -> bytes:
        """An answer in JSON with values changed somewhere within, or its text or bytes spoilt."""
        draw = self._random
        tree = json.loads(json.dumps(content))
        for _ in range(draw.choice([1, 1, 2, 4])):
            self._spoil_within(tree)
        body = json.dumps(tree, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
        if draw.random() < 0.12:
            body = self._spoil_text_of_json(body.decode("utf-8", "replace")).encode("utf-8", "surrogatepass")
        return self._spoil_bytes(body) if draw.random() < 0.12 else body

    def _spoil_within(self, tree: Any) -> None:
        """Change one value at any depth."""
        draw = self._random
        at = tree
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                return
            key = draw.choice(keys)
            if isinstance(at[key], dict | list) and at[key] and draw.random() < 0.85:
                at = at[key]
                continue
            match draw.randrange(6):
                case 0 if isinstance(at, dict):
                    del at[key]
                case 1 if isinstance(at, dict):
                    at[str(key) + draw.choice(["", " ", "__r", "\0"])] = draw.choice(CURSED_JSON)
                case 2 if isinstance(at, list):
                    at.append(at[key])
                case _:
                    at[key] = draw.choice([*CURSED_JSON, *CURSED])
            return

    def _csv(self) -> Spoilt:
        draw = self._random
        names = list(FIELDS)
        rows: list[list[str]] = []
        for record in self.sound_records():
            spoilt = self.spoilt_record(record, CURSED) if draw.random() < 0.6 else record
            rows.append([str(spoilt.get(name, "")) for name in names])
        rows += [list(draw.choice(rows)) for _ in range(draw.choice([0, 0, 1, 3]))]
        if draw.random() < 0.1:
            self._spoil_header(names)
        text = io.StringIO()
        mark = draw.choice(",,,,;;\t|")
        end = draw.choice(["\n", "\n", "\r\n", "\r"])
        is_quoted = draw.random() < 0.3
        writer = csv.writer(
            text, delimiter=mark, lineterminator=end, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL
        )
        writer.writerows([names, *rows])
        written = text.getvalue()
        records: int | None = len(rows)
        if draw.random() < 0.35:
            written, records = self._spoil_text(written), None
        # A lone \r ends a line for one reader and not for another.
        if end == "\r" or (any(character in written for character in "\r\0") and end != "\r\n"):
            records = None
        content, is_whole = self._encoded(written)
        name = "orders.csv"
        if not is_whole:
            records = None
        if draw.random() < 0.15:
            content, records = self._spoil_bytes(content), None
        if draw.random() < 0.04:
            name, content = "orders.csv.gz", self._packed(content)
            records = None
        return Spoilt(name, content, records)

    def _spoil_header(self, names: list[str]) -> None:
        draw = self._random
        at = draw.randrange(len(names))
        match draw.randrange(5):
            case 0:
                names[at] = draw.choice(names)
            case 1:
                names[at] = ""
            case 2:
                names[at] = f" {names[at]}\u3000"
            case 3:
                draw.shuffle(names)
            case _:
                names[at] = draw.choice(CURSED)

    def _spoil_text(self, text: str) -> str:
        draw = self._random
        for _ in range(draw.choice([1, 1, 2, 6])):
            at = draw.randrange(len(text) + 1)
            match draw.randrange(7):
                case 0:
                    text = text[:at] + draw.choice(CURSED) + text[at:]
                case 1:
                    text = text[:at] + text[at + draw.randrange(1, 20) :]
                case 2:
                    text = text[:at]
                case 3:
                    text = text[:at] + '"' + text[at:]
                case 4:
                    text = text.replace(
                        "\n", draw.choice(["\n\n", "\r", "\n,,,,,,,\n", " \n", "\n\ufeff"]), draw.randrange(1, 3)
                    )
                case 5:
                    lines = text.splitlines(keepends=True)
                    draw.shuffle(lines)
                    text = "".join(lines)
                case _:
                    text = text * draw.choice([0, 2])
        return text

    def _encoded(self, text: str) -> tuple[bytes, bool]:
        """The text in some encoding, and whether it says the same in it as landing will find."""
        draw = self._random
        encoding = draw.choice(ENCODINGS) if draw.random() < 0.3 else draw.choice(["utf-8", "utf-8-sig"])
        try:
            return text.encode(encoding), encoding in ("utf-8", "utf-8-sig")
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass"), False

    def _spoil_bytes(self, content: bytes) -> bytes:
        draw = self._random
        spoilt = bytearray(content)
        for _ in range(draw.choice([1, 1, 3, 20])):
            at = draw.randrange(len(spoilt) + 1)
            match draw.randrange(5):
                case 0:
                    spoilt[at:at] = draw.choice(JUNK)
                case 1:
                    del spoilt[at : at + draw.randrange(1, 30)]
                case 2:
                    del spoilt[at:]
                case 3:
                    spoilt[at : at + 1] = bytes([draw.randrange(256)])
                case _:
                    end = min(len(spoilt), at + draw.randrange(1, 40))
                    spoilt[at:at] = spoilt[at:end]
        return bytes(spoilt)

    def _packed(self, content: bytes) -> bytes:
        packed = gzip.compress(content, mtime=0)
        return self._spoil_bytes(packed) if self._random.random() < 0.5 else packed

    def _excel(self) -> Spoilt:
        draw = self._random
        names = list(FIELDS)
        if draw.random() < 0.1:
            self._spoil_header(names)
        rows = [self.spoilt_record(dict(record), CURSED) for record in self.sound_records()]
        content = io.BytesIO()
        with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as book:
            sheet = book.add_worksheet("订单")
            day = book.add_format({"num_format": draw.choice(["yyyy-mm-dd", "m/d/yy h:mm", "0.00", "[h]:mm"])})
            sheet.write_row(0, 0, names)
            for number, row in enumerate(rows, start=1):
                for column, name in enumerate(FIELDS):
                    self._write_cell(sheet, number, column, row.get(name, ""), day)
            if draw.random() < 0.1:
                sheet.merge_range(1, 0, 2, 1, "merged")
            if draw.random() < 0.1:
                sheet.write_string(len(rows) + draw.randrange(1, 400), draw.randrange(12), draw.choice(CURSED))
        packed = content.getvalue()
        if draw.random() < 0.25:
            return Spoilt("orders.xlsx", self._spoil_bytes(packed), None)
        return Spoilt("orders.xlsx", packed, _records_of_sheet(packed))

    def _write_cell(self, sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
        """A value as text, or as the number, date, truth, formula or error that a spreadsheet may hold."""
        draw = self._random
        match draw.randrange(60):
            case 0:
                sheet.write_number(
                    row, column, draw.choice([0, 1.5, -2, 45000.25, 1e15, 6.2e17, 1e-300, 1e300, 60, 0.5])
                )
            case 1:
                sheet.write_number(
                    row, column, draw.choice([0, 1, 45000, 45000.999999, 2958465, 2958466, -1, 60, 1e9]), day
                )
            case 2:
                sheet.write_boolean(row, column, draw.random() < 0.5)
            case 3:
                sheet.write_formula(row, column, "=1/0", None, draw.choice(["#DIV/0!", "#REF!", 7, "text", ""]))
            case 4:
                pass
            case _:
                sheet.write_string(row, column, str(value)[:30_000])

    def _json(self) -> Spoilt:
        draw = self._random
        lines = [self._json_record() for _ in range(draw.randrange(1, 8))]
        mark = draw.choice([",", ",\n", " , "])
        text = "[" + mark.join(lines) + "]" if draw.random() < 0.8 else "\n".join(lines)
        if draw.random() < 0.35:
            text = self._spoil_text_of_json(text)
        content = text.encode("utf-8", "surrogatepass")
        if draw.random() < 0.15:
            content = self._spoil_bytes(content)
        if draw.random() < 0.1:
            content = self._encoded(text)[0]
        return Spoilt("orders.json", content, _records_of_array(content))

    def _jsonl(self) -> Spoilt:
        draw = self._random
        lines = [self._json_record() for _ in range(draw.randrange(1, 8))]
        lines = [self._spoil_text_of_json(line) if draw.random() < 0.15 else line for line in lines]
        text = draw.choice(["\n", "\n", "\r\n", "\n\n"]).join(lines) + draw.choice(["", "\n"])
        content = text.encode("utf-8", "surrogatepass")
        is_whole = not any(mark in text for mark in ("\r", "\0", "\x01")) and b"\xed" not in content
        if draw.random() < 0.15:
            content, is_whole = self._spoil_bytes(content), False
        records = sum(1 for line in text.split("\n") if line.strip(" ")) if is_whole else None
        return Spoilt("orders.jsonl", content, records)

    def _json_record(self) -> str:
        draw = self._random
        record: dict[str, Any] = dict(draw.choice(self.sound_records()))
        record["total"] = draw.choice([record["total"], float(record["total"]), {"amount": record["total"]}])
        if draw.random() < 0.5:
            record = self.spoilt_record(record, [*CURSED_JSON, *CURSED_JSON, *CURSED])
        return json.dumps(record, ensure_ascii=draw.random() < 0.5)

    def _spoil_text_of_json(self, text: str) -> str:
        draw = self._random
        if draw.random() < 0.5:
            at = text.find(":", draw.randrange(len(text) + 1))
            return text[: at + 1] + draw.choice(RAW_JSON) + text[at + 1 :] if at >= 0 else text
        return self._spoil_text(text)


def _records_of_sheet(content: bytes) -> int:
    """How many rows below the header hold anything, by another reader of spreadsheets than landing's."""
    [sheet] = load_workbook(io.BytesIO(content), data_only=True).worksheets
    return sum(any(value not in (None, "") for value in row) for row in sheet.iter_rows(min_row=2, values_only=True))


def _records_of_array(content: bytes) -> int | None:
    """How many elements a valid array has; None where it is no valid JSON for Python, or no array."""
    try:
        parsed = json.loads(content.decode("utf-8-sig"), parse_constant=int)  # NaN is no JSON, and no int either
    except (ValueError, RecursionError):
        return None
    return len(parsed) if isinstance(parsed, list) else None
