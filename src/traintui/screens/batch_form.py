"""The form of a new batch: what the strategy makes of what is filled in, the preview, and the start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from traintui import text
from traintui.errors import TraintuiError
from traintui.loading import loaded
from traintui.screens.batch_fields import looked_out, outlook_said, reason
from traintui.screens.batch_filled import FilledBatchForm
from traintui.screens.batch_preview import BatchPreview
from traintui.widgets.form_field import FormField
from traintui.widgets.model_choice import ModelChoice

if TYPE_CHECKING:
    from traintui.generation.plan import Plan
    from traintui.generation.strategies import Gaps

LOOK_SECONDS = 0.15
"""How long a form rests before the strategy is worked out: not with every letter of a number."""


class BatchForm(FilledBatchForm):
    """Asks for a plan, queues it, and answers with the id of the batch."""

    # What the strategy makes of it

    @on(Input.Changed, "#count-text, #seed-text, #budget")
    @on(Select.Changed, "#strategies, #pairs")
    def _look_out(self) -> None:
        self.set_class(self.strategies.value == "gaps", "-gaps")
        if self._vocabulary:
            self.read(partial(self._read_outlook, self.given), name="outlook")

    async def _read_outlook(self, given: Mapping[str, Any]) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        if not self._tried:
            self._show_budget(given.get("budget_usd"))
        try:
            gaps = await self._gaps(given)
            found = await asyncio.to_thread(looked_out, given, self._vocabulary, gaps)
        except TraintuiError as error:
            self._show_outlook(Content.assemble(("! ", "$warning"), text.shown(reason(error), limit=160)))
            return
        self._show_outlook(Content.styled(outlook_said(found, counted=given["count"] is not None), "$muted"))

    def _show_budget(self, written: str | None) -> None:
        """Says what is wrong with the budget while it is typed."""
        from traintui.generation.plan import parse_plan

        field = self.query_one("#budget_usd", FormField)
        field.clear()
        try:
            parse_plan({"name": "-", "count": 1} | ({"budget_usd": written} if written else {}), source="")
        except TraintuiError as error:
            field.fail(reason(error))

    async def _gaps(self, given: Mapping[str, Any]) -> Gaps | None:
        """What is missing, for a plan that fills it."""
        from traintui.generation.lacking import gaps_of

        if given["strategy"] != "gaps":
            return None
        first, second = given["gaps"]
        return await gaps_of(self.db, (first, second), rehearsal=self._rehearsal_counts)

    def _show_outlook(self, said: Content) -> None:
        self.query_one("#outlook", Static).update(said)

    @on(Input.Changed)
    @on(ModelChoice.Changed)
    @on(Select.Changed, "#strategies, #pairs, #templates, #modes")
    def _changed(self) -> None:
        """A mistake that was answered is answered until it is mended, or gives way to another."""
        if self._tried and not self._starting:
            mistake = self._mistake()
            self._tried = mistake is not None
            self._show_mistake(mistake, go=False)

    def _mistake(self) -> TraintuiError | None:
        """What is wrong with the plan as it is filled in; None where nothing is."""
        try:
            self._plan()
        except TraintuiError as error:
            return error
        return None

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.focus_next()

    # Starting

    @on(Button.Pressed, "#start")
    def _pressed(self) -> None:
        self.action_start()

    @on(Button.Pressed, "#preview")
    def _preview_pressed(self) -> None:
        self.action_preview()

    def action_preview(self) -> None:
        """Shows the prompts and what they may cost, unless something is wrong with the plan."""
        plan = None if self._starting else self._valid_plan()
        if plan is not None:
            self.app.push_screen(BatchPreview(plan, rehearsal_counts=self._rehearsal_counts), self._previewed)

    def _previewed(self, begin: bool | None) -> None:
        if begin:
            self.action_start()

    def _valid_plan(self) -> Plan | None:
        """The plan, or None with the answer at its field."""
        mistake = self._mistake()
        if mistake is not None:
            self._tried = True
            self._show_mistake(mistake)
            return None
        return self._plan()

    def action_start(self) -> None:
        """Queues the batch, unless something is wrong with the plan."""
        plan = None if self._starting else self._valid_plan()
        if plan is None:
            return
        self._starting = True
        self._show_mistake(None)
        self._say(Content.styled("◌ Planning the conversations", "$muted"))
        self.write(partial(self._start, plan), name="start")

    async def _start(self, plan: Plan) -> None:
        from traintui.generation.provider import provider_of

        # The templates' language takes a moment to load; the form answers keys meanwhile.
        start = await loaded("traintui.generation.start")
        provider = await provider_of(self.app.crew.settings)
        gaps = await self._gaps({"strategy": plan.strategy, "gaps": plan.gaps})
        batch_id: int = await start.start_batch(
            self.db, plan, is_rehearsal=provider.is_rehearsal, endpoint=provider.endpoint, gaps=gaps
        )
        self.dismiss(batch_id)

    def work_failed(self, name: str, error: BaseException) -> None:
        """A batch that does not start is answered in the form; everything that was filled in stays."""
        self._starting = False
        if name == "start":
            self._show_mistake(self.app.answer(error), title=True)
        else:
            super().work_failed(name, error)

    def action_back(self) -> None:
        """Closes the form, unless the batch is just being queued."""
        if not self._starting:
            self.dismiss(None)
