"""Incidents are opened once, corrected, taken over and archived. Their updates are in updates.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import archive_row, edit_row, live_row
from apps.core.errors import Conflict, Invalid
from apps.core.validation import clean
from apps.incidents.models import EventNumber, Incident
from apps.incidents.services import affected, approval
from apps.incidents.services.steps import audit, follow, mover_of, publish, refuse_far
from apps.incidents.transitions import Standing, move
from apps.pages.models import Page
from apps.pages.services import touch_pages

NOTHING: Mapping[int, str] = {}


@transaction.atomic
def open_incident(
    *,
    page_id: int,
    name: str,
    status: str,
    message: str,
    components: Mapping[int, str] = NOTHING,
    impact_override: str = "",
    idempotency_key: str | None = None,
    origin: str = "",
    started_at: datetime | None = None,
    deliver_notifications: bool = True,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> tuple[Incident, bool]:
    """Open an incident with its first update; return it and whether it is new.

    `components` is {component id: status}. The same idempotency key on the same page again returns the first
    answer and changes nothing, also when two ask at once. Opened by automation, its statuses are listed but
    do not contribute until a person posts a status for that component in it. Conflict `needs_approval` for a
    person on a page that has a second one approve, unless `approved`.
    """
    first = with_key(page_id, idempotency_key)
    if first is not None:
        return first, False
    page = live_row(Page, page_id)
    begins = move(Standing.NEW, status, mover=mover_of(actor))
    incident = Incident(
        page=page,
        name=name,
        status=status,
        impact_override=impact_override,
        started_at=started_at or at,
        is_automated=actor.is_automation,
        origin=origin[:200],
        idempotency_key=idempotency_key,
        created_at=at,
        updated_at=at,
    )
    approval.demand(incident, actor, approved=approved)
    refuse_far(incident.started_at, field="started_at")
    if incident.started_at > at:
        raise Invalid("invalid", "an incident cannot start in the future", field="started_at")
    words = affected.spoken(page_id=page_id, statuses=components, actor=actor)
    follow(incident, status, begins, shown_at=at, at=at)
    first = insert_once(incident)
    if first is not None:
        return first, False
    publish(
        incident,
        message,
        words,
        deliver_notifications=deliver_notifications,
        shown_at=at,
        actor=actor,
        at=at,
    )
    audit(incident, "incident.opened", "", words, actor, at)
    return incident, True


@transaction.atomic
def edit_incident(
    *,
    incident_id: int,
    name: str | None = None,
    impact_override: str | None = None,
    started_at: datetime | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> Incident:
    """Change the name, the start as shown, or override the impact ("" : derived again). Updates stay as they are.

    Invalid for a start in the future or after the end; Conflict `needs_approval` as for a post.
    """
    incident = live_row(Incident, incident_id, lock=True)
    approval.demand(incident, actor, approved=approved)
    if started_at is not None:
        refuse_far(started_at, field="started_at")
    if started_at is not None and started_at > (incident.resolved_at or at):
        when = "after its end" if incident.resolved_at else "in the future"
        raise Invalid("invalid", f"an incident cannot start {when}", field="started_at")
    wanted = {"name": name, "impact_override": impact_override, "started_at": started_at}
    fields = {field: value for field, value in wanted.items() if value is not None}
    changes = edit_row(incident, fields, action="incident.edited", actor=actor, at=at)
    if "name" in changes:
        affected.relabel(incident=incident, actor=actor, at=at)
    if changes:
        touch_pages(page_ids=[incident.page_id], at=at)
    return incident


@transaction.atomic
def take_over(*, incident_id: int, actor: Actor, at: datetime) -> Incident:
    """Take an automated incident out of automation's hands. What it says stays until a person changes it."""
    incident = live_row(Incident, incident_id, lock=True)
    if actor.is_automation:
        raise Conflict("staff_only", "only a person takes an incident over")
    if not incident.is_automated or incident.taken_over_at is not None:
        raise Conflict("not_automated", "this incident is in a person's hands already")
    incident.taken_over_at = incident.updated_at = at
    incident.save(update_fields=["taken_over_at", "updated_at"])
    record(actor=actor, at=at, action="incident.taken_over", row=incident)
    return incident


@transaction.atomic
def archive_incident(*, incident_id: int, actor: Actor, at: datetime) -> Incident:
    """Take an incident off its page for good; its contributions end, its key stays taken."""
    incident = live_row(Incident, incident_id, lock=True)
    archive_row(incident, action="incident.archived", actor=actor, at=at)
    affected.withdraw(incident=incident, actor=actor, at=at)
    touch_pages(page_ids=[incident.page_id], at=at)
    return incident


def with_key(page_id: int, key: str | None) -> Incident | None:
    """Return the page's incident with this idempotency key. Invalid for a key that is none."""
    if key is None:
        return None
    if not 0 < len(key) <= 200:
        raise Invalid("invalid", "use 1 to 200 characters", field="idempotency_key")
    found: Incident | None = Incident.objects.filter(page=page_id, idempotency_key=key).first()
    return found


def insert_once(incident: Incident) -> Incident | None:
    """Validate and insert a new incident; return the one that has its key already, if another was quicker."""
    # The key is checked by the insertion: only that is safe from another one who asks at the same time.
    clean(incident, exclude={"number", "idempotency_key", "page", "public_id", "resolved_at"})
    try:
        with transaction.atomic():
            incident.number = EventNumber.objects.create().pk
            incident.save(force_insert=True)
    except IntegrityError:
        first = with_key(incident.page_id, incident.idempotency_key)
        if first is None:
            raise
        return first
    return None
