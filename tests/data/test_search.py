"""What a turn or metadata says is found: at once, and the same whether the index holds it yet or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, event, select, text

from support import Conninfo, beside, eventually, fetch, import_items, logged_in, said, scalar, seen, turns_of
from traintui.data import keeping_up, reviews, schema, search, search_index
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.keeping_up import next_limit
from traintui.data.models import Conversation
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key
from traintui.data.search import Sought
from traintui.data.search_index import index_some, keep_indexed, pending_count

MARKS = "&|!:*<->'\"\\()%_$;--"


async def conversations(db: Database, *texts: Sequence[str], metadata: dict[str, Any] | None = None) -> list[int]:
    """One conversation for each sequence of turns; their internal ids."""
    items = [{"turns": turns_of(*turns), "line": line} for line, turns in enumerate(texts, 1)]
    public = await import_items(db, [item | ({"metadata": metadata} if metadata else {}) for item in items])
    rows = await fetch(db, "SELECT id FROM conversations WHERE conversation_id = ANY(:ids) ORDER BY id", ids=public)
    return [row[0] for row in rows]


async def indexed(db: Database) -> None:
    """Nothing waits any more."""
    while await index_some(db):
        pass
    for of_turns in (True, False):
        assert (await pending_count(db, of_turns=of_turns)).conversations == 0


async def asked(db: Database, sought: Sought) -> set[int]:
    """The ids that match, after all ways of asking have agreed on them."""
    async with db.read() as connection:
        everyone = list(await connection.scalars(select(Conversation.id)))
        answers = [
            set(await connection.scalars(select(Conversation.id).where(search.condition(sought)))),
            set(await connection.scalars(select(Conversation.id).where(search.probe(sought)))),
            set(await search.among(connection, sought, everyone)),
            set((await search.matching_ids(connection, sought)).ids),
        ]
    assert all(answer == answers[0] for answer in answers), answers
    return answers[0]


async def found(db: Database, words: str) -> set[int]:
    return await asked(db, search.text(words))


TALK = (
    ("What does an overdraft cost?", "We have saved the fee: it is 12.50 a month.", "And the Roth IRA?", "Free."),
    ("Ünal “quoted” me, and/or <b>List<String></b>.", "Write to ada@example.com or www.example.org/path_to-it."),
    ("To be or not to be", "That is cafe\u0301 talk; don\u2019t ask. Ending roth", "ira begins here", "A—B…C/D"),
)
QUESTIONS = [
    ("overdraft", (0,)), ("OVERDRAFT", (0,)), ("ira", (0, 2)), ("free", (0,)), ("missing", ()),
    ("saving", (0,)), ("saves", (0,)), ("costs", (0,)), ("begin", (2,)), ("the", (0,)),
    ("roth ira", (0,)), ("the roth ira", (0,)), ("saved the fee", (0,)), ("saved a fee", ()), ("saving fees", ()),
    ("ira roth", ()), ("to be or not", (2,)), ("not to be or", ()), ("month and", ()),
    ("over*", (0,)), ("over", ()), ("savi*", ()), ("the roth i*", (0,)), ("roth x*", ()), ("sav *", ()),
    ("12.50", (0,)), ("12", (0,)), ("50", (0,)), ("12.5", ()),
    ("ünal", (1,)), ("ÜNAL", (1,)), ("quoted", (1,)), ("or", (1, 2)), ("and/or", (1,)), ("string", (1,)),
    ("List<String>", (1,)), ("example", (1,)), ("ada@example.com", (1,)), ("path", (1,)), ("path to it", (1,)),
    ("café", (2,)), ("cafe\u0301", (2,)), ("don't", (2,)), ("b", (1, 2)), ("a b c d", (2,)),
    (f"overdraft {MARKS}", (0,)), (f"{MARKS}overdraft", (0,)), ("overdraft' | 'missing", ()), ("!overdraft", (0,)),
    ("overdraft & missing", ()), ("'); DROP TABLE search_turns; --", ()), ("overdraft:A", ()), ("x" * 3000, ()),
]  # fmt: skip


async def test_words_are_found_in_any_turn_alike_before_and_after_the_index_has_them(db: Database) -> None:
    ids = await conversations(db, *TALK)
    assert (await pending_count(db)).conversations == 3
    for after in (False, True):
        for words, places in QUESTIONS:
            assert (words, after, await found(db, words)) == (words, after, {ids[place] for place in places})
        await indexed(db)


@pytest.mark.parametrize("words", ["", " ", MARKS, "—", "“”", "🎉", "*", "\ue000"])
async def test_marks_alone_are_no_word(db: Database, words: str) -> None:
    (one,) = await conversations(db, (f"{words} a", "b"))
    assert not search.searchable(words)
    assert await found(db, words) == set()
    await indexed(db)
    assert await found(db, words) == set()
    assert await found(db, "a") == {one}


async def test_python_and_the_database_agree_on_what_is_no_part_of_a_word(db: Database) -> None:
    codes = [code for code in range(1, 140_001) if not 0xD800 <= code < 0xE000]
    blank = await scalar(
        db,
        "SELECT array_agg(code) FROM unnest(CAST(:codes AS integer[])) AS code WHERE search_words(chr(code)) !~ '[^ ]'",
        codes=codes,
    )
    assert set(blank) == {code for code in codes if not search.searchable(chr(code))} and len(blank) > 500


async def test_an_edit_is_found_at_once_and_what_it_replaced_is_not(db: Database) -> None:
    (one,) = await conversations(db, ("Where is the walrus?", "At sea."))
    await indexed(db)
    (public,) = (await fetch(db, "SELECT conversation_id FROM conversations WHERE id = :id", id=one))[0]
    await reviews.edit(
        db, await seen(db, public), system_prompt=None, turns=said("Where is the penguin?", "At sea."), key=new_key()
    )
    for _ in range(2):
        assert (await found(db, "walrus"), await found(db, "penguin")) == (set(), {one})
        await indexed(db)


async def test_what_is_written_in_no_turn_or_flag_is_not_queued(db: Database) -> None:
    (one,) = await conversations(db, ("Approve?", "Yes."))
    await indexed(db)
    (public,) = (await fetch(db, "SELECT conversation_id FROM conversations WHERE id = :id", id=one))[0]
    await reviews.decide(db, await seen(db, public), "approve", key=new_key())
    await reviews.set_flag(db, public, True, key=new_key())
    assert await scalar(db, "SELECT count(*) FROM search_pending") == 0


async def test_an_edit_while_its_conversation_is_being_indexed_is_not_lost(db: Database, conninfo: Conninfo) -> None:
    (one,) = await conversations(db, ("Where is the walrus?", "At sea."))
    change = "UPDATE conversation_turns SET content = %s WHERE conversation_id = %s AND turn_number = 1"
    with psycopg.connect(conninfo("ada")) as indexer, psycopg.connect(conninfo(SUPERUSER)) as editor:
        assert indexer.execute("SELECT index_search(10)").fetchall() == [(1,)]
        editor.execute(change, ["Where is the penguin?", one])
        editor.commit()
        # Another process meets the edit before the first has committed what it read earlier.
        assert await index_some(db) == 0
        assert await found(db, "penguin") == {one}
        indexer.commit()
        assert (await found(db, "penguin"), await found(db, "walrus")) == ({one}, set())
        assert await index_some(db) == 1
        editor.execute(change, ["Where is the ostrich?", one])
        assert await index_some(db) == 0
        editor.commit()
    assert await found(db, "ostrich") == {one}
    await indexed(db)
    assert (await found(db, "ostrich"), await found(db, "penguin")) == ({one}, set())


async def test_several_index_at_once_and_all_of_it_is_done_once(db: Database, conninfo: Conninfo) -> None:
    ids = await conversations(db, *((f"Word{number} here?", "Yes.") for number in range(60)))

    async def helper(login: str) -> int:
        done = 0
        async with logged_in(conninfo(login)) as own:
            while (await pending_count(own)).conversations:
                done += await index_some(own, 7)
        return done

    assert sum(await asyncio.gather(*(helper(login) for login in ("rita", "arthur", "audrey")))) == 60
    assert await scalar(db, "SELECT count(*) FROM search_turns") == 120
    assert await found(db, "word59") == {ids[59]}


async def test_two_indexers_share_the_queue(db: Database, conninfo: Conninfo) -> None:
    await conversations(db, *((f"Word{number} here?", "Yes.") for number in range(6)))
    with psycopg.connect(conninfo("rita")) as one, psycopg.connect(conninfo("ron")) as other:
        assert one.execute("SELECT index_search(4)").fetchall() == [(4,)]
        assert other.execute("SELECT index_search(4)").fetchall() == [(2,)]
        other.rollback()
    assert (await pending_count(db)).conversations == 2
    await indexed(db)


async def test_an_older_reading_is_never_written_over_a_newer_one(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("rita")) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("SELECT index_search(1)")
    assert refused.value.sqlstate == "TT003"


def without_text(conninfo: str, key: int) -> None:
    """Makes a conversation one that may go without a purge on record, as one that is only planned may."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE conversations SET status = 'planned', turn_count = 0 WHERE id = %s", [key])


