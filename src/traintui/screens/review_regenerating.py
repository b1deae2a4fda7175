"""Review has turns written anew: one key asks, the revision comes back to the queue."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.data.records import Conversation
from traintui.outbox.outcomes import Outcome, Saved
from traintui.outbox.presses import Decision
from traintui.screens.regenerate import RegenerateDialog, why_rejected
from traintui.screens.review_outcomes import ReviewOutcomes

if TYPE_CHECKING:
    from traintui.data.regenerations import Regeneration
    from traintui.generation.regeneration import RegenerationPlan

LOOK = 1.0
"""Seconds between two looks at what is being written anew."""


class ReviewRegenerating(ReviewOutcomes):
    """Asking for turns anew, and hearing what became of it."""

    def __init__(self) -> None:
        super().__init__()
        self._anew: dict[int, str] = {}
        """The conversation of each batch that was asked for here and is not over."""
        self._paused: set[int] = set()
        self._because: dict[str, int] = {}
        """From which place on a conversation is written anew once its rejection is saved, by the key of that."""

    def on_mount(self) -> None:
        """Looks at what is being written, while there is any."""
        self.set_interval(LOOK, self._look_at_anew)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Its key is no part of the footer, which would show that it rests: who may not is told so."""
        if action == "regenerate" and self.app.workspace is not None:
            return True
        return super().check_action(action, parameters)

    def action_regenerate(self) -> None:
        """Asks which turns: the current one, or all from it on."""
        shown = self.reading.shown
        if not self.allowed("review", "regenerate"):
            self._say(
                ("Writing anew takes an author", "$warning"),
                (": reject it with its reason, or ask one." if self._reserves else ": ask one.", "$muted"),
            )  # fmt: skip
        elif shown is not None and self.reading.seconds_seen is not None:
            self.read(partial(self._offer, shown, self.reading.transcript.turn), name="anew")

    async def _offer(self, shown: Conversation, place: int) -> None:
        from traintui.data import prices
        from traintui.generation.provider import provider_of
        from traintui.generation.regeneration import dearest, regeneration_of

        reason, note = why_rejected(shown)
        note = note or self._notes.get(shown.row.conversation_id)
        model = await self._model_for(shown)
        provider, known = await provider_of(self.app.crew.settings), await prices.in_effect(self.db)
        lasts = dict.fromkeys((place + 1, len(shown.turns)))
        plans = [regeneration_of(shown, place + 1, last, model=model, reason=reason, note=note) for last in lasts]
        self.app.push_screen(
            RegenerateDialog(
                [(plan, dearest(plan, shown, known)) for plan in plans], is_rehearsal=provider.is_rehearsal
            ),
            self._chosen,
        )  # fmt: skip

    async def _model_for(self, shown: Conversation) -> str:
        """Who wrote it; else who wrote the newest batch, or who would write one."""
        from traintui.data import batches
        from traintui.generation.plan import Plan

        if shown.model:
            return shown.model
        newest = await batches.newest_id(self.db, "generate")
        if newest is None:
            return str(Plan.model_fields["model"].default)
        return (await batches.setup(self.db, newest)).model

    def _chosen(self, plan: RegenerationPlan | None) -> None:
        if plan is not None:
            self.write(partial(self._ask, plan), name="regenerate")

    async def _ask(self, plan: RegenerationPlan) -> None:
        from traintui.generation.provider import provider_of
        from traintui.generation.regeneration import begin_regeneration

        provider = await provider_of(self.app.crew.settings)
        batch_id = await begin_regeneration(self.db, plan, is_rehearsal=provider.is_rehearsal)
        self._anew[batch_id] = plan.conversation_id
        self._say_place()
        self._say(
            ("⟳ ", "$accent"), text.shown(plan.name, single_line=True, limit=80),
            ("   it comes back as a revision; go on meanwhile", "$muted"),
        )  # fmt: skip
        await self.app.ensure_worker()

    def write_anew_once_rejected(self, rejection: Decision, place: int | None) -> None:
        """Has a conversation that is being rejected written anew from a turn on, from the first one where none is
        named, because of what it is rejected for: as soon as the rejection is saved."""
        self._because[rejection.key] = place or 0

    def _decided(self, decision: Decision, saved: Saved) -> None:
        super()._decided(decision, saved)
        place = self._because.pop(decision.key, None)
        if place is not None and saved.entry.status_after == "rejected":
            self.write(partial(self._ask_rejected, decision.conversation_id, place), name="regenerate")

    def _became(self, outcome: Outcome) -> None:
        super()._became(outcome)
        if not isinstance(outcome, Saved):  # refused, or taken back before it was saved
            self._because.pop(outcome.press.key, None)

    async def _ask_rejected(self, conversation_id: str, place: int) -> None:
        from traintui.data import conversations
        from traintui.generation.regeneration import regeneration_of

        now = await conversations.read(self.db, conversation_id)
        reason, note = why_rejected(now)
        model, first = await self._model_for(now), min(place + 1, len(now.turns))
        await self._ask(regeneration_of(now, first, len(now.turns), model=model, reason=reason, note=note))

    # What became of it

    def _look_at_anew(self) -> None:
        if self._anew and self.ready and not self.reading_now("outcomes"):
            self.read(self._hear, name="outcomes")

    async def _hear(self) -> None:
        from traintui.data import regenerations

        found = await regenerations.outcomes(self.db, self._anew)
        for batch_id in set(self._anew) - {outcome.batch_id for outcome in found}:
            del self._anew[batch_id]  # purged
        for outcome in found:
            await self._take(outcome)

    async def _take(self, outcome: Regeneration) -> None:
        one = text.shown(outcome.conversation_id, single_line=True)
        if outcome.state == "done":
            await self._written(outcome)
        elif outcome.state == "failed":
            del self._anew[outcome.batch_id]
            why = text.shown(outcome.reason, single_line=True, limit=200)
            self._say(("! ", "$error"), "Not written anew: ", one, ". ", why, (" R asks again.", "bold"))
            self._say_place()
        elif outcome.state == "paused" and outcome.batch_id not in self._paused:
            self._paused.add(outcome.batch_id)
            why = text.shown(outcome.reason, single_line=True, limit=200)
            self._say(("! ", "$warning"), one, " waits to be written anew. ", why, (" 3 resumes it.", "bold"))

    async def _written(self, outcome: Regeneration) -> None:
        from traintui.data import conversations

        now = await conversations.read(self.db, outcome.conversation_id)
        self._anew.pop(outcome.batch_id, None)
        if self.queue.current == outcome.conversation_id:
            shown = self.reading.shown
            before = shown if shown is not None and shown.row.conversation_id == outcome.conversation_id else now
            self.changed_to(before, now)
            self._say_changed(now, "written anew")
            return
        self._known.forget(outcome.conversation_id)
        self.app.look_now()
        self._poll(always=True)
        self._say(
            ("⟳ ", "$success"), text.shown(outcome.conversation_id, single_line=True),
            f" is written anew: revision {now.row.revision} waits for you.",
        )  # fmt: skip

    def work_failed(self, name: str, error: BaseException) -> None:
        """A look that fails is answered below and not beside the work: the next one follows."""
        if name == "outcomes":
            self._say_failed(error)
        else:
            super().work_failed(name, error)

    def editing_marks(self, conversation: Conversation) -> Content:
        """What is typed and not saved, and whether it is being written anew."""
        marks = super().editing_marks(conversation)
        under_way = conversation.row.conversation_id in self._anew.values()
        written = Content.styled("⟳ being written anew" if under_way else "", "bold $accent")
        return Content("   ").join(part for part in (marks, written) if part)
