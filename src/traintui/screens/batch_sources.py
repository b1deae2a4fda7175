"""What a batch is written from: documents, and chunks of them, chosen from what there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import ChunkOutline
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.row_table import Column, RowTable

PATH = " > "
"""Between the headings above a chunk."""
NO_HEADING = "without a heading"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A document with how many of its chunks are chosen, or one of its chunks (`chunk`)."""

    document: str
    said: str
    chunk: int | None
    chosen: int
    of: int
    tokens: int
    folded: bool = True

    @property
    def key(self) -> tuple[str, int | None]:
        """What names it."""
        return self.document, self.chunk


def rows_of(chunks: Sequence[ChunkOutline], chosen: Collection[int], unfolded: Collection[str]) -> Iterator[SourceRow]:
    """The documents, and the chunks of those that are unfolded."""
    for name, group in groupby(chunks, key=lambda chunk: chunk.document):
        pieces = list(group)
        yield SourceRow(
            name, pieces[0].title, None, sum(piece.id in chosen for piece in pieces), len(pieces),
            sum(piece.token_estimate for piece in pieces), folded=name not in unfolded,
        )  # fmt: skip
        if name in unfolded:
            for piece in pieces:
                said = piece.heading or NO_HEADING
                yield SourceRow(name, said, piece.id, int(piece.id in chosen), 1, piece.token_estimate)


def said_of(chunks: Sequence[ChunkOutline], chosen: Collection[int]) -> str:
    """How much of everything is chosen, in words."""
    wanted = [chunk for chunk in chunks if chunk.id in chosen]
    tokens = text.tokens(sum(chunk.token_estimate for chunk in wanted))
    documents = len({chunk.document for chunk in wanted})
    if len(wanted) == len(chunks):
        said = f"all {text.plural(len(chunks), 'chunk')} of {text.plural(documents, 'document')}"
    else:
        said = f"{len(wanted):,} of {text.plural(len(chunks), 'chunk')}, of {text.plural(documents, 'document')}"
    return f"{said}, ~{tokens} tokens"


@dataclass(frozen=True, slots=True)
class NamedSources:
    """What a plan names to write from; nothing means everything."""

    documents: Sequence[str] = ()
    chunks: Sequence[int | str] = ()


class ChosenSources:
    """What a batch is written from: what a plan named, until it is known what there is; then chunks by their ids."""

    def __init__(self, named: NamedSources) -> None:
        self._named = named
        self.chunks: tuple[ChunkOutline, ...] = ()
        self._ids: frozenset[int] | None = None

    def know(self, chunks: tuple[ChunkOutline, ...]) -> None:
        """Takes what there is. Raises `TraintuiError` where what was named is not among it; it stays named then."""
        from traintui.generation.chunk_choice import chosen

        self.chunks = chunks
        self._ids = frozenset(chunk.id for chunk in chosen(self._named, chunks))

    @property
    def ids(self) -> frozenset[int]:
        """The chunks that are chosen; all, where what was named is not to be had."""
        return frozenset(chunk.id for chunk in self.chunks) if self._ids is None else self._ids

    def choose(self, ids: frozenset[int]) -> None:
        """Takes these chunks."""
        self._ids = ids

    @property
    def named(self) -> NamedSources:
        """As a plan names it."""
        from traintui.generation.chunk_choice import naming

        return self._named if self._ids is None else NamedSources(*naming(self._ids, self.chunks))

    @property
    def said(self) -> str:
        """In words."""
        if not self.chunks:
            return "nothing yet"
        if self._ids is None:
            return "what the last plan named; not all of it is there"
        return said_of(self.chunks, self._ids)


def _tick(row: SourceRow) -> Content:
    if not row.chosen:
        return Content.styled("·", "$faint")
    return Content.styled("✓" if row.chosen == row.of else "◐", "$accent")


def _name(row: SourceRow) -> Content:
    if row.chunk is not None:
        # What tells chunks apart stands first, where there is room for it.
        above, _, heading = row.said.rpartition(PATH)
        return Content.assemble(
            "    ", text.shown(heading, single_line=True, limit=120),
            text.shown(f"  {above}" if above else "", single_line=True, limit=200, style="$muted"),
        )  # fmt: skip
    return Content.assemble(
        ("▸ " if row.folded else "▾ ", "$muted"), text.shown(row.said, single_line=True, limit=200, style="bold")
    )


def _chunks(row: SourceRow) -> Content:
    if row.chunk is not None:
        return Content("")
    part = f"{row.chosen:,} of " if 0 < row.chosen < row.of else ""
    return Content.styled(f"{part}{row.of:,}", "" if row.chosen else "$faint")


COLUMNS: tuple[Column[SourceRow], ...] = (
    Column("", 1, _tick),
    Column("Document", 0, _name),
    Column("Chunks", 11, _chunks, right=True),
    Column("Tokens", 8, lambda row: Content.styled(f"~{text.tokens(row.tokens)}", "$muted"), right=True),
)


class SourcesDialog(BaseDialog[frozenset[int]]):
    """Documents that unfold into their chunks, each with a tick; answers with the ids of the chunks that are chosen."""

    PLACES = ("batch_sources", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("batch_sources")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[SourceRow]] = getters.query_one(RowTable)
    chosen = getters.query_one("#chosen", Static)

    def __init__(self, chunks: Sequence[ChunkOutline], chosen: Collection[int]) -> None:
        super().__init__()
        self._chunks = chunks
        self._chosen = set(chosen)
        whole = {row.document for row in rows_of(chunks, chosen, ()) if row.chosen in {0, row.of}}
        self._unfolded = {chunk.document for chunk in chunks} - whole

    def compose(self) -> ComposeResult:
        """The documents, and how much of them is chosen."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What to write from"
            yield RowTable(COLUMNS, key=lambda row: row.key, opens="")
            yield Static(id="chosen")
        yield KeyBar()

    def on_mount(self) -> None:
        """Shows them."""
        self._show()

    def _show(self) -> None:
        self.table.show(tuple(rows_of(self._chunks, self._chosen, self._unfolded)))
        if self._chosen:
            said = said_of(self._chunks, self._chosen)
            self.chosen.update(Content.styled(f"{said[:1].upper()}{said[1:]}", "$muted"))
        else:
            self.chosen.update(Content.assemble(("! ", "$warning"), "Nothing: choose at least one."))

    def _ids(self, row: SourceRow) -> set[int]:
        if row.chunk is not None:
            return {row.chunk}
        return {chunk.id for chunk in self._chunks if chunk.document == row.document}

    def action_choose(self) -> None:
        """Takes the document or the chunk in or out, and goes on."""
        row = self.table.current
        if row is None:
            return
        ids = self._ids(row)
        self._chosen = self._chosen - ids if row.chosen == row.of else self._chosen | ids
        self._show()
        self.table.cursor += 1

    @on(RowTable.Opened)
    def _opened(self) -> None:
        self.action_choose()

    def action_all(self) -> None:
        """Takes everything, or nothing where everything is taken."""
        every = {chunk.id for chunk in self._chunks}
        self._chosen = set() if self._chosen >= every else every
        self._show()

    def action_fold(self, fold: bool) -> None:
        """Shows the chunks of a document, or folds them away."""
        row = self.table.current
        if row is None:
            return
        if fold:
            self._unfolded.discard(row.document)
            self._show()
            self.table.cursor = next(i for i, each in enumerate(self.table.rows) if each.document == row.document)
        else:
            self._unfolded.add(row.document)
            self._show()

    def action_keep(self) -> None:
        """Answers with what is chosen, unless it is nothing."""
        if self._chosen:
            self.dismiss(frozenset(self._chosen))
