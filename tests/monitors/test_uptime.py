"""A monitor's uptime comes from outages, over the time that was measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.uptime import Uptime, uptime
from tests.factories import NOW

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SINCE = NOW - DAY


def at(hours: float):
    return SINCE + hours * HOUR


def spans(*pairs: tuple[float, float]):
    return [(at(start), at(end)) for start, end in pairs]


@pytest.mark.parametrize(
    ("outages", "unmeasured", "up", "down", "gap"),
    [
        ([], [], 24, 0, 0),
        ([(2, 3)], [], 23, 1, 0),
        # What reaches beyond the window counts only within it.
        ([(-5, 3), (20, 30)], [], 17, 7, 0),
        ([(2, 4), (3, 5)], [], 21, 3, 0),
        ([], [(0, 12)], 12, 0, 12),
        # An outage that nobody measured is not counted as down.
        ([(2, 4)], [(3, 10)], 16, 1, 7),
        ([(2, 4)], [(0, 24)], 0, 0, 24),
        ([(-9, -8)], [(30, 31)], 24, 0, 0),
    ],
)
def test_the_window_is_up_down_or_not_measured(outages, unmeasured, up, down, gap):
    found = uptime(since=SINCE, until=NOW, outages=spans(*outages), unmeasured=spans(*unmeasured))

    assert found == Uptime(up * HOUR, down * HOUR, gap * HOUR)


def test_without_a_measurement_there_is_no_share():
    nothing = uptime(since=SINCE, until=NOW, outages=[], unmeasured=[(SINCE, NOW)])
    empty = uptime(since=NOW, until=NOW, outages=[], unmeasured=[])

    assert nothing.share is None
    assert empty.share is None


pairs = st.lists(
    st.tuples(st.integers(-5, 30), st.integers(-5, 30)).map(lambda pair: tuple(sorted(pair))),
    max_size=6,
)


@given(outages=pairs, unmeasured=pairs)
def test_hours_counted_one_by_one_say_the_same(outages, unmeasured):
    found = uptime(since=SINCE, until=NOW, outages=spans(*outages), unmeasured=spans(*unmeasured))

    gap = {hour for hour in range(24) if any(a <= hour < b for a, b in unmeasured)}
    down = {hour for hour in range(24) if any(a <= hour < b for a, b in outages)} - gap
    assert found.not_measured == len(gap) * HOUR
    assert found.down == len(down) * HOUR
    assert found.up + found.down + found.not_measured == DAY
    assert found.share is None or 0 <= found.share <= 1
