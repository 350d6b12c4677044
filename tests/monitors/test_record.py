"""Runs are recorded where the claim holds, and only a change of state touches more than runs and schedules."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.monitors.checkers.base import CheckOutcome
from apps.monitors.engine.claim import claim
from apps.monitors.engine.flights import Finished, Flight, storable_json, storable_text
from apps.monitors.engine.record import record, record_as_error
from apps.monitors.models import (
    LatestPass,
    MonitorState,
    Outage,
    Run,
    RunDetail,
    Schedule,
)
from apps.monitors.services import create_location, run_now
from tests.factories import NOW, PERSON, MonitorFactory
from tests.monitors.conftest import (
    adopted_flights,
    due_schedule,
    due_schedules,
    finished,
    in_threads,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def in_flight(**columns: Any) -> tuple[Schedule, Flight]:
    columns.setdefault("in_s", 0)
    schedule = due_schedule(**columns)
    (flight,) = adopted_flights(claim(100))
    return schedule, flight


def run_again(schedule: Schedule, result: str) -> None:
    """Let the schedule be due now and record a run with this result."""
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=database_now())
    (flight,) = adopted_flights(claim(100))
    record([finished(flight, result, reason=f"it {result}")])


def test_a_run_is_written_and_its_schedule_released(heard: dict[str, list[Any]]):
    schedule, flight = in_flight()

    recorded = record([finished(flight)])

    run = Run.objects.get()
    assert (run.schedule_id, run.due_at, run.result) == (schedule.pk, flight.granted[0], "passed")
    assert (run.response_time_ms, run.slowest_request_ms, run.duration_ms) == (90, 60, 99)
    schedule.refresh_from_db()
    assert (schedule.slot_at, schedule.slot_count, schedule.leased_until) == (None, 0, None)
    assert not schedule.is_adopted
    assert (schedule.streak, schedule.streak_is_failing, schedule.last_result) == (
        1,
        False,
        "passed",
    )
    assert recorded.granted == {flight: ()}
    assert [one.schedule_id for one in heard["runs"]] == [schedule.pk]


def test_a_late_result_after_a_lost_lease_is_dropped(heard: dict[str, list[Any]]):
    _, flight = in_flight(in_s=0)
    Schedule.objects.update(leased_until=database_now() - SECOND)
    (again,) = adopted_flights(claim(100))

    late = record([finished(flight, "failed")])
    record([finished(again)])

    assert late.lost == [flight]
    assert [run.result for run in Run.objects.all()] == ["passed"]
    assert len(heard["runs"]) == 1


def test_a_slot_is_recorded_once():
    """The answer to a commit may be lost; the recorder then tries again."""
    _, flight = in_flight()

    record([finished(flight)])
    again = record([finished(flight)])

    assert again.lost == [flight]
    assert Run.objects.count() == 1


def test_a_failed_run_opens_one_outage_and_a_passed_one_closes_it(heard: dict[str, list[Any]]):
    schedule, flight = in_flight()

    record([finished(flight, "failed", reason="status 500")])
    run_again(schedule, "failed")
    run_again(schedule, "passed")
    run_again(schedule, "passed")

    outage = Outage.objects.get()
    assert (outage.reason, outage.close_reason) == ("status 500", "recovered")
    assert outage.started_at == flight.granted[0]
    assert outage.opened_at == flight.granted[0] + timedelta(milliseconds=100)
    assert heard["opened"] == heard["closed"] == [outage]
    assert not MonitorState.objects.get().is_failing


def test_thresholds_are_counted_in_runs():
    monitor = MonitorFactory(interval_s=20, failure_threshold=2, recovery_threshold=2)
    schedule, flight = in_flight(monitor=monitor)

    record([finished(flight, "failed")])
    assert not Outage.objects.exists()
    run_again(schedule, "failed")
    outage = Outage.objects.get()
    assert outage.started_at == flight.granted[0]

    run_again(schedule, "passed")
    run_again(schedule, "failed")
    run_again(schedule, "passed")
    assert Outage.objects.open().exists()
    run_again(schedule, "passed")
    assert not Outage.objects.open().exists()


def test_an_error_neither_counts_nor_resets():
    monitor = MonitorFactory(interval_s=20, failure_threshold=2)
    schedule, flight = in_flight(monitor=monitor)

    record([finished(flight, "failed")])
    run_again(schedule, "error")
    schedule.refresh_from_db()
    assert (schedule.streak, schedule.streak_is_failing, schedule.last_result) == (1, True, "error")
    run_again(schedule, "failed")

    assert Outage.objects.open().exists()


def test_with_several_locations_the_quorum_must_be_failing():
    location = create_location(code="eu-west", name="Europe", actor=PERSON, at=NOW)
    monitor = MonitorFactory(interval_s=20, quorum=2)
    here = due_schedule(monitor=monitor)
    there = due_schedule(monitor=monitor, location=location)
    flights = {f.adopted.schedule_id: f for f in adopted_flights(claim(100))}

    record([finished(flights[here.pk], "failed")])
    assert not Outage.objects.exists()
    record([finished(flights[there.pk], "failed")])
    assert Outage.objects.open().count() == 1
    run_again(here, "passed")

    assert not Outage.objects.open().exists()


@pytest.mark.django_db(transaction=True)
def test_two_locations_recorded_at_once_open_one_outage():
    location = create_location(code="eu-west", name="Europe", actor=PERSON, at=NOW)
    monitor = MonitorFactory(interval_s=20, quorum=2)
    due_schedule(monitor=monitor)
    due_schedule(monitor=monitor, location=location)
    first, second = adopted_flights(claim(100))

    in_threads(
        lambda: record([finished(first, "failed")]), lambda: record([finished(second, "failed")])
    )

    assert Outage.objects.open().count() == 1


def test_details_are_kept_of_failed_runs_and_of_the_newest_passed_one():
    schedule, flight = in_flight()
    record([finished(flight, "failed")])
    run_again(schedule, "error")
    run_again(schedule, "passed")
    run_again(schedule, "passed")

    newest = Run.objects.order_by("-due_at")[0].due_at
    assert RunDetail.objects.count() == 2
    assert LatestPass.objects.get().due_at == newest


def test_details_of_a_manual_run_are_kept_though_it_passed():
    schedule = due_schedule(in_s=600)
    run_now(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)
    (flight,) = adopted_flights(claim(100))

    record([finished(flight)])

    assert Run.objects.get().is_manual
    assert RunDetail.objects.get().detail == {"requests": []}
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > database_now() + 500 * SECOND


def test_slots_that_came_due_while_the_run_went_on_are_overruns():
    schedule, flight = in_flight(in_s=0)
    Schedule.objects.update(
        slot_at=F("slot_at") - 50 * SECOND, next_run_at=F("next_run_at") - 50 * SECOND
    )
    due = flight.granted[0] - 50 * SECOND
    flight.granted = (due,)

    record([finished(flight, took_s=50)])

    schedule.refresh_from_db()
    assert (schedule.overruns, schedule.missed) == (2, 0)
    assert schedule.next_run_at == due + 60 * SECOND


def test_claimed_slots_that_are_not_run_yet_keep_the_lease():
    schedule, flight = in_flight(in_s=0.2, interval_s=1)
    _, second = flight.granted

    recorded = record([finished(flight)], may_extend=False)

    schedule.refresh_from_db()
    assert recorded.granted[flight] == (second,)
    assert (schedule.slot_at, schedule.slot_count, schedule.is_adopted) == (second, 1, True)
    assert schedule.leased_until is not None


def test_a_schedule_due_again_within_the_horizon_stays_with_its_engine():
    schedule, flight = in_flight(in_s=0.2, interval_s=1)
    _, second = flight.granted
    # As if 0.3 s had gone by: the slot after those claimed is within the horizon now.
    third = second + SECOND - timedelta(milliseconds=300)
    Schedule.objects.update(next_run_at=third)

    recorded = record([finished(flight)])

    schedule.refresh_from_db()
    assert recorded.extended[flight] == (third,)
    assert recorded.granted[flight] == (second, third)
    assert (schedule.slot_at, schedule.slot_count) == (second, 2)
    assert (schedule.next_run_at, schedule.claim_no) == (third + SECOND, 1)


@pytest.mark.parametrize("reason", ["edited", "asked", "stopping"])
def test_an_engine_lets_go_of_a_schedule_that_has_changed(reason: str):
    schedule, flight = in_flight(in_s=0.5, interval_s=2)
    if reason == "edited":
        schedule.monitor.version += 1
        schedule.monitor.save()
    if reason == "asked":
        run_now(monitor_id=schedule.monitor_id, actor=PERSON, at=NOW)

    recorded = record([finished(flight)], may_extend=reason != "stopping")

    schedule.refresh_from_db()
    assert recorded.granted[flight] == ()
    assert schedule.slot_at is None


def test_skipped_slots_count_as_overruns_and_are_not_waited_for():
    schedule, flight = in_flight(in_s=0.2, interval_s=1)
    _, second = flight.granted

    recorded = record([finished(flight, took_s=1.5, skipped=(second,))], may_extend=False)

    schedule.refresh_from_db()
    assert recorded.granted[flight] == ()
    assert schedule.overruns == 1


def test_what_the_database_refuses_in_text_is_replaced():
    _, flight = in_flight()
    dirty = {"body": "a\x00b\ud800c", "fine": "\\u0000"}
    reason = storable_text("bad\x00\udfff byte")
    due = flight.granted[0]

    record(
        [
            Finished(
                flight,
                due,
                due,
                due,
                CheckOutcome("failed", reason),
                storable_json(json.dumps(dirty, ensure_ascii=False)),
                reason,
            )
        ]
    )

    assert RunDetail.objects.get().detail == {"body": "a\ufffdb\ufffdc", "fine": "\\u0000"}
    assert Run.objects.get().reason == "bad\ufffd\ufffd byte"


def test_a_run_that_cannot_be_recorded_counts_as_an_error():
    schedule, flight = in_flight()

    record_as_error(finished(flight, "failed"), reason="the platform could not record this run")

    assert [(run.result, run.reason) for run in Run.objects.all()] == [
        ("error", "the platform could not record this run")
    ]
    schedule.refresh_from_db()
    assert (schedule.slot_at, schedule.streak) == (None, 0)
    assert not Outage.objects.exists()


def queries(batch: list[Finished]) -> list[str]:
    with CaptureQueriesContext(connection) as context:
        record(batch)
    return [query["sql"] for query in context.captured_queries]


@pytest.mark.parametrize("result", ["passed", "failed"])
def test_the_statements_of_a_batch_do_not_grow_with_it(result: str):
    """Twice the same result, so that the second batch changes no state."""
    counts = []
    for count in (1, 100):
        Schedule.objects.all().delete()
        schedules = due_schedules(count)
        record([finished(flight, result) for flight in adopted_flights(claim(1000))])
        Schedule.objects.filter(pk__in=[s.pk for s in schedules]).update(next_run_at=database_now())

        batch = [finished(flight, result) for flight in adopted_flights(claim(1000))]
        counts.append(len(queries(batch)))

    assert counts[0] == counts[1] <= 10


def test_the_statements_of_transitions_do_not_grow_with_the_monitors():
    counts = []
    for count in (1, 50):
        due_schedules(count)
        batch = [finished(flight, "failed") for flight in adopted_flights(claim(1000))]
        counts.append(len(queries(batch)))

    assert Outage.objects.open().count() == 51
    # SQLite takes no more than so many parameters a statement.
    assert abs(counts[0] - counts[1]) <= 2


def test_a_lost_claim_writes_nothing():
    _, flight = in_flight()
    Schedule.objects.update(claim_no=F("claim_no") + 1)

    written = [sql for sql in queries([finished(flight)]) if not sql.startswith("SELECT")]
    assert all("SAVEPOINT" in sql for sql in written), written
