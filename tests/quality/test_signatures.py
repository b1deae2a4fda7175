"""Signatures: the same words, the same bytes, on every machine; and how far alike they say two texts are."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.data.signatures import similarity
from traintui.quality.signatures import NUMBERS, signature

TALK = ("Why was I charged $24 on Monday?", "Your balance was below zero at the end of the day, so the fee applied.")


def test_the_same_words_have_the_same_signature_on_every_machine() -> None:
    """Signatures are kept: a library that hashes in another way makes all that are stored worthless."""
    assert signature(TALK)[:12].hex() == "eae9492619c934bfbd5a7a4c"
    assert (
        hashlib.sha256(signature(TALK)).hexdigest()
        == "6df169ada187d6ae5601295fd5e95479a095d98e707d0dc3b6ae38f706d34f73"
    )
    assert len(signature(TALK)) == NUMBERS * 2 == 240


def test_case_blanks_and_the_order_of_turns_do_not_matter_and_words_do() -> None:
    assert signature([text.upper().replace(" ", "\n ") for text in reversed(TALK)]) == signature(TALK)
    assert signature([TALK[0], TALK[1] + " Sorry."]) != signature(TALK)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_similarity_is_about_the_share_of_phrases_that_two_have_in_common(share: float) -> None:
    luck = random.Random(3)
    off: list[float] = []
    for _ in range(60):
        said = [f"word{luck.random()}" for _ in range(300)]
        kept = int(len(said) * 2 * share / (1 + share))
        other = said[:kept] + [f"other{luck.random()}" for _ in range(len(said) - kept)]
        one, two = (set(zip(text, text[1:], text[2:], strict=False)) for text in (said, other))
        true = len(one & two) / len(one | two)
        off.append(similarity(signature([" ".join(said)]), signature([" ".join(other)])) - true)
    assert abs(sum(off) / len(off)) < 0.02 and max(map(abs, off)) < 0.15


@given(st.binary(min_size=240, max_size=240), st.lists(st.integers(0, 119)), st.integers(1, 0xFFFF))
def test_similarity_is_the_share_of_numbers_that_are_the_same(one: bytes, places: list[int], change: int) -> None:
    other = array("H", one)
    for place in places:
        other[place] ^= change
    same = sum(mine == its for mine, its in zip(array("H", one), other, strict=True))
    assert similarity(one, other.tobytes()) == same / NUMBERS


def test_what_has_no_words_is_alike_only_with_itself() -> None:
    assert similarity(signature(["🙂"]), signature(["🙂"])) == 1
    assert similarity(signature(["🙂"]), signature(["🙁"])) < 0.05
    assert similarity(signature(["Yes."]), signature(["No."])) < 0.05


def test_only_the_worker_loads_the_library() -> None:
    code = (
        "import sys, traintui.app, traintui.importing.store, traintui.quality.structure;"
        " assert 'rensa' not in sys.modules and 'anthropic' not in sys.modules;"
        " import traintui.generation.worker; assert 'rensa' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
