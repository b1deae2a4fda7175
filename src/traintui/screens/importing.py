"""Import: what a file is and holds, what is wrong with it, what becomes of it; only then anything is written."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.screens.import_mapping import MappingPane
from traintui.screens.import_papers import Paper, chunk_columns, read_paper, stored_words
from traintui.screens.import_parts import (
    DONE,
    LINES,
    LINES_LOW,
    ROOMY,
    ValueRow,
    became,
    holds,
    kinds,
    problem_columns,
    undecided,
    value_columns,
)
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.rate_bar import RateBar
from traintui.widgets.row_table import RowTable
from traintui.widgets.tick import Tick

if TYPE_CHECKING:
    from traintui.importing.checking import Findings
    from traintui.importing.chunks import ChunkText
    from traintui.importing.conversations import LineProblem
    from traintui.importing.loading import ExaminedFile, Stage
    from traintui.importing.store import ImportSummary
    from traintui.importing.values import UnknownValue

State = Literal["naming", "reading", "asking", "storing", "over"]
LOOK = 0.2
"""Seconds between two looks at how far the reading is."""


class ImportDialog(BaseDialog[bool]):
    """Reads a file of conversations, a document or a vocabulary, asks what it has to, stores it, and answers; True when
    something may have come in."""

    PLACES = ("importing", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("importing")
    CSS_PATH = "dialogs.tcss"

    file = getters.query_one("#file", Input)
    mapping = getters.query_one(MappingPane)
    bar = getters.query_one(RateBar)
    answer = getters.query_one("#answer", Static)
    keep_going = getters.query_one("#keep-going", Tick)
    approve = getters.query_one("#approve", Tick)
    problems: getters.query_one[RowTable[LineProblem]] = getters.query_one("#problems", RowTable)
    values: getters.query_one[RowTable[ValueRow]] = getters.query_one("#values", RowTable)
    chunks: getters.query_one[RowTable[ChunkText]] = getters.query_one("#chunks", RowTable)

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(classes="form")
        self.state: State = "naming"
        self._named = "" if path is None else str(path)
        self._file: ExaminedFile | None = None
        self._findings: Findings | None = None
        self._paper: Paper | None = None
        """The document or vocabulary that was read, if the file is one."""
        self._unknown: tuple[UnknownValue, ...] = ()
        self._becomes: dict[tuple[str, str], str] = {}
        self._stop = asyncio.Event()
        self._begun = False

    def compose(self) -> ComposeResult:
        """File, what it is, what is wrong with it, and how far its import is."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Import"
            yield self._row("File", Input(self._named, id="file", compact=True, select_on_focus=False))
            yield self._row("Is", Static(id="is"), id="is-row")
            yield self._row("Holds", Static(id="holds"), id="holds-row")
            yield RowTable(chunk_columns(), key=lambda chunk: chunk.ordinal, opens="", id="chunks")
            yield MappingPane()
            yield RowTable(problem_columns("line"), key=lambda row: row.line, opens="", id="problems")
            yield self._tick("keep-going", "Take the others; these go to a file beside it")
            yield RowTable(
                value_columns(), key=lambda row: (row.unknown.dimension, row.unknown.value), opens="", id="values"
            )
            yield self._tick("approve", "Approve what comes in, each on record")
            yield RateBar()
            yield Static(id="answer")
        yield KeyBar()

    def _row(self, label: str, field: Widget, *, id: str | None = None) -> Horizontal:
        return Horizontal(Static(label, classes="label"), field, classes="row", id=id)

    def _tick(self, id: str, label: str) -> Horizontal:
        return self._row("", Tick(label, False, id=id, compact=True), id=f"{id}-row")

    def on_mount(self) -> None:
        """Waits for a name."""
        self.file.cursor_position = len(self.file.value)
        self._say(
            ("Conversations in JSONL, JSON, CSV or Parquet, also packed with gzip or zstd. ", "$muted"),
            ("Documents to write from in Markdown or plain text, and a vocabulary in TOML. ", "$muted"),
            ("Nothing is written before you have seen what is in it.", "$muted"),
        )
        self.set_interval(LOOK, self._look)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        if action in {"becomes", "add_all"}:
            return self.state == "asking" and bool(self._unknown)
        if action == "go":
            return self.state in {"naming", "asking"}
        if action == "mapping":
            return self.state == "naming" or (self.state == "asking" and self._paper is None)
        return True

    # Reading

    @on(Input.Changed, "#file")
    @on(MappingPane.Edited)
    def _another(self) -> None:
        """What was read is of another file, or of another mapping."""
        if self.state == "asking":
            self._turn("naming")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        """Reads the file; once it was read, stores it."""
        if self.state == "asking":
            self._begin()
        elif self.state == "naming" and (path := self._path()) is not None:
            self._turn("reading")
            self._stop.clear()
            self.read(partial(self._read, path), name="examine")

    def _path(self) -> Path | None:
        named = self.file.value.strip()
        if not named:
            self._say(("! ", "$error"), "Name a file first.")
            return None
        return Path(named).expanduser()

    async def _read(self, path: Path) -> None:
        from traintui.data import metadata_schema
        from traintui.data.key_rules import key_rules
        from traintui.importing.checking import Findings
        from traintui.importing.loading import examined
        from traintui.importing.recognise import kind_of

        self._file = self._paper = None
        kind = kind_of(path)
        if kind != "conversations":
            self._ask_about(await read_paper(self.db, path, kind))
            return
        mapping = self.mapping.mapping if self.mapping.display else None
        self._findings = Findings()
        self._file = await asyncio.to_thread(
            examined, path, None, mapping, keep_going=True, keep_bad=False, rules=await metadata_schema.rules(self.db),
            keys=await key_rules(self.db), findings=self._findings, stop=self._stop,
        )  # fmt: skip
        await self._ask(self._file)

    def _look(self) -> None:
        """Says how far the reading is, which goes on in a thread."""
        if self.state == "reading" and self._findings is not None:
            self.bar.show("read", self._findings.good + self._findings.bad, 0)

    def _ask_about(self, paper: Paper) -> None:
        """Shows what a document or a vocabulary is."""
        self._paper, self._unknown = paper, ()
        self.query_one("#is", Static).update(paper.seen)
        self.query_one("#holds", Static).update(paper.holds)
        self.chunks.show(paper.chunks, top=True)
        lines = 2 * (LINES if self.app.size.height >= ROOMY else LINES_LOW)
        self.chunks.styles.height = min(len(paper.chunks), lines) + 1
        self._turn("asking")
        if paper.chunks:
            self.chunks.focus()
        self._say(paper.will)

    async def _ask(self, file: ExaminedFile) -> None:
        from traintui.data import vocabulary
        from traintui.importing.values import unknown_values

        _, self._unknown = unknown_values(file.findings.values, await vocabulary.labels(self.db))
        self._becomes = {
            (each.dimension, each.value): kept
            for each in self._unknown
            if (kept := self._becomes.get((each.dimension, each.value)))
        }
        self.query_one("#is", Static).update(text.shown(file.known.seen, single_line=True, limit=300))
        self.query_one("#holds", Static).update(holds(file))
        self.problems.show(file.findings.problems, top=True)
        lines = LINES if self.app.size.height >= ROOMY else LINES_LOW
        self.problems.styles.height = min(len(file.findings.problems), lines) + 1
        self.values.styles.height = min(len(self._unknown), lines) + 1
        self._show_values()
        self._turn("asking")
        if file.findings.bad and not self.keep_going.value:
            self.keep_going.focus()
        elif self._unknown:
            self.values.focus()
        self._say_next()

    def _say_next(self) -> None:
        """What stands in the way, or what ctrl+s will do."""
        if self._file is None or self.state != "asking":
            return
        findings = self._file.findings
        if findings.bad and not self.keep_going.value:
            self._say(("! ", "$warning"), "Mend the records, or tick the box to take the others. ", kinds(findings))
        elif number := undecided(self._becomes, self._unknown):
            self._say(
                ("! ", "$warning"), f"{text.plural(number, 'value')} not in the vocabulary: ", ("a", "bold"),
                " adds the one under the cursor, ", ("→", "bold"), " makes another of it, ", ("A", "bold"),
                " adds all. What is left stops the import.",
            )  # fmt: skip
        else:
            approved = " and approves" if self.approve.value else ""
            self._say(
                ("ctrl+s", "bold"), f" stores{approved} {text.plural(findings.good, 'conversation')}; ",
                ("what is here already stays as it is.", "$muted"),
            )  # fmt: skip

    @on(Tick.Changed)
    def _ticked(self) -> None:
        self._say_next()

    # Unknown values

    def action_becomes(self, step: int) -> None:
        """Makes of the value under the cursor the next one of its dimension; 0 adds it as it is."""
        if (row := self.values.current) is None:
            return
        choices = self._choices(row.unknown)
        now = self._becomes.get((row.unknown.dimension, row.unknown.value), "")
        if step == 0:
            if not row.unknown.name:
                self._say(
                    ("! ", "$warning"), f"A {row.unknown.dimension} like this cannot be added; → makes another of it."
                )
                return
            chosen = row.unknown.name
        else:
            chosen = choices[(choices.index(now) + step) % len(choices)] if now in choices else choices[0]
        self._becomes[row.unknown.dimension, row.unknown.value] = chosen
        self._show_values()
        self._say_next()

    def action_add_all(self) -> None:
        """Adds each that can be, and of which nothing was said."""
        for each in self._unknown:
            if each.name:
                self._becomes.setdefault((each.dimension, each.value), each.name)
        self._show_values()
        self._say_next()

    def _choices(self, unknown: UnknownValue) -> list[str]:
        """What a value may become: nothing, the nearest, the others in their order."""
        there = [
            name for (dimension, name), entry in self.app.labels.items()
            if dimension == unknown.dimension and entry.merged_into is None
        ]  # fmt: skip
        return ["", *sorted(there, key=lambda name: (name != unknown.nearest, name))]

    def _show_values(self) -> None:
        rows = []
        for each in self._unknown:
            name = self._becomes.get((each.dimension, each.value), "")
            rows.append(ValueRow(each, name, name == each.name and (each.dimension, name) not in self.app.labels))
        self.values.stay()
        self.values.show(rows)

    # Mapping

    def action_mapping(self) -> None:
        """Opens the mapping, guessed from the first record, or leaves it away."""
        if self.mapping.display:
            self.remove_class("-mapping")
            self._another()
            self.file.focus()
        elif (path := self._path()) is not None:
            self.add_class("-mapping")
            self._turn("naming")
            self.mapping.begin(path)
            self.mapping.field.focus()

    # Storing

    def _begin(self) -> None:
        if self._paper is not None:
            self._start(self._paper.path)
            return
        assert self._file is not None  # noqa: S101 - asked only about what was read
        if self._file.findings.bad and not self.keep_going.value:
            self._say_next()
            return
        if undecided(self._becomes, self._unknown):
            self._say_next()
            return
        self._start(self._file.path)

    def _start(self, path: Path) -> None:
        self._begun = True
        self._stop.clear()
        self._turn("storing")
        self._say(("Reading it once more", "$muted"))
        self.write(partial(self._store, path), name="import")

    async def _store(self, path: Path) -> None:
        from traintui.importing.store import import_paths

        mapping = self.mapping.mapping if self.mapping.display else None
        summary = await import_paths(
            self.db, [path], mapping=mapping, becomes=self._becomes, keep_going=self.keep_going.value,
            approve=self.approve.value, progress=self._progressed, stop=self._stop,
        )  # fmt: skip
        self._over(summary)

    def _progressed(self, stage: Stage, done: int, total: int) -> None:
        if self.is_mounted:
            self._say(("Stopping: what came in is removed again" if stage == "removing" else "esc stops it", "$muted"))
            self.bar.show(DONE[stage], done, total)
        self.app.look_now()

    def _over(self, summary: ImportSummary) -> None:
        self.app.look_now()
        if summary.added or summary.vocabulary or summary.starter:
            self.app.refresh_words()
        if self.is_mounted:
            self._turn("over")
            self._say(became(summary.conversations[0]) if summary.conversations else stored_words(summary))

    # States

    def _turn(self, state: State) -> None:
        self.state = state
        paper = self._paper is not None
        found = (paper or self._file is not None) and state in {"asking", "storing", "over"}
        self.set_class(found, "-found")
        self.set_class(state == "asking" and not paper, "-asking")
        self.set_class(found and self._paper is not None and bool(self._paper.chunks), "-chunks")
        self.set_class(found and bool(self._file and self._file.findings.bad) and state == "asking", "-bad")
        self.set_class(found and bool(self._unknown) and state == "asking", "-unknown")
        self.set_class(state in {"reading", "storing"}, "-running")
        for field in (self.file, self.keep_going, self.approve, self.mapping.field):
            field.disabled = state in {"storing", "over"}
        self.bar.clear()
        if state == "reading":
            self._say(("Reading it to its end; esc stops", "$muted"))
        elif state == "naming":
            self._say(("ctrl+s", "bold"), " reads it.")
        self.refresh_bindings()

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble(*parts))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog, where the file or the mapping can be named anew."""
        from traintui.importing.checking import NOT_RECOGNISED
        from traintui.importing.loading import Stopped

        if not self.is_mounted:
            self.app.tell(error)
            return
        self._turn("naming")
        if isinstance(error, Stopped):
            self._say(("! ", "$warning"), "Stopped. Nothing of it was kept.")
        else:
            answer = self.app.answer(error)
            mapping = "f2 says where the conversations are in a file of another shape."
            self._say(failure(answer, mapping if answer.title == NOT_RECOGNISED else None))

    def action_back(self) -> None:
        """Stops what is under way, and leaves nothing behind; else closes."""
        if self.state in {"reading", "storing"}:
            self._stop.set()
            self._say(("Stopping", "$muted"))
        else:
            self.dismiss(self._begun)
