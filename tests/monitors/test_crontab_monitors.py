"""A monitor with a crontab: when it is due, what edits do to that, and how it is claimed."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from apps.core.clock import database_now
from apps.monitors.checkers.spec import RequestSpec
from apps.monitors.crontab import parse
from apps.monitors.crontab_times import newest_until, next_after
from apps.monitors.definition import CrontabSpec, MonitorDefinition
from apps.monitors.engine import leases
from apps.monitors.engine.claim import _CRONTABS, claim
from apps.monitors.engine.engine import Engine
from apps.monitors.engine.record import record
from apps.monitors.models import Monitor, Run, Schedule
from apps.monitors.selectors import definition_of
from apps.monitors.services import create_monitor, resume_monitor, run_now, update_monitor
from tests.factories import NOW, PERSON, MonitorFactory, WorkspaceFactory
from tests.monitors.conftest import (
    adopted_flights,
    due_schedule,
    due_schedules,
    finished,
    in_threads,
    needs_postgresql,
)
from tests.monitors.fixtures.targets import Target
from tests.monitors.test_engine import new_transfers, wait_for

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
UTC_ZONE = ZoneInfo("UTC")
MINUTELY = parse("* * * * *")
REQUEST = RequestSpec(name="Home", url="http://target.test/")


def create(**changes: Any) -> Monitor:
    made = MonitorDefinition(
        workspace_id=WorkspaceFactory().pk, name="Nightly", requests=(REQUEST,)
    )
    return create_monitor(definition=replace(made, **changes), actor=PERSON, at=NOW)


def update(monitor: Monitor, **changes: Any) -> None:
    update_monitor(
        monitor_id=monitor.pk,
        definition=replace(definition_of(monitor), **changes),
        actor=PERSON,
        at=NOW,
    )


def next_slot(monitor: Monitor) -> datetime | None:
    return Schedule.objects.get(monitor=monitor).next_run_at


def slot_after_now(crontab: CrontabSpec) -> datetime:
    return next_after(parse(crontab.expression), ZoneInfo(crontab.time_zone), database_now())


def test_a_monitor_with_a_crontab_is_due_by_its_zone():
    crontab = CrontabSpec("30 6 * * 1-5", "Europe/Berlin")

    monitor = create(interval_s=None, crontab=crontab)

    assert definition_of(monitor).crontab == crontab
    assert next_slot(monitor) == slot_after_now(crontab)


BERLIN, TOKYO = CrontabSpec("30 6 * * *", "Europe/Berlin"), CrontabSpec("30 6 * * *", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"interval_s": None, "crontab": BERLIN}, {"interval_s": None, "crontab": TOKYO}),
        (
            {"interval_s": None, "crontab": BERLIN},
            {"interval_s": None, "crontab": CrontabSpec("31 6 * * *", "Europe/Berlin")},
        ),
        ({"interval_s": 60, "crontab": None}, {"interval_s": None, "crontab": BERLIN}),
    ],
)
def test_a_changed_crontab_or_zone_moves_the_next_slot(
    before: dict[str, Any], after: dict[str, Any]
):
    monitor = create(**before)

    update(monitor, **after)

    assert next_slot(monitor) == slot_after_now(after["crontab"])


def test_a_crontab_given_up_for_an_interval_runs_in_that():
    monitor = create(interval_s=None, crontab=BERLIN)

    update(monitor, interval_s=20, crontab=None)

    due = next_slot(monitor)
    assert due is not None
    assert timedelta(0) < due - database_now() <= timedelta(seconds=20)


def test_what_does_not_touch_a_crontab_leaves_its_next_slot():
    monitor = create(interval_s=None, crontab=BERLIN)
    late = database_now() - timedelta(minutes=5)
    Schedule.objects.update(next_run_at=late)

    update(monitor, retries=3)

    assert next_slot(monitor) == late


def test_a_paused_monitor_with_a_crontab_resumes_at_its_next_slot():
    monitor = create(enabled=False, interval_s=None, crontab=BERLIN)

    resume_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    assert next_slot(monitor) == slot_after_now(BERLIN)


# Claiming.


def by_crontab(expression: str = "* * * * *", **columns: Any) -> Schedule:
    """A schedule by a crontab in UTC."""
    monitor = MonitorFactory(
        interval_s=None, crontab=expression, crontab_time_zone="UTC", with_request=False
    )
    return due_schedule(monitor=monitor, interval_s=None, **columns)


def next_minute() -> datetime:
    return next_after(MINUTELY, UTC_ZONE, database_now())


def test_a_slot_within_the_horizon_is_claimed_and_the_following_one_scheduled():
    schedule = by_crontab(in_s=1)
    slot = schedule.next_run_at

    (found,) = claim(100)

    schedule.refresh_from_db()
    assert (found.schedule_id, found.claim_no) == (schedule.pk, 1)
    assert (schedule.slot_at, schedule.slot_count, schedule.missed) == (slot, 1, 0)
    assert schedule.next_run_at == next_after(MINUTELY, UTC_ZONE, slot)


def test_of_the_slots_that_passed_the_newest_is_run_late_and_the_others_are_missed():
    before = database_now()
    oldest = newest_until(MINUTELY, UTC_ZONE, before) - 3 * MINUTE
    schedule = by_crontab(next_run_at=oldest)

    claim(100)

    schedule.refresh_from_db()
    assert schedule.slot_at in {oldest + 3 * MINUTE, oldest + 4 * MINUTE}
    assert schedule.missed == (schedule.slot_at - oldest) // MINUTE
    assert schedule.next_run_at == schedule.slot_at + MINUTE


def test_a_daily_slot_missed_while_nothing_ran_is_run_late():
    zone, daily = ZoneInfo("Europe/Berlin"), parse("30 6 * * *")
    slot = newest_until(daily, zone, database_now() - MINUTE)
    schedule = by_crontab(next_run_at=slot)
    Monitor.objects.update(crontab="30 6 * * *", crontab_time_zone="Europe/Berlin")

    claim(100)

    schedule.refresh_from_db()
    assert (schedule.slot_at, schedule.missed) == (slot, 0)
    assert schedule.next_run_at == next_after(daily, zone, slot)


@pytest.mark.parametrize("columns", [{"in_s": 10}, {"is_active": False}, {"next_run_at": None}])
def test_what_is_not_due_is_left(columns: dict[str, Any]):
    by_crontab(**columns)

    assert claim(100) == []


def test_a_lapsed_lease_is_claimed_again_with_the_same_slot_and_slots_since_are_missed():
    schedule = by_crontab(in_s=0)
    slot = schedule.next_run_at
    claim(100)
    Schedule.objects.update(
        leased_until=database_now() - timedelta(seconds=1), next_run_at=next_minute() - 3 * MINUTE
    )

    (again,) = claim(100)

    schedule.refresh_from_db()
    assert again.claim_no == 2
    assert (schedule.slot_at, schedule.missed) == (slot, 3)
    assert schedule.next_run_at == next_minute()


def test_a_run_asked_for_leaves_the_crontabs_slot():
    schedule = by_crontab(next_run_at=next_minute() + MINUTE)
    slot = schedule.next_run_at
    run_now(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)

    claim(100)

    schedule.refresh_from_db()
    assert (schedule.slot_is_manual, schedule.next_run_at) == (True, slot)


def test_slots_that_come_due_during_a_run_are_overruns():
    by_crontab(in_s=0)
    (flight,) = adopted_flights(claim(100))
    began = newest_until(MINUTELY, UTC_ZONE, database_now()) - 3 * MINUTE
    Schedule.objects.update(slot_at=began, next_run_at=began + MINUTE)
    flight.granted = (began,)

    # Within two seconds of the next minute the engine would keep the schedule for it.
    record([finished(flight, took_s=150)], may_extend=False)

    schedule = Schedule.objects.get()
    assert schedule.overruns == 2
    assert schedule.slot_at is None
    assert schedule.next_run_at == began + 3 * MINUTE


def test_a_run_is_recorded_and_the_schedule_is_free_for_its_next_slot():
    schedule = by_crontab(in_s=0)
    slot = schedule.next_run_at
    (flight,) = adopted_flights(claim(100))

    # Within two seconds of the next minute the engine would keep the schedule for it.
    record([finished(flight)], may_extend=False)

    schedule.refresh_from_db()
    assert Run.objects.get().due_at == slot
    assert (schedule.slot_at, schedule.overruns, schedule.missed) == (None, 0, 0)
    assert schedule.next_run_at == next_after(MINUTELY, UTC_ZONE, slot)


def test_a_crontab_that_cannot_be_read_keeps_nobody_else_from_running(
    caplog: pytest.LogCaptureFixture,
):
    broken, well = by_crontab(in_s=0), by_crontab(in_s=0)
    Monitor.objects.filter(pk=broken.monitor_id).update(crontab_time_zone="Mars/Olympus")

    with caplog.at_level(logging.ERROR):
        found = claim(100)

    assert [one.schedule_id for one in found] == [well.pk]
    assert f"monitor={broken.monitor_id}" in caplog.text
    broken.refresh_from_db()
    assert broken.slot_at is None
    assert broken.next_run_at > database_now() + 50 * MINUTE


@pytest.mark.django_db(transaction=True)
def test_two_claimers_at_once_share_out_what_is_due():
    schedules = [by_crontab(in_s=0) for _ in range(12)]

    first, second = in_threads(lambda: claim(1000), lambda: claim(1000))

    ids = [found.schedule_id for found in (*first, *second)]
    assert sorted(ids) == sorted(schedule.pk for schedule in schedules)
    assert set(Schedule.objects.values_list("claim_no", flat=True)) == {1}


def test_claims_of_crontabs_are_adopted_with_their_one_slot():
    schedule = by_crontab(in_s=0)
    slot = schedule.next_run_at
    claim(100)

    (adopted,) = leases.adopt([(schedule.pk, 1)])

    assert adopted.due == (slot,)


@pytest.mark.postgres
@needs_postgresql
def test_crontabs_are_found_by_the_indexes_of_claims():
    due_schedules(2000, in_s=600)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE monitors_schedule")
        cursor.execute(f"EXPLAIN {_CRONTABS}", [100, 100])
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "schedule_due" in plan, plan
    assert "schedule_leased" in plan, plan
    # The few locations may be read as they lie.
    assert "Seq Scan on monitors_schedule" not in plan, plan


@pytest.mark.django_db(transaction=True)
def test_an_engine_runs_a_crontabs_slot_at_its_time(target: Target):
    request = RequestSpec(name="Home", url=f"{target.url}/health")
    monitor = create(interval_s=None, crontab=BERLIN, requests=(request,))
    slot = database_now() + timedelta(seconds=0.3)
    Schedule.objects.update(next_run_at=slot)
    engine = Engine(new_transfers())

    engine.take([(found.schedule_id, found.claim_no) for found in claim(100)])
    run = wait_for(Run.objects.first)
    engine.stop(drain_s=0.5)

    assert (run.due_at, run.result) == (slot, "passed")
    assert timedelta(0) <= run.started_at - slot < timedelta(seconds=1)
    assert next_slot(monitor) == slot_after_now(BERLIN)
