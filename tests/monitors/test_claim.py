"""What is due is claimed once, on the database's clock, and held by leases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from apps.core.clock import database_now
from apps.monitors.engine import leases
from apps.monitors.engine.claim import _DUE, _LAPSED, _MANUAL, claim
from apps.monitors.engine.sql import CLAIM_LEASE
from apps.monitors.models import Schedule
from apps.monitors.slots import Every
from apps.monitors.slots import claim as slots_claim
from tests.factories import PERSON
from tests.monitors.conftest import (
    due_schedule,
    due_schedules,
    in_threads,
    needs_postgresql,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def lapse(*schedules: Schedule, by_s: float = 1) -> None:
    Schedule.objects.filter(pk__in=[s.pk for s in schedules]).update(
        leased_until=database_now() - timedelta(seconds=by_s)
    )


def test_a_slot_within_the_horizon_is_claimed_and_the_next_one_scheduled():
    schedule = due_schedule(in_s=1.5)
    slot = schedule.next_run_at

    (found,) = claim(100)

    schedule.refresh_from_db()
    assert (found.schedule_id, found.claim_no) == (schedule.pk, 1)
    assert (schedule.slot_at, schedule.slot_count) == (slot, 1)
    assert schedule.next_run_at == slot + 20 * SECOND
    assert schedule.leased_until is not None
    assert timedelta(0) < schedule.leased_until - database_now() <= CLAIM_LEASE
    assert not schedule.is_adopted


@pytest.mark.parametrize(
    "columns",
    [
        {"in_s": 10},
        {"is_active": False},
        {"next_run_at": None},
    ],
)
def test_what_is_not_due_is_left(columns: dict[str, object]):
    due_schedule(**columns)  # type: ignore[arg-type]

    assert claim(100) == []


def test_a_schedule_in_flight_is_not_claimed_again():
    due_schedule()
    claim(100)
    Schedule.objects.update(next_run_at=database_now())

    assert claim(100) == []


def test_slots_that_passed_unclaimed_are_skipped_and_counted():
    schedule = due_schedule(in_s=-50)
    first = schedule.next_run_at

    claim(100)

    schedule.refresh_from_db()
    assert schedule.missed == 2
    assert schedule.slot_at == first + 40 * SECOND
    assert schedule.next_run_at == first + 60 * SECOND


def test_a_short_interval_is_claimed_with_all_slots_of_the_horizon():
    schedule = due_schedule(in_s=0.2, interval_s=1)
    first = schedule.next_run_at

    claim(100)

    schedule.refresh_from_db()
    assert (schedule.slot_at, schedule.slot_count) == (first, 2)
    assert schedule.next_run_at == first + 2 * SECOND


def test_a_lapsed_lease_is_claimed_again_with_the_same_slot_and_a_new_number():
    schedule = due_schedule(in_s=0)
    slot = schedule.next_run_at
    claim(100)
    lapse(schedule)

    (again,) = claim(100)

    schedule.refresh_from_db()
    assert again.claim_no == 2
    assert (schedule.slot_at, schedule.slot_count, schedule.missed) == (slot, 1, 0)
    assert leases.adopt([(schedule.pk, 1)]) == []


def test_slots_that_came_due_while_nobody_held_the_lease_are_missed():
    schedule = due_schedule(in_s=0)
    slot = schedule.next_run_at
    claim(100)
    lapse(schedule)
    Schedule.objects.update(next_run_at=database_now() - 30 * SECOND)

    claim(100)

    schedule.refresh_from_db()
    assert (schedule.slot_at, schedule.missed) == (slot, 2)
    assert schedule.next_run_at > database_now()


def test_a_run_asked_for_comes_before_the_slot_and_leaves_its_phase():
    schedule = due_schedule(in_s=0.5)
    slot = schedule.next_run_at
    asked = database_now()
    Schedule.objects.update(run_now_at=asked)

    (found,) = claim(100)

    schedule.refresh_from_db()
    assert found.claim_no == 1
    assert schedule.slot_is_manual
    assert (schedule.slot_at, schedule.run_now_at, schedule.next_run_at) == (asked, None, slot)


def test_a_claim_is_bounded():
    due_schedules(5)

    assert len(claim(3)) == 3
    assert len(claim(3)) == 2


def test_claims_are_adopted_once():
    due_schedules(3)
    keys = [(found.schedule_id, found.claim_no) for found in claim(100)]

    first, second = leases.adopt(keys), leases.adopt(keys)

    assert sorted(one.key for one in first) == sorted(keys)
    assert second == []


def test_adoption_tells_the_slots_and_the_version():
    schedule = due_schedule(in_s=0.2, interval_s=1)
    slot = schedule.next_run_at
    claim(100)

    (adopted,) = leases.adopt([(schedule.pk, 1)])

    assert adopted.due == (slot, slot + SECOND)
    assert (adopted.monitor_id, adopted.version) == (schedule.monitor_id, 1)
    assert not adopted.is_manual


def test_renewing_extends_what_is_held_and_tells_what_is_not():
    mine, other = due_schedules(2)
    keys = [(found.schedule_id, found.claim_no) for found in claim(100)]
    leases.adopt(keys)
    Schedule.objects.filter(pk=other.pk).update(claim_no=F("claim_no") + 1)
    lapse(mine, other)

    held = leases.renew(keys)

    assert held == {(mine.pk, 1)}
    mine.refresh_from_db()
    assert mine.leased_until is not None
    assert mine.leased_until > database_now() + 10 * SECOND


def test_what_is_given_back_is_claimed_at_the_next_tick():
    (schedule,) = due_schedules(1)
    keys = [(found.schedule_id, found.claim_no) for found in claim(100)]
    leases.adopt(keys)

    leases.give_back(keys)
    Schedule.objects.update(leased_until=F("leased_until") - timedelta(milliseconds=5))

    assert [found.claim_no for found in claim(100)] == [2]
    schedule.refresh_from_db()
    assert not schedule.is_adopted


def test_pausing_takes_a_claim_away():
    from apps.monitors.services import pause_monitor

    (schedule,) = due_schedules(1)
    keys = [(found.schedule_id, found.claim_no) for found in claim(100)]

    pause_monitor(monitor_id=schedule.monitor_id, actor=PERSON, at=database_now())

    assert leases.adopt(keys) == []
    assert claim(100) == []


@pytest.mark.django_db(transaction=True)
def test_two_claimers_at_once_share_out_what_is_due():
    schedules = due_schedules(60)

    first, second = in_threads(lambda: claim(1000), lambda: claim(1000))

    ids = [found.schedule_id for found in (*first, *second)]
    assert sorted(ids) == sorted(schedule.pk for schedule in schedules)
    assert set(Schedule.objects.values_list("claim_no", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_message_adopt_it_once():
    due_schedules(40)
    keys = [(found.schedule_id, found.claim_no) for found in claim(1000)]

    first, second = in_threads(lambda: leases.adopt(keys), lambda: leases.adopt(keys))

    assert sorted(one.key for one in (*first, *second)) == sorted(keys)


@pytest.mark.parametrize("count", [1, 100])
def test_the_statements_of_a_claim_do_not_grow_with_the_schedules(
    count: int, django_assert_max_num_queries
):
    due_schedules(count)

    with django_assert_max_num_queries(4 if connection.vendor == "postgresql" else 11):
        assert len(claim(1000)) == count


def test_an_idle_tick_writes_nothing(django_assert_max_num_queries):
    due_schedule(in_s=600)

    with django_assert_max_num_queries(4):
        assert claim(1000) == []


@pytest.mark.postgres
@needs_postgresql
@pytest.mark.parametrize("interval_s", [1, 2, 3, 4, 5, 20, 3600])
@pytest.mark.parametrize("late_s", [-1.9, -0.3, 0.0, 0.7, 1.4, 19.6, 61.3])
def test_postgresql_claims_by_the_same_rule_as_the_pure_one(interval_s: int, late_s: float):
    schedule = due_schedule(in_s=-late_s, interval_s=interval_s)
    before = database_now()
    due = schedule.next_run_at

    claim(100)

    after = database_now()
    schedule.refresh_from_db()
    found = (schedule.slot_at, schedule.slot_count, schedule.missed, schedule.next_run_at)
    expected = [
        (taken.first, taken.count, taken.missed, taken.next_run_at)
        for taken in (
            slots_claim(next_run_at=due, cadence=Every(interval_s), now=now)
            for now in (before, after)
        )
    ]
    assert found in expected


@pytest.mark.postgres
@needs_postgresql
@pytest.mark.parametrize(
    ("sql", "index"),
    [(_DUE, "schedule_due"), (_LAPSED, "schedule_leased"), (_MANUAL, "schedule_run_now")],
)
def test_each_claim_uses_its_index(sql: str, index: str):
    due_schedules(2000, in_s=600)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE monitors_schedule")
        cursor.execute(f"EXPLAIN {sql}", [100])
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert index in plan, plan
