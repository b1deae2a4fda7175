"""How far a batch is, how fast, how long still and what it cost: the band that stays in view while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from traintui import clock, text
from traintui.data.price_records import WARN_AT, MonthSpending
from traintui.data.records import BatchProgress
from traintui.widgets.place_line import fitting

STATES: dict[str, tuple[str, str]] = {
    "queued": ("◌", "$planned"),
    "running": ("◐", "$generating"),
    "paused": ("‖", "$warning"),
    "interrupted": ("!", "$failed"),
    "finished": ("●", "$success"),
    "cancelled": ("✕", "$muted"),
}
"""Glyph and colour of each state; its word is its name."""

OVER = frozenset({"finished", "cancelled"})
"""The states after which nothing of a batch changes any more."""
GAP = 4


def state(name: str, *, word: bool = True) -> Content:
    """A batch's state as its glyph, and its word."""
    glyph, colour = STATES.get(name, ("?", "$muted"))
    said = f"{glyph} {text.visible(name, single_line=True)}" if word else glyph
    return Content.styled(said, colour)


def cost(progress: BatchProgress, *, priced: bool = True) -> str:
    """What a batch cost by now. What has no price is unknown; `priced` says whether its model has one."""
    known = progress.cost_usd if priced or progress.cost_usd else None
    return text.usd(known, estimate=progress.cost_is_estimate, unpriced=progress.unpriced_calls)


def state_of(progress: BatchProgress) -> Content:
    """A batch's state; one that is finished and wrote nothing does not look like one that did."""
    if progress.state == "finished" and progress.failed and not progress.done:
        return Content.styled("✕ finished", "$failed")
    return state(progress.state)


