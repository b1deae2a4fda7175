"""A label that became slower is noticed in its second window, and chance raises no alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from quiet_days import BEGIN, PER_DAY, days
from traintui.data.query_records import QueryTimes
from traintui.observing import latency
from traintui.observing.latency import Judged, Window, judged, windows


def opened(found: list[Judged]) -> list[Judged]:
    """Where an alert began."""
    return [each for before, each in pairwise(found) if each.open and not before.open]


def test_thirty_days_without_a_fault_raise_two_alarms_at_most() -> None:
    alarms = [alarm for seed in range(14) for alarm in opened(list(judged(days(30, 3.0 * 1.3**seed, seed))))]
    assert len(alarms) <= 2


def test_a_label_that_stands_at_the_bound_is_told_once_a_day_and_not_every_hour() -> None:
    assert all(len(opened(list(judged(days(30, ms, 7))))) <= 30 for ms in (350.0, 400.0, 450.0, 520.0))
    assert len(opened(list(judged(days(30, 900.0, 7))))) == 1


def test_a_label_at_two_and_a_half_times_its_normal_is_found_in_the_second_window() -> None:
    for seed in range(10):
        usual = list(days(10, 40, seed))
        at = usual[-1].begins_at
        slow = [Window(at + n * latency.WINDOW, 200, 40 * 1.25 * 2.5) for n in range(1, 5)]
        found = list(judged([*usual, *slow]))
        (alarm,) = [each for each in opened(found) if each.window.begins_at > at]
        assert alarm.window in slow[:2] and found[-1].open
        assert "times the" in alarm.says and "of its last week" in alarm.says


def test_two_slow_windows_by_chance_differ_and_wait_for_a_third() -> None:
    usual = [Window(BEGIN + n * latency.WINDOW, 100, 40.0 + n % 5) for n in range(PER_DAY)]
    chance = [Window(BEGIN + (PER_DAY + n) * latency.WINDOW, 100, ms) for n, ms in enumerate((95.0, 180.0, 130.0))]
    assert [each.open for each in judged([*usual, *chance])][-3:] == [False, False, True]
    alike = [Window(each.begins_at, 100, ms) for each, ms in zip(chance, (120.0, 130.0), strict=False)]
    assert [each.open for each in judged([*usual, *alike])][-2:] == [False, True]


def test_what_is_slow_does_not_become_normal_while_it_lasts_and_clears_when_it_is_over() -> None:
    usual = [Window(BEGIN + n * latency.WINDOW, 100, 40.0 + n % 5) for n in range(PER_DAY * 3)]
    at = usual[-1].begins_at
    slow = [Window(at + n * latency.WINDOW, 100, 120.0) for n in range(1, PER_DAY * 2)]
    well = [Window(slow[-1].begins_at + n * latency.WINDOW, 100, 41.0) for n in range(1, 3)]
    found = list(judged([*usual, *slow, *well]))
    assert found[-3].open and found[-3].normal_ms == 42.0 and not found[-2].open


def test_more_than_half_a_second_is_an_alert_whatever_is_normal() -> None:
    found = list(judged(Window(BEGIN + n * latency.WINDOW, 50, 700.0) for n in range(3)))
    assert [each.open for each in found] == [False, True, True]
    assert "longer than 500 ms" in found[1].says and found[0].normal_ms is None


def test_what_nobody_feels_and_what_is_hardly_called_raises_nothing() -> None:
    quick = [Window(BEGIN + n * latency.WINDOW, 100, 0.5) for n in range(200)]
    quick += [Window(quick[-1].begins_at + n * latency.WINDOW, 100, 4.0) for n in range(1, 9)]
    assert not any(each.open for each in judged(quick))
    assert not list(judged(Window(BEGIN + n * latency.WINDOW, 3, 900.0) for n in range(9)))


def test_minutes_of_a_quarter_of_an_hour_and_old_hours_are_windows() -> None:
    def times(at: datetime, seconds: int, bucket: int) -> QueryTimes:
        return QueryTimes("a.b", at, seconds, 10, 0, 0, 0, 1, 1, {bucket: 10})

    hour = datetime(2026, 10, 1, 8, tzinfo=UTC)
    later = datetime(2026, 10, 4, 9, 14, tzinfo=UTC)
    parts = [times(hour, 3_600, 48), times(later, 60, 48), times(later + timedelta(minutes=1), 60, 56)]
    parts += [times(later + timedelta(minutes=2), 60, 56)]
    found = windows(parts)
    assert [(each.begins_at.hour, each.begins_at.minute, each.calls) for each in found] == [
        (8, 0, 10),
        (9, 0, 10),
        (9, 15, 20),
    ]
    assert found[2].p95_ms > found[1].p95_ms
