"""Sessions as rows: who, what, since when, waiting for whom; and all that is known about one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.data.activity_records import Ended, Session, named
from traintui.widgets.facts import heading
from traintui.widgets.index_rows import UNKNOWN
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.observing.waiting import Standing

LONG, VERY_LONG = 60.0, 900.0
"""Seconds from which on a statement or an open transaction is long, and from which on it holds up vacuum and others."""
NEWEST = 8
"""Ends of sessions that are shown."""


def session_columns() -> list[Column[Standing]]:
    """A session in a row."""
    return [
        Column("Who", 26, who),
        Column("Pid", 7, lambda row: Content.styled(str(row.session.pid), "$muted"), right=True, from_width=92),
        Column("State", 11, state),
        Column("For", 10, lambda row: lasting(row.session), right=True),
        Column("What", 0, what, least=20),
        Column("Machine", 15, lambda row: machine(row.session), from_width=100),
    ]


def who(row: Standing) -> Content:
    """Login and program, indented below whom it waits for."""
    tree = f"{'   ' * (row.depth - 1)}{'└─ ' if row.last else '├─ '}" if row.depth else ""
    session = row.session
    program = named(session)
    login = () if session.login is None else (text.shown(session.login, single_line=True, limit=40), Content("  "))
    return Content.assemble(
        (tree, "$faint"), *login, text.shown(program, single_line=True, limit=40, style="$muted")
    )  # fmt: skip


def state(row: Standing) -> Content:
    """What it does, in a word or two."""
    session = row.session
    if session.waits_for:
        return Content.styled("waits", "$error" if row.depth else "$warning")
    if row.waiting:
        return Content.styled("blocks", "$error")
    if session.hidden:
        return Content.styled("hidden", "$faint")
    if session.runs:
        return Content.styled("runs", "$success")
    if session.holds_open:
        aborted = session.state is not None and "aborted" in session.state
        return Content.styled("aborted" if aborted else "open, rests", "$warning")
    if session.idle:
        return Content.styled("idle", "$faint")
    return text.shown(session.state, single_line=True, limit=11, style="$muted")


def lasting(session: Session) -> Content:
    """For how long it does so."""
    if session.seconds is None:
        return UNKNOWN
    long = not session.idle and session.seconds >= LONG
    colour = "$error" if long and session.seconds >= VERY_LONG else "$warning" if long else ""
    return Content.styled(text.duration(session.seconds * 1_000), colour or ("$faint" if session.idle else ""))


def what(row: Standing) -> Content:
    """What its statement is for, or its text; of who waits, for which lock."""
    session = row.session
    style = "$faint" if session.idle or session.holds_open else ""
    about = text.shown(session.about, single_line=True, limit=200, style=style)
    if session.hidden and not session.wants:
        return UNKNOWN
    if session.wants:
        return Content.assemble(
            (f"wants {text.visible(session.wants, single_line=True, limit=80)}  ", "$warning"), about
        )
    return about


def machine(session: Session) -> Content:
    """From where it came."""
    if session.hidden or session.kind != "client backend":
        return UNKNOWN
    return text.shown(session.machine or "the server's", single_line=True, limit=60, style="$muted")


def session_lines(row: Standing, sessions: Mapping[int, Session], ended: Sequence[Ended]) -> Iterator[Content]:
    """All that is known about a session, whom it waits for and who waits for it, and who ended others lately."""
    session = row.session
    yield Content.assemble(
        text.shown(session.login or session.kind, single_line=True, limit=70, style="bold"),
        ("  " + text.visible(named(session), single_line=True, limit=60), "$muted"),
    )
    yield NOTHING
    if row.waiting:
        yield Content.styled(f"! {text.plural(row.waiting, 'session waits', 'sessions wait')} for it", "$error")
        if session.holds_open:
            yield Content.styled("  It rests in a transaction: X ends it, and those go on.", "$muted")
        yield NOTHING
    yield from fact("State", said_state(session))
    yield from fact("For", text.duration(session.seconds * 1_000) if session.seconds is not None else None)
    if session.waits_for:
        yield from fact("Wants", session.wants, style="$warning")
        for pid in session.waits_for:
            yield from fact("Waits for", said_of(pid, sessions), style="$warning")
    if session.holds:
        yield from fact("Holds", f"{session.holds}, for itself: nobody else reads it", style="$warning")
    if not session.waits_for and session.runs and session.wait_event:
        yield from fact("Waits on", f"{session.wait_type}: {session.wait_event}")
    yield from fact("Program", session.application or None)
    yield from fact("Machine", None if session.hidden else session.machine or "the server's own")
    yield from fact("Process", f"{session.pid} of the server")
    yield from fact("Connected", text.moment(session.connected_at) if session.connected_at is not None else None)
    if session.transaction_at is not None:
        yield from fact("Transaction", f"since {text.second(session.transaction_at)}")
    if session.hidden:
        yield NOTHING
        yield Content.styled(
            "What it does, since when and from where is shown to those with pg_read_all_stats.", "$muted"
        )
    if session.label or session.statement:
        yield NOTHING
        yield heading("Statement" if session.runs else "Last statement")
        if session.label:
            yield text.shown(f"for {session.label}", single_line=True, limit=100)
        yield text.shown(session.statement, single_line=True, limit=1_200, style="$muted")
    if ended:
        yield NOTHING
        yield heading("Ended by people, newest first")
        yield from (ended_line(each) for each in ended[:NEWEST])


def said_state(session: Session) -> str:
    """What it does, in words."""
    if session.hidden:
        return "not shown to you"
    if session.waits_for:
        return "waits for a lock"
    if session.holds_open:
        return "in a transaction in which nothing runs; its locks are held"
    return "runs a statement" if session.runs else "has nothing to do" if session.idle else session.state or "not known"


def said_of(pid: int, sessions: Mapping[int, Session]) -> str:
    """Another session in a few words."""
    if not pid:
        return "a prepared transaction, which whoever prepared it commits or rolls back"
    other = sessions.get(pid)
    if other is None:
        return f"process {pid}"
    about = f": {other.about}" if other.about else ""
    return f"{other.login or other.kind}, {named(other)} ({pid}){about}"[:300]


def ended_line(each: Ended) -> Content:
    """Who ended what."""
    did = "cancelled" if each.kind == "cancel" else "ended the session of"
    of = f"{each.login}'s {each.statement}" if each.kind == "cancel" else f"{each.login}, {each.application}"
    return Content.assemble(
        (f"{text.moment(each.at)}  ", "$muted"), text.shown(f"{each.ended_by} {did} {of}", single_line=True, limit=200),
    )  # fmt: skip
