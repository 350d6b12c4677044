"""Updates that are back-dated or corrected: readers' times change, the order and the components do not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.errors import Invalid, NotFound
from apps.core.models import AuditEvent
from apps.incidents.models import Incident
from apps.incidents.services import archive_incident, edit_incident, edit_update
from apps.pages.models import StatusPeriod
from apps.publishing.models import Publication
from tests.factories import NOW, PERSON, ComponentFactory, PageFactory
from tests.incidents.scene import EVEN_LATER, LATER, opened, posted, status_of

pytestmark = pytest.mark.django_db

EARLIER = NOW - timedelta(hours=1)


def edited(update, **fields):
    return edit_update(update_id=update.pk, actor=PERSON, at=EVEN_LATER, **fields)


def test_an_update_can_be_back_dated_when_it_is_posted():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})

    update = posted(incident, "resolved", display_at=NOW + timedelta(minutes=2))

    incident.refresh_from_db()
    assert update.display_at == incident.resolved_at == NOW + timedelta(minutes=2)
    assert component.periods.get(ended_at=None).started_at == LATER


def test_the_future_is_refused():
    incident = opened(PageFactory())
    after = EVEN_LATER + timedelta(seconds=1)

    with pytest.raises(Invalid) as posting:
        posted(incident, "identified", display_at=after, at=EVEN_LATER)
    with pytest.raises(Invalid) as editing:
        edited(incident.updates.get(), display_at=after)

    assert posting.value.field == editing.value.field == "display_at"


def test_a_corrected_text_moves_updated_at_and_asks_for_a_new_page():
    incident = opened(PageFactory())
    before = Publication.objects.get().requested_seq

    update = edited(incident.updates.get(), body="We look hard.")

    assert (update.body, update.updated_at, update.created_at) == (
        "We look hard.",
        EVEN_LATER,
        NOW,
    )
    assert Publication.objects.get().requested_seq == before + 1
    assert Incident.objects.get().updated_at == EVEN_LATER


def test_the_audit_trail_keeps_what_was_there_before():
    incident = opened(PageFactory())
    update = incident.updates.get()

    edited(update, body="Better.", display_at=EARLIER)

    event = AuditEvent.objects.get(action="incident.update_edited")
    assert (event.object_id, event.actor_label) == (incident.public_id, "Robin Doe")
    assert event.changes["body"] == ["We look.", "Better."]
    assert event.changes["display_at"] == [str(NOW), str(EARLIER)]
    assert event.changes["update"] == update.public_id


def test_nothing_is_written_where_nothing_changes():
    incident = opened(PageFactory())

    edited(incident.updates.get(), body="We look.", display_at=NOW)

    assert not AuditEvent.objects.filter(action="incident.update_edited").exists()
    assert incident.updates.get().updated_at == NOW


def test_shown_times_in_another_order_never_change_the_sequence_or_the_state():
    component = ComponentFactory()
    incident = opened(component.page, components={component.pk: "major_outage"})
    second = posted(incident, "monitoring", components={component.pk: "partial_outage"})
    periods = list(StatusPeriod.objects.order_by("pk").values())

    edited(second, display_at=EARLIER)

    assert list(incident.updates.values_list("sequence", "status")) == [
        (2, "monitoring"),
        (1, "investigating"),
    ]
    incident.refresh_from_db()
    assert (incident.status, incident.last_sequence) == ("monitoring", 2)
    assert status_of(component) == "partial_outage"
    assert list(StatusPeriod.objects.order_by("pk").values()) == periods


def test_the_incidents_times_follow_the_shown_ones():
    incident = opened(PageFactory(), at=EARLIER)
    monitoring = posted(incident, "monitoring", at=NOW)
    posted(incident, "resolved", at=NOW)
    posted(incident, "investigating", at=NOW)
    posted(incident, "monitoring", at=NOW)
    resolving = posted(incident, "resolved", at=LATER)
    posted(incident, "resolved", at=LATER)

    edited(monitoring, display_at=NOW - timedelta(minutes=9))
    edited(resolving, display_at=NOW + timedelta(minutes=1))

    incident.refresh_from_db()
    assert incident.monitoring_at == NOW - timedelta(minutes=9)
    assert incident.resolved_at == NOW + timedelta(minutes=1)


def test_an_end_shown_before_the_start_is_the_start():
    incident = opened(PageFactory())
    resolving = posted(incident, "resolved")

    edited(resolving, display_at=EARLIER)

    incident.refresh_from_db()
    assert incident.resolved_at == incident.started_at == NOW


def test_the_start_can_be_back_dated():
    incident = opened(PageFactory())

    edit_incident(incident_id=incident.pk, started_at=EARLIER, actor=PERSON, at=LATER)

    incident.refresh_from_db()
    assert incident.started_at == EARLIER
    assert AuditEvent.objects.latest("pk").changes == {"started_at": [str(NOW), str(EARLIER)]}


@pytest.mark.parametrize("resolved", [False, True])
def test_a_start_after_now_or_after_the_end_is_refused(resolved):
    incident = opened(PageFactory())
    if resolved:
        posted(incident, "resolved", at=LATER)
    too_late = (LATER if resolved else EVEN_LATER) + timedelta(seconds=1)

    with pytest.raises(Invalid) as refused:
        edit_incident(incident_id=incident.pk, started_at=too_late, actor=PERSON, at=EVEN_LATER)

    assert refused.value.field == "started_at"


def test_an_archived_incidents_update_is_not_edited():
    incident = opened(PageFactory())
    update = incident.updates.get()
    archive_incident(incident_id=incident.pk, actor=PERSON, at=LATER)

    with pytest.raises(NotFound):
        edited(update, body="Too late.")
