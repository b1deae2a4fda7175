"""The forms of a price and of the month's budget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.data.nearest import nearest
from traintui.data.price_records import BATCH_FACTOR, WRITE_1H, WRITE_5M, MonthSpending, Price, Rates
from traintui.errors import TraintuiError
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

MOST = Decimal(100_000)
"""USD per million tokens that the table takes."""


class Mistake(Exception):
    """What is wrong with a field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def number(written: str, field: str, what: str, *, most: Decimal) -> Decimal:
    """A figure that was typed. Raises `Mistake` where it is none from 0 to `most`."""
    plain = written.strip().removeprefix("$").strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= most:
        said = f"“{plain[:20]}” is no number" if plain else "is missing"
        if value.is_finite():
            said = f"{plain[:20]} is {'below 0' if value < 0 else 'too much'}"
        raise Mistake(field, f"{what}: {said}. Write a number from 0 to {most:,}, such as 2.50.")
    if value != round(value, 6):
        raise Mistake(field, f"{what}: at most six decimals are kept.")
    return value


def cells(*given: tuple[str, str, str]) -> list[Static | Input]:
    """Fields beside each other: (id, value, what it is)."""
    made: list[Static | Input] = []
    for name, value, what in given:
        made.append(Input(value, compact=True, id=name))
        made.append(Static(what, classes="word"))
    return made


