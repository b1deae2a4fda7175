"""The vocabulary: the values of each dimension, how they are called, and how many conversations have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import VocabularyValue
from traintui.screens.base import BaseDialog
from traintui.screens.value_form import ValueForm
from traintui.screens.value_merge import MergeDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import Column, RowTable
from traintui.widgets.swatch import chip

DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone", "tier")
CHANGES = frozenset({"edit", "new", "activate", "merge", "remove"})
"""Actions that need a role; all but `new` need a value too."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension and how many values it has."""

    name: str
    values: int


@dataclass(frozen=True, slots=True)
class Used:
    """A value and how many conversations have it; None until they are counted."""

    value: VocabularyValue
    uses: int | None


def state(value: VocabularyValue) -> Content:
    """Whether new plans can use a value, or what it became."""
    if value.merged_into is not None:
        return Content.assemble(("→ ", "$accent"), text.shown(value.merged_into, single_line=True, style="$muted"))
    return Content.styled("active", "$success") if value.active else Content.styled("inactive", "$muted")


def label(row: Used) -> Content:
    """The colour and the label of a value."""
    style = "" if row.value.active else "$muted"
    return Content.assemble(
        chip(row.value.colour), text.shown(row.value.label, single_line=True, limit=80, style=style)
    )


def count(row: Used) -> Content:
    """How many conversations have a value."""
    if row.uses is None:
        return Content.styled("◌", "$faint")
    return Content(text.count(row.uses)) if row.uses else Content.styled(text.NOTHING, "$faint")


DIMENSION_COLUMNS: tuple[Column[Dimension], ...] = (
    Column("Dimension", 0, lambda row: Content(row.name)),
    Column("", 3, lambda row: Content.styled(str(row.values), "$muted"), right=True),
)
VALUE_COLUMNS: tuple[Column[Used], ...] = (
    Column("Label", 0, label),
    Column("Value", 26, lambda row: text.shown(row.value.value, single_line=True, style="$muted"), from_width=86),
    Column("State", 14, lambda row: state(row.value)),
    Column("Conversations", 13, count, right=True),
)


