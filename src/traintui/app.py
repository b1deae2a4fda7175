"""The app: five screens over one workspace, which is opened beside the first painting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from pyroaring import BitMap
from rich.text import Text
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.worker import Worker

from traintui import clock, commands, garbage
from traintui.errors import TraintuiError
from traintui.loading import loaded
from traintui.screens.background import Background, note_presence
from traintui.screens.ending import Ending
from traintui.screens.read_once import ReadOnce
from traintui.screens.reviving import Reviving
from traintui.settings import Settings
from traintui.widgets import themes

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.fields import Fields
    from traintui.data.older_cluster import OlderCluster
    from traintui.data.schema_moves import SchemaMoved
    from traintui.windows import OpenWindow

LOOK = 0.7
"""Seconds between two looks at what others changed: it is on the screen within a second."""
LOOK_AGAIN = 2.0
"""Seconds between two tries to reach a database that does not answer."""
RESTING = 1.0
"""Seconds without a key or a click after which nobody is in the middle of something."""
FIELDS_ANEW = 20.0
"""Seconds after which it is looked whether somebody registered or promoted a metadata key."""
PRUNE = 3_600.0
"""Seconds after which what nobody needs of the change feed is taken out."""

OF_THE_WORKSPACE = frozenset(
    {
        "alerts",
        "coverage",
        "export",
        "import_file",
        "metadata_keys",
        "prices",
        "redaction",
        "retention",
        "templates",
        "thresholds",
        "training_targets",
        "vocabulary",
    }
)
"""Actions of the app that need a workspace, and a role that may."""


def conversations() -> Screen[None]:
    """The table."""
    from traintui.screens.conversations import ConversationsScreen

    return ConversationsScreen()


def review() -> Screen[None]:
    """Reading and deciding."""
    from traintui.screens.review import ReviewScreen

    return ReviewScreen()


def generate() -> Screen[None]:
    """Plans and batches."""
    from traintui.screens.generate import GenerateScreen

    return GenerateScreen()


def audit() -> Screen[None]:
    """The logs."""
    from traintui.screens.audit import AuditScreen

    return AuditScreen()


def performance() -> Screen[None]:
    """The database."""
    from traintui.screens.performance import PerformanceScreen

    return PerformanceScreen()


class TraintuiApp(Ending):
    """Traintui. `workspace` is one that is open already, and that its owner closes; else the settings name one.

    `farewell` is what remains to be done where the process ends at once, since its terminal is gone.
    """

    TITLE = "Traintui"
    CSS_PATH: ClassVar[str | PurePath] = "app.tcss"
    MODES = {  # noqa: RUF012
        "conversations": conversations,
        "review": review,
        "generate": generate,
        "audit": audit,
        "performance": performance,
    }
    DEFAULT_MODE = "conversations"
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("app")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {commands.PaletteCommands}

    def __init__(
        self,
        settings: Settings,
        *,
        workspace: Database | None = None,
        demo: bool = False,
        farewell: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(settings, demo=demo, farewell=farewell)
        self.stylesheet = ReadOnce(self.get_css_variables())
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.theme = themes.named(settings.theme).name
        self.set_keymap(settings.keymap)
        self._given = workspace
        self._look = asyncio.Event()
        self._reviving = Reviving(self)
        self._fields: Fields

    def on_mount(self) -> None:
        """Opens the workspace once the first frame is on the terminal."""
        self.call_after_refresh(self.open_workspace)

    # The workspace

    def open_workspace(self) -> None:
        """Opens the workspace in a worker that holds it until the app ends."""
        if self._given is not None:
            self._opened(self._given)
        else:
            self._holder = self.run_worker(self._hold, name="workspace", group="workspace", exit_on_error=False)

    async def _hold(self) -> None:
        self.progress = "Opening the workspace"
        if self.demo:  # before anything else: the worker loads for two seconds
            self.write(self._start_demo_crew, name="demo crew")
        # The drivers take half a second to import; the app answers keys meanwhile.
        workspace = await loaded("traintui.data.workspace")
        older = await asyncio.to_thread(workspace.older_cluster_of, self.settings)
        try:
            async with workspace.open_workspace(
                self.settings, progress=self._progressed, durable=not self.demo
            ) as database:
                window = await self._open_window(database)
                self._opened(database)
                if older is not None:
                    self._tell_move(older)
                self.write(self._begin_demo if self.demo else self._resume_work, name="begin")
                await self._leave.wait()
                self.workspace = None
                await note_presence(database)
                await self.crew.stop()
            if window is not None:
                window.close()
        finally:
            await self.crew.stop()

    async def _start_demo_crew(self) -> None:
        """The rehearsal and a worker for it; the worker loads for two seconds, while the database is made."""
        await self.crew.start_rehearsal()
        await self.crew.ensure_worker()

    async def _begin_demo(self) -> None:
        from traintui.demo.run import begin_demo

        await begin_demo(self.db)
        self.refresh_words()

    async def _resume_work(self) -> None:
        """Marks what a lost worker left behind, and works on what is queued, if there is a provider for it."""
        from traintui.data import batches, presence
        from traintui.generation.provider import provider_of

        if self.db.role in commands.ALLOWED["reviewer"]:
            await batches.recover(self.db)
        before = await presence.note(self.db)
        if before is not None and self.db.role in commands.ALLOWED["author"]:
            self.meanwhile = await presence.ran_since(self.db, before)
        if self.db.role in commands.ALLOWED["author"]:
            try:
                provider = await provider_of(self.settings)
            except TraintuiError:  # the Generate screen says so where somebody wants to generate
                return
            if await batches.anything_left(self.db, endpoint=provider.endpoint, is_rehearsal=provider.is_rehearsal):
                await self.ensure_worker()

    async def _open_window(self, database: Database) -> OpenWindow | None:
        """Says that this window lives, and frees what this person's dead ones had open; None where that cannot be said:
        then their leases end by themselves."""
        from traintui.windows import open_window

        if database.role not in commands.ALLOWED["reviewer"]:
            return None
        try:
            return await open_window(database, self.settings.home, self.window_id)
        except (OSError, TraintuiError):
            return None

    def _progressed(self, step: str) -> None:
        self.call_from_thread(setattr, self, "progress", step)

    def _opened(self, database: Database) -> None:
        self.begin_sending(database)
        self.workspace = database
        self.refresh_words()
        if database.role in commands.ALLOWED["author"]:
            self.read(self.ask_about_imports, name="imports")
        background = Background(self, database)
        self._background = [self._following(), *background.start()]
        if self._given is None and database.role in commands.ALLOWED["author"]:
            self._background.append(background.keep_worker())

    def _tell_move(self, older: OlderCluster) -> None:
        """Says that an older server's workspace was moved as this one was opened, and what is left of it."""
        self.say(
            f"PostgreSQL {older.major} made it, and every row was compared. The old folder is left:"
            f" {older.kept}\nRemove it when you miss nothing.",
            title="Moved to a newer server",
            bad=False,
        )

    def _following(self) -> Worker[None]:
        return self.run_worker(self._follow, name="follow", group="background:follow", exit_on_error=False)

    # The copy in memory

    def look_now(self) -> None:
        """Brings the copy in memory up to date without waiting for the next look."""
        self._look.set()

    async def _follow(self) -> None:
        """Loads the copy, then takes over what changes, for as long as the workspace is open."""
        from traintui.data import feed
        from traintui.data.live import Live
        from traintui.data.refusals import NO_COLUMN, NotReached, Refused
        from traintui.data.schema_moves import SchemaMoved

        self._fields = await self._registered()
        live = self.live = Live(self.db, self._fields)
        pruned, known = 0.0, clock.ticks()
        while True:
            try:
                await self.db.require_schema()
                if clock.ticks() - known > FIELDS_ANEW:
                    self._fields, known = await self._registered(), clock.ticks()
                if live.mirror is None or self._fields.registered != live.fields.registered:
                    await live.load(self._counted, self._fields)
                    garbage.settle()
                    self.changed.publish(live.mirror.every if live.mirror else BitMap())
                elif changed := await live.refresh():
                    self.changed.publish(changed)
                if not pruned or clock.ticks() - pruned > PRUNE:
                    await feed.prune(self.db)
                    pruned = clock.ticks()
                self._reviving.reached()
                self.reached()
            except TraintuiError as error:
                self.outage = error
                if isinstance(error, SchemaMoved):
                    self._schema_moved(error)
                if isinstance(error, Refused) and error.code == NO_COLUMN:
                    known = -FIELDS_ANEW
                if isinstance(error, NotReached) and await self._reviving.revive(self.db):
                    continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK if self.outage is None else LOOK_AGAIN)
            self._look.clear()
            if clock.ticks() - self.touched > RESTING:
                garbage.tidy()

    def _schema_moved(self, moved: SchemaMoved) -> None:
        """Somebody upgraded the database, or took it back: it is said whole once, and stays under the header."""
        if not self.ended:
            self.tell(moved)
        self.ended = moved.brief

    def _counted(self, done: int, every: int) -> None:
        self.loaded = done / every

    def refresh_words(self) -> None:
        """Reads the vocabulary and the reasons anew."""
        self.read(self._read_words, name="words")

    async def _read_words(self) -> None:
        from traintui.data import metadata, reviews, vocabulary
        from traintui.export import training_targets

        self.labels = await vocabulary.labels(self.db)
        self.reasons = await reviews.reasons(self.db)
        with suppress(training_targets.BadTarget):  # whoever needs them is answered
            self.training = await training_targets.read(self.db)
        self.metadata_keys = tuple(known.key for known in (await metadata.known_keys(self.db)).keys)
        if self.live is not None:
            self._fields = await self._registered()
            self.look_now()

    async def _registered(self) -> Fields:
        """The fields of this workspace, with its registered metadata keys."""
        from traintui.data import metadata
        from traintui.data.fields import Fields

        return Fields(await metadata.registered_fields(self.db))

    def work_failed(self, name: str, error: BaseException) -> None:
        """A workspace that does not open is answered with a panel, all else beside the work. Nobody is kept from
        leaving."""
        if name == "leaving":
            self.run_quit()
            return
        if name == "sending" and self.workspace is not None:
            self.sending_failed(self.workspace, error)
            return
        if name != "workspace":
            super().work_failed(name, error)
            return
        from traintui.screens.opening import FailedToOpen

        self.workspace = None
        self.progress = "No workspace"
        self.push_screen(FailedToOpen(self.answer(error)), self._answered)

    def _answered(self, again: bool | None) -> None:
        if again:
            self.open_workspace()

    def _fatal_error(self) -> None:
        """What nobody caught ends the app with an answer. Textual would print a traceback with every local variable,
        and one of them may hold a key."""
        if self._exception is None or self.is_headless:
            super()._fatal_error()
            return
        answer = self.answer(self._exception)
        self.panic(Text(f"traintui: {answer.title}: {answer.message}\n{answer.remedy}"))

    # Actions

    def action_toggle_theme(self) -> None:
        """Changes between the dark and the light theme."""
        self.theme = (themes.LIGHT if self.current_theme.dark else themes.DARK).name

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What works on the workspace needs one, and a role that may."""
        if action in OF_THE_WORKSPACE:
            return True if self.workspace is not None and self.allowed("app", action) else None
        return True
