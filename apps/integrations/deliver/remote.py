"""Deliveries to other providers: called with no transaction open, under a lease on the stream.

A try is counted before it begins. So a process that dies in a call leaves a trace, and whoever takes the
stream over looks for our mark at the destination before it opens anything again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from apps.core.clock import database_now
from apps.integrations.deliver.carry import carry
from apps.integrations.deliver.results import (
    UNEXPECTED,
    due_heads,
    mark_done,
    mark_failed,
    pending_heads,
)
from apps.integrations.models import Connector, Delivery, DeliveryStream
from apps.integrations.providers import kinds, local_kinds, provider_of
from apps.integrations.providers.base import Account, ProviderError

logger = logging.getLogger(__name__)

BATCH = 100
# A delivery makes at most two calls (find, then act); the rest is for our own writing.
CALLS_PER_DELIVERY = 2
SPARE_S = 15.0


def remote_kinds() -> tuple[str, ...]:
    """Return the kinds of destinations that are reached over the network."""
    local = local_kinds()
    return tuple(kind for kind in kinds() if kind not in local)


def is_due() -> bool:
    """Whether a remote delivery is due that nobody works on."""
    found = remote_kinds()
    if not found:
        return False
    now = database_now()
    return pending_heads(found).filter(_is_free(now, "stream__"), next_attempt_at__lte=now).exists()


def _is_free(now: datetime, prefix: str = "") -> Q:
    return Q(**{f"{prefix}leased_until__isnull": True}) | Q(**{f"{prefix}leased_until__lt": now})


def attempt_remote(*, until: float) -> None:
    """Attempt what is due, stream by stream, until the monotonic clock says `until`."""
    found: Collection[str] = remote_kinds()
    if not found:
        return
    for head in due_heads(found, now=database_now(), limit=BATCH):
        if time.monotonic() >= until:
            return
        _attempt(head.stream_id, until)


def _attempt(stream_id: int, until: float) -> None:
    stream = _claim(stream_id)
    if stream is None:
        return
    while time.monotonic() < until:
        delivery = _begin(stream)
        if delivery is None or not _carry(stream, delivery):
            break
    DeliveryStream.objects.filter(pk=stream.pk, claim_no=stream.claim_no).update(leased_until=None)


def _claim(stream_id: int) -> DeliveryStream | None:
    """Take the stream's lease, or nothing when another process has it."""
    row = DeliveryStream.objects.select_related("connector").get(pk=stream_id)
    now = database_now()
    taken = DeliveryStream.objects.filter(
        _is_free(now), pk=stream_id, claim_no=row.claim_no
    ).update(claim_no=F("claim_no") + 1, leased_until=now + _lease(row.connector))
    if not taken:
        return None
    row.claim_no += 1
    return row


def _lease(connector: Connector) -> timedelta:
    limits = provider_of(connector.provider).limits
    return timedelta(seconds=CALLS_PER_DELIVERY * limits.call_timeout_s + SPARE_S)


@transaction.atomic
def _begin(stream: DeliveryStream) -> Delivery | None:
    """Renew the lease and count the try; None when nothing is due, or the lease was lost."""
    now = database_now()
    if not DeliveryStream.objects.filter(pk=stream.pk, claim_no=stream.claim_no).update(
        leased_until=now + _lease(stream.connector)
    ):
        return None
    delivery = (
        Delivery.objects.filter(stream=stream, state=Delivery.State.PENDING)
        .order_by("sequence")
        .first()
    )
    if delivery is None or delivery.next_attempt_at > now:
        return None
    delivery.attempts += 1
    delivery.save(update_fields=["attempts"])
    return delivery


def _carry(stream: DeliveryStream, delivery: Delivery) -> bool:
    """Call the provider and write what became of it. False: the stream has to wait, or was lost."""
    began_at, clock = database_now(), time.monotonic()
    row = DeliveryStream.objects.select_related("connector", "page", "component__page").get(
        pk=stream.pk
    )
    account = Account(api_key=row.connector.api_key, base_url=row.connector.base_url)
    error: ProviderError | None = None
    remote_id = ""
    try:
        remote_id = carry(
            provider=provider_of(row.connector.provider),
            account=account,
            stream=row,
            delivery=delivery,
            may_have_arrived=delivery.attempts > 1 or delivery.sequence > 1,
        )
    except ProviderError as refused:
        error = refused
    except Exception:
        logger.exception("delivery failed delivery=%s", delivery.public_id)
        error = ProviderError(UNEXPECTED, retry_in_s=0)
    duration_ms = round((time.monotonic() - clock) * 1000)
    with transaction.atomic():
        if (
            not DeliveryStream.objects.select_for_update(no_key=True)
            .filter(pk=stream.pk, claim_no=stream.claim_no)
            .exists()
        ):
            # Another process took the stream over; it finds what this try did.
            return False
        if error is None:
            mark_done(
                [delivery],
                {stream.pk: remote_id} if remote_id else {},
                began_at=began_at,
                duration_ms=duration_ms,
                now=database_now(),
                attempts_counted=True,
            )
            return True
        mark_failed(
            delivery,
            error,
            began_at=began_at,
            duration_ms=duration_ms,
            now=database_now(),
            attempts_counted=True,
        )
        # A delivery given up is passed, so that the next one goes on.
        return error.retry_in_s is None
