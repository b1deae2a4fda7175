"""The server's table of locks: what is done at once fits into it, and one that is full is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from support import Conninfo, eventually, fetch, import_items, imported, scalar, seen, status, turns_of
from traintui import doctor
from traintui.data import lock_shares, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.lock_shares import AT_ONCE, EACH, MOST, LockRoom
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.data.search_index import index_some
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_some
from traintui.settings import Settings

BESIDE = 6
"""More than may be at it at a time."""
BANDS, CONVERSATIONS = 7456, 7455
"""Classes of the locks that keep two from signing, and from indexing, the same."""


async def held(db: Database, of: int) -> list[int]:
    """How many such locks each session has."""
    rows = await fetch(
        db,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :of AND granted GROUP BY pid",
        of=of,
    )
    return [row[0] for row in rows]


async def at_once(db: Database, work: Callable[[], Awaitable[int]], of: int) -> list[int]:
    """How many locks each of several that do the same has, once all of them wait for a lock."""
    going = [asyncio.ensure_future(work()) for _ in range(BESIDE)]

    async def all_wait() -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(await scalar(db, waiting) == BESIDE)

    try:
        await eventually(all_wait)
        return await held(db, of)
    finally:
        for each in going:
            each.add_done_callback(lambda done: done.cancelled() or done.exception())


async def conversations_of(db: Database, number: int) -> None:
    """Conversations of which no two have a band in common."""
    words = [" ".join(f"w{line * 40 + place}" for place in range(40)) for line in range(number)]
    await import_items(db, [{"line": line, "turns": turns_of(said, "Yes.")} for line, said in enumerate(words)])


async def test_however_many_sign_at_once_few_hold_bands_and_none_of_them_many(db: Database, conninfo: Conninfo) -> None:
    await conversations_of(db, 50 * BESIDE)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        # What is read once the bands are held.
        connection.execute("LOCK TABLE conversation_revisions IN ACCESS EXCLUSIVE MODE")
        has = await at_once(db, lambda: sign_some(db, signature), BANDS)
        assert len(has) == AT_ONCE and max(has) <= EACH, has
    await eventually(lambda: none_held(db, BANDS))
    while await sign_some(db, signature):
        pass
    assert await scalar(db, "SELECT count(*) FROM conversation_signatures") == 50 * BESIDE


async def none_held(db: Database, of: int) -> bool:
    return not await held(db, of)


async def test_however_many_index_at_once_few_hold_conversations(db: Database, conninfo: Conninfo) -> None:
    await conversations_of(db, 10 * BESIDE)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1, 1); RETURN NULL; END $$;"
            " CREATE CONSTRAINT TRIGGER wait_here AFTER INSERT ON search_turns DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION wait_here(); SELECT pg_advisory_lock(1, 1)"
        )
        has = await at_once(db, lambda: index_some(db, 10), CONVERSATIONS)
        assert len(has) == AT_ONCE, has
    await eventually(lambda: none_held(db, CONVERSATIONS))
    while await index_some(db):
        pass
    assert await scalar(db, "SELECT count(DISTINCT conversation_id) FROM search_turns") == 10 * BESIDE


async def test_what_is_done_with_many_takes_as_many_locks_as_with_few(db: Database) -> None:
    async def locks(number: int) -> list[int]:
        public = await imported(db, number)
        rows = await fetch(db, "SELECT id FROM conversations WHERE conversation_id = ANY(:all)", all=public)
        taken = []
        for verb in (
            "flag_many(:ids, true, :bulk)", "decide_many(:ids, 'approve', pg_current_snapshot(), :bulk, NULL, NULL)",
            "trash_many(:ids, true, :bulk)", "purge_many(:ids, :bulk)",
        ):  # fmt: skip
            async with db.write() as connection:
                values = {"ids": [row[0] for row in rows], "bulk": f"b_{verb[:4]}{number}"}
                done = await connection.scalar(text(f"SELECT done FROM {verb}"), values)
                assert done == number, verb
                own = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype <> 'relation'"
                taken.append(int(await connection.scalar(text(own)) or 0))
        return taken

    assert await locks(3) == await locks(90)


@contextmanager
def full(conninfo: str) -> Iterator[None]:
    """The table of locks of the server is full."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.OutOfMemory):
            for first in count(1, 1_000):
                connection.execute(
                    "SELECT count(pg_advisory_lock(1, number)) FROM generate_series(%s::integer, %s) AS number",
                    [first, first + 999],
                )
        try:
            yield
        finally:
            connection.execute("SELECT pg_advisory_unlock_all()")


async def test_a_server_without_room_for_a_lock_is_answered_and_the_same_is_done_later(
    db: Database, conninfo: Conninfo
) -> None:
    (public,) = await imported(db)
    shown, key = await seen(db, public), new_key()
    with full(conninfo(SUPERUSER)), pytest.raises(Refused) as refused:
        await reviews.decide(db, shown, "approve", key=key)
    answer = refused.value
    # Who waits for a passing thing to be over, as the outbox does, waits for this too.
    assert answer.passing and answer.title == "Server busy" and "room for another lock" in answer.message
    assert "Nothing was changed" in answer.remedy and "traintui doctor" in answer.remedy
    assert await status(db, public) == "generated"
    await reviews.decide(db, shown, "approve", key=key)
    assert await status(db, public) == "approved"


async def test_a_look_at_all_weeks_takes_the_locks_that_are_reckoned_with(db: Database) -> None:
    found = await lock_shares.lock_room(db)
    parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass"
    assert found.weeks == await scalar(db, parts)
    async with db.read() as connection:
        await connection.execute(text("SELECT count(*) FROM generation_logs"))
        held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass::text ~ :of"
        assert await connection.scalar(text(held), {"of": "generation_logs|_pkey|_idx"}) == found.look


def test_what_the_setting_should_be_has_room_for_six_looks_and_for_all_that_follows_imports() -> None:
    usual = LockRoom(setting=64, sessions=100, weeks=18, look=19 * 23)
    assert usual.needed == 6 * 19 * 23 + MOST <= usual.room == 6_400
    kept = replace(usual, weeks=160, look=161 * 23)
    assert kept.needed > kept.room and kept.wanted == 256 and replace(kept, setting=kept.wanted).room >= kept.needed


async def test_doctor_says_what_the_setting_should_be_where_it_is_too_low(
    db: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    finding = await doctor.locks(db, settings)
    assert finding.state == "ok" and "weeks of calls" in finding.message

    async def low(_: Database) -> LockRoom:
        return LockRoom(setting=64, sessions=100, weeks=160, look=161 * 23)

    monkeypatch.setattr(lock_shares, "lock_room", low)
    finding = await doctor.locks(db, settings)
    assert finding.state == "warning" and "there should be room for 25,418" in finding.message
    assert "max_locks_per_transaction = 256" in finding.remedy and str(tmp_path) in finding.remedy
