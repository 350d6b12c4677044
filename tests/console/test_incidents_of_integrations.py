"""What the console says of incidents that integrations opened."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.incidents.models import Incident
from apps.integrations.models import Integration
from tests.console.forms import save
from tests.integrations.scene import deliver_all, fails, integrate, make_monitor, make_page, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration() -> Integration:
    """An integration that opened an incident."""
    made = integrate(make_monitor(), make_page())
    fails(made.monitor, minutes(1))
    deliver_all()
    return made


def _screen() -> str:
    return reverse("admin:incidents_incident_change", args=[Incident.objects.get().pk])


def test_an_incident_links_to_the_integration_that_opened_it(
    console: Client, integration: Integration
):
    url = reverse("admin:integrations_integration_change", args=[integration.pk])

    assert (
        f'<a href="{url}">Integration {integration}</a>' in console.get(_screen()).content.decode()
    )


def test_who_ends_an_integration_is_told_which_incident_is_left(
    console: Client, integration: Integration
):
    url = reverse("admin:integrations_integration_change", args=[integration.pk])

    save(console, url, enabled="")

    assert "is open and nobody resolves it by itself" in console.get(url).content.decode()
    assert "Staff, left by its integration" in console.get(_screen()).content.decode()
