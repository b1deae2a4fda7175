"""Histograms: a percentile is met within the width of a bucket, and nothing is lost when they are added."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.data import histograms
from traintui.data.histograms import Histogram, added, bucket_of, middle_of, most_of, percentile, share_within

TIMES = st.lists(st.floats(min_value=17, max_value=1e9), min_size=1, max_size=300)


def histogram_of(times: list[float]) -> Histogram:
    return added({bucket_of(us): 1} for us in times)


@given(st.floats(min_value=0, max_value=1e12))
def test_a_time_stands_in_the_bucket_whose_bounds_it_is_between(us: float) -> None:
    bucket = bucket_of(us)
    assert 0 <= bucket <= histograms.LAST
    assert us <= most_of(bucket) * 1.000001 or bucket == histograms.LAST
    assert bucket == 0 or us > most_of(bucket - 1) * 0.999999


@given(TIMES, st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_within_five_percent_of_the_exact_one(times: list[float], share: float) -> None:
    exact = sorted(times)[max(0, -(-int(share * 100 * len(times)) // 100) - 1)]
    met = percentile(histogram_of(times), share)
    assert met == pytest.approx(exact, rel=0.05)


@given(TIMES, TIMES)
def test_added_histograms_say_the_same_as_one_of_all(ones: list[float], others: list[float]) -> None:
    assert added([histogram_of(ones), histogram_of(others)]) == histogram_of(ones + others)


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None and share_within({}, 1_000) is None


def test_the_share_within_a_time_counts_whole_buckets() -> None:
    times = [1_000.0] * 90 + [600_000.0] * 10
    assert share_within(histogram_of(times), 500_000) == 0.9
    assert middle_of(bucket_of(statistics.median(times))) == pytest.approx(1_000, rel=0.05)
