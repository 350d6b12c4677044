"""Configuration that changes during an outage acts at once: created, edited, disabled, retargeted, removed."""

from __future__ import annotations

import pytest

from apps.incidents.models import Incident, IncidentComponent
from apps.integrations.models import Delivery
from apps.integrations.selectors import incidents_left_to_staff
from apps.integrations.services import archive_integration, set_enabled, update_integration
from apps.monitors.services import archive_monitor, pause_monitor
from apps.pages.models import Page, StatusContribution, StatusPeriod
from apps.pages.services import archive_component, set_staff_status, update_component
from tests.factories import PERSON
from tests.integrations.scene import (
    component,
    definition,
    deliver_all,
    fails,
    incident_statuses,
    integrate,
    make_monitor,
    make_page,
    minutes,
    mirrored,
    recovers,
    statuses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    return make_page(components=("Checkout", "Website"))


def test_created_during_an_outage_it_acts_at_once(page: Page) -> None:
    monitor = make_monitor()
    fails(monitor, minutes(1))

    integrate(monitor, page, at=minutes(3))

    assert statuses()["Checkout"] == "major_outage"
    assert incident_statuses() == ["investigating"]
    assert StatusPeriod.objects.get(component=component(), ended_at=None).started_at == minutes(3)


def test_disabled_it_withdraws_its_word_and_leaves_its_incident_to_staff(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    set_enabled(integration_id=integration.pk, enabled=False, actor=PERSON, at=minutes(2))
    deliver_all()
    recovers(monitor, minutes(3))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert not StatusContribution.objects.exists()
    assert incident_statuses() == ["investigating"]
    left = incidents_left_to_staff().get()
    assert left.remote_id == Incident.objects.get().public_id


def test_enabled_again_in_the_same_outage_it_takes_its_incident_back(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()
    for enabled, at in ((False, 2), (True, 3)):
        set_enabled(integration_id=integration.pk, enabled=enabled, actor=PERSON, at=minutes(at))
        deliver_all()

    recovers(monitor, minutes(4))
    deliver_all()

    assert incident_statuses() == ["resolved"]
    assert not incidents_left_to_staff().exists()


def test_enabled_during_an_outage_it_acts_at_once(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page, enabled=False)
    fails(monitor, minutes(1))
    deliver_all()
    assert statuses()["Checkout"] == "operational"

    set_enabled(integration_id=integration.pk, enabled=True, actor=PERSON, at=minutes(2))
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert incident_statuses() == ["investigating"]


def test_archived_it_withdraws_its_word_and_leaves_its_incident_to_staff(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    archive_integration(integration_id=integration.pk, actor=PERSON, at=minutes(2))
    recovers(monitor, minutes(3))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert incident_statuses() == ["investigating"]
    assert incidents_left_to_staff().exists()


def test_an_edit_during_an_outage_moves_the_words_at_once(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    update_integration(
        integration_id=integration.pk,
        definition=definition(monitor, page, links={"Website": "partial_outage"}),
        actor=PERSON,
        at=minutes(2),
    )
    deliver_all()

    assert statuses() == {"Checkout": "operational", "Website": "partial_outage"}
    assert incident_statuses() == ["investigating"]


def test_an_edit_of_texts_during_an_outage_leaves_words_and_mutes_alone(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()
    set_staff_status(component_id=component().pk, status="operational", actor=PERSON, at=minutes(2))

    update_integration(
        integration_id=integration.pk,
        definition=definition(monitor, page, nickname="Renamed"),
        actor=PERSON,
        at=minutes(3),
    )
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert StatusContribution.objects.get().muted
    assert Incident.objects.count() == 1


def test_an_incident_action_added_during_an_outage_opens_one_at_once(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page, incident=None)
    fails(monitor, minutes(1))
    deliver_all()

    update_integration(
        integration_id=integration.pk,
        definition=definition(monitor, page),
        actor=PERSON,
        at=minutes(2),
    )
    deliver_all()

    assert Incident.objects.get().started_at == minutes(2)


def test_an_incident_action_removed_during_an_outage_leaves_the_incident_to_staff(
    page: Page,
) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    update_integration(
        integration_id=integration.pk,
        definition=definition(monitor, page, incident=None),
        actor=PERSON,
        at=minutes(2),
    )
    recovers(monitor, minutes(3))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert incident_statuses() == ["investigating"]
    assert incidents_left_to_staff().exists()


def test_retargeted_to_another_monitor_it_follows_that_one(page: Page) -> None:
    monitor, calm = make_monitor(), make_monitor("Calm")
    calm.workspace = monitor.workspace
    calm.save()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    update_integration(
        integration_id=integration.pk,
        definition=definition(calm, page),
        actor=PERSON,
        at=minutes(2),
    )
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert incidents_left_to_staff().count() == 1
    recovers(monitor, minutes(3))
    deliver_all()
    assert incident_statuses() == ["investigating"]


def test_retargeted_to_another_page_it_tells_that_page_and_leaves_the_old_incident_to_staff(
    page: Page,
) -> None:
    other = make_page("Other", components=("Shop",))
    monitor = make_monitor()
    integration = integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    update_integration(
        integration_id=integration.pk,
        definition=definition(monitor, other, links={"Shop": "degraded_performance"}),
        actor=PERSON,
        at=minutes(2),
    )
    deliver_all()

    assert statuses() == {
        "Checkout": "operational",
        "Shop": "degraded_performance",
        "Website": "operational",
    }
    assert [one.page for one in Incident.objects.order_by("pk")] == [page, other]
    assert incidents_left_to_staff().get().page.remote_id == page.public_id
    recovers(monitor, minutes(3))
    deliver_all()
    assert incident_statuses() == ["investigating", "resolved"]


def test_a_paused_monitor_leaves_everything_as_it_is(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    pause_monitor(monitor_id=monitor.pk, actor=PERSON, at=minutes(2))
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert incident_statuses() == ["investigating"]
    assert not incidents_left_to_staff().exists()


def test_a_removed_monitor_takes_its_words_along_and_leaves_the_incident_to_staff(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    archive_monitor(monitor_id=monitor.pk, actor=PERSON, at=minutes(2))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert not StatusContribution.objects.exists()
    assert incident_statuses() == ["investigating"]
    assert incidents_left_to_staff().exists()


def test_an_archived_component_is_passed_over_and_the_incident_lists_the_others(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page, links={"Checkout": "major_outage", "Website": "partial_outage"})
    archive_component(component_id=component("Checkout").pk, actor=PERSON, at=minutes(1))

    fails(monitor, minutes(2))
    deliver_all()

    assert statuses()["Website"] == "partial_outage"
    assert IncidentComponent.objects.get().component.name == "Website"
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


def test_a_component_placed_again_hears_at_once_what_is_said_of_it(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    checkout = component()
    update_component(component_id=checkout.pk, page_id=None, actor=PERSON, at=minutes(1))
    assert mirrored().is_archived
    fails(monitor, minutes(2))
    deliver_all()
    assert statuses()["Checkout"] == "operational"

    update_component(component_id=checkout.pk, page_id=page.pk, actor=PERSON, at=minutes(3))
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert not mirrored().is_archived
