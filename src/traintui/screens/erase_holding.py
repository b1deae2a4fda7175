"""All calls that hold a text: where a person stands who asks for their data to be erased."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.screens.erase_calls import EraseDialog
from traintui.widgets.detail_view import DetailView
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.audit.holding import Target

LINES = 12
"""Calls that are shown without scrolling."""
MOST = 1_000
"""Calls that are listed; beyond that they are counted."""
SAYS = (
    "Enter only looks, through requests, responses and errors of all calls, also those in the archive; nothing is"
    " erased before you have seen the list, given a reason and said yes. What is erased is gone for good."
    " Conversations, notes of reviewers and documents stay as they are: look there for the same text."
)


class HoldingDialog(BaseDialog[bool]):
    """Asks for a text, looks, lists the calls with it, and leads to erasing them; True when something may have been
    erased."""

    PLACES = ("holding",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("holding")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "#wanted"

    field = getters.query_one("#wanted_field", FormField)
    wanted = getters.query_one("#wanted", Input)
    answer = getters.query_one("#answer", Static)
    listed = getters.query_one(DetailView)

    def __init__(self) -> None:
        super().__init__(classes="form")
        self._found: Sequence[Target] = ()
        self._aside = 0
        self._stop: asyncio.Event | None = None
        self._begun = False

    def compose(self) -> ComposeResult:
        """The field, what was found, and what is read."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Find a person's text in calls, to erase it"
            yield FormField(
                "Text", Input(placeholder="an e-mail address, or first and last name", compact=True, max_length=200,
                              id="wanted"), id="wanted_field",
            )  # fmt: skip
            yield DetailView()
            yield Static(Content.styled(SAYS, "$muted"), id="answer")
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What was found can be erased, what is looked for be stopped."""
        looking = self._stop is not None
        return {"look": not looking, "erase": bool(self._found or self._aside) and not looking}.get(action, True)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._found, self._aside = (), 0
        self.set_class(False, "-found")
        self.refresh_bindings()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_look()

    def action_look(self) -> None:
        """Looks through all calls."""
        if self._stop is None:
            self.field.clear()
            self._stop = asyncio.Event()
            self._looked(0, 0)
            self.read(partial(self._look, self.wanted.value), name="holding")
            self.refresh_bindings()

    async def _look(self, said: str) -> None:
        from traintui.audit.holding import calls_holding, rows_aside_holding

        found = await calls_holding(self.db, said, progress=self._looked, stop=self._stop)
        aside = () if found is None else await rows_aside_holding(self.db, said)
        self._stop = None
        if said != self.wanted.value:  # what was found holds another text than the one that stands there
            self.answer.update("The text is another now; nothing was erased. Enter looks for it.")
            self.refresh_bindings()
            return
        self._found, self._aside = found or (), sum(each.rows for each in aside)
        rows = f"{text.plural(self._aside, 'row')} that a downgrade put aside"
        self.set_class(bool(self._found), "-found")
        if found is None:
            self.answer.update("Stopped; nothing was erased.")
        elif not found and self._aside:
            self.answer.update(
                Content.assemble("No call holds it, but ", (f"{rows} hold{'s' if self._aside == 1 else ''} it", "bold"),
                                 ". ", ("ctrl+s goes on to erasing.", "$muted"))
            )  # fmt: skip
        elif not found:
            self.answer.update(Content.assemble("No call holds it. ", (SAYS, "$muted")))
        else:
            archived = sum(each.week is not None for each in found)
            where = f", {archived:,} of them in the archive" if archived else ""
            where += f", and {rows}" if self._aside else ""
            self.answer.update(
                Content.assemble((f"{text.plural(len(found), 'call')} hold{'s' if len(found) == 1 else ''} it", "bold"),
                                 where, ". ", ("ctrl+s goes on to erasing.", "$muted"))
            )  # fmt: skip
            self.listed.styles.height = min(LINES, len(found)) + 1
            self.listed.show(lines(found), key=said)
        self.refresh_bindings()

    def _looked(self, done: int, total: int) -> None:
        of_all = f" of {total:,}" if total else ""
        self.answer.update(Content.styled(f"◌ {done:,}{of_all} calls looked at; esc stops", "$accent"))

    def action_erase(self) -> None:
        """Goes on to part and reason."""
        if self._found or self._aside:
            dialog = EraseDialog(self._found, holding=self.wanted.value, aside=self._aside)
            self.app.push_screen(dialog, self._erased)

    def _erased(self, begun: bool | None) -> None:
        if begun:
            self._begun = True
            self.action_look()

    def action_back(self) -> None:
        """Stops, or closes."""
        if self._stop is not None:
            self._stop.set()
        else:
            self.dismiss(self._begun)

    def work_failed(self, name: str, error: BaseException) -> None:
        """A text that cannot be looked for is answered at the field."""
        self._stop = None
        answer = self.app.answer(error)
        self.field.fail(f"{answer.message} {answer.remedy}")
        self.answer.update(Content.styled(SAYS, "$muted"))
        self.refresh_bindings()


def lines(found: Sequence[Target]) -> Iterator[Content]:
    """A call in a line that a narrow screen holds: when, which, where, and which parts hold the text."""
    for each in found[:MOST]:
        where = ("archive ", "$warning") if each.week is not None else ("log     ", "$muted")
        conversation = text.visible(each.conversation_id or "", single_line=True, limit=18)
        yield Content.assemble(
            (f"{each.created_at.astimezone():%Y-%m-%d}  ", "$muted"), f"{each.id:<7}", where,
            (f"{', '.join(each.holding):<25}", "bold"), conversation,
        )  # fmt: skip
    if len(found) > MOST:
        yield Content.styled(f"and {len(found) - MOST:,} more", "$muted")
