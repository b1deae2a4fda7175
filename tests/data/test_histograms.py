"""Histograms: a percentile is met within the width of a bucket, and nothing is lost when they are added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.data import histograms
from traintui.data.histograms import Histogram, added, bucket_of, middle_of, percentile

TIMES = st.lists(st.floats(min_value=17, max_value=1e9), min_size=1, max_size=300)


def histogram_of(times: list[float]) -> Histogram:
    return added({bucket_of(us): 1} for us in times)


@given(st.floats(min_value=17, max_value=1e9))
def test_a_time_is_told_within_five_percent(us: float) -> None:
    assert 0 <= bucket_of(us) <= histograms.LAST and middle_of(bucket_of(us)) == pytest.approx(us, rel=0.05)


@given(TIMES, st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_within_five_percent_of_the_exact_one(times: list[float], share: float) -> None:
    exact = sorted(times)[max(0, -(-int(share * 100 * len(times)) // 100) - 1)]
    met = percentile(histogram_of(times), share)
    assert met == pytest.approx(exact, rel=0.05)


@given(TIMES, TIMES)
def test_added_histograms_say_the_same_as_one_of_all(ones: list[float], others: list[float]) -> None:
    assert added([histogram_of(ones), histogram_of(others)]) == histogram_of(ones + others)


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None
