"""What is claimed is told to the workers of its location, and forgotten by nobody when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings

from apps.core.clock import database_now
from apps.monitors import tasks
from apps.monitors.engine import engine
from apps.monitors.engine.claim import claim
from apps.monitors.engine.dispatch import CLAIMS_PER_MESSAGE, dispatch
from apps.monitors.models import Run, Schedule
from apps.monitors.services import create_location
from tests.factories import NOW, PERSON, MonitorRequestFactory
from tests.monitors.conftest import due_schedule, due_schedules
from tests.monitors.fixtures.targets import Target
from tests.monitors.test_engine import wait_for

pytestmark = pytest.mark.django_db


def waiting(queue: str) -> list[Any]:
    """Return and remove the arguments of the messages on a queue."""
    found = []
    with current_app.connection_for_read() as connection:
        channel = connection.default_channel
        channel.queue_declare(queue)
        while message := channel.basic_get(queue):
            found.append((message.decode()[0], message.headers))
            channel.basic_ack(message.delivery_tag)
    return found


@pytest.fixture(autouse=True)
def _empty_queues() -> None:
    for queue in ("checks.default", "checks.eu-west"):
        waiting(queue)


def test_each_location_is_told_on_its_own_queue():
    location = create_location(code="eu-west", name="Europe", actor=PERSON, at=NOW)
    here, there = due_schedule(), due_schedule(location=location)

    assert dispatch() == 2

    (((claims,), headers),) = waiting("checks.default")
    assert claims == [[here.pk, 1]]
    assert headers["task"] == "monitors.run_checks"
    assert headers["expires"] is not None
    assert waiting("checks.eu-west")[0][0] == [[[there.pk, 1]]]


def test_many_claims_travel_in_bounded_messages():
    due_schedules(CLAIMS_PER_MESSAGE + 1)

    dispatch()

    sizes = [len(arguments[0]) for arguments, _ in waiting("checks.default")]
    assert sorted(sizes) == [1, CLAIMS_PER_MESSAGE]


def test_nothing_due_sends_nothing():
    due_schedule(in_s=600)

    assert dispatch() == 0
    assert waiting("checks.default") == []


def test_a_broker_that_takes_nothing_costs_a_lease_and_no_slot():
    """Where the queue's folder should be is a file."""
    blocked = Path(settings.BROKER_DIR) / "checks.blocked"
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("")
    location = create_location(code="blocked", name="Blocked", actor=PERSON, at=NOW)
    schedule = due_schedule(in_s=0, location=location)
    slot = schedule.next_run_at

    dispatch()

    schedule.refresh_from_db()
    assert schedule.slot_at == slot
    Schedule.objects.update(leased_until=database_now() - timedelta(milliseconds=5))
    assert [found.claim_no for found in claim(100)] == [2]


@pytest.fixture
def worker() -> Iterator[None]:
    yield
    engine.stop_current()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
def test_a_tick_and_a_message_make_a_run(target: Target):
    schedule = due_schedule()
    MonitorRequestFactory(monitor=schedule.monitor, url=f"{target.url}/health")

    tasks.dispatch_due()
    (((claims,), _),) = waiting("checks.default")
    tasks.run_checks(claims)
    tasks.run_checks(claims)
    wait_for(lambda: Run.objects.exists())

    assert Run.objects.get().result == "passed"
    assert engine.running() is not None
    assert len(target.asked) == 1


def test_the_queues_are_those_of_this_test():
    assert str(settings.BROKER_DIR).startswith(str(settings.DATA_DIR))
