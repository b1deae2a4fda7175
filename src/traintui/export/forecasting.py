"""What an export would write, said before: how much, the first rows, and what its target does with each
conversation."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from traintui.data.engine import Database
from traintui.data.export_reading import ExportReader, ScopeCounts
from traintui.data.moment_reading import reader_of
from traintui.export.assembly import Checking, Problem
from traintui.export.containers import opened
from traintui.export.formats import Container
from traintui.export.preflight import Remark, Totals, remarks
from traintui.export.record import Shape
from traintui.export.request import ExportRequest, completed, said_of_moment
from traintui.export.sides import is_own, manifest_for, read, splitter_for
from traintui.export.splits import Kept

FIRST = 5
"""Conversations of which the rows are shown."""
COMPARED = 20_000
"""Conversations up to which it is found out in a few seconds what belongs together; a million takes minutes."""

Progress = Callable[[int, int], None]


def unwatched(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class ExportForecast:
    """How much there is, and the first rows as they will be written: lines of the file, or of JSON where it is
    binary."""

    counts: ScopeCounts
    container: Container
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitForecast:
    """How many conversations are on each side; `is_exact` where it is known what belongs together, else by the share.
    `sides` is the manifest whose sides hold, `replaced` where that is the one of the file that is written over, and
    `says` what is to say of the split."""

    train: int
    eval: int
    is_exact: bool
    sides: Path | None = None
    replaced: bool = False
    says: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """It as people read it: "about 36 train and 4 eval"."""
        about = "" if self.is_exact else "about "
        held = ""
        if self.sides is not None:
            which = ", the file that is replaced," if self.replaced else ""
            held = f"; the sides of {self.sides.name}{which} hold"
        return f"{about}{self.train:,} train and {self.eval:,} eval{held}"

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        sides = None if self.sides is None else self.sides.name
        return {"train": self.train, "eval": self.eval, "exact": self.is_exact, "sides": sides, "says": list(self.says)}


def split_by_share(total: int, share: float) -> SplitForecast:
    """About how many of so many there are on each side."""
    on_eval = round(total * share)
    return SplitForecast(total - on_eval, on_eval, is_exact=False)


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """What the target does with each: `totals`, the first of those of which there is something to say, and what is to
    say of the whole. `stopping` are conversations for which the export would stop, `left_out` those that it would not
    hold. `split` is None where there is none."""

    totals: Totals
    problems: tuple[Problem, ...]
    remarks: tuple[Remark, ...]
    stopping: int
    left_out: int
    split: SplitForecast | None = None


async def shape_for(reader: ExportReader, request: ExportRequest, counts: ScopeCounts) -> Shape:
    """What is present anywhere in the export, as far as the format asks. An export as it was has the shape of then:
    what was left out had its part in it, and is not on record."""
    format = request.target
    if request.then is not None and request.then.shape is not None:
        return request.then.shape
    if format.kind == "own":
        return Shape()
    if format.kind == "preference":
        return Shape(system=counts.has_system or await reader.had_system(), multi_turn=counts.has_exchanges)
    weighted = format.honours_train and await reader.is_weighted()
    return Shape(weighted, counts.has_system, counts.has_exchanges)


async def forecast(db: Database, request: ExportRequest) -> ExportForecast:
    """How much an export would write, and how it would begin. Raises `FilterError` when the filter cannot be read,
    `TraintuiError` for what cannot be written."""
    format, container = request.target, request.container_for(request.path)
    async with reader_of(db, await request.scope(db)) as reader:
        counts = await reader.counts()
        shape = await shape_for(reader, request, counts)
        records = [each.record() async for page in reader.pages(request.wanted, first=FIRST) for each in page]
    rows = [row for record in records for row in format.write(record, shape).rows]
    if container == "csv" and container in format.containers_for(shape):
        file = io.BytesIO()
        with opened(container, file, format.schema(shape) if format.schema else None) as writer:
            for row in rows:
                writer.write(row)
        return ExportForecast(counts, container, tuple(file.getvalue().decode().splitlines()))
    return ExportForecast(counts, container, tuple(orjson.dumps(row).decode() for row in rows))


async def check(
    db: Database, request: ExportRequest, *, on_progress: Progress = unwatched, on_kin: Progress = unwatched,
    compared: int | None = COMPARED,
) -> ExportCheck:  # fmt: skip
    """Looks at every conversation as the export would, and writes nothing. Of up to `compared` conversations (None: of
    any number) it is found what belongs together, so that a split is foretold exactly; `on_kin` gets how many were
    compared, of how many. Raises as `forecast`, and `BadTarget` when the workspace has targets that cannot be.
    """
    request = await completed(db, request)
    format, container, path = request.target, request.container_for(request.path), request.path.expanduser().absolute()
    request = replace(request, sides=await asyncio.to_thread(manifest_for, request, path))
    kept = Kept() if request.sides is None else await asyncio.to_thread(read, request.sides)
    counting = await asyncio.to_thread(lambda: request.counting)
    splitter = None
    scope = await request.scope(db)
    async with reader_of(db, scope) as reader:
        counts = await reader.counts()
        shape = await shape_for(reader, request, counts)
        if request.eval_share and (compared is None or counts.total <= compared):
            splitter = await splitter_for(reader, request, kept, on_kin)
        checking = Checking(request, counting, splitter)
        done = 0
        async for page in reader.pages(request.wanted):
            if counting.counter.is_estimate:
                checking.take(page)
            else:
                await asyncio.to_thread(checking.take, page)
            done += len(page)
            on_progress(done, counts.total)
    said = remarks(
        format, rows=checking.totals.rows - checking.rows_left_out, container=container, shape=shape,
        desirable=checking.desirable, instead=checking.instead,
    )  # fmt: skip
    said = (*said_of_moment(request.filter_state(scope.filter)), *said)
    split = None
    if request.eval_share:
        split = split_by_share(checking.tally.conversations, request.eval_share)
        if splitter is not None:
            on = splitter.counts
            split = SplitForecast(on["train"], on["eval"], is_exact=True, says=splitter.says())
        split = replace(split, sides=request.sides, replaced=is_own(request, path))
    return ExportCheck(checking.totals, tuple(checking.problems), said, checking.stopping, checking.left_out, split)
