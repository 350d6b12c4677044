"""The database's clock is known better with every reading, and never moves more than a reading makes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.engine.clock import DatabaseClock
from tests.factories import NOW

OFFSET = timedelta(seconds=1000)
"""The database's clock, less the monotonic one that starts at 0 at NOW."""


def read(
    clock: DatabaseClock,
    *,
    at_s: float,
    delay_s: float = 0.0,
    back_s: float = 0.0,
    off_s: float = 0,
) -> None:
    """Let the clock be read at a monotonic moment, with delays before and after the database looked."""
    clock.observe(
        before=at_s - delay_s,
        reading=NOW + OFFSET + timedelta(seconds=at_s + off_s),
        after=at_s + back_s,
    )


def error_ms(clock: DatabaseClock, at_s: float) -> float:
    return abs(
        (clock.instant_of(at_s) - (NOW + OFFSET + timedelta(seconds=at_s)))
        / timedelta(milliseconds=1)
    )


def test_a_reading_is_as_good_as_its_round_trip():
    clock = DatabaseClock()

    read(clock, at_s=10, delay_s=0.04, back_s=0.02)

    assert error_ms(clock, 10) <= 30


def test_quick_readings_make_slow_ones_good():
    clock = DatabaseClock()
    read(clock, at_s=10, delay_s=0.4, back_s=0.0)
    read(clock, at_s=11, delay_s=0.0005, back_s=0.0005)

    read(clock, at_s=12, delay_s=0.0, back_s=0.5)

    assert error_ms(clock, 12) < 1.5


def test_a_clock_that_was_set_is_followed():
    clock = DatabaseClock()
    read(clock, at_s=10, delay_s=0.001, back_s=0.001)

    read(clock, at_s=20, delay_s=0.001, back_s=0.001, off_s=3600)

    assert clock.instant_of(20) - (NOW + OFFSET + timedelta(seconds=20)) == pytest.approx(
        timedelta(hours=1), abs=timedelta(milliseconds=2)
    )


def test_it_translates_both_ways():
    clock = DatabaseClock()
    read(clock, at_s=10, delay_s=0.001, back_s=0.001)

    assert clock.monotonic_of(clock.instant_of(42.5)) == pytest.approx(42.5, abs=1e-4)


@given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)), min_size=1, max_size=30))
def test_the_estimate_is_within_the_best_reading(delays: list[tuple[float, float]]):
    clock = DatabaseClock()
    for number, (delay_s, back_s) in enumerate(delays):
        read(clock, at_s=float(number), delay_s=delay_s, back_s=back_s)

    best_ms = min(delay_s + back_s for delay_s, back_s in delays) * 1000
    assert error_ms(clock, len(delays)) <= best_ms + len(delays) * 0.2 + 1
