"""Whether something is really to be done to an index: its SQL, what it costs and risks; and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.index_action_rows import densities, sizes
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.data.index_actions import LoggedAction
    from traintui.data.index_building import BuildProgress
    from traintui.observing.mending import Planned

State = Literal["asking", "running", "over"]
VERBS = {"rebuild": "Rebuild", "drop": "Drop", "create": "Make", "clean": "Clean up"}
BAR = 40
CLOSES = ("   esc closes", "$faint")
WORKS_IN: dict[str, frozenset[State]] = {
    "do": frozenset({"asking"}), "stop": frozenset({"running"}), "back": frozenset({"asking", "over"}),
}  # fmt: skip
"""In which states a key works."""


class MendIndex(BaseDialog[bool]):
    """Asks, does it and says what became of it; True when something was begun. `proof` is what is known of how plans
    stand now, for one that is to be made."""

    PLACES = ("mending",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("mending")
    CSS_PATH = "dialogs.tcss"

    answer = getters.query_one("#answer", Static)

    def __init__(self, planned: Sequence[Planned], proof: Sequence[str] = ()) -> None:
        super().__init__(classes="form")
        self.state: State = "asking"
        self._planned = planned
        self._proof = proof
        self._stop = asyncio.Event()
        self._begun = False

    def compose(self) -> ComposeResult:
        """The statements, what they cost and risk, and what becomes of them."""
        first = self._planned[0]
        what = first.index if len(self._planned) == 1 else f"{len(self._planned)} unfinished indexes"
        verb = "Make again" if first.undoes is not None else VERBS[first.kind]
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(f"{verb} ", text.shown(what, single_line=True, limit=70), "?")
            with VerticalScroll(id="statements", can_focus=False):
                for each in self._planned:
                    yield Static(text.shown(each.statement, limit=1_000, style="bold"))
            for name, said in (
                ("Costs", first.costs),
                ("Risks", first.risks),
                *(("Now", each) for each in self._proof),
            ):
                yield Horizontal(Static(name, classes="label"), Static(text.shown(said, limit=500)), classes="row")
            yield Static(self._question(), id="answer")
        yield KeyBar()

    def _question(self) -> Content:
        if self._planned[0].kind == "drop":
            return Content.styled("How it is made is kept: u in the history (h) makes it again.", "$muted")
        return Content.styled("It is written down in the history (h) before it begins.", "$muted")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        return self.state in WORKS_IN.get(action, frozenset({self.state}))

    def action_do(self) -> None:
        """Does it."""
        self._begun = True
        self._turn("running")
        self._say_far("beginning", 0, 0)
        self.write(self._do, name="mend")

    async def _do(self) -> None:
        from traintui.observing.mending import carry_out

        done = []
        for planned in self._planned:
            done.append(await carry_out(self.db, planned, progress=self._progressed, stop=self._stop))
        if self.is_mounted:
            self.answer.update(Content.assemble(said_of(done), CLOSES))
            self._turn("over")

    def _progressed(self, far: BuildProgress) -> None:
        self._say_far(far.phase, far.done, far.total)

    def _say_far(self, phase: str, done: int, total: int) -> None:
        full, empty = text.bar(done, total, BAR)
        ending = ("   stopping", "$warning") if self._stop.is_set() else ("   esc stops", "$faint")
        if self.is_mounted:
            said = text.shown(phase, single_line=True, limit=60)
            self.answer.update(Content.assemble((full, "$accent"), (empty, "$rule"), "  ", said, ending))

    def action_stop(self) -> None:
        """Ends it on the server; what it began is taken away."""
        self._stop.set()
        self._say_far("taking away what was begun", 0, 0)

    def action_back(self) -> None:
        """Leaves it as it is, or closes."""
        self.dismiss(self._begun)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here."""
        if self.is_mounted:
            self.answer.update(Content.assemble(failure(self.app.answer(error), gap=" "), CLOSES))
            self._turn("over")

    def _turn(self, state: State) -> None:
        self.state = state
        self.refresh_bindings()


def said_of(done: Sequence[LoggedAction]) -> Content:
    """What became of it, in words."""
    first = done[0]
    took = sum(each.seconds or 0.0 for each in done)
    words = {"rebuild": "Rebuilt", "drop": "Dropped", "create": "Made", "clean": "Cleaned up"}
    parts = [Content.assemble(("● ", "$success"), (words[first.kind], "bold"), f" in {took:,.1f} s")]
    if first.kind == "rebuild":
        parts += [Content(", "), sizes(first)]
        if first.density_before is not None and first.density_after is not None:
            parts += [Content(", filled "), densities(first)]
    return Content.assemble(*parts, ".")
