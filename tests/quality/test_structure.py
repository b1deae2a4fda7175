from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.data.signatures import Nearest
from traintui.quality.structure import ScorePart, StructureScore, score
from traintui.quality.thresholds import DEFAULTS

SOURCE = """### Limits on overdraft fees

We do not charge for Courtesy Pay when your account is overdrawn by $20 or less at the end of the day. You also have a
same-day grace: bring the account back to zero by 6:00 pm on the business day of the overdraft and the fee is not
charged. We never charge more than two Courtesy Pay fees on one day, which makes $48 the most you can pay for a bad day.
Each item paid costs $24. An overdrawn balance must be repaid within 30 days.
"""


@dataclass(frozen=True)
class Said:
    role: str
    content: str


def said(*contents: str) -> list[Said]:
    return [Said(("user", "assistant")[number % 2], content) for number, content in enumerate(contents)]


GOOD = said(
    "Hi, my rent went out this morning and now my account says minus 64 dollars. Is that going to cost me?",
    "It may not. If you bring the account back to zero by 6:00 pm today, the same-day grace applies and no Courtesy "
    "Pay fee is charged. Otherwise the item that was paid costs $24.",
    "I can move some savings over at lunch, but maybe only 50 of the 64. Does that help at all?",
    "Yes, it does. There is no Courtesy Pay fee when your account is overdrawn by $20 or less at the end of the day, "
    "so a balance of minus $14 would not be charged either.",
    "Oh, that's a relief. And if a second payment comes in tonight, does it keep adding up?",
    "Only up to a point: we never charge more than two Courtesy Pay fees on one day, so $48 is the most a bad day can "
    "cost. Please also remember that the overdrawn balance has to be repaid within 30 days.",
)
POOR = said(
    "{{ user_message }}",
    "As an AI language model I cannot know that. As an AI language model I cannot know that",
    "ok",
    "As an AI language model I cannot know that",
)


def part(found: StructureScore, name: str) -> ScorePart:
    return next(part for part in found.parts if part.name == name)


def structure_of(*contents: str) -> ScorePart:
    return part(score(said(*contents), expected_turns=None, source=None), "structure")


def test_a_good_conversation_scores_above_eight() -> None:
    for source in (SOURCE, None):
        found = score(GOOD, expected_turns=range(4, 9), source=source)
        assert Decimal(8) <= found.total < Decimal(10), found


def test_a_poor_conversation_scores_below_five() -> None:
    for source in (SOURCE, None):
        assert score(POOR, expected_turns=range(6, 11), source=source).total < 5


def test_the_total_is_the_sum_of_the_parts_and_the_parts_can_reach_ten() -> None:
    for source in (SOURCE, None):
        found = score(GOOD, expected_turns=range(6, 7), source=source)
        assert sum(part.max_points for part in found.parts) == Decimal("10.00")
        assert sum(part.points for part in found.parts) == found.total
        assert str(found.total)[::-1].find(".") == 2


def test_without_a_source_grounding_and_language_are_left_out_and_their_weight_shared() -> None:
    names = [part.name for part in score(GOOD, expected_turns=None, source=None).parts]
    assert names == ["turn count", "turn length", "structure", "repetition"]
    assert [part.name for part in score(GOOD, expected_turns=None, source=" \n").parts] == names
    found = [part.name for part in score(GOOD, expected_turns=None, source=SOURCE).parts]
    assert found == ["turn count", "turn length", "structure", "grounding", "repetition", "language"]


def test_turns_outside_the_plan_cost_points_by_how_far_they_are_outside() -> None:
    counts = [
        part(score(GOOD, expected_turns=asked, source=None), "turn count")
        for asked in (range(4, 9), range(7, 9), range(8, 11), range(2, 4), range(12, 20))
    ]
    assert counts[0].points == counts[0].max_points
    assert counts[0].points > counts[1].points > counts[2].points > counts[4].points == 0
    assert 0 < counts[3].points < counts[0].points
    assert (counts[0].value, counts[0].low, counts[0].high) == (6, 4, 8)
    assert counts[0].sentence == "It has 6 turns; the plan asks for 4 to 8."


