"""What is read about monitors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.clock import database_now
from apps.core.errors import NotFound
from apps.monitors.engine.claim import claim
from apps.monitors.models import RunDetail, Schedule
from apps.monitors.selectors import (
    dispatch_lag_s,
    last_results,
    latest_runs,
    monitor_by_public_id,
    run_detail,
)
from tests.factories import NOW, LocationFactory, MonitorFactory, RunFactory, ScheduleFactory
from tests.monitors.conftest import due_schedule

pytestmark = pytest.mark.django_db


def test_runs_come_newest_first_over_all_locations_page_by_page():
    monitor = MonitorFactory()
    schedules = [ScheduleFactory(monitor=monitor, location=LocationFactory()) for _ in range(2)]
    for number in range(5):
        for schedule in schedules:
            RunFactory(schedule=schedule, due_at=NOW - timedelta(minutes=number))
    RunFactory()

    seen = []
    before = None
    while page := latest_runs(monitor_ids=[monitor.pk], limit=3, before=before):
        seen.extend((run.due_at, run.schedule_id) for run in page)
        before = seen[-1]

    assert len(seen) == len(set(seen)) == 10
    assert seen == sorted(seen, key=lambda key: (-key[0].timestamp(), key[1]))


def test_a_page_of_runs_knows_its_monitors_without_further_queries(django_assert_num_queries):
    schedule = ScheduleFactory()
    for number in range(5):
        RunFactory(schedule=schedule, due_at=NOW - timedelta(minutes=number))

    with django_assert_num_queries(2):
        runs = latest_runs(monitor_ids=[schedule.monitor_id], limit=5)
        names = {(run.schedule.monitor.name, run.schedule.location.code) for run in runs}

    assert len(names) == 1


def test_details_are_there_when_they_were_kept():
    run = RunFactory(failed=True)
    RunDetail.objects.create(
        schedule_id=run.schedule_id, due_at=run.due_at, detail={"requests": []}
    )

    assert run_detail(schedule_id=run.schedule_id, due_at=run.due_at) == {"requests": []}
    assert run_detail(schedule_id=run.schedule_id, due_at=NOW + timedelta(days=1)) is None


def test_the_newest_result_of_any_location_counts():
    monitor = MonitorFactory()
    ScheduleFactory(monitor=monitor, last_finished_at=NOW)
    ScheduleFactory(monitor=monitor, last_finished_at=NOW + timedelta(seconds=3))
    silent = ScheduleFactory()

    assert last_results([monitor.pk, silent.monitor_id]) == {monitor.pk: NOW + timedelta(seconds=3)}


def test_the_lag_is_that_of_the_oldest_slot_that_waits():
    due_schedule(in_s=-30)
    due_schedule(in_s=100)
    assert 30 <= dispatch_lag_s() < 40

    claim(100)

    assert dispatch_lag_s() == 0


def test_a_run_that_goes_on_is_no_lag():
    due_schedule(in_s=0)
    claim(100)
    Schedule.objects.update(next_run_at=database_now() - timedelta(seconds=30))

    assert dispatch_lag_s() == 0


def test_an_archived_monitor_is_not_found():
    monitor = MonitorFactory(archived=True)

    with pytest.raises(NotFound):
        monitor_by_public_id(monitor.public_id)
