"""What a filter offers where the cursor stands, and how a choice is written into it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui import clock
from traintui.data.fields import FIELDS, Fields, metadata_field
from traintui.data.filter_completion import Completions, complete
from traintui.data.filter_editing import chosen, toggled
from traintui.data.filter_terms import Among
from traintui.data.filters import parse
from traintui.data.records import VocabularyValue

LABELS = {
    (entry.dimension, entry.value): entry
    for entry in (
        VocabularyValue("persona", "anxious_planner", "Anxious planner", "Wants to be sure."),
        VocabularyValue("persona", "busy_parent", "Busy parent", "Has no time."),
        VocabularyValue("persona", "new_parent", "New parent", "Sleeps little."),
        VocabularyValue("persona", "retired", "Retired one", active=False),
    )
}
FACETS: dict[str, dict[str | None, int]] = {
    "persona": {"anxious_planner": 12, "busy_parent": 300, "new_parent": 4_000, None: 2},
    "model": {"plain": 3, "with blank, and comma": 9},
    "is": {"flagged": 7},
}
MARGIN = metadata_field("margin", "number", "what it earns")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(text: str, cursor: int | None = None) -> Completions:
    fields = Fields([MARGIN]) if MARGIN else FIELDS
    place = len(text) if cursor is None else cursor
    with clock.fixed(NOON):
        return complete(text, place, fields=fields, facets=FACETS, labels=LABELS, metadata_keys=["source", "a b"])


def offered(text: str, cursor: int | None = None) -> list[str]:
    return [candidate.insert for candidate in at(text, cursor).items]


def test_a_new_word_can_be_any_field_a_mark_a_metadata_key_or_a_minus() -> None:
    first = offered("")
    assert first[:2] == ["status:", "persona:"] and {"score", "is:", "has:", "meta.", "id:", "-"} <= set(first)
    assert offered("status:failed ") == first
    assert "-" not in offered("-") and "persona:" in offered("-")
    assert all(candidate.detail for candidate in at("").items)


def test_a_name_is_completed_from_its_beginning() -> None:
    assert offered("per") == offered("-PER") == ["persona:"]
    assert at("-per").start == 1
    assert offered("per:busy_parent", 3) == ["persona"]
    assert offered("roth") == []


def test_a_number_and_a_time_are_followed_by_the_operators_that_they_take() -> None:
    assert offered("score") == ["score>=", "score<=", "score>", "score<", "score:"]
    assert [candidate.detail for candidate in at("created").items][:2] == ["since", "up to the end of"]
    assert offered("scor") == ["score"]


def test_values_come_with_label_and_count_those_that_begin_so_first_then_the_most_frequent() -> None:
    best = at("persona:").items[0]
    assert (best.insert, best.label, best.detail, best.count) == ("new_parent", "New parent", "Sleeps little.", 4_000)
    assert offered("persona:") == ["new_parent", "busy_parent", "anxious_planner", "none"]
    assert offered("persona:n") == ["new_parent", "none", "busy_parent", "anxious_planner"]
    assert offered("persona:parent") == ["new_parent", "busy_parent"]
    assert offered("persona:Anxious") == ["anxious_planner"]


def test_a_value_that_is_whole_is_not_offered_again_so_that_enter_applies() -> None:
    assert offered("persona:busy_parent") == []
    assert offered("score>=7") == []


def test_after_a_comma_come_the_values_that_are_not_named_yet() -> None:
    assert offered("persona:new_parent,") == ["busy_parent", "anxious_planner", "none"]
    assert offered("persona:,new_parent", len("persona:")) == ["busy_parent", "anxious_planner", "none"]
    found = at("persona:new_parent,bu status:failed", len("persona:new_parent,bu"))
    assert found.taken("persona:new_parent,bu status:failed", found.items[0]) == (
        "persona:new_parent,busy_parent status:failed", len("persona:new_parent,busy_parent"),
    )  # fmt: skip


def test_a_status_has_no_none_and_a_closed_list_needs_no_counts() -> None:
    assert offered("status:") == ["planned", "generating", "generated", "approved", "rejected", "failed"]
    assert all(candidate.count is None for candidate in at("status:").items)


def test_a_value_that_needs_quotes_gets_them_and_stands_alone() -> None:
    assert offered("model:w") == ['"with blank, and comma"']
    assert offered("model:plain,") == ["none"]


def test_marks_and_metadata_keys_are_known() -> None:
    marks = ["flagged", "seed", "rehearsal", "stale", "deleted", "mine", "disputed"]
    assert offered("is:") == [*marks, "approved@", "rejected@", "generated@"]
    assert at("is:fl").items[0].count == 7
    assert offered("meta.") == ["meta.margin", "meta.source:"]
    assert offered("sour") == ["meta.source:"]
    assert offered("has:meta.m") == ["meta.margin"]


def test_behind_a_status_comes_a_moment() -> None:
    assert at("is:app").items[0].goes_on
    assert {"approved@-7d", "approved@2026-11-24"} <= set(offered("is:approved@"))
    assert offered("is:rejected@2026-11-24") == []
    assert offered("is:flagged@") == []
    for value in offered("is:generated@"):
        assert parse(f"is:{value}", now=NOON).stood_as


def test_dates_are_near_today_and_scores_are_ranges() -> None:
    assert {"-7d", "2026-11-24"} <= set(offered("created>="))
    assert offered("reviewed:") == ["2026-11-24", "2026-11-23", "2026-11-23..2026-11-24", "2026-11-01..2026-11-24"]
    assert offered("score:7") == ["7..10"]
    with clock.fixed(NOON):
        for name in ("score", "judge", "turns", "cost", "created", "meta.margin"):
            for operator in (candidate.insert for candidate in at(name).items):
                for value in offered(operator):
                    parse(operator + value, fields=Fields([MARGIN] if MARGIN else []), now=NOON)


def test_inside_quotes_nothing_is_offered() -> None:
    for text in ('"', '"per', 'persona:"per', 'status:failed "roth ira', '"per"'):
        assert offered(text) == []
    assert offered('"persona" ') == offered("")


ANY_TEXT = st.text(alphabet=st.sampled_from('apersontuimd.,:<>=-"\\ \t7é\x00\U0001f469')) | st.text() | st.lists(
    st.sampled_from(["persona:", "busy_parent", ",", " ", '"', "-", "score>=", "meta.", "has:", "is:", "a"])
).map("".join)  # fmt: skip


@given(ANY_TEXT, st.integers(-3, 60))
def test_any_text_and_cursor_have_an_answer_that_leaves_the_rest_alone(text: str, cursor: int) -> None:
    found = at(text, cursor)
    assert 0 <= found.start <= max(0, min(cursor, len(text))) <= found.end <= len(text)
    for candidate in found.items:
        written, place = found.taken(text, candidate)
        assert written.startswith(text[: found.start]) and written.endswith(text[found.end :])
        assert written[found.start : place] == candidate.insert != text[found.start : found.end]


# One value more or less ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "then"),
    [
        ("", "a", "persona:a"),
        ("status:failed", "a", "status:failed persona:a"),
        ("persona:a  score>7", "b", "persona:a,b  score>7"),
        ("Persona=a score>7", "b", "Persona=a,b score>7"),
        ("persona:a,b,c score>7", "b", "persona:a,c score>7"),
        ("persona:a score>7", "a", "score>7"),
        ("score>7  persona:a", "a", "score>7"),
        ("-persona:a", "b", "-persona:a persona:b"),
        ("persona:a,b -tone:x persona:b,c", "d", "persona:b,d -tone:x"),
        ("persona:a,b -tone:x persona:b,c", "b", "-tone:x"),
        ("persona:a", None, "persona:a,none"),
        ("persona:none", None, ""),
        ("", "a b", 'persona:"a b"'),
        ('persona:"a \\"b"', 'a "b', ""),
        ("persona:a", "b c", 'persona:"b c"'),
        ("persona:", "a", "persona:a"),
        ('"an open quote', "a", 'persona:a "an open quote'),
        ('"persona:a"', "a", '"persona:a" persona:a'),
    ],
)
def test_one_value_is_added_or_taken_out_and_the_rest_stays_as_it_is_written(
    text: str, value: str | None, then: str
) -> None:
    assert toggled(text, "persona", value) == then


def test_what_is_chosen_is_what_can_match() -> None:
    assert chosen("persona:a,none persona=none,b -persona:c other", "persona") == {None}
    assert chosen("persona:a persona:b", "persona") == chosen("-persona:a", "persona") == set()


VALUES = ("a", "b", "busy_parent", None)
WORDS = st.sampled_from(
    ["persona:a", "persona:a,b", "persona:b,none", "persona=a,,b", "-persona:a", "tone:a", "-tone:a,b", "score>7",
     '"persona:a b"', "word", "is:flagged", "meta.persona:a", 'persona:"a"'],
)  # fmt: skip


def meaning(text: str) -> tuple[object, ...]:
    """The choice of a persona, and all other terms without their places."""
    terms = parse(text, now=NOON).written
    others = {
        (term.field, term.asked, term.negated)
        for term in terms
        if term.field != "persona" or term.negated or not isinstance(term.asked, Among)
    }
    return frozenset(chosen(text, "persona")), frozenset(others)


@given(st.lists(WORDS, max_size=6).map(" ".join), st.sampled_from(VALUES))
def test_toggling_twice_gives_a_filter_that_means_the_same(text: str, value: str | None) -> None:
    once = toggled(text, "persona", value)
    assert chosen(once, "persona") == chosen(text, "persona") ^ {value}
    assert meaning(toggled(once, "persona", value)) == meaning(text)


@given(ANY_TEXT, st.sampled_from((*VALUES, "b c", 'q"')))
def test_any_text_can_be_toggled(text: str, value: str | None) -> None:
    once = toggled(text, "persona", value)
    assert (value in chosen(once, "persona")) != (value in chosen(text, "persona"))