def test_turns_that_are_too_short_or_too_long_are_named() -> None:
    short = part(score(said("What is the fee for that?", "None."), expected_turns=None, source=None), "turn length")
    assert "turn 2 is too short (1 word)" in short.sentence
    long = part(score(said("What is it?", "word " * 2000), expected_turns=None, source=None), "turn length")
    assert "turn 2 is too long (2000 words)" in long.sentence
    assert long.points < long.max_points


@pytest.mark.parametrize(
    "residue",
    ["{{ name }}", "<brief>", "</turn>", "<|im_end|>", "[INST]", "{% if x %}", "[insert amount]", "Assistant: hello",
     "**User:** hello"],
)  # fmt: skip
def test_what_a_template_left_behind_is_a_flaw(residue: str) -> None:
    found = structure_of("What is the fee?", f"{residue} The fee is five dollars.")
    assert found.value >= 1
    assert found.points < found.max_points / 2
    assert "template" in found.sentence


def test_code_that_is_about_templates_is_no_residue() -> None:
    found = structure_of("How do I print a name?", "Write `{{ name }}`:\n\n```\n<system>{{ name }}</system>\n```")
    assert found.points == found.max_points


def test_an_answer_that_speaks_of_itself_as_a_machine_is_a_flaw() -> None:
    assert "machine" in structure_of("Why?", "As an AI, I have no opinion.").sentence
    assert structure_of("Are you one of them, as an AI?", "I help with accounts.").value == 0


def test_cut_text_is_a_flaw_and_a_list_or_a_link_is_not() -> None:
    assert "middle of a sentence" in structure_of("Why?", "Because the fee is").sentence
    assert "middle of a sentence" in structure_of("Why?", "Because of the fee, the").sentence
    for ending in ("- one\n- two", "1. one\n2. two", "See https://example.org/a", "**Done.**", "| a | b |", "Fine 🙂",
                   "(really.)", "好的。"):  # fmt: skip
        assert structure_of("Why?", ending).value == 0, ending


def test_roles_out_of_order_and_empty_turns_are_flaws() -> None:
    assert "does not end with the assistant" in structure_of("Why?", "So.", "And?").sentence.lower()
    assert "turn 2 is empty" in structure_of("Why?", "  ").sentence.lower()
    wrong = [Said("assistant", "Hi."), Said("assistant", "Hi.")]
    found = part(score(wrong, expected_turns=None, source=None), "structure")
    assert found.value == 2 and found.points < found.max_points / 2


def test_numbers_that_the_source_does_not_hold_cost_grounding() -> None:
    invented = said(
        "What does an overdraft cost me?", "Each Courtesy Pay item costs $35, and you have 90 days to repay."
    )
    true = said("What does an overdraft cost me?", "Each Courtesy Pay item costs $24, and you have 30 days to repay.")
    bad = part(score(invented, expected_turns=None, source=SOURCE), "grounding")
    good = part(score(true, expected_turns=None, source=SOURCE), "grounding")
    assert bad.points <= good.points / 2
    assert "0 of their 2 numbers, not 35, 90" in bad.sentence


def test_an_answer_about_something_else_is_not_grounded() -> None:
    away = said(
        "Any plans?", "Elephants migrate through northern savannas whenever seasonal rainfall replenishes rivers."
    )
    assert part(score(away, expected_turns=None, source=SOURCE), "grounding").points == 0


def test_what_the_user_said_and_numbers_in_words_are_supported() -> None:
    talk = said("I owe 64 dollars for my trombone.", "Bring back the 64 for the trombone, with 2 fees at most.")
    found = part(score(talk, expected_turns=None, source=SOURCE), "grounding")
    assert "2 of their 2 numbers" in found.sentence


