"""Incidents are opened once, change by updates, and are resolved by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import archive_row, edit_row, live_row
from apps.core.errors import Conflict, Invalid
from apps.core.validation import clean
from apps.incidents.models import EventNumber, Incident, IncidentStatus, IncidentUpdate
from apps.incidents.services import affected
from apps.incidents.transitions import Move, move
from apps.pages.models import Component, Page
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
    actor: Actor,
    at: datetime,
) -> tuple[Incident, bool]:
    """Open an incident with its first update; return it and whether it is new.

    `components` is {component id: status}. The same idempotency key on the same page again returns the first
    answer and changes nothing, also when two ask at once. Opened by automation, its statuses are listed but
    do not contribute until a person posts a status for that component in it.
    """
    if idempotency_key is not None:
        if not 0 < len(idempotency_key) <= 200:
            raise Invalid("invalid", "use 1 to 200 characters", field="idempotency_key")
        first = _with_key(page_id, idempotency_key)
        if first is not None:
            return first, False
    page = live_row(Page, page_id)
    begins = move(None, status)
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
    if incident.started_at > at:
        raise Invalid("invalid", "an incident cannot start in the future", field="started_at")
    rows = affected.named_components(page_id=page_id, statuses=components)
    _follow(incident, status, begins, at)
    # The key is checked by the insertion: only that is safe from another one who asks at the same time.
    clean(incident, exclude={"number", "idempotency_key"})
    try:
        with transaction.atomic():
            incident.number = EventNumber.objects.create().pk
            incident.save(force_insert=True)
    except IntegrityError:
        first = _with_key(page_id, idempotency_key) if idempotency_key is not None else None
        if first is None:
            raise
        return first, False
    _publish(incident, message, components, rows, deliver_notifications, actor, at)
    _audit(incident, "incident.opened", "", _by_public_id(components, rows), actor, at)
    return incident, True


@transaction.atomic
def post_update(
    *,
    incident_id: int,
    status: str,
    message: str,
    components: Mapping[int, str] = NOTHING,
    expected_sequence: int | None = None,
    deliver_notifications: bool = True,
    actor: Actor,
    at: datetime,
) -> IncidentUpdate:
    """Publish the next update; the incident comes to its status, also out of resolved (which reopens it).

    `components` is {component id: status}; those not named keep what was said. Resolving ends all the
    incident's contributions. Conflict `sequence_moved` when `expected_sequence` is given and not the latest;
    for automation also `not_automated`, `taken_over`, `resolved_by_person` and `already_resolved`.
    """
    incident = live_row(Incident, incident_id, lock=True)
    if expected_sequence is not None and expected_sequence != incident.last_sequence:
        raise Conflict(
            "sequence_moved",
            f"the incident is at update {incident.last_sequence}, not {expected_sequence}",
        )
    step = _allowed(incident, status, actor)
    before = incident.status
    rows = affected.named_components(
        page_id=incident.page_id, statuses=components, incident=incident
    )
    _follow(incident, status, step, at)
    update = _publish(incident, message, components, rows, deliver_notifications, actor, at)
    _audit(incident, "incident.updated", before, _by_public_id(components, rows), actor, at)
    return update


@transaction.atomic
def edit_incident(
    *,
    incident_id: int,
    name: str | None = None,
    impact_override: str | None = None,
    actor: Actor,
    at: datetime,
) -> Incident:
    """Change the incident's name or override its impact ("" : derived again). Its updates stay as they are."""
    incident = live_row(Incident, incident_id, lock=True)
    wanted = {"name": name, "impact_override": impact_override}
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


def _with_key(page_id: int, key: str) -> Incident | None:
    found: Incident | None = Incident.objects.filter(page=page_id, idempotency_key=key).first()
    return found


def _allowed(incident: Incident, status: str, actor: Actor) -> Move:
    if not actor.is_automation:
        return move(incident.status, status)
    if not incident.is_automated:
        raise Conflict("not_automated", "a person opened this incident")
    if incident.taken_over_at is not None:
        raise Conflict("taken_over", "a person has taken this incident over")
    latest = incident.updates.filter(sequence=incident.last_sequence).get()
    return move(
        incident.status, status, by_automation=True, spoken_by_person=not latest.is_automated
    )


def _follow(incident: Incident, status: str, step: Move, at: datetime) -> None:
    """Bring the incident's own columns to the step's."""
    incident.status, incident.updated_at = status, max(at, incident.updated_at)
    if status == IncidentStatus.MONITORING and incident.monitoring_at is None:
        incident.monitoring_at = at
    if step.resolves:
        incident.resolved_at = max(at, incident.started_at)
    elif step.reopens:
        incident.resolved_at = None
    incident.last_sequence += 1


def _publish(
    incident: Incident,
    message: str,
    statuses: Mapping[int, str],
    components: Mapping[int, Component],
    deliver_notifications: bool,
    actor: Actor,
    at: datetime,
) -> IncidentUpdate:
    """Write the update of a locked incident that has been brought to it, and what it says."""
    incident.save(
        update_fields=["status", "monitoring_at", "resolved_at", "last_sequence", "updated_at"]
    )
    update = IncidentUpdate(
        incident=incident,
        sequence=incident.last_sequence,
        status=incident.status,
        body=message,
        display_at=at,
        is_automated=actor.is_automation,
        author=actor.label[:200],
        deliver_notifications=deliver_notifications,
        created_at=at,
        updated_at=at,
    )
    clean(update)
    update.save(force_insert=True)
    affected.say(
        incident=incident,
        update=update,
        statuses=statuses,
        components=components,
        ends=incident.status == IncidentStatus.RESOLVED,
        actor=actor,
        at=at,
    )
    touch_pages(page_ids=[incident.page_id], at=at)
    return update


def _by_public_id(
    statuses: Mapping[int, str], components: Mapping[int, Component]
) -> dict[str, str]:
    return {components[pk].public_id: status for pk, status in statuses.items()}


def _audit(
    incident: Incident,
    action: str,
    before: str,
    statuses: Mapping[str, str],
    actor: Actor,
    at: datetime,
) -> None:
    """Automation's changes of incidents are kept as well: readers see them, so staff ask who did it."""
    changes = {
        "status": [before, incident.status],
        "sequence": [incident.last_sequence - 1, incident.last_sequence],
        "components": dict(statuses),
    }
    record(actor=actor, at=at, action=action, row=incident, changes=changes)
