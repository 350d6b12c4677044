"""An engine runs what it takes, on time, whatever the targets do, and its results reach the database."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.core.clock import database_now
from apps.core.egress import Allow, Guard, Transfers
from apps.monitors import signals
from apps.monitors.checkers.spec import AssertionSpec, RequestSpec
from apps.monitors.definition import MonitorDefinition
from apps.monitors.engine import leases
from apps.monitors.engine.claim import claim
from apps.monitors.engine.engine import Engine
from apps.monitors.engine.flights import Flight
from apps.monitors.engine.sql import HELD_LEASE, RENEW_S
from apps.monitors.models import LatestPass, Monitor, Outage, Run, RunDetail, Schedule
from apps.monitors.services import create_monitor, pause_monitor, run_now
from tests.factories import NOW, PERSON, WorkspaceFactory
from tests.monitors.conftest import needs_postgresql
from tests.monitors.fixtures.targets import Target

pytestmark = pytest.mark.django_db(transaction=True)


def new_transfers(slots: int = 100) -> Transfers:
    return Transfers(guard=Guard(Allow.parse([])), slots=slots)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(new_transfers())
    yield made
    made.stop(drain_s=0.5)


def monitor_of(url: str, *, name: str = "", due_in_s: float = 0.3, **changes: Any) -> Schedule:
    """A monitor of one request, due soon."""
    workspace = WorkspaceFactory()
    changes.setdefault("interval_s", 600)
    changes.setdefault(
        "requests",
        (RequestSpec(name="Home", url=url, assertions=(AssertionSpec("status", "equals", 200),)),),
    )
    monitor = create_monitor(
        definition=MonitorDefinition(workspace_id=workspace.pk, name=name or url, **changes),
        actor=PERSON,
        at=NOW,
    )
    schedule = Schedule.objects.get(monitor=monitor)
    schedule.next_run_at = database_now() + timedelta(seconds=due_in_s)
    schedule.save(update_fields=["next_run_at"])
    return schedule


def tick(engine: Engine) -> int:
    """Claim what is due and hand it to the engine, as the tasks do."""
    return engine.take([(found.schedule_id, found.claim_no) for found in claim(1000)])


def wait_for(what: Callable[[], Any], within_s: float = 8.0) -> Any:
    until = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)
    return value


def test_a_check_starts_at_its_slot_and_is_recorded(engine: Engine, target: Target):
    schedule = monitor_of(f"{target.url}/health", due_in_s=0.4)
    due = schedule.next_run_at

    assert tick(engine) == 1
    run = wait_for(lambda: Run.objects.first())

    assert (run.due_at, run.result) == (due, "passed")
    assert timedelta(0) <= run.started_at - due < timedelta(seconds=0.5)
    assert run.response_time_ms is not None
    wait_for(lambda: Schedule.objects.filter(slot_at__isnull=True).exists())
    assert LatestPass.objects.get().detail["requests"][0]["state"] == "passed"
    wait_for(lambda: engine.in_flight == 0)


def test_a_message_that_comes_twice_runs_the_check_once(engine: Engine, target: Target):
    monitor_of(f"{target.url}/health")
    keys = [(found.schedule_id, found.claim_no) for found in claim(1000)]

    assert [engine.take(keys), engine.take(keys)] == [1, 0]
    wait_for(lambda: Run.objects.exists())
    time.sleep(0.2)

    assert len(target.asked) == 1
    assert Run.objects.count() == 1


def test_a_failing_target_opens_an_outage_and_its_recovery_closes_it(
    engine: Engine, target: Target
):
    target.status = 500
    schedule = monitor_of(f"{target.url}/health", interval_s=1)

    tick(engine)
    wait_for(lambda: Outage.objects.open().exists())
    assert "500" in Outage.objects.get().reason
    assert RunDetail.objects.filter(schedule=schedule).exists()
    target.status = 200
    # A short interval stays with its engine: no tick is needed.
    wait_for(lambda: not Outage.objects.open().exists())

    assert Outage.objects.get().close_reason == "recovered"


def test_a_short_interval_keeps_its_pace_without_a_tick(engine: Engine, target: Target):
    schedule = monitor_of(f"{target.url}/health", interval_s=1, due_in_s=0.2)
    due = schedule.next_run_at

    tick(engine)
    wait_for(lambda: Run.objects.count() >= 3)

    # A tick claims two; the third is the engine's own doing.
    slots = list(Run.objects.order_by("due_at").values_list("due_at", flat=True))[:3]
    assert slots == [due + timedelta(seconds=number) for number in range(3)]
    schedule.refresh_from_db()
    assert (schedule.overruns, schedule.missed, schedule.claim_no) == (0, 0, 1)


def test_slots_that_come_due_during_a_run_are_overruns(engine: Engine, target: Target):
    target.delay_s = 1.3
    schedule = monitor_of(f"{target.url}/health", interval_s=1, due_in_s=0.1)
    due = schedule.next_run_at

    tick(engine)
    wait_for(lambda: target.asked)
    target.delay_s = 0
    wait_for(lambda: Run.objects.count() >= 2)

    slots = list(Run.objects.order_by("due_at").values_list("due_at", flat=True))[:2]
    assert slots == [due, due + timedelta(seconds=2)]
    schedule.refresh_from_db()
    assert schedule.overruns >= 1


def test_more_hanging_targets_than_slots_do_not_move_the_others(target: Target):
    """Nobody that hangs ends before the test does, so whoever waited for one would not be checked at all."""
    engine = Engine(new_transfers(slots=8))
    known = [
        monitor_of(f"{target.url}/known{number}", interval_s=1, due_in_s=0.1) for number in range(4)
    ]

    def passed(schedules: list[Schedule], times: int, after: datetime) -> bool:
        runs = Run.objects.filter(schedule__in=schedules, result="passed", due_at__gt=after)
        counts = Counter(runs.values_list("schedule_id", flat=True))
        return all(counts[schedule.pk] >= times for schedule in schedules)

    try:
        tick(engine)
        wait_for(lambda: passed(known, 1, NOW), within_s=25)
        for number in range(20):
            monitor_of(
                f"{target.url}/hang{number}",
                name=f"Hanging {number}",
                timeout_s=900,
                run_limit_s=900,
                due_in_s=0,
            )
        tick(engine)
        wait_for(lambda: len(target.asked) > 8, within_s=25)
        since = database_now()
        new = [monitor_of(f"{target.url}/new{number}", interval_s=1) for number in range(4)]
        tick(engine)
        wait_for(lambda: passed(known, 2, since) and passed(new, 1, since), within_s=25)
        wait_for(lambda: sum(path.startswith("/hang") for path, _ in target.asked) == 20, 25)
        moved = [run.started_at - run.due_at for run in Run.objects.filter(schedule__in=known)]
        ended = Run.objects.exclude(schedule__in=[*known, *new]).count()
    finally:
        engine.stop(drain_s=0)

    assert ended == 0
    # A busy machine is late by itself, but not for long.
    assert median(moved) < timedelta(seconds=0.5)


def test_an_answer_after_the_lease_was_lost_is_not_recorded(engine: Engine, target: Target):
    target.delay_s = 0.8
    schedule = monitor_of(f"{target.url}/health", due_in_s=0)
    tick(engine)
    wait_for(lambda: target.asked)

    Schedule.objects.filter(pk=schedule.pk).update(claim_no=7)
    wait_for(lambda: engine.in_flight == 0)

    assert not Run.objects.exists()


def test_pausing_during_a_run_keeps_its_result_out(engine: Engine, target: Target):
    target.delay_s = 0.5
    target.status = 500
    schedule = monitor_of(f"{target.url}/health", due_in_s=0)
    tick(engine)
    wait_for(lambda: target.asked)

    pause_monitor(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)
    wait_for(lambda: engine.in_flight == 0)

    assert not Outage.objects.exists()


def test_run_now_runs_now(engine: Engine, target: Target):
    schedule = monitor_of(f"{target.url}/health", due_in_s=500)
    run_now(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)

    tick(engine)
    run = wait_for(lambda: Run.objects.first())

    assert run.is_manual


def test_an_edit_reaches_the_next_run(engine: Engine, target: Target):
    schedule = monitor_of(f"{target.url}/old", due_in_s=0)
    tick(engine)
    wait_for(lambda: Run.objects.count() == 1)
    monitor = Monitor.objects.get(pk=schedule.monitor_id)
    monitor.requests.update(url=f"{target.url}/new")
    Monitor.objects.filter(pk=monitor.pk).update(version=2)
    Schedule.objects.update(next_run_at=database_now())

    tick(engine)
    wait_for(lambda: Run.objects.count() == 2)

    assert [path for path, _ in target.asked] == ["/old", "/new"]


def test_a_request_that_cannot_be_sent_is_the_run_of_its_slot(engine: Engine):
    schedule = monitor_of("{{nowhere}}/health", name="Unset", due_in_s=0.5)

    tick(engine)
    time.sleep(0.2)
    assert not Run.objects.exists()
    run = wait_for(lambda: Run.objects.first())

    assert run.result == "failed"
    assert "nowhere" in run.reason
    assert run.due_at == schedule.next_run_at


def test_one_run_that_cannot_be_recorded_does_not_take_the_others_with_it(
    engine: Engine, target: Target
):
    schedules = [monitor_of(f"{target.url}/{number}", due_in_s=0.3) for number in range(6)]
    poison = schedules[2]

    def refuse(runs: list[Any], **_: Any) -> None:
        if any(run.schedule_id == poison.pk for run in runs):
            raise ValueError("this one makes no sense")

    signals.runs_recorded.connect(refuse)
    try:
        tick(engine)
        wait_for(lambda: Run.objects.count() == 6)
        wait_for(lambda: engine.in_flight == 0)
    finally:
        signals.runs_recorded.disconnect(refuse)

    results = dict(Run.objects.values_list("schedule_id", "result"))
    assert results.pop(poison.pk) == "error"
    assert set(results.values()) == {"passed"}
    poison.refresh_from_db()
    assert poison.slot_at is None


def test_a_monitor_that_cannot_be_read_does_not_take_the_others_with_it(
    engine: Engine, target: Target
):
    """Its secrets were encrypted with a key that is gone."""
    well = monitor_of(f"{target.url}/well")
    locked = monitor_of(f"{target.url}/locked", secret_variables={"token": "t0ken"})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitors_monitor SET secret_variables = 'x' WHERE id = %s", [locked.monitor_id]
        )

    tick(engine)
    wait_for(lambda: Run.objects.count() == 2)

    results = dict(Run.objects.values_list("schedule_id", "result"))
    assert results == {well.pk: "passed", locked.pk: "error"}


def test_results_wait_for_a_database_that_is_away(engine: Engine, target: Target):
    monitor_of(f"{target.url}/health", due_in_s=0.1)
    refusals = iter([True, True, False])

    def away(**_: Any) -> None:
        if next(refusals, False):
            raise OperationalError("the server closed the connection unexpectedly")

    signals.runs_recorded.connect(away)
    try:
        tick(engine)
        run = wait_for(lambda: Run.objects.first())
    finally:
        signals.runs_recorded.disconnect(away)

    assert run.result == "passed"


def test_stopping_gives_back_what_has_not_begun_and_records_what_has(target: Target):
    engine = Engine(new_transfers())
    target.delay_s = 0.3
    begun = monitor_of(f"{target.url}/begun", due_in_s=0)
    later = monitor_of(f"{target.url}/later", due_in_s=1.9)
    slot = later.next_run_at
    tick(engine)
    wait_for(lambda: target.asked)

    engine.stop()

    assert [run.schedule_id for run in Run.objects.all()] == [begun.pk]
    assert engine.take([(later.pk, 1)]) == 0
    time.sleep(0.01)
    (again,) = claim(100)
    later.refresh_from_db()
    assert (again.schedule_id, again.claim_no, later.slot_at) == (later.pk, 2, slot)


def test_a_killed_engine_delays_its_slot_by_no_more_than_its_lease(target: Target):
    """Nothing is done at the end: the process is just gone."""
    schedule = monitor_of(f"{target.url}/health", due_in_s=0)
    slot = schedule.next_run_at
    leases.adopt([(found.schedule_id, found.claim_no) for found in claim(100)])
    assert claim(100) == []
    Schedule.objects.update(leased_until=database_now() - timedelta(milliseconds=5))
    engine = Engine(new_transfers())

    try:
        assert tick(engine) == 1
        run = wait_for(lambda: Run.objects.first())
    finally:
        engine.stop(drain_s=0)

    assert run.due_at == slot
    assert len(target.asked) == 1


def test_leases_are_renewed_while_a_run_goes_on(target: Target):
    engine = Engine(new_transfers(), renew_s=0.2)
    schedule = monitor_of(f"{target.url}/hang", due_in_s=0, timeout_s=5)

    try:
        tick(engine)
        Schedule.objects.update(leased_until=database_now())
        wait_for(
            lambda: Schedule.objects.filter(
                pk=schedule.pk, leased_until__gt=database_now() + timedelta(seconds=10)
            ).exists()
        )
    finally:
        engine.stop(drain_s=0)


def test_what_a_finished_check_leaves_needs_no_garbage_collection(engine: Engine, target: Target):
    """A collection stops every thread, so it moves the checks that are due meanwhile."""
    monitor_of(f"{target.url}/health", due_in_s=0)
    gc.collect()
    gc.disable()

    try:
        tick(engine)
        wait_for(lambda: Run.objects.exists() and engine.in_flight == 0)
        wait_for(lambda: not any(isinstance(item, Flight) for item in gc.get_objects()))
    finally:
        gc.enable()


@pytest.mark.postgres
@needs_postgresql
def test_the_engine_reconnects_when_its_connections_are_cut(engine: Engine, target: Target):
    schedule = monitor_of(f"{target.url}/health", interval_s=1, due_in_s=0.2)
    tick(engine)
    wait_for(lambda: Run.objects.count() >= 2)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    seen = Run.objects.count()
    wait_for(lambda: Run.objects.count() >= seen + 3)

    slots = list(Run.objects.order_by("due_at").values_list("due_at", flat=True))
    assert all(after - before == timedelta(seconds=1) for before, after in pairwise(slots))
    schedule.refresh_from_db()
    assert schedule.claim_no == 1


def test_a_lease_may_be_renewed_late_twice():
    assert HELD_LEASE.total_seconds() > 2 * RENEW_S


def sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.postgres
@needs_postgresql
def test_the_engine_leaves_no_connection_behind(target: Target):
    engine = Engine(new_transfers())
    monitor_of(f"{target.url}/health", due_in_s=0)
    tick(engine)
    wait_for(lambda: Run.objects.exists())

    engine.stop()

    # A server process takes a moment to be gone.
    wait_for(lambda: sessions() == 1)
