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

from traintui import clock, commands, garbage, text
from traintui.errors import TraintuiError
from traintui.loading import loaded
from traintui.screens.ending import Ending
from traintui.screens.read_once import ReadOnce
from traintui.screens.reviving import Reviving
from traintui.settings import Settings
from traintui.widgets import themes

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.fields import Fields
    from traintui.data.retention_rounds import Rounds
    from traintui.windows import OpenWindow

LOOK = 0.7
"""Seconds between two looks at what others changed: it is on the screen within a second."""
LOOK_AGAIN = 2.0
"""Seconds between two tries to reach a database that does not answer."""
RESTING = 1.0
"""Seconds without a key or a click after which nobody is in the middle of something."""
WATCHED_AFTER = 5.0
"""Seconds after which the database is watched: what people wait for at a start goes first."""
STILL_HERE = 60.0
"""Seconds after which it is noted again that this person is here."""
SAID_EVERY = 2.0
"""Seconds between two words on how far something in the background is."""
PRUNE = 3_600.0
"""Seconds after which what nobody needs of the change feed is taken out."""

ROWS_FIRST = 2.0
"""Seconds after which what may be needed later is loaded: the first rows are there by then."""

OF_THE_WORKSPACE = frozenset(
    {
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
        self._left_undone: dict[str, str] = {}

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
        try:
            async with workspace.open_workspace(
                self.settings, progress=self._progressed, durable=not self.demo
            ) as database:
                window = await self._open_window(database)
                self._opened(database)
                self.write(self._begin_demo if self.demo else self._resume_work, name="begin")
                if database.role in commands.ALLOWED["author"]:
                    self._keep_worker(database)
                await self._leave.wait()
                self.workspace = None
                await self._note_presence(database)
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

    async def _finish_erasing(self) -> None:
        """Takes out of the archive what an erasure or a purge left there when it was cut off."""
        from traintui.audit.archive_erasing import finish_erasing
        from traintui.data import erasures
        from traintui.data.refusals import NotReached

        number = 0
        with suppress(NotReached):  # the next start looks again
            number = await erasures.number_pending(self.db)
        if not number:
            return
        said = clock.ticks()

        def progress(done: int, total: int) -> None:
            nonlocal said
            if clock.ticks() - said >= SAID_EVERY:
                said = clock.ticks()
                self.say(f"{done:,} of {total:,} frames.", title="Erasing from the archive", bad=False)

        frames = await finish_erasing(self.db, progress=progress)
        if failures := await erasures.failures(self.db):
            for failure in failures:
                self.note_in_log(f"Not out of the archive, though erased: {failure}")
            self.say(failures[0], title="Not out of the archive, though erased", bad=True)
        if done := number - await erasures.number_pending(self.db):
            told = f"{text.plural(done, 'erasure')} that had been cut off: {text.plural(frames, 'frame')} written anew."
            self.say(told, title="Erased from the archive", bad=False)
            self.note_in_log(f"Erased from the archive: {told}")

    async def _note_presence(self, database: Database) -> None:
        from traintui.data import presence

        with suppress(TraintuiError):  # a comfort, which a database that is away does without
            await presence.note(database)

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

    async def _be_present(self) -> None:
        """Notes now and then that this person is here, so that the next start knows since when they were away."""
        while True:
            await asyncio.sleep(STILL_HERE)
            await self._note_presence(self.db)

    async def _learn_redaction(self) -> None:
        """Knows what is to be taken out of a note before somebody opens one: its first letters would wait for the
        numbering plans, which take a fifth of a second to load."""
        from traintui.audit.rules import follow_workspace

        await asyncio.sleep(ROWS_FIRST)
        with suppress(TraintuiError):  # a database that is away leaves what was known, which is all of it at first
            await follow_workspace(self.db)

    def _progressed(self, step: str) -> None:
        self.call_from_thread(setattr, self, "progress", step)

    def _opened(self, database: Database) -> None:
        self.begin_sending(database)
        self.workspace = database
        self.refresh_words()
        if database.role in commands.ALLOWED["author"]:
            self.read(self.ask_about_imports, name="imports")
        if database.role == "admin":
            self.read(self._finish_erasing, name="erasing")
        self._background = [
            self.run_worker(work, name=name, group=f"background:{name}", exit_on_error=False)
            for name, work in (
                ("follow", self._follow), ("index", self._index), ("presence", self._be_present), ("seal", self._seal),
                ("retention", self._retain), ("redaction", self._learn_redaction), ("queries", self._record_queries),
                ("samples", self._sample),
            )
        ]  # fmt: skip

    def _keep_worker(self, database: Database) -> None:
        """From now on a worker runs here whenever something waits for one."""
        from traintui.generation.keeping import Keeper

        def say(message: str, bad: bool) -> None:
            self.say(message, title="Worker ended", bad=bad)

        keeping = Keeper(self.crew, self.ensure_worker, say).keep(database)
        self._background.append(self.run_worker(keeping, name="worker", group="background:worker", exit_on_error=False))

    # The copy in memory

    def look_now(self) -> None:
        """Brings the copy in memory up to date without waiting for the next look."""
        self._look.set()

    async def _follow(self) -> None:
        """Loads the copy, then takes over what changes, for as long as the workspace is open."""
        from traintui.data import feed
        from traintui.data.live import Live
        from traintui.data.refusals import NotReached

        self._fields = await self._registered()
        live = self.live = Live(self.db, self._fields)
        pruned = 0.0
        while True:
            try:
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
                if isinstance(error, NotReached) and await self._reviving.revive(self.db):
                    continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK if self.outage is None else LOOK_AGAIN)
            self._look.clear()
            if clock.ticks() - self.touched > RESTING:
                garbage.tidy()

    async def _index(self) -> None:
        """Makes text and metadata searchable shortly after they were written."""
        from traintui.data.search_index import keep_indexed

        await keep_indexed(self.db, asyncio.Event())

    async def _seal(self) -> None:
        """Seals the logs shortly after they were written."""
        from traintui.audit.sealing import keep_sealed

        def told(error: TraintuiError | None) -> None:
            self._stays("Seals", f"{error.title.lower()}: {error.message} {error.remedy}" if error else "")

        await keep_sealed(self.db, asyncio.Event(), told=told)

    def _stays(self, what: str, said: str) -> None:
        """Says what something beside the work could not do, to whom it concerns; nothing where it did all."""
        self._left_undone[what] = said if self.db.role in commands.ALLOWED["auditor"] else ""
        self.stays = "   ".join(f"{what}: {said}" for what, said in self._left_undone.items() if said)

    async def _retain(self) -> None:
        """Takes the daily round of retention, where this login may, and says what had to stay to whom it concerns."""
        from traintui.audit.retention_rounds import keep_retained

        def told(rounds: Rounds) -> None:
            self._stays("Retention", rounds.failure)

        await keep_retained(self.db, asyncio.Event(), told=told)

    async def _record_queries(self) -> None:
        """Keeps how long statements take."""
        await asyncio.sleep(WATCHED_AFTER)
        from traintui.observing.recording import keep_recorded

        await keep_recorded(self.db, asyncio.Event())

    async def _sample(self) -> None:
        """Writes down how the server stands, where no other process does."""
        await asyncio.sleep(WATCHED_AFTER)
        from traintui.observing.sampling import keep_sampled

        await keep_sampled(self.db, asyncio.Event())

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
        self.metadata_keys = tuple(known.key for known in await metadata.known_keys(self.db))
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
