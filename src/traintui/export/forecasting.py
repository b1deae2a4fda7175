"""What an export would write, said before: how much, the first rows, and what its target does with each
conversation."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from traintui.data.engine import Database
from traintui.data.export_reading import ExportReader, ScopeCounts
from traintui.data.past_reading import reader_of
from traintui.export.assembly import Checking, Problem
from traintui.export.containers import opened
from traintui.export.formats import Container
from traintui.export.preflight import Remark, Totals, remarks
from traintui.export.record import Shape
from traintui.export.request import ExportRequest, completed

FIRST = 5
"""Conversations of which the rows are shown."""

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
class ExportCheck:
    """What the target does with each: `totals`, the first of those of which there is something to say, and what is to
    say of the whole. `stopping` are conversations for which the export would stop, `left_out` those that it would not
    hold."""

    totals: Totals
    problems: tuple[Problem, ...]
    remarks: tuple[Remark, ...]
    stopping: int
    left_out: int


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


async def check(db: Database, request: ExportRequest, *, on_progress: Progress = unwatched) -> ExportCheck:
    """Looks at every conversation as the export would, and writes nothing. Raises as `forecast`, and `BadTarget` when
    the workspace has targets that cannot be."""
    request = await completed(db, request)
    format, container = request.target, request.container_for(request.path)
    counting = await asyncio.to_thread(lambda: request.counting)
    checking = Checking(request, counting)
    async with reader_of(db, await request.scope(db)) as reader:
        counts = await reader.counts()
        shape = await shape_for(reader, request, counts)
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
    return ExportCheck(checking.totals, tuple(checking.problems), said, checking.stopping, checking.left_out)
