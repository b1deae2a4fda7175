"""Which conversations one reviews, and in which order: a filter with an order, chosen without leaving Review."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data import review_queues
from traintui.data.fields import FIELDS
from traintui.data.filter_editing import toggled
from traintui.data.filter_words import FilterError
from traintui.data.queue_orders import ORDERS, QueueOrder, QueueOrders, title_of
from traintui.data.review_queues import waiting
from traintui.history import History, history_path
from traintui.queue_choice import QueueChoice
from traintui.screens.base import BaseDialog
from traintui.widgets.filter_field import Offer
from traintui.widgets.filter_line import FilterLine
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.filters import Filter

EXAMPLE = "all that wait; is:mine, tier:edge_case or score<7 for some of them"


class ReviewChoiceDialog(BaseDialog[QueueChoice]):
    """A filter above, the orders below; answers both, or None."""

    PLACES = ("review_choice", "table", "filter")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("review_choice")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    filter_line = getters.query_one(FilterLine)
    table: getters.query_one[RowTable[QueueOrder]] = getters.query_one("#orders", RowTable)
    answer = getters.query_one("#answer", Static)

    def __init__(self, choice: QueueChoice, orders: QueueOrders) -> None:
        super().__init__(classes="choice")
        self._orders = orders
        self._before = choice
        self._text = choice.filter_text
        self._readable = True
        """Whether what is typed can be read as a filter."""

    def compose(self) -> ComposeResult:
        """The filter, how many wait, and the orders."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What to review"
            yield FilterLine(EXAMPLE, History(history_path()))
            yield Static(id="answer")
            yield RowTable[QueueOrder](
                [
                    Column("", 1, self._mark),
                    Column("Order", 20, lambda order: text.shown(order.title, single_line=True, limit=20)),
                    Column("", 0, lambda order: Content.styled(order.about, "$muted")),
                ],
                key=lambda order: order.text,
                opens="Review these",
                id="orders",
            )
        yield KeyBar()

    def _mark(self, order: QueueOrder) -> Content:
        return Content.styled("●" if order.text == self._before.order else " ", "$accent")

    def on_mount(self) -> None:
        """The list begins at the present order; one that came from the table is one more of them."""
        orders, now = list(ORDERS), self._before.order
        fields = self.app.live.fields if self.app.live else FIELDS
        if now not in {order.text for order in orders}:
            orders.append(QueueOrder(now, title_of(now, fields), "as the table was sorted"))
        self.table.styles.height = len(orders) + 1
        self.table.show(orders)
        self.table.cursor = next(place for place, order in enumerate(orders) if order.text == now)
        self.filter_line.applied(self._text)
        self._understand(self._text, typing=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters belong to the filter while one types it."""
        return not (action in {"filter", "mine"} and self.filter_line.field.has_focus)

    # The filter

    def action_filter(self) -> None:
        """Goes to the filter."""
        self.filter_line.field.focus()

    def action_mine(self) -> None:
        """Only what is one's own, or all again."""
        changed = toggled(self._text, "is", "mine")
        if self._understand(changed, typing=False):
            self.filter_line.applied(changed)

    @on(FilterLine.Changed)
    def _typed(self, event: FilterLine.Changed) -> None:
        if not self.filter_line.field.is_naming:
            self._understand(event.text, typing=True)

    @on(FilterLine.Applied)
    def _applied(self, event: FilterLine.Applied) -> None:
        if self._understand(event.text, typing=False):
            self.filter_line.applied(event.text)
            self.table.focus()

    @on(FilterLine.Left)
    def _left(self, event: FilterLine.Left) -> None:
        self._understand(event.text, typing=False)
        self.table.focus()

    def _understand(self, filter_text: str, *, typing: bool) -> bool:
        try:
            wanted = self.app.read_filter(waiting(filter_text))
        except FilterError as error:
            shift = len(waiting("-")) - 1  # its places are those of the filter with what Review says itself
            self._readable = False
            self.filter_line.fail(
                error.message, error.remedy, max(0, error.start - shift), max(0, error.end - shift), typing=typing
            )
            return False
        self._readable, self._text = True, filter_text.strip()
        self.filter_line.understood()
        self._learn(wanted)
        total = review_queues.total(self.app.live, wanted, self._orders)
        if total is None:
            self.answer.update(Content.styled("   counting", "$muted"))
            self.read(partial(self._count, self._text, wanted), name="count")
        else:
            self._say(total)
        return True

    def _learn(self, wanted: Filter) -> None:
        live = self.app.live
        facets = None if live is None else live.facets(wanted)
        fields = FIELDS if live is None else live.fields
        self.filter_line.learn(Offer(fields, facets or {}, self.app.labels, self.app.metadata_keys))

    async def _count(self, filter_text: str, wanted: Filter) -> None:
        total = await review_queues.count(self.db, self.app.live, wanted, self._orders)
        if filter_text == self._text:
            self._say(total)

    def _say(self, total: int) -> None:
        word = "waits" if total == 1 else "wait"
        self.answer.update(
            Content.assemble("   ", (text.count(total), "bold" if total else "$warning"), (f" {word}", "$muted"))
        )

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog; the choice can be taken all the same."""
        self.answer.update(failure(self.app.answer(error)))

    # The answer

    @on(RowTable.Opened)
    def _opened(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Reviews these, in the order under the cursor."""
        typed = self.filter_line.field.value
        if typed.strip() != self._text or not self._readable:
            if not self._understand(typed, typing=False):
                self.filter_line.field.focus()
                return
            self.filter_line.applied(typed)
        order = self.table.current
        self.dismiss(QueueChoice(self._text, order.text if order else self._before.order))
