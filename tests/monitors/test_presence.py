"""A location is there while a worker of it says so; nothing is claimed for one that is not."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db.models import F

from apps.core.clock import database_now
from apps.core.egress import Allow, Guard, Transfers
from apps.monitors.engine.claim import claim
from apps.monitors.engine.engine import Engine
from apps.monitors.engine.presence import PRESENT_FOR, codes_of_queues, is_present, present
from apps.monitors.engine.sql import CLAIM_LEASE
from apps.monitors.models import LocationState, Schedule
from apps.monitors.services import run_now
from tests.factories import NOW, PERSON, LocationFactory
from tests.monitors.conftest import appear, default_location, due_schedule

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def let_pass(duration: timedelta) -> None:
    """Let the workers have been seen that much longer ago."""
    LocationState.objects.update(seen_at=F("seen_at") - duration)


def test_a_worker_is_the_locations_whose_queues_it_takes_from():
    assert codes_of_queues(["default", "checks.eu-west", "checks.default"]) == {
        "eu-west",
        "default",
    }


@pytest.mark.parametrize(
    ("ago_s", "is_there"), [(0, True), (15, True), (25, False), (-15, True), (-3600, False)]
)
def test_a_location_is_there_for_some_seconds_after_it_was_seen(ago_s: float, is_there: bool):
    """A sign of life from the future is of a clock that was set back since: it counts for nothing."""
    let_pass(ago_s * SECOND)
    now = database_now()

    assert present(now).exists() is is_there
    assert is_present(LocationState.objects.get(), now) is is_there


def test_nothing_is_claimed_for_a_location_without_a_worker():
    due_schedule(in_s=0)
    due_schedule(in_s=0, run_now_at=database_now())
    due_schedule(
        slot_at=database_now(), slot_count=1, leased_until=database_now() - SECOND, in_s=600
    )
    let_pass(PRESENT_FOR + SECOND)

    assert claim(100) == []

    appear(default_location())
    assert len(claim(100)) == 3


def test_a_crontabs_slot_is_not_claimed_there_either():
    schedule = due_schedule(in_s=0)
    monitor = schedule.monitor
    type(monitor).objects.filter(pk=monitor.pk).update(
        interval_s=None, crontab="* * * * *", crontab_time_zone="UTC"
    )
    Schedule.objects.filter(pk=schedule.pk).update(interval_s=None)
    let_pass(PRESENT_FOR + SECOND)

    assert claim(100) == []

    appear(default_location())
    assert len(claim(100)) == 1


def test_other_locations_are_claimed_meanwhile():
    due_schedule(in_s=0)
    let_pass(PRESENT_FOR + SECOND)
    there = due_schedule(in_s=0, location=LocationFactory())

    assert [found.schedule_id for found in claim(100)] == [there.pk]


def test_slots_that_passed_without_a_worker_are_missed_and_the_newest_is_run_late():
    schedule = due_schedule(in_s=-205, interval_s=20)
    let_pass(PRESENT_FOR + SECOND)
    assert claim(100) == []

    appear(default_location())
    claim(100)

    schedule.refresh_from_db()
    assert schedule.missed == 10
    assert schedule.slot_at is not None
    assert database_now() - schedule.slot_at < 20 * SECOND


def test_a_location_whose_worker_died_is_claimed_for_only_until_that_is_known():
    """Not claimed anew at every lapse for ever: nobody hears of it."""
    schedule = due_schedule(in_s=0)
    claims = 0
    for _ in range(20):
        claims += len(claim(100))
        Schedule.objects.update(leased_until=F("leased_until") - CLAIM_LEASE - SECOND)
        let_pass(CLAIM_LEASE + SECOND)

    schedule.refresh_from_db()
    assert schedule.claim_no == claims == 4


def test_a_run_asked_for_waits_for_the_worker():
    schedule = due_schedule(in_s=600)
    let_pass(PRESENT_FOR + SECOND)
    run_now(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)

    assert claim(100) == []

    appear(default_location())
    assert len(claim(100)) == 1


@pytest.mark.django_db(transaction=True)
def test_an_engine_says_that_it_lives_also_while_it_is_idle():
    location = LocationFactory(code="eu-west")
    engine = Engine(Transfers(guard=Guard(Allow.parse([])), slots=2), renew_s=0.2)

    try:
        engine.serve({"eu-west", "no-such-place"})
        seen = []
        until = time.monotonic() + 5
        while len(set(seen)) < 3 and time.monotonic() < until:
            time.sleep(0.05)
            seen += LocationState.objects.filter(location=location).values_list(
                "seen_at", flat=True
            )
    finally:
        engine.stop(drain_s=0)

    assert len(set(seen)) >= 3
    assert is_present(LocationState.objects.get(location=location), database_now())
    assert LocationState.objects.count() == 2
