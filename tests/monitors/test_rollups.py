"""Tallies of runs: whatever is merged in whatever order comes to the same, and percentiles are near."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.rollups import Tally, bucket_of, merge, middle_of, pack, tally, unpack

times = st.one_of(st.integers(0, 300), st.integers(0, 2**31 - 1))
runs = st.lists(
    st.tuples(
        st.sampled_from(["passed", "failed", "error"]),
        st.one_of(st.none(), times),
        st.integers(1, 500),
    ),
    max_size=20,
)
tallies = runs.map(tally)


@given(runs, st.integers(0, 20))
def test_hours_merged_are_the_day(all_runs: Any, cut: int):
    parts = [all_runs[:cut], all_runs[cut:]]

    assert merge(map(tally, parts)) == tally(all_runs)


@given(tallies, tallies, tallies)
def test_merging_is_associative_and_commutative(a: Tally, b: Tally, c: Tally):
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([c, b, a])
    assert merge([a, Tally()]) == a


@given(st.lists(times, min_size=1, max_size=60), st.sampled_from([50, 90, 95, 99, 100]))
def test_a_percentile_is_off_by_less_than_1_6_percent(sample: list[int], percent: int):
    exact = sorted(sample)[-(-percent * len(sample) // 100) - 1]

    found = tally(("passed", time, 1) for time in sample).percentile_ms(percent)

    assert found is not None
    assert abs(found - exact) <= exact / 64


@given(times)
def test_a_bucket_holds_what_is_near_its_middle(time: int):
    assert abs(middle_of(bucket_of(time)) - time) <= time / 64
    assert bucket_of(time) <= bucket_of(time + 1) <= bucket_of(time) + 1


@given(tallies)
def test_packed_buckets_come_back(part: Tally):
    assert unpack(pack(part.buckets)) == part.buckets


def test_an_hour_of_one_minute_checks_is_small():
    part = tally(("passed", 80 + number % 40, 1) for number in range(60))

    assert len(pack(part.buckets)) <= 80


@pytest.mark.parametrize(
    ("counted", "average", "share", "median"),
    [
        ([], None, None, None),
        ([("error", 9, 5)], None, None, None),
        ([("failed", None, 2)], None, 0.0, None),
        ([("passed", 10, 3), ("failed", 50, 1)], 20.0, 0.75, 10.0),
        ([("passed", 0, 1), ("error", None, 7)], 0.0, 1.0, 0.0),
    ],
)
def test_errors_say_nothing_and_unanswered_runs_have_no_time(
    counted: Any, average: Any, share: Any, median: Any
):
    part = tally(counted)

    assert (part.average_ms, part.passed_share, part.percentile_ms(50)) == (average, share, median)
    assert part.count == sum(number for _, _, number in counted)
