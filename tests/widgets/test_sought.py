"""Words are found in what is said, whatever Markdown stands around them."""

from __future__ import annotations

import re

import pytest

from traintui.data.records import Turn
from traintui.widgets.sought import filtered, typed
from traintui.widgets.transcript_layout import Layout, blocks_of


def found(sought: re.Pattern[str] | None, *contents: str, width: int = 40) -> list[tuple[int, str]]:
    layout = Layout(
        list(blocks_of([Turn(n, "user" if n % 2 else "assistant", c) for n, c in enumerate(contents, 1)], None)), width
    )
    assert sought is not None
    return [
        (layout.line_of(match), layout.blocks[match.block].content.plain[match.start : match.end])
        for match in layout.find(sought)
    ]


def test_what_is_typed_is_found_across_markdown_and_cases() -> None:
    assert found(typed("fees  are"), "The **Fees** are high, fees *are*.\n`fees are`") == [
        (1, "Fees are"), (1, "fees are"), (2, "fees are"),
    ]  # fmt: skip
    assert found(typed("here (https"), "Look [here](https://example.org)") == [(1, "here (https")]
    assert typed("  ") is None


def test_a_match_is_on_the_line_on_which_it_is_drawn() -> None:
    turn = "- " + "many words that fill lines " * 6 + "needle and more"
    layout = Layout(list(blocks_of([Turn(1, "user", turn)], None)), 30)
    sought = typed("needle")
    assert sought is not None
    (match,) = layout.find(sought)
    line = layout.line(layout.line_of(match))
    assert line is not None and "needle" in line[1].plain


@pytest.mark.parametrize(
    ("asked", "text", "marks"),
    [
        ("fee", "A fee, two fees, the fee's end, and what you feel.", ["fee", "fees", "fee's"]),
        ("roth ira", "Roth IRA, roth-iras, a roth and an ira.", ["Roth IRA", "roth-iras"]),
        ("over*", "Overdraft over it, cover.", ["Overdraft", "over"]),
        ("50%", "About 50 and 50%.", ["50", "50"]),
        ("%", "About 50%.", ["%"]),
    ],
)
def test_words_of_the_filter_are_marked_in_all_their_forms(asked: str, text: str, marks: list[str]) -> None:
    assert [mark for _, mark in found(filtered([asked]), text, width=90)] == marks


def test_a_filter_without_words_marks_nothing() -> None:
    assert filtered([]) is None
