"""The encoding of a text file, told by its bytes, and the file in UTF-8.

A guess is never taken: a file that is neither UTF-8 nor UTF-16 nor plainly Chinese text in GB18030 is refused.
"""

from __future__ import annotations

import codecs
from contextlib import nullcontext
from pathlib import Path

from dagster_project.errors import StrataError

CHUNK_BYTES = 2**20
SAMPLE_BYTES = 2**20
# Of characters beyond ASCII, the share that must be everyday Chinese (GB 2312 level 1 or its symbols) before GB18030
# is believed; Western text misread as GB18030 stays far below it.
EVERYDAY_CHINESE_SHARE = 0.9
ASCII_AS_IT_IS = ("utf-8", "gb18030")  # encodings in which ASCII stands for itself
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class EncodingError(StrataError):
    """A text file's bytes are not what its encoding allows."""


def as_utf8(path: Path, target: Path, *, encoding: str, name: str, place: str) -> Path:
    """`path` itself where it is UTF-8, else `target` with its text in UTF-8.

    Raises:
        EncodingError: the bytes do not fit `encoding`, or with `auto` no encoding fits plainly. The message names file,
            byte, line and setting.
    """
    with path.open("rb") as content:
        start = content.read(SAMPLE_BYTES)
    marked = next((found for mark, found in BYTE_ORDER_MARKS if start.startswith(mark)), None)
    if encoding == "auto":
        encoding = marked or _without_mark(path, start, name, place)
    elif encoding == "utf-8" and marked == "utf-8-sig":
        encoding = "utf-8-sig"
    elif encoding == "utf-16" and marked != "utf-16":
        encoding = "utf-16-be" if _looks_big_endian(start) else "utf-16-le"
    if encoding in ("utf-8", "utf-8-sig"):
        fault = _first_fault(path, "utf-8")
        if fault is not None:
            raise _undecodable(name, encoding, fault, place)
        return path
    fault = _first_fault(path, encoding, target)
    if fault is not None:
        target.unlink(missing_ok=True)
        raise _undecodable(name, encoding, fault, place)
    return target


def _without_mark(path: Path, start: bytes, name: str, place: str) -> str:
    if b"\0" in start[:4096]:
        return "utf-16-be" if _looks_big_endian(start) else "utf-16-le"
    fault = _first_fault(path, "utf-8")
    if fault is None:
        return "utf-8"
    if _first_fault(path, "gb18030") is None and _is_everyday_chinese(path, fault[0]):
        return "gb18030"
    offset, line = fault
    raise EncodingError(
        f"{name}: byte {offset} (line {line}) is not UTF-8, and the text is not plainly GB18030. Set encoding "
        f"(utf-8, utf-16 or gb18030) at {place}, or save the file as UTF-8."
    )


def _looks_big_endian(start: bytes) -> bool:
    return start[0:4096:2].count(0) > start[1:4096:2].count(0)


def _is_everyday_chinese(path: Path, offset: int) -> bool:
    with path.open("rb") as content:
        content.seek(offset)
        sample = content.read(SAMPLE_BYTES)
    text = sample.decode("gb18030", errors="ignore")
    beyond_ascii = [character for character in text if ord(character) > 127]
    everyday = sum(1 for character in beyond_ascii if _is_everyday(character))
    return bool(beyond_ascii) and everyday >= EVERYDAY_CHINESE_SHARE * len(beyond_ascii)


def _is_everyday(character: str) -> bool:
    try:
        encoded = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return 0xA1 <= encoded[0] <= 0xA3 or 0xB0 <= encoded[0] <= 0xD7


def _first_fault(path: Path, encoding: str, target: Path | None = None) -> tuple[int, int] | None:
    """Offset and line of the first byte that does not decode, None where all do; the text goes to `target`."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    read = lines = 0
    to_target = target.open("w", encoding="utf-8", newline="") if target is not None else nullcontext()
    with path.open("rb") as content, to_target as out:
        while True:
            chunk = content.read(CHUNK_BYTES)
            held = len(decoder.getstate()[0])
            if chunk and not held and out is None and encoding in ASCII_AS_IT_IS and chunk.isascii():
                # Decoding takes ten times as long as seeing that there is nothing to decode.
                read += len(chunk)
                lines += chunk.count(b"\n")
                continue
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                offset = read - held + error.start
                before = error.object[: error.start].decode(encoding, errors="ignore")
                return offset, lines + before.count("\n") + 1
            read += len(chunk)
            lines += text.count("\n")
            if out is not None:
                out.write(text)
            if not chunk:
                return None


def _undecodable(name: str, encoding: str, fault: tuple[int, int], place: str) -> EncodingError:
    offset, line = fault
    return EncodingError(
        f"{name}: byte {offset} (line {line}) is not {encoding.removesuffix('-sig').upper()}. Set encoding at {place} "
        "to the file's own, or save the file as UTF-8."
    )
