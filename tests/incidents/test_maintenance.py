"""Maintenance by hand: announced once, moved by updates, extended, finished early, cancelled."""

from __future__ import annotations

import pytest

from apps.core.errors import Conflict, Invalid
from apps.core.models import AuditEvent
from apps.incidents.models import EventNumber, Maintenance, MaintenanceUpdate
from apps.incidents.services.maintenance import (
    archive_maintenance,
    cancel_maintenance,
    edit_maintenance,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_moves import STOCK_TEXTS
from apps.pages.models import StatusContribution, StatusPeriod
from tests.factories import NOW, PERSON, ComponentFactory, IncidentFactory, PageFactory
from tests.incidents.maintenance_scene import fresh, hours, plan, post, told

pytestmark = pytest.mark.django_db


def test_an_announced_maintenance_has_a_number_of_the_shared_row_and_touches_no_component():
    component = ComponentFactory()
    incident = IncidentFactory(page=component.page)

    maintenance = plan(component, message="We upgrade.")

    assert maintenance.number == incident.number + 1 == EventNumber.objects.latest("pk").pk
    assert told(maintenance) == [("scheduled", NOW, False)]
    assert maintenance.updates.get().body == "We upgrade."
    assert maintenance.next_move_at == hours(1)
    assert fresh(component).status == "operational"
    assert not StatusContribution.objects.exists()


def test_the_same_key_again_returns_the_first_answer_and_changes_nothing():
    page = PageFactory()
    first = plan(page=page, idempotency_key="once")

    again = plan(page=page, idempotency_key="once", name="Other")

    assert (again.pk, again.name) == (first.pk, "Upgrade")
    assert MaintenanceUpdate.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scheduled_until": hours(1)}, "scheduled_until"),
        ({"scheduled_until": hours(0.5)}, "scheduled_until"),
        ({"scheduled_for": hours(-2), "scheduled_until": NOW}, "scheduled_until"),
        ({"name": ""}, "name"),
        ({"status": "resolved"}, "status"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_at_its_field(fields, field):
    with pytest.raises(Invalid) as refused:
        plan(**fields)

    assert refused.value.field == field
    assert not Maintenance.objects.exists()


def test_a_component_of_another_page_is_refused():
    page, elsewhere = PageFactory(), ComponentFactory()

    with pytest.raises(Invalid, match="not on the maintenance's page"):
        plan(elsewhere, page=page)


def test_in_progress_covers_its_components_and_completed_frees_them():
    component = ComponentFactory()
    maintenance = plan(component)

    post(maintenance, "in_progress", at=hours(1))
    covered = fresh(component).status
    post(maintenance, "verifying", at=hours(1.5))
    still_covered = fresh(component).status
    post(maintenance, "completed", at=hours(1.75))

    assert (covered, still_covered) == ("under_maintenance", "under_maintenance")
    assert fresh(component).status == "operational"
    maintenance.refresh_from_db()
    assert (maintenance.started_at, maintenance.verifying_at, maintenance.completed_at) == (
        hours(1),
        hours(1.5),
        hours(1.75),
    )
    row = maintenance.affected.get()
    assert (row.status, row.started_at, row.ended_at) == ("operational", hours(1), hours(1.75))
    period = StatusPeriod.objects.get(component=component, status="under_maintenance")
    assert (period.started_at, period.ended_at) == (hours(1), hours(1.75))


def test_updates_keep_what_each_changed_about_the_components():
    component = ComponentFactory()
    maintenance = plan(component)
    for number, status in enumerate(["in_progress", "verifying", "completed"], start=1):
        post(maintenance, status, at=hours(number))

    said = [
        (update.status, *update.components.values_list("old_status", "new_status")[0])
        for update in maintenance.updates.order_by("sequence")
    ]

    assert said == [
        ("scheduled", "operational", "operational"),
        ("in_progress", "operational", "under_maintenance"),
        ("verifying", "under_maintenance", "under_maintenance"),
        ("completed", "under_maintenance", "operational"),
    ]


def test_a_status_without_a_text_gets_the_stock_one_and_a_text_repeats_the_status():
    maintenance = plan()

    moved = post(maintenance, "in_progress", at=hours(1))
    note = post(maintenance, message="Half way.", at=hours(1.5))

    assert moved.body == STOCK_TEXTS["in_progress"]
    assert (note.status, note.body, note.sequence) == ("in_progress", "Half way.", 3)
    with pytest.raises(Invalid, match="write a message"):
        post(maintenance, at=hours(1.6))


def test_a_component_whose_work_is_done_is_free_while_the_others_are_covered():
    done, going = ComponentFactory(), None
    going = ComponentFactory(page=done.page)
    maintenance = plan(done, going)
    post(maintenance, "in_progress", at=hours(1))

    post(maintenance, components={done.pk: "operational"}, at=hours(1.5))

    assert (fresh(done).status, fresh(going).status) == ("operational", "under_maintenance")
    assert maintenance.affected.get(component=done).ended_at == hours(1.5)
    assert maintenance.affected.get(component=going).ended_at is None


def test_an_update_may_name_a_component_that_is_covered_from_then_on():
    first = ComponentFactory()
    second = ComponentFactory(page=first.page)
    maintenance = plan(first)
    post(maintenance, "in_progress", at=hours(1))

    post(maintenance, components={second.pk: "under_maintenance"}, at=hours(1.5))

    assert fresh(second).status == "under_maintenance"
    assert maintenance.affected.get(component=second).started_at == hours(1.5)


def test_what_a_maintenance_cannot_say_of_a_component_is_refused():
    component = ComponentFactory()
    maintenance = plan(component)

    with pytest.raises(Invalid, match="under_maintenance or operational"):
        post(maintenance, components={component.pk: "major_outage"}, at=hours(1))
    with pytest.raises(Invalid, match="covers nothing"):
        post(maintenance, "completed", components={component.pk: "operational"}, at=hours(1))
    with pytest.raises(Invalid, match="not on the maintenance's page"):
        post(maintenance, components={ComponentFactory().pk: "operational"}, at=hours(1))


def test_of_two_who_expect_the_same_sequence_the_later_is_refused():
    maintenance = plan()
    post(maintenance, "in_progress", expected_sequence=1, at=hours(1))

    with pytest.raises(Conflict) as refused:
        post(maintenance, "completed", expected_sequence=1, at=hours(1))

    assert refused.value.code == "sequence_moved"
    assert fresh(maintenance).status == "in_progress"


def test_a_status_set_by_hand_switches_automation_off_and_a_note_does_not():
    noted, moved = plan(), plan()

    post(noted, message="Soon.", at=hours(0.5))
    post(noted, "scheduled", message="Really soon.", at=hours(0.6))
    post(moved, "in_progress", at=hours(0.5))

    assert fresh(noted).next_move_at == hours(1)
    moved.refresh_from_db()
    assert (moved.starts_itself, moved.ends_itself, moved.next_move_at) == (False, False, None)


def test_started_by_hand_it_may_still_end_by_itself_but_only_at_a_time_to_come():
    early, late = plan(), plan(starts_itself=False)

    post(early, "in_progress", stays_automated=True, at=hours(0.5))
    post(late, "in_progress", stays_automated=True, at=hours(3))

    assert fresh(early).next_move_at == hours(2)
    assert (fresh(late).next_move_at, late.ends_itself) == (None, False)


def test_put_back_to_scheduled_it_covers_nothing_and_does_not_start_by_itself():
    component = ComponentFactory()
    maintenance = plan(component)
    post(maintenance, "in_progress", stays_automated=True, at=hours(1))

    post(maintenance, "scheduled", message="Not today.", stays_automated=True, at=hours(1.5))

    assert fresh(component).status == "operational"
    maintenance.refresh_from_db()
    assert (maintenance.started_at, maintenance.next_move_at) == (None, None)
    assert maintenance.affected.get().started_at is None
    post(maintenance, "in_progress", at=hours(4))
    assert fresh(component).status == "under_maintenance"
    assert maintenance.affected.get().started_at == hours(4)


def test_reopened_it_covers_again_what_it_covered_to_the_end():
    done = ComponentFactory()
    going = ComponentFactory(page=done.page)
    maintenance = plan(done, going)
    post(maintenance, "in_progress", at=hours(1))
    post(maintenance, components={done.pk: "operational"}, at=hours(1.2))
    post(maintenance, "completed", at=hours(1.5))

    post(maintenance, "in_progress", message="Not quite.", stays_automated=True, at=hours(1.6))

    assert (fresh(done).status, fresh(going).status) == ("operational", "under_maintenance")
    maintenance.refresh_from_db()
    assert (maintenance.started_at, maintenance.completed_at) == (hours(1), None)
    assert maintenance.next_move_at is None
    row = maintenance.affected.get(component=going)
    assert (row.started_at, row.ended_at) == (hours(1), None)


def test_new_times_apply_to_all_and_automation_follows_them_without_an_update():
    maintenance = plan()

    reschedule_maintenance(
        maintenance_id=maintenance.pk,
        scheduled_for=hours(3),
        scheduled_until=hours(5),
        actor=PERSON,
        at=NOW,
    )

    maintenance.refresh_from_db()
    assert (maintenance.scheduled_for, maintenance.next_move_at) == (hours(3), hours(3))
    assert maintenance.updates.count() == 1


def test_extended_it_ends_later_and_a_new_start_does_not_take_it_back():
    maintenance = plan()
    post(maintenance, "in_progress", stays_automated=True, at=hours(1))

    reschedule_maintenance(
        maintenance_id=maintenance.pk,
        scheduled_for=hours(2),
        scheduled_until=hours(6),
        actor=PERSON,
        at=hours(1.5),
    )

    maintenance.refresh_from_db()
    assert (maintenance.status, maintenance.next_move_at) == ("in_progress", hours(6))
    assert maintenance.started_at == hours(1)


@pytest.mark.parametrize(
    ("scheduled_for", "scheduled_until", "said"),
    [(hours(4), hours(4), "after the start"), (hours(-3), hours(-2), "passed already")],
)
def test_times_that_cannot_be_are_refused(scheduled_for, scheduled_until, said):
    maintenance = plan()

    with pytest.raises(Invalid, match=said):
        reschedule_maintenance(
            maintenance_id=maintenance.pk,
            scheduled_for=scheduled_for,
            scheduled_until=scheduled_until,
            actor=PERSON,
            at=NOW,
        )

    assert fresh(maintenance).scheduled_for == hours(1)


def test_what_is_completed_cannot_be_extended_or_cancelled():
    maintenance = plan()
    post(maintenance, "completed", at=hours(0.5))

    with pytest.raises(Conflict, match="is completed"):
        reschedule_maintenance(
            maintenance_id=maintenance.pk, scheduled_until=hours(9), actor=PERSON, at=hours(1)
        )
    with pytest.raises(Conflict, match="is completed"):
        cancel_maintenance(maintenance_id=maintenance.pk, actor=PERSON, at=hours(1))


def test_a_cancelled_plan_is_completed_without_having_touched_a_component():
    component = ComponentFactory()
    maintenance = plan(component)

    cancel_maintenance(
        maintenance_id=maintenance.pk, message="Next week.", actor=PERSON, at=hours(0.5)
    )

    maintenance.refresh_from_db()
    assert (maintenance.status, maintenance.cancelled_at) == ("completed", hours(0.5))
    assert (maintenance.started_at, maintenance.next_move_at) == (None, None)
    assert maintenance.affected.get().started_at is None
    assert maintenance.updates.latest("sequence").body == "Next week."
    assert not StatusPeriod.objects.filter(status="under_maintenance").exists()
    post(maintenance, message="See the new date.", at=hours(0.6))
    with pytest.raises(Conflict, match="was cancelled"):
        post(maintenance, "in_progress", at=hours(1))


def test_cancelled_in_progress_its_components_are_free():
    component = ComponentFactory()
    maintenance = plan(component)
    post(maintenance, "in_progress", at=hours(1))

    cancel_maintenance(maintenance_id=maintenance.pk, actor=PERSON, at=hours(1.5))

    assert fresh(component).status == "operational"
    assert maintenance.affected.get().ended_at == hours(1.5)


def test_archived_it_covers_nothing_and_moves_no_more():
    component = ComponentFactory()
    maintenance = plan(component)
    post(maintenance, "in_progress", stays_automated=True, at=hours(1))

    archive_maintenance(maintenance_id=maintenance.pk, actor=PERSON, at=hours(1.5))

    assert fresh(component).status == "operational"
    assert fresh(maintenance).next_move_at is None


def test_renamed_in_progress_its_contribution_says_the_new_name():
    component = ComponentFactory()
    maintenance = plan(component)
    post(maintenance, "in_progress", at=hours(1))

    edit_maintenance(maintenance_id=maintenance.pk, name="Big upgrade", actor=PERSON, at=hours(1.5))

    assert StatusContribution.objects.get().label == "Big upgrade"
    assert maintenance.updates.count() == 2


def test_planned_components_are_edited_until_it_begins():
    first = ComponentFactory()
    second = ComponentFactory(page=first.page)
    maintenance = plan(first)

    edit_maintenance(maintenance_id=maintenance.pk, components=[second.pk], actor=PERSON, at=NOW)
    post(maintenance, "in_progress", at=hours(1))

    assert (fresh(first).status, fresh(second).status) == ("operational", "under_maintenance")
    with pytest.raises(Conflict, match="begun"):
        edit_maintenance(maintenance_id=maintenance.pk, components=[], actor=PERSON, at=hours(1))


def test_automation_is_not_switched_on_for_a_time_that_has_passed():
    maintenance = plan(starts_itself=False, ends_itself=False)

    with pytest.raises(Invalid, match="has passed") as refused:
        edit_maintenance(
            maintenance_id=maintenance.pk, starts_itself=True, actor=PERSON, at=hours(1.5)
        )

    assert refused.value.field == "starts_itself"
    assert fresh(maintenance).starts_itself is False


def test_told_when_it_was_over_it_has_its_times_and_touches_no_component():
    component = ComponentFactory()

    maintenance = plan(
        component, status="completed", scheduled_for=hours(-3), scheduled_until=hours(-2)
    )

    maintenance.refresh_from_db()
    assert (maintenance.started_at, maintenance.completed_at) == (hours(-3), hours(-2))
    row = maintenance.affected.get()
    assert (row.started_at, row.ended_at) == (hours(-3), hours(-2))
    assert not StatusPeriod.objects.filter(status="under_maintenance").exists()


def test_announced_in_progress_it_covers_at_once():
    component = ComponentFactory()

    maintenance = plan(component, status="in_progress")

    assert fresh(component).status == "under_maintenance"
    assert (maintenance.started_at, maintenance.next_move_at) == (NOW, hours(2))


def test_every_change_is_in_the_audit_trail_and_wakes_the_page():
    component = ComponentFactory()
    maintenance = plan(component)
    post(maintenance, "in_progress", at=hours(1))
    edit_maintenance(maintenance_id=maintenance.pk, name="New", actor=PERSON, at=hours(1.1))
    reschedule_maintenance(
        maintenance_id=maintenance.pk, scheduled_until=hours(4), actor=PERSON, at=hours(1.2)
    )
    cancel_maintenance(maintenance_id=maintenance.pk, actor=PERSON, at=hours(1.3))
    archive_maintenance(maintenance_id=maintenance.pk, actor=PERSON, at=hours(1.4))

    events = AuditEvent.objects.filter(object_id=maintenance.public_id).order_by("pk")

    assert [(event.action, event.actor_label) for event in events] == [
        ("maintenance.announced", "Robin Doe"),
        ("maintenance.updated", "Robin Doe"),
        ("maintenance.edited", "Robin Doe"),
        ("maintenance.edited", "Robin Doe"),
        ("maintenance.cancelled", "Robin Doe"),
        ("maintenance.archived", "Robin Doe"),
    ]
    assert fresh(component.page).updated_at == hours(1.4)
