"""What nobody measured is noted: slots that were missed, errors, locations without a worker; and only that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.core.clock import database_now
from apps.monitors import signals
from apps.monitors.coverage import unmeasured_stretches
from apps.monitors.engine.claim import claim
from apps.monitors.engine.leases import Adopted
from apps.monitors.engine.record import record
from apps.monitors.models import Location, Monitor, Schedule, UnmeasuredStretch
from apps.monitors.selectors import definition_of
from apps.monitors.services import archive_monitor, pause_monitor, resume_monitor, update_monitor
from apps.monitors.services.coverage import find_unmeasured, forget_old_stretches
from apps.monitors.stretches import Unmeasured
from tests.factories import NOW, PERSON, LocationFactory, MonitorFactory, OutageFactory
from tests.monitors.conftest import (
    adopted_flights,
    due_schedule,
    finished,
    flight_of,
)
from tests.racing import overlap

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def missed() -> Iterator[list[Unmeasured]]:
    """What `measurements_missed` carried."""
    found: list[Unmeasured] = []

    def listen(missed: list[Unmeasured], **_: Any) -> None:
        found.extend(missed)

    signals.measurements_missed.connect(listen)
    yield found
    signals.measurements_missed.disconnect(listen)


def owing(since: datetime, **columns: Any) -> Schedule:
    """A schedule that has not measured since `since`, and is due now."""
    columns.setdefault("in_s", 0)
    columns.setdefault("last_finished_at", since)
    return due_schedule(owed_since=since, **columns)


def runs(result: str = "passed", *schedules: Schedule) -> None:
    """Let every schedule that is due run with this result, or only these."""
    wanted = {schedule.pk for schedule in schedules}
    flights = adopted_flights(claim(100))
    record(
        [
            finished(flight, result)
            for flight in flights
            if not wanted or flight.adopted.schedule_id in wanted
        ]
    )


def test_a_run_after_two_hours_leaves_two_hours_unmeasured(missed: list[Unmeasured]):
    """Whether the platform was down or the location: nobody measured."""
    since = database_now() - 2 * HOUR
    schedule = owing(since)

    runs()

    (row,) = UnmeasuredStretch.objects.all()
    assert (row.schedule_id, row.started_at) == (schedule.pk, since)
    assert abs(row.ended_at - (since + 2 * HOUR)) < SECOND
    assert missed == [Unmeasured(schedule.monitor_id, since, row.ended_at)]
    schedule.refresh_from_db()
    assert schedule.owed_since == schedule.next_run_at


def test_a_slot_that_is_late_or_missed_alone_is_no_gap(missed: list[Unmeasured]):
    owing(database_now() - timedelta(seconds=20))

    runs()

    assert not UnmeasuredStretch.objects.exists()
    assert missed == []


def test_errors_measure_nothing(missed: list[Unmeasured]):
    since = database_now() - HOUR
    schedule = owing(since)

    runs("error")
    schedule.refresh_from_db()
    assert (schedule.owed_since, missed) == (since, [])
    Schedule.objects.update(next_run_at=database_now())
    runs("failed")

    assert [one.started_at for one in missed] == [since]


def test_a_run_that_went_on_measures(missed: list[Unmeasured]):
    """Slots that came due meanwhile are overruns, and no gap."""
    slot = database_now() - 300 * SECOND
    schedule = due_schedule(
        in_s=-280,
        owed_since=slot,
        slot_at=slot,
        slot_count=1,
        claim_no=7,
        is_adopted=True,
        leased_until=database_now() + 15 * SECOND,
    )
    adopted = Adopted(schedule.pk, 7, schedule.monitor_id, 1, False, True, (slot,))

    find_unmeasured(at=NOW)
    record([finished(flight_of(adopted), took_s=299.9)])

    assert missed == []
    schedule.refresh_from_db()
    assert schedule.owed_since is not None
    assert schedule.owed_since > database_now() - 20 * SECOND


def test_one_location_that_measures_is_enough(missed: list[Unmeasured]):
    since = database_now() - HOUR
    monitor = MonitorFactory(interval_s=20)
    owing(since, monitor=monitor)
    due_schedule(monitor=monitor, location=LocationFactory(), in_s=0, owed_since=database_now())

    runs()

    assert UnmeasuredStretch.objects.count() == 1
    assert missed == []


def test_of_two_locations_only_what_both_missed_is_told(missed: list[Unmeasured]):
    now = database_now()
    monitor = MonitorFactory(interval_s=20)
    here = owing(now - 2 * HOUR, monitor=monitor)
    there = owing(now - HOUR, monitor=monitor, location=LocationFactory())

    runs("passed", here)
    assert missed == []
    Schedule.objects.filter(pk=there.pk).update(leased_until=database_now() - SECOND)
    runs("passed", there)

    ((monitor_id, started_at, ended_at),) = [
        (one.monitor_id, one.started_at, one.ended_at) for one in missed
    ]
    assert (monitor_id, started_at) == (monitor.pk, now - HOUR)
    assert abs(ended_at - now) < SECOND


@pytest.mark.django_db(transaction=True)
def test_two_locations_that_come_back_at_once_tell_what_both_missed():
    """Each sees its own stretch only, until the other has committed: the state row makes them wait."""
    now = database_now()
    monitor = MonitorFactory(interval_s=20)
    owing(now - HOUR, monitor=monitor)
    owing(now - HOUR, monitor=monitor, location=LocationFactory())
    first, second = adopted_flights(claim(100))
    told: list[Unmeasured] = []

    def listen(missed: list[Unmeasured], **_: Any) -> None:
        told.extend(missed)

    signals.measurements_missed.connect(listen)
    overlap(lambda: record([finished(first)]), lambda: record([finished(second)]))
    signals.measurements_missed.disconnect(listen)

    assert len(told) == 1
    assert told[0].ended_at - told[0].started_at > HOUR - SECOND


def test_while_it_lasts_each_minute_tells_the_new_time_only(missed: list[Unmeasured]):
    since = database_now() - HOUR
    schedule = owing(since, in_s=9999)

    assert find_unmeasured(at=NOW) == 1
    first = UnmeasuredStretch.objects.get().ended_at
    assert find_unmeasured(at=NOW) == 1

    (row,) = UnmeasuredStretch.objects.all()
    assert row.ended_at > first
    assert [(one.started_at, one.ended_at) for one in missed] == [
        (since, first),
        (first, row.ended_at),
    ]
    assert missed[0].monitor_id == schedule.monitor_id


def test_nothing_is_noted_while_all_is_measured(django_assert_num_queries):
    owing(database_now() - 20 * SECOND)
    owing(database_now() + HOUR)

    with django_assert_num_queries(2):
        assert find_unmeasured(at=NOW) == 0


def test_a_run_in_flight_measures_since_its_slot(missed: list[Unmeasured]):
    owing(database_now() - 300 * SECOND, in_s=0)
    adopted_flights(claim(100))
    slot = Schedule.objects.get().slot_at

    find_unmeasured(at=NOW)

    assert [one.ended_at for one in missed] == [slot]


@pytest.mark.parametrize("what", ["pause", "archive", "edit"])
def test_what_is_owed_is_told_before_a_monitor_is_stopped_or_changed(
    what: str, missed: list[Unmeasured]
):
    since = database_now() - HOUR
    monitor = MonitorFactory(interval_s=20)
    owing(since, monitor=monitor, in_s=9999)

    if what == "pause":
        pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    elif what == "archive":
        archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    else:
        definition = definition_of(monitor)
        definition = type(definition)(
            **{name: getattr(definition, name) for name in definition.__dataclass_fields__}
            | {"interval_s": 60}
        )
        update_monitor(monitor_id=monitor.pk, definition=definition, actor=PERSON, at=NOW)

    assert [one.started_at for one in missed] == [since]
    owed = Schedule.objects.get().owed_since
    assert owed is None if what != "edit" else owed > database_now() - SECOND


@pytest.mark.parametrize("what", ["archive", "edit"])
def test_what_is_owed_is_told_after_the_outages_it_ends(what: str):
    """Whoever hears of outages locks delivery streams, which come before the components of a gap."""
    monitor, told = MonitorFactory(interval_s=20), []
    owing(database_now() - HOUR, monitor=monitor, in_s=9999, is_failing=True)
    OutageFactory(monitor=monitor)
    LocationFactory(code="eu-west")

    def hear(signal: Any, **_: Any) -> None:
        told.append(signal)

    heard = [signals.outages_changed, signals.monitors_removed, signals.measurements_missed]
    for signal in heard:
        signal.connect(hear)
    try:
        if what == "archive":
            archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
        else:
            definition = replace(definition_of(monitor), locations=("eu-west",))
            update_monitor(monitor_id=monitor.pk, definition=definition, actor=PERSON, at=NOW)
    finally:
        for signal in heard:
            signal.disconnect(hear)

    assert told == [one for one in heard if what == "archive" or one != signals.monitors_removed]


def test_a_paused_monitor_has_no_slots_so_it_misses_none(missed: list[Unmeasured]):
    monitor = MonitorFactory(interval_s=20)
    owing(database_now(), monitor=monitor)

    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    Schedule.objects.update(last_finished_at=database_now() - HOUR)
    assert find_unmeasured(at=NOW) == 0
    resume_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    Schedule.objects.update(next_run_at=database_now())
    runs()

    assert missed == []


def test_a_monitor_that_never_ran_owes_its_first_slot(missed: list[Unmeasured]):
    """Made while no worker was there: what it misses is not green."""
    monitor = MonitorFactory(interval_s=20)
    due_schedule(monitor=monitor, in_s=-3600, owed_since=database_now() - HOUR)

    runs()

    assert [one.monitor_id for one in missed] == [monitor.pk]


def test_a_place_where_a_monitor_runs_no_more_measures_nothing_since_its_last_run():
    now = database_now()
    monitor: Monitor = MonitorFactory(interval_s=20)
    owing(now - HOUR, monitor=monitor, in_s=9999)
    location: Location = LocationFactory()
    due_schedule(
        monitor=monitor, location=location, is_active=False, last_finished_at=now - HOUR / 2
    )
    find_unmeasured(at=NOW)

    found = unmeasured_stretches(monitor_ids=[monitor.pk], since=now - 2 * HOUR, until=now)

    assert found == {monitor.pk: [(now - HOUR / 2, now)]}


def test_what_ended_long_ago_is_forgotten():
    schedule = due_schedule()
    now = database_now()
    for days in (1, 89, 91, 200):
        ended = now - timedelta(days=days)
        UnmeasuredStretch.objects.create(schedule=schedule, started_at=ended - HOUR, ended_at=ended)

    assert forget_old_stretches(at=now) == 2
    assert forget_old_stretches(at=now) == 0

    assert UnmeasuredStretch.objects.count() == 2


def test_the_statements_do_not_grow_with_what_was_missed(django_assert_max_num_queries):
    for _ in range(20):
        owing(database_now() - HOUR, in_s=9999)

    with django_assert_max_num_queries(15):
        assert find_unmeasured(at=NOW) == 20
