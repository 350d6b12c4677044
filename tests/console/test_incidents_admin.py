"""Incidents at the console."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.actors import AUTOMATION
from apps.core.models import AuditEvent
from apps.incidents.models import Incident
from apps.incidents.services import open_incident, post_update
from tests.console.composing import mistakes, write
from tests.console.forms import errors, save
from tests.factories import NOW, PERSON, ComponentFactory, IncidentFactory, PageFactory

pytestmark = pytest.mark.django_db

ADD = "admin:incidents_incident_add"


@pytest.fixture
def incident() -> Incident:
    """An incident that automation opened."""
    component = ComponentFactory(name="Orders")
    row, _ = open_incident(
        page_id=component.page_id,
        name="Orders fail",
        status="investigating",
        message="We are looking.",
        components={component.pk: "major_outage"},
        actor=AUTOMATION,
        at=NOW,
    )
    return row


def test_an_incident_is_opened_with_its_first_update(console: Client):
    component = ComponentFactory()

    response = write(
        console,
        reverse(ADD),
        name="Orders fail",
        status="identified",
        message="We **know** why.",
        **{f"component_{component.pk}": "partial_outage"},
    )

    assert response.status_code == 302, mistakes(response)
    row = Incident.objects.get()
    component.refresh_from_db()
    assert (row.status, component.status) == ("identified", "partial_outage")
    assert not row.is_automated
    shown = console.get(reverse("admin:incidents_incident_change", args=[row.pk]))
    assert "<strong>know</strong>" in shown.content.decode()
    assert AuditEvent.objects.filter(action="incident.opened", actor_label="root").exists()


def test_an_incident_without_components_is_opened(console: Client):
    PageFactory()

    response = write(console, reverse(ADD), name="Rumours")

    assert response.status_code == 302, mistakes(response)


def test_without_any_page_the_screen_says_what_comes_first(console: Client):
    assert reverse("admin:pages_page_add") in console.get(reverse(ADD)).content.decode()


def test_of_several_pages_one_is_chosen_first_and_only_its_components_are_offered(console: Client):
    component, foreign = ComponentFactory(name="Orders"), ComponentFactory(name="Elsewhere")

    asked = console.get(reverse(ADD)).content.decode()
    chosen = console.get(reverse(ADD), {"page": component.page_id})

    assert f'<option value="{component.page_id}">' in asked
    assert f"component_{component.pk}" in chosen.context["form"].fields
    assert f"component_{foreign.pk}" not in chosen.context["form"].fields


def test_an_update_with_a_components_status_is_posted(console: Client, incident: Incident):
    component = incident.affected.get().component
    url = reverse("admin:incidents_incident_post_update", args=[incident.pk])

    opened = console.get(url)
    response = console.post(
        url,
        {
            "status": "monitoring",
            "message": "Better.",
            "sequence": opened.context["form"]["sequence"].value(),
            f"component_{component.pk}": "degraded_performance",
        },
    )

    assert response.status_code == 302
    component.refresh_from_db()
    assert component.status == "degraded_performance"
    assert incident.updates.first().author


def test_an_update_over_another_ones_head_is_refused_and_keeps_what_was_typed(
    console: Client, incident: Incident
):
    url = reverse("admin:incidents_incident_post_update", args=[incident.pk])
    post_update(incident_id=incident.pk, status="identified", message="Mine.", actor=PERSON, at=NOW)

    response = console.post(url, {"status": "resolved", "message": "It is over.", "sequence": 1})

    assert response.status_code == 409
    shown = response.content.decode()
    assert "Robin Doe posted meanwhile" in shown
    assert "Mine." in shown
    assert response.context["form"]["message"].value() == "It is over."
    incident.refresh_from_db()
    assert incident.status == "identified"

    again = {
        name: response.context["form"][name].value() for name in ("status", "message", "sequence")
    }
    assert console.post(url, again).status_code == 302
    assert incident.updates.first().body == "It is over."


def test_an_update_is_back_dated_in_the_pages_zone(console: Client, incident: Incident):
    incident.page.time_zone = "Europe/Berlin"
    incident.page.save()
    url = reverse("admin:incidents_incident_post_update", args=[incident.pk])

    console.post(url, {"status": "identified", "sequence": 1, "display_at": "2026-03-02T12:30:00"})

    assert incident.updates.first().display_at == NOW.replace(hour=11, minute=30)


def test_an_automated_incident_is_taken_over_once(console: Client, incident: Incident):
    url = reverse("admin:incidents_incident_take_over", args=[incident.pk])

    assert console.post(url).status_code == 302

    incident.refresh_from_db()
    assert incident.taken_over_at is not None
    assert console.post(url).status_code == 403


def test_name_and_impact_are_corrected(console: Client, incident: Incident):
    url = reverse("admin:incidents_incident_change", args=[incident.pk])

    response = save(console, url, name="Orders are slow", impact_override="minor")

    assert response.status_code == 302, errors(response)
    incident.refresh_from_db()
    assert (incident.name, incident.impact_override) == ("Orders are slow", "minor")
    assert incident.updates.count() == 1


def test_what_readers_typed_as_html_stays_text(console: Client, incident: Incident):
    post_update(
        incident_id=incident.pk,
        status="identified",
        message="<script>alert(1)</script>",
        actor=PERSON,
        at=NOW,
    )

    shown = console.get(reverse("admin:incidents_incident_change", args=[incident.pk]))

    assert "<script>alert" not in shown.content.decode()


def test_queries_of_an_incident_do_not_grow_with_updates(
    console: Client, incident: Incident, django_assert_max_num_queries
):
    url = reverse("admin:incidents_incident_change", args=[incident.pk])
    console.get(url)
    with django_assert_max_num_queries(60) as few:
        console.get(url)
    for _ in range(5):
        post_update(incident_id=incident.pk, status="identified", message="", actor=PERSON, at=NOW)

    with django_assert_max_num_queries(len(few)):
        console.get(url)


def test_queries_of_the_list_do_not_grow_with_incidents(
    console: Client, incident: Incident, django_assert_max_num_queries
):
    url = reverse("admin:incidents_incident_changelist")
    console.get(url)
    with django_assert_max_num_queries(20) as few:
        console.get(url)
    IncidentFactory.create_batch(5)

    with django_assert_max_num_queries(len(few)):
        console.get(url)
