"""Tokens: an estimate says that it is one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.export import tokens
from traintui.export.tokens import Estimate, NoTokenizer, Remembering, counter_of, counting_of
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
    with pytest.raises(NoTokenizer, match="is not on this machine"):
        counter_of(tmp_path)
    with pytest.raises(NoTokenizer, match="is not on this machine"):
        counter_of(Path("~nobody-of-this-name/tokenizer.json"))
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(NoTokenizer, match=r"traintui\[tokenizers\]"):
        counter_of(tmp_path)


def test_where_a_workspace_names_a_tokenizer_that_is_not_here_an_estimate_counts_and_says_so(tmp_path: Path) -> None:
    assert counting_of(None).instead is None
    counting = counting_of(tmp_path / "llama" / "tokenizer.json")
    assert counting.counter.is_estimate
    assert counting.instead == ("Tokens are estimated: the workspace's tokenizer, llama, is not on this machine.")


def test_one_text_is_counted_once_for_several_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    class Noting(Estimate):
        def count(self, content: str) -> int:
            counted.append(content)
            return super().count(content)

    counter = Remembering(Noting())
    assert [counter.count("abcde") for _ in range(3)] == [2, 2, 2] and counted == ["abcde"]
    assert counter.is_estimate and counter.name == "estimate" and counter.character_at("abcde", 1) == 4
