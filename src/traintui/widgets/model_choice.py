"""Which model: one of the price list, another by its name, or none; with what is known of its price."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from traintui import text
from traintui.data.nearest import nearest
from traintui.generation.pricing import Price, price_of

OTHER = ""
"""The choice of a model that is not on the price list."""
NONE = "-"
"""The choice of no model at all."""


def offer(price: Price) -> str:
    """A model with its price."""
    given, written = (f"${text.plain(rate)}" for rate in (price.rates.input, price.rates.output))
    return f"{price.model:<17} {given:>5} in {written:>5} out, per million"


class ModelChoice(Vertical):
    """A list of models, and a field for another one. `none` is what no model is called, where there may be none."""

    DEFAULT_CSS = """
    ModelChoice {
        height: auto; width: 1fr;
        & > Horizontal { height: auto; }
        & Select { width: 1fr; }
        & Input { display: none; width: 26; margin: 0 0 0 1; }
        &.-other Input { display: block; }
        & .unpriced { display: none; height: auto; color: $warning; padding: 0 1; }
        &.-unpriced .unpriced { display: block; }
    }
    """

    listed: getters.query_one[Select[str]] = getters.query_one(Select)
    field = getters.query_one(Input)

    class Changed(Message):
        """Another model, or another letter of its name."""

    def __init__(self, model: str | None, prices: Sequence[Price], *, id: str, none: str = "") -> None:
        super().__init__(id=id)
        self._prices = prices
        self._none = none
        self._given = model or ""

    def compose(self) -> ComposeResult:
        """List and field beside each other, and a line about the price."""
        known = price_of(self._given, prices=self._prices) if self._given else None
        empty = [(self._none, NONE)] if self._none else []
        value = NONE if self._none and not self._given else known.model if known else OTHER
        with Horizontal():
            yield Select(
                [*empty, *((offer(price), price.model) for price in self._prices), ("another model", OTHER)],
                value=value, allow_blank=False, compact=True, id=f"{self.id}-list",
            )  # fmt: skip
            yield Input(
                "" if known else self._given, placeholder="its name at the provider", compact=True,
                id=f"{self.id}-text",
            )  # fmt: skip
        yield Static(classes="unpriced")

    def on_mount(self) -> None:
        """Shows what belongs to the choice."""
        self._show()

    @property
    def model(self) -> str | None:
        """The model; None where none is chosen, and empty where another one is, without a name yet."""
        if self.listed.value == NONE:
            return None
        return str(self.listed.value) if self.listed.value != OTHER else self.field.value.strip()

    @property
    def priced(self) -> bool:
        """Whether its price is known."""
        return self.model is not None and price_of(self.model, prices=self._prices) is not None

    @on(Select.Changed)
    @on(Input.Changed)
    def _changed(self) -> None:
        self._show()
        self.post_message(self.Changed())

    def _show(self) -> None:
        model = self.model
        self.set_class(self.listed.value == OTHER, "-other")
        unpriced = bool(model) and not self.priced
        self.set_class(unpriced, "-unpriced")
        if unpriced and model:
            near = nearest(model, [price.model for price in self._prices])
            asks = f" Did you mean {near}?" if near else ""
            self.query_one(".unpriced", Static).update(
                Content.assemble("! Price unknown, so its cost is too.", asks, (" $ sets a price.", "$muted"))
            )
