"""The logs are listed by any of their fields, first rows first, and whole in the end."""

from __future__ import annotations

from array import array
from types import SimpleNamespace

import psycopg
import pytest

from logged_calls import CALLS, ROWS
from support import Conninfo, approved, imported, logged_in, seen
from traintui.data import attempts, export_history, exports, log_listing, review_log, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import FilterError
from traintui.data.log_fields import EXPORTS, GENERATIONS, LOGS, REVIEWS, Log
from traintui.data.log_listing import Keys, LogListing


@pytest.fixture
def calls(conninfo: Conninfo) -> None:
    """Seven hundred calls."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(CALLS.encode())


async def listed(db: Database, log: Log, filter_text: str) -> LogListing:
    *_, last = [found async for found in log_listing.find(db, log, log.read(filter_text))]
    assert last.listing.complete
    return last.listing


async def numbers(db: Database, filter_text: str) -> set[int]:
    """Which of the calls match, by the number that their tokens are made of."""
    listing = await listed(db, GENERATIONS, filter_text)
    ids = listing.ids(0, listing.total)
    found = await attempts.rows(db, ids, listing.span(ids))
    assert list(ids) == sorted(found, key=lambda id: (found[id].created_at, id), reverse=True)
    return {row.input_tokens or 0 for row in found.values()}


EVERY = set(range(1, ROWS + 1))


@pytest.mark.usefixtures("calls")
async def test_calls_are_found_by_any_field(db: Database) -> None:
    failed = {n for n in EVERY if n % 7 == 0}
    wanted = {
        "": EVERY,
        "state:error": failed,
        "-state:error,unknown": EVERY - failed,
        "is:failed": failed,
        "model:rare": {3},
        "model:rare,usual": EVERY,
        "user:arthur": {n for n in EVERY if n % 2},
        "is:mine": {n for n in EVERY if n % 2 == 0},
        "kind:judge": {n for n in EVERY if n % 10 == 0},
        "conversation:c-2": {n for n in EVERY if n % 4 == 2},
        "conversation:none": set(),
        "cost>=0.699": {699, 700},
        "cost:0.001..0.002": {1, 2},
        "tokens>2095": {699, 700},
        "took<=0.2": {1, 2},
        "took>69.9": {700},
        "http:529": failed,
        "http>=500": failed,
        "error:overloaded_error": failed,
        "error:none": EVERY - failed,
        "busy": failed,
        '"model is busy"': failed,
        "busi": set(),
        "bus*": failed,
        "overloaded": failed,
        "-busy": EVERY - failed,
        "%": failed,
        "request:req_17": {17},
        "is:estimated": {9},
        "is:rehearsal": {n for n in EVERY if n % 5 == 0},
        "is:late": set(),
        "template:calm": EVERY,
        "template:calm@2": {n for n in EVERY if n % 2},
        "template:curt@work": set(),
        "template:none": set(),
        "version:2": {n for n in EVERY if n % 2},
        "batch:7": set(),
        "batch:none": EVERY,
        "state:error kind:judge user:ada tokens<500": {70, 140},
        "created>=-1h": EVERY,
        "created<-1h": set(),
    }
    for filter_text, found in wanted.items():
        assert await numbers(db, filter_text) == found, filter_text


@pytest.mark.usefixtures("calls")
async def test_a_walk_through_time_finds_what_the_plan_finds(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_listing, "PATIENCE", 0.0)
    monkeypatch.setattr(log_listing, "STRETCH", 50)
    monkeypatch.setattr(log_listing, "FIRST", 40)
    monkeypatch.setattr(log_listing, "PORTIONS", (7, 60))
    for filter_text in ("", "state:error", "model:rare", "busy", "model:none"):
        walked = [found async for found in log_listing.walk(db, GENERATIONS, GENERATIONS.read(filter_text))]
        planned = await log_listing.first_keys(db, GENERATIONS, GENERATIONS.read(filter_text))
        ids = walked[-1].listing.keys.ids
        assert ids[: len(planned)] == planned.ids[: len(ids)], filter_text
        shares = [found.looked for found in walked if found.looked is not None]
        assert shares == sorted(shares) and all(0 <= share <= 1 for share in shares)
        assert len((await listed(db, GENERATIONS, filter_text)).keys) == len(await numbers(db, filter_text))


def test_a_rank_is_found_among_rows_of_one_moment_and_where_nobody_looked_yet() -> None:
    moments, ids = array("q", [9, 7, 7, 7, 2]), array("q", [50, 41, 40, 12, 60])
    listing = LogListing(Keys(moments, ids), complete=True)
    assert [listing.rank(id) for id in ids] == [0, 1, 2, 3, 4]
    listing.ids(0, 5)
    assert [listing.rank(id) for id in ids] == [0, 1, 2, 3, 4] and listing.rank(99) is None


async def test_decisions_are_found_by_who_why_and_what_was_noted(db: Database, reviewer_db: Database) -> None:
    ids = await imported(db, 3)
    await approved(db, ids[0])
    row = await seen(reviewer_db, ids[1])
    await reviews.decide(reviewer_db, row, "reject", key=reviews.new_key(), reason="Wrong fact", notes="A fee of 5 %.")
    wanted = {
        "": 5, "action:approve": 1, "action:import": 3, "reviewer:rita": 1, "-reviewer:rita": 4, "is:mine": 4,
        'reason:"Wrong fact"': 1, "fee": 1, '"wrong fact"': 1, "nothing": 0, "%": 1, f"conversation:{ids[1]}": 2,
        "revision:1": 5, "revision>1": 0, "created>=-1d": 5, "is:undo": 0, "role:reviewer": 1,
        "is:standing": 5, "-is:standing": 0,
    }  # fmt: skip
    for filter_text, number in wanted.items():
        assert (await listed(db, REVIEWS, filter_text)).total == number, filter_text
    rows = await review_log.rows(db, (await listed(db, REVIEWS, "fee")).ids(0, 9))
    assert [entry.reviewer_notes for entry in rows.values()] == ["A fee of 5 %."]


async def test_a_blind_decision_is_found_by_its_words_only_by_who_may_see_it(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        (public,) = await imported(db, 1)
        await reviews.decide(
            reviewer_db, await seen(reviewer_db, public), "reject", key=reviews.new_key(), notes="hidden words"
        )
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE review_logs SET details = '{\"blind\": true}' WHERE action = 'reject'")
        connection.execute(
            "INSERT INTO second_reviews (conversation_id, revision, decisions, state) VALUES (%s, 1, 2, 'open')",
            [public],
        )
    async with logged_in(conninfo("ron")) as other:
        assert (await listed(other, REVIEWS, "hidden")).total == 0
        assert (await listed(other, REVIEWS, "action:reject")).total == 0
    assert (await listed(reviewer_db, REVIEWS, "hidden")).total == 1


async def test_exports_are_found_by_file_hash_and_by_what_they_hold(db: Database) -> None:
    ids = await imported(db, 2)
    first, second = "a" * 64, "b" * 64
    for name, count, sha256 in (("e-1", 2, first), ("e-2", 1, second)):
        await exports.record(db, name, "started", count=count, filter_state={"filter": "tier:edge_case"}, format="trl",
                             metadata={})  # fmt: skip
        await exports.record_rows(
            db, name, [SimpleNamespace(conversation_id=public, revision=1) for public in ids[:count]]
        )
        files = [{"name": "out.jsonl", "bytes": 1, "sha256": sha256}, {"name": "x.md", "bytes": 1, "sha256": "c" * 64}]
        await exports.record(
            db, name, "succeeded", count=count, filter_state={}, format="trl",
            metadata={"file": f"{name}.jsonl", "files": files}, file_sha256=bytes.fromhex(sha256),
        )  # fmt: skip
    await exports.record(db, "e-3", "started", count=9, filter_state={}, format="axolotl", metadata={})
    wanted = {
        "": ["e-3", "e-2", "e-1"], f"conversation:{ids[0]}": ["e-2", "e-1"], f"conversation:{ids[1]}": ["e-1"],
        f"hash:{first}": ["e-1"], "hash:bbbbbbbb": ["e-2"], f"hash:{'c' * 64}": ["e-2", "e-1"],
        "hash:cccccccccc": ["e-2", "e-1"],
        f"hash:{'d' * 64}": [], "count>1": ["e-3", "e-1"], "state:open": ["e-3"], "state:succeeded": ["e-2", "e-1"],
        "format:axolotl": ["e-3"], "user:ada": ["e-3", "e-2", "e-1"], "is:mine -export:e-2": ["e-3", "e-1"],
        "e-1.jsonl": ["e-1"], "tier:edge_case": None, '"tier:edge_case"': ["e-2", "e-1"],
    }  # fmt: skip
    for filter_text, names in wanted.items():
        if names is None:
            with pytest.raises(FilterError, match="no field"):
                EXPORTS.read(filter_text)
            continue
        listing = await listed(db, EXPORTS, filter_text)
        rows = await export_history.rows(db, listing.ids(0, 9))
        assert [rows[id].export_id for id in listing.ids(0, 9)] == names, filter_text


@pytest.mark.parametrize(
    ("log", "filter_text", "says"),
    [
        ("generations", "stat:ok", "Did you mean state?"),
        ("generations", "state:okay", "Did you mean ok?"),
        ("generations", "meta.x:1", "no field"),
        ("generations", "batch:last", "is not a number"),
        ("reviews", "action:aprove", "Did you mean approve?"),
        ("exports", "hash:xyz", "is not a SHA-256"),
        ("exports", "is:flagged", "is has no value"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(log: str, filter_text: str, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        LOGS[log].read(filter_text)  # type: ignore[index]
    assert says in f"{refused.value.message} {refused.value.remedy}"
    assert refused.value.start == 0


async def test_an_empty_log_is_complete_at_once(db: Database) -> None:
    for log in LOGS.values():
        assert (await listed(db, log, "")).total == 0
        assert [found.listing.complete async for found in log_listing.walk(db, log, log.read(""))] == [True]
