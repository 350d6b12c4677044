"""Runs are counted by hour and day, once, whatever is killed, doubled or late."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.monitors.models import LateRun, Run, RunDay, RunHour, RunProgress, Schedule
from apps.monitors.rollups import merge
from apps.monitors.services.rollups import DAY, HOUR, LAG, begin, day_of, note_late_runs, roll_up
from tests.factories import NOW, LocationFactory, MonitorFactory, ScheduleFactory
from tests.racing import at_once

pytestmark = pytest.mark.django_db

TODAY = day_of(NOW)


class Killed(BaseException):
    """What no code catches."""


def schedules_with(count: int) -> list[Schedule]:
    monitor, location = MonitorFactory(with_request=False), LocationFactory()
    made = [ScheduleFactory(monitor=monitor, location=location)]
    made += [ScheduleFactory(monitor=monitor, location=LocationFactory()) for _ in range(count - 1)]
    return made


def write_runs(
    schedule: Schedule, dues: Iterable[datetime], *, result: str = "passed", time_ms: int = 90
) -> None:
    rows = [
        Run(
            schedule=schedule,
            due_at=due,
            started_at=due,
            result=result,
            duration_ms=time_ms,
            response_time_ms=time_ms,
        )
        for due in dues
    ]
    Run.objects.bulk_create(rows)
    last = max(row.due_at for row in rows)
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=last)


def minutes(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(minutes=number) for number in range(count)]


def late_run(schedule: Schedule, due: datetime, *, time_ms: int = 500, at: datetime) -> None:
    """As the recorder does it."""
    last = Schedule.objects.get(pk=schedule.pk).last_due_at
    write_runs(schedule, [due], result="failed", time_ms=time_ms)
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=max(last, due))
    note_late_runs([(schedule.pk, due, "failed", time_ms)], at=at)


def test_an_hour_is_counted_ten_minutes_after_its_end_and_not_before():
    (schedule,) = schedules_with(1)
    write_runs(schedule, minutes(NOW, 60), time_ms=100)

    assert roll_up(at=NOW + HOUR + LAG - timedelta(seconds=1)) == 0
    roll_up(at=NOW + HOUR + LAG)

    (hour,) = RunHour.objects.filter(schedule=schedule)
    assert (hour.started_at, hour.tally.count, hour.tally.passed) == (NOW, 60, 60)
    assert hour.tally.percentile_ms(95) == pytest.approx(100, rel=0.016)


def test_a_day_is_its_hours():
    (schedule,) = schedules_with(1)
    for number in range(24):
        start = TODAY + number * HOUR
        write_runs(schedule, minutes(start, 3), time_ms=50 + number)
        write_runs(schedule, minutes(start + HOUR / 2, 1), result="failed", time_ms=2000)

    roll_up(at=TODAY + DAY + LAG)

    hours = [hour.tally for hour in RunHour.objects.filter(schedule=schedule)]
    assert len(hours) == 24
    day = RunDay.objects.get(schedule=schedule, started_at=TODAY)
    assert day.tally == merge(hours)
    assert (day.tally.count, day.tally.failed) == (96, 24)


def test_counting_again_changes_nothing_and_asks_little():
    (schedule,) = schedules_with(1)
    write_runs(schedule, minutes(TODAY, 90))
    at = TODAY + DAY + LAG
    roll_up(at=at)
    before = list(RunHour.objects.values()), list(RunDay.objects.values())

    with CaptureQueriesContext(connection) as asked:
        written = roll_up(at=at)

    assert written == 0
    assert (list(RunHour.objects.values()), list(RunDay.objects.values())) == before
    assert not any('monitors_run"' in query["sql"] for query in asked.captured_queries)


def test_statements_grow_with_batches_and_not_with_schedules():
    def statements(count: int) -> int:
        RunProgress.objects.all().delete()
        for schedule in schedules_with(count):
            write_runs(schedule, minutes(TODAY, 2))
        begin(TODAY + HOUR)
        with CaptureQueriesContext(connection) as asked:
            roll_up(at=TODAY + HOUR + LAG)
        return len(asked)

    assert statements(1) == statements(30)


@pytest.mark.parametrize("statement", range(3, 33, 3))
def test_what_a_killed_worker_began_goes_on_where_it_was(statement: int):
    for schedule in schedules_with(5):
        write_runs(schedule, minutes(TODAY, 4))
    begin(TODAY + HOUR)
    at = TODAY + DAY + LAG
    asked = 0

    def kill(execute: Any, *args: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == statement:
            raise Killed
        return execute(*args)

    with suppress(Killed), connection.execute_wrapper(kill):
        roll_up(at=at, batch=2)
    roll_up(at=at, batch=2)

    assert [hour.tally.count for hour in RunHour.objects.all()] == [4] * 5
    assert [day.tally.count for day in RunDay.objects.all()] == [4] * 5


def test_a_late_run_is_counted_in_its_hour_and_its_day():
    (schedule,) = schedules_with(1)
    write_runs(schedule, minutes(TODAY, 60))
    at = TODAY + DAY + LAG
    roll_up(at=at)

    late_run(schedule, TODAY + timedelta(minutes=30, seconds=30), at=at)
    roll_up(at=at)

    hour, day = RunHour.objects.get(started_at=TODAY), RunDay.objects.get(started_at=TODAY)
    assert (hour.tally.count, hour.tally.failed) == (61, 1)
    assert day.tally == hour.tally
    assert not LateRun.objects.exists()


def test_a_late_run_of_a_day_whose_runs_are_gone_is_added_to_what_is_kept():
    (schedule,) = schedules_with(1)
    write_runs(schedule, minutes(TODAY, 60))
    at = TODAY + 3 * DAY
    roll_up(at=at)
    RunProgress.objects.filter(pk="removed").update(until=TODAY + DAY)
    Run.objects.filter(due_at__gte=TODAY + timedelta(minutes=10)).delete()

    late_run(schedule, TODAY + timedelta(minutes=30, seconds=30), at=at)
    roll_up(at=at)

    hour, day = RunHour.objects.get(started_at=TODAY), RunDay.objects.get(started_at=TODAY)
    assert (hour.tally.count, hour.tally.failed, day.tally.count) == (61, 1, 61)
    assert roll_up(at=at) == 0


@pytest.mark.parametrize(
    ("recorded_after", "is_late"),
    [(timedelta(minutes=4, seconds=59), False), (timedelta(minutes=5), True), (DAY, True)],
)
def test_a_run_is_late_from_five_minutes_after_its_hour_on(
    recorded_after: timedelta, is_late: bool
):
    (schedule,) = schedules_with(1)

    note_late_runs(
        [(schedule.pk, NOW + HOUR - timedelta(seconds=1), "passed", 90)],
        at=NOW + HOUR + recorded_after,
    )

    assert LateRun.objects.exists() == is_late


def test_a_run_in_time_costs_the_recorder_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        note_late_runs([(1, NOW, "passed", 90)], at=NOW + timedelta(seconds=20))


def test_hours_that_were_counted_by_a_clock_that_was_fast_are_counted_again():
    (schedule,) = schedules_with(1)
    midnight = TODAY + DAY
    write_runs(schedule, minutes(midnight - HOUR, 5))
    roll_up(at=midnight + LAG)
    assert RunDay.objects.get().tally.count == 5

    # The clock is set back by an hour, and the runs go on; by it they are not late.
    write_runs(schedule, minutes(midnight - HOUR / 2, 20))
    note_late_runs([(schedule.pk, midnight - HOUR / 2, "passed", 90)], at=midnight - HOUR / 2)
    roll_up(at=midnight - HOUR + LAG)
    roll_up(at=midnight + LAG)

    assert RunHour.objects.get().tally.count == RunDay.objects.get().tally.count == 25


@pytest.mark.django_db(transaction=True)
def test_two_that_count_at_once_count_once():
    for schedule in schedules_with(3):
        write_runs(schedule, minutes(TODAY, 60))
    at = TODAY + DAY + LAG
    begin(TODAY + HOUR)

    outcomes = at_once([lambda: roll_up(at=at)] * 2)
    roll_up(at=at)

    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert {row.tally.count for row in RunHour.objects.all()} == {60}
    assert RunHour.objects.count() == RunDay.objects.count() == 3
