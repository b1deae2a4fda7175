"""What passes at a glance passes when it is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training_records import record_with, trainable
from traintui.data.records import Turn
from traintui.export.formats import FORMATS, Format
from traintui.export.glance import OPENS, passes_at_a_glance
from traintui.export.preflight import preflight
from traintui.export.record import TrainingRecord
from traintui.export.rules import MEDIA_TOKENS, SPECIAL_TOKENS
from traintui.export.tokens import Estimate

ANY_TURN = st.builds(
    Turn, st.integers(1, 9), st.sampled_from(["user", "assistant"]),
    st.sampled_from(["", " ", "a", "\0", "\ud800", "ä <s>", "[INST]", "<image>", "word " * 600]), st.booleans(),
)  # fmt: skip


def glance(record: TrainingRecord, format: Format) -> bool:
    return passes_at_a_glance(record, format, None, estimates=True)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANY_TURN, max_size=5), st.sampled_from([None, "", "\0", "Be kind."]), st.sampled_from(sorted(FORMATS)))
def test_nothing_that_a_rule_is_about_passes_at_a_glance(turns: list[Turn], prompt: str | None, name: str) -> None:
    record = replace(record_with("a", "b"), turns=tuple(turns), system_prompt=prompt)
    if glance(record, FORMATS[name]):
        assert preflight(record, FORMATS[name], Estimate()).findings == ()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(trainable(), st.integers(1, 60))
def test_a_length_that_passes_at_a_glance_is_no_longer_than_the_limit(record: TrainingRecord, limit: int) -> None:
    for name in ("trl", "axolotl", "llama-factory"):
        if passes_at_a_glance(record, FORMATS[name], limit, estimates=True):
            assert preflight(record, FORMATS[name], Estimate(), limit=limit).passes


@pytest.mark.parametrize("name", ["openai", "trl", "axolotl", "llama-factory", "together", "bedrock", "gemini"])
def test_what_most_conversations_are_like_passes_at_a_glance(name: str) -> None:
    assert glance(record_with("A question?", "An answer.", "And?", "Ä.", system_prompt="Be kind."), FORMATS[name])


def test_a_count_of_tokens_is_never_guessed() -> None:
    assert not passes_at_a_glance(record_with("a", "b"), FORMATS["trl"], None, estimates=False)


def test_every_token_of_a_template_begins_as_the_glance_expects() -> None:
    assert {token[0] for token in (*SPECIAL_TOKENS, *MEDIA_TOKENS)} == set(OPENS)