async def test_a_conversation_that_goes_takes_its_rows_along(db: Database, conninfo: Conninfo) -> None:
    gone, stays = await conversations(db, ("Walrus?", "Yes."), ("Walrus too?", "Yes."), metadata={"n": 1})
    for one in (gone, stays):
        without_text(conninfo(SUPERUSER), one)
    delete = "DELETE FROM conversations WHERE id = %s"
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(delete, [gone])
        # Not yet committed: it is passed over, and stays in the queue.
        assert await index_some(db) == 1
        assert (await pending_count(db)).conversations == 1
        assert await found(db, "walrus") == {gone, stays}
    assert await found(db, "walrus") == {stays}
    await indexed(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(delete, [stays])
    for table in ("search_turns", "search_metadata", "search_pending"):
        assert await scalar(db, f"SELECT count(*) FROM {table}") == 0


async def test_the_indexer_gives_way_to_somebody_who_may_wait_for_it(db: Database, conninfo: Conninfo) -> None:
    one, _ = await conversations(db, ("Walrus?", "Yes."), ("Walrus too?", "Yes."))
    without_text(conninfo(SUPERUSER), one)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET flagged = true WHERE id = %s", [one])
        connection.execute("DELETE FROM conversations WHERE id = %s", [one])
        assert await index_some(db) == 0
    await indexed(db)


async def test_a_conversation_with_fewer_turns_after_an_edit_forgets_the_rest(db: Database) -> None:
    (one,) = await conversations(db, ("Walrus?", "Yes.", "Penguin?", "No."))
    await indexed(db)
    (public,) = (await fetch(db, "SELECT conversation_id FROM conversations WHERE id = :id", id=one))[0]
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=said("Walrus?", "Yes."), key=new_key())
    for _ in range(2):
        assert (await found(db, "walrus"), await found(db, "penguin")) == ({one}, set())
        await indexed(db)
    assert await scalar(db, "SELECT count(*) FROM search_turns") == 2


