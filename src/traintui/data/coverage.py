"""Coverage: how many conversations there are of each combination of two dimensions, and how many there should be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text

from traintui.data import vocabulary
from traintui.data.coverage_models import CoverageTarget as T
from traintui.data.engine import Database
from traintui.data.fields import FIELDS
from traintui.data.mirror import Mirror
from traintui.data.models import DIMENSIONS
from traintui.data.models import Conversation as C
from traintui.data.records import VocabularyValue

Key = tuple[str, str]
"""A value of the rows and one of the columns."""
Counts = Mapping[tuple[str | None, str | None, str], int]
"""How many there are of a value of the rows, one of the columns, and a status."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A combination: how many are planned or being written, wait for review, are approved, rejected, or failed.

    `target` is None where nobody set one. `can_plan` says whether new plans can use both values.
    """

    row: str
    column: str
    planned: int = 0
    generated: int = 0
    approved: int = 0
    rejected: int = 0
    failed: int = 0
    target: int | None = None
    can_plan: bool = True

    @property
    def held(self) -> int:
        """What counts toward the target: all that is on its way, waits, or was approved."""
        return self.planned + self.generated + self.approved

    @property
    def missing(self) -> int:
        """How many a plan has to add; 0 without a target, and where no plan can."""
        return max(0, (self.target or 0) - self.held) if self.can_plan else 0

    @property
    def share(self) -> float | None:
        """How much of the target is held, from 0; None without a target, and 1 for a target of 0."""
        if self.target is None:
            return None
        return self.held / self.target if self.target else 1.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The cells of two dimensions. `outside` counts conversations that lack one of both, or have a merged value."""

    rows: str
    columns: str
    row_values: tuple[VocabularyValue, ...]
    column_values: tuple[VocabularyValue, ...]
    cells: Mapping[Key, Cell]
    outside: int
    rehearsal: bool

    @property
    def missing(self) -> dict[Key, int]:
        """What a plan has to add to each cell that is under its target."""
        return {key: cell.missing for key, cell in self.cells.items() if cell.missing}

    @property
    def has_targets(self) -> bool:
        """Whether any cell that plans can use has a target above 0."""
        return any(cell.target for cell in self.cells.values() if cell.can_plan)

    def emptiest(self, number: int = 5) -> tuple[Cell, ...]:
        """The cells that are furthest below their target, or, where none has one, with the fewest conversations; among
        equals those first whose row and column have few. None where all that have a target reached it."""
        cells = [cell for cell in self.cells.values() if cell.can_plan]
        if self.has_targets:
            cells = [cell for cell in cells if cell.missing]
        around = Counter[Key]()
        for cell in self.cells.values():
            around["row", cell.row] += cell.held
            around["column", cell.column] += cell.held

        def empty(cell: Cell) -> tuple[float, int, int]:
            share = cell.held if cell.share is None else cell.share
            return share, -cell.missing, around["row", cell.row] + around["column", cell.column]

        return tuple(sorted(cells, key=empty)[:number])


def in_order(first: str, second: str) -> tuple[str, str]:
    """Two dimensions in the order of all: targets are stored that way, whichever the rows are."""
    return (first, second) if DIMENSIONS.index(first) < DIMENSIONS.index(second) else (second, first)


async def read(
    db: Database, rows: str, columns: str, *, mirror: Mirror | None = None, rehearsal: bool = True
) -> Coverage:
    """The coverage of two dimensions, counted in the copy in memory where it is given, else by the server.

    What is in the trash does not count; what the rehearsal wrote only with `rehearsal`.
    """
    words = await vocabulary.values(db)
    rules = await _rules(db, rows, columns)
    if mirror is not None:
        counts = await counts_of_copy(mirror, rows, columns, rehearsal=rehearsal)
    else:
        counts = await counts_of_server(db, rows, columns, rehearsal=rehearsal)
    shown = {
        dimension: tuple(word for word in words if word.dimension == dimension and word.merged_into is None)
        for dimension in (rows, columns)
    }
    return _coverage(rows, columns, shown[rows], shown[columns], counts, rules, rehearsal=rehearsal)


async def counts_of_copy(mirror: Mirror, rows: str, columns: str, *, rehearsal: bool) -> Counts:
    """Counts in the copy in memory, of one moment, and with a pause behind each row, in which keys are answered."""
    hidden = mirror.marks["deleted"] if rehearsal else mirror.marks["deleted"] | mirror.marks["rehearsal"]
    statuses = {str(status): ids - hidden for status, ids in mirror.keys["status"].items()}
    # The copy may take something over during a pause.
    by_row, by_column = (
        {value: ids.copy() for value, ids in mirror.keys[dimension].items() if ids} for dimension in (rows, columns)
    )
    counts: dict[tuple[str | None, str | None, str], int] = {}
    await asyncio.sleep(0)
    for row, ids in by_row.items():
        for status, those in statuses.items():
            part = ids & those
            left = len(part)
            for column, others in by_column.items():
                if not left:
                    break
                if number := int(part.intersection_cardinality(others)):
                    counts[row, column, status] = number
                    left -= number
        await asyncio.sleep(0)
    return counts


