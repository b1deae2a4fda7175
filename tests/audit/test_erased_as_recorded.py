"""What is erased is what the record says of it, in log and archive; what is not stays, with why, and keeps nothing
else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from aging import aged
from support import ANSWERED, Conninfo, add_vocabulary, fetch, generated, scalar, started
from traintui import doctor
from traintui.audit import archiving, retention_rounds
from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.erasing import reason_of
from traintui.audit.findings import Finding
from traintui.audit.frames import pack, unpack
from traintui.audit.holding import Target, call
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, bulk, erasures, purging, retention
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.erasures import PARTS, Part
from traintui.errors import TraintuiError

FAILED = replace(ANSWERED, state="error", response_payload={"said": "Jane Doe"}, error_message="No Jane Doe here")
ELSE = sha256(b"something else").digest()
Tamper = Callable[..., None]


@pytest.fixture
def tamper(conninfo: Conninfo) -> Tamper:
    """Runs statements as a superuser whom no trigger stops."""

    def run(*statements: str) -> None:
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                assert connection.execute(statement.encode()).rowcount > 0, statement

    return run


@pytest.fixture
async def home(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Four calls that failed and name somebody, two to a frame; not sealed yet."""
    monkeypatch.setattr(archiving, "ROWS", 2)
    for _ in range(4):
        attempt = await started(db, None, None, kind="probe", request_payload={"ask": "Jane Doe"})
        await attempts.finish(db, attempt, FAILED)
    return replace(db, home=tmp_path)


@pytest.fixture
async def kept(home: Database, conninfo: Conninfo) -> Database:
    """The same, in the archive."""
    aged(conninfo)
    await archived(home)
    return home


async def archived(db: Database) -> None:
    await seal_and_anchor(db, everything=True)
    assert not (await retire_due(db, await retention.due(db))).left


async def found(db: Database) -> list[Target]:
    """The calls of the log and the archive, by id."""
    (last,) = await fetch(
        db, "SELECT greatest((SELECT max(id) FROM generation_logs), (SELECT max(last_id) FROM archive_frames))"
    )
    return [await call(db, id) for id in range(last[0] - 3, last[0] + 1)]


async def erased(db: Database, target: Target, *parts: Part, **digests: bytes) -> bool:
    named: dict[Any, bytes] = {**target.digests, **digests}
    return await erasures.erase(db, target.id, target.created_at, parts, "She asked", archived=named)


def kinds(findings: list[Finding]) -> list[tuple[str, str | None, int | None]]:
    return [(each.kind, each.log, each.id) for each in findings]


