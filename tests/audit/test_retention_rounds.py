"""Once a day one process archives what is due, removes it where the workspace lets it, and says what had to stay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from aging import calls_of
from support import Conninfo, beside, eventually, logged_in, scalar
from traintui import doctor
from traintui.audit import retention_rounds as rounds
from traintui.audit.sealing import seal_and_anchor
from traintui.data import retention, retention_rounds
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.retention_rounds import Rounds

OLD, OLDER = "2024-01-10 12:00+00", "2023-12-20 12:00+00"
WEEK = "2024-01-08"
ARCHIVED = "SELECT coalesce(sum(row_count), 0) FROM archive_frames"
HERE = "SELECT count(*) FROM generation_logs"


def due_again(conninfo: Conninfo) -> None:
    """As if a day had passed."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE retention_rounds SET due_at = NULL")


async def tampered(db: Database, conninfo: Conninfo) -> None:
    """Somebody changes a call of `OLD` that is sealed."""
    await seal_and_anchor(db, everything=True)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE generation_logs SET cost_usd = 9 WHERE id = (SELECT min(id) FROM generation_logs"
            " WHERE created_at >= %s)", [WEEK],
        )  # fmt: skip


async def test_a_round_removes_what_is_due_and_the_next_one_is_a_day_later(db: Database, conninfo: Conninfo) -> None:
    for moment in (OLD, OLDER, "now"):
        calls_of(conninfo, moment, 3)
    assert (await retention_rounds.read(db)).is_due
    assert await rounds.take_round(db, uuid4())
    assert [f"{each.week}" for each in await retention.retirements(db)] == ["2023-12-18", WEEK]
    assert (await scalar(db, HERE), await scalar(db, ARCHIVED)) == (3, 6)
    found = await retention_rounds.read(db)
    assert (found.removed, found.failure, found.under_way, found.is_due, found.taken_by) == (6, "", False, False, "ada")
    assert found.due_at is not None and found.ended_at is not None
    assert abs(found.due_at - found.ended_at - timedelta(days=1)) < timedelta(seconds=1)
    assert not await rounds.take_round(db, uuid4())


async def test_where_the_workspace_does_not_let_it_what_is_due_is_archived_and_stays(
    db: Database, conninfo: Conninfo
) -> None:
    calls_of(conninfo, OLD, 3)
    await retention_rounds.set_removes(db, False)
    assert await rounds.take_round(db, uuid4())
    assert (await scalar(db, HERE), await scalar(db, ARCHIVED), await retention.retirements(db)) == (3, 3, [])
    finding = await doctor.retention(db)
    assert finding.state == "warning" and "1 of the weeks of calls are due, and stay" in finding.message
    due_again(conninfo)
    await retention_rounds.set_removes(db, True)
    assert await rounds.take_round(db, uuid4())
    assert (await scalar(db, HERE), await scalar(db, ARCHIVED)) == (0, 3)
    assert (await doctor.retention(db)).state == "ok"


async def test_only_the_embedded_server_removes_unless_somebody_chose(db: Database) -> None:
    assert await retention_rounds.removes(db)
    shared = replace(db, label="host/traintui")
    assert not await retention_rounds.removes(shared)
    await retention_rounds.set_removes(db, True)
    assert await retention_rounds.removes(shared)


async def test_a_round_is_one_processes_until_its_lease_ends(db: Database) -> None:
    one, other = uuid4(), uuid4()
    assert await retention_rounds.take(db, one, seconds=60)
    assert not await retention_rounds.take(db, other, seconds=60)
    assert (await retention_rounds.read(db)).under_way
    assert await retention_rounds.renew(db, one, seconds=0)
    assert await retention_rounds.take(db, other, seconds=60)
    assert not await retention_rounds.renew(db, one, seconds=60)
    await retention_rounds.end(db, one, again_in=0, removed=7, failure="mine")
    assert await retention_rounds.read(db) == replace(await retention_rounds.read(db), under_way=True, failure="")


