"""Who waits for whom is told from the one that all wait for downwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from traintui.data.activity_records import Session
from traintui.observing.waiting import standings

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def session(pid: int, *waits_for: int, state: str | None = "active", minutes: int = 1) -> Session:
    since = NOW - timedelta(minutes=minutes)
    return Session(
        pid, "rita", "traintui", None, "client backend", state, since, since, since, since, None, None, None,
        "SELECT ?", "a row" if waits_for else None, None, waits_for, hidden=state is None, seen_at=NOW,
    )  # fmt: skip


def told(*sessions: Session) -> list[tuple[int, int, int]]:
    return [(each.session.pid, each.depth, each.waiting) for each in standings(sessions)]


def test_a_chain_stands_root_first_with_each_waiter_below_whom_it_waits_for() -> None:
    chain = [session(4, 3), session(3, 1), session(2, 1), session(1, state="idle in transaction")]
    assert told(*chain) == [(1, 0, 3), (2, 1, 0), (3, 1, 1), (4, 2, 0)]


def test_the_root_with_most_waiters_stands_first() -> None:
    assert told(session(2, 1), session(1), session(5, 4), session(6, 4), session(4)) == [
        (4, 0, 2), (5, 1, 0), (6, 1, 0), (1, 0, 1), (2, 1, 0),
    ]  # fmt: skip


def test_what_runs_stands_before_what_rests_and_what_is_new_comes_last() -> None:
    rows = [session(1, state="idle"), session(2), session(3, minutes=9), session(4, state=None),
            session(5, state="idle in transaction")]  # fmt: skip
    assert [pid for pid, _, _ in told(*rows)] == [3, 2, 5, 4, 1]


def test_a_circle_is_told_once() -> None:
    assert sorted(pid for pid, _, _ in told(session(1, 2), session(2, 1), session(3, 2))) == [1, 2, 3]
    assert told(session(1, 2), session(2, 1))[0] == (1, 0, 1)


def test_who_waits_for_what_is_not_there_stands_alone() -> None:
    assert told(session(7, 0), session(8, 99)) == [(7, 0, 0), (8, 0, 0)]
