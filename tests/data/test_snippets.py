"""A snippet shows the first turn that says the words, as it is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import fetch, import_items, turns_of
from traintui.data import snippets
from traintui.data.engine import Database
from traintui.data.search import MARK
from traintui.data.search_index import index_some
from traintui.data.snippets import START, STOP, Snippet, around


async def conversation(db: Database, *contents: str) -> int:
    (public,) = await import_items(db, [{"turns": turns_of(*contents), "line": 1}])
    return int((await fetch(db, "SELECT id FROM conversations WHERE conversation_id = :id", id=public))[0][0])


async def snippet(db: Database, key: int, words: str) -> Snippet | None:
    """The snippet, after that from the index and that from the turn itself have agreed."""
    waiting = (await snippets.snippets(db, [key], words)).get(key)
    while await index_some(db):
        pass
    assert (await snippets.snippets(db, [key], words)).get(key) == waiting
    return waiting


def shown(found: Snippet | None) -> str:
    assert found is not None
    return "".join(f"[{part}]" if marked else part for part, marked in found.parts)


FILLER = "nothing of interest happens here, and then some more; "


@pytest.mark.parametrize(
    ("content", "words", "says"),
    [
        ("We saved money.", "saving", "We [saved] money."),
        ("The end.", "the", "[The] end."),
        ("My <b>Roth</b> & IRA!", "roth", "My <b>[Roth]</b> & IRA!"),
        ("[red]a/b[/red] $x", "b", "[red]a/[b][/red] $x"),
        (f"{START}fake{STOP} real {STOP}", "real", f"{START}fake{STOP} [real] {STOP}"),
        ("Overdrafts", "over*", "[Overdrafts]"),
        ("a\x1b[31mred\x07 b", "b", "a\x1b[31mred\x07 [b]"),
        ("cafe\u0301 — “ünal”", "ünal", "café — “[ünal]”"),
    ],
)
async def test_stored_text_is_shown_as_it_is_with_the_words_marked(
    db: Database, content: str, words: str, says: str
) -> None:
    found = await snippet(db, await conversation(db, "Hello?", content), words)
    assert (found.turn_number, found.role) == (2, "assistant") if found else False
    assert shown(found) == says


async def test_a_phrase_is_marked_where_it_stands_and_not_where_one_of_its_words_does(db: Database) -> None:
    key = await conversation(db, "Ira and Roth? " + FILLER * 20 + "The Roth IRA, yes. " + FILLER * 20, "Roth.")
    says = shown(await snippet(db, key, "roth ira"))
    assert "The [Roth] [IRA], yes." in says and says.startswith("…") and says.endswith("…") and len(says) < 135


async def test_the_first_turn_that_says_it_is_shown_also_from_the_end_of_a_long_one(db: Database) -> None:
    key = await conversation(db, "Hello?", FILLER * 2000 + "the walrus " + FILLER * 2000, "Walrus?", "Yes.")
    found = await snippet(db, key, "walrus")
    assert found and found.turn_number == 2 and "the [walrus] nothing" in shown(found)


async def test_what_does_not_match_has_no_snippet(db: Database) -> None:
    key = await conversation(db, "Hello?", "Yes.")
    assert await snippets.snippets(db, [key, 999], "walrus") == {}
    assert await snippets.snippets(db, [], "hello") == {}
    assert await snippets.snippets(db, [key], "!*") == {}


@given(st.text(), st.integers(0, 300), st.integers(0, 300))
def test_a_snippet_is_a_part_of_the_text_whatever_it_holds(said: str, at: int, length: int) -> None:
    plain = MARK.sub(" ", said)
    begin, end = min(at, len(said)), min(at + length, len(said))
    parts = around(said, f"{plain[:begin]}{START}{plain[begin:end]}{STOP}{plain[end:]}")
    assert "".join(part for part, _ in parts).strip("…") in said
    assert all(said[begin:end].startswith(part) for part, marked in parts if marked)
