"""What a reviewer sees next, whatever happens to the queue meanwhile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from traintui.screens.review_queue import ReviewQueue


def queue_of(*ids: str) -> ReviewQueue:
    queue = ReviewQueue()
    queue.merge(ids)
    return queue


def test_a_decision_brings_the_next_one() -> None:
    queue = queue_of("a", "b", "c")
    assert queue.decided() == "a"
    assert (queue.current, queue.position, queue.waiting) == ("b", 1, 2)


def test_what_is_decided_here_does_not_come_back_before_the_database_has_it() -> None:
    queue = queue_of("a", "b")
    queue.decided()
    queue.merge(["a", "b"])
    assert queue.ids == ["b"]
    queue.recorded("a")
    queue.merge(["b"])
    assert queue.ids == ["b"]


def test_what_was_recorded_while_the_queue_was_read_does_not_come_back() -> None:
    queue = queue_of("a", "b")
    queue.decided()
    queue.reading()
    queue.recorded("a")
    queue.merge(["a", "b"])
    assert queue.ids == ["b"]
    queue.reading()
    queue.merge(["a", "b"])
    assert queue.ids == ["a", "b"], "it was opened again since"


def test_what_was_pressed_before_and_is_not_saved_does_not_wait() -> None:
    queue = queue_of("a", "b", "c")
    queue.reading(["a", "b"])
    queue.merge(["a", "b", "c"])
    assert (queue.current, queue.guest, queue.ids) == ("a", True, ["a", "c"])


def test_a_refused_decision_comes_next_and_not_under_the_fingers() -> None:
    queue = queue_of("a", "b", "c")
    queue.decided()
    assert not queue.refused("a")
    assert queue.current == "b"
    queue.step(1)
    assert queue.current == "a"


def test_a_refused_last_decision_is_on_the_screen_again() -> None:
    queue = queue_of("a")
    queue.decided()
    assert queue.current is None
    assert queue.refused("a")
    assert queue.current == "a"


def test_skipping_leaves_it_waiting_and_begins_again_in_the_end() -> None:
    queue = queue_of("a", "b")
    assert not queue.step(1)
    assert queue.current == "b"
    assert queue.step(1)
    assert (queue.current, queue.waiting) == ("a", 2)


def test_a_guest_is_read_without_waiting_and_leaves_for_good() -> None:
    queue = queue_of("a", "b")
    queue.bring("x", waits=False)
    assert (queue.current, queue.guest) == ("x", True)
    queue.merge(["a", "b", "c"])
    assert queue.current == "x"
    queue.step(1)
    assert (queue.current, queue.ids) == ("a", ["a", "b", "c"])


def test_what_somebody_else_decides_stays_until_it_is_left() -> None:
    queue = queue_of("a", "b")
    queue.merge(["b"])
    assert (queue.current, queue.guest) == ("a", True)
    queue.step(1)
    assert queue.ids == ["b"]


def test_new_ones_do_not_move_what_is_on_the_screen() -> None:
    queue = queue_of("b", "c")
    queue.merge(["a", "b", "c"])
    assert (queue.current, queue.position) == ("b", 2)


def test_what_others_have_is_passed_over_and_stays_in_its_place() -> None:
    queue = queue_of("a", "b", "c")
    assert queue.pass_over({"c"}.__contains__)
    assert (queue.current, queue.ids) == ("c", ["a", "b", "c"])
    assert queue.pass_over({"a"}.__contains__)
    assert queue.current == "a"
    assert not queue.pass_over(set().__contains__)
    assert queue.current == "a"


def test_what_somebody_goes_back_to_is_theirs_to_see() -> None:
    queue = queue_of("a", "b")
    queue.step(1)
    assert queue.brought is None
    queue.step(-1)
    assert queue.brought == "a"
    queue.decided()
    assert queue.brought is None


def test_what_is_gone_is_dropped() -> None:
    queue = queue_of("a", "b")
    queue.drop("a")
    assert queue.current == "b"
    queue.drop("b")
    assert queue.current is None


def test_the_next_ones_are_known_beforehand() -> None:
    queue = queue_of("a", "b", "c")
    assert queue.ahead(2) == ["b", "c"]
    queue.step(1)
    assert queue.ahead(2) == ["c", "a"]


ids = st.sampled_from("abcdef")
moves = st.one_of(
    st.tuples(st.just("merge"), st.lists(ids, unique=True)),
    st.tuples(st.just("step"), st.sampled_from([-1, 1])),
    st.tuples(st.sampled_from(["decided", "recorded", "refused", "drop", "bring"]), ids),
)


@given(st.lists(moves, max_size=40))
def test_no_order_of_events_breaks_it(events: list[tuple[str, object]]) -> None:
    queue = ReviewQueue()
    for name, value in events:
        if name == "decided":
            queue.decided()
        elif name == "refused" and str(value) in queue.ids:
            continue
        elif name == "bring":
            queue.bring(str(value), waits=True)
        else:
            getattr(queue, name)(value)
        assert len(queue.ids) == len(set(queue.ids))
        assert (queue.current is None) == (not queue.ids)
        assert queue.position >= 1
