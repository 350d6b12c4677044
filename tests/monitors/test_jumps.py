"""The database's clock jumps an hour either way: no check stops, and none is run twice at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.clock import database_now
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.engine import leases
from apps.monitors.engine.claim import claim
from apps.monitors.engine.clock import JUMP, JumpWatch
from apps.monitors.engine.engine import Engine
from apps.monitors.engine.flights import Finished
from apps.monitors.engine.jumps import (
    go_on_after_jumps,
    go_on_after_set_back,
    go_on_after_set_forward,
)
from apps.monitors.engine.record import record, record_as_error
from apps.monitors.engine.sql import HELD_LEASE
from apps.monitors.models import Monitor, Run, Schedule
from apps.monitors.services import pause_monitor, resume_monitor, run_now
from apps.monitors.slots import Every, aside
from tests.clocks import SettableClock, settable_database_clock
from tests.factories import NOW, PERSON, MonitorFactory
from tests.monitors.conftest import (
    adopted_flights,
    appear,
    default_location,
    due_schedule,
    finished,
)
from tests.monitors.fixtures.targets import Target
from tests.monitors.test_engine import monitor_of, new_transfers

pytestmark = pytest.mark.django_db

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
BOTH_WAYS = [HOUR, -HOUR]


@pytest.fixture
def clock() -> Iterator[SettableClock]:
    with settable_database_clock() as made:
        yield made


def go_on() -> None:
    """What the next tick of a process that has just begun does, and the locations' workers say."""
    go_on_after_set_back()
    appear(default_location())


@dataclass
class Simulation:
    """The platform at work, a second at a time: ticks, runs that take no time, and their records.

    `ran` is {schedule id: the seconds at which it ran}.
    """

    clock: SettableClock
    elapsed: int = 0
    began: float = field(default_factory=time.monotonic)
    ran: dict[int, list[int]] = field(default_factory=dict)
    watch: JumpWatch = field(default_factory=JumpWatch)

    def go(self, seconds: int) -> None:
        for _ in range(seconds):
            self.elapsed += 1
            self.clock.move(SECOND)
            go_on_after_jumps(self.watch, lambda: time.monotonic() + self.elapsed)
            appear(default_location())
            flights = adopted_flights(claim(1000))
            for flight in flights:
                now = database_now()
                for due in list(flight.granted):
                    self.ran.setdefault(flight.adopted.schedule_id, []).append(self.elapsed)
                    record([Finished(flight, due, now, now, CheckOutcome("passed"), "{}")])

    @property
    def passed_s(self) -> float:
        """What has passed for the clock, the simulation's own time with it."""
        return self.elapsed + time.monotonic() - self.began

    def pauses(self, schedule: Schedule) -> list[int]:
        """The seconds from each run of a schedule to its next one."""
        return [later - earlier for earlier, later in pairwise(self.ran[schedule.pk])]


def by_crontab() -> Schedule:
    monitor = MonitorFactory(
        interval_s=None, crontab="* * * * *", crontab_time_zone="UTC", with_request=False
    )
    return due_schedule(monitor=monitor, interval_s=None, in_s=5)


@pytest.mark.parametrize("jump", BOTH_WAYS)
def test_checks_go_on_at_their_pace_and_are_counted_where_the_clock_left_them_out(
    clock: SettableClock, jump: timedelta
):
    twenty, minutely = due_schedule(interval_s=20, in_s=5), by_crontab()
    simulation = Simulation(clock)

    simulation.go(100)
    clock.move(jump)
    simulation.go(150)

    # Each pause is one interval at most, but for the one in which the clock was set: that may be two.
    assert max(simulation.pauses(twenty)) <= 41
    assert abs(len(simulation.ran[twenty.pk]) - simulation.passed_s / 20) <= 2
    assert min(simulation.pauses(twenty)) >= (0 if jump > timedelta(0) else 17)
    assert max(simulation.pauses(minutely)) <= 121
    assert abs(len(simulation.ran[minutely.pk]) - simulation.passed_s / 60) <= 3
    # Each run has a key of its own.
    assert Run.objects.count() == sum(map(len, simulation.ran.values()))
    twenty.refresh_from_db()
    minutely.refresh_from_db()
    left_out = (179, 180) if jump > timedelta(0) else (0,)
    assert twenty.missed in left_out
    assert minutely.missed in ((58, 59, 60) if jump > timedelta(0) else (0,))


def test_a_clock_that_is_set_forth_and_back_again_loses_nothing(clock: SettableClock):
    schedule = due_schedule(interval_s=20, in_s=5)
    simulation = Simulation(clock)

    for jump in (HOUR, -HOUR, -HOUR, HOUR):
        simulation.go(60)
        clock.move(jump)
    simulation.go(60)

    assert max(simulation.pauses(schedule)) <= 41
    assert Run.objects.count() == len(simulation.ran[schedule.pk])


