"""The form of a new batch: what to generate, from what, and for how much at most."""

from __future__ import annotations

import asyncio
import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select, SelectionList, Static
from textual.widgets.selection_list import Selection

from traintui import commands, text
from traintui.data.records import DocumentRecord, TemplateRecord, VocabularyValue
from traintui.errors import TraintuiError
from traintui.generation.pricing import Price, price_of
from traintui.generation.strategy_names import STRATEGIES
from traintui.screens.base import BaseDialog
from traintui.screens.batch_fields import KEY, field, looked_out, number, offer, reason
from traintui.screens.batch_preview import BatchPreview
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import sentence
from traintui.widgets.tick import Ticks

if TYPE_CHECKING:
    from traintui.generation.plan import Plan
    from traintui.screens.coverage import Filling

OTHER = ""
"""The choice of a model that is not on the price list."""
TEMPLATE = "conversation"
"""The template that comes with Traintui."""
TIERS = {"template": 3, "scenario": 5, "edge_case": 2}
DRAWN = ("persona", "emotion", "topic", "intent", "tone")
NEW: dict[str, Any] = {
    "strategy": "independent",
    "model": "claude-sonnet-5-5",
    "count": 40,
    "seed": 1,
    "exchanges": [2, 4],
}

LOOK_SECONDS = 0.15
"""How long a form rests before the strategy is worked out: not with every letter of a number."""


