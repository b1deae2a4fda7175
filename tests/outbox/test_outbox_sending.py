"""The server goes and comes back, answers are lost, processes are killed: a press is one row of the log, in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import ProgrammingError

from interruptions import away, cutter
from outboxes import no_room, sending
from support import (
    Conninfo,
    approved,
    beside,
    eventually,
    fetch,
    imported,
    logged_in,
    said,
    scalar,
    seen,
    sqlstate,
    status,
)
from traintui import clock
from traintui.data import bulk, conversations, reviews
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.outbox import sending as outbox_sending
from traintui.outbox.kept import folder_of
from traintui.outbox.outcomes import Outcome, Refusal, Saved, Withdrawn
from traintui.outbox.presses import Decision, Edit, Flag, Undo

LOG = "SELECT conversation_id, action FROM review_logs WHERE action <> 'import' ORDER BY id"


def decision(one: str, action: str = "approve", **others: object) -> Decision:
    """A press on what was just imported."""
    return Decision(reviews.new_key(), clock.now(), one, action, 1, None, **others)  # type: ignore[arg-type]


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


async def test_presses_are_saved_in_their_order_with_all_that_goes_along(db: Database, tmp_path: Path) -> None:
    one, two = await imported(db, 2)
    async with sending(db, tmp_path) as sent:
        press = decision(one, "reject", reason="Wrong facts", note="The fee is 12.", turn_number=2, duration_ms=1_234)
        assert await sent.outbox.keep(press)
        await sent.outbox.keep(Flag(reviews.new_key(), clock.now(), two, True))
        await sent.outbox.settled()
        assert sent.outbox.waiting == ()
    rows = await fetch(
        db, "SELECT action, reason, reviewer_notes, turn_number, duration_ms, decision_key FROM review_logs"
        " WHERE action <> 'import' ORDER BY id",
    )  # fmt: skip
    assert rows[0] == ("reject", "Wrong facts", "The fee is 12.", 2, 1_234, press.key)
    assert rows[1][0] == "flag"
    assert kinds(sent.outcomes) == ["Saved", "Saved"]


async def test_five_hundred_decisions_at_speed_while_the_server_is_stopped_and_started_are_five_hundred_rows_in_order(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    ids = await imported(db, 500)
    stopped = {150: asyncio.Event(), 400: asyncio.Event()}
    """By the place of what is pressed only then: something is, however long it takes to stop the server."""
    async with sending(db, tmp_path) as sent:

        async def press_all() -> None:
            for place, one in enumerate(ids):
                if place in stopped:
                    await stopped[place].wait()
                await sent.outbox.keep(decision(one, "reject" if place % 3 else "approve"))
                await asyncio.sleep(0.002)

        pressing = asyncio.ensure_future(press_all())
        for number, away_by_then in zip((60, 200), stopped.values(), strict=True):
            await beside(pressing, sent.done(number))
            await asyncio.to_thread(server.stop)
            away_by_then.set()

            async def is_away() -> bool:
                return sent.outbox.away is not None

            await eventually(is_away)
            await asyncio.to_thread(server.start)
        await pressing
        await sent.done(500)
    expected = [(one, "reject" if place % 3 else "approve") for place, one in enumerate(ids)]
    assert [tuple(row) for row in await fetch(db, LOG)] == expected
    assert set(kinds(sent.outcomes)) == {"Saved"}


async def test_while_the_database_is_away_presses_wait_and_it_is_said_how_many_and_why(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)
    async with sending(db, tmp_path) as sent:
        with away(server):
            assert await sent.outbox.keep(decision(one))
            assert await sent.outbox.keep(decision(two))
            await sent.outbox.settled()
            standing = sent.outbox.standing
            assert standing is not None and standing.number == 2 and standing.why and not standing.unkept
        await sent.done(2)
        assert sent.outbox.standing is None
    assert [row[0] for row in await fetch(db, LOG)] == [one, two]


async def test_a_server_that_is_busy_is_no_outage_until_it_has_taken_five_seconds(
    db: Database, conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await imported(db)
    now = 100.0
    monkeypatch.setattr(outbox_sending, "ticks", lambda: now)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def waits() -> bool:
        return bool(await scalar(db, waiting))

    async with sending(db, tmp_path) as sent:
        async with await psycopg.AsyncConnection.connect(conninfo(SUPERUSER)) as other:
            await other.execute("SELECT FROM conversations WHERE conversation_id = %s FOR UPDATE", [one])
            await sent.outbox.keep(decision(one))
            await eventually(waits)
            now += 4.9
            assert sent.outbox.standing is None
            now += 0.2
            assert sent.outbox.standing is not None and sent.outbox.standing.number == 1
        await sent.done(1)
        assert sent.outbox.standing is None and sent.outbox.away is None
    assert kinds(sent.outcomes) == ["Saved"]


async def test_a_press_that_misses_the_column_of_a_key_that_goes_back_is_sent_again_and_a_fault_of_ours_is_none_of_it(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)

    async def waits() -> bool:
        return sent.outbox.away is not None

    def missing(column: str) -> bytes:
        return (
            "CREATE OR REPLACE FUNCTION misses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM {column} FROM conversations; RETURN NEW; END $$;"
            " CREATE OR REPLACE TRIGGER misses BEFORE INSERT ON review_logs FOR EACH ROW EXECUTE FUNCTION misses()"
        ).encode()

    async with (
        sending(db, tmp_path) as sent,
        await psycopg.AsyncConnection.connect(conninfo(SUPERUSER), autocommit=True) as other,
    ):
        await other.execute(missing("key_page"))
        await sent.outbox.keep(decision(one))
        await eventually(waits)
        assert sent.outcomes == [] and "went back from its column" in str(sent.outbox.away)
        await other.execute("DROP TRIGGER misses ON review_logs")
        await sent.done(1)
        await other.execute(missing("renamed"))
        await sent.outbox.keep(decision(two))
        await sent.done(2)
    assert kinds(sent.outcomes) == ["Saved", "Refusal"]
    refusal = sent.outcomes[1]
    assert isinstance(refusal, Refusal) and isinstance(refusal.error, ProgrammingError)


async def test_an_answer_that_is_lost_after_the_commit_is_looked_up_and_nothing_is_sent_twice(
    db: Database, server: EmbeddedServer, conninfo: Conninfo, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)
    through = make_conninfo(conninfo("rita"), host=str(tmp_path))
    async with cutter(server, tmp_path) as between, logged_in(through) as rita, sending(rita, tmp_path) as sent:
        between.armed = True
        await sent.outbox.keep(decision(one))
        await sent.outbox.keep(decision(two))
        await sent.done(2)
    assert between.cut == 1
    assert [tuple(row) for row in await fetch(db, LOG)] == [(one, "approve"), (two, "approve")]
    assert kinds(sent.outcomes) == ["Saved", "Saved"]


async def test_an_edit_whose_answer_is_lost_is_one_revision_and_what_was_decided_on_it_follows(
    db: Database, server: EmbeddedServer, conninfo: Conninfo, tmp_path: Path
) -> None:
    (one,) = await imported(db)
    through = make_conninfo(conninfo("rita"), host=str(tmp_path))
    text = "Better. " * 200_000  # more than a megabyte
    edit = Edit(reviews.new_key(), clock.now(), one, 1, None, None, tuple(said("Question?", text)), "turn 2", 2)
    async with cutter(server, tmp_path) as between, logged_in(through) as rita, sending(rita, tmp_path) as sent:
        between.armed = True
        await sent.outbox.keep(edit)
        await sent.outbox.keep(replace(decision(one, after=edit.key), revision=2))
        await sent.done(2)
    assert between.cut == 1
    assert [tuple(row) for row in await fetch(db, LOG)] == [(one, "edit"), (one, "approve")]
    now = await conversations.read(db, one)
    assert (now.row.revision, now.turns[1].content) == (2, text)


async def test_a_lost_answer_is_known_even_if_somebody_has_acted_on_it_before_the_connection_is_back(
    db: Database, server: EmbeddedServer, conninfo: Conninfo, tmp_path: Path
) -> None:
    (one,) = await imported(db)
    rita = conninfo("rita")
    async with cutter(server, tmp_path) as between, logged_in(make_conninfo(rita, host=str(tmp_path))) as through:
        async with sending(through, tmp_path) as sent:
            between.armed = between.stays_cut = True
            await sent.outbox.keep(decision(one))
            await sent.outbox.settled()
        assert (between.cut, len(sent.outbox.waiting)) == (1, 1)
        between.stays_cut = False
        # The app is closed with its press still on file; meanwhile the approved one is edited.
        await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("Other?", "Yes."), key="edit")
        async with sending(through, tmp_path) as again:
            await again.done(1)
    assert kinds(again.outcomes) == ["Saved"]
    assert [row[1] for row in await fetch(db, LOG)] == ["approve", "edit"]


async def test_what_is_refused_leaves_with_its_answer_and_holds_nothing_up(db: Database, tmp_path: Path) -> None:
    stale, gone, trashed, fine = await imported(db, 4)
    await reviews.edit(db, await seen(db, stale), system_prompt=None, turns=said("Other?", "Yes."), key="edit")
    await bulk.trash(db, [(await conversations.read(db, trashed)).row.id], True)
    async with sending(db, tmp_path) as sent:
        for one in (stale, f"{gone}-not", trashed, fine):
            await sent.outbox.keep(decision(one))
        await sent.done(4)
    assert kinds(sent.outcomes) == ["Refusal", "Refusal", "Refusal", "Saved"]
    first = sent.outcomes[0]
    assert isinstance(first, Refusal) and first.stale
    assert [outcome.code for outcome in sent.outcomes if isinstance(outcome, Refusal)] == ["TT001", "TT002", "TT003"]
    assert list((tmp_path / "outbox").rglob("*.jsonl")) == []


async def test_a_reviewer_whose_right_was_taken_is_answered_for_each_press(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    (one,) = await imported(db)
    async with logged_in(conninfo("audrey")) as auditor, sending(auditor, tmp_path) as sent:
        await sent.outbox.keep(decision(one))
        await sent.done(1)
    (refusal,) = sent.outcomes
    assert isinstance(refusal, Refusal) and refusal.code in {"TT004", "42501"}
    assert await status(db, one) == "generated"


async def test_what_waits_when_the_app_is_closed_is_sent_first_at_the_next_start(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    ids = await imported(db, 4)
    with away(server):
        async with sending(db, tmp_path) as sent:
            for one in ids[:3]:
                await sent.outbox.keep(decision(one))
            await sent.outbox.settled()
    async with sending(db, tmp_path) as again:
        await again.outbox.keep(decision(ids[3]))
        await again.done(4)
    assert [row[0] for row in await fetch(db, LOG)] == ids
    assert [outcome.before for outcome in again.outcomes if isinstance(outcome, Saved)] == [True, True, True, False]


PRESSER = """
import asyncio, sys
from pathlib import Path
from support import logged_in
from traintui import clock
from traintui.outbox import sending as outbox_sending
from traintui.outbox.kept import folder_of
from traintui.outbox.presses import Decision
from traintui.outbox.sending import Outbox