def test_the_numbering_of_a_list_and_the_way_a_number_is_written_do_not_matter() -> None:
    talk = said("How?", "1. Pay 1,000.00 dollars.\n2. Wait.")
    assert (
        "words and their only number."
        in part(score(talk, expected_turns=None, source="pay 1000"), "grounding").sentence
    )


def test_repetition_costs_by_its_share() -> None:
    again = "I am sorry to hear about the trouble with your account today."
    echo = part(score(said("Why is that?", again, "But why?", again, "Why?", again), expected_turns=None, source=None),
                "repetition")  # fmt: skip
    fresh = part(score(GOOD, expected_turns=None, source=None), "repetition")
    assert echo.points < fresh.points / 2
    assert fresh.value <= fresh.high < echo.value


def test_the_nearest_other_conversation_costs_by_how_much_alike_it_is() -> None:
    found = score(GOOD, expected_turns=None, source=SOURCE)
    assert "closeness" not in [part.name for part in found.parts]
    alone, far, near, twin = (
        part(found.with_closeness(nearest), "closeness")
        for nearest in (None, Nearest("conv_a", 0.4), Nearest("conv_b", 0.7), Nearest("conv_c", 0.95))
    )
    assert alone.points == far.points == alone.max_points > near.points > twin.points == 0
    assert (near.value, near.low, near.high) == (0.7, 0, 0.5)
    assert near.sentence == "It is 70% alike with conv_b, the nearest other."
    whole = found.with_closeness(Nearest("conv_c", 0.95))
    assert sum(each.max_points for each in whole.parts) == Decimal("10.00")
    assert whole.total == sum(each.points for each in whole.parts) < found.total


def test_turns_in_another_language_than_the_source_are_counted_and_named() -> None:
    right = part(score(GOOD, expected_turns=None, source=SOURCE), "language")
    assert (right.points, right.value) == (right.max_points, 1)
    mixed = said(
        "What does it cost when my account is overdrawn at the end of the day?",
        "Wenn Sie das Konto bis 18 Uhr ausgleichen, wird die Gebühr nicht berechnet, und es kostet Sie nichts.",
    )
    found = part(score(mixed, expected_turns=None, source=SOURCE), "language")
    assert (found.value, found.low, found.high) == (0.5, 0.9, 1) and 0 < found.points < found.max_points
    assert found.sentence == ("1 of 2 turns are in English, like the source; others are in German.")


def test_what_is_good_and_what_it_weighs_can_be_set() -> None:
    strict = DEFAULTS.model_copy(update={"usual_turns": (8, 12), "repetition_weight": Decimal(0)})
    found = score(GOOD, expected_turns=None, source=SOURCE, thresholds=strict)
    assert "repetition" not in [each.name for each in found.parts]
    count = part(found, "turn count")
    assert (count.low, count.high) == (8, 12) and count.points < count.max_points
    assert sum(each.max_points for each in found.parts) == Decimal("10.00")


def test_no_turns_score_nothing() -> None:
    assert score([], expected_turns=range(4, 9), source=SOURCE).total == 0
    assert score([], expected_turns=None, source=None).total == 0


@settings(deadline=None)
@given(
    st.lists(st.builds(Said, st.sampled_from(["user", "assistant", "other"]), st.text(max_size=80)), max_size=8),
    st.none() | st.builds(range, st.integers(0, 9), st.integers(0, 9)),
    st.none() | st.text(max_size=80),
)
def test_any_conversation_scores_between_zero_and_ten_with_a_sentence_for_each_part(
    turns: list[Said], expected: range | None, source: str | None
) -> None:
    found = score(turns, expected_turns=expected, source=source)
    assert 0 <= found.total <= 10
    assert found == score(turns, expected_turns=expected, source=source)
    for each in found.parts:
        assert 0 <= each.points <= each.max_points
        assert each.sentence.endswith(".")
