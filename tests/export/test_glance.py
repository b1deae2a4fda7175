"""What passes at a glance passes when it is looked at, and is written as its format writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training_records import fetched_of, record_with, trainable
from traintui.data.records import Turn
from traintui.export.formats import FORMATS, Format
from traintui.export.glance import OPENS, texts_at_a_glance
from traintui.export.preflight import preflight
from traintui.export.record import Shape, TrainingRecord
from traintui.export.rules import MEDIA_TOKENS, SPECIAL_TOKENS
from traintui.export.skeletons import Skeletons
from traintui.export.tokens import Estimate

ODD = [
    "", " ", "\n\t", "\xa0", "a", "ä <s>", "[INST]", "<image>", 'x", ', '", "', "\\", "\\r", "a\r\nb", "%b", "@text 1@",
    "word " * 600,
]  # fmt: skip
TEXTS = (
    st.sampled_from(ODD)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9)
    | st.text('", \\a', max_size=6)
)
SUPERVISED = sorted(name for name, format in FORMATS.items() if format.kind == "supervised")
SHAPES = st.builds(Shape, st.booleans(), st.booleans(), st.booleans())


def glance(record: TrainingRecord, format: Format, limit: int | None = None) -> Sequence[bytes] | None:
    return texts_at_a_glance(fetched_of(record), format, limit, estimates=True)


def alternating(contents: list[tuple[str, bool]], prompt: str | None) -> TrainingRecord:
    untrained = tuple(number for number, (_, train) in enumerate(contents, 1) if not train)
    return record_with(*(content for content, _ in contents), untrained=untrained, system_prompt=prompt)


TRAINED = st.sampled_from([True, True, True, False])
ANY_RECORD = st.builds(alternating, st.lists(st.tuples(TEXTS, TRAINED), max_size=6), st.none() | TEXTS)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(ANY_RECORD, st.sampled_from(sorted(FORMATS)))
def test_nothing_that_a_rule_is_about_passes_at_a_glance(record: TrainingRecord, name: str) -> None:
    if glance(record, FORMATS[name]) is not None:
        assert preflight(record, FORMATS[name], Estimate()).findings == ()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=400)
@given(ANY_RECORD | trainable(), SHAPES, st.sampled_from(SUPERVISED))
def test_what_passes_at_a_glance_is_written_as_its_format_writes_it(
    record: TrainingRecord, shape: Shape, name: str
) -> None:
    texts = glance(record, FORMATS[name], 10**6)
    if texts is not None:
        row = Skeletons(FORMATS[name], shape).row(record.system_prompt, texts)
        assert row is None or [row] == [orjson.dumps(row) for row in FORMATS[name].write(record, shape).rows]


@pytest.mark.parametrize("name", SUPERVISED)
def test_every_format_of_supervised_training_has_a_skeleton(name: str) -> None:
    few = record_with("A question?", "An answer.", system_prompt="Be kind.")
    for record in (few, replace(few, system_prompt=None)):
        texts = glance(record, FORMATS[name])
        assert texts is not None
        row = Skeletons(FORMATS[name], Shape(system=True)).row(record.system_prompt, texts)
        assert row == orjson.dumps(FORMATS[name].write(record, Shape(system=True)).rows[0])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(trainable(), st.integers(1, 60))
def test_a_length_that_passes_at_a_glance_is_no_longer_than_the_limit(record: TrainingRecord, limit: int) -> None:
    for name in ("trl", "axolotl", "llama-factory"):
        if glance(record, FORMATS[name], limit) is not None:
            assert preflight(record, FORMATS[name], Estimate(), limit=limit).passes


@pytest.mark.parametrize("name", ["openai", "trl", "axolotl", "llama-factory", "together", "bedrock", "gemini"])
def test_what_most_conversations_are_like_passes_at_a_glance(name: str) -> None:
    record = record_with("A “question”?", 'An\n"answer".', "And?", "Ä.", system_prompt="Be kind.")
    assert glance(record, FORMATS[name]) is not None


def test_a_count_of_tokens_is_never_guessed() -> None:
    assert texts_at_a_glance(fetched_of(record_with("a", "b")), FORMATS["trl"], None, estimates=False) is None


@pytest.mark.parametrize("turns", [(Turn(1, "user", "a"),), (Turn(1, "user", "a"), Turn(2, "assistant", "b", False))])
def test_half_an_exchange_and_what_is_not_trained_on_are_looked_at(turns: tuple[Turn, ...]) -> None:
    assert glance(replace(record_with("a", "b"), turns=turns), FORMATS["openai"]) is None


def test_every_token_of_a_template_begins_as_the_glance_expects() -> None:
    assert {token[0] for token in (*SPECIAL_TOKENS, *MEDIA_TOKENS)} == set(OPENS)
