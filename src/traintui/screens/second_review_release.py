"""Releasing what waits for another decision: where nobody is there to make it, an administrator says what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.errors import TraintuiError
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.data.second_review import Released, Standing


def became(released: Released, shown: int, *, settled: bool, rest: str = "") -> Content:
    """What became of it, in words; of the number that was `shown` the rest had changed, unless something else is to be
    said of the `rest`."""
    if not settled:
        parts = [f"{text.plural(released.handed_back, 'conversation')} handed back: one decision settles each"]
    else:
        parts = [f"{released.approved:,} approved, {released.rejected:,} rejected by the decisions that were there"]
        if released.number:
            parts.append("u takes them back, but the second review is over: one decision then settles each")
    if rest:
        parts.append(rest)
    elif changed := shown - released.number:
        parts.append(f"{changed:,} changed meanwhile, so nothing was done on {'it' if changed == 1 else 'them'}")
    return Content.assemble(("● ", "$success"), ". ".join(parts), ".")


class ReleaseDialog(BaseDialog[Content]):
    """Says how many each way is about, does it, and answers what became of it; None where nothing was done."""

    PLACES = ("releasing",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("releasing")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = ""

    says = getters.query_one("#says", Static)

    def __init__(self, standing: Standing, seen: str) -> None:
        super().__init__(classes="sheet")
        self._standing = standing
        self._seen = seen
        """The snapshot before they were counted: what changed since is not as the numbers say."""
        self._releasing = False
        self._settles = False
        self._released: Released | None = None
        """What is done until then."""
        self._part: Content | None = None
        """What became of it where it failed on the way; nothing more is released by the numbers before that."""

    def compose(self) -> ComposeResult:
        """Both ways, with the exact numbers."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = f"Release {text.plural(self._every, 'conversation')} from the second review?"
            yield Static(self._ways(), id="says")
        yield KeyBar()

    @property
    def _every(self) -> int:
        return self._standing.open + self._standing.disputed

    def _ways(self) -> Content:
        agreed = self._standing.agreed
        counts = "the decisions that are there count" if agreed else "nowhere all decisions that are there agree"
        settle = Content.assemble((" s ", "bold $accent" if agreed else "$faint"), f" {agreed or 0:,}: {counts}")
        return Content("\n").join([
            *(() if agreed is None else (settle,)),  # told to administrators alone
            Content.assemble((" h ", "bold $accent"), f" {self._every:,}: handed back; one decision settles each"),
            Content.styled("Each is on record. What was decided on them is hidden from nobody any more.", "$muted"),
            Content.styled("u takes s back, but the second review is over: one decision settles each.", "$muted"),
        ])  # fmt: skip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is to release, and once."""
        if action == "release":
            is_open = not self._releasing and self._part is None
            return is_open and (parameters == (False,) or bool(self._standing.agreed))
        return True

    def action_release(self, settle: bool) -> None:
        """Lets the decisions that are there count, or hands all back."""
        self._releasing, self._settles = True, settle
        self.says.update(Content.styled("Releasing", "$muted"))
        self.refresh_bindings()
        self.write(self._release, name="release")

    async def _release(self) -> None:
        from traintui.data import second_review

        settle = self._settles
        released = await second_review.release(self.db, settle=settle, seen=self._seen, progress=self._went_on)
        self.app.look_now()
        shown = (self._standing.agreed or 0) if settle else self._every
        self.dismiss(became(released, shown, settled=settle))

    def _went_on(self, released: Released) -> None:
        self._released = released
        self.says.update(Content.styled(f"Releasing: {released.number:,} done", "$muted"))

    def action_back(self) -> None:
        """Leaves them as they are, unless they are just being released; answers what was done where that failed."""
        if not self._releasing:
            self.dismiss(self._part)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here; where some were released before it failed, with what was done in place of the numbers."""
        from traintui.data.refusals import Refused

        self._releasing = False
        if self._released is not None and self._released.number:
            # Where the answer of the server was lost, what was asked last may have been done.
            lost = isinstance(error, TraintuiError) and not isinstance(error, Refused)
            rest = "The next look says how the rest stands" if lost else "The rest is as it was"
            self._part = became(self._released, 0, settled=self._settles, rest=rest)
            self.query_one(".dialog").border_title = "Released in part"
            self.app.look_now()
        below = self._ways() if self._part is None else self._part
        self.says.update(Content("\n").join([failure(self.app.answer(error), gap=" "), below]))
        self.refresh_bindings()
