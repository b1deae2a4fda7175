"""Opinions only grow, come through one function, and an older schema is left without what it would not understand."""

from __future__ import annotations

import psycopg
import pytest

from support import Conninfo, add_vocabulary, approved, fetch, imported, planned, scalar, sqlstate
from traintui.data import judgements, schema, templates, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database

INSERT = (
    "INSERT INTO judgements (conversation_id, revision, model, template_id, template_version, run_id, scores, mean,"
    " spans, spans_dropped, log_id, logged_at, requested_by, is_rehearsal)"
    " VALUES ('c', 1, 'm', 1, 1, 1, '{}', 10, '[]', 0, 1, now(), 'ada', false)"
)


async def queued(db: Database, number: int = 2) -> int:
    """A batch that judges so many imported conversations; its id."""
    await imported(db, number)
    rubric = await templates.store(db, "judge", system="Judge.", user_prompt="{{ turns }}", kind="rubric")
    ids = [row[0] for row in await fetch(db, "SELECT id FROM conversations ORDER BY id")]
    return await judgements.begin(
        db, ids, name="Judge", definition={"name": "Judge", "model": "m"}, rubric_id=rubric.id, model="m",
        is_rehearsal=False,
    )  # fmt: skip


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey", "ada"])
def test_nobody_writes_an_opinion_by_hand(conninfo: Conninfo, login: str) -> None:
    for statement in (INSERT, "UPDATE judgements SET mean = 10", "DELETE FROM judgements", "TRUNCATE judgements"):
        assert sqlstate(conninfo(login), statement) == "42501"


def test_what_was_said_stays_said_for_the_owner_too(conninfo: Conninfo) -> None:
    assert sqlstate(conninfo(SUPERUSER), INSERT) is None
    for statement in ("UPDATE judgements SET mean = 10", "DELETE FROM judgements", "TRUNCATE judgements"):
        assert sqlstate(conninfo(SUPERUSER), statement) == "TT005"


@pytest.mark.parametrize("scores", ['{"useful": {"score": 11}}', '{"useful": {"score": -1}}', '{"useful": {}}'])
async def test_a_score_that_is_none_is_not_stored(db: Database, conninfo: Conninfo, scores: str) -> None:
    await queued(db, 1)
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as worker_id:
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        told = f"SELECT store_judgement({item.id}, {item.fence}, 1, 'm', '{scores}', '[]', 0, 1, now())"
        assert sqlstate(conninfo("arthur"), told) == "TT003"
    assert await scalar(db, "SELECT count(*) FROM judgements") == 0


async def test_what_is_only_planned_cannot_be_queued_for_a_judge(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db)
    insert = (
        "INSERT INTO generation_items (batch_id, conversation_id, kind, exchanges, variation)"
        f" SELECT {batch_id}, id, 'judge', 1, 0 FROM conversations"
    )
    assert sqlstate(conninfo("arthur"), insert) == "TT003"


async def test_a_claim_for_a_judge_leaves_the_status_alone_whatever_becomes_of_it(db: Database) -> None:
    await queued(db)
    decided = await scalar(db, "SELECT conversation_id FROM conversations ORDER BY id LIMIT 1")
    await approved(db, decided)
    await work.take_up_batches(db, is_rehearsal=False)
    statuses = "SELECT status FROM conversations ORDER BY id"
    async with work.registered(db) as worker_id:
        first, second = await work.claim(db, worker_id, 5, is_rehearsal=False)
        assert (first.kind, second.kind) == ("judge", "judge")
        assert [row[0] for row in await fetch(db, statuses)] == ["approved", "generated"]
        await work.release(db, first, "queued")
        await work.release(db, second, "failed", error="Not judged: no.")
    assert [row[0] for row in await fetch(db, statuses)] == ["approved", "generated"]


async def test_a_schema_before_the_judge_finds_nothing_that_it_would_generate(db: Database, conninfo: Conninfo) -> None:
    await queued(db)
    await db.close()
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, "0017")
    with psycopg.connect(superuser) as connection:
        for table in ("generation_items", "batches", "templates"):
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (2,)
    schema.upgrade(superuser)
