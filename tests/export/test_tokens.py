"""Tokens: an estimate says that it is one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.errors import TraintuiError
from traintui.export import tokens
from traintui.export.tokens import Estimate, counter_of
from traintui.generation import estimate


def test_the_app_estimates_tokens_in_one_way() -> None:
    assert tokens.CHARACTERS_PER_TOKEN == estimate.CHARACTERS_PER_TOKEN
    counter = counter_of(None)
    assert counter.is_estimate and counter.name == "estimate" and counter.count("a" * 9) == 3


@given(st.text(), st.integers(-5, 500))
def test_so_many_tokens_are_so_many_characters_and_never_more_than_there_are(content: str, count: int) -> None:
    place = Estimate().character_at(content, count)
    assert 0 <= place <= len(content) and Estimate().count(content[:place]) <= max(0, count)


def test_a_tokenizer_that_cannot_be_read_is_an_answer_and_no_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(TraintuiError, match=r"traintui\[tokenizers\]"):
        counter_of(tmp_path)
