"""Choices with a key each: as few lines as the room allows, and each of them whole."""

from __future__ import annotations

from textual.content import Content

from traintui.widgets.key_menu import Choice, lines

REASONS = [Choice(str(digit), Content(f"Reason {digit}")) for digit in range(1, 10)]
LONG = Choice("m", Content("Merge turns 1 and 2 with the next exchange"))


def drawn(choices: list[Choice], width: int) -> list[str]:
    return [line.plain.rstrip() for line in lines(choices, width)]


def test_where_there_is_room_two_columns_are_read_down_and_then_across() -> None:
    assert drawn(REASONS, 76) == [
        " 1  Reason 1" + " " * 27 + " 6  Reason 6",
        " 2  Reason 2" + " " * 27 + " 7  Reason 7",
        " 3  Reason 3" + " " * 27 + " 8  Reason 8",
        " 4  Reason 4" + " " * 27 + " 9  Reason 9",
        " 5  Reason 5",
    ]


def test_a_narrow_menu_is_one_column() -> None:
    assert drawn(REASONS, 42) == [f" {digit}  Reason {digit}" for digit in range(1, 10)]


def test_what_does_not_fit_goes_on_below_its_beginning() -> None:
    assert drawn([LONG], 34) == [" m  Merge turns 1 and 2 with the", "    next exchange"]


def test_two_columns_that_would_take_no_fewer_lines_are_not_made() -> None:
    long = [Choice(key, Content("word " * 24)) for key in "ab"]
    assert [line[:5] for line in drawn(long, 76)] == [" a  w", "    w", " b  w", "    w"]