async def test_a_round_is_for_administrators(reviewer_db: Database) -> None:
    with pytest.raises(Refused):
        await retention_rounds.take(reviewer_db, uuid4(), seconds=60)


async def test_what_is_not_as_it_was_sealed_is_on_record_and_told_and_tried_again_a_day_later(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LOOK_SECONDS", 0.02)
    calls_of(conninfo, OLD, 3)
    await tampered(db, conninfo)
    told: list[Rounds] = []
    stop = asyncio.Event()
    keeping = asyncio.create_task(rounds.keep_retained(db, stop, told=told.append))

    async def said() -> bool:
        return bool(told and told[-1].failure)

    await beside(keeping, eventually(said))
    stop.set()
    await keeping
    assert f"The week of {WEEK} of calls stays: row " in told[-1].failure
    assert "is not what its hash says" in told[-1].failure and "traintui audit verify" in told[-1].failure
    assert told[-1].due_at is not None and told[-1].ended_at is not None
    assert abs(told[-1].due_at - told[-1].ended_at - timedelta(days=1)) < timedelta(seconds=1)
    assert await scalar(db, HERE) == 3
    finding = await doctor.retention(db)
    assert finding.state == "warning" and "is not what its hash says" in finding.message


async def test_who_may_not_remove_anything_only_hears_how_it_stands(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LOOK_SECONDS", 0.02)
    calls_of(conninfo, OLD, 3)
    told: list[Rounds] = []
    async with logged_in(conninfo("audrey")) as auditor:
        keeping = asyncio.create_task(rounds.keep_retained(auditor, asyncio.Event(), told=told.append))

        async def heard() -> bool:
            return len(told) > 2

        await beside(keeping, eventually(heard))
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert told[-1].is_due and await scalar(db, HERE) == 3


async def test_a_round_that_is_given_up_goes_on_at_once_elsewhere(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls_of(conninfo, OLD, 3)
    monkeypatch.setattr(rounds, "PARTING_SECONDS", 0.05)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("LOCK TABLE generation_logs IN ACCESS EXCLUSIVE MODE")
        round = asyncio.create_task(rounds.take_round(db, uuid4()))

        async def begun() -> bool:
            return (await retention_rounds.read(db)).under_way

        await beside(round, eventually(begun))
        round.cancel()
        await asyncio.gather(round, return_exceptions=True)
    assert round.cancelled() and (await retention_rounds.read(db)).is_due
    assert await rounds.take_round(db, uuid4())
    assert await scalar(db, HERE) == 0


@pytest.mark.parametrize("removes", [True, False], ids=["removed", "archived"])
async def test_a_week_with_a_call_under_way_is_not_read_and_is_tried_again_within_the_hour(
    db: Database, conninfo: Conninfo, removes: bool
) -> None:
    calls_of(conninfo, OLD, 3)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE generation_logs SET state = 'sending', row_hash = NULL"
            " WHERE id = (SELECT max(id) FROM generation_logs)"
        )
    await retention_rounds.set_removes(db, removes)
    assert await rounds.take_round(db, uuid4())
    assert (await scalar(db, HERE), await scalar(db, ARCHIVED)) == (3, 0)
    found = await retention_rounds.read(db)
    assert f"the week of {WEEK} has calls that have not ended: 1. It goes once they have." in found.failure
    assert found.due_at is not None and found.ended_at is not None
    assert found.due_at - found.ended_at < timedelta(hours=1, seconds=1)


async def test_a_copy_of_what_is_not_as_it_was_sealed_does_not_pass_for_one_that_was_compared(
    db: Database, conninfo: Conninfo
) -> None:
    calls_of(conninfo, OLD, 3)
    await tampered(db, conninfo)
    await retention_rounds.set_removes(db, False)
    for _ in range(2):
        assert await rounds.take_round(db, uuid4())
        assert "is not what its hash says" in (await retention_rounds.read(db)).failure
        assert await scalar(db, ARCHIVED) == 0
        due_again(conninfo)
