"""While all linked components are under maintenance no incident opens; one that is outlasted opens then."""

from __future__ import annotations

import pytest

from apps.incidents.models import Incident, IncidentComponent
from apps.pages.models import Page
from tests.integrations.scene import (
    deliver_all,
    end_maintenance,
    fails,
    incident_statuses,
    integrate,
    maintain,
    make_monitor,
    make_page,
    minutes,
    recovers,
    statuses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    return make_page(components=("Checkout", "Website"))


def test_under_maintenance_no_incident_opens_until_the_outage_outlasts_it(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    maintain("Checkout", minutes(1))
    fails(monitor, minutes(2))
    deliver_all()
    assert statuses()["Checkout"] == "under_maintenance"
    assert not Incident.objects.exists()

    end_maintenance("Checkout", minutes(5))
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert Incident.objects.get().started_at == minutes(5)
    recovers(monitor, minutes(6))
    deliver_all()
    assert incident_statuses() == ["resolved"]


def test_an_outage_that_ends_within_the_maintenance_opens_no_incident_ever(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    maintain("Checkout", minutes(1))
    fails(monitor, minutes(2))
    recovers(monitor, minutes(3))

    end_maintenance("Checkout", minutes(5))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert not Incident.objects.exists()


def test_one_linked_component_outside_of_the_maintenance_is_enough_for_an_incident(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page, links={"Checkout": "major_outage", "Website": "partial_outage"})
    maintain("Checkout", minutes(1))

    fails(monitor, minutes(2))
    deliver_all()

    assert statuses() == {"Checkout": "under_maintenance", "Website": "partial_outage"}
    assert IncidentComponent.objects.count() == 2


def test_a_maintenance_that_ends_with_an_incident_open_opens_no_second_one(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()
    maintain("Checkout", minutes(2))

    end_maintenance("Checkout", minutes(3))
    deliver_all()

    assert incident_statuses() == ["investigating"]
