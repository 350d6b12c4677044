"""The updates of incidents: posted in one order, and corrected afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import changes_between, record, snapshot
from apps.core.editing import live_row
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.validation import clean
from apps.incidents.drafting import check_text
from apps.incidents.models import Incident, IncidentStatus, IncidentUpdate
from apps.incidents.services import affected, approval, postmortems
from apps.incidents.services.incidents import NOTHING
from apps.incidents.services.steps import (
    FOLLOWING,
    audit,
    follow,
    mover_of,
    publish,
    refuse_far,
    standing_of,
)
from apps.incidents.transitions import Move, Standing, move
from apps.pages.services import touch_pages


@transaction.atomic
def post_update(
    *,
    incident_id: int,
    status: str,
    message: str,
    components: Mapping[int, str] = NOTHING,
    expected_sequence: int | None = None,
    display_at: datetime | None = None,
    deliver_notifications: bool = True,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> IncidentUpdate:
    """Publish the next update; the incident comes to its status, also out of resolved (which reopens it).

    `components` is {component id: status}; those not named keep what was said. Resolving ends all the
    incident's contributions; after a reopening those count that an update names anew, and a published
    post-mortem is a draft again. `display_at` back-dates what readers see; components change at `at`.
    Conflict `sequence_moved` when `expected_sequence` is given and not the latest, `merged` and `retrospective`;
    `needs_approval` for a person on a page that has a second one approve, unless `approved`; for automation also `not_automated`, `taken_over`, `resolved_by_person` and `already_resolved`.
    """
    incident = live_row(Incident, incident_id, lock=True)
    if expected_sequence is not None and expected_sequence != incident.last_sequence:
        raise Conflict(
            "sequence_moved",
            f"the incident is at update {incident.last_sequence}, not {expected_sequence}",
        )
    approval.demand(incident, actor, approved=approved)
    shown_at = at if display_at is None else display_at
    _refuse_future(shown_at, at)
    step = _allowed(incident, status, actor)
    before = incident.status
    words = affected.spoken(
        page_id=incident.page_id, statuses=components, actor=actor, incident=incident
    )
    follow(incident, status, step, shown_at=shown_at, at=at)
    incident.save(update_fields=FOLLOWING)
    update = publish(
        incident,
        message,
        words,
        deliver_notifications=deliver_notifications and not incident.is_retrospective,
        shown_at=shown_at,
        actor=actor,
        at=at,
    )
    if step.reopens:
        postmortems.hide_of_reopened(incident=incident, actor=actor, at=at)
    audit(incident, "incident.updated", before, words, actor, at)
    return update


@transaction.atomic
def edit_update(
    *,
    update_id: int,
    body: str | None = None,
    display_at: datetime | None = None,
    seen: str | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> IncidentUpdate:
    """Correct an update's text, or the time that readers see. Its place in the order, its sequence, stays.

    The incident's times of monitoring and resolving follow the shown ones; periods of components do not.
    Invalid for a time in the future; Conflict `needs_approval` as for a post,
    `text_moved` where its text is not the one that `seen` stands for (`drafting.digest_of_text`). The audit trail keeps what was there before.
    """
    incident_id = (
        IncidentUpdate.objects.filter(pk=update_id).values_list("incident_id", flat=True).first()
    )
    if incident_id is None:
        raise NotFound("not_found", "there is no such update")
    incident = live_row(Incident, incident_id, lock=True)
    approval.demand(incident, actor, approved=approved)
    update = IncidentUpdate.objects.get(pk=update_id)
    check_text(update.body, seen)
    before = snapshot(update)
    if body is not None:
        update.body = body
    if display_at is not None:
        if display_at != update.display_at:
            _refuse_future(display_at, at)
        update.display_at = display_at
    changes = changes_between(before, snapshot(update))
    if not changes:
        return update
    clean(update, exclude={"incident", "public_id", "sequence"})
    update.updated_at = at
    update.save(update_fields=[*changes, "updated_at"])
    if "display_at" in changes:
        _follow_shown_times(incident)
    incident.updated_at = max(at, incident.updated_at)
    incident.save(update_fields=["monitoring_at", "resolved_at", "updated_at"])
    record(
        actor=actor,
        at=at,
        action="incident.update_edited",
        row=incident,
        changes={"update": update.public_id, **changes},
    )
    touch_pages(page_ids=[incident.page_id], at=at)
    return update


def _refuse_future(shown_at: datetime, at: datetime) -> None:
    refuse_far(shown_at, field="display_at")
    if shown_at > at:
        raise Invalid("invalid", "an update cannot be shown with a future time", field="display_at")


def _allowed(incident: Incident, status: str, actor: Actor) -> Move:
    standing = standing_of(incident)
    if actor.is_automation and standing is not Standing.MERGED:
        if not incident.is_automated:
            raise Conflict("not_automated", "a person opened this incident")
        if incident.taken_over_at is not None:
            raise Conflict("taken_over", "a person has taken this incident over")
    return move(standing, status, mover=mover_of(actor))


def _follow_shown_times(incident: Incident) -> None:
    """Bring the incident's times to those that its updates show, in memory."""
    incident.monitoring_at = resolved_at = None
    for update in incident.updates.order_by("sequence"):
        if update.status == IncidentStatus.MONITORING and incident.monitoring_at is None:
            incident.monitoring_at = update.display_at
        if update.status != IncidentStatus.RESOLVED:
            resolved_at = None
        elif resolved_at is None:
            resolved_at = update.display_at
    incident.resolved_at = max(resolved_at, incident.started_at) if resolved_at else None
