"""The lens: what a target makes of a conversation, and the few words of it on the review screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_records import record_with, trainable, turns_of
from traintui.data.records import Turn
from traintui.export.formats import FORMATS
from traintui.export.lens import SYSTEM, Lens, lens_of, lenses_of, stored_place
from traintui.export.preflight_words import by_default, learns, objections
from traintui.export.record import TrainingRecord, plain
from traintui.export.tokens import CHARACTERS_PER_TOKEN, MESSAGE_TOKENS, Estimate

SUPERVISED = [format for format in FORMATS.values() if format.kind == "supervised"]


def of_tokens(*tokens: int) -> list[str]:
    return ["x" * ((count - MESSAGE_TOKENS) * CHARACTERS_PER_TOKEN) for count in tokens]


def lens(format: str, *contents: str, limit: int | None = None, **given: object) -> Lens:
    return lens_of(record_with(*contents, **given), FORMATS[format], Estimate(), limit)  # type: ignore[arg-type]


def said(*lenses: Lens) -> list[str]:
    return [objection.says for objection in objections(lenses)]


def test_who_trains_on_answers_learns_nothing_from_users_and_the_system_prompt() -> None:
    seen = lens("openai", "A question?", "An answer.", "Another?", "One more.", system_prompt="Be brief.")
    assert [fate.trained for fate in seen.turns] == [False, True, False, True]
    assert seen.system is not None and not seen.system.trained and seen.system.read is None
    assert seen.stops == () and said(seen) == []
    assert [fate.until for fate in seen.turns][-1] == seen.result.tokens


def test_who_trains_on_every_turn_learns_from_all_of_it() -> None:
    seen = lens("trl", "A question?", "An answer.", system_prompt="Be brief.")
    assert seen.system is not None and all(fate.trained for fate in (seen.system, *seen.turns))


def test_an_answer_that_is_marked_is_left_out_where_the_target_knows_marks_and_learned_from_where_it_does_not() -> None:
    contents = ("A question?", "An answer.", "Another?", "One more.")
    honoured = lens("axolotl", *contents, untrained=(2,))
    assert not honoured.turns[1].trained and not honoured.turns[1].overrides
    passed_over = lens("llama-factory", *contents, untrained=(2,))
    assert passed_over.turns[1].trained and passed_over.turns[1].overrides
    assert not passed_over.turns[3].overrides


def test_the_last_answer_alone_is_learned_from_where_that_is_the_format() -> None:
    seen = lens("trl-prompt-completion", "A?", "B.", "C?", "D.")
    assert [fate.trained for fate in seen.turns] == [False, False, False, True]


def test_the_line_stands_in_the_turn_and_at_the_character_where_the_trainer_cuts() -> None:
    seen = lens("trl", *of_tokens(100, 100, 100, 100), limit=250)
    (stop,) = seen.stops
    assert (stop.place, stop.character) == (2, 45 * CHARACTERS_PER_TOKEN)
    assert stop.says == "TRL stops at 250 tokens: turn 3 is cut, the turn after it is lost"
    assert [fate.read for fate in seen.turns] == [None, None, 45 * CHARACTERS_PER_TOKEN, 0]
    assert seen.turns[3].is_lost and not seen.turns[3].trained
    assert said(seen) == ["TRL cuts at turn 3"]


def test_the_line_stands_before_a_turn_of_which_nothing_is_left() -> None:
    seen = lens("trl", *of_tokens(100, 100, 100, 100), limit=200)
    assert [(stop.place, stop.character) for stop in seen.stops] == [(2, 0)]
    assert said(seen) == ["TRL cuts before turn 3"]


def test_a_cut_in_the_system_prompt_loses_every_turn() -> None:
    seen = lens("trl", "A?", "B.", limit=20, system_prompt="x" * 400)
    assert [(stop.place, stop.character) for stop in seen.stops] == [(SYSTEM, 60)]
    assert seen.system is not None and seen.system.read == 60 and all(fate.is_lost for fate in seen.turns)
    assert said(seen) == ["TRL cuts in the system prompt"]


def test_what_is_dropped_has_its_line_on_top_and_nothing_is_left() -> None:
    seen = lens("axolotl", *of_tokens(400, 400), system_prompt="Be brief.")
    assert [(stop.place, stop.character) for stop in seen.stops] == [(SYSTEM, 0)]
    assert seen.stops[0].says == "Axolotl takes 512 tokens: all of this is dropped without a word"
    assert seen.system is not None and seen.system.is_lost and all(fate.is_lost for fate in seen.turns)
    assert said(seen) == ["Axolotl drops it as too long"]


def test_a_pair_that_is_shortened_on_both_sides_has_two_lines() -> None:
    seen = lens("llama-factory", *of_tokens(1000, 1000), limit=500)
    assert [stop.place for stop in seen.stops] == [0, 1] and seen.stops[1].says == "LLaMA-Factory stops here too"
    assert [fate.read for fate in seen.turns] == [stop.character for stop in seen.stops]


def test_refusals_are_said_first_with_turn_and_key_and_targets_that_say_the_same_are_named_together() -> None:
    record = record_with(*of_tokens(200, 200, 200))
    targets = [(FORMATS[name], None) for name in ("trl", "unsloth", "together", "mistral")]
    lenses = lenses_of(record, targets, Estimate())
    found = objections(lenses)
    assert [(each.says, each.turn, each.key) for each in found] == [
        ("TRL, Unsloth, Together and Mistral refuse: ends with the user, turn 3", 3, "E")
    ]
    cut = objections(lenses_of(record_with(*of_tokens(600, 600)), [(FORMATS["trl"], None), *targets[2:]], Estimate()))
    assert [(each.says, each.key, each.is_refusal) for each in cut] == [("TRL cuts at turn 2", "e", False)]


@pytest.mark.parametrize(
    ("turns", "format", "says"),
    [
        (turns_of("A?", "  "), "together", "Together refuses: turn 2 is empty"),
        (turns_of("A?", "b\0"), "openai", "OpenAI refuses: turn 2 holds what no file can hold"),
        (turns_of("A?", "B.", untrained=(2,)), "mistral", "Mistral refuses: no answer is to be trained on"),
        (turns_of("A?", "B. <|im_end|>"), "trl", "TRL breaks off in turn 2, at a token of a template"),
        ((Turn(1, "assistant", "B."), Turn(2, "user", "A?"), Turn(3, "assistant", "C.")), "bedrock",
         "Bedrock refuses: begins with the assistant"),
        (turns_of("A?"), "gemini", "Gemini refuses: it has no exchange"),
    ],
)  # fmt: skip
def test_each_reason_has_few_words(turns: tuple[Turn, ...], format: str, says: str) -> None:
    record = TrainingRecord("c-1", 1, "generated", None, turns)
    assert said(lens_of(record, FORMATS[format], Estimate())) == [says]


def test_the_system_prompt_is_named_where_it_is_what_the_target_refuses() -> None:
    assert said(lens("openai", "A?", "B.", system_prompt="a\0")) == [
        "OpenAI refuses: the system prompt holds what no file can hold"
    ]


def test_every_supervised_format_says_what_it_trains_on_and_what_it_does_by_default() -> None:
    words = {format.name: (learns(format), by_default(format)) for format in SUPERVISED}
    assert words["trl"] == ("every turn", "cuts beyond 1,024 tokens")
    assert words["axolotl"] == ("answers; knows marks", "drops beyond 512 tokens")
    assert words["bedrock"] == ("answers", "")


@given(st.text("a\r\n", max_size=30))
def test_a_place_in_a_training_file_is_the_same_character_as_stored(content: str) -> None:
    for character in range(len(plain(content)) + 1):
        at = stored_place(content, character)
        assert plain(content[:at]) == plain(content)[:character]


@given(trainable(), st.sampled_from(SUPERVISED), st.integers(8, 400))
def test_the_lens_reads_up_to_its_lines_and_learns_from_nothing_behind_them(
    record: TrainingRecord, format: object, limit: int
) -> None:
    seen = lens_of(record, format, Estimate(), limit)  # type: ignore[arg-type]
    assert len(seen.turns) == len(record.turns) and sum(fate.tokens for fate in seen.turns) <= seen.result.tokens
    assert bool(seen.stops) == (seen.result.cut is not None)
    for fate, turn in zip(seen.turns, record.turns, strict=True):
        assert fate.read is None or 0 <= fate.read <= len(turn.content)
        assert not (fate.is_lost and fate.trained)
    if seen.stops:
        assert any(fate.read is not None for fate in (*seen.turns, *([seen.system] if seen.system else [])))
