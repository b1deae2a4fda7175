"""What checks complain about names the turn, so that a reader can go there."""

from __future__ import annotations

from decimal import Decimal

from support import said
from traintui.quality.complaints import complaints
from traintui.quality.thresholds import Thresholds

SOURCE = "An arranged overdraft costs 12 dollars a month. It is charged on the first business day of the month."
ANSWER = "An arranged overdraft costs 12 dollars a month, and it is charged on the first business day of the month."


def found(*contents: str, source: str | None = SOURCE, thresholds: Thresholds | None = None) -> list[tuple[int, str]]:
    made = complaints(said(*contents), source, thresholds or Thresholds())
    return [(complaint.place, complaint.says) for complaint in made]


def places(*contents: str) -> list[int]:
    """Of the turns with too few words of the source."""
    return [place for place, says in found(*contents) if "of its words are in the source" in says]


def test_a_sound_conversation_has_no_complaints() -> None:
    assert found("What does an overdraft cost me?", ANSWER) == []


def test_damage_is_named_where_it_is() -> None:
    damaged = "Nobody pays anything else than that, whoever asks politely and however late it gets {{ name"
    assert found("What does an overdraft cost me?", ANSWER, "Why is that so?", damaged) == [
        (3, "holds what a template left (“{{”)"), (3, "ends in the middle of a sentence"),
    ]  # fmt: skip


def test_a_number_that_neither_source_nor_user_said_is_named() -> None:
    answer = "An arranged overdraft costs 99 dollars a month, and it is charged 14 days later to you, on business days."
    assert found("May I pay after 14 days from now?", answer) == [(1, "99 is not in the source")]
    assert found("May I pay after 14 days from now?", answer, source=None) == []


def test_what_only_closes_a_conversation_is_not_held_against_the_source() -> None:
    closing = (
        "Somebody at the branch can check your own situation. Mention that the leaflet leaves this open, so that nobody"
        " just reads the same page back to you, and please return whenever another question bothers you."
    )
    before = ("What does an overdraft cost me?", ANSWER)
    assert found(*before, "Thanks, that is clear. Who has the last word on that?", closing) == []
    # Held against it is what answers the question, what is followed by another one, and what is all that was answered.
    assert places(*before, "Does the leaflet say so?", closing) == [3]
    assert places(*before, "Who has the last word?", closing, "Why is that so?", ANSWER) == [3]
    assert places("Who has the last word?", closing) == [1]


def test_a_turn_of_another_length_or_language_is_named() -> None:
    german = "Das ist nicht der Preis, den wir auf der Seite haben, und es ist auch nicht das, was Sie zahlen."
    places = dict(found("Why", german))
    assert places[0] == "has 1 word: too short, less than 3"
    assert (1, "is in German, its source in English") in found("Why", german)


def test_a_part_that_weighs_nothing_is_not_asked() -> None:
    assert found("Why", ANSWER, thresholds=Thresholds(turn_length_weight=Decimal(0))) == []
