"""Erasing what was said in calls: what goes and what stays, which part, and why. Nothing brings it back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Select, Static

from traintui import commands, text
from traintui.errors import TraintuiError
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.audit.erasing import Choice, ErasingResult
    from traintui.audit.holding import Target

State = Literal["asking", "confirming", "running", "over"]
NAMES: dict[str, str] = {
    "holding": "the parts that hold the text",
    "all": "request, response and error text",
    "request": "the request",
    "response": "the response",
    "error": "the text of the error",
}
GOES = ("Gone for good: nothing brings it back. ", "bold $error")
STAYS = (
    "The text leaves the log and the archive. Tokens, cost and a digest of it stay, so that the record still verifies,"
    " with your name, the time and the reason. Backups, files that were saved before and the server's write-ahead log"
    " keep it until they are replaced."
)
CLOSES = ("   esc closes", "$faint")
BAR = 40
WORKS_IN: dict[str, frozenset[State]] = {
    "erase": frozenset({"asking"}), "do": frozenset({"confirming"}), "stop": frozenset({"running"}),
    "back": frozenset({"asking", "confirming", "over"}),
}  # fmt: skip
"""In which states a key works."""


class EraseDialog(BaseDialog[bool]):
    """Asks for part and reason, asks once more, erases; True when something may have been erased. `holding` is the text
    that the calls hold, so that the parts with it can be meant, and `aside` how many rows of what was put aside do."""

    PLACES = ("erasing",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("erasing")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "#reason"

    panel = getters.query_one(".dialog", Vertical)
    answer = getters.query_one("#answer", Static)
    reason = getters.query_one("#reason", Input)
    which: getters.query_one[Select[str]] = getters.query_one("#which", Select)

    def __init__(self, targets: Sequence[Target], *, holding: str | None = None, aside: int = 0) -> None:
        super().__init__(classes="form")
        self.state: State = "asking"
        self._targets = targets
        self._holding = holding
        self._aside = aside
        self._stop = asyncio.Event()
        self._begun = False

    def compose(self) -> ComposeResult:
        """The two fields, and what will be."""
        calls = text.plural(len(self._targets), "call") if self._targets else "what was put aside"
        named = f"call {self._targets[0].id}" if len(self._targets) == 1 else calls
        there = {part for target in self._targets for part in target.there}
        offered = [key for key in NAMES if key == "all" or key in there or (key == "holding" and self._holding)]
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(("✕ ", "$error"), f"Erase from {named}")
            options = [(NAMES[key], key) for key in offered]
            yield FormField(
                "Goes", Select(options, value=offered[0], allow_blank=False, compact=True, id="which"),
                id="which_field",
            )  # fmt: skip
            yield FormField(
                "Why", Input(placeholder="Who asked for it, and when", compact=True, max_length=500, id="reason"),
                id="reason_field",
            )  # fmt: skip
            yield Static(Content.assemble(GOES, STAYS), id="answer")
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        return self.state in WORKS_IN.get(action, frozenset({self.state}))

    @property
    def _choice(self) -> Choice:
        return str(self.which.value)  # type: ignore[return-value]  # the select offers nothing else

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_erase()

    def action_erase(self) -> None:
        """Asks once more, once there is a reason."""
        from traintui.audit.erasing import parts_of

        field = self.query_one("#reason_field", FormField)
        field.clear()
        if self.state != "asking":
            return
        if not self.reason.value.strip():
            field.fail("Nothing is erased without a reason: say who asked for it.")
            self.reason.focus()
            return
        number = sum(bool(parts_of(target, self._choice)) for target in self._targets)
        if not number and not self._aside:
            self.query_one("#which_field", FormField).fail("nothing of that is there.")
            return
        calls = f"call {self._targets[0].id}" if len(self._targets) == 1 else text.plural(number, "call")
        rows = f"{text.plural(self._aside, 'row')} put aside" if self._aside else ""
        of_them = f"of {' and '.join(each for each in (calls if self._targets else '', rows) if each)}"
        self.answer.update(
            Content.assemble((f"Erase {NAMES[self._choice]} {of_them}? ", "bold"),
                             GOES, ("y erases, esc goes back.", "$muted"))
        )  # fmt: skip
        self._turn("confirming")

    def action_do(self) -> None:
        """Erases."""
        self._begun = True
        self._turn("running")
        self._progressed(0, len(self._targets))
        self.write(self._erase, name="erase")

    async def _erase(self) -> None:
        from traintui.audit import erasing

        became = await erasing.erase(
            self.db,
            self._targets,
            self._choice,
            self.reason.value,
            holding=self._holding,
            progress=self._progressed,
            archiving=partial(self._progressed, of=" frames of the archive"),
            stop=self._stop,
        )
        if self.is_mounted:
            self.answer.update(Content.assemble(said(became), CLOSES))
            self._turn("over")

    def _progressed(self, done: int, total: int, of: str = "") -> None:
        full, empty = text.bar(done, total, BAR)
        ending = ("   stopping", "$warning") if self._stop.is_set() else ("   esc stops", "$faint")
        self.answer.update(
            Content.assemble((full, "$accent"), (empty, "$rule"), f"  {done:,} of {total:,}{of}", ending)
        )

    def action_stop(self) -> None:
        """Ends behind the call at hand."""
        self._stop.set()

    def action_back(self) -> None:
        """Back to the fields, or closes."""
        if self.state == "confirming":
            self.answer.update(Content.assemble(GOES, STAYS))
            self._turn("asking")
        else:
            self.dismiss(self._begun)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here: what was erased before is erased."""
        answer = self.app.answer(error)
        self.panel.add_class("-failed")
        self.answer.update(Content.assemble(failure(answer, gap=" "), CLOSES))
        self._turn("over")

    def _turn(self, state: State) -> None:
        self.state = state
        self.which.disabled = self.reason.disabled = state != "asking"
        if state == "asking":
            self.reason.focus()
        else:
            self.set_focus(None)
        self.refresh_bindings()


def said(became: ErasingResult) -> Content:
    """What became of it, in words."""
    parts = [f"erased from {text.plural(became.done, 'call')}"] if became.done else []
    if became.aside:
        rows = text.plural(sum(each.rows for each in became.aside), "row")
        parts.append(f"{rows} put aside went too" if parts else f"erased {rows} put aside")
    parts = parts or ["nothing was erased"]
    if became.not_looked:
        parts.append(f"{', '.join(became.not_looked)} were not looked through: W looks there for a text")
    if became.nothing:
        parts.append(f"{became.nothing:,} had nothing of it any more")
    if became.left:
        parts.append(f"{became.left:,} are as they were, since you stopped it")
    if became.pending:
        parts.append(f"{became.pending:,} are still to be taken out of the archive, at an administrator's next start")
    mark = ("● ", "$success") if became.done or became.aside else ("○ ", "$muted")
    why = f" Not out of the archive: {became.failures[0]}" if became.failures else ""
    return Content.assemble(
        mark, (parts[0], "bold"), "".join(f"; {part}" for part in parts[1:]), ".",
        text.shown(why, single_line=True, limit=400, style="$warning"),
    )  # fmt: skip


def erasable(answer: Target) -> Target:
    """A call from which something may be erased. Raises `TraintuiError` where nothing is left."""
    if not answer.there:
        raise TraintuiError(
            "Nothing to erase", f"call {answer.id} has no request, response or error text any more.",
            "Where somebody erased it, its detail says who, when and why. Its digests stay: they say nothing of what"
            " was said.",
        )  # fmt: skip
    return answer