async def test_an_upgrade_queues_what_is_there_already(db: Database, conninfo: Conninfo) -> None:
    one, other = await conversations(db, ("Walrus?", "Yes."), ("Penguin?", "No."), metadata={"n": 1})
    await indexed(db)
    await db.close()
    schema.downgrade(conninfo(SUPERUSER), "0002")
    schema.upgrade(conninfo(SUPERUSER))
    assert (await pending_count(db)).conversations == (await pending_count(db, of_turns=False)).conversations == 2
    for _ in range(2):
        assert (await found(db, "walrus"), await asked(db, search.has_key("n"))) == ({one}, {one, other})
        await indexed(db)


# Long and strange turns -------------------------------------------------------------------------------------------


async def test_every_word_and_phrase_of_a_turn_of_a_megabyte_is_found(db: Database) -> None:
    long = " ".join(f"w{number}" for number in range(150_000))
    (one,) = await conversations(db, ("Tell me all.", long))
    for _ in range(2):
        for words in ("w0", "w149999", "w99998 w99999 w100000", "w777*", " ".join(f"w{n}" for n in range(5000, 5200))):
            async with db.read() as connection:
                assert list((await search.matching_ids(connection, search.text(words))).ids) == [one]
        await indexed(db)
    for start in range(0, 149_000, 970):
        words = f"w{start} w{start + 1} w{start + 2}"
        async with db.read() as connection:
            assert await connection.scalar(select(Conversation.id).where(search.probe(search.text(words)))) == one
    assert await found(db, "w1 w3") == set()


