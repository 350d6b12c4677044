"""Deliveries to providers that write to our own database: the change and its end are one transaction.

A stream's row is locked for that long, so no lease can outlive the process that died with it, and two
deliverers never work on one stream. Words on components of one page that became true at one instant go
together; everything else goes alone. A transaction holds the locks of one call of a service, since those of
several in a row could meet another's in the opposite order.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from apps.core.clock import database_now
from apps.integrations.changes import ComponentChange, from_json
from apps.integrations.deliver.carry import carry, component_id, component_page_id
from apps.integrations.deliver.results import (
    UNEXPECTED,
    due_heads,
    mark_done,
    mark_failed,
    pending_heads,
)
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.providers import local_kinds, provider_of
from apps.integrations.providers.base import Account, ProviderError

logger = logging.getLogger(__name__)

BATCH = 100
BUSY_WAIT_S = 0.5


def attempt_local(*, until: float) -> float | None:
    """Attempt what is due, until the monotonic clock says `until`; return when to come again, in seconds."""
    kinds = local_kinds()
    while heads := list(due_heads(kinds, now=database_now(), limit=BATCH)):
        tried = 0
        for group in _together(heads):
            tried += _attempt(group)
            if time.monotonic() >= until:
                return 0.0
        if not tried:
            # Another deliverer has them all; it is at work, or dies and its locks with it.
            return BUSY_WAIT_S
    return _next_in_s(kinds)


def _next_in_s(kinds: Sequence[str]) -> float | None:
    first = (
        pending_heads(kinds)
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first()
    )
    if first is None:
        return None
    return max(0.0, (first - database_now()).total_seconds())


def _together(heads: Sequence[Delivery]) -> list[list[Delivery]]:
    """Return what goes in one transaction each, in the order of time.

    An incident goes before its components: its update tells what they were before.
    """
    groups: dict[tuple[datetime, bool, str], list[Delivery]] = defaultdict(list)
    for head in heads:
        if head.stream.kind == DeliveryStream.Kind.COMPONENT:
            groups[head.at, True, component_page_id(head.stream)].append(head)
        else:
            groups[head.at, False, head.stream.key].append(head)
    return [groups[key] for key in sorted(groups)]


def _attempt(group: Sequence[Delivery]) -> int:
    """Return how many deliveries were tried. When one of several fails, each is tried on its own."""
    began_at, clock = database_now(), time.monotonic()
    try:
        with transaction.atomic():
            return _apply(group, began_at)
    except (OperationalError, InterfaceError):
        # The database itself is in trouble (or two transactions met in a deadlock): no delivery's fault.
        raise
    except ProviderError as refused:
        error = refused
    except Exception:
        logger.exception("deliveries failed deliveries=%s", [one.public_id for one in group])
        error = ProviderError(UNEXPECTED, retry_in_s=0)
    if len(group) > 1:
        return sum(_attempt([one]) for one in group)
    _fail(group[0], error, began_at, round((time.monotonic() - clock) * 1000))
    return 1


def _apply(group: Sequence[Delivery], began_at: datetime) -> int:
    clock = time.monotonic()
    deliveries = _lock(group)
    if not deliveries:
        return 0
    remote_ids: dict[int, str] = {}
    if deliveries[0].stream.kind == DeliveryStream.Kind.COMPONENT:
        _apply_components(deliveries)
    else:
        for delivery in deliveries:
            remote_id = _carry(delivery)
            if remote_id and remote_id != delivery.stream.remote_id:
                remote_ids[delivery.stream_id] = remote_id
    duration_ms = round((time.monotonic() - clock) * 1000)
    mark_done(
        deliveries, remote_ids, began_at=began_at, duration_ms=duration_ms, now=database_now()
    )
    return len(deliveries)


def _lock(group: Sequence[Delivery]) -> list[Delivery]:
    """Lock the streams that nobody else works on; return those deliveries that are still their next ones."""
    streams = {
        stream.pk: stream
        for stream in DeliveryStream.objects.filter(pk__in=[one.stream_id for one in group])
        .select_related("connector", "page", "component__page")
        .order_by("pk")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
    }
    # Read after the lock: what another deliverer settled meanwhile is pending no more.
    heads: dict[int, Delivery] = {}
    for delivery in Delivery.objects.filter(
        stream_id__in=streams, state=Delivery.State.PENDING
    ).order_by("-sequence"):
        delivery.stream = streams[delivery.stream_id]
        heads[delivery.stream_id] = delivery
    wanted = {one.pk for one in group}
    return [heads[pk] for pk in streams if pk in heads and heads[pk].pk in wanted]


def _apply_components(deliveries: Sequence[Delivery]) -> None:
    changes: dict[str, ComponentChange] = {}
    for delivery in deliveries:
        change = from_json(delivery.change)
        if not isinstance(change, ComponentChange):
            raise ProviderError(f"a component's stream carries {delivery.change['kind']}")
        changes[component_id(delivery.stream)] = change
    first = deliveries[0]
    provider_of(first.stream.connector.provider).apply_components(
        Account(), page_id=component_page_id(first.stream), changes=changes, at=first.at
    )


def _carry(delivery: Delivery) -> str:
    return carry(
        provider=provider_of(delivery.stream.connector.provider),
        account=Account(),
        stream=delivery.stream,
        delivery=delivery,
        # The provider answers to its idempotency key; nothing of a failed try remained.
        may_have_arrived=False,
    )


def _fail(delivery: Delivery, error: ProviderError, began_at: datetime, duration_ms: int) -> None:
    with transaction.atomic():
        DeliveryStream.objects.select_for_update(no_key=True).get(pk=delivery.stream_id)
        held = Delivery.objects.get(pk=delivery.pk)
        if held.state == Delivery.State.PENDING:
            mark_failed(held, error, began_at=began_at, duration_ms=duration_ms, now=database_now())
