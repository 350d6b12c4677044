"""An outage opens and closes; what the page says follows. Every rule of "Integrations", end to end."""

from __future__ import annotations

import pytest

from apps.core.actors import AUTOMATION
from apps.incidents.models import Incident, IncidentComponent, IncidentUpdate
from apps.incidents.services import post_update, take_over
from apps.integrations.definition import IncidentDefinition
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.planner import DEFAULT_MESSAGE, DEFAULT_RESOLVED_MESSAGE
from apps.monitors.models import Outage
from apps.monitors.signals import outages_changed
from apps.pages.models import Page, StatusContribution, StatusPeriod
from apps.pages.services import set_staff_status
from tests.factories import PERSON, OutageFactory
from tests.integrations.scene import (
    component,
    deliver_all,
    fails,
    incident_statuses,
    integrate,
    make_monitor,
    make_page,
    minutes,
    mirrored,
    pending,
    recovers,
    statuses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page() -> Page:
    return make_page(components=("Checkout", "Website"))


def test_an_outage_makes_its_component_fail_and_opens_one_incident_that_lists_it(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page)

    fails(monitor, minutes(1))
    deliver_all()

    assert statuses() == {"Checkout": "major_outage", "Website": "operational"}
    incident = Incident.objects.get()
    assert (incident.name, incident.status, incident.impact_override) == (
        "Checkout is failing",
        "investigating",
        "critical",
    )
    assert incident.is_automated
    assert incident.started_at == minutes(1)
    affected = IncidentComponent.objects.get(incident=incident)
    assert (affected.component, affected.status) == (component(), "major_outage")
    period = StatusPeriod.objects.get(component=component(), ended_at=None)
    assert period.started_at == minutes(1)


def test_the_recovery_sets_the_success_status_and_resolves_the_incident(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()

    recovers(monitor, minutes(5))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    incident = Incident.objects.get()
    assert (incident.status, incident.resolved_at) == ("resolved", minutes(5))
    bodies = list(incident.updates.order_by("sequence").values_list("body", flat=True))
    assert bodies == ["We are looking.", "Orders go through again."]
    assert incident.affected.get().status == "operational"


def test_a_failure_and_a_recovery_that_nobody_delivered_arrive_in_that_order(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    recovers(monitor, minutes(5))

    deliver_all()

    periods = StatusPeriod.objects.filter(component=component()).order_by("started_at")
    assert [(one.status, one.started_at) for one in periods][1:] == [
        ("major_outage", minutes(1)),
        ("operational", minutes(5)),
    ]
    assert incident_statuses() == ["resolved"]
    assert IncidentUpdate.objects.count() == 2
    assert pending() == 0


def test_an_outage_that_opened_and_closed_in_one_micro_batch_becomes_two_deliveries(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    first = OutageFactory(
        monitor=monitor, opened_at=minutes(1), closed_at=minutes(2), close_reason="recovered"
    )
    second = OutageFactory(monitor=monitor, opened_at=minutes(3))

    outages_changed.send(
        sender=Outage, opened=[first, second], closed=[first], actor=AUTOMATION, at=minutes(3)
    )
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert incident_statuses() == ["resolved", "investigating"]
    periods = StatusPeriod.objects.filter(component=component()).order_by("started_at")
    assert [one.status for one in periods][1:] == ["major_outage", "operational", "major_outage"]


def test_a_component_shows_the_worst_of_two_monitors_and_each_takes_back_its_own(
    page: Page,
) -> None:
    one, other = make_monitor("One"), make_monitor("Other")
    integrate(one, page, nickname="One", links={"Checkout": "partial_outage"}, incident=None)
    integrate(other, page, nickname="Other", links={"Checkout": "major_outage"}, incident=None)
    seen = []

    for change, at in ((fails, 1), (recovers, 4)):
        for monitor in (one, other):
            change(monitor, minutes(at))
            deliver_all()
            seen.append(statuses()["Checkout"])
            at += 1

    assert seen == ["partial_outage", "major_outage", "major_outage", "operational"]


def test_a_link_that_never_failed_says_its_success_status_on_our_own_page(page: Page) -> None:
    integrate(make_monitor(), page)

    word = StatusContribution.objects.get(component=component())

    assert (word.source, word.status) == ("link", "operational")
    assert word.label == "Check checkout (Checkout to page)"


def test_default_texts_name_nothing(page: Page) -> None:
    monitor = make_monitor("https://secret.internal")
    integrate(monitor, page, incident=IncidentDefinition(name="Trouble"))
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))

    deliver_all()

    bodies = list(IncidentUpdate.objects.order_by("sequence").values_list("body", flat=True))
    assert bodies == [DEFAULT_MESSAGE, DEFAULT_RESOLVED_MESSAGE]
    assert "secret" not in Incident.objects.get().name + " ".join(bodies)


@pytest.mark.parametrize("act", ["resolve", "take over"])
def test_what_staff_resolved_or_took_over_is_not_touched(page: Page, act: str) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()
    incident = Incident.objects.get()
    if act == "resolve":
        post_update(
            incident_id=incident.pk,
            status="resolved",
            message="Done by hand.",
            actor=PERSON,
            at=minutes(2),
        )
    else:
        take_over(incident_id=incident.pk, actor=PERSON, at=minutes(2))
    before = incident.updates.count()

    recovers(monitor, minutes(3))
    deliver_all()

    assert incident.updates.count() == before
    assert pending() == 0
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


def test_it_resolves_the_incident_also_when_staff_posted_updates(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    deliver_all()
    post_update(
        incident_id=Incident.objects.get().pk,
        status="identified",
        message="A disk is full.",
        actor=PERSON,
        at=minutes(2),
    )

    recovers(monitor, minutes(3))
    deliver_all()

    assert incident_statuses() == ["resolved"]


def test_without_a_linked_component_an_incident_lists_none(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page, links={})

    fails(monitor, minutes(1))
    deliver_all()

    assert Incident.objects.get().affected.count() == 0
    assert statuses()["Checkout"] == "operational"


def test_a_staff_word_outlives_the_monitors(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page, incident=None)
    set_staff_status(
        component_id=component().pk, status="partial_outage", actor=PERSON, at=minutes(1)
    )

    fails(monitor, minutes(2))
    recovers(monitor, minutes(3))
    deliver_all()

    assert statuses()["Checkout"] == "partial_outage"


def test_a_streams_key_is_made_of_public_ids(page: Page) -> None:
    monitor = make_monitor()
    integration = integrate(monitor, page)

    outage = fails(monitor, minutes(1))

    keys = set(DeliveryStream.objects.values_list("key", flat=True))
    target = mirrored()
    assert keys == {
        f"component:{target.page.connector.public_id}:{target.public_id}",
        f"incident:{integration.incident_rule.public_id}:{outage.public_id}:{target.page.public_id}",
    }
