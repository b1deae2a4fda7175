"""What is known of a conversation is told in words and figures of people, never in those of the database."""

from __future__ import annotations

from traintui.data.log_models import REVIEW_ACTIONS
from traintui.data.records import ScorePart
from traintui.widgets.facts import ACTIONS, score_parts, value_and_range
from traintui.widgets.log_rows import review_columns


def test_every_action_of_the_log_has_words_that_fit_its_column() -> None:
    assert set(ACTIONS) == set(REVIEW_ACTIONS)
    (width,) = (column.width for column in review_columns() if column.title == "Action")
    assert [said for said, _ in ACTIONS.values() if len(said) > width] == []


def test_a_part_of_the_score_shows_its_value_and_what_is_good() -> None:
    turns = ScorePart("turn count", 1.0, 1.25, "It has 9 turns.", 9, 4, 8, "count")
    assert value_and_range(turns) == "9 (good: 4 to 8)"
    assert value_and_range(ScorePart("structure", 2.5, 2.5, "Fine.", 0, 0, 0, "count")) == "0 (good: 0)"
    assert value_and_range(ScorePart("closeness", 0, 1.25, "Alike.", 0.923, 0, 0.5)) == "92% (good: 0 to 50%)"


def test_a_part_that_an_earlier_traintui_scored_shows_no_figures() -> None:
    assert value_and_range(ScorePart("grounding", 1.0, 2.0, "Little.")) == ""


def test_parts_of_the_score_that_are_full_share_a_line() -> None:
    full = [ScorePart(name, 1.0, 1.0, f"Why {name}.", 1, 0.9, 1) for name in ("structure", "turn_count")]
    worst, bad = ScorePart("grounding", 0.2, 1.75, "Little."), ScorePart("length", 0.9, 1.0, "Long.")
    said = [line.plain for line in score_parts((full[0], bad, full[1], worst))]
    assert said[1:4:2] == ["Little.", "Long."]  # worst first
    assert said[4:] == ["━━━━━━ 2 parts full  structure, turn count"]
    assert score_parts(()) == []
