"""Words are the same whether a text is of ASCII or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from traintui.quality.words import words

ASCII = st.text(st.characters(max_codepoint=127)) | st.text("aB9_' -.\n\x1f", max_size=12)


@given(ASCII)
def test_a_text_has_the_same_words_beside_one_of_another_script(text: str) -> None:
    assert [*words(text), "ä"] == list(words(f"{text} Ä"))


def test_words_have_their_apostrophes_and_no_more() -> None:
    assert list(words("Don't say 'no' 2x, O'Neil_s!")) == ["don't", "say", "no", "2x", "o'neil", "s"]
