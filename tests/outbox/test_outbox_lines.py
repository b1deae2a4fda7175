"""What is written down is read again, whatever was cut off or stands between."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.data.records import Turn
from traintui.outbox.presses import Decision, Edit, Ended, Flag, Press, Undo, line_of, read_lines

few = settings(max_examples=40)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
moments = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(1, 2**62)
roles = st.sampled_from(["user", "assistant"])
turns = st.builds(Turn, st.integers(1, 200), roles, st.text(max_size=80), st.booleans())
presses = st.one_of(
    st.builds(
        Decision, keys, moments, keys, st.sampled_from(["approve", "reject", "reopen"]), st.integers(1, 2**31 - 1),
        st.none() | numbers, st.none() | st.text(max_size=80), st.none() | st.text(max_size=500),
        st.none() | st.integers(1, 200), st.none() | st.integers(0, 2**31 - 1),
    ),
    st.builds(
        Edit, keys, moments, keys, st.integers(1, 2**31 - 1), st.none() | numbers, st.none() | st.text(max_size=80),
        st.lists(turns, max_size=4).map(tuple), keys, st.none() | st.integers(1, 200), st.none() | st.text(max_size=80),
        st.text(max_size=20), st.text(max_size=80), st.text(max_size=80), st.none() | keys,
    ),
    st.builds(Flag, keys, moments, keys, st.booleans()),
    st.builds(Undo, keys, moments, keys, st.none() | numbers, st.none() | keys),
)  # fmt: skip
written = st.lists(presses, max_size=12, unique_by=lambda press: press.key)


@few
@given(written, st.data())
def test_what_has_not_ended_is_read_in_its_order(pressed: list[Press], data: st.DataObject) -> None:
    ended = data.draw(st.sets(st.sampled_from([press.key for press in pressed]) if pressed else st.nothing()))
    lines = [line_of(press) for press in pressed] + [line_of(Ended(key, "saved")) for key in ended]
    assert all(line.count(b"\n") == 1 for line in lines)
    read = read_lines(b"".join(lines))
    assert read.presses == tuple(press for press in pressed if press.key not in ended)
    assert read.unread == ()


@few
@given(written, st.data())
def test_a_file_that_was_cut_off_anywhere_holds_all_before_the_cut(pressed: list[Press], data: st.DataObject) -> None:
    lines = [line_of(press) for press in pressed]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    read = read_lines(whole[:cut])
    certain = sum(1 for place in range(len(lines)) if sum(map(len, lines[: place + 1])) <= cut)
    assert list(read.presses[:certain]) == pressed[:certain]
    assert len(read.presses) <= certain + 1, "the last line may be there but for its end"
    assert list(read.presses) == pressed[: len(read.presses)]
    assert read.unread == ()


@few
@given(written, st.binary(max_size=200), st.data())
def test_what_is_no_press_is_set_aside_and_takes_nothing_with_it(
    pressed: list[Press], rubbish: bytes, data: st.DataObject
) -> None:
    lines = [line_of(press) for press in pressed]
    lines.insert(data.draw(st.integers(0, len(lines))), b"{" + rubbish.replace(b"\n", b"") + b"\n")
    read = read_lines(b"".join(lines))
    assert list(read.presses) == pressed
    assert len(read.unread) == 1


def test_a_note_is_written_as_the_database_can_hold_it() -> None:
    pressed = Decision("k", datetime(2026, 11, 1, tzinfo=UTC), "c", "reject", 1, None, note="half \ud800 and \0")
    (read,) = read_lines(line_of(pressed)).presses
    assert read == pressed
    assert isinstance(read, Decision) and read.note == "half \ufffd and \ufffd"


def test_a_press_of_a_later_traintui_is_set_aside_and_not_guessed_at() -> None:
    read = read_lines(b'{"kind":"merge","key":"k","conversation_id":"c"}\n')
    assert (read.presses, len(read.unread)) == ((), 1)