async def test_a_word_said_a_thousand_times_hides_no_phrase_and_a_long_one_stops_nothing(db: Database) -> None:
    zeros, endless, other = await conversations(
        db,
        ("Count.", "0 " * 1500 + "0 1 2 " + "0 " * 9000 + "saved money"),
        ("Blob.", "x" * 300_000 + " after"),
        ("Calm.", "0 1."),
    )
    for _ in range(2):
        assert await found(db, "0 1 2") == {zeros}
        assert await found(db, "0 saved money") == {zeros}
        assert await found(db, "saves") == {zeros}
        assert await found(db, "after") == {endless}
        assert await found(db, "0 1") == {zeros, other}
        await indexed(db)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60),
    st.text(alphabet="ab .<>/&'\"\\:*!|()-_é\ue000\n", max_size=200),
)
async def test_whatever_is_asked_of_whatever_text_the_index_answers_as_the_turn_does(
    db: Database, words: str, content: str
) -> None:
    (one,) = await conversations(db, (f"q {content}", f"{words} end"))
    for asked_for in (words, content, words[:5] + "*"):
        before = one in await found(db, asked_for)
        while await index_some(db):
            pass
        assert (one in await found(db, asked_for)) == before
    if len((f"{words} end").encode()) < 2000 and search.searchable(words):
        assert one in await found(db, words) or not await scalar(
            db, "SELECT numnode(search_query(:words, false))", words=words
        )


# How it is looked up ----------------------------------------------------------------------------------------------


@contextmanager
def explained(db: Database) -> Iterator[None]:
    """Inside the block statements answer with their plan."""

    def explain(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: bool) -> tuple[str, Any]:
        return f"EXPLAIN {statement}", parameters

    event.listen(db.engine.sync_engine, "before_cursor_execute", explain, retval=True)
    yield
    event.remove(db.engine.sync_engine, "before_cursor_execute", explain)


async def plan_of(db: Database, statement: Select[Any]) -> str:
    with explained(db):
        async with db.read() as connection:
            return "\n".join(str(line) for line in await connection.scalars(statement))


FILLED = """
    INSERT INTO conversations (is_seed, status, turn_count, metadata)
    SELECT true, 'generating', 2, jsonb_build_object('n', n) FROM generate_series(1, 3000) AS n;
    INSERT INTO conversation_turns (conversation_id, turn_number, role, content)
    SELECT id, place, CASE place WHEN 1 THEN 'user' ELSE 'assistant' END, 'Word' || id || ' and everywhere.'
    FROM conversations, generate_series(1, 2) AS place;
"""


async def test_the_whole_table_is_asked_through_the_index_and_few_rows_by_their_keys(
    db: Database, conninfo: Conninfo
) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(FILLED)
        await indexed(db)
        connection.execute("VACUUM ANALYZE")
    ids = select(Conversation.id)
    batch = ids.where(Conversation.id.in_(list(range(1000, 1500))))
    for sought, index in (
        (search.text("word77"), "ix_search_turns_words"),
        (search.text("word77 and"), "ix_search_turns_words"),
        (search.metadata_equals("n", ["77", 77]), "ix_search_metadata_metadata"),
    ):
        whole = await plan_of(db, ids.where(search.condition(sought)))
        assert f"Bitmap Index Scan on {index}" in whole
        assert "Seq Scan on search_turns" not in whole and "Seq Scan on conversation" not in whole
        for few in (batch, ids.where(Conversation.id.between(1000, 1500))):
            plan = await plan_of(db, few.where(search.probe(sought)))
            assert index not in plan and "Seq Scan on search_turns" not in plan and "Seq Scan on conv" not in plan
            assert "pk_search_turns" in plan or not sought.of_turns
    async with db.read() as connection:
        assert len((await search.matching_ids(connection, search.text("everywhere"))).ids) == 3000
        assert set(await search.among(connection, search.text("everywhere"), range(2990, 4000))) == set(
            range(2990, 3001)
        )