async def counts_of_server(db: Database, rows: str, columns: str, *, rehearsal: bool) -> Counts:
    """The same by SQL: until the copy is there, and as what it is tried against."""
    by = (FIELDS[rows].column, FIELDS[columns].column, C.status)
    statement = select(*by, func.count()).where(C.deleted_at.is_(None)).group_by(*by)
    if not rehearsal:
        statement = statement.where(C.is_rehearsal.is_(False))
    async with db.read() as connection:
        return {(row, column, status): number for row, column, status, number in await connection.execute(statement)}


# Targets --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    """A target: of one cell, of all with a value, or of all; of those that speak of a cell the newest counts."""

    id: int
    row: str | None
    column: str | None
    target: int


async def _rules(db: Database, rows: str, columns: str) -> tuple[_Rule, ...]:
    first, second = in_order(rows, columns)
    statement = (
        select(T.id, T.first_value, T.second_value, T.target)
        .where(T.first_dimension == first, T.second_dimension == second)
        .order_by(T.id)
    )
    async with db.read() as connection:
        found = (await connection.execute(statement)).all()
    return tuple(_Rule(id, *((one, other) if rows == first else (other, one)), target)
                 for id, one, other, target in found)  # fmt: skip


async def pairs_with_targets(db: Database) -> tuple[tuple[str, str], ...]:
    """The pairs of dimensions for which somebody set a target, each in the order of all dimensions."""
    async with db.read() as connection:
        found = (await connection.execute(select(T.first_dimension, T.second_dimension).distinct())).all()
    return tuple(sorted(((first, second) for first, second in found),
                        key=lambda pair: [DIMENSIONS.index(each) for each in pair]))  # fmt: skip


async def set_target(
    db: Database, rows: str, columns: str, target: int | None, *, row: str | None = None, column: str | None = None
) -> None:
    """Sets how many conversations a cell should have: that of a `row` and a `column`, all of one of them, or all.

    The newest target counts, and those of the cells that it covers go. None takes them out: what is wider counts again.
    Raises `Refused` when one may not, for a value that there is not, and for a number that is none of 0 to 1,000,000.
    """
    values = {rows: row, columns: column}
    first, second = in_order(rows, columns)
    async with db.write() as connection:
        await connection.execute(
            text("SELECT set_coverage_target(:first, :one, :second, :other, :target)"),
            {"first": first, "one": values[first], "second": second, "other": values[second], "target": target},
        )


# Cells ----------------------------------------------------------------------------------------------------------------


def _coverage(
    rows: str, columns: str, row_values: Sequence[VocabularyValue], column_values: Sequence[VocabularyValue],
    counts: Counts, rules: Sequence[_Rule], *, rehearsal: bool,
) -> Coverage:  # fmt: skip
    by_cell: dict[Key, Counter[str]] = {}
    outside = 0
    shown = ({value.value for value in row_values}, {value.value for value in column_values})
    for (row, column, status), number in counts.items():
        if row is None or column is None or row not in shown[0] or column not in shown[1]:
            outside += number
        else:
            by_cell.setdefault((row, column), Counter())[status] += number
    newest = {(rule.row, rule.column): rule for rule in rules}
    cells = {}
    for one in row_values:
        for other in column_values:
            key = (one.value, other.value)
            number_of = by_cell.get(key, Counter())
            speaking = [newest.get(place) for place in (key, (key[0], None), (None, key[1]), (None, None))]
            rule = max((each for each in speaking if each is not None), key=lambda each: each.id, default=None)
            cells[key] = Cell(
                *key, planned=number_of["planned"] + number_of["generating"], generated=number_of["generated"],
                approved=number_of["approved"], rejected=number_of["rejected"], failed=number_of["failed"],
                target=None if rule is None else rule.target, can_plan=one.active and other.active,
            )  # fmt: skip
    # An inactive value is only of interest where something has it.
    used = [{key[place] for key in by_cell} for place in (0, 1)]
    kept_rows = tuple(value for value in row_values if value.active or value.value in used[0])
    kept_columns = tuple(value for value in column_values if value.active or value.value in used[1])
    kept = {(one.value, other.value) for one in kept_rows for other in kept_columns}
    return Coverage(
        rows, columns, kept_rows, kept_columns, {key: cell for key, cell in cells.items() if key in kept}, outside,
        rehearsal,
    )  # fmt: skip
