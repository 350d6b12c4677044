"""A monitor's past comes from tallies, and from the runs only for the hours that are not counted yet."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.monitors.history import WINDOWS, Span, past
from apps.monitors.models import Run, RunDay, RunHour, RunProgress, Schedule
from apps.monitors.rollups import Tally
from apps.monitors.services.rollups import DAY, HOUR, LAG, day_of, roll_up
from tests.factories import NOW, LocationFactory, MonitorFactory, RunFactory, ScheduleFactory

pytestmark = pytest.mark.django_db

TODAY = day_of(NOW)


def spans(*, monitor_id: int, until: datetime) -> list[Span]:
    """The monitor's past 24 hours, 30 days and 90 days at all its locations."""
    ids = list(Schedule.objects.filter(monitor=monitor_id).values_list("pk", flat=True))
    return [
        past(schedule_ids=ids, window=WINDOWS[name], until=until).together
        for name in ("24h", "30d", "90d")
    ]


def test_stretches_hold_the_runs_of_all_locations_the_newest_last():
    monitor = MonitorFactory()
    for number in range(2):
        schedule = ScheduleFactory(
            monitor=monitor, location=LocationFactory(), last_due_at=NOW + HOUR
        )
        for due in (NOW - 25 * HOUR, NOW - 2 * HOUR, NOW - HOUR, NOW + timedelta(minutes=5)):
            RunFactory(schedule=schedule, due_at=due, response_time_ms=100 + number)
    RunFactory(due_at=NOW)
    roll_up(at=NOW + LAG)

    day, month, quarter = spans(monitor_id=monitor.pk, until=NOW + LAG)

    assert [part.count for part in day.stretches[-3:]] == [2, 2, 2]
    assert (day.whole.count, month.whole.count, quarter.whole.count) == (6, 8, 8)
    assert [part.count for part in month.stretches[-2:]] == [2, 6]
    assert (len(day.stretches), len(month.stretches), len(quarter.stretches)) == (24, 30, 90)
    assert (day.whole.lowest_ms, day.whole.highest_ms) == (100, 101)


def test_what_is_counted_is_seen_when_its_runs_are_gone():
    schedule = ScheduleFactory()
    for work in RunProgress.Work:
        RunProgress.objects.create(work=work, until=TODAY)
    RunDay.of(schedule.pk, TODAY - 80 * DAY, Tally(passed=7)).save(force_insert=True)
    RunDay.of(schedule.pk, TODAY - 90 * DAY, Tally(passed=5)).save(force_insert=True)
    RunHour.of(schedule.pk, TODAY - 3 * HOUR, Tally(failed=3)).save(force_insert=True)

    day, month, quarter = spans(monitor_id=schedule.monitor_id, until=NOW)

    assert (day.whole.failed, month.whole.count, quarter.whole.passed) == (3, 0, 7)


def test_before_anything_is_counted_the_newest_hours_are_there():
    run = RunFactory(due_at=NOW)

    day, _, _ = spans(monitor_id=Schedule.objects.get().monitor_id, until=NOW)

    assert day.stretches[-1].count == 1
    assert run.due_at == NOW


def test_it_asks_the_same_however_much_there_is(django_assert_max_num_queries):
    monitor = MonitorFactory()
    for _ in range(3):
        schedule = ScheduleFactory(monitor=monitor, location=LocationFactory(), last_due_at=NOW)
        Run.objects.bulk_create(
            Run(
                schedule=schedule,
                due_at=NOW - number * timedelta(minutes=10),
                started_at=NOW,
                result="passed",
                duration_ms=1,
            )
            for number in range(1000)
        )
    roll_up(at=NOW)

    ids = list(Schedule.objects.values_list("pk", flat=True))
    found = []
    for name in WINDOWS:
        with django_assert_max_num_queries(6):
            found.append(past(schedule_ids=ids, window=WINDOWS[name], until=NOW).together)

    day, week, month, quarter = (span.whole.count for span in found)
    assert (day, week, month, quarter) == (3 * 139, 3 * 973, 3000, 3000)


def test_a_week_is_told_in_quarters_of_days_and_by_location():
    monitor = MonitorFactory()
    first, second = (
        ScheduleFactory(monitor=monitor, location=LocationFactory(), last_due_at=NOW)
        for _ in range(2)
    )
    for schedule, hours in ((first, 1), (first, 5), (first, 13), (second, 1)):
        RunFactory(schedule=schedule, due_at=NOW - hours * HOUR, response_time_ms=100 * hours)
    roll_up(at=NOW + LAG)

    week = past(schedule_ids=[first.pk, second.pk], window=WINDOWS["7d"], until=NOW)

    assert week.together.started_at == TODAY - 6 * DAY - 6 * HOUR
    # Noon begins a quarter: 11:00 and 07:00 are of the one before, 23:00 is of the day before.
    assert [part.count for part in week.together.stretches[-4:]] == [1, 0, 3, 0]
    assert [part.count for part in week.by_schedule[second.pk].stretches[-4:]] == [0, 0, 1, 0]
    assert week.by_schedule[first.pk].whole.highest_ms == 1300


def test_before_the_first_counting_the_hour_before_is_seen_too():
    schedule = ScheduleFactory()
    on_the_hour = NOW.replace(minute=0, second=0, microsecond=0)
    RunFactory(schedule=schedule, due_at=on_the_hour - timedelta(minutes=1))

    day, *_ = spans(monitor_id=schedule.monitor_id, until=on_the_hour + timedelta(seconds=5))

    assert day.whole.count == 1
