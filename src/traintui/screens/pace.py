"""One's own pace: up to two weeks day by day, how far a share is, and the target of a day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.data import assignments, pace
from traintui.data.assignments import Share
from traintui.data.pace import Day, Pace
from traintui.screens.base import BaseDialog
from traintui.settings import remember
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

BAR = 16
"""Cells of the bar of a day."""
MOST = 100_000


class PaceDialog(BaseDialog[None]):
    """Nobody sees another's: it is for oneself."""

    PLACES = ("pace", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("pace")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    summary = getters.query_one("#summary", Static)
    table: getters.query_one[RowTable[Day]] = getters.query_one("#days", RowTable)
    target = getters.query_one("#target", FormField)
    typed = getters.query_one("#target-text", Input)

    def __init__(self) -> None:
        super().__init__(classes="form")
        self._days: tuple[Day, ...] = ()

    def compose(self) -> ComposeResult:
        """How fast and how far, the days, and the target."""
        goal = self.app.settings.daily_target
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Your pace"
            yield Static(Content.styled("Reading", "$muted"), id="summary")
            yield RowTable[Day](
                [
                    Column("Day", 11, lambda day: Content(f"{day.begins.astimezone():%a %d %b}")),
                    Column("Decided", 7, lambda day: _number(day.decided), right=True),
                    Column("", BAR, self._bar, from_width=60),
                    Column("Approved", 8, _approved, right=True),
                    Column("Median time", 11, _seconds, right=True),
                ],
                key=lambda day: day.begins,
                opens="",
                id="days",
            )  # fmt: skip
            yield FormField(
                "Daily target",
                Input(
                    "" if goal is None else str(goal), compact=True, max_length=6, placeholder="none", id="target-text"
                ),
                id="target", about=" decisions; yours alone",
            )  # fmt: skip
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads the log."""
        self.read(self._read, name="pace")

    async def _read(self) -> None:
        known, self._days = await pace.read(self.db), since_the_first(await pace.days(self.db))
        self._say(known, await pace.in_all(self.db), await assignments.share_of(self.db))
        self.table.styles.height = len(self._days) + 1
        self.table.show(self._days)

    def _say(self, known: Pace, in_all: int, share: Share) -> None:
        hour = "no pace yet" if known.per_hour is None else f"{known.per_hour:,.0f} an hour"
        goal = self.app.settings.daily_target
        today = f"today {known.today:,}" + (f" of {goal:,}" if goal else "")
        parts = [Content.assemble((hour, "bold")), Content(today), Content(f"in all {in_all:,}")]
        if every := share.waiting + share.decided:
            parts.append(Content.assemble("your share ", (f"{share.decided:,} of {every:,}", "bold"), " decided"))
        self.summary.update(Content("   ").join(parts))

    def _bar(self, day: Day) -> Content:
        if not day.decided:
            return Content("")
        goal = self.app.settings.daily_target
        full, empty = text.bar(day.decided, max([goal or 0, *(each.decided for each in self._days)]), BAR)
        reached = goal is not None and day.decided >= goal
        return Content.assemble((full, "$success" if reached else "$accent"), (empty, "$rule"))

    # The target

    def action_target(self) -> None:
        """Goes to the target."""
        self.typed.focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Keeps the target."""
        written = self.typed.value.strip().replace(",", "")
        self.target.clear()
        if written and not (written.isascii() and written.isdigit() and 1 <= int(written) <= MOST):
            self.target.fail(f"A target is a number of decisions from 1 to {MOST:,}, or nothing.")
            self.target.fill()
            return
        self.app.settings.daily_target = int(written) if written else None
        self.table.redraw()
        self.table.focus()
        self.write(partial(asyncio.to_thread, remember, "daily_target", self.app.settings.daily_target), name="target")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The letter belongs to the field while one types there."""
        return not (action == "target" and self.typed.has_focus)

    def action_back(self) -> None:
        """Leaves the field, then closes."""
        if self.typed.has_focus:
            goal = self.app.settings.daily_target
            self.typed.value = "" if goal is None else str(goal)
            self.target.clear()
            self.table.focus()
        else:
            self.dismiss(None)

    def work_failed(self, name: str, error: BaseException) -> None:
        """What cannot be read is answered where it would be; a target that is not kept, at its field."""
        answer = self.app.answer(error)
        if name == "target":
            self.target.fail(f"{answer.message} {answer.remedy}")
        else:
            self.summary.update(failure(answer))


def since_the_first(days: Sequence[Day]) -> tuple[Day, ...]:
    """The days, newest first, without those before the first on which anything was decided; today always."""
    worked = [place for place, day in enumerate(days) if day.decided]
    return tuple(days[: max(worked, default=0) + 1])


def _number(number: int) -> Content:
    return Content(text.count(number)) if number else Content.styled("·", "$faint")


def _approved(day: Day) -> Content:
    return Content("") if day.approve_rate is None else Content(f"{day.approve_rate:.0%}")


def _seconds(day: Day) -> Content:
    return Content("") if day.seconds is None else Content(text.duration(day.seconds * 1_000))