class VocabularyDialog(BaseDialog[None]):
    """Dimensions on the left, the values of one beside them, and below what is known about the one under the cursor."""

    PLACES = ("vocabulary", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("vocabulary")
    CSS_PATH = "vocabulary.tcss"
    AUTO_FOCUS = "#values"

    dimensions: getters.query_one[RowTable[Dimension]] = getters.query_one("#dimensions", RowTable)
    table: getters.query_one[RowTable[Used]] = getters.query_one("#values", RowTable)
    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._uses: dict[tuple[str, str], int] | None = None
        self._wanted: str | None = None
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The two lists, and below them one value and what was done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Vocabulary"
            panel.border_subtitle = "labels change, values stay"
            with Horizontal(id="lists"):
                yield RowTable(DIMENSION_COLUMNS, key=lambda row: row.name, opens="Values", id="dimensions")
                yield RowTable(VALUE_COLUMNS, key=lambda row: row.value.value, opens="", id="values")
                yield Notice()
            yield Static(id="about")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Shows what is known, and counts."""
        self.watch(self.app, "labels", self._show)
        if not self._may_change:
            role = self.app.workspace.role if self.app.workspace is not None else "none"
            self._say(
                ("○ ", "$accent"), f"Read only: your role is {role}; authors and administrators change the vocabulary."
            )
        self._count_uses()

    # What is shown

    @property
    def _may_change(self) -> bool:
        return self.allowed("vocabulary", "edit")

    @property
    def dimension(self) -> str:
        """The dimension whose values are shown."""
        row = self.dimensions.current
        return row.name if row is not None else DIMENSIONS[0]

    @property
    def current(self) -> VocabularyValue | None:
        """The value under the cursor."""
        row = self.table.current
        return row.value if row is not None and row.value.dimension == self.dimension else None

    def _of(self, dimension: str) -> list[VocabularyValue]:
        return [value for value in self.app.labels.values() if value.dimension == dimension]

    def _show(self) -> None:
        """Both lists anew."""
        self.dimensions.show([Dimension(name, len(self._of(name))) for name in DIMENSIONS])
        self._show_values()

    def _show_values(self, *, top: bool = False) -> None:
        values, uses = self._of(self.dimension), self._uses
        rows = [Used(v, None if uses is None else uses.get((v.dimension, v.value), 0)) for v in values]
        self._shown = self.dimension
        self.table.show(rows, top=top)
        if self._wanted is not None:
            place = next((n for n, value in enumerate(values) if value.value == self._wanted), None)
            if place is not None:
                self.table.cursor, self._wanted = place, None
        self.set_class(not rows, "-nothing")
        self.notice.say(
            "empty",
            f"No {self.dimension} yet",
            "A plan draws one for each conversation.",
            "n adds one; traintui import vocabulary.toml brings many."
            if self._may_change
            else "Authors add them here, or with traintui import vocabulary.toml.",
        )
        self._show_about()
        self.refresh_bindings()

    def _show_about(self) -> None:
        value = self.current
        if value is None:
            self.about.update("")
            return
        lines = [
            Content.assemble(
                chip(value.colour), text.shown(value.label, single_line=True, limit=80, style="bold"), "  ",
                text.shown(value.value, single_line=True, style="$muted"), "  ", state(value),
            ),
            text.shown(value.description or "No description.", single_line=True, limit=500,
                       style="" if value.description else "$faint"),
        ]  # fmt: skip
        self.about.update(Content("\n").join(lines))

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[object]) -> None:
        event.stop()
        if event.control is self.dimensions:
            if self._shown != self.dimension:  # else it only has another number of values
                self._show_values(top=True)
        else:
            self._show_about()
            self.refresh_bindings()

    def action_dimension(self, steps: int) -> None:
        """Goes to another dimension."""
        self.dimensions.cursor += steps

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[object]) -> None:
        event.stop()
        if event.control is self.dimensions:
            self.table.focus()
        elif self.check_action("edit", ()):
            self.action_edit()

    def action_refresh_values(self) -> None:
        """Reads the values and counts again."""
        self.app.refresh_words()
        self._count_uses()

    def _count_uses(self) -> None:
        self.read(self._read_uses, name="uses")

    async def _read_uses(self) -> None:
        from traintui.data import vocabulary

        self._uses = await vocabulary.uses(self.db)
        self._show_values()

    # Changing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes a value needs one, and a role that may."""
        if action not in CHANGES or not self.is_mounted:
            return True
        if not self._may_change:
            return None
        value = self.current
        if action == "new":
            return None if self.dimension == "tier" else True
        if value is None or (action == "merge" and value.dimension == "tier"):
            return None
        if value.merged_into is None:
            return True
        moved = self._uses is not None and not self._uses.get((value.dimension, value.value))
        return None if action == "activate" or (action == "merge" and moved) else True

    def action_edit(self) -> None:
        """Asks for label, description and colour."""
        if self.current is not None:
            self.app.push_screen(ValueForm(self.current, new=False), self._stored)

    def action_new(self) -> None:
        """Asks for a new value."""
        self.app.push_screen(ValueForm(VocabularyValue(self.dimension, "", ""), new=True), self._stored)

    def _stored(self, value: VocabularyValue | None) -> None:
        if value is not None:
            self._wanted = value.value
            self._say(("● ", "$success"), "Stored: ", text.shown(value.label, single_line=True, limit=80))
            self.app.refresh_words()

    def action_activate(self) -> None:
        """Makes the value active for new plans, or inactive."""
        if (value := self.current) is not None:
            self.write(partial(self._activate, value), name="activate")

    async def _activate(self, value: VocabularyValue) -> None:
        from traintui.data import vocabulary

        now = await vocabulary.change(self.db, value.dimension, value.value, active=not value.active)
        what = "new plans can use it" if now.active else "new plans leave it out; what has it keeps it"
        self._say(text.shown(now.label, single_line=True, limit=80), " is ", state(now), f": {what}.")
        self.app.refresh_words()

    def action_remove(self) -> None:
        """Says why a value stays, and what to do instead."""
        if (value := self.current) is not None:
            self.read(partial(self._remove, value), name="remove")

    async def _remove(self, value: VocabularyValue) -> None:
        from traintui.data import vocabulary

        await vocabulary.remove(self.db, value.dimension, value.value)

    def action_merge(self) -> None:
        """Asks into which value this one is merged."""
        value = self.current
        if value is None:
            return
        others = [
            each
            for each in self._of(value.dimension)
            if each.merged_into is None and each != value and value.merged_into in {None, each.value}
        ]
        if not others:
            self._say(("! ", "$warning"), f"There is no other {value.dimension} to merge it into. n adds one.")
            return
        self.app.push_screen(MergeDialog(value, others), self._merged)

    def _merged(self, answer: Content | None) -> None:
        if answer is not None:
            self._say(answer)
            self.action_refresh_values()

    # Answers

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.said.update(Content.assemble(*parts))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers below the lists, which stay."""
        answer = self.app.answer(error)
        self._say(failure(answer, gap=" ", mild=answer is error))
