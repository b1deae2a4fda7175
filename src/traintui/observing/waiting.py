"""Who waits for whom among sessions, as trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from traintui.data.activity_records import Ending, Session

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
MEANS: Mapping[Ending, str] = {
    "cancel": "The statement stops, what its transaction did is undone, and the program is told so.",
    "end": "The connection closes: what it has not committed is undone, and its locks are free. The program may connect"
    " again.",
}
"""What the end of a statement or of a session is to its program."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A session in its place: how deep it stands below the one that all others there wait for, whether it is the last
    below whom it waits for, and how many wait for it in all. One that waits for several stands below one of them."""

    session: Session
    depth: int = 0
    last: bool = False
    waiting: int = 0


def standings(sessions: Sequence[Session]) -> tuple[Standing, ...]:
    """All sessions: first those that others wait for, each with its waiters below it, those with most waiters first;
    then what runs, what is in a transaction, what is not known, and what rests, each the longest first, so that what
    comes new comes last."""
    known = {each.pid: each for each in sessions}
    below: dict[int, list[Session]] = {}
    for each in sessions:
        blockers = [pid for pid in each.waits_for if pid in known and pid != each.pid]
        if blockers:
            below.setdefault(blockers[0], []).append(each)
    placed: set[int] = set()
    waiting = {one.pid for each in below.values() for one in each}
    # Where all of a circle wait for each other, the server ends it in a second; until then one of it stands above.
    roots = [known[pid] for pid in below if pid not in waiting]
    reached = {pid for root in roots for pid in _under(root.pid, below)}
    roots += [known[pid] for pid in sorted(below) if pid not in reached]
    trees: list[tuple[Standing, ...]] = []
    for root in sorted(roots, key=lambda each: (-len(_under(each.pid, below)), _since(each), each.pid)):
        if root.pid not in placed:
            trees.append(tuple(_tree(root, below, placed)))
    alone = sorted(
        (each for each in sessions if each.pid not in placed), key=lambda each: (_rank(each), _since(each), each.pid)
    )
    return (*(one for tree in trees for one in tree), *(Standing(each) for each in alone))


def _tree(
    session: Session, below: dict[int, list[Session]], placed: set[int], depth: int = 0, last: bool = False
) -> Iterator[Standing]:
    placed.add(session.pid)
    waiting = len(_under(session.pid, below)) - 1
    yield Standing(session, depth, last, waiting)
    under = sorted(below.get(session.pid, ()), key=lambda each: (_since(each), each.pid))
    under = [each for each in under if each.pid not in placed]
    for each in under:
        if each.pid not in placed:
            yield from _tree(each, below, placed, depth + 1, each is under[-1])


def _under(pid: int, below: dict[int, list[Session]]) -> set[int]:
    """A session and all that wait for it, directly or not."""
    found, open_ = {pid}, [pid]
    while open_:
        for each in below.get(open_.pop(), ()):
            if each.pid not in found:
                found.add(each.pid)
                open_.append(each.pid)
    return found


def _rank(session: Session) -> int:
    return 0 if session.runs or session.waits_for else 1 if session.holds_open else 2 if not session.idle else 3


def _since(session: Session) -> datetime:
    """What does not change while one looks: rows keep their places."""
    if session.idle:
        return session.connected_at or LONG_AGO
    return session.since or LONG_AGO