class BatchForm(BaseDialog[int]):
    """Asks for a plan, queues it, and answers with the id of the batch. `before` is the definition of the last plan,
    `prices` what models cost today; `filling` says how many conversations are missing, and of which values."""

    PLACES = ("batch_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("batch_form")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "#name Input"

    panel = getters.query_one(".dialog", VerticalScroll)
    models: getters.query_one[Select[str]] = getters.query_one("#models", Select)
    strategies: getters.query_one[Select[str]] = getters.query_one("#strategies", Select)
    templates: getters.query_one[Select[str]] = getters.query_one("#templates", Select)
    documents: getters.query_one[SelectionList[str]] = getters.query_one("#chosen", SelectionList)
    answer = getters.query_one("#answer", Static)

    def __init__(
        self, name: str, before: Mapping[str, Any] | None, prices: Sequence[Price], filling: Filling | None = None
    ) -> None:
        super().__init__()
        self._prices = prices
        self._given = {**NEW, **(before or {}), "name": name}
        self._weights: Mapping[str, Mapping[str, int]] = filling.weights if filling else {}
        if filling is not None:
            tiers = self._weights.get("tier") or (self._given.get("dimensions") or {}).get("tier")
            self._given["strategy"] = filling.strategy or self._given["strategy"]
            self._given |= {"count": filling.count, "dimensions": {"tier": tiers} if tiers else {}}
        self._tried = False
        self._starting = False
        self._vocabulary: dict[str, tuple[str, ...]] = {}

    def compose(self) -> ComposeResult:
        """The fields, what it draws on, and the button."""
        given = self._given
        least, most = given["exchanges"]
        tiers = (given.get("dimensions") or {}).get("tier") or TIERS
        listed = price_of(given["model"], prices=self._prices)
        with VerticalScroll(classes="dialog", can_focus=False) as panel:
            panel.border_title = "New batch"
            yield FormField("Name", field(given["name"], "name-text"), id="name")
            yield FormField(
                "Strategy",
                Select(
                    [(f"{name:<12} {about}", name) for name, about in STRATEGIES.items()],
                    value=given["strategy"] if given["strategy"] in STRATEGIES else "independent",
                    allow_blank=False, compact=True, id="strategies",
                ),
                id="strategy",
            )  # fmt: skip
            yield FormField(
                "Conversations", field(given.get("count") or "", "count-text", placeholder="as needed"),
                Static("to write", id="outlook", classes="about"), id="count",
            )  # fmt: skip
            yield FormField(
                "Model",
                Select(
                    [*((offer(price), price.model) for price in self._prices), ("another model", OTHER)],
                    value=listed.model if listed else OTHER, allow_blank=False, compact=True, id="models",
                ),
                field("" if listed else given["model"], "model-text", placeholder="its name at the provider"),
                id="model",
            )  # fmt: skip
            template = given.get("template", TEMPLATE)
            yield FormField(
                "Template",
                Select([(template, template)], value=template, allow_blank=False, compact=True, id="templates"),
                id="template",
            )
            yield FormField("Documents", Ticks[str](compact=True, id="chosen"), id="documents")
            yield FormField(
                "Exchanges", field(least, "least"), Static(" to ", classes="word"), field(most, "most"),
                id="exchanges", about="of question and answer in each",
            )  # fmt: skip
            parts = (
                (Static(tier.replace("_", " "), classes="word"), field(f"{tiers.get(tier, 0):g}", f"tier-{tier}"))
                for tier in TIERS
            )
            yield FormField("Tiers", *chain.from_iterable(parts), id="dimensions")
            if self._weights:
                filled = " and ".join(f"{text.plural(len(of), name)}" for name, of in self._weights.items())
                yield FormField(
                    "Fills", Static(f"{filled}, each as often as it is missing", classes="filled"), id="fills"
                )  # fmt: skip
            budget = given.get("budget_usd")
            yield FormField(
                "Budget", field("" if budget is None else budget, "budget", placeholder="none"),
                id="budget_usd", about="USD; it pauses before it costs more",
            )  # fmt: skip
            yield FormField("Seed", field(given["seed"], "seed-text"), id="seed", about="the same seed, the same plan")
            yield Static(Content.styled("◌ Reading what there is to write from", "$muted"), id="sources")
            yield Static(id="answer")
            with Horizontal(id="buttons"):
                yield Button("Preview", compact=True, id="preview")
                yield Button("Start", variant="primary", compact=True, id="start")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads what there is to write from."""
        self._model_changed()
        self.read(self._read_sources, name="sources")

    async def _read_sources(self) -> None:
        from traintui.data import documents, templates, vocabulary

        self._show_templates(await templates.versions(self.db))
        found = await documents.documents(self.db)
        self._show_sources(found, await vocabulary.values(self.db, active_only=True))

    def _show_templates(self, versions: tuple[TemplateRecord, ...]) -> None:
        """Offers those that new batches may take; the built-in one is there before it is stored."""
        offered = sorted({each.name for each in versions if each.active})
        if TEMPLATE not in {each.name for each in versions}:
            offered.append(TEMPLATE)
        before = self.templates.value
        self.templates.set_options(
            [(text.visible(name, single_line=True, limit=60), name) for name in offered or [TEMPLATE]]
        )
        if before in offered:
            self.templates.value = before

    def _show_sources(self, found: tuple[DocumentRecord, ...], values: tuple[VocabularyValue, ...]) -> None:
        from traintui.data import vocabulary

        wanted = set(self._given.get("documents") or ())
        self.documents.clear_options()
        self.documents.add_options(
            Selection(
                Content.assemble(
                    text.shown(each.title, single_line=True, limit=60),
                    (f"  {text.plural(each.chunk_count, 'chunk')}", "$muted"),
                ),
                each.name,
                not wanted or each.name in wanted,
            )
            for each in found
        )
        chunks, tokens = sum(each.chunk_count for each in found), sum(each.token_estimate for each in found)
        self._vocabulary = vocabulary.by_dimension((value.dimension, value.value) for value in values)
        self._look_out()
        counts = Counter(value.dimension for value in values)
        missing = [dimension for dimension in DRAWN if not counts[dimension]]
        if not chunks:
            said = Content.assemble(("! ", "$warning"), "No documents yet: traintui import FILE brings some.")
        elif missing:
            said = Content.assemble(("! ", "$warning"), f"The vocabulary has no {' and no '.join(missing)} yet.")
        else:
            drawn = ", ".join(text.plural(counts[dimension], dimension) for dimension in DRAWN)
            said = Content.styled(
                f"Draws on {text.plural(chunks, 'chunk')} of {text.plural(len(found), 'document')}, "
                f"~{text.tokens(tokens)} tokens, and on {drawn}.",
                "$muted",
            )
        self.query_one("#sources", Static).update(said)

    # What was filled in

    def _text(self, selector: str) -> str:
        return self.query_one(selector, Input).value

    @property
    def given(self) -> dict[str, Any]:
        """The plan as it is filled in, mistakes and all."""
        weights = {tier: number(self._text(f"#tier-{tier}") or "0") for tier in TIERS}
        chosen = self.documents.selected
        model = self.models.value
        given: dict[str, Any] = {
            "name": self._text("#name-text").strip(),
            "strategy": self.strategies.value,
            "count": number(self._text("#count-text")) if self._text("#count-text").strip() else None,
            "model": model if isinstance(model, str) and model != OTHER else self._text("#model-text").strip(),
            "template": self.templates.value,
            "documents": chosen if len(chosen) < self.documents.option_count else [],
            "exchanges": [number(self._text("#least")), number(self._text("#most"))],
            "dimensions": {
                **self._weights, "tier": {tier: weight for tier, weight in weights.items() if weight != 0},
            },
            "seed": number(self._text("#seed-text") or "0"),
        }  # fmt: skip
        if budget := self._text("#budget").strip().removeprefix("$"):
            given["budget_usd"] = budget
        return given

    def _plan(self) -> Plan:
        """The plan. Raises `TraintuiError` for what is wrong with it."""
        from traintui.generation.plan import parse_plan

        plan = parse_plan(self.given, source="")
        if self.documents.option_count and not self.documents.selected:
            raise TraintuiError("Nothing to write from", "`documents`: choose at least one.", "space chooses.")
        if plan.budget_usd is not None and price_of(plan.model, prices=self._prices) is None:
            raise TraintuiError(
                "Budget not kept", f"`budget_usd`: the price of {plan.model} is not known, so no budget can be kept.",
                "Leave it empty, take a listed model, or set its price ($).",
            )  # fmt: skip
        return plan

    def _show_mistake(self, error: TraintuiError | None, *, title: bool = False) -> None:
        """Puts an answer at its field, or below the form where it belongs to none. None takes it away."""
        for each in self.query(FormField):
            each.clear()
        self.answer.update("")
        if error is None:
            return
        message = error.message.removeprefix(": ")
        named = KEY.match(message)
        found = self.query(f"FormField#{named[1]}").results(FormField) if named else ()
        for each in found:
            rest = KEY.sub("", message, count=1)
            each.fail(f"{rest} {error.remedy}" if title else rest)
            each.fill()
            each.scroll_visible(animate=False)
            return
        self.answer.update(
            Content.assemble(
                ("! ", "$error"), text.shown(error.title, single_line=True, style="bold $error"), "\n",
                text.shown(sentence(message), limit=400), "\n", text.shown(error.remedy, limit=400, style="$muted"),
            )
        )  # fmt: skip
        self.answer.scroll_visible(animate=False)

    # What the strategy makes of it

    @on(Input.Changed, "#count-text, #seed-text, #dimensions Input")
    @on(Select.Changed, "#strategies")
    def _look_out(self) -> None:
        if self._vocabulary:
            self.read(partial(self._read_outlook, self.given), name="outlook")

    async def _read_outlook(self, given: Mapping[str, Any]) -> None:
        from traintui.data import coverage

        await asyncio.sleep(LOOK_SECONDS)
        try:
            gaps = await coverage.missing(self.db) if given["strategy"] == "gaps" else None
            found = await asyncio.to_thread(looked_out, given, self._vocabulary, gaps)
        except TraintuiError as error:
            self._show_outlook(Content.assemble(("! ", "$warning"), text.shown(reason(error), limit=160)))
            return
        number = "" if given["count"] is not None else f"{found.count:,}: "
        pairs = f"all {found.pairs:,}" if found.covered == found.pairs else f"{found.covered} of {found.pairs:,}"
        counted = "" if found.covered is None else f"{pairs} pairs · "
        said = f"{number}{counted}{found.combinations:,} combinations"
        self._show_outlook(Content.styled(said, "$muted"))

    def _show_outlook(self, said: Content) -> None:
        self.query_one("#outlook", Static).update(said)

    @on(Input.Changed)
    @on(SelectionList.SelectedChanged)
    @on(Select.Changed, "#strategies")
    def _changed(self) -> None:
        """A mistake that was answered is answered until it is mended."""
        if self._tried and not self._starting:
            with suppress(TraintuiError):
                self._plan()
                self._tried = False
                self._show_mistake(None)

    @on(Select.Changed, "#models")
    def _model_changed(self) -> None:
        self.set_class(self.models.value == OTHER, "-other-model")
        self._changed()

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
            self.app.push_screen(BatchPreview(plan), self._previewed)

    def _previewed(self, begin: bool | None) -> None:
        if begin:
            self.action_start()

    def _valid_plan(self) -> Plan | None:
        """The plan, or None with the answer at its field."""
        try:
            return self._plan()
        except TraintuiError as error:
            self._tried = True
            self._show_mistake(error)
            return None

    def action_start(self) -> None:
        """Queues the batch, unless something is wrong with the plan."""
        plan = None if self._starting else self._valid_plan()
        if plan is None:
            return
        self._starting = True
        self._show_mistake(None)
        self.answer.update(Content.styled("◌ Planning the conversations", "$muted"))
        self.write(partial(self._start, plan), name="start")

    async def _start(self, plan: Plan) -> None:
        from traintui.generation.provider import provider_of

        # The templates' language takes a moment to load; the form answers keys meanwhile.
        start = await asyncio.to_thread(importlib.import_module, "traintui.generation.start")
        provider = await provider_of(self.app.crew.settings)
        batch_id: int = await start.start_batch(self.db, plan, is_rehearsal=provider.is_rehearsal)
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