class PriceForm(BaseDialog[Price]):
    """Asks for the price of a model from a day on, and answers with it once it is set.

    `before` is what the fields begin with, `known` are the models that the table, plans, batches or calls name.
    """

    PLACES = ("price_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("price_form")
    CSS_PATH = "prices.tcss"
    AUTO_FOCUS = "#model Input"

    answer = getters.query_one("#answer", Static)

    def __init__(self, model: str, before: Price | None, known: Sequence[str]) -> None:
        super().__init__()
        self._model = model
        self._before = before
        self._known = known
        self._asked_about = ""
        self._saving = False

    def compose(self) -> ComposeResult:
        """The fields; the prices of writing to the cache follow the input price where they are left empty."""
        from traintui.data.prices import today

        price = self._before
        given = dict.fromkeys(("input", "output", "read", "5m", "1h", "over", "l-input", "l-output", "l-read"), "")
        if price is not None:
            rates, usual = price.rates, Rates.usual(price.rates.input, price.rates.output, price.rates.cache_read)
            given |= {
                "input": text.plain(rates.input),
                "output": text.plain(rates.output),
                "read": text.plain(rates.cache_read),
            }
            # What follows the input price is left empty, so that it follows a new one too.
            given["5m"] = "" if rates.cache_write_5m == usual.cache_write_5m else text.plain(rates.cache_write_5m)
            given["1h"] = "" if rates.cache_write_1h == usual.cache_write_1h else text.plain(rates.cache_write_1h)
        if price is not None and (long := price.long_prompt) is not None:
            given |= {"over": str(price.long_prompt_over), "l-input": text.plain(long.input)}
            given |= {"l-output": text.plain(long.output), "l-read": text.plain(long.cache_read)}
        with Vertical(classes="dialog") as panel:
            panel.border_title = "New price"
            panel.border_subtitle = "USD per million tokens"
            yield FormField("Model", Input(self._model, compact=True, id="model-text", max_length=200), id="model")
            yield FormField(
                "From", Input(f"{today()}", compact=True, id="day-text", max_length=10), id="day",
                about="UTC; today, or a later day",
            )  # fmt: skip
            yield FormField(
                "Price", *cells(("input", given["input"], "in"), ("output", given["output"], "out")), id="price"
            )
            yield FormField("Cache read", *cells(("read", given["read"], "")), id="cache")
            yield FormField(
                "Cache write",
                *cells(("write-5m", given["5m"], "for 5 minutes"), ("write-1h", given["1h"], "for 1 hour")),
                id="writes",
            )  # fmt: skip
            yield FormField(
                "Long prompts", *cells(("over", given["over"], "tokens are not long; longer ones pay")), id="long"
            )
            yield FormField(
                "",
                *cells(
                    ("long-input", given["l-input"], "in"), ("long-output", given["l-output"], "out"),
                    ("long-read", given["l-read"], "cache read"),
                ),
                id="pays",
            )  # fmt: skip
            factor = price.batch_factor if price is not None else BATCH_FACTOR
            yield FormField("Batches pay", *cells(("factor", text.plain(factor), "of each price")), id="batch")
            yield Static(
                Content.styled(
                    "Writing to the cache costs 1.25 and 2 times the input price where it is left empty; prompts"
                    " without a limit all pay the same. What was logged keeps its cost.", "$muted",
                ), id="answer",
            )  # fmt: skip
        yield KeyBar()

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _rate(self, name: str, field: str, what: str) -> Decimal:
        return number(self._text(name), field, what, most=MOST)

    def _price(self) -> Price:
        """What was filled in. Raises `Mistake`."""
        model = self._text("model-text")
        if not model or len(model.split()) > 1:
            raise Mistake("model", "Write the model's id as the provider calls it, without blanks.")
        if model not in self._known and model != self._asked_about:
            self._asked_about = model
            like = nearest(model, self._known)
            meant = f"Did you mean {like}? " if like else ""
            raise Mistake("model", f"No plan, batch or call names {model}. {meant}ctrl+s again sets it all the same.")
        try:
            day = date.fromisoformat(self._text("day-text"))
        except ValueError:
            raise Mistake("day", "Write a day such as 2026-12-01.") from None
        input_ = self._rate("input", "price", "In")
        rates = Rates(
            input_,
            self._rate("output", "price", "Out"),
            self._rate("read", "cache", "Read"),
            self._rate("write-5m", "writes", "Write") if self._text("write-5m") else input_ * WRITE_5M,
            self._rate("write-1h", "writes", "Write") if self._text("write-1h") else input_ * WRITE_1H,
        )
        long, over = self._long(rates)
        factor = number(self._text("factor"), "batch", "Batches", most=Decimal(1))
        return Price(model, day, rates, long, over, factor)

    def _long(self, rates: Rates) -> tuple[Rates | None, int | None]:
        """The rates of long prompts and from where on; writing is as much dearer than input as for others."""
        names = ("over", "long-input", "long-output", "long-read")
        if not any(self._text(name) for name in names):
            return None, None
        over = self._text("over").replace(",", "")
        if not over.isdecimal() or not 0 < int(over) <= 2_000_000_000:
            raise Mistake(
                "long", "Write up to how many tokens a prompt is not long, such as 100000, or leave both lines empty."
            )
        input_, output, read = (self._rate(name, "pays", "Long prompts") for name in names[1:])
        by_5m, by_1h = WRITE_5M, WRITE_1H
        if rates.input:
            by_5m, by_1h = rates.cache_write_5m / rates.input, rates.cache_write_1h / rates.input
        return Rates(input_, output, read, round(input_ * by_5m, 6), round(input_ * by_1h, 6)), int(over)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.focus_next()

    def action_save(self) -> None:
        """Sets the price, unless something is wrong with it."""
        if self._saving:
            return
        for field in self.query(FormField):
            field.clear()
        try:
            price = self._price()
        except Mistake as mistake:
            field = self.query_one(f"#{mistake.field}", FormField)
            field.fail(str(mistake))
            field.fill()
            return
        self._saving = True
        self.app.keys_follow(self.write(partial(self._save, price), name="save"))

    async def _save(self, price: Price) -> None:
        from traintui.data import prices

        await prices.set_price(self.db, price)
        self.dismiss(price)

    def work_failed(self, name: str, error: BaseException) -> None:
        """What the database does not take is answered at the day where it is about that, else below."""
        self._saving = False
        answer = self.app.answer(error)
        if "in effect" in answer.message:
            self.query_one("#day", FormField).fail(answer.message)
            return
        self.answer.update(failure(answer))

    def action_back(self) -> None:
        """Sets nothing, unless it is just being set."""
        if not self._saving:
            self.dismiss(None)


class BudgetForm(BaseDialog[bool]):
    """Asks how much may be spent in a month; answers true when it was set."""

    PLACES = ("budget_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("budget_form")
    CSS_PATH = "prices.tcss"

    field = getters.query_one("#budget", FormField)

    def __init__(self, month: MonthSpending) -> None:
        super().__init__()
        self._month = month
        self._saving = False

    def compose(self) -> ComposeResult:
        """One field."""
        spent = text.usd(self._month.spent_usd + self._month.under_way_usd, unpriced=self._month.unpriced_calls)
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Budget of a month"
            yield FormField(
                "USD a month",
                Input(text.plain(self._month.budget_usd), compact=True, id="budget-text", placeholder="none"),
                id="budget", about="empty for none",
            )  # fmt: skip
            yield Static(
                Content.styled(
                    f"{self._month.month:%B} has cost {spent} by now. Before a call could pass the budget, its batch"
                    " pauses; rehearsals are not paid. A month begins at midnight UTC. The change is on record.",
                    "$muted",
                ),
                id="answer",
            )
        yield KeyBar()

    def action_save(self) -> None:
        """Sets it."""
        if self._saving:
            return
        self.field.clear()
        written = self.query_one("#budget-text", Input).value.strip()
        try:
            amount = number(written, "budget", "Budget", most=Decimal(100_000_000)) if written else None
        except Mistake as mistake:
            self.field.fail(str(mistake))
            return
        self._saving = True
        self.app.keys_follow(self.write(partial(self._save, amount), name="save"))

    async def _save(self, amount: Decimal | None) -> None:
        from traintui.data import spending

        await spending.set_monthly_budget(self.db, amount)
        self.dismiss(True)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers at the field."""
        self._saving = False
        answer: TraintuiError = self.app.answer(error)
        self.field.fail(f"{answer.message} {answer.remedy}")

    def action_back(self) -> None:
        """Leaves it as it is, unless it is just being set."""
        if not self._saving:
            self.dismiss(None)
