"""What is erased from a call is gone, says who took it and why, and leaves a record that holds; what else is taken is
found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import LONG_AGO, aged
from support import ANSWERED, Conninfo, add_vocabulary, fetch, generated, scalar, sqlstate, started
from traintui.audit import archiving
from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.archive_listing import rows_across
from traintui.audit.archiving import archive
from traintui.audit.frames import pack, unpack
from traintui.audit.holding import call
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, bulk, erasures, purging, retention
from traintui.data.attempts import Outcome
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.erasures import PARTS, Part
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_models import GenerationLog
from traintui.data.refusals import Refused

FAILED = replace(ANSWERED, state="error", response_payload={"said": "Jane Doe"}, error_message="No Jane Doe here")
PARTS_OF = "SELECT request_payload, response_payload, error_message FROM generation_logs WHERE id = :id"


@pytest.fixture
async def logged(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Two calls for conversations, and two that failed and name somebody; not sealed yet."""
    monkeypatch.setattr(archiving, "ROWS", 2)
    await add_vocabulary(db)
    await generated(db, 2)
    for _ in range(2):
        attempt = await started(db, None, None, kind="probe", request_payload={"ask": "Jane Doe"})
        await attempts.finish(db, attempt, FAILED)
    return replace(db, home=tmp_path)


async def calls(db: Database) -> list[tuple[int, Any]]:
    """The calls that failed: id and moment."""
    rows = await fetch(db, "SELECT id, created_at FROM generation_logs WHERE state = 'error' ORDER BY id")
    return [(row.id, row.created_at) for row in rows]


async def archived(db: Database) -> None:
    """Moves all that is due to the archive."""
    await seal_and_anchor(db, everything=True)
    assert not (await retire_due(db, await retention.due(db))).left


async def in_archive(db: Database) -> dict[int, tuple[bytes | None, ...]]:
    """The digests of what is left in the archive of each call: request, response, error."""
    listed = rows_across(db, [GenerationLog.id], GENERATIONS.read(""))
    found = [await call(db, id) for id in [id async for rows in listed for (id,) in rows]]
    return {each.id: tuple(each.digests.get(part) for part in PARTS) for each in found if each.week is not None}


async def erased_in_archive(db: Database, id: int, parts: tuple[Part, ...]) -> bool:
    found = await call(db, id)
    return await erasures.erase(db, id, found.created_at, parts, "She asked", archived=found.digests)


@pytest.mark.parametrize("sealed", [False, True], ids=["not sealed", "sealed"])
@pytest.mark.parametrize(
    "parts", [("request",), ("response",), ("error",), PARTS], ids=["request", "response", "error", "all"]
)
async def test_what_is_erased_is_gone_and_the_record_holds(
    logged: Database, parts: tuple[Part, ...], sealed: bool
) -> None:
    if sealed:
        await seal_and_anchor(logged, everything=True)
    (id, at), (other, _) = await calls(logged)
    hashes = "SELECT row_hash, request_sha256, response_sha256, cost_usd, input_tokens FROM generation_logs ORDER BY id"
    before = await fetch(logged, hashes)
    assert await erasures.erase(logged, id, at, parts, "  She asked ")
    (left,) = await fetch(logged, PARTS_OF, id=id)
    assert [part for part, value in zip(PARTS, left, strict=True) if value is None] == list(parts)
    assert None not in (await fetch(logged, PARTS_OF, id=other))[0]
    assert await fetch(logged, hashes) == before, "digests, tokens and cost stay"
    (said,) = await erasures.of_call(logged, id, at, None)
    assert (said.parts, said.erased_by, said.reason) == (parts, "ada", "She asked")
    for _ in range(2):
        verdict = verify(logged)
        assert verdict.findings == []
        assert verdict.erased_payloads == len({"request", "response"} & set(parts))
        await seal_and_anchor(logged, everything=True)
    assert any("erased, reasons kept" in note for note in verdict.notes) == (verdict.erased_payloads > 0)
    assert verdict.sealed_rows == verdict.rows, "the erasure is sealed too"


async def test_what_is_gone_is_erased_once(logged: Database) -> None:
    (id, at), _ = await calls(logged)
    assert await erasures.erase(logged, id, at, ("request",), "She asked")
    assert not await erasures.erase(logged, id, at, ("request",), "Again")
    assert await erasures.erase(logged, id, at, PARTS, "The rest too")
    assert [each.parts for each in await erasures.of_call(logged, id, at, None)] == [
        ("request",),
        ("response", "error"),
    ]
    assert verify(logged).findings == []


