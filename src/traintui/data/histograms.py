"""How many of something took how long, in logarithmic buckets: small to keep, and added up without loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, log2

PER_DOUBLING = 8
"""Buckets between a time and twice that time: a value is met within 4.5 %."""
LEAST_US = 16
"""Microseconds up to which all is one bucket: no statement is answered sooner."""
LAST = 208
"""The last bucket, from 18 minutes on."""

Histogram = dict[int, int]
"""How many stand in each bucket, by its number; empty ones are left out."""


def bucket_of(us: float) -> int:
    """The number of the bucket of a time in microseconds: 0 to `LAST`."""
    if us <= LEAST_US:
        return 0
    return min(ceil(log2(us / LEAST_US) * PER_DOUBLING), LAST)


def middle_of(bucket: int) -> float:
    """The time in microseconds that stands for all of a bucket, in the middle by ratio."""
    return LEAST_US * 2 ** ((bucket - 0.5) / PER_DOUBLING) if bucket else float(LEAST_US)


def added(histograms: Iterable[Mapping[int, int]]) -> Histogram:
    """All of them as one."""
    total: Histogram = {}
    for histogram in histograms:
        for bucket, number in histogram.items():
            total[bucket] = total.get(bucket, 0) + number
    return total


def percentile(histogram: Mapping[int, int], share: float) -> float | None:
    """The time in microseconds that `share` (0 to 1) of all are within, to 4.5 %; None of nothing."""
    number = sum(histogram.values())
    if not number:
        return None
    wanted = max(1, ceil(share * number))
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= wanted:
            return middle_of(bucket)
    raise AssertionError(histogram)
