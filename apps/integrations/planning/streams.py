"""Delivery streams: found or made, locked in one order, and appended to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from apps.core import pump
from apps.core.clock import database_now
from apps.integrations.changes import Change, ComponentChange, SaidWord, to_json
from apps.integrations.models import ComponentLink, ConnectorComponent, Delivery, DeliveryStream

JOB = "deliver"
LABEL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Promise:
    """A change to append to a locked stream. `at` is when it became true."""

    stream: DeliveryStream
    change: Change
    at: datetime
    integration_id: int | None = None
    replay_of: Delivery | None = None


def lock_component_streams(component_ids: Iterable[int]) -> dict[int, DeliveryStream]:
    """Return {component id: stream}, locked in the order of their keys; missing ones are made."""
    wanted = set(component_ids)
    if not wanted:
        return {}
    found = _locked(wanted)
    missing = wanted - found.keys()
    if missing:
        DeliveryStream.objects.bulk_create(
            (
                DeliveryStream(
                    key=f"component:{component.page.connector.public_id}:{component.public_id}",
                    kind=DeliveryStream.Kind.COMPONENT,
                    connector_id=component.page.connector_id,
                    page_id=component.page_id,
                    component=component,
                )
                for component in ConnectorComponent.objects.filter(pk__in=missing)
                .select_related("page__connector")
                .order_by("pk")
            ),
            # Another transaction may have made the same one; its commit is waited for here.
            ignore_conflicts=True,
        )
        found |= _locked(missing)
    return found


def _locked(component_ids: Iterable[int]) -> dict[int, DeliveryStream]:
    streams = (
        DeliveryStream.objects.filter(
            kind=DeliveryStream.Kind.COMPONENT, component_id__in=component_ids
        )
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return {stream.component_id: stream for stream in streams if stream.component_id is not None}


def component_changes(component_ids: Iterable[int]) -> dict[int, ComponentChange]:
    """Return {component id: all that our links say of it now}. The components' streams are locked."""
    words: dict[int, list[SaidWord]] = {component_id: [] for component_id in component_ids}
    said = (
        ComponentLink.objects.filter(component_id__in=words)
        .exclude(said_status="")
        .order_by("public_id")
        .values_list(
            "component_id",
            "public_id",
            "said_status",
            "said_at",
            "integration__monitor__name",
            "integration__nickname",
        )
    )
    for component_id, key, status, since, monitor, nickname in said:
        label = f"{monitor} ({nickname})"[:LABEL_LENGTH]
        assert since is not None  # said_at is set with said_status
        words[component_id].append(SaidWord(key=key, label=label, status=status, since=since))
    return {component_id: ComponentChange(tuple(held)) for component_id, held in words.items()}


def append(promises: Sequence[Promise]) -> list[Delivery]:
    """Write the deliveries, at most one per stream, whose rows are locked; wake the deliverer on commit."""
    if not promises:
        return []
    now = database_now()
    streams = [promise.stream for promise in promises]
    DeliveryStream.objects.filter(pk__in=[stream.pk for stream in streams]).update(
        last_sequence=F("last_sequence") + 1
    )
    for stream in streams:
        stream.last_sequence += 1
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            stream=promise.stream,
            sequence=promise.stream.last_sequence,
            integration_id=promise.integration_id,
            at=promise.at,
            change=to_json(promise.change),
            next_attempt_at=now,
            replay_of=promise.replay_of,
        )
        for promise in promises
    )
    pump.wake_on_commit(JOB)
    return deliveries


def first_changes(stream_ids: Iterable[int]) -> Mapping[int, dict[str, object]]:
    """Return {stream id: the JSON of its first change}."""
    return dict(
        Delivery.objects.filter(stream_id__in=stream_ids, sequence=1).values_list(
            "stream_id", "change"
        )
    )
