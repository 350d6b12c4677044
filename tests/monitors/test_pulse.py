"""How the engines keep time, as the overview reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.monitors.engine.pulse import KEPT_MINUTES, Pulse
from apps.monitors.models import EngineMinute
from apps.monitors.pulse_selectors import pulse
from apps.monitors.services.retention import remove_old_runs
from tests.factories import NOW

pytestmark = pytest.mark.django_db

START = NOW.replace(second=0, microsecond=0)


def begin(engine: Pulse, *, late_ms: int, minute: int = 0) -> None:
    due_at = START + timedelta(minutes=minute, seconds=10)
    engine.note(due_at=due_at, started_at=due_at + timedelta(milliseconds=late_ms))


def test_two_engines_are_counted_together():
    one, other = Pulse(), Pulse()
    for _ in range(98):
        begin(one, late_ms=1)
    begin(other, late_ms=40)
    begin(other, late_ms=50)

    one.write()
    other.write()

    found = pulse(at=START + timedelta(minutes=1, seconds=30), minutes=2)
    assert [(beat.minute, beat.runs) for beat in found.beats] == [
        (START - timedelta(minutes=1), 0),
        (START, 100),
    ]
    assert (found.runs, found.runs_a_minute) == (100, 50)
    assert (found.lag_p50_ms, found.lag_p99_ms) == (1, 40)


def test_a_minute_that_goes_on_is_written_over():
    engine = Pulse()
    begin(engine, late_ms=1)
    engine.write()
    begin(engine, late_ms=3)

    engine.write()

    assert [(row.runs, row.highest_ms) for row in EngineMinute.objects.all()] == [(2, 3)]


def test_nothing_is_written_when_nothing_ran(django_assert_num_queries: Any):
    engine = Pulse()
    begin(engine, late_ms=1)
    with django_assert_num_queries(1):
        engine.write()

    with django_assert_num_queries(0):
        engine.write()


def test_a_run_before_its_time_is_not_late():
    engine = Pulse()
    begin(engine, late_ms=-2)

    engine.write()

    assert EngineMinute.objects.get().highest_ms == 0


def test_what_waits_for_the_database_is_bounded():
    engine = Pulse()
    for minute in range(KEPT_MINUTES + 5):
        begin(engine, late_ms=1, minute=minute)

    engine.write()

    assert EngineMinute.objects.count() == KEPT_MINUTES


def test_without_a_run_there_is_no_lag():
    found = pulse(at=START, minutes=60)

    assert (len(found.beats), found.runs, found.lag_p50_ms, found.lag_p99_ms) == (60, 0, None, None)


def test_minutes_are_kept_for_a_day():
    engine = Pulse()
    begin(engine, late_ms=1)
    begin(engine, late_ms=1, minute=2)
    engine.write()

    remove_old_runs(at=START + timedelta(days=1, minutes=1), keep_days=14)

    assert [row.minute for row in EngineMinute.objects.all()] == [START + timedelta(minutes=2)]
