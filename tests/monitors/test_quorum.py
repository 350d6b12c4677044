"""With several locations an outage is open exactly while `quorum` of them are failing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from apps.core.clock import database_now
from apps.core.errors import Invalid
from apps.monitors.engine.claim import claim
from apps.monitors.engine.record import record
from apps.monitors.models import Location, Monitor, Outage, Schedule
from apps.monitors.selectors import definition_of
from apps.monitors.services import update_monitor
from tests.factories import NOW, PERSON, LocationFactory, MonitorFactory
from tests.monitors.conftest import (
    adopted_flights,
    appear,
    default_location,
    due_schedule,
    finished,
    in_threads,
)

pytestmark = pytest.mark.django_db


def monitor_at(*locations: Location, **columns: object) -> Monitor:
    """A monitor that runs at these locations, not due yet."""
    monitor: Monitor = MonitorFactory(interval_s=20, **columns)
    for location in locations:
        due_schedule(monitor=monitor, location=location, in_s=9999)
    return monitor


def run(schedule: Schedule, result: str) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=database_now())
    (flight,) = adopted_flights(claim(100))
    record([finished(flight, result)])
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=None)


def edit(monitor: Monitor, **changes: object) -> None:
    definition = replace(definition_of(monitor), **changes)  # type: ignore[arg-type]
    update_monitor(monitor_id=monitor.pk, definition=definition, actor=PERSON, at=NOW)


def is_open(monitor: Monitor) -> bool:
    return Outage.objects.open().filter(monitor=monitor).exists()


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_an_outage_is_open_while_the_quorum_is_failing_and_no_longer(quorum: int):
    chance = random.Random(quorum)
    monitor = monitor_at(*LocationFactory.create_batch(3), quorum=quorum)
    schedules = list(monitor.schedules.order_by("pk"))
    failing = dict.fromkeys((schedule.pk for schedule in schedules), False)

    for _ in range(30):
        schedule, result = chance.choice(schedules), chance.choice(["passed", "failed", "error"])
        run(schedule, result)
        if result != "error":
            failing[schedule.pk] = result == "failed"
        assert is_open(monitor) == (sum(failing.values()) >= quorum)

    assert Outage.objects.filter(monitor=monitor).exists()


@pytest.mark.django_db(transaction=True)
def test_two_locations_that_recover_at_once_close_one_outage():
    """Each sees the other failing until it has committed; the state row makes one count after the other."""
    monitor = monitor_at(default_location(), LocationFactory(), quorum=2)
    for schedule in monitor.schedules.all():
        run(schedule, "failed")
    assert is_open(monitor)
    Schedule.objects.update(next_run_at=database_now())
    first, second = adopted_flights(claim(100))

    in_threads(
        lambda: record([finished(first, "passed")]), lambda: record([finished(second, "passed")])
    )

    assert not is_open(monitor)
    assert Outage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_fails_while_another_recovers_leaves_what_the_quorum_says():
    monitor = monitor_at(default_location(), LocationFactory(), quorum=2)
    run(monitor.schedules.order_by("pk")[0], "failed")
    Schedule.objects.update(next_run_at=database_now())
    first, second = adopted_flights(claim(100))

    in_threads(
        lambda: record([finished(first, "passed")]), lambda: record([finished(second, "failed")])
    )

    assert not is_open(monitor)
    assert Schedule.objects.filter(is_failing=True).count() == 1


def test_a_quorum_larger_than_the_locations_is_refused():
    monitor = monitor_at(default_location(), LocationFactory(code="eu-west"))

    with pytest.raises(Invalid, match="At most the number of locations, 2") as refused:
        edit(monitor, quorum=3)
    with pytest.raises(Invalid, match="At most the number of locations, 1"):
        edit(monitor, quorum=2, locations=("default",))

    assert refused.value.field == "quorum"


def test_a_location_added_while_failing_has_not_failed_yet():
    LocationFactory(code="eu-west")
    monitor = monitor_at(default_location())
    run(monitor.schedules.get(), "failed")

    edit(monitor, locations=("default", "eu-west"))
    assert is_open(monitor)
    edit(monitor, quorum=2)
    assert not is_open(monitor)
    edit(monitor, quorum=1)

    assert is_open(monitor)


def test_a_failing_location_that_is_taken_off_counts_no_more_and_begins_anew_when_it_is_back():
    there = LocationFactory(code="eu-west")
    monitor = monitor_at(default_location(), there)
    run(monitor.schedules.get(location=there), "failed")
    assert is_open(monitor)

    edit(monitor, locations=("default",))
    assert not is_open(monitor)
    edit(monitor, locations=("default", "eu-west"))
    assert not is_open(monitor)
    appear(there)
    run(monitor.schedules.get(location=there), "failed")

    assert is_open(monitor)


def test_a_location_that_nobody_works_at_keeps_its_last_word():
    """It neither recovers nor fails by silence: that it is not measured is told elsewhere."""
    there = LocationFactory()
    monitor = monitor_at(default_location(), there)
    run(monitor.schedules.get(location=there), "failed")

    there.state.delete()
    run(monitor.schedules.get(location=default_location()), "passed")

    assert is_open(monitor)
