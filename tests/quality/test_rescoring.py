"""Scores follow a threshold that was changed, and an import is scored among the others; nothing else is touched."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from support import (
    Conninfo,
    add_vocabulary,
    approved,
    fetch,
    generated,
    import_items,
    imported,
    logged_in,
    said,
    scalar,
    seen,
    turns_of,
)  # fmt: skip
from traintui.data import conversations, reviews
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.quality import rescoring, thresholds
from traintui.quality.rescoring import outstanding, rescore
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_imported, sign_some

QUESTION = "Why was I charged a fee of twelve dollars on Monday morning?"
ANSWER = "Your balance was below zero when the day ended, so the fee for an overdraft applied to it."
UNTOUCHED = """
    SELECT conversation_id, status, revision, decision_id, reviewed_at, updated_at, flagged, metadata
    FROM conversations ORDER BY id
"""


async def part_of(db: Database, conversation_id: str, name: str) -> Any:
    found = await conversations.read(db, conversation_id)
    return next((part for part in found.score_parts if part.name == name), None)


async def test_of_an_import_each_is_scored_with_its_closeness_to_those_before_it(db: Database) -> None:
    first, twin, other = await import_items(
        db,
        [
            {"line": line, "turns": turns_of(QUESTION, ANSWER), "system_prompt": prompt}
            for line, prompt in ((1, None), (2, "Be brief."))
        ]
        + [{"line": 3, "turns": turns_of("When does the bank open?", "At nine o'clock on working days.")}],
    )
    assert await sign_imported(db, signature, 3) == 3
    assert (await part_of(db, first, "closeness")).value == 0
    close = await part_of(db, twin, "closeness")
    assert close.value == 1 and close.points == 0 and first in close.sentence
    assert (await part_of(db, other, "closeness")).points > 0
    for each in (first, twin, other):
        found = await conversations.read(db, each)
        assert found.row.quality_score == sum(Decimal(str(part.points)) for part in found.score_parts)


async def test_an_edit_is_scored_by_what_it_says_then(db: Database) -> None:
    (public,) = await import_items(db, [{"line": 1, "turns": turns_of(QUESTION, ANSWER)}])
    await sign_some(db, signature)
    before = (await conversations.read(db, public)).row.quality_score
    edited = said(QUESTION, "As an AI language model I cannot say, and neither can I")
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=edited, key=reviews.new_key())
    await sign_some(db, signature)
    found = await conversations.read(db, public)
    assert before is not None and found.row.quality_score is not None and found.row.quality_score < before
    assert "machine" in (await part_of(db, public, "structure")).sentence


async def test_what_a_worker_wrote_is_signed_and_keeps_its_score(db: Database) -> None:
    await add_vocabulary(db)
    (public,) = await generated(db, 1)
    before = (await conversations.read(db, public)).row
    await sign_some(db, signature)
    assert (await conversations.read(db, public)).row == before


async def test_scores_follow_a_threshold_and_nothing_else_of_a_conversation_changes(db: Database) -> None:
    await add_vocabulary(db)
    ids = [*await generated(db, 2), *await imported(db, 3)]
    await sign_some(db, signature)
    await approved(db, ids[0], ids[3])
    await rescore(db, await outstanding(db))
    before, rows = await fetch(db, UNTOUCHED), await fetch(db, "SELECT quality_score FROM conversations ORDER BY id")
    logged = await scalar(db, "SELECT count(*) FROM review_logs")
    await thresholds.change(db, "usual_turns", [6, 8])
    wanted = await outstanding(db)
    assert (wanted.number, wanted.before, wanted.current) == (5, 0, False)
    heard: list[tuple[int, int]] = []
    became = await rescore(db, wanted, progress=lambda done, of: heard.append((done, of)))
    assert became.done == 5 and became.left == 0 and became.changed == 5 and heard[-1] == (5, 5)
    after = await fetch(db, "SELECT quality_score FROM conversations ORDER BY id")
    assert all(new.quality_score < old.quality_score for old, new in zip(rows, after, strict=True))
    assert await fetch(db, UNTOUCHED) == before
    assert await scalar(db, "SELECT count(*) FROM review_logs") == logged
    assert (await outstanding(db)).current
    again = await rescore(db, await outstanding(db))
    assert (again.done, again.changed) == (5, 0)


async def test_closeness_that_was_measured_stays_and_only_earns_other_points(db: Database) -> None:
    first, twin = await import_items(
        db,
        [{"line": n, "turns": turns_of(QUESTION, ANSWER), "system_prompt": f"Style {n}."} for n in range(2)],
    )
    await sign_some(db, signature)
    await thresholds.change(db, "closeness_weight", 5)
    await rescore(db, await outstanding(db))
    one, two = [await part_of(db, each, "closeness") for each in (first, twin)]
    assert (one.value, two.value) == (0, 1) and one.points == one.max_points > 3 and two.points == 0
    await thresholds.change(db, "closeness_weight", 0)
    await rescore(db, await outstanding(db))
    assert await part_of(db, twin, "closeness") is None
    await thresholds.change(db, "closeness_weight", None)
    await rescore(db, await outstanding(db))
    assert (await part_of(db, twin, "closeness")).value == 1


async def test_a_rescoring_that_is_stopped_goes_on_where_it_was_and_is_on_record(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "SIZE", 2)
    await imported(db, 5)
    await sign_some(db, signature)
    await thresholds.change(db, "usual_turns", [6, 8])
    stop = asyncio.Event()
    became = await rescore(db, await outstanding(db), progress=lambda *_: stop.set(), stop=stop)
    assert (became.done, became.left) == (2, 3)
    wanted = await outstanding(db)
    assert (wanted.number, wanted.before) == (3, 2)
    became = await rescore(db, wanted)
    assert (became.done, became.changed, became.left) == (3, 3, 0)
    log = await fetch(
        db,
        "SELECT new_value->>'state', new_value->'of', new_value->'done', changed_by FROM workspace_setting_changes"
        " WHERE key = 'rescoring' ORDER BY id",
    )
    assert [tuple(row) for row in log] == [
        ("started", 5, None, "ada"), ("stopped", 5, 2, "ada"), ("started", 3, None, "ada"),
        ("finished", 3, 5, "ada"),
    ]  # fmt: skip
    await thresholds.change(db, "usual_turns", [4, 8])
    assert (await outstanding(db)).number == 5


async def test_only_an_administrator_scores_anew(db: Database, conninfo: Conninfo) -> None:
    await imported(db, 1)
    async with logged_in(conninfo("arthur")) as author:
        with pytest.raises(Refused, match="No right"):
            await rescore(author, await outstanding(author))
    assert await scalar(db, "SELECT quality_score FROM conversations") is None