def changed(conninfo: Conninfo, place: int, change: Callable[[list[list[bytes | None]], list[str]], None]) -> None:
    """Changes the rows of a frame, as a superuser whom no trigger stops."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        row = connection.execute("SELECT content FROM archive_frames WHERE place = %s", [place]).fetchone()
        names, rows = unpack((row or (b"",))[0])
        change(rows, list(names))
        content, size = pack(names, rows)
        connection.execute(
            "UPDATE archive_frames SET content = %s, raw_bytes = %s, sha256 = sha256(%s) WHERE place = %s",
            [content, size, content, place],
        )


@pytest.mark.parametrize("part", PARTS)
async def test_an_erasure_that_names_another_digest_takes_nothing_and_is_named(kept: Database, part: Part) -> None:
    one, *_ = await found(kept)
    assert await erased(kept, one, part, **{part: ELSE})
    assert await finish_erasing(kept) == 0
    assert (await call(kept, one.id)).digests == one.digests
    assert await erasures.number_pending(kept) == 1
    (why,) = await erasures.failures(kept)
    assert f"the {part} of call {one.id:,} is not what its erasure names" in why
    verdict = verify(kept)
    (lie,) = verdict.findings
    assert (lie.kind, lie.log) == ("witness", "erasures") and f"another digest of the {part}" in lie.what
    assert any(why in note for note in verdict.notes)
    # It keeps nobody from erasing it.
    assert await erased(kept, one, part) and await finish_erasing(kept) == 1
    assert part not in (await call(kept, one.id)).there
    assert kinds(verify(kept).findings) == [("witness", "erasures", lie.id)]


async def test_what_somebody_changed_in_the_archive_is_not_taken_out_as_if_it_had_been_said(
    kept: Database, conninfo: Conninfo
) -> None:
    one, two, *_ = await found(kept)

    def change(rows: list[list[bytes | None]], names: list[str]) -> None:
        rows[0][names.index("request_payload")] = b'{"ask": "John Roe"}'
        rows[1][names.index("error_message")] = b"No John Roe here"

    changed(conninfo, 1, change)
    wanted: list[tuple[Target, Part]] = [(one, "request"), (two, "error")]
    for target, part in wanted:
        now = await call(kept, target.id)
        assert await erased(kept, now, part)
    assert await finish_erasing(kept) == 0
    assert [(await call(kept, each.id)).there for each in (one, two)] == [PARTS, PARTS]
    assert await erasures.number_pending(kept) == 2
    assert all("is not what its hash says" in why for why in await erasures.failures(kept))
    assert {each.id for each in verify(kept).findings if each.log == "generation_logs"} == {one.id, two.id}


async def test_a_digest_that_is_none_is_refused(kept: Database) -> None:
    one, *_ = await found(kept)
    with pytest.raises(TraintuiError, match="64 hexadecimal digits"):
        await erased(kept, one, "request", request=b"\x00")


async def test_a_damaged_frame_keeps_what_is_in_it_and_nothing_else(kept: Database, tamper: Tamper) -> None:
    one, _, three, _ = await found(kept)
    for each in (one, three):
        assert await erased(kept, each, *PARTS)
    tamper("UPDATE archive_frames SET content = 'x' WHERE place = 1")
    assert await finish_erasing(kept) == 1
    assert (await call(kept, three.id)).there == () and await erasures.number_pending(kept) == 1
    (why,) = await erasures.failures(kept)
    assert why.startswith("frame 1 of the week of 2024-01-08 cannot be read (")
    # Retention goes on, and says so.
    outcome = await retire_due(kept, await retention.due(kept))
    assert outcome.unerased == (why,) and outcome.as_json()["unerased"] == [why]
    assert await retention_rounds.take_round(kept, uuid4())
    finding = await doctor.retention(kept)
    assert finding.state == "warning" and "frame 1 of the week of 2024-01-08" in finding.message
    assert any(why in note for note in verify(kept).notes)


async def test_what_could_not_be_taken_out_is_once_its_frame_is_back(kept: Database, conninfo: Conninfo) -> None:
    one, *_ = await found(kept)
    assert await erased(kept, one, *PARTS)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        row = connection.execute("SELECT content FROM archive_frames WHERE place = 1").fetchone()
        connection.execute("UPDATE archive_frames SET content = 'x' WHERE place = 1")
        connection.commit()
        assert await finish_erasing(kept) == 0
        connection.execute("UPDATE archive_frames SET content = %s WHERE place = 1", row)
    assert await finish_erasing(kept) == 1
    assert (await erasures.number_pending(kept), await erasures.failures(kept)) == (0, ())
    assert verify(kept).findings == []


# With a conversation -------------------------------------------------------------------------------------------------


async def failed(db: Database, tamper: Tamper) -> Any:
    """A conversation in the trash, with a call that says in its error what was said."""
    await add_vocabulary(db)
    await generated(db, 1)
    tamper(
        "UPDATE generation_logs SET error_message = 'No Jane Doe here' WHERE conversation_id IS NOT NULL",
        "UPDATE generation_logs SET row_hash = generation_log_digest(generation_logs)",
    )
    ((id, conversation, called),) = await fetch(
        db,
        "SELECT c.id, conversation_id, l.id FROM conversations AS c JOIN generation_logs AS l USING (conversation_id)",
    )
    await bulk.trash(db, [id], True)
    return id, conversation, called


async def test_a_purge_takes_the_text_of_errors_too(home: Database, tamper: Tamper) -> None:
    id, conversation, called = await failed(home, tamper)
    await seal_and_anchor(home, everything=True)
    (at,) = (await fetch(home, "SELECT created_at FROM generation_logs WHERE id = :id", id=called))[0]
    await purging.purge(home, [id])
    left = "SELECT num_nonnulls(request_payload, response_payload, error_message) FROM generation_logs WHERE id = :id"
    assert await scalar(home, left, id=called) == 0
    said, purge = await erasures.of_call(home, called, at, conversation)
    assert (said.parts, said.reason) == (PARTS, "Its conversation was purged.") and purge.with_conversation
    for _ in range(2):
        assert verify(home).findings == []
        await seal_and_anchor(home, everything=True)


async def test_a_purge_takes_the_text_of_errors_out_of_the_archive_too(
    home: Database, conninfo: Conninfo, tamper: Tamper
) -> None:
    id, _, called = await failed(home, tamper)
    aged(conninfo)
    await archived(home)
    assert (await call(home, called)).there == PARTS
    await purging.purge(home, [id])
    assert verify(home).findings == []
    await finish_erasing(home)
    assert ((await call(home, called)).there, await erasures.number_pending(home)) == ((), 0)
    await seal_and_anchor(home, everything=True)
    assert verify(home).findings == []


# What stands ----------------------------------------------------------------------------------------------------------


async def test_what_stands_again_though_it_was_erased_is_named(home: Database, tamper: Tamper) -> None:
    (id, at, request), *_ = await fetch(
        home, "SELECT id, created_at, request_payload::text FROM generation_logs ORDER BY id"
    )
    await erasures.erase(home, id, at, ("request",), "She asked")
    await seal_and_anchor(home, everything=True)
    assert verify(home).findings == []
    tamper(f"UPDATE generation_logs SET request_payload = '{request}' WHERE id = {id}")
    (stands,) = verify(home).findings
    assert (stands.kind, stands.log, stands.id) == ("changed", "generation_logs", id)
    assert "stands there that was erased" in stands.what and "traintui audit erase" in stands.remedy


async def test_what_stands_again_though_its_conversation_was_purged_is_named(home: Database, tamper: Tamper) -> None:
    id, _, called = await failed(home, tamper)
    await seal_and_anchor(home, everything=True)
    said = await scalar(home, "SELECT response_payload::text FROM generation_logs WHERE id = :id", id=called)
    await purging.purge(home, [id])
    await seal_and_anchor(home, everything=True)
    tamper(f"UPDATE generation_logs SET response_payload = '{said}' WHERE id = {called}")
    assert kinds(verify(home).findings) == [("changed", "generation_logs", called)]


async def test_a_frame_that_was_put_back_as_it_was_before_something_was_erased_is_found(
    kept: Database, conninfo: Conninfo
) -> None:
    one, *_ = await found(kept)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        before = connection.execute(
            "SELECT content, payload_count, raw_bytes FROM archive_frames WHERE place = 1"
        ).fetchone()
        connection.commit()
        await erased(kept, one, *PARTS)
        assert await finish_erasing(kept) == 1 and verify(kept).findings == []
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE archive_frames SET content = %s, payload_count = %s, raw_bytes = %s, erased_sha256 = NULL"
            " WHERE place = 1", before,
        )  # fmt: skip
    (stands,) = verify(kept).findings
    assert (stands.id, "in the archive" in stands.where) == (one.id, True)


async def test_a_call_that_is_changed_with_its_erasure_is_named(home: Database, conninfo: Conninfo) -> None:
    (id,), *_ = await fetch(home, "SELECT id FROM generation_logs ORDER BY id")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "SELECT erase_payload(id, created_at, ARRAY['request'], 'She asked') FROM generation_logs WHERE id = %s",
            [id],
        )
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE generation_logs SET cost_usd = 9 WHERE id = %s", [id])
        connection.execute(
            "UPDATE generation_logs SET row_hash = generation_log_digest(generation_logs) WHERE id = %s", [id]
        )
    assert kinds(verify(home).findings) == [("changed", "generation_logs", id)]


def test_a_reason_is_as_long_as_it_is_kept() -> None:
    token = "sk-ant-api03-" + "".join("aB3dE5gH7k"[place % 10] for place in range(93)) + "AA"
    said = f"She asked, with {token} " + "and more " * 47
    assert len(said.strip()) > erasures.LONGEST_REASON
    kept = reason_of(said)
    assert token not in kept and len(kept) <= erasures.LONGEST_REASON
    with pytest.raises(TraintuiError, match="Reason too long"):
        reason_of("more words " * 60)
