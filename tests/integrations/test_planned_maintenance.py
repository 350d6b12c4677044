"""A planned maintenance from end to end: what it hides, what outweighs it, and what outlasts it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.incidents.models import Incident, Maintenance
from apps.incidents.services import open_incident, post_update
from apps.incidents.services.maintenance import (
    cancel_maintenance,
    create_maintenance,
    post_maintenance_update,
    reschedule_maintenance,
)
from apps.incidents.services.maintenance_moves import move_due_maintenances
from apps.pages.models import Page
from apps.pages.services import set_staff_status
from tests.factories import NOW, PERSON
from tests.integrations.scene import (
    component,
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


def plan(page: Page, *names: str, begins: float = 10, ends: float = 20) -> Maintenance:
    """Announce a maintenance that begins and ends by itself so many minutes after NOW."""
    made, _ = create_maintenance(
        page_id=page.pk,
        name="Upgrade",
        scheduled_for=minutes(begins),
        scheduled_until=minutes(ends),
        components=[component(name).pk for name in names],
        actor=PERSON,
        at=NOW,
    )
    return made


def pass_until(count: float) -> None:
    """Let beat and worker do what is due so many minutes after NOW."""
    move_due_maintenances(at=minutes(count))
    deliver_all()


def test_a_monitor_that_fails_within_the_maintenance_does_not_show(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    plan(page, "Checkout")
    pass_until(10)

    fails(monitor, minutes(12))
    deliver_all()

    assert statuses() == {"Checkout": "under_maintenance", "Website": "operational"}
    assert not Incident.objects.exists()
    recovers(monitor, minutes(15))
    pass_until(20)
    assert statuses()["Checkout"] == "operational"
    assert not Incident.objects.exists()


def test_an_outage_that_outlasts_the_maintenance_opens_its_incident_at_the_end(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    plan(page, "Checkout")
    pass_until(10)
    fails(monitor, minutes(12))
    deliver_all()

    pass_until(20)

    assert statuses()["Checkout"] == "major_outage"
    assert Incident.objects.get().started_at == minutes(20)
    recovers(monitor, minutes(25))
    deliver_all()
    assert incident_statuses() == ["resolved"]
    assert statuses()["Checkout"] == "operational"


@pytest.mark.parametrize("early", ["finished", "cancelled", "done there"])
def test_an_outage_shows_as_soon_as_the_maintenance_ends_early(page: Page, early: str) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    maintenance = plan(page, "Checkout")
    pass_until(10)
    fails(monitor, minutes(12))
    deliver_all()
    who = {"maintenance_id": maintenance.pk, "actor": PERSON, "at": minutes(15)}

    if early == "finished":
        post_maintenance_update(status="completed", **who)
    elif early == "cancelled":
        cancel_maintenance(**who)
    else:
        post_maintenance_update(components={component().pk: "operational"}, **who)
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert Incident.objects.get().started_at == minutes(15)


def test_extended_it_hides_the_outage_for_longer(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    maintenance = plan(page, "Checkout")
    pass_until(10)
    fails(monitor, minutes(12))
    reschedule_maintenance(
        maintenance_id=maintenance.pk, scheduled_until=minutes(30), actor=PERSON, at=minutes(19)
    )

    pass_until(25)
    within = (statuses()["Checkout"], Incident.objects.count())
    pass_until(30)

    assert within == ("under_maintenance", 0)
    assert (statuses()["Checkout"], Incident.objects.count()) == ("major_outage", 1)


def test_a_failure_from_before_is_hidden_and_shows_again_without_a_second_incident(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    plan(page, "Checkout")
    fails(monitor, minutes(5))
    deliver_all()
    before = (statuses()["Checkout"], incident_statuses())

    pass_until(10)
    within = statuses()["Checkout"]
    pass_until(20)

    assert before == ("major_outage", ["investigating"])
    assert within == "under_maintenance"
    assert (statuses()["Checkout"], incident_statuses()) == ("major_outage", ["investigating"])


def test_staffs_worse_word_outweighs_the_maintenance(page: Page) -> None:
    plan(page, "Checkout")
    pass_until(10)

    set_staff_status(
        component_id=component().pk, status="partial_outage", actor=PERSON, at=minutes(12)
    )
    within = statuses()["Checkout"]
    pass_until(20)

    assert within == "partial_outage"
    assert statuses()["Checkout"] == "partial_outage"


def test_a_persons_incident_outweighs_the_maintenance_and_outlasts_it(page: Page) -> None:
    incident, _ = open_incident(
        page_id=page.pk,
        name="Trouble",
        status="investigating",
        message="",
        components={component().pk: "degraded_performance"},
        actor=PERSON,
        at=minutes(5),
    )
    plan(page, "Checkout")

    pass_until(10)
    within = statuses()["Checkout"]
    pass_until(20)
    after = statuses()["Checkout"]
    post_update(
        incident_id=incident.pk, status="resolved", message="", actor=PERSON, at=minutes(25)
    )

    assert (within, after) == ("degraded_performance", "degraded_performance")
    assert statuses()["Checkout"] == "operational"


def test_an_incident_resolved_within_the_maintenance_leaves_it_under_maintenance(
    page: Page,
) -> None:
    incident, _ = open_incident(
        page_id=page.pk,
        name="Trouble",
        status="investigating",
        message="",
        components={component().pk: "major_outage"},
        actor=PERSON,
        at=minutes(5),
    )
    plan(page, "Checkout")
    pass_until(10)

    post_update(
        incident_id=incident.pk, status="resolved", message="", actor=PERSON, at=minutes(15)
    )

    assert statuses()["Checkout"] == "under_maintenance"
    pass_until(20)
    assert statuses()["Checkout"] == "operational"


def test_of_two_maintenances_of_a_component_the_longer_one_decides_when_it_is_free(
    page: Page,
) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    plan(page, "Checkout", "Website", begins=10, ends=20)
    plan(page, "Checkout", begins=15, ends=30)
    pass_until(10)
    fails(monitor, minutes(12))

    seen = []
    for count in (12, 15, 20, 30):
        pass_until(count)
        seen.append((statuses()["Checkout"], statuses()["Website"], Incident.objects.count()))

    assert seen == [
        ("under_maintenance", "under_maintenance", 0),
        ("under_maintenance", "under_maintenance", 0),
        ("under_maintenance", "operational", 0),
        ("major_outage", "operational", 1),
    ]


def test_one_linked_component_outside_of_it_is_enough_for_an_incident(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page, links={"Checkout": "major_outage", "Website": "partial_outage"})
    plan(page, "Checkout")
    pass_until(10)

    fails(monitor, minutes(12))
    deliver_all()

    assert statuses() == {"Checkout": "under_maintenance", "Website": "partial_outage"}
    assert incident_statuses() == ["investigating"]


def test_a_window_that_passed_in_a_downtime_ends_with_the_truth(page: Page) -> None:
    monitor = make_monitor()
    integrate(monitor, page)
    plan(page, "Checkout")

    pass_until(60)
    fails(monitor, minutes(61))
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert Incident.objects.get().started_at == minutes(61)
    assert Maintenance.objects.get().completed_at == minutes(20)
    assert Maintenance.objects.get().updates.count() == 3


def test_staff_who_say_operational_within_it_do_not_lift_it(page: Page) -> None:
    plan(page, "Checkout")
    pass_until(10)

    set_staff_status(
        component_id=component().pk,
        status="operational",
        actor=PERSON,
        at=minutes(12) + timedelta(seconds=1),
    )

    assert statuses()["Checkout"] == "under_maintenance"
