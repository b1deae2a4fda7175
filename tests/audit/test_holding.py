"""Where a person stands in calls is found whatever the case, the blanks and what JSON escapes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aging import aged
from support import ANSWERED, Conninfo, fetch, scalar, started
from traintui.audit import archiving, erasing
from traintui.audit.archive_erasing import finish_erasing
from traintui.audit.holding import Target, call, calls_holding, pattern_of
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, erasures, retention
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError

SIGNS = st.characters(exclude_categories=("C", "Z"), exclude_characters="\x7f")
TEXTS = st.text(SIGNS, min_size=4, max_size=20) | st.from_regex(r"[\w.]{3,8}@[\w]{2,6}\.org", fullmatch=True)
SAID: dict[str, Any] = {
    "jane DOE": "asked by Jane Doe.", "Jürgen Groß": "JÜRGEN\nGroß", 'the "Müller" case': 'the "Müller" case',
    "C:\\temp\\doe": "C:\\temp\\doe", "ann.doe+x@example.org": "mail ann.doe+x@example.org now",
    "李小龙先生": "李小龙先生", "000\U0002f800": "000\U0002f800",
    "a (very) odd [name]": "a (very) odd [name]",
}  # fmt: skip


@settings(deadline=None)
@given(TEXTS, st.booleans(), st.integers(1, 3))
def test_a_text_is_found_in_json_however_it_is_written_and_nested(said: str, ascii: bool, depth: int) -> None:
    written = f"before {said} after"
    for _ in range(depth):
        written = json.dumps({"said": written}, ensure_ascii=ascii)
    assert re.search(pattern_of(said), written)


@pytest.mark.parametrize("said", ["", "abc", "  a b ", "\n\t"])
def test_what_stands_nearly_everywhere_is_not_looked_for(said: str) -> None:
    with pytest.raises(TraintuiError, match="Too short"):
        pattern_of(said)


async def logged(db: Database, said: Sequence[str]) -> list[int]:
    """A call that was asked about each text, and one that was not; in a reply and in an error too."""
    ids = []
    for each in said:
        attempt = await started(db, None, None, kind="probe", request_payload={"ask": [each]})
        await attempts.finish(db, attempt, ANSWERED)
        ids.append(attempt.id)
    attempt = await started(db, None, None, kind="probe", request_payload={"ask": "nobody"})
    outcome = replace(
        ANSWERED, state="error", response_payload={"s": json.dumps({"t": said[0]})}, error_message=said[0]
    )
    await attempts.finish(db, attempt, outcome)
    return [*ids, attempt.id]


async def archived(db: Database, conninfo: Conninfo) -> None:
    aged(conninfo)
    await seal_and_anchor(db, everything=True)
    assert not (await retire_due(db, await retention.due(db))).left


@pytest.mark.parametrize("in_archive", [False, True], ids=["log", "archive"])
async def test_log_and_archive_find_the_same(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, in_archive: bool
) -> None:
    monkeypatch.setattr(archiving, "ROWS", 3)
    ids = await logged(db, list(SAID.values()))
    if in_archive:
        await archived(db, conninfo)
    for place, said in enumerate(SAID):
        found = await calls_holding(db, said)
        assert found is not None
        wanted = [(ids[place], ("request",))] + ([(ids[-1], ("response", "error"))] if not place else [])
        assert [(each.id, each.holding) for each in found] == wanted, said
        assert all((each.week is not None) == in_archive for each in found)
    assert await calls_holding(db, "somebody else") == []
    stop = asyncio.Event()
    stop.set()
    assert await calls_holding(db, "Jane Doe", stop=stop) is None
    one = await call(db, ids[-1])
    assert (one.id, one.there) == (ids[-1], ("request", "response", "error"))
    with pytest.raises(Refused, match="neither in the log nor in the archive"):
        await call(db, 1_000_000)


async def test_all_that_hold_it_are_erased_in_log_and_archive_and_the_record_holds(
    db: Database, conninfo: Conninfo
) -> None:
    await logged(db, ["Jane Doe", "John Roe"])
    await archived(db, conninfo)
    await logged(db, ["Jane Doe", "John Roe"])
    found = await calls_holding(db, "jane doe")
    assert found is not None and [each.week is not None for each in found] == [False, False, True, True]
    met: list[tuple[int, int]] = []
    became = await erasing.erase(db, found, "holding", "jane@example.org asked", progress=lambda *of: met.append(of))
    assert (became.done, became.nothing, became.left, became.pending) == (4, 0, 0, 0) and met[-1] == (4, 4)
    assert await calls_holding(db, "Jane Doe") == []
    assert len(await calls_holding(db, "John Roe") or ()) == 2
    reasons = await fetch(db, "SELECT DISTINCT reason FROM erasures")
    assert reasons == [("[e-mail 1] asked",)], "a reason is kept as any note is"
    verdict = verify(db)
    assert verdict.findings == [] and verdict.erased_payloads == 4


async def test_what_went_into_the_archive_since_it_was_found_is_erased_there(db: Database, conninfo: Conninfo) -> None:
    await logged(db, ["Jane Doe"])
    aged(conninfo)
    found = await calls_holding(db, "Jane Doe")
    assert found is not None and [each.week for each in found] == [None, None]
    await seal_and_anchor(db, everything=True)
    assert not (await retire_due(db, await retention.due(db))).left
    became = await erasing.erase(db, found, "holding", "she asked")
    assert (became.done, became.nothing, became.left, became.pending) == (2, 0, 0, 0)
    assert await calls_holding(db, "Jane Doe") == []


async def test_who_stops_is_told_how_many_were_done_and_each_is_whole(db: Database) -> None:
    await logged(db, ["Jane Doe"] * 4)
    found: list[Target] = await calls_holding(db, "Jane Doe") or []
    stop = asyncio.Event()

    def progress(done: int, _total: int) -> None:
        if done == 2:
            stop.set()

    became = await erasing.erase(db, found, "all", "She asked", progress=progress, stop=stop)
    assert (became.done, became.left) == (2, 3)
    partly = (
        "SELECT count(*) FROM generation_logs AS log JOIN erasures AS e ON e.row_id = log.id"
        " WHERE num_nonnulls(request_payload, response_payload, error_message) > 0"
    )
    assert await scalar(db, partly) == 0 and len(await calls_holding(db, "Jane Doe") or ()) == 3


async def test_nothing_is_erased_without_a_reason(db: Database) -> None:
    (id, _) = await logged(db, ["Jane Doe"])
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(TraintuiError):
            await erasing.erase(db, [await call(db, id)], "all", reason)
    assert await scalar(db, "SELECT count(*) FROM erasures") == 0


async def test_what_a_stop_left_in_the_archive_is_done_next(db: Database, conninfo: Conninfo) -> None:
    await logged(db, ["Jane Doe"])
    await archived(db, conninfo)
    found = await calls_holding(db, "Jane Doe") or []
    stop = asyncio.Event()
    became = await erasing.erase(db, found, "all", "She asked", progress=lambda *_: stop.set(), stop=stop)
    assert (became.done, became.left, became.pending) == (1, 1, 1)
    assert await finish_erasing(db) == 1 and await erasures.number_pending(db) == 0
