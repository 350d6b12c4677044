"""Deliveries to providers that write to our own database: the change and its end are one transaction.

A stream's row is locked for that long, so no lease can outlive the process that died with it, and two
deliverers never work on one stream. Streams are taken in batches; when one of them fails, each is
tried on its own, so that the offender stands alone.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from apps.core.clock import database_now
from apps.integrations.changes import ComponentChange, from_json
from apps.integrations.deliver.carry import carry, component_id, component_page_id
from apps.integrations.deliver.results import (
    UNEXPECTED,
    due_stream_ids,
    mark_done,
    mark_failed,
    pending_heads,
)
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.providers import local_kinds, provider_of
from apps.integrations.providers.base import Account, Provider, ProviderError

logger = logging.getLogger(__name__)

# Small, so that on SQLite the recorder gets its turn at the one writer.
BATCH = 50
BUSY_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class _Item:
    delivery: Delivery
    stream: DeliveryStream


def attempt_local(*, until: float) -> float | None:
    """Attempt what is due, until the monotonic clock says `until`; return when to come again, in seconds."""
    kinds = local_kinds()
    while stream_ids := due_stream_ids(kinds, now=database_now(), limit=BATCH):
        if not _attempt(stream_ids):
            # Another deliverer has them all; it is at work, or dies and its locks with it.
            return BUSY_WAIT_S
        if time.monotonic() >= until:
            return 0.0
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


def _attempt(stream_ids: Sequence[int]) -> int:
    """Return how many deliveries were tried."""
    try:
        with transaction.atomic():
            return _apply_all(stream_ids)
    except (OperationalError, InterfaceError):
        # The database itself is in trouble (or two transactions met in a deadlock): no delivery's fault.
        raise
    except Exception:
        logger.info("batch of deliveries failed, trying each alone streams=%d", len(stream_ids))
    return sum(_attempt_alone(stream_id) for stream_id in stream_ids)


def _apply_all(stream_ids: Sequence[int]) -> int:
    began_at, clock = database_now(), time.monotonic()
    queues = _lock(stream_ids, began_at)
    remote_ids: dict[int, str] = {}
    done: list[Delivery] = []
    for turn in range(max((len(queue) for queue in queues), default=0)):
        items = [queue[turn] for queue in queues if len(queue) > turn]
        # An incident first: its update tells what its components were before.
        for item in items:
            if item.stream.kind == DeliveryStream.Kind.INCIDENT:
                remote_id = _carry(item)
                item.stream.remote_id = remote_ids[item.stream.pk] = remote_id
        _apply_components(
            [item for item in items if item.stream.kind == DeliveryStream.Kind.COMPONENT]
        )
        done += [item.delivery for item in items]
    duration_ms = round((time.monotonic() - clock) * 1000)
    mark_done(done, remote_ids, began_at=began_at, duration_ms=duration_ms, now=database_now())
    return len(done)


def _lock(stream_ids: Sequence[int], now: datetime) -> list[list[_Item]]:
    """Lock the streams that nobody else works on; return what each has to deliver, in its order."""
    streams = {
        stream.pk: stream
        for stream in DeliveryStream.objects.filter(pk__in=stream_ids)
        .select_related("connector", "page", "component__page")
        .order_by("pk")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
    }
    queues: dict[int, list[_Item]] = defaultdict(list)
    # Read after the lock: what another deliverer settled meanwhile is not seen as pending.
    for delivery in Delivery.objects.filter(
        stream_id__in=streams, state=Delivery.State.PENDING
    ).order_by("stream_id", "sequence"):
        queues[delivery.stream_id].append(_Item(delivery, streams[delivery.stream_id]))
    return [queue for queue in queues.values() if queue[0].delivery.next_attempt_at <= now]


def _apply_components(items: Sequence[_Item]) -> None:
    """Apply those of one page and instant in one call."""
    together: dict[tuple[str, str, datetime], dict[str, ComponentChange]] = defaultdict(dict)
    for item in items:
        change = from_json(item.delivery.change)
        if not isinstance(change, ComponentChange):
            raise ProviderError(f"a component's stream carries {item.delivery.change['kind']}")
        key = (item.stream.connector.provider, component_page_id(item.stream), item.delivery.at)
        together[key][component_id(item.stream)] = change
    for (kind, page_id, at), changes in sorted(together.items(), key=lambda pair: pair[0][2]):
        provider_of(kind).apply_components(Account(), page_id=page_id, changes=changes, at=at)


def _carry(item: _Item) -> str:
    provider: Provider = provider_of(item.stream.connector.provider)
    return carry(
        provider=provider,
        account=Account(),
        stream=item.stream,
        delivery=item.delivery,
        # The provider answers to its idempotency key; nothing of a failed try remained.
        may_have_arrived=False,
    )


def _attempt_alone(stream_id: int) -> int:
    """Deliver the stream's changes one transaction each, up to the first that has to wait."""
    tried = 0
    while True:
        began_at, clock = database_now(), time.monotonic()
        item: _Item | None = None
        try:
            with transaction.atomic():
                queues = _lock([stream_id], began_at)
                if not queues:
                    return tried
                item = queues[0][0]
                remote_id = _carry(item)
                mark_done(
                    [item.delivery],
                    {stream_id: remote_id} if remote_id else {},
                    began_at=began_at,
                    duration_ms=round((time.monotonic() - clock) * 1000),
                    now=database_now(),
                )
            error = None
        except (OperationalError, InterfaceError):
            raise
        except ProviderError as refused:
            error = refused
        except Exception:
            logger.exception("delivery failed stream=%s", stream_id)
            error = ProviderError(UNEXPECTED, retry_in_s=0)
        if item is None:
            # The stream could not even be read; the sweep comes again.
            return tried
        tried += 1
        if error is not None:
            _fail(item, error, began_at, round((time.monotonic() - clock) * 1000))


def _fail(item: _Item, error: ProviderError, began_at: datetime, duration_ms: int) -> None:
    with transaction.atomic():
        DeliveryStream.objects.select_for_update(no_key=True).get(pk=item.stream.pk)
        delivery = Delivery.objects.get(pk=item.delivery.pk)
        if delivery.state == Delivery.State.PENDING:
            mark_failed(
                delivery, error, began_at=began_at, duration_ms=duration_ms, now=database_now()
            )
