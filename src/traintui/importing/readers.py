"""What a file of conversations is, told by what is in it, and its records one by one with the lines they begin on."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from traintui.errors import TraintuiError
from traintui.importing import lines
from traintui.importing.compression import Broken, Compression, inflated
from traintui.importing.conversations import LineProblem, Refused
from traintui.importing.files import empty, shown
from traintui.importing.json_documents import EVERY, Document
from traintui.importing.tables import csv_records, delimiter_of, parquet_records

Container = Literal["jsonl", "json", "csv", "parquet"]
Record = dict[str, Any]

MAX_DEPTH = 64
"""Of nested values; deeper ones break the tools that read them later."""
HEAD_BYTES = 1 << 18
_LINE_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
_SQUEEZED = frozenset({".gz", ".zst", ".zstd"})
SUFFIXES = frozenset({*_LINE_SUFFIXES, *_TABLE_SUFFIXES, ".json", ".parquet"})
"""What the names of files of conversations end in, before `.gz`, `.zst` or `.zstd`."""


@dataclass(frozen=True, slots=True)
class Source:
    """How a file holds its records: `delimiter` of a table, and `steps` to the list of records in a JSON document."""

    path: Path
    container: Container
    compression: Compression | None = None
    delimiter: str = ","
    steps: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """What the numbers of its records count."""
        return "row" if self.container == "parquet" else "line"


class Row(NamedTuple):
    """A record, or what is wrong with what stands in its place; `raw` is what the file has there, if it is held."""

    line: int
    record: Record | None
    problem: LineProblem | None
    raw: bytes


def suffix_of(path: Path) -> str:
    """The suffix that says what is inside: of `chats.jsonl.gz` it is `.jsonl`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _SQUEEZED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def source_of(path: Path, steps: tuple[str, ...] = (), is_record: Callable[[Any], bool] = lambda _: False) -> Source:
    """What a file is. In a JSON document the list of records is at `steps`, or else the first that holds a record.

    Raises TraintuiError if the file cannot be read, is empty, or is of no kind that is read.
    """
    with inflated(path) as inside:
        try:
            head = inside.read(HEAD_BYTES)
        except Broken as broken:
            raise unreadable(path, broken, 1) from broken
        compression = inside.compression
    if head.startswith(b"PAR1"):
        if compression:
            raise _other_kind(path, "it is a Parquet file inside another compression", "Unpack it; Parquet is packed.")
        return Source(path, "parquet")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TraintuiError("Not UTF-8", f"{shown(path)} is UTF-16 text.", "Save it as UTF-8 and import it again.")
    text, whole = head.removeprefix(codecs.BOM_UTF8).lstrip(), len(head) < HEAD_BYTES
    if not text and whole:
        raise empty(path)
    container = container_of(text, suffix_of(path), whole=whole)
    if steps and container == "jsonl" and text[:1] in (b"{", b"["):
        # A place deep inside is one of a document, which may be a single line. Lines without it are records already, as
        # in the file of what was left out of an import by the same mapping.
        container = "json" if _leads_on(text, steps[0]) else "jsonl"
        steps = steps if container == "json" else ()
    if container == "csv":
        return Source(path, "csv", compression, delimiter=delimiter_of(head.decode("utf-8", "replace")))
    if container == "json" and not steps and text.startswith(b"{"):
        steps = _place(path, is_record)
    return Source(path, container, compression, steps=steps)


def container_of(text: bytes, suffix: str, *, whole: bool) -> Container:
    """How a text holds its records, by how it begins; the suffix decides where that may be either.

    `text` begins with no blank; `whole` says that it is all of the file.
    """
    if suffix in _TABLE_SUFFIXES:
        return "csv"
    first, _, rest = text.partition(b"\n")
    alone = is_json(first)
    if text.startswith(b"{"):
        # A record in a line, or a document over many lines.
        if alone:
            return "jsonl" if rest.strip() or suffix in _LINE_SUFFIXES else "json"
        if not rest and not whole:
            return "jsonl" if suffix in _LINE_SUFFIXES else "json"
        return "json" if suffix not in _LINE_SUFFIXES or first.rstrip() == b"{" else "jsonl"
    if text.startswith(b"["):
        if suffix not in _LINE_SUFFIXES:
            return "json"
        return "json" if text[1:].lstrip()[:1] in (b"{", b"") and not (alone and rest.strip()) else "jsonl"
    return "jsonl"


