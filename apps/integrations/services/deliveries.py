"""Deliveries: attempt what is due, and send one again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import Conflict, NotFound
from apps.integrations import deliver
from apps.integrations.changes import from_json
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.planning.streams import Promise, append, component_changes


def attempt_deliveries() -> float | None:
    """Attempt the due deliveries; return the seconds until more is due here, or None.

    Twice, or at once in two processes, is harmless: each stream is locked or leased by one.
    """
    return deliver.run()


@transaction.atomic
def replay_delivery(*, delivery_id: int, actor: Actor, at: datetime) -> Delivery:
    """Send a settled delivery again, at the end of its stream. Conflict while it is pending.

    For a component what is sent is all that our links say of it *now*: an old word would bring the page
    to a state that is over. For an incident it is the same change, and those that followed it, so that one
    whose opening was given up is told to its end; what has arrived is found by its key and changes nothing.
    Returns the first delivery written.
    """
    delivery = Delivery.objects.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound("delivery_not_found", f"there is no delivery {delivery_id}")
    stream = DeliveryStream.objects.select_for_update(no_key=True).get(pk=delivery.stream_id)
    delivery.refresh_from_db()
    if delivery.state == Delivery.State.PENDING:
        raise Conflict("delivery_pending", "the delivery is still being attempted")
    if stream.component_id is not None:
        change = component_changes([stream.component_id])[stream.component_id]
        written = append([Promise(stream, change, at, delivery.integration_id, delivery)])
    else:
        written = []
        for source in _from_here_on(delivery):
            written += append(
                [
                    Promise(
                        stream, from_json(source.change), source.at, source.integration_id, source
                    )
                ]
            )
    if not actor.is_automation:
        record(actor=actor, at=at, action="delivery.replayed", row=delivery)
    return written[0]


def _from_here_on(delivery: Delivery) -> list[Delivery]:
    """Return the delivery and those after it in its stream, each change once."""
    later = Delivery.objects.filter(
        stream=delivery.stream_id, sequence__gt=delivery.sequence, replay_of__isnull=True
    )
    return [delivery, *later.order_by("sequence")]