# Metadata ---------------------------------------------------------------------------------------------------------

HELD: list[tuple[str, dict[str, Any]]] = [
    ("web", {"source": "web", "n": 3, "ok": True}), ("text", {"n": "3", "a.b": None}), ("none", {}),
    ("list", {"source": ["web"], "long": "x" * 5000}),
]  # fmt: skip


async def test_metadata_is_found_alike_before_and_after_the_index_has_it(db: Database) -> None:
    ids = {}
    for name, metadata in HELD:
        (ids[name],) = await conversations(db, (f"{name}?", "Yes."), metadata=metadata)
    for _ in range(2):
        for key, forms, names in (
            ("source", ["web"], {"web"}), ("n", ["3", 3], {"web", "text"}), ("n", [3.0], {"web"}),
            ("ok", [True], {"web"}),
            ("source", ["web", "list"], {"web"}), ("long", ["x" * 5000], {"list"}), ("long", ["x" * 4999], set()),
            ("'; --", ["%"], set()),
        ):  # fmt: skip
            assert await asked(db, search.metadata_equals(key, forms)) == {ids[name] for name in names}
        for key, names in (("n", {"web", "text"}), ("a.b", {"text"}), ("a", set()), ("source", {"web", "list"})):
            assert await asked(db, search.has_key(key)) == {ids[name] for name in names}
        await indexed(db)


