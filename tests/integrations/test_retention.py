"""Attempts of long ago go; deliveries stay, but for those of metrics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.integrations.models import Delivery, DeliveryAttempt, DeliveryStream
from apps.integrations.services.retention import (
    ATTEMPTS_KEPT,
    METRICS_KEPT,
    remove_old_attempts,
    remove_old_metric_deliveries,
)
from tests.factories import NOW, DeliveryFactory, DeliveryStreamFactory

pytestmark = pytest.mark.django_db

OLD = NOW - ATTEMPTS_KEPT - timedelta(seconds=1)


def tried(delivery: Delivery, *, times: int = 1, at=OLD) -> None:
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(delivery=delivery, at=at, duration_ms=5) for _ in range(times)
    )


@pytest.mark.parametrize(
    ("state", "at", "stays"),
    [
        (Delivery.State.DONE, OLD, False),
        (Delivery.State.DEAD, OLD, False),
        (Delivery.State.PENDING, OLD, True),
        (Delivery.State.DONE, NOW - ATTEMPTS_KEPT, True),
    ],
)
def test_attempts_of_settled_deliveries_go_after_ninety_days(state, at, stays):
    tried(DeliveryFactory(state=state), at=at)

    remove_old_attempts(at=NOW)

    assert DeliveryAttempt.objects.exists() == stays
    assert Delivery.objects.count() == 1


def test_a_second_time_nothing_is_removed_and_little_is_read(django_assert_num_queries):
    tried(DeliveryFactory(state=Delivery.State.DONE), times=2500)
    tried(DeliveryFactory(state=Delivery.State.DONE), times=20, at=NOW)

    assert remove_old_attempts(at=NOW) == 2500
    with django_assert_num_queries(1):
        again = remove_old_attempts(at=NOW)

    assert again == 0
    assert DeliveryAttempt.objects.count() == 20


LONG_SETTLED = NOW - METRICS_KEPT - timedelta(seconds=1)


def of_a_metric(number: int = 1) -> list[DeliveryStream]:
    """Return streams of metrics."""
    kind = DeliveryStream.Kind.METRIC
    return [DeliveryStreamFactory(kind=kind, key=f"metric:{n}") for n in range(number)]


@pytest.mark.parametrize(
    ("state", "settled_at", "stays"),
    [
        (Delivery.State.DONE, LONG_SETTLED, False),
        (Delivery.State.DEAD, LONG_SETTLED, False),
        (Delivery.State.DONE, NOW - METRICS_KEPT, True),
        (Delivery.State.PENDING, None, True),
    ],
)
def test_settled_deliveries_of_metrics_go_with_their_attempts(state, settled_at, stays):
    (stream,) = of_a_metric()
    tried(DeliveryFactory(stream=stream, state=state, settled_at=settled_at))

    remove_old_metric_deliveries(at=NOW)

    assert Delivery.objects.exists() == DeliveryAttempt.objects.exists() == stays


def test_deliveries_of_components_stay_however_old():
    DeliveryFactory(state=Delivery.State.DONE, settled_at=LONG_SETTLED)

    assert remove_old_metric_deliveries(at=NOW) == 0
    assert Delivery.objects.count() == 1


def test_one_that_was_replayed_stays_as_long_as_its_replay():
    (stream,) = of_a_metric()
    old = DeliveryFactory(stream=stream, state=Delivery.State.DEAD, settled_at=LONG_SETTLED)
    replay = DeliveryFactory(stream=stream, state=Delivery.State.PENDING, replay_of=old)

    assert remove_old_metric_deliveries(at=NOW) == 0
    Delivery.objects.filter(pk=replay.pk).update(state="done", settled_at=LONG_SETTLED)
    remove_old_metric_deliveries(at=NOW)
    remove_old_metric_deliveries(at=NOW)

    assert not Delivery.objects.exists()


def test_what_stays_of_metrics_costs_a_statement_for_each_stream(django_assert_num_queries):
    for stream in of_a_metric(3):
        done = {"state": Delivery.State.DONE, "next_attempt_at": NOW, "at": NOW, "change": {}}
        Delivery.objects.bulk_create(
            Delivery(
                stream=stream, sequence=n, settled_at=LONG_SETTLED if n < 1500 else NOW, **done
            )
            for n in range(1600)
        )

    removed = remove_old_metric_deliveries(at=NOW)
    with django_assert_num_queries(1 + 3):
        again = remove_old_metric_deliveries(at=NOW)

    assert (removed, again) == (4500, 0)
    assert Delivery.objects.count() == 300
