"""Which deliveries are due, and what became of a try."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, QuerySet

from apps.core.backoff import retry_delay
from apps.integrations.models import Delivery, DeliveryAttempt, DeliveryStream
from apps.integrations.providers.base import ProviderError

logger = logging.getLogger(__name__)

ERROR_LENGTH = 500
UNEXPECTED = "Something went wrong on this platform; its log has the details."


def pending_heads(kinds: Collection[str]) -> QuerySet[Delivery]:
    """Return the first pending delivery of each stream to these providers."""
    earlier = Delivery.objects.filter(
        stream=OuterRef("stream"),
        state=Delivery.State.PENDING,
        sequence__lt=OuterRef("sequence"),
    )
    return Delivery.objects.filter(
        ~Exists(earlier),
        state=Delivery.State.PENDING,
        stream__connector__provider__in=kinds,
    )


def due_heads(kinds: Collection[str], *, now: datetime, limit: int) -> QuerySet[Delivery]:
    """Return the heads that are due at `now` (the database's clock), the oldest first, with their streams."""
    heads = pending_heads(kinds).filter(next_attempt_at__lte=now).order_by("pk")
    return heads.select_related("stream__page", "stream__component__page")[:limit]


def mark_done(
    deliveries: Sequence[Delivery],
    remote_ids: Mapping[int, str],
    *,
    began_at: datetime,
    duration_ms: int,
    now: datetime,
    attempts_counted: bool = False,
) -> None:
    """Note that the deliveries arrived. `remote_ids` is {stream id: the incident's id there}.

    `attempts_counted`: the try was counted before it began.
    """
    if not deliveries:
        return
    counted = {} if attempts_counted else {"attempts": F("attempts") + 1}
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
        state=Delivery.State.DONE, settled_at=now, last_error="", **counted
    )
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(delivery=delivery, at=began_at, duration_ms=duration_ms)
        for delivery in deliveries
    )
    if remote_ids:
        DeliveryStream.objects.bulk_update(
            [DeliveryStream(pk=pk, remote_id=remote_id) for pk, remote_id in remote_ids.items()],
            ["remote_id"],
        )


def mark_failed(
    delivery: Delivery,
    error: ProviderError,
    *,
    began_at: datetime,
    duration_ms: int,
    now: datetime,
    attempts_counted: bool = False,
) -> None:
    """Note a failed try: again later, or, when the destination will never take it, given up with notice."""
    attempts = delivery.attempts + (0 if attempts_counted else 1)
    message = error.message[:ERROR_LENGTH]
    values: dict[str, object] = {"attempts": attempts, "last_error": message}
    if error.retry_in_s is None:
        values |= {"state": Delivery.State.DEAD, "settled_at": now}
        logger.warning(
            "delivery given up delivery=%s stream=%s error=%s",
            delivery.public_id,
            delivery.stream_id,
            message,
        )
    else:
        wait = max(retry_delay(attempts), timedelta(seconds=error.retry_in_s))
        values["next_attempt_at"] = now + wait
    Delivery.objects.filter(pk=delivery.pk).update(**values)
    DeliveryAttempt.objects.create(
        delivery=delivery, at=began_at, duration_ms=duration_ms, error=message
    )
