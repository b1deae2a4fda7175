"""The fields of a new batch: what is filled in, the plan that it makes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from traintui import commands, text
from traintui.errors import TraintuiError, sentence
from traintui.generation.pricing import Price, price_of
from traintui.screens import batch_values
from traintui.screens.base import BaseDialog
from traintui.screens.batch_fields import (
    KEY,
    TEMPLATE,
    UNUSUAL,
    fields_of,
    more_fields,
    number,
    offer_pairs,
    offer_templates,
    opens,
)
from traintui.screens.batch_sources import ChosenSources, NamedSources, SourcesDialog
from traintui.screens.batch_values import ValuesDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.model_choice import ModelChoice

if TYPE_CHECKING:
    from traintui.generation.plan import Plan
    from traintui.screens.coverage import Filling

DRAWN = ("persona", "emotion", "topic", "intent", "tone")
NEW: dict[str, Any] = {
    "strategy": "independent",
    "model": "claude-sonnet-5-5",
    "template": TEMPLATE,
    "count": 40,
    "seed": 1,
    "exchanges": [2, 4],
    "dimensions": {"tier": {"template": 3, "scenario": 5, "edge_case": 2}},
}
FIELD_OF = {"chunks": "documents"}
"""Where a key of a plan that has no field of its own is answered."""


class FilledBatchForm(BaseDialog[int]):
    """The fields and the plan that they make. `before` is the definition of the last plan, `prices` what models cost
    today; `filling` says how many conversations are missing, and in which cells."""

    PLACES = ("batch_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("batch_form")
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = "#name Input"

    panel = getters.query_one(".dialog", VerticalScroll)
    model = getters.query_one("#models", ModelChoice)
    fallback = getters.query_one("#fallbacks", ModelChoice)
    judge = getters.query_one("#judges", ModelChoice)
    strategies: getters.query_one[Select[str]] = getters.query_one("#strategies", Select)
    templates: getters.query_one[Select[str]] = getters.query_one("#templates", Select)
    pairs: getters.query_one[Select[str]] = getters.query_one("#pairs", Select)
    modes: getters.query_one[Select[str]] = getters.query_one("#modes", Select)
    answer = getters.query_one("#answer", Static)

    def __init__(
        self, name: str, before: Mapping[str, Any] | None, prices: Sequence[Price], filling: Filling | None = None
    ) -> None:
        super().__init__()
        self._prices = prices
        self._given = {**NEW, **(before or {}), "name": name}
        self._rehearsal_counts = filling is None or filling.rehearsal
        self._weights: dict[str, dict[str, float]] = dict(self._given.get("dimensions") or {})
        if filling is not None:
            self._given |= {"strategy": "gaps", "count": filling.count, "gaps": filling.dimensions}
            kept = {"tier"} - set(filling.dimensions)
            self._weights = {name: weights for name, weights in self._weights.items() if name in kept}
        self._tried = False
        self._starting = False
        self._vocabulary: dict[str, tuple[str, ...]] = {}
        self._sources = ChosenSources(NamedSources(self._given.get("documents") or (), self._given.get("chunks") or ()))

    def compose(self) -> ComposeResult:
        """The fields, those that most leave alone folded away, and the buttons."""
        with VerticalScroll(classes="dialog", can_focus=False) as panel:
            panel.border_title = "New batch"
            yield from fields_of(self._given, self._prices)
            for each in more_fields(self._given, self._prices):
                yield each.add_class("more")
            yield Static(
                Content.styled("f3: half price, priority, a model for refusals, a judge", "$muted"),
                id="folded",
            )
            yield Static(Content.styled("◌ Reading what there is to write from", "$muted"), id="drawn")
            yield Static(id="answer")
            with Horizontal(id="buttons"):
                yield Button("Preview", compact=True, id="preview")
                yield Button("Start", variant="primary", compact=True, id="start")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads what there is to write from."""
        unusual = any((self._given.get(name) or usual) != usual for name, usual in UNUSUAL.items())
        self.set_class(unusual, "-more")
        self.set_class(self.strategies.value == "gaps", "-gaps")
        self.read(self._read_sources, name="sources")

    async def _read_sources(self) -> None:
        from traintui.data import coverage, documents, templates, vocabulary

        offer_templates(self.templates, await templates.versions(self.db))
        offer_pairs(self.pairs, await coverage.pairs_with_targets(self.db))
        chunks = await documents.outline(self.db)
        values = await vocabulary.values(self.db, active_only=True)
        known = vocabulary.by_dimension((value.dimension, value.value) for value in values)
        self._vocabulary = {dimension: known[dimension] for dimension in (*DRAWN, "tier") if dimension in known}
        try:
            self._sources.know(chunks)
        except TraintuiError as error:
            self._show_mistake(error)
        self._show_drawn()
        self._show_openers()
        self._look_out()

    def _show_drawn(self) -> None:
        """Says of how many values it draws, or what is missing before anything can be planned."""
        counts = {name: len(self._weights.get(name) or self._vocabulary.get(name, ())) for name in DRAWN}
        missing = [dimension for dimension in DRAWN if not self._vocabulary.get(dimension)]
        if not self._sources.chunks:
            said = Content.assemble(("! ", "$warning"), "No documents yet: traintui import FILE brings some.")
        elif missing:
            said = Content.assemble(("! ", "$warning"), f"The vocabulary has no {' and no '.join(missing)} yet.")
        else:
            drawn = ", ".join(text.plural(counts[dimension], dimension) for dimension in DRAWN)
            said = Content.styled(f"Draws on {drawn}.", "$muted")
        self.query_one("#drawn", Static).update(said)

    # What to write from, and of which values

    def _show_openers(self) -> None:
        self.query_one("#sources", Button).label = opens(self._sources.said)
        self.query_one("#values", Button).label = opens(batch_values.said_of(self._weights, self._vocabulary))

    @on(Button.Pressed, "#sources")
    def _sources_asked(self) -> None:
        if self._sources.chunks:
            self.app.push_screen(SourcesDialog(self._sources.chunks, self._sources.ids), self._sources_chosen)

    def _sources_chosen(self, chosen: frozenset[int] | None) -> None:
        if chosen is not None:
            self._sources.choose(chosen)
            self.query_one("#documents", FormField).clear()
            self._show_openers()

    @on(Button.Pressed, "#values")
    def _values_asked(self) -> None:
        if self._vocabulary:
            self.app.push_screen(ValuesDialog(self._weights, self._vocabulary), self._values_chosen)

    def _values_chosen(self, weights: dict[str, dict[str, float]] | None) -> None:
        if weights is not None:
            self._weights = weights
            self.query_one("#dimensions", FormField).clear()
            self._show_openers()
            self._show_drawn()
            self._look_out()

    def action_more(self) -> None:
        """Shows the fields that most leave alone, or folds them away."""
        self.toggle_class("-more")
        if self.has_class("-more"):
            self.modes.focus()
            self.panel.scroll_end(animate=False)

    def _look_out(self) -> None:
        """What the strategy makes of it may be something else."""

    # What was filled in

    def _text(self, selector: str) -> str:
        return self.query_one(selector, Input).value.strip()

    @property
    def given(self) -> dict[str, Any]:
        """The plan as it is filled in, mistakes and all."""
        named = self._sources.named
        given: dict[str, Any] = {
            "name": self._text("#name-text"),
            "strategy": self.strategies.value,
            "count": number(self._text("#count-text")) if self._text("#count-text") else None,
            "model": self.model.model,
            "template": self.templates.value,
            "documents": list(named.documents),
            "chunks": list(named.chunks),
            "exchanges": [number(self._text("#least")), number(self._text("#most"))],
            "dimensions": self._weights,
            "seed": number(self._text("#seed-text") or "0"),
            "mode": self.modes.value,
            "priority": number(self._text("#priority-text") or "0"),
            "fallback_model": self.fallback.model,
            "judge_model": self.judge.model,
        }
        if given["strategy"] == "gaps":
            given["gaps"] = str(self.pairs.value).split()
        if budget := self._text("#budget").removeprefix("$"):
            given["budget_usd"] = budget
        return given

    def _plan(self) -> Plan:
        """The plan. Raises `TraintuiError` for what is wrong with it."""
        from traintui.generation.plan import parse_plan

        plan = parse_plan(self.given, source="")
        paid = ("budget_usd", plan.model), ("fallback_model", plan.fallback_model), ("judge_model", plan.judge_model)
        for key, model in paid:
            if plan.budget_usd is not None and model and price_of(model, prices=self._prices) is None:
                raise TraintuiError(
                    "Budget not kept", f"`{key}`: the price of {model} is not known, so no budget can be kept.",
                    "Leave the budget empty, take a listed model, or set its price ($).",
                )  # fmt: skip
        return plan

    def _say(self, said: Content) -> None:
        self.answer.update(said)
        self.set_class(bool(said), "-answered")

    def _show_mistake(self, error: TraintuiError | None, *, title: bool = False, go: bool = True) -> None:
        """Puts an answer at its field, or below the form where it belongs to none, and with `go` the cursor there. None
        takes it away."""
        for each in self.query(FormField):
            each.clear()
        self._say(Content(""))
        self.remove_class("-miscounted")
        if error is None:
            return
        message = error.message.removeprefix(": ")
        named = KEY.match(message)
        key = FIELD_OF.get(named[1], named[1]) if named else ""
        found = self.query(f"FormField#{key}").results(FormField) if key else ()
        for each in found:
            rest = KEY.sub("", message, count=1)
            each.fail(f"{rest} {error.remedy}" if title else rest)
            if each.has_class("more"):
                self.set_class(True, "-more")
            self.set_class(key == "count", "-miscounted")
            if go:
                each.fill()
                each.scroll_visible(animate=False)
            return
        self._say(
            Content.assemble(
                ("! ", "$error"), text.shown(error.title, single_line=True, style="bold $error"), "\n",
                text.shown(sentence(message), limit=400), "\n", text.shown(error.remedy, limit=400, style="$muted"),
            )
        )  # fmt: skip
        self.answer.scroll_visible(animate=False)
