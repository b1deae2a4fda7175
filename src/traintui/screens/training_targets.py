"""What the workspace trains: which formats, their limits in tokens, and the tokenizer that counts them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.errors import TraintuiError
from traintui.export.preflight_words import by_default, learns
from traintui.export.tokens import NoTokenizer, counter_of
from traintui.export.training_targets import (
    CHOOSABLE,
    NOTHING,
    BadTarget,
    TrainingTarget,
    TrainingTargets,
    path_of,
    target_of,
    targets_of,
)
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

REST = 0.3
"""Seconds that the path rests before it is looked at what is there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A format that can be chosen: its number among the chosen ones (0: it is not), and its own limit as typed."""

    target: TrainingTarget
    number: int
    limit: str

    @property
    def name(self) -> str:
        """The name of the format."""
        return self.target.name


def _number(row: Row) -> Content:
    return Content.styled(f"✓ {row.number}" if row.number else "", "bold $accent")


def _limit(row: Row) -> Content:
    return Content.styled(f"{int(row.limit):,}" if row.limit.isdecimal() else row.limit, "bold $accent")


COLUMNS: tuple[Column[Row], ...] = (
    Column("", 4, _number),
    Column("Trainer", 28, lambda row: Content.styled(row.target.format.title, "bold" if row.number else "")),
    Column("Limit", 11, _limit, right=True),
    Column("By default", 28, lambda row: Content.styled(by_default(row.target.format), "$muted")),
    Column("Trains on", 20, lambda row: Content.styled(learns(row.target.format), "$muted"), from_width=100),
    Column("Format", 0, lambda row: Content.styled(row.name, "$faint"), from_width=120),
)


class TrainingTargetsDialog(BaseDialog[None]):
    """The formats with a tick, the limit of the one under the cursor, and the tokenizer. Administrators change them,
    others read."""

    PLACES = ("training_targets", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("training_targets")
    CSS_PATH = "training_targets.tcss"
    AUTO_FOCUS = "#targets"

    table: getters.query_one[RowTable[Row]] = getters.query_one("#targets", RowTable)
    limit = getters.query_one("#limit", FormField)
    tokenizer = getters.query_one("#tokenizer", FormField)
    counts = getters.query_one("#counts", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        known = self.app.training or NOTHING
        self._chosen = [target.name for target in known.chosen]
        self._limits = {target.name: str(target.limit) for target in known.chosen if target.limit is not None}
        self._path = "" if known.tokenizer is None else str(known.tokenizer)
        self._asked_twice: str | None = None
        """The path that cannot be used here and was asked to be kept."""
        self._saving = False

    def compose(self) -> ComposeResult:
        """Formats, what can be said of one, and what counts."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Training targets"
            panel.border_subtitle = "what Review and exports hold conversations against"
            yield RowTable(COLUMNS, key=lambda row: row.name, opens="Limit", id="targets")
            yield FormField(
                "Limit", Input(compact=True, max_length=11, id="tokens", disabled=not self._may), id="limit",
                about="tokens, where it is not the default",
            )  # fmt: skip
            yield FormField(
                "Tokenizer",
                Input(self._path, compact=True, placeholder="none: four characters are a token", id="path",
                      disabled=not self._may),
                id="tokenizer",
            )  # fmt: skip
            yield Static(id="counts")
            yield Static(id="said")
        yield KeyBar()

    @property
    def _may(self) -> bool:
        return self.allowed("training_targets", "save")

    def on_mount(self) -> None:
        """Reads what is chosen."""
        self._show()
        if not self._may:
            self._say(Content.assemble(("○ ", "$accent"), "Read only: administrators choose what is trained."))
        self.read(self._read, name="targets")

    async def _read(self) -> None:
        from traintui.export import training_targets

        found = await training_targets.read(self.db)
        if found != (self.app.training or NOTHING):
            self.app.training = found
            self._chosen = [target.name for target in found.chosen]
            self._limits = {target.name: str(target.limit) for target in found.chosen if target.limit is not None}
            self.query_one("#path", Input).value = "" if found.tokenizer is None else str(found.tokenizer)
            self._show()
        self._look_at_path()

    def _show(self) -> None:
        self._show_rows()
        self._show_limit()

    @on(RowTable.Moved)
    def _show_limit(self) -> None:
        row, field = self.table.current, self.query_one("#tokens", Input)
        if row is not None:
            with field.prevent(Input.Changed):
                field.value = self._limits.get(row.name, "")
            field.placeholder = f"{tokens:,}" if (tokens := row.target.format.rules.token_limit) else "none"
            self.limit.clear()

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if self._may:
            self.limit.fill()

    @on(Input.Changed, "#tokens")
    def _limit_typed(self, event: Input.Changed) -> None:
        """A limit is of a trainer that is chosen."""
        row = self.table.current
        if row is None:
            return
        self.limit.clear()
        if typed := event.value.strip():
            self._limits[row.name] = typed
            if row.name not in self._chosen:
                self._chosen.append(row.name)
        else:
            self._limits.pop(row.name, None)
        self._show_rows()

    def _show_rows(self) -> None:
        places = {name: number for number, name in enumerate(self._chosen, 1)}
        self.table.show(
            [Row(TrainingTarget(name), places.get(name, 0), self._limits.get(name, "")) for name in CHOOSABLE]
        )

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.table.focus()

    # The tokenizer

    @on(Input.Changed, "#path")
    def _look_at_path(self) -> None:
        self.tokenizer.clear()
        self.read(self._look, name="tokenizer")

    async def _look(self) -> None:
        """What counts on this machine; a large tokenizer takes a second to read."""
        path = path_of(self.query_one("#path", Input).value)
        if path is None:
            self.counts.update(Content.styled("Tokens are estimated, and called an estimate.", "$muted"))
            return
        await asyncio.sleep(REST)
        self.counts.update(Content.styled("◌ reading it", "$muted"))
        try:
            counter = await asyncio.to_thread(counter_of, path)
        except NoTokenizer as error:
            self.counts.update(self._unusable(error))
        else:
            self.counts.update(
                Content.assemble(("✓ ", "$success"), "counts as ", text.shown(counter.name, single_line=True, limit=60))
            )

    def _unusable(self, error: NoTokenizer) -> Content:
        return Content.assemble(
            ("! ", "$warning"), text.shown(error.message, single_line=True, limit=300), " ",
            (f"{error.remedy} Machines without it estimate, and say so.", "$muted"),
        )  # fmt: skip

    # What can be done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs an administrator; letters and blanks in a field are text."""
        if action in {"choose", "first"} and isinstance(self.focused, Input):
            return False
        if action in {"choose", "first", "save"} and not self._may:
            return None
        return True

    def action_choose(self) -> None:
        """Takes the format under the cursor as the last one, or leaves it out."""
        row = self.table.current
        if row is not None:
            if row.number:
                self._chosen.remove(row.name)
                self._limits.pop(row.name, None)
            else:
                self._chosen.append(row.name)
            self._show()

    def action_first(self) -> None:
        """Puts the format under the cursor first."""
        row = self.table.current
        if row is not None:
            self._chosen = [row.name, *(name for name in self._chosen if name != row.name)]
            self._show()

    def action_save(self) -> None:
        """Stores it for everybody; a tokenizer that cannot be used here only when asked a second time."""
        if self._saving:
            return
        try:
            targets = [self._target(name) for name in self._chosen]
        except BadTarget as error:
            self.limit.fail(f"{error.message} {error.remedy}")
            self.limit.fill()
            return
        path = path_of(self.query_one("#path", Input).value)
        self._saving = True
        self.app.keys_follow(self.write(partial(self._save, targets_of(targets, path), path), name="save"))

    def _target(self, name: str) -> TrainingTarget:
        limit = self._limits.get(name, "").replace(",", "")
        try:
            return target_of(name, int(limit) if limit.isdecimal() else limit or None)
        except BadTarget:
            self.table.cursor = CHOOSABLE.index(name)
            self._show_limit()
            raise

    async def _save(self, wanted: TrainingTargets, path: Path | None) -> None:
        from traintui.export import training_targets

        if path is not None and str(path) != self._asked_twice:
            try:
                await asyncio.to_thread(counter_of, path)
            except NoTokenizer as error:
                self._asked_twice, self._saving = str(path), False
                self.tokenizer.fail(f"{error.message} ctrl+s again names it all the same, for other machines.")
                return
        await training_targets.change(self.db, wanted)
        self.app.training = wanted
        self.dismiss(None)

    def _say(self, said: Content) -> None:
        self.said.update(said)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers below the form, where it can be mended."""
        self._saving = False
        answer = self.app.answer(error)
        self._say(failure(answer, gap=" ", mild=isinstance(answer, TraintuiError) and answer is error))

    def action_back(self) -> None:
        """Leaves it as it is, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
