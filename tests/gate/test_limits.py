"""The token bucket, on a clock that the test holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wslab.gate.limits import Bucket, Buckets


def test_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(rate=2, burst=3, now=100)
    assert [bucket.take(100) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(100.5), bucket.take(100.5)] == [True, False]
    assert [bucket.take(1_000) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(0, 3), max_size=200))
def test_no_timing_gets_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    bucket = Bucket(rate=2, burst=5, now=0)
    now = 0.0
    taken = 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
    assert taken <= 5 + 2 * now + 1e-6


def test_one_address_does_not_take_from_another_and_memory_is_bounded() -> None:
    buckets = Buckets(rate=1, burst=1, most=10)
    assert buckets.take("a", 0)
    assert not buckets.take("a", 0)
    assert buckets.take("b", 0)
    assert [buckets.take(str(number), 0) for number in range(20)] == [True] * 8 + [False] * 12
    assert buckets.take("late", 5)  # those that are full again have made room