WRONG: dict[str, tuple[str, str]] = {
    "no reason": ("ARRAY['request'], ' '", "TT003"),
    "none at all": ("ARRAY['request'], NULL", "TT003"),
    "too long": ("ARRAY['request'], repeat('x', 501)", "TT003"),
    "no part": ("ARRAY[]::text[], 'She asked'", "TT003"),
    "another part": ("ARRAY['model'], 'She asked'", "TT003"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_nothing_is_erased_without_a_reason_or_a_part(logged: Database, conninfo: Conninfo, what: str) -> None:
    rest, code = WRONG[what]
    erase = f"SELECT erase_payload(id, created_at, {rest}) FROM generation_logs WHERE state = 'error'"
    assert sqlstate(conninfo("ada"), erase) == code
    assert await scalar(logged, "SELECT count(*) FROM erasures") == 0


async def test_a_call_that_has_not_ended_and_one_that_is_not_there_are_refused(logged: Database) -> None:
    attempt = await started(logged, None, None, kind="probe")
    for id, code in ((attempt.id, "TT003"), (1_000_000, "TT002")):
        with pytest.raises(Refused) as refused:
            await erasures.erase(logged, id, attempt.created_at, PARTS, "She asked")
        assert refused.value.code == code


async def test_only_administrators_erase_and_nobody_rewrites_what_was_erased(
    logged: Database, conninfo: Conninfo
) -> None:
    erase = (
        "SELECT erase_payload(id, created_at, ARRAY['request'], 'Why not') FROM generation_logs WHERE state = 'error'"
    )
    for login in ("rita", "arthur", "audrey"):
        for statement in (
            erase, "SELECT archive_is_erased(ARRAY[1]::bigint[])", "DELETE FROM archive_erasures",
            "INSERT INTO erasures (log, row_id) VALUES ('generation_logs', 1)", "UPDATE erasures SET reason = 'x'",
        ):  # fmt: skip
            assert sqlstate(conninfo(login), statement) in ("42501", "TT004"), statement
    assert await scalar(logged, "SELECT count(*) FROM erasures") == 0
    assert sqlstate(conninfo("ada"), erase) is None
    for statement in ("UPDATE erasures SET reason = 'x'", "DELETE FROM erasures", "TRUNCATE erasures"):
        assert sqlstate(conninfo("ada"), statement) == "42501"
        assert sqlstate(conninfo(SUPERUSER), statement) == "TT005"
    assert sqlstate(conninfo(SUPERUSER), "UPDATE generation_logs SET request_payload = NULL") == "TT005"


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


FORGED = {
    "a payload that nobody erased": ("UPDATE generation_logs SET request_payload = NULL WHERE id = {other}", "{other}"),
    "another part of an erased call": ("UPDATE generation_logs SET response_payload = NULL WHERE id = {id}", "{id}"),
    "an error that nobody erased": ("UPDATE generation_logs SET error_message = NULL WHERE id = {other}", "{other}"),
    "an error that is another": ("UPDATE generation_logs SET error_message = 'x' WHERE id = {id}", "{id}"),
}


@pytest.mark.parametrize("what", FORGED)
async def test_what_a_superuser_takes_is_found_beside_what_was_erased(
    logged: Database, tamper: Tamper, what: str
) -> None:
    await seal_and_anchor(logged, everything=True)
    (id, at), (other, _) = await calls(logged)
    await erasures.erase(logged, id, at, ("request", "error"), "She asked")
    assert verify(logged).findings == []
    statement, whose = FORGED[what]
    tamper(statement.format(id=id, other=other))
    assert [(each.kind, str(each.id)) for each in verify(logged).findings] == [
        ("changed", whose.format(id=id, other=other))
    ]


REWRITTEN = {
    "its reason": "UPDATE erasures SET reason = 'Nobody asked'",
    "who did it": "UPDATE erasures SET erased_by = 'rita'",
    "the digest of the error": "UPDATE erasures SET error_sha256 = sha256('x')",
    "all of it": "DELETE FROM erasures",
}


@pytest.mark.parametrize("covered", [False, True], ids=["plainly", "with its hash"])
@pytest.mark.parametrize("what", REWRITTEN)
async def test_an_erasure_that_was_rewritten_is_named(
    logged: Database, tamper: Tamper, what: str, covered: bool
) -> None:
    (id, at), _ = await calls(logged)
    await erasures.erase(logged, id, at, PARTS, "She asked")
    await seal_and_anchor(logged, everything=True)
    again = () if what == "all of it" or not covered else ("UPDATE erasures SET row_hash = erasure_digest(erasures)",)
    tamper(REWRITTEN[what], *again)
    assert "erasures" in {each.log for each in verify(logged).findings}


async def test_a_reply_that_came_late_has_no_request_and_nobody_took_it(logged: Database) -> None:
    attempt = await started(logged, None, None, kind="probe")
    await attempts.finish(logged, attempt, Outcome("unknown"))
    await attempts.finish(logged, attempt, ANSWERED)
    late = "SELECT count(*) FROM generation_logs WHERE late_reply_to IS NOT NULL AND request_payload IS NULL"
    assert await scalar(logged, late) == 1
    verdict = verify(logged)
    assert (verdict.findings, verdict.erased_payloads) == ([], 0)


# In the archive -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [("request",), ("error",), PARTS], ids=["request", "error", "all"])
async def test_what_is_erased_in_the_archive_is_gone_there(
    logged: Database, conninfo: Conninfo, parts: tuple[Part, ...]
) -> None:
    (id, _), (other, _) = await calls(logged)
    aged(conninfo)
    await archived(logged)
    before = await in_archive(logged)
    assert await erased_in_archive(logged, id, parts)
    assert not await erased_in_archive(logged, id, parts), "it is on record, and done next"
    verdict = verify(logged)
    assert verdict.findings == [] and any("1 erasure still to be done" in note for note in verdict.notes)
    assert (await in_archive(logged))[id] == before[id]
    # Here the app may have been killed. An administrator's next start goes on.
    assert (await finish_erasing(logged), await finish_erasing(logged)) == (1, 0)
    after = await in_archive(logged)
    assert [part for part, value in zip(PARTS, after[id], strict=True) if value is None] == list(parts)
    assert {key: value for key, value in after.items() if key != id} == {
        key: value for key, value in before.items() if key != id
    }
    assert other in after
    await seal_and_anchor(logged, everything=True)
    verdict = verify(logged)
    assert verdict.findings == [] and not any("still to be done" in note for note in verdict.notes)
    assert verdict.erased_payloads == len({"request", "response"} & set(parts))
    assert await erasures.number_pending(logged) == 0


async def test_a_frame_from_which_something_went_without_a_word_is_found(logged: Database, conninfo: Conninfo) -> None:
    aged(conninfo)
    await archived(logged)
    (frame,) = await fetch(logged, "SELECT place, content, sha256, payload_count FROM archive_frames WHERE place = 2")
    names, rows = unpack(bytes(frame.content))
    rows[0][names.index("request_payload")] = None
    content, size = pack(names, rows)
    await logged.call(
        "SELECT erase_from_archive('generation_logs', :week, 2, :sha256, :payloads, :size, :content)",
        {
            "week": LONG_AGO,
            "sha256": frame.sha256,
            "payloads": frame.payload_count - 1,
            "size": size,
            "content": content,
        },
    )
    (only,) = verify(logged).findings
    assert only.kind == "changed" and "in the archive" in only.where and "neither an erasure" in only.what


async def test_a_copy_that_waits_in_the_archive_loses_it_too(logged: Database, conninfo: Conninfo) -> None:
    aged(conninfo)
    await seal_and_anchor(logged, everything=True)
    archive(logged, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    (id, at), _ = await calls(logged)
    await erasures.erase(logged, id, at, ("error",), "She asked")
    assert await erasures.number_pending(logged) == 1
    await archived(logged)
    assert (await in_archive(logged))[id][2] is None and verify(logged).findings == []


async def test_a_purge_that_was_cut_off_before_the_archive_is_gone_on_with(
    logged: Database, conninfo: Conninfo
) -> None:
    aged(conninfo)
    wanted = (
        "SELECT c.id, l.id AS call FROM conversations AS c JOIN generation_logs AS l USING (conversation_id) LIMIT 1"
    )
    (one,) = await fetch(logged, wanted)
    await archived(logged)
    await bulk.trash(logged, [one.id], True)
    await purging.purge(logged, [one.id])
    assert await erasures.number_pending(logged) == 1
    assert None not in (await in_archive(logged))[one.call][:2] and verify(logged).findings == []
    assert await finish_erasing(logged) == 1
    verdict = verify(logged)
    assert (await in_archive(logged))[one.call][:2] == (None, None)
    assert (verdict.findings, verdict.purged_payloads) == ([], 2)
    assert await erasures.number_pending(logged) == 0
