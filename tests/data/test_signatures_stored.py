"""What says nearly the same finds each other: when it is stored, at once, and after an import or an edit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from support import (
    ANSWERED,
    Conninfo,
    add_vocabulary,
    eventually,
    fetch,
    import_items,
    planned,
    said,
    scalar,
    seen,
    sqlstate,
    started,
    turns_of,
)
from traintui.data import attempts, reviews, schema, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.data.signatures import Nearest, nearest
from traintui.data.work import ClaimedItem
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_some, signing

WORDS = [f"word{number}" for number in range(3000)]
QUESTION = "Why was I charged a fee of twelve dollars on Monday morning?"
ANSWER = "Your balance was below zero when the day ended, so the fee for an overdraft applied to it."


@pytest.fixture
async def worker_id(db: Database) -> AsyncIterator[int]:
    """A worker, and 24 planned conversations that it may take."""
    await add_vocabulary(db)
    await planned(db, 24)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        yield worker_id


async def store(db: Database, worker_id: int, *contents: str) -> tuple[ClaimedItem, Nearest | None]:
    """Stores turns for the next planned conversation as the worker does: which it is, and what was nearest."""
    found: list[Nearest | None] = []

    def scored(nearest: Nearest | None) -> tuple[Decimal, Sequence[Mapping[str, Any]]]:
        found.append(nearest)
        return Decimal(5), []

    (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
    attempt = await started(db, item, worker_id)
    turns = [(("user", "assistant")[place % 2], content) for place, content in enumerate(contents)]
    assert await work.store(
        db, item, turns, signature=signature(contents), scoring=scored, finish=attempts.finishing(attempt, ANSWERED)
    )
    return item, found[-1]


async def near(db: Database, *contents: str) -> Nearest | None:
    """The nearest to what is given, among all that is signed."""
    async with db.write() as connection:
        return await nearest(connection, signature(contents), itself="")


async def signed(db: Database) -> int:
    """Signs all that is queued; how many."""
    done = 0
    while count := await sign_some(db, signature, 50):
        done += count
    return done


async def test_a_conversation_is_found_as_soon_as_it_is_stored_and_never_by_itself(
    db: Database, worker_id: int
) -> None:
    first, alone = await store(db, worker_id, QUESTION, ANSWER)
    _, other = await store(db, worker_id, "What is a Roth IRA?", "An account for retirement.")
    assert (alone, other) == (None, None)
    _, again = await store(db, worker_id, QUESTION, ANSWER + " Sorry.")
    assert again is not None and again.conversation_id == first.conversation_id and 0.8 < again.similarity < 1
    async with db.write() as connection:
        itself = await nearest(connection, signature((QUESTION, ANSWER)), itself=first.conversation_id)
    assert itself is not None and itself.conversation_id != first.conversation_id
    assert await scalar(db, "SELECT count(*) FROM signature_pending") == 0


async def test_of_twins_that_are_stored_at_once_the_second_sees_the_first(db: Database, worker_id: int) -> None:
    for number in range(8):
        text = f"{QUESTION} {number} {' '.join(text_of(random.Random(number)))}"
        (one, before), (two, after) = await asyncio.gather(*(store(db, worker_id, text, ANSWER) for _ in range(2)))
        assert {before, after} in ({None, Nearest(one.conversation_id, 1)}, {None, Nearest(two.conversation_id, 1)})


async def test_a_worker_that_froze_while_it_stored_does_not_keep_a_twin_from_being_stored(
    db: Database, worker_id: int, conninfo: Conninfo
) -> None:
    with psycopg.connect(conninfo("ada")) as frozen:
        frozen.execute("SELECT conversations_near(%s, '')", [signature((QUESTION, ANSWER))])
        _, found = await store(db, worker_id, QUESTION, ANSWER)
        assert found is None
    assert await near(db, QUESTION, ANSWER) is not None


def text_of(luck: random.Random, length: int = 200) -> list[str]:
    return luck.choices(WORDS, k=length)


async def test_most_that_are_alike_are_found_and_what_is_not_alike_is_not_compared(db: Database) -> None:
    luck = random.Random(4)
    texts = [text_of(luck) for _ in range(300)]
    await import_items(
        db, [{"line": line, "turns": turns_of(" ".join(text), "Yes.")} for line, text in enumerate(texts)]
    )
    assert await signed(db) == 300
    for share, most, fewest in ((0.05, 10, 0), (0.8, 100, 95), (0.95, 100, 100)):
        found = 0
        for words in texts[:100]:
            kept = int(len(words) * 2 * share / (1 + share))
            like_it = [*words[:kept], *text_of(luck, len(words) - kept)]
            found += await near(db, " ".join(like_it), "Yes.") is not None
        assert fewest <= found <= most, (share, found)


async def test_where_hundreds_say_the_same_a_lookup_reads_a_few(db: Database) -> None:
    turns = turns_of(QUESTION, ANSWER)
    await import_items(db, [{"line": line, "turns": turns, "system_prompt": f"Style {line}."} for line in range(300)])
    assert await signed(db) == 300
    met = "SELECT count(*) FROM conversations_near(CAST(:signature AS bytea), '')"
    async with db.write() as connection:
        assert await connection.scalar(text(met), {"signature": signature((QUESTION, ANSWER))}) == 20
    assert await near(db, QUESTION, ANSWER) is not None


async def test_of_those_that_are_signed_at_once_each_sees_the_ones_before_it_but_none_in_the_trash(
    db: Database, conninfo: Conninfo
) -> None:
    luck = random.Random(8)
    said_by_all, alone = text_of(luck), text_of(luck)
    texts = [said_by_all, alone, [*said_by_all[:-1], "one"], [*said_by_all[:-2], "two", "more"]]
    public = await import_items(
        db, [{"line": line, "turns": turns_of(" ".join(text), "Yes.")} for line, text in enumerate(texts)]
    )
    assert sqlstate(conninfo(SUPERUSER), "UPDATE conversations SET deleted_at = now() WHERE conversation_id = %s",
                    [public[0]]) is None  # fmt: skip
    assert await sign_some(db, signature) == 4
    parts = await fetch(db, "SELECT score_parts FROM conversations ORDER BY id")
    told = [next(part["sentence"] for part in row[0] if part["name"] == "closeness") for row in parts]
    assert told[:3] == ["No other conversation is alike."] * 3
    assert public[2] in told[3] and public[0] not in told[3]


async def test_what_is_signed_at_once_with_an_edit_meets_the_new_text_and_not_the_one_before_it(db: Database) -> None:
    luck = random.Random(9)
    old, new = " ".join(text_of(luck)), " ".join(text_of(luck))
    (edited,) = await import_items(db, [{"line": 1, "turns": turns_of(old, "Yes.")}])
    assert await signed(db) == 1
    await reviews.edit(db, await seen(db, edited), system_prompt=None, turns=said(new, "Yes."), key=new_key())
    texts = ((old, "Style one."), (new, "Style two."))
    like_old, like_new = await import_items(
        db, [{"line": line, "turns": turns_of(text, "Yes."), "system_prompt": style}
             for line, (text, style) in enumerate(texts)]
    )  # fmt: skip
    assert await sign_some(db, signature) == 3
    parts = dict(await fetch(db, "SELECT conversation_id, score_parts FROM conversations"))
    told = {
        name: next(part["sentence"] for part in found if part["name"] == "closeness") for name, found in parts.items()
    }
    assert told[like_old] == "No other conversation is alike." and edited in told[like_new]


async def test_what_is_imported_or_edited_is_signed_shortly_afterwards(db: Database) -> None:
    async with signing(db, signature):
        (public,) = await import_items(db, [{"line": 1, "turns": turns_of(QUESTION, ANSWER)}])

        async def same(*contents: str) -> bool:
            return await near(db, *contents) == Nearest(public, 1)

        await eventually(lambda: same(QUESTION, ANSWER))
        edited = said("When does the bank open?", "At nine.")
        await reviews.edit(db, await seen(db, public), system_prompt=None, turns=edited, key=new_key())
        await eventually(lambda: same(*(turn.content for turn in edited)))
        assert await near(db, QUESTION, ANSWER) is None
        await reviews.undo_last(db, key=new_key())
        await eventually(lambda: same(QUESTION, ANSWER))
    assert await scalar(db, "SELECT count(*) FROM signature_pending") == 0


async def test_an_older_reading_never_replaces_a_newer_one(db: Database) -> None:
    (public,) = await import_items(db, [{"line": 1, "turns": turns_of(QUESTION, ANSWER)}])
    async with db.write() as slow:
        taken = (await slow.exec_driver_sql("SELECT * FROM take_unsigned(10)")).one()
        edited = said("When does the bank open?", "At nine.")
        await reviews.edit(db, await seen(db, public), system_prompt=None, turns=edited, key=new_key())
        assert await sign_some(db, signature) == 1
        await slow.exec_driver_sql(
            "SELECT keep_signature(%s, %s, %s)", (public, signature(taken.contents), taken.revision)
        )
    assert await near(db, QUESTION, ANSWER) is None
    assert await near(db, *(turn.content for turn in edited)) == Nearest(public, 1)


async def test_signing_that_is_cut_off_leaves_the_conversation_queued(db: Database) -> None:
    await import_items(db, [{"line": 1, "turns": turns_of(QUESTION, ANSWER)}])

    def breaks(_: Sequence[str]) -> bytes:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await sign_some(db, breaks)
    assert await near(db, QUESTION, ANSWER) is None
    assert await signed(db) == 1


async def test_what_is_in_the_trash_is_not_near_and_what_is_purged_leaves_nothing(
    db: Database, conninfo: Conninfo
) -> None:
    (public,) = await import_items(db, [{"line": 1, "turns": turns_of(QUESTION, ANSWER)}])
    await signed(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET deleted_at = now()")
        connection.commit()
        assert await near(db, QUESTION, ANSWER) is None
        connection.execute("UPDATE conversations SET deleted_at = NULL")
        connection.commit()
        assert await near(db, QUESTION, ANSWER) == Nearest(public, 1)
        purge = "INSERT INTO review_logs (conversation_id, action, revision) VALUES (%s, 'purge', 1)"
        connection.execute(purge, [public])
        connection.execute("DELETE FROM conversations")
    for table in ("conversation_signatures", "conversation_bands"):
        assert await fetch(db, f"SELECT FROM {table}") == []


async def test_only_an_author_signs_or_asks_what_is_near(reviewer_db: Database) -> None:
    with pytest.raises(Refused, match="No right"):
        await near(reviewer_db, QUESTION, ANSWER)
    with pytest.raises(Refused, match="No right"):
        await sign_some(reviewer_db, signature)


async def test_an_older_traintui_reads_the_scores_after_a_downgrade_and_all_is_signed_anew_after_the_next_upgrade(
    db: Database, conninfo: Conninfo
) -> None:
    await import_items(db, [{"line": 1, "turns": turns_of(QUESTION, ANSWER)}])
    await signed(db)
    parts = await scalar(db, "SELECT score_parts FROM conversations")
    assert {"value", "low", "high", "unit"} < set(parts[0])
    await db.close()
    schema.downgrade(conninfo(SUPERUSER), "0008")
    kept = ("name", "points", "max_points", "sentence")
    assert await scalar(db, "SELECT score_parts FROM conversations") == [{k: part[k] for k in kept} for part in parts]
    await db.close()
    schema.upgrade(conninfo(SUPERUSER))
    assert await signed(db) == 1
    assert await near(db, QUESTION, ANSWER) is not None
