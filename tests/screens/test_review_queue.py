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


def test_a_decision_on_one_that_is_no_longer_current_leaves_the_current_one() -> None:
    queue = queue_of("a", "b", "c")
    queue.step(1)
    queue.decided("a")
    assert (queue.ids, queue.current, queue.position, queue.waiting, queue.deciding) == (["b", "c"], "b", 1, 2, 1)


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


# A part of a long queue --------------------------------------------------------------------------------------------


def part_of(total: int, start: int, size: int = 200) -> list[str]:
    return [f"c{rank}" for rank in range(start, min(total, start + size))]


def test_a_part_says_where_it_lies_in_all() -> None:
    queue = ReviewQueue()
    queue.merge(part_of(1_000_000, 0), total=1_000_000)
    assert (queue.current, queue.position, queue.waiting, queue.runs_short) == ("c0", 1, 1_000_000, False)
    queue.step(145)
    assert (queue.current, queue.position, queue.runs_short) == ("c145", 146, True)
    queue.merge(part_of(1_000_000, 100), start=100, total=1_000_000)
    assert (queue.current, queue.position, queue.runs_short) == ("c145", 146, True)  # too near to its beginning
    queue.merge(part_of(1_000_000, 60), start=60, total=1_000_000)
    assert (queue.current, queue.position, queue.runs_short) == ("c145", 146, False)
    queue.decided()
    assert (queue.current, queue.position, queue.waiting) == ("c146", 146, 999_999)


def test_who_comes_to_the_end_of_what_is_here_waits_there_for_the_next_part() -> None:
    queue = ReviewQueue()
    queue.merge(part_of(500, 0), total=500)
    queue.step(199)
    assert not queue.step(1) and queue.current == "c199"
    queue.merge(part_of(500, 150), start=150, total=500)
    assert not queue.step(1) and queue.current == "c200"
    assert not queue.step(-1) and queue.current == "c199"


def test_over_the_end_of_a_long_queue_its_beginning_is_read() -> None:
    queue = ReviewQueue()
    queue.merge(part_of(500, 300), start=300, total=500)
    queue.step(199)
    assert queue.current == "c499" and queue.step(1)
    assert queue.unread
    queue.merge(part_of(500, 0), total=500)
    assert (queue.current, queue.position) == ("c0", 1)


def test_a_decision_on_the_last_one_that_is_here_goes_on_where_it_was() -> None:
    queue = ReviewQueue()
    queue.merge(part_of(500, 0), total=500)
    queue.step(199)
    queue.decided()
    assert queue.unread and queue.position == 200
    queue.merge([one for one in part_of(500, 150) if one != "c199"], start=150, total=499)
    assert (queue.current, queue.position) == ("c200", 200)


def test_what_is_decided_on_the_last_one_of_all_begins_anew() -> None:
    queue = ReviewQueue()
    queue.merge(part_of(500, 300), start=300, total=500)
    queue.step(199)
    queue.decided()
    assert queue.unread and queue.position == 1


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


def test_what_was_edited_stays_in_its_place_whatever_its_rank_is_by_then() -> None:
    queue = queue_of("a", "b", "c")
    queue.edited = "a"
    queue.merge(["b", "c", "a"])
    assert (queue.ids, queue.current, queue.position, queue.waiting) == (["a", "b", "c"], "a", 1, 3)
    queue.merge(["b", "c"], total=500)  # its rank is in another part
    assert (queue.current, queue.position, queue.guest, queue.ids) == ("a", 1, False, ["a", "b", "c"])
    queue.step(1)
    queue.merge(["b", "c", "a"])
    assert (queue.ids, queue.current, queue.position) == (["b", "c", "a"], "b", 1)
