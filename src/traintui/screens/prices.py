"""Prices: what each model costs from which day on, which models have no price, and the month against its budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.price_records import ListedPrice, ModelUse, MonthSpending, Price
from traintui.errors import TraintuiError
from traintui.generation.pricing import price_of
from traintui.screens.base import BaseDialog
from traintui.screens.price_form import BudgetForm, PriceForm
from traintui.widgets.batch_band import month_line
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import Column, RowTable


@dataclass(frozen=True, slots=True)
class Row:
    """A price, or a model in use that has none."""

    model: str
    listed: ListedPrice | None
    state: str
    use: ModelUse | None

    @property
    def key(self) -> tuple[str, date | None]:
        """What names it."""
        return self.model, self.listed.price.effective_from if self.listed else None


def rows_of(listed: tuple[ListedPrice, ...], used: tuple[ModelUse, ...], day: date) -> tuple[Row, ...]:
    """Models in use without a price first, then each price by model, the newest first."""
    uses = {use.model: use for use in used}
    known = [entry.price for entry in listed if entry.price.effective_from <= day]
    rows = [Row(use.model, None, "no price", use) for use in used if price_of(use.model, prices=known) is None]
    current = {price.model: price.effective_from for price in sorted(known, key=lambda price: price.effective_from)}
    for entry in listed:
        price = entry.price
        if price.effective_from > day:
            state = "later"
        else:
            state = "in effect" if current[price.model] == price.effective_from else "before"
        rows.append(Row(price.model, entry, state, uses.get(price.model)))
    return tuple(rows)


STATES = {"no price": ("! no price", "$warning"), "in effect": ("● in effect", "$success"),
          "later": ("◌ later", "$accent"), "before": ("before", "$faint")}  # fmt: skip


AGAIN = 5.0
"""Seconds between two looks at what was spent."""


def amount(value: Decimal) -> str:
    """A price as short as it can be without losing a digit, with two decimals at least."""
    written = f"{value.normalize():f}"
    whole, _, rest = written.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def _rate(name: str) -> Column[Row]:
    titles = {"input": "Input", "output": "Output", "cache_read": "Cached", "cache_write_5m": "Write 5 min",
              "cache_write_1h": "Write 1 h"}  # fmt: skip

    def cell(row: Row) -> Content:
        if row.listed is None:
            return Content.styled("unknown", "$warning")
        style = "$faint" if row.state == "before" else ""
        return Content.styled(amount(getattr(row.listed.price.rates, name)), style)

    written = name.startswith("cache_write")
    return Column(titles[name], 11 if written else 8, cell, right=True, from_width=100 if written else 0)


COLUMNS: tuple[Column[Row], ...] = (
    Column("Model", 0, lambda row: text.shown(row.model, single_line=True, limit=80,
                                              style="$faint" if row.state == "before" else "")),
    Column("From", 10, lambda row: Content(f"{row.listed.price.effective_from}" if row.listed else text.NOTHING)),
    _rate("input"), _rate("output"), _rate("cache_read"), _rate("cache_write_5m"), _rate("cache_write_1h"),
    Column("State", 11, lambda row: Content.styled(*STATES[row.state])),
)  # fmt: skip


def about(row: Row) -> Content:
    """What is known about a price beside its figures, or what to do where there is none."""
    use = row.use
    calls = text.plural(use.calls, "call") if use is not None else "no call yet"
    name = text.shown(row.model, single_line=True, limit=80, style="bold")
    if row.listed is None:
        unknown = f", {use.unpriced_calls:,} of unknown cost" if use is not None and use.unpriced_calls else ""
        return Content.assemble(
            name, (f"  {calls}{unknown}", "$muted"), "\n",
            "n sets its price: it counts for the calls after it, those before stay unknown. Where nothing is paid, its"
            " price is 0. A batch with a budget, and any batch in a month with one, waits for it.",
        )  # fmt: skip
    price = row.listed.price
    parts = [f"batches pay {price.batch_factor.normalize():f} of it"]
    if price.long_prompt is not None:
        long = price.long_prompt
        parts.insert(0, f"above {price.long_prompt_over:,} tokens of prompt {amount(long.input)} in, "
                        f"{amount(long.output)} out, {amount(long.cache_read)} cache read")  # fmt: skip
    return Content.assemble(
        name, (f"  {calls}   set by ", "$muted"), text.shown(row.listed.set_by, single_line=True, limit=40),
        (f", {text.moment(row.listed.set_at)}", "$muted"), "\n", ("; ".join(parts), "$muted"),
    )  # fmt: skip


class PricesDialog(BaseDialog[None]):
    """The month above, the prices below it, and under them what is known about the one under the cursor."""

    PLACES = ("prices", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("prices")
    CSS_PATH = "prices.tcss"
    AUTO_FOCUS = "#prices"

    table: getters.query_one[RowTable[Row]] = getters.query_one("#prices", RowTable)
    notice = getters.query_one(Notice)
    spent = getters.query_one("#month", Static)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._month: MonthSpending | None = None

    def compose(self) -> ComposeResult:
        """Month, table, one row, and what was done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Prices"
            panel.border_subtitle = "USD per million tokens"
            yield Static(id="month")
            yield RowTable(COLUMNS, key=lambda row: row.key, opens="", id="prices")
            yield Notice("loading", "Reading the prices")
            yield Static(id="about")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.set_class(True, "-nothing")
        if not self.allowed("prices", "new"):
            self._say(Content.assemble(("○ ", "$accent"), "Read only: administrators set prices and the budget."))
        self.action_look()
        self.set_interval(AGAIN, self._look_again)

    def _look_again(self) -> None:
        """Calls are paid for meanwhile: what was spent follows while somebody looks."""
        if self.app.screen is self and self.app.outage is None and not self.reading_now("prices"):
            self.action_look()

    def action_look(self) -> None:
        """Reads prices and spending again."""
        self.read(self._read, name="prices")

    async def _read(self) -> None:
        from traintui.data import prices, spending

        rows = rows_of(await prices.listed(self.db), await prices.used_models(self.db), prices.today())
        self._month = await spending.month(self.db)
        self.set_class(False, "-nothing")
        self.table.show(rows)
        self.spent.update(self._month_line(self._month))
        self._show_about()
        self.refresh_bindings()

    def _month_line(self, month: MonthSpending) -> Content:
        parts = [month_line(month)]
        if month.under_way_usd:
            parts.append(Content.styled(f"{text.usd(month.under_way_usd)} of it under way at most", "$muted"))
        if month.budget_usd is None:
            parts.append(Content.styled("no budget", "$muted"))
        elif month.warns:
            parts.append(Content.styled("at the budget every batch that is paid for pauses", "$warning"))
        return Content("   ").join(parts)

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row = self.table.current
        self.about.update(about(row) if row is not None else "")

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if self.check_action("new", ()):
            self.action_new()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs an administrator."""
        if action not in {"new", "budget"}:
            return True
        return True if self.is_mounted and self.allowed("prices", action) else None

    def action_new(self) -> None:
        """Asks for a price, beginning with that of the row under the cursor."""
        row = self.table.current
        before = row.listed.price if row is not None and row.listed is not None else None
        known = tuple(dict.fromkeys(each.model for each in self.table.rows if each.use is not None or each.listed))
        self.app.push_screen(PriceForm(row.model if row is not None else "", before, known), self._set)

    def _set(self, price: Price | None) -> None:
        if price is not None:
            self._say(
                Content.assemble(
                    ("● ", "$success"), "Set: ", text.shown(price.model, single_line=True, limit=80),
                    f" from {price.effective_from} on. What was logged keeps its cost.",
                )
            )  # fmt: skip
            self.action_look()

    def action_budget(self) -> None:
        """Asks for the budget of a month."""
        if self._month is not None:
            self.app.push_screen(BudgetForm(self._month), self._budgeted)

    def _budgeted(self, changed: bool | None) -> None:
        if changed:
            self._say(
                Content.assemble(("● ", "$success"), "The budget is set. p on Generate resumes what paused at it.")
            )
            self.action_look()

    def _say(self, said: Content) -> None:
        self.said.update(said)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the prices while there are none, else below them."""
        answer: TraintuiError = self.app.answer(error)
        if self.table.rows:
            self._say(failure(answer, gap=" "))
        else:
            self.notice.fail(answer, "r reads again.")
