"""From records to files: each conversation is looked at, written on its side, and counted."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import orjson

from traintui.data.fetched import Fetched
from traintui.data.training_records import TrainingRecord
from traintui.export.containers import Writer, opened
from traintui.export.fileset import FileSet, Part
from traintui.export.formats import Container, Files
from traintui.export.glance import texts_at_a_glance
from traintui.export.manifest import Tally
from traintui.export.preflight import Preflight, Totals, preflight
from traintui.export.record import Shape
from traintui.export.request import ExportRequest
from traintui.export.rules import Finding, Severity
from traintui.export.skeletons import Skeletons
from traintui.export.splits import Side, Splitter
from traintui.export.tokens import Counting

KEPT = 1_000
"""Conversations of which it is kept what is wrong with them; all are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a conversation, the worst first."""

    conversation_id: str
    revision: int
    findings: tuple[Finding, ...]

    @property
    def says(self) -> str:
        """Its worst in one sentence."""
        return self.findings[0].says

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "conversation_id": self.conversation_id,
            "revision": self.revision,
            "findings": [
                {"rule": found.rule.name, "severity": found.severity.value, "turn": found.turn, "says": found.says,
                 "key": found.key}
                for found in self.findings
            ],
        }  # fmt: skip


class Checking:
    """What an export will meet, conversation by conversation, without writing anything."""

    def __init__(self, request: ExportRequest, counting: Counting, splitter: Splitter | None = None) -> None:
        self.request = request
        self.splitter = splitter or Splitter(0.0)
        self.format = request.target
        self.counter = counter = counting.counter
        target = self.format.rules
        self.totals = Totals(
            target.target, counter.is_estimate, request.limit, counter.name, target.token_limit, target.excess,
            writes_cut=request.if_cut == "write",
        )  # fmt: skip
        limited = request.limit is not None or self.format.rules.token_limit is not None
        self.instead = counting.instead if limited else None
        """Why tokens are estimated though a tokenizer is named, where that matters."""
        self.tally = Tally()
        self.problems: list[Problem] = []
        self.stoppers: list[Problem] = []
        self.stopping = 0
        """Conversations for which the export stops; `stoppers` are the first of them."""
        self.labels = (0, 0)
        """Rows whose answer is as it should be, and others, where they have a label."""
        self.left_out = self.rows_left_out = 0

    def look(self, record: TrainingRecord) -> Preflight:
        """What there is to say of it."""
        result = preflight(record, self.format, self.counter, limit=self.request.limit)
        self.totals.add(result)
        return result

    def texts(self, fetched: Fetched) -> Sequence[bytes] | None:
        """Its texts as JSON, where there is nothing to say of it for certain."""
        return texts_at_a_glance(fetched, self.format, self.request.limit, estimates=self.counter.is_estimate)

    def verdict(self, result: Preflight) -> str:
        """Whether it is written, left out, or stops the export. What gives no row is not in the file."""
        if result.passes:
            return "write"
        if result.is_refused:
            return self.request.if_refused
        if result.rows == 0:
            return "leave-out"
        cut = any(finding.severity is Severity.CUT for finding in result.findings)
        return self.request.if_cut if cut else "write"

    @property
    def desirable(self) -> int | None:
        """Rows that are labelled as they should be; None where rows have no label."""
        return self.labels[0] if any(self.labels) else None

    def note(self, record: TrainingRecord, result: Preflight) -> str:
        """Looks and counts; what becomes of it."""
        verdict = self.verdict(result)
        if verdict != "write":
            self.rows_left_out += result.rows
        elif result.desirable is not None:
            self.labels = (self.labels[0] + result.desirable, self.labels[1] + result.rows - result.desirable)
        if not result.passes:
            problem = Problem(record.conversation_id, record.revision, result.findings)
            if len(self.problems) < KEPT:
                self.problems.append(problem)
            if verdict == "stop":
                self.stopping += 1
                if len(self.stoppers) < KEPT:
                    self.stoppers.append(problem)
        return verdict

    def take(self, page: Sequence[Fetched]) -> None:
        """Looks at a page."""
        taken = []
        for fetched in page:
            if self.texts(fetched) is not None:
                self.totals.pass_one()
                taken.append(fetched)
            elif self.note(record := fetched.record(), self.look(record)) == "write":
                taken.append(fetched)
            else:
                self.left_out += 1
        self.tally.add(taken)
        for fetched in taken:
            self.side(fetched)

    def side(self, fetched: Fetched) -> Side | None:
        """The side of a conversation, which is thereby placed; None where there is but one."""
        if not self.splitter.share:
            return None
        return self.splitter.side_of(fetched.conversation_id, fetched.node, self._stratum(fetched))

    def _stratum(self, fetched: Fetched) -> tuple[str, ...] | None:
        names = self.request.strata
        return tuple(getattr(fetched, name) or "none" for name in names) if names else None


class Assembly(Checking):
    """The same, with every row written.

    A page takes milliseconds, and what it gives is held: `files.drain` writes it. Where a container makes its bytes out
    of many rows at once, or tokens are counted, a page may take long (`is_slow`).
    """

    def __init__(
        self,
        request: ExportRequest,
        counting: Counting,
        shape: Shape,
        files: FileSet,
        name: str,
        container: Container,
        splitter: Splitter | None = None,
    ) -> None:
        super().__init__(request, counting, splitter or Splitter(request.eval_share))
        self.shape = shape
        self.container = container
        self.files = files
        self.names = Files(name, eval_name(name) if request.eval_share else None, container)
        self.rows = 0
        self.written: list[Fetched] = []
        """What was written since `recorded` was last asked."""
        self._roll = scratch(files)
        self._omitted = scratch(files)
        self._skeletons = Skeletons(self.format, shape)
        self._writers = {"train": self._open(name, "train" if self.names.eval else None)}
        if self.names.eval:
            self._writers["eval"] = self._open(self.names.eval, "eval")

    def _open(self, name: str, side: str | None) -> tuple[Part, Writer]:
        part = self.files.add(name, side=side)
        schema = self.format.schema(self.shape) if self.format.schema else None
        return part, opened(self.container, part.file, schema)

    @property
    def is_slow(self) -> bool:
        """Whether a page is to be taken in a thread."""
        return self.container == "parquet" or not self.counter.is_estimate

    def close(self) -> None:
        """Gives up what it holds beside the files."""
        for file in (self._roll, self._omitted):
            with contextlib.suppress(OSError):  # of a full disk, which has been told
                file.close()

    def take(self, page: Sequence[Fetched]) -> None:
        """Writes a page. Once something stops the export the rest is only looked at."""
        roll: list[bytes] = []
        written: list[Fetched] = []
        for fetched in page:
            record, texts = None, self.texts(fetched)
            if texts is not None:
                self.totals.pass_one()
            else:
                record = fetched.record()
                result = self.look(record)
                if self.note(record, result) != "write":
                    self._leave_out(record, result)
                    continue
            if self.stopping:
                continue
            side = self.side(fetched)
            _, writer = self._writers[side or "train"]
            row = None
            if texts is not None and writer.takes_json:
                row = self._skeletons.row(fetched.system_prompt, texts)
            if row is not None:
                writer.write_json(row)
            else:
                self._write(record or fetched.record(), writer)
            written.append(fetched)
            roll.append(roll_entry(fetched, side))
        if roll:
            self._roll.write(b"\n".join(roll) + b"\n")
        self.tally.add(written)
        self.written += written

    def _leave_out(self, record: TrainingRecord, result: Preflight) -> None:
        self.left_out += 1
        entry = [record.conversation_id, record.revision, result.findings[0].says]
        self._omitted.write(orjson.dumps(entry) + b"\n")

    def _write(self, record: TrainingRecord, writer: Writer) -> None:
        for row in self.format.write(record, self.shape).rows:
            writer.write(row)

    def recorded(self) -> list[Fetched]:
        """What was written since this was last asked."""
        written, self.written = self.written, []
        return written

    def finish(self) -> None:
        """Ends the files of data."""
        for part, writer in self._writers.values():
            writer.close()
            part.rows = writer.rows
            self.rows += writer.rows

    def roll(self) -> Iterator[bytes]:
        """An entry of JSON for each conversation that was written."""
        return lines_of(self._roll)

    def omitted(self) -> Iterator[bytes]:
        """The same for each that was left out, with the reason."""
        return lines_of(self._omitted)


def roll_entry(fetched: Fetched, side: Side | None) -> bytes:
    """What the manifest says of a conversation that was written, as JSON."""
    entry = (fetched.conversation_id, fetched.revision)
    return orjson.dumps(entry if side is None else (*entry, side))


def scratch(files: FileSet) -> IO[bytes]:
    """A file without a name, on the disk that the export goes to."""
    return tempfile.TemporaryFile(dir=files.directory)


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file from its beginning, without their ends."""
    file.seek(0)
    for line in file:
        yield line[:-1]


def eval_name(name: str) -> str:
    """The name of the file for the eval side."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.eval.{suffix}" if dot and stem else f"{name}.eval"
