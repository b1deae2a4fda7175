"""What an answer draws on is found by the words and numbers that it shares with a sentence of its source."""

from __future__ import annotations

from support import said
from traintui.quality.grounding import grounds
from traintui.quality.words import sentences

SOURCE = (
    "## Overdrafts\n\nAn arranged overdraft costs 12 dollars a month. Savings accounts earn interest every quarter.\n"
    "- An unarranged overdraft costs 5 dollars a day, at most 80 dollars."
)


def drawn(*contents: str) -> dict[int, list[str]]:
    found = grounds(said(*contents), SOURCE)
    return {place: [SOURCE[begin:end] for begin, end in places] for place, places in found.items()}


def test_an_answer_marks_the_sentence_that_it_repeats_in_other_words() -> None:
    found = drawn("What does it cost?", "Your arranged overdraft is 12 dollars each month.")
    assert found == {1: ["An arranged overdraft costs 12 dollars a month."]}


def test_each_answer_has_its_own_sentences_and_a_question_none() -> None:
    found = drawn(
        "Does an arranged overdraft cost 12 dollars?", "Savings earn interest each quarter.",
        "And unarranged?", "That overdraft costs 5 dollars a day, 80 dollars at the most.",
    )  # fmt: skip
    assert found == {
        1: ["Savings accounts earn interest every quarter."],
        3: ["- An unarranged overdraft costs 5 dollars a day, at most 80 dollars."],
    }


def test_what_shares_a_word_alone_draws_on_nothing() -> None:
    assert drawn("Hello?", "An overdraft is nothing to worry about, whatever happens to be in your letterbox.") == {}


def test_sentences_end_with_a_stop_or_a_line_and_not_within_a_number() -> None:
    text = "It costs 1.50 today. Ask J. Smith!  Really?\nA heading\n\n終わり。次"
    assert [text[begin:end] for begin, end in sentences(text)] == [
        "It costs 1.50 today.", "Ask J. Smith!", "Really?", "A heading", "終わり。", "次",
    ]  # fmt: skip