async def test_changed_metadata_is_found_at_once_and_leaves_the_text_alone(db: Database, conninfo: Conninfo) -> None:
    (one,) = await conversations(db, ("Walrus?", "Yes."), metadata={"source": "web"})
    await indexed(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute('UPDATE conversations SET metadata = \'{"source": "book"}\' WHERE id = %s', [one])
        connection.execute("UPDATE conversations SET metadata = metadata WHERE id = %s", [one])
    assert (await pending_count(db)).conversations == 0
    assert (await pending_count(db, of_turns=False)).conversations == 1
    for _ in range(2):
        assert await asked(db, search.metadata_equals("source", ["web"])) == set()
        assert await asked(db, search.metadata_equals("source", ["book"])) == {one}
        await indexed(db)


# How much waits ---------------------------------------------------------------------------------------------------


async def test_a_bounded_look_says_how_many_it_left_out(db: Database) -> None:
    ids = await conversations(db, *(("Walrus?", f"Yes, {number}.") for number in range(10)))
    async with db.read() as connection:
        few = await search.matching_ids(connection, search.text("walrus"), direct_limit=4)
        every = await search.matching_ids(connection, search.text("walrus"), direct_limit=10)
    assert (set(few.ids), few.unsearched) == (set(ids[6:]), 6)
    assert (set(every.ids), every.unsearched) == (set(ids), 0)
    await index_some(db, 6)
    async with db.read() as connection:
        rest = await search.matching_ids(connection, search.text("walrus"), direct_limit=4)
    assert (set(rest.ids), rest.unsearched) == (set(ids), 0)


async def test_what_waits_is_counted_by_conversation_and_estimated_far_above(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for _ in range(2):
            connection.execute(
                "INSERT INTO search_pending (of_turns, conversation_id) SELECT true, generate_series(1, 500)"
            )
    assert (await pending_count(db)) == search_index.Waiting(500, True)
    monkeypatch.setattr(search_index, "COUNTED", 250)
    assert (await pending_count(db)) == search_index.Waiting(1000, False)


# The language -----------------------------------------------------------------------------------------------------


async def test_another_language_makes_every_text_be_looked_up_anew(db: Database, conninfo: Conninfo) -> None:
    houses, saved = await conversations(db, ("Die Häuser?", "Ja."), ("Saved?", "Yes."))
    await indexed(db)
    assert (await found(db, "haus"), await found(db, "saving")) == (set(), {saved})
    setting = "INSERT INTO workspace_settings (key, value) VALUES ('search_language', %s)"
    change = " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    with psycopg.connect(conninfo("ada")) as connection:
        connection.execute((setting + change).encode(), ['"german"'])
    assert (await pending_count(db)).conversations == 2
    for _ in range(2):
        assert (await found(db, "haus"), await found(db, "saving"), await found(db, "saved")) == (
            {houses},
            set(),
            {saved},
        )
        await indexed(db)
    with psycopg.connect(conninfo("ada")) as connection:
        connection.execute((setting + change).encode(), ['"simple"'])
    for _ in range(2):
        assert (await found(db, "haus"), await found(db, "häuser"), await found(db, "saving")) == (
            set(),
            {houses},
            set(),
        )
        await indexed(db)
    with (
        psycopg.connect(conninfo("ada")) as connection,
        pytest.raises(psycopg.Error, match=r'cannot search in "klingon", only in .*, simple') as refused,
    ):
        connection.execute((setting + change).encode(), ['"klingon"'])
    assert refused.value.sqlstate == "TT003"


async def test_a_change_of_language_waits_for_what_is_being_indexed(db: Database, conninfo: Conninfo) -> None:
    (one,) = await conversations(db, ("Die Häuser?", "Ja."))
    with psycopg.connect(conninfo("rita")) as indexer:
        indexer.execute("SELECT index_search(10)")
        change = asyncio.create_task(asyncio.to_thread(change_language, conninfo("ada")))
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
        await beside(change, eventually(lambda: scalar(db, waits)))
        assert await index_some(db) == 0
        indexer.commit()
        await change
    await indexed(db)
    assert await found(db, "haus") == {one}


def change_language(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("INSERT INTO workspace_settings (key, value) VALUES ('search_language', '\"german\"')")


# Roles and the work -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey", "ada"])
async def test_every_role_searches_and_helps_with_the_index(db: Database, conninfo: Conninfo, login: str) -> None:
    (one,) = await conversations(db, ("Walrus?", "Yes."))
    async with logged_in(conninfo(login)) as own:
        assert await found(own, "walrus") == {one}
        assert await index_some(own) == 1
        assert await found(own, "walrus") == {one}
        with pytest.raises(Refused):
            async with own.write() as connection:
                await connection.execute(text("DELETE FROM search_turns"))


async def test_the_index_is_kept_until_it_is_stopped_and_outlives_a_lost_connection(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping_up, "AWAY_SECONDS", 0.05)
    stop = asyncio.Event()

    async def nothing_waits() -> bool:
        return (await pending_count(db)).conversations == 0

    async with logged_in(conninfo("rita")) as own:
        keeper = asyncio.create_task(keep_indexed(own, stop))
        await conversations(db, *((f"Word{number}?", "Yes.") for number in range(50)))
        await beside(keeper, eventually(nothing_waits))
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rita'")
        await conversations(db, ("Walrus?", "Yes."))
        await beside(keeper, eventually(nothing_waits))
        stop.set()
        await asyncio.wait_for(keeper, 60)


def test_statements_grow_while_they_are_quick_and_shrink_when_they_are_not() -> None:
    assert [next_limit(20, 0.001), next_limit(400, 0.001), next_limit(100, 0.08), next_limit(3, 5.0)] == [
        40,
        400,
        50,
        1,
    ]


async def test_what_is_indexed_in_one_go_has_the_rows_that_each_turn_by_itself_would_have(db: Database) -> None:
    texts = [
        "Fees and charges.", "fee " * 300, "a " * 127, "b " * 126, "b " * 128, "no" * 254, "Überziehung " * 40,
        "ä" * 600, "word\n" * 400, "1a" * 300, "e-mail a@b.example/x?y=1 " * 30, "x" * 9_000, "long and short " * 700,
    ]  # fmt: skip
    await import_items(db, [{"turns": turns_of(text, "Yes."), "line": 1} for text in texts])
    while await search_index.index_some(db):
        pass
    both = (
        "SELECT conversation_id, turn_number, piece, words FROM search_turns",
        "SELECT t.conversation_id, t.turn_number, p.piece, p.words"
        " FROM conversation_turns AS t, search_parts(t.content, search_language()) AS p",
    )
    for first, second in (both, both[::-1]):
        assert await fetch(db, f"{first} EXCEPT {second}") == []
    assert await fetch(db, "SELECT FROM search_turns") != []
