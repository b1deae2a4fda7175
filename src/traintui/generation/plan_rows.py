"""Plans as CSV: one row for each conversation."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from traintui.data.metadata_rules import NO_RULES, Rules
from traintui.data.metadata_values import ValueType, checked_key, parse_value
from traintui.data.records import ChunkRecord
from traintui.errors import TraintuiError
from traintui.generation.chunk_choice import PATH, below, of_document, of_place
from traintui.generation.meant import nearest
from traintui.generation.plan import DIMENSIONS, MOST_CONVERSATIONS, MOST_EXCHANGES, Plan, Tier
from traintui.generation.planned import (
    Affinity,
    PlannedConversation,
    active_values,
    drawn,
    lengths,
    sources,
    variations,
)
from traintui.generation.strategies import counted_out, dice

T = TypeVar("T")

COLUMNS = (*DIMENSIONS, "document", "chunk", "exchanges")
METADATA = "meta."
"""How a column may begin that is metadata, as in a filter; needed only for a key that reads like one of `COLUMNS`."""
MISTAKES_SHOWN = 20
LONGEST_CELL = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was written, without its empty cells. `number` is what a spreadsheet calls it, from 1."""

    number: int
    cells: Mapping[str, str]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlanRows:
    """A whole file: `source` is its path, `mistakes` what is wrong with its rows whatever the workspace holds, as row,
    column and answer."""

    source: str
    rows: tuple[Row, ...]
    mistakes: tuple[tuple[int, str, str], ...] = ()


class Mistakes:
    """What is wrong in a file, by row and column."""

    def __init__(self, source: str, found: Sequence[tuple[int, str, str]] = ()) -> None:
        self.source = source
        self.found = list(found)

    def add(self, row: int, column: str, wrong: str) -> None:
        """Takes down what is wrong in a cell, or in a row when `column` is empty."""
        self.found.append((row, column, wrong))

    def trying(self, row: int, column: str, work: Callable[[], T]) -> T | None:
        """What `work` returns, or None with its answer taken down."""
        try:
            return work()
        except TraintuiError as error:
            self.add(row, column, error.message.removeprefix(f"`{column}`: "))
            return None

    def answer(self) -> None:
        """Raises `TraintuiError` with all that was found, a line for each, if anything was."""
        if not self.found:
            return
        lines = [
            f"row {row}{f', {column}' if column else ''}: {wrong}"
            for row, column, wrong in sorted(self.found, key=lambda found: found[0])
        ]
        more = f"\nand {len(lines) - MISTAKES_SHOWN} more" if len(lines) > MISTAKES_SHOWN else ""
        raise TraintuiError(
            "Plan not understood",
            "\n".join([self.source, *lines[:MISTAKES_SHOWN]]) + more,
            "Mend the file and give it again. Nothing was stored.",
        )


def read_rows(path: Path) -> PlanRows:
    """The rows of a CSV file: a header, then one row for each conversation; empty ones are left out.

    Commas, semicolons and tabs may part the columns. Raises `TraintuiError` with row and column of what is wrong with
    the header; what is wrong with a row is told by `listed`, together with what the workspace does not have.
    """
    text = _text(path)
    mistakes = Mistakes(str(path))
    records = _records(text, mistakes)
    number, header = next(records, (0, []))
    if not header:
        mistakes.answer()
        raise _not_read(f"{path} is empty.", f"Begin with a row of names: {', '.join(COLUMNS)}.")
    names = _names(header, number, mistakes)
    is_readable = not mistakes.found
    rows = []
    for number, record in records:
        if len(record) > len(names) and any(record[len(names) :]):
            mistakes.add(number, "", f"there are {len(record)} cells, and the header names {len(names)} columns.")
        written = {name: cell for name, cell in zip(names, record, strict=False) if cell}
        rows.append(
            Row(
                number,
                {name: cell for name, cell in written.items() if name in COLUMNS},
                {name.removeprefix(METADATA): cell for name, cell in written.items() if name not in COLUMNS},
            )
        )
        if len(rows) > MOST_CONVERSATIONS:
            raise _not_read(f"{path} has more than {MOST_CONVERSATIONS:,} rows.", "Divide it into several files.")
    if not is_readable or not rows:
        mistakes.answer()
    if not rows:
        raise _not_read(f"{path} has a header and no rows.", "Add a row for each conversation.")
    return PlanRows(str(path), tuple(rows), tuple(mistakes.found))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_read(f"{path} is not UTF-8 text.", 'Save it again as "CSV UTF-8".') from error
    except OSError as error:
        raise _not_read(f"{path} cannot be read: {error.strerror}.", "Check the path and who may read it.") from error


