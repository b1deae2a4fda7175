"""What people write beside a decision loses secrets and personal data before it is kept anywhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.test_personal import EXAMPLES
from audit.test_redaction import KEYS
from traintui.audit.notes import LONGEST, redacted_note, taken_out
from traintui.audit.redaction import redact_text
from traintui.data.records import ReviewEntry, Turn
from traintui.generation.regeneration import RegenerationPlan
from traintui.outbox.presses import Decision, Edit, line_of
from traintui.widgets.log_detail import review_lines

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
SAID = [said for _, _, said in EXAMPLES] + list(KEYS.values())


@pytest.mark.parametrize("said", SAID)
def test_a_note_keeps_nothing_that_would_be_taken_out_of_a_payload(said: str) -> None:
    for note in (said, f"Ask {said} again", f"x\n{said}\ny"):
        assert redacted_note(note) == redact_text(note).value
        assert said not in (redacted_note(note) or "")


def test_a_note_without_anything_of_that_stays_and_none_stays_none() -> None:
    for note in (None, "", "Too long, and the fee in 2026 was 12.50", "Wrong tone"):
        assert redacted_note(note) == note


def test_how_often_each_kind_was_taken_out_of_a_note_is_known_of_what_is_kept() -> None:
    note = redacted_note("ann@example.org and bob@example.org, not ann@example.org, say 4111 1111 1111 1111")
    reason = redacted_note("token=" + KEYS["github_token"])
    assert taken_out(note, reason, None, "") == {"e-mail": 3, "card": 1, "secret": 1}
    assert taken_out("Too long [1], see [turn 2]") == {}
    entry = ReviewEntry(1, "c-1", "reject", "rita", note, MOMENT, 1, reason, None, None, None, None, None)
    lines = [line.plain for line in review_lines(entry, taken_out(entry.reason, entry.reviewer_notes))]
    assert any(line.startswith("Taken out") and line.endswith("1 secret, 3 e-mail, 1 card") for line in lines)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=LONGEST) | st.lists(st.sampled_from(["::1:2 ", "a@b.io ", "1.2.3.4 ", "x "])).map("".join))
def test_a_note_that_the_log_can_hold_is_one_that_it_can_hold_afterwards(note: str) -> None:
    found = redacted_note(note[:LONGEST])
    assert found is not None and len(found) <= LONGEST


def test_neither_the_outbox_nor_a_plan_writes_down_what_a_note_told() -> None:
    told = "ann@example.org said so, ask 10.1.2.3"
    decision = Decision("k", MOMENT, "c-1", "reject", 1, None, reason=told, note=told)
    edit = Edit(
        "e", MOMENT, "c-1", 1, None, None, (Turn(1, "user", told), Turn(2, "assistant", "Yes.")), "x", note=told
    )
    plan = RegenerationPlan(
        name="Anew", model="m", conversation_id="c-1", revision=1, first=2, last=2, reason=told, note=told
    )
    kept = "[e-mail 1] said so, ask [IP address 1]"
    assert (decision.reason, decision.note, edit.note, plan.reason, plan.note) == (kept,) * 5
    assert b"example" not in line_of(decision)
    assert edit.turns[0].content == told, "the text of a conversation is what people read and decide on"
