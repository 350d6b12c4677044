"""Maintenance moves by itself at its times: once, in order, forward only, also after a downtime."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from apps.core.clock import database_now
from apps.core.errors import Conflict
from apps.incidents.services.maintenance import (
    archive_maintenance,
    cancel_maintenance,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_moves import STOCK_TEXTS, move_due_maintenances
from apps.incidents.tasks import move_maintenances
from apps.pages.models import StatusPeriod
from apps.publishing.models import Publication
from statusplatform.schedule import BEAT_SCHEDULE
from tests.factories import NOW, PERSON, ComponentFactory
from tests.incidents.maintenance_scene import fresh, hours, plan, post, told
from tests.racing import at_once


@pytest.mark.django_db
def test_at_its_start_it_is_in_progress_and_at_its_end_completed():
    component = ComponentFactory()
    maintenance = plan(component)

    early = move_due_maintenances(at=hours(0.999))
    started = move_due_maintenances(at=hours(1) + timedelta(seconds=1))
    covered = fresh(component).status
    ended = move_due_maintenances(at=hours(2) + timedelta(seconds=1))

    assert (early, started, ended) == (0, 1, 1)
    assert (covered, fresh(component).status) == ("under_maintenance", "operational")
    assert told(maintenance) == [
        ("scheduled", NOW, False),
        ("in_progress", hours(1), True),
        ("completed", hours(2), True),
    ]
    assert [update.body for update in maintenance.updates.order_by("sequence")][1:] == [
        STOCK_TEXTS["in_progress"],
        STOCK_TEXTS["completed"],
    ]
    assert fresh(maintenance).next_move_at is None
    period = StatusPeriod.objects.get(status="under_maintenance")
    assert (period.started_at, period.ended_at) == (hours(1), hours(2))


@pytest.mark.django_db
def test_the_page_is_asked_to_be_published_by_each_move():
    component = ComponentFactory()
    plan(component)
    before = Publication.objects.get(page=component.page).requested_seq

    move_due_maintenances(at=hours(1))

    assert Publication.objects.get(page=component.page).requested_seq > before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("starts_itself", "ends_itself", "statuses"),
    [
        (True, False, ["scheduled", "in_progress"]),
        (False, True, ["scheduled"]),
        (False, False, ["scheduled"]),
    ],
)
def test_it_makes_only_the_moves_that_are_left_to_it(starts_itself, ends_itself, statuses):
    maintenance = plan(starts_itself=starts_itself, ends_itself=ends_itself)

    for hour in (1, 2, 3):
        move_due_maintenances(at=hours(hour))

    assert [status for status, _, _ in told(maintenance)] == statuses


@pytest.mark.django_db
def test_one_that_a_person_is_verifying_ends_by_itself_too():
    maintenance = plan()
    move_due_maintenances(at=hours(1))
    post(maintenance, "verifying", stays_automated=True, at=hours(1.5))

    move_due_maintenances(at=hours(2))

    assert fresh(maintenance).status == "completed"


@pytest.mark.django_db
def test_subscribers_are_told_of_its_own_moves_only_if_so_set():
    quiet = plan(deliver_notifications=False)

    move_due_maintenances(at=hours(2))

    assert list(quiet.updates.values_list("deliver_notifications", flat=True)) == [False] * 3


@pytest.mark.django_db
def test_a_window_that_passed_while_nothing_ran_is_told_whole_at_its_planned_times():
    component = ComponentFactory()
    maintenance = plan(component)

    moved = move_due_maintenances(at=hours(30))

    assert moved == 1
    assert told(maintenance)[1:] == [
        ("in_progress", hours(1), True),
        ("completed", hours(2), True),
    ]
    assert fresh(component).status == "operational"
    assert list(
        StatusPeriod.objects.filter(component=component)
        .order_by("started_at")
        .values_list("status", "started_at", "ended_at")
    )[1:] == [
        ("under_maintenance", hours(1), hours(2)),
        ("operational", hours(2), None),
    ]


@pytest.mark.django_db
def test_a_late_start_does_not_rewrite_what_was_said_of_the_component_meanwhile():
    component = ComponentFactory()
    other = plan(component, scheduled_for=hours(0.5), scheduled_until=hours(9))
    post(other, "in_progress", at=hours(1.5))
    post(other, "completed", at=hours(1.8))
    maintenance = plan(component)

    move_due_maintenances(at=hours(1.9))

    assert fresh(maintenance).started_at == hours(1)
    periods = StatusPeriod.objects.filter(component=component).order_by("started_at")
    assert [(period.status, period.started_at) for period in periods][1:] == [
        ("under_maintenance", hours(1.5)),
        ("under_maintenance", hours(1.8)),
    ]


@pytest.mark.django_db
def test_no_move_is_shown_before_the_update_that_it_follows():
    maintenance = plan(scheduled_for=hours(-1), at=NOW)

    move_due_maintenances(at=hours(0.1))

    assert told(maintenance)[1] == ("in_progress", NOW, True)


@pytest.mark.django_db
@pytest.mark.parametrize("stop", [cancel_maintenance, archive_maintenance])
def test_cancelled_or_archived_it_does_not_start(stop):
    maintenance = plan()
    stop(maintenance_id=maintenance.pk, actor=PERSON, at=hours(0.5))
    count = maintenance.updates.count()

    moved = move_due_maintenances(at=hours(3))

    assert (moved, maintenance.updates.count()) == (0, count)


@pytest.mark.django_db
def test_one_that_cannot_move_does_not_hold_up_the_others():
    broken, sound = plan(name="Broken"), plan(name="Sound", scheduled_for=hours(1.1))
    # An update that somebody else wrote under the next number.
    broken.updates.create(sequence=2, status="in_progress", display_at=NOW)

    moved = move_due_maintenances(at=hours(1.5))

    assert moved == 1
    assert (fresh(broken).status, fresh(sound).status) == ("scheduled", "in_progress")


@pytest.mark.django_db
def test_a_tick_with_nothing_due_is_one_query_however_many_are_planned(
    django_assert_num_queries,
):
    for _ in range(3):
        plan()

    with django_assert_num_queries(1):
        move_due_maintenances(at=NOW)


@pytest.mark.django_db
def test_beat_moves_what_is_due_each_second():
    now = database_now()
    maintenance = plan(
        at=now - timedelta(hours=1),
        scheduled_for=now - timedelta(seconds=1),
        scheduled_until=now + timedelta(hours=1),
    )
    entry = BEAT_SCHEDULE["move maintenances"]

    move_maintenances()

    assert (entry["task"], entry["schedule"]) == (move_maintenances.name, 1)
    assert fresh(maintenance).status == "in_progress"


# Races, on two connections.


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_move_it_once():
    component = ComponentFactory()
    maintenance = plan(component)

    outcomes = at_once([partial(move_due_maintenances, at=hours(1))] * 4)

    assert sorted(outcomes) == [0, 0, 0, 1]
    assert [status for status, _, _ in told(maintenance)] == ["scheduled", "in_progress"]
    assert fresh(component).status == "under_maintenance"


@pytest.mark.django_db(transaction=True)
def test_a_persons_step_at_the_very_time_comes_before_or_after_and_neither_is_lost():
    component = ComponentFactory()
    maintenance = plan(component)
    move_due_maintenances(at=hours(1))
    note = partial(post, maintenance, message="Nearly done.", at=hours(2))

    outcomes = at_once([note, partial(move_due_maintenances, at=hours(2))])

    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert list(maintenance.updates.values_list("sequence", flat=True)) == [4, 3, 2, 1]
    assert fresh(maintenance).status == "completed"
    assert fresh(component).status == "operational"


@pytest.mark.django_db(transaction=True)
def test_extended_at_the_very_end_it_either_goes_on_or_the_person_is_told_that_it_is_over():
    maintenance = plan()
    move_due_maintenances(at=hours(1))
    extend = partial(
        reschedule_maintenance,
        maintenance_id=maintenance.pk,
        scheduled_until=hours(5),
        actor=PERSON,
        at=hours(2),
    )

    extended, moved = at_once([extend, partial(move_due_maintenances, at=hours(2))])

    maintenance.refresh_from_db()
    if isinstance(extended, Conflict):
        assert (moved, maintenance.status, extended.code) == (1, "completed", "completed")
    else:
        assert (moved, maintenance.status) == (0, "in_progress")
        assert maintenance.next_move_at == hours(5)


@pytest.mark.django_db(transaction=True)
def test_finished_by_hand_at_the_very_end_it_is_completed_once():
    maintenance = plan()
    move_due_maintenances(at=hours(1))
    finish = partial(post, maintenance, "completed", expected_sequence=2, at=hours(2))

    finished, moved = at_once([finish, partial(move_due_maintenances, at=hours(2))])

    assert isinstance(finished, Conflict) == (moved == 1)
    assert [status for status, _, _ in told(maintenance)].count("completed") == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_makes_one_maintenance():
    component = ComponentFactory()
    ask = partial(plan, component, idempotency_key="once", status="in_progress")

    outcomes = at_once([ask] * 4)

    assert len({maintenance.pk for maintenance in outcomes}) == 1
    assert outcomes[0].updates.count() == 1