def _leads_on(text: bytes, step: str) -> bool:
    """Whether a document that begins so may hold what a step names."""
    try:
        first = orjson.loads(text.partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return True
    return not isinstance(first, dict) or step in (EVERY, *first)


def is_json(line: bytes) -> bool:
    """Whether a line is JSON by itself."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _place(path: Path, is_record: Callable[[Any], bool]) -> tuple[str, ...]:
    with inflated(path) as inside:
        document = None
        try:
            document = Document(inside)
            return document.place_of_records(is_record) or ()
        except Broken as broken:
            raise unreadable(path, broken, document.line if document else 1) from broken


def rows(source: Source) -> Iterator[Row]:
    """Every record of a file, in constant memory, with its line; what is none comes as a problem.

    Raises TraintuiError, with the line, where the file cannot be read on.
    """
    at = [0]
    try:
        yield from _READERS[source.container](source, at)
    except Broken as broken:
        raise unreadable(source.path, broken, at[0], source.place) from broken


def _jsonl(source: Source, at: list[int]) -> Iterator[Row]:
    with inflated(source.path) as inside:
        for number, line in lines.numbered(inside):
            # Where the file turns out to be cut off, if it is; a line that is too long has not ended yet.
            at[0] = number if line is None else number + 1
            if number == 1 and line is not None:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line is None:
                yield _refused(number, lines.too_long(), b"")
            elif line and not line.isspace():
                yield _row(number, line, "line")


def _json(source: Source, at: list[int]) -> Iterator[Row]:
    with inflated(source.path) as inside:
        document = None
        try:
            document = Document(inside)
            for line, value in document.records(source.steps):
                yield _row(line, value, "record")
        finally:
            at[0] = document.line if document else 1


def _csv(source: Source, at: list[int]) -> Iterator[Row]:
    with inflated(source.path) as inside:
        yield from _table(csv_records(inside, source.delimiter), at)


def _parquet(source: Source, at: list[int]) -> Iterator[Row]:
    yield from _table(parquet_records(source.path), at)


def _table(records: Iterator[tuple[int, Record | Refused]], at: list[int]) -> Iterator[Row]:
    for line, record in records:
        at[0] = line
        if isinstance(record, Refused):
            yield _refused(line, record, b"")
            continue
        try:
            raw = orjson.dumps(record)
            _check_values(record)
        except Refused as refused:
            yield _refused(line, refused, raw)
        except (TypeError, orjson.JSONEncodeError):
            yield _refused(line, Refused("not text", "The row holds a value that JSON cannot hold."), b"")
        else:
            yield Row(line, record, None, raw)


_READERS: dict[Container, Callable[[Source, list[int]], Iterator[Row]]] = {
    "jsonl": _jsonl, "json": _json, "csv": _csv, "parquet": _parquet,
}  # fmt: skip


def _row(number: int, raw: bytes, noun: str) -> Row:
    try:
        return Row(number, parsed(raw, noun), None, raw)
    except Refused as refused:
        return _refused(number, refused, raw)


def _refused(number: int, refused: Refused, raw: bytes) -> Row:
    return Row(number, None, LineProblem(number, refused.what, refused.why), raw)


def parsed(raw: bytes, noun: str = "line") -> Record:
    """The object in a line. Raises `Refused` where there is none, or one that cannot be stored."""
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _why_no_json(raw, error, noun) from error
    if not isinstance(record, dict):
        raise Refused("not an object", f"The {noun} is JSON, but not an object in curly brackets.")
    # Most lines are neither deep nor hold an escaped NUL, which is quicker to see in the bytes.
    if rb"\u0000" in raw or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_values(record)
    return record


def _why_no_json(raw: bytes, error: orjson.JSONDecodeError, noun: str) -> Refused:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as mistake:
        return lines.not_utf8(mistake)
    if b"\0" in raw:
        return lines.nul()
    if "surrogate" in error.msg:
        why = f"The text at column {error.colno} holds half of a surrogate pair, which is no character."
        return Refused("lone surrogate", why)
    return Refused("not JSON", f"The {noun} is not JSON: {error.msg} at column {error.colno}.")


def _check_values(record: Record) -> None:
    """Refuse what PostgreSQL or later tools cannot hold, anywhere in the record."""
    waiting: list[tuple[Any, int]] = [(record, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise Refused("nested too deeply", f"The record nests values more than {MAX_DEPTH} deep.")
        if isinstance(value, str):
            if "\0" in value:
                raise lines.nul()
        elif isinstance(value, list):
            waiting += ((inner, depth + 1) for inner in value)
        elif isinstance(value, dict):
            waiting += ((inner, depth + 1) for pair in value.items() for inner in pair)


def unreadable(path: Path, broken: Broken, line: int, place: str = "line") -> TraintuiError:
    """The answer to a file that cannot be read on, with the line or the row."""
    where = f"{place} {broken.line or max(line, 1)}"
    return TraintuiError(
        broken.title, f"{shown(path)}, {where}: {broken.what}.", f"{broken.remedy} Nothing was stored."
    )


def _other_kind(path: Path, what: str, remedy: str) -> TraintuiError:
    return TraintuiError("Not read", f"{shown(path)}: {what}.", remedy)
