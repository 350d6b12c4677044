"""Updates of maintenance that are corrected: texts and shown times change, order, state and components do not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.errors import Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.services import (
    archive_maintenance,
    edit_maintenance_update,
    move_due_maintenances,
)
from apps.pages.models import StatusPeriod
from apps.publishing.models import Publication
from tests.factories import NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.maintenance_scene import fresh, hours, plan, post, told

pytestmark = pytest.mark.django_db


def edited(update, *, at=None, **fields):
    return edit_maintenance_update(update_id=update.pk, actor=PERSON, at=at or hours(3), **fields)


def test_a_corrected_text_moves_updated_at_and_asks_for_a_new_page():
    maintenance = plan(page=PageFactory())
    before = Publication.objects.get().requested_seq

    update = edited(maintenance.updates.get(), body="We upgrade the database.")

    assert (update.body, update.updated_at) == ("We upgrade the database.", hours(3))
    assert update.display_at == update.created_at == NOW
    assert fresh(maintenance).updated_at == hours(3)
    assert Publication.objects.get().requested_seq == before + 1


def test_the_audit_trail_keeps_what_was_there_before():
    maintenance = plan(page=PageFactory(), message="Soon.")
    update = maintenance.updates.get()

    edited(update, body="Later.", display_at=hours(-1))

    event = AuditEvent.objects.get(action="maintenance.update_edited")
    assert (event.object_id, event.actor_label) == (maintenance.public_id, "Robin Doe")
    assert event.changes == {
        "update": update.public_id,
        "body": ["Soon.", "Later."],
        "display_at": [str(NOW), str(hours(-1))],
    }


def test_nothing_is_written_where_nothing_changes():
    maintenance = plan(page=PageFactory(), message="Soon.")

    edited(maintenance.updates.get(), body="Soon.", display_at=NOW)

    assert not AuditEvent.objects.filter(action="maintenance.update_edited").exists()
    assert maintenance.updates.get().updated_at == NOW


def test_its_times_follow_the_shown_ones_and_components_do_not():
    component = ComponentFactory()
    maintenance = plan(component)
    move_due_maintenances(at=hours(1))
    begun = maintenance.updates.get(sequence=2)
    checking = post(maintenance, "verifying", at=hours(1.5))
    over = post(maintenance, "completed", at=hours(2))
    periods = list(StatusPeriod.objects.order_by("pk").values())

    edited(begun, display_at=hours(1.1))
    edited(checking, display_at=hours(1.4))
    edited(over, display_at=hours(1.9))

    row = fresh(maintenance)
    assert (row.started_at, row.verifying_at, row.completed_at) == (
        hours(1.1),
        hours(1.4),
        hours(1.9),
    )
    assert (row.status, row.last_sequence) == ("completed", 4)
    assert list(StatusPeriod.objects.order_by("pk").values()) == periods


def test_an_end_shown_before_the_beginning_is_the_beginning():
    maintenance = plan(page=PageFactory())
    move_due_maintenances(at=hours(1))
    over = post(maintenance, "completed", at=hours(2))

    edited(over, display_at=NOW)

    assert fresh(maintenance).completed_at == hours(1)


def test_reopened_after_a_correction_it_covers_again_what_it_covered_to_the_end():
    component = ComponentFactory()
    maintenance = plan(component)
    post(maintenance, "in_progress", at=hours(1))
    over = post(maintenance, "completed", at=hours(2))
    edited(over, display_at=hours(1.5))

    post(maintenance, "in_progress", at=hours(4))

    assert fresh(component).status == "under_maintenance"
    assert fresh(maintenance).completed_at is None


def test_put_back_and_begun_again_it_began_the_second_time():
    maintenance = plan(page=PageFactory())
    first = post(maintenance, "in_progress", at=hours(0.2))
    post(maintenance, "scheduled", at=hours(0.3))
    post(maintenance, "in_progress", at=hours(1))

    edited(first, display_at=hours(0.1))

    assert fresh(maintenance).started_at == hours(1)


def test_one_that_was_told_afterwards_keeps_the_times_of_its_plan():
    maintenance = plan(page=PageFactory(), status="completed", at=hours(3))

    edited(maintenance.updates.get(), display_at=hours(2.5))

    row = fresh(maintenance)
    assert (row.started_at, row.completed_at) == (hours(1), hours(2))
    assert told(row) == [("completed", hours(2.5), False)]


def test_its_next_move_stays_where_it_was():
    maintenance = plan(page=PageFactory())

    edited(maintenance.updates.get(), display_at=NOW - timedelta(days=1), at=hours(0.5))

    assert fresh(maintenance).next_move_at == hours(1)


def test_the_future_is_refused():
    maintenance = plan(page=PageFactory())

    with pytest.raises(Invalid) as refused:
        edited(maintenance.updates.get(), display_at=hours(3.1))

    assert refused.value.field == "display_at"


def test_an_archived_ones_update_is_not_edited_nor_one_that_is_not_there():
    maintenance = plan(page=PageFactory())
    update = maintenance.updates.get()
    archive_maintenance(maintenance_id=maintenance.pk, actor=PERSON, at=hours(1))

    with pytest.raises(NotFound):
        edited(update, body="Other.")
    with pytest.raises(NotFound):
        edit_maintenance_update(update_id=0, body="Other.", actor=PERSON, at=hours(1))
