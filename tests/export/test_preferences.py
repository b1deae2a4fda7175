"""Preference data: what review said of answers, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_records import record_with, turns_of
from traintui.export.preferences import kto_weights, labels_of, pairs_of
from traintui.export.record import Decision, Revision, TrainingRecord


def edited(old: tuple[str, ...], new: tuple[str, ...], **changes: Any) -> TrainingRecord:
    """A conversation of which revision 2 was made by an edit of revision 1."""
    given: dict[str, Any] = {
        "revision": 2, "earlier": (Revision(1, changes.get("old_system"), turns_of(*old)),),
        "decisions": (Decision("edit", 2),),
    }  # fmt: skip
    return record_with(*new, **given | {name: value for name, value in changes.items() if name != "old_system"})


def test_an_edit_of_an_answer_prefers_the_new_text_and_leaves_later_turns_out() -> None:
    (pair,), reasons = pairs_of(edited(("q", "bad", "q2", "a2"), ("q", "good", "q2", "a2")))
    assert (pair.turn, pair.chosen, pair.rejected) == (2, "good", "bad")
    assert [turn.content for turn in pair.before] == ["q"] and reasons == ()


def test_the_prompt_is_what_stood_before_the_answer_when_it_was_edited_not_what_stands_there_since() -> None:
    record = record_with(
        "q, asked anew", "good", "q2", "better", revision=3,
        earlier=(Revision(1, None, turns_of("q", "good", "q2", "bad")),
                 Revision(2, None, turns_of("q", "good", "q2", "better"))),
        decisions=(Decision("edit", 2), Decision("edit", 3)),
    )  # fmt: skip
    (pair,), reasons = pairs_of(record)
    assert [turn.content for turn in pair.before] == ["q", "good", "q2"] and pair.chosen == "better"
    assert "what the user says in turn 1" in reasons[0]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (edited(("q", "a"), ("other q", "other a")), "the user says"),
        (edited(("q", "a"), ("q", "other a"), system_prompt="new", old_system="old"), "system prompt"),
        (edited(("q", "a", "q2", "a2"), ("q", "a2")), "deleted turns"),
        (edited(("q", "a"), ("q", "a")), "no text"),
        (edited(("q", "a\r\nb"), ("q", "a\nb")), "no text"),
        (edited(("q", "a"), ("q", "a\n")), "no text"),
        (edited(("q", " "), ("q", "a")), "empty answer"),
        (record_with("q", "a", revision=2, decisions=(Decision("edit", 2),)), "without its texts"),
        (record_with("q", "a"), "no answer of it was edited"),
    ],
)
def test_what_holds_no_two_answers_to_the_same_gives_no_pair_and_says_why(record: TrainingRecord, why: str) -> None:
    pairs, reasons = pairs_of(record)
    assert pairs == () and why in reasons[0]


def test_only_the_first_answer_that_an_edit_changed_stands_against_its_original() -> None:
    pairs, _ = pairs_of(edited(("q", "a", "q2", "a2"), ("q", "b", "q2", "b2")))
    assert [pair.turn for pair in pairs] == [2]


def decided(*decisions: Decision, **changes: Any) -> TrainingRecord:
    return record_with("q", "a", "q2", "a2", decisions=decisions, **changes)


def test_a_rejection_labels_the_turn_that_it_names_and_an_approval_the_last_answer() -> None:
    labels, reasons = labels_of(decided(Decision("reject", 1, 2), Decision("approve", 1)))
    assert [(label.turn, label.completion, label.desirable) for label in labels] == [(2, "a", False), (4, "a2", True)]
    assert [len(label.before) for label in labels] == [1, 3] and reasons == ()


def test_a_rejection_without_a_turn_labels_the_last_answer_and_says_that_this_is_assumed() -> None:
    (label,), _ = labels_of(decided(Decision("reject", 1)))
    assert (label.turn, label.desirable, label.is_assumed) == (4, False, True)


def test_of_two_decisions_on_the_same_answer_the_newer_one_counts() -> None:
    (label,), _ = labels_of(decided(Decision("reject", 1, 4), Decision("approve", 1)))
    assert label.desirable
    (label,), _ = labels_of(decided(Decision("approve", 1), Decision("reject", 1, 4)))
    assert not label.desirable


def test_a_rejection_is_about_the_text_that_was_rejected_not_about_what_stands_there_since() -> None:
    record = decided(
        Decision("reject", 1, 2), Decision("edit", 2), Decision("approve", 2),
        revision=2, earlier=(Revision(1, None, turns_of("q", "old", "q2", "a2")),),
    )  # fmt: skip
    assert [(label.completion, label.desirable) for label in labels_of(record)[0]] == [("old", False), ("a2", True)]


@pytest.mark.parametrize(
    ("decision", "why"),
    [(Decision("reject", 1, 3), "the user's"), (Decision("reject", 7, 2), "without its text"),
     (Decision("reject", 1, 9), "about no answer")],
)  # fmt: skip
def test_a_decision_that_is_about_no_answer_gives_no_label_and_says_why(decision: Decision, why: str) -> None:
    labels, reasons = labels_of(decided(decision))
    assert labels == () and why in reasons[0]


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_weights_of_kto_bring_both_kinds_between_1_to_1_and_4_to_3(desirable: int, undesirable: int) -> None:
    for_desirable, for_undesirable = kto_weights(desirable, undesirable)
    assert 1.0 in (for_desirable, for_undesirable)
    # TRL rounds the bounds of its range to two places as well.
    low = round(undesirable * for_undesirable / desirable, 2)
    high = round(undesirable * for_undesirable / desirable * 1.33, 2)
    other_low = round(desirable * for_desirable / undesirable / 1.33, 2)
    other_high = round(desirable * for_desirable / undesirable, 2)
    assert low <= for_desirable <= high or other_low <= for_undesirable <= other_high


def test_one_kind_alone_cannot_be_balanced() -> None:
    assert kto_weights(5, 0) == kto_weights(0, 5) == (1.0, 1.0)