def test_a_process_that_begins_after_the_clock_was_set_back_goes_on_too(clock: SettableClock):
    schedule = due_schedule(interval_s=20, in_s=15)
    clock.move(-HOUR)

    simulation = Simulation(clock)
    simulation.go(45)

    assert len(simulation.ran[schedule.pk]) >= 2


@pytest.mark.parametrize("interval_s", [1, 20, 600, 604_800])
def test_no_next_slot_is_further_away_than_its_interval(clock: SettableClock, interval_s: int):
    schedule = due_schedule(interval_s=interval_s, in_s=interval_s / 2)
    clock.move(-HOUR)

    go_on()

    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    ahead = schedule.next_run_at - database_now()
    assert -SECOND < ahead <= timedelta(seconds=interval_s + 5)


def test_slots_that_lie_ahead_as_they_should_are_left(clock: SettableClock):
    rows = [due_schedule(interval_s=20, in_s=19), by_crontab(), due_schedule(interval_s=1, in_s=3)]
    before = [row.next_run_at for row in rows]

    assert go_on_after_set_back() == 0

    assert [Schedule.objects.get(pk=row.pk).next_run_at for row in rows] == before


def test_a_reading_that_took_long_is_none(clock: SettableClock):
    watch, times = JumpWatch(), iter([0.0, 10.0])
    clock.move(-HOUR)

    go_on_after_jumps(watch, lambda: next(times))

    assert watch.jump(reading=NOW, monotonic=0.0) is None


# Leases.


def test_a_dead_workers_lease_ends_as_soon_as_it_would_have(clock: SettableClock):
    schedule = due_schedule(in_s=0)
    slot = schedule.next_run_at
    leases.adopt([(found.schedule_id, found.claim_no) for found in claim(100)])
    clock.move(-HOUR)

    go_on()
    while_it_may_live = claim(100)
    clock.move(HELD_LEASE + SECOND)
    appear(default_location())
    after = claim(100)

    assert (while_it_may_live, [found.claim_no for found in after]) == ([], [2])
    schedule.refresh_from_db()
    assert schedule.slot_at == slot


@pytest.mark.parametrize("jump", BOTH_WAYS)
def test_a_living_worker_keeps_its_lease_and_its_run_is_not_run_again(
    clock: SettableClock, jump: timedelta
):
    due_schedule(in_s=0)
    watch = JumpWatch()
    go_on_after_jumps(watch)
    (flight,) = adopted_flights(claim(100))
    clock.move(jump)

    go_on_after_jumps(watch)
    appear(default_location())
    again = claim(100)
    held = leases.renew([flight.key])
    recorded = record([finished(flight)])

    assert (again, held, recorded.lost) == ([], {flight.key}, [])
    assert Run.objects.count() == 1


def test_a_lease_that_had_lapsed_before_the_jump_is_not_prolonged(clock: SettableClock):
    schedule = due_schedule(in_s=0)
    claim(100)
    Schedule.objects.update(leased_until=database_now() - 30 * SECOND)
    clock.move(HOUR)

    go_on_after_set_forward(HOUR)
    appear(default_location())

    assert [found.schedule_id for found in claim(100)] == [schedule.pk]


def test_a_run_that_loses_its_lease_to_a_jump_is_recorded_once(clock: SettableClock):
    """Nobody saw the clock jump: the lease lapses at once, and the slot is run by somebody else."""
    due_schedule(in_s=0)
    (first,) = adopted_flights(claim(100))
    clock.move(HOUR)
    appear(default_location())

    (second,) = adopted_flights(claim(100))
    recorded = [record([finished(flight)]) for flight in (first, second)]

    assert [len(one.lost) for one in recorded] == [1, 0]
    assert Run.objects.count() == 1


# Keys that come again.


def recorded_already(schedule: Schedule, due_at: datetime) -> None:
    Run.objects.create(
        schedule=schedule, due_at=due_at, started_at=due_at, result="passed", duration_ms=1
    )
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=due_at)


@pytest.mark.parametrize("how", ["batch", "error"])
def test_a_slot_that_has_its_run_is_passed_and_keeps_nobody_back(how: str):
    wedged, other = due_schedule(in_s=0), due_schedule(in_s=0)
    slot = wedged.next_run_at
    flights = {one.adopted.schedule_id: one for one in adopted_flights(claim(100))}
    assert slot is not None
    recorded_already(wedged, slot)

    if how == "batch":
        recorded = record([finished(flight, "failed") for flight in flights.values()])
    else:
        record([finished(flights[other.pk])])
        recorded = record_as_error(finished(flights[wedged.pk]), reason="no")

    wedged.refresh_from_db()
    assert recorded.granted[flights[wedged.pk]] == ()
    assert (wedged.slot_at, wedged.is_failing, wedged.streak) == (None, False, 0)
    assert Run.objects.get(schedule=wedged).result == "passed"
    assert Run.objects.filter(schedule=other).count() == 1


