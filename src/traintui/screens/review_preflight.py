"""Review says what training targets do with what is read, and shows it as one of them sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from textual import getters
from textual.binding import Binding

from traintui import clock, commands
from traintui.data.records import Conversation
from traintui.export.training_targets import NOTHING, TrainingTarget, TrainingTargets
from traintui.screens.preflight_said import Looked, lens_line, look, objections_by_place, preflight_line
from traintui.screens.reading_aids import Aids
from traintui.screens.review_aids import FRESH, Key, ReviewAids
from traintui.widgets.place_line import PlaceLine


class ReviewPreflight(ReviewAids):
    """What the targets that the workspace chose do with the conversation on the screen, and the lens of one of them.
    Worked out ahead, or after the text was painted."""

    preflight = getters.query_one("#preflight", PlaceLine)

    def __init__(self) -> None:
        super().__init__()
        self._lens: str | None = None
        """The name of the format through which one looks."""
        self._looked: dict[Key, Looked] = {}
        self._under_way: dict[object, asyncio.Future[Looked]] = {}
        """What is being worked out, by text and targets: a look that takes long is not begun anew by the next round."""
        self._asked: float | None = None
        """When the workspace's choice was read last."""
        self._key_names: dict[str, str] = {}

    def on_mount(self) -> None:
        """Hears when other targets are chosen."""
        self.watch(self.app, "training", self._chosen_anew, init=False)

    @property
    def targets(self) -> TrainingTargets:
        """What the workspace chose, as far as it is known."""
        return self.app.training or NOTHING

    @property
    def _target(self) -> TrainingTarget | None:
        """The target through which one looks."""
        return next((each for each in self.targets.or_usual if each.name == self._lens), None)

    @property
    def _wanted(self) -> bool:
        """Whether anything is to be worked out."""
        return bool(self.targets.chosen) or self._lens is not None

    def _chosen_anew(self) -> None:
        self._looked.clear()
        if self._target is None:
            self._lens = None
        self._apply()

    # What is shown

    def _show(self, conversation: Conversation) -> None:
        looked = self._of(conversation)
        self.reading.transcript.expect(None if looked is None else looked.through(self._lens))
        super()._show(conversation)
        self._apply()

    def _help(self, aids: Aids) -> None:
        """What need not be read is not what is bright through a lens, so it is not said then."""
        super()._help(aids)
        if self._lens is not None:
            self.reading.tell("")

    def _apply(self) -> None:
        """Shows what is known of the conversation on the screen; what is not is worked out after the painting."""
        shown = self.reading.shown
        if shown is None:
            return
        looked = self._of(shown)
        self._draw(looked)
        due = self._asked is None or clock.ticks() - self._asked > FRESH
        if due or (looked is None and self._wanted):
            self.call_after_refresh(self._begin_look, shown)  # the text first

    def _draw(self, looked: Looked | None) -> None:
        transcript = self.reading.transcript
        transcript.look_through(None if looked is None else looked.through(self._lens))
        transcript.take_objections({} if looked is None else objections_by_place(looked))
        self._say_preflight()

    def _of(self, conversation: Conversation) -> Looked | None:
        looked = self._looked.get((conversation.row.conversation_id, conversation.row.revision))
        return looked if looked is not None and looked.is_of(conversation, self.targets) else None

    def _say_place(self) -> None:
        super()._say_place()
        self._say_preflight()

    def _say_preflight(self) -> None:
        """The line above the text: what the targets object to, or what the lens shows; none where there is neither."""
        shown, target, line = self.reading.shown, self._target, self.preflight
        looked = None if shown is None else self._of(shown)
        if shown is not None and target is not None:
            following = self._after(target)
            next_one = None if following is None else following.format.title
            parts = lens_line(target.format.title, looked, self._key_name, next_one)
            line.say(parts, needed=2)
        else:
            parts = [] if looked is None else preflight_line(looked, self._key_name)
            line.say(parts)
        line.display = bool(parts)

    def _key_name(self, key: str) -> str:
        """What the key of a command of Review is called, as it is bound here."""
        if key not in self._key_names:
            command = next((each for each in commands.of("review") if each.keys == key), None)
            bound = self.app.settings.keymap.get(command.id, key) if command is not None else key
            self._key_names[key] = self.app.get_key_display(Binding(bound.partition(",")[0], ""))
        return self._key_names[key]

    # What is worked out

    def _begin_look(self, conversation: Conversation) -> None:
        if self.reading.shown is conversation:
            self.read(partial(self._look_at, conversation), name="preflight")

    async def _look_at(self, conversation: Conversation) -> None:
        if self._wanted and self._of(conversation) is None:
            await self._look_through(conversation)
        shown = self.reading.shown
        if shown is not None and (looked := self._of(shown)) is not None:
            self._draw(looked)
        await self._read_targets()

    async def _read_targets(self) -> None:
        """Reads what the workspace chose, now and then: others choose too."""
        from traintui.export import training_targets

        if self._asked is None or clock.ticks() - self._asked > FRESH:
            self._asked = clock.ticks()
            chosen = await training_targets.read(self.db)
            if chosen != self.targets:
                self.app.training = chosen

    async def _look_through(self, conversation: Conversation) -> None:
        about = conversation.turns, conversation.system_prompt, self.targets
        running = self._under_way.get(about)
        if running is None:
            running = self._under_way[about] = asyncio.ensure_future(
                asyncio.to_thread(look, conversation, self.targets)
            )
            running.add_done_callback(lambda _: self._under_way.pop(about, None))
        looked = await asyncio.shield(running)
        self._looked[conversation.row.conversation_id, conversation.row.revision] = looked

    async def _fill(self, following: Sequence[str]) -> None:
        await super()._fill(following)
        if self._wanted:
            self.read(partial(self._look_ahead, following), name="preflight of the next")

    async def _look_ahead(self, following: Sequence[str]) -> None:
        near = {self.queue.current, *following}
        self._looked = {key: looked for key, looked in self._looked.items() if key[0] in near}
        for one in following:
            conversation, _ = self._known.get(one)
            if conversation is not None and self._of(conversation) is None:
                await self._look_through(conversation)

    def work_failed(self, name: str, error: BaseException) -> None:
        """What targets do with it keeps nobody from reading."""
        if not name.startswith("preflight"):
            super().work_failed(name, error)
        elif self.app.outage is None:  # else it is said already
            self._say_failed(error)

    # What one asks for

    def _after(self, target: TrainingTarget | None) -> TrainingTarget | None:
        """The target that the key goes on to; None for reading without a lens."""
        targets = self.targets.or_usual
        place = 0 if target is None else targets.index(target) + 1
        return targets[place] if place < len(targets) else None

    def action_lens(self) -> None:
        """Looks through the lens of the next target, after the last one without any."""
        if self.reading.shown is None:
            return
        self._unfold()
        following = self._after(self._target)
        self._lens = None if following is None else following.name
        self._apply()
        if (aids := self._aids_of_shown()) is not None:
            self._help(aids)
        self._read_ahead()

    def action_training_targets(self) -> None:
        """Opens what the workspace trains."""
        self.app.action_training_targets()
