"""Live in Performance: what runs now, whom it waits for, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content

from traintui import commands, text
from traintui.screens.performance_listed import ListedPane
from traintui.widgets.row_table import Column
from traintui.widgets.session_rows import session_columns, session_lines

if TYPE_CHECKING:
    from traintui.data.activity_records import Ended, Ending, Session
    from traintui.observing.waiting import Standing


BRIEF = 1.0
"""Seconds in a transaction between two statements of it, which every program has at some moment."""


def passing(session: Session) -> bool:
    """Whether nobody need see it: it rests, or goes on in a moment."""
    return session.idle or (session.holds_open and (session.seconds or 0.0) < BRIEF)


class LivePane(ListedPane["Standing"]):
    """The sessions, those that others wait for first, each with its waiters below it."""

    NAME = "live"
    TITLE = "Live"
    PLACES = ("live", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("live")
    EVERY = 2.0

    def __init__(self) -> None:
        super().__init__()
        self._paused = False
        self._with_idle = False
        self._sessions: dict[int, Session] = {}
        self._standings: tuple[Standing, ...] = ()
        self._ended: tuple[Ended, ...] = ()

    def look(self) -> None:
        """Reads, each time that the screen asks, unless somebody wants to read in peace."""
        if not self._paused:
            self.keep_up()

    def columns(self) -> Sequence[Column[Standing]]:
        """Who, what, since when."""
        return session_columns()

    def key_of(self, row: Standing) -> object:
        """Its process."""
        return row.session.pid

    async def rows(self) -> Sequence[Standing]:
        """The sessions; those that rest where they are asked for."""
        from traintui.data import activity
        from traintui.observing.waiting import standings

        paused = self._paused
        found = await activity.sessions(self.db)
        ended = await activity.ended(self.db)
        if self._paused and not paused:  # somebody reads what was there when they pressed the key
            return self.table.rows
        self._ended = ended
        self._sessions = {each.pid: each for each in found}
        self._standings = standings(found)
        waiting = sum(bool(each.waits_for) for each in found)
        self.remark(f"{waiting} waiting" if waiting else "")
        return self._laid_out()

    def _laid_out(self) -> list[Standing]:
        return [each for each in self._standings if self._with_idle or each.waiting or not passing(each.session)]

    async def lines(self, row: Standing) -> Sequence[Content]:
        """What is known with the row."""
        return tuple(session_lines(row, self._sessions, self._ended))

    def sums(self, rows: Sequence[Standing]) -> Content:
        """How many do what."""
        every = self._sessions.values()
        counts = (
            ("run", sum(each.runs and not each.waits_for for each in every), "$success"),
            ("wait", sum(bool(each.waits_for) for each in every), "$error"),
            ("rest in a transaction", sum(each.holds_open for each in every), "$warning"),
            ("hidden", sum(each.hidden and not each.waits_for for each in every), "$muted"),
            ("idle" if self._with_idle else "idle, not shown", sum(each.idle for each in every), "$muted"),
        )
        parts = [
            Content.assemble((text.count(number), f"bold {colour}"), (f" {said}", "$muted"))
            for said, number, colour in counts
            if number or said == "run"
        ]
        return Content.styled(", ", "$muted").join(parts)

    def again(self) -> str:
        """When it is read again."""
        return "paused: p goes on" if self._paused else super().again()

    def nothing(self) -> tuple[str, str]:
        """Nobody does anything."""
        idle = sum(each.idle for each in self._sessions.values())
        rests = (
            f"{text.plural(idle, 'session rests', 'sessions rest')}: i shows them."
            if idle
            else "No other session is here."
        )
        return "Nothing runs", rests

    def action_pause(self) -> None:
        """Reads no more, or goes on."""
        self._paused = not self._paused
        if self._paused:
            self.say_sums(self.table.rows)
        else:
            self.look_again()

    def action_idle(self) -> None:
        """Shows those that rest too, or not."""
        self._with_idle = not self._with_idle
        self.look_again()

    # Ending

    def action_end(self, kind: Ending) -> None:
        """Asks, and has a statement cancelled or a session ended."""
        from traintui.data.activity import no_right
        from traintui.screens.session_ending import EndSession

        row = self.table.current
        if row is None:
            self.app.bell()
        elif row.session.hidden:
            self.app.tell(no_right(self.db, row.session))
        elif kind == "cancel" and not row.session.runs:
            self.app.say("It runs nothing at the moment. X ends the session.")
        else:
            self.app.push_screen(EndSession(row, kind), partial(self._asked, row, kind))

    def _asked(self, row: Standing, kind: Ending, sure: bool | None) -> None:
        if sure:
            self.write(partial(self._end, row, kind), name="end")

    async def _end(self, row: Standing, kind: Ending) -> None:
        from traintui.data import activity

        session = row.session
        whose = f"{text.visible(session.login or session.kind, single_line=True, limit=50)} ({session.pid})"
        if await activity.end(self.db, session, kind):
            did = "The statement was cancelled" if kind == "cancel" else "The session was ended"
            self.app.say(f"{did}: {whose}", bad=False)
        else:
            self.app.say(f"It has ended by itself, or does something else by now: {whose}. Nothing was done.")
        self.look_again()

    def work_failed(self, name: str, error: BaseException) -> None:
        """What could not be ended is answered as what a key asked for."""
        if name == "end":
            self.app.tell(error)
        else:
            super().work_failed(name, error)
