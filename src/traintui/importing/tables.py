"""Records of tables: CSV, and Parquet where `pyarrow` is installed."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from traintui.errors import TraintuiError
from traintui.importing import lines
from traintui.importing.compression import FREE, MOST_RATIO, Broken, Reader, swollen
from traintui.importing.conversations import Refused
from traintui.importing.files import shown

if TYPE_CHECKING:
    import pyarrow.parquet

Record = dict[str, Any]
DELIMITERS = ",;\t|"
MAX_COLUMNS = 1_000
ROWS_AT_ONCE = 100
HELD_BYTES = 32_000_000
"""Bytes that the rows which are read at once may have in one column."""
MAX_GROUP_BYTES = 2_000_000_000
"""Bytes of a row group of Parquet, which is the least that can be read at once."""


def delimiter_of(head: str) -> str:
    """What stands between the columns, by the first line of a table."""
    first = next((line for line in head.removeprefix("\ufeff").splitlines() if line), "")
    return max(DELIMITERS, key=lambda mark: _cells(first, mark))


def _cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:  # what is wrong is told when the table is read
        return 0


def csv_records(source: Reader, delimiter: str) -> Iterator[tuple[int, Record | Refused]]:
    """Each row below the first as a record by the names there, with the line that it begins on.

    Empty cells are left out; a cell that holds a JSON list or object is read as one. Raises `Broken` where the first
    line is no row of names, or the table cannot be read on.
    """
    csv.field_size_limit(lines.MAX_LINE_BYTES)
    text = _Text(source)
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    names: list[str] | None = None
    while True:
        begins = text.line + 1
        text.refused = None
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            ends = "new-line" in str(error)  # of old Macs, in words that are for programmers
            what = "its lines end with CR alone" if ends else f"the row that begins there is damaged ({error})"
            remedy = "Save it with line ends of LF." if ends else "Check its quotation marks."
            raise Broken("Table not read", what, remedy, line=begins) from error
        if text.refused is not None:
            yield begins, text.refused
        elif not row or row == [""]:
            continue
        elif names is None:
            names = _names(row)
        elif len(row) > len(names):
            yield begins, Refused("too many columns", f"The row has {len(row)} cells, and the first {len(names)}.")
        else:
            yield begins, {name: _cell(value) for name, value in zip(names, row, strict=False) if name and value != ""}


def _names(row: list[str]) -> list[str]:
    names = [name.strip() for name in row]
    named = [name for name in names if name]
    if len(names) > MAX_COLUMNS or len(set(named)) < len(named) or not named:
        raise Broken("Table not read", "the first line has to name each column, and no two alike",
                     "Give the table a first line with the names of its columns.")  # fmt: skip
    return names


def _cell(value: str) -> Any:
    if value[:1] in "[{" and value.rstrip()[-1:] in ("]", "}"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


class _Text:
    """The lines of a table as text, for `csv`; `line` is the number of the last one. What was wrong with a line stays
    in `refused`, since `csv` may need further ones to end the row."""

    def __init__(self, source: Reader) -> None:
        self.line = 0
        self.refused: Refused | None = None
        self._lines = lines.numbered(source)

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        self.line, line = next(self._lines)
        if line is None:
            self.refused = lines.too_long()
            return "\n"
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            self.refused = lines.not_utf8(error)
            text = line.decode("utf-8", "replace")
        if "\0" in text:
            self.refused = lines.nul()
            text = text.replace("\0", "")
        return (text.removeprefix("\ufeff") if self.line == 1 else text) + "\n"


def parquet_records(path: Path) -> Iterator[tuple[int, Record | Refused]]:
    """Each row of a Parquet file as a record, with its number from 1; a batch of rows is held at a time.

    Raises TraintuiError where `pyarrow` is missing, `Broken` where the file cannot be read on.
    """
    table = _opened(path)
    number = 0
    with table:
        largest = max((_largest_value(table, index) for index in range(table.num_row_groups)), default=0)
        try:
            at_once = max(1, min(ROWS_AT_ONCE, HELD_BYTES // max(1, largest)))
            for batch in table.iter_batches(batch_size=at_once, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    try:
                        yield number, {key: plain(value) for key, value in row.items() if value is not None}
                    except Refused as refused:
                        yield number, refused
        except (OSError, ValueError, TypeError, NotImplementedError, OverflowError) as error:
            raise Broken("File damaged", f"it cannot be read on ({_first_line(error)})", "Write it again.") from error


def _largest_value(table: pyarrow.parquet.ParquetFile, index: int) -> int:
    """Bytes that a value of a row group may have at most: it stands in its column once, however many rows have it.

    Raises `Broken` for a group that is too large to be read at once, or swells beyond reason.
    """
    group = table.metadata.row_group(index)
    columns = [group.column(number) for number in range(group.num_columns)]
    if group.total_byte_size > MAX_GROUP_BYTES:
        raise Broken("Row group too large", f"row group {index + 1} holds more than 2 GB",
                     "Write it again with smaller row groups.")  # fmt: skip
    if group.total_byte_size > max(FREE, MOST_RATIO * sum(column.total_compressed_size for column in columns)):
        raise swollen()
    return max((column.total_uncompressed_size for column in columns), default=0)


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TraintuiError(
            "Parquet not read",
            f"{shown(path)} is a Parquet file, and what reads those is not installed.",
            "Install it: pip install 'traintui[parquet]'.",
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (OSError, ValueError, NotImplementedError) as error:
        raise Broken("File damaged", f"it is no whole Parquet file ({_first_line(error)})",
                     "Copy or fetch it again.") from error  # fmt: skip


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def plain(value: Any) -> Any:
    """A value of a table as JSON has it: times and decimals as text, nothing for what is no number.

    Raises `Refused` for bytes that are no text.
    """
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise lines.not_utf8(error) from error
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | dt.timedelta) else repr(value)
