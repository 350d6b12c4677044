"""Time that nobody measured is neither green nor red: it leaves a component's uptime, and only it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.core.clock import database_now
from apps.integrations.services import set_enabled
from apps.monitors.models import Monitor, Schedule
from apps.monitors.services.coverage import Found, note_unmeasured
from apps.pages.day_selectors import timelines
from apps.pages.models import Component, MeasurementGap
from apps.pages.services import set_staff_status
from apps.pages.uptime import Tally, statuspage_uptime, tally
from tests.factories import PERSON, LocationFactory, MonitorFactory, ScheduleFactory
from tests.integrations.scene import (
    component,
    deliver_all,
    fails,
    integrate,
    make_monitor,
    make_page,
    minutes,
    recovers,
)
from tests.racing import overlap

pytestmark = pytest.mark.django_db


def hours(count: float) -> datetime:
    return minutes(60 * count)


def measures_nothing(monitor: Monitor, since: datetime, until: datetime) -> None:
    """No location of the monitor measures between these moments, as the recorder or the task finds it."""
    schedules = Schedule.objects.filter(monitor=monitor).order_by("pk")
    note_unmeasured(
        found=[Found(schedule.pk, monitor.pk, since, until) for schedule in schedules], at=until
    )


def gaps(of: Component) -> list[tuple[datetime, datetime]]:
    rows = MeasurementGap.objects.filter(component=of).order_by("started_at")
    return list(rows.values_list("started_at", "ended_at"))


def ten_hours(of: Component) -> Tally:
    """The seconds in each state during the first ten hours."""
    line = timelines({of.pk: (hours(0), hours(10))})[of.pk]
    return tally(line.spans, line.gaps, since=hours(0), until=hours(10))


def test_own_downtime_of_two_hours_is_not_measured_and_the_rest_is_green():
    monitor = make_monitor()
    integrate(monitor, make_page())

    measures_nothing(monitor, hours(3), hours(5))

    assert gaps(component()) == [(hours(3), hours(5))]
    counted = ten_hours(component())
    assert (counted.unmeasured, counted.operational) == (2 * 3600, 8 * 3600)
    assert statuspage_uptime(counted) == 100.0


def test_own_downtime_during_an_outage_is_neither_red_nor_green():
    monitor = make_monitor()
    integrate(monitor, make_page(), incident=None)
    fails(monitor, hours(2))
    deliver_all()

    measures_nothing(monitor, hours(3), hours(5))
    recovers(monitor, hours(6))
    deliver_all()

    counted = ten_hours(component())
    assert (counted.unmeasured, counted.major, counted.operational) == (
        2 * 3600,
        2 * 3600,
        6 * 3600,
    )
    assert statuspage_uptime(counted) == 75.0


def test_what_a_person_said_meanwhile_is_counted():
    monitor = make_monitor()
    integrate(monitor, make_page(), incident=None)
    set_staff_status(
        component_id=component().pk, status="partial_outage", actor=PERSON, at=hours(4)
    )

    measures_nothing(monitor, hours(3), hours(5))

    counted = ten_hours(component())
    assert (counted.unmeasured, counted.partial) == (3600, 6 * 3600)


def test_two_monitors_linked_and_one_measures_is_no_gap():
    page = make_page()
    first, second = make_monitor(), make_monitor("Second check")
    integrate(first, page)
    integrate(second, page, nickname="Second")

    measures_nothing(first, hours(3), hours(5))

    assert gaps(component()) == []


def test_of_two_monitors_only_what_both_missed_is_a_gap_whoever_is_back_first():
    page = make_page()
    first, second = make_monitor(), make_monitor("Second check")
    integrate(first, page)
    integrate(second, page, nickname="Second")

    measures_nothing(first, hours(3), hours(5))
    measures_nothing(second, hours(4), hours(6))

    assert gaps(component()) == [(hours(4), hours(5))]


def test_a_paused_monitor_does_not_measure_for_the_other():
    page = make_page()
    first, second = make_monitor(), make_monitor("Second check")
    integrate(first, page)
    integrate(second, page, nickname="Second")
    Schedule.objects.filter(monitor=second).update(is_active=False, last_finished_at=hours(4))

    measures_nothing(first, hours(3), hours(5))

    assert gaps(component()) == [(hours(4), hours(5))]


def test_a_disabled_integration_does_not_count():
    page = make_page()
    first, second = make_monitor(), make_monitor("Second check")
    integrate(first, page)
    other = integrate(second, page, nickname="Second")
    set_enabled(integration_id=other.pk, enabled=False, actor=PERSON, at=hours(1))

    measures_nothing(first, hours(3), hours(5))
    measures_nothing(second, hours(7), hours(8))

    assert gaps(component()) == [(hours(3), hours(5))]


def test_a_component_without_links_has_no_gaps():
    page = make_page(components=("Checkout", "Website"))
    monitor = make_monitor()
    integrate(monitor, page)

    measures_nothing(monitor, hours(3), hours(5))

    assert gaps(component("Website")) == []


def test_one_location_that_measures_is_no_gap():
    monitor = make_monitor()
    here = monitor.schedules.get()
    ScheduleFactory(monitor=monitor, location=LocationFactory())
    integrate(monitor, make_page())

    note_unmeasured(found=[Found(here.pk, monitor.pk, hours(3), hours(5))], at=hours(5))

    assert gaps(component()) == []


def test_a_stretch_that_lasts_grows_into_one_gap():
    monitor = make_monitor()
    integrate(monitor, make_page())

    for minute in range(1, 5):
        measures_nothing(monitor, hours(3), hours(3) + timedelta(minutes=minute))

    assert gaps(component()) == [(hours(3), hours(3) + timedelta(minutes=4))]


@pytest.mark.django_db(transaction=True)
def test_two_monitors_that_come_back_at_once_leave_the_gap_they_share():
    page = make_page()
    first, second = make_monitor(), make_monitor("Second check")
    integrate(first, page)
    integrate(second, page, nickname="Second")

    outcomes = overlap(
        lambda: measures_nothing(first, hours(3), hours(5)),
        lambda: measures_nothing(second, hours(3), hours(5)),
    )

    assert outcomes == [None, None]
    assert gaps(component()) == [(hours(3), hours(5))]


def test_the_statements_do_not_grow_with_monitors_and_components(django_assert_max_num_queries):
    page = make_page(components=[f"Service {number}" for number in range(10)])
    monitors = [MonitorFactory(name=f"Monitor {number}") for number in range(10)]
    for number, monitor in enumerate(monitors):
        schedule = ScheduleFactory(monitor=monitor)
        links = {f"Service {number}": "major_outage"}
        integrate(monitor, page, nickname=f"Link {number}", links=links, incident=None)
        assert schedule.owed_since is None
    found = [
        Found(schedule.pk, schedule.monitor_id, hours(3), hours(5))
        for schedule in Schedule.objects.order_by("pk")
    ]

    with django_assert_max_num_queries(20):
        note_unmeasured(found=found, at=database_now())

    assert MeasurementGap.objects.count() == 10
