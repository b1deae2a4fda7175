"""What screens know of the app that they are in."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from textual.events import Event, InputEvent
from textual.message import Message
from textual.reactive import var
from textual.signal import Signal

from traintui import clock, text
from traintui.data.records import VocabularyValue
from traintui.drafts import Drafts, drafts_path
from traintui.errors import TraintuiError, sentence
from traintui.generation.children import Crew
from traintui.queue_choice import QueueChoice
from traintui.screens.keys_in_turn import KeysInTurn
from traintui.settings import Settings

if TYPE_CHECKING:
    from pyroaring import BitMap

    from traintui.data.alert_records import OpenAlerts
    from traintui.data.engine import Database
    from traintui.data.filters import Filter
    from traintui.data.live import Live
    from traintui.data.presence_records import Meanwhile
    from traintui.export.training_targets import TrainingTargets
    from traintui.outbox.outcomes import Outcome, Standing
    from traintui.outbox.sending import Outbox

NOTED = 10.0
"""Seconds for which a note stands beside the work."""


class OpenConversation(Message):
    """Somebody wants to read a conversation in Review; `queue` is what the table shows where it was opened."""

    def __init__(self, conversation_id: str, queue: QueueChoice | None = None) -> None:
        self.conversation_id = conversation_id
        self.queue = queue
        super().__init__()


class ShowConversations(Message):
    """Somebody wants to see the conversations of a filter in the table."""

    def __init__(self, filter_text: str) -> None:
        self.filter_text = filter_text
        super().__init__()


class ShowLog(Message):
    """Somebody wants to see the rows of a log that a filter names, in Audit."""

    def __init__(self, log: str, filter_text: str) -> None:
        self.log = log
        self.filter_text = filter_text
        super().__init__()


class Shell(KeysInTurn):
    """The app as its screens see it: the workspace, the words of the vocabulary, and how failures are answered."""

    workspace: var[Database | None] = var["Database | None"](None, init=False)
    """The open workspace; None until it is open."""
    progress: var[str] = var("Opening the workspace")
    """What is under way while there is no workspace."""
    labels: var[Mapping[tuple[str, str], VocabularyValue]] = var[Mapping[tuple[str, str], VocabularyValue]](dict)
    """The vocabulary, by dimension and value."""
    reasons: var[tuple[str, ...]] = var(())
    """The reasons for a rejection, one for each digit."""
    metadata_keys: var[tuple[str, ...]] = var(())
    """The metadata keys that there are, as far as they are known."""
    training: var[TrainingTargets | None] = var["TrainingTargets | None"](None, init=False)
    """What the workspace trains, and what counts its tokens; None until that is known."""
    live: var[Live | None] = var["Live | None"](None, init=False)
    """The copy in memory of what filters ask for; None until the workspace is open."""
    loaded: var[float] = var(0.0)
    """The share of that copy that is there, 0 to 1."""
    meanwhile: var[Meanwhile | None] = var["Meanwhile | None"](None, init=False)
    """What ran while this person was away; None when nothing did, or when they have seen it."""
    outage: var[TraintuiError | None] = var["TraintuiError | None"](None, init=False)
    """Why the workspace does not answer at present; None while it does."""
    unsent: var[Standing | None] = var["Standing | None"](None, init=False)
    """What was pressed and is not saved yet; None while everything is saved as it is pressed."""
    stays: var[str] = var("", init=False)
    """What retention or sealing could not do; empty where they did all, or for whom it is no concern."""
    news: var[str] = var("", init=False)
    """What became of presses that an earlier run of the app had left, or of a database that had ended."""
    alerts: var[OpenAlerts | None] = var["OpenAlerts | None"](None, init=False)
    """What is wrong with the database; None where nothing is."""
    ended: var[str] = var("", init=False)
    """What becomes of an embedded database that ended, or of a schema that moved; empty while both are well."""

    def __init__(self, settings: Settings, *, demo: bool = False) -> None:
        super().__init__()
        self.settings = settings
        self.demo = demo
        self.crew = Crew(settings)
        self.filter_text = ""
        """The filter of Conversations, which is the scope of an export."""
        self.changed: Signal[BitMap] = Signal(self, "changed")
        """Conversations changed, here or elsewhere: their internal ids."""
        self.window_id = uuid4()
        """This window of this person: what it has open is reserved for it."""
        self.drafts = Drafts(drafts_path())
        """What was typed into conversations and is not saved."""
        self.touched = clock.ticks()
        """When somebody last did something here."""
        self.outbox: Outbox | None = None
        """What takes presses; None until the workspace is open."""
        self.taking_back = asyncio.Lock()
        """Held while a last action is looked up and taken back: the next undo is of the one before it."""
        self.sent: Signal[Outcome] = Signal(self, "sent")
        """What became of a press: it is saved, refused or withdrawn."""

    async def on_event(self, event: Event) -> None:
        """Notes that somebody is here."""
        if isinstance(event, InputEvent):
            self.touched = clock.ticks()
        await super().on_event(event)

    async def ensure_worker(self, *, slots: int = 4) -> None:
        """Sees to it that a worker runs here: one that was left running is found, else one is started.

        Raises `TraintuiError` where there is no provider to generate with.
        """
        from traintui.data import work
        from traintui.generation.provider import provider_of

        if self.workspace is not None and not self.crew.working:
            provider = await provider_of(self.crew.settings)
            self.crew.find(await work.processes_here(self.workspace, provider.endpoint))
        await self.crew.ensure_worker(slots=slots)

    def look_now(self) -> None:
        """Somebody here changed conversations: the copy in memory is brought up to date at once."""

    async def read_alerts(self) -> None:
        """Reads what is wrong with the database, so that the header says it."""
        from traintui.data import alerts

        if self.workspace is not None:
            self.alerts = await alerts.standing(self.workspace)

    def read_filter(self, filter_text: str) -> Filter:
        """A filter as this workspace reads it. Raises `FilterError` with what is wrong and where."""
        from traintui.data.fields import FIELDS
        from traintui.data.filters import parse
        from traintui.data.vocabulary import by_dimension

        fields = self.live.fields if self.live else FIELDS
        return parse(filter_text, fields=fields, values=by_dimension(self.labels))

    def action_alerts(self) -> None:
        """Shows what is wrong with the database."""

    def action_training_targets(self) -> None:
        """Opens what the workspace trains."""

    def refresh_words(self) -> None:
        """Reads the vocabulary and the reasons anew, after they were changed."""

    def answer(self, error: BaseException) -> TraintuiError:
        """What to tell a person about an error. One that is not an answer already is written to the log of the home."""
        if isinstance(error, TraintuiError):
            return error
        path = self._write_log(error)
        said = " ".join(str(error).split()) or "no message"
        return TraintuiError(
            "This did not work",
            f"{type(error).__name__}: {said[:200]}.",
            f"Try it again. If it happens again, send {path} with what you did."
            if path
            else "Try it again. The log of the home cannot be written either; check its disk.",
        )

    def tell(self, error: BaseException) -> None:
        """Answers an error beside the work that goes on."""
        answer = self.answer(error)
        self.say(f"{sentence(answer.message)}\n{answer.remedy}", title=answer.title, bad=answer is not error)

    def say(self, message: str, *, title: str = "", bad: bool = True) -> None:
        """A note beside the work; both strings may be stored text. The same again takes the place of the one that is
        still there: a key that is pressed again and again does not cover the screen."""
        said, named = text.visible(message, limit=600), text.visible(title, single_line=True)
        for note in [each for each in self._notifications if (each.title, each.message) == (named, said)]:
            self._unnotify(note, refresh=False)
        self.notify(
            said,
            title=named,
            severity="error" if bad else "warning",
            timeout=NOTED,
            markup=False,
        )

    def note_in_log(self, line: str) -> Path | None:
        """Writes a line into the log of the home; where that is, None where it cannot be written."""
        return self._append_to_log([f"{line}\n"])

    def _write_log(self, error: BaseException) -> Path | None:
        return self._append_to_log(traceback.format_exception(error))

    def _append_to_log(self, lines: Iterable[str]) -> Path | None:
        path = self.settings.home / "logs" / "traintui.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as log:
                log.write(f"{clock.now():%Y-%m-%dT%H:%M:%SZ} ")
                log.writelines(lines)
        except OSError:
            return None
        return path
