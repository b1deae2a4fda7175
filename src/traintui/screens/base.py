"""What every screen and dialog is made of: work beside the painting, one answer to failures, header and keys."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from traintui import commands, text
from traintui.errors import TraintuiError
from traintui.screens.shell import Shell
from traintui.widgets.away_line import AwayLine
from traintui.widgets.header import HeaderBar, badge
from traintui.widgets.keybar import KeyBar
from traintui.widgets.unsent import UnsentLine

if TYPE_CHECKING:
    from traintui.data.alert_records import OpenAlerts
    from traintui.data.engine import Database
    from traintui.data.presence_records import Meanwhile
    from traintui.outbox.sending import Outbox

Work = Callable[[], Coroutine[Any, Any, None]]
Result = TypeVar("Result")

SAID = 20.0
"""Seconds for which the answer to a key stands in the line below."""
WRITING = "write"
READING = "read"
"""How the groups of workers begin. Reads end with the app; writes are waited for."""
BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (120, "-wide")]
"""From how many cells on a screen is called what."""


class Working(DOMNode):
    """Runs work in workers of its own, and answers when one fails. Nothing else awaits the database.

    Work is a function without arguments that returns a coroutine, such as `partial(self._load, filter_text)`.
    """

    app = getters.app(Shell)

    def reading_now(self, name: str) -> bool:
        """Whether a read of this name is under way: what looks again and again need not begin another one."""
        return any(
            worker.node is self and worker.group == f"{READING}:{name}" and not worker.is_finished
            for worker in self.app.workers
        )

    def read(self, work: Work, *, name: str) -> Worker[None]:
        """Reads something; a newer read of the same name takes the place of this one."""
        return self.run_worker(work, name=name, group=f"{READING}:{name}", exclusive=True, exit_on_error=False)

    def write(self, work: Work, *, name: str) -> Worker[None]:
        """Changes something. Nothing cancels it: the app waits for it before it ends."""
        return self.run_worker(work, name=name, group=f"{WRITING}:{name}", exit_on_error=False)

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        event.stop()
        worker = event.worker
        # What a read that was given up meets on its way out is nobody's concern.
        given_up = worker.is_cancelled and worker.group.startswith(READING)
        if event.state is WorkerState.ERROR and worker.error is not None and not given_up:
            from traintui.data.refusals import NO_COLUMN, Refused

            if isinstance(worker.error, Refused) and worker.error.code == NO_COLUMN:
                self.app.refresh_words()  # with the fields; where they are others, all that shows rows reads them again
            self.work_failed(worker.name, worker.error)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers failed work. A screen that has a place for the answer overrides this."""
        self.app.tell(error)

    @property
    def db(self) -> Database:
        """The open workspace. Raises `TraintuiError` while there is none; `on_workspace_ready` says when there is."""
        if self.app.workspace is None:
            raise TraintuiError("Not open yet", "The workspace is still being opened.", "Try it in a moment.")
        return self.app.workspace

    def allowed(self, where: str, action: str) -> bool:
        """Whether the person's role allows an action of a place."""
        needed = commands.role_for(where, action)
        return not needed or (self.app.workspace is not None and self.app.workspace.role in commands.ALLOWED[needed])


class Sending(Working):
    """Work beside which something is pressed."""

    @property
    def outbox(self) -> Outbox:
        """What takes presses. Raises `TraintuiError` while no workspace is open."""
        if self.app.outbox is None:
            raise TraintuiError("Not open yet", "The workspace is still being opened.", "Try it in a moment.")
        return self.app.outbox


class BaseScreen(Screen[None], Sending):
    """A screen of the app. A subclass fills `compose_body`, and takes its `BINDINGS` from `commands`.

    `PLACES` are the places of `commands` whose keys work here, its own first: help and palette list them.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("app",)
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As in Textual, but who loses and who gets the focus is drawn anew, not the whole screen."""
    ready: bool = False
    """Whether the screen is there and the workspace is open."""
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS

    def offered(self) -> Iterable[tuple[DOMNode, str]]:
        """The places whose commands can be run here, each with the node that runs them: for palette and help."""
        return tuple((self, place) for place in self.PLACES)

    def compose(self) -> ComposeResult:
        """Header, body, keys."""
        yield HeaderBar(self.PLACES[0], demo=self.app.demo)
        yield AwayLine()
        yield UnsentLine()
        with Container(id="body"):
            yield from self.compose_body()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """What is between header and keys."""
        yield from ()

    def on_mount(self) -> None:
        """Waits for the workspace beside the painting."""
        self.watch(self.app, "workspace", self._workspace_changed)
        self.watch(self.app, "progress", self._place_changed)
        self.watch(self.app, "meanwhile", self._meanwhile_changed)
        self.watch(self.app, "alerts", self._alerts_changed)
        self.watch(self.app, "unsent", self.unsent_changed)
        self.watch(self.app, "news", self.unsent_changed)
        self.watch(self.app, "ended", self.unsent_changed)
        self.watch(self.app, "stays", self.unsent_changed)

    def _workspace_changed(self, workspace: Database | None) -> None:
        self._place_changed()
        self.ready = False
        if workspace is not None:
            self.refresh_bindings()
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.ready = True
        self.on_workspace_ready()

    def _place_changed(self) -> None:
        header = self.query_one(HeaderBar)
        workspace = self.app.workspace
        if workspace is None:
            header.place = (f"◌ {self.app.progress}", "◌ opening")
            self.on_progress(self.app.progress)
            return
        login = text.visible(workspace.login, single_line=True, limit=24)
        label = text.visible(workspace.label, single_line=True, limit=40)
        header.place = (f"{label} · {login} ({workspace.role})", f"{label} · {login}", login, "")

    def _meanwhile_changed(self, meanwhile: Meanwhile | None) -> None:
        self.query_one(AwayLine).show(meanwhile, hint="" if self.PLACES[0] == "generate" else "3 shows it")

    def _alerts_changed(self, found: OpenAlerts | None) -> None:
        self.query_one(HeaderBar).alerts = badge(found)

    @on(HeaderBar.AlertsChosen)
    def _alerts_chosen(self) -> None:
        self.app.action_alerts()

    def unsent_changed(self) -> None:
        """More or less waits to be saved."""
        self.query_one(UnsentLine).show(self.app.unsent, self.app.news, self.app.ended, self.app.stays)

    @on(HeaderBar.Chosen)
    def _tab_chosen(self, event: HeaderBar.Chosen) -> None:
        self.app.switch_mode(event.mode)

    def on_progress(self, step: str) -> None:
        """The workspace is being opened, or closed: what is under way."""

    def on_workspace_ready(self) -> None:
        """The workspace is open: time to read. Called once, after the first painting."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the screen rest while there is no workspace, and where the role does not allow them."""
        if not commands.has(self.PLACES[0], action):
            return True
        return True if self.app.workspace is not None and self.allowed(self.PLACES[0], action) else None


class BaseDialog(ModalScreen[Result], Sending):
    """A dialog over a screen; `PLACES` as for a screen."""

    PLACES: ClassVar[tuple[str, ...]] = ("app",)
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS

    def offered(self) -> Iterable[tuple[DOMNode, str]]:
        """As for a screen."""
        return tuple((self, place) for place in self.PLACES)

    def action_back(self) -> None:
        """Closes it without a result."""
        self.dismiss(None)
