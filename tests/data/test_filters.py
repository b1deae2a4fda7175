"""One line of text says which conversations are meant: on real rows, term by term."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from support import (
    Wanted,
    add_document,
    add_vocabulary,
    fetch,
    fresh_database,
    generated,
    import_items,
    logged_in,
    planned,
    seen,
    turns_of,
)
from traintui.data import assignments, documents, reviews
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.filters import MAX_LENGTH, MAX_TERMS, NAMES, Filter, FilterError, parse
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live
from traintui.data.log_fields import LOGS, LogName
from traintui.data.models import Conversation
from traintui.data.reviews import new_key

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
MOMENTS = {
    "a": "2026-11-01 00:00+00", "b": "2026-11-01 23:30+00", "c": "2026-11-02 12:00+00", "d": "2026-11-03 00:00+00",
    "e": "2026-10-20 08:00+00", "f": "2026-11-02 12:00+00",
}  # fmt: skip


@dataclass(frozen=True)
class Shelf:
    """Six conversations with a letter each: a and b seeds, c and d generated, e planned, f in the trash."""

    conninfo: dict[str, str]
    letters: dict[str, str]

    def id_of(self, letter: str) -> str:
        return next(key for key, value in self.letters.items() if value == letter)


async def filled(conninfo: dict[str, str]) -> dict[str, str]:
    async with logged_in(conninfo["ada"]) as db, logged_in(conninfo["rita"]) as rita:
        await add_vocabulary(db)
        await add_document(db, "fees, part 1.md", ["Overdrafts cost 12."])
        (chunk,) = await documents.chunks(db)
        a, b, f = await import_items(
            db,
            [
                {
                    "turns": turns_of("Roth IRA limits?", "They are 7,000."), "quality_score": "4.25", "line": 1,
                    "persona": "anxious_planner", "tone": "formal", "tier": "template",
                    "metadata": {"source": "web", "n": 3, "ok": True, "day": "2026-11-01", "tag": "x,y"},
                },
                {
                    "turns": turns_of("Hello.", "Of 100%, a_b \\ 'c' \"d\".", "And?", "Ünal."), "line": 2,
                    "metadata": {"source": "book", "n": "3", "price": 4.5, "ok": "no", "a.b": None},
                },
                {"turns": turns_of("Trash?", "Yes."), "line": 3, "quality_score": "4.25"},
            ],
        )  # fmt: skip
        (c,) = await generated(
            db, wanted=[Wanted(persona="busy_parent", tone="warm", tier="edge_case", chunk_id=chunk.id)]
        )
        (d,) = await generated(db, wanted=[Wanted()], is_rehearsal=True)
        await planned(db)
        await reviews.decide(rita, await seen(rita, d), "approve", key=new_key())
        await reviews.decide(db, await seen(db, f), "reject", key=new_key())
        await reviews.set_flag(db, d, True, key=new_key())
        ids = {row.conversation_id: row.id for row in await fetch(db, "SELECT id, conversation_id FROM conversations")}
        await assignments.assign(db, [(ids[a], "rita"), (ids[c], "ada")])
        rows = await fetch(db, "SELECT conversation_id FROM conversations WHERE status = 'planned'")
    letters = {a: "a", b: "b", c: "c", d: "d", rows[0][0]: "e", f: "f"}
    with psycopg.connect(conninfo[SUPERUSER]) as connection:
        connection.execute("SET session_replication_role = replica")
        for conversation_id, letter in letters.items():
            connection.execute(
                "UPDATE conversations SET created_at = %s, updated_at = %s WHERE conversation_id = %s",
                [MOMENTS[letter], MOMENTS[letter], conversation_id],
            )
        connection.execute("UPDATE conversations SET deleted_at = now() WHERE conversation_id = %s", [f])
        connection.execute("UPDATE conversations SET reviewed_at = '2026-11-03 09:00+00' WHERE status = 'approved'")
    return letters


@pytest.fixture(scope="module")
def shelf(server: EmbeddedServer) -> Iterator[Shelf]:
    with fresh_database(server) as name:
        conninfo = {login: server.conninfo(login, name) for login in ("ada", "rita", SUPERUSER)}
        yield Shelf(conninfo, asyncio.run(filled(conninfo)))


@pytest.fixture
async def shelf_db(shelf: Shelf) -> AsyncIterator[Database]:
    async with logged_in(shelf.conninfo["rita"]) as db:
        yield db


async def found(db: Database, shelf: Shelf, wanted: Filter) -> str:
    """The letters of the conversations that match."""
    async with db.read() as connection:
        ids = await connection.scalars(select(Conversation.conversation_id).where(wanted.where))
        return "".join(sorted(shelf.letters[each] for each in ids))


MEANINGS = [
    ("", "abcde"),
    ("   ", "abcde"),
    ("status:generated", "abc"),
    ("status:generated,approved", "abcd"),
    ("status=planned", "e"),
    ("STATUS:planned", "e"),
    ("-status:generated", "de"),
    ("status:none", ""),
    ("persona:anxious_planner", "ade"),
    ("persona:anxious_planner,busy_parent", "acde"),
    ("persona:none", "b"),
    ("persona:none,busy_parent", "bc"),
    ("-persona:none", "acde"),
    ("-persona:anxious_planner", "bc"),  # a null is not anxious either
    ("persona:pirate", ""),
    ("emotion:worried", "cde"),
    ("-emotion:worried", "ab"),
    ("topic:overdraft_fees intent:understand", "cde"),
    ("tone:formal", "ade"),
    ("tone:formal -tone:formal", ""),
    ("tier:edge_case", "c"),
    ("tier:template,none", "ab"),
    ("model:claude-haiku-5-5", "cde"),
    ("model:none", "ab"),
    ('document:"fees, part 1.md"', "c"),
    ("document:fees", ""),
    ("document:none", "abde"),
    ("-document:none", "c"),
    ("chunk:1", "c"),
    ("chunk:1,2", "c"),
    ("chunk:none", "abde"),
    ("reviewer:rita", "d"),
    ("reviewer:rita,ron", "d"),
    ("reviewer:none", "abce"),
    ("-reviewer:rita", "abce"),
    ("run:1", "c"),
    ("run:2", "d"),
    ("run:none", "abe"),
    ("template:1", "cd"),
    ("template:none", "abe"),
    ("cause:none", ""),
    ('-cause:"It declined."', "abcde"),
    ("score>=7", "cd"),
    ("judge>=0", ""),
    ("score:4.25", "a"),
    ("score=7.5", "cd"),
    ("score:4..7.5", "acd"),
    ("score<7.5", "a"),
    ("score<=7.5", "acd"),
    ("score>1000000", ""),
    ("score<1000000", "acd"),
    ("-score>0", "be"),  # no score is no score above 0
    ("turns:2", "acd"),
    ("turns<2.5", "acde"),
    ("turns>1.5 turns<2.4", "acd"),
    ("turns>999999999999", ""),
    ("turns:3..4", "b"),
    ("cost:0.01", "cd"),
    ("cost>1000000000", ""),
    ("-cost>0", "abe"),
    ("created:2026-11-01", "ab"),
    ("created<2026-11-01", "e"),
    ("created<=2026-11-01", "abe"),
    ("created>2026-11-01", "cd"),
    ("created>=2026-11-02", "cd"),
    ("created:2026-11-01..2026-11-02", "abc"),
    ("created:2026-11-02T12:00", "c"),
    ("created>2026-11-02T12:00", "d"),
    ("created>=2026-11-02T14:00+02:00", "cd"),
    ("created>=-2d", "cd"),
    ("created<-2d", "abe"),
    ("created>=-36h", "d"),
    ("created:-4d..-36h", "abc"),
    ("updated:2026-10-20", "e"),
    ("reviewed:2026-11-03", "d"),
    ("reviewed<2027-01-01", "d"),
    ("-reviewed<2027-01-01", "abce"),
    ("meta.source:web", "a"),
    ("meta.source:web,book", "ab"),
    ("-meta.source:web", "bcde"),
    ("meta.n:3", "ab"),
    ("meta.n>2", "a"),
    ("meta.n<=3.0", "a"),
    ("meta.price>4.4", "b"),
    ("meta.price:4.5", "b"),
    ("meta.ok:true", "a"),
    ("meta.ok:no", "b"),
    ("meta.day>=2026-10-31", "a"),
    ("meta.day<2026-10-31", ""),
    ('meta.tag:"x,y"', "a"),
    ("meta.tag:x,y", ""),
    ("meta.Source:web", ""),
    ("has:meta.source", "ab"),
    ("has:meta.price,meta.ok", "ab"),
    ("has:meta.a.b", "b"),
    ("-has:meta.source", "cde"),
    ("is:flagged", "d"),
    ("-is:flagged", "abce"),
    ("is:seed", "ab"),
    ("is:rehearsal", "d"),
    ("is:seed,rehearsal", "abd"),
    ("is:deleted", "f"),
    ("is:deleted,flagged", "df"),
    ("-is:deleted", "abcde"),
    ("is:mine", "ad"),  # to be reviewed by who asks, or decided by them
    ("-is:mine", "bce"),
    ("is:mine status:generated", "a"),
    ("assigned:rita", "a"),
    ("assigned:rita,ada", "ac"),
    ("assigned:none", "bde"),
    ("assigned:ada,none", "bcde"),
    ("-assigned:rita", "bcde"),
    ("assigned:nobody", ""),
    ("roth", "a"),
    ('"roth ira"', "a"),
    ('"ira roth"', ""),
    ("roth limits", "a"),
    ("ünal", "b"),
    ("-roth", "bcde"),
    ('-"roth ira" is:seed', "b"),
    ("100%", "b"),
    ("0%0", ""),
    ("a_b", "b"),
    ("l_m", ""),
    ("%", "b"),
    ("_", "b"),
    ("\\", "b"),
    ("'c'", "bcd"),  # marks are no part of a word, and c-... stands in two questions
    (r'"\"d\""', "b"),
    ('"Of 100%, a_b \\\\ \'c\'"', "b"),
    ('"status:generated"', ""),
    ("answer", "cd"),
    ("question", "cd"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "letters"), MEANINGS)
async def test_a_filter_means(shelf_db: Database, shelf: Shelf, text: str, letters: str) -> None:
    assert await found(shelf_db, shelf, parse(text, now=NOW, zone=UTC)) == letters


async def test_the_copy_in_memory_means_the_same(shelf_db: Database, shelf: Shelf) -> None:
    live = Live(shelf_db)
    await live.load()
    rows = await fetch(shelf_db, "SELECT id, conversation_id FROM conversations")
    letter_of = {row.id: shelf.letters[row.conversation_id] for row in rows}
    for text, letters in MEANINGS:
        wanted = parse(text, now=NOW, zone=UTC)
        last = [finding async for finding in find(live, wanted, NEWEST)][-1]
        assert last.listing.complete and not last.more
        ids = last.listing.ids(0, 100)
        assert "".join(sorted(letter_of[one] for one in ids)) == letters, text


async def test_an_id_names_one_conversation(shelf_db: Database, shelf: Shelf) -> None:
    wanted = f"id:{shelf.id_of('a')},{shelf.id_of('c')},c-none"
    assert await found(shelf_db, shelf, parse(wanted)) == "ac"


def test_every_field_is_tried_above() -> None:
    texts = [text for text, _ in MEANINGS]
    untried = [name for name in NAMES if not any(re.search(rf"\b{name}[:<>=]", text) for text in texts)]
    assert untried == ["id"]


@pytest.mark.parametrize(
    ("zone", "text", "letters"),
    [
        ("America/New_York", "created:2026-10-31", "a"),  # 00:00 UTC is 20:00 the day before
        ("America/New_York", "created:2026-11-01", "b"),  # a day of 25 hours
        ("Asia/Tokyo", "created:2026-11-02", "bc"),
        ("Asia/Tokyo", "created:2026-11-03", "d"),
        ("Asia/Tokyo", "created:2026-11-02T21:00", "c"),
        ("Asia/Tokyo", "created>2026-11-01", "bcd"),
    ],
)
async def test_a_day_is_from_midnight_to_midnight_where_one_lives(
    shelf_db: Database, shelf: Shelf, zone: str, text: str, letters: str
) -> None:
    assert await found(shelf_db, shelf, parse(text, now=NOW, zone=ZoneInfo(zone))) == letters


def test_a_day_of_25_hours_is_25_hours_long() -> None:
    bounds = parse("created:2026-11-01", zone=ZoneInfo("America/New_York")).where.compile().params
    moments = sorted(value for value in bounds.values() if isinstance(value, datetime))
    assert moments[1] - moments[0] == timedelta(hours=25) - timedelta.resolution


async def test_mine_is_what_is_assigned_to_the_person_logged_in_or_was_decided_by_them(shelf: Shelf) -> None:
    async with logged_in(shelf.conninfo["ada"]) as db:
        assert await found(db, shelf, parse("is:mine is:deleted")) == "f"
        assert await found(db, shelf, parse("is:mine")) == "c"
        assert await found(db, shelf, parse("is:mine", login="rita")) == "ad"


@pytest.mark.parametrize(
    ("text", "start", "end", "says"),
    [
        ("persno:x", 0, 8, "Did you mean persona"),
        ("tone:warm statsu:generated", 10, 26, "Did you mean status"),
        ("status:aproved", 0, 14, "Did you mean approved"),
        ("tier:edge", 0, 9, "Did you mean edge_case"),
        ("is:flaged", 0, 9, "Did you mean flagged"),
        ("is:none", 0, 7, "Did you mean"),
        ("qqqq:1", 0, 6, "There are: status"),
        ("http://x", 0, 8, "quotes"),
        ("score>high", 0, 10, '"high" is not a number'),
        ("score:1..x", 0, 10, '"x" is not a number'),
        ("score:..", 0, 8, "is not a number"),
        ("score>1e9", 0, 9, "is not a number"),
        ("score>NaN", 0, 9, "is not a number"),
        ("turns>1e-99999", 0, 14, "is not a number"),
        ("cost>99999999999999999999", 0, 25, "is not a number"),
        ("meta.n>1e99999", 0, 14, "is not a number"),
        ("chunk:one", 0, 9, "is not a number"),
        ("chunk:٣", 0, 7, "is not a number"),
        ("run:99999999999999999999", 0, 24, "is not a number"),
        ("status>generated", 0, 16, "with a colon"),
        ("status:", 0, 7, "has no value"),
        ("status:,", 0, 8, "has no value"),
        ("meta.x:", 0, 7, "has no value"),
        ("created:yesterday", 0, 17, "is not a date"),
        ("created:2026-13-01", 0, 18, "is not a date"),
        ("created:9999-12-31", 0, 18, "is not a date"),
        ("created<0001-01-01", 0, 18, "is not a date"),
        ("created:-7d", 0, 11, "created>=-7d"),
        ("has:source", 0, 10, "has:meta.KEY"),
        ("has:meta.", 0, 9, "has:meta.KEY"),
        ("-", 0, 1, "stands alone"),
        ('""', 0, 2, "between the quotes"),
        ('tone:warm "roth', 10, 15, "not closed"),
        ('ro"th', 2, 5, "not closed"),
        ('"a"b', 0, 4, "not closed"),
        ("a\x00b", 1, 2, "NUL"),
        ("a\ud800b", 1, 2, "half a character"),
        ("x" * 10_000, MAX_LENGTH, 10_000, "10,000 characters"),
        ("a " * (MAX_TERMS + 1), 2 * MAX_TERMS, 2 * MAX_TERMS + 1, f"{MAX_TERMS + 1} words"),
    ],
)
def test_a_mistake_is_answered_with_what_where_and_what_would_be_right(
    text: str, start: int, end: int, says: str
) -> None:
    with pytest.raises(FilterError) as refused:
        parse(text, now=NOW, zone=ZoneInfo("Asia/Tokyo"))
    assert (refused.value.start, refused.value.end) == (start, end)
    assert says in f"{refused.value.message} {refused.value.remedy}"


def test_a_filter_knows_whether_it_names_a_status() -> None:
    assert parse("-status:planned").names_status
    assert not parse('"status:planned" tone:warm').names_status
    assert parse("  tone:warm ").text == "tone:warm"


async def test_sql_in_every_place_is_only_data(shelf_db: Database, shelf: Shelf) -> None:
    evil = "x');DROP/**/TABLE/**/conversations;--"
    for text in (
        evil, f'"{evil}"', f"persona:{evil}", f"model:{evil}", f"id:{evil}", f"document:{evil}", f"reviewer:{evil}",
        f"meta.{evil.replace(';', '')}:{evil}", f"meta.a>{evil}", f"has:meta.{evil}", "meta.:name:x", "meta.a:%(b)s",
        "%s", "%(x)s", ":name", "has:meta.%s", "meta.%:1", "meta.'':1",
    ):  # fmt: skip
        try:
            wanted = parse(text)
        except FilterError:
            continue
        assert await found(shelf_db, shelf, wanted) == ""
    assert await found(shelf_db, shelf, parse("")) == "abcde"


words = st.sampled_from(
    [*(f"{name}{operator}" for name in (*NAMES, "meta.k", "has:meta.k", "nope") for operator in (":", ">", "<=", "=")),
     "-", '"', "..", ",", "none", "1", "-1", "1.5", "1e5", "9" * 19, "2026-11-01", "-7d", "T12:00", "W44", "flagged",
     "deleted", "approved", "\\", "%", "_", "'", "(", " ", "\n", "٣", "\u3000", "é", "\U0001f600", "\x00", "\x1c"]
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.lists(words, max_size=12).map("".join) | st.text(st.characters(), max_size=40))
@example("created:0001-01-01..9999-12-30")
@example("created<=2026-W44-7")
@example("created>20261101")
@example("score:-0..+0")
@example("meta.k>-.5")
@example("a " * MAX_TERMS)
@example("-" + "persona:" + "a," * 1_900)
async def test_any_text_is_either_answered_or_runs(shelf_db: Database, shelf: Shelf, text: str) -> None:
    try:
        wanted = parse(text, now=NOW, zone=UTC)
    except FilterError as error:
        assert 0 <= error.start <= error.end <= len(text)
        assert error.message and error.remedy
        return
    await found(shelf_db, shelf, wanted)


@pytest.mark.parametrize(
    ("log", "written", "says"),
    [
        ("generations", "took<", "took has no value. Write took>=7 or took:6..8, in seconds."),
        ("reviews", "created>=", "created has no value. Write created>=2026-11-01 or created>=-7d."),
        ("reviews", "took<soon", '"soon" is not a number of seconds.'),
        ("generations", "cost>dear", '"dear" is not a number of USD.'),
        ("generations", "tokens>many", '"many" is not a number.'),
    ],
)
def test_a_number_that_is_none_is_answered_with_what_it_counts(log: LogName, written: str, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        LOGS[log].read(written)
    assert f"{refused.value.message} {refused.value.remedy}".startswith(says)
