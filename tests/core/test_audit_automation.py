"""What automation does on its own and people ask about is in the audit trail; what it does all day is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.actors import AUTOMATION
from apps.core.models import AuditEvent
from apps.incidents.services import open_incident, post_update
from apps.incidents.services.maintenance_moves import move_due_maintenances
from apps.monitors.services import archive_monitor
from apps.monitors.services.outages import close_as_removed, settle_outages
from tests.factories import (
    NOW,
    PERSON,
    MaintenanceFactory,
    MonitorFactory,
    OutageFactory,
    PageFactory,
)

pytestmark = pytest.mark.django_db


def events():
    return list(AuditEvent.objects.order_by("id").values_list("action", "actor_label", "channel"))


def test_an_incident_that_an_integration_opens_and_resolves_is_in_the_trail():
    page = PageFactory()
    incident, _ = open_incident(
        page_id=page.pk, name="Trouble", status="investigating", message="We look.", components={},
        actor=AUTOMATION, at=NOW,
    )  # fmt: skip
    post_update(
        incident_id=incident.pk, status="resolved", message="Over.", components={},
        actor=AUTOMATION, at=NOW + timedelta(hours=1),
    )  # fmt: skip

    assert events() == [
        ("incident.opened", "Automation", "automation"),
        ("incident.updated", "Automation", "automation"),
    ]


def test_a_maintenance_that_moves_by_itself_is_in_the_trail():
    MaintenanceFactory(scheduled_for=NOW, starts_itself=True, next_move_at=NOW)

    move_due_maintenances(at=NOW + timedelta(seconds=1))

    assert [one[1:] for one in events()] == [("Automation", "automation")]


def test_an_outage_that_closes_as_removed_says_who_removed_its_monitor():
    outage = OutageFactory(opened_at=NOW, started_at=NOW)

    archive_monitor(monitor_id=outage.monitor_id, actor=PERSON, at=NOW + timedelta(hours=1))

    closed = AuditEvent.objects.get(action="outage.closed")
    assert (closed.actor_label, closed.object_id) == ("Robin Doe", outage.public_id)
    assert closed.changes == {"close_reason": ["", "removed"]}


def test_many_outages_that_close_as_removed_are_as_few_statements_as_one():
    def statements(count):
        outages = [OutageFactory(opened_at=NOW, started_at=NOW) for _ in range(count)]
        ids = [outage.monitor_id for outage in outages]
        with CaptureQueriesContext(connection) as caught:
            close_as_removed(monitor_ids=ids, actor=PERSON, at=NOW)
        return len(caught)

    assert statements(8) == statements(1)


def test_an_outage_that_recovers_is_told_by_itself_and_not_by_the_trail():
    outage = OutageFactory(opened_at=NOW, started_at=NOW, monitor=MonitorFactory())

    settle_outages(monitor_ids=[outage.monitor_id], actor=AUTOMATION, at=NOW)

    assert events() == []
