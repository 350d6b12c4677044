"""Correcting a component's past at the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.pages.models import Component, Correction
from apps.pages.services import correct_period
from tests.factories import LONG_AGO, NOW, PERSON, ComponentFactory, PageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def component() -> Component:
    return ComponentFactory(page=PageFactory(time_zone="Europe/Berlin"), status_since=LONG_AGO)


def address(component: Component) -> str:
    """Where the button on the component's screen leads."""
    return reverse("admin:pages_component_correct_period", args=[component.pk])


def corrected(component: Component, *, hour: int = 10) -> Correction:
    return correct_period(
        component_id=component.pk,
        started_at=datetime(2026, 1, 14, hour, tzinfo=UTC),
        ended_at=datetime(2026, 1, 14, hour + 1, tzinfo=UTC),
        status="operational",
        reason="A false alarm.",
        actor=PERSON,
        at=NOW,
    )


VALUES = {
    "started_at": "2026-01-14T10:00:00",
    "ended_at": "2026-01-14T12:30:00",
    "status": "not_measured",
    "reason": "The probe's own line was cut.",
}


def test_a_past_period_is_corrected_in_the_pages_zone(console: Client, component: Component):
    asked = console.get(address(component))
    response = console.post(address(component), VALUES, follow=True)

    assert "Europe/Berlin" in asked.content.decode()
    correction = Correction.objects.get()
    assert correction.started_at == datetime(2026, 1, 14, 9, tzinfo=UTC)
    assert correction.ended_at == datetime(2026, 1, 14, 11, 30, tzinfo=UTC)
    assert (correction.status, correction.author) == ("not_measured", "root")
    text = response.content.decode()
    assert "The probe&#x27;s own line was cut." in text
    assert "Wed 2026-01-14 10:00 – 12:30 (Europe/Berlin)" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ended_at": "2026-01-14T09:00:00"}, "The end must come after the start."),
        ({"ended_at": "2099-01-14T09:00:00"}, "Only what is past can be corrected."),
        ({"started_at": "2001-01-14T09:00:00"}, "history begins later"),
        ({"started_at": "2025-03-30T02:30:00"}, "skip this time"),
        ({"reason": ""}, "required"),
    ],
)
def test_a_refusal_is_shown_at_its_field(
    console: Client, component: Component, changes: dict[str, str], message: str
):
    response = console.post(address(component), VALUES | changes)

    assert response.status_code == 409
    assert message in response.content.decode()
    assert not Correction.objects.exists()


def test_a_correction_is_taken_back_once(console: Client, component: Component):
    correction = corrected(component)
    url = reverse("admin:pages_correction_revoke", args=[correction.pk])

    assert console.get(url).status_code == 200
    response = console.post(url, follow=True)

    correction.refresh_from_db()
    assert correction.revoked_by == "root"
    assert "by root" in response.content.decode()
    assert console.post(url).status_code == 403


def test_who_may_not_change_components_corrects_nothing(client: Client, component: Component):
    correction = corrected(component)
    for url in (
        address(component),
        reverse("admin:pages_correction_revoke", args=[correction.pk]),
    ):
        assert client.post(url, VALUES).status_code in {302, 403}

    assert Correction.objects.filter(revoked_at__isnull=True).count() == 1


def test_a_components_screen_costs_the_same_with_many_corrections(
    console: Client, component: Component
):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            console.get(reverse("admin:pages_component_change", args=[component.pk]))
        return len(captured)

    statements()
    before = statements()
    for hour in range(20):
        corrected(component, hour=hour)

    assert statements() == before
    page = console.get(reverse("admin:pages_component_change", args=[component.pk]))
    assert "All corrections" in page.content.decode()
    listed = reverse("admin:pages_correction_changelist") + f"?component__id__exact={component.pk}"
    assert "A false alarm." in console.get(listed).content.decode()
