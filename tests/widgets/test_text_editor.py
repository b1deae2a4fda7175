"""Stored text is edited without a sign of it acting on the terminal, being lost, or becoming another."""

from __future__ import annotations

import pytest
from textual._cells import cell_len

from traintui.widgets.text_editor import meant_by, standing_in

ODD = [
    "".join(map(chr, range(0x80, 0x100))),
    "".join(map(chr, (*range(0x09), *range(0x0B, 0x20), 0x7F))),
    "\r\n\u2028\u2029\x0b\x0c\x1c\x85",
    "\u202eabc\u2066 \u200b\u200d\ufeff",
    "\U000e0041\U000e007f\U000f001b",
    "👩\u200d👩\u200d👧 👍🏽 e\u0301",
]


@pytest.mark.parametrize("stored", ODD)
def test_every_sign_comes_back_as_it_was(stored: str) -> None:
    assert meant_by(standing_in(stored)) == stored


@pytest.mark.parametrize("stored", ODD)
def test_a_stand_in_has_one_cell_and_ends_no_line(stored: str) -> None:
    edited = standing_in(stored)
    assert len(edited) == len(stored)
    assert edited.splitlines() == edited.split("\n")
    assert all(cell_len(now) == 1 for was, now in zip(stored, edited, strict=True) if was != now)
