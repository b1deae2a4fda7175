"""What rows are written into: JSONL, JSON, Parquet and CSV, row by row onto a binary file, always the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from traintui.errors import TraintuiError
from traintui.export.formats.model import Column, Container, Row, Schema

GROUP_ROWS = 10_000
GROUP_BYTES = 16_000_000
"""A row group of Parquet ends at whichever comes first: what is held in memory."""
ZSTD_LEVEL = 3


class Writer:
    """Writes rows onto a binary file, which stays open.

    `close` writes what is left, and nothing can follow; as a context it does so unless an error came. What is written
    before `close` is no whole file. `takes_json` says whether it takes rows that are JSON already (`write_json`).
    """

    takes_json = False

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.rows = 0

    def write(self, row: Row) -> None:
        """Writes a row."""
        raise NotImplementedError

    def write_json(self, row: bytes) -> None:
        """Writes a row that is JSON already, as `orjson` writes it."""
        raise NotImplementedError

    def close(self) -> None:
        """Writes what ends the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.close()


class JsonLines(Writer):
    """An object a line, UTF-8, LF."""

    takes_json = True

    def write(self, row: Row) -> None:
        """Writes a line."""
        self.write_json(orjson.dumps(row))

    def write_json(self, row: bytes) -> None:
        """Writes a line."""
        self.file.write(row)
        self.file.write(b"\n")
        self.rows += 1


class Json(Writer):
    """One list, an object a line."""

    takes_json = True

    def write(self, row: Row) -> None:
        """Writes an object, and what parts it from the one before."""
        self.write_json(orjson.dumps(row))

    def write_json(self, row: bytes) -> None:
        """Writes an object, and what parts it from the one before."""
        self.file.write(b",\n" if self.rows else b"[\n")
        self.file.write(row)
        self.rows += 1

    def close(self) -> None:
        """Ends the list."""
        self.file.write(b"\n]\n" if self.rows else b"[]\n")


class Csv(Writer):
    """A row a record, with a head; UTF-8, LF between records, every field quoted so that a lone CR in a text ends none
    (RFC 4180 but for the line ends)."""

    def __init__(self, file: BinaryIO, schema: Schema) -> None:
        super().__init__(file)
        self._names = list(schema)
        self._write([*self._names])

    def write(self, row: Row) -> None:
        """Writes a record. All of its values are text."""
        self._write([row[name] for name in self._names])
        self.rows += 1

    def _write(self, values: list[Any]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(values)
        self.file.write(line.getvalue().encode())


class Parquet(Writer):
    """Columns with one schema for every row, compressed by zstd."""

    def __init__(self, file: BinaryIO, schema: Schema) -> None:
        super().__init__(file)
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise TraintuiError(
                "Parquet cannot be written", "the package pyarrow is not installed.",
                "Install traintui[parquet], or export JSONL.",
            ) from error  # fmt: skip
        self._arrow = pyarrow
        self._schema = pyarrow.schema([(name, arrow_type(pyarrow, column)) for name, column in schema.items()])
        self._writer = pyarrow.parquet.ParquetWriter(
            file, self._schema, compression="zstd", compression_level=ZSTD_LEVEL
        )
        self._held: list[Row] = []
        self._held_bytes = 0

    def write(self, row: Row) -> None:
        """Takes a row, and writes a group when enough are held."""
        self._held.append(row)
        self._held_bytes += len(orjson.dumps(row))
        self.rows += 1
        if len(self._held) >= GROUP_ROWS or self._held_bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(self._arrow.Table.from_pylist(self._held, schema=self._schema))
        self._held, self._held_bytes = [], 0

    def close(self) -> None:
        """Writes the last group and the footer."""
        self._flush()
        self._writer.close()


def arrow_type(pyarrow: Any, column: Column) -> Any:
    """The type of Arrow for a column."""
    if isinstance(column, list):
        return pyarrow.list_(arrow_type(pyarrow, column[0]))
    if isinstance(column, dict):
        return pyarrow.struct([(name, arrow_type(pyarrow, inner)) for name, inner in column.items()])
    made: Callable[[], Any] = {"string": pyarrow.string, "bool": pyarrow.bool_, "int64": pyarrow.int64}[column]
    return made()


SUFFIXES: dict[Container, str] = {"jsonl": ".jsonl", "json": ".json", "parquet": ".parquet", "csv": ".csv"}


def container_of(name: str) -> Container:
    """The container that a file's name says. Raises `TraintuiError` when its suffix says none."""
    for container, suffix in SUFFIXES.items():
        if name.lower().endswith(suffix):
            return container
    raise TraintuiError(
        "Not exported", f"the name {name} does not say what kind of file it is to be.",
        f"End it in {', '.join(SUFFIXES.values())}.",
    )  # fmt: skip


def opened(container: Container, file: BinaryIO, schema: Schema | None) -> Writer:
    """A writer onto a binary file. Raises `TraintuiError` where a container needs a schema or a package that is not
    there, or cannot hold the schema."""
    if container == "jsonl":
        return JsonLines(file)
    if container == "json":
        return Json(file)
    if schema is None or (container == "csv" and not all(isinstance(column, str) for column in schema.values())):
        raise TraintuiError(
            "Not exported", f"this format cannot be written as {container}.", "Export it as JSONL."
        )  # fmt: skip
    return Csv(file, schema) if container == "csv" else Parquet(file, schema)