def test_a_monitor_that_is_resumed_in_the_repeated_hour_gets_slots_of_its_own(
    clock: SettableClock,
):
    schedule = due_schedule(interval_s=60)
    monitor = Monitor.objects.get()
    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    resume_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    recorded_already(schedule, schedule.next_run_at)
    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    resume_monitor(monitor_id=monitor.pk, actor=PERSON, at=NOW)

    again = Schedule.objects.get(pk=schedule.pk).next_run_at
    assert again is not None
    assert timedelta(0) < again - schedule.next_run_at < SECOND


def test_a_run_asked_for_before_the_clock_was_set_back_is_claimed(clock: SettableClock):
    schedule = due_schedule(in_s=600)
    run_now(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)
    clock.move(-HOUR)
    go_on()

    assert [found.schedule_id for found in claim(100)] == [schedule.pk]


# An engine with a clock that jumps under it.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jump", BOTH_WAYS)
def test_an_engine_goes_on_each_second_through_a_jump(
    clock: SettableClock, target: Target, jump: timedelta
):
    monitor_of(f"{target.url}/health", interval_s=1, due_in_s=0.1)
    engine, watch = Engine(new_transfers()), JumpWatch()

    def work_until(done: Callable[[], bool]) -> bool:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            go_on_after_jumps(watch)
            appear(default_location())
            engine.take([(found.schedule_id, found.claim_no) for found in claim(100)])
            if done():
                return True
            time.sleep(0.05)
        return False

    def has_slots_of_now() -> bool:
        """Those that were claimed before the jump are an hour away."""
        now = database_now()
        near = (now - timedelta(minutes=1), now + timedelta(minutes=1))
        return Run.objects.filter(due_at__range=near).exists()

    began = time.monotonic()
    work_until(lambda: len(target.asked) == 1)
    clock.move(jump)
    goes_on = work_until(has_slots_of_now)
    asked, took_s = len(target.asked), time.monotonic() - began
    engine.stop(drain_s=0.5)

    assert goes_on
    # One more for the jump, at which the slot that was under way is run late.
    assert asked <= took_s + 2, "it ran twice"
    assert Run.objects.count() >= asked - 1
    # A jump is no part of a run's time.
    assert all(run.duration_ms < 60_000 for run in Run.objects.all())


@pytest.mark.django_db(transaction=True)
def test_a_slot_claimed_before_the_clock_was_set_back_is_run_at_once(
    clock: SettableClock, target: Target
):
    schedule = monitor_of(f"{target.url}/health", due_in_s=1)
    slot = schedule.next_run_at
    keys = [(found.schedule_id, found.claim_no) for found in claim(100)]
    clock.move(-HOUR)
    engine = Engine(new_transfers())

    engine.take(keys)
    until = time.monotonic() + 20
    while not Run.objects.exists() and time.monotonic() < until:
        time.sleep(0.05)
    engine.stop(drain_s=0.5)

    run = Run.objects.get()
    assert (run.due_at, run.result) == (slot, "passed")
    assert run.started_at < database_now()


# The pure rules.

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_jump_is_what_the_clock_and_the_passing_time_differ_by():
    watch = JumpWatch()

    def read(clock_s: float, monotonic: float) -> Any:
        return watch.jump(reading=START + timedelta(seconds=clock_s), monotonic=monotonic)

    assert read(0, 100) is None
    assert read(1, 101) == timedelta(0)
    assert read(3602, 102) == HOUR
    assert read(3603, 103) == timedelta(0)
    assert read(4, 104) == -HOUR
    assert read(7.5, 106) == timedelta(0), "readings take their time"


@given(st.lists(st.tuples(st.floats(0, 86_400), st.floats(-1, 1)), min_size=2, max_size=20))
def test_readings_that_take_their_time_are_no_jumps(steps: list[tuple[float, float]]):
    watch, passed = JumpWatch(), 0.0
    found = []
    for pause_s, off_s in steps:
        passed += pause_s
        reading = START + timedelta(seconds=passed + off_s)
        found.append(watch.jump(reading=reading, monotonic=passed))

    assert found[0] is None
    assert set(found[1:]) == {timedelta(0)}
    assert JUMP >= 2 * SECOND


@given(st.integers(1, 604_800), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_a_slot_is_brought_back_in_its_interval_and_phase(interval_s: int, ahead: timedelta):
    cadence, slot = Every(interval_s), START + ahead

    found = cadence.brought_back(slot, START)

    step = timedelta(seconds=interval_s)
    if found is None:
        assert ahead <= step + timedelta(seconds=4)
    else:
        assert START <= found < START + step
        assert (slot - found) % step == timedelta(0)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_slot_set_aside_is_another_one_and_less_than_a_second_later(now: datetime):
    assert timedelta(0) < aside(START, now) - START < SECOND
