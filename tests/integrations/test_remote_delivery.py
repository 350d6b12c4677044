"""A destination over the network that is late, silent, forgetful or refuses. Invariants 2 and 3."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core.clock import database_now
from apps.integrations import deliver
from apps.integrations.definition import IntegrationDefinition, LinkDefinition
from apps.integrations.deliver.remote import _begin, _claim
from apps.integrations.models import (
    Connector,
    ConnectorComponent,
    Delivery,
    DeliveryAttempt,
    DeliveryStream,
    Integration,
)
from apps.integrations.selectors import dead_deliveries, waiting_deliveries
from apps.integrations.services import archive_integration, create_integration, replay_delivery
from apps.monitors.models import Monitor
from tests.factories import LONG_AGO, PERSON
from tests.integrations.scene import INCIDENT, fails, make_monitor, minutes, recovers
from tests.integrations.toy import PASSING, ToyServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor() -> Monitor:
    return make_monitor()


@pytest.fixture
def integration(toy: Connector, monitor: Monitor) -> Integration:
    target = ConnectorComponent.objects.get(remote_id="c-web")
    return create_integration(
        definition=IntegrationDefinition(
            nickname="Elsewhere",
            workspace_id=monitor.workspace_id,
            monitor_id=monitor.pk,
            connector_id=toy.pk,
            page_id=target.page_id,
            link_components=(LinkDefinition(target.pk),),
            create_incident=INCIDENT,
        ),
        actor=PERSON,
        at=LONG_AGO,
    )


def attempt() -> None:
    """Attempt what is due; nothing waits for its backoff."""
    Delivery.objects.filter(state=Delivery.State.PENDING).update(
        next_attempt_at=database_now() - timedelta(seconds=1)
    )
    deliver.deliver_remote()


def settle() -> None:
    """Attempt until nothing is pending."""
    for _ in range(10):
        attempt()
        if not Delivery.objects.filter(state=Delivery.State.PENDING).exists():
            return
    raise AssertionError("deliveries are still pending")


def test_nothing_is_said_elsewhere_before_the_first_outage(
    integration: Integration, toy_server: ToyServer
) -> None:
    settle()

    assert toy_server.state.journal == []


def test_an_outage_reaches_the_destination_and_so_does_its_end(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    settle()
    (incident,) = toy_server.state.incidents.values()
    assert toy_server.state.components["c-web"] == "major_outage"
    assert incident["components"] == {"c-web": "major_outage"}
    assert (incident["name"], incident["impact"]) == ("Checkout is failing", "critical")

    recovers(monitor, minutes(2))
    settle()

    assert toy_server.state.components["c-web"] == "operational"
    assert incident["status"] == "resolved"


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("nth", [0, 1])
def test_whatever_goes_wrong_once_one_incident_arrives_and_the_order_holds(
    integration: Integration, toy_server: ToyServer, monitor: Monitor, fault: str, nth: int
) -> None:
    toy_server.state.faults.extend([""] * nth + [fault])
    fails(monitor, minutes(1))
    attempt()
    toy_server.state.faults.extend([fault])
    recovers(monitor, minutes(2))

    settle()

    assert [one["status"] for one in toy_server.state.incidents.values()] == ["resolved"]
    web = [status for key, status in toy_server.state.journal if key == "c-web"]
    assert sorted(set(web), key=web.index) == ["major_outage", "operational"]
    assert web[-1] == "operational"


def test_a_failed_try_is_kept_and_waits_longer_each_time(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    toy_server.state.faults.extend(["500"] * 20)
    waits = []

    for _ in range(3):
        attempt()
        held = Delivery.objects.get(stream__kind="component")
        waits.append((held.next_attempt_at - database_now()).total_seconds())

    assert held.attempts == 3
    assert held.last_error == "the destination answered 500"
    assert [round(wait) for wait in waits] == [1, 2, 4]
    assert DeliveryAttempt.objects.filter(delivery=held).exclude(error="").count() == 3
    assert held in waiting_deliveries()


def test_retry_after_is_heeded(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    toy_server.state.faults.append("429")

    attempt()

    held = Delivery.objects.order_by("pk").first()
    assert held is not None
    assert 115 < (held.next_attempt_at - database_now()).total_seconds() <= 120


def test_a_delivery_given_up_is_passed_with_notice_and_the_next_one_goes_on(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    toy_server.state.faults.append("400")

    settle()

    assert [one.change["kind"] for one in dead_deliveries()] == ["component"]
    assert toy_server.state.components["c-web"] == "operational"


def test_a_later_change_waits_behind_one_that_is_retried(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    toy_server.state.faults.append("500")
    fails(monitor, minutes(1))
    deliver.deliver_remote()
    recovers(monitor, minutes(2))

    deliver.deliver_remote()

    assert "operational" not in [
        status for key, status in toy_server.state.journal if key == "c-web"
    ]


def test_a_process_that_died_in_a_call_is_followed_once_its_lease_lapsed(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    stream = DeliveryStream.objects.get(kind="incident")
    claimed = _claim(stream.pk)
    assert claimed is not None
    delivery = _begin(claimed)
    assert delivery is not None
    # The dead process had reached the destination.
    toy_server.state.incidents["i-1"] = {
        "id": "i-1",
        "key": stream.key,
        "status": "investigating",
    }
    deliver.deliver_remote()
    while_leased = Delivery.objects.get(pk=delivery.pk).state

    DeliveryStream.objects.update(leased_until=database_now() - timedelta(seconds=1))
    deliver.deliver_remote()

    assert while_leased == "pending"
    assert list(toy_server.state.incidents) == ["i-1"]
    stream.refresh_from_db()
    assert stream.remote_id == "i-1"
    assert not Delivery.objects.filter(state="pending").exists()


def test_a_second_deliverer_does_not_get_a_leased_stream(
    integration: Integration, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    stream = DeliveryStream.objects.get(kind="incident")

    claims = [_claim(stream.pk), _claim(stream.pk)]

    assert claims[0] is not None
    assert claims[1] is None


def test_a_late_result_of_a_lost_lease_writes_nothing(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    stream = DeliveryStream.objects.get(kind="incident")
    slow = _claim(stream.pk)
    assert slow is not None
    DeliveryStream.objects.update(leased_until=database_now() - timedelta(seconds=1))
    settle()

    assert _begin(slow) is None
    assert len(toy_server.state.incidents) == 1


def test_a_wrong_key_is_never_tried_again_and_never_kept_in_words(
    integration: Integration, toy: Connector, monitor: Monitor
) -> None:
    toy.api_key = "wr0ng-k3y"
    toy.save(update_fields=["api_key"])
    fails(monitor, minutes(1))

    settle()

    errors = list(dead_deliveries().values_list("last_error", flat=True))
    assert errors == ["the destination answered 401"] * 2
    assert "wr0ng" not in str(list(Delivery.objects.values()))


def test_an_opening_given_up_can_be_replayed_to_its_end(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    toy_server.state.faults.extend(["", "", "400"])
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    settle()
    dead = Delivery.objects.get(state="dead")
    assert toy_server.state.incidents == {}

    replay_delivery(delivery_id=dead.pk, actor=PERSON, at=minutes(3))
    settle()

    assert [one["status"] for one in toy_server.state.incidents.values()] == ["resolved"]
    assert not dead_deliveries().exists()


def test_replaying_what_arrived_changes_nothing(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    recovers(monitor, minutes(2))
    settle()
    for delivery in list(Delivery.objects.all()):
        replay_delivery(delivery_id=delivery.pk, actor=PERSON, at=minutes(3))
    before = dict(toy_server.state.components)

    settle()

    assert len(toy_server.state.incidents) == 1
    assert toy_server.state.components == before


def test_a_removed_link_is_taken_back_elsewhere_too(
    integration: Integration, toy_server: ToyServer, monitor: Monitor
) -> None:
    fails(monitor, minutes(1))
    settle()

    archive_integration(integration_id=integration.pk, actor=PERSON, at=minutes(2))
    settle()

    assert toy_server.state.components["c-web"] == "operational"
    assert [one["status"] for one in toy_server.state.incidents.values()] == ["investigating"]
