"""Old runs and details go, once they are counted; nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.monitors import tasks
from apps.monitors.engine.claim import claim
from apps.monitors.engine.record import record
from apps.monitors.models import (
    LateRun,
    LatestPass,
    Run,
    RunDay,
    RunDetail,
    RunHour,
    RunProgress,
    Schedule,
)
from apps.monitors.partitions import ensure_partitions, partition_name
from apps.monitors.rollups import Tally
from apps.monitors.services.retention import HOURS_KEPT, remove_old_runs, thin_details
from apps.monitors.services.rollups import DAY, HOUR, LAG, begin, day_of, note_late_runs, roll_up
from tests.factories import NOW, ScheduleFactory
from tests.monitors.conftest import adopted_flights, due_schedules, finished, needs_postgresql
from tests.racing import at_once

pytestmark = pytest.mark.django_db

DAY_0 = day_of(NOW)


class Killed(BaseException):
    """What no code catches."""


def write_runs(
    schedule: Schedule, dues: Iterable[datetime], *, result: str = "passed", details: bool = False
) -> None:
    rows = [
        Run(
            schedule=schedule,
            due_at=due,
            started_at=due,
            result=result,
            duration_ms=90,
            response_time_ms=90,
        )
        for due in dues
    ]
    Run.objects.bulk_create(rows, batch_size=2000)
    if details:
        RunDetail.objects.bulk_create(
            (RunDetail(schedule=schedule, due_at=row.due_at, detail={}) for row in rows),
            batch_size=2000,
        )
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=rows[-1].due_at)


def every(gap: timedelta, start: datetime, end: datetime) -> list[datetime]:
    return [start + number * gap for number in range((end - start) // gap)]


def test_runs_go_when_their_day_is_old_and_their_tallies_stay():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR, DAY_0, DAY_0 + 5 * DAY), result="failed", details=True)
    LatestPass.objects.create(schedule=schedule, due_at=DAY_0, detail={})
    at = DAY_0 + 5 * DAY + HOUR
    roll_up(at=at)

    remove_old_runs(at=at, keep_days=3)

    assert min(Run.objects.values_list("due_at", flat=True)) == DAY_0 + 2 * DAY
    assert min(RunDetail.objects.values_list("due_at", flat=True)) == DAY_0 + 2 * DAY
    assert LatestPass.objects.exists()
    assert [day.tally.failed for day in RunDay.objects.order_by("started_at")] == [24] * 5
    assert RunHour.objects.count() == 5 * 24


def test_a_second_time_nothing_is_removed():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR, DAY_0, DAY_0 + 5 * DAY), result="failed", details=True)
    at = DAY_0 + 5 * DAY + HOUR
    roll_up(at=at)
    remove_old_runs(at=at, keep_days=3)
    left = Run.objects.count()

    again = remove_old_runs(at=at, keep_days=3), thin_details(at=at), roll_up(at=at)

    assert again == (0, 0, 0)
    assert Run.objects.count() == left == 72


@pytest.mark.parametrize("statement", range(2, 38, 4))
def test_killed_anywhere_it_goes_on_and_no_count_is_lost(statement: int):
    for _ in range(3):
        write_runs(
            ScheduleFactory(),
            every(HOUR * 6, DAY_0, DAY_0 + 4 * DAY),
            result="failed",
            details=True,
        )
    at = DAY_0 + 4 * DAY + LAG
    roll_up(at=at)
    asked = 0

    def kill(execute: Any, *args: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == statement:
            raise Killed
        return execute(*args)

    with suppress(Killed), connection.execute_wrapper(kill):
        remove_old_runs(at=at, keep_days=1)
    remove_old_runs(at=at, keep_days=1)

    assert Run.objects.count() == RunDetail.objects.count() == 3 * 4
    assert [day.tally.failed for day in RunDay.objects.all()] == [4] * 12


def test_runs_that_are_not_counted_stay():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR, DAY_0, DAY_0 + 5 * DAY))
    begin(DAY_0 + 5 * DAY)

    removed = remove_old_runs(at=DAY_0 + 50 * DAY, keep_days=1)

    assert removed == 0
    assert Run.objects.count() == 5 * 24


def test_a_day_with_a_late_run_that_is_not_counted_stays():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR, DAY_0, DAY_0 + 5 * DAY))
    at = DAY_0 + 5 * DAY + LAG
    roll_up(at=at)
    late = DAY_0 + DAY + timedelta(minutes=5)
    write_runs(schedule, [late, DAY_0 + 5 * DAY])
    note_late_runs([(schedule.pk, late, "passed", 90)], at=at)

    remove_old_runs(at=at, keep_days=1)

    assert min(Run.objects.values_list("due_at", flat=True)) == DAY_0 + DAY
    assert LateRun.objects.exists()


def test_runs_that_nobody_told_to_be_late_are_counted_before_they_go():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR, DAY_0, DAY_0 + 5 * DAY))
    at = DAY_0 + 5 * DAY + LAG
    roll_up(at=at)
    # The database's clock was set back: recorded after their hour was counted, but not late by the clock.
    write_runs(schedule, [DAY_0 + timedelta(minutes=7), DAY_0 + 5 * DAY])

    remove_old_runs(at=at, keep_days=1)

    assert RunDay.objects.get(started_at=DAY_0).tally.passed == 25
    assert RunHour.objects.get(started_at=DAY_0).tally.passed == 2
    assert not Run.objects.filter(due_at__lt=DAY_0 + DAY).exists()


def test_hours_go_after_forty_days_and_days_stay():
    schedule = ScheduleFactory()
    at = DAY_0 + 45 * DAY
    begin(at)
    for model, gap in ((RunHour, HOUR), (RunDay, DAY)):
        model.objects.bulk_create(
            model.of(schedule.pk, start, Tally(passed=1)) for start in every(gap, DAY_0, at)
        )

    remove_old_runs(at=at, keep_days=1)

    assert min(RunHour.objects.values_list("started_at", flat=True)) == at - HOURS_KEPT
    assert RunDay.objects.count() == 45


def test_statements_are_bounded_by_batches():
    schedule = ScheduleFactory()
    write_runs(schedule, every(timedelta(seconds=20), DAY_0, DAY_0 + DAY))
    write_runs(schedule, [DAY_0 + 2 * DAY])
    roll_up(at=DAY_0 + 3 * DAY)

    with CaptureQueriesContext(connection) as asked:
        removed = remove_old_runs(at=DAY_0 + 3 * DAY, keep_days=1)

    # The engines' minutes are a row a minute and engine.
    deletions = [
        query
        for query in asked.captured_queries
        if query["sql"].startswith("DELETE") and "engineminute" not in query["sql"]
    ]
    assert removed == 4320
    # Three of runs (2000, 2000, 320), one each that finds no details and no hours.
    assert len(deletions) == 5
    assert all("LIMIT 2000" in query["sql"] for query in deletions)


def test_details_of_a_long_failure_are_thinned_after_a_day():
    schedule = ScheduleFactory()
    write_runs(
        schedule,
        every(timedelta(minutes=1), DAY_0, DAY_0 + 2 * DAY),
        result="failed",
        details=True,
    )
    roll_up(at=DAY_0 + 2 * DAY + LAG)

    early = thin_details(at=DAY_0 + 2 * DAY - timedelta(seconds=1))
    thinned = thin_details(at=DAY_0 + 2 * DAY + LAG)

    assert early == 0
    first_day = RunDetail.objects.filter(due_at__lt=DAY_0 + DAY)
    assert sorted(first_day.values_list("due_at", flat=True)) == [
        *every(HOUR, DAY_0, DAY_0 + DAY),
        DAY_0 + DAY - timedelta(minutes=1),
    ]
    assert thinned == 1440 - 25
    assert RunDetail.objects.filter(due_at__gte=DAY_0 + DAY).count() == 1440
    assert Run.objects.count() == 2880


@pytest.mark.django_db(transaction=True)
def test_claims_and_results_commit_while_runs_are_removed():
    old = ScheduleFactory()
    write_runs(old, every(timedelta(seconds=4), DAY_0, DAY_0 + DAY), result="failed", details=True)
    write_runs(old, [DAY_0 + 2 * DAY])
    roll_up(at=DAY_0 + 3 * DAY)
    due_schedules(40, in_s=0.0)
    going_on = threading.Event()
    waited: list[float] = []
    recorded: list[int] = []

    def work() -> None:
        while not going_on.is_set():
            began = time.monotonic()
            claims = claim(4)
            if not claims:
                break
            flights = adopted_flights(claims)
            record([finished(flight) for flight in flights], may_extend=False)
            waited.append(time.monotonic() - began)
            recorded.append(len(flights))

    def remove() -> int:
        removed = remove_old_runs(at=DAY_0 + 3 * DAY, keep_days=1)
        going_on.set()
        return removed

    outcomes = at_once([work, remove])

    assert outcomes[0] is None
    assert outcomes[1] >= 2 * 21_600
    assert sum(recorded) >= 12
    assert max(waited) < 2.0


def test_a_clock_that_was_far_ahead_takes_no_runs_of_later_and_counts_none_twice():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR, DAY_0 - DAY, DAY_0))
    begin(DAY_0)
    ahead = DAY_0 + 20 * DAY
    roll_up(at=ahead)
    remove_old_runs(at=ahead, keep_days=14)
    thin_details(at=ahead)

    # The clock is right again, and the runs go on.
    roll_up(at=DAY_0 + HOUR)
    write_runs(schedule, every(HOUR / 4, DAY_0 + HOUR, DAY_0 + 3 * DAY), details=True)
    late = DAY_0 + DAY + HOUR
    for day in range(1, 4):
        at = DAY_0 + day * DAY + LAG
        roll_up(at=at)
        remove_old_runs(at=at, keep_days=14)
        thin_details(at=at)
    note_late_runs([(schedule.pk, late, "passed", 90)], at=DAY_0 + 3 * DAY)
    roll_up(at=DAY_0 + 3 * DAY + LAG)

    assert Run.objects.filter(due_at__gte=DAY_0).count() == RunDetail.objects.count() == 3 * 96 - 4
    assert [day.tally.count for day in RunDay.objects.order_by("started_at")] == [24, 92, 96, 96]
    until = dict(RunProgress.objects.values_list("work", "until"))
    assert until["details"] <= DAY_0 + 3 * DAY


@pytest.mark.django_db(transaction=True)
def test_two_that_remove_at_once_are_harmless():
    schedule = ScheduleFactory()
    write_runs(schedule, every(HOUR / 4, DAY_0, DAY_0 + 5 * DAY), result="failed", details=True)
    at = DAY_0 + 5 * DAY + LAG
    roll_up(at=at)

    outcomes = at_once([lambda: remove_old_runs(at=at, keep_days=3)] * 2)

    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert Run.objects.count() == RunDetail.objects.count() == 3 * 96
    assert {day.tally.failed for day in RunDay.objects.all()} == {96}


@pytest.mark.postgres
@needs_postgresql
def test_old_days_are_dropped_whole_and_those_without_a_partition_row_by_row():
    schedule = ScheduleFactory()
    ensure_partitions(today=DAY_0.date())
    start = DAY_0 - DAY
    write_runs(schedule, every(HOUR, start, start + 5 * DAY))
    at = start + 5 * DAY + LAG
    roll_up(at=at)

    removed = remove_old_runs(at=at, keep_days=2)

    # The first day's were in the default partition.
    assert removed == 24
    assert partition_name(DAY_0.date()) not in connection.introspection.table_names()
    assert min(Run.objects.values_list("due_at", flat=True)) == at - 2 * DAY - LAG
    assert [day.tally.count for day in RunDay.objects.all()] == [24] * 5


def test_by_themselves_they_are_kept_for_as_long_as_is_set(settings: Any):
    settings.RUN_RETENTION_DAYS = 2
    today = day_of(database_now())
    write_runs(ScheduleFactory(), every(HOUR, today - 4 * DAY, today + HOUR))

    tasks.roll_up()
    tasks.remove_old_runs()

    assert Run.objects.order_by("due_at").values_list("due_at", flat=True)[0] == today - 2 * DAY
    assert [day.tally.count for day in RunDay.objects.all()] == [24] * 4


def test_a_recorded_run_whose_hour_was_counted_is_told_by_the_recorder():
    due_schedules(1, in_s=0.0)
    flights = adopted_flights(claim(1))
    Schedule.objects.update(slot_at=database_now() - 3 * HOUR)

    record([finished(flights[0], due_at=database_now() - 2 * HOUR)], may_extend=False)

    (late,) = LateRun.objects.all()
    assert (late.result, late.response_time_ms) == ("passed", 90)
    assert RunProgress.objects.count() == 0
