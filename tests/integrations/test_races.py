"""Two transactions at once: one holds its locks open while the other begins. Real connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from apps.incidents.models import Incident
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.services import set_enabled
from apps.monitors.models import Monitor
from apps.pages.models import Page
from apps.pages.services import update_component
from tests.factories import PERSON
from tests.integrations.scene import (
    component,
    deliver_all,
    end_maintenance,
    fails,
    incident_statuses,
    integrate,
    maintain,
    make_monitor,
    make_page,
    minutes,
    pending,
    recovers,
    statuses,
)

pytestmark = pytest.mark.django_db(transaction=True)

HOLD_S = 0.3


def overlap(first: Callable[[], object], second: Callable[[], object]) -> None:
    """Run `first`, keep its transaction open, and let `second` begin meanwhile."""
    inside = threading.Event()
    errors: list[BaseException] = []

    def run(work: Callable[[], object], holds: bool) -> None:
        try:
            if not holds:
                inside.wait(10)
            with transaction.atomic():
                work()
                inside.set()
                if holds:
                    time.sleep(HOLD_S)
        except BaseException as error:
            errors.append(error)
        finally:
            inside.set()
            connection.close()

    threads = [
        threading.Thread(target=run, args=(first, True)),
        threading.Thread(target=run, args=(second, False)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not errors, errors


@pytest.fixture
def page() -> Page:
    return make_page(components=("Checkout", "Website"))


@pytest.fixture
def monitor() -> Monitor:
    return make_monitor()


@pytest.fixture(params=["this first", "that first"])
def order(request: pytest.FixtureRequest) -> Callable[[list[Callable[[], object]]], None]:
    """Overlap two pieces of work, in either order."""

    def run(both: list[Callable[[], object]]) -> None:
        overlap(*(both if request.param == "this first" else reversed(both)))

    return run


Order = Callable[[list[Callable[[], object]]], None]


def test_an_integration_created_while_the_outage_opens_says_so(
    page: Page, monitor: Monitor, order: Order
) -> None:
    order([lambda: integrate(monitor, page, at=minutes(1)), lambda: fails(monitor, minutes(1))])
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert incident_statuses() == ["investigating"]


def test_an_integration_disabled_while_the_outage_opens_says_nothing_in_the_end(
    page: Page, monitor: Monitor, order: Order
) -> None:
    integration = integrate(monitor, page)

    order(
        [
            lambda: set_enabled(
                integration_id=integration.pk, enabled=False, actor=PERSON, at=minutes(1)
            ),
            lambda: fails(monitor, minutes(1)),
        ]
    )
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    streams = DeliveryStream.objects.filter(kind="incident")
    assert all(stream.abandoned_at is not None for stream in streams)


def test_an_integration_created_while_a_maintenance_ends_opens_its_incident(
    page: Page, monitor: Monitor, order: Order
) -> None:
    maintain("Checkout", minutes(0))
    fails(monitor, minutes(1))

    order(
        [
            lambda: integrate(monitor, page, at=minutes(2)),
            lambda: end_maintenance("Checkout", minutes(2)),
        ]
    )
    deliver_all()

    assert incident_statuses() == ["investigating"]


def test_two_monitors_that_fail_at_once_are_both_heard_on_one_component(
    page: Page, monitor: Monitor
) -> None:
    other = make_monitor("Other")
    integrate(monitor, page, incident=None)
    integrate(other, page, nickname="Other", links={"Checkout": "partial_outage"}, incident=None)

    overlap(lambda: fails(monitor, minutes(1)), lambda: fails(other, minutes(1)))
    deliver_all()
    both = statuses()["Checkout"]
    recovers(monitor, minutes(2))
    deliver_all()

    assert both == "major_outage"
    assert statuses()["Checkout"] == "partial_outage"
    sequences = Delivery.objects.filter(stream__kind="component").order_by("pk")
    assert [one.sequence for one in sequences] == list(range(1, len(sequences) + 1))


def test_an_outage_that_opens_while_the_maintenance_ends_has_its_incident(
    page: Page, monitor: Monitor, order: Order
) -> None:
    integrate(monitor, page)
    maintain("Checkout", minutes(1))

    order([lambda: fails(monitor, minutes(2)), lambda: end_maintenance("Checkout", minutes(2))])
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"
    assert incident_statuses() == ["investigating"]


def test_an_outage_that_closes_while_the_maintenance_ends_leaves_no_incident_open(
    page: Page, monitor: Monitor, order: Order
) -> None:
    integrate(monitor, page)
    maintain("Checkout", minutes(1))
    fails(monitor, minutes(2))

    order([lambda: recovers(monitor, minutes(3)), lambda: end_maintenance("Checkout", minutes(3))])
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert not Incident.objects.exclude(status="resolved").exists()
    assert pending() == 0


def test_a_change_promised_while_another_is_delivered_follows_it(
    page: Page, monitor: Monitor
) -> None:
    integrate(monitor, page)
    fails(monitor, minutes(1))

    overlap(deliver_all, lambda: recovers(monitor, minutes(2)))
    deliver_all()

    assert statuses()["Checkout"] == "operational"
    assert incident_statuses() == ["resolved"]


def test_a_component_put_back_while_the_outage_opens_hears_of_it(
    page: Page, monitor: Monitor, order: Order
) -> None:
    integrate(monitor, page, incident=None)
    row = component("Checkout")
    update_component(component_id=row.pk, page_id=None, actor=PERSON, at=minutes(0))

    order(
        [
            lambda: update_component(
                component_id=row.pk, page_id=page.pk, actor=PERSON, at=minutes(1)
            ),
            lambda: fails(monitor, minutes(1)),
        ]
    )
    deliver_all()

    assert statuses()["Checkout"] == "major_outage"


def test_a_component_taken_off_while_the_incident_is_opened_is_not_listed(
    page: Page, monitor: Monitor
) -> None:
    integrate(monitor, page, links={"Checkout": "major_outage", "Website": "major_outage"})
    fails(monitor, minutes(1))
    row = component("Checkout")

    overlap(
        lambda: update_component(component_id=row.pk, page_id=None, actor=PERSON, at=minutes(2)),
        deliver_all,
    )
    deliver_all()

    affected = Incident.objects.get().affected.values_list("component__name", flat=True)
    assert list(affected) == ["Website"]
    assert pending() == 0
