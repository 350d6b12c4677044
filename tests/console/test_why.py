"""Why is this red? Every contribution with its source, and what does not decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.incidents.services import open_incident
from apps.integrations.models import ConnectorComponent
from apps.pages.models import Component, PageMembership, StatusContribution
from apps.pages.services import (
    ContributionChange,
    Word,
    apply_contributions,
    create_component,
    create_page,
    set_staff_status,
)
from tests.factories import (
    MACHINE,
    NOW,
    PERSON,
    ComponentLinkFactory,
    IncidentFactory,
    IntegrationFactory,
    MaintenanceFactory,
    MembershipFactory,
    MonitorFactory,
    OutageFactory,
    ScheduleFactory,
    StatusContributionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def component() -> Component:
    page = create_page(name="Acme", slug="acme", time_zone="Europe/Berlin", actor=PERSON, at=NOW)
    return create_component(page_id=page.pk, name="Checkout", actor=PERSON, at=NOW)


def url(component: Component) -> str:
    return reverse("admin:pages_component_why", args=[component.pk])


def text_of(client: Client, component: Component) -> str:
    response = client.get(url(component))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def linked(component: Component, **monitor):
    """Link a new monitor to the component; return the link."""
    mirrored = ConnectorComponent.objects.get(remote_id=component.public_id)
    watched = MonitorFactory(name="Pay probe", **monitor)
    integration = IntegrationFactory(
        nickname="Pay to page",
        workspace=watched.workspace,
        monitor=watched,
        connector=mirrored.page.connector,
        page=mirrored.page,
    )
    return ComponentLinkFactory(integration=integration, component=mirrored)


def said(component: Component, link, status: str = "major_outage", **fields):
    return StatusContributionFactory(
        component=component, key=link.public_id, status=status, label="Pay to page", **fields
    )


def decided(component: Component, status: str) -> None:
    Component.objects.filter(pk=component.pk).update(status=status, status_since=NOW)


def test_a_monitor_is_told_with_its_integration_and_its_outage(
    console: Client, component: Component
):
    link = linked(component)
    outage = OutageFactory(
        monitor=link.integration.monitor, opened_at=NOW, started_at=NOW, reason="Status 500"
    )
    said(component, link, since=NOW)
    decided(component, "major_outage")

    text = text_of(console, component)

    assert "Major outage since Mon 2026-03-02 13:00 (Europe/Berlin): a monitor says so." in text
    assert "Decides: nothing that counts is worse." in text
    assert "Status 500" in text
    for row, kind in (
        (link.integration.monitor, "monitors_monitor"),
        (link.integration, "integrations_integration"),
        (outage, "monitors_outage"),
    ):
        assert reverse(f"admin:{kind}_change", args=[row.pk]) in text


def test_staff_incident_and_maintenance_are_told_with_links(console: Client, component: Component):
    incident = IncidentFactory(page=component.page, name="Cards fail")
    plan = MaintenanceFactory(page=component.page, name="Upgrade")
    for source, key, status in (
        ("staff", "", "degraded_performance"),
        ("incident", incident.public_id, "partial_outage"),
        ("maintenance", plan.public_id, "under_maintenance"),
    ):
        StatusContributionFactory(
            component=component, source=source, key=key, status=status, label="Robin"
        )
    decided(component, "partial_outage")

    text = text_of(console, component)

    assert "an incident says so" in text
    assert "Staff: Robin" in text
    assert "outweighs it" in text
    assert "Cards fail" in text
    assert "Upgrade" in text
    assert "Planned until" in text


def test_green_while_a_muted_monitor_fails_is_explained(console: Client, component: Component):
    link = linked(component)
    word = Word(key=link.public_id, status="major_outage", since=NOW)
    apply_contributions(
        changes=[ContributionChange(component.pk, "link", upsert=(word,))], actor=MACHINE, at=NOW
    )
    later = NOW + timedelta(minutes=1)
    set_staff_status(component_id=component.pk, status="operational", actor=PERSON, at=later)

    text = text_of(console, component)

    assert "Operational since" in text
    assert "1 monitor that would say otherwise is muted by staff." in text
    assert "It counts again with the monitor’s next change." in text


def test_green_while_maintenance_masks_a_monitor_is_explained(
    console: Client, component: Component
):
    said(component, linked(component))
    StatusContributionFactory(
        component=component, source="staff", key="", status="under_maintenance", label="Robin"
    )
    decided(component, "under_maintenance")

    text = text_of(console, component)

    assert "Set aside while maintenance covers the component." in text
    assert "1 monitor that would say otherwise is set aside by maintenance." in text


def test_green_while_a_threshold_is_not_reached_is_explained(console: Client, component: Component):
    link = linked(component, failure_threshold=3, quorum=2)
    monitor = link.integration.monitor
    ScheduleFactory(monitor=monitor, streak=1, streak_is_failing=True)
    ScheduleFactory(monitor=monitor, streak=4, streak_is_failing=True, is_failing=True)

    text = text_of(console, component)

    assert "has failed 1 of 3 times in a row" in text
    assert "fails at 1 of the 2 locations that it takes for an outage." in text


def test_what_is_switched_off_or_paused_is_told(console: Client, component: Component):
    link = linked(component, enabled=False)

    assert "is paused: its last word stands." in text_of(console, component)
    link.integration.enabled = False
    link.integration.save()
    assert "is switched off." in text_of(console, component)


def test_an_automated_incident_that_only_shows_it_is_told(console: Client, component: Component):
    incident, _ = open_incident(
        page_id=component.page_id,
        name="Cards fail",
        status="investigating",
        message="",
        components={component.pk: "major_outage"},
        actor=PERSON,
        at=NOW,
    )
    incident.affected.update(contributes=False)

    assert "Automation opened it, so the component follows its monitors" in text_of(
        console, component
    )


def test_nobody_says_anything_about_a_new_component(console: Client, component: Component):
    text = text_of(console, component)

    assert "nobody says anything about it" in text
    assert "No integration links a monitor to it" in text


def test_who_sees_the_page_alone_reads_no_monitors_names(client: Client, component: Component):
    link = linked(component)
    OutageFactory(monitor=link.integration.monitor, reason="Status 500 at db-7")
    said(component, link)
    viewer = UserFactory(username="vera")
    PageMembership.objects.create(page=component.page, user=viewer, role="viewer")
    client.force_login(viewer)

    text = text_of(client, component)

    assert "A monitor of a workspace that you are not a member of" in text
    for secret in ("Pay probe", "Pay to page", "db-7"):
        assert secret not in text
    MembershipFactory(user=viewer, workspace=link.integration.workspace, role="viewer")
    assert "Pay probe" in text_of(client, component)


def test_a_foreign_component_is_not_explained(client: Client, component: Component):
    client.force_login(UserFactory(username="vera"))

    assert client.get(url(component)).status_code in {302, 403, 404}


def test_lists_page_and_component_lead_to_the_answer(console: Client, component: Component):
    for screen in (
        reverse("admin:pages_component_changelist"),
        reverse("admin:pages_page_change", args=[component.page_id]),
    ):
        assert url(component) in console.get(screen).content.decode()
    own = console.get(reverse("admin:pages_component_change", args=[component.pk]))
    assert "nobody says anything about it" in own.content.decode()


def test_the_answer_costs_the_same_however_many_speak(console: Client, component: Component):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            console.get(url(component))
        return len(captured)

    link = linked(component)
    said(component, link, since=NOW - timedelta(hours=1))
    statements()
    few = statements()
    for _ in range(5):
        said(component, linked(component))
    assert StatusContribution.objects.count() == 6

    assert statements() == few <= 20
