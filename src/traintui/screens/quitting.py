"""What becomes of the worker when the app is closed while a batch runs."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import BatchProgress
from traintui.processes import Parting
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.data.work import WorkerView


def still_to_do(batch: BatchProgress) -> int:
    """How many conversations of a batch wait to be written or judged, or are under way."""
    if batch.state not in {"queued", "running"}:
        return 0
    return batch.queued + batch.running + (batch.judge.waiting if batch.judge is not None else 0)


def calls_of(pid: int | None, workers: Iterable[WorkerView]) -> int:
    """How many calls the worker of a process of this machine has under way. What is at the provider at half price is
    no worker's."""
    here = (socket.gethostname(), pid)
    return sum(worker.running for worker in workers if (worker.host, worker.pid) == here)


def ending(under_way: int) -> str:
    """What a worker does that is to stop."""
    if not under_way:
        return "It ends at once"
    return f"It ends after {text.plural(under_way, 'call')} under way"


def question(left: int, batches: int) -> str:
    """What is not done yet, and what is asked about it."""
    said = f"{text.plural(left, 'conversation')} of {text.plural(batches, 'batch', 'batches')}"
    are, them = ("is", "it") if left == 1 else ("are", "them")
    return f"{said} {are} not done yet. What is to become of {them}?"


@dataclass(frozen=True, slots=True)
class Leaving:
    """How the app goes without its worker, and whether it does so each time from now on."""

    parting: Parting
    always: bool = False


class Quitting(BaseDialog[Leaving]):
    """What runs, the two ways to leave it, and the way back; each has a key."""

    PLACES = ("quitting",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("quitting")
    CSS_PATH = "dialogs.tcss"

    always = getters.query_one("#always", Static)

    def __init__(self, running: tuple[BatchProgress, ...], under_way: int) -> None:
        super().__init__(classes="sheet")
        self._batches = running
        self._under_way = under_way
        self._is_always = False

    def compose(self) -> ComposeResult:
        """The question, what each answer means, and whether it is to be remembered."""
        first, left = self._batches[0], sum(still_to_do(batch) for batch in self._batches)
        others = f" and {text.plural(len(self._batches) - 1, 'other')}" if len(self._batches) > 1 else ""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(
                ("◐ ", "$generating"), text.shown(first.name, single_line=True, limit=40), f"{others} still running"
            )
            yield Static(question(left, len(self._batches)))
            yield Static("")
            yield Static(
                Content.assemble(
                    ("l    ", "bold"), "The worker goes on without the app, and ends when all are done.\n",
                    ("s    ", "bold"), f"{ending(self._under_way)}; p on Generate goes on with the rest.\n",
                    ("esc  ", "bold"), "The app stays open.",
                )
            )  # fmt: skip
            yield Static("")
            yield Static(id="always")
        yield KeyBar()

    def on_mount(self) -> None:
        """Nothing is remembered unless it is wished."""
        self._show()

    def _show(self) -> None:
        mark = Content.styled("■" if self._is_always else "□", "$accent")
        self.always.update(Content.assemble(mark, " Do the same each time ", ("(space)", "$muted")))

    def action_always(self) -> None:
        """Remembers the answer, or does not."""
        self._is_always = not self._is_always
        self._show()

    def action_leave(self) -> None:
        """The worker goes on."""
        self.dismiss(Leaving("stay", self._is_always))

    def action_stop(self) -> None:
        """The worker ends after what is under way."""
        self.dismiss(Leaving("finish", self._is_always))