async def main(conninfo, home, ids):
    async with logged_in(conninfo) as db:
        outbox = Outbox(db, folder_of(Path(home), db.conninfo, db.login), told=lambda _: None)
        running = asyncio.ensure_future(outbox.run())
        for place, one in enumerate(ids):
            await outbox.keep(Decision(f"key-{one}", clock.now(), one, "approve", 1, None))
            print(one, flush=True)
        await running

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
"""


async def test_a_process_that_is_killed_right_after_a_press_loses_none_that_it_confirmed(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    ids = await imported(db, 200)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PRESSER, conninfo("ada"), str(tmp_path), *ids, stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    confirmed = [(await process.stdout.readline()).decode().strip() for _ in range(120)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    confirmed += rest.decode().split()
    assert confirmed == ids[: len(confirmed)]
    async with sending(db, tmp_path) as sent:

        async def all_there() -> bool:
            return len(await fetch(db, LOG)) >= len(confirmed) and not sent.outbox.waiting

        await eventually(all_there)
    rows = [row[0] for row in await fetch(db, LOG)]
    assert rows == ids[: len(rows)]
    assert len(rows) in {len(confirmed), len(confirmed) + 1}, "the one that was on its way may be there"


async def test_two_apps_of_one_login_send_each_press_once(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 40)
    async with sending(db, tmp_path) as first, sending(db, tmp_path) as second:
        for place, one in enumerate(ids):
            await (first, second)[place % 2].outbox.keep(decision(one))
        await first.done(20)
        await second.done(20)
    assert sorted(row[0] for row in await fetch(db, LOG)) == sorted(ids)
    assert (len(first.outcomes), len(second.outcomes)) == (20, 20)


# Taking back


async def test_a_press_that_was_not_sent_is_taken_back_without_a_word_to_the_database(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)
    async with sending(db, tmp_path) as sent:
        with away(server):
            await sent.outbox.keep(decision(one))
            await sent.outbox.settled()
            await sent.outbox.keep(decision(two))
            withdrawn = sent.outbox.take_back()
            assert isinstance(withdrawn, Withdrawn) and withdrawn.press.conversation_id == two
        await sent.done(2)
    assert [row[0] for row in await fetch(db, LOG)] == [one]
    async with sending(db, tmp_path) as again:
        await again.outbox.settled()
        assert again.outcomes == [], "what was withdrawn is not sent by the next one either"


async def test_an_undo_of_what_the_database_may_have_waits_its_turn(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    (one,) = await imported(db)
    async with sending(db, tmp_path) as sent:
        with away(server):
            press = decision(one)
            await sent.outbox.keep(press)
            await sent.outbox.settled()
            newest = sent.outbox.take_back()
            assert newest == press
            await sent.outbox.keep(Undo(reviews.new_key(), clock.now(), one, of=press.key))
            assert sent.outbox.take_back() is None, "it is being taken back already"
        await sent.done(2)
    assert [row[1] for row in await fetch(db, LOG)] == ["approve", "undo"]
    assert await status(db, one) == "generated"


async def test_an_undo_whose_answer_is_lost_takes_back_one_action_and_not_the_one_before(
    db: Database, server: EmbeddedServer, conninfo: Conninfo, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)
    host = make_conninfo(conninfo("ada"), host=str(tmp_path))
    async with cutter(server, tmp_path) as between, logged_in(host) as through:
        await approved(through, one, two)
        last = await reviews.last_undoable(through)
        assert last is not None and last.conversation_id == two
        async with sending(through, tmp_path) as sent:
            between.armed = True
            await sent.outbox.keep(Undo(reviews.new_key(), clock.now(), two, log_id=last.id))
            await sent.done(1)
    assert (between.cut, await status(db, one), await status(db, two)) == (1, "approved", "generated")


# What the database cannot take at the moment


READING = 'ALTER ROLE rita IN DATABASE "{}"'
CANNOT = {
    "server full": ('ALTER DATABASE "{}" CONNECTION LIMIT 0', 'ALTER DATABASE "{}" CONNECTION LIMIT -1'),
    "standby": (f"{READING} SET default_transaction_read_only = on", f"{READING} RESET default_transaction_read_only"),
}


@pytest.mark.parametrize("passing", [*CANNOT, "terminated"])
async def test_a_server_that_cannot_at_the_moment_is_asked_again(
    db: Database, conninfo: Conninfo, tmp_path: Path, passing: str
) -> None:
    (one,) = await imported(db)
    name = db.conninfo.rpartition("dbname=")[2].strip("'")
    async with logged_in(conninfo("rita")) as rita, sending(rita, tmp_path) as sent:
        if passing in CANNOT:
            sqlstate(conninfo(SUPERUSER), CANNOT[passing][0].format(name))
        sqlstate(conninfo(SUPERUSER), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rita'")
        await sent.outbox.keep(decision(one))
        await sent.outbox.settled()
        if passing in CANNOT:
            await asyncio.sleep(1)  # longer than three tries: it is not given up
            assert sent.outbox.standing is not None
            sqlstate(conninfo(SUPERUSER), CANNOT[passing][1].format(name))
            sent.outbox.hurry()
        await sent.done(1)
    assert kinds(sent.outcomes) == ["Saved"]


async def test_a_machine_that_cannot_keep_presses_sends_them_all_the_same_and_says_so(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)
    (tmp_path / "outbox").write_text("a file where the folder should be")
    async with sending(db, tmp_path) as sent:
        assert not await sent.outbox.keep(decision(one))
        await sent.done(1)
        with away(server):
            await sent.outbox.keep(decision(two))
            await sent.outbox.settled()
            assert sent.outbox.standing is not None and sent.outbox.standing.unkept
        await sent.done(2)
    assert [row[0] for row in await fetch(db, LOG)] == [one, two]


async def test_what_found_no_room_on_this_machine_is_written_down_as_soon_as_there_is_some(
    db: Database, server: EmbeddedServer, tmp_path: Path
) -> None:
    one, two = await imported(db, 2)
    async with sending(db, tmp_path) as sent:
        with away(server):
            await sent.outbox.keep(Flag(reviews.new_key(), clock.now(), one, True))
            await sent.outbox.settled()
            (path,) = folder_of(tmp_path, db.conninfo, db.login).glob("*.jsonl")
            first = decision(one)
            with no_room(path):
                assert not await sent.outbox.keep(first)
                assert sent.outbox.standing is not None and sent.outbox.standing.unkept
            assert await sent.outbox.keep(decision(two))

            async def is_kept() -> bool:
                return first.key in path.read_text() and sent.outbox.unkept is None

            await eventually(is_kept)
        await sent.done(3)
    assert [row[0] for row in await fetch(db, LOG)] == [one, one, two]
