"""An incident of automation's that was merged: its outage's end resolves nothing that is not its own."""

from __future__ import annotations

import pytest

from apps.incidents.models import Incident
from apps.incidents.services import merge_incidents, open_incident, post_update
from apps.integrations.models import Delivery
from apps.integrations.selectors import incidents_left_to_staff
from apps.integrations.services import set_enabled
from apps.pages.models import Page
from tests.factories import PERSON
from tests.integrations.scene import (
    deliver_all,
    fails,
    incident_statuses,
    integrate,
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


def by_hand(page: Page) -> Incident:
    incident, _ = open_incident(
        page_id=page.pk,
        name="Fire",
        status="investigating",
        message="",
        actor=PERSON,
        at=minutes(1),
    )
    return incident


def merged(source: Incident, target: Incident) -> None:
    merge_incidents(incident_id=source.pk, into_id=target.pk, actor=PERSON, at=minutes(2))


def all_arrived() -> bool:
    return not Delivery.objects.exclude(state="done").exists()


def test_the_outages_end_leaves_a_persons_incident_alone(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    target = by_hand(page)
    fails(monitor, minutes(1))
    deliver_all()
    merged(Incident.objects.get(is_automated=True), target)

    recovers(monitor, minutes(3))
    deliver_all()

    target.refresh_from_db()
    assert (target.status, target.last_sequence) == ("investigating", 2)
    assert statuses()["Checkout"] == "operational"
    assert all_arrived()


def test_of_two_of_automations_own_neither_outages_end_resolves_the_whole(page: Page) -> None:
    monitor, other = make_monitor(), make_monitor("Other")
    integrate(monitor, page)
    integrate(other, page, nickname="Other", links={"Website": "partial_outage"})
    fails(monitor, minutes(1))
    fails(other, minutes(1))
    deliver_all()
    source = Incident.objects.get(affected__component__name="Checkout")
    target = Incident.objects.get(affected__component__name="Website")
    merged(source, target)

    recovers(other, minutes(3))
    deliver_all()

    target.refresh_from_db()
    assert target.is_open
    assert target.taken_over_at is not None
    assert statuses()["Checkout"] == "major_outage"
    assert all_arrived()


def test_a_second_outage_opens_an_incident_of_its_own(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    target = by_hand(page)
    fails(monitor, minutes(1))
    deliver_all()
    merged(Incident.objects.get(is_automated=True), target)
    recovers(monitor, minutes(3))

    fails(monitor, minutes(4))
    deliver_all()

    assert incident_statuses() == ["investigating", "resolved", "investigating"]


def test_a_merged_one_is_nobodys_to_resolve_when_its_integration_goes(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    target = by_hand(page)
    fails(monitor, minutes(1))
    deliver_all()
    merged(Incident.objects.get(is_automated=True), target)

    set_enabled(integration_id=integration.pk, enabled=False, actor=PERSON, at=minutes(3))
    deliver_all()

    assert not incidents_left_to_staff().exists()
    assert all_arrived()


def test_a_reopened_one_is_not_resolved_again_by_the_outage_that_ended(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    deliver_all()
    incident = Incident.objects.get()

    post_update(
        incident_id=incident.pk,
        status="monitoring",
        message="It came back.",
        actor=PERSON,
        at=minutes(3),
    )
    deliver_all()

    assert incident_statuses() == ["monitoring"]
    assert all_arrived()