@dataclass(frozen=True, slots=True)
class Money:
    """The month against its budget, and of a batch what the cache saved (None where it held nothing, or no price is
    known) and how often the model refused, by category."""

    month: MonthSpending | None = None
    saved_usd: Decimal | None = None
    refusals: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure under its name."""

    name: str
    value: Content

    @property
    def width(self) -> int:
        """Cells that it takes."""
        return max(len(self.name), self.value.cell_length)


def headline(progress: BatchProgress, room: int = 0) -> Content:
    """State, name, model, and who asked for it, those of them that fit into so many cells."""
    parts = [
        state_of(progress),
        text.shown(progress.name, single_line=True, limit=60, style="bold"),
        text.shown(progress.model, single_line=True, limit=40, style="$muted"),
        Content.styled(f"batch {progress.id}", "$muted"),
        text.shown(f"by {progress.requested_by}", single_line=True, limit=40, style="$muted"),
    ]
    if progress.mode == "batches":
        parts.insert(3, Content.styled("half price", "$muted"))
    if progress.is_rehearsal:
        parts.insert(2, Content.styled("rehearsal", "$generating"))
    return Content("   ").join(fitting(parts, room))


def bar(progress: BatchProgress, width: int) -> Content:
    """What is done, what failed and what is left, with count and percent behind it."""
    total = max(1, progress.total)
    said = Content.assemble(
        (f"{progress.done:,} of {progress.total:,}", "bold"),
        (f"   {progress.done * 100 // total} %", "$muted"),
        (f"   {progress.failed:,} failed" if progress.failed else "", "$failed"),
    )
    cells = max(8, width - said.cell_length - 2)
    done = round(progress.done / total * cells)
    if progress.done and not done:
        done = 1
    failed = min(cells - done, max(1, round(progress.failed / total * cells))) if progress.failed else 0
    colour = "$success" if progress.state == "finished" else "$accent"
    return Content.assemble(
        ("━" * done, colour), ("━" * failed, "$failed"), ("━" * (cells - done - failed), "$rule"), "  ", said
    )


def figures(progress: BatchProgress, budget_usd: Decimal | None, *, priced: bool) -> tuple[Figure, ...]:
    """Rate, time, cost, calls and tokens, those that there are."""
    rate, left = progress.rate_per_minute, progress.seconds_left
    spent = Content(cost(progress, priced=priced))
    if budget_usd is not None:
        near = progress.cost_usd >= budget_usd * WARN_AT
        spent += Content.styled(f" of {text.usd(budget_usd)}", "$warning" if near else "$muted")
    if progress.is_rehearsal:
        spent += Content.styled("  rehearsal, nothing is paid", "$generating")
    elif not priced:
        spent += Content.styled("  its model has no price: $ sets one", "$muted")
    calls = Content.assemble(
        text.count(progress.calls), (f", {progress.failed_calls:,} failed" if progress.failed_calls else "", "$failed")
    )
    tokens = Content.assemble(
        text.tokens(progress.input_tokens), (" in  ", "$muted"), text.tokens(progress.output_tokens), (" out", "$muted")
    )
    unknown = Content.styled("not known yet", "$muted")
    found = []
    if progress.state == "running":
        found = [
            Figure("Rate", Content(f"{rate:,.1f} a minute") if rate else unknown),
            Figure("Time left", Content(text.duration(max(1.0, left) * 1_000)) if left else unknown),
        ]
    elif (taken := seconds_taken(progress)) is not None:
        found = [Figure("Time", Content(text.duration(taken * 1_000)))]
    return (*found, Figure("Cost", spent), Figure("Calls", calls), Figure("Tokens", tokens))


def seconds_taken(progress: BatchProgress) -> float | None:
    """Seconds from the first call to the end, or to now while there is none; None where nothing has begun."""
    if progress.started_at is None or progress.state in {"paused", "interrupted", "queued"}:
        return None
    return ((progress.finished_at or clock.now()) - progress.started_at).total_seconds()


def money_line(progress: BatchProgress, money: Money) -> Content:
    """How far the judge is, what the cache saved, what was refused, and the month where it has a budget; nothing where
    there is nothing."""
    parts = []
    if (judge := progress.judge) is not None:
        parts.append(
            Content.assemble(
                f"{judge.done:,} judged",
                " ",
                text.shown(f"by {judge.model}", single_line=True, limit=40, style="$muted"),
                (f", {judge.waiting:,} wait" if judge.waiting else "", "$muted"),
                (f", {judge.failed:,} failed" if judge.failed else "", "$failed"),
            )
        )
    if (saved := money.saved_usd) is not None:
        said = f"The cache saved {text.usd(saved)}" if saved >= 0 else f"The cache cost {text.usd(-saved)} more"
        parts.append(Content.styled(said, "$muted" if saved >= 0 else "$warning"))
    if money.refusals:
        listed = ", ".join(
            f"{number:,} {text.visible(name, single_line=True, limit=30)}" for name, number in money.refusals
        )
        parts.append(Content.styled(f"{sum(n for _, n in money.refusals):,} refused: {listed}", "$failed"))
    month = money.month
    if month is not None and month.budget_usd is not None and not progress.is_rehearsal:
        parts.append(month_line(month))
    return Content("   ").join(parts)


def month_line(month: MonthSpending) -> Content:
    """What was paid in a month, of its budget where it has one."""
    spent = text.usd(month.spent_usd + month.under_way_usd, unpriced=month.unpriced_calls)
    share = f", {month.share * 100:.0f} %" if month.share is not None else ""
    said = f"{month.month:%B}: {spent}" + (f" of {text.usd(month.budget_usd)}{share}" if month.budget_usd else " paid")
    return Content.styled(f"! {said}" if month.warns else said, "$warning" if month.warns else "$muted")


def in_rows(shown: Sequence[Figure], width: int) -> Content:
    """Figures beside each other under their names; where there is no room for that, in lines behind their names."""
    if sum(figure.width for figure in shown) + GAP * (len(shown) - 1) <= width:
        gap = Content(" " * GAP)
        names = (Content.styled(f"{figure.name:<{figure.width}}", "$muted") for figure in shown)
        values = (figure.value.pad_right(figure.width - figure.value.cell_length) for figure in shown)
        return Content("\n").join([gap.join(names), gap.join(values)])
    lines = [Content("")]
    for figure in shown:
        said = Content.assemble((f"{figure.name} ", "$muted"), figure.value)
        if lines[-1] and lines[-1].cell_length + 3 + said.cell_length <= width:
            lines[-1] += Content("   ") + said
        elif lines[-1]:
            lines.append(said)
        else:
            lines[-1] = said
    return Content("\n").join(lines)


class BatchBand(Static):
    """One batch: headline, bar, figures, and a line that says what it means and what to do."""

    DEFAULT_CSS = """
    BatchBand {
        height: auto; width: 1fr; padding: 1 2; background: $surface; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._progress: BatchProgress | None = None
        self._budget: Decimal | None = None
        self._priced = True
        self._hint = Content("")
        self._money = Money()

    def show(
        self, progress: BatchProgress, *, budget_usd: Decimal | None, priced: bool, hint: Content, money: Money
    ) -> None:
        """Shows a batch. `priced` says whether its model has a price."""
        self._progress, self._budget, self._priced, self._hint = progress, budget_usd, priced, hint
        self._money = money
        self._draw()

    def _draw(self) -> None:
        progress, width = self._progress, self.content_size.width
        if progress is None or not width:
            return
        lines = [headline(progress, width), bar(progress, width)]
        lines.append(in_rows(figures(progress, self._budget, priced=self._priced), width))
        if money := money_line(progress, self._money):
            lines.append(money)
        if self._hint:
            lines += self._hint.wrap(width)
        drawn = Content("\n").join(lines)
        # Without another height the screen need not be laid out anew, several times a second.
        self.update(drawn, layout=drawn.plain.count("\n") + 1 != self.content_size.height)

    def on_resize(self, event: Resize) -> None:
        """The bar is as wide as there is room."""
        self._draw()
