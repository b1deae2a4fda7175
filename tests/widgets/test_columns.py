"""Columns share a view by what they have to say."""

from __future__ import annotations

from textual.content import Content

from traintui.widgets.columns import READABLE, Column, cell_of, laid_out

SCORE: Column[str] = Column("Score", 10, lambda row: Content(f" 9.9 {row}"), slim=5)
PERSONA: Column[str] = Column("Persona", 18, Content, most=28)
OPENING: Column[str] = Column("Opening", 0, Content, least=14)


def widths(view: int) -> list[int]:
    return [width for _, width in laid_out((SCORE, PERSONA, OPENING), view, 0)]


def test_a_bar_gives_way_to_an_opening_that_would_say_nothing() -> None:
    assert widths(10 + 18 + 6 + READABLE - 1) == [5, 22, READABLE]
    assert widths(10 + 18 + 6 + READABLE) == [10, 18, READABLE]
    assert cell_of(SCORE, "━━━━━", 5).plain == " 9.9 " and cell_of(SCORE, "━━━━━", 10).plain == " 9.9 ━━━━━"


def test_long_labels_get_room_once_the_opening_can_be_read() -> None:
    assert widths(10 + 18 + 6 + READABLE + 7) == [10, 25, READABLE]
    assert widths(10 + 28 + 6 + READABLE + 40) == [10, 28, READABLE + 40]


def test_an_opening_is_never_narrower_than_it_may_be() -> None:
    assert widths(30) == [5, 18, 14]
