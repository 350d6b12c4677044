"""Attempts of long ago go; deliveries stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.integrations.models import Delivery, DeliveryAttempt
from apps.integrations.services.retention import ATTEMPTS_KEPT, remove_old_attempts
from tests.factories import NOW, DeliveryFactory

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
