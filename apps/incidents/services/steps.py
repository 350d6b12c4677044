"""One published step of an incident, whoever takes it. To be called with the incident's row locked, or new."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.errors import Invalid
from apps.core.validation import clean
from apps.incidents.models import Incident, IncidentStatus, IncidentUpdate
from apps.incidents.services import affected
from apps.incidents.services.affected import Spoken
from apps.incidents.transitions import Move, Mover, Standing
from apps.pages.services import touch_pages

FOLLOWING = ["status", "monitoring_at", "resolved_at", "last_sequence", "updated_at"]
"""The columns that an update moves."""
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def mover_of(actor: Actor) -> Mover:
    return "automation" if actor.is_automation else "person"


def standing_of(incident: Incident) -> Standing:
    """Return where an incident stands. One query, for a resolved one only."""
    if incident.merged_into_id is not None:
        return Standing.MERGED
    if incident.is_open:
        return Standing.OPEN
    if incident.is_retrospective:
        return Standing.RETROSPECTIVE
    latest = incident.updates.filter(sequence=incident.last_sequence).first()
    if latest is not None and latest.is_automated:
        return Standing.RESOLVED_BY_AUTOMATION
    return Standing.RESOLVED_BY_PERSON


def follow(
    incident: Incident, status: str, step: Move, *, shown_at: datetime, at: datetime
) -> None:
    """Bring the incident's own columns to the step's, in memory. `shown_at` is the update's time to readers."""
    incident.status, incident.updated_at = status, max(at, incident.updated_at)
    if status == IncidentStatus.MONITORING and incident.monitoring_at is None:
        incident.monitoring_at = shown_at
    if step.resolves:
        incident.resolved_at = max(shown_at, incident.started_at)
    elif step.reopens:
        incident.resolved_at = None
    incident.last_sequence += 1


def publish(
    incident: Incident,
    message: str,
    words: Spoken,
    *,
    deliver_notifications: bool,
    shown_at: datetime,
    actor: Actor,
    at: datetime,
) -> IncidentUpdate:
    """Write the update of an incident that was saved as `follow` left it, and what it says."""
    update = new_update(
        incident,
        message,
        deliver_notifications=deliver_notifications,
        shown_at=shown_at,
        actor=actor,
        at=at,
    )
    affected.say(
        incident=incident,
        update=update,
        words=words,
        ends=not incident.is_open,
        actor=actor,
        at=at,
    )
    touch_pages(page_ids=[incident.page_id], at=at)
    return update


def new_update(
    incident: Incident,
    message: str,
    *,
    deliver_notifications: bool,
    shown_at: datetime,
    actor: Actor,
    at: datetime,
) -> IncidentUpdate:
    """Insert the update that the incident stands at. Invalid when its text or status is none."""
    update = IncidentUpdate(
        incident=incident,
        sequence=incident.last_sequence,
        status=incident.status,
        body=message,
        display_at=shown_at,
        is_automated=actor.is_automation,
        author=actor.label[:200],
        deliver_notifications=deliver_notifications,
        created_at=at,
        updated_at=at,
    )
    # What the database checks itself, under the incident's lock, is not asked for beforehand.
    clean(update, exclude={"incident", "public_id", "sequence"})
    update.save(force_insert=True)
    return update


def audit(
    incident: Incident, action: str, before: str, words: Spoken, actor: Actor, at: datetime
) -> None:
    """Automation's changes of incidents are kept as well: readers see them, so staff ask who did it."""
    changes = {
        "status": [before, incident.status],
        "sequence": [incident.last_sequence - 1, incident.last_sequence],
        "components": words.by_public_id,
    }
    record(actor=actor, at=at, action=action, row=incident, changes=changes)


def refuse_far(at: datetime, *, field: str) -> None:
    """Invalid for a time that only a slip makes; in some zone it could not even be written."""
    if not _EARLIEST <= at < _LATEST:
        raise Invalid("invalid", "use a time from 2000 to 2199", field=field)
