"""Time that was not measured: when a run comes too late, and the algebra of stretches."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.stretches import Stretch, common, joined, unmeasured
from tests.factories import NOW


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("interval_s", "late_s", "is_gap"),
    [
        (20, 0, False),
        (20, 20, False),  # the slot after the one that was owed: one was missed
        (20, 25, False),
        (20, 25.1, True),
        (1, 5, False),  # within what a lease takes to lapse and be claimed again
        (1, 7, True),
        (3600, 3600, False),
        (3600, 7200, True),
        (None, 59, False),
        (None, 61, True),  # a crontab's slot that is run late was missed until then
    ],
)
def test_a_run_that_comes_too_late_leaves_all_since_the_owed_slot_unmeasured(
    interval_s: int | None, late_s: float, is_gap: bool
):
    found = unmeasured(owed_since=NOW, interval_s=interval_s, until=at(late_s))

    assert found == ((NOW, at(late_s)) if is_gap else None)


def test_who_owes_nothing_misses_nothing():
    assert unmeasured(owed_since=None, interval_s=20, until=at(9999)) is None


def test_only_the_time_that_all_have_in_common_counts():
    some = [(at(0), at(10)), (at(20), at(30))]
    others = [(at(5), at(25))]

    assert common([some, others]) == [(at(5), at(10)), (at(20), at(25))]
    assert common([some, []]) == []
    assert common([]) == []


minutes = st.integers(0, 40)
lists = st.lists(
    st.tuples(minutes, minutes).map(lambda pair: (at(min(pair) * 60), at(max(pair) * 60))),
    max_size=6,
)


def covered(stretches: list[Stretch]) -> set[int]:
    """Return the minutes that the stretches cover."""
    return {
        minute
        for minute in range(40)
        if any(started <= at(minute * 60) < ended for started, ended in stretches)
    }


@given(st.lists(lists, min_size=1, max_size=4))
def test_what_is_common_is_covered_by_each_and_in_order(several: list[list[Stretch]]):
    found = common(several)

    assert covered(found) == set.intersection(*(covered(one) for one in several))
    assert found == joined(found)
    assert all(started < ended for started, ended in found)
