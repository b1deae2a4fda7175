"""Views: filters with a name, to apply one, to save the present one, to delete one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.data import views
from traintui.data.views import LONGEST_NAME, SavedView, Viewed
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable
from traintui.widgets.tick import Tick

LINES = 16
"""Views that are seen at once."""


class ViewsDialog(BaseDialog[SavedView]):
    """What is built in, what one saved, what others share. Answers the view that was chosen, or None."""

    PLACES = ("views", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("views")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[SavedView]] = getters.query_one("#views", RowTable)
    field = getters.query_one("#name", Input)
    shared = getters.query_one(Tick)
    scope = getters.query_one("#scope", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(
        self,
        filter_text: str,
        sort: str = "",
        columns: Sequence[Any] = (),
        *,
        of: Viewed = "conversations",
        every: str = "all conversations",
    ) -> None:
        """`of` is what there are views of; `every` says what no filter means there."""
        super().__init__(classes="form")
        self._of, self._every = of, every
        self._filter, self._sort, self._columns = filter_text, sort, columns
        self._asked: SavedView | None = None

    def compose(self) -> ComposeResult:
        """The list, the form of a new one, and the answer."""
        # Where there is room for one of them: many views of a log are nothing but an order.
        ordered, owned = (84, 50) if self._of == "conversations" else (50, 84)
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Views"
            yield RowTable[SavedView](
                [
                    Column("View", 24, lambda view: text.shown(view.name, single_line=True, limit=80)),
                    Column("Filter", 0, self._filter_of),
                    Column("Order", 12, lambda view: Content.styled(order(view.sort), "$muted"), from_width=ordered),
                    Column("Whose", 14, self._whose, from_width=owned),
                ],
                key=lambda view: (view.id, view.name),
                opens="Apply",
                id="views",
            )
            with Vertical(id="saving"):
                yield Horizontal(
                    Static("Name", classes="label"), Input(compact=True, max_length=LONGEST_NAME, id="name"),
                    classes="row",
                )  # fmt: skip
                yield Horizontal(
                    Static("", classes="label"), Tick("Share it with everybody", compact=True), classes="row"
                )
                yield Horizontal(Static("Saves", classes="label"), Static(id="scope"), classes="row")
            yield Static(id="answer")
        yield KeyBar()

    def _filter_of(self, view: SavedView) -> Content:
        if not view.filter_text:
            return Content.styled("all", "$faint")
        return text.shown(view.filter_text, single_line=True, limit=200, style="$muted")

    def _whose(self, view: SavedView) -> Content:
        if view.is_built_in:
            return Content.styled("built in", "$faint")
        if view.owner == self.db.login:
            return Content.styled("mine, shared" if view.shared else "mine", "$muted")
        return text.shown(view.owner, single_line=True, limit=14, style="$muted")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Who may save none has no keys for it; the form and the list have keys of their own."""
        if action in {"save", "new", "delete"} and (action == "save") != self.has_class("-saving"):
            return False
        role = None if self.app.workspace is None else self.app.workspace.role
        keeps = self._of != "conversations" and role in commands.ALLOWED["auditor"]
        return True if keeps or self.allowed("views", action) else None

    # The list

    def on_mount(self) -> None:
        """What is built in is there at once."""
        self._show(views.BUILT_IN_OF[self._of])
        self._load()

    def _load(self, then: SavedView | None = None) -> None:
        self.read(partial(self._read, then), name="views")

    async def _read(self, then: SavedView | None) -> None:
        self._show(await views.views(self.db, self._of))
        if then is not None:
            self.table.cursor = next(
                (place for place, view in enumerate(self.table.rows) if view.id == then.id), self.table.cursor
            )

    def _show(self, found: tuple[SavedView, ...]) -> None:
        self.table.styles.height = min(len(found), LINES) + 1
        self.table.show(found)

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[SavedView]) -> None:
        self.dismiss(event.row)

    @on(RowTable.Moved)
    def _moved(self) -> None:
        self._forget()

    # Saving

    def action_new(self) -> None:
        """Asks for a name."""
        self._forget()
        self.add_class("-saving")
        self.refresh_bindings()
        scope = self._filter or self._every
        self.scope.update(
            Content.assemble(
                text.shown(scope, single_line=True, limit=200), (f"   {order(self._sort)}", "$muted"),
            )
        )  # fmt: skip
        self.field.focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    @on(Input.Changed)
    def _named(self) -> None:
        self._forget()

    def action_save(self) -> None:
        """Saves it; one of this name only when asked a second time."""
        name = self.field.value.strip()
        if not name:
            self._say(("! ", "$error"), "Give it a name first.")
            return
        taken = next((view for view in self.table.rows if view.name == name and self._is_mine(view)), None)
        if taken is not None and self._asked != taken:
            self._asked = taken
            self._say(
                ("! ", "$warning"), text.shown(name, single_line=True), " is there already. ",
                ("enter again replaces it.", "bold"),
            )  # fmt: skip
            return
        self.app.keys_follow(self.write(partial(self._save, name, self.shared.value), name="save"))

    def _is_mine(self, view: SavedView) -> bool:
        return not view.is_built_in and view.owner == self.db.login

    async def _save(self, name: str, shared: bool) -> None:
        saved = await views.save(self.db, name, self._filter, self._sort, self._columns, shared=shared, of=self._of)
        self._leave_form()
        self._load(saved)
        self._say(("● ", "$success"), "Saved as ", text.shown(saved.name, single_line=True, style="bold"))

    def _leave_form(self) -> None:
        self.remove_class("-saving")
        self.refresh_bindings()
        with self.prevent(Input.Changed):
            self.field.value = ""
        self.table.focus()

    # Deleting

    def action_delete(self) -> None:
        """Deletes the view when asked a second time."""
        view = self.table.current
        if view is None:
            return
        name = text.shown(view.name, single_line=True, style="bold")
        if view.id is None:
            self._say(name, " is built in, and stays.")
        elif self._asked == view:
            self._forget()
            self.write(partial(self._delete, view, view.id), name="delete")
        else:
            self._asked = view
            for_all = " for everybody" if view.shared else ""
            self._say(("! ", "$warning"), "Delete ", name, f"{for_all}? ", ("d again deletes it.", "bold"))

    async def _delete(self, view: SavedView, view_id: int) -> None:
        await views.delete(self.db, view_id)
        self._load()
        self._say("Deleted ", text.shown(view.name, single_line=True, style="bold"))

    # Answers

    def action_back(self) -> None:
        """Takes back a question, then the form, then closes."""
        if self._asked is not None:
            self._forget()
        elif self.has_class("-saving"):
            self._leave_form()
            self._say()
        else:
            self.dismiss(None)

    def _forget(self) -> None:
        if self._asked is not None:
            self._asked = None
            self._say()

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble("\n", *parts) if parts else "")

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog."""
        answer = self.app.answer(error)
        self._asked = None
        self._say(failure(answer))


def order(sort: str) -> str:
    """How an order is shown: the field, and whether the least or the most come first."""
    if not sort:
        return "newest first"
    name = text.visible(sort.removeprefix("-"), single_line=True, limit=24)
    return f"{name} {'▼' if sort.startswith('-') else '▲'}"
