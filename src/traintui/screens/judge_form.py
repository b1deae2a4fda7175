"""A judge for what is there: how many, which model, what it may cost; then a batch of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.errors import TraintuiError
from traintui.generation.pricing import Price
from traintui.loading import loaded
from traintui.screens.base import BaseDialog
from traintui.screens.batch_preview import spread
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.model_choice import ModelChoice
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.data.filters import Condition
    from traintui.generation.judge_plan import Forecast, JudgePlan

JUDGE = "claude-opus-5-5"
"""Who judges where nobody has judged yet."""
LOOK_SECONDS = 0.15
"""How long the form rests before the cost is worked out."""


class JudgeForm(BaseDialog[int]):
    """Asks who is to judge conversations, says how many there are and what that may cost, and answers with the id of
    the batch.

    `label` says which they are, `wanted` names them in SQL, `filter_text` is the filter where one does; `model` judged
    last, and `prices` are those of today.
    """

    PLACES = ("judge_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("judge_form")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "#judge Select"

    choice = getters.query_one(ModelChoice)
    budget = getters.query_one("#budget-text", Input)
    will = getters.query_one("#will", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(
        self,
        label: str,
        wanted: Callable[[], Condition],
        prices: Sequence[Price],
        *,
        filter_text: str | None,
        model: str | None = None,
    ) -> None:
        super().__init__()
        self._label = label
        self._wanted = wanted
        self._prices = prices
        self._filter = filter_text
        self._model = model or JUDGE
        self._found: Forecast | None = None
        self._starting = False

    def compose(self) -> ComposeResult:
        """Which conversations, the judge, the budget, and what it comes to."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Judge conversations"
            panel.border_subtitle = "an opinion beside the score"
            yield FormField("Which", Static(text.shown(self._label, single_line=True, limit=200)), id="which")
            yield FormField("Judge", ModelChoice(self._model, self._prices, id="judge-model"), id="judge")
            yield FormField(
                "Budget", Input("", placeholder="none", compact=True, id="budget-text", max_length=20), id="budget",
                about="USD; it pauses before it costs more",
            )  # fmt: skip
            yield FormField("Takes", Static(Content.styled("◌ counting", "$muted"), id="will"), id="takes")
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Counts beside the painting."""
        self._look()

    @on(ModelChoice.Changed)
    def _look(self) -> None:
        self._found = None
        self.read(self._read_forecast, name="forecast")

    def _plan(self, *, budget: str = "") -> JudgePlan:
        """What is asked for. Raises `TraintuiError` that says what is wrong with it."""
        from traintui.generation.judge_plan import judge_plan

        model = self.choice.model or ""
        return judge_plan(f"Judge by {model}"[:200], model, filter_text=self._filter, budget=budget)

    async def _is_rehearsal(self) -> bool:
        from traintui.generation.provider import provider_of

        return (await provider_of(self.app.crew.settings)).is_rehearsal

    async def _read_forecast(self) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        # The rubric's language takes a moment to load; the form answers keys meanwhile.
        module = await loaded("traintui.generation.judge_plan")
        is_rehearsal = await self._is_rehearsal()
        found: Forecast = await module.forecast(self.db, self._plan(), self._wanted(), is_rehearsal=is_rehearsal)
        self._found = found
        self.will.update(takes(found, is_rehearsal=is_rehearsal))
        self.answer.update("")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Queues the batch."""
        if not self._starting:
            self._starting = True
            self.answer.update(Content.styled("Queueing", "$muted"))
            self.app.keys_follow(self.write(partial(self._start, self.budget.value), name="start"))

    async def _start(self, budget: str) -> None:
        from traintui.generation.judge_plan import forecast, start_judging

        plan, is_rehearsal = self._plan(budget=budget.strip().removeprefix("$")), await self._is_rehearsal()
        found = self._found or await forecast(self.db, plan, self._wanted(), is_rehearsal=is_rehearsal)
        self.dismiss(await start_judging(self.db, plan, found.ids, is_rehearsal=is_rehearsal))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the form, where it can be mended."""
        self._starting = False
        answer: TraintuiError = self.app.answer(error)
        if name == "forecast":
            self.will.update(Content.styled("not known", "$error"))
        self.answer.update(failure(answer))


def takes(found: Forecast, *, is_rehearsal: bool) -> Content:
    """How many are judged and what that may cost; then what is left out, and what to know before."""
    estimate = found.estimate
    cost = (
        Content.styled("cost unknown", "$warning")
        if estimate.cost_usd is None
        else spread(estimate.cost_usd, lambda usd: text.usd(Decimal(usd)))
    )
    basis = f"as {text.plural(estimate.past, 'past one')} took" if estimate.basis == "past" else "by their length"
    lines = [
        Content.assemble((text.plural(len(found.ids), "conversation"), "bold"), ", ", cost, (f", {basis}", "$muted"))
    ]
    if is_rehearsal:
        lines.append(Content.styled("A rehearsal: nothing is paid.", "$generating"))
    elif estimate.cost_usd is not None and estimate.cost_usd.p90 > found.warn_above:
        above = f"! It may cost more than {text.usd(found.warn_above)}, from which on this workspace warns."
        lines.append(Content.styled(above, "$warning"))
    if found.unreadable:
        lines.append(Content.styled(f"{found.unreadable:,} left out, without their text or in the trash", "$muted"))
    if found.real:
        lines.append(Content.styled(f"{found.real:,} left out: real, and a rehearsal invents its opinions", "$muted"))
    return Content("\n").join(lines)
