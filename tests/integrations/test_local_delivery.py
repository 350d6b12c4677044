"""Deliveries to our own pages: one transaction each way, in order, once. Invariants 1 to 3."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core.clock import database_now
from apps.incidents.models import Incident, IncidentUpdate
from apps.integrations import deliver
from apps.integrations.deliver.local import attempt_local
from apps.integrations.models import Delivery, DeliveryAttempt
from apps.integrations.selectors import dead_deliveries
from apps.integrations.services import attempt_deliveries, replay_delivery
from apps.pages.models import StatusPeriod
from apps.pages.services import archive_page
from tests.factories import PERSON
from tests.integrations.scene import (
    component,
    deliver_all,
    fails,
    incident_statuses,
    integrate,
    make_monitor,
    make_page,
    minutes,
    pending,
    recovers,
    statuses,
)


class ProcessDied(Exception):
    """Stands for the end of a process: its open transaction is rolled back by the database."""


@contextmanager
def dying_process() -> Iterator[None]:
    with suppress(ProcessDied), transaction.atomic():
        yield
        raise ProcessDied


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_before_its_commit_has_done_nothing_and_the_next_does_all() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    with dying_process():
        attempt_local(until=math.inf)
        inside = statuses()["Checkout"]
    after = statuses()["Checkout"], Incident.objects.count(), pending()

    attempt_deliveries()

    assert inside == "major_outage"
    assert after == ("operational", 0, 2)
    assert (statuses()["Checkout"], incident_statuses(), pending()) == (
        "major_outage",
        ["investigating"],
        0,
    )


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_between_two_changes_has_done_the_first_and_the_next_does_the_rest() -> (
    None
):
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    seen = []

    while pending():
        attempt_local(until=0)
        seen.append((incident_statuses(), statuses()["Checkout"]))

    assert seen == [
        (["investigating"], "operational"),
        (["investigating"], "major_outage"),
        (["resolved"], "major_outage"),
        (["resolved"], "operational"),
    ]


@pytest.mark.django_db(transaction=True)
def test_an_outage_that_was_rolled_back_promises_nothing() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    before = Delivery.objects.count()

    with dying_process():
        fails(monitor, minutes(1))

    assert Delivery.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_delivered_but_unpublished_is_not_delivered_again() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    attempt_deliveries()

    attempt_deliveries()
    deliver.sweep()

    assert IncidentUpdate.objects.count() == 1
    assert StatusPeriod.objects.filter(component=component()).count() == 2


@pytest.mark.django_db
def test_every_delivery_keeps_its_tries() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))

    deliver_all()

    for delivery in Delivery.objects.all():
        tries = DeliveryAttempt.objects.filter(delivery=delivery)
        assert [one.error for one in tries] == [""]
        assert (delivery.state, delivery.attempts) == ("done", 1)
        assert delivery.settled_at is not None


@pytest.mark.django_db
def test_a_delivery_that_can_never_arrive_is_passed_with_notice_and_hurts_no_other() -> None:
    page, other = make_page(), make_page("Other", ("Shop",))
    monitor, second = make_monitor(), make_monitor("Second")
    integrate(monitor, page)
    integrate(second, other, nickname="Second", links={"Shop": "major_outage"})
    fails(monitor, minutes(1))
    fails(second, minutes(1))
    archive_page(page_id=page.pk, actor=PERSON, at=minutes(2))

    deliver_all()

    assert statuses()["Shop"] == "major_outage"
    (dead,) = dead_deliveries()
    assert dead.last_error == "the page was archived"
    assert pending() == 0


@pytest.mark.django_db
def test_a_delivery_that_fails_by_our_own_fault_is_tried_again_and_stands_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = make_page(components=("Checkout", "Website"))
    monitor, second = make_monitor(), make_monitor("Second")
    integrate(monitor, page, incident=None)
    integrate(second, page, nickname="2", links={"Website": "major_outage"}, incident=None)
    fails(monitor, minutes(1))
    fails(second, minutes(1))
    broken = Delivery.objects.get(state="pending", stream__component__name="Checkout")
    whole = broken.change
    broken.change = {"kind": "component", "words": [{"status": "no such status"}]}
    broken.save()

    deliver_all()
    broken.refresh_from_db()

    assert statuses() == {"Checkout": "operational", "Website": "major_outage"}
    assert (broken.state, broken.attempts) == ("pending", 1)
    assert "log has the details" in broken.last_error
    assert broken.next_attempt_at > database_now()
    Delivery.objects.filter(pk=broken.pk).update(
        change=whole, next_attempt_at=database_now() - timedelta(seconds=1)
    )
    deliver_all()
    assert statuses()["Checkout"] == "major_outage"


@pytest.mark.django_db
def test_the_job_says_when_it_wants_to_run_again() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page, incident=None)
    calm = deliver.run()
    fails(monitor, minutes(1))
    Delivery.objects.filter(state="pending").update(
        next_attempt_at=database_now() + timedelta(seconds=30)
    )

    waiting = deliver.run()

    assert calm is None
    assert waiting is not None
    assert 25 < waiting <= 30
    assert statuses()["Checkout"] == "operational"


@pytest.mark.django_db
def test_replaying_a_components_delivery_sends_what_is_said_now() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page, incident=None)
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    deliver_all()
    failure = Delivery.objects.get(change__status="major_outage")

    again = replay_delivery(delivery_id=failure.pk, actor=PERSON, at=minutes(3))
    deliver_all()

    assert again.replay_of == failure
    assert again.change["status"] == "operational"
    assert statuses()["Checkout"] == "operational"
    assert StatusPeriod.objects.filter(component=component()).count() == 3


@pytest.mark.django_db
def test_replaying_an_incident_changes_nothing_that_arrived() -> None:
    page, monitor = make_page(), make_monitor()
    integrate(monitor, page)
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    deliver_all()
    opening = Delivery.objects.get(change__kind="open")

    replay_delivery(delivery_id=opening.pk, actor=PERSON, at=minutes(3))
    deliver_all()

    assert incident_statuses() == ["resolved"]
    assert IncidentUpdate.objects.count() == 2
    assert Delivery.objects.filter(replay_of__isnull=False).count() == 2
    assert pending() == 0


def _many(count: int) -> list[Any]:
    page = make_page(f"Many{count}", [f"Part {count}.{number}" for number in range(count)])
    monitors = [make_monitor(f"Monitor {count}.{number}") for number in range(count)]
    for number, monitor in enumerate(monitors):
        integrate(
            monitor,
            page,
            nickname=f"{number}",
            links={f"Part {count}.{number}": "major_outage"},
            incident=None,
        )
    return monitors


@pytest.mark.django_db
def test_a_batch_of_components_takes_as_many_statements_as_one() -> None:
    counts = []

    for size in (1, 6):
        for monitor in _many(size):
            fails(monitor, minutes(1))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            attempt_deliveries()
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert set(statuses().values()) == {"major_outage"}


@pytest.mark.django_db
def test_with_nothing_to_deliver_a_few_statements_are_enough() -> None:
    with CaptureQueriesContext(connection) as captured:
        attempt_deliveries()

    assert len(captured) <= 4


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_apply_each_change_once_and_in_order() -> None:
    page = make_page(components=("Checkout", "Website"))
    monitor, second = make_monitor(), make_monitor("Second")
    integrate(monitor, page)
    integrate(second, page, nickname="2", links={"Website": "partial_outage"})
    start = threading.Barrier(3)
    errors: list[BaseException] = []
    stop = threading.Event()

    def work() -> None:
        start.wait()
        try:
            while not stop.is_set():
                attempt_deliveries()
                time.sleep(0.001)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for turn in range(4):
        for one in (monitor, second):
            fails(one, minutes(1 + 2 * turn))
            recovers(one, minutes(2 + 2 * turn))
    deadline = time.monotonic() + 15
    while pending() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(15)

    assert not errors
    assert pending() == 0
    assert incident_statuses() == ["resolved"] * 8
    assert IncidentUpdate.objects.count() == 16
    assert DeliveryAttempt.objects.exclude(error="").count() == 0
    for name, failing in (("Checkout", "major_outage"), ("Website", "partial_outage")):
        periods = StatusPeriod.objects.filter(component__name=name).order_by("started_at")
        assert [one.status for one in periods] == ["operational", *[failing, "operational"] * 4]
