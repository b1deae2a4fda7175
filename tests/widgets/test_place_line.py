"""The line that says where one is leaves out what does not fit, and cuts nothing."""

from __future__ import annotations

from textual.content import Content

from traintui.widgets.place_line import fitting

PARTS = [Content(said) for said in ("17 of 40 waiting", "rehearsal", "revision 2", "c-0bgd6468rvv6")]


def shown(room: int) -> list[str]:
    return [part.plain for part in fitting(PARTS, room)]


def test_what_does_not_fit_whole_is_left_out() -> None:
    assert shown(58) == ["17 of 40 waiting", "rehearsal", "revision 2", "c-0bgd6468rvv6"]
    assert shown(57) == ["17 of 40 waiting", "rehearsal", "revision 2"]
    assert shown(30) == ["17 of 40 waiting", "rehearsal"]


def test_what_must_be_said_is_cut_and_not_left_out() -> None:
    assert [part.plain for part in fitting(PARTS, 5)] == ["17 o…"]
    assert [part.plain for part in fitting(PARTS, 40, needed=4)] == ["17 of 40 waiting", "rehearsal", "revision…"]
    assert [part.plain for part in fitting(PARTS, 24, needed=4)] == ["17 of 40 waiting"]  # five cells say nothing


def test_all_of_it_is_there_before_the_room_is_known() -> None:
    assert len(shown(0)) == len(PARTS)