def _not_read(message: str, remedy: str) -> TraintuiError:
    return TraintuiError("Plan not read", message, remedy)


def _records(text: str, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, with their numbers, and without blanks around their cells."""
    skipped = 0
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # a line by which Excel knows the sign
        sign, text, skipped = first.strip()[4], rest, 1
    else:
        sign = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    number = skipped
    while True:
        number += 1
        try:
            record = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            mistakes.add(number, "", f"this is not CSV: {error}.")
            return
        if any(len(cell) > LONGEST_CELL for cell in record):
            mistakes.add(number, "", f"a cell holds more than {LONGEST_CELL:,} characters.")
            return
        if any(record):
            yield number, record


def _delimiter(text: str) -> str:
    """The sign that parts the header into the most columns that a plan has."""

    def fitting(sign: str) -> tuple[int, int]:
        header: list[str] = next(
            (record for record in csv.reader(io.StringIO(text, newline=""), delimiter=sign) if any(record)), []
        )
        return sum(cell.strip().lower() in COLUMNS for cell in header), len(header)

    try:
        return max(",;\t", key=fitting)
    except csv.Error:
        return ","


def _names(header: Sequence[str], number: int, mistakes: Mistakes) -> list[str]:
    """The columns: those of a plan in lower case, others as keys of metadata."""
    names = [name.lower() if name.lower() in COLUMNS else name for name in header]
    for name, times in Counter(names).items():
        if not name:
            mistakes.add(number, "", "a column has no name.")
        elif times > 1:
            mistakes.add(number, name, f"there are {times} columns of this name.")
        elif name not in COLUMNS:
            near = [known for known in COLUMNS if known not in names]
            meant = nearest(name.lower(), near, cutoff=0.75)
            if meant != "." and not name.startswith(METADATA):
                mistakes.add(number, name, f"this is no column of a plan{meant} For metadata, write {METADATA}{name}")
            mistakes.trying(number, name, lambda name=name: checked_key(name.removeprefix(METADATA)))  # type: ignore[misc]
    return names


def listed(
    plan: Plan,
    given: PlanRows,
    vocabulary: Mapping[str, Sequence[str]],
    chunks: Sequence[ChunkRecord],
    *,
    affinity: Affinity | None = None,
    key_types: Mapping[str, ValueType] | None = None,
    rules: Rules = NO_RULES,
) -> tuple[PlannedConversation, ...]:
    """The conversations of a plan that stand in rows, in their order. What a row leaves out is drawn as in any plan: a
    dimension by its weights, a chunk by its topic from the plan's documents, the number of exchanges from its range.

    `key_types` are the types of the registered keys of metadata, `rules` what all of it has to fit. Raises
    `TraintuiError` with row and column of all that the vocabulary and the documents do not have.
    """
    mistakes = Mistakes(given.source, given.mistakes)
    filled = {
        dimension: counted_out(weights, len(given.rows), dice(plan, dimension))
        for dimension, weights in drawn(plan, vocabulary).items()
    }
    for dimension, column in filled.items():
        active = active_values(dimension, vocabulary)
        known = set(active)
        for place, row in enumerate(given.rows):
            value = row.cells.get(dimension)
            if value is not None and value not in known:
                like = nearest(value.lower().replace(" ", "_"), active)
                mistakes.add(row.number, dimension, f"{value!r} is not an active {dimension}{like}")
            column[place] = value or column[place]
    told = [_exchanges(row, mistakes) for row in given.rows]
    from_ = _sources(plan, given.rows, chunks, filled["topic"], mistakes, affinity)
    metadata = [_metadata(row, key_types or {}, mistakes) for row in given.rows]
    for row, values in zip(given.rows, metadata, strict=True):
        if not any(value is None for value in values.values()):  # of what could not be read something is said already
            for why in rules.problems(values):
                mistakes.add(row.number, "", f"{why}.")
    mistakes.answer()
    return tuple(
        PlannedConversation(
            persona, emotion, topic, intent, tone, cast("Tier", tier), chunk_id, exchanges or length, variation, about
        )
        for persona, emotion, topic, intent, tone, tier, chunk_id, exchanges, length, variation, about in zip(
            *(filled[dimension] for dimension in DIMENSIONS),
            from_,
            told,
            lengths(plan, len(given.rows)),
            variations(plan, len(given.rows)),
            metadata,
            strict=True,
        )
    )


def _exchanges(row: Row, mistakes: Mistakes) -> int | None:
    written = row.cells.get("exchanges")
    if written is None:
        return None
    if written.isascii() and written.isdigit() and 1 <= int(written[:9]) <= MOST_EXCHANGES:
        return int(written)
    mistakes.add(row.number, "exchanges", f"{written!r} is not a whole number from 1 to {MOST_EXCHANGES}.")
    return None


def _metadata(row: Row, key_types: Mapping[str, ValueType], mistakes: Mistakes) -> dict[str, Any]:
    values = {}
    for key, written in row.metadata.items():
        values[key] = mistakes.trying(
            row.number,
            key,
            lambda key=key, written=written: parse_value(written, key_types.get(key)),  # type: ignore[misc]
        )
    return values


def _sources(
    plan: Plan,
    rows: Sequence[Row],
    chunks: Sequence[ChunkRecord],
    topics: Sequence[str],
    mistakes: Mistakes,
    affinity: Affinity | None,
) -> list[int]:
    """A chunk for each row: the one that it names, or one of those below what it names, by its topic."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.cells.get("document", ""), row.cells.get("chunk", "")].append(place)
    chosen = [0] * len(rows)
    for (document, chunk), together in places.items():
        found = _candidates(document, chunk, [rows[place].number for place in together], chunks, mistakes)
        if found:
            turns = sources(
                [topics[place] for place in together], sorted(found), dice(plan, f"chunks/{document}/{chunk}"), affinity
            )
            for place, chunk_id in zip(together, turns, strict=True):
                chosen[place] = chunk_id
    return chosen


def _candidates(
    document: str, chunk: str, numbers: Sequence[int], chunks: Sequence[ChunkRecord], mistakes: Mistakes
) -> list[int]:
    """The ids of the chunks that rows with this document and chunk may be about; none with a mistake for each row."""
    column = "document"
    try:
        found = of_document(document, chunks, key="document") if document else list(chunks)
        column = "chunk"
        if chunk.isascii() and chunk.isdigit():
            named = of_place(int(chunk[:18]), chunks, key="chunk")
            if named[0] not in found:
                raise TraintuiError("", f"chunk {chunk} is of {named[0].document!r}, not of {document!r}.", "")
            found = named
        elif chunk and (document or PATH not in chunk):
            if not document:
                raise TraintuiError(
                    "", f"{chunk!r} needs its document, in that column or as document{PATH}heading.", ""
                )
            found = below(chunk, found, key="chunk")
        elif chunk:
            found = of_place(chunk, chunks, key="chunk")
    except TraintuiError as error:
        for number in numbers:
            mistakes.add(number, column, error.message.removeprefix(f"`{column}`: "))
        return []
    return [each.id for each in found]
